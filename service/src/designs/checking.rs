//! Every five minutes: what was to be taken back and was not, jobs whose design nobody stores any more, and working
//! folders of jobs that have ended.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::app::{Deed, Deeds};
use crate::config::Settings;
use crate::renders::of_design;
use packshot_db::designs::{checking as rows, publishing};
use packshot_db::{AllTenants, Db, DbError, TenantScope};
use packshot_domain::id::DesignJobId;

/// How often to look.
const EVERY: Duration = Duration::from_secs(300);
/// How long a design may take to be stored.
const STORED_WITHIN: Duration = Duration::from_secs(600);

/// Runs for as long as the service does.
pub async fn run(db: Db, settings: Arc<Settings>, deeds: Arc<dyn Deeds>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = check(&db, &settings, &*deeds).await {
            tracing::warn!("cannot look after design jobs: {error}");
        }
    }
}

/// Looks once.
///
/// # Errors
/// Errors of the database.
pub async fn check(db: &Db, settings: &Settings, deeds: &dyn Deeds) -> Result<(), DbError> {
    for (tenant, job) in rows::owing(db, AllTenants::Housekeeping).await? {
        if let Err(error) = settle(db, deeds, TenantScope::of(tenant), job).await {
            tracing::warn!("what the design job {job} did cannot be taken back yet: {error}");
        }
    }
    let abandoned = rows::abandon(db, AllTenants::Housekeeping, STORED_WITHIN).await?;
    if abandoned > 0 {
        tracing::warn!(abandoned, "ended design jobs whose design was never stored");
    }
    of_design::sweep(db, settings).await
}

/// Takes back what a job did that has ended without its pictures.
pub(super) async fn settle(db: &Db, deeds: &dyn Deeds, scope: TenantScope, job: DesignJobId) -> Result<(), DbError> {
    if !rows::is_owing(db, scope, job).await? {
        return Ok(());
    }
    if let Err(failure) = deeds.may(Deed::TakeBack) {
        return Err(DbError::Unsupported(failure.detail));
    }
    publishing::settle(db, scope, job).await.map(drop)
}
