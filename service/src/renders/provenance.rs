//! How the pictures of a render came about: from its spec, its request and what its worker reports.
//!
//! The metadata of its package says it, so that it is found by what it names and stays when the files have expired. A
//! shot that is too large for metadata is in its file, and a request that is too large in the job. Nothing in a
//! picture's file is of one time or one job: that is here.

use serde_json::Value as Json;

use super::made_for::MadeFor;
use super::of_run;
use super::packages::MEMBER;
use super::results::{self, SHOT};
use super::spec::RenderV1;
use crate::app::{App, AppError, Code};
use crate::objects;
use packshot_contract::provenance::{
    ENGINE, PROVENANCE_VERSION, Provenance, ProvenanceDenoise, ProvenanceDevice, ProvenanceEnvironment, ProvenanceJob,
    ProvenanceMaterials, ProvenanceRenderer, ProvenanceSampling, ProvenanceScene, RENDERER,
};
use packshot_contract::request::render_kind;
use packshot_db::artifacts::{Package, json_of};
use packshot_db::renders as rows;
use packshot_db::{DbError, TenantScope};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{OrderLineId, RenderId, RunId};
use packshot_domain::job::{JobKind, JobState};
use packshot_domain::principal::Principal;
use packshot_domain::render::RenderKind;
use packshot_domain::step::StepName;
use packshot_domain::task::{Lane, TaskKind};
use packshot_json::canonical;
use packshot_pipeline::plan::LightPlan;
use packshot_words::Word;
use packshot_worker::made_with::MadeWith;
use packshot_worker::protocol::{Completed, RenderInput};

/// The provenance of a render's finished pictures.
pub(super) fn of(
    (made_for, task): (&MadeFor, TaskKind),
    input: &RenderInput,
    request: &Json,
    completed: &Completed,
) -> Provenance {
    let options = &input.plan.options;
    let MadeWith { version, commit, shader_digest, library, map_digest, denoiser, driver } = &*completed.made_with;
    let shot = completed.documents.iter().find(|document| document.name == SHOT);
    let shot: Option<Json> = shot.and_then(|document| serde_json::from_slice(&document.bytes).ok());
    let is_lit_by_map = input.plan.light() == LightPlan::Environment;
    let device = &completed.device;
    Provenance {
        provenance_version: PROVENANCE_VERSION,
        job: within(
            ProvenanceJob { task_name: task.to_string(), ..job(made_for, render_kind(input.plan.kind)) },
            request,
        ),
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
            cad_file_id: (made_for.job.kind == JobKind::Cad).then_some(made_for.job.record),
            converter: None,
        },
        materials: ProvenanceMaterials {
            library: library.as_ref().map(|library| library.name.clone()),
            library_version: library.as_ref().map(|library| library.version.clone()),
            library_digest: library.as_ref().map(|library| library.digest.into()),
            aliases_digest: library.as_ref().and(aliases_digest(input)).map(Into::into),
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
            noise_reached: completed.noise_reached,
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

/// The name of renderers that are not part of this program.
pub(crate) const EXTERNAL: &str = "external";

/// The provenance of a picture that an external executor has rendered: it says neither shot nor samples, nor which
/// materials it has found.
pub(crate) fn external(
    (made_for, step): (&MadeFor, StepName),
    executor: &Lane,
    render: &RenderV1,
    (request, duration_s): (&Json, f64),
) -> Provenance {
    Provenance {
        provenance_version: PROVENANCE_VERSION,
        job: of_job(made_for, step, request),
        renderer: ProvenanceRenderer {
            name: EXTERNAL.to_owned(),
            version: None,
            commit: None,
            shader_digest: None,
            engine: Some(executor.to_string()),
        },
        scene: ProvenanceScene {
            content_address: render.scene.into(),
            source_content_address: None,
            cad_file_id: None,
            converter: None,
        },
        materials: ProvenanceMaterials {
            library: None,
            library_version: None,
            library_digest: None,
            aliases_digest: None,
            map_digest: None,
            fallback_material: None,
            unmapped_parts: 0,
        },
        environment: ProvenanceEnvironment { name: None, content_address: None },
        shot: None,
        shot_digest: None,
        sampling: ProvenanceSampling {
            seed: None,
            samples_max: None,
            samples_mean: None,
            noise_threshold: None,
            noise_reached: None,
            max_time_s: None,
        },
        denoise: ProvenanceDenoise::default(),
        device: ProvenanceDevice { kind: None, name: None, backend: None, driver: None },
        request: request.clone(),
        duration_s: Some(duration_s),
    }
}

/// What the pictures of a render were made for.
pub(super) fn job(of: &MadeFor, kind: RenderKind) -> ProvenanceJob {
    of_job(of, kind.step(), &Json::Null)
}

/// What the files of a task were made for.
pub(super) fn of_job(of: &MadeFor, step: StepName, arguments: &Json) -> ProvenanceJob {
    let order_line_id = of.line.map(OrderLineId::uuid);
    let (id, task_name) = (Some(of.job.id.uuid()), step.to_string());
    within(ProvenanceJob { id, order_line_id, task_name, ..ProvenanceJob::default() }, arguments)
}

/// The same with the run and the node that the arguments of the task name.
fn within(job: ProvenanceJob, arguments: &Json) -> ProvenanceJob {
    let workflow_run_id = of_run::id_of(arguments).map(RunId::uuid);
    let workflow_node_id = workflow_run_id.and_then(|_| arguments[of_run::NODE].as_str().map(str::to_owned));
    ProvenanceJob { workflow_run_id, workflow_node_id, ..job }
}

/// What the metadata of a render's package says of it.
///
/// # Errors
/// [`DbError::Corrupt`] when this version cannot read it.
pub(super) fn of_package(package: &Package) -> Result<Provenance, DbError> {
    let member = package.metadata.members().get(MEMBER).map_or(Json::Null, json_of);
    serde_json::from_value(member).map_err(corrupt)
}

fn corrupt(error: serde_json::Error) -> DbError {
    DbError::Corrupt { what: "provenance", reason: error.to_string() }
}

/// How the pictures of a render came about.
///
/// # Errors
/// [`Code::RenderNotFound`], [`Code::RenderNotCompleted`]; [`Code::ArtifactExpired`] and [`Code::ContentCorrupt`] where
/// its shot is in a file alone.
pub async fn provenance(app: &App, who: &Principal, id: RenderId) -> Result<Provenance, AppError> {
    let scope = TenantScope::of(who.tenant);
    let render = rows::get(&app.db, scope, id).await?;
    if render.state != JobState::Completed {
        return Err(AppError::new(Code::RenderNotCompleted, format!("the render is {}", render.state)));
    }
    let package = rows::package(&app.db, scope, id).await?.ok_or_else(results::expired)?;
    let mut made = of_package(&package)?;
    if made.shot.is_none() && made.shot_digest.is_some() {
        let file = results::of_ended(app, scope, &render, |file| file.name == SHOT).await?;
        let bytes = objects::read(&app.db, &app.store, scope, &file.address).await?;
        made.shot = Some(serde_json::from_slice(&bytes).map_err(corrupt)?);
    }
    made.request = render.request;
    Ok(made)
}

/// The digest of the tenant's aliases, where it has any.
pub(super) fn aliases_digest(input: &RenderInput) -> Option<ContentAddress> {
    input.aliases.digest().map(|digest| ContentAddress::from_hash(digest.into()))
}
