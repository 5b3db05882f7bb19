//! Webhooks of a tenant, and what is delivered to them (notifications.md §8).
//!
//! A delivery is written in the transaction of its event ([`publish`]), with a task that makes its attempts; what an
//! attempt comes to is written in the transaction that ends it (`DeliveryEffect`). Rows of webhooks are locked so that
//! others may go on to refer to them, and are removed only by the sweep, in a transaction that waits for nothing:
//! whoever publishes an event waits for no webhook.

mod body;
mod deliveries;
mod effect;
pub mod publish;
mod sweep;

use sea_orm::sea_query::LockType;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QuerySelect};
use serde_json::json;

use crate::audit::{self, NewEntry};
use crate::channels::{Said, Trouble};
use crate::column::{Col, arg};
use crate::entity::webhook;
use crate::level::Level;
use crate::tx::Tx;
use crate::{Db, DbError, Exceeded, Json, Page, PageRequest, ReadScope, TenantScope, tenant_configs};
use packshot_domain::audit::{Action, Actor};
use packshot_domain::channel::{AlertType, Message, Severity};
use packshot_domain::id::{TenantId, WebhookId};
use packshot_domain::time::Timestamp;
use packshot_domain::webhook::{DisabledReason, Subscription, WEBHOOKS_MAX, WebhookSecret};

pub use deliveries::{Attempt, Delivery, ToSend, get_delivery, list_deliveries, redeliver, test, to_send};
pub(crate) use effect::DeliveryEffect;
pub use sweep::sweep;

/// What is said of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookFields {
    /// Where deliveries go.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// What it is told of.
    pub events: Subscription,
}

/// A webhook as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// What is said of it.
    pub fields: WebhookFields,
    /// Why nothing is delivered to it; `None`: it is enabled.
    pub disabled: Option<DisabledReason>,
    /// What deliveries are signed with.
    pub secret: WebhookSecret,
    /// Until when the secret before signs too.
    pub previous_secret_expires_at: Option<Timestamp>,
    /// How many attempts have failed since the last one that did not.
    pub consecutive_failures: i32,
    /// When a delivery was last taken.
    pub last_success_at: Option<Timestamp>,
    /// When an attempt last failed.
    pub last_failure_at: Option<Timestamp>,
    /// Counts what people change.
    pub revision: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
}

/// Makes a webhook.
///
/// # Errors
///
/// [`Exceeded::Webhooks`] when the tenant has as many as it may have.
pub async fn create(
    db: &Db,
    scope: TenantScope,
    by: Actor,
    fields: WebhookFields,
    secret: WebhookSecret,
) -> Result<Webhook, DbError> {
    db.write(scope, (scope.tenant, by, fields, secret), |tx, (tenant, by, fields, secret)| {
        Box::pin(async move {
            tenant_configs::lock(tx, *tenant).await?;
            if of_tenant(*tenant).count(tx.on()).await? >= WEBHOOKS_MAX {
                return Err(Exceeded::Webhooks.into());
            }
            let now = tx.now().await?;
            let row = webhook::Model {
                tenant_id: Col(*tenant),
                id: Col(WebhookId::new()),
                url: fields.url.clone(),
                description: fields.description.clone(),
                event_types: Col(fields.events.clone()),
                enabled: true,
                disabled_reason: None,
                secret: Col(secret.clone()),
                previous_secret: None,
                previous_secret_expires_at: None,
                consecutive_failures: 0,
                last_success_at: None,
                last_failure_at: None,
                revision: 1,
                created_at: Col(now),
                updated_at: Col(now),
                deleted_at: None,
            };
            tx.insert_all(vec![row.clone().into_active_model()]).await?;
            note(tx, by, &row, Action::WebhookCreated, json!({"before": null, "after": shown(&row)})).await?;
            Ok(row.into())
        })
    })
    .await
}

