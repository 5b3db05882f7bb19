//! Runs: shown, listed, followed, cancelled. A client sees those of its own order lines.

use super::definitions::check_feature;
use crate::app::{App, AppError, Page, PageRequest};
use packshot_contract::workflow::{NodeResult, WorkflowRun};
use packshot_db::jobs::{self, Cancelling};
use packshot_db::workflows::{self as rows, Run, RunContext, RunNode};
use packshot_db::{DbError, TenantScope};
use packshot_domain::access::Role;
use packshot_domain::id::{RunId, TaskId, UserId, WorkflowId};
use packshot_domain::job::{JobKind, JobRef};
use packshot_domain::principal::Principal;
use packshot_domain::workflow::ExecutionMode;

/// A run that was to be cancelled.
#[derive(Clone, Debug, PartialEq)]
pub struct CancelledRun {
    /// The run as it is now.
    pub run: WorkflowRun,
    /// Whether its work is still stopping.
    pub is_stopping: bool,
}

/// A run.
///
/// # Errors
/// [`WorkflowRunNotFound`](crate::app::Code::WorkflowRunNotFound).
pub async fn run(app: &App, who: &Principal, id: RunId) -> Result<WorkflowRun, AppError> {
    Ok(shown(rows::run(&app.db, TenantScope::of(who.tenant), owner(who), id).await?))
}

/// A page of the runs of a definition, newest first.
///
/// # Errors
/// [`WorkflowNotFound`](crate::app::Code::WorkflowNotFound),
/// [`FeatureDisabled`](crate::app::Code::FeatureDisabled).
pub async fn runs(
    app: &App,
    who: &Principal,
    id: WorkflowId,
    page: PageRequest,
) -> Result<Page<WorkflowRun>, AppError> {
    check_feature(app, who).await?;
    let scope = TenantScope::of(who.tenant);
    rows::get(&app.db, scope, id).await?;
    let Page { items, next } = rows::list_runs(&app.db, scope, id, page).await?;
    Ok(Page { items: items.into_iter().map(shown).collect(), next })
}

/// A run, with the number of the last event of its stream that this contains.
///
/// # Errors
/// [`WorkflowRunNotFound`](crate::app::Code::WorkflowRunNotFound).
pub async fn follow(app: &App, who: &Principal, id: RunId) -> Result<(WorkflowRun, i64), AppError> {
    let (run, last_seq) = rows::follow(&app.db, TenantScope::of(who.tenant), owner(who), id).await?;
    Ok((shown(run), last_seq))
}

/// Cancels a run: what waits ends immediately, what runs stops within two seconds. One that has ended stays as it is.
///
/// # Errors
/// [`WorkflowRunNotFound`](crate::app::Code::WorkflowRunNotFound).
pub async fn cancel(app: &App, who: &Principal, id: RunId) -> Result<CancelledRun, AppError> {
    let scope = TenantScope::of(who.tenant);
    let before = rows::run(&app.db, scope, owner(who), id).await?;
    let mut is_stopping = false;
    if let Some(job) = before.job.filter(|_| !before.status.is_terminal()) {
        let (kind, record) = match before.context {
            RunContext::Line(_) if before.mode == ExecutionMode::Shadow => (JobKind::Shadow, id.uuid()),
            RunContext::Line(line) => (JobKind::Line, line.uuid()),
            RunContext::File(file) => (JobKind::Cad, file.uuid()),
        };
        match jobs::request_cancel(&app.db, scope, JobRef { id: job, kind, record }).await {
            Ok(Cancelling::Requested(_)) => is_stopping = true,
            // Without its job, nothing of it is left to stop.
            Ok(_) | Err(DbError::NotFound("job")) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let run = shown(rows::run(&app.db, scope, owner(who), id).await?);
    Ok(CancelledRun { run, is_stopping })
}

/// The only one whose runs `who` finds; `None` for everyone's of the tenant.
fn owner(who: &Principal) -> Option<UserId> {
    (who.role == Role::Client).then_some(who.user)
}

/// A run as clients see it.
pub(super) fn shown(run: Run) -> WorkflowRun {
    let (order_line_id, cad_file_id) = match run.context {
        RunContext::Line(line) => (Some(line.uuid()), None),
        RunContext::File(file) => (None, Some(file.uuid())),
    };
    let task_id = run.first_task.map(TaskId::uuid);
    WorkflowRun {
        id: run.id.uuid(),
        tenant_id: run.tenant.uuid(),
        workflow_def_id: run.definition.map(WorkflowId::uuid),
        order_line_id,
        cad_file_id,
        execution_mode: run.mode.into(),
        status: run.status.into(),
        task_id,
        celery_task_id: task_id,
        error_message: run.error,
        created_at: run.created_at.into(),
        started_at: run.started_at.map(Into::into),
        completed_at: run.completed_at.map(Into::into),
        config: run.config,
        comparison: run.comparison,
        node_results: run.nodes.into_iter().map(node).collect(),
    }
}

fn node(node: RunNode) -> NodeResult {
    let duration = node.started_at.zip(node.completed_at).map(|(started, ended)| ended.since(started));
    NodeResult {
        node_name: node.id.to_string(),
        step: node.step.as_str().to_owned(),
        status: node.status.into(),
        output: node.output,
        error: node.error,
        started_at: node.started_at.map(Into::into),
        completed_at: node.completed_at.map(Into::into),
        duration_s: duration.map(|duration| duration.as_secs_f64()),
    }
}
