//! Which task converts or reads a CAD file: one at a time.
//!
//! A task says that it begins before it works, in a transaction that locks the file; its end gives the file free, in
//! the [effect](super::effect). A claim counts for as long as the task that made it runs: what a lost service left is
//! taken over. A task that finds another one at the file is put back, and let go when that one ends.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{CadFile, CadRead, lock, save};
use crate::column::Col;
use crate::entity::{cad_file, task};
use crate::jobs::JobError;
use crate::level::Level;
use crate::tx::Tx;
use crate::{Db, DbError, Json, Notice, TenantScope};
use packshot_domain::cad_file::{CadEvent, CadStatus};
use packshot_domain::id::{CadFileId, TaskId, TenantId};
use packshot_domain::job::JobKind;
use packshot_domain::product::PartEntry;
use packshot_domain::task::{Lane, Lease, QueueName, TaskState};
use packshot_domain::time::Timestamp;

/// What a task read of a CAD file.
#[derive(Clone, Debug, PartialEq)]
pub struct CadDelivery {
    /// The file.
    pub file: CadFileId,
    /// What is in it.
    pub read: CadRead,
    /// The materials that the names of its parts lead to, for its products.
    pub found: Vec<PartEntry>,
}

/// A task that is about to convert or read a CAD file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The right to work on the task.
    pub lease: Lease,
    /// Since when the task could be claimed.
    pub run_after: Timestamp,
    /// The file.
    pub file: CadFileId,
}

/// What comes of an attempt that is about to begin.
#[derive(Clone, Debug, PartialEq)]
pub enum Beginning {
    /// The file is this task's until it ends.
    Begun(Box<CadFile>),
    /// There is nothing to do: the file was converted while the task waited, or before its line was dispatched.
    Done(Box<CadFile>),
    /// Another task is at it.
    Awaited,
    /// It was tried while the task waited, and cannot be done.
    Failed(JobError),
}

/// Begins to convert or read a CAD file.
///
/// # Errors
///
/// [`DbError::NotFound`] of the file; [`DbError::LeaseLost`].
pub async fn begin(db: &Db, scope: TenantScope, attempt: Attempt) -> Result<Beginning, DbError> {
    db.write(scope, (scope.tenant, attempt), |tx, (tenant, attempt)| Box::pin(begin_in(tx, *tenant, *attempt))).await
}

async fn begin_in(tx: &Tx<'_>, tenant: TenantId, attempt: Attempt) -> Result<Beginning, DbError> {
    let Attempt { lease, run_after, file } = attempt;
    let mut row = lock(tx, tenant, file).await?;
    if is_converting(tx, &row).await?.is_some_and(|other| other != lease.task) {
        return Ok(Beginning::Awaited);
    }
    // A task that waited for another one is let go by its end, and so not before it.
    let is_settled = row.settled_at.is_some_and(|at| at.0 >= run_after);
    let is_of_line = lease.job.is_some_and(|job| matches!(job.kind, JobKind::Line | JobKind::Shadow));
    match row.status.0 {
        CadStatus::Ready if row.glb_address.is_some() && (is_of_line || is_settled) => {
            return Ok(Beginning::Done(Box::new(CadFile::of(row, None)?)));
        }
        CadStatus::Failed if is_settled => return Ok(Beginning::Failed(error_of(&row))),
        CadStatus::Uploaded | CadStatus::Processing | CadStatus::Ready | CadStatus::Failed => {}
    }
    hold(tx, tenant, lease).await?;
    let mut status = row.status.0;
    match status {
        // What a lost service left.
        CadStatus::Processing => status = status.next(CadEvent::GiveBack)?,
        // Whoever dispatches a line of it, or requeues the task, asks for it again.
        CadStatus::Failed => {
            status = status.next(CadEvent::Reextract)?;
            row.stalls = 0;
        }
        CadStatus::Uploaded | CadStatus::Ready => {}
    }
    let now = tx.now().await?;
    row.status = Col(status.next(CadEvent::Begin)?);
    (row.converting_job, row.converting_task) = (lease.job.map(|job| Col(job.id)), Some(Col(lease.task)));
    row.processing_since = (row.status.0 == CadStatus::Processing).then_some(Col(now));
    let row = save(tx, row).await?;
    Ok(Beginning::Begun(Box::new(CadFile::of(row, None)?)))
}

/// Lets a task go at once that was put back to wait for another one, if that has ended meanwhile: its end found this
/// one running still, and so did not wake it. It is then handed out as if it had not been put back, and finds what
/// came of the file. Nothing happens while another task is at the file.
///
/// # Errors
///
/// Those of the database.
pub async fn let_go_if_ended(db: &Db, scope: TenantScope, attempt: Attempt) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, attempt), |tx, (tenant, attempt)| Box::pin(let_go_in(tx, *tenant, *attempt))).await
}

