//! When a tenant was last given a turn in a lane.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::id::TenantId;
use packshot_domain::task::{Lane, QueueName};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "lane_turns")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) queue: Col<QueueName>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) lane: Col<Lane>,
    pub(crate) claimed_at: Col<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
