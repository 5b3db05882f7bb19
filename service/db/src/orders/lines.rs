//! Lines of orders, as rows.

use std::collections::{HashMap, HashSet};

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::DbError;
use crate::column::Col;
use crate::entity::order_line::{ActiveModel, Column, Entity, Model};
use crate::entity::{output_type, product};
use crate::level::Level;
use crate::tx::Tx;
use packshot_domain::id::{OrderId, OrderLineId, OutputTypeId, ProductId, TenantId};
use packshot_domain::order::line::{LineEvent, LineState, RenderStatus};
use packshot_domain::order::{LineCounts, OrderRefusal};
use packshot_domain::time::Timestamp;

/// A line of an order as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
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
        render_started_at: Set(None),
        render_completed_at: Set(None),
        created_at: Set(Col(now)),
        updated_at: Set(Col(now)),
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
    let row = Entity::find_by_id((Col(tenant), Col(id))).lock_exclusive().one(tx.on()).await?;
    let row = row.filter(|row| row.order_id.0 == order).ok_or(DbError::NotFound("order line"))?;
    next(&row, LineEvent::Remove)?;
    Entity::delete_by_id((Col(tenant), Col(id))).exec(tx.on()).await?;
    Ok(())
}

/// The state of a line after an event.
pub(super) fn next(line: &Model, event: LineEvent) -> Result<LineState, DbError> {
    let corrupt = || DbError::Corrupt { what: "order line", reason: "it is processing without a job".to_owned() };
    let state = LineState::of(line.render_status.0, false).ok_or_else(corrupt)?;
    Ok(state.next(event).map_err(OrderRefusal::Line)?)
}

/// Makes an event happen to every line of a locked order, with a single statement for all that change alike.
pub(super) async fn each(tx: &Tx<'_>, (tenant, order): (TenantId, OrderId), event: LineEvent) -> Result<(), DbError> {
    tx.enter(Level::OrderLine);
    let rows = Entity::find().filter(Column::TenantId.eq(Col(tenant))).filter(Column::OrderId.eq(Col(order)));
    let rows = rows.order_by_asc(Column::Id).lock_exclusive().all(tx.on()).await?;
    let now = tx.now().await?;
    let mut changed: HashMap<RenderStatus, Vec<OrderLineId>> = HashMap::new();
    for row in &rows {
        let status = next(row, event)?.render_status();
        if status != row.render_status.0 {
            changed.entry(status).or_default().push(row.id.0);
        }
    }
    for (status, ids) in changed {
        let row = ActiveModel {
            render_status: Set(Col(status)),
            render_completed_at: Set(status.is_terminal().then_some(Col(now))),
            updated_at: Set(Col(now)),
            ..Default::default()
        };
        let these = Entity::update_many().set(row).filter(Column::TenantId.eq(Col(tenant)));
        these.filter(Column::Id.is_in(ids.into_iter().map(Col))).exec(tx.on()).await?;
    }
    Ok(())
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

impl From<Model> for OrderLine {
    fn from(row: Model) -> Self {
        Self {
            id: row.id.0,
            tenant: row.tenant_id.0,
            order: row.order_id.0,
            product: row.product_id.0,
            output_type: row.output_type_id.0,
            status: row.render_status.0,
            render_started_at: row.render_started_at.map(Col::value),
            render_completed_at: row.render_completed_at.map(Col::value),
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
        }
    }
}
