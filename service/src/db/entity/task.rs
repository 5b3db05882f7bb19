//! Tasks. `lease_number` only grows; `log_seq` is the number of the last line of the log.

use sea_orm::entity::prelude::*;

use crate::db::column::JsonColumn;
use crate::domain::id::{RenderId, TaskId, TenantId, WorkerId};
use crate::domain::step::StepName;
use crate::domain::task::{QueueName, TaskState};
use crate::domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tasks")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: TaskId,
    pub(crate) render_id: RenderId,
    pub(crate) name: StepName,
    pub(crate) queue: QueueName,
    pub(crate) kwargs: JsonColumn,
    pub(crate) state: TaskState,
    pub(crate) priority: i32,
    pub(crate) attempt: i32,
    pub(crate) max_attempts: i32,
    pub(crate) lease_number: i64,
    pub(crate) lease_expires_at: Option<Timestamp>,
    pub(crate) worker_id: Option<WorkerId>,
    pub(crate) run_after: Timestamp,
    pub(crate) cancel_requested_at: Option<Timestamp>,
    pub(crate) log_seq: i64,
    pub(crate) progress_pct: f64,
    pub(crate) error_code: Option<String>,
    pub(crate) error_detail: Option<String>,
    pub(crate) error_at: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) went_on_at: Option<Timestamp>,
    pub(crate) completed_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
