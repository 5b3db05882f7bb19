//! Runs of workflows.

use sea_orm::entity::prelude::*;

use crate::Json;
use crate::column::Col;
use packshot_domain::id::{CadFileId, JobId, OrderLineId, RunId, TaskId, TenantId, WorkflowId};
use packshot_domain::time::Timestamp;
use packshot_domain::workflow::{ExecutionMode, RunStatus};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "workflow_runs")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<RunId>,
    pub(crate) workflow_definition_id: Option<Col<WorkflowId>>,
    pub(crate) order_line_id: Option<Col<OrderLineId>>,
    pub(crate) cad_file_id: Option<Col<CadFileId>>,
    pub(crate) execution_mode: Col<ExecutionMode>,
    pub(crate) status: Col<RunStatus>,
    /// The job that its nodes follow.
    pub(crate) job_id: Option<Col<JobId>>,
    /// The job that it observes; only a shadow run does.
    pub(crate) observed_job_id: Option<Col<JobId>>,
    pub(crate) first_task_id: Option<Col<TaskId>>,
    /// The task whose first file is the line's result, or would be; none of a run that makes none.
    pub(crate) result_task_id: Option<Col<TaskId>>,
    pub(crate) error_message: Option<String>,
    /// The graph as it was dispatched.
    pub(crate) config: Col<Json>,
    /// What both sides of a shadow run are made of, frozen when the first task of either starts.
    pub(crate) ingredients: Option<Col<Json>>,
    /// What the observed job has made.
    pub(crate) authoritative_output: Option<Col<Json>>,
    /// What a shadow run has made.
    pub(crate) observer_output: Option<Col<Json>>,
    pub(crate) comparison: Option<Col<Json>>,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) started_at: Option<Col<Timestamp>>,
    pub(crate) completed_at: Option<Col<Timestamp>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
