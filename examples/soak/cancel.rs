//! Cancelled in every phase of a job's life.

use std::time::{Duration, Instant};

use packshot_contract::client::Client;
use packshot_contract::job::JobState;
use uuid::Uuid;

use crate::Finding;
use crate::product::{of_any_kind, submission};
use crate::service::{Setup, percentile};

/// Waits for an event of this name, and this text in its data; then it is time to cancel.
const PHASES: [(&str, &str, &str); 5] = [
    ("while queued", "snapshot", ""),
    ("just claimed", "job.state", "running"),
    ("loading", "job.step", "running"),
    ("rendering", "job.progress", ""),
    ("previewing", "job.preview", ""),
];

pub(crate) async fn run(setup: &Setup) -> Vec<Finding> {
    let folder = tempfile::tempdir().expect("a folder");
    let service = setup.start(&folder.path().join("data"), &[], &[]);
    let rounds = setup.count(20);
    let mut findings = Vec::new();
    for (place, phase) in (0_u32..).zip(PHASES) {
        findings.push(cancel(&service.client, phase, rounds, place * 1000).await);
    }
    findings.push(race(&service.client, setup.count(200)).await);
    findings
}

async fn cancel(client: &Client, (what, name, text): (&str, &str, &str), rounds: u32, first: u32) -> Finding {
    let (mut faults, mut times) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let mut endless = of_any_kind("cancel", first + round, 512, 65_536);
        endless.idempotency_key = None;
        let id = client.submit(&endless).await.expect("accepted").id;
        // What has happened before the stream is opened is told again; a snapshot is what a stream begins with that
        // does not look back.
        let events = client.events(id);
        let mut events = if name == "snapshot" { events } else { events.from_the_start() };
        let is_it =
            |event: &packshot_contract::client::Event| event.name == name && event.data.to_string().contains(text);
        while events.next().await.expect("a sound stream").is_some_and(|event| !is_it(&event)) {}
        let began = Instant::now();
        client.cancel(id).await.expect("cancelled");
        while events.next().await.expect("a sound stream").is_some() {}
        times.push(began.elapsed());
        faults.extend(check(client, id, JobState::Cancelled).await);
        // The device is free: the next picture, which takes a moment, has one at once.
        let began = Instant::now();
        let mut next = submission("after", first + round, 8, 1);
        next.idempotency_key = None;
        let next = client.submit(&next).await.expect("accepted").id;
        let mut events = client.events(next);
        while events.next().await.expect("a sound stream").is_some() {}
        if began.elapsed() > Duration::from_secs(2) {
            faults.push(format!("the device was busy for {:.1?}", began.elapsed()));
        }
    }
    let slowest = percentile(&mut times, 1.0);
    if slowest > Duration::from_secs(2) {
        faults.push(format!("it took {slowest:.1?}"));
    }
    let figures =
        format!("{rounds} times, over after {:.0?} (median), {slowest:.0?} (slowest)", percentile(&mut times, 0.5));
    Finding { what: format!("cancel {what}"), figures, faults }
}

/// Cancelling races the end: whichever wins, there is one end, and files exactly when it is a completed one.
async fn race(client: &Client, rounds: u32) -> Finding {
    let (mut faults, mut n_cancelled) = (Vec::new(), 0);
    for round in 0..rounds {
        let mut quick = of_any_kind("race", 50_000 + round, 16, 4);
        quick.idempotency_key = None;
        let id = client.submit(&quick).await.expect("accepted").id;
        tokio::time::sleep(Duration::from_millis(u64::from(round) * 7 % 60)).await;
        client.cancel(id).await.expect("an answer");
        let mut events = client.events(id).from_the_start();
        while events.next().await.expect("a sound stream").is_some() {}
        let state = client.job(id).await.expect("the job").state;
        n_cancelled += u32::from(state == JobState::Cancelled);
        faults.extend(check(client, id, state).await);
    }
    let figures = format!("{rounds} races, {n_cancelled} won by the cancel");
    Finding { what: "cancel races the end".to_owned(), figures, faults }
}

/// The job is in this state, its stream has one end and nothing after it, and it has files exactly when it is
/// completed.
async fn check(client: &Client, id: Uuid, state: JobState) -> Option<String> {
    let job = client.job(id).await.expect("the job");
    let mut events = client.events(id).from_the_start();
    let mut names = Vec::new();
    while let Some(event) = events.next().await.expect("a sound stream") {
        names.push(event.name);
    }
    let ends = names.iter().filter(|name| packshot_contract::event::is_terminal(name)).count();
    let has_files = job.result.as_ref().is_some_and(|result| !result.files.is_empty());
    let is_sound =
        job.state == state && state.is_terminal() && ends == 1 && has_files == (state == JobState::Completed);
    (!is_sound).then(|| format!("{id}: state {}, {ends} ends, files: {has_files}", job.state))
}
