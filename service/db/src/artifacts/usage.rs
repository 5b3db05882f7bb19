//! How much a tenant's artifacts are.

use std::time::Duration;

use crate::column::{arg, cell};
use crate::tx::Tx;
use crate::{Db, DbError, TenantScope};
use packshot_domain::artifact::RetentionClass;
use packshot_domain::id::TenantId;

/// How much a tenant's artifacts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Objects in the store. Equal bytes are one object.
    pub objects: i64,
    /// Their bytes.
    pub bytes: i64,
    /// The bytes of each class, in the order of the classes: of objects that packages of it name. What packages of two
    /// classes name counts for both.
    pub by_class: Vec<(RetentionClass, i64)>,
    /// The bytes of objects that only packages name that are due within the time that was asked for and not held.
    pub expiring_bytes: i64,
}

const STORED: &str = "
    SELECT COUNT(*), CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) FROM objects WHERE tenant_id = $1";

const BY_CLASS: &str = "
    SELECT x.retention_class, CAST(SUM(x.size_bytes) AS BIGINT) FROM (
        SELECT DISTINCT p.retention_class, l.content_address, l.size_bytes FROM storage_locations l
        JOIN artifact_files f ON f.tenant_id = l.tenant_id AND f.id = l.artifact_file_id
        JOIN artifact_packages p ON p.tenant_id = f.tenant_id AND p.id = f.package_id
        WHERE l.tenant_id = $1) x
    GROUP BY x.retention_class";

const EXPIRING: &str = "
    SELECT CAST(COALESCE(SUM(o.size_bytes), 0) AS BIGINT) FROM objects o
    WHERE o.tenant_id = $1
    AND EXISTS (SELECT 1 FROM storage_locations l
        WHERE l.tenant_id = o.tenant_id AND l.content_address = o.content_address)
    AND NOT EXISTS (SELECT 1 FROM storage_locations l
        JOIN artifact_files f ON f.tenant_id = l.tenant_id AND f.id = l.artifact_file_id
        LEFT JOIN retention_state r ON r.tenant_id = f.tenant_id AND r.package_id = f.package_id
        WHERE l.tenant_id = o.tenant_id AND l.content_address = o.content_address
        AND (r.expires_at IS NULL OR r.expires_at > $2 OR r.held))";

/// How much a tenant's artifacts are, and how much of that is due `within` a time from now.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn of(db: &Db, scope: TenantScope, within: Duration) -> Result<Usage, DbError> {
    db.read_snapshot(scope, (scope.tenant, within), |tx, (tenant, within)| Box::pin(count(tx, *tenant, *within))).await
}

async fn count(tx: &Tx<'_>, tenant: TenantId, within: Duration) -> Result<Usage, DbError> {
    let none = || DbError::Corrupt { what: "count", reason: "it has no value".to_owned() };
    let until = tx.now().await? + within;
    let stored = tx.query(STORED, [arg(tenant)]).await?;
    let stored = stored.first().ok_or_else(none)?;
    let (objects, bytes) = (stored.try_get_by_index(0)?, stored.try_get_by_index(1)?);
    let mut by_class: Vec<(RetentionClass, i64)> = RetentionClass::ALL.iter().map(|class| (*class, 0)).collect();
    for row in tx.query(BY_CLASS, [arg(tenant)]).await? {
        let (class, bytes): (RetentionClass, i64) = (cell(&row, 0)?, row.try_get_by_index(1)?);
        by_class.iter_mut().filter(|(own, _)| *own == class).for_each(|(_, sum)| *sum = bytes);
    }
    let expiring = tx.query(EXPIRING, [arg(tenant), arg(until)]).await?;
    let expiring_bytes = expiring.first().ok_or_else(none)?.try_get_by_index(0)?;
    Ok(Usage { objects, bytes, by_class, expiring_bytes })
}
