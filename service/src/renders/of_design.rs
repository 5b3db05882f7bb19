//! What design jobs need of renders: the spec of their tasks, the folder in which their pictures wait until they are
//! stored, and files that become packages.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::inputs;
use super::outputs::{self, OutputError, Received};
use super::packages::{self, Unfit};
use super::spec::{RenderV1, Spec, text};
use super::work;
use crate::app::{App, AppError};
use crate::config::Settings;
use crate::jobs::handler::{Desk, TaskUpdate, Teller};
use crate::store::{Store, StoreError};
use crate::tenancy::RenderSettings;
use packshot_contract::request::RenderRequest;
use packshot_db::artifacts::{NewFile, WholePackage};
use packshot_db::designs;
use packshot_db::log::NewLogRow;
use packshot_db::reviews::ProposedPart;
use packshot_db::tasks::{Delivery, Movie, OutputFile};
use packshot_db::{AllTenants, Db, DbError, TenantScope};
use packshot_domain::artifact::{EventActor, Metadata, RetentionClass};
use packshot_domain::design_job::TURNTABLE;
use packshot_domain::event::LogLevel;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::DesignJobId;
use packshot_domain::job::JobRef;
use packshot_domain::step::StepName;
use packshot_domain::task::{FaultKind, TaskKind};
use packshot_materials::aliases::AliasLayer;
use packshot_pipeline::plan::PicturePlan;
use packshot_worker::protocol::{Completed, DesignInput, Failure, RenderInput, StepPhase};
use packshot_worker::unmapped::UnmappedPart;

/// The folder in the data folder that has one for each design job.
const FOLDER: [&str; 2] = ["tmp", "design-jobs"];
/// The list of the pictures in a folder, written last.
const LIST: &str = "pictures.json";
/// What workers call a file of all pictures.
const WHOLE: &str = "result";

/// What the tasks of a design job compute.
///
/// # Errors
/// `library_not_found` for a library that is not there.
pub(crate) async fn spec(
    app: &App,
    scope: TenantScope,
    settings: &RenderSettings,
    (scene, aliases): (ContentAddress, AliasLayer),
    ((plan, turntable), design): ((PicturePlan, Option<PicturePlan>), DesignInput),
) -> Result<Json, AppError> {
    let request = RenderRequest { options: plan.options.clone(), ..RenderRequest::default() };
    let libraries = inputs::find_libraries(app, scope, &request, settings).await?;
    let spec = Spec::RenderV1(RenderV1 {
        scene,
        environment: None,
        libraries: libraries.into_iter().map(|library| library.file).collect(),
        fallback_material: settings.fallback_material.clone(),
        aliases,
        plan,
        max_unmapped: None,
        design: Some(design),
        turntable,
    });
    spec.write().map_err(AppError::internal)
}

/// What the tasks of a job like one with this spec compute: with the libraries in force now, and with these aliases.
///
/// # Errors
/// As [`spec`]; `spec.invalid`.
pub(crate) async fn spec_again(
    app: &App,
    scope: TenantScope,
    settings: &RenderSettings,
    stored: &Json,
    aliases: AliasLayer,
) -> Result<Json, AppError> {
    let stored =
        Spec::read(Some(stored)).map_err(|failure| AppError::of_input(failure.code, failure.detail, Vec::new()))?;
    let turntable = stored.turntable();
    let RenderInput { scene, plan, design, .. } = stored.into_input();
    let design = design.ok_or_else(|| AppError::of_input("spec.invalid", "the job has no design", Vec::new()))?;
    spec(app, scope, settings, (scene, aliases), ((plan, turntable), design)).await
}

/// What a task of a design job computes, by its spec.
///
/// # Errors
/// `spec.invalid`.
pub(crate) fn input(stored: Option<&Json>) -> Result<RenderInput, Failure> {
    Ok(Spec::read(stored)?.into_input())
}

