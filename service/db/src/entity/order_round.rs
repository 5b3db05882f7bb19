//! Rounds of orders.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::id::{OrderId, RoundId, TenantId};
use packshot_domain::order::round::RoundOutcome;
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_rounds")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<RoundId>,
    pub(crate) order_id: Col<OrderId>,
    pub(crate) submission_no: i32,
    /// Its number within the submission, from 1.
    pub(crate) round_no: i32,
    pub(crate) opened_at: Col<Timestamp>,
    /// Null while a line of the order has not ended.
    pub(crate) closed_at: Option<Col<Timestamp>>,
    /// What became of its summary; null while that is to be told.
    pub(crate) outcome: Option<Col<RoundOutcome>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
