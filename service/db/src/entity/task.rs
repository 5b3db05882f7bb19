//! Tasks. `lease_number` only grows; `log_seq` is the number of the last line of the log.

use sea_orm::entity::prelude::*;

use crate::Json;
use crate::column::Col;
use packshot_domain::id::{RenderId, TaskId, TenantId, WorkerId};
use packshot_domain::step::StepName;
use packshot_domain::task::{QueueName, TaskState};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tasks")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<TaskId>,
    pub(crate) render_id: Col<RenderId>,
    pub(crate) name: Col<StepName>,
    pub(crate) queue: Col<QueueName>,
    pub(crate) kwargs: Col<Json>,
    pub(crate) state: Col<TaskState>,
    pub(crate) priority: i32,
    pub(crate) attempt: i32,
    pub(crate) max_attempts: i32,
    pub(crate) lease_number: i64,
    pub(crate) lease_expires_at: Option<Col<Timestamp>>,
    pub(crate) worker_id: Option<Col<WorkerId>>,
    pub(crate) run_after: Col<Timestamp>,
    pub(crate) cancel_requested_at: Option<Col<Timestamp>>,
    pub(crate) log_seq: i64,
    pub(crate) progress_pct: f64,
    pub(crate) error_code: Option<String>,
    pub(crate) error_detail: Option<String>,
    pub(crate) error_at: Option<String>,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) started_at: Option<Col<Timestamp>>,
    pub(crate) went_on_at: Option<Col<Timestamp>>,
    pub(crate) completed_at: Option<Col<Timestamp>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
