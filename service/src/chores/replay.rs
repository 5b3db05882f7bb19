//! Replaying the logs of all tenants, one after the other.

use super::{ChoreError, kept_tenants};
use packshot_contract::chore::{ReplayDifference, ReplayMode, ReplayResult};
use packshot_db::artifacts::replay::{self, Difference, DifferenceKind, Report};
use packshot_db::{Db, DbError, TenantScope};
use packshot_domain::audit::Actor;
use packshot_domain::id::TenantId;

/// Differences that a result lists; all of them are counted.
const LISTED: usize = 100;

/// Compares the views of every tenant with its log, or puts what the log says in their place. A tenant whose log is
/// damaged keeps its views, and those after it are looked at all the same. `went_on` gets the share of the tenants that
/// are done, 0 to 1.
///
/// # Errors
/// [`ChoreError::Log`] of the first tenant whose log is damaged; [`ChoreError::Database`].
pub(super) async fn all(
    db: &Db,
    mode: ReplayMode,
    went_on: &(dyn Fn(f64) + Send + Sync),
) -> Result<ReplayResult, ChoreError> {
    let tenants = kept_tenants(db).await?;
    let (events, packages, files, n_differences) = (0, 0, 0, 0);
    let n_tenants = tenants.len() as u64;
    let mut result =
        ReplayResult { mode, tenants: n_tenants, events, packages, files, differences: Vec::new(), n_differences };
    let mut damaged = None;
    for (i, tenant) in tenants.iter().enumerate() {
        match one(db, mode, *tenant).await {
            Ok(report) => add(&mut result, *tenant, &report),
            Err(error @ ChoreError::Log { .. }) => {
                tracing::error!("the log of artifacts cannot be replayed: {error}");
                damaged.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
        went_on((i + 1) as f64 / tenants.len() as f64);
    }
    damaged.map_or(Ok(result), Err)
}

async fn one(db: &Db, mode: ReplayMode, tenant: TenantId) -> Result<Report, ChoreError> {
    let scope = TenantScope::of(tenant);
    let replayed = match mode {
        ReplayMode::Verify => replay::verify(db, scope).await,
        ReplayMode::Rebuild => replay::rebuild(db, scope, Actor::system()).await,
    };
    replayed.map_err(|error| match error {
        DbError::Artifact(error) => ChoreError::Log { tenant, error },
        error => ChoreError::Database(error),
    })
}

fn add(result: &mut ReplayResult, tenant: TenantId, report: &Report) {
    result.events += report.events.unsigned_abs();
    result.packages += report.packages as u64;
    result.files += report.files as u64;
    result.n_differences += report.n_differences;
    let room = LISTED - result.differences.len();
    result.differences.extend(report.differences.iter().take(room).map(|difference| shown(tenant, difference)));
}

fn shown(tenant: TenantId, difference: &Difference) -> ReplayDifference {
    let Difference { table, row, kind } = *difference;
    let (kind, column) = match kind {
        DifferenceKind::Missing => ("missing", None),
        DifferenceKind::Unexpected => ("unexpected", None),
        DifferenceKind::Column(column) => ("column", Some(column.to_owned())),
    };
    ReplayDifference { tenant_id: tenant.uuid(), table: table.to_owned(), row, column, kind: kind.to_owned() }
}
