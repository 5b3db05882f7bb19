//! What is asked of CAD files: to be read again, and to get a new picture. Each is a job of its own; a file has one at
//! a time.

use serde_json::json;

use super::conversions;
use crate::app::{App, AppError, Code, Explained, PageRequest};
use crate::renders::thumbnails;
use crate::tasks;
use crate::tenancy::RenderSettings;
use packshot_contract::cad_file::Queued;
use packshot_contract::task::Task;
use packshot_db::cad_files::{self as rows, CadFile, CadWork};
use packshot_db::jobs::NewTask;
use packshot_db::{DbError, ReadScope, TenantScope, tasks as task_rows};
use packshot_domain::cad_file::{CadEvent, CadStatus, SourceFormat};
use packshot_domain::id::{CadFileId, TaskId};
use packshot_domain::principal::Principal;
use packshot_domain::step::StepName;
use packshot_domain::task::{Lane, QueueName, TaskKind};

/// Files that are looked at together.
const PAGE: u32 = 200;

/// What reading a file again does, in words.
pub(crate) const REEXTRACT: Explained = Explained {
    name: "reextract",
    title: "Read a CAD file again",
    body: "Converts a STEP file anew and reads the parts and the size of the file. Products of it get materials for parts \
           that have none.",
    affects: &["products", "tasks"],
    unit: None,
    recommendation: Some("after the converter was changed"),
    warning: Some("what was read before is replaced; if it fails, that stays"),
};

/// What processing all files does, in words.
pub(crate) const PROCESS_UNPROCESSED: Explained = Explained {
    name: "process_unprocessed",
    title: "Process CAD files",
    body: "Converts and reads every CAD file that was uploaded and not read yet.",
    affects: &["products", "tasks"],
    unit: None,
    recommendation: Some("after a converter was configured"),
    warning: Some("each file is a conversion, and takes its time"),
};

/// What new pictures for all files do, in words.
pub(crate) const REGENERATE_THUMBNAILS: Explained = Explained {
    name: "regenerate_thumbnails",
    title: "Regenerate thumbnails",
    body: "Renders the picture in lists of every CAD file anew.",
    affects: &["products", "renders", "tasks"],
    unit: None,
    recommendation: None,
    warning: Some("each file is a render, and orders wait for the same renderer"),
};

/// The work of a file that was uploaded and cannot be read at once; `None` where nothing here converts it.
pub(super) fn of_upload(app: &App, format: SourceFormat) -> Option<CadWork> {
    let is_convertible = format == SourceFormat::Step && app.settings.cad_converter.is_some();
    is_convertible.then(|| CadWork { samples_target: 0, tasks: vec![task(StepName::ExtractMetadata)] })
}

/// A task in the lane of conversions.
fn task(step: StepName) -> NewTask {
    let queue = QueueName::Convert;
    NewTask {
        id: TaskId::new(),
        kind: TaskKind::Step(step),
        queue,
        lane: Lane::of_queue(queue),
        priority: 0,
        kwargs: json!({}),
        spec: None,
        publishes: false,
        waits_for: Vec::new(),
    }
}

/// The task that converts a file before something is rendered of it; `None` when it has a GLB, or nothing here converts
/// it.
#[must_use]
pub fn conversion(app: &App, file: &CadFile) -> Option<NewTask> {
    let is_needed = file.source_format == SourceFormat::Step && file.read.glb.is_none();
    (is_needed && app.settings.cad_converter.is_some()).then(|| task(StepName::OccGlbExport))
}

/// Reads a CAD file again.
///
/// # Errors
/// [`Code::CadFileNotFound`], [`Code::CadFileProcessing`]; [`Code::CadConversionUnavailable`].
pub async fn reextract(app: &App, who: &Principal, id: CadFileId) -> Result<Task, AppError> {
    let file = rows::get(&app.db, TenantScope::of(who.tenant), id).await?;
    let work = reading(app, &file)?;
    ask(app, who, (id, CadEvent::Reextract), work).await
}

