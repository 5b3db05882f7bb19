//! What the tasks of a design job mean for it: the record of a step is committed with the effect of the step.

use futures_util::future::BoxFuture;
use serde_json::json;

use super::steps::{StepError, Steps};
use super::{advance, find, lock_alone, save, telling};
use crate::column::Col;
use crate::effect::{Effect, Phase, Turn};
use crate::entity::design_job;
use crate::media::of_design;
use crate::tasks::Delivery;
use crate::tx::Tx;
use crate::{DbError, Json, artifacts, products, reviews};
use packshot_domain::design_job::{DesignEvent, DesignStatus, DesignStep, DesignStepStatus, rendered_pct};
use packshot_domain::id::{DesignJobId, TenantId};
use packshot_domain::job::{JobRef, JobState};
use packshot_domain::media::AssetType;
use packshot_domain::review::ReviewSubject;
use packshot_domain::step::StepName;
use packshot_domain::task::{Chore, TaskKind};
use packshot_domain::time::Timestamp;

/// Moves a design job by its tasks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DesignEffect;

impl Effect for DesignEffect {
    fn lock<'t>(&'t self, tx: &'t Tx<'_>, tenant: TenantId, job: JobRef) -> BoxFuture<'t, Result<(), DbError>> {
        Box::pin(async move {
            let id = DesignJobId::from_uuid(job.record);
            // Of which product it is never changes.
            let product = match find(tx, tenant, id).await {
                Ok(row) => row.product_id.0,
                // It may have been deleted after its job had ended.
                Err(DbError::NotFound(_)) => return Ok(()),
                Err(error) => return Err(error),
            };
            products::lock_of(tx, tenant, None, &[product], &[]).await?;
            reviews::lock_of_design(tx, tenant, id).await?;
            match lock_alone(tx, tenant, id).await {
                Ok(_) | Err(DbError::NotFound(_)) => Ok(()),
                Err(error) => Err(error),
            }
        })
    }

    fn apply<'t>(&'t self, tx: &'t Tx<'_>, turn: Turn<'t>) -> BoxFuture<'t, Result<(), DbError>> {
        Box::pin(async move {
            let row = match find(tx, turn.tenant, DesignJobId::from_uuid(turn.job.record)).await {
                Ok(row) => row,
                Err(DbError::NotFound(_)) => return Ok(()),
                Err(error) => return Err(error),
            };
            reviews::job_moved(tx, turn).await?;
            if row.status.0.is_terminal() || row.job_id != Some(Col(turn.job.id)) {
                return match turn.phase {
                    // A design job is tried again as a whole.
                    Phase::Released => Err(DbError::OfRun),
                    _ => Ok(()),
                };
            }
            moved(tx, row, turn).await
        })
    }
}

async fn moved(tx: &Tx<'_>, mut row: design_job::Model, turn: Turn<'_>) -> Result<(), DbError> {
    let mut steps = Steps::of(&row)?;
    let now = tx.now().await?;
    let mut packages = &[][..];
    let has_moved = match turn.phase {
        Phase::Began => {
            // The report that says so may come after a step was stored.
            if steps.running().is_some() {
                return Ok(());
            }
            let Some(step) = step_of(turn.task.kind, &steps) else { return Ok(()) };
            begin(&mut row, &mut steps, (step, turn.task.attempt), now)?
        }
        Phase::Released => {
            if let Some(step) = steps.running() {
                if step == DesignStep::RenderDesign {
                    // The next attempt begins with less, and what was seen stays.
                    made_progress(&mut row, rendered_pct(turn.reached_pct));
                }
                steps.set(step, DesignStepStatus::Pending);
            }
            advance(&mut row, DesignEvent::Release)?
        }
        Phase::Completed(delivery) => {
            packages = &delivery.packages;
            done(tx, &mut row, &mut steps, (turn.task.kind, delivery)).await?
        }
        Phase::Rejected(_) | Phase::Failed => match turn.state {
            JobState::Cancelled => false,
            _ => {
                let error = turn.task.error.as_ref();
                let error = StepError {
                    code: error.map_or("internal_error", |error| &error.code).to_owned(),
                    detail: error.map_or("the task failed", |error| &error.detail).to_owned(),
                };
                let step = steps.running().or_else(|| step_of(turn.task.kind, &steps));
                fail(&mut row, &mut steps, step.unwrap_or(DesignStep::CompleteRenderJob), error, now)?;
                true
            }
        },
        Phase::Cancelled => false,
    };
    let is_cancelled = turn.state == JobState::Cancelled && !row.status.0.is_terminal();
    if is_cancelled {
        if let Some(step) = steps.running() {
            steps.set(step, DesignStepStatus::Undone);
        }
        lose_pictures(&mut steps);
        row.completed_at = Some(Col(now));
        advance(&mut row, DesignEvent::Cancel)?;
    }
    let row = save(tx, row, &steps).await?;
    if has_moved || is_cancelled {
        telling::moved(tx, &row, &steps).await?;
    }
    if let (DesignStatus::Completed, Phase::Completed(delivery)) = (row.status.0, turn.phase)
        && let Some(shown) = &delivery.unmapped
    {
        reviews::seen(tx, turn.tenant, (ReviewSubject::Design(row.id.0), row.created_at.0), shown).await?;
    }
    artifacts::store_in(tx, turn.tenant, packages).await.map(drop)
}

