//! Tenants: created, renamed, deactivated, activated, and deleted after a time in which they can be restored.

use super::tenant_config::{check_limits, to_contract as config_to_contract};
use super::users::{chosen, temporary, to_contract as user_to_contract};
use crate::app::{App, AppError, Code, Page, PageRequest};
use packshot_contract::problem::Invalid;
use packshot_contract::tenant::{self as contract, CreatedTenant, NewAdmin, NewTenant, TenantUsage};
use packshot_db::tenants::{self, Tenant, TenantView, Usage};
use packshot_db::users::NewUser;
use packshot_db::{AllTenants, DbError, TenantScope, jobs};
use packshot_domain::access::Role;
use packshot_domain::change::Change;
use packshot_domain::id::TenantId;
use packshot_domain::principal::Principal;
use packshot_domain::tenant_config::{BUILTIN_LIBRARY, TenantConfig, TenantConfigChange};
use packshot_domain::user::DisplayName;
use packshot_materials::library::Library;

/// The tenants, newest first.
///
/// # Errors
/// Errors of the database.
pub async fn list(app: &App, page: PageRequest) -> Result<Page<contract::Tenant>, AppError> {
    let Page { items, next } = tenants::list(&app.db, AllTenants::Instance, page).await?;
    Ok(Page { items: items.into_iter().map(to_contract).collect(), next })
}

/// A tenant.
///
/// # Errors
/// [`Code::TenantNotFound`].
pub async fn get(app: &App, id: TenantId) -> Result<contract::Tenant, AppError> {
    Ok(to_contract(tenants::view(&app.db, AllTenants::Instance, id).await?))
}

/// The tenant that the caller's request belongs to.
///
/// # Errors
/// Errors of the database.
pub async fn own(app: &App, who: &Principal) -> Result<contract::Tenant, AppError> {
    Ok(to_contract(tenants::own(&app.db, TenantScope::of(who.tenant)).await?))
}

/// Creates a tenant with its first admin, who has a temporary password where none is given.
///
/// # Errors
/// [`Code::TenantSlugExists`],
/// [`Code::WeakPassword`].
pub async fn create(app: &App, who: &Principal, new: NewTenant) -> Result<CreatedTenant, AppError> {
    let NewTenant { name, slug, slug_at, config, admin } = new;
    check_choice(&config)?;
    check_limits(app, &config, "/config").await?;
    let NewAdmin { email, display_name, password } = admin;
    let (password, temporary_password) = match password {
        Some(password) => {
            let (email, name) = (Some(email.as_str()), display_name.as_str());
            (chosen(app, password, email, name, "/admin/password").await?, None)
        }
        None => temporary(app).await.map(|(made, shown)| (made, Some(shown)))?,
    };
    let admin = NewUser { email, display_name, role: Role::TenantAdmin, is_active: true, password };
    let default = TenantConfig::default_of(false);
    let config = config.of(default.clone(), default);
    let new = tenants::NewTenant { slug: slug.clone(), name, config, admin };
    let created = tenants::create(&app.db, AllTenants::Instance, who.actor(), new).await;
    let (tenant, admin) = created.map_err(|error| match error {
        DbError::Exists("tenant") => {
            let detail = format!("there is, or was, another tenant with the slug \"{slug}\"");
            AppError::new(Code::TenantSlugExists, detail).at(slug_at)
        }
        error => error.into(),
    })?;
    Ok(CreatedTenant { tenant: to_contract(tenant), admin: user_to_contract(admin), temporary_password })
}

/// Gives a tenant another name.
///
/// # Errors
/// [`Code::TenantNotFound`].
pub async fn rename(
    app: &App,
    who: &Principal,
    id: TenantId,
    name: Option<DisplayName>,
) -> Result<contract::Tenant, AppError> {
    match name {
        Some(name) => {
            let view = tenants::set_name(&app.db, AllTenants::Instance, who.actor(), id, name).await?;
            Ok(to_contract(view))
        }
        None => get(app, id).await,
    }
}