/// A webhook of the tenant.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn get(db: &Db, scope: TenantScope, id: WebhookId) -> Result<Webhook, DbError> {
    db.read(scope, (scope.tenant, id), |tx, (tenant, id)| {
        Box::pin(async move { Ok(find(tx, *tenant, *id).await?.into()) })
    })
    .await
}

/// A page of webhooks, newest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(db: &Db, scope: impl Into<ReadScope>, page: PageRequest) -> Result<Page<Webhook>, DbError> {
    use webhook::Column as C;
    let scope = scope.into();
    db.read(scope, (scope, page), |tx, (scope, page)| {
        Box::pin(async move {
            let webhooks = scope.narrow(webhook::Entity::find().filter(C::DeletedAt.is_null()), C::TenantId);
            let rows = page.narrow(webhooks, C::CreatedAt, C::Id).all(tx.on()).await?;
            Ok(page.cut(rows, |row| (row.created_at.0, row.id.0.uuid())))
        })
    })
    .await
}

/// Replaces what is said of a webhook, if it still has this revision.
///
/// # Errors
///
/// [`DbError::NotFound`], [`DbError::Stale`].
pub async fn replace(
    db: &Db,
    scope: TenantScope,
    by: Actor,
    (id, revision): (WebhookId, i64),
    fields: WebhookFields,
) -> Result<Webhook, DbError> {
    db.write(scope, (scope.tenant, by, id, revision, fields), |tx, (tenant, by, id, revision, fields)| {
        Box::pin(async move {
            let before = lock(tx, *tenant, *id).await?;
            if before.revision != *revision {
                return Err(DbError::Stale { current: before.revision });
            }
            let WebhookFields { url, description, events } = fields.clone();
            let after = webhook::Model { url, description, event_types: Col(events), ..changed(tx, &before).await? };
            save(tx, &after).await?;
            let detail = audit::change(&shown(&before), &shown(&after));
            note(tx, by, &after, Action::WebhookUpdated, detail).await?;
            Ok(after.into())
        })
    })
    .await
}

/// Gives a webhook another secret. The one before signs too for so long, in seconds.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn rotate(
    db: &Db,
    scope: TenantScope,
    by: Actor,
    id: WebhookId,
    (secret, overlap_s): (WebhookSecret, u32),
) -> Result<Webhook, DbError> {
    db.write(scope, (scope.tenant, by, id, secret, overlap_s), |tx, (tenant, by, id, secret, overlap_s)| {
        Box::pin(async move {
            let before = lock(tx, *tenant, *id).await?;
            let until = tx.now().await? + std::time::Duration::from_secs(u64::from(*overlap_s));
            let overlaps = *overlap_s > 0;
            let after = webhook::Model {
                secret: Col(secret.clone()),
                previous_secret: overlaps.then(|| before.secret.clone()),
                previous_secret_expires_at: overlaps.then_some(Col(until)),
                ..changed(tx, &before).await?
            };
            save(tx, &after).await?;
            note(tx, by, &after, Action::WebhookSecretRotated, json!({"overlap_s": overlap_s})).await?;
            Ok(after.into())
        })
    })
    .await
}

/// Enables a webhook, or disables it by hand. What waits for one that is disabled fails. One that is as asked for stays
/// as it is, but being enabled always forgets what has failed.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn switch(db: &Db, scope: TenantScope, by: Actor, id: WebhookId, on: bool) -> Result<Webhook, DbError> {
    db.write(scope, (scope.tenant, by, id, on), |tx, (tenant, by, id, on)| {
        Box::pin(async move {
            let before = lock(tx, *tenant, *id).await?;
            if before.enabled == *on && (before.consecutive_failures == 0 || !on) {
                return Ok(before.into());
            }
            let after = webhook::Model {
                enabled: *on,
                disabled_reason: (!on).then_some(Col(DisabledReason::Manual)),
                consecutive_failures: if *on { 0 } else { before.consecutive_failures },
                ..changed(tx, &before).await?
            };
            save(tx, &after).await?;
            match on {
                true => tx.told(|told| told.trouble(*tenant, AlertType::WebhookDisabled, Trouble::Over((*id).into()))),
                false => drop_waiting(tx, *tenant, *id).await?,
            }
            let detail = audit::change(&shown(&before), &shown(&after));
            note(tx, by, &after, Action::WebhookUpdated, detail).await?;
            Ok(after.into())
        })
    })
    .await
}

