//! The activity of a tenant, as it is read: newest first, in pages.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait};
use uuid::Uuid;

use super::entry::{Entry, entry};
use crate::column::Col;
use crate::entity::{activity_entry, order};
use crate::{Db, DbError, Page, PageRequest, ReadScope};
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

impl From<activity_entry::Model> for Activity {
    fn from(row: activity_entry::Model) -> Self {
        entry!(row)
    }
}
