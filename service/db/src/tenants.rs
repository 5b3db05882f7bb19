//! Tenants: created with all that they need, deactivated and activated, and deleted after a time in which they can be
//! restored.
//!
//! What is done with tenants is in the audit log of the one that runs the installation, which outlives them.

pub mod purge;
mod rows;
mod usage;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use super::column::Col;
use super::entity::{tenant, worker_config};
use super::level::Level;
use super::scope::Reach;
use super::tenant_configs::{self, StoredConfig};
use super::tx::Tx;
use super::users::{self, NewUser, User};
use super::{AllTenants, Db, DbError, Page, PageRequest, TenantScope, audit, installation};
use audit::NewEntry;
use packshot_domain::audit::{Action, Actor};
use packshot_domain::id::TenantId;
use packshot_domain::tenant::{RESTORABLE, TenantEvent, TenantRefusal, TenantSlug, TenantStatus};
use packshot_domain::tenant_config::TenantConfig;
use packshot_domain::time::Timestamp;
use packshot_domain::user::DisplayName;

pub use usage::Usage;

pub(super) use rows::{insert, rename, status};

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// The tenant.
    pub id: TenantId,
    /// Its short name, which never changes.
    pub slug: TenantSlug,
    /// Its name.
    pub name: String,
    /// Its state.
    pub status: TenantStatus,
    /// Whether it runs the installation.
    pub is_operating: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was deactivated; `None` while it is active.
    pub deactivated_at: Option<Timestamp>,
    /// When its data is removed; `None` unless it is about to be deleted.
    pub delete_after: Option<Timestamp>,
}

/// A tenant, with what it may use and what it uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantView {
    /// The tenant.
    pub tenant: Tenant,
    /// Its configuration.
    pub config: StoredConfig,
    /// What it uses.
    pub usage: Usage,
}

/// A tenant to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTenant {
    /// Its short name.
    pub slug: TenantSlug,
    /// Its name.
    pub name: DisplayName,
    /// Its configuration.
    pub config: TenantConfig,
    /// Its first user, who administers it.
    pub admin: NewUser,
}

/// Creates a tenant with its limits and its first user.
///
/// # Errors
///
/// [`DbError::Exists`] when a tenant has this slug, or had it; [`DbError::OneRole`] when there cannot be more.
pub async fn create(db: &Db, all: AllTenants, by: Actor, new: NewTenant) -> Result<(TenantView, User), DbError> {
    check_room(db)?;
    db.write(all, (by, new), |tx, (by, new)| {
        Box::pin(async move {
            let operating = installation::load(tx).await?.operating_tenant;
            let id = TenantId::new();
            insert(tx, id, &new.slug, new.name.as_str(), new.config.clone()).await?;
            let admin = users::insert(tx, (id, Reach::All), by, &new.admin).await?;
            let row = rows::find(tx, id).await?;
            let after = json!({
                "slug": row.slug.0.as_str(),
                "name": row.name,
                "status": row.status.0.as_str(),
                "config": tenant_configs::shown(&new.config),
            });
            let detail = json!({"before": null, "after": after});
            audit::write(tx, operating, by, [entry(Action::TenantCreated, id, detail)]).await?;
            Ok((rows::view(tx, row, operating).await?, admin))
        })
    })
    .await
}

/// A tenant, whatever its state.
///
/// # Errors
///
/// [`DbError::NotFound`] when there is none, or when it has been deleted for good.
pub async fn get(db: &Db, all: AllTenants, id: TenantId) -> Result<Tenant, DbError> {
    db.read(all, id, |tx, id| {
        Box::pin(async move {
            let operating = installation::load(tx).await?.operating_tenant;
            Ok(Tenant::of(rows::find(tx, *id).await?, operating))
        })
    })
    .await
}

/// A tenant with what it uses.
///
/// # Errors
///
/// As [`get`].
pub async fn view(db: &Db, all: AllTenants, id: TenantId) -> Result<TenantView, DbError> {
    db.read(all, id, |tx, id| Box::pin(rows::view_of(tx, *id))).await
}

/// The tenant of a scope, with what it uses.
///
/// # Errors
///
/// As [`get`].
pub async fn own(db: &Db, scope: TenantScope) -> Result<TenantView, DbError> {
    let operating = installation::get(db, AllTenants::Instance).await?.operating_tenant;
    db.read(scope, (scope.tenant, operating), |tx, (id, operating)| {
        Box::pin(async move { rows::view(tx, rows::find(tx, *id).await?, *operating).await })
    })
    .await
}

/// A page of the tenants that are not gone, newest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(db: &Db, all: AllTenants, page: PageRequest) -> Result<Page<TenantView>, DbError> {
    db.read(all, page, |tx, page| {
        Box::pin(async move {
            let operating = installation::load(tx).await?.operating_tenant;
            let there = tenant::Entity::find().filter(tenant::Column::Status.ne(Col(TenantStatus::Deleted)));
            let rows = page.narrow(there, tenant::Column::CreatedAt, tenant::Column::Id).all(tx.on()).await?;
            let page: Page<tenant::Model> = page.cut(rows, |row| (row.created_at.0, row.id.0.uuid()));
            let mut items = Vec::with_capacity(page.items.len());
            for row in page.items {
                items.push(rows::view(tx, row, operating).await?);
            }
            Ok(Page { items, next: page.next })
        })
    })
    .await
}

