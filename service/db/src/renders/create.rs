//! Making renders.

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};

use super::{AnswerOf, Created, NewRender, NewWork, Render, Submitted, position};
use crate::column::Col;
use crate::entity::{render, render_input, task};
use crate::idempotency::{Beginning, Begun};
use crate::tx::Tx;
use crate::{DbError, Notice, files, idempotency, job, objects};
use packshot_domain::document::RenderDocument;
use packshot_domain::id::{RenderId, TaskId, TenantId};
use packshot_domain::render::{RenderEvent, RenderState};
use packshot_domain::task::RetryPolicy;

pub(super) async fn submit(
    tx: &Tx<'_>,
    tenant: TenantId,
    new: &NewRender,
    beginning: Option<&Beginning>,
    answer: Option<&AnswerOf>,
) -> Result<Submitted, DbError> {
    if let Some(beginning) = beginning {
        match idempotency::begin_in(tx, tenant, beginning).await? {
            Begun::Fresh => (),
            known => return Ok(Submitted::Known(known)),
        }
    }
    let render = match &new.work {
        NewWork::Task { .. } => queue(tx, tenant, new).await?,
        NewWork::Cached { of, .. } => take_over(tx, tenant, new, *of).await?,
    };
    let mut created = Created { render, queue_position: None };
    if let Some(beginning) = beginning {
        if answer.is_some() {
            created.queue_position = queue_position(tx, tenant, new).await?;
        }
        let answer = answer.map(|answer| answer(&created));
        idempotency::made(tx, tenant, &beginning.request, new.id, answer.as_ref()).await?;
    }
    Ok(Submitted::Created(Box::new(created)))
}

/// Stores a render that a worker is to make.
async fn queue(tx: &Tx<'_>, tenant: TenantId, new: &NewRender) -> Result<Render, DbError> {
    let NewWork::Task { id, name, queue, kwargs } = &new.work else { return Err(DbError::NotFound("task")) };
    let state = RenderState::Pending.next(RenderEvent::Enqueue)?;
    let row = blank(tx, tenant, new, Some(*id), state).await?;
    let now = row.created_at;
    let render = insert(tx, tenant, new, row).await?;
    let task = task::ActiveModel {
        tenant_id: Set(Col(tenant)),
        id: Set(Col(*id)),
        render_id: Set(Col(new.id)),
        name: Set(Col(*name)),
        queue: Set(Col(*queue)),
        kwargs: Set(Col(kwargs.clone())),
        state: Set(Col(Col(state.into()).0)),
        priority: Set(new.priority),
        attempt: Set(0),
        max_attempts: Set(RetryPolicy::default().max_attempts),
        lease_number: Set(0),
        run_after: Set(now),
        log_seq: Set(0),
        progress_pct: Set(0.0),
        created_at: Set(now),
        ..Default::default()
    };
    task::Entity::insert(task).exec_without_returning(tx.on()).await?;
    tx.announce(Notice::Queued(*queue));
    Ok(render)
}

/// Stores a render whose result another one has.
async fn take_over(tx: &Tx<'_>, tenant: TenantId, new: &NewRender, of: RenderId) -> Result<Render, DbError> {
    let NewWork::Cached { result, .. } = &new.work else { return Err(DbError::NotFound("render")) };
    let source = render::Entity::find_by_id((Col(tenant), Col(of))).one(tx.on()).await?;
    let source =
        source.filter(|source| source.state == Col(RenderState::Completed)).ok_or(DbError::NotFound("render"))?;
    let files = files::all(tx, tenant, of).await?;
    let mut row = blank(tx, tenant, new, None, RenderState::Completed).await?;
    row.document.0.result = source.document.0.result;
    row.device = source.device;
    row.result = Some(Col(result.clone()));
    row.progress_pct = 100.0;
    row.samples_done = source.samples_done;
    row.completed_at = Some(row.created_at);
    let render = insert(tx, tenant, new, row).await?;
    files::add(tx, tenant, new.id, &files).await?;
    Ok(render)
}

/// The row of a render at its beginning.
async fn blank(
    tx: &Tx<'_>,
    tenant: TenantId,
    new: &NewRender,
    task_id: Option<TaskId>,
    state: RenderState,
) -> Result<render::Model, DbError> {
    let created_at = tx.now().await?;
    Ok(render::Model {
        tenant_id: Col(tenant),
        id: Col(new.id),
        kind: Col(new.kind),
        state: Col(state),
        priority: new.priority,
        request: Col(new.request.clone()),
        metadata: Col(new.metadata.clone()),
        document: Col(RenderDocument::new(new.id, task_id, state, created_at)),
        result: None,
        device: None,
        error_code: None,
        error_detail: None,
        error_at: None,
        progress_pct: 0.0,
        samples_done: 0,
        samples_target: new.samples_target,
        task_id: task_id.map(Col),
        created_by: Col(new.created_by),
        cache_key: new.cache_key.map(Col),
        event_seq: 0,
        cancel_requested_at: None,
        created_at: Col(created_at),
        started_at: None,
        completed_at: None,
    })
}

/// Stores the row, what the render needs, and its first event.
async fn insert(tx: &Tx<'_>, tenant: TenantId, new: &NewRender, row: render::Model) -> Result<Render, DbError> {
    let mut render = Render::from(row.clone());
    // The first event has the number 1, and is written after the row that it belongs to.
    let row = render::Model { event_seq: 1, ..row };
    render::Entity::insert(row.into_active_model().reset_all()).exec_without_returning(tx.on()).await?;
    let first = vec![job::state_event(&render)];
    render.last_seq = job::append(tx, tenant, &render, first, render.created_at).await?;
    let mut inputs = new.inputs.clone();
    inputs.sort_unstable();
    inputs.dedup();
    if !inputs.is_empty() {
        // Between the search for a file and this, the sweep may have come.
        objects::hold_in(tx, tenant, &inputs).await?;
        let row = |address| render_input::ActiveModel {
            tenant_id: Set(Col(tenant)),
            render_id: Set(Col(new.id)),
            address: Set(Col(address)),
        };
        render_input::Entity::insert_many(inputs.into_iter().map(row)).exec_without_returning(tx.on()).await?;
    }
    Ok(render)
}

/// The place of a new render in its queue.
async fn queue_position(tx: &Tx<'_>, tenant: TenantId, new: &NewRender) -> Result<Option<u64>, DbError> {
    match new.work {
        NewWork::Task { id, queue, .. } => position::of_task(tx, tenant, queue, new.priority, id).await,
        NewWork::Cached { .. } => Ok(None),
    }
}
