//! Two services on one PostgreSQL database and one store, each killed again and again while the other goes on.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use packshot_contract::client::{Client, ClientError};
use packshot_db::DatabaseConfig;
use packshot_db::testing::TestDatabase;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::product::of_any_kind;
use crate::service::{Service, Setup, percentile};
use crate::{Finding, verify};

/// Kills of each service.
const KILLS: u32 = 50;
/// Jobs submitted at one time.
const SUBMITTERS: u32 = 6;
/// How long all that is left over may take in the end.
const SETTLE: Duration = Duration::from_secs(1800);

/// What submitters share with who kills.
#[derive(Default)]
struct Shared {
    /// The two services as they run now.
    clients: RwLock<Vec<Client>>,
    acknowledged: Mutex<BTreeMap<u32, Uuid>>,
    faults: Mutex<Vec<String>>,
}

pub(crate) async fn run(setup: &Setup) -> Finding {
    let what = "two services on one PostgreSQL and one store, each killed".to_owned();
    let Some(url) = database().await else {
        let faults = vec!["not tried: PACKSHOT_TEST_POSTGRES names no server".to_owned()];
        return Finding { what, figures: String::new(), faults };
    };
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("store");
    let start = |n: usize| start(setup, folder.path(), &store, &url, n);
    // One after the other: the first makes the schema and the store.
    let mut services = [start(0), start(1)];
    let shared = Arc::new(Shared::default());
    *shared.clients.write().expect("no panic") = services.iter().map(|service| service.client.clone()).collect();
    let load: Vec<_> = (0..SUBMITTERS).map(|n| load(shared.clone(), n)).collect();

    let rounds = setup.count(KILLS) * 2;
    let mut starts = Vec::new();
    for round in 0..rounds {
        // Moments between 0.1 and 1.5 s after the last one, by the golden ratio, so that none is tried twice.
        let share = (f64::from(round) * 0.618_033_988).fract();
        tokio::time::sleep(Duration::from_secs_f64(0.1 + 1.4 * share)).await;
        let n = (round % 2) as usize;
        services[n].end();
        services[n] = start(n);
        starts.push(services[n].start);
        shared.clients.write().expect("no panic")[n] = services[n].client.clone();
    }
    load.iter().for_each(JoinHandle::abort);

    let jobs = shared.acknowledged.lock().expect("no panic").clone();
    let mut faults = std::mem::take(&mut *shared.faults.lock().expect("no panic"));
    let verdict = verify::jobs(&services[0].client, &jobs, SETTLE, verify::DEATHS_WITH_PROCESSES).await;
    faults.extend(verdict.faults);
    for id in &verdict.given_up {
        faults.extend(verify::requeued(&services[0], *id).await);
    }
    for id in jobs.values() {
        let (one, other) = (services[0].client.job(*id).await, services[1].client.job(*id).await);
        match (one, other) {
            (Ok(one), Ok(other)) if one.state == other.state => {}
            (one, other) => {
                faults.push(format!("job {id}: {:?} and {:?}", one.map(|j| j.state), other.map(|j| j.state)))
            }
        }
    }
    services.into_iter().for_each(Service::kill);
    let (n_objects, damaged) = verify::objects(&store);
    faults.extend(damaged);
    faults.truncate(10);
    let figures = format!(
        "{} kills of each, {} jobs acknowledged, {} of them given up after {} deaths and done when put back, {n_objects} \
         objects intact, ready after {:.0?} (median), {:.0?} (slowest)",
        rounds / 2,
        jobs.len(),
        verdict.given_up.len(),
        verify::DEATHS_WITH_PROCESSES,
        percentile(&mut starts, 0.5),
        percentile(&mut starts, 1.0)
    );
    Finding { what, figures, faults }
}

/// The URL of a new database; `None` without a server.
async fn database() -> Option<String> {
    let engine = TestDatabase::postgres()?.as_one_role();
    match engine.fresh(Path::new("")).await.expect("the server of PACKSHOT_TEST_POSTGRES") {
        DatabaseConfig::Postgres { urls, .. } => Some(urls.app().to_owned()),
        DatabaseConfig::Sqlite { .. } => None,
    }
}

fn start(setup: &Setup, folder: &Path, store: &Path, url: &str, n: usize) -> Service {
    let data = folder.join(format!("data-{n}"));
    let store = store.to_str().expect("a path that is text");
    setup.start(&data, &["--workers", "process", "--database-url", url], &[("PACKSHOT_STORE_PATH", store)])
}

/// Submits without a pause to whichever service answers. What one did not acknowledge is sent to the other under the
/// same key.
fn load(shared: Arc<Shared>, n: u32) -> JoinHandle<()> {
    tokio::spawn(async move {
        for seed in (n..).step_by(SUBMITTERS as usize) {
            let submission = of_any_kind("pair", seed, 8, 2);
            for attempt in n.. {
                let client = shared.clients.read().expect("no panic")[attempt as usize % 2].clone();
                match client.submit_once(&submission).await {
                    Ok(job) => {
                        let before = lock(&shared.acknowledged).insert(seed, job.id);
                        if before.is_some_and(|before| before != job.id) {
                            lock(&shared.faults).push(format!("seed {seed} is two jobs"));
                        }
                        break;
                    }
                    Err(error @ ClientError::Refused { retry_after: None, .. }) => {
                        return lock(&shared.faults).push(error.to_string());
                    }
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