/// The tenants whose stored files are looked after: all but those whose purge has begun.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn kept(db: &Db, all: AllTenants) -> Result<Vec<TenantId>, DbError> {
    db.read_one(all, (), |tx, ()| {
        Box::pin(async move {
            let over = [TenantStatus::Purging, TenantStatus::Deleted].map(Col);
            let kept = tenant::Entity::find().filter(tenant::Column::Status.is_not_in(over));
            let rows = kept.order_by_asc(tenant::Column::Id).all(tx.on()).await?;
            Ok(rows.into_iter().map(|row| row.id.0).collect())
        })
    })
    .await
}

/// The tenant with this slug, unless it is to be deleted.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn named(db: &Db, all: AllTenants, slug: &str) -> Result<TenantId, DbError> {
    db.read_one(all, slug.to_owned(), |tx, slug| {
        Box::pin(async move {
            let row = tenant::Entity::find().filter(tenant::Column::Slug.eq(slug.as_str())).one(tx.on()).await?;
            let row = row.filter(|row| row.status.0.is_kept());
            Ok(row.ok_or(DbError::NotFound("tenant"))?.id.0)
        })
    })
    .await
}

/// Whether there is such a tenant that is not about to be deleted, so that a global admin may act in it.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn has_tenant(db: &Db, all: AllTenants, tenant: TenantId) -> Result<bool, DbError> {
    db.read_one(all, tenant, |tx, tenant| Box::pin(async move { Ok(status(tx, *tenant).await?.is_kept()) })).await
}

/// Whether the users of the tenant may do anything.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn is_active(db: &Db, scope: TenantScope) -> Result<bool, DbError> {
    db.read_one(scope, scope.tenant, |tx, tenant| Box::pin(async move { Ok(status(tx, *tenant).await?.is_active()) }))
        .await
}

/// Gives a tenant another name. Its slug stays.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn set_name(
    db: &Db,
    all: AllTenants,
    by: Actor,
    id: TenantId,
    name: DisplayName,
) -> Result<TenantView, DbError> {
    db.write(all, (by, id, name), |tx, (by, id, name)| {
        Box::pin(async move {
            let operating = installation::load(tx).await?.operating_tenant;
            let before = rows::lock(tx, *id).await?;
            if before.name != name.as_str() {
                rename(tx, *id, name).await?;
                let detail = json!({"before": {"name": before.name}, "after": {"name": name.as_str()}});
                audit::write(tx, operating, by, [entry(Action::TenantUpdated, *id, detail)]).await?;
            }
            rows::view_of(tx, *id).await
        })
    })
    .await
}

/// Locks the users of a tenant out. No task of it starts from now on; those that run go on.
///
/// # Errors
///
/// [`DbError::NotFound`], [`DbError::Tenant`]; [`DbError::LastAdmin`] when the last active global admin is one of them.
pub async fn deactivate(db: &Db, all: AllTenants, by: Actor, id: TenantId) -> Result<TenantView, DbError> {
    happen(db, all, by, id, TenantEvent::Deactivate, None).await
}

/// Lets the users of a tenant in again, and its tasks start.
///
/// # Errors
///
/// [`DbError::NotFound`], [`DbError::Tenant`].
pub async fn activate(db: &Db, all: AllTenants, by: Actor, id: TenantId) -> Result<TenantView, DbError> {
    happen(db, all, by, id, TenantEvent::Activate, None).await
}

/// Marks a deactivated tenant to be deleted when the time in which it can be restored is over. `confirm` must be its
/// slug.
///
/// # Errors
///
/// [`DbError::NotFound`], [`DbError::Tenant`].
pub async fn delete(
    db: &Db,
    all: AllTenants,
    by: Actor,
    id: TenantId,
    confirm: Option<String>,
) -> Result<TenantView, DbError> {
    happen(db, all, by, id, TenantEvent::Delete, confirm).await
}

/// Takes the mark back: the tenant is deactivated, with all that it has.
///
/// # Errors
///
/// [`DbError::NotFound`], [`DbError::Tenant`].
pub async fn restore(db: &Db, all: AllTenants, by: Actor, id: TenantId) -> Result<TenantView, DbError> {
    happen(db, all, by, id, TenantEvent::Restore, None).await
}

