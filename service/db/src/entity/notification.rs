//! Notifications, each for one person.

use sea_orm::entity::prelude::*;
use uuid::Uuid;

use crate::Json;
use crate::column::Col;
use packshot_domain::channel::{NotificationType, Severity, SubjectKind};
use packshot_domain::id::{AnnouncementId, EntryId, OrderId, OrderLineId, TenantId, UserId};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notifications")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<EntryId>,
    pub(crate) seq: i64,
    pub(crate) user_id: Col<UserId>,
    pub(crate) event_type: Col<NotificationType>,
    pub(crate) severity: Col<Severity>,
    pub(crate) message: String,
    pub(crate) actor_id: Option<Uuid>,
    pub(crate) subject_kind: Option<Col<SubjectKind>>,
    pub(crate) subject_id: Option<Uuid>,
    pub(crate) order_id: Option<Col<OrderId>>,
    pub(crate) order_line_id: Option<Col<OrderLineId>>,
    pub(crate) data: Col<Json>,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) read_at: Option<Col<Timestamp>>,
    pub(crate) announcement_id: Option<Col<AnnouncementId>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
