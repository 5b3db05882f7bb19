//! Dispatch of order lines: by the workflow of their output type, or by the direct path. That is one job, whose task
//! renders the line by its executor, or exports it, after another one that converts its CAD file, where that
//! has no GLB yet.

use serde_json::Value as Json;

use super::{find, owner};
use crate::app::{App, AppError, Code};
use crate::products::cad_jobs;
use crate::renders::export;
use crate::renders::lines::{self, LineFacts};
use crate::tenancy::{OutputRenderer, RenderSettings};
use crate::workflow::{self, Decision};
use packshot_contract::dispatch::{DispatchError, DispatchResult, OrderDispatch};
use packshot_contract::request::render_kind;
use packshot_db::jobs::NewTask;
use packshot_db::orders::{self as rows, LineJob, LineWork, OrderLine, OrderRef};
use packshot_db::{DbError, TenantScope};
use packshot_domain::feature::Feature;
use packshot_domain::id::{OrderId, OrderLineId, TaskId};
use packshot_domain::order::line::RenderStatus;
use packshot_domain::order::{OrderChange, OrderRefusal};
use packshot_domain::principal::Principal;
use packshot_domain::step::StepName;
use packshot_domain::task::{Lane, QueueName, TaskKind};
use packshot_pipeline::plan::{self, Base, Kind};
use packshot_worker::failpoint::Failpoint;

/// Lines that one transaction dispatches: SQLite has one writer, and renewals of leases wait for it.
const LINES_AT_ONCE: usize = 20;

/// Dispatches a line: it is rendered as its output type, the workflow of that and the template that fits say.
///
/// # Errors
/// [`Code::OrderLineNotFound`], [`Code::OrderRejected`], [`Code::LineProcessing`]; [`Code::LineNotRenderable`],
/// [`Code::FeatureDisabled`]; what is wrong with its options.
pub async fn dispatch_line(app: &App, who: &Principal, id: OrderLineId) -> Result<DispatchResult, AppError> {
    let scope = TenantScope::of(who.tenant);
    let line = rows::line(&app.db, scope, owner(who), id).await?;
    let settings = RenderSettings::in_force(app, who).await?;
    let Decision { work, result } = decided(app, who, &settings, &line).await?;
    let of = OrderRef { id: line.order, owner: None };
    Failpoint::Dispatch.pass();
    let mut done = rows::dispatch(&app.db, scope, (who.actor(), who.user), of, vec![work]).await?;
    Failpoint::Dispatched.pass();
    let (_, dispatched) = done.pop().ok_or(DbError::NotFound("order line"))?;
    dispatched?;
    Ok(result)
}

/// Dispatches every line of an order that waits, has failed or was cancelled, and has no live job. A line that is
/// refused stops no other.
///
/// # Errors
/// [`Code::OrderNotFound`], [`Code::OrderRejected`].
pub async fn dispatch(app: &App, who: &Principal, id: OrderId) -> Result<OrderDispatch, AppError> {
    let scope = TenantScope::of(who.tenant);
    let order = rows::get(&app.db, scope, find(who, id)).await?;
    order.order.status.next(OrderChange::Dispatch).map_err(OrderRefusal::State)?;
    let settings = RenderSettings::in_force(app, who).await?;
    let open: Vec<OrderLine> = order.lines.into_iter().filter(is_open).collect();
    let mut results = Vec::with_capacity(open.len());
    for lines in open.chunks(LINES_AT_ONCE) {
        let (mut works, mut said) = (Vec::new(), Vec::new());
        for line in lines {
            match decided(app, who, &settings, line).await {
                Ok(Decision { work, result }) => {
                    works.push(work);
                    said.push((line.id, result));
                }
                Err(error) => said.push((line.id, refused(line, &error))),
            }
        }
        let of = OrderRef { id, owner: None };
        Failpoint::Dispatch.pass();
        let done = rows::dispatch(&app.db, scope, (who.actor(), who.user), of, works).await?;
        Failpoint::Dispatched.pass();
        // Those that are refused now were dispatched by somebody else meanwhile.
        let is_elsewhere = |line: OrderLineId| done.iter().any(|(id, done)| *id == line && done.is_err());
        results.extend(said.into_iter().filter(|(line, _)| !is_elsewhere(*line)).map(|(_, result)| result));
    }
    Ok(OrderDispatch { order_id: id.uuid(), results })
}

