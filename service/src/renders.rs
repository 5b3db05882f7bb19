//! Renders: submitted, listed, followed, cancelled, deleted; and their results.

pub mod aliases;
mod assets;
mod cache;
pub(crate) mod equal_designs;
pub mod export;
mod finished;
mod ingredients;
mod inputs;
mod job;
pub mod lines;
mod log;
pub(crate) mod made_for;
pub(crate) mod of_design;
pub(crate) mod of_run;
pub(crate) mod outputs;
pub(crate) mod packages;
mod portion;
mod preflight;
pub(crate) mod provenance;
pub(crate) mod spec;
mod statistics;
mod submit;
pub mod thumbnails;
pub(crate) mod work;
mod wait;
pub(crate) mod worn;
pub mod results;

use std::collections::{BTreeMap, HashMap};

use crate::app::{App, AppError, Page, PageRequest};
use crate::packages::caller;
use crate::server::metrics::count_render;
use packshot_contract::job::Job;
use packshot_db::TenantScope;
use packshot_db::jobs::Cancelling;
use packshot_db::renders::{self as rows, Render};
use packshot_domain::id::{RenderId, TenantId};
use packshot_domain::job::JobState;
use packshot_domain::principal::Principal;
use packshot_domain::reader::Reader;
use packshot_domain::stream::StreamId;
use packshot_domain::task::TaskState;

pub use export::ExportHandler;
pub use finished::{SweepError, sweep, sweep_soon};
pub use inputs::ReceivedRequest;
pub use log::{LogRequest, log};
pub use outputs::media_type;
pub use preflight::preflight;
pub use provenance::provenance;
pub use statistics::statistics;
pub(crate) use submit::again;
pub use submit::{Created, Equal, RenderSubmission, SubmitKey, Submitted, Wording, submit};
pub use wait::{Waited, until_ended};
pub use work::RenderHandler;

/// A job, with its place in the queue if it waits.
async fn with_position(app: &App, render: Render) -> Result<Job, AppError> {
    let positions = positions(app, std::slice::from_ref(&render)).await?;
    let position = positions.get(&render.id).copied();
    Ok(job::job(render, position)?)
}

/// The places of those renders that wait, each among those of its tenant. If none waits, the database is not queried.
async fn positions(app: &App, renders: &[Render]) -> Result<HashMap<RenderId, u64>, AppError> {
    let mut waiting: BTreeMap<TenantId, Vec<RenderId>> = BTreeMap::new();
    for render in renders.iter().filter(|render| !render.state.is_terminal()) {
        waiting.entry(render.tenant).or_default().push(render.id);
    }
    let mut places = HashMap::new();
    for (tenant, ids) in waiting {
        places.extend(rows::queue_positions(&app.db, TenantScope::of(tenant), &ids).await?);
    }
    Ok(places)
}

/// A page of jobs, newest first, of one state or all.
///
/// # Errors
/// Errors of the database.
pub async fn list(
    app: &App,
    reader: &Reader,
    state: Option<JobState>,
    page: PageRequest,
) -> Result<Page<Job>, AppError> {
    let Page { items, next } = rows::list(&app.db, reader, state, page).await?;
    let positions = positions(app, &items).await?;
    let jobs = items.into_iter().map(|render| {
        let position = positions.get(&render.id).copied();
        job::job(render, position)
    });
    Ok(Page { items: jobs.collect::<Result<_, _>>()?, next })
}

/// A job as it is now.
///
/// # Errors
/// [`Code::RenderNotFound`](crate::app::Code::RenderNotFound).
pub async fn get(app: &App, who: &Principal, id: RenderId) -> Result<Job, AppError> {
    let render = rows::get(&app.db, TenantScope::of(who.tenant), id).await?;
    with_position(app, render).await
}

/// A job as it is now, with the number of the last event of its stream that this contains.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The job.
    pub job: Job,
    /// The number.
    pub last_seq: i64,
}

/// A job as it is now, for a client that follows it from here on.
///
/// # Errors
/// [`Code::RenderNotFound`](crate::app::Code::RenderNotFound).
pub async fn snapshot(app: &App, who: &Principal, id: RenderId) -> Result<Snapshot, AppError> {
    let render = rows::get(&app.db, TenantScope::of(who.tenant), id).await?;
    let last_seq = render.last_seq;
    Ok(Snapshot { job: with_position(app, render).await?, last_seq })
}

/// Outcome of a request to cancel a job.
#[derive(Clone, Debug, PartialEq)]
pub enum Cancelled {
    /// It has ended, now or before.
    Ended(Box<Job>),
    /// It runs, and its worker will stop.
    Stopping(Box<Job>),
}

/// Cancels a job: a waiting one immediately; the worker of a running one stops within two seconds.
///
/// # Errors
/// [`Code::RenderNotFound`](crate::app::Code::RenderNotFound).
pub async fn cancel(app: &App, who: &Principal, id: RenderId) -> Result<Cancelled, AppError> {
    let cancelling = rows::request_cancel(&app.db, TenantScope::of(who.tenant), id).await?;
    app.hub.wake(StreamId::of_render(id));
    match cancelling {
        Cancelling::Requested(render) => {
            if let Some(task) = render.task_id {
                app.queue.cancel(task);
            }
            Ok(Cancelled::Stopping(Box::new(with_position(app, render).await?)))
        }
        Cancelling::Cancelled(render) => {
            count_render(TaskState::Cancelled, None);
            job::last_line(&render).info("cancelled while it waited");
            // It may have waited for another attempt.
            sweep_soon(app.db.clone(), app.settings.scratch());
            Ok(Cancelled::Ended(Box::new(with_position(app, render).await?)))
        }
        Cancelling::Unchanged(render) => Ok(Cancelled::Ended(Box::new(with_position(app, render).await?))),
    }
}

/// Deletes a job that has ended, with those of its packages that the caller may delete without a reason: what is held,
/// and evidence, stays.
///
/// # Errors
/// [`Code::RenderNotFound`](crate::app::Code::RenderNotFound),
/// [`Code::RenderNotTerminal`](crate::app::Code::RenderNotTerminal).
pub async fn delete(app: &App, who: &Principal, id: RenderId) -> Result<(), AppError> {
    rows::delete(&app.db, TenantScope::of(who.tenant), caller::of(app, who).await?, id).await?;
    app.hub.drop_preview(id);
    Ok(())
}
