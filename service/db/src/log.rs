//! The log of process steps, as rows.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::column::Col;
use super::entity::pipeline_event;
use super::{Db, DbError, Json, TenantScope};
use packshot_domain::event::LogLevel;
use packshot_domain::id::TaskId;
use packshot_domain::task::TaskKind;
use packshot_domain::time::Timestamp;

/// A line of the log to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct NewLogRow {
    /// The step that it is about, or what the task is that is no step.
    pub step_name: TaskKind,
    /// How grave it is.
    pub level: LogLevel,
    /// The message, without the step's prefix.
    pub message: String,
    /// How long the step took, when it ended.
    pub duration_s: Option<f64>,
    /// What belongs to it.
    pub context: Json,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRow {
    /// Its number among those of the task, from 1.
    pub seq: i64,
    /// The task.
    pub task_id: TaskId,
    /// When it was written.
    pub created_at: Timestamp,
    /// What it says.
    pub row: NewLogRow,
}

/// The log of a task after number `seq`, in order, at most `limit` lines.
///
/// # Errors
///
/// [`DbError`] when the database is away. A task that is not there has no log.
pub async fn after(db: &Db, scope: TenantScope, task: TaskId, seq: i64, limit: u32) -> Result<Vec<LogRow>, DbError> {
    db.read(scope, (scope.tenant, task, seq, limit), |tx, (tenant, task, seq, limit)| {
        Box::pin(async move {
            let rows = pipeline_event::Entity::find()
                .filter(pipeline_event::Column::TenantId.eq(Col(*tenant)))
                .filter(pipeline_event::Column::TaskId.eq(Col(*task)))
                .filter(pipeline_event::Column::Seq.gt(*seq))
                .order_by_asc(pipeline_event::Column::Seq)
                .limit(u64::from(*limit))
                .all(tx.on())
                .await?;
            Ok(rows.into_iter().map(LogRow::from).collect())
        })
    })
    .await
}

impl From<pipeline_event::Model> for LogRow {
    fn from(row: pipeline_event::Model) -> Self {
        let pipeline_event::Model {
            tenant_id: _,
            task_id,
            seq,
            step_name,
            level,
            message,
            duration_s,
            context,
            created_at,
        } = row;
        let row = NewLogRow { step_name: step_name.0, level: level.0, message, duration_s, context: context.0 };
        Self { seq, task_id: task_id.0, created_at: created_at.0, row }
    }
}
