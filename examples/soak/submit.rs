//! 10,000 submissions over 500 connections.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use packshot_contract::client::ClientError;
use uuid::Uuid;

use crate::Finding;
use crate::product::submission;
use crate::service::{Service, Setup, percentile};

/// The slowest hundredth may wait so many times as long as the median.
const TIMES_MEDIAN_MAX: u32 = 3;

/// What one connection saw.
#[derive(Default)]
struct Seen {
    accepted: Vec<Uuid>,
    times: Vec<Duration>,
    faults: Vec<String>,
    n_busy: u32,
}

pub(crate) async fn run(setup: &Setup) -> Finding {
    let folder = tempfile::tempdir().expect("a folder");
    let service = setup.start(&folder.path().join("data"), &[], &[]);
    let (n, connections) = (setup.count(10_000), setup.count(500));
    let memory_before_mib = service.memory_mib();
    let next = Arc::new(AtomicU32::new(0));
    let began = Instant::now();
    let tasks: Vec<_> =
        (0..connections).map(|_| tokio::spawn(submit(service.address.clone(), next.clone(), n))).collect();
    let mut all = Seen::default();
    for task in tasks {
        let seen = task.await.expect("no panic");
        all.accepted.extend(seen.accepted);
        all.times.extend(seen.times);
        all.faults.extend(seen.faults);
        all.n_busy += seen.n_busy;
    }
    let took = began.elapsed();
    let distinct: BTreeSet<Uuid> = all.accepted.iter().copied().collect();
    let rows = rows(&service).await;
    if distinct.len() != all.accepted.len() || rows != distinct {
        all.faults.push(format!("{} accepted, {} distinct, {} rows", all.accepted.len(), distinct.len(), rows.len()));
    }
    let (p50, p99) = (percentile(&mut all.times, 0.5), percentile(&mut all.times, 0.99));
    // Every connection has one request under way, so the median is what the machine's speed makes it; but nobody waits
    // much longer.
    if p99 > p50 * TIMES_MEDIAN_MAX {
        all.faults.push(format!("p99 of accepting is {p99:.2?} where the median is {p50:.2?}"));
    }
    all.faults.truncate(5);
    let figures = format!(
        "{n} submissions over {connections} connections in {took:.1?}: {:.0} per second, accepted within {p50:.1?} (median), \
         {p99:.2?} (p99), {} told to come back; {} rows; memory {memory_before_mib} MiB before, {} MiB at most",
        f64::from(n) / took.as_secs_f64(),
        all.n_busy,
        rows.len(),
        service.memory_mib()
    );
    Finding { what: "submissions under load".to_owned(), figures, faults: all.faults }
}

/// One connection: takes the next job until there is none.
async fn submit(address: String, next: Arc<AtomicU32>, n: u32) -> Seen {
    let client = packshot_contract::client::Client::new(&format!("http://{address}"), None).expect("an address");
    let mut seen = Seen::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= n {
            return seen;
        }
        let submission = submission("load", seed, 4, 1);
        loop {
            let began = Instant::now();
            match client.submit_once(&submission).await {
                Ok(job) => {
                    seen.times.push(began.elapsed());
                    seen.accepted.push(job.id);
                    break;
                }
                // 429 and 503 say when to come back; everything else must not happen.
                Err(ClientError::Refused { retry_after: Some(pause), .. }) => {
                    seen.n_busy += 1;
                    tokio::time::sleep(pause).await;
                }
                Err(error) => {
                    seen.faults.push(error.to_string());
                    break;
                }
            }
        }
    }
}

/// The ids of all jobs that there are.
async fn rows(service: &Service) -> BTreeSet<Uuid> {
    let (mut ids, mut cursor) = (BTreeSet::new(), None::<String>);
    loop {
        let page = service.client.jobs(200, cursor.as_deref()).await.expect("a page");
        ids.extend(page.items.iter().map(|job| job.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return ids;
        }
    }
}
