//! Lines of orders, as rows.

use std::collections::{HashMap, HashSet};

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use crate::DbError;
use crate::column::Col;
use crate::entity::order_line::{ActiveModel, Column, Entity, Model};
use crate::entity::{job, output_type, product};
use crate::level::Level;
use crate::media::{self, Going};
use crate::streams::{self, NewEvent};
use crate::tx::Tx;
use crate::{reviews, workflows};
use packshot_domain::document::JobDocument;
use packshot_domain::event::EventName;
use packshot_domain::id::{AssetId, JobId, OrderId, OrderLineId, OutputTypeId, ProductId, TenantId};
use packshot_domain::job::{JobKind, JobRef, JobState};
use packshot_domain::order::line::{IllegalLineState, LineEvent, LineState, RenderStatus};
use packshot_domain::order::{LineCounts, OrderRefusal};
use packshot_domain::stream::StreamId;
use packshot_domain::time::Timestamp;

/// A line of an order as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderLine {
    /// Its id.
    pub id: OrderLineId,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// Its order.
    pub order: OrderId,
    /// What is rendered.
    pub product: ProductId,
    /// What is made of it.
    pub output_type: OutputTypeId,
    /// Its state.
    pub status: RenderStatus,
    /// Its newest job.
    pub job: Option<JobId>,
    /// The document of that job.
    pub document: Option<JobDocument>,
    /// Its first file, as clients see its name.
    pub result_path: Option<String>,
    /// The current assets that were saved of it, in the order of its files.
    pub assets: Vec<AssetId>,
    /// When its newest job was begun.
    pub render_started_at: Option<Timestamp>,
    /// When it ended.
    pub render_completed_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
}

/// A line to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewLine {
    /// Its id.
    pub id: OrderLineId,
    /// What is rendered.
    pub product: ProductId,
    /// What is made of it.
    pub output_type: OutputTypeId,
}

/// Checks that what lines name is there.
pub(super) async fn check_references(tx: &Tx<'_>, tenant: TenantId, lines: &[NewLine]) -> Result<(), DbError> {
    let products: HashSet<ProductId> = lines.iter().map(|line| line.product).collect();
    let there = product::Entity::find()
        .filter(product::Column::TenantId.eq(Col(tenant)))
        .filter(product::Column::Id.is_in(products.into_iter().map(Col)));
    let there: HashSet<ProductId> = there.all(tx.on()).await?.into_iter().map(|row| row.id.0).collect();
    if let Some(line) = lines.iter().position(|line| !there.contains(&line.product)) {
        return Err(OrderRefusal::NoProduct { line }.into());
    }
    let types: HashSet<OutputTypeId> = lines.iter().map(|line| line.output_type).collect();
    let there = output_type::Entity::find()
        .filter(output_type::Column::TenantId.eq(Col(tenant)))
        .filter(output_type::Column::Id.is_in(types.into_iter().map(Col)));
    let there: HashSet<OutputTypeId> = there.all(tx.on()).await?.into_iter().map(|row| row.id.0).collect();
    match lines.iter().position(|line| !there.contains(&line.output_type)) {
        Some(line) => Err(OrderRefusal::NoOutputType { line }.into()),
        None => Ok(()),
    }
}

/// Writes the lines of an order, from a position on.
pub(super) async fn insert(
    tx: &Tx<'_>,
    (tenant, order): (TenantId, OrderId),
    position: i32,
    lines: &[NewLine],
) -> Result<(), DbError> {
    let now = tx.now().await?;
    let row = |(position, line): (i32, &NewLine)| ActiveModel {
        tenant_id: Set(Col(tenant)),
        id: Set(Col(line.id)),
        order_id: Set(Col(order)),
        position: Set(position),
        product_id: Set(Col(line.product)),
        output_type_id: Set(Col(line.output_type)),
        render_status: Set(Col(RenderStatus::Pending)),
        created_at: Set(Col(now)),
        updated_at: Set(Col(now)),
        ..Default::default()
    };
    tx.insert_all((position..).zip(lines).map(row).collect()).await
}

