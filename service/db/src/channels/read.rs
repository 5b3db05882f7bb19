//! What was told, as it is read: newest first, in pages.

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, QueryTrait};
use uuid::Uuid;

use crate::column::Col;
use crate::entity::{activity_entry, alert, notification, order};
use crate::{Db, DbError, Json, Page, PageRequest, ReadScope, TenantScope};
use packshot_domain::channel::{ActivityType, AlertState, AlertType, NotificationType, Severity, Subject};
use packshot_domain::id::{EntryId, OrderId, OrderLineId, TenantId, UserId};
use packshot_domain::time::Timestamp;

/// What entries of every channel have.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry<T> {
    /// Its id.
    pub id: EntryId,
    /// Its tenant.
    pub tenant: TenantId,
    /// Its number in its stream, from 1.
    pub seq: i64,
    /// What it reports.
    pub event_type: T,
    /// How bad that is.
    pub severity: Severity,
    /// In words.
    pub message: String,
    /// Who did it; `None`: the service itself.
    pub actor: Option<Uuid>,
    /// What it is about.
    pub subject: Option<Subject>,
    /// The order that it is about, or a line of it.
    pub order: Option<OrderId>,
    /// The line.
    pub line: Option<OrderLineId>,
    /// The figures behind the message.
    pub data: Json,
    /// When it was written.
    pub created_at: Timestamp,
}

/// An entry of the activity.
pub type Activity = Entry<ActivityType>;

/// A notification.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// What it says.
    pub entry: Entry<NotificationType>,
    /// Whose it is.
    pub user: UserId,
    /// When they read it.
    pub read_at: Option<Timestamp>,
}

/// An alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// What it says.
    pub entry: Entry<AlertType>,
    /// Whether what it is about lasts.
    pub state: AlertState,
    /// How often that was seen.
    pub occurrences: u32,
    /// When it was last seen.
    pub last_seen_at: Timestamp,
    /// When it was over.
    pub resolved_at: Option<Timestamp>,
}

/// Which entries of the activity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivityFilter {
    /// Only of these types; of any, if empty.
    pub types: Vec<ActivityType>,
    /// Only so bad.
    pub severity: Option<Severity>,
    /// Only about this order.
    pub order: Option<OrderId>,
    /// Only about this line.
    pub line: Option<OrderLineId>,
    /// Only what this user or key did.
    pub actor: Option<Uuid>,
    /// Only about orders that this user made.
    pub owner: Option<UserId>,
    /// Not before this time.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub to: Option<Timestamp>,
}

/// Which notifications of a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NotificationFilter {
    /// Only read ones, or only unread ones.
    pub is_unread: Option<bool>,
    /// Only of this type.
    pub event_type: Option<NotificationType>,
}

/// A page of a person's notifications.
#[derive(Clone, Debug, PartialEq)]
pub struct Notifications {
    /// The page.
    pub page: Page<Notification>,
    /// How many unread ones the person has in all.
    pub n_unread: u64,
}

/// Which alerts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// Only in this state.
    pub state: Option<AlertState>,
    /// Only of this type.
    pub event_type: Option<AlertType>,
    /// Only so bad.
    pub severity: Option<Severity>,
}

/// A page of the activity, newest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn activity(
    db: &Db,
    scope: impl Into<ReadScope>,
    filter: ActivityFilter,
    page: PageRequest,
) -> Result<Page<Activity>, DbError> {
    use activity_entry::Column as C;
    let scope = scope.into();
    db.read(scope, (scope, filter, page), |tx, (scope, filter, page)| {
        Box::pin(async move {
            let mut entries = scope.narrow(activity_entry::Entity::find(), C::TenantId);
            if !filter.types.is_empty() {
                entries = entries.filter(C::EventType.is_in(filter.types.iter().copied().map(Col)));
            }
            if let Some(owner) = filter.owner {
                let own = order::Entity::find().filter(order::Column::CreatedBy.eq(Col(owner)));
                let own = scope.narrow(own, order::Column::TenantId);
                let own = own.select_only().column(order::Column::Id);
                entries = entries.filter(C::OrderId.in_subquery(own.into_query()));
            }
            let conditions = [
                filter.severity.map(|severity| C::Severity.eq(Col(severity))),
                filter.order.map(|order| C::OrderId.eq(Col(order))),
                filter.line.map(|line| C::OrderLineId.eq(Col(line))),
                filter.actor.map(|actor| C::ActorId.eq(actor)),
                filter.from.map(|from| C::CreatedAt.gte(Col(from))),
                filter.to.map(|to| C::CreatedAt.lt(Col(to))),
            ];
            let entries = conditions.into_iter().flatten().fold(entries, QueryFilter::filter);
            let rows = page.narrow(entries, C::CreatedAt, C::Id).all(tx.on()).await?;
            Ok(page.cut(rows, |row| (row.created_at.0, row.id.0.uuid())))
        })
    })
    .await
}

