//! A new design job: everything is checked before there is one; then its row is written, and its design stored.

use bytes::Bytes;
use packshot_designs::design::DesignLimits;
use packshot_designs::{AreaRequest, Design, DesignRequest};
use packshot_materials::aliases::AliasLayer;
use packshot_words::Word;
use serde_json::{Value as Json, json};

use super::canvas::{self, Canvas};
use super::{presets, require, shown};
use crate::app::{App, AppError, Code, Deed, Upload};
use crate::objects;
use crate::packages::{self, caller};
use crate::renders::equal_designs;
use crate::renders::of_design::{self, Workfolder};
use crate::renders::{aliases, worn};
use crate::tenancy::RenderSettings;
use packshot_contract::design::{AreaChoice, DesignJob, DesignWish};
use packshot_contract::problem::Invalid;
use packshot_db::artifacts::NewFile;
use packshot_db::designs::areas::DesignArea;
use packshot_db::designs::starting::{self as rows, DesignSource, NewAgain, NewDesignJob};
use packshot_db::designs::{StepError, areas};
use packshot_db::jobs::NewTask;
use packshot_db::tasks::OutputFile;
use packshot_db::{TenantScope, media, products};
use packshot_domain::artifact::{ArtifactFile, ByteSize, MediaType, Receipt, RelativePath};
use packshot_domain::cad_file::OriginalName;
use packshot_domain::design_job::DesignStep;
use packshot_domain::feature::Feature;
use packshot_domain::id::{AssetId, DesignJobId, FileId, TaskId};
use packshot_domain::principal::Principal;
use packshot_domain::step::StepName;
use packshot_domain::task::{Chore, Lane, QueueName, TaskKind};
use packshot_worker::protocol::{DesignInput, Failure};

/// A design that came with a request.
#[derive(Debug)]
pub struct SentDesign {
    /// What its sender called it.
    pub name: String,
    /// The file.
    pub file: Upload,
}

/// The design of a request.
enum Source {
    Sent(OriginalName, Box<Upload>),
    Asset(AssetId),
}

/// An SVG may have a tenth of the bytes of other designs.
const SVG_SHARE: u64 = 10;

/// What is asked of a job, with everything checked and in effect.
pub(super) struct Checked {
    wish: DesignWish,
    source: Source,
    /// The file of the design.
    pub(super) bytes: Bytes,
    design: Design,
    /// The request with everything in effect.
    pub(super) request: Json,
    /// What its tasks compute.
    pub(super) spec: Json,
}

/// Checks everything about a job that is asked for. Nothing is stored.
///
/// # Errors
/// As [`create`], but for what happens when the job is made.
pub(super) async fn checked(
    app: &App,
    who: &Principal,
    wish: DesignWish,
    sent: Option<SentDesign>,
) -> Result<Checked, AppError> {
    let settings = require(app, who).await?;
    let scope = TenantScope::of(who.tenant);
    let canvas = Canvas::of(app, scope, wish.product).await?;
    let wish = presets::known(app, scope, wish).await?;
    let (source, bytes) = source(app, scope, &wish, sent).await?;
    let stored = worn::chosen(areas::list(&app.db, scope, wish.product).await?, &wish.area)?;
    let materials = materials(&wish, &canvas);
    if wish.turntable.is_some() {
        settings.require(Feature::Turntables)?;
    }
    let plan = wish.plan(&materials, &settings.limits)?;
    let turntable = wish.turntable_plan(&materials, &settings.limits)?;
    let limits = limits(app, &settings).await?;
    let wanted = match (&stored, &wish.area) {
        (Some(area), _) => Some(request_of(area)?),
        (None, AreaChoice::Surfaces(surfaces)) => Some(surfaces.clone()),
        (None, _) => None,
    };
    let (asked, file) = (wish.clone(), bytes.clone());
    let look = move |scenery: &packshot_pipeline::product::Product| {
        let design = canvas::checked(&file, &limits)?;
        let request = |area: &AreaRequest| {
            let read = DesignRequest::read(&asked.placed_on(area));
            read.map_err(|faults| AppError::from(Invalid { findings: faults.into_iter().map(Into::into).collect() }))
        };
        let (area, _) = canvas::placed(scenery, wanted, &design, request)?;
        Ok((design, area))
    };
    let (design, area) = canvas.look(app, scope, &plan, look).await?;
    let input = DesignInput {
        design: design_address(&source, app, scope).await?,
        texture: None,
        request: wish.placed_on(&area),
        pixels_max: settings.limits.pixels_max,
    };
    let shown_area = shown::area_of_request(stored.as_ref(), &area);
    let request = with_source(wish.in_effect(&shown_area, &plan, turntable.as_ref()), &source);
    let aliases = aliases::layer(&app.db, scope).await?;
    let spec = of_design::spec(app, scope, &settings, (canvas.scene, aliases), ((plan, turntable), input)).await?;
    Ok(Checked { wish, source, bytes, design, request, spec })
}

