//! Alerts, as they are read: newest first, in pages.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::entry::{Entry, entry};
use crate::column::Col;
use crate::entity::alert;
use crate::{Db, DbError, Page, PageRequest, ReadScope};
use packshot_domain::channel::{AlertState, AlertType, Severity, Subject};
use packshot_domain::time::Timestamp;

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

/// A page of alerts, newest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(
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
