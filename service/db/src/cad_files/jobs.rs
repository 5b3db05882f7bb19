//! Jobs of CAD files: reading, converting, pictures. A file has one at a time.

use serde_json::json;

use super::conversion::is_converting;
use super::{find, lock, note, save};
use crate::column::{Col, arg};
use crate::entity::{cad_file, job};
use crate::jobs::{self, NewJob, NewTask};
use crate::tx::Tx;
use crate::{Db, DbError, TenantScope};
use packshot_domain::audit::Actor;
use packshot_domain::cad_file::CadEvent;
use packshot_domain::id::{CadFileId, JobId, TenantId, UserId};
use packshot_domain::job::{JobKind, JobRef, JobState};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

/// The work of a CAD file.
#[derive(Clone, Debug)]
pub struct CadWork {
    /// Samples per pixel at most, where it renders.
    pub samples_target: i32,
    /// Its tasks, in the order of their graph.
    pub tasks: Vec<NewTask>,
}

/// A conversion of the file `$2` that the job of an order line waits for or has begun.
const OF_LINES: &str = "
    SELECT 1 FROM tasks t
    JOIN jobs j ON j.tenant_id = t.tenant_id AND j.id = t.job_id
    JOIN order_lines l ON l.tenant_id = j.tenant_id AND l.id = j.record_id
    JOIN products p ON p.tenant_id = l.tenant_id AND p.id = l.product_id
    WHERE t.queue = 'convert' AND t.state IN ('waiting', 'queued', 'running') AND t.lane = 'convert'
        AND t.tenant_id = $1 AND t.kind = 'occ_glb_export' AND j.kind = 'line' AND p.cad_file_id = $2
    LIMIT 1";

/// Gives a CAD file a job, because of an event that its state allows.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`DbError::CadFileBusy`] while it has a live job, or a line converts it;
/// [`DbError::CadFile`].
pub async fn ask(
    db: &Db,
    scope: TenantScope,
    by: (Actor, UserId),
    (file, event): (CadFileId, CadEvent),
    work: CadWork,
) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, by, file, event, work), |tx, (tenant, (by, user), file, event, work)| {
        Box::pin(async move {
            let mut row = lock(tx, *tenant, *file).await?;
            check_idle(tx, &row).await?;
            let before = row.status.0;
            row.status = Col(before.next(*event)?);
            if *event == CadEvent::Reextract {
                row.stalls = 0;
            }
            let job = job_of(&row, *user, work);
            row.job_id = Some(Col(job.job.id));
            let row = save(tx, row).await?;
            let made = jobs::create_in(tx, *tenant, &job).await?;
            jobs::announce(tx, *tenant, &made, None);
            let detail = json!({
                "before": {"status": before.as_str()},
                "after": {"status": row.status.0.as_str()},
                "asked": event.as_str(),
            });
            note(tx, by, &row, detail).await
        })
    })
    .await
}

/// The job of a graph that is dispatched for a CAD file, which is locked with this; nothing else of the file changes.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`DbError::CadFileBusy`] while it has a live job, or a line converts it.
pub(crate) async fn begin_job(
    tx: &Tx<'_>,
    tenant: TenantId,
    file: CadFileId,
    user: UserId,
    work: Option<&CadWork>,
) -> Result<Option<NewJob>, DbError> {
    let mut row = lock(tx, tenant, file).await?;
    check_idle(tx, &row).await?;
    let Some(work) = work else { return Ok(None) };
    let job = job_of(&row, user, work);
    row.job_id = Some(Col(job.job.id));
    save(tx, row).await?;
    Ok(Some(job))
}

/// The job that does this work.
pub(super) fn job_of(row: &cad_file::Model, created_by: UserId, work: &CadWork) -> NewJob {
    let CadWork { samples_target, tasks } = work.clone();
    NewJob {
        job: JobRef { id: JobId::new(), kind: JobKind::Cad, record: row.id.0.uuid() },
        context: row.id.0.uuid(),
        created_by,
        input_name: Some(row.original_name.0.to_string()),
        samples_target,
        has_document: true,
        tasks,
    }
}

/// Checks whether a file could get a job now. Nothing is locked: a moment later it may be otherwise.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`DbError::CadFileBusy`].
pub async fn check_dispatch(db: &Db, scope: TenantScope, file: CadFileId) -> Result<(), DbError> {
    db.read_snapshot(scope, (scope.tenant, file), |tx, (tenant, file)| {
        Box::pin(async move { check_idle(tx, &find(tx, *tenant, *file).await?).await })
    })
    .await
}

/// Checks that nothing works on a locked file. Its own job cannot begin or end meanwhile: both lock the file first.
///
/// # Errors
///
/// [`DbError::CadFileBusy`].
pub(super) async fn check_idle(tx: &Tx<'_>, row: &cad_file::Model) -> Result<(), DbError> {
    let (tenant, file): (TenantId, CadFileId) = (row.tenant_id.0, row.id.0);
    let is_busy = has_live_job(tx, row).await?
        || is_converting(tx, row).await?.is_some()
        || !tx.query(OF_LINES, [arg(tenant), arg(file)]).await?.is_empty();
    if is_busy { Err(DbError::CadFileBusy) } else { Ok(()) }
}

async fn has_live_job(tx: &Tx<'_>, row: &cad_file::Model) -> Result<bool, DbError> {
    let Some(id) = row.job_id else { return Ok(false) };
    let ended = JobState::ALL.iter().filter(|state| state.is_terminal()).map(|state| Col(*state));
    let live = job::Entity::find()
        .select_only()
        .column(job::Column::Id)
        .filter(job::Column::TenantId.eq(row.tenant_id))
        .filter(job::Column::Id.eq(id))
        .filter(job::Column::State.is_not_in(ended));
    let live: Option<Col<JobId>> = live.into_tuple().one(tx.on()).await?;
    Ok(live.is_some())
}
