//! A new render: its files are stored, then one transaction makes the render, its task, its first event and the answer
//! to its idempotency key.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::cache::Asker;
use super::inputs::{self, ReceivedRequest};
use super::packages::{self, Input};
use super::spec::{RenderV1, Spec};
use super::{aliases, assets, cache, job, with_position};
use crate::app::{App, AppError, Code, Upload};
use crate::idempotency::{self, Beginning, IN_FLIGHT, IdempotentRequest, StoredAnswer};
use crate::objects;
use crate::server::metrics::count_cached;
use crate::tenancy::RenderSettings;
use packshot_contract::input_name;
use packshot_contract::job::Job;
use packshot_contract::request::{Asset, render_kind};
use packshot_db::TenantScope;
use packshot_db::renders::{self as rows, IdempotentSubmit, NewRender, NewWork, Render};
use packshot_domain::feature::Feature;
use packshot_domain::id::{RenderId, TaskId};
use packshot_domain::job::JobState;
use packshot_domain::principal::Principal;
use packshot_domain::render::RenderKind;
use packshot_domain::task::{Lane, QueueName, TaskKind};
use packshot_materials::aliases::AliasLayer;
use packshot_pipeline::plan::words::FileFormat;
use packshot_words::Word;

/// A render to be made.
pub struct RenderSubmission {
    /// The request, and the files that came with it.
    pub received: ReceivedRequest,
    /// What to do if an equal request was rendered before.
    pub equal: Equal,
    /// Formats of which a picture must have one, if there are any: it is to be the answer.
    pub needs: Vec<FileFormat>,
    /// The key under which a repeated request makes no second render.
    pub key: Option<SubmitKey>,
}

/// What to do with a request that was rendered before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Equal {
    /// It gets the same files.
    Reused,
    /// It is rendered again.
    RenderedAgain,
}

/// Makes the answer of the job that was made, or of the reason why the job cannot be shown.
pub type Wording = Arc<dyn Fn(Result<Job, AppError>) -> StoredAnswer + Send + Sync>;

/// A request with an idempotency key, and how its outcome is worded.
#[derive(Clone)]
pub struct SubmitKey {
    /// The request.
    pub request: IdempotentRequest,
    /// The immediate answer; it is stored in the transaction that makes the render. `None` when the answer comes later:
    /// [`idempotency::settle`].
    pub accepted: Option<Wording>,
    /// The answer for a refusal; `None` for one that is not kept, so that the request may be tried again.
    pub refused: fn(&AppError) -> Option<StoredAnswer>,
    /// How long an answer that comes later may take beyond [`IN_FLIGHT`].
    pub wait: Duration,
}

/// Outcome of a request.
#[derive(Debug)]
pub enum Submitted {
    /// A render was made.
    Created(Box<Created>),
    /// The same request had made this render before it was interrupted: the render gives the answer.
    Interrupted(RenderId),
    /// The same request was answered before.
    Answered(StoredAnswer),
}

/// A render that was made.
#[derive(Debug)]
pub struct Created {
    /// Its id.
    pub id: RenderId,
    render: Render,
    position: QueuePosition,
}

/// The place of a new render in its queue.
#[derive(Debug)]
enum QueuePosition {
    /// Not asked yet.
    Unknown,
    /// As the transaction saw it that made the render; `None` when it does not wait, or far back.
    Seen(Option<u64>),
}

impl Created {
    /// The job. Where an answer was stored with it, it is the job of that answer.
    ///
    /// # Errors
    /// Errors of the database.
    pub async fn job(self, app: &App) -> Result<Job, AppError> {
        match self.position {
            QueuePosition::Seen(position) => Ok(job::job(self.render, position)?),
            QueuePosition::Unknown => with_position(app, self.render).await,
        }
    }
}

