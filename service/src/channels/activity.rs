//! What was done in a tenant.

use super::shown;
use crate::app::{App, AppError, Page, PageRequest};
use packshot_contract::channel::{Channel, Entry};
use packshot_db::TenantScope;
use packshot_db::channels::activity as rows;
use packshot_domain::access::Role;
use packshot_domain::principal::Principal;
use packshot_domain::reader::Reader;

pub use packshot_db::channels::activity::ActivityFilter;

/// Entries that are read at once.
pub const BATCH: u32 = 256;

/// A page of the activity, newest first. A client sees that of own orders.
///
/// # Errors
/// Errors of the database.
pub async fn list(
    app: &App,
    reader: &Reader,
    filter: ActivityFilter,
    page: PageRequest,
) -> Result<Page<Entry>, AppError> {
    let owner = (reader.who.role == Role::Client).then_some(reader.who.user);
    let filter = ActivityFilter { owner, ..filter };
    Ok(entries(rows::list(&app.db, reader, filter, page).await?))
}

/// The first page of the tenant's activity, and the number after which what follows is new.
///
/// # Errors
/// Errors of the database.
pub async fn begin(
    app: &App,
    who: &Principal,
    filter: ActivityFilter,
    page: PageRequest,
) -> Result<(Page<Entry>, i64), AppError> {
    let (page, last) = rows::begin(&app.db, TenantScope::of(who.tenant), filter, page).await?;
    Ok((entries(page), last))
}

/// The entries of the tenant after a number, in order, at most [`BATCH`].
///
/// # Errors
/// Errors of the database.
pub async fn after(app: &App, scope: TenantScope, filter: ActivityFilter, seq: i64) -> Result<Vec<Entry>, AppError> {
    let found = rows::after(&app.db, scope, filter, seq, BATCH).await?;
    Ok(found.into_iter().map(entry).collect())
}

fn entries(Page { items, next }: Page<rows::Activity>) -> Page<Entry> {
    Page { items: items.into_iter().map(entry).collect(), next }
}

fn entry(row: rows::Activity) -> Entry {
    shown(row, Channel::Activity, |of| of.as_str())
}
