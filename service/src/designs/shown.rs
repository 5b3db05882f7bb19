//! From rows to the design jobs and areas that clients see.

use packshot_designs::AreaRequest;
use packshot_words::Word;
use serde_json::{Map, Value as Json, json};

use crate::app::failure;
use packshot_contract::design::{
    AreaMapping, AreaSelector, AreaWish, DesignAnimation, DesignArea, DesignAreaRequest, DesignAttempt, DesignJob,
    DesignJobError, DesignJobStep, DesignLinks, DesignOutput, DesignStepName, StoredDesign, StoredTexture,
};
use packshot_contract::document::Document;
use packshot_contract::problem::Invalid;
use packshot_contract::scalar::Time;
use packshot_db::designs::{self as rows, StepState};
use packshot_db::jobs::{Job, JobError as StoredError};
use packshot_db::media::Asset;
use packshot_domain::design_job::DesignStepStatus;
use packshot_domain::time::Timestamp;

/// A design job.
pub(super) fn job(job: rows::DesignJob) -> DesignJob {
    let undo_failed: Vec<DesignStepName> = job.owed.iter().map(|step| (*step).into()).collect();
    let texels_per_mm = job.placement_report.as_ref().and_then(|report| report["texels_per_mm"].as_f64());
    let Worked { document, task_id, device } = worked(job.job);
    let mut metadata = match job.metadata {
        Json::Object(members) => members,
        _ => Map::new(),
    };
    metadata.insert("progress".to_owned(), json!(job.progress_pct));
    let running = job.steps.iter().find(|state| state.status == DesignStepStatus::Running);
    let attempts = job.attempts.as_array().into_iter().flatten().map(attempt).collect();
    let animation = job.turntable.first().map(|file| animation(file, &job.request["animation"]));
    DesignJob {
        id: job.id.uuid(),
        tenant_id: job.tenant.uuid(),
        product_id: job.product.uuid(),
        created_by: job.created_by.uuid(),
        status: job.status.into(),
        progress_pct: job.progress_pct,
        current_step: running.map(|state| state.step.into()),
        steps: job.steps.iter().map(step).collect(),
        request: job.request,
        design: job.design_asset.as_ref().map(|asset| design(asset, &job.design)),
        placement_report: job.placement_report,
        texture: job.texture.as_ref().map(|asset| texture(asset, texels_per_mm)),
        outputs: job.outputs.iter().map(output).collect(),
        animation,
        error: job.error.as_ref().and_then(|stored| error(stored, undo_failed)),
        attempt: job.attempt,
        attempts,
        metadata,
        document,
        task_id,
        celery_task_id: task_id,
        device,
        created_at: job.created_at.into(),
        started_at: job.started_at.map(Into::into),
        completed_at: job.completed_at.map(Into::into),
        cancel_requested_at: job.cancel_requested_at.map(Into::into),
        links: DesignLinks {
            own: format!("/admin/render-engine/jobs/{}", job.id),
            events: format!("/admin/render-engine/jobs/{}/events", job.id),
            product: format!("/api/v1/products/{}", job.product),
        },
    }
}

/// What is known of the work of a job's newest try.
struct Worked {
    document: Option<Document>,
    task_id: Option<uuid::Uuid>,
    device: Option<String>,
}

fn worked(job: Option<Job>) -> Worked {
    let Some(job) = job else { return Worked { document: None, task_id: None, device: None } };
    let device = job.device.as_ref().map(|device| device.get("device").unwrap_or(device));
    Worked {
        task_id: job.document.as_ref().and_then(|document| document.task_id).map(|task| task.uuid()),
        device: device.and_then(Json::as_str).map(str::to_owned),
        document: job.document.map(Document::from),
    }
}

fn step(state: &StepState) -> DesignJobStep {
    let StepState { step, status, started_at, completed_at, attempt, error } = state;
    let duration = started_at.zip(*completed_at).map(|(from, to)| (to.unix_ms() - from.unix_ms()).max(0));
    let shown = |error: &rows::StepError| {
        failure::shown(StoredError { code: error.code.clone(), detail: error.detail.clone(), at: None })
    };
    DesignJobStep {
        no: step.number(),
        name: (*step).into(),
        status: (*status).into(),
        started_at: started_at.map(Into::into),
        completed_at: completed_at.map(Into::into),
        duration_s: duration.map(|ms| ms as f64 / 1_000.0),
        attempt: attempt.unsigned_abs(),
        error: error.as_ref().map(shown),
    }
}

