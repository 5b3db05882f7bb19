//! The notifications of a person: read in pages, newest first, marked and deleted.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use super::entry::{Entry, entry};
use super::feed;
use crate::column::Col;
use crate::entity::notification;
use crate::tx::Tx;
use crate::{Db, DbError, Page, PageRequest, TenantScope};
use packshot_domain::channel::{NotificationType, Subject};
use packshot_domain::id::{EntryId, TenantId, UserId};
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

/// Which of a person's notifications are marked as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Marked {
    /// These, as far as they are the person's.
    These(Vec<EntryId>),
    /// All, or those that were written up to a time.
    All(Option<Timestamp>),
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
    db.read(scope, (scope.tenant, user, filter, page), |tx, (tenant, user, filter, page)| {
        Box::pin(async move { page_of(tx, (*tenant, *user), *filter, page).await })
    })
    .await
}

/// [`list`] within a transaction.
pub(super) async fn page_of(
    tx: &Tx<'_>,
    of: (TenantId, UserId),
    filter: NotificationFilter,
    page: &PageRequest,
) -> Result<Notifications, DbError> {
    use notification::Column as C;
    let mut wanted = own(of);
    if let Some(event_type) = filter.event_type {
        wanted = wanted.filter(C::EventType.eq(Col(event_type)));
    }
    wanted = match filter.is_unread {
        Some(true) => wanted.filter(C::ReadAt.is_null()),
        Some(false) => wanted.filter(C::ReadAt.is_not_null()),
        None => wanted,
    };
    let rows = page.narrow(wanted, C::CreatedAt, C::Id).all(tx.on()).await?;
    let n_unread = unread(tx, of).await?;
    Ok(Notifications { page: page.cut(rows, |row| (row.created_at.0, row.id.0.uuid())), n_unread })
}

/// How many notifications a person has not read.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn count_unread(db: &Db, scope: TenantScope, user: UserId) -> Result<u64, DbError> {
    db.read(scope, (scope.tenant, user), |tx, of| Box::pin(async move { unread(tx, *of).await })).await
}

/// A notification of a person.
///
/// # Errors
///
/// [`DbError::NotFound`], also of somebody else's.
pub async fn get(db: &Db, scope: TenantScope, user: UserId, id: EntryId) -> Result<Notification, DbError> {
    db.read(scope, (scope.tenant, user, id), |tx, (tenant, user, id)| {
        Box::pin(async move { Ok(find(tx, (*tenant, *user), *id).await?.into()) })
    })
    .await
}

/// Marks a notification as read, or as not read. One that is marked so already stays as it is.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn mark(
    db: &Db,
    scope: TenantScope,
    user: UserId,
    id: EntryId,
    is_read: bool,
) -> Result<Notification, DbError> {
    db.write(scope, (scope.tenant, user, id, is_read), |tx, (tenant, user, id, is_read)| {
        Box::pin(async move {
            let of = (*tenant, *user);
            find(tx, of, *id).await?;
            let n_changed = match is_read {
                true => set_read(tx, own_rows(of).add(notification::Column::Id.eq(Col(*id)))).await?,
                false => {
                    let read = own_rows(of).add(notification::Column::Id.eq(Col(*id)));
                    let update = notification::Entity::update_many()
                        .col_expr(notification::Column::ReadAt, Expr::value(None::<i64>))
                        .filter(read.add(notification::Column::ReadAt.is_not_null()));
                    update.exec(tx.on()).await?.rows_affected
                }
            };
            match (n_changed, is_read) {
                (0, _) => {}
                (_, true) => feed::read(tx, of, feed::Marked::These(&[*id])),
                (_, false) => feed::recounted(tx, of),
            }
            Ok(find(tx, of, *id).await?.into())
        })
    })
    .await
}

/// Marks many notifications of a person as read. Returns how many became so, and how many are unread now.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn mark_read(db: &Db, scope: TenantScope, user: UserId, which: Marked) -> Result<(u64, u64), DbError> {
    db.write(scope, (scope.tenant, user, which), |tx, (tenant, user, which)| {
        Box::pin(async move {
            use notification::Column as C;
            let of = (*tenant, *user);
            let rows = match which {
                Marked::These(ids) => own_rows(of).add(C::Id.is_in(ids.iter().copied().map(Col))),
                Marked::All(Some(before)) => own_rows(of).add(C::CreatedAt.lte(Col(*before))),
                Marked::All(None) => own_rows(of),
            };
            let n_changed = match which {
                Marked::These(_) => {
                    // What the stream says names no notification of somebody else.
                    let ids = notification::Entity::find().filter(rows.clone().add(C::ReadAt.is_null()));
                    let ids: Vec<Col<EntryId>> =
                        ids.select_only().column(C::Id).order_by_asc(C::Id).into_tuple().all(tx.on()).await?;
                    let ids: Vec<EntryId> = ids.into_iter().map(Col::value).collect();
                    let n_changed = set_read(tx, rows).await?;
                    if n_changed > 0 {
                        feed::read(tx, of, feed::Marked::These(&ids));
                    }
                    n_changed
                }
                Marked::All(before) => {
                    let n_changed = set_read(tx, rows).await?;
                    if n_changed > 0 {
                        feed::read(tx, of, feed::Marked::All(*before));
                    }
                    n_changed
                }
            };
            Ok((n_changed, unread(tx, of).await?))
        })
    })
    .await
}

/// Deletes a notification of a person.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn delete(db: &Db, scope: TenantScope, user: UserId, id: EntryId) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, user, id), |tx, (tenant, user, id)| {
        Box::pin(async move {
            let of = (*tenant, *user);
            let row = find(tx, of, *id).await?;
            notification::Entity::delete_by_id((Col(*tenant), Col(*id))).exec(tx.on()).await?;
            if row.read_at.is_none() {
                feed::recounted(tx, of);
            }
            Ok(())
        })
    })
    .await
}

fn own_rows((tenant, user): (TenantId, UserId)) -> Condition {
    use notification::Column as C;
    Condition::all().add(C::TenantId.eq(Col(tenant))).add(C::UserId.eq(Col(user)))
}

fn own(of: (TenantId, UserId)) -> Select<notification::Entity> {
    notification::Entity::find().filter(own_rows(of))
}

async fn find(tx: &Tx<'_>, of: (TenantId, UserId), id: EntryId) -> Result<notification::Model, DbError> {
    let found = own(of).filter(notification::Column::Id.eq(Col(id))).one(tx.on()).await?;
    found.ok_or(DbError::NotFound("notification"))
}

async fn set_read(tx: &Tx<'_>, rows: Condition) -> Result<u64, DbError> {
    use notification::Column as C;
    let update = notification::Entity::update_many().col_expr(C::ReadAt, Expr::value(Col(tx.now().await?)));
    Ok(update.filter(rows.add(C::ReadAt.is_null())).exec(tx.on()).await?.rows_affected)
}

async fn unread(tx: &Tx<'_>, of: (TenantId, UserId)) -> Result<u64, DbError> {
    Ok(own(of).filter(notification::Column::ReadAt.is_null()).count(tx.on()).await?)
}

impl From<notification::Model> for Notification {
    fn from(row: notification::Model) -> Self {
        Self { user: row.user_id.0, read_at: row.read_at.map(Col::value), entry: entry!(row) }
    }
}