/// Pictures show the texture that was composed before, whatever would be composed now.
pub(super) async fn with_texture(
    db: &Db,
    scope: TenantScope,
    job: JobRef,
    input: &mut RenderInput,
) -> Result<(), Failure> {
    let texture = designs::texture(db, scope, DesignJobId::from_uuid(job.record)).await.map_err(away)?;
    if let Some(design) = &mut input.design {
        design.texture = texture;
    }
    Ok(())
}

/// A design job cannot be read.
pub(crate) fn away(error: DbError) -> Failure {
    match error {
        DbError::NotFound("design job") => {
            Failure::new(FaultKind::Input, "render_job_not_found", "the design job was deleted")
        }
        DbError::NotFound("product") => {
            Failure::new(FaultKind::Input, "product_not_found", "the product was deleted meanwhile")
        }
        error => {
            tracing::warn!("a design job cannot be read or written: {error}");
            Failure::infrastructure("unavailable", "the design job cannot be read or written")
        }
    }
}

/// A step has taken too long.
#[must_use]
pub(crate) fn late(time_max: Duration) -> Failure {
    let detail = format!("the step took longer than the {} s that it may", time_max.as_secs());
    Failure::new(FaultKind::Input, "step_timeout", detail)
}

/// The folder of a design job: its pictures wait there until they are stored. It is made anew where it is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Workfolder {
    job: DesignJobId,
    path: PathBuf,
}

/// A picture in the folder of its job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Picture {
    name: String,
    format: String,
    media_type: String,
    #[serde(with = "text")]
    address: ContentAddress,
    size_bytes: i64,
    width: Option<i32>,
    height: Option<i32>,
    /// Of a movie: how many frames it has.
    frames: Option<i32>,
    /// Of a movie: how long it lasts.
    duration_ms: Option<i64>,
    /// Whether it is of the turntable.
    is_turned: bool,
}

/// A picture of a job, or a file of its turntable.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    /// Its row.
    pub(crate) row: OutputFile,
    /// What is in it.
    pub(crate) bytes: Bytes,
    /// Whether it is of the turntable.
    pub(crate) is_turned: bool,
}

impl Workfolder {
    /// That of the job of a task.
    pub(crate) fn of(settings: &Settings, job: JobRef) -> Self {
        Self::of_job(settings, DesignJobId::from_uuid(job.record))
    }

    /// That of a design job.
    pub(crate) fn of_job(settings: &Settings, job: DesignJobId) -> Self {
        Self { job, path: all(settings).join(job.to_string()) }
    }

    /// Makes it.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) async fn make(&self) -> io::Result<()> {
        tokio::fs::create_dir_all(&self.path).await
    }

    /// Removes it with all that is in it.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) async fn remove(&self) -> io::Result<()> {
        match tokio::fs::remove_dir_all(&self.path).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Keeps pictures, and only them, with their list last.
    pub(super) async fn put(&self, pictures: &[Made]) -> io::Result<()> {
        self.remove().await?;
        self.make().await?;
        let mut list = Vec::with_capacity(pictures.len());
        for made in pictures {
            let name = made.row.address.to_string().replace(':', "-");
            tokio::fs::write(self.path.join(name), &made.bytes).await?;
            list.push(Picture::of(made));
        }
        let list = serde_json::to_vec(&list).map_err(io::Error::other)?;
        let (part, whole) = (self.path.join(format!("{LIST}.part")), self.path.join(LIST));
        tokio::fs::write(&part, list).await?;
        tokio::fs::rename(part, whole).await
    }

    /// The pictures that are kept, in their order; `None` where not all of them are there.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) async fn pictures(&self) -> io::Result<Option<Vec<Made>>> {
        let there = |read: io::Result<Vec<u8>>| match read {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        let Some(list) = there(tokio::fs::read(self.path.join(LIST)).await)? else { return Ok(None) };
        let Ok(list) = serde_json::from_slice::<Vec<Picture>>(&list) else { return Ok(None) };
        let mut pictures = Vec::with_capacity(list.len());
        for picture in list {
            let name = picture.address.to_string().replace(':', "-");
            let Some(bytes) = there(tokio::fs::read(self.path.join(name)).await)? else { return Ok(None) };
            if ContentAddress::of(&bytes) != picture.address {
                return Ok(None);
            }
            pictures.push(picture.with(Bytes::from(bytes)));
        }
        Ok(Some(pictures))
    }

    /// Removes it when this is dropped, if its job has ended by then: after the end of an attempt was written.
    pub(crate) fn until_ended(self, db: &Db) -> UntilEnded {
        UntilEnded { folder: self, db: db.clone() }
    }
}

