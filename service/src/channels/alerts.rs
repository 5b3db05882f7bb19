//! Trouble with the installation, and with what a tenant has in it.

use super::shown;
use crate::app::{App, AppError, Page, PageRequest};
use packshot_contract::channel::{self as contract, Channel};
use packshot_db::channels::alerts::{self as rows, Sight};
use packshot_domain::id::{EntryId, UserId};
use packshot_domain::principal::Principal;
use packshot_domain::reader::Reader;

pub use packshot_db::channels::alerts::AlertFilter;

/// A page of alerts, newest first.
///
/// # Errors
/// Errors of the database.
pub async fn list(
    app: &App,
    reader: &Reader,
    filter: AlertFilter,
    page: PageRequest,
) -> Result<Page<contract::Alert>, AppError> {
    let Page { items, next } = rows::list(&app.db, reader, filter, page).await?;
    Ok(Page { items: items.into_iter().map(alert).collect(), next })
}

/// An alert that the caller sees.
///
/// # Errors
/// [`Code::AlertNotFound`](crate::app::Code::AlertNotFound).
pub async fn get(app: &App, who: &Principal, id: EntryId) -> Result<contract::Alert, AppError> {
    Ok(alert(rows::get(&app.db, Sight::from(who), id).await?))
}

/// Notes that the caller has seen an alert; who did so first stays.
///
/// # Errors
/// [`Code::AlertNotFound`](crate::app::Code::AlertNotFound).
pub async fn acknowledge(app: &App, who: &Principal, id: EntryId) -> Result<contract::Alert, AppError> {
    Ok(alert(rows::acknowledge(&app.db, Sight::from(who), who.user, id).await?))
}

/// How many alerts that the caller sees are open, and acknowledged by nobody.
///
/// # Errors
/// Errors of the database.
pub(super) async fn count_unseen(app: &App, who: &Principal) -> Result<u64, AppError> {
    Ok(rows::count_unseen(&app.db, Sight::from(who)).await?)
}

fn alert(row: rows::Alert) -> contract::Alert {
    let mut entry = shown(row.entry, Channel::Alert, |of| of.as_str());
    entry.tenant_id = entry.tenant_id.filter(|_| !row.of_instance);
    contract::Alert {
        entry,
        state: row.state.into(),
        occurrences: row.occurrences,
        last_seen_at: row.last_seen_at.into(),
        resolved_at: row.resolved_at.map(Into::into),
        acknowledged_by: row.acknowledged_by.map(UserId::uuid),
        acknowledged_at: row.acknowledged_at.map(Into::into),
    }
}
