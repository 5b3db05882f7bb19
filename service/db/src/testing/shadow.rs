//! Shadow runs as a system before this one has left them: without what was recorded of their outputs.

use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::{ActiveModelTrait, IntoActiveModel};

use crate::column::Col;
use crate::entity::{order_line, workflow_run};
use crate::{Db, DbError, Json, TenantScope};
use packshot_domain::id::{OrderLineId, RunId};
use packshot_domain::order::line::RenderStatus;
use packshot_domain::workflow::{ExecutionMode, RunStatus};

/// A shadow run beside a line.
#[derive(Clone, Debug)]
pub struct FinishedShadow {
    /// The line.
    pub line: OrderLineId,
    /// The result of the line.
    pub result_path: Option<String>,
    /// The state of the line.
    pub render_status: RenderStatus,
    /// The state of the run.
    pub status: RunStatus,
    /// Its graph.
    pub config: Json,
}

/// Inserts it.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn insert_shadow(db: &Db, scope: TenantScope, of: FinishedShadow) -> Result<RunId, DbError> {
    db.write(scope, (scope.tenant, of), |tx, (tenant, of)| {
        Box::pin(async move {
            let (id, now) = (RunId::new(), Col(tx.now().await?));
            let line = order_line::ActiveModel {
                tenant_id: Unchanged(Col(*tenant)),
                id: Unchanged(Col(of.line)),
                result_path: Set(of.result_path.clone()),
                render_status: Set(Col(of.render_status)),
                ..Default::default()
            };
            line.update_without_returning(tx.on()).await?;
            let run = workflow_run::Model {
                tenant_id: Col(*tenant),
                id: Col(id),
                workflow_definition_id: None,
                order_line_id: Some(Col(of.line)),
                cad_file_id: None,
                execution_mode: Col(ExecutionMode::Shadow),
                status: Col(of.status),
                job_id: None,
                observed_job_id: None,
                first_task_id: None,
                result_task_id: None,
                error_message: None,
                config: Col(of.config.clone()),
                ingredients: None,
                authoritative_output: None,
                observer_output: None,
                comparison: None,
                created_at: now,
                started_at: None,
                completed_at: of.status.is_terminal().then_some(now),
            };
            tx.insert_all(vec![run.into_active_model().reset_all()]).await?;
            Ok(id)
        })
    })
    .await
}