impl Picture {
    fn of(Made { row, bytes: _, is_turned }: &Made) -> Self {
        let OutputFile { name, format, media_type, address, size_bytes, width, height, movie } = row.clone();
        let (frames, duration_ms) = movie.map(|movie| (movie.frames, movie.duration_ms)).unzip();
        let is_turned = *is_turned;
        Self { name, format, media_type, address, size_bytes, width, height, frames, duration_ms, is_turned }
    }

    fn with(self, bytes: Bytes) -> Made {
        let Self { name, format, media_type, address, size_bytes, width, height, frames, duration_ms, is_turned } =
            self;
        let movie = frames.zip(duration_ms).map(|(frames, duration_ms)| Movie { frames, duration_ms });
        let row = OutputFile { name, format, media_type, address, size_bytes, width, height, movie };
        Made { row, bytes, is_turned }
    }
}

/// The folder of all working folders.
fn all(settings: &Settings) -> PathBuf {
    settings.data.join(FOLDER[0]).join(FOLDER[1])
}

/// Removes a working folder when its job has ended.
#[derive(Debug)]
pub(crate) struct UntilEnded {
    folder: Workfolder,
    db: Db,
}

impl Drop for UntilEnded {
    fn drop(&mut self) {
        // When the process is ending, this is left to the next start.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (folder, db) = (self.folder.clone(), self.db.clone());
        runtime.spawn(async move {
            let ended = designs::checking::live(&db, AllTenants::Housekeeping, &[folder.job]).await;
            if ended.is_ok_and(|live| live.is_empty())
                && let Err(reason) = folder.remove().await
            {
                tracing::warn!("{} cannot be removed: {reason}", folder.path.display());
            }
        });
    }
}

/// Removes the working folders of design jobs that have ended or are gone.
///
/// # Errors
/// Errors of the database, and what the system says of the folder.
pub(crate) async fn sweep(db: &Db, settings: &Settings) -> Result<(), DbError> {
    let found = folders(&all(settings))
        .await
        .map_err(|reason| DbError::Unsupported(format!("the folder of design jobs cannot be read: {reason}")))?;
    if found.is_empty() {
        return Ok(());
    }
    let live = designs::checking::live(db, AllTenants::Housekeeping, &found).await?;
    for job in found.into_iter().filter(|job| !live.contains(job)) {
        let folder = Workfolder::of_job(settings, job);
        if let Err(reason) = folder.remove().await {
            tracing::warn!("{} cannot be removed: {reason}", folder.path.display());
        }
    }
    Ok(())
}

async fn folders(all: &Path) -> io::Result<Vec<DesignJobId>> {
    let mut entries = match tokio::fs::read_dir(all).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    while let Some(entry) = entries.next_entry().await? {
        found.extend(entry.file_name().to_str().and_then(|name| name.parse::<DesignJobId>().ok()));
    }
    Ok(found)
}