/// Makes the render of a request. It is durable when this returns.
///
/// # Errors
/// Findings about the request; [`Code::NotAcceptable`] when it makes no picture of a format that is needed;
/// [`Code::FeatureDisabled`], [`Code::QueueFull`], [`Code::StorageQuotaExceeded`] as the tenant's configuration says;
/// [`Code::StorageFull`]; [`Code::IdempotencyInFlight`], [`Code::IdempotencyKeyReused`]. A refusal because of the
/// request itself is stored under its key: nothing has happened yet, so it is as final as an answer.
pub async fn submit(app: &App, who: &Principal, submission: RenderSubmission) -> Result<Submitted, AppError> {
    let RenderSubmission { received, equal, needs, key } = submission;
    let aliases = aliases::layer(&app.db, TenantScope::of(who.tenant)).await?;
    let new = match prepare(app, who, received, (equal, aliases), needs).await {
        Ok(new) => new,
        Err(refusal) => return refuse(app, who, key, refusal).await,
    };
    let id = new.id;
    let is_answered = key.as_ref().is_some_and(|key| key.accepted.is_some());
    let idempotent = key.map(|SubmitKey { request, accepted, refused: _, wait }| IdempotentSubmit {
        request,
        answer: accepted
            .map(|wording| Arc::new(move |created: &rows::Created| word(&wording, created)) as rows::AnswerOf),
        in_flight: IN_FLIGHT + wait,
    });
    match rows::create(&app.db, TenantScope::of(who.tenant), new, idempotent).await? {
        rows::Submitted::Created(created) => {
            let rows::Created { render, queue_position } = *created;
            if render.state == JobState::Completed {
                count_cached();
                job::last_line(&render).info("completed with the files of an equal request");
            }
            // The stored answer and the one that is given must be equal, so both are made of what the transaction saw.
            let position = if is_answered { QueuePosition::Seen(queue_position) } else { QueuePosition::Unknown };
            Ok(Submitted::Created(Box::new(Created { id, render, position })))
        }
        rows::Submitted::Known(begun) => match Beginning::of(begun)? {
            Beginning::Made(id) => Ok(Submitted::Interrupted(id)),
            Beginning::Answered(answer) => Ok(Submitted::Answered(answer)),
            Beginning::New => Err(AppError::internal(std::io::Error::other("a known request is fresh"))),
        },
    }
}

/// The answer to a client that does not wait.
fn word(wording: &Wording, created: &rows::Created) -> StoredAnswer {
    wording(job::job(created.render.clone(), created.queue_position).map_err(AppError::from))
}

/// Stores the refusal of a request that had no effect, if it has a key and was not begun elsewhere meanwhile.
async fn refuse(app: &App, who: &Principal, key: Option<SubmitKey>, refusal: AppError) -> Result<Submitted, AppError> {
    let Some(SubmitKey { request, refused, .. }) = key else { return Err(refusal) };
    let Some(answer) = refused(&refusal) else { return Err(refusal) };
    match idempotency::begin(app, who, request.clone()).await? {
        Beginning::Answered(answer) => Ok(Submitted::Answered(answer)),
        Beginning::Made(id) => Ok(Submitted::Interrupted(id)),
        Beginning::New => {
            idempotency::settle(app, who, request, Some(answer)).await?;
            Err(refusal)
        }
    }
}

/// A render of the same request as this one, with the tenant's aliases as they will be. It is not stored yet.
///
/// # Errors
/// [`Code::RenderNotFound`]; what is wrong with the request by now: its files may have expired.
pub(crate) async fn again(
    app: &App,
    who: &Principal,
    id: RenderId,
    change: impl FnOnce(&mut AliasLayer),
) -> Result<NewRender, AppError> {
    let scope = TenantScope::of(who.tenant);
    let render = rows::get(&app.db, scope, id).await?;
    let mut request = render.request;
    request["metadata"] = render.metadata;
    let settings = RenderSettings::in_force(app, who).await?;
    let received = ReceivedRequest {
        request,
        glb: None,
        glb_name: render.input_name,
        environment: None,
        environment_name: None,
        settings,
    };
    let mut aliases = aliases::layer(&app.db, scope).await?;
    change(&mut aliases);
    prepare(app, who, received, (Equal::RenderedAgain, aliases), Vec::new()).await
}

