//! The log of process steps, as rows.

use std::fmt;
use std::str::FromStr;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::column::Col;
use super::entity::pipeline_event;
use super::page::InvalidCursor;
use super::{Db, DbError, Json, TenantScope};
use packshot_domain::event::LogLevel;
use packshot_domain::id::TaskId;
use packshot_domain::task::TaskKind;
use packshot_domain::time::Timestamp;

/// A log line to write.
#[derive(Clone, Debug, PartialEq)]
pub struct NewLogRow {
    /// The step that it is about, or the name of a task that is not a step.
    pub step_name: TaskKind,
    /// Its level.
    pub level: LogLevel,
    /// The message, without the step's prefix.
    pub message: String,
    /// How long the step took, when it ended.
    pub duration_s: Option<f64>,
    /// Structured details.
    pub context: Json,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRow {
    /// Its number in the log of its task, from 1.
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
/// [`DbError`] when the database cannot be reached. A task that is not there has no log.
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

/// Which lines of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRequest {
    /// How many at most.
    pub limit: u32,
    /// Where the previous page ended; `None` for the first.
    pub before: Option<LogCursor>,
    /// Only lines of this step.
    pub step: Option<TaskKind>,
    /// Only lines of this level.
    pub level: Option<LogLevel>,
}

/// A part of a log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogPage {
    /// The lines, newest first.
    pub rows: Vec<LogRow>,
    /// Where the next page begins; `None` when there is none.
    pub next: Option<LogCursor>,
}

/// A place in a log: the number of the line before it, so that lines that are added do not move it. As text it is 16
/// hexadecimal digits, which are opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogCursor(i64);

/// A page of a task's log, newest line first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached. A task that is not there has no log.
pub async fn page(db: &Db, scope: TenantScope, task: TaskId, request: LogRequest) -> Result<LogPage, DbError> {
    db.read_one(scope, (scope.tenant, task, request), |tx, (tenant, task, request)| {
        Box::pin(async move {
            let LogRequest { limit, before, step, level } = *request;
            let mut lines = pipeline_event::Entity::find()
                .filter(pipeline_event::Column::TenantId.eq(Col(*tenant)))
                .filter(pipeline_event::Column::TaskId.eq(Col(*task)));
            if let Some(LogCursor(seq)) = before {
                lines = lines.filter(pipeline_event::Column::Seq.lt(seq));
            }
            if let Some(step) = step {
                lines = lines.filter(pipeline_event::Column::StepName.eq(Col(step)));
            }
            if let Some(level) = level {
                lines = lines.filter(pipeline_event::Column::Level.eq(Col(level)));
            }
            let lines = lines.order_by_desc(pipeline_event::Column::Seq).limit(u64::from(limit) + 1);
            let mut rows: Vec<LogRow> = lines.all(tx.on()).await?.into_iter().map(LogRow::from).collect();
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            let is_more = rows.len() > limit;
            rows.truncate(limit);
            let next = rows.last().filter(|_| is_more).map(|row| LogCursor(row.seq));
            Ok(LogPage { rows, next })
        })
    })
    .await
}

impl fmt::Display for LogCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for LogCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let is_formed = text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        // Lines are numbered from 1: a number with a sign is not a place.
        let seq = i64::from_str_radix(text, 16).ok().filter(|_| is_formed);
        seq.map(Self).ok_or(InvalidCursor)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_survive_text() {
        for seq in [1, 255, i64::MAX] {
            assert_eq!(LogCursor(seq).to_string().parse(), Ok(LogCursor(seq)));
        }
        for text in ["", "1", "-000000000000001", "+000000000000001", "ffffffffffffffff", "000000000000000A"] {
            assert_eq!(text.parse::<LogCursor>(), Err(InvalidCursor), "{text}");
        }
    }
}
