//! What people are told: activity, notifications, alerts. They are written with what they are about; here they are
//! read.

use crate::app::{App, AppError, Page, PageRequest};
use packshot_contract::channel::{self as contract, Channel};
use packshot_db::TenantScope;
use packshot_db::channels::{Entry, activity as entries, alerts as raised, notifications as rows};
use packshot_domain::access::Role;
use packshot_domain::id::{OrderId, OrderLineId};
use packshot_domain::principal::Principal;
use packshot_domain::reader::Reader;

pub use packshot_db::channels::activity::ActivityFilter;
pub use packshot_db::channels::alerts::AlertFilter;
pub use packshot_db::channels::notifications::NotificationFilter;

/// A page of the activity, newest first. A client sees that of own orders.
///
/// # Errors
/// Errors of the database.
pub async fn activity(
    app: &App,
    reader: &Reader,
    filter: ActivityFilter,
    page: PageRequest,
) -> Result<Page<contract::Entry>, AppError> {
    let owner = (reader.who.role == Role::Client).then_some(reader.who.user);
    let filter = ActivityFilter { owner, ..filter };
    let Page { items, next } = entries::list(&app.db, reader, filter, page).await?;
    let items = items.into_iter().map(|entry| shown(entry, Channel::Activity, |of| of.as_str()));
    Ok(Page { items: items.collect(), next })
}

/// A page of the caller's notifications, newest first, and how many of all are unread.
///
/// # Errors
/// Errors of the database.
pub async fn notifications(
    app: &App,
    who: &Principal,
    filter: NotificationFilter,
    page: PageRequest,
) -> Result<(Page<contract::Notification>, u64), AppError> {
    let scope = TenantScope::of(who.tenant);
    let rows::Notifications { page, n_unread } = rows::list(&app.db, scope, who.user, filter, page).await?;
    let notification = |row: rows::Notification| contract::Notification {
        user_id: row.user.uuid(),
        read_at: row.read_at.map(Into::into),
        entry: shown(row.entry, Channel::Notification, |of| of.as_str()),
    };
    Ok((Page { items: page.items.into_iter().map(notification).collect(), next: page.next }, n_unread))
}

/// A page of alerts, newest first.
///
/// # Errors
/// Errors of the database.
pub async fn alerts(
    app: &App,
    reader: &Reader,
    filter: AlertFilter,
    page: PageRequest,
) -> Result<Page<contract::Alert>, AppError> {
    let Page { items, next } = raised::list(&app.db, reader, filter, page).await?;
    let alert = |row: raised::Alert| contract::Alert {
        state: row.state.into(),
        occurrences: row.occurrences,
        last_seen_at: row.last_seen_at.into(),
        resolved_at: row.resolved_at.map(Into::into),
        entry: shown(row.entry, Channel::Alert, |of| of.as_str()),
    };
    Ok(Page { items: items.into_iter().map(alert).collect(), next })
}

fn shown<T>(entry: Entry<T>, channel: Channel, word: impl Fn(T) -> &'static str) -> contract::Entry {
    contract::Entry {
        id: entry.id.uuid(),
        seq: entry.seq,
        channel,
        event_type: word(entry.event_type).to_owned(),
        severity: entry.severity.into(),
        message: entry.message,
        tenant_id: entry.tenant.uuid(),
        actor_id: entry.actor,
        subject: entry.subject.map(|subject| contract::EntrySubject { kind: subject.kind.into(), id: subject.id }),
        order_id: entry.order.map(OrderId::uuid),
        order_line_id: entry.line.map(OrderLineId::uuid),
        data: entry.data,
        created_at: entry.created_at.into(),
    }
}
