//! Rows of users: how a change alters one, what the audit log says of it, and who must not be removed.

use sea_orm::ActiveValue::Unchanged;
use sea_orm::sea_query::{LockType, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QuerySelect, Select,
    SqlErr,
};
use serde_json::{Map, json};

use super::{Json, NewEntry, UserChange, audit};
use crate::column::Col;
use crate::entity::{tenant, user};
use crate::level::Level;
use crate::tx::Tx;
use crate::{DbError, error::LastAdmin, tenants};
use packshot_domain::access::Role;
use packshot_domain::audit::Action;
use packshot_domain::id::{TenantId, UserId};
use packshot_domain::user::Email;

/// A user's row, locked until the end of the transaction.
pub(super) async fn lock(tx: &Tx<'_>, tenant: TenantId, id: UserId) -> Result<user::Model, DbError> {
    // Changes of roles in a tenant wait for each other, so that two admins do not remove each other. Rows that refer to
    // the tenant may come meanwhile: whoever writes one may hold a counter that this transaction needs at its end.
    tx.enter(Level::Tenant);
    tenant::Entity::find_by_id(Col(tenant)).lock(LockType::NoKeyUpdate).one(tx.on()).await?;
    lock_alone(tx, tenant, id).await
}

/// [`lock`] for changes that take nobody's role: the tenant is not locked. Rows that refer to the user may come
/// meanwhile, as those that refer to a tenant: notifications are written below counters.
pub(in super::super) async fn lock_alone(tx: &Tx<'_>, tenant: TenantId, id: UserId) -> Result<user::Model, DbError> {
    tx.enter(Level::User);
    let row = user::Entity::find_by_id((Col(tenant), Col(id))).lock(LockType::NoKeyUpdate).one(tx.on()).await?;
    row.filter(|row| row.deleted_at.is_none()).ok_or(DbError::NotFound("user"))
}

/// The row after a change.
pub(super) async fn changed(tx: &Tx<'_>, before: &user::Model, change: &UserChange) -> Result<user::Model, DbError> {
    let mut after = before.clone();
    if let Some(email) = &change.email {
        check_email(tx, before.tenant_id.0, email, Some(before.id.0)).await?;
        (after.email, after.email_folded) = (Some(email.to_string()), Some(email.folded()));
    }
    if let Some(name) = &change.display_name {
        after.display_name = name.to_string();
    }
    if let Some(password) = &change.password {
        after.password_hash = Some(password.hash.clone());
        after.must_change_password = password.is_temporary;
    }
    after.role = change.role.map_or(before.role, Col);
    after.is_active = change.is_active.unwrap_or(before.is_active);
    if after != *before {
        after.updated_at = Col(tx.now().await?);
    }
    Ok(after)
}

/// Whether a change leaves all but the name as it is.
pub(super) fn is_renamed_alone(before: &user::Model, after: &user::Model) -> bool {
    before.email == after.email
        && before.password_hash == after.password_hash
        && before.role == after.role
        && before.is_active == after.is_active
}

/// The row of a user who is deleted.
pub(super) async fn deleted(tx: &Tx<'_>, before: &user::Model) -> Result<user::Model, DbError> {
    let now = Col(tx.now().await?);
    let id = before.id.0.uuid().simple().to_string();
    Ok(user::Model {
        email: None,
        email_folded: None,
        // The end of the id is random; its beginning is the time.
        display_name: format!("deleted-{}", &id[id.len() - 8..]),
        password_hash: None,
        is_active: false,
        must_change_password: false,
        updated_at: now,
        deleted_at: Some(now),
        ..before.clone()
    })
}

pub(super) async fn store(tx: &Tx<'_>, after: &user::Model) -> Result<(), DbError> {
    let mut row = after.clone().into_active_model().reset_all();
    (row.tenant_id, row.id) = (Unchanged(after.tenant_id), Unchanged(after.id));
    match row.update_without_returning(tx.on()).await {
        Ok(_) => Ok(()),
        Err(error) => Err(match error.sql_err() {
            // A user who was made at the same time has the address.
            Some(SqlErr::UniqueConstraintViolation(_)) => DbError::Exists("e-mail address"),
            _ => error.into(),
        }),
    }
}

/// Inserts a user; of two with the same e-mail address one is first.
pub(super) async fn insert(tx: &Tx<'_>, row: user::ActiveModel) -> Result<(), DbError> {
    let columns = [user::Column::TenantId, user::Column::EmailFolded];
    let only_once = OnConflict::columns(columns).do_nothing().to_owned();
    let made = user::Entity::insert(row).on_conflict(only_once).exec_without_returning(tx.on()).await?;
    if made == 0 { Err(DbError::Exists("e-mail address")) } else { Ok(()) }
}

/// Refuses an e-mail address of another user.
pub(super) async fn check_email(
    tx: &Tx<'_>,
    tenant: TenantId,
    email: &Email,
    own: Option<UserId>,
) -> Result<(), DbError> {
    let users = user::Entity::find().filter(user::Column::TenantId.eq(Col(tenant)));
    let found = users.filter(user::Column::EmailFolded.eq(email.folded())).one(tx.on()).await?;
    match found {
        Some(row) if Some(row.id.0) != own => Err(DbError::Exists("e-mail address")),
        _ => Ok(()),
    }
}