/// Locks the users of a tenant out; its running tasks finish, or are cancelled.
///
/// # Errors
/// [`Code::TenantNotFound`],
/// [`Code::OperatingTenant`],
/// [`Code::LastGlobalAdmin`],
/// [`Code::TenantDeleting`].
pub async fn deactivate(
    app: &App,
    who: &Principal,
    id: TenantId,
    cancels_running: bool,
) -> Result<contract::Tenant, AppError> {
    let view = tenants::deactivate(&app.db, AllTenants::Instance, who.actor(), id).await?;
    if !cancels_running {
        return Ok(to_contract(view));
    }
    // No task starts any more, so these are all. If this is interrupted, the same request cancels the rest.
    let scope = TenantScope::of(id);
    for job in jobs::at_work(&app.db, scope).await? {
        match jobs::request_cancel(&app.db, scope, job).await {
            Ok(_) | Err(DbError::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    get(app, id).await
}

/// Lets the users of a tenant in again; its tasks start.
///
/// # Errors
/// [`Code::TenantNotFound`],
/// [`Code::TenantDeleting`].
pub async fn activate(app: &App, who: &Principal, id: TenantId) -> Result<contract::Tenant, AppError> {
    Ok(to_contract(tenants::activate(&app.db, AllTenants::Instance, who.actor(), id).await?))
}

/// Marks a deactivated tenant to be deleted: its data is removed after `delete_after`. `confirm` must be its slug.
///
/// # Errors
/// [`Code::TenantNotFound`],
/// [`Code::OperatingTenant`],
/// [`Code::TenantNotDeactivated`],
/// [`Code::ConfirmationRequired`].
pub async fn delete(
    app: &App,
    who: &Principal,
    id: TenantId,
    confirm: Option<String>,
) -> Result<contract::Tenant, AppError> {
    Ok(to_contract(tenants::delete(&app.db, AllTenants::Instance, who.actor(), id, confirm).await?))
}

/// Takes the mark back: the tenant is deactivated, with all that it has.
///
/// # Errors
/// [`Code::TenantNotFound`],
/// [`Code::TenantNotDeleting`],
/// [`Code::TenantDeleting`] when it is too late.
pub async fn restore(app: &App, who: &Principal, id: TenantId) -> Result<contract::Tenant, AppError> {
    Ok(to_contract(tenants::restore(&app.db, AllTenants::Instance, who.actor(), id).await?))
}

/// A new tenant has no library of its own to choose yet.
fn check_choice(config: &TenantConfigChange) -> Result<(), AppError> {
    if let Change::Set(name) = &config.material_library
        && name != BUILTIN_LIBRARY
    {
        let detail = format!("there is no library {name:?}: a new tenant has none of its own yet");
        return Err(Invalid::one("/config/material_library", Code::LibraryNotFound.as_str(), detail).into());
    }
    match &config.fallback_material {
        Change::Set(wanted) if !Library::builtin().materials().iter().any(|m| m.id == *wanted || m.code == *wanted) => {
            let detail = format!("the built-in library has no material with the id or code {wanted:?}");
            Err(AppError::new(Code::UnknownMaterial, detail).at("/config/fallback_material"))
        }
        _ => Ok(()),
    }
}

/// A tenant as clients see it.
fn to_contract(view: TenantView) -> contract::Tenant {
    let TenantView { tenant, config, usage } = view;
    let Tenant { id, slug, name, status, is_operating, created_at, updated_at, deactivated_at, delete_after } = tenant;
    let Usage { users, storage_bytes, jobs_queued, jobs_running } = usage;
    contract::Tenant {
        id: id.uuid(),
        slug: slug.to_string(),
        name,
        status: status.into(),
        is_operating,
        config: config_to_contract(config),
        usage: TenantUsage { users, storage_bytes, jobs_queued, jobs_running },
        created_at: created_at.into(),
        updated_at: updated_at.into(),
        deactivated_at: deactivated_at.map(Into::into),
        delete_after: delete_after.map(Into::into),
    }
}
