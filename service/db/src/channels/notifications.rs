//! The notifications of a person, as they are read: newest first, in pages.

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use super::entry::{Entry, entry};
use crate::column::Col;
use crate::entity::notification;
use crate::{Db, DbError, Page, PageRequest, TenantScope};
use packshot_domain::channel::{NotificationType, Subject};
use packshot_domain::id::UserId;
use packshot_domain::time::Timestamp;

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

/// A page of a person's notifications, newest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(
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

impl From<notification::Model> for Notification {
    fn from(row: notification::Model) -> Self {
        Self { user: row.user_id.0, read_at: row.read_at.map(Col::value), entry: entry!(row) }
    }
}
