//! Webhooks. One that was deleted stays until nothing is under way to it.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::id::{TenantId, WebhookId};
use packshot_domain::time::Timestamp;
use packshot_domain::webhook::{DisabledReason, Subscription, WebhookSecret};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhooks")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<WebhookId>,
    pub(crate) url: String,
    pub(crate) description: String,
    pub(crate) event_types: Col<Subscription>,
    pub(crate) enabled: bool,
    pub(crate) disabled_reason: Option<Col<DisabledReason>>,
    pub(crate) secret: Col<WebhookSecret>,
    /// The secret before, while it signs too.
    pub(crate) previous_secret: Option<Col<WebhookSecret>>,
    pub(crate) previous_secret_expires_at: Option<Col<Timestamp>>,
    pub(crate) consecutive_failures: i32,
    pub(crate) last_success_at: Option<Col<Timestamp>>,
    pub(crate) last_failure_at: Option<Col<Timestamp>>,
    pub(crate) revision: i64,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) updated_at: Col<Timestamp>,
    pub(crate) deleted_at: Option<Col<Timestamp>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
