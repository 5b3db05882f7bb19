//! Changes of the states of orders, which are never edited.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::id::{OrderId, TenantId};
use packshot_domain::order::{OrderStatus, RejectionReason};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_history")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) order_id: Col<OrderId>,
    /// Its number among the changes of the order, from 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) seq: i32,
    pub(crate) from_status: Col<OrderStatus>,
    pub(crate) to_status: Col<OrderStatus>,
    pub(crate) submission_no: i32,
    /// Whoever made it; none for what followed from the work of the service.
    pub(crate) actor_id: Option<Uuid>,
    pub(crate) reason: Option<Col<RejectionReason>>,
    pub(crate) at: Col<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
