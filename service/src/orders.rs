//! Orders: made, edited, submitted, dispatched, cancelled, rejected, resubmitted. A client sees and changes only its
//! own.

mod cancelling;
mod dispatch;

use crate::app::{App, AppError, Code, Page, PageRequest};
use packshot_contract::document::Document;
use packshot_contract::order::{self as contract, NewOrder, Order, OrderEdit, OrderHistory, OrderLine, OrderSummary};
use packshot_contract::problem::Invalid;
use packshot_db::{DbError, TenantScope, orders as rows, tenant_configs};
use packshot_domain::access::Role;
use packshot_domain::id::{OrderId, OrderLineId, UserId};
use packshot_domain::order::{OrderNumber, OrderRefusal, OrderStatus};
use packshot_domain::principal::Principal;
use packshot_domain::reader::Reader;

pub use cancelling::{CancelledLine, cancel_line, cancel_renders, reject};
pub(crate) use dispatch::work_of;
pub use dispatch::{dispatch, dispatch_line};

/// The only one whose orders `who` finds; `None` for everyone's of the tenant.
fn owner(who: &Principal) -> Option<UserId> {
    (who.role == Role::Client).then_some(who.user)
}

fn find(who: &Principal, id: OrderId) -> rows::OrderRef {
    rows::OrderRef { id, owner: owner(who) }
}

/// Makes an order.
///
/// # Errors
/// [`Code::OrderTooLarge`], [`Code::OrderNumberExists`]; `product_not_found` and `output_type_not_found` at a line.
pub async fn create(app: &App, who: &Principal, new: NewOrder) -> Result<Order, AppError> {
    let lines_max = lines_max(app, who).await?;
    let new = rows::NewOrder {
        id: OrderId::new(),
        number: new.number,
        notes: new.notes,
        lines: new.lines.into_iter().map(new_line).collect(),
        lines_max,
        created_by: who.user,
    };
    let made = rows::create(&app.db, TenantScope::of(who.tenant), who.actor(), new).await;
    Ok(whole(made.map_err(|error| refused(error, "/lines"))?))
}

/// A page of orders, newest first: those in one state, or the one with a number, where that is asked for.
///
/// # Errors
/// Errors of the database.
pub async fn list(
    app: &App,
    reader: &Reader,
    (status, number): (Option<OrderStatus>, Option<OrderNumber>),
    page: PageRequest,
) -> Result<Page<OrderSummary>, AppError> {
    let filter = rows::OrderFilter { status, number, owner: owner(&reader.who) };
    let Page { items, next } = rows::list(&app.db, reader, filter, page).await?;
    Ok(Page { items: items.into_iter().map(summary).collect(), next })
}

/// An order as it is now.
///
/// # Errors
/// [`Code::OrderNotFound`].
pub async fn get(app: &App, who: &Principal, id: OrderId) -> Result<Order, AppError> {
    Ok(whole(rows::get(&app.db, TenantScope::of(who.tenant), find(who, id)).await?))
}

/// Changes number and notes of a draft.
///
/// # Errors
/// [`Code::OrderNotFound`], [`Code::OrderNotEditable`], [`Code::OrderNumberExists`].
pub async fn edit(app: &App, who: &Principal, id: OrderId, edit: OrderEdit) -> Result<Order, AppError> {
    let scope = TenantScope::of(who.tenant);
    Ok(whole(rows::edit(&app.db, scope, find(who, id), edit.number, edit.notes).await?))
}

/// Deletes a draft with its lines.
///
/// # Errors
/// [`Code::OrderNotFound`], [`Code::OrderNotEditable`], [`Code::LineProcessing`].
pub async fn delete(app: &App, who: &Principal, id: OrderId) -> Result<(), AppError> {
    Ok(rows::delete(&app.db, TenantScope::of(who.tenant), who.actor(), find(who, id)).await?)
}

/// Adds a line to a draft.
///
/// # Errors
/// [`Code::OrderNotFound`], [`Code::OrderNotEditable`], [`Code::OrderTooLarge`]; `product_not_found`,
/// `output_type_not_found`.
pub async fn add_line(app: &App, who: &Principal, id: OrderId, line: contract::NewLine) -> Result<OrderLine, AppError> {
    let lines_max = lines_max(app, who).await?;
    let added = rows::add_line(&app.db, TenantScope::of(who.tenant), find(who, id), new_line(line), lines_max).await;
    added.map(shown).map_err(|error| refused(error, ""))
}

/// Removes a line from a draft.
///
/// # Errors
/// [`Code::OrderNotFound`], [`Code::OrderLineNotFound`], [`Code::OrderNotEditable`], [`Code::LineProcessing`].
pub async fn remove_line(app: &App, who: &Principal, id: OrderId, line: OrderLineId) -> Result<(), AppError> {
    Ok(rows::remove_line(&app.db, TenantScope::of(who.tenant), find(who, id), line).await?)
}

/// Hands a draft over.
///
/// # Errors
/// [`Code::OrderNotFound`], [`Code::OrderNotSubmittable`], [`Code::OrderEmpty`].
pub async fn submit(app: &App, who: &Principal, id: OrderId) -> Result<Order, AppError> {
    Ok(whole(rows::submit(&app.db, TenantScope::of(who.tenant), who.actor(), find(who, id)).await?))
}

/// Opens a rejected order again.
///
/// # Errors
/// [`Code::OrderNotFound`], [`Code::OrderNotRejected`], [`Code::LineProcessing`].
pub async fn resubmit(app: &App, who: &Principal, id: OrderId) -> Result<Order, AppError> {
    Ok(whole(rows::resubmit(&app.db, TenantScope::of(who.tenant), who.actor(), find(who, id)).await?))
}

