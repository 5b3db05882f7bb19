//! What the tasks of a line's job mean for the line and its order.

use futures_util::future::BoxFuture;

use super::{OrderRef, changes, lines, lock, rounds, save, telling};
use crate::column::Col;
use crate::effect::{Effect, Phase, Turn};
use crate::entity::order_line;
use crate::media::{self, MadeBy};
use crate::tasks::Delivery;
use crate::tx::Tx;
use crate::{DbError, artifacts, cad_files, reviews, workflows};
use packshot_domain::id::{AssetId, OrderLineId, TenantId};
use packshot_domain::job::{JobRef, JobState};
use packshot_domain::media::{AssetType, GallerySource};
use packshot_domain::order::line::{IllegalLineState, LineEvent, LineState, RenderStatus};
use packshot_domain::order::{OrderChange, OrderRefusal};
use packshot_domain::review::ReviewSubject;
use packshot_domain::step::StepName;
use packshot_domain::task::TaskKind;

/// Moves a line, and with it its order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineEffect;

impl Effect for LineEffect {
    fn lock<'t>(&'t self, tx: &'t Tx<'_>, tenant: TenantId, job: JobRef) -> BoxFuture<'t, Result<(), DbError>> {
        Box::pin(async move {
            let line = OrderLineId::from_uuid(job.record);
            // Which order it is of never changes, so that it may be read before that is locked.
            let order = match lines::find(tx, tenant, line).await {
                Ok(line) => line.order_id.0,
                // The line was removed from its draft after its job had ended.
                Err(DbError::NotFound(_)) => return Ok(()),
                Err(error) => return Err(error),
            };
            lock(tx, tenant, OrderRef { id: order, owner: None }).await?;
            let line = lines::lock(tx, tenant, line).await?;
            // Its picture may become the product's.
            cad_files::lock_of_line(tx, tenant, job.id, &line).await?;
            reviews::lock_of_line(tx, tenant, line.id.0).await?;
            workflows::lock_of_job(tx, tenant, job.id).await
        })
    }

    fn apply<'t>(&'t self, tx: &'t Tx<'_>, turn: Turn<'t>) -> BoxFuture<'t, Result<(), DbError>> {
        Box::pin(async move {
            // It may ask for a task, and tasks are locked before objects.
            workflows::observed(tx, turn).await?;
            if is_of_file(turn) {
                cad_files::converted(tx, turn).await?;
            }
            let run = workflows::Following::of_job(tx, turn.tenant, turn.job.id).await?;
            reviews::job_moved(tx, turn).await?;
            // A run that publishes nothing leaves its line alone.
            let saved = match run.as_ref().is_none_or(workflows::Following::publishes) {
                true => move_line(tx, turn, run.as_ref()).await?,
                false => {
                    if let Phase::Completed(delivery) = turn.phase {
                        store(tx, turn, delivery).await?;
                    }
                    Vec::new()
                }
            };
            match run {
                Some(run) => run.follow(tx, turn, &saved).await,
                None => Ok(()),
            }
        })
    }
}

