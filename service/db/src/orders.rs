//! Orders of a tenant with their lines, and every change of their states.

mod cancelling;
mod changes;
mod dispatch;
mod effect;
mod following;
mod history;
mod lines;
mod rounds;
mod telling;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect};
use serde_json::json;

use crate::audit::{self, NewEntry};
use crate::column::Col;
use crate::entity::{order, order_line};
use crate::level::Level;
use crate::media::{self, Changed, Going};
use crate::tx::Tx;
use crate::{Db, DbError, Page, PageRequest, ReadScope, TenantScope, counters, reviews, streams, workflows};
use packshot_domain::audit::{Action, Actor};
use packshot_domain::change::Change;
use packshot_domain::channel::ActivityType;
use packshot_domain::id::{OrderId, OrderLineId, TenantId, UserId};
use packshot_domain::order::line::LineEvent;
use packshot_domain::order::{LineCounts, Notes, OrderChange, OrderNumber, OrderRefusal, OrderStatus, RejectionReason};
use packshot_domain::stream::StreamId;
use packshot_domain::time::Timestamp;

pub use cancelling::{Stopped, cancel_line, cancel_renders, reject};
pub use dispatch::{Dispatched, LineJob, LineWork, ShadowWork, check_dispatch, dispatch};
pub(super) use dispatch::{place, queue};
pub(super) use effect::{LineEffect, result_path};
pub use following::{follow, follow_line, is_line_over, is_over, line_ids};
pub use history::{StatusChange, history};
pub use lines::{NewLine, OrderLine};
pub(super) use lines::{is_any_of_product, is_any_of_type};
pub use rounds::tell_missed;

/// An order as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// Its number. A tenant has each once.
    pub number: OrderNumber,
    /// Its state.
    pub status: OrderStatus,
    /// Who made it.
    pub created_by: UserId,
    /// How often it was submitted.
    pub submission_no: u32,
    /// When it was last submitted.
    pub submitted_at: Option<Timestamp>,
    /// When the first line was dispatched after that.
    pub processing_started_at: Option<Timestamp>,
    /// When all lines had ended.
    pub completed_at: Option<Timestamp>,
    /// When it was rejected; `None` once it was resubmitted.
    pub rejected_at: Option<Timestamp>,
    /// Why.
    pub rejection_reason: Option<RejectionReason>,
    /// What somebody noted.
    pub notes: Option<Notes>,
    /// How many lines are in each state.
    pub counts: LineCounts,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
}

/// An order with its lines, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct WholeOrder {
    /// The order.
    pub order: Order,
    /// Its lines.
    pub lines: Vec<OrderLine>,
}

/// An order to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// Its id.
    pub id: OrderId,
    /// Its number; `None` for the next one of the year.
    pub number: Option<OrderNumber>,
    /// What somebody noted.
    pub notes: Option<Notes>,
    /// Its lines.
    pub lines: Vec<NewLine>,
    /// Lines that an order of the tenant has at most.
    pub lines_max: usize,
    /// Who makes it.
    pub created_by: UserId,
}

/// An order, and who may find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRef {
    /// The order.
    pub id: OrderId,
    /// The only one whose orders are found; `None` for everyone's.
    pub owner: Option<UserId>,
}

/// Which orders a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// Only those in this state.
    pub status: Option<OrderStatus>,
    /// Only the one with this number, which each tenant has once.
    pub number: Option<OrderNumber>,
    /// Only those that this user made.
    pub owner: Option<UserId>,
}

/// Makes an order.
///
/// # Errors
///
/// [`DbError::Order`]: too many lines, a number that is taken, a product or an output type that there is none of.
pub async fn create(db: &Db, scope: TenantScope, by: Actor, new: NewOrder) -> Result<WholeOrder, DbError> {
    db.write(scope, (scope.tenant, by, new), |tx, (tenant, by, new)| Box::pin(insert(tx, *tenant, by, new))).await
}