/// The step that a task begins with: the first of its own that is not done.
fn step_of(kind: TaskKind, steps: &Steps) -> Option<DesignStep> {
    match kind {
        TaskKind::Step(StepName::ComposeDesign) => Some(DesignStep::ComposeDesign),
        TaskKind::Chore(Chore::RenderDesign) => Some(DesignStep::RenderDesign),
        TaskKind::Chore(Chore::StoreDesign) => steps.first_open(),
        _ => None,
    }
}

/// A step that does not run yet begins. Returns whether the state of the job is another one.
pub(super) fn begin(
    row: &mut design_job::Model,
    steps: &mut Steps,
    (step, attempt): (DesignStep, i32),
    now: Timestamp,
) -> Result<bool, DbError> {
    if steps.running() == Some(step) {
        return Ok(false);
    }
    steps.begin(step, attempt, now);
    row.started_at.get_or_insert(Col(now));
    let event = match step {
        DesignStep::ComposeDesign => DesignEvent::Compose,
        _ => DesignEvent::Render,
    };
    advance(row, event)
}

/// A task has done its last step. Returns whether the state of the job is another one.
async fn done(
    tx: &Tx<'_>,
    row: &mut design_job::Model,
    steps: &mut Steps,
    (kind, delivery): (TaskKind, &Delivery),
) -> Result<bool, DbError> {
    let now = tx.now().await?;
    let step = match kind {
        TaskKind::Step(StepName::ComposeDesign) => {
            let package = delivery.packages.first().ok_or(DbError::NotFound("package"))?;
            let files = delivery.files.iter().map(|file| (AssetType::DesignTexture, file.clone()));
            let saved = of_design::save(tx, row, package, files.collect(), json!({})).await?;
            row.texture_asset_id = saved.first().copied().map(Col);
            row.placement_report = Some(Col(delivery.output["placement_report"].clone()));
            DesignStep::ComposeDesign
        }
        TaskKind::Chore(Chore::RenderDesign) => {
            let shown = delivery.unmapped.iter().flatten().map(|shown| &shown.part);
            row.unmapped = Some(Col(reviews::write_parts(shown)));
            DesignStep::RenderDesign
        }
        _ => DesignStep::CompleteRenderJob,
    };
    steps.end(step, DesignStepStatus::Done, now);
    made_progress(row, step.progress_pct_when_done());
    if step != DesignStep::CompleteRenderJob {
        return Ok(false);
    }
    let ids: Vec<String> = super::outputs(tx, row).await?.iter().map(|asset| asset.id.0.to_string()).collect();
    row.metadata.0["media_ids"] = json!(ids);
    row.completed_at = Some(Col(now));
    advance(row, DesignEvent::Complete)
}

/// Progress never falls within a try.
pub(super) fn made_progress(row: &mut design_job::Model, pct: f64) {
    row.progress_pct = row.progress_pct.max(pct);
}

/// A step has failed for good, and with it the job.
pub(super) fn fail(
    row: &mut design_job::Model,
    steps: &mut Steps,
    step: DesignStep,
    error: StepError,
    now: Timestamp,
) -> Result<(), DbError> {
    row.error = Some(Col(error_json(&error, step)));
    steps.fail(step, error, now);
    lose_pictures(steps);
    row.completed_at = Some(Col(now));
    advance(row, DesignEvent::Fail).map(drop)
}

fn error_json(error: &StepError, step: DesignStep) -> Json {
    json!({"code": error.code, "detail": error.detail, "step": step.as_str()})
}

/// The working directory goes with the end of a job, and the pictures in it that were not stored.
fn lose_pictures(steps: &mut Steps) {
    if steps.is_done(DesignStep::RenderDesign) && !steps.is_done(DesignStep::StoreRenderOutputs) {
        steps.set(DesignStep::RenderDesign, DesignStepStatus::Undone);
    }
}