/// Starts a design job. When this returns, its design is stored and its tasks wait.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::ProductNotFound`], [`Code::ProductNotRenderable`], [`Code::DesignAreaNotFound`],
/// [`Code::PresetNotFound`], [`Code::AssetNotFound`], [`Code::QueueFull`]; codes of designs; findings about the
/// request. Of a design that could not be stored, the job is kept, and the error names it.
pub async fn create(
    app: &App,
    who: &Principal,
    wish: DesignWish,
    sent: Option<SentDesign>,
) -> Result<DesignJob, AppError> {
    let scope = TenantScope::of(who.tenant);
    let Checked { wish, source, bytes: _, design, request, spec } = checked(app, who, wish, sent).await?;
    let id = DesignJobId::new();
    let new = NewDesignJob {
        id,
        product: wish.product,
        created_by: who.user,
        work_key: equal_designs::key(&spec, &request),
        spec,
        design: facts(&design, &source),
        request,
        metadata: Json::Object(wish.metadata),
    };
    let tasks = tasks(DesignStep::ComposeDesign, &new.spec, &new.request);
    packshot_db::designs::starting::create(&app.db, scope, new).await?;
    match keep(app, who, id, (source, &design), tasks).await {
        Ok(job) => Ok(shown::job(job)),
        Err(error) => {
            let why = StepError { code: error.code().to_owned(), detail: error.detail().to_owned() };
            if let Err(unwritten) = rows::not_stored(&app.db, scope, id, why).await {
                tracing::error!("the design job {id} cannot be ended: {unwritten}");
            }
            super::tidy(app, id).await;
            Err(error.of_design_job(id))
        }
    }
}

/// A job like this one, on its stored design, with the tenant's aliases as they will be. It is not stored yet.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::RenderJobNotFound`], [`Code::ProductNotFound`], [`Code::AssetExpired`]; a library
/// that is not there any more.
pub async fn again(
    app: &App,
    who: &Principal,
    id: DesignJobId,
    change: impl FnOnce(&mut AliasLayer),
) -> Result<NewAgain, AppError> {
    let settings = require(app, who).await?;
    let scope = TenantScope::of(who.tenant);
    let job = packshot_db::designs::get(&app.db, scope, id).await?;
    products::get(&app.db, scope, job.product).await?;
    let gone = || AppError::new(Code::AssetExpired, "the design of the job is no longer stored");
    let design = worn::usable(&app.db, scope, job.design_asset.ok_or_else(gone)?.id).await?.id;
    let mut aliases = aliases::layer(&app.db, scope).await?;
    change(&mut aliases);
    let mut metadata = job.metadata;
    if let Some(members) = metadata.as_object_mut() {
        members.remove("media_ids");
    }
    let spec = of_design::spec_again(app, scope, &settings, &job.spec, aliases).await?;
    let request = with_source(job.request, &Source::Asset(design));
    let new = NewDesignJob {
        id: DesignJobId::new(),
        product: job.product,
        created_by: who.user,
        work_key: equal_designs::key(&spec, &request),
        spec,
        design: job.design,
        request,
        metadata,
    };
    let tasks = tasks(DesignStep::ComposeDesign, &new.spec, &new.request);
    Ok(NewAgain { new, design, tasks })
}

