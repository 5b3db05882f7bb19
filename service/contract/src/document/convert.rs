//! From the document of the domain to its JSON.

use serde_json::{Map, Number, Value};

use super::{Document, DocumentResult, GpuInfo, Step, VERSION};
use packshot_domain::document::{
    DocumentResult as DomainResult, GpuInfo as DomainGpuInfo, JobDocument, RenderStep, StepRecord,
};
use packshot_domain::value::{Fields, Value as DomainValue};

impl From<JobDocument> for Document {
    fn from(document: JobDocument) -> Self {
        let JobDocument { job_id, created_at, state, task_id, attempt, worker_id, pid, steps, error, result } =
            document;
        let task_id = task_id.map(|task| task.uuid());
        Self {
            version: VERSION,
            job_id,
            created_at: created_at.into(),
            state: state.into(),
            task_id,
            celery_task_id: task_id,
            attempt: u32::try_from(attempt).unwrap_or(0),
            worker_id: worker_id.map(|worker| worker.to_string()),
            pid,
            steps: steps.into_iter().map(Step::from).collect(),
            error,
            result: result.map(DocumentResult::from),
        }
    }
}

impl From<StepRecord> for Step {
    fn from(record: StepRecord) -> Self {
        let StepRecord { name, task_id, status, started_at, completed_at, duration_s, output, render } = record;
        let (gpu_type, engine, samples) = match render {
            Some(RenderStep { gpu_type, engine, samples }) => (Some(gpu_type), Some(engine), Some(samples)),
            None => (None, None, None),
        };
        Self {
            name: name.to_string(),
            status: status.into(),
            task_id: task_id.map(|task| task.uuid()),
            started_at: started_at.into(),
            completed_at: completed_at.map(Into::into),
            duration_s,
            output: members(output),
            gpu_type,
            engine,
            samples,
        }
    }
}

impl From<DomainResult> for DocumentResult {
    fn from(result: DomainResult) -> Self {
        let DomainResult { output_path, duration_s, engine_used, gpu, gpu_info } = result;
        let DomainGpuInfo { device, backend, used, fallback_reason } = gpu_info;
        let gpu_info = GpuInfo { device, backend, used, fallback_reason };
        Self { output_path, duration_s, engine_used, gpu, gpu_info }
    }
}

fn members(fields: Fields) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name, json(value))).collect()
}

fn json(value: DomainValue) -> Value {
    match value {
        DomainValue::Null => Value::Null,
        DomainValue::Bool(flag) => Value::Bool(flag),
        DomainValue::Integer(n) => n.into(),
        DomainValue::Number(x) => Number::from_f64(x).map_or(Value::Null, Value::Number),
        DomainValue::Text(text) => Value::String(text),
        DomainValue::List(values) => values.into_iter().map(json).collect(),
        DomainValue::Map(fields) => Value::Object(members(fields)),
    }
}
