//! Ending what renders for an order.

use super::{find, owner, shown, whole};
use crate::app::{App, AppError, Code};
use crate::renders;
use packshot_contract::order::{CancelledRenders, Order, OrderLine, Rejection};
use packshot_db::{DbError, TenantScope, orders as rows};
use packshot_domain::id::{OrderId, OrderLineId};
use packshot_domain::principal::Principal;

/// A line that was to be cancelled.
#[derive(Clone, Debug, PartialEq)]
pub struct CancelledLine {
    /// The line as it is now.
    pub line: OrderLine,
    /// Whether its work is still stopping.
    pub is_stopping: bool,
}

/// Cancels a line: one that waits immediately; the work of one that runs stops within two seconds.
///
/// # Errors
/// [`Code::OrderLineNotFound`].
pub async fn cancel_line(app: &App, who: &Principal, id: OrderLineId) -> Result<CancelledLine, AppError> {
    let gone = || AppError::new(Code::OrderLineNotFound, "there is no such order line");
    let stopped = match rows::cancel_line(&app.db, TenantScope::of(who.tenant), owner(who), id).await {
        Err(DbError::NotFound(_)) => return Err(gone()),
        stopped => tell(app, stopped?),
    };
    let is_stopping = !stopped.running.is_empty();
    let line = stopped.order.lines.into_iter().find(|line| line.id == id).ok_or_else(gone)?;
    Ok(CancelledLine { line: shown(line), is_stopping })
}

/// Cancels every line of an order that waits or is worked on.
///
/// # Errors
/// [`Code::OrderNotFound`].
pub async fn cancel_renders(app: &App, who: &Principal, id: OrderId) -> Result<CancelledRenders, AppError> {
    let stopped = rows::cancel_renders(&app.db, TenantScope::of(who.tenant), who.actor(), find(who, id)).await?;
    let stopped = tell(app, stopped);
    Ok(CancelledRenders { cancelled: stopped.lines.iter().map(|line| line.uuid()).collect() })
}

/// Refuses an order: its lines that wait or are worked on are cancelled, and its creator is told, if that is wanted.
///
/// # Errors
/// [`Code::OrderNotFound`], [`Code::OrderNotRejectable`].
pub async fn reject(app: &App, who: &Principal, id: OrderId, why: Rejection) -> Result<Order, AppError> {
    let why = (why.reason, why.tells_creator);
    let stopped = rows::reject(&app.db, TenantScope::of(who.tenant), who.actor(), find(who, id), why).await?;
    Ok(whole(tell(app, stopped).order))
}

/// Tells the work that runs in this process, and removes what it had finished.
fn tell(app: &App, stopped: rows::Stopped) -> rows::Stopped {
    stopped.running.iter().for_each(|task| app.queue.cancel(*task));
    if !stopped.lines.is_empty() {
        renders::sweep_soon(app.db.clone(), app.settings.scratch());
    }
    stopped
}
