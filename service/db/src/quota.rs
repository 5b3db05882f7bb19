//! How much a tenant may have waiting and stored (tenancy.md §8). A limit is checked in the transaction that adds what
//! it counts, after adding and under the lock of the tenant's configuration: so it is exact however many requests add
//! at once, and the lock is held only for a moment.

use std::sync::LazyLock;

use super::column::arg;
use super::error::Exceeded;
use super::tx::Tx;
use super::{DbError, tenant_configs};
use packshot_domain::id::TenantId;
use packshot_domain::job::{JobKind, JobState};

/// Waiting jobs, of any kind. Kinds and states make it use an index.
static WAITING: LazyLock<String> = LazyLock::new(|| {
    let listed = |words: &[&str]| words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", ");
    let kinds = JobKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>();
    let states = [JobState::Pending, JobState::Queued].map(JobState::as_str);
    let (kinds, states) = (listed(&kinds), listed(&states));
    format!("SELECT COUNT(*) FROM jobs WHERE tenant_id = $1 AND kind IN ({kinds}) AND state IN ({states})")
});

/// Design jobs whose design is being stored.
const TO_COME: &str = "SELECT COUNT(*) FROM design_jobs WHERE tenant_id = $1 AND status = 'pending' AND job_id IS NULL";

const STORED: &str = "SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) FROM objects WHERE tenant_id = $1";

/// Checks the limits of a tenant with a new job that waits and will store files. It is already written, and so is
/// counted; others that add something wait here until this transaction ends.
pub(super) async fn check_job(tx: &Tx<'_>, tenant: TenantId) -> Result<(), DbError> {
    let limits = tenant_configs::lock(tx, tenant).await?.config;
    if number(tx, tenant, &WAITING).await? > i64::from(limits.max_queued_jobs) {
        return Err(Exceeded::QueuedJobs { max: limits.max_queued_jobs }.into());
    }
    // How much it will store is not known, but it is at least one byte.
    check_stored(tx, tenant, limits.max_storage_bytes, 1).await
}

/// Checks the limits of a tenant with a new design job, which is written and gets its job when its design is stored:
/// until then it counts as one that waits.
pub(super) async fn check_design(tx: &Tx<'_>, tenant: TenantId) -> Result<(), DbError> {
    let limits = tenant_configs::lock(tx, tenant).await?.config;
    let waiting = number(tx, tenant, &WAITING).await?;
    if waiting + number(tx, tenant, TO_COME).await? > i64::from(limits.max_queued_jobs) {
        return Err(Exceeded::QueuedJobs { max: limits.max_queued_jobs }.into());
    }
    check_stored(tx, tenant, limits.max_storage_bytes, 1).await
}

/// Checks the limit of stored bytes with a new object, which is recorded already. Without a limit no lock is taken.
pub(super) async fn check_object(tx: &Tx<'_>, tenant: TenantId) -> Result<(), DbError> {
    if tenant_configs::load(tx, tenant).await?.config.max_storage_bytes.is_none() {
        return Ok(());
    }
    let limits = tenant_configs::lock(tx, tenant).await?.config;
    check_stored(tx, tenant, limits.max_storage_bytes, 0).await
}

/// Checks that there is room for what is stored, and for so many bytes more.
async fn check_stored(tx: &Tx<'_>, tenant: TenantId, max: Option<i64>, more: i64) -> Result<(), DbError> {
    let Some(max) = max else { return Ok(()) };
    let needed = number(tx, tenant, STORED).await?.saturating_add(more);
    if needed > max { Err(Exceeded::StoredBytes { needed, max }.into()) } else { Ok(()) }
}

async fn number(tx: &Tx<'_>, tenant: TenantId, sql: &str) -> Result<i64, DbError> {
    let rows = tx.query(sql, [arg(tenant)]).await?;
    let row = rows.first().ok_or(DbError::Corrupt { what: "count", reason: "it has no value".to_owned() })?;
    Ok(row.try_get_by_index(0)?)
}
