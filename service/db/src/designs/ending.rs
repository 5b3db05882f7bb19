//! Design jobs that are cancelled, tried again and deleted.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::json;

use super::publishing::take_back_in;
use super::steps::Steps;
use super::{DesignJob, advance, find, goes_on_with, lock, lock_alone, owed, save, starting, telling, whole};
use crate::artifacts::Caller;
use crate::audit::{self, NewEntry};
use crate::column::Col;
use crate::entity::{design_job, media_asset};
use crate::jobs::{self, Cancelling, NewTask};
use crate::media::{gallery, removing};
use crate::tx::Tx;
use crate::{Db, DbError, TenantScope, reviews};
use packshot_domain::audit::Action;
use packshot_domain::design_job::{DesignEvent, DesignRefusal, DesignStatus, DesignStep};
use packshot_domain::id::{AssetId, DesignJobId, TenantId};
use packshot_domain::job::{JobKind, JobRef};

/// Cancels a job: one that nothing works on ends at once, the task of another one is told to stop.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn cancel(db: &Db, scope: TenantScope, id: DesignJobId) -> Result<Cancelling<DesignJob>, DbError> {
    let cancelled =
        async || db.write(scope, (scope.tenant, id), |tx, (tenant, id)| Box::pin(cancel_in(tx, *tenant, *id))).await;
    loop {
        if let Some(cancelled) = cancelled().await? {
            return Ok(cancelled);
        }
    }
}

/// [`None`]: its tasks were just queued, and it has to be locked by them.
async fn cancel_in(tx: &Tx<'_>, tenant: TenantId, id: DesignJobId) -> Result<Option<Cancelling<DesignJob>>, DbError> {
    let row = find(tx, tenant, id).await?;
    if row.status.0.is_terminal() {
        return Ok(Some(Cancelling::Unchanged(whole(tx, row).await?)));
    }
    let Some(job) = row.job_id else {
        let mut row = lock(tx, tenant, id).await?;
        if row.status.0.is_terminal() || row.job_id.is_some() {
            return Ok(None);
        }
        // Its design is being stored: whoever does that finds it cancelled.
        let steps = Steps::of(&row)?;
        (row.completed_at, row.cancel_requested_at) = (Some(Col(tx.now().await?)), Some(Col(tx.now().await?)));
        advance(&mut row, DesignEvent::Cancel)?;
        let row = save(tx, row, &steps).await?;
        telling::moved(tx, &row, &steps).await?;
        tx.write_events().await?;
        return Ok(Some(Cancelling::Cancelled(whole(tx, row).await?)));
    };
    let job = JobRef { id: job.0, kind: JobKind::Design, record: id.uuid() };
    // This locks the design job too.
    let cancelling = jobs::request_cancel_in(tx, tenant, job).await?;
    let mut row = find(tx, tenant, id).await?;
    if !row.status.0.is_terminal() && row.cancel_requested_at.is_none() {
        row.cancel_requested_at = Some(Col(tx.now().await?));
        let steps = Steps::of(&row)?;
        row = save(tx, row, &steps).await?;
    }
    tx.write_events().await?;
    let whole = whole(tx, row).await?;
    Ok(Some(match cancelling {
        Cancelling::Cancelled(_) => Cancelling::Cancelled(whole),
        Cancelling::Requested(_) => Cancelling::Requested(whole),
        Cancelling::Unchanged(_) => Cancelling::Unchanged(whole),
    }))
}

