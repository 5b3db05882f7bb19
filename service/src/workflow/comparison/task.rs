//! The task `compare`, which the end of both sides of a shadow run makes.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::json;

use super::{CompareError, Place};
use crate::config::Settings;
use crate::jobs::handler::{Desk, Handler, Handlers, Outcome, Start, Work};
use crate::store::Store;
use packshot_db::tasks::{Claimed, Delivery, LaneLimit};
use packshot_db::workflows::COMPARED_RUN;
use packshot_db::{Db, DbError, TenantScope};
use packshot_domain::id::RunId;
use packshot_domain::task::{Chore, FaultKind, Lane, QueueName, TaskKind};
use packshot_worker::failpoint::Failpoint;
use packshot_worker::protocol::Failure;

/// Compares the pictures of shadow runs, in the lane of housekeeping.
#[derive(Clone, Debug)]
pub struct CompareHandler {
    /// Rows.
    pub db: Db,
    /// Files.
    pub store: Store,
    /// The settings of the process.
    pub settings: Arc<Settings>,
}

impl CompareHandler {
    /// These handlers, and that of comparisons.
    pub fn add_to(self, handlers: Handlers) -> Handlers {
        let queue = QueueName::Housekeeping;
        let lane = (queue, Lane::of_queue(queue), LaneLimit::OfQueue);
        handlers.with(lane, &[TaskKind::Chore(Chore::Compare)], Arc::new(self))
    }

    async fn compared(&self, scope: TenantScope, run: RunId) -> Outcome {
        let place = Place { db: &self.db, store: &self.store, settings: &self.settings };
        Failpoint::Compare.pass();
        match place.comparison(scope, run).await {
            Ok(found) => {
                let gate = &found.rollout_gate;
                let output = json!({
                    "workflow_run_id": run.to_string(),
                    "status": found.status,
                    "mean_pixel_delta": found.mean_pixel_delta,
                    "mean_flip": found.mean_flip,
                    "verdict": gate.verdict,
                    "reasons": gate.reasons,
                });
                Failpoint::Compared.pass();
                Outcome::Done(Delivery { output, ..Delivery::default() })
            }
            Err(error) => Outcome::Failed(failure(error)),
        }
    }
}

impl Handler for CompareHandler {
    fn start<'t>(&'t self, claimed: &'t Claimed) -> BoxFuture<'t, Result<Start, Failure>> {
        Box::pin(async move {
            let run = claimed.input.kwargs[COMPARED_RUN].as_str().and_then(|id| id.parse::<RunId>().ok());
            let run = run.ok_or_else(|| {
                Failure::new(FaultKind::Input, "internal_error", "a comparison without a run has nothing to compare")
            })?;
            let (place, scope) = (self.clone(), TenantScope::of(claimed.tenant));
            let work: Work = Box::new(move |mut desk: Desk| {
                Box::pin(async move {
                    tokio::select! {
                        outcome = place.compared(scope, run) => outcome,
                        _ = desk.stopped() => Outcome::Stopped,
                    }
                }) as BoxFuture<'static, Outcome>
            });
            Ok(Start { spec: None, work, until_written: None })
        })
    }
}

fn failure(error: CompareError) -> Failure {
    match error {
        CompareError::Database(DbError::NotFound(_)) | CompareError::NotApplicable => {
            let detail = "the shadow run has gone with its order line";
            Failure::new(FaultKind::Input, "workflow_run_not_found", detail)
        }
        CompareError::Crashed => {
            Failure::new(FaultKind::Input, "internal_error", "comparing the pictures crashed; the log has the reason")
        }
        error => {
            tracing::warn!("the pictures of a shadow run cannot be compared now: {error}");
            Failure::infrastructure("unavailable", "the pictures of the shadow run cannot be read")
        }
    }
}