/// Whether any user of any tenant has a password.
pub(super) async fn has_password(tx: &Tx<'_>) -> Result<bool, DbError> {
    let users = user::Entity::find().filter(user::Column::PasswordHash.is_not_null());
    Ok(users.limit(1).one(tx.on()).await?.is_some())
}

/// Refuses a change that leaves the installation without a global admin, or by someone who is not one a tenant without
/// a tenant admin. The caller holds the locks of both. The built-in user does not count: nobody can sign in as it.
pub(super) async fn check_last_admin(
    tx: &Tx<'_>,
    by: Role,
    before: &user::Model,
    after: &user::Model,
) -> Result<(), DbError> {
    let is = |row: &user::Model, role| row.is_active && row.role.0 == role;
    let stops_being = |role| is(before, role) && !is(after, role);
    if stops_being(Role::GlobalAdmin) {
        check_global_admin(tx, |row| row.id != before.id).await?;
    }
    if stops_being(Role::TenantAdmin) && by != Role::GlobalAdmin {
        let others = admins(Role::TenantAdmin).filter(user::Column::TenantId.eq(before.tenant_id));
        if others.filter(user::Column::Id.ne(before.id)).count(tx.on()).await? == 0 {
            return Err(LastAdmin::Tenant.into());
        }
    }
    Ok(())
}

/// Refuses to deactivate a tenant when nobody else could sign in as a global admin. The caller holds the installation's
/// lock.
pub(crate) async fn check_last_global_admin(tx: &Tx<'_>, tenant: TenantId) -> Result<(), DbError> {
    let of_tenant = admins(Role::GlobalAdmin).filter(user::Column::TenantId.eq(Col(tenant)));
    match of_tenant.count(tx.on()).await? {
        0 => Ok(()),
        _ => check_global_admin(tx, |row| row.tenant_id.0 != tenant).await,
    }
}

/// Refuses when none of the global admins that stay can sign in.
async fn check_global_admin(tx: &Tx<'_>, stays: impl Fn(&user::Model) -> bool) -> Result<(), DbError> {
    for admin in admins(Role::GlobalAdmin).all(tx.on()).await?.iter().filter(|row| stays(row)) {
        // Nobody signs in to a tenant that is deactivated.
        if tenants::status(tx, admin.tenant_id.0).await?.is_active() {
            return Ok(());
        }
    }
    Err(LastAdmin::Global.into())
}

/// Users who can sign in, if their tenant is active, and have this role.
fn admins(role: Role) -> Select<user::Entity> {
    let users = user::Entity::find().filter(user::Column::Role.eq(Col(role)));
    users.filter(user::Column::IsActive.eq(true)).filter(user::Column::EmailFolded.is_not_null())
}

/// What the audit log shows of a user.
pub(super) fn shown(row: &user::Model) -> Json {
    json!({
        "email": row.email,
        "display_name": row.display_name,
        "role": row.role.0.as_str(),
        "is_active": row.is_active,
        "must_change_password": row.must_change_password,
    })
}

/// What the audit log says of a deletion. Name and e-mail address are not written once more: they are to go.
pub(super) fn deletion(before: &user::Model, after: &user::Model) -> Json {
    let impersonal = |row| {
        let mut shown = shown(row);
        if let Some(members) = shown.as_object_mut() {
            members.retain(|name, _| !["email", "display_name"].contains(&name.as_str()));
        }
        shown
    };
    audit::change(&impersonal(before), &impersonal(after))
}

/// The entries about a change, each with the members that it is about. Nothing for what changed nothing.
pub(super) fn entries(before: &user::Model, after: &user::Model, has_new_password: bool) -> Vec<NewEntry> {
    let (old, new) = (shown(before), shown(after));
    let about = |members: &[&str]| {
        let changed = |all: &Json| {
            let members = members.iter().filter(|member| old[**member] != new[**member]);
            Json::Object(members.map(|member| ((*member).to_owned(), all[*member].clone())).collect::<Map<_, _>>())
        };
        json!({"before": changed(&old), "after": changed(&new)})
    };
    let is_about = |members: &[&str]| members.iter().any(|member| old[*member] != new[*member]);
    let is_deactivated = before.is_active && !after.is_active;
    let details: &[&str] =
        if is_deactivated { &["email", "display_name"] } else { &["email", "display_name", "is_active"] };
    let password = &["must_change_password"][..];
    let entry = |action, members: &[&str]| {
        let object = Some(("user", before.id.0.to_string()));
        NewEntry { action, object, detail: about(members) }
    };
    let all = [
        is_about(details).then(|| entry(Action::UserUpdated, details)),
        is_about(&["role"]).then(|| entry(Action::UserRoleChanged, &["role"])),
        is_deactivated.then(|| entry(Action::UserDeactivated, &["is_active"])),
        has_new_password.then(|| entry(Action::PasswordChanged, password)),
    ];
    all.into_iter().flatten().collect()
}
