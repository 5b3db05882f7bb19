//! Tasks that convert and read CAD files: a STEP file becomes a GLB by the converter of the settings file, and what a
//! GLB has is read.
//!
//! One task is at a file at a time: which, the [database](packshot_db::cad_files::begin) decides. Another one is put
//! back until that has ended, and then finds the file converted. What came of it goes to the file, its products and a
//! package in the transaction that ends the task.

mod step;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use packshot_renderer::backend::CancelToken;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::{cad_files, parts};
use crate::app::{AppError, Code};
use crate::config::Settings;
use crate::jobs::handler::{Desk, Handler, Handlers, Outcome, Start, TaskUpdate, Wait};
use crate::objects::{self, ObjectError};
use crate::programs::{self, Errand, Input, Role, Stopped, unread, unstored};
use crate::settings::InForce;
use crate::store::{Spooled, Store};
use packshot_db::artifacts::{NewFile, NewPackage, WholePackage};
use packshot_db::cad_files::{self as rows, Attempt as Claim, Beginning, CadDelivery, CadFile, CadRead};
use packshot_db::tasks::{Claimed, Delivery, LaneLimit};
use packshot_db::{Db, DbError, TenantScope, orders, products, workflows};
use packshot_domain::artifact::{EventActor, Metadata, RetentionClass};
use packshot_domain::cad_file::{OriginalName, SourceFormat};
use packshot_domain::id::{CadFileId, OrderLineId, PackageId};
use packshot_domain::job::{JobKind, JobRef};
use packshot_domain::step::StepName;
use packshot_domain::task::{FaultKind, Lane, QueueName, TaskKind};
use packshot_worker::cad::{self, CadFacts};
use packshot_worker::command::Launcher;
use packshot_worker::live::{CancelOnDrop, Live};
use packshot_worker::protocol::Failure;
use step::Step;

/// How far apart surface and triangles may be, where nobody says it, in millimetres.
const LINEAR_DEFLECTION_MM: f64 = 0.1;
/// How far apart the directions of neighbouring triangles may be, where nobody says it, in degrees.
const ANGULAR_DEFLECTION_DEG: f64 = 20.0;
/// A task that waits for another one looks again after this time, should nothing wake it.
const LOOK_AGAIN: Duration = Duration::from_secs(15);
/// How long a conversion may take.
pub const CONVERSION_TIME_MAX: Duration = Duration::from_secs(3600);
/// The version of the spec that is written.
const VERSION: u32 = 1;
/// The file that is converted.
const SOURCE: &str = "source.step";
/// The file that the converter writes.
const OUTPUT: &str = "converted.glb";
/// What the converter is, in words.
const CONVERTER: Role = Role {
    name: "the converter",
    setting: "cad_converter",
    product: "the GLB of the converter",
    failed: "conversion_failed",
    timeout: "conversion_timeout",
};
/// What makes the packages of conversions.
const PRODUCER: &str = concat!("packshot/", env!("CARGO_PKG_VERSION"));

/// Converts and reads CAD files, in the lane of conversions.
#[derive(Clone, Debug)]
pub struct ConversionHandler {
    /// Rows.
    pub db: Db,
    /// Files.
    pub store: Store,
    /// The settings of the process, which have the converter.
    pub settings: Arc<Settings>,
    /// What starts programs.
    pub launcher: Launcher,
    /// How long a conversion may take.
    pub time_max: Duration,
    /// Files that are being read.
    pub reading: Live,
}

/// What a task computes, frozen at its first start.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    version: u32,
    /// The file.
    cad_file: uuid::Uuid,
    linear_deflection_mm: f64,
    angular_deflection_deg: f64,
}

impl ConversionHandler {
    /// These handlers, and those of conversions. What an earlier process left behind is removed.
    pub fn add_to(self, handlers: Handlers) -> Handlers {
        if let Err(reason) = programs::clean(&self.scratch()) {
            tracing::warn!("files of earlier conversions cannot be removed: {reason}");
        }
        let queue = QueueName::Convert;
        let kinds = [StepName::OccGlbExport, StepName::ExtractMetadata].map(TaskKind::Step);
        handlers.with((queue, Lane::of_queue(queue), LaneLimit::OfQueue), &kinds, Arc::new(self))
    }

    /// The folder that conversions work in.
    fn scratch(&self) -> PathBuf {
        self.settings.scratch().join("convert")
    }

