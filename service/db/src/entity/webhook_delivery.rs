//! Deliveries of events to webhooks. `payload` is the body, to the byte as it is signed and sent.

use sea_orm::entity::prelude::*;
use uuid::Uuid;

use crate::Json;
use crate::column::Col;
use packshot_domain::id::{DeliveryId, TaskId, TenantId, WebhookId};
use packshot_domain::time::Timestamp;
use packshot_domain::webhook::{DeliveryState, WebhookEvent};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_deliveries")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<DeliveryId>,
    pub(crate) webhook_id: Col<WebhookId>,
    /// The task that makes its attempts; a redelivery has another one.
    pub(crate) task_id: Col<TaskId>,
    pub(crate) event_id: Uuid,
    pub(crate) event_type: Col<WebhookEvent>,
    pub(crate) state: Col<DeliveryState>,
    pub(crate) attempt: i32,
    pub(crate) next_attempt_at: Option<Col<Timestamp>>,
    pub(crate) attempts: Col<Json>,
    pub(crate) payload: String,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) delivered_at: Option<Col<Timestamp>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
