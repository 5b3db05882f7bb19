//! What a person is told: read by nobody else.

use super::{alerts, shown};
use crate::app::{App, AppError, Page, PageRequest};
use packshot_contract::channel::marks::{MarkRead, Marked, UnreadCount};
use packshot_contract::channel::{Channel, Notification};
use packshot_db::channels::{notifications as rows, user_feed};
use packshot_db::{DbError, TenantScope};
use packshot_domain::access::Permission;
use packshot_domain::id::EntryId;
use packshot_domain::principal::Principal;

pub use packshot_db::channels::notifications::NotificationFilter;

/// Notifications with which a person's stream begins.
const NEWEST: u32 = 20;

/// Where the notifications of the caller are: in the tenant that they belong to, whichever they act for.
fn home(who: &Principal) -> TenantScope {
    TenantScope::of(who.home)
}

/// A page of the caller's notifications, newest first, and how many of all are unread.
///
/// # Errors
/// Errors of the database.
pub async fn list(
    app: &App,
    who: &Principal,
    filter: NotificationFilter,
    page: PageRequest,
) -> Result<(Page<Notification>, u64), AppError> {
    let rows::Notifications { page, n_unread } = rows::list(&app.db, home(who), who.user, filter, page).await?;
    Ok((notifications(page)?, n_unread))
}

/// The newest notifications of the caller, and the number of the last event of their stream that this contains.
///
/// # Errors
/// Errors of the database.
pub async fn begin(app: &App, who: &Principal) -> Result<(Vec<Notification>, i64), AppError> {
    let (rows::Notifications { page, .. }, last) = user_feed::begin(&app.db, home(who), who.user, NEWEST).await?;
    Ok((notifications(page)?.items, last))
}

/// A notification of the caller.
///
/// # Errors
/// [`Code::NotificationNotFound`](crate::app::Code::NotificationNotFound), also of somebody else's.
pub async fn get(app: &App, who: &Principal, id: EntryId) -> Result<Notification, AppError> {
    notification(rows::get(&app.db, home(who), who.user, id).await?)
}

/// Marks a notification of the caller as read, or as not read. One that is marked so already stays as it is.
///
/// # Errors
/// [`Code::NotificationNotFound`](crate::app::Code::NotificationNotFound).
pub async fn mark(app: &App, who: &Principal, id: EntryId, is_read: bool) -> Result<Notification, AppError> {
    notification(rows::mark(&app.db, home(who), who.user, id, is_read).await?)
}

/// Marks many notifications of the caller as read.
///
/// # Errors
/// Errors of the database.
pub async fn mark_read(app: &App, who: &Principal, which: MarkRead) -> Result<Marked, AppError> {
    let which = match which {
        MarkRead::These(ids) => rows::Marked::These(ids),
        MarkRead::All(before) => rows::Marked::All(before),
    };
    let (updated, unread_count) = rows::mark_read(&app.db, home(who), who.user, which).await?;
    Ok(Marked { updated, unread_count })
}

/// Deletes a notification of the caller.
///
/// # Errors
/// [`Code::NotificationNotFound`](crate::app::Code::NotificationNotFound).
pub async fn delete(app: &App, who: &Principal, id: EntryId) -> Result<(), AppError> {
    Ok(rows::delete(&app.db, home(who), who.user, id).await?)
}

/// How much the caller has to read: alerts only where they see such.
///
/// # Errors
/// Errors of the database.
pub async fn count_unread(app: &App, who: &Principal) -> Result<UnreadCount, AppError> {
    let notification = rows::count_unread(&app.db, home(who), who.user).await?;
    let alert = match who.allows(Permission::ReadAlerts) {
        Ok(()) => alerts::count_unseen(app, who).await?,
        Err(_) => 0,
    };
    Ok(UnreadCount { notification, alert })
}

fn notifications(page: Page<rows::Notification>) -> Result<Page<Notification>, AppError> {
    let items: Result<_, AppError> = page.items.into_iter().map(notification).collect();
    Ok(Page { items: items?, next: page.next })
}

fn notification(row: rows::Notification) -> Result<Notification, AppError> {
    let corrupt = |error: serde_json::Error| DbError::Corrupt { what: "notification", reason: error.to_string() };
    let items = match row.entry.event_type.is_digest() {
        true => Some(serde_json::from_value(row.entry.data["items"].clone()).map_err(corrupt)?),
        false => None,
    };
    Ok(Notification {
        user_id: row.user.uuid(),
        read_at: row.read_at.map(Into::into),
        digest_items: items,
        entry: shown(row.entry, Channel::Notification, |of| of.as_str()),
    })
}
