//! The audit log: an entry for each change, written in the transaction of the change. If it cannot be written, the
//! change does not happen. Entries are never changed.

mod list;

use std::time::Duration;

use sea_orm::ActiveValue::Set;
#[cfg(feature = "testing")]
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;

use super::column::Col;
#[cfg(feature = "testing")]
use super::column::arg;
use super::entity::audit_entry;
use super::level::Level;
use super::tx::Tx;
use super::{AllTenants, Db, DbError, Json, TenantScope, counters, installation};
use packshot_domain::audit::{Action, Actor};
use packshot_domain::id::TenantId;
use packshot_domain::time::Timestamp;

pub use list::{AuditCursor, AuditFilter, list};

/// The counter that numbers a tenant's entries.
const COUNTER: &str = "audit_log";

/// An entry to be written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NewEntry {
    /// What was done.
    pub(super) action: Action,
    /// The kind of the object and its id.
    pub(super) object: Option<(&'static str, String)>,
    /// What else is worth knowing: for changes `before` and `after`, of the changed members alone and without secrets.
    pub(super) detail: Json,
}

/// An entry.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// Its tenant.
    pub tenant: TenantId,
    /// Its number among the tenant's entries, from 1.
    pub id: i64,
    /// When it was written.
    pub at: Timestamp,
    /// Who did it, and from where.
    pub actor: Actor,
    /// What was done.
    pub action: Action,
    /// The kind of the object.
    pub object_type: Option<String>,
    /// The object.
    pub object_id: Option<String>,
    /// What else is worth knowing.
    pub detail: Json,
    /// Why, in the actor's words.
    pub reason: Option<String>,
}

/// The detail of a change: the members in which two objects differ, as they were and as they are.
pub(super) fn change(before: &Json, after: &Json) -> Json {
    let differing = |of: &Json| {
        let members = of.as_object().into_iter().flatten();
        let members = members.filter(|(name, _)| before[name.as_str()] != after[name.as_str()]);
        Json::Object(members.map(|(name, value)| (name.clone(), value.clone())).collect())
    };
    json!({"before": differing(before), "after": differing(after)})
}

/// Writes entries of a tenant about what `actor` did, as the last thing that is locked.
pub(super) async fn write(
    tx: &Tx<'_>,
    tenant: TenantId,
    actor: &Actor,
    entries: impl IntoIterator<Item = NewEntry>,
) -> Result<(), DbError> {
    write_because(tx, tenant, actor, entries, None).await
}

/// The same, for a reason that the actor gave.
pub(super) async fn write_because(
    tx: &Tx<'_>,
    tenant: TenantId,
    actor: &Actor,
    entries: impl IntoIterator<Item = NewEntry>,
    reason: Option<&str>,
) -> Result<(), DbError> {
    tx.enter(Level::Stream);
    let now = tx.now().await?;
    for NewEntry { action, object, detail } in entries {
        let (object_type, object_id) = object.map(|(kind, id)| (kind.to_owned(), id)).unzip();
        let row = audit_entry::ActiveModel {
            tenant_id: Set(Col(tenant)),
            id: Set(counters::next(tx, tenant, COUNTER).await?),
            at: Set(Col(now)),
            actor_kind: Set(Col(actor.kind)),
            actor_id: Set(actor.id),
            actor_name: Set(actor.name.clone()),
            action: Set(Col(action)),
            object_type: Set(object_type),
            object_id: Set(object_id),
            detail: Set(Col(detail)),
            reason: Set(reason.map(str::to_owned)),
            // What is written elsewhere names no other tenant.
            acting_tenant: Set(actor.acting_tenant.filter(|acting| *acting == tenant).map(Col)),
            ip: Set(actor.ip.map(|ip| ip.to_string())),
            request_id: Set(actor.request_id.clone()),
        };
        audit_entry::Entity::insert(row).exec_without_returning(tx.on()).await?;
    }
    Ok(())
}

/// Writes an entry that is not part of another change, such as a sign-in that failed.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn record(db: &Db, scope: TenantScope, actor: Actor, action: Action, detail: Json) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, actor, action, detail), |tx, (tenant, actor, action, detail)| {
        Box::pin(async move {
            let entry = NewEntry { action: *action, object: None, detail: detail.clone() };
            write(tx, *tenant, actor, [entry]).await
        })
    })
    .await
}

/// Removes entries of all tenants that are older than `retention`; returns how many.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn expire(db: &Db, all: AllTenants, retention: Duration) -> Result<u64, DbError> {
    db.write(all, retention, |tx, retention| {
        Box::pin(async move {
            let now = tx.now().await?.unix_ms();
            let kept = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
            let before = Timestamp::from_unix_ms(now.saturating_sub(kept));
            tx.enter(Level::Installation);
            installation::expire_audit(tx, before).await?;
            let old = audit_entry::Entity::delete_many().filter(audit_entry::Column::At.lt(Col(before)));
            Ok(old.exec(tx.on()).await?.rows_affected)
        })
    })
    .await
}

/// Tries to change or to delete every entry, as nobody may.
///
/// # Errors
///
/// The database's refusal.
#[cfg(feature = "testing")]
pub async fn tamper(db: &Db, all: AllTenants, deletes: bool) -> Result<u64, DbError> {
    db.write(all, deletes, |tx, deletes| {
        Box::pin(async move {
            let changed = match deletes {
                true => audit_entry::Entity::delete_many().exec(tx.on()).await?.rows_affected,
                false => {
                    let all = audit_entry::Entity::update_many();
                    all.col_expr(audit_entry::Column::ActorName, Expr::value("nobody"))
                        .exec(tx.on())
                        .await?
                        .rows_affected
                }
            };
            Ok(changed)
        })
    })
    .await
}

/// Takes the number that a tenant's next entry would get, so that no entry can be written any more.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
#[cfg(feature = "testing")]
pub async fn obstruct(db: &Db, scope: TenantScope) -> Result<(), DbError> {
    db.write(scope, scope.tenant, |tx, tenant| {
        Box::pin(async move {
            let entry = NewEntry { action: Action::LoginFailed, object: None, detail: json!({}) };
            write(tx, *tenant, &Actor::system(), [entry]).await?;
            let sql = "UPDATE counters SET value = value - 1 WHERE tenant_id = $1 AND name = $2 RETURNING value";
            tx.query(sql, [arg(*tenant), COUNTER.into()]).await.map(drop)
        })
    })
    .await
}

impl AuditEntry {
    fn of(row: audit_entry::Model) -> Result<Self, DbError> {
        let ip = row.ip.map(|ip| ip.parse()).transpose();
        let ip = ip.map_err(|_| DbError::Corrupt { what: "address", reason: "it is no IP address".to_owned() })?;
        let actor = Actor {
            kind: row.actor_kind.0,
            id: row.actor_id,
            name: row.actor_name,
            acting_tenant: row.acting_tenant.map(Col::value),
            ip,
            request_id: row.request_id,
        };
        Ok(Self {
            tenant: row.tenant_id.0,
            id: row.id,
            at: row.at.0,
            actor,
            action: row.action.0,
            object_type: row.object_type,
            object_id: row.object_id,
            detail: row.detail.0,
            reason: row.reason,
        })
    }
}
