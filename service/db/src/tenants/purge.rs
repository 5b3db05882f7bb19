//! The end of a tenant: its rows go piece by piece, each in a transaction that counts them, then its files, and a
//! tombstone stays. Whatever interrupts it, the next look finds the tenant and goes on.

use sea_orm::{ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, Statement};
use serde_json::{Map, json};

use super::{entry, rows};
use crate::column::{Col, arg};
use crate::entity::tenant;
use crate::migration::tables_of_tenants;
use crate::tx::Tx;
use crate::{AllTenants, Db, DbError, Json, audit, installation};
use packshot_domain::audit::{Action, Actor};
use packshot_domain::id::TenantId;
use packshot_domain::tenant::{TenantEvent, TenantStatus};

/// What refers to files: it goes first.
const REFERENCES: [&str; 5] = ["render_files", "render_inputs", "libraries", "artifact_checks", "storage_locations"];
/// Events go with their streams, and in no other way.
const EVENTS: &str = "events";
/// The table that they go with, and how many of its rows go at once: each may have thousands of events.
const STREAMS: (&str, u32) = ("streams", 20);

/// How far a purge is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Rows were removed, and there may be more.
    Rows,
    /// There are no rows: the files are next, and then [`bury`].
    Files,
    /// The tenant need not be purged, or no longer.
    Over,
}

/// The tenants whose time is over, and those whose purge was begun.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn due(db: &Db, all: AllTenants) -> Result<Vec<TenantId>, DbError> {
    use tenant::Column as C;
    db.read(all, (), |tx, ()| {
        Box::pin(async move {
            let is_over = Condition::all()
                .add(C::Status.eq(Col(TenantStatus::Deleting)))
                .add(C::DeleteAfter.lte(Col(tx.now().await?)));
            let is_due = Condition::any().add(is_over).add(C::Status.eq(Col(TenantStatus::Purging)));
            let rows = tenant::Entity::find().filter(is_due).order_by_asc(C::Id).all(tx.on()).await?;
            Ok(rows.into_iter().map(|row| row.id.0).collect())
        })
    })
    .await
}

/// Removes up to `rows_max` rows of a tenant whose time is over. From the first call on it cannot be restored.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached; nothing is removed then.
pub async fn remove_some(db: &Db, all: AllTenants, tenant: TenantId, rows_max: u32) -> Result<Progress, DbError> {
    db.write(all, (tenant, rows_max), |tx, (tenant, rows_max)| Box::pin(remove_in(tx, *tenant, *rows_max))).await
}

async fn remove_in(tx: &Tx<'_>, tenant: TenantId, rows_max: u32) -> Result<Progress, DbError> {
    let now = tx.now().await?;
    let mut row = match rows::lock(tx, tenant).await {
        Ok(row) => row,
        Err(DbError::NotFound(_)) => return Ok(Progress::Over),
        Err(error) => return Err(error),
    };
    let is_over = row.delete_after.is_some_and(|at| at.0 <= now);
    let status = row.status.0.next(TenantEvent::Purge).ok().filter(|_| is_over);
    let Some(status) = status else { return Ok(Progress::Over) };
    if status != row.status.0 {
        row.status = Col(status);
        rows::store(tx, &row).await?;
    }
    for table in order() {
        let removed = remove_of(tx, &table, tenant, rows_max).await?;
        if removed.iter().any(|(_, n)| *n > 0) {
            row.purged = Some(Col(with_more(row.purged.take().map(Col::value), &removed)));
            rows::store(tx, &row).await?;
            return Ok(Progress::Rows);
        }
    }
    Ok(Progress::Files)
}

/// Ends the purge of a tenant whose rows and files are gone: only its tombstone stays. Returns whether it has
/// ended: not if a row has been added in the meantime.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn bury(db: &Db, all: AllTenants, tenant: TenantId) -> Result<bool, DbError> {
    db.write(all, tenant, |tx, tenant| Box::pin(bury_in(tx, *tenant))).await
}

async fn bury_in(tx: &Tx<'_>, tenant: TenantId) -> Result<bool, DbError> {
    let operating = installation::load(tx).await?.operating_tenant;
    let before = match rows::lock(tx, tenant).await {
        Ok(row) => row,
        // Another process was faster.
        Err(DbError::NotFound(_)) => return Ok(true),
        Err(error) => return Err(error),
    };
    let status = before.status.0.next(TenantEvent::Bury)?;
    for table in order() {
        let sql = format!("SELECT 1 FROM {table} WHERE tenant_id = $1 LIMIT 1");
        if !tx.query(&sql, [arg(tenant)]).await?.is_empty() {
            return Ok(false);
        }
    }
    let now = tx.now().await?;
    let counts = before.purged.clone().map_or_else(|| json!({}), Col::value);
    let after = tenant::Model {
        status: Col(status),
        name: before.slug.0.to_string(),
        updated_at: Col(now),
        deleted_at: Some(Col(now)),
        ..before.clone()
    };
    rows::store(tx, &after).await?;
    let detail = json!({
        "before": {"status": TenantStatus::Deleting.as_str()},
        "after": {"status": status.as_str()},
        "slug": before.slug.0.as_str(),
        "rows": counts,
    });
    let by = Actor::system();
    audit::write(tx, operating, &by, [entry(Action::TenantPurged, tenant, detail)]).await?;
    Ok(true)
}