/// The second step: folder and design are stored, and the tasks of the job begin to wait.
async fn keep(
    app: &App,
    who: &Principal,
    id: DesignJobId,
    (source, design): (Source, &Design),
    tasks: Vec<NewTask>,
) -> Result<packshot_db::designs::DesignJob, AppError> {
    let scope = TenantScope::of(who.tenant);
    let folder = Workfolder::of_job(&app.settings, id);
    folder.make().await.map_err(|reason| {
        AppError::new(Code::Unavailable, "the working folder of the job cannot be made").caused_by(reason)
    })?;
    app.ports.designs.may(Deed::StoreDesign).map_err(of_failure)?;
    let (name, upload) = match source {
        Source::Asset(asset) => {
            return Ok(rows::stored(&app.db, scope, id, DesignSource::Asset(asset), tasks).await?);
        }
        Source::Sent(name, upload) => (name, upload),
    };
    let digests = upload.digests().clone();
    let media_type = design.format.media_type();
    objects::keep(&app.db, &app.store, scope, *upload, media_type).await?;
    let kept = async {
        let size = ByteSize::new(digests.size_bytes).map_err(AppError::internal)?;
        let path = name.as_str().parse::<RelativePath>().or_else(|_| "design".parse()).map_err(AppError::internal)?;
        let file = ArtifactFile {
            id: FileId::new(),
            path,
            media_type: media_type.parse::<MediaType>().map_err(AppError::internal)?,
            size,
            address: digests.address,
            sha256: digests.sha256,
        };
        let receipt = Receipt { backend: app.store.backend(), size, stored_at: app.db.now().await? };
        let by = (caller::actor(app, who).await?, "upload");
        let package = of_design::package(by, "design", id, vec![NewFile { file, receipt }])?;
        let side = |side: f64| Some(side.ceil().clamp(1.0, f64::from(i32::MAX)) as i32);
        let row = OutputFile {
            name: name.as_str().to_owned(),
            format: design.format.word().to_owned(),
            media_type: media_type.to_owned(),
            address: digests.address,
            size_bytes: i64::try_from(digests.size_bytes).unwrap_or(i64::MAX),
            width: side(design.width),
            height: side(design.height),
            movie: None,
        };
        Ok(rows::stored(&app.db, scope, id, DesignSource::Sent(Box::new(package), row), tasks).await?)
    };
    let kept: Result<_, AppError> = kept.await;
    if kept.is_err() {
        packages::let_go(&app.db, &app.store, scope, digests.address).await;
    }
    kept
}

/// The failure of a step that is done within a request as an error of the request.
pub(super) fn of_failure(failure: Failure) -> AppError {
    match Code::from_name(&failure.code) {
        Some(code) => AppError::new(code, failure.detail),
        None => AppError::of_work(failure.code, failure.detail),
    }
}

/// The design of a request, with its bytes.
async fn source(
    app: &App,
    scope: TenantScope,
    wish: &DesignWish,
    sent: Option<SentDesign>,
) -> Result<(Source, Bytes), AppError> {
    if let Some(SentDesign { name, file }) = sent {
        let bytes = tokio::fs::read(file.path()).await.map_err(AppError::internal)?;
        return Ok((Source::Sent(OriginalName::of(&name), Box::new(file)), Bytes::from(bytes)));
    }
    let missing =
        || Invalid::one("/design_asset_id", "missing", "name a stored design, or send it as the part `design`");
    let id = wish.design.ok_or_else(missing)?;
    let asset = worn::usable(&app.db, scope, id).await?;
    let bytes = objects::read(&app.db, &app.store, scope, &asset.address).await?;
    Ok((Source::Asset(id), bytes))
}

