//! Reading stored files: each object once in an interval, however many files name it, at a pace that leaves the disk to
//! others. What is found goes into the record of the object and into the log of artifacts.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::{ChoreError, kept_tenants, orphans};
use crate::config::Settings;
use crate::objects;
use crate::settings::InForce;
use crate::store::{Examined, Pace, Store};
use packshot_contract::chore::{DamagedFile, ScrubResult};
use packshot_db::artifacts::scrub::{self as rows, Located, Named};
use packshot_db::{Db, TenantScope, objects as records};
use packshot_domain::artifact::LocationState;
use packshot_domain::id::TenantId;
use packshot_domain::time::Timestamp;

/// How often the service looks for what has to be read again.
const EVERY: Duration = Duration::from_secs(60 * 60);
/// Objects that are looked for at once.
const AT_ONCE: u32 = 100;
/// Damaged files that a result lists; all of them are counted.
const LISTED: usize = 1000;

/// What is read, and how.
#[derive(Debug)]
pub struct Scrub<'a> {
    /// Rows.
    pub db: &'a Db,
    /// Files.
    pub store: &'a Store,
    /// How fast.
    pub pace: Pace,
}

/// Runs for as long as the service does.
pub async fn run(db: Db, store: Store, settings: Arc<Settings>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match due(&db, &store, &settings).await {
            Ok(ScrubResult { objects: 0, .. }) => {}
            Ok(ScrubResult { objects, bytes, missing, corrupt, healed, .. }) => {
                tracing::info!(objects, bytes, missing, corrupt, healed, "compared stored files with their hashes");
            }
            Err(error) => tracing::warn!("stored files cannot be compared with their hashes: {error}"),
        }
    }
}

/// Reads what was not read within the interval of the settings.
///
/// # Errors
/// [`ChoreError`]: the rest is read the next time.
pub async fn due(db: &Db, store: &Store, settings: &Settings) -> Result<ScrubResult, ChoreError> {
    let in_force = InForce::of_instance(db, settings).await?;
    let scrub = Scrub { db, store, pace: Pace::of_mb_per_s(in_force.scrub_rate_mb_s) };
    let before = db.now().await? - in_force.scrub_interval;
    let mut result = ScrubResult::default();
    for tenant in kept_tenants(db).await? {
        scrub.of_tenant(tenant, before, &mut result, &|_| {}).await?;
    }
    Ok(result)
}

impl Scrub<'_> {
    /// Reads everything that these tenants have now, and counts what nothing knows. `went_on` gets the number of
    /// objects that were read so far.
    ///
    /// # Errors
    /// [`ChoreError`].
    pub async fn everything(
        &self,
        tenants: &[TenantId],
        went_on: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<ScrubResult, ChoreError> {
        let mut result = ScrubResult::default();
        for tenant in tenants {
            let now = self.db.now().await?;
            self.of_tenant(*tenant, now, &mut result, went_on).await?;
            let orphans::Orphans { objects, bytes } = orphans::count(self.db, self.store, *tenant).await?;
            result.orphans += objects;
            result.orphan_bytes += bytes;
        }
        Ok(result)
    }

    /// Reads what a tenant has and was not read since `before`.
    async fn of_tenant(
        &self,
        tenant: TenantId,
        before: Timestamp,
        result: &mut ScrubResult,
        went_on: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<(), ChoreError> {
        let scope = TenantScope::of(tenant);
        loop {
            let pending = rows::pending(self.db, scope, before, AT_ONCE).await?;
            let mut n_read = 0;
            for named in &pending {
                let Some((examined, located)) = self.read(scope, named).await? else { continue };
                n_read += 1;
                add(result, tenant, named, &examined, located);
                went_on(result.objects);
            }
            // What was stored again while it was read is read the next time.
            if n_read == 0 {
                return Ok(());
            }
        }
    }

    /// Reads an object and stores what was found; `None` when it was removed or stored again meanwhile.
    async fn read(&self, scope: TenantScope, named: &Named) -> Result<Option<(Examined, Vec<Located>)>, ChoreError> {
        let seen = records::find(self.db, scope, named.address).await?;
        let mut examined = self.store.examine(scope.tenant, &named.address, &self.pace).await?;
        if !matches!(examined, Examined::Whole(_)) {
            // A disk that failed once may read it the next time: only what fails twice is called damaged.
            examined = self.store.examine(scope.tenant, &named.address, &self.pace).await?;
        }
        let located = objects::settle(self.db, scope, (named.address, seen.as_ref()), &examined).await?;
        Ok(located.map(|located| (examined, located)))
    }
}

/// Adds what was found in the place of an object.
fn add(result: &mut ScrubResult, tenant: TenantId, named: &Named, examined: &Examined, located: Vec<Located>) {
    result.objects += 1;
    match examined {
        Examined::Whole(digests) => {
            result.bytes += digests.size_bytes;
            result.healed += u64::from(located.iter().any(Located::has_changed));
        }
        Examined::Missing => result.missing += 1,
        Examined::Other { size_bytes, .. } => {
            result.bytes += size_bytes;
            result.corrupt += 1;
        }
    }
    for Located { file, package, path, state, .. } in located {
        if state == LocationState::Intact {
            continue;
        }
        result.n_damaged += 1;
        if result.damaged.len() < LISTED {
            result.damaged.push(DamagedFile {
                tenant_id: tenant.uuid(),
                package_id: package.uuid(),
                file_id: file.uuid(),
                relative_path: path.to_string(),
                content_address: named.address.to_string(),
                state: state.to_string(),
            });
        }
    }
}
