//! Creating renders.

use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait;

use super::{AnswerOf, Created, EqualRender, NewRender, NewWork, Render, Submitted, position, rows};
use crate::artifacts::WholePackage;
use crate::column::Col;
use crate::entity::{render, render_input};
use crate::idempotency::{Beginning, Begun};
use crate::jobs::{Job, NewJob, NewTask};
use crate::tx::Tx;
use crate::{DbError, Json, artifacts, files, held, idempotency, jobs, objects, quota};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::TenantId;
use packshot_domain::job::{JobRef, JobState};

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
    let taken_over = match &new.equal {
        Some(equal) => take_over(tx, tenant, new, equal).await?,
        None => None,
    };
    let render = match (taken_over, &new.equal) {
        (Some(render), equal) => {
            let of_result = equal.iter().flat_map(|equal| &equal.packages);
            let packages: Vec<WholePackage> = new.packages.iter().chain(of_result).cloned().collect();
            artifacts::store_in(tx, tenant, &packages).await?;
            render
        }
        (None, _) => {
            let job = queue_job(tx, tenant, new).await?;
            record(tx, tenant, new, job).await?
        }
    };
    let mut created = Created { render, queue_position: None };
    if let Some(beginning) = beginning {
        if answer.is_some() && created.render.task_id.is_some() {
            created.queue_position = queue_position(tx, tenant, new).await?;
        }
        let answer = answer.map(|answer| answer(&created));
        idempotency::made(tx, tenant, &beginning.request, new.id, answer.as_ref()).await?;
    }
    Ok(Submitted::Created(Box::new(created)))
}

/// Makes the job of a render that a worker will make; its record must follow.
pub(crate) async fn queue_job(tx: &Tx<'_>, tenant: TenantId, new: &NewRender) -> Result<Job, DbError> {
    let NewWork { id, kind, queue, lane, spec } = &new.work;
    let task = NewTask {
        id: *id,
        kind: *kind,
        queue: *queue,
        lane: lane.clone(),
        priority: new.priority,
        kwargs: new.request.clone(),
        spec: Some(spec.clone()),
        publishes: true,
        waits_for: Vec::new(),
    };
    jobs::create_in(tx, tenant, &new_job(new, vec![task])).await
}

/// Stores the record of a render whose job was made, with its packages, if the tenant has room for it.
pub(crate) async fn record(tx: &Tx<'_>, tenant: TenantId, new: &NewRender, job: Job) -> Result<Render, DbError> {
    let render = insert(tx, tenant, new, None, job).await?;
    artifacts::store_in(tx, tenant, &new.packages).await?;
    quota::check_job(tx, tenant).await?;
    Ok(render)
}

/// Stores a render whose result another one has; `None` when that was deleted since it was found.
async fn take_over(
    tx: &Tx<'_>,
    tenant: TenantId,
    new: &NewRender,
    equal: &EqualRender,
) -> Result<Option<Render>, DbError> {
    let EqualRender { id: of, ref result, ref packages } = *equal;
    // From here to the end, it cannot be deleted.
    if !held::share_job(tx, tenant, of.into()).await? {
        return Ok(None);
    }
    let source = match rows::get(tx, tenant, of).await {
        Ok(source) if source.state == JobState::Completed => source,
        Ok(_) | Err(DbError::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut addresses: Vec<ContentAddress> =
        packages.iter().flat_map(|whole| &whole.files).map(|new| new.file.address).collect();
    addresses.sort_unstable();
    addresses.dedup();
    // The packages of the earlier render may have expired, and then their objects may be gone.
    if !objects::are_there(tx, tenant, &addresses).await? {
        return Ok(None);
    }
    let mut job = jobs::create_in(tx, tenant, &new_job(new, Vec::new())).await?;
    if let Some(document) = &mut job.document {
        document.result = source.document.result;
    }
    (job.device, job.progress.samples_done) = (source.device, source.progress.samples_done);
    // Its preview may be gone while its pictures are there.
    let mut files = files::all(tx, tenant, of).await?;
    files.retain(|file| addresses.binary_search(&file.address).is_ok());
    held::write_job(tx, tenant, &job).await?;
    let render = insert(tx, tenant, new, Some(result.clone()), job).await?;
    rows::same_unmapped(tx, tenant, of, new.id).await?;
    files::add(tx, tenant, new.id, &files).await?;
    Ok(Some(render))
}

fn new_job(new: &NewRender, tasks: Vec<NewTask>) -> NewJob {
    let NewRender { id, created_by, samples_target, .. } = *new;
    let input_name = new.input_name.clone();
    let job = JobRef::of_render(id);
    NewJob { job, context: job.record, created_by, input_name, samples_target, has_document: true, tasks }
}

/// Stores the record, what the render needs, and its first event.
async fn insert(
    tx: &Tx<'_>,
    tenant: TenantId,
    new: &NewRender,
    result: Option<Json>,
    job: Job,
) -> Result<Render, DbError> {
    let row = render::ActiveModel {
        tenant_id: Set(Col(tenant)),
        id: Set(Col(new.id)),
        kind: Set(Col(new.kind)),
        priority: Set(new.priority),
        request: Set(Col(new.request.clone())),
        metadata: Set(Col(new.metadata.clone())),
        cache_key: Set(new.cache_key.map(Col)),
        result: Set(result.clone().map(Col)),
        unmapped: Set(None),
        created_at: Set(Col(job.created_at)),
    };
    render::Entity::insert(row).exec_without_returning(tx.on()).await?;
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
    jobs::announce(tx, tenant, &job, result.as_ref());
    render_of(tenant, new, result, job)
}

/// The new render, with its only event so far.
fn render_of(tenant: TenantId, new: &NewRender, result: Option<Json>, job: Job) -> Result<Render, DbError> {
    let Job { state, document, progress, error, device, created_by, input_name, .. } = job;
    let document = document.ok_or(DbError::NotFound("document"))?;
    Ok(Render {
        id: new.id,
        tenant,
        kind: new.kind,
        state,
        priority: new.priority,
        request: new.request.clone(),
        metadata: new.metadata.clone(),
        progress,
        error,
        result,
        device,
        task_id: document.task_id,
        document,
        created_by,
        input_name,
        cancel_requested_at: None,
        created_at: job.created_at,
        started_at: None,
        completed_at: job.completed_at,
        last_seq: 1,
    })
}

/// The place of a new render in its queue.
async fn queue_position(tx: &Tx<'_>, tenant: TenantId, new: &NewRender) -> Result<Option<u64>, DbError> {
    let NewWork { id, queue, lane, .. } = &new.work;
    position::of_task(tx, tenant, (*queue, lane), new.priority, *id).await
}