/// Keeps what was rendered of a job in its working folder: the pictures, and the turntable if there is one, with the
/// length of its movies.
pub(super) async fn keep(
    desk: &Desk,
    folder: &Workfolder,
    (received, completed): (Received, Completed),
    turned: Option<(Received, Completed, Option<Movie>)>,
) -> Result<Delivery, Failure> {
    desk.send(TaskUpdate::Finishing);
    let duration_s = completed.duration_s + turned.as_ref().map_or(0.0, |(_, turned, _)| turned.duration_s);
    let output = json!({"duration_s": duration_s, "unmapped_parts": completed.unmapped_parts});
    // What is proposed for them is looked up when the job ends.
    let bare = |part: &UnmappedPart| ProposedPart { part: part.clone().into(), proposals: Vec::new() };
    let unmapped = completed.unmapped.iter().map(bare).collect();
    let kept = async {
        let views = outputs::unstored(received, completed).await?.into_iter();
        let mut made: Vec<Made> = views.map(|(row, bytes)| Made { row, bytes, is_turned: false }).collect();
        if let Some((received, completed, movie)) = turned {
            let files = outputs::unstored(received, completed).await?.into_iter();
            made.extend(files.map(|(row, bytes)| Made { row: as_turntable(row, movie), bytes, is_turned: true }));
        }
        folder.put(&made).await.map_err(StoreError::Io)?;
        Ok::<_, OutputError>(())
    };
    kept.await.map_err(|error| work::fail_to_store(desk, error, Duration::ZERO))?;
    Ok(Delivery { output, unmapped: Some(unmapped), ..Delivery::default() })
}

/// A file of a turntable: one of all frames has a name of its own, so that it stands beside those of the views.
fn as_turntable(row: OutputFile, movie: Option<Movie>) -> OutputFile {
    let movie = movie.filter(|_| work::is_movie(&row.media_type));
    match row.name.rsplit_once('.') {
        Some((stem, extension)) if stem == WHOLE => {
            OutputFile { name: format!("{TURNTABLE}.{extension}"), movie, ..row }
        }
        // Frames are pictures, also in the formats that movies have.
        _ => OutputFile { movie: None, ..row },
    }
}

/// Puts a file of a design job into the store.
///
/// # Errors
/// `storage_full`, `unavailable`.
pub(crate) async fn store_file(
    (db, store, scope): (&Db, &Store, TenantScope),
    [name, format, media_type]: [&str; 3],
    bytes: Bytes,
) -> Result<(OutputFile, NewFile), Failure> {
    let stored = outputs::store_file(db, store, scope, [name, format, media_type], bytes).await;
    stored.map_err(|error| {
        tracing::error!("a file of a design job cannot be stored: {error:?}");
        error.into_failure()
    })
}

/// The package of files of a design job.
///
/// # Errors
/// [`Unfit`].
pub(crate) fn package(
    (by, producer): (EventActor, &str),
    name: &str,
    job: DesignJobId,
    files: Vec<NewFile>,
) -> Result<WholePackage, Unfit> {
    let kept = (RetentionClass::RenderOutput, Metadata::default());
    packages::package(by, [name, producer], &format!("design_job:{job}"), kept, files)
}

/// Reports a step that is done within the service, from its beginning to its end.
pub(crate) struct Reported {
    teller: Teller,
    step: StepName,
    begun: Instant,
}

impl Reported {
    /// A step begins.
    pub(crate) fn begin(teller: Teller, step: StepName) -> Self {
        let reported = Self { teller, step, begun: Instant::now() };
        reported.teller.send(TaskUpdate::Step(step, StepPhase::Started { about: Map::new() }));
        reported.say((LogLevel::Info, "started".to_owned()), None, Json::Null);
        reported
    }

    /// It ends: with what came out, or without.
    pub(crate) fn end(self, outcome: &Result<Map<String, Json>, Failure>) {
        let duration_s = self.begun.elapsed().as_secs_f64();
        let (said, phase, context) = match outcome {
            Ok(output) => (
                (LogLevel::Info, format!("done in {duration_s:.3} s")),
                StepPhase::Done { duration_s, output: output.clone() },
                Json::Object(output.clone()),
            ),
            Err(failure) => {
                let error = format!("{}: {}", failure.code, failure.detail);
                ((LogLevel::Error, error.clone()), StepPhase::Failed { duration_s, error }, Json::Null)
            }
        };
        self.teller.send(TaskUpdate::Step(self.step, phase));
        self.say(said, Some(duration_s), context);
    }

    fn say(&self, (level, message): (LogLevel, String), duration_s: Option<f64>, context: Json) {
        let step_name = TaskKind::Step(self.step);
        self.teller.send(TaskUpdate::Log(NewLogRow { step_name, level, message, duration_s, context }));
    }
}
