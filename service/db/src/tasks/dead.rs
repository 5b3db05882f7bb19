//! Tasks that used up their attempts: admins are told of each, until it is requeued, its line is dispatched again, or
//! it is gone (notifications.md §3).

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use serde_json::json;
use uuid::Uuid;

use super::{JobError, Task};
use crate::channels::{Said, Trouble, alerts};
use crate::column::Col;
use crate::entity::task;
use crate::tx::Tx;
use crate::{AllTenants, Db, DbError};
use packshot_domain::channel::{AlertType, Message, Severity, Subject, SubjectKind};
use packshot_domain::id::{JobId, OrderLineId, TaskId, TenantId};
use packshot_domain::job::JobKind;
use packshot_domain::task::TaskState;

/// Tasks that one statement looks for.
const TASKS_AT_ONCE: usize = 500;

/// A task has used up its attempts.
pub(super) fn died(tx: &Tx<'_>, tenant: TenantId, task: &Task, error: &JobError) {
    let line = task.job.filter(|job| job.kind == JobKind::Line).map(|job| OrderLineId::from_uuid(job.record));
    let name = task.kind.as_str();
    let message = format!("Task {name} was given up after {} attempts: {}", task.attempt, error.detail);
    let data = json!({
        "task_name": name,
        "attempts": task.attempt,
        "code": error.code,
        "detail": error.detail,
        "job_kind": task.job.map(|job| job.kind.as_str()),
        "record_id": task.job.map(|job| job.record),
    });
    let said = Said { severity: Severity::Error, line, data, ..Said::about(Message::new(&message), task.id) };
    tx.told(|told| told.trouble(tenant, AlertType::TaskDead, Trouble::Lasts(said)));
}

/// A task is tried again.
pub(crate) fn revived(tx: &Tx<'_>, tenant: TenantId, task: TaskId) {
    tx.told(|told| told.trouble(tenant, AlertType::TaskDead, Trouble::Over(task.into())));
}

/// What the job was to make is made by another one.
pub(crate) async fn replaced(tx: &Tx<'_>, tenant: TenantId, job: JobId) -> Result<(), DbError> {
    use task::Column as C;
    let failed = task::Entity::find()
        .filter(C::TenantId.eq(Col(tenant)))
        .filter(C::JobId.eq(Col(job)))
        .filter(C::State.eq(Col(TaskState::Failed)));
    let failed: Vec<Col<TaskId>> = failed.select_only().column(C::Id).into_tuple().all(tx.on()).await?;
    failed.into_iter().for_each(|task| revived(tx, tenant, task.0));
    Ok(())
}

/// Says of tasks that were given up, and are gone or tried again by now, that this is over.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn tell_of_gone(db: &Db, all: AllTenants) -> Result<(), DbError> {
    let mut told: BTreeMap<TenantId, Vec<Uuid>> = BTreeMap::new();
    for alert in alerts::open_of(db, all, AlertType::TaskDead).await? {
        told.entry(alert.entry.tenant).or_default().extend(alert.entry.subject.map(|subject| subject.id));
    }
    for (tenant, tasks) in told {
        // Mostly nothing has changed, and then nobody waits for this.
        let tasks = db.read(all, (tenant, tasks), |tx, (tenant, tasks)| Box::pin(gone(tx, *tenant, tasks))).await?;
        if tasks.is_empty() {
            continue;
        }
        db.write(all, (tenant, tasks), |tx, (tenant, tasks)| Box::pin(over(tx, *tenant, tasks))).await?;
    }
    Ok(())
}

/// Says of those of these tasks that are still gone, or tried again, that this is over.
async fn over(tx: &Tx<'_>, tenant: TenantId, tasks: &[Uuid]) -> Result<(), DbError> {
    for id in gone(tx, tenant, tasks).await? {
        let subject = Subject { kind: SubjectKind::Task, id };
        tx.told(|told| told.trouble(tenant, AlertType::TaskDead, Trouble::Over(subject)));
    }
    Ok(())
}

/// Those of these tasks that are gone, or tried again.
async fn gone(tx: &Tx<'_>, tenant: TenantId, tasks: &[Uuid]) -> Result<Vec<Uuid>, DbError> {
    use task::Column as C;
    let mut gone = Vec::new();
    for some in tasks.chunks(TASKS_AT_ONCE) {
        let dead = task::Entity::find()
            .filter(C::TenantId.eq(Col(tenant)))
            .filter(C::State.eq(Col(TaskState::Failed)))
            .filter(C::Id.is_in(some.iter().copied()));
        let dead: Vec<Col<TaskId>> = dead.select_only().column(C::Id).into_tuple().all(tx.on()).await?;
        gone.extend(some.iter().copied().filter(|id| dead.iter().all(|task| task.0.uuid() != *id)));
    }
    Ok(gone)
}