    /// What a task is to do: what was frozen, or what is true now.
    async fn spec(&self, claimed: &Claimed, job: JobRef) -> Result<Spec, Failure> {
        if let Some(stored) = &claimed.input.spec {
            let spec = serde_json::from_value(stored.clone()).ok().filter(|spec: &Spec| spec.version == VERSION);
            let detail = "this version of Packshot cannot read the stored job; ask for it again";
            return spec.ok_or_else(|| Failure::new(FaultKind::Input, "spec.invalid", detail));
        }
        let scope = TenantScope::of(claimed.tenant);
        let file = self.file_of(scope, job).await?;
        let size_mm = rows::get(&self.db, scope, file).await.map_err(away)?.read.size_mm;
        let number = |name: &str, default| claimed.input.kwargs.get(name).and_then(Json::as_f64).unwrap_or(default);
        Ok(Spec {
            version: VERSION,
            cad_file: file.uuid(),
            linear_deflection_mm: linear_deflection_mm(claimed.input.kwargs.get("linear_deflection_mm"), size_mm),
            angular_deflection_deg: number("angular_deflection_deg", ANGULAR_DEFLECTION_DEG),
        })
    }

    /// The file that a job is about: that of the product, for the job of an order line or of a shadow run beside it.
    async fn file_of(&self, scope: TenantScope, job: JobRef) -> Result<CadFileId, Failure> {
        if job.kind == JobKind::Cad {
            return Ok(CadFileId::from_uuid(job.record));
        }
        let line = match workflows::side_of(&self.db, scope, job).await.map_err(away)? {
            Some(side) => side.line,
            None => OrderLineId::from_uuid(job.record),
        };
        let line = orders::line(&self.db, scope, None, line).await.map_err(away)?;
        let product = products::get(&self.db, scope, line.product).await.map_err(away)?;
        product.fields.cad_file.ok_or_else(|| {
            let detail = "the product has no CAD file any more: give it one, and dispatch the line again";
            Failure::new(FaultKind::Input, "cad_file_not_found", detail)
        })
    }
}

/// What cannot be read now.
fn away(error: DbError) -> Failure {
    match error {
        DbError::NotFound("CAD file") => {
            Failure::new(FaultKind::Input, "cad_file_not_found", "the CAD file was deleted meanwhile")
        }
        error => {
            tracing::warn!("what a CAD file needs cannot be read: {error}");
            Failure::infrastructure("unavailable", "what the CAD file needs cannot be read")
        }
    }
}

