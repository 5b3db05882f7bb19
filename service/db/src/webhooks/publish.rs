//! Events become deliveries, in the transaction of the event: one for each webhook that is told of it, with a task.

use std::collections::BTreeMap;

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};
use serde_json::{Map, json};
use uuid::Uuid;

use super::body::body;
use super::{find, of_tenant};
use crate::channels::Said;
use crate::column::Col;
use crate::entity::{task, webhook, webhook_delivery};
use crate::tasks::chore_row;
use crate::tx::Tx;
use crate::{DbError, Json, Notice, tenant_configs};
use packshot_domain::feature::Feature;
use packshot_domain::id::{DeliveryId, OrderId, OrderLineId, TaskId, TenantId, WebhookId};
use packshot_domain::task::{Chore, Lane, QueueName};
use packshot_domain::time::Timestamp;
use packshot_domain::webhook::{ATTEMPTS_MAX, DeliveryState, WebhookEvent};

/// The queue of deliveries.
const QUEUE: QueueName = QueueName::Housekeeping;

/// An event that webhooks may be told of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Published {
    /// What it is.
    pub(crate) event: WebhookEvent,
    /// What is said of it, besides its own id and the tenant's.
    pub(crate) data: Map<String, Json>,
    /// The webhooks that get it, each with the id of its delivery; `None`: those that have subscribed to it.
    pub(crate) to: Option<Vec<(WebhookId, DeliveryId)>>,
}

/// Events by tenant, in order.
pub(crate) type Events = BTreeMap<TenantId, Vec<Published>>;

impl Published {
    /// For those who have subscribed to it.
    pub(crate) fn new(event: WebhookEvent, data: Map<String, Json>) -> Self {
        Self { event, data, to: None }
    }

    /// The event that something is which people are told.
    pub(crate) fn of_said(event: WebhookEvent, said: &Said) -> Self {
        let mut data = Map::from_iter([
            ("severity".to_owned(), json!(said.severity.as_str())),
            ("message".to_owned(), json!(said.message.as_str())),
            ("actor_id".to_owned(), json!(said.actor)),
            ("order_id".to_owned(), json!(said.order.map(OrderId::uuid))),
            ("order_line_id".to_owned(), json!(said.line.map(OrderLineId::uuid))),
            (
                "subject".to_owned(),
                json!(said.subject.map(|subject| json!({"kind": subject.kind.as_str(), "id": subject.id}))),
            ),
        ]);
        for (name, figure) in said.data.as_object().into_iter().flatten() {
            data.entry(name).or_insert_with(|| figure.clone());
        }
        Self::new(event, data)
    }
}

/// Writes the deliveries of events. A tenant that is not to be told of anything gets none.
pub(crate) async fn write(tx: &Tx<'_>, now: Timestamp, events: Events) -> Result<(), DbError> {
    for (tenant, events) in events {
        if events.is_empty() {
            continue;
        }
        let webhooks = enabled(tx, tenant).await?;
        let is_named = events.iter().any(|event| event.to.is_some());
        if webhooks.is_empty() && !is_named || !is_on(tx, tenant).await? {
            continue;
        }
        let (mut tasks, mut deliveries) = (Vec::new(), Vec::new());
        for Published { event, data, to } in events {
            let id = Uuid::now_v7();
            let head = [("event_id".to_owned(), json!(id)), ("tenant_id".to_owned(), json!(tenant.uuid()))];
            let payload = body(event, now, Map::from_iter(head.into_iter().chain(data)));
            let to = to.unwrap_or_else(|| {
                let told = webhooks.iter().filter(|webhook| webhook.event_types.0.matches(event));
                told.map(|webhook| (webhook.id.0, DeliveryId::new())).collect()
            });
            for (webhook, delivery) in to {
                let task = TaskId::new();
                tasks.push(task_row(tenant, now, task, (webhook, delivery)));
                deliveries.push(webhook_delivery::ActiveModel {
                    tenant_id: Set(Col(tenant)),
                    id: Set(Col(delivery)),
                    webhook_id: Set(Col(webhook)),
                    task_id: Set(Col(task)),
                    event_id: Set(id),
                    event_type: Set(Col(event)),
                    state: Set(Col(DeliveryState::Pending)),
                    attempt: Set(0),
                    next_attempt_at: Set(Some(Col(now))),
                    attempts: Set(Col(json!([]))),
                    payload: Set(payload.clone()),
                    created_at: Set(Col(now)),
                    delivered_at: Set(None),
                });
            }
        }
        if deliveries.is_empty() {
            continue;
        }
        // Rows that nobody else knows of yet: no level is entered for them.
        tx.insert_all(tasks).await?;
        tx.insert_all(deliveries).await?;
        tx.announce(Notice::Queued(QUEUE, Lane::webhooks()));
    }
    Ok(())
}

/// The webhooks that get an event of a workflow: the one that it names, or those that have subscribed to the event.
/// `None` when the one that it names is missing or gets nothing.
pub(crate) async fn addressees(
    tx: &Tx<'_>,
    tenant: TenantId,
    event: WebhookEvent,
    named: Option<WebhookId>,
) -> Result<Option<Vec<WebhookId>>, DbError> {
    let is_on = is_on(tx, tenant).await?;
    if let Some(named) = named {
        return match find(tx, tenant, named).await {
            Ok(row) => Ok((row.enabled && is_on).then(|| vec![named])),
            Err(DbError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        };
    }
    if !is_on {
        return Ok(Some(Vec::new()));
    }
    let told = enabled(tx, tenant).await?.into_iter().filter(|webhook| webhook.event_types.0.matches(event));
    Ok(Some(told.map(|webhook| webhook.id.0).collect()))
}

async fn enabled(tx: &Tx<'_>, tenant: TenantId) -> Result<Vec<webhook::Model>, DbError> {
    let enabled = of_tenant(tenant).filter(webhook::Column::Enabled.eq(true)).order_by_asc(webhook::Column::Id);
    Ok(enabled.all(tx.on()).await?)
}

/// Whether anything is delivered for a tenant.
pub(super) async fn is_on(tx: &Tx<'_>, tenant: TenantId) -> Result<bool, DbError> {
    let config = tenant_configs::load(tx, tenant).await?.config;
    Ok(config.notifications_enabled && config.features.has(Feature::Webhooks))
}

/// The task that makes the attempts of a delivery.
pub(super) fn task_row(
    tenant: TenantId,
    now: Timestamp,
    id: TaskId,
    (webhook, delivery): (WebhookId, DeliveryId),
) -> task::ActiveModel {
    let kwargs = json!({"webhook_id": webhook.uuid(), "delivery_id": delivery.uuid()});
    task::ActiveModel {
        slot_id: Set(Some(webhook.uuid())),
        lane: Set(Col(Lane::webhooks())),
        args: Set(Col(json!([delivery.uuid()]))),
        max_attempts: Set(ATTEMPTS_MAX),
        ..chore_row((tenant, id), Chore::DeliverWebhook, kwargs, now)
    }
}