/// Tries a job again with these tasks, which go on with this step: [`DesignJob::goes_on_with`].
///
/// # Errors
///
/// [`DbError::NotFound`]; [`DbError::Design`] when it has not failed, or has no design; [`DbError::Stale`] when it goes
/// on with another step by now.
pub async fn retry(
    db: &Db,
    scope: TenantScope,
    id: DesignJobId,
    from: DesignStep,
    tasks: Vec<NewTask>,
) -> Result<DesignJob, DbError> {
    db.write(scope, (scope.tenant, id, from, tasks), |tx, (tenant, id, from, tasks)| {
        Box::pin(async move {
            let row = lock(tx, *tenant, *id).await?;
            if row.status.0.next(DesignEvent::Retry).is_err() {
                return Err(DesignRefusal::NotFailed(row.status.0).into());
            }
            let design = match row.design_asset_id {
                Some(design) => media_asset::Entity::find_by_id((Col(*tenant), design)).one(tx.on()).await?,
                None => None,
            };
            if design.is_none() {
                return Err(DesignRefusal::DesignMissing.into());
            }
            let steps = Steps::of(&row)?;
            if goes_on_with(row.status.0, &steps) != *from {
                return Err(DbError::Stale { current: i64::from(row.attempt) });
            }
            let mut row = again(tx, row).await?;
            starting::queue(tx, &mut row, tasks).await?;
            let mut steps = Steps::of(&row)?;
            if !owed(DesignStatus::Failed, &steps).is_empty() {
                let undone = row.clone();
                take_back_in(tx, undone, steps).await?;
                let job = row.job_id;
                row = find(tx, *tenant, *id).await?;
                row.job_id = job;
                steps = Steps::of(&row)?;
            }
            steps.open_from(*from);
            let row = save(tx, row, &steps).await?;
            tx.write_events().await?;
            whole(tx, row).await
        })
    })
    .await
}

/// A locked job begins another try; the error of the last one is kept with it.
async fn again(tx: &Tx<'_>, mut row: design_job::Model) -> Result<design_job::Model, DbError> {
    let now = tx.now().await?;
    let ended = json!({
        "attempt": row.attempt,
        "started_at_ms": row.started_at.map(|at| at.0.unix_ms()),
        "ended_at_ms": row.completed_at.map_or(now, |at| at.0).unix_ms(),
        "error": row.error.take().map(|error| error.0),
    });
    if let Some(attempts) = row.attempts.0.as_array_mut() {
        attempts.push(ended);
    }
    row.attempt += 1;
    (row.started_at, row.completed_at, row.cancel_requested_at) = (None, None, None);
    advance(&mut row, DesignEvent::Retry)?;
    row.progress_pct = DesignStep::UploadDesignFile.progress_pct_when_done();
    Ok(row)
}

/// What becomes of pictures that a gallery shows when their job is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownMedia {
    /// They stay.
    Kept,
    /// They go.
    Deleted,
}

/// Deletes a job with its design, its texture, and its pictures that no gallery shows; with
/// [`Deleted`](ShownMedia::Deleted) also those that one does. What somebody holds stays.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`DbError::Design`] when it has not ended.
pub async fn delete(
    db: &Db,
    scope: TenantScope,
    by: Caller,
    id: DesignJobId,
    shown: ShownMedia,
) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, by, id, shown), |tx, (tenant, by, id, shown)| {
        Box::pin(async move {
            let found = find(tx, *tenant, *id).await?;
            let own = own_media(tx, *tenant, &found).await?;
            let lines = removing::lock_above(tx, *tenant, &own).await?;
            let reviews = reviews::ids_of_design(tx, *tenant, *id).await?;
            let row = lock_alone(tx, *tenant, *id).await?;
            if row.status.0.next(DesignEvent::Delete).is_err() {
                return Err(DesignRefusal::NotTerminal(row.status.0).into());
            }
            let going = match shown {
                ShownMedia::Kept => gallery::in_none(tx, *tenant, &own).await?,
                ShownMedia::Deleted => own,
            };
            design_job::Entity::delete_by_id((Col(*tenant), Col(*id))).exec(tx.on()).await?;
            removing::delete_below(tx, *tenant, by, (lines, &going)).await?;
            reviews::forget_streams(tx, *tenant, &reviews).await?;
            let detail = json!({
                "before": {"status": row.status.0.as_str(), "product_id": row.product_id.0.to_string()},
                "after": null,
                "deleted_assets": going.len(),
            });
            let object = Some(("design_job", id.to_string()));
            audit::write(tx, *tenant, &by.audit, [NewEntry { action: Action::DesignJobDeleted, object, detail }]).await
        })
    })
    .await
}

/// The assets that a job has made. A design that was there before it is none of them.
async fn own_media(tx: &Tx<'_>, tenant: TenantId, row: &design_job::Model) -> Result<Vec<AssetId>, DbError> {
    use media_asset::Column as C;
    let made = media_asset::Entity::find().filter(C::TenantId.eq(Col(tenant)));
    let made = made.filter(C::DesignJobId.eq(row.id.0.uuid())).order_by_asc(C::Id).all(tx.on()).await?;
    Ok(made.into_iter().map(|asset| asset.id.0).collect())
}
