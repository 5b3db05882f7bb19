//! Users, and the rule that neither a tenant nor the installation loses its last admin.

mod rows;

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, TryIntoModel};
use serde_json::json;

use super::column::Col;
use super::entity::{tenant, user};
use super::scope::Reach;
use super::tx::Tx;
use super::{
    AllTenants, Db, DbError, Json, Page, PageRequest, ReadScope, TenantScope, audit, installation, sessions, tenants,
};
use audit::NewEntry;
use packshot_domain::access::Role;
use packshot_domain::audit::{Action, Actor};
use packshot_domain::id::{SessionId, TenantId, UserId};
use packshot_domain::time::Timestamp;
use packshot_domain::user::{DisplayName, Email};

pub(super) use rows::{check_last_global_admin, lock_alone};

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The user.
    pub id: UserId,
    /// The tenant that the user belongs to.
    pub tenant: TenantId,
    /// The e-mail address; only the built-in user has none.
    pub email: Option<String>,
    /// The name that others see.
    pub display_name: String,
    /// What the user may do.
    pub role: Role,
    /// Whether the user may do anything at all.
    pub is_active: bool,
    /// Whether the password was set by somebody else.
    pub must_change_password: bool,
    /// The last sign-in.
    pub last_login_at: Option<Timestamp>,
    /// When the user was created.
    pub created_at: Timestamp,
    /// When the user was last changed.
    pub updated_at: Timestamp,
}

/// A user to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    /// The e-mail address.
    pub email: Email,
    /// The name that others see.
    pub display_name: DisplayName,
    /// What the user may do.
    pub role: Role,
    /// Whether the user may do anything yet.
    pub is_active: bool,
    /// The hash of the password.
    pub password: NewPassword,
}

/// A password, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPassword {
    /// Its hash, in the PHC string format.
    pub hash: String,
    /// Whether the user has to change it before anything else.
    pub is_temporary: bool,
}

/// A password that its own user replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// The hash of the one that was shown: it must be the user's still.
    pub hash: Option<String>,
    /// The session that goes on.
    pub keep: Option<SessionId>,
}

/// A change of a user: what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChange {
    /// Another e-mail address.
    pub email: Option<Email>,
    /// Another name.
    pub display_name: Option<DisplayName>,
    /// Another role.
    pub role: Option<Role>,
    /// Whether the user may do anything.
    pub is_active: Option<bool>,
    /// Another password; all sessions end with the old one.
    pub password: Option<NewPassword>,
}

/// A user who may be the one signing in, with what decides that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInCandidate {
    /// The user.
    pub user: User,
    /// The hash of the password; `None`: the user cannot sign in.
    pub password_hash: Option<String>,
}

/// Creates a user.
///
/// # Errors
///
/// [`DbError::Exists`] when a user of the tenant has this e-mail address.
pub async fn create(db: &Db, scope: TenantScope, by: Actor, new: NewUser) -> Result<User, DbError> {
    let reach = installation::reach_to_configure(db, scope).await?;
    let args = (scope.tenant, by, new, reach);
    db.write(reach, args, |tx, (tenant, by, new, reach)| Box::pin(insert(tx, (*tenant, *reach), by, new))).await
}

/// Creates the first user with a password: a global admin of the operating tenant, whose name may change with it. The
/// installation is configured from then on.
///
/// # Errors
///
/// [`DbError::Exists`] when there is a user with a password already.
pub async fn set_up(
    db: &Db,
    all: AllTenants,
    by: Actor,
    new: NewUser,
    tenant_name: Option<DisplayName>,
) -> Result<User, DbError> {
    db.write(all, (by, new, tenant_name), |tx, (by, new, tenant_name)| {
        Box::pin(async move {
            let installed = installation::lock(tx).await?;
            if rows::has_password(tx).await? {
                return Err(DbError::Exists("user with a password"));
            }
            let operating = installed.operating_tenant;
            if let Some(name) = tenant_name {
                tenants::rename(tx, operating, name).await?;
            }
            let user = insert(tx, (operating, Reach::All), by, new).await?;
            let object = Some(("user", user.id.to_string()));
            let entry = NewEntry { action: Action::SetupCompleted, object, detail: json!({}) };
            audit::write(tx, operating, by, [entry]).await?;
            Ok(user)
        })
    })
    .await
}

/// Whether any user of the installation has a password.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn any_with_password(db: &Db, all: AllTenants) -> Result<bool, DbError> {
    db.read_one(all, (), |tx, ()| Box::pin(rows::has_password(tx))).await
}

