//! CAD files that are being processed for too long: found and released every few minutes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};

use packshot_db::cad_files::{self as rows, Stuck};
use packshot_db::{AllTenants, Db, DbError, channels};
use packshot_domain::channel::{AlertType, Message, Severity};
use packshot_domain::id::TenantId;

/// How often to look.
const EVERY: Duration = Duration::from_secs(300);
/// How long a file may be processed.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// Runs for as long as the service does.
pub async fn run(db: Db) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = check(&db).await {
            tracing::warn!("cannot look for stuck CAD files: {error}");
        }
    }
}

/// Releases every CAD file that is being processed for too long: it is tried anew, or, after the third time, has
/// failed. Says so once for each tenant, and returns them.
///
/// # Errors
/// Errors of the database.
pub async fn check(db: &Db) -> Result<Vec<Stuck>, DbError> {
    let released = rows::release(db, AllTenants::Housekeeping, LONGEST).await?;
    let mut of_tenants: BTreeMap<TenantId, Vec<&Stuck>> = BTreeMap::new();
    for stuck in &released {
        of_tenants.entry(stuck.tenant).or_default().push(stuck);
    }
    for (tenant, files) in of_tenants {
        // The files are released: what cannot be told to one tenant keeps nothing from the others.
        if let Err(reason) = tell(db, tenant, &files).await {
            tracing::error!(%tenant, "an alert cannot be written: {reason}");
        }
    }
    Ok(released)
}

/// Says what was stuck in a tenant: to its admins, and in the log.
async fn tell(db: &Db, tenant: TenantId, files: &[&Stuck]) -> Result<(), DbError> {
    let named = files.iter().map(|stuck| {
        let Stuck { file, name, still_for, has_failed, .. } = stuck;
        let minutes = still_for.as_secs() / 60;
        let then = if *has_failed { "has failed" } else { "is tried again" };
        format!("{name} ({file}) was processed for {minutes} min and {then}")
    });
    let named = named.collect::<Vec<_>>().join("; ");
    tracing::warn!(%tenant, n_files = files.len(), "[WORKER_RECOVERY] stuck CAD files: {named}");
    let ids: Vec<String> = files.iter().map(|stuck| stuck.file.to_string()).collect();
    let message = Message::new(&format!("Stuck CAD files: {named}"));
    let data = json!({"cad_file_ids": ids});
    let kind = (AlertType::CadFileStuck, Severity::Warning);
    channels::alert(db, AllTenants::Housekeeping, tenant, kind, message, data).await
}