/// Whether the dispatch of an order takes a line.
fn is_open(line: &OrderLine) -> bool {
    let has_live_job = line.document.as_ref().is_some_and(|document| !document.state.is_terminal());
    match line.status {
        RenderStatus::Pending | RenderStatus::Failed | RenderStatus::Cancelled => !has_live_job,
        RenderStatus::Processing | RenderStatus::Completed => false,
    }
}

/// What is made for a line, of what is true now.
async fn decided(
    app: &App,
    who: &Principal,
    settings: &RenderSettings,
    line: &OrderLine,
) -> Result<Decision, AppError> {
    let facts = lines::facts(&app.db, TenantScope::of(who.tenant), line).await?;
    workflow::decide(app, who, settings, (line, facts), |facts| direct(app, settings, facts)).await
}

/// What is made for a line of what is true now, where something else lets it be rendered again.
///
/// # Errors
/// Why it cannot be rendered.
pub(crate) async fn work_of(
    app: &App,
    who: &Principal,
    settings: &RenderSettings,
    line: &OrderLine,
) -> Result<LineWork, AppError> {
    Ok(decided(app, who, settings, line).await?.work)
}

/// The job of the direct path.
fn direct(app: &App, settings: &RenderSettings, facts: &LineFacts) -> Result<LineJob, AppError> {
    let Some(file) = &facts.cad_file else {
        return Err(AppError::new(Code::LineNotRenderable, "its product has no CAD file"));
    };
    let input_name = Some(file.original_name.to_string());
    let fields = &facts.output_type.fields;
    let of = OutputRenderer { backend: fields.render_backend, kind: fields.kind, own: fields.legacy_executor.as_ref() };
    let executor = settings.executor(of)?;
    let (mut task, samples_target) = match lines::picture_kind(fields.kind) {
        Some(kind) => {
            if kind == Kind::Turntable {
                settings.require(Feature::Turntables)?;
            }
            let (kwargs, samples_target) = settled(facts, kind, settings)?;
            (task(render_kind(kind).step(), (QueueName::Render, executor), kwargs), samples_target)
        }
        None => {
            let queue = QueueName::Convert;
            (task(StepName::ExportGlb, (queue, Lane::of_queue(queue)), export::arguments()), 0)
        }
    };
    let conversion = cad_jobs::conversion(app, file);
    task.waits_for = conversion.iter().map(|conversion| conversion.id).collect();
    let tasks = conversion.into_iter().chain([task]).collect();
    Ok(LineJob { input_name, samples_target, tasks })
}

/// The task of a line, with the arguments of its step and those that all tasks of lines have.
fn task(step: StepName, (queue, lane): (QueueName, Lane), mut kwargs: Json) -> NewTask {
    kwargs["publish_asset_enabled"] = true.into();
    kwargs["graph_authoritative_output_enabled"] = false.into();
    let (id, kind) = (TaskId::new(), TaskKind::Step(step));
    NewTask { id, kind, queue, lane, priority: 0, kwargs, spec: None, publishes: true, waits_for: Vec::new() }
}

/// The options as they are settled now, and the samples that they take.
fn settled(facts: &LineFacts, kind: Kind, settings: &RenderSettings) -> Result<(Json, i32), AppError> {
    let given = facts.given(kind)?;
    given.check(kind, &settings.limits, "/render_settings")?;
    let plan = plan::resolve(&Base { kind, ..Base::default() }, &given.options, &settings.limits);
    let plan = plan.map_err(|faults| AppError::internal(std::io::Error::other(format!("{faults:?}"))))?;
    let samples = plan.options.samples.unwrap_or(1).saturating_mul(plan.n_pictures());
    let kwargs = serde_json::to_value(&given).map_err(AppError::internal)?;
    Ok((kwargs, i32::try_from(samples).unwrap_or(i32::MAX)))
}

/// The answer about a line that is refused.
fn refused(line: &OrderLine, error: &AppError) -> DispatchResult {
    let (code, detail) = (error.code().to_owned(), error.detail().to_owned());
    let direct = DispatchResult::direct(line.id.uuid(), line.output_type.uuid());
    DispatchResult { error: Some(DispatchError { code, detail }), ..direct }
}
