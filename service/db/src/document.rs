//! The stored form of job documents. It is a format of its own, so that the domain's type can change without old rows
//! becoming unreadable.

use serde::{Deserialize, Serialize};

use super::Json;
use packshot_domain::document::{DocumentResult, GpuInfo, JobDocument, RenderStep, StepRecord};
use packshot_domain::id::{TaskId, WorkerId};
use packshot_domain::time::Timestamp;
use packshot_domain::value::{Fields, Value};

/// A document as it is stored. Times are milliseconds.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredDocument {
    version: u32,
    job_id: uuid::Uuid,
    created_at: i64,
    state: String,
    task_id: Option<uuid::Uuid>,
    attempt: i32,
    worker_id: Option<uuid::Uuid>,
    pid: Option<u32>,
    steps: Vec<StoredStep>,
    error: Option<String>,
    result: Option<StoredResult>,
}

#[derive(Serialize, Deserialize)]
struct StoredStep {
    name: String,
    task_id: Option<uuid::Uuid>,
    status: String,
    started_at: i64,
    completed_at: Option<i64>,
    duration_s: Option<f64>,
    output: serde_json::Map<String, Json>,
    render: Option<StoredRenderStep>,
}

#[derive(Serialize, Deserialize)]
struct StoredRenderStep {
    gpu_type: String,
    engine: String,
    samples: u32,
}

#[derive(Serialize, Deserialize)]
struct StoredResult {
    output_path: String,
    duration_s: f64,
    engine_used: String,
    gpu: String,
    gpu_info: StoredGpuInfo,
}

#[derive(Serialize, Deserialize)]
struct StoredGpuInfo {
    device: String,
    backend: String,
    used: String,
    fallback_reason: Option<String>,
}

/// A stored document that cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum UnreadableDocument {
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Word(#[from] packshot_domain::words::UnknownWord),
    #[error("version {0} is newer than this program")]
    Version(u32),
}

impl StoredDocument {
    pub(super) fn write(document: &JobDocument) -> String {
        let JobDocument { job_id, created_at, state, task_id, attempt, worker_id, pid, steps, error, result } =
            document;
        let stored = Self {
            version: JobDocument::VERSION,
            job_id: *job_id,
            created_at: created_at.unix_ms(),
            state: state.to_string(),
            task_id: task_id.map(TaskId::uuid),
            attempt: *attempt,
            worker_id: worker_id.map(WorkerId::uuid),
            pid: *pid,
            steps: steps.iter().map(StoredStep::of).collect(),
            error: error.clone(),
            result: result.as_ref().map(StoredResult::of),
        };
        serde_json::to_string(&stored).expect("maps with text as keys and finite numbers are JSON")
    }

    pub(super) fn read(text: &str) -> Result<JobDocument, UnreadableDocument> {
        let stored: Self = serde_json::from_str(text)?;
        if stored.version > JobDocument::VERSION {
            return Err(UnreadableDocument::Version(stored.version));
        }
        Ok(JobDocument {
            job_id: stored.job_id,
            created_at: Timestamp::from_unix_ms(stored.created_at),
            state: stored.state.parse()?,
            task_id: stored.task_id.map(TaskId::from_uuid),
            attempt: stored.attempt,
            worker_id: stored.worker_id.map(WorkerId::from_uuid),
            pid: stored.pid,
            steps: stored.steps.into_iter().map(StoredStep::into_step).collect::<Result<_, _>>()?,
            error: stored.error,
            result: stored.result.map(StoredResult::into_result),
        })
    }
}

impl StoredStep {
    fn of(step: &StepRecord) -> Self {
        let StepRecord { name, task_id, status, started_at, completed_at, duration_s, output, render } = step;
        Self {
            name: name.to_string(),
            task_id: task_id.map(TaskId::uuid),
            status: status.to_string(),
            started_at: started_at.unix_ms(),
            completed_at: completed_at.map(Timestamp::unix_ms),
            duration_s: *duration_s,
            output: to_map(output),
            render: render.as_ref().map(|RenderStep { gpu_type, engine, samples }| StoredRenderStep {
                gpu_type: gpu_type.clone(),
                engine: engine.clone(),
                samples: *samples,
            }),
        }
    }

