//! Direct renders: the record that clients see, and its job.

mod create;
mod effect;
mod position;
mod rows;
mod statistics;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::artifacts::{Caller, NewFile, Package, WholePackage};
use super::idempotency::{Beginning, Begun, IdempotentRequest, StoredAnswer};
use super::jobs::{Cancelling, JobError, Progress};
use super::tasks::OutputFile;
use super::{AllTenants, Db, DbError, Json, Page, PageRequest, ReadScope, TenantScope, artifacts, files, jobs};
use packshot_domain::document::JobDocument;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{RenderId, TaskId, TenantId, UserId};
use packshot_domain::job::{JobRef, JobState};
use packshot_domain::render::RenderKind;
use packshot_domain::task::{Lane, QueueName, TaskKind};
use packshot_domain::time::Timestamp;

pub(super) use create::{queue_job, record};
pub(super) use effect::RenderEffect;

/// A render as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Render {
    /// Its id.
    pub id: RenderId,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// What kind of pictures it makes.
    pub kind: RenderKind,
    /// Its state.
    pub state: JobState,
    /// −10 to 10; higher goes first.
    pub priority: i32,
    /// The effective request.
    pub request: Json,
    /// What the client wanted to keep with it.
    pub metadata: Json,
    /// Its progress.
    pub progress: Progress,
    /// Why it failed.
    pub error: Option<JobError>,
    /// Its result.
    pub result: Option<Json>,
    /// The device it ran on.
    pub device: Option<Json>,
    /// Its document.
    pub document: JobDocument,
    /// The task that makes it; `None` when its result existed already.
    pub task_id: Option<TaskId>,
    /// Who asked for it.
    pub created_by: UserId,
    /// Name of the file that the product was sent in.
    pub input_name: Option<String>,
    /// When it was cancelled while it ran.
    pub cancel_requested_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its last attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// The number of the last event that this state includes.
    pub last_seq: i64,
}

/// A render to create.
#[derive(Clone, Debug)]
pub struct NewRender {
    /// Its id.
    pub id: RenderId,
    /// What kind of pictures it makes.
    pub kind: RenderKind,
    /// −10 to 10; higher goes first.
    pub priority: i32,
    /// The effective request.
    pub request: Json,
    /// What the client wanted to keep with it.
    pub metadata: Json,
    /// Samples per pixel at most.
    pub samples_target: i32,
    /// The user who asked for it.
    pub created_by: UserId,
    /// Name of the file that the product was sent in.
    pub input_name: Option<String>,
    /// The key that all requests with the same result have.
    pub cache_key: Option<ContentAddress>,
    /// Stored objects that it needs; they are kept until it has ended.
    pub inputs: Vec<ContentAddress>,
    /// Packages of what was uploaded with it; they are made with the render.
    pub packages: Vec<WholePackage>,
    /// An equal render, whose result is used if it still exists.
    pub equal: Option<EqualRender>,
    /// The task that makes the result otherwise.
    pub work: NewWork,
}

/// The task of a new render.
#[derive(Clone, Debug)]
pub struct NewWork {
    /// The task's id.
    pub id: TaskId,
    /// What is to be done.
    pub kind: TaskKind,
    /// What kind of work that is.
    pub queue: QueueName,
    /// Its lane.
    pub lane: Lane,
    /// What the task computes, frozen from the beginning.
    pub spec: Json,
}

/// An earlier render with the same result as a new one.
#[derive(Clone, Debug)]
pub struct EqualRender {
    /// That render.
    pub id: RenderId,
    /// Its result, as the clients of the new render will see it.
    pub result: Json,
    /// Packages of the new render with the files of that result; they are made if the result is used. What none of them
    /// has is no file of the new render.
    pub packages: Vec<WholePackage>,
}

/// A request with an idempotency key that makes a render.
#[derive(Clone)]
pub struct IdempotentSubmit {
    /// The request.
    pub request: IdempotentRequest,
    /// The immediate answer, made of the new render and its place in the queue; it is stored in the same transaction.
    /// `None` when the answer comes later: [`idempotency::finish`](super::idempotency::finish).
    pub answer: Option<AnswerOf>,
    /// How long the answer may take before another process may treat the request as interrupted.
    pub in_flight: Duration,
}

