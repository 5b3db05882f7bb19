//! Counters of a tenant, which many share: they are locked last.

use super::DbError;
use super::column::arg;
use super::tx::Tx;
use packshot_domain::id::TenantId;

/// The next number of a tenant's counter, from 1. The caller has entered the level of streams.
pub(super) async fn next(tx: &Tx<'_>, tenant: TenantId, counter: &str) -> Result<i64, DbError> {
    take(tx, tenant, counter, 1).await
}

/// Takes the next `n` numbers of a tenant's counter, and returns the last of them. The caller has entered the level of
/// streams.
pub(super) async fn take(tx: &Tx<'_>, tenant: TenantId, counter: &str, n: i64) -> Result<i64, DbError> {
    let sql = "INSERT INTO counters (tenant_id, name, value) VALUES ($1, $2, $3) \
               ON CONFLICT (tenant_id, name) DO UPDATE SET value = counters.value + excluded.value RETURNING value";
    let rows = tx.query(sql, [arg(tenant), counter.into(), n.into()]).await?;
    let row = rows.first().ok_or(DbError::Corrupt { what: "counter", reason: "it has no value".to_owned() })?;
    Ok(row.try_get_by_index(0)?)
}