async fn insert(tx: &Tx<'_>, tenant: TenantId, by: &Actor, new: &NewOrder) -> Result<WholeOrder, DbError> {
    if new.lines.len() > new.lines_max {
        return Err(OrderRefusal::TooLarge { max: new.lines_max }.into());
    }
    lines::check_references(tx, tenant, &new.lines).await?;
    let now = tx.now().await?;
    let number = match &new.number {
        Some(number) => number.clone(),
        None => next_number(tx, tenant, now).await?,
    };
    let row = order::ActiveModel {
        tenant_id: Set(Col(tenant)),
        id: Set(Col(new.id)),
        order_number: Set(Col(number.clone())),
        status: Set(Col(OrderStatus::Draft)),
        created_by: Set(Col(new.created_by)),
        submission_no: Set(0),
        notes: Set(new.notes.clone().map(Col)),
        created_at: Set(Col(now)),
        updated_at: Set(Col(now)),
        ..Default::default()
    };
    let only_once = OnConflict::columns([order::Column::TenantId, order::Column::OrderNumber]).do_nothing().to_owned();
    if order::Entity::insert(row).on_conflict(only_once).exec_without_returning(tx.on()).await? == 0 {
        return Err(OrderRefusal::NumberTaken(number).into());
    }
    lines::insert(tx, (tenant, new.id), 0, &new.lines).await?;
    let detail = json!({"order_number": number.as_str(), "lines": new.lines.len()});
    note(tx, tenant, by, (Action::OrderCreated, new.id), detail, None).await?;
    let row = find(tx, tenant, OrderRef { id: new.id, owner: None }).await?;
    telling::note(tx, &row, ActivityType::OrderCreated, by.id);
    whole(tx, row).await
}

/// The next number of the year that no order has: people may have given it to one.
async fn next_number(tx: &Tx<'_>, tenant: TenantId, now: Timestamp) -> Result<OrderNumber, DbError> {
    let year = now.year();
    tx.enter(Level::Stream);
    loop {
        let running = counters::next(tx, tenant, &format!("orders_{year}")).await?;
        let number = OrderNumber::of_year(year, running);
        let with_it = order::Entity::find()
            .filter(order::Column::TenantId.eq(Col(tenant)))
            .filter(order::Column::OrderNumber.eq(Col(number.clone())));
        if with_it.one(tx.on()).await?.is_none() {
            return Ok(number);
        }
    }
}

/// An order with its lines.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn get(db: &Db, scope: TenantScope, of: OrderRef) -> Result<WholeOrder, DbError> {
    // The state of a line and the document of its job are read one after the other.
    db.read_snapshot(scope, (scope.tenant, of), |tx, (tenant, of)| {
        Box::pin(async move { whole(tx, find(tx, *tenant, *of).await?).await })
    })
    .await
}

/// A page of orders, newest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(
    db: &Db,
    scope: impl Into<ReadScope>,
    filter: OrderFilter,
    page: PageRequest,
) -> Result<Page<Order>, DbError> {
    use order::Column as C;
    let scope = scope.into();
    db.read(scope, (scope, filter, page), |tx, (scope, filter, page)| {
        Box::pin(async move {
            let mut orders = scope.narrow(order::Entity::find(), C::TenantId);
            if let Some(status) = filter.status {
                orders = orders.filter(C::Status.eq(Col(status)));
            }
            if let Some(number) = &filter.number {
                orders = orders.filter(C::OrderNumber.eq(Col(number.clone())));
            }
            if let Some(owner) = filter.owner {
                orders = orders.filter(C::CreatedBy.eq(Col(owner)));
            }
            let rows = page.narrow(orders, C::CreatedAt, C::Id).all(tx.on()).await?;
            let page: Page<order::Model> = page.cut(rows, |row| (row.created_at.0, row.id.0.uuid()));
            let mut counts = lines::counts(tx, page.items.iter().map(|row| (row.tenant_id.0, row.id.0))).await?;
            let items = page.items.into_iter().map(|row| {
                let counts = counts.remove(&row.id.0).unwrap_or_default();
                Order::of(row, counts)
            });
            Ok(Page { items: items.collect(), next: page.next })
        })
    })
    .await
}

/// Changes number and notes of a draft.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`DbError::Order`] when it is no draft, or the number is taken.
pub async fn edit(
    db: &Db,
    scope: TenantScope,
    of: OrderRef,
    number: Option<OrderNumber>,
    notes: Change<Notes>,
) -> Result<WholeOrder, DbError> {
    db.write(scope, (scope.tenant, of, number, notes), |tx, (tenant, of, number, notes)| {
        Box::pin(async move {
            let mut row = lock(tx, *tenant, *of).await?;
            row.status.0.next(OrderChange::Edit).map_err(OrderRefusal::State)?;
            let before = row.order_number.0.clone();
            if let Some(number) = number.clone() {
                row.order_number = Col(number);
            }
            row.notes = notes.clone().some().of(row.notes.map(Col::value), None).map(Col);
            row.updated_at = Col(tx.now().await?);
            let number = row.order_number.0.clone();
            let taken = order::Entity::find()
                .filter(order::Column::TenantId.eq(Col(*tenant)))
                .filter(order::Column::OrderNumber.eq(Col(number.clone())))
                .filter(order::Column::Id.ne(Col(of.id)));
            if taken.one(tx.on()).await?.is_some() {
                return Err(OrderRefusal::NumberTaken(number).into());
            }
            save(tx, &row).await?;
            if row.order_number.0 != before {
                media::renew(tx, *tenant, Changed::Order(of.id)).await?;
            }
            whole(tx, row).await
        })
    })
    .await
}