impl Handler for ConversionHandler {
    fn start<'t>(&'t self, claimed: &'t Claimed) -> BoxFuture<'t, Result<Start, Failure>> {
        Box::pin(async move {
            let job = claimed.task.job.ok_or_else(|| {
                Failure::new(FaultKind::Input, "internal_error", "a conversion without a job has no CAD file")
            })?;
            let spec = self.spec(claimed, job).await?;
            let scope = TenantScope::of(claimed.tenant);
            let id = CadFileId::from_uuid(spec.cad_file);
            let claim = Claim { lease: claimed.lease, run_after: claimed.task.run_after, file: id };
            let frozen = claimed.input.spec.is_none().then(|| serde_json::to_value(spec).unwrap_or_default());
            let (spec, work): (_, crate::jobs::handler::Work) =
                match rows::begin(&self.db, scope, claim).await.map_err(away)? {
                    Beginning::Begun(file) => {
                        let task = claimed.task.kind;
                        let attempt = Attempt { place: self.clone(), scope, job, task, file: *file, spec };
                        (frozen, Box::new(|desk| Box::pin(attempt.run(desk)) as BoxFuture<'static, Outcome>))
                    }
                    Beginning::Awaited => {
                        let wait = Wait::ForFile(claim, LOOK_AGAIN);
                        (None, Box::new(move |_| Box::pin(async move { Outcome::Deferred(wait) })))
                    }
                    Beginning::Done(file) => {
                        let TaskKind::Step(step) = claimed.task.kind else {
                            return Err(Failure::new(FaultKind::Input, "internal_error", "the task is no step"));
                        };
                        (None, Box::new(move |desk| Box::pin(async move { skipped(&desk, step, &file) })))
                    }
                    Beginning::Failed(error) => {
                        return Err(Failure::new(FaultKind::Input, &error.code, error.detail));
                    }
                };
            Ok(Start { spec, work, until_written: None })
        })
    }

    fn live(&self) -> usize {
        self.launcher.live() + self.reading.count()
    }
}

/// The file was converted and read before: what is known of it is the result.
fn skipped(desk: &Desk, step: StepName, file: &CadFile) -> Outcome {
    let reason = "the CAD file is converted and read already";
    desk.send(TaskUpdate::Skipped(step, reason.to_owned()));
    Step::say(desk, step, format!("skipped: {reason}"));
    Outcome::Done(Delivery { output: known(file.id, &file.read), ..Delivery::default() })
}

/// What is known of a file, as the output of its task.
fn known(file: CadFileId, read: &CadRead) -> Json {
    json!({
        "cad_file_id": file.to_string(),
        "glb_path": read.glb.map(|glb| glb.to_string()),
        "objects": read.parts,
        "bbox_mm": read.size_mm,
        "unit": "mm",
    })
}

/// How far apart surface and triangles may be: as somebody said, or in proportion to the product, as far as its size is
/// known.
fn linear_deflection_mm(asked: Option<&Json>, size_mm: Option<[f64; 3]>) -> f64 {
    let is_auto = asked.and_then(Json::as_str) == Some("auto");
    let diagonal_mm = size_mm.filter(|_| is_auto).map(|size| size.iter().map(|side| side * side).sum::<f64>().sqrt());
    match diagonal_mm {
        Some(diagonal_mm) => (diagonal_mm / 1_000.0).clamp(0.001, 1.0),
        None => asked.and_then(Json::as_f64).unwrap_or(LINEAR_DEFLECTION_MM),
    }
}

/// One attempt at a file that is this task's.
struct Attempt {
    place: ConversionHandler,
    scope: TenantScope,
    job: JobRef,
    task: TaskKind,
    file: CadFile,
    spec: Spec,
}

impl Attempt {
    async fn run(self, mut desk: Desk) -> Outcome {
        match self.delivery(&mut desk).await {
            Ok(delivery) => Outcome::Done(delivery),
            Err(Stopped::Asked) => Outcome::Stopped,
            Err(Stopped::Failed(failure) | Stopped::Missing(failure)) => Outcome::Failed(failure),
        }
    }

    async fn delivery(&self, desk: &mut Desk) -> Result<Delivery, Stopped> {
        let (packages, facts, glb, written) = match self.file.source_format {
            SourceFormat::Step => {
                let begun = std::time::Instant::now();
                let step = Step::begin(desk, StepName::OccGlbExport);
                let converted = self.convert(desk).await;
                let (facts, glb) = step.end(desk, converted)?;
                let written = (glb.file.size.bytes(), begun.elapsed().as_secs_f64());
                (vec![self.package(&glb)?], facts, glb.file.address, Some(written))
            }
            SourceFormat::Glb => {
                if self.task == TaskKind::Step(StepName::OccGlbExport) {
                    let reason = "the CAD file is a GLB itself";
                    desk.send(TaskUpdate::Skipped(StepName::OccGlbExport, reason.to_owned()));
                }
                (Vec::new(), CadFacts::default(), self.file.address, None)
            }
        };
        let step = Step::begin(desk, StepName::ExtractMetadata);
        let facts = match self.file.source_format {
            SourceFormat::Step => Ok(facts),
            SourceFormat::Glb => self.read_again().await,
        };
        let facts = facts.map(|facts| {
            let output = json!({"objects": facts.parts, "bbox_mm": facts.size_mm, "unit": "mm"});
            (facts, members(output))
        });
        let CadFacts { parts, size_mm } = step.end(desk, facts.map_err(Stopped::Failed))?;
        let place = (&self.place.db, &self.place.store, &*self.place.settings);
        let found = parts::found_of(place, self.scope, &parts).await.map_err(|error| {
            tracing::warn!("the library of the tenant cannot be read: {error}");
            Failure::infrastructure("unavailable", "the tenant's material library cannot be read")
        })?;
        desk.send(TaskUpdate::Finishing);
        let read = CadRead { parts, size_mm, glb: Some(glb) };
        let mut output = known(self.file.id, &read);
        if let Some((size_bytes, glb_duration_s)) = written {
            (output["size_bytes"], output["glb_duration_s"]) = (size_bytes.into(), glb_duration_s.into());
        }
        let cad = Some(Box::new(CadDelivery { file: self.file.id, read, found }));
        Ok(Delivery { output, files: Vec::new(), packages, unmapped: None, cad })
    }

    /// Has the program convert the file, and keeps the GLB if it can be rendered.
    async fn convert(&self, desk: &mut Desk) -> Result<((CadFacts, NewFile), Map<String, Json>), Stopped> {
        let Some(command) = &self.place.settings.cad_converter else {
            return Err(unavailable(&self.file.original_name).into());
        };
        let ConversionHandler { db, store, launcher, time_max, .. } = &self.place;
        let begun = std::time::Instant::now();
        let in_force = InForce::of_instance(db, &self.place.settings).await.map_err(away)?;
        let scratch = self.place.scratch();
        let converter = Errand { launcher, command, time_max: *time_max, scratch: &scratch, role: CONVERTER };
        let source = objects::open(db, store, self.scope, &self.file.address).await.map_err(unread)?;
        let job = json!({
            "job_id": self.job.id.to_string(),
            "cad_file_id": self.file.id.to_string(),
            "linear_deflection_mm": self.spec.linear_deflection_mm,
            "angular_deflection_deg": self.spec.angular_deflection_deg,
        });
        let inputs = vec![Input { member: "source_path", file: SOURCE, content: source }];
        let made = converter.run(desk, inputs, OUTPUT, members(job)).await?;
        let spooled = made.take(store, in_force.max_upload_bytes).await?;
        let bytes = spooled.read().await.map_err(|error| unstored(CONVERTER.product, error))?;
        let facts = self.read(bytes.into()).await.map_err(|failure| {
            let detail = format!("the GLB that the converter wrote cannot be rendered: {}", failure.detail);
            Failure { detail, ..failure }
        })?;
        let file = self.keep(spooled).await?;
        let (path, size_bytes) = (file.file.address.to_string(), file.file.size.bytes());
        let glb_duration_s = begun.elapsed().as_secs_f64();
        let output = json!({
            "glb_path": path, "size_bytes": size_bytes, "glb_size_bytes": size_bytes, "glb_duration_s": glb_duration_s,
        });
        Ok(((facts, file), members(output)))
    }

    /// Stores the GLB.
    async fn keep(&self, spooled: Spooled) -> Result<NewFile, Failure> {
        let media_type = cad_files::media_type(SourceFormat::Glb);
        let digests = spooled.digests().clone();
        let ConversionHandler { db, store, .. } = &self.place;
        objects::keep(db, store, self.scope, spooled, media_type).await.map_err(|error| match error {
            ObjectError::Database(DbError::Exceeded(exceeded)) => {
                Failure::new(FaultKind::Input, Code::StorageQuotaExceeded.as_str(), exceeded.to_string())
            }
            ObjectError::Store(error) => unstored(CONVERTER.product, error),
            error => {
                tracing::error!("the GLB cannot be kept: {error}");
                Failure::infrastructure("unavailable", "the GLB cannot be kept")
            }
        })?;
        let stem = self.file.original_name.as_str().rsplit_once('.').map_or("product", |(stem, _)| stem);
        let name = OriginalName::of(&format!("{stem}.glb"));
        cad_files::stored((db, store), &name, media_type, &digests).await.map_err(defect)
    }

    /// The package of the GLB.
    fn package(&self, glb: &NewFile) -> Result<WholePackage, Failure> {
        let text = |text: &str| text.parse().map_err(|reason| defect(AppError::internal(reason)));
        let package = NewPackage {
            id: PackageId::new(),
            name: text(StepName::OccGlbExport.as_str())?,
            producer: text(PRODUCER)?,
            subject: text(&format!("cad_file:{}", self.file.id))?,
            retention_class: RetentionClass::RenderOutput,
            metadata: Metadata::default(),
        };
        Ok(WholePackage { by: EventActor::System, package, files: vec![glb.clone()] })
    }

    /// What is in a file that is a GLB itself.
    async fn read_again(&self) -> Result<CadFacts, Failure> {
        let ConversionHandler { db, store, .. } = &self.place;
        let bytes = objects::read(db, store, self.scope, &self.file.address).await.map_err(unread)?;
        self.read(bytes).await
    }

    /// Reads a GLB on a thread of its own, which ends when nobody waits for it any more.
    async fn read(&self, bytes: Bytes) -> Result<CadFacts, Failure> {
        let cancel = CancelToken::default();
        let _guard = CancelOnDrop(cancel.clone());
        let live = self.place.reading.hold();
        let read = tokio::task::spawn_blocking(move || {
            let _live = live;
            cad::read(&bytes, &cancel)
        });
        read.await.map_err(|error| {
            tracing::error!("reading a CAD file panicked: {error}");
            Failure::infrastructure("worker_panicked", "reading the GLB crashed; the service's log has the reason")
        })?
    }
}

/// A file that nothing here converts.
pub(crate) fn unavailable(name: &OriginalName) -> Failure {
    let detail = format!("{name} is a STEP file, and this service has no converter: upload the product as GLB");
    Failure::new(FaultKind::Input, Code::CadConversionUnavailable.as_str(), detail)
}

fn defect(error: AppError) -> Failure {
    tracing::error!("a GLB cannot be packed: {error}: {}", error.causes().unwrap_or_default());
    Failure::new(FaultKind::Input, "internal_error", "the GLB cannot be kept as a package")
}

fn members(value: Json) -> Map<String, Json> {
    match value {
        Json::Object(members) => members,
        _ => Map::new(),
    }
}