/// Reads every file that was uploaded and not read yet.
///
/// # Errors
/// [`Code::CadConversionUnavailable`] when there are any and nothing here converts them.
pub async fn process_unprocessed(app: &App, who: &Principal) -> Result<Queued, AppError> {
    all(app, who, Some(CadStatus::Uploaded), CadEvent::Reextract, |file| reading(app, file).map(Some)).await
}

/// Renders the picture of a CAD file anew.
///
/// # Errors
/// [`Code::CadFileNotFound`], [`Code::CadFileProcessing`]; [`Code::CadConversionUnavailable`].
pub async fn regenerate_thumbnail(app: &App, who: &Principal, id: CadFileId) -> Result<Task, AppError> {
    let file = rows::get(&app.db, TenantScope::of(who.tenant), id).await?;
    let settings = RenderSettings::in_force(app, who).await?;
    let work = picture(app, &settings, &file).ok_or_else(|| unavailable(&file))?;
    ask(app, who, (id, CadEvent::RegenerateThumbnail), work).await
}

/// Renders the picture of every CAD file anew that can be rendered.
///
/// # Errors
/// Errors of the database.
pub async fn regenerate_thumbnails(app: &App, who: &Principal) -> Result<Queued, AppError> {
    let settings = RenderSettings::in_force(app, who).await?;
    all(app, who, None, CadEvent::RegenerateThumbnail, |file| Ok(picture(app, &settings, file))).await
}

/// The work of reading a file.
fn reading(app: &App, file: &CadFile) -> Result<CadWork, AppError> {
    if file.source_format == SourceFormat::Step && app.settings.cad_converter.is_none() {
        return Err(unavailable(file));
    }
    Ok(CadWork { samples_target: 0, tasks: vec![task(StepName::ExtractMetadata)] })
}

/// The work of a picture; `None` when there is nothing to render, and nothing here makes it.
fn picture(app: &App, settings: &RenderSettings, file: &CadFile) -> Option<CadWork> {
    let mut thumbnail = thumbnails::task(settings);
    let mut tasks = Vec::new();
    if file.read.glb.is_none() {
        let conversion = conversion(app, file)?;
        thumbnail.waits_for.push(conversion.id);
        tasks.push(conversion);
    }
    tasks.push(thumbnail);
    Some(CadWork { samples_target: thumbnails::SAMPLES, tasks })
}

fn unavailable(file: &CadFile) -> AppError {
    let failure = conversions::unavailable(&file.original_name);
    AppError::new(Code::CadConversionUnavailable, failure.detail)
}

/// Gives a file its job; its last task, which has what was asked for.
async fn ask(app: &App, who: &Principal, of: (CadFileId, CadEvent), work: CadWork) -> Result<Task, AppError> {
    let scope = TenantScope::of(who.tenant);
    let task = work.tasks.last().map(|task| task.id).ok_or(DbError::NotFound("task"))?;
    rows::ask(&app.db, scope, (who.actor(), who.user), of, work).await?;
    Ok(tasks::task(task_rows::get(&app.db, scope, task).await?))
}

/// Gives a job to every file of the caller's tenant, of one state or any, that nothing works on.
async fn all(
    app: &App,
    who: &Principal,
    status: Option<CadStatus>,
    event: CadEvent,
    work: impl Fn(&CadFile) -> Result<Option<CadWork>, AppError>,
) -> Result<Queued, AppError> {
    let scope = TenantScope::of(who.tenant);
    let (mut queued, mut after) = (0, None);
    loop {
        let page = PageRequest { limit: PAGE, after };
        let page = rows::list(&app.db, ReadScope::from(scope), status, page).await?;
        for file in &page.items {
            let Some(work) = work(file)? else { continue };
            match rows::ask(&app.db, scope, (who.actor(), who.user), (file.id, event), work).await {
                Ok(()) => queued += 1,
                // Something is at work on it, or it was deleted meanwhile.
                Err(DbError::CadFileBusy | DbError::CadFile(_) | DbError::NotFound("CAD file")) => {}
                Err(error) => return Err(error.into()),
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(Queued { queued });
        }
    }
}