/// Stores the files, finds what the request refers to, and whether it was rendered before.
async fn prepare(
    app: &App,
    who: &Principal,
    received: ReceivedRequest,
    (equal, aliases): (Equal, AliasLayer),
    needs: Vec<FileFormat>,
) -> Result<NewRender, AppError> {
    let scope = TenantScope::of(who.tenant);
    received.settings.require(Feature::DirectRenders)?;
    let (mut request, plan) = received.asked()?;
    let kind = render_kind(plan.kind);
    if kind == RenderKind::Turntable {
        received.settings.require(Feature::Turntables)?;
    }
    let makes = |format: &FileFormat| plan.files.iter().any(|file| file.format == *format);
    if let Some(format) = needs.first().filter(|_| !needs.iter().any(makes)) {
        let detail = format!(
            "Accept asks for {}, but the request does not make it: add the format to `formats`",
            format.word().to_uppercase()
        );
        return Err(AppError::new(Code::NotAcceptable, detail));
    }
    let names = assets::find(app, scope, &mut request).await?;
    let (mut request, plan) = received.resolved(request)?;
    let ReceivedRequest { request: _, glb, glb_name, environment, environment_name, settings } = received;
    let libraries = inputs::find_libraries(app, scope, &request, &settings).await?;
    if let Some(upload) = glb {
        request.asset = Some(keep(app, scope, upload, "model/gltf-binary").await?);
    }
    if let Some(upload) = environment {
        request.environment = Some(keep(app, scope, upload, "application/octet-stream").await?);
    }
    let scene = request.asset.and_then(|asset| asset.address()).ok_or_else(inputs::no_asset)?;
    let environment = request.environment.and_then(|asset| asset.address());
    let fallback_material = settings.fallback_material;
    let cache_key = cache::key(scope.tenant, &request, &libraries, fallback_material.as_deref(), &aliases);
    let libraries: Vec<_> = libraries.into_iter().map(|library| library.file).collect();
    let inputs = [Some(scene), environment].into_iter().flatten();
    let inputs = inputs.chain(libraries.iter().map(|library| library.address)).collect();
    let id = RenderId::new();
    let [input_name, environment_name] = [glb_name.or(names.scene), environment_name.or(names.environment)]
        .map(|name| name.as_deref().and_then(input_name::of_file));
    let map = environment.map(|address| Input { word: "environment", name: environment_name.as_deref(), address });
    let scene_input = Input { word: "scene", name: input_name.as_deref(), address: scene };
    let class = request.retention_class;
    let packages = packages::of_inputs(app, who, id, class, [scene_input].into_iter().chain(map).collect()).await?;
    // Not an option of the picture: it is kept and shown beside the request.
    let metadata = Value::Object(std::mem::take(&mut request.metadata));
    let shown = serde_json::to_value(&request).map_err(AppError::internal)?;
    let equal = match equal {
        Equal::Reused => cache::find(app, scope, cache_key, Asker { id, kind, class, request: &shown }).await?,
        Equal::RenderedAgain => None,
    };
    let samples_target = plan.options.samples.unwrap_or(1).saturating_mul(plan.n_pictures());
    let (max_unmapped, design, turntable) = (None, None, None);
    let spec =
        RenderV1 { scene, environment, libraries, fallback_material, aliases, plan, max_unmapped, design, turntable };
    let spec = Spec::RenderV1(spec);
    Ok(NewRender {
        id,
        kind,
        priority: request.priority,
        metadata,
        samples_target: i32::try_from(samples_target).unwrap_or(i32::MAX),
        created_by: who.user,
        input_name,
        cache_key: Some(cache_key),
        inputs,
        packages,
        equal,
        work: NewWork {
            id: TaskId::new(),
            kind: TaskKind::Step(kind.step()),
            queue: QueueName::Render,
            lane: Lane::builtin(),
            spec: spec.write().map_err(AppError::internal)?,
        },
        request: shown,
    })
}

/// Keeps an uploaded file, if the tenant has room for it, and remembers that the tenant has it.
async fn keep(app: &App, scope: TenantScope, upload: Upload, media_type: &str) -> Result<Asset, AppError> {
    let address = objects::keep(&app.db, &app.store, scope, upload, media_type).await?;
    Ok(Asset::Content(address.into()))
}