/// Deletes a webhook. What waits for it is not delivered; its row goes when nothing is under way to it.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn delete(db: &Db, scope: TenantScope, by: Actor, id: WebhookId) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, by, id), |tx, (tenant, by, id)| {
        Box::pin(async move {
            let before = lock(tx, *tenant, *id).await?;
            let now = tx.now().await?;
            let after = webhook::Model { enabled: false, deleted_at: Some(Col(now)), ..changed(tx, &before).await? };
            save(tx, &after).await?;
            drop_waiting(tx, *tenant, *id).await?;
            tx.told(|told| told.trouble(*tenant, AlertType::WebhookDisabled, Trouble::Over((*id).into())));
            note(tx, by, &before, Action::WebhookDeleted, json!({"before": shown(&before), "after": null})).await
        })
    })
    .await
}

/// The webhooks of a tenant.
fn of_tenant(tenant: TenantId) -> sea_orm::Select<webhook::Entity> {
    let of_tenant = webhook::Entity::find().filter(webhook::Column::TenantId.eq(Col(tenant)));
    of_tenant.filter(webhook::Column::DeletedAt.is_null())
}

async fn find(tx: &Tx<'_>, tenant: TenantId, id: WebhookId) -> Result<webhook::Model, DbError> {
    let row = of_tenant(tenant).filter(webhook::Column::Id.eq(Col(id))).one(tx.on()).await?;
    row.ok_or(DbError::NotFound("webhook"))
}

/// Locks a webhook. Whoever publishes an event meanwhile does not wait.
async fn lock(tx: &Tx<'_>, tenant: TenantId, id: WebhookId) -> Result<webhook::Model, DbError> {
    tx.enter(Level::Webhook);
    let row = of_tenant(tenant).filter(webhook::Column::Id.eq(Col(id))).lock(LockType::NoKeyUpdate);
    row.one(tx.on()).await?.ok_or(DbError::NotFound("webhook"))
}

/// A row whose change counts.
async fn changed(tx: &Tx<'_>, before: &webhook::Model) -> Result<webhook::Model, DbError> {
    Ok(webhook::Model { revision: before.revision + 1, updated_at: Col(tx.now().await?), ..before.clone() })
}

/// Writes a row that is locked.
async fn save(tx: &Tx<'_>, row: &webhook::Model) -> Result<(), DbError> {
    let columns = row.clone().into_active_model().reset_all();
    // The key as it is: a change of it would be one that whoever refers to the row waits for.
    let columns = webhook::ActiveModel {
        tenant_id: sea_orm::ActiveValue::Unchanged(row.tenant_id),
        id: sea_orm::ActiveValue::Unchanged(row.id),
        ..columns
    };
    columns.update_without_returning(tx.on()).await?;
    Ok(())
}

/// Disables a webhook that is locked, because of its receiver, and says so.
async fn disable(tx: &Tx<'_>, before: webhook::Model, reason: DisabledReason) -> Result<(), DbError> {
    let (tenant, id) = (before.tenant_id.0, before.id.0);
    let after = webhook::Model { enabled: false, disabled_reason: Some(Col(reason)), ..changed(tx, &before).await? };
    save(tx, &after).await?;
    drop_waiting(tx, tenant, id).await?;
    let why = match reason {
        DisabledReason::Gone => "its receiver answered that it is gone (410)",
        DisabledReason::Failing | DisabledReason::Manual => "a delivery used up its attempts, and no other succeeded",
    };
    let origin: String = after.url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    let message = Message::new(&format!("Deliveries to the webhook at {origin} have stopped: {why}"));
    let data = json!({
        "webhook_id": id.to_string(),
        "disabled_reason": reason.as_str(),
        "consecutive_failures": after.consecutive_failures,
    });
    let said = Said { severity: Severity::Error, data, ..Said::about(message, id) };
    tx.told(|told| told.trouble(tenant, AlertType::WebhookDisabled, Trouble::Lasts(said)));
    Ok(())
}