/// A user.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn get(db: &Db, scope: TenantScope, id: UserId) -> Result<User, DbError> {
    db.read_one(scope, (scope.tenant, id), |tx, (tenant, id)| {
        Box::pin(async move {
            let row = user::Entity::find_by_id((Col(*tenant), Col(*id))).one(tx.on()).await?;
            row.filter(|row| row.deleted_at.is_none()).map(User::from).ok_or(DbError::NotFound("user"))
        })
    })
    .await
}

/// A page of users, newest first. The built-in user is among those of the operating tenant.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(db: &Db, scope: impl Into<ReadScope>, page: PageRequest) -> Result<Page<User>, DbError> {
    let scope = scope.into();
    db.read_one(scope, (scope, page), |tx, (scope, page)| {
        Box::pin(async move {
            let users = scope.narrow(user::Entity::find(), user::Column::TenantId);
            let users = users.filter(user::Column::DeletedAt.is_null());
            let rows = page.narrow(users, user::Column::CreatedAt, user::Column::Id).all(tx.on()).await?;
            Ok(page.cut(rows, |row| (row.created_at.0, row.id.0.uuid())))
        })
    })
    .await
}

/// Those who may sign in with this e-mail address: of one tenant, or of all.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn with_email(
    db: &Db,
    all: AllTenants,
    email: &Email,
    tenant_slug: Option<&str>,
) -> Result<Vec<SignInCandidate>, DbError> {
    let args = (email.folded(), tenant_slug.map(str::to_owned));
    db.read(all, args, |tx, (email, slug)| {
        Box::pin(async move {
            let users = user::Entity::find().filter(user::Column::EmailFolded.eq(email.as_str()));
            let mut rows = users.filter(user::Column::DeletedAt.is_null()).all(tx.on()).await?;
            if let Some(slug) = slug {
                let tenant = tenant::Entity::find().filter(tenant::Column::Slug.eq(slug.as_str())).one(tx.on()).await?;
                rows.retain(|row| tenant.as_ref().is_some_and(|tenant| tenant.id == row.tenant_id));
            }
            let candidate = |row: user::Model| {
                let password_hash = row.password_hash.clone();
                SignInCandidate { user: row.into(), password_hash }
            };
            Ok(rows.into_iter().map(candidate).collect())
        })
    })
    .await
}

/// The hash of a user's password; `None` for one who cannot sign in.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn password_hash(db: &Db, scope: TenantScope, id: UserId) -> Result<Option<String>, DbError> {
    db.read_one(scope, (scope.tenant, id), |tx, (tenant, id)| {
        Box::pin(async move {
            let row = user::Entity::find_by_id((Col(*tenant), Col(*id))).one(tx.on()).await?;
            Ok(row.filter(|row| row.deleted_at.is_none()).ok_or(DbError::NotFound("user"))?.password_hash)
        })
    })
    .await
}

/// Changes a user. Someone who is not a global admin cannot take a tenant's last active tenant_admin away.
///
/// # Errors
///
/// [`DbError::NotFound`], [`DbError::Exists`] for an e-mail address of another user, [`DbError::LastAdmin`],
/// [`DbError::InUse`] for the built-in user, who can only be renamed.
pub async fn change(
    db: &Db,
    scope: TenantScope,
    (by, role): (Actor, Role),
    id: UserId,
    change: UserChange,
) -> Result<User, DbError> {
    // Global admins of every tenant count.
    db.write(AllTenants::Instance, (scope.tenant, by, role, id, change), |tx, (tenant, by, role, id, change)| {
        Box::pin(async move {
            let installed = installation::lock(tx).await?;
            let before = rows::lock(tx, *tenant, *id).await?;
            let after = rows::changed(tx, &before, change).await?;
            // Keys that are made on the machine are this user's, so it keeps its rights; and it never signs in.
            if installed.local_user == *id && !rows::is_renamed_alone(&before, &after) {
                return Err(DbError::InUse("built-in user"));
            }
            rows::check_last_admin(tx, *role, &before, &after).await?;
            if change.password.is_some() || !after.is_active {
                sessions::end_of_user(tx, *tenant, *id, None).await?;
            }
            let entries = rows::entries(&before, &after, change.password.is_some());
            rows::store(tx, &after).await?;
            audit::write(tx, *tenant, by, entries).await?;
            Ok(after.into())
        })
    })
    .await
}