/// Moves a line, and with it its order, and saves what a task has published. Returns the assets.
async fn move_line(tx: &Tx<'_>, turn: Turn<'_>, run: Option<&workflows::Following>) -> Result<Vec<AssetId>, DbError> {
    let mut line = lines::find(tx, turn.tenant, OrderLineId::from_uuid(turn.job.record)).await?;
    let delivery = match turn.phase {
        Phase::Completed(delivery) => Some(delivery),
        _ => None,
    };
    let is_result = run.is_none_or(|run| run.has_result_of(turn.task.id));
    if let Some(delivery) = delivery.filter(|_| turn.task.publishes && is_result) {
        publish(&mut line, delivery);
        if let Some(shown) = &delivery.unmapped {
            // A task looks them up when it starts.
            let with_aliases_of = turn.task.started_at.unwrap_or(turn.task.created_at);
            reviews::seen(tx, turn.tenant, (ReviewSubject::Line(line.id.0), with_aliases_of), shown).await?;
        }
    }
    match event_of(&line, turn)? {
        Some((event, from)) => {
            let state = from.next(event).map_err(OrderRefusal::Line)?;
            let of = OrderRef { id: line.order_id.0, owner: None };
            let mut order = super::find(tx, turn.tenant, of).await?;
            if event == LineEvent::Requeue {
                changes::advance(tx, &mut order, OrderChange::Dispatch, None, None).await?;
            }
            let before = line.render_status.0;
            line.round_id = rounds::entered(tx, &order, &line, state.render_status()).await?;
            line = lines::happened(tx, line, event, state).await?;
            if run.is_some_and(|run| !run.tells()) {
                tx.told(|told| told.keep_quiet(line.id.0));
            }
            telling::rendered(tx, &line, before, turn.error).await?;
            if line.render_status.0.is_terminal() {
                let all = lines::of_order(tx, turn.tenant, of.id).await?;
                changes::settle(tx, &mut order, &all, None).await?;
            }
            save(tx, &order).await?;
        }
        // Other tasks of its job go on.
        None if delivery.is_some() => lines::save(tx, &line).await?,
        None => {}
    }
    let Some(delivery) = delivery else { return Ok(Vec::new()) };
    let mut saved = Vec::new();
    if let (true, TaskKind::Step(step)) = (turn.task.publishes, turn.task.kind)
        && let Some(made) = AssetType::of_step(step)
    {
        let view = run.and_then(|run| run.thumbnail_view(turn.task.id));
        let by = MadeBy { run: run.map(workflows::Following::id), thumbnail_view: view.as_deref() };
        saved = media::save(tx, &line, (made, by), delivery).await?;
        if run.is_some_and(|run| run.associates(turn.task.id)) {
            let (product, source) = (line.product_id.0, GallerySource::OrderLine);
            media::gallery::associate(tx, turn.tenant, product, &saved, source).await?;
        }
    }
    if let Some(run) = run.filter(|_| turn.state == JobState::Completed) {
        media::retire_all_but(tx, &line, run.id()).await?;
    }
    store(tx, turn, delivery).await?;
    Ok(saved)
}

/// Whether a task converts or reads the CAD file of its line.
fn is_of_file(turn: Turn<'_>) -> bool {
    matches!(turn.task.kind, TaskKind::Step(StepName::OccGlbExport | StepName::ExtractMetadata))
}

/// Stores the packages of a delivery. Those of a CAD file are stored with what is known of it.
async fn store(tx: &Tx<'_>, turn: Turn<'_>, delivery: &Delivery) -> Result<(), DbError> {
    match is_of_file(turn) {
        true => Ok(()),
        false => artifacts::store_in(tx, turn.tenant, &delivery.packages).await.map(drop),
    }
}

/// What a turn means for a line, and the state that it was in; `None` when it means nothing.
fn event_of(line: &order_line::Model, turn: Turn<'_>) -> Result<Option<(LineEvent, LineState)>, DbError> {
    let status = line.render_status.0;
    let ended = LineState::of(status, false).unwrap_or(LineState::Processing);
    let event = match (turn.phase, turn.state) {
        // Only the newest job of a line can be put back: another one may have taken its place.
        (Phase::Released, _) if line.job_id != Some(Col(turn.job.id)) => {
            return Err(OrderRefusal::Line(IllegalLineState { from: ended, event: LineEvent::Requeue }).into());
        }
        (Phase::Released, _) if status.is_terminal() => return Ok(Some((LineEvent::Requeue, ended))),
        (Phase::Began, _) if status == RenderStatus::Pending => LineEvent::Begin,
        (Phase::Began, _) => return Ok(None),
        (_, _) if status.is_terminal() => return Ok(None),
        (_, JobState::Completed) => LineEvent::JobCompletes,
        (_, JobState::Failed) => LineEvent::JobFails,
        (_, JobState::Cancelled) => LineEvent::JobCancelled,
        (Phase::Released, JobState::Queued | JobState::Pending) if status == RenderStatus::Processing => {
            LineEvent::GiveBack
        }
        _ => return Ok(None),
    };
    Ok(LineState::of(status, true).map(|from| (event, from)))
}

/// The name of a line's file, as clients see it.
pub(crate) fn result_path(line: OrderLineId, file: &str) -> String {
    format!("renders/{line}/{file}")
}

/// The first file of a delivery is the line's result.
fn publish(line: &mut order_line::Model, delivery: &Delivery) {
    if let Some(first) = delivery.files.first() {
        line.result_path = Some(result_path(line.id.0, &first.name));
        line.result_address = Some(Col(first.address));
        let unmapped = delivery.output["unmapped_parts"].as_i64();
        line.unmapped_parts = unmapped.and_then(|n| i32::try_from(n).ok());
        let shown = delivery.unmapped.as_ref();
        line.unmapped = shown.map(|shown| Col(reviews::write_parts(shown.iter().map(|shown| &shown.part))));
    }
}
