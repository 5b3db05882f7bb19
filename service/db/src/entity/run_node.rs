//! What became of the nodes of runs.

use sea_orm::entity::prelude::*;

use crate::Json;
use crate::column::Col;
use packshot_domain::id::{RunId, TaskId, TenantId};
use packshot_domain::step::StepName;
use packshot_domain::time::Timestamp;
use packshot_domain::workflow::{NodeId, NodeStatus};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "run_nodes")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) run_id: Col<RunId>,
    /// Its place in graph order.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) position: i32,
    pub(crate) node_id: Col<NodeId>,
    pub(crate) step: Col<StepName>,
    pub(crate) status: Col<NodeStatus>,
    pub(crate) output: Col<Json>,
    pub(crate) error: Option<String>,
    pub(crate) task_id: Option<Col<TaskId>>,
    pub(crate) started_at: Option<Col<Timestamp>>,
    pub(crate) completed_at: Option<Col<Timestamp>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
