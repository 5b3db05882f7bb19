//! How the pictures of a render came about: from its spec, its request and what its worker reports.
//!
//! It is stored beside the pictures, without the job: renders with equal requests share the file, and each shows it
//! with its own job and request. Nothing in a picture's file is of one time or one job: that is here.

use bytes::Bytes;
use serde_json::Value as Json;

use super::results::{self, SHOT};
use crate::app::{App, AppError};
use packshot_contract::provenance::{
    ENGINE, PROVENANCE_VERSION, Provenance, ProvenanceDenoise, ProvenanceDevice, ProvenanceEnvironment, ProvenanceJob,
    ProvenanceMaterials, ProvenanceRenderer, ProvenanceSampling, ProvenanceScene, RENDERER,
};
use packshot_contract::request::render_kind;
use packshot_db::renders::{self as rows, Render};
use packshot_db::{DbError, TenantScope};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::RenderId;
use packshot_domain::principal::Principal;
use packshot_domain::render::RenderKind;
use packshot_json::canonical;
use packshot_pipeline::plan::LightPlan;
use packshot_words::Word;
use packshot_worker::made_with::MadeWith;
use packshot_worker::protocol::{Completed, DocumentFile, RenderInput};

/// The file that it is stored in.
pub(super) const NAME: &str = "provenance.json";

/// The provenance of finished pictures, for no job yet.
pub(super) fn of(input: &RenderInput, request: &Json, completed: &Completed) -> Provenance {
    let options = &input.plan.options;
    let MadeWith { version, commit, shader_digest, library, map_digest, denoiser, driver } = &*completed.made_with;
    let shot = completed.documents.iter().find(|document| document.name == SHOT);
    let shot: Option<Json> = shot.and_then(|document| serde_json::from_slice(&document.bytes).ok());
    let is_lit_by_map = input.plan.light() == LightPlan::Environment;
    let device = &completed.device;
    Provenance {
        provenance_version: PROVENANCE_VERSION,
        job: job(None, render_kind(input.plan.kind)),
        renderer: ProvenanceRenderer {
            name: RENDERER.to_owned(),
            version: Some(version.clone()),
            commit: commit.clone(),
            shader_digest: Some((*shader_digest).into()),
            engine: Some(ENGINE.to_owned()),
        },
        scene: ProvenanceScene {
            content_address: input.scene.into(),
            source_content_address: None,
            cad_file_id: None,
            converter: None,
        },
        materials: ProvenanceMaterials {
            library: library.as_ref().map(|library| library.name.clone()),
            library_version: library.as_ref().map(|library| library.version.clone()),
            library_digest: library.as_ref().map(|library| library.digest.into()),
            aliases_digest: None,
            map_digest: Some((*map_digest).into()),
            fallback_material: library.as_ref().map(|library| library.fallback.clone()),
            unmapped_parts: completed.unmapped_parts,
        },
        environment: ProvenanceEnvironment {
            name: options.light.map(|light| light.word().to_owned()),
            content_address: input.environment.filter(|_| is_lit_by_map).map(Into::into),
        },
        shot_digest: shot.as_ref().map(|shot| ContentAddress::of(canonical(shot).as_bytes()).into()),
        shot,
        sampling: ProvenanceSampling {
            seed: options.seed,
            samples_max: options.samples,
            samples_mean: Some(completed.samples_mean),
            noise_threshold: options.noise_threshold,
            noise_reached: Some(completed.noise_reached),
            max_time_s: options.max_time_s,
        },
        denoise: ProvenanceDenoise {
            method: denoiser.as_ref().map(|denoiser| denoiser.method.clone()),
            weights_digest: denoiser.as_ref().map(|denoiser| denoiser.weights_digest.into()),
        },
        device: ProvenanceDevice {
            kind: Some(device.used.clone()),
            name: Some(device.device.clone()),
            backend: Some(device.backend.clone()),
            driver: driver.clone(),
        },
        request: request.clone(),
        duration_s: Some(completed.duration_s),
    }
}

fn job(id: Option<RenderId>, kind: RenderKind) -> ProvenanceJob {
    ProvenanceJob { id: id.map(|id| id.uuid()), task_name: kind.step().to_string(), ..ProvenanceJob::default() }
}

/// The file of a provenance.
///
/// # Errors
/// Never in practice: it is JSON.
pub(super) fn file(provenance: &Provenance) -> Result<DocumentFile, serde_json::Error> {
    let text = serde_json::to_string(provenance)?;
    Ok(DocumentFile {
        name: NAME.to_owned(),
        format: "json".to_owned(),
        media_type: "application/json".to_owned(),
        address: None,
        bytes: Bytes::from(text + "\n"),
    })
}

/// The provenance of a render as its own: the stored one, with its job and its request.
pub(super) fn of_render(stored: Provenance, render: &Render) -> Provenance {
    stored.for_job(job(Some(render.id), render.kind), render.request.clone())
}

/// How the pictures of a render came about.
///
/// # Errors
/// [`Code::RenderNotFound`](crate::app::Code::RenderNotFound),
/// [`Code::RenderNotCompleted`](crate::app::Code::RenderNotCompleted);
/// [`Code::ArtifactExpired`](crate::app::Code::ArtifactExpired),
/// [`Code::ContentCorrupt`](crate::app::Code::ContentCorrupt).
pub async fn provenance(app: &App, who: &Principal, id: RenderId) -> Result<Provenance, AppError> {
    let scope = TenantScope::of(who.tenant);
    let render = rows::get(&app.db, scope, id).await?;
    let file = results::of_ended(app, scope, &render, |file| file.name == NAME).await?;
    let bytes = app.store.read(who.tenant, &file.address).await?;
    let corrupt = |error: serde_json::Error| DbError::Corrupt { what: "provenance", reason: error.to_string() };
    Ok(of_render(serde_json::from_slice(&bytes).map_err(corrupt)?, &render))
}
