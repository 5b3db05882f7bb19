//! The log of a render's steps, from its rows.

use serde_json::{Map, Value};

use crate::app::{App, AppError};
use packshot_contract::log::{LogLine, LogPage};
use packshot_db::log::{self as rows, LogRow, NewLogRow};
use packshot_db::{TenantScope, renders};
use packshot_domain::id::RenderId;
use packshot_domain::principal::Principal;

pub use packshot_db::log::LogRequest;

/// A page of a render's log, newest line first. A render that reuses the files of another has no log.
///
/// # Errors
/// [`Code::RenderNotFound`](crate::app::Code::RenderNotFound).
pub async fn log(app: &App, who: &Principal, id: RenderId, request: LogRequest) -> Result<LogPage, AppError> {
    let scope = TenantScope::of(who.tenant);
    let Some(task) = renders::get(&app.db, scope, id).await?.task_id else {
        return Ok(LogPage { items: Vec::new(), next_cursor: None });
    };
    let rows::LogPage { rows, next } = rows::page(&app.db, scope, task, request).await?;
    Ok(LogPage { items: rows.into_iter().map(line).collect(), next_cursor: next.map(|cursor| cursor.to_string()) })
}

fn line(row: LogRow) -> LogLine {
    let LogRow { seq, task_id, created_at, row: NewLogRow { step_name, level, message, duration_s, context } } = row;
    LogLine {
        seq: seq.unsigned_abs(),
        task_id: task_id.uuid(),
        step_name: step_name.to_string(),
        level: level.into(),
        message,
        duration_s,
        context: match context {
            Value::Object(context) => context,
            _ => Map::new(),
        },
        created_at: created_at.into(),
    }
}
