//! Tasks. `log_seq` is the number of the last line of the log; `result` is that of a task without a job, whose record
//! would have it.

use sea_orm::entity::prelude::*;
use uuid::Uuid;

use crate::Json;
use crate::column::Col;
use packshot_domain::id::{JobId, TaskId, TenantId, WorkerId};
use packshot_domain::task::{Lane, LeaseToken, QueueName, TaskKind, TaskState};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tasks")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<TaskId>,
    pub(crate) job_id: Option<Col<JobId>>,
    /// What it is done for, where only so many at once may be for the same.
    pub(crate) slot_id: Option<Uuid>,
    pub(crate) position: i32,
    pub(crate) kind: Col<TaskKind>,
    pub(crate) queue: Col<QueueName>,
    pub(crate) lane: Col<Lane>,
    pub(crate) args: Col<Json>,
    pub(crate) kwargs: Col<Json>,
    pub(crate) spec: Option<Col<Json>>,
    pub(crate) result: Option<Col<Json>>,
    pub(crate) publishes: bool,
    pub(crate) blockers: i32,
    pub(crate) state: Col<TaskState>,
    pub(crate) priority: i32,
    pub(crate) attempt: i32,
    pub(crate) max_attempts: i32,
    pub(crate) faults: i32,
    pub(crate) service_deaths: i32,
    pub(crate) service_deaths_max: i32,
    pub(crate) lease_token: Option<Col<LeaseToken>>,
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

/// A task without what it was given: what changes, and what decides.
#[derive(Clone, Debug, DerivePartialModel)]
#[sea_orm(entity = "Entity")]
pub(crate) struct Live {
    pub(crate) id: Col<TaskId>,
    pub(crate) position: i32,
    pub(crate) kind: Col<TaskKind>,
    pub(crate) queue: Col<QueueName>,
    pub(crate) lane: Col<Lane>,
    pub(crate) publishes: bool,
    pub(crate) blockers: i32,
    pub(crate) state: Col<TaskState>,
    pub(crate) priority: i32,
    pub(crate) attempt: i32,
    pub(crate) max_attempts: i32,
    pub(crate) faults: i32,
    pub(crate) service_deaths: i32,
    pub(crate) service_deaths_max: i32,
    pub(crate) lease_token: Option<Col<LeaseToken>>,
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

/// What a task was given.
#[derive(Clone, Debug, DerivePartialModel)]
#[sea_orm(entity = "Entity")]
pub(crate) struct Given {
    pub(crate) kwargs: Col<Json>,
    pub(crate) spec: Option<Col<Json>>,
}

impl From<Model> for Live {
    fn from(row: Model) -> Self {
        Self {
            id: row.id,
            position: row.position,
            kind: row.kind,
            queue: row.queue,
            lane: row.lane,
            publishes: row.publishes,
            blockers: row.blockers,
            state: row.state,
            priority: row.priority,
            attempt: row.attempt,
            max_attempts: row.max_attempts,
            faults: row.faults,
            service_deaths: row.service_deaths,
            service_deaths_max: row.service_deaths_max,
            lease_token: row.lease_token,
            lease_expires_at: row.lease_expires_at,
            worker_id: row.worker_id,
            run_after: row.run_after,
            cancel_requested_at: row.cancel_requested_at,
            log_seq: row.log_seq,
            progress_pct: row.progress_pct,
            error_code: row.error_code,
            error_detail: row.error_detail,
            error_at: row.error_at,
            created_at: row.created_at,
            started_at: row.started_at,
            went_on_at: row.went_on_at,
            completed_at: row.completed_at,
        }
    }
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
