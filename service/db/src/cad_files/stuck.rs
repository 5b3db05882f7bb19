//! CAD files that are being processed for too long: what works on them is taken away from them.

use std::time::Duration;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::conversion::is_converting;
use super::{lock, save};
use crate::column::Col;
use crate::entity::cad_file;
use crate::held::Held;
use crate::jobs::JobError;
use crate::tx::Tx;
use crate::{AllTenants, Db, DbError, tasks};
use packshot_domain::cad_file::{CadEvent, CadStatus, OriginalName};
use packshot_domain::id::{CadFileId, TenantId};
use packshot_domain::task::TaskState;

/// Files per look.
const AT_ONCE: u64 = 100;
/// The time for which a file is given up.
const LAST: i32 = 3;

/// A file that was being processed for too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// Its tenant.
    pub tenant: TenantId,
    /// The file.
    pub file: CadFileId,
    /// What it is called.
    pub name: OriginalName,
    /// For how long.
    pub still_for: Duration,
    /// Whether this was the last time: it has failed.
    pub has_failed: bool,
}

/// Takes what works on them away from all files that are being processed for longer than `longest`: they are uploaded
/// again and tried anew, or, after the third time, have failed.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached. What cannot be released is tried again the next time.
pub async fn release(db: &Db, all: AllTenants, longest: Duration) -> Result<Vec<Stuck>, DbError> {
    let found = db.read(all, longest, |tx, longest| Box::pin(look(tx, *longest))).await?;
    let mut released = Vec::new();
    for (tenant, file) in found {
        match db.write(all, (tenant, file, longest), |tx, args| Box::pin(release_one(tx, *args))).await {
            Ok(stuck) => released.extend(stuck),
            Err(error) => tracing::error!(cad_file = %file, "a CAD file cannot be released: {error}"),
        }
    }
    Ok(released)
}

async fn look(tx: &Tx<'_>, longest: Duration) -> Result<Vec<(TenantId, CadFileId)>, DbError> {
    use cad_file::Column as C;
    let before = tx.now().await? - longest;
    let stuck = cad_file::Entity::find()
        .select_only()
        .columns([C::TenantId, C::Id])
        .filter(C::Status.eq(Col(CadStatus::Processing)))
        .filter(C::ProcessingSince.lt(Col(before)))
        .order_by_asc(C::ProcessingSince)
        .limit(AT_ONCE);
    let stuck: Vec<(Col<TenantId>, Col<CadFileId>)> = stuck.into_tuple().all(tx.on()).await?;
    Ok(stuck.into_iter().map(|(tenant, id)| (tenant.0, id.0)).collect())
}

async fn release_one(
    tx: &Tx<'_>,
    (tenant, file, longest): (TenantId, CadFileId, Duration),
) -> Result<Option<Stuck>, DbError> {
    let now = tx.now().await?;
    // Which task it is may change until the file is locked; then it is not stuck any more.
    let before = match super::find(tx, tenant, file).await {
        Ok(row) => row,
        Err(DbError::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let task = before.converting_task;
    let running = match is_converting(tx, &before).await? {
        Some(task) => Held::of_task(tx, tenant, task).await?,
        None => None,
    };
    // It ended just now, and with it its work on the file; and no file is locked after a task.
    if running.as_ref().is_some_and(|(held, i)| held.task(*i).state != TaskState::Running) {
        return Ok(None);
    }
    let mut row = match &running {
        // It is locked with its task.
        Some(_) => super::find(tx, tenant, file).await?,
        None => lock(tx, tenant, file).await?,
    };
    let since = row.processing_since.filter(|since| since.0 < now - longest);
    let Some(since) = since.filter(|_| row.status.0 == CadStatus::Processing && row.converting_task == task) else {
        return Ok(None);
    };
    let still_for = now.since(since.0);
    row.stalls += 1;
    let is_last = row.stalls >= LAST;
    let minutes = still_for.as_secs() / 60;
    let detail = format!("its conversion did not end within {minutes} minutes, so it was stopped");
    let error = JobError { code: "stalled".to_owned(), detail, at: None };
    match running {
        Some((held, i)) => {
            save(tx, row).await?;
            tasks::stop_stuck(tx, held, i, error, is_last).await?;
        }
        None => {
            let event = if is_last { CadEvent::StallLast } else { CadEvent::Stall };
            row.status = Col(row.status.0.next(event)?);
            (row.converting_job, row.converting_task, row.processing_since) = (None, None, None);
            if is_last {
                row.error = Some(Col(super::conversion::shown_error(&error)));
                row.settled_at = Some(Col(now));
            }
            save(tx, row).await?;
        }
    }
    let row = super::find(tx, tenant, file).await?;
    let (name, has_failed) = (row.original_name.0, row.status.0 == CadStatus::Failed);
    Ok(Some(Stuck { tenant, file, name, still_for, has_failed }))
}