/// The lines of an order, in their order.
pub(super) async fn of_order(tx: &Tx<'_>, tenant: TenantId, order: OrderId) -> Result<Vec<Model>, DbError> {
    let lines = Entity::find().filter(Column::TenantId.eq(Col(tenant))).filter(Column::OrderId.eq(Col(order)));
    Ok(lines.order_by_asc(Column::Position).all(tx.on()).await?)
}

/// How many lines of each of these orders are in each state.
pub(super) async fn counts(
    tx: &Tx<'_>,
    orders: impl IntoIterator<Item = (TenantId, OrderId)>,
) -> Result<HashMap<OrderId, LineCounts>, DbError> {
    let (tenants, orders): (Vec<_>, Vec<_>) = orders.into_iter().map(|(tenant, id)| (Col(tenant), Col(id))).unzip();
    if orders.is_empty() {
        return Ok(HashMap::new());
    }
    let counted = Entity::find()
        .select_only()
        .columns([Column::OrderId, Column::RenderStatus])
        .column_as(Column::Id.count(), "n")
        .filter(Column::TenantId.is_in(tenants))
        .filter(Column::OrderId.is_in(orders))
        .group_by(Column::OrderId)
        .group_by(Column::RenderStatus);
    let rows: Vec<(Col<OrderId>, Col<RenderStatus>, i64)> = counted.into_tuple().all(tx.on()).await?;
    let mut counts: HashMap<OrderId, LineCounts> = HashMap::new();
    for (order, status, n) in rows {
        counts.entry(order.0).or_default().add(status.0, u32::try_from(n).unwrap_or(u32::MAX));
    }
    Ok(counts)
}

/// A line.
pub(super) async fn find(tx: &Tx<'_>, tenant: TenantId, id: OrderLineId) -> Result<Model, DbError> {
    let row = Entity::find_by_id((Col(tenant), Col(id))).one(tx.on()).await?;
    row.ok_or(DbError::NotFound("order line"))
}

/// Removes a line of a locked order.
pub(super) async fn remove(tx: &Tx<'_>, (tenant, order): (TenantId, OrderId), id: OrderLineId) -> Result<(), DbError> {
    tx.enter(Level::OrderLine);
    let row = lock(tx, tenant, id).await?;
    if row.order_id.0 != order {
        return Err(DbError::NotFound("order line"));
    }
    next(&row, &live(tx, std::slice::from_ref(&row)).await?, LineEvent::Remove)?;
    let runs = workflows::of_lines(tx, tenant, &[id]).await?;
    let reviews = reviews::ids_of(tx, tenant, &[id], &[]).await?;
    media::outlive(tx, tenant, Going::Line(id)).await?;
    Entity::delete_by_id((Col(tenant), Col(id))).exec(tx.on()).await?;
    streams::delete(tx, tenant, StreamId::of_line(id)).await?;
    reviews::forget_streams(tx, tenant, &reviews).await?;
    for run in runs {
        streams::delete(tx, tenant, StreamId::of_run(run)).await?;
    }
    Ok(())
}

/// Locks a line, of a locked order.
pub(super) async fn lock(tx: &Tx<'_>, tenant: TenantId, id: OrderLineId) -> Result<Model, DbError> {
    tx.enter(Level::OrderLine);
    let row = Entity::find_by_id((Col(tenant), Col(id))).lock_exclusive().one(tx.on()).await?;
    row.ok_or(DbError::NotFound("order line"))
}