/// The tables in the order in which they are emptied: what refers to files, then each before what it refers to.
fn order() -> Vec<String> {
    let mut tables = tables_of_tenants();
    tables.retain(|table| table != EVENTS);
    tables.reverse();
    tables.sort_by_key(|table| !REFERENCES.contains(&table.as_str()));
    tables
}

/// Removes rows of one table; returns how many of it, and of what went with them.
async fn remove_of(tx: &Tx<'_>, table: &str, tenant: TenantId, rows_max: u32) -> Result<Vec<(String, u64)>, DbError> {
    let backend = tx.on().get_database_backend();
    // By the place of a row, which every table has; PostgreSQL goes to places directly only when they are in an array.
    let are_some = |limited: &str| match backend {
        DbBackend::Sqlite => format!("rowid IN (SELECT rowid FROM {table} WHERE tenant_id = $1 {limited})"),
        _ => format!("ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE tenant_id = $1 {limited}))"),
    };
    let mut removed = Vec::new();
    let (are_some, rows_max) = match table == STREAMS.0 {
        true => (are_some("ORDER BY kind, id LIMIT $2"), rows_max.min(STREAMS.1)),
        false => (are_some("LIMIT $2"), rows_max),
    };
    let values = || [arg(tenant), i64::from(rows_max).into()];
    if table == STREAMS.0 {
        let sql = format!(
            "SELECT COUNT(*) FROM {EVENTS} WHERE tenant_id = $1 \
             AND (kind, id) IN (SELECT kind, id FROM {table} WHERE {are_some})"
        );
        let counted = tx.query(&sql, values()).await?;
        let n: i64 = counted.first().map_or(Ok(0), |row| row.try_get_by_index(0))?;
        removed.push((EVENTS.to_owned(), n.unsigned_abs()));
    }
    let sql = format!("DELETE FROM {table} WHERE {are_some}");
    let done = tx.on().execute_raw(Statement::from_sql_and_values(backend, sql, values())).await?;
    removed.push((table.to_owned(), done.rows_affected()));
    Ok(removed)
}

/// Counts of rows by table, with more of some.
fn with_more(counts: Option<Json>, more: &[(String, u64)]) -> Json {
    let mut counts = match counts {
        Some(Json::Object(counts)) => counts,
        _ => Map::new(),
    };
    for (table, n) in more.iter().filter(|(_, n)| *n > 0) {
        let before = counts.get(table).and_then(Json::as_u64).unwrap_or(0);
        counts.insert(table.clone(), json!(before + n));
    }
    Json::Object(counts)
}

/// How many rows of a tenant each table has, without those that have none.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
#[cfg(feature = "testing")]
pub async fn rows_left(db: &Db, all: AllTenants, tenant: TenantId) -> Result<Vec<(String, u64)>, DbError> {
    db.read(all, tenant, |tx, tenant| {
        Box::pin(async move {
            let mut left = Vec::new();
            for table in tables_of_tenants() {
                let sql = format!("SELECT COUNT(*) FROM {table} WHERE tenant_id = $1");
                let counted = tx.query(&sql, [arg(*tenant)]).await?;
                let n: i64 = counted.first().map_or(Ok(0), |row| row.try_get_by_index(0))?;
                left.extend((n > 0).then(|| (table, n.unsigned_abs())));
            }
            Ok(left)
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_go_first_and_what_all_refer_to_last() {
        let order = order();
        assert!(order[..5].iter().all(|table| REFERENCES.contains(&table.as_str())), "{order:?}");
        let at = |table: &str| order.iter().position(|own| own == table).unwrap_or_else(|| panic!("{table}"));
        for (before, after) in [
            ("task_edges", "tasks"),
            ("renders", "jobs"),
            ("api_keys", "users"),
            ("refresh_tokens", "sessions"),
            ("artifact_checks", "storage_locations"),
            ("storage_locations", "artifact_files"),
            ("retention_state", "artifact_packages"),
            ("artifact_files", "artifact_packages"),
        ] {
            assert!(at(before) < at(after), "{before} refers to {after}: {order:?}");
        }
        assert!(order.iter().all(|table| table != EVENTS && table != "tenants"));
        assert!(at("objects") > 4 && at("audit_log") > 4);
    }

    #[test]
    fn counts_add_up() {
        let more = |n| [("jobs".to_owned(), n), ("users".to_owned(), 0)];
        let counts = with_more(Some(with_more(None, &more(2))), &more(3));
        assert_eq!(counts, json!({"jobs": 5}));
    }
}
