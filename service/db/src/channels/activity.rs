//! The activity of a tenant, as it is read: newest first, in pages.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select};
use uuid::Uuid;

use super::entry::{Entry, entry};
use crate::column::Col;
use crate::entity::{activity_entry, order};
use crate::tx::Tx;
use crate::{Db, DbError, Page, PageRequest, ReadScope, TenantScope};
use packshot_domain::channel::{ActivityType, Severity, Subject};
use packshot_domain::id::{OrderId, OrderLineId, UserId};
use packshot_domain::time::Timestamp;

/// An entry of the activity.
pub type Activity = Entry<ActivityType>;

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

/// A page of the activity, newest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(
    db: &Db,
    scope: impl Into<ReadScope>,
    filter: ActivityFilter,
    page: PageRequest,
) -> Result<Page<Activity>, DbError> {
    let scope = scope.into();
    db.read(scope, (scope, filter, page), |tx, (scope, filter, page)| {
        Box::pin(async move { page_of(tx, *scope, filter, page).await })
    })
    .await
}

/// The first page of a tenant's activity, and the number of the last entry that it could contain.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn begin(
    db: &Db,
    scope: TenantScope,
    filter: ActivityFilter,
    page: PageRequest,
) -> Result<(Page<Activity>, i64), DbError> {
    use activity_entry::Column as C;
    db.read_snapshot(scope, (scope, filter, page), |tx, (scope, filter, page)| {
        Box::pin(async move {
            let shown = page_of(tx, (*scope).into(), filter, page).await?;
            let last = activity_entry::Entity::find().filter(C::TenantId.eq(Col(scope.tenant)));
            let last = last.select_only().column_as(C::Seq.max(), "last").into_tuple::<Option<i64>>();
            Ok((shown, last.one(tx.on()).await?.flatten().unwrap_or(0)))
        })
    })
    .await
}

/// The entries of a tenant after a number, in order, at most `limit`.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn after(
    db: &Db,
    scope: TenantScope,
    filter: ActivityFilter,
    seq: i64,
    limit: u32,
) -> Result<Vec<Activity>, DbError> {
    use activity_entry::Column as C;
    db.read(scope, (scope, filter, seq, limit), |tx, (scope, filter, seq, limit)| {
        Box::pin(async move {
            let entries = narrowed((*scope).into(), filter).filter(C::Seq.gt(*seq));
            let rows = entries.order_by_asc(C::Seq).limit(u64::from(*limit)).all(tx.on()).await?;
            Ok(rows.into_iter().map(Activity::from).collect())
        })
    })
    .await
}

async fn page_of(
    tx: &Tx<'_>,
    scope: ReadScope,
    filter: &ActivityFilter,
    page: &PageRequest,
) -> Result<Page<Activity>, DbError> {
    use activity_entry::Column as C;
    let rows = page.narrow(narrowed(scope, filter), C::CreatedAt, C::Id).all(tx.on()).await?;
    Ok(page.cut(rows, |row| (row.created_at.0, row.id.0.uuid())))
}

/// The entries that a filter lets through.
fn narrowed(scope: ReadScope, filter: &ActivityFilter) -> Select<activity_entry::Entity> {
    use activity_entry::Column as C;
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
    conditions.into_iter().flatten().fold(entries, QueryFilter::filter)
}

impl From<activity_entry::Model> for Activity {
    fn from(row: activity_entry::Model) -> Self {
        entry!(row)
    }
}
