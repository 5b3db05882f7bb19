//! Deliveries as they are read, asked for again, and sent.

use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::sea_query::LockType;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use serde_json::{Map, json};
use uuid::Uuid;

use super::publish::{Published, is_on, task_row};
use super::{find, publish};
use crate::column::Col;
use crate::entity::{webhook, webhook_delivery};
use crate::level::Level;
use crate::tx::Tx;
use crate::{Db, DbError, Json, Notice, Page, PageRequest, TenantScope, tasks};
use packshot_domain::id::{DeliveryId, TaskId, TenantId, WebhookId};
use packshot_domain::task::{Lane, QueueName};
use packshot_domain::time::Timestamp;
use packshot_domain::webhook::{AttemptError, DeliveryEvent, DeliveryState, WebhookEvent, WebhookSecret};

/// An attempt that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// Its number, from 1.
    pub no: i32,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in seconds.
    pub duration_s: f64,
    /// The status of the answer, where there was one.
    pub status: Option<u16>,
    /// Why it failed; `None`: it did not.
    pub error: Option<AttemptError>,
}

/// A delivery of an event to a webhook.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// Its tenant.
    pub tenant: TenantId,
    /// Where it goes.
    pub webhook: WebhookId,
    /// The event.
    pub event_id: Uuid,
    /// What the event is.
    pub event: WebhookEvent,
    /// Its state.
    pub state: DeliveryState,
    /// The current or last attempt, from 1; 0 before the first.
    pub attempt: i32,
    /// When the next one is due.
    pub next_attempt_at: Option<Timestamp>,
    /// Those that have ended, in order.
    pub attempts: Vec<Attempt>,
    /// The body, to the byte.
    pub payload: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was taken.
    pub delivered_at: Option<Timestamp>,
}

/// What an attempt needs.
#[derive(Clone, Debug, PartialEq)]
pub struct ToSend {
    /// The delivery.
    pub delivery: DeliveryId,
    /// Where it goes.
    pub url: String,
    /// Whether its webhook is there and enabled.
    pub is_enabled: bool,
    /// The secrets that sign it, the newest first.
    pub secrets: Vec<WebhookSecret>,
    /// The body, to the byte.
    pub payload: String,
    /// The database's time.
    pub now: Timestamp,
}

/// A page of the deliveries to a webhook, newest first.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn list_deliveries(
    db: &Db,
    scope: TenantScope,
    webhook: WebhookId,
    state: Option<DeliveryState>,
    page: PageRequest,
) -> Result<Page<Delivery>, DbError> {
    use webhook_delivery::Column as C;
    db.read(scope, (scope.tenant, webhook, state, page), |tx, (tenant, webhook, state, page)| {
        Box::pin(async move {
            find(tx, *tenant, *webhook).await?;
            let of_webhook = webhook_delivery::Entity::find().filter(C::TenantId.eq(Col(*tenant)));
            let of_webhook = of_webhook.filter(C::WebhookId.eq(Col(*webhook)));
            let wanted = state.iter().fold(of_webhook, |rows, state| rows.filter(C::State.eq(Col(*state))));
            let rows = page.narrow(wanted, C::CreatedAt, C::Id).all(tx.on()).await?;
            let page: Page<webhook_delivery::Model> = page.cut(rows, |row| (row.created_at.0, row.id.0.uuid()));
            let items = page.items.into_iter().map(Delivery::of).collect::<Result<_, _>>()?;
            Ok(Page { items, next: page.next })
        })
    })
    .await
}

/// A delivery to a webhook.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn get_delivery(
    db: &Db,
    scope: TenantScope,
    webhook: WebhookId,
    id: DeliveryId,
) -> Result<Delivery, DbError> {
    db.read(scope, (scope.tenant, webhook, id), |tx, (tenant, webhook, id)| {
        Box::pin(async move { Delivery::of(delivery_of(tx, *tenant, (*webhook, *id)).await?) })
    })
    .await
}

/// Sends a delivery again that has ended: with the same id and body, and all attempts; `None` when nothing is delivered
/// for the tenant.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`DbError::Delivery`] when it has not ended.
pub async fn redeliver(
    db: &Db,
    scope: TenantScope,
    webhook: WebhookId,
    id: DeliveryId,
) -> Result<Option<Delivery>, DbError> {
    db.write(scope, (scope.tenant, webhook, id), |tx, (tenant, webhook, id)| {
        Box::pin(async move {
            delivery_of(tx, *tenant, (*webhook, *id)).await?;
            if !is_on(tx, *tenant).await? {
                return Ok(None);
            }
            tx.enter(Level::Webhook);
            let key = (Col(*tenant), Col(*id));
            let locked = webhook_delivery::Entity::find_by_id(key).lock(LockType::NoKeyUpdate).one(tx.on()).await?;
            let row = locked.ok_or(DbError::NotFound("delivery"))?;
            let state = row.state.0.next(DeliveryEvent::Redeliver)?;
            // It has another task from now on.
            tasks::revived(tx, *tenant, row.task_id.0);
            let (now, task) = (tx.now().await?, TaskId::new());
            tx.insert_all(vec![task_row(*tenant, now, task, (*webhook, *id))]).await?;
            let again = webhook_delivery::Model {
                task_id: Col(task),
                state: Col(state),
                attempt: 0,
                next_attempt_at: Some(Col(now)),
                attempts: Col(json!([])),
                delivered_at: None,
                ..row
            };
            let columns = webhook_delivery::ActiveModel {
                tenant_id: Unchanged(again.tenant_id),
                id: Unchanged(again.id),
                task_id: Set(again.task_id),
                state: Set(again.state),
                attempt: Set(again.attempt),
                next_attempt_at: Set(again.next_attempt_at),
                attempts: Set(again.attempts.clone()),
                delivered_at: Set(again.delivered_at),
                ..Default::default()
            };
            columns.update_without_returning(tx.on()).await?;
            tx.announce(Notice::Queued(QueueName::Housekeeping, Lane::webhooks()));
            Delivery::of(again).map(Some)
        })
    })
    .await
}