/// A page of a person's notifications, newest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn notifications(
    db: &Db,
    scope: TenantScope,
    user: UserId,
    filter: NotificationFilter,
    page: PageRequest,
) -> Result<Notifications, DbError> {
    use notification::Column as C;
    db.read(scope, (scope.tenant, user, filter, page), |tx, (tenant, user, filter, page)| {
        Box::pin(async move {
            let own = || {
                let of_tenant = notification::Entity::find().filter(C::TenantId.eq(Col(*tenant)));
                of_tenant.filter(C::UserId.eq(Col(*user)))
            };
            let mut wanted = own();
            if let Some(event_type) = filter.event_type {
                wanted = wanted.filter(C::EventType.eq(Col(event_type)));
            }
            wanted = match filter.is_unread {
                Some(true) => wanted.filter(C::ReadAt.is_null()),
                Some(false) => wanted.filter(C::ReadAt.is_not_null()),
                None => wanted,
            };
            let rows = page.narrow(wanted, C::CreatedAt, C::Id).all(tx.on()).await?;
            let n_unread = own().filter(C::ReadAt.is_null()).count(tx.on()).await?;
            Ok(Notifications { page: page.cut(rows, |row| (row.created_at.0, row.id.0.uuid())), n_unread })
        })
    })
    .await
}

/// A page of alerts, newest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn alerts(
    db: &Db,
    scope: impl Into<ReadScope>,
    filter: AlertFilter,
    page: PageRequest,
) -> Result<Page<Alert>, DbError> {
    use alert::Column as C;
    let scope = scope.into();
    db.read(scope, (scope, filter, page), |tx, (scope, filter, page)| {
        Box::pin(async move {
            let alerts = scope.narrow(alert::Entity::find(), C::TenantId);
            let conditions = [
                filter.state.map(|state| C::State.eq(Col(state))),
                filter.event_type.map(|of| C::EventType.eq(Col(of))),
                filter.severity.map(|severity| C::Severity.eq(Col(severity))),
            ];
            let alerts = conditions.into_iter().flatten().fold(alerts, QueryFilter::filter);
            let rows = page.narrow(alerts, C::CreatedAt, C::Id).all(tx.on()).await?;
            Ok(page.cut(rows, |row| (row.created_at.0, row.id.0.uuid())))
        })
    })
    .await
}

/// What a row of any channel says.
macro_rules! entry {
    ($row:ident) => {
        Entry {
            id: $row.id.0,
            tenant: $row.tenant_id.0,
            seq: $row.seq,
            event_type: $row.event_type.0,
            severity: $row.severity.0,
            message: $row.message,
            actor: $row.actor_id,
            subject: $row.subject_kind.zip($row.subject_id).map(|(kind, id)| Subject { kind: kind.0, id }),
            order: $row.order_id.map(Col::value),
            line: $row.order_line_id.map(Col::value),
            data: $row.data.0,
            created_at: $row.created_at.0,
        }
    };
}

impl From<activity_entry::Model> for Activity {
    fn from(row: activity_entry::Model) -> Self {
        entry!(row)
    }
}

impl From<notification::Model> for Notification {
    fn from(row: notification::Model) -> Self {
        Self { user: row.user_id.0, read_at: row.read_at.map(Col::value), entry: entry!(row) }
    }
}

impl From<alert::Model> for Alert {
    fn from(row: alert::Model) -> Self {
        Self {
            state: row.state.0,
            occurrences: row.occurrences.unsigned_abs(),
            last_seen_at: row.last_seen_at.0,
            resolved_at: row.resolved_at.map(Col::value),
            entry: entry!(row),
        }
    }
}