/// Every change of an order's state, oldest first.
///
/// # Errors
/// [`Code::OrderNotFound`].
pub async fn history(app: &App, who: &Principal, id: OrderId) -> Result<OrderHistory, AppError> {
    let changes = rows::history(&app.db, TenantScope::of(who.tenant), find(who, id)).await?;
    let shown = |change: rows::StatusChange| contract::OrderStatusChange {
        order_id: id.uuid(),
        seq: change.seq,
        from_status: change.from.into(),
        to_status: change.to.into(),
        submission_no: change.submission_no,
        actor_id: change.actor,
        reason: change.reason.map(|reason| reason.to_string()),
        at: change.at.into(),
    };
    Ok(OrderHistory { items: changes.into_iter().map(shown).collect() })
}

/// A line as it is now.
///
/// # Errors
/// [`Code::OrderLineNotFound`].
pub async fn line(app: &App, who: &Principal, id: OrderLineId) -> Result<OrderLine, AppError> {
    Ok(shown(rows::line(&app.db, TenantScope::of(who.tenant), owner(who), id).await?))
}

/// The document of a line's newest job.
///
/// # Errors
/// [`Code::OrderLineNotFound`]; [`Code::JobNotFound`] when it was never dispatched.
pub async fn document(app: &App, who: &Principal, id: OrderLineId) -> Result<Document, AppError> {
    document_of(rows::line(&app.db, TenantScope::of(who.tenant), owner(who), id).await?)
}

/// An order as it is now, with the number of the last event of its stream that this contains.
///
/// # Errors
/// [`Code::OrderNotFound`].
pub async fn follow(app: &App, who: &Principal, id: OrderId) -> Result<(Order, i64), AppError> {
    let (order, last_seq) = rows::follow(&app.db, TenantScope::of(who.tenant), find(who, id)).await?;
    Ok((whole(order), last_seq))
}

/// The document of a line's newest job, with the number of the last event of its jobs that this contains.
///
/// # Errors
/// [`Code::OrderLineNotFound`], [`Code::JobNotFound`].
pub async fn follow_job(app: &App, who: &Principal, id: OrderLineId) -> Result<(Document, i64), AppError> {
    let (line, last_seq) = rows::follow_line(&app.db, TenantScope::of(who.tenant), owner(who), id).await?;
    Ok((document_of(line)?, last_seq))
}

fn document_of(line: rows::OrderLine) -> Result<Document, AppError> {
    let document = line.document.map(Document::from);
    document.ok_or_else(|| AppError::new(Code::JobNotFound, "the line was not dispatched yet"))
}

/// Lines that an order of the tenant has at most.
async fn lines_max(app: &App, who: &Principal) -> Result<usize, AppError> {
    let config = tenant_configs::get(&app.db, TenantScope::of(who.tenant)).await?.config;
    Ok(usize::try_from(config.max_order_size).unwrap_or(0))
}

fn new_line(line: contract::NewLine) -> rows::NewLine {
    rows::NewLine { id: OrderLineId::new(), product: line.product, output_type: line.output_type }
}

/// What is wrong with lines at their place: `lines` points to the list that they were sent in, or is empty for one that
/// was sent by itself.
fn refused(error: DbError, lines: &str) -> AppError {
    let at = |line: usize, member: &str| match lines {
        "" => format!("/{member}"),
        list => format!("{list}/{line}/{member}"),
    };
    let said = error.to_string();
    match error {
        DbError::Order(OrderRefusal::NoProduct { line }) => {
            Invalid::one(at(line, "product_id"), Code::ProductNotFound.as_str(), said).into()
        }
        DbError::Order(OrderRefusal::NoOutputType { line }) => {
            Invalid::one(at(line, "output_type_id"), Code::OutputTypeNotFound.as_str(), said).into()
        }
        error => error.into(),
    }
}

fn whole(order: rows::WholeOrder) -> Order {
    Order { summary: summary(order.order), lines: order.lines.into_iter().map(shown).collect() }
}

fn summary(order: rows::Order) -> OrderSummary {
    OrderSummary {
        id: order.id.uuid(),
        tenant_id: order.tenant.uuid(),
        order_number: order.number.to_string(),
        status: order.status.into(),
        created_by: order.created_by.uuid(),
        submission_no: order.submission_no,
        submitted_at: order.submitted_at.map(Into::into),
        processing_started_at: order.processing_started_at.map(Into::into),
        completed_at: order.completed_at.map(Into::into),
        rejected_at: order.rejected_at.map(Into::into),
        rejection_reason: order.rejection_reason.map(|reason| reason.to_string()),
        notes: order.notes.map(|notes| notes.to_string()),
        line_counts: order.counts.into(),
        created_at: order.created_at.into(),
        updated_at: order.updated_at.into(),
    }
}

fn shown(line: rows::OrderLine) -> OrderLine {
    // The document is of our own make, so that it is JSON.
    let document = line.document.map(|document| serde_json::to_value(Document::from(document)).unwrap_or_default());
    OrderLine {
        id: line.id.uuid(),
        tenant_id: line.tenant.uuid(),
        order_id: line.order.uuid(),
        product_id: line.product.uuid(),
        output_type_id: line.output_type.uuid(),
        render_status: line.status.into(),
        result_path: line.result_path,
        render_started_at: line.render_started_at.map(Into::into),
        render_completed_at: line.render_completed_at.map(Into::into),
        render_log: document.clone(),
        render_job_doc: document,
        asset_ids: line.assets.iter().map(|asset| asset.uuid()).collect(),
        created_at: line.created_at.into(),
        updated_at: line.updated_at.into(),
    }
}