/// Creates another tenant with one user who cannot sign in.
///
/// # Errors
///
/// [`DbError::Exists`] when there is a tenant with this slug; [`DbError::Unsupported`] when this is not a slug.
#[cfg(feature = "testing")]
pub async fn create_bare(
    db: &Db,
    all: AllTenants,
    slug: &str,
    role: packshot_domain::access::Role,
) -> Result<(TenantId, packshot_domain::id::UserId), DbError> {
    check_room(db)?;
    db.write(all, (slug.to_owned(), role), |tx, (slug, role)| {
        Box::pin(async move {
            let ids = (TenantId::new(), packshot_domain::id::UserId::new());
            let own = slug.parse::<TenantSlug>().map_err(|error| DbError::Unsupported(format!("{slug}: {error}")))?;
            insert(tx, ids.0, &own, slug, TenantConfig::default_of(false)).await?;
            installation::add_user(tx, ids, "local", *role).await?;
            Ok(ids)
        })
    })
    .await
}

/// Tries to give a tenant any status, past all rules but those of the database.
///
/// # Errors
///
/// The database's refusal.
#[cfg(feature = "testing")]
pub async fn force_status(db: &Db, all: AllTenants, id: TenantId, status: TenantStatus) -> Result<(), DbError> {
    db.write(all, (id, status), |tx, (id, status)| {
        Box::pin(async move {
            let row = tenant::Model { status: Col(*status), ..rows::lock(tx, *id).await? };
            rows::store(tx, &row).await
        })
    })
    .await
}

/// Refuses another tenant where the database would not keep its rows apart.
fn check_room(db: &Db) -> Result<(), DbError> {
    if db.may_have_more_tenants() { Ok(()) } else { Err(DbError::OneRole) }
}

async fn happen(
    db: &Db,
    all: AllTenants,
    by: Actor,
    id: TenantId,
    event: TenantEvent,
    confirm: Option<String>,
) -> Result<TenantView, DbError> {
    db.write(all, (by, id, event, confirm), |tx, (by, id, event, confirm)| {
        Box::pin(pass(tx, by, *id, *event, confirm.as_deref()))
    })
    .await
}

/// Applies an event to a tenant, if it is possible. Nothing is written if nothing changes.
async fn pass(
    tx: &Tx<'_>,
    by: &Actor,
    id: TenantId,
    event: TenantEvent,
    confirm: Option<&str>,
) -> Result<TenantView, DbError> {
    // Whoever is the last global admin stays it until this is committed.
    let operating = installation::lock(tx).await?.operating_tenant;
    let before = rows::lock(tx, id).await?;
    if id == operating && matches!(event, TenantEvent::Deactivate | TenantEvent::Delete) {
        return Err(TenantRefusal::Operating.into());
    }
    let status = before.status.0.next(event)?;
    if event == TenantEvent::Delete && confirm != Some(before.slug.0.as_str()) {
        return Err(TenantRefusal::Unconfirmed.into());
    }
    if status == before.status.0 {
        return rows::view(tx, before, operating).await;
    }
    if event == TenantEvent::Deactivate {
        users::check_last_global_admin(tx, id).await?;
    }
    let now = tx.now().await?;
    let (deactivated_at, delete_after, action) = match event {
        TenantEvent::Deactivate => (Some(Col(now)), None, Action::TenantDeactivated),
        TenantEvent::Activate => (None, None, Action::TenantActivated),
        TenantEvent::Delete => (before.deactivated_at, Some(Col(now + RESTORABLE)), Action::TenantDeleteRequested),
        TenantEvent::Restore => (before.deactivated_at, None, Action::TenantRestored),
        TenantEvent::Purge | TenantEvent::Bury => return Err(TenantRefusal::Deleting.into()),
    };
    let after =
        tenant::Model { status: Col(status), updated_at: Col(now), deactivated_at, delete_after, ..before.clone() };
    rows::store(tx, &after).await?;
    if event == TenantEvent::Deactivate {
        // Claims of a queue lock its row in turn: one that saw the tenant as active has ended when this lock is held,
        // and later ones see the new state.
        tx.enter(Level::Queue);
        let queues = worker_config::Entity::find().order_by_asc(worker_config::Column::QueueName);
        queues.lock_exclusive().all(tx.on()).await?;
    }
    let shown = |row: &tenant::Model| {
        let delete_after = row.delete_after.map(|at| at.0.to_string());
        match before.delete_after == after.delete_after {
            true => json!({"status": row.status.0.as_str()}),
            false => json!({"status": row.status.0.as_str(), "delete_after": delete_after}),
        }
    };
    let detail = json!({"before": shown(&before), "after": shown(&after)});
    audit::write(tx, operating, by, [entry(action, id, detail)]).await?;
    rows::view(tx, after, operating).await
}

fn entry(action: Action, id: TenantId, detail: super::Json) -> NewEntry {
    NewEntry { action, object: Some(("tenant", id.to_string())), detail }
}

impl Tenant {
    fn of(row: tenant::Model, operating: TenantId) -> Self {
        Self {
            id: row.id.0,
            slug: row.slug.0,
            name: row.name,
            status: row.status.0,
            is_operating: row.id.0 == operating,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            deactivated_at: row.deactivated_at.map(Col::value),
            delete_after: row.delete_after.map(Col::value),
        }
    }
}