/// Ends what waits for a webhook that is disabled or deleted, and locked: its tasks are cancelled and its deliveries
/// have failed. What is under way ends by itself. Nobody else who has the webhook locked has tasks of it that wait.
async fn drop_waiting(tx: &Tx<'_>, tenant: TenantId, id: WebhookId) -> Result<(), DbError> {
    let cancelled = "UPDATE tasks SET state = 'cancelled', completed_at = $1, cancel_requested_at = $1 \
                     WHERE tenant_id = $2 AND slot_id = $3 AND state = 'queued' RETURNING id";
    let now = tx.now().await?;
    if tx.query(cancelled, [arg(now), arg(tenant), arg(id)]).await?.is_empty() {
        return Ok(());
    }
    let failed = "UPDATE webhook_deliveries SET state = 'failed', next_attempt_at = NULL, attempt = attempt + 1, \
                      attempts = CASE attempts WHEN '[]' THEN '[' \
                          ELSE SUBSTR(attempts, 1, LENGTH(attempts) - 1) || ',' END || \
                          '{\"no\":' || (attempt + 1) || $1 || ']' \
                  WHERE tenant_id = $2 AND webhook_id = $3 AND state = 'pending' AND task_id IN \
                      (SELECT id FROM tasks WHERE tenant_id = $2 AND slot_id = $3 AND state = 'cancelled') \
                  RETURNING id";
    let entry = format!(",\"at\":\"{now}\",\"duration_s\":0,\"status\":null,\"error\":\"webhook_disabled\"}}");
    tx.query(failed, [entry.into(), arg(tenant), arg(id)]).await?;
    Ok(())
}

/// What the audit log shows of a webhook: never its secrets.
fn shown(row: &webhook::Model) -> Json {
    json!({
        "url": row.url,
        "description": row.description,
        "event_types": row.event_types.0.patterns().collect::<Vec<_>>(),
        "enabled": row.enabled,
        "disabled_reason": row.disabled_reason.map(|reason| reason.0.as_str()),
    })
}

async fn note(tx: &Tx<'_>, by: &Actor, row: &webhook::Model, action: Action, detail: Json) -> Result<(), DbError> {
    let object = Some(("webhook", row.id.0.to_string()));
    audit::write(tx, row.tenant_id.0, by, [NewEntry { action, object, detail }]).await
}

impl From<webhook::Model> for Webhook {
    fn from(row: webhook::Model) -> Self {
        let manual = Some(DisabledReason::Manual);
        Self {
            id: row.id.0,
            tenant: row.tenant_id.0,
            fields: WebhookFields { url: row.url, description: row.description, events: row.event_types.0 },
            disabled: if row.enabled { None } else { row.disabled_reason.map(Col::value).or(manual) },
            secret: row.secret.0,
            previous_secret_expires_at: row.previous_secret_expires_at.map(Col::value),
            consecutive_failures: row.consecutive_failures,
            last_success_at: row.last_success_at.map(Col::value),
            last_failure_at: row.last_failure_at.map(Col::value),
            revision: row.revision,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
        }
    }
}

/// What an attempt that failed leaves at its webhook, which is locked.
fn failed_once(row: webhook::Model, now: Timestamp) -> webhook::Model {
    webhook::Model {
        consecutive_failures: row.consecutive_failures.saturating_add(1),
        last_failure_at: Some(Col(now)),
        ..row
    }
}
