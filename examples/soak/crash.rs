//! Killed: the service at any moment and at its most awkward ones, and its workers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use packshot_contract::client::ClientError;
use uuid::Uuid;

use crate::product::of_any_kind;
use crate::service::{Service, Setup, kill, percentile};
use crate::{Finding, verify};

/// The most awkward moments, by the names of the failpoints.
const FAILPOINTS: [&str; 6] = ["claim", "load", "render", "encode", "store", "commit"];
/// Jobs submitted at one time.
const SUBMITTERS: u32 = 8;
/// How long all that is left over may take in the end.
const SETTLE: Duration = Duration::from_secs(1800);

/// A service under load is killed 200 times, at moments spread over its life.
pub(crate) async fn service(setup: &Setup) -> Finding {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let rounds = setup.count(200);
    let acknowledged = Arc::new(Mutex::new(BTreeMap::<u32, Uuid>::new()));
    let refused = Arc::new(Mutex::new(Vec::new()));
    let mut starts = Vec::new();
    for round in 0..rounds {
        let service = setup.start(&data, &[], &[]);
        starts.push(service.start);
        let load = load(&service, &acknowledged, &refused, round * 10_000);
        // From the first upload to many renders: 20 ms to 1.2 s, by the golden ratio, so that no moment is tried twice.
        let share = (f64::from(round) * 0.618_033_988).fract();
        tokio::time::sleep(Duration::from_secs_f64(0.02 + 1.18 * share)).await;
        service.kill();
        load.iter().for_each(tokio::task::JoinHandle::abort);
    }
    let service = setup.start(&data, &[], &[]);
    let jobs = acknowledged.lock().expect("no panic").clone();
    let mut faults = refused.lock().expect("no panic").clone();
    faults.extend(same_keys(&service, &jobs).await);
    let verdict = verify::jobs(&service.client, &jobs, SETTLE, verify::DEATHS_INLINE).await;
    faults.extend(verdict.faults);
    for id in &verdict.given_up {
        faults.extend(verify::requeued(&service, *id).await);
    }
    service.kill();
    let (n_objects, damaged) = verify::objects(&data);
    faults.extend(damaged);
    let figures = format!(
        "{rounds} kills, {} jobs acknowledged, {} of them under way in three kills, given up and done when put back, {n_objects} objects \
         intact, ready after {:.0?} (median), {:.0?} (p99)",
        jobs.len(),
        verdict.given_up.len(),
        percentile(&mut starts, 0.5),
        percentile(&mut starts, 0.99)
    );
    Finding { what: "kill -9 of the service under load".to_owned(), figures, faults }
}

/// Submits without a pause until the service is gone. It may end, and refuses nothing.
fn load(
    service: &Service,
    acknowledged: &Arc<Mutex<BTreeMap<u32, Uuid>>>,
    refused: &Arc<Mutex<Vec<String>>>,
    first: u32,
) -> Vec<tokio::task::JoinHandle<()>> {
    let submitter = |n: u32| {
        let (client, acknowledged, refused) = (service.client.clone(), acknowledged.clone(), refused.clone());
        tokio::spawn(async move {
            for seed in (first + n..).step_by(SUBMITTERS as usize) {
                match client.submit(&of_any_kind("kill", seed, 8, 2)).await {
                    Ok(job) => drop(acknowledged.lock().expect("no panic").insert(seed, job.id)),
                    Err(error @ ClientError::Refused { retry_after: None, .. }) => {
                        return refused.lock().expect("no panic").push(error.to_string());
                    }
                    Err(_) => return,
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        })
    };
    (0..SUBMITTERS).map(submitter).collect()
}

/// Who sends an acknowledged submission again gets the same job.
async fn same_keys(service: &Service, jobs: &BTreeMap<u32, Uuid>) -> Vec<String> {
    let mut faults = Vec::new();
    for (seed, id) in jobs.iter().step_by(7) {
        match service.client.submit(&of_any_kind("kill", *seed, 8, 2)).await {
            Ok(job) if job.id == *id => {}
            other => faults.push(format!("job {seed} again: {:?}", other.map(|job| job.id))),
        }
    }
    faults
}

/// At each failpoint the service is killed 20 times; each time another one takes over.
pub(crate) async fn failpoints(setup: &Setup) -> Vec<Finding> {
    futures_util::future::join_all(FAILPOINTS.map(|name| failpoint(setup, name))).await
}

async fn failpoint(setup: &Setup, name: &str) -> Finding {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let rounds = setup.count(20);
    let (mut faults, mut times) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let mut doomed = setup.start(&data, &[], &[("PACKSHOT_FAILPOINT", &format!("{name}:kill"))]);
        let job = match doomed.client.submit(&of_any_kind(name, round, 16, 2)).await {
            Ok(job) => job.id,
            Err(error) => {
                faults.push(format!("not accepted: {error}"));
                continue;
            }
        };
        if !doomed.ends(Duration::from_secs(60)).await {
            faults.push("the failpoint was not passed (is the program built with `testing`?)".to_owned());
        }
        drop(doomed);
        let began = Instant::now();
        let service = setup.start(&data, &[], &[]);
        faults.extend(
            verify::jobs(
                &service.client,
                &BTreeMap::from([(round, job)]),
                Duration::from_secs(90),
                verify::DEATHS_INLINE,
            )
            .await
            .strict(),
        );
        times.push(began.elapsed());
        service.kill();
    }
    let (n_objects, damaged) = verify::objects(&data);
    faults.extend(damaged);
    let slowest = percentile(&mut times, 1.0);
    if slowest > Duration::from_secs(40) {
        faults.push(format!("a job came back only after {slowest:.0?}"));
    }
    let figures = format!("{rounds} kills, {n_objects} objects intact, jobs done again within {slowest:.1?}");
    Finding { what: format!("kill -9 at failpoint `{name}`"), figures, faults }
}

/// Worker processes are killed 50 times in the middle of a render.
pub(crate) async fn worker(setup: &Setup) -> Finding {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let rounds = setup.count(50);
    let service = setup.start(&data, &["--workers", "process"], &[]);
    let (mut faults, mut times, mut n_killed) = (Vec::new(), Vec::new(), 0);
    for round in 0..rounds {
        let mut submission = of_any_kind("worker", round, 256, 65_536);
        submission.request.insert("max_time_s".to_owned(), 2.into());
        let id = match service.client.submit(&submission).await {
            Ok(job) => job.id,
            Err(error) => {
                faults.push(format!("not accepted: {error}"));
                continue;
            }
        };
        let mut events = service.client.events(id);
        while events.next().await.is_ok_and(|event| event.is_some_and(|event| event.name != "job.progress")) {}
        tokio::time::sleep(Duration::from_millis(u64::from(round) * 37 % 1500)).await;
        let began = Instant::now();
        for worker in service.workers() {
            kill(worker);
            n_killed += 1;
        }
        faults.extend(
            verify::jobs(
                &service.client,
                &BTreeMap::from([(round, id)]),
                Duration::from_secs(120),
                verify::DEATHS_WITH_PROCESSES,
            )
            .await
            .strict(),
        );
        times.push(began.elapsed());
    }
    service.kill();
    let (n_objects, damaged) = verify::objects(&data);
    faults.extend(damaged);
    let figures = format!(
        "{n_killed} workers killed, {n_objects} objects intact, jobs over within {:.1?} (median), {:.1?} (slowest)",
        percentile(&mut times, 0.5),
        percentile(&mut times, 1.0)
    );
    Finding { what: "kill -9 of the process worker".to_owned(), figures, faults }
}