fn error(stored: &Json, undo_failed: Vec<DesignStepName>) -> Option<DesignJobError> {
    Some(DesignJobError {
        code: stored["code"].as_str()?.to_owned(),
        detail: stored["detail"].as_str()?.to_owned(),
        step: DesignStepName::by_word(stored["step"].as_str()?)?,
        undo_failed,
    })
}

fn attempt(stored: &Json) -> DesignAttempt {
    let time = |name: &str| stored[name].as_i64().map(|ms| Time::from(Timestamp::from_unix_ms(ms)));
    DesignAttempt {
        attempt: stored["attempt"].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
        started_at: time("started_at_ms"),
        ended_at: time("ended_at_ms"),
        error: error(&stored["error"], Vec::new()),
    }
}

fn url(asset: &Asset) -> String {
    format!("/api/media/assets/{}/content", asset.id)
}

fn design(asset: &Asset, facts: &Json) -> StoredDesign {
    StoredDesign {
        asset_id: asset.id.uuid(),
        file_name: facts["file_name"].as_str().unwrap_or(&asset.file_name).to_owned(),
        media_type: asset.media_type.clone(),
        file_hash: asset.address.into(),
        size_bytes: asset.size_bytes.unsigned_abs(),
        width: facts["width"].as_f64().unwrap_or(0.0),
        height: facts["height"].as_f64().unwrap_or(0.0),
        has_alpha: facts["has_alpha"].as_bool().unwrap_or(false),
        dpi: facts["dpi"].as_f64(),
        colour: facts["colour"].as_str().unwrap_or_default().to_owned(),
        url: url(asset),
    }
}

fn side(px: Option<i32>) -> u32 {
    px.map_or(0, i32::unsigned_abs)
}

fn texture(asset: &Asset, texels_per_mm: Option<f64>) -> StoredTexture {
    StoredTexture {
        asset_id: asset.id.uuid(),
        width: side(asset.width),
        height: side(asset.height),
        texels_per_mm,
        file_hash: asset.address.into(),
        url: url(asset),
    }
}

fn output(asset: &Asset) -> DesignOutput {
    DesignOutput {
        view_name: asset.view_name.clone().unwrap_or_default(),
        asset_id: asset.id.uuid(),
        media_type: asset.media_type.clone(),
        width: side(asset.width),
        height: side(asset.height),
        file_hash: asset.address.into(),
        size_bytes: asset.size_bytes.unsigned_abs(),
        url: url(asset),
    }
}

/// The turntable of a job, by one of its files and by what was asked for.
fn animation(asset: &Asset, asked: &Json) -> DesignAnimation {
    let number = |name: &str| asked[name].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    DesignAnimation { output: output(asset), frame_count: number("frame_count"), fps: number("fps") }
}

/// A printable area.
pub(super) fn area(area: rows::areas::DesignArea) -> DesignArea {
    let fields = area.fields;
    DesignArea {
        id: area.id.uuid(),
        product_id: area.product.uuid(),
        name: fields.name,
        selector: AreaSelector { material: fields.material, part: fields.part },
        uv_set: fields.uv_set,
        mapping: AreaMapping::by_word(&fields.mapping).unwrap_or(AreaMapping::Auto),
        axis: fields.axis,
        size_mm: fields.size_mm,
        safe_mm: fields.safe_mm,
        is_default: fields.is_default,
        distortion: fields.distortion,
        wraps: fields.wraps,
        revision: area.revision,
        created_at: area.created_at.into(),
        updated_at: area.updated_at.into(),
    }
}

/// A stored area as it would be asked for.
///
/// # Errors
/// When what is stored cannot be read by this version.
pub(super) fn wish_of(stored: &rows::areas::DesignArea) -> Result<AreaWish, Invalid> {
    let shown = area(stored.clone());
    DesignAreaRequest::parse(&json!({
        "name": shown.name,
        "selector": shown.selector,
        "uv_set": shown.uv_set,
        "mapping": shown.mapping.word(),
        "axis": shown.axis,
        "safe_mm": shown.safe_mm,
        "is_default": shown.is_default,
    }))
}

/// The area of a request, with everything in effect.
pub(super) fn area_of_request(stored: Option<&rows::areas::DesignArea>, area: &AreaRequest) -> Json {
    let AreaSelector { material, part } = AreaSelector::of(&area.selector);
    json!({
        "id": stored.map(|stored| stored.id.uuid()),
        "name": stored.map(|stored| stored.fields.name.as_str()),
        "material": material,
        "part": part,
        "mapping": area.mapping.word(),
        "axis": area.axis.map(|axis| axis.word()),
        "uv_set": area.uv_set,
        "safe_mm": area.safe_mm,
    })
}