/// Where the bytes of the design are, or will be.
async fn design_address(
    source: &Source,
    app: &App,
    scope: TenantScope,
) -> Result<packshot_domain::hash::ContentAddress, AppError> {
    match source {
        Source::Sent(_, upload) => Ok(upload.address()),
        Source::Asset(id) => Ok(media::get(&app.db, scope, None, *id).await?.address),
    }
}

fn with_source(mut request: Json, source: &Source) -> Json {
    request["design_asset_id"] = match source {
        Source::Sent(..) => Json::Null,
        Source::Asset(id) => json!(id.uuid()),
    };
    request
}

/// A stored area as designs read it.
fn request_of(area: &DesignArea) -> Result<AreaRequest, AppError> {
    Ok(shown::wish_of(area)?.area)
}

/// The materials of the request, over those of the product.
fn materials(wish: &DesignWish, canvas: &Canvas) -> Json {
    let given = wish.options.json(packshot_pipeline::plan::OptionId::Materials).unwrap_or_default();
    let mut parts: Vec<Json> = given["parts"].as_array().cloned().unwrap_or_default();
    let said: Vec<String> = parts.iter().filter_map(|entry| entry["part_name"].as_str().map(str::to_owned)).collect();
    let own = canvas.product.fields.parts.as_slice().iter();
    let own = own.filter(|entry| !said.iter().any(|name| name == entry.part_name.as_str()));
    parts.extend(own.map(|entry| json!({"part_name": entry.part_name.as_str(), "material": entry.material.as_str()})));
    json!({"library": given["library"], "parts": parts})
}

async fn limits(app: &App, settings: &RenderSettings) -> Result<DesignLimits, AppError> {
    let bytes_max = super::bytes_max(app).await?;
    Ok(DesignLimits { bytes_max, svg_bytes_max: bytes_max / SVG_SHARE, pixels_max: settings.limits.pixels_max })
}

/// What is known of the file of a design.
fn facts(design: &Design, source: &Source) -> Json {
    let name = match source {
        Source::Sent(name, _) => Some(name.as_str().to_owned()),
        Source::Asset(_) => None,
    };
    json!({
        "file_name": name,
        "media_type": design.format.media_type(),
        "width": design.width,
        "height": design.height,
        "has_alpha": design.has_alpha,
        "dpi": design.dpi,
        "colour": design.colour.word(),
    })
}

/// The tasks of a try that goes on with a step, each after the one before.
pub(super) fn tasks(from: DesignStep, spec: &Json, request: &Json) -> Vec<NewTask> {
    let priority = request["priority"].as_i64().and_then(|priority| i32::try_from(priority).ok()).unwrap_or(0);
    let all = [
        (DesignStep::ComposeDesign, TaskKind::Step(StepName::ComposeDesign), QueueName::Convert, true),
        (DesignStep::RenderDesign, TaskKind::Chore(Chore::RenderDesign), QueueName::Render, true),
        (DesignStep::CompleteRenderJob, TaskKind::Chore(Chore::StoreDesign), QueueName::Convert, false),
    ];
    let mut tasks: Vec<NewTask> = Vec::new();
    for (last, kind, queue, computes) in all {
        if last < from {
            continue;
        }
        let lane = if queue == QueueName::Render { Lane::builtin() } else { Lane::of_queue(queue) };
        tasks.push(NewTask {
            id: TaskId::new(),
            kind,
            queue,
            lane,
            priority,
            kwargs: request.clone(),
            spec: computes.then(|| spec.clone()),
            publishes: false,
            waits_for: tasks.last().map(|before| before.id).into_iter().collect(),
        });
    }
    tasks
}