/// Adds a line to a draft.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`DbError::Order`] when it is no draft, or has as many lines as are allowed; a product or an
/// output type that there is none of.
pub async fn add_line(
    db: &Db,
    scope: TenantScope,
    of: OrderRef,
    line: NewLine,
    lines_max: usize,
) -> Result<OrderLine, DbError> {
    db.write(scope, (scope.tenant, of, line, lines_max), |tx, (tenant, of, line, lines_max)| {
        Box::pin(async move {
            let row = lock(tx, *tenant, *of).await?;
            row.status.0.next(OrderChange::Edit).map_err(OrderRefusal::State)?;
            lines::check_references(tx, *tenant, std::slice::from_ref(line)).await?;
            let there = lines::of_order(tx, *tenant, of.id).await?;
            if there.len() >= *lines_max {
                return Err(OrderRefusal::TooLarge { max: *lines_max }.into());
            }
            let position = there.last().map_or(0, |last| last.position + 1);
            lines::insert(tx, (*tenant, of.id), position, std::slice::from_ref(line)).await?;
            line_of(tx, lines::find(tx, *tenant, line.id).await?).await
        })
    })
    .await
}

/// Removes a line from a draft.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`DbError::Order`] when it is no draft, or the line is worked on.
pub async fn remove_line(db: &Db, scope: TenantScope, of: OrderRef, line: OrderLineId) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, of, line), |tx, (tenant, of, line)| {
        Box::pin(async move {
            let row = lock(tx, *tenant, *of).await?;
            row.status.0.next(OrderChange::Edit).map_err(OrderRefusal::State)?;
            lines::remove(tx, (*tenant, of.id), *line).await?;
            // It may have been the last one that had not ended.
            rounds::close(tx, &row, &lines::of_order(tx, *tenant, of.id).await?).await
        })
    })
    .await
}

/// Deletes a draft with its lines.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`DbError::Order`] when it is no draft, or a line is worked on.
pub async fn delete(db: &Db, scope: TenantScope, by: Actor, of: OrderRef) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, by, of), |tx, (tenant, by, of)| {
        Box::pin(async move {
            let row = lock(tx, *tenant, *of).await?;
            row.status.0.next(OrderChange::Delete).map_err(OrderRefusal::State)?;
            tx.enter(Level::OrderLine);
            let all = lines::of_order(tx, *tenant, of.id).await?;
            let live = lines::live(tx, &all).await?;
            all.iter().try_for_each(|line| lines::next(line, &live, LineEvent::Remove).map(drop))?;
            let ids: Vec<OrderLineId> = all.iter().map(|line| line.id.0).collect();
            let runs = workflows::of_lines(tx, *tenant, &ids).await?;
            let reviews = reviews::ids_of(tx, *tenant, &ids, &[]).await?;
            media::outlive(tx, *tenant, Going::Order(of.id)).await?;
            order::Entity::delete_by_id((Col(*tenant), Col(of.id))).exec(tx.on()).await?;
            telling::note(tx, &row, ActivityType::OrderDeleted, by.id);
            let detail = json!({"order_number": row.order_number.0.as_str()});
            note(tx, *tenant, by, (Action::OrderDeleted, of.id), detail, None).await?;
            for line in all {
                streams::delete(tx, *tenant, StreamId::of_line(line.id.0)).await?;
            }
            for run in runs {
                streams::delete(tx, *tenant, StreamId::of_run(run)).await?;
            }
            reviews::forget_streams(tx, *tenant, &reviews).await?;
            streams::delete(tx, *tenant, StreamId::of_order(of.id)).await
        })
    })
    .await
}

/// Hands a draft over. One whose lines have all ended, one of them with its files or an error, is completed at once.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`DbError::Order`] when it is no draft, or has no lines.
pub async fn submit(db: &Db, scope: TenantScope, by: Actor, of: OrderRef) -> Result<WholeOrder, DbError> {
    db.write(scope, (scope.tenant, by, of), |tx, (tenant, by, of)| {
        Box::pin(async move {
            let mut row = lock(tx, *tenant, *of).await?;
            row.status.0.next(OrderChange::Submit).map_err(OrderRefusal::State)?;
            let lines = lines::of_order(tx, *tenant, of.id).await?;
            if lines.is_empty() {
                return Err(OrderRefusal::Empty.into());
            }
            changes::advance(tx, &mut row, OrderChange::Submit, Some(by), None).await?;
            changes::settle(tx, &mut row, &lines, Some(by)).await?;
            save(tx, &row).await?;
            let detail = json!({"order_number": row.order_number.0.as_str(), "submission_no": row.submission_no});
            note(tx, *tenant, by, (Action::OrderSubmitted, of.id), detail, None).await?;
            telling::submitted(tx, &row, lines.len(), by.id).await?;
            whole(tx, row).await
        })
    })
    .await
}