/// Makes the answer to a request from the new render.
pub type AnswerOf = std::sync::Arc<dyn Fn(&Created) -> StoredAnswer + Send + Sync>;

/// A new render.
#[derive(Clone, Debug, PartialEq)]
pub struct Created {
    /// The render.
    pub render: Render,
    /// Its place in the queue, from 1, if the answer was immediate; `None` when it does not wait, or waits beyond
    /// [`QUEUE_POSITION_MAX`].
    pub queue_position: Option<u64>,
}

/// Outcome of a request to make a render.
#[derive(Clone, Debug, PartialEq)]
pub enum Submitted {
    /// It was created.
    Created(Box<Created>),
    /// The idempotency key was used before; nothing was made. Never [`Begun::Fresh`].
    Known(Begun),
}

/// Makes a render, its task, its first events and the answer to its idempotency key, in one transaction.
///
/// # Errors
///
/// [`DbError::NotFound`] when the result was to come from a render that no longer exists; [`DbError::Exceeded`] when as
/// many jobs of the tenant wait as may, or it has no room for more files.
pub async fn create(
    db: &Db,
    scope: TenantScope,
    new: NewRender,
    idempotent: Option<IdempotentSubmit>,
) -> Result<Submitted, DbError> {
    let beginning = idempotent.as_ref().map(|idempotent| Beginning {
        request: idempotent.request.clone(),
        holder: db.shared.holder,
        engine: db.kind(),
        in_flight: idempotent.in_flight,
    });
    let answer = idempotent.and_then(|idempotent| idempotent.answer);
    db.write(scope, (scope.tenant, new, beginning, answer), |tx, (tenant, new, beginning, answer)| {
        Box::pin(create::submit(tx, *tenant, new, beginning.as_ref(), answer.as_ref()))
    })
    .await
}

/// A render.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn get(db: &Db, scope: TenantScope, id: RenderId) -> Result<Render, DbError> {
    db.read_one(scope, (scope.tenant, id), |tx, (tenant, id)| Box::pin(rows::get(tx, *tenant, *id))).await
}

/// Those of these jobs that have not ended: of renders, or of other records whose pictures are made.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn live(db: &Db, all: AllTenants, ids: &[RenderId]) -> Result<HashSet<RenderId>, DbError> {
    db.read(all, ids.to_vec(), |tx, ids| {
        Box::pin(async move {
            let states = JobState::ALL.iter().filter(|state| !state.is_terminal());
            let states = states.map(|state| format!("'{state}'")).collect::<Vec<_>>().join(", ");
            let sql = format!("SELECT COUNT(*) FROM jobs WHERE id = $1 AND state IN ({states})");
            let mut live = HashSet::new();
            for id in ids {
                let rows = tx.query(&sql, [id.uuid().into()]).await?;
                let n = rows.first().map_or(Ok(0), |row| row.try_get_by_index::<i64>(0))?;
                if n > 0 {
                    live.insert(*id);
                }
            }
            Ok(live)
        })
    })
    .await
}

/// A page of renders, newest first, of one state or all.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(
    db: &Db,
    scope: impl Into<ReadScope>,
    state: Option<JobState>,
    page: PageRequest,
) -> Result<Page<Render>, DbError> {
    let scope = scope.into();
    db.read_one(scope, (scope, state, page), |tx, (scope, state, page)| {
        Box::pin(async move {
            let rows = rows::page(tx, *scope, *state, page).await?;
            Ok(page.cut(rows, |render: &Render| (render.created_at, render.id.uuid())))
        })
    })
    .await
}

/// Places in a queue beyond this are not counted.
pub const QUEUE_POSITION_MAX: u64 = 1000;

/// The places in the queue, from 1, of those of `ids` that wait, among the renders of the tenant; without those beyond
/// [`QUEUE_POSITION_MAX`].
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn queue_positions(db: &Db, scope: TenantScope, ids: &[RenderId]) -> Result<HashMap<RenderId, u64>, DbError> {
    db.read(scope, (scope.tenant, ids.to_vec()), |tx, (tenant, ids)| Box::pin(position::of_renders(tx, *tenant, ids)))
        .await
}

