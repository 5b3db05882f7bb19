//! From rows to the job that clients see.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::app::failure;
use crate::jobs::LastLine;
use packshot_contract::document::Document;
use packshot_contract::job::{Job, Links, RenderResult, file_url};
use packshot_contract::request::{RenderRequest, kind_of};
use packshot_db::jobs::Progress;
use packshot_db::renders::Render;
use packshot_db::{DbError, Json};
use packshot_domain::id::RenderId;
use packshot_domain::job::JobRef;
use packshot_domain::task::TaskKind;

/// A job, with its place in the queue if it waits.
///
/// # Errors
/// [`DbError::Corrupt`] when the row holds what this version cannot read.
pub(super) fn job(render: Render, queue_position: Option<u64>) -> Result<Job, DbError> {
    let Render {
        id,
        tenant,
        kind,
        state,
        priority,
        request,
        metadata,
        progress: Progress { progress_pct, samples_done, samples_target },
        error,
        result,
        device,
        document,
        task_id,
        created_by: _,
        input_name,
        cancel_requested_at,
        created_at,
        started_at,
        completed_at,
        last_seq: _,
    } = render;
    let request: RenderRequest = read("request", request)?;
    let metadata = match metadata {
        Value::Object(metadata) => metadata,
        _ => Map::new(),
    };
    let count = |n: i32| u32::try_from(n).unwrap_or(0);
    let task_id = task_id.map(|task| task.uuid());
    Ok(Job {
        id: id.uuid(),
        tenant_id: tenant.uuid(),
        kind: kind_of(kind),
        input_name,
        state: state.into(),
        priority,
        queue_position,
        progress_pct,
        samples_done: count(samples_done),
        samples_target: count(samples_target),
        links: Links::new(id.uuid(), &request.file_formats()),
        request,
        error: error.map(failure::shown),
        result: result.map(|result| read("result", result)).transpose()?,
        device: device.as_ref().and_then(device_name),
        cancel_requested_at: cancel_requested_at.map(Into::into),
        created_at: created_at.into(),
        started_at: started_at.map(Into::into),
        completed_at: completed_at.map(Into::into),
        document: Some(Document::from(document)),
        task_id,
        celery_task_id: task_id,
        metadata,
    })
}

/// The last line of the log about a render that ended without a worker.
pub(super) fn last_line(render: &Render) -> LastLine<'_> {
    LastLine {
        job: Some(JobRef::of_render(render.id)),
        input_name: render.input_name.as_deref(),
        kind: TaskKind::Step(render.kind.step()),
    }
}

fn read<T: DeserializeOwned>(what: &'static str, json: Json) -> Result<T, DbError> {
    serde_json::from_value(json).map_err(|error| DbError::Corrupt { what, reason: error.to_string() })
}

fn device_name(device: &Json) -> Option<String> {
    let name = device.get("device").unwrap_or(device);
    name.as_str().map(str::to_owned)
}

/// The result of another render with an equal request, as that of the render `id`.
///
/// # Errors
/// [`DbError::Corrupt`] when the row holds what this version cannot read.
pub(super) fn cached_result(of: &Render, id: RenderId) -> Result<Json, DbError> {
    let mut result: RenderResult = read("result", of.result.clone().unwrap_or_default())?;
    for file in &mut result.files {
        file.url = file_url(id.uuid(), &file.name);
    }
    result.from_cache = true;
    serde_json::to_value(&result).map_err(|error| DbError::Corrupt { what: "result", reason: error.to_string() })
}
