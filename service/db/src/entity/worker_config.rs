//! Limits of queues. Claims of a queue lock its row, so that they take turns.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::task::QueueName;
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "worker_configs")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) queue_name: Col<QueueName>,
    pub(crate) max_concurrency: i32,
    pub(crate) min_concurrency: i32,
    pub(crate) updated_at: Col<Timestamp>,
    pub(crate) revision: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