/// Makes a delivery that only tries a webhook; `None` when nothing is delivered for the tenant.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn test(db: &Db, scope: TenantScope, webhook: WebhookId) -> Result<Option<Delivery>, DbError> {
    db.write(scope, (scope.tenant, webhook), |tx, (tenant, webhook)| {
        Box::pin(async move {
            find(tx, *tenant, *webhook).await?;
            if !is_on(tx, *tenant).await? {
                return Ok(None);
            }
            let id = DeliveryId::new();
            let data = Map::from_iter([("webhook_id".to_owned(), json!(webhook.uuid()))]);
            let event = Published { to: Some(vec![(*webhook, id)]), ..Published::new(WebhookEvent::WebhookTest, data) };
            publish::write(tx, tx.now().await?, [(*tenant, vec![event])].into()).await?;
            Ok(Some(Delivery::of(delivery_of(tx, *tenant, (*webhook, id)).await?)?))
        })
    })
    .await
}

/// What the next attempt of a delivery needs, which this task makes; `None` when it is gone, or sent by another task.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn to_send(db: &Db, scope: TenantScope, id: DeliveryId, task: TaskId) -> Result<Option<ToSend>, DbError> {
    db.read(scope, (scope.tenant, id, task), |tx, (tenant, id, task)| {
        Box::pin(async move {
            let delivery = webhook_delivery::Entity::find_by_id((Col(*tenant), Col(*id))).one(tx.on()).await?;
            let Some(delivery) = delivery.filter(|delivery| delivery.task_id.0 == *task) else { return Ok(None) };
            let of = webhook::Entity::find_by_id((Col(*tenant), delivery.webhook_id)).one(tx.on()).await?;
            let Some(of) = of else { return Ok(None) };
            let now = tx.now().await?;
            let is_valid = of.previous_secret_expires_at.is_some_and(|until| now < until.0);
            let previous = of.previous_secret.filter(|_| is_valid);
            Ok(Some(ToSend {
                delivery: *id,
                url: of.url,
                is_enabled: of.enabled && of.deleted_at.is_none(),
                secrets: std::iter::once(of.secret).chain(previous).map(Col::value).collect(),
                payload: delivery.payload,
                now,
            }))
        })
    })
    .await
}

async fn delivery_of(
    tx: &Tx<'_>,
    tenant: TenantId,
    (webhook, id): (WebhookId, DeliveryId),
) -> Result<webhook_delivery::Model, DbError> {
    find(tx, tenant, webhook).await?;
    let row = webhook_delivery::Entity::find_by_id((Col(tenant), Col(id))).one(tx.on()).await?;
    row.filter(|row| row.webhook_id.0 == webhook).ok_or(DbError::NotFound("delivery"))
}

impl Delivery {
    fn of(row: webhook_delivery::Model) -> Result<Self, DbError> {
        let unreadable = || DbError::Corrupt { what: "delivery", reason: "its attempts cannot be read".to_owned() };
        let attempts = row.attempts.0.as_array().ok_or_else(unreadable)?;
        Ok(Self {
            id: row.id.0,
            tenant: row.tenant_id.0,
            webhook: row.webhook_id.0,
            event_id: row.event_id,
            event: row.event_type.0,
            state: row.state.0,
            attempt: row.attempt,
            next_attempt_at: row.next_attempt_at.map(Col::value),
            attempts: attempts.iter().map(|json| attempt(json).ok_or_else(unreadable)).collect::<Result<_, _>>()?,
            payload: row.payload,
            created_at: row.created_at.0,
            delivered_at: row.delivered_at.map(Col::value),
        })
    }
}

fn attempt(json: &Json) -> Option<Attempt> {
    Some(Attempt {
        no: i32::try_from(json["no"].as_i64()?).ok()?,
        at: json["at"].as_str()?.parse().ok()?,
        duration_s: json["duration_s"].as_f64()?,
        status: json["status"].as_u64().and_then(|status| u16::try_from(status).ok()),
        error: json["error"].as_str().map(str::parse).transpose().ok()?,
    })
}
