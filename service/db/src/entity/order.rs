//! Orders.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::id::{OrderId, TenantId, UserId};
use packshot_domain::order::{Notes, OrderNumber, OrderStatus, RejectionReason};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "orders")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<OrderId>,
    pub(crate) order_number: Col<OrderNumber>,
    pub(crate) status: Col<OrderStatus>,
    pub(crate) created_by: Col<UserId>,
    /// How often it was submitted.
    pub(crate) submission_no: i32,
    pub(crate) submitted_at: Option<Col<Timestamp>>,
    pub(crate) processing_started_at: Option<Col<Timestamp>>,
    pub(crate) completed_at: Option<Col<Timestamp>>,
    pub(crate) rejected_at: Option<Col<Timestamp>>,
    pub(crate) rejection_reason: Option<Col<RejectionReason>>,
    pub(crate) notes: Option<Col<Notes>>,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) updated_at: Col<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