/// Opens a rejected order again, as a draft: its cancelled and failed lines wait once more.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`DbError::Order`] when it was not rejected, or the work of a line has not stopped yet.
pub async fn resubmit(db: &Db, scope: TenantScope, by: Actor, of: OrderRef) -> Result<WholeOrder, DbError> {
    db.write(scope, (scope.tenant, by, of), |tx, (tenant, by, of)| {
        Box::pin(async move {
            let mut row = lock(tx, *tenant, *of).await?;
            changes::advance(tx, &mut row, OrderChange::Resubmit, Some(by), None).await?;
            save(tx, &row).await?;
            lines::each(tx, (*tenant, of.id), LineEvent::Resubmit).await?;
            let detail = json!({"order_number": row.order_number.0.as_str()});
            note(tx, *tenant, by, (Action::OrderResubmitted, of.id), detail, None).await?;
            telling::resubmitted(tx, &row, by.id).await?;
            whole(tx, row).await
        })
    })
    .await
}

/// A line, of an order that may be found.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn line(db: &Db, scope: TenantScope, owner: Option<UserId>, id: OrderLineId) -> Result<OrderLine, DbError> {
    db.read_snapshot(scope, (scope.tenant, owner, id), |tx, (tenant, owner, id)| {
        Box::pin(line_in(tx, *tenant, *owner, *id))
    })
    .await
}

async fn line_in(tx: &Tx<'_>, tenant: TenantId, owner: Option<UserId>, id: OrderLineId) -> Result<OrderLine, DbError> {
    let line = lines::find(tx, tenant, id).await?;
    let of = OrderRef { id: line.order_id.0, owner };
    match find(tx, tenant, of).await {
        Err(DbError::NotFound(_)) => Err(DbError::NotFound("order line")),
        Err(error) => Err(error),
        Ok(_) => line_of(tx, line).await,
    }
}

async fn find(tx: &Tx<'_>, tenant: TenantId, of: OrderRef) -> Result<order::Model, DbError> {
    let row = order::Entity::find_by_id((Col(tenant), Col(of.id))).one(tx.on()).await?;
    found(row, of)
}

async fn lock(tx: &Tx<'_>, tenant: TenantId, of: OrderRef) -> Result<order::Model, DbError> {
    tx.enter(Level::Order);
    let row = order::Entity::find_by_id((Col(tenant), Col(of.id))).lock_exclusive().one(tx.on()).await?;
    found(row, of)
}

fn found(row: Option<order::Model>, of: OrderRef) -> Result<order::Model, DbError> {
    let row = row.filter(|row| of.owner.is_none_or(|owner| row.created_by.0 == owner));
    row.ok_or(DbError::NotFound("order"))
}

/// Writes a locked row.
async fn save(tx: &Tx<'_>, row: &order::Model) -> Result<(), DbError> {
    order::Entity::update(row.clone().into_active_model().reset_all()).exec(tx.on()).await?;
    Ok(())
}

/// An order with its lines.
async fn whole(tx: &Tx<'_>, row: order::Model) -> Result<WholeOrder, DbError> {
    let rows = lines::of_order(tx, row.tenant_id.0, row.id.0).await?;
    let counts = rows.iter().map(|line| line.render_status.0).collect();
    Ok(WholeOrder { order: Order::of(row, counts), lines: lines::whole(tx, rows).await? })
}

async fn line_of(tx: &Tx<'_>, row: order_line::Model) -> Result<OrderLine, DbError> {
    lines::whole(tx, vec![row]).await?.pop().ok_or(DbError::NotFound("order line"))
}

/// Writes the audit entry of a change of an order.
async fn note(
    tx: &Tx<'_>,
    tenant: TenantId,
    by: &Actor,
    (action, id): (Action, OrderId),
    detail: crate::Json,
    reason: Option<&str>,
) -> Result<(), DbError> {
    let entry = NewEntry { action, object: Some(("order", id.to_string())), detail };
    audit::write_because(tx, tenant, by, [entry], reason).await
}

impl Order {
    fn of(row: order::Model, counts: LineCounts) -> Self {
        Self {
            id: row.id.0,
            tenant: row.tenant_id.0,
            number: row.order_number.0,
            status: row.status.0,
            created_by: row.created_by.0,
            submission_no: row.submission_no.unsigned_abs(),
            submitted_at: row.submitted_at.map(Col::value),
            processing_started_at: row.processing_started_at.map(Col::value),
            completed_at: row.completed_at.map(Col::value),
            rejected_at: row.rejected_at.map(Col::value),
            rejection_reason: row.rejection_reason.map(Col::value),
            notes: row.notes.map(Col::value),
            counts,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
        }
    }
}