/// Those of these lines that have a live job. Whether one has cannot change while the line is locked: the end of its
/// job locks it first.
pub(super) async fn live(tx: &Tx<'_>, lines: &[Model]) -> Result<HashSet<OrderLineId>, DbError> {
    let of_job: HashMap<JobId, OrderLineId> =
        lines.iter().filter_map(|line| Some((line.job_id?.0, line.id.0))).collect();
    let Some(tenant) = lines.first().map(|line| line.tenant_id).filter(|_| !of_job.is_empty()) else {
        return Ok(HashSet::new());
    };
    let ended = JobState::ALL.iter().filter(|state| state.is_terminal()).map(|state| Col(*state));
    let live = job::Entity::find()
        .select_only()
        .column(job::Column::Id)
        .filter(job::Column::TenantId.eq(tenant))
        .filter(job::Column::Id.is_in(of_job.keys().copied().map(Col)))
        .filter(job::Column::State.is_not_in(ended));
    let live: Vec<Col<JobId>> = live.into_tuple().all(tx.on()).await?;
    Ok(live.into_iter().filter_map(|id| of_job.get(&id.0).copied()).collect())
}

/// The state of a line after an event.
pub(super) fn next(line: &Model, live: &HashSet<OrderLineId>, event: LineEvent) -> Result<LineState, DbError> {
    let corrupt = || DbError::Corrupt { what: "order line", reason: "it is processing without a job".to_owned() };
    let status = line.render_status.0;
    if status.is_terminal() && live.contains(&line.id.0) {
        // The job of a workflow that publishes nothing: the line is as it was, but is not to be touched.
        return match (event, LineState::of(status, false)) {
            (LineEvent::Cancel, Some(ended)) => Ok(ended),
            _ => Err(OrderRefusal::Line(IllegalLineState { from: LineState::Processing, event }).into()),
        };
    }
    let state = LineState::of(line.render_status.0, live.contains(&line.id.0)).ok_or_else(corrupt)?;
    Ok(state.next(event).map_err(OrderRefusal::Line)?)
}

/// Makes an event happen to every line of a locked order, with a single statement for all that change alike. Returns
/// the lines as they were, and which of them have a live job.
pub(super) async fn each(
    tx: &Tx<'_>,
    (tenant, order): (TenantId, OrderId),
    event: LineEvent,
) -> Result<(Vec<Model>, HashSet<OrderLineId>), DbError> {
    tx.enter(Level::OrderLine);
    let rows = Entity::find().filter(Column::TenantId.eq(Col(tenant))).filter(Column::OrderId.eq(Col(order)));
    let rows = rows.order_by_asc(Column::Id).lock_exclusive().all(tx.on()).await?;
    let live = live(tx, &rows).await?;
    let now = tx.now().await?;
    let mut changed: HashMap<RenderStatus, Vec<OrderLineId>> = HashMap::new();
    for row in &rows {
        let status = next(row, &live, event)?.render_status();
        if status != row.render_status.0 {
            announce(tx, row, status);
            changed.entry(status).or_default().push(row.id.0);
        }
    }
    for (status, ids) in changed {
        let mut row = ActiveModel {
            render_status: Set(Col(status)),
            render_completed_at: Set(status.is_terminal().then_some(Col(now))),
            updated_at: Set(Col(now)),
            ..Default::default()
        };
        if event == LineEvent::Resubmit {
            // It begins anew, with an empty document.
            (row.job_id, row.render_started_at, row.round_id) = (Set(None), Set(None), Set(None));
        }
        let these = Entity::update_many().set(row).filter(Column::TenantId.eq(Col(tenant)));
        these.filter(Column::Id.is_in(ids.into_iter().map(Col))).exec(tx.on()).await?;
    }
    Ok((rows, live))
}

/// Writes a locked line after an event that its state allows.
pub(super) async fn happened(
    tx: &Tx<'_>,
    mut line: Model,
    event: LineEvent,
    state: LineState,
) -> Result<Model, DbError> {
    let now = tx.now().await?;
    let status = state.render_status();
    match event {
        LineEvent::Begin => line.render_started_at = Some(Col(now)),
        LineEvent::Dispatch | LineEvent::GiveBack | LineEvent::Requeue => line.render_started_at = None,
        _ => {}
    }
    line.render_completed_at = status.is_terminal().then_some(Col(now));
    if status != line.render_status.0 {
        announce(tx, &line, status);
    }
    (line.render_status, line.updated_at) = (Col(status), Col(now));
    Entity::update(line.clone().into_active_model().reset_all()).exec_without_returning(tx.on()).await?;
    Ok(line)
}

