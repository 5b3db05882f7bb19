//! Renders: what clients see.

mod create;
mod change;
mod statistics;
mod position;

use std::collections::HashMap;
use std::time::Duration;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::column::Col;
use super::entity::render;
use super::files::RenderFile;
use super::idempotency::{Beginning, Begun, IdempotentRequest, StoredAnswer};
use super::{Db, DbError, Json, Page, PageRequest, TenantScope, files};
use packshot_domain::document::RenderDocument;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{RenderId, TaskId, UserId};
use packshot_domain::render::{RenderKind, RenderState};
use packshot_domain::step::StepName;
use packshot_domain::task::QueueName;
use packshot_domain::time::Timestamp;

/// A render as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Render {
    /// Its id.
    pub id: RenderId,
    /// What kind of pictures it makes.
    pub kind: RenderKind,
    /// Where it is on its way.
    pub state: RenderState,
    /// −10 to 10; higher goes first.
    pub priority: i32,
    /// The effective request.
    pub request: Json,
    /// What the client wanted to keep with it.
    pub metadata: Json,
    /// How far it is.
    pub progress: Progress,
    /// Why it failed.
    pub error: Option<JobError>,
    /// What it left.
    pub result: Option<Json>,
    /// The device it ran on.
    pub device: Option<Json>,
    /// How it is doing.
    pub document: RenderDocument,
    /// The task that does it; `None` when its result was there already.
    pub task_id: Option<TaskId>,
    /// Who asked for it.
    pub created_by: UserId,
    /// When somebody wanted it to end while it ran.
    pub cancel_requested_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its last attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// The number of the last event that this state contains.
    pub last_seq: i64,
}

/// How far a render is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// 0 to 100.
    pub progress_pct: f64,
    /// Samples per pixel taken.
    pub samples_done: i32,
    /// Samples per pixel at most.
    pub samples_target: i32,
}

/// Why a render or task failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobError {
    /// The stable code.
    pub code: String,
    /// For people.
    pub detail: String,
    /// The place: part, pointer, byte offset.
    pub at: Option<String>,
}

/// A render to be made.
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
    /// Who asks for it.
    pub created_by: UserId,
    /// What another request must have in common to get the same result.
    pub cache_key: Option<ContentAddress>,
    /// Stored objects that it needs; they are kept as long as the render is.
    pub inputs: Vec<ContentAddress>,
    /// Who does it.
    pub work: NewWork,
}

/// Where the result of a new render comes from.
#[derive(Clone, Debug)]
pub enum NewWork {
    /// A worker makes it.
    Task {
        /// The task's id.
        id: TaskId,
        /// What is to be done.
        name: StepName,
        /// By which workers.
        queue: QueueName,
        /// What the worker is told.
        kwargs: Json,
    },
    /// Another render has it already; its files are taken over.
    Cached {
        /// That render.
        of: RenderId,
        /// The result as this render's clients shall see it.
        result: Json,
    },
}

/// A request with an idempotency key that makes a render.
#[derive(Clone)]
pub struct IdempotentSubmit {
    /// The request.
    pub request: IdempotentRequest,
    /// What is answered at once, made of the new render and its place in the queue; it is stored in the same transaction.
    /// `None` when the answer comes later: [`idempotency::finish`](super::idempotency::finish).
    pub answer: Option<AnswerOf>,
    /// How long the answer may take, before another process may take the request for interrupted.
    pub in_flight: Duration,
}

/// Makes an answer of a new render.
pub type AnswerOf = std::sync::Arc<dyn Fn(&Created) -> StoredAnswer + Send + Sync>;

/// A new render.
#[derive(Clone, Debug, PartialEq)]
pub struct Created {
    /// The render.
    pub render: Render,
    /// Its place in the queue, from 1, when the answer was made at once; `None` when it does not wait, or waits beyond
    /// [`QUEUE_POSITION_MAX`].
    pub queue_position: Option<u64>,
}

/// What became of a request to make a render.
#[derive(Clone, Debug, PartialEq)]
pub enum Submitted {
    /// It was made.
    Created(Box<Created>),
    /// The idempotency key was used before; nothing was made. Never [`Begun::Fresh`].
    Known(Begun),
}