    fn into_step(self) -> Result<StepRecord, UnreadableDocument> {
        let Self { name, task_id, status, started_at, completed_at, duration_s, output, render } = self;
        Ok(StepRecord {
            name: name.parse()?,
            task_id: task_id.map(TaskId::from_uuid),
            status: status.parse()?,
            started_at: Timestamp::from_unix_ms(started_at),
            completed_at: completed_at.map(Timestamp::from_unix_ms),
            duration_s,
            output: to_fields(output),
            render: render.map(|StoredRenderStep { gpu_type, engine, samples }| RenderStep {
                gpu_type,
                engine,
                samples,
            }),
        })
    }
}

impl StoredResult {
    fn of(result: &DocumentResult) -> Self {
        let DocumentResult { output_path, duration_s, engine_used, gpu, gpu_info } = result.clone();
        let GpuInfo { device, backend, used, fallback_reason } = gpu_info;
        let gpu_info = StoredGpuInfo { device, backend, used, fallback_reason };
        Self { output_path, duration_s, engine_used, gpu, gpu_info }
    }

    fn into_result(self) -> DocumentResult {
        let Self { output_path, duration_s, engine_used, gpu, gpu_info } = self;
        let StoredGpuInfo { device, backend, used, fallback_reason } = gpu_info;
        let gpu_info = GpuInfo { device, backend, used, fallback_reason };
        DocumentResult { output_path, duration_s, engine_used, gpu, gpu_info }
    }
}

fn to_map(fields: &Fields) -> serde_json::Map<String, Json> {
    fields.iter().map(|(name, value)| (name.clone(), to_json(value))).collect()
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => (*value).into(),
        Value::Integer(value) => (*value).into(),
        Value::Number(value) => (*value).into(),
        Value::Text(value) => value.as_str().into(),
        Value::List(values) => values.iter().map(to_json).collect(),
        Value::Map(fields) => to_map(fields).into(),
    }
}

fn to_fields(map: serde_json::Map<String, Json>) -> Fields {
    map.into_iter().map(|(name, value)| (name, to_value(value))).collect()
}

fn to_value(json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => value.into(),
        Json::Number(number) => match number.as_i64() {
            Some(value) => value.into(),
            None => number.as_f64().map_or(Value::Null, Value::from),
        },
        Json::String(value) => value.into(),
        Json::Array(values) => Value::List(values.into_iter().map(to_value).collect()),
        Json::Object(map) => Value::Map(to_fields(map)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use packshot_domain::document::{Change, StepChange};
    use packshot_domain::job::JobState;
    use packshot_domain::step::StepName;

    #[test]
    fn documents_survive_their_column() {
        let at = Timestamp::from_unix_ms(1_795_168_800_007);
        let (task, worker) = (TaskId::new(), WorkerId::new());
        let mut document = JobDocument::new(uuid::Uuid::now_v7(), Some(task), JobState::Queued, at);
        document.begin_attempt(task, 2, worker);
        document.pid = Some(4711);
        document.begin_step(StepName::OccGlbExport, Some(task), at);
        let output = vec![
            ("glb_path".to_owned(), Value::from("a\n\u{1F4F7}")),
            ("size_bytes".to_owned(), Value::from(i64::MAX)),
            ("glb_duration_s".to_owned(), Value::from(0.1)),
            ("nested".to_owned(), Value::List(vec![Value::Null, true.into(), Value::Map(Vec::new())])),
        ];
        document.finish_step(StepName::OccGlbExport, Some(task), output, at + Duration::from_secs(8)).expect("it runs");
        let render = RenderStep { gpu_type: "VULKAN".into(), engine: "path_tracer".into(), samples: 256 };
        let change = StepChange::Begin(Some(render));
        document.apply(task, Change::Step { name: StepName::RenderStill, at, change });
        document.append_error("first");
        let gpu_info = GpuInfo { device: "d".into(), backend: "b".into(), used: "cpu".into(), fallback_reason: None };
        let (output_path, engine_used, gpu) = ("p".into(), "path_tracer".into(), "d".into());
        document.result = Some(DocumentResult { output_path, duration_s: 34.2, engine_used, gpu, gpu_info });
        assert_eq!(StoredDocument::read(&StoredDocument::write(&document)).expect("what was written"), document);
    }

    #[test]
    fn documents_of_a_later_version_are_refused() {
        let at = Timestamp::from_unix_ms(0);
        let text = StoredDocument::write(&JobDocument::new(uuid::Uuid::now_v7(), None, JobState::Pending, at));
        let later = text.replacen("\"version\":1", "\"version\":2", 1);
        assert!(matches!(StoredDocument::read(&later), Err(UnreadableDocument::Version(2))));
    }
}