/// Writes a locked line whose state has not changed.
pub(super) async fn save(tx: &Tx<'_>, line: &Model) -> Result<(), DbError> {
    let line = Model { updated_at: Col(tx.now().await?), ..line.clone() };
    Entity::update(line.into_active_model().reset_all()).exec_without_returning(tx.on()).await?;
    Ok(())
}

/// Writes the event that a line is in another state now.
fn announce(tx: &Tx<'_>, line: &Model, status: RenderStatus) {
    let data = json!({"line_id": line.id.0.to_string(), "render_status": status.as_str()});
    let event = NewEvent { name: EventName::LineStatus, data };
    tx.emit(line.tenant_id.0, StreamId::of_order(line.order_id.0), event);
}

/// The job of a line, as far as it never changes.
pub(super) fn job_of(line: &Model) -> Option<JobRef> {
    let id = line.job_id?.0;
    Some(JobRef { id, kind: JobKind::Line, record: line.id.0.uuid() })
}

/// These lines with the documents of their newest jobs, and what was saved of them.
pub(super) async fn whole(tx: &Tx<'_>, rows: Vec<Model>) -> Result<Vec<OrderLine>, DbError> {
    let mut documents: HashMap<JobId, JobDocument> = HashMap::new();
    let jobs: Vec<Col<JobId>> = rows.iter().filter_map(|row| row.job_id).collect();
    if let (Some(tenant), false) = (rows.first().map(|row| row.tenant_id), jobs.is_empty()) {
        let found = job::Entity::find()
            .select_only()
            .columns([job::Column::Id, job::Column::Document])
            .filter(job::Column::TenantId.eq(tenant))
            .filter(job::Column::Id.is_in(jobs));
        let found: Vec<(Col<JobId>, Option<Col<JobDocument>>)> = found.into_tuple().all(tx.on()).await?;
        documents.extend(found.into_iter().filter_map(|(id, document)| Some((id.0, document?.0))));
    }
    let mut assets = match rows.first() {
        Some(first) => media::current_of_lines(tx, first.tenant_id.0, rows.iter().map(|row| row.id.0)).await?,
        None => HashMap::new(),
    };
    let line = |row: Model| OrderLine {
        assets: assets.remove(&row.id.0).unwrap_or_default(),
        document: row.job_id.and_then(|job| documents.get(&job.0).cloned()),
        id: row.id.0,
        tenant: row.tenant_id.0,
        order: row.order_id.0,
        product: row.product_id.0,
        output_type: row.output_type_id.0,
        status: row.render_status.0,
        job: row.job_id.map(Col::value),
        result_path: row.result_path,
        render_started_at: row.render_started_at.map(Col::value),
        render_completed_at: row.render_completed_at.map(Col::value),
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    };
    Ok(rows.into_iter().map(line).collect())
}

/// Whether any line is of this product, whose row is locked.
pub(crate) async fn is_any_of_product(tx: &Tx<'_>, tenant: TenantId, product: ProductId) -> Result<bool, DbError> {
    let of_it = Entity::find().filter(Column::TenantId.eq(Col(tenant))).filter(Column::ProductId.eq(Col(product)));
    Ok(of_it.one(tx.on()).await?.is_some())
}

/// Whether any line is of this output type, whose row is locked.
pub(crate) async fn is_any_of_type(tx: &Tx<'_>, tenant: TenantId, of: OutputTypeId) -> Result<bool, DbError> {
    let of_it = Entity::find().filter(Column::TenantId.eq(Col(tenant))).filter(Column::OutputTypeId.eq(Col(of)));
    Ok(of_it.one(tx.on()).await?.is_some())
}