/// Makes a render, its task, its first events and the answer to its idempotency key, in one transaction.
///
/// # Errors
///
/// [`DbError::NotFound`] when the result was to come from a render that is gone by now.
pub async fn create(
    db: &Db,
    scope: TenantScope,
    new: NewRender,
    idempotent: Option<IdempotentSubmit>,
) -> Result<Submitted, DbError> {
    let beginning = idempotent.as_ref().map(|idempotent| Beginning {
        request: idempotent.request.clone(),
        holder: db.shared.holder,
        engine: db.engine(),
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
    db.read_one(scope, (scope.tenant, id), |tx, key| {
        Box::pin(async move {
            let row = render::Entity::find_by_id((Col(key.0), Col(key.1))).one(tx.on()).await?;
            row.map(Render::from).ok_or(DbError::NotFound("render"))
        })
    })
    .await
}

/// A page of renders, newest first, of one state or all.
///
/// # Errors
///
/// [`DbError`] when the database is away.
pub async fn list(
    db: &Db,
    scope: TenantScope,
    state: Option<RenderState>,
    page: PageRequest,
) -> Result<Page<Render>, DbError> {
    db.read(scope, (scope.tenant, state, page), |tx, (tenant, state, page)| {
        Box::pin(async move {
            let renders = render::Entity::find().filter(render::Column::TenantId.eq(Col(*tenant)));
            let renders = match state {
                Some(state) => renders.filter(render::Column::State.eq(Col(*state))),
                None => renders,
            };
            let rows = page.narrow(renders, render::Column::CreatedAt, render::Column::Id).all(tx.on()).await?;
            Ok(page.cut(rows, |row| (row.created_at.0, row.id.0.uuid())))
        })
    })
    .await
}

/// A place in a queue farther back than this is not told.
pub const QUEUE_POSITION_MAX: u64 = 1000;

/// The places in the queue, from 1, of those of `ids` that wait, among the renders of the tenant; without those beyond
/// [`QUEUE_POSITION_MAX`].
///
/// # Errors
///
/// [`DbError`] when the database is away.
pub async fn queue_positions(db: &Db, scope: TenantScope, ids: &[RenderId]) -> Result<HashMap<RenderId, u64>, DbError> {
    db.read(scope, (scope.tenant, ids.to_vec()), |tx, (tenant, ids)| Box::pin(position::of_renders(tx, *tenant, ids)))
        .await
}

/// What became of a request to cancel.
#[derive(Clone, Debug, PartialEq)]
pub enum Cancelling {
    /// It waited, and is cancelled now.
    Cancelled(Render),
    /// It runs; its worker will stop.
    Requested(Render),
    /// It had ended before; nothing changed.
    Unchanged(Render),
}

/// Cancels a render: at once when it waits; a running one is marked, so that its worker stops.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn request_cancel(db: &Db, scope: TenantScope, id: RenderId) -> Result<Cancelling, DbError> {
    db.write(scope, (scope.tenant, id), |tx, (tenant, id)| Box::pin(change::request_cancel(tx, *tenant, *id))).await
}

/// Deletes a render that has ended, with its task, events, log and references to files.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`DbError::InUse`] when it has not ended.
pub async fn delete(db: &Db, scope: TenantScope, id: RenderId) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, id), |tx, (tenant, id)| Box::pin(change::delete(tx, *tenant, *id))).await
}

/// The newest completed render with this cache key, with its files.
///
/// # Errors
///
/// [`DbError`] when the database is away.
pub async fn find_cached(
    db: &Db,
    scope: TenantScope,
    cache_key: ContentAddress,
) -> Result<Option<(Render, Vec<RenderFile>)>, DbError> {
    db.read_one(scope, (scope.tenant, cache_key), |tx, (tenant, cache_key)| {
        Box::pin(async move {
            let cached = render::Entity::find()
                .filter(render::Column::TenantId.eq(Col(*tenant)))
                .filter(render::Column::CacheKey.eq(Col(*cache_key)))
                .filter(render::Column::State.eq(Col(RenderState::Completed)))
                .order_by_desc(render::Column::CreatedAt)
                .one(tx.on())
                .await?;
            let Some(row) = cached else { return Ok(None) };
            // A second statement, but what it may miss of the first one can be seen: only with its render do files go.
            let files = files::all(tx, *tenant, row.id.0).await?;
            Ok((!files.is_empty()).then(|| (row.into(), files)))
        })
    })
    .await
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
    /// Those that somebody ended.
    pub cancelled: u64,
    /// Mean time from start to end of the completed ones, in seconds.
    pub avg_render_s: Option<f64>,
    /// 95 % of the completed ones took at most so long, in seconds.
    pub p95_render_s: Option<f64>,
    /// Mean time that those that started had waited, in seconds.
    pub avg_queue_s: Option<f64>,
}

/// Figures over the renders made from `from` (inclusive) to `to` (exclusive).
///
/// # Errors
///
/// [`DbError`] when the database is away.
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