/// Gives a user another password. All sessions end, but the one that replaces it itself.
///
/// # Errors
///
/// [`DbError::NotFound`], also when the password that is replaced is no longer the user's; [`DbError::InUse`] for the
/// built-in user, who has none.
pub async fn set_password(
    db: &Db,
    scope: TenantScope,
    by: Actor,
    id: UserId,
    password: NewPassword,
    replaced: Option<Replaced>,
) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, by, id, password, replaced), |tx, (tenant, by, id, password, replaced)| {
        Box::pin(async move {
            let before = lock_alone(tx, *tenant, *id).await?;
            // Somebody else may have replaced it while it was checked.
            if replaced.as_ref().is_some_and(|replaced| replaced.hash != before.password_hash) {
                return Err(DbError::NotFound("password"));
            }
            // Nobody else has no address.
            if before.email.is_none() {
                return Err(DbError::InUse("built-in user"));
            }
            let change = UserChange { password: Some(password.clone()), ..UserChange::default() };
            let after = rows::changed(tx, &before, &change).await?;
            let keep = replaced.as_ref().and_then(|replaced| replaced.keep);
            sessions::end_of_user(tx, *tenant, *id, keep).await?;
            rows::store(tx, &after).await?;
            audit::write(tx, *tenant, by, rows::entries(&before, &after, true)).await
        })
    })
    .await
}

/// Deletes a user: the id stays, in orders and in the audit log; name and e-mail address go.
///
/// # Errors
///
/// [`DbError::NotFound`], [`DbError::LastAdmin`], [`DbError::InUse`] for the built-in user.
pub async fn delete(db: &Db, scope: TenantScope, (by, role): (Actor, Role), id: UserId) -> Result<(), DbError> {
    db.write(AllTenants::Instance, (scope.tenant, by, role, id), |tx, (tenant, by, role, id)| {
        Box::pin(async move {
            let installed = installation::lock(tx).await?;
            let before = rows::lock(tx, *tenant, *id).await?;
            if installed.local_user == *id {
                return Err(DbError::InUse("built-in user"));
            }
            let after = rows::deleted(tx, &before).await?;
            rows::check_last_admin(tx, *role, &before, &after).await?;
            sessions::end_of_user(tx, *tenant, *id, None).await?;
            rows::store(tx, &after).await?;
            let object = Some(("user", id.to_string()));
            let detail = rows::deletion(&before, &after);
            let entry = NewEntry { action: Action::UserDeleted, object, detail };
            audit::write(tx, *tenant, by, [entry]).await
        })
    })
    .await
}

/// [`create`] within a transaction. A user has a password: with the first one the installation is configured.
pub(super) async fn insert(
    tx: &Tx<'_>,
    (tenant, reach): (TenantId, Reach),
    by: &Actor,
    new: &NewUser,
) -> Result<User, DbError> {
    installation::configure(tx, reach).await?;
    let now = Col(tx.now().await?);
    rows::check_email(tx, tenant, &new.email, None).await?;
    let row = user::ActiveModel {
        tenant_id: Set(Col(tenant)),
        id: Set(Col(UserId::new())),
        email: Set(Some(new.email.to_string())),
        email_folded: Set(Some(new.email.folded())),
        display_name: Set(new.display_name.to_string()),
        role: Set(Col(new.role)),
        password_hash: Set(Some(new.password.hash.clone())),
        is_active: Set(new.is_active),
        must_change_password: Set(new.password.is_temporary),
        last_login_at: Set(None),
        created_at: Set(now),
        updated_at: Set(now),
        deleted_at: Set(None),
    };
    let row = row.try_into_model()?;
    rows::insert(tx, row.clone().into_active_model().reset_all()).await?;
    let after = rows::shown(&row);
    let (object, detail) = (Some(("user", row.id.0.to_string())), json!({"before": null, "after": after}));
    audit::write(tx, tenant, by, [NewEntry { action: Action::UserCreated, object, detail }]).await?;
    Ok(row.into())
}

impl From<user::Model> for User {
    fn from(row: user::Model) -> Self {
        Self {
            id: row.id.0,
            tenant: row.tenant_id.0,
            email: row.email,
            display_name: row.display_name,
            role: row.role.0,
            is_active: row.is_active,
            must_change_password: row.must_change_password,
            last_login_at: row.last_login_at.map(Col::value),
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
        }
    }
}