/// Cancels a render: a waiting one immediately; a running one is marked, so that its worker stops.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn request_cancel(db: &Db, scope: TenantScope, id: RenderId) -> Result<Cancelling<Render>, DbError> {
    db.write(scope, (scope.tenant, id), |tx, (tenant, id)| {
        Box::pin(async move {
            let cancelling = jobs::request_cancel_in(tx, *tenant, JobRef::of_render(*id)).await;
            let not_found =
                |error| if matches!(error, DbError::NotFound(_)) { DbError::NotFound("render") } else { error };
            let cancelling = cancelling.map_err(not_found)?;
            tx.write_events().await?;
            let render = rows::get(tx, *tenant, *id).await?;
            Ok(match cancelling {
                Cancelling::Cancelled(_) => Cancelling::Cancelled(render),
                Cancelling::Requested(_) => Cancelling::Requested(render),
                Cancelling::Unchanged(_) => Cancelling::Unchanged(render),
            })
        })
    })
    .await
}

/// Deletes a render that has ended, with its job, task, events, log and references to files, and with those of its
/// packages that its deleter may delete without a reason.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`DbError::InUse`] when it has not ended.
pub async fn delete(db: &Db, scope: TenantScope, by: Caller, id: RenderId) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, by, id), |tx, (tenant, by, id)| Box::pin(rows::delete(tx, *tenant, by, *id))).await
}

/// A render whose result equal requests get.
#[derive(Clone, Debug, PartialEq)]
pub struct Cached {
    /// The render.
    pub render: Render,
    /// Its files, in the order in which they were delivered.
    pub files: Vec<OutputFile>,
    /// Its package.
    pub package: Package,
    /// What is there and whole of its files and its preview, each as a file of another package.
    pub kept: Vec<NewFile>,
}

/// The newest completed render with this cache key whose package is there.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn find_cached(db: &Db, scope: TenantScope, cache_key: ContentAddress) -> Result<Option<Cached>, DbError> {
    db.read(scope, (scope.tenant, cache_key), |tx, (tenant, cache_key)| {
        Box::pin(async move {
            let Some(render) = rows::cached(tx, *tenant, *cache_key).await? else { return Ok(None) };
            let files = files::all(tx, *tenant, render.id).await?;
            let Some(package) = artifacts::result_of(tx, *tenant, render.id).await? else { return Ok(None) };
            let kept = artifacts::files_of(tx, *tenant, render.id).await?;
            Ok((!files.is_empty()).then_some(Cached { render, files, package, kept }))
        })
    })
    .await
}

/// The package with the result of a render, whether its bytes are there or not; `None` when it never had one, or when
/// there is no such render.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn package(db: &Db, scope: TenantScope, id: RenderId) -> Result<Option<Package>, DbError> {
    db.read(scope, (scope.tenant, id), |tx, (tenant, id)| Box::pin(artifacts::result_of(tx, *tenant, *id))).await
}

/// Figures over the renders that were made within a time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Statistics {
    /// All of them.
    pub renders_total: u64,
    /// Those that ended with pictures.
    pub completed: u64,
    /// Those that failed.
    pub failed: u64,
    /// Cancelled renders.
    pub cancelled: u64,
    /// Mean time from start to end of the completed ones, in seconds.
    pub avg_render_s: Option<f64>,
    /// 95 % of the completed ones took at most this long, in seconds.
    pub p95_render_s: Option<f64>,
    /// Mean time that those that started had waited, in seconds.
    pub avg_queue_s: Option<f64>,
}

/// Figures over the renders made from `from` (inclusive) to `to` (exclusive).
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn statistics(
    db: &Db,
    scope: TenantScope,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> Result<Statistics, DbError> {
    let (from, to) = (from.unwrap_or(Timestamp::MIN), to.unwrap_or(Timestamp::MAX));
    db.read(scope, (scope.tenant, from, to), |tx, (tenant, from, to)| {
        Box::pin(statistics::within(tx, *tenant, *from, *to))
    })
    .await
}
