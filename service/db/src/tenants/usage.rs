//! What a tenant uses, counted when somebody asks.

use std::sync::LazyLock;

use crate::DbError;
use crate::column::arg;
use crate::tx::Tx;
use packshot_domain::id::TenantId;
use packshot_domain::job::{JobKind, JobState};

/// What a tenant uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Its users, active or not.
    pub users: u64,
    /// The bytes of its files.
    pub storage_bytes: u64,
    /// Its jobs that have not begun.
    pub jobs_queued: u64,
    /// Its jobs that have begun and not ended.
    pub jobs_running: u64,
}

/// The kinds make the counts of jobs use an index.
static USAGE: LazyLock<String> = LazyLock::new(|| {
    let kinds = JobKind::ALL.iter().map(|kind| format!("'{kind}'")).collect::<Vec<_>>().join(", ");
    let (pending, queued, running) = (JobState::Pending, JobState::Queued, JobState::Running);
    format!(
        "SELECT (SELECT COUNT(*) FROM users WHERE tenant_id = $1 AND deleted_at IS NULL),
            (SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) FROM objects WHERE tenant_id = $1),
            (SELECT COUNT(*) FROM jobs WHERE tenant_id = $1 AND kind IN ({kinds}) AND state IN ('{pending}', '{queued}')),
            (SELECT COUNT(*) FROM jobs WHERE tenant_id = $1 AND kind IN ({kinds}) AND state = '{running}')"
    )
});

/// What a tenant uses.
pub(super) async fn of(tx: &Tx<'_>, tenant: TenantId) -> Result<Usage, DbError> {
    let rows = tx.query(&USAGE, [arg(tenant)]).await?;
    let Some(row) = rows.first() else { return Ok(Usage::default()) };
    let count = |index| row.try_get_by_index::<i64>(index).map(i64::unsigned_abs);
    Ok(Usage { users: count(0)?, storage_bytes: count(1)?, jobs_queued: count(2)?, jobs_running: count(3)? })
}