async fn let_go_in(tx: &Tx<'_>, tenant: TenantId, attempt: Attempt) -> Result<(), DbError> {
    use task::Column as C;
    // The end of the other task locks the file first: it is either seen here, or sees this task in its lane.
    match lock(tx, tenant, attempt.file).await {
        Ok(row) if is_converting(tx, &row).await?.is_some() => return Ok(()),
        Ok(_) | Err(DbError::NotFound(_)) => {}
        Err(error) => return Err(error),
    }
    tx.enter(Level::Task);
    let back = task::Entity::update_many()
        .col_expr(C::RunAfter, crate::column::arg(attempt.run_after).into())
        .filter(C::TenantId.eq(Col(tenant)))
        .filter(C::Id.eq(Col(attempt.lease.task)))
        .filter(C::State.eq(Col(TaskState::Queued)))
        .filter(C::RunAfter.gt(Col(tx.now().await?)));
    if back.exec(tx.on()).await?.rows_affected > 0 {
        tx.announce(Notice::Queued(QueueName::Convert, Lane::of_queue(QueueName::Convert)));
    }
    Ok(())
}

/// Locks a task against changes while its lease holds.
async fn hold(tx: &Tx<'_>, tenant: TenantId, lease: Lease) -> Result<(), DbError> {
    use task::Column as C;
    tx.enter(Level::Task);
    let held = task::Entity::find()
        .select_only()
        .column(C::Id)
        .filter(C::TenantId.eq(Col(tenant)))
        .filter(C::Id.eq(Col(lease.task)))
        .filter(C::LeaseToken.eq(Col(lease.token)))
        .filter(C::State.eq(Col(TaskState::Running)))
        .lock_shared();
    let held: Option<Col<TaskId>> = held.into_tuple().one(tx.on()).await?;
    held.map(drop).ok_or(DbError::LeaseLost(lease.task))
}

/// The task that converts a locked file now.
pub(super) async fn is_converting(tx: &Tx<'_>, row: &cad_file::Model) -> Result<Option<TaskId>, DbError> {
    use task::Column as C;
    let Some(task) = row.converting_task else { return Ok(None) };
    let running = task::Entity::find()
        .select_only()
        .column(C::Id)
        .filter(C::TenantId.eq(row.tenant_id))
        .filter(C::Id.eq(task))
        .filter(C::State.eq(Col(TaskState::Running)));
    let running: Option<Col<TaskId>> = running.into_tuple().one(tx.on()).await?;
    Ok(running.map(Col::value))
}

/// Lets every task look again that waits for one that converts: called when one has ended. Tasks that failed wait on.
pub(super) async fn wake(tx: &Tx<'_>, tenant: TenantId) -> Result<(), DbError> {
    use task::Column as C;
    let (queue, now) = (QueueName::Convert, tx.now().await?);
    let lane = Lane::of_queue(queue);
    tx.enter(Level::Task);
    let waiting = task::Entity::find()
        .select_only()
        .column(C::Id)
        .filter(C::Queue.eq(Col(queue)))
        .filter(C::State.eq(Col(TaskState::Queued)))
        .filter(C::Lane.eq(Col(lane.clone())))
        .filter(C::TenantId.eq(Col(tenant)))
        .filter(C::RunAfter.gt(Col(now)))
        .filter(C::Faults.eq(0))
        .filter(C::ServiceDeaths.eq(0))
        .order_by_asc(C::Id)
        .lock_exclusive();
    let waiting: Vec<Col<TaskId>> = waiting.into_tuple().all(tx.on()).await?;
    if waiting.is_empty() {
        return Ok(());
    }
    let these = task::Entity::update_many().col_expr(C::RunAfter, crate::column::arg(now).into());
    these.filter(C::TenantId.eq(Col(tenant))).filter(C::Id.is_in(waiting)).exec(tx.on()).await?;
    tx.announce(Notice::Queued(queue, lane));
    Ok(())
}

/// Why a file could not be read, as its row has it.
fn error_of(row: &cad_file::Model) -> JobError {
    let text = |name: &str| row.error.as_ref().and_then(|error| error.0[name].as_str()).map(str::to_owned);
    JobError {
        code: text("code").unwrap_or_else(|| "internal_error".to_owned()),
        detail: text("detail").unwrap_or_default(),
        at: text("at"),
    }
}

/// The same as its row keeps it.
pub(super) fn shown_error(error: &JobError) -> Json {
    serde_json::json!({"code": error.code, "detail": error.detail, "at": error.at})
}
