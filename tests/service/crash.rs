//! Killed at any moment: every acknowledged job still exists, ends once, and its files are whole.

use std::collections::BTreeMap;
use std::time::Duration;

use packshot_contract::client::{Client, Submission};
use packshot_contract::job::JobState;
use serde_json::json;
use uuid::Uuid;

use crate::service::{SOON, Workplace, files_below, submission, until};

/// How often the service is killed; `scripts/soak` does it many more times.
const ROUNDS: u32 = 4;
/// How often where a slow machine gave no answer before a kill; the last comes after 2.5 s.
const ROUNDS_MAX: u32 = 28;

fn job(seed: u32) -> Submission {
    let mut job = submission(&json!({ "width": 48, "height": 48, "samples": 32, "noise_threshold": 0, "seed": seed }));
    job.idempotency_key = Some(format!("job-{seed}"));
    job
}

#[tokio::test]
async fn killed_at_any_moment_nothing_acknowledged_is_lost() {
    let place = Workplace::new();
    let mut acknowledged = BTreeMap::new();
    let mut round = 0;
    while round < ROUNDS || (acknowledged.is_empty() && round < ROUNDS_MAX) {
        let service = place.start();
        let client = service.client();
        let submits = (0..6).map(|n| {
            let (client, seed) = (client.clone(), round * 6 + n);
            tokio::spawn(async move { client.submit(&job(seed)).await.ok().map(|job| (seed, job.id)) })
        });
        let submits: Vec<_> = submits.collect();
        // Later each time: between the uploads, in the middle of a render, at its end.
        tokio::time::sleep(Duration::from_millis(40 + 90 * u64::from(round))).await;
        service.kill();
        for submit in submits {
            // Clients without an answer would keep trying; the service is gone.
            if submit.is_finished() {
                acknowledged.extend(submit.await.expect("no panic"));
            } else {
                submit.abort();
            }
        }
        round += 1;
    }

    let service = place.start();
    let client = service.client();
    for (seed, id) in &acknowledged {
        let again = client.submit(&job(*seed)).await.expect("accepted");
        assert_eq!(again.id, *id, "the same key names the same job");
    }
    for id in acknowledged.values() {
        ends_once(&client, *id).await;
    }
    assert!(!acknowledged.is_empty(), "something was acknowledged before a kill");
    every_object_is_whole(&place);
}

#[tokio::test]
async fn a_restart_takes_back_at_once_what_the_killed_process_held() {
    let place = Workplace::new();
    let service = place.start();
    let client = service.client();
    let request = json!({ "width": 256, "height": 256, "samples": 65536, "noise_threshold": 0 });
    let id = client.submit(&submission(&request)).await.expect("accepted").id;
    let mut events = client.events(id);
    while events.next().await.expect("a sound stream").is_some_and(|event| event.name != "job.progress") {}
    service.kill();
    let service = place.start();
    let job = service.client().job(id).await.expect("the job");
    assert_eq!((job.state, job.task_id.is_some()), (JobState::Queued, true), "no lease has to expire first");
    let document = job.document.expect("a document");
    assert_eq!((document.attempt, document.error.as_deref()), (1, Some("the service that ran attempt 1 was lost")));
    assert!(service.log().contains("[WORKER_RECOVERY] worker of attempt 1 lost"), "{}", service.log());
    service.client().cancel(id).await.expect("cancelled");
}

/// Waits until a job has ended: it is completed, its stream has one end, and its file matches its content address.
pub(crate) async fn ends_once(client: &Client, id: Uuid) {
    let ended = tokio::time::timeout(SOON, async {
        let mut events = client.events(id).from_the_start();
        let (mut numbers, mut ends) = (Vec::new(), 0);
        while let Some(event) = events.next().await.expect("a sound stream") {
            numbers.extend(event.id);
            ends += u32::from(event.is_terminal());
        }
        (numbers, ends)
    });
    let (numbers, ends) = ended.await.unwrap_or_else(|_| panic!("{id} does not end"));
    assert_eq!(ends, 1, "{id}");
    assert!(numbers.iter().copied().eq(1..=numbers.len() as u64), "{id}: no gap, no repeat: {numbers:?}");
    let job = client.job(id).await.expect("the job");
    assert_eq!(job.state, JobState::Completed, "{:?}", job.error);
    let result = job.result.expect("a result");
    assert_eq!(result.files.len(), 1);
    client.fetch(&result.files[0]).await.expect("whole");
}

fn every_object_is_whole(place: &Workplace) {
    let objects = files_below(&place.data().join("objects"));
    assert!(objects.len() > 1);
    for path in objects {
        let parts: Vec<_> = path.iter().rev().take(2).map(|part| part.to_string_lossy()).collect();
        let bytes = std::fs::read(&path).expect("readable");
        let hash = packshot_domain::hash::ContentAddress::of(&bytes).hex();
        assert_eq!(format!("{}{}", parts[1], parts[0]), hash, "{}", path.display());
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn r69_a_killed_worker_costs_an_attempt_and_nothing_else() {
    a_worker_is_killed(&[]).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn r69_so_it_does_on_postgresql() {
    let Some(url) = crate::postgres::database().await else { return };
    a_worker_is_killed(&["--database-url", &url]).await;
}

#[cfg(target_os = "linux")]
async fn a_worker_is_killed(args: &[&str]) {
    let place = Workplace::new();
    let service = place.start_with(&[&["--workers", "process"], args].concat());
    let client = service.client();
    // Long enough to be killed in the middle, short enough to finish after that.
    let request = json!({ "width": 256, "height": 256, "samples": 65536, "noise_threshold": 0, "max_time_s": 3 });
    let id = client.submit(&submission(&request)).await.expect("accepted").id;
    let mut events = client.events(id);
    while events.next().await.expect("a sound stream").is_some_and(|event| event.name != "job.progress") {}
    let workers = children(service.id());
    assert_eq!(workers.len(), 1, "{workers:?}");
    let killed = std::process::Command::new("kill").args(["-KILL", &workers[0].to_string()]).status();
    assert!(killed.expect("kill runs").success());
    until("it ends", Duration::from_secs(40), async || client.job(id).await.expect("the job").state.is_terminal())
        .await;
    ends_once(&client, id).await;
    let document = client.job(id).await.expect("the job").document.expect("a document");
    assert_eq!(document.attempt, 2);
    assert_eq!(client.job(id).await.expect("the job").result.expect("a result").files.len(), 1);
}

/// The child processes of a process.
#[cfg(target_os = "linux")]
fn children(of: u32) -> Vec<u32> {
    let processes =
        std::fs::read_dir("/proc").expect("there").filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let parent = |id: &u32| -> Option<u32> {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name is in parentheses and may contain anything.
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    processes.filter(|id| parent(id) == Some(of)).collect()
}
