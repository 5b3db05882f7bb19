//! What clients do to renders that are there.

use sea_orm::{EntityTrait, ModelTrait, QuerySelect};

use super::Cancelling;
use crate::column::Col;
use crate::entity::render;
use crate::job::Job;
use crate::tx::Tx;
use crate::{DbError, Notice};
use packshot_domain::id::{RenderId, TenantId};
use packshot_domain::render::{RenderEvent, RenderState};

/// A render without a lock, and, locked, the task that does it.
async fn find(tx: &Tx<'_>, tenant: TenantId, id: RenderId) -> Result<(render::Model, Option<Job>), DbError> {
    let row = render::Entity::find_by_id((Col(tenant), Col(id))).one(tx.on()).await?;
    let row = row.ok_or(DbError::NotFound("render"))?;
    let Some(task) = row.task_id else { return Ok((row, None)) };
    let job = Job::lock(tx, tenant, task.0).await?.ok_or(DbError::NotFound("render"))?;
    Ok((row, Some(job)))
}

pub(super) async fn request_cancel(tx: &Tx<'_>, tenant: TenantId, id: RenderId) -> Result<Cancelling, DbError> {
    let mut job = match find(tx, tenant, id).await? {
        (_, Some(job)) => job,
        // Without a task it has ended when it was made.
        (row, None) => return Ok(Cancelling::Unchanged(row.into())),
    };
    match job.render.state {
        RenderState::Pending | RenderState::Queued => {
            job.mark_cancelled();
            job.end(RenderEvent::Cancel)?;
            Ok(Cancelling::Cancelled(job.store(tx).await?.render))
        }
        RenderState::Running => {
            if job.mark_cancelled() {
                tx.announce(Notice::CancelRequested(job.task.id));
                job = job.store(tx).await?;
            }
            Ok(Cancelling::Requested(job.render))
        }
        RenderState::Completed | RenderState::Failed | RenderState::Cancelled => Ok(Cancelling::Unchanged(job.render)),
    }
}

pub(super) async fn delete(tx: &Tx<'_>, tenant: TenantId, id: RenderId) -> Result<(), DbError> {
    let (_, job) = find(tx, tenant, id).await?;
    // Its task, events, log, files and inputs go with it.
    let row = render::Entity::find_by_id((Col(tenant), Col(id))).lock_exclusive().one(tx.on()).await?;
    let row = row.ok_or(DbError::NotFound("render"))?;
    let has_ended = job.is_none_or(|job| job.render.state.is_terminal());
    if !has_ended {
        return Err(DbError::InUse("render"));
    }
    row.delete(tx.on()).await?;
    Ok(())
}
