//! Alerts: trouble, while it lasts and after it.

use sea_orm::entity::prelude::*;
use uuid::Uuid;

use crate::Json;
use crate::column::Col;
use packshot_domain::channel::{AlertState, AlertType, Severity, SubjectKind};
use packshot_domain::id::{EntryId, OrderId, OrderLineId, TenantId, UserId};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "alerts")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<EntryId>,
    pub(crate) seq: i64,
    pub(crate) event_type: Col<AlertType>,
    pub(crate) severity: Col<Severity>,
    pub(crate) message: String,
    pub(crate) actor_id: Option<Uuid>,
    pub(crate) subject_kind: Option<Col<SubjectKind>>,
    pub(crate) subject_id: Option<Uuid>,
    pub(crate) order_id: Option<Col<OrderId>>,
    pub(crate) order_line_id: Option<Col<OrderLineId>>,
    pub(crate) data: Col<Json>,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) of_instance: bool,
    pub(crate) condition: String,
    pub(crate) state: Col<AlertState>,
    pub(crate) occurrences: i32,
    pub(crate) last_seen_at: Col<Timestamp>,
    pub(crate) resolved_at: Option<Col<Timestamp>>,
    pub(crate) acknowledged_by: Option<Col<UserId>>,
    pub(crate) acknowledged_at: Option<Col<Timestamp>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
