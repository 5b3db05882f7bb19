//! Tasks without a job: chores of the service that somebody asks for.

use sea_orm::ActiveValue::Set;
use serde_json::json;

use super::TaskView;
use super::list;
use crate::audit::{self, NewEntry};
use crate::column::Col;
use crate::entity::task;
use crate::level::Level;
use crate::tx::Tx;
use crate::{Db, DbError, Json, Notice, TenantScope};
use packshot_domain::audit::{Action, Actor};
use packshot_domain::id::{TaskId, TenantId};
use packshot_domain::task::{Chore, Lane, QueueName, RetryPolicy, TaskKind, TaskState};
use packshot_domain::time::Timestamp;

/// What the audit log calls a task.
const TASK: &str = "task";
/// Chores wait for nothing that others do.
const QUEUE: QueueName = QueueName::Housekeeping;

/// A chore that somebody asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct NewChore {
    /// Its id.
    pub id: TaskId,
    /// What is to be done.
    pub chore: Chore,
    /// How, as the contract shows it.
    pub kwargs: Json,
    /// What the audit log says about it, where it says anything: who asked, and for what.
    pub audited: Option<(Actor, Action)>,
}

/// Puts a chore into its queue.
///
/// # Errors
///
/// [`DbError::NotFound`] when there is no such tenant.
pub async fn ask(db: &Db, scope: TenantScope, new: NewChore) -> Result<TaskView, DbError> {
    db.write(scope, (scope.tenant, new), |tx, (tenant, new)| Box::pin(ask_in(tx, *tenant, new))).await
}

/// [`ask`] within a transaction.
pub(crate) async fn ask_in(tx: &Tx<'_>, tenant: TenantId, new: &NewChore) -> Result<TaskView, DbError> {
    let now = tx.now().await?;
    tx.enter(Level::Task);
    tx.insert_all(vec![chore_row((tenant, new.id), new.chore, new.kwargs.clone(), now)]).await?;
    tx.announce(Notice::Queued(QUEUE, Lane::of_queue(QUEUE)));
    let view = list::get_in(tx, tenant, new.id).await?;
    if let Some((by, action)) = &new.audited {
        let entry = NewEntry { action: *action, object: Some((TASK, new.id.to_string())), detail: new.kwargs.clone() };
        audit::write(tx, tenant, by, [entry]).await?;
    }
    Ok(view)
}

/// A chore that waits in the lane of its queue.
pub(crate) fn chore_row(
    (tenant, id): (TenantId, TaskId),
    chore: Chore,
    kwargs: Json,
    now: Timestamp,
) -> task::ActiveModel {
    let policy = RetryPolicy::default();
    task::ActiveModel {
        tenant_id: Set(Col(tenant)),
        id: Set(Col(id)),
        position: Set(0),
        kind: Set(Col(TaskKind::Chore(chore))),
        queue: Set(Col(QUEUE)),
        lane: Set(Col(Lane::of_queue(QUEUE))),
        args: Set(Col(json!([]))),
        kwargs: Set(Col(kwargs)),
        publishes: Set(false),
        blockers: Set(0),
        state: Set(Col(TaskState::Queued)),
        priority: Set(0),
        attempt: Set(0),
        max_attempts: Set(policy.faults_max),
        faults: Set(0),
        service_deaths: Set(0),
        service_deaths_max: Set(policy.service_deaths_max),
        run_after: Set(Col(now)),
        log_seq: Set(0),
        progress_pct: Set(0.0),
        created_at: Set(Col(now)),
        ..Default::default()
    }
}
