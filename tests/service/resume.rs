//! Series that were in progress when the service was killed, or whose job was cancelled.

use std::time::Duration;

use packshot_contract::client::{Client, Submission};
use packshot_contract::job::{Job, JobState};
use serde_json::json;
use uuid::Uuid;

use crate::service::{SOON, Service, Workplace, files_below, http, submission, until};

/// Frames that take long enough for a kill to come between two of them.
fn turntable() -> Submission {
    submission(&json!({
        "kind": "turntable", "frame_count": 10, "width": 48, "height": 48, "samples": 512, "noise_threshold": 0,
        "formats": ["png", "zip"],
    }))
}

/// The files that are kept of unfinished series.
fn kept(place: &Workplace) -> Vec<std::path::PathBuf> {
    files_below(&place.data().join("scratch"))
}

/// The frames that an attempt has listed as finished.
fn n_listed(place: &Workplace) -> usize {
    let list = kept(place).into_iter().find(|path| path.ends_with("finished.json"));
    let text = list.and_then(|list| std::fs::read(list).ok()).unwrap_or_default();
    let list: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    list["finished"].as_object().map_or(0, |finished| finished.len())
}

/// Submits a series, and waits until this many of its frames are finished and kept.
async fn begun(place: &Workplace, service: &Service, n: usize) -> Uuid {
    let id = service.client().submit(&turntable()).await.expect("accepted").id;
    until("frames are finished", SOON, async || n_listed(place) >= n).await;
    id
}

async fn ended(client: &Client, id: Uuid) -> Job {
    until("it ends", SOON, async || client.job(id).await.expect("the job").state.is_terminal()).await;
    client.job(id).await.expect("the job")
}

/// Names and bytes of its files.
async fn files(client: &Client, job: Job) -> Vec<(String, Vec<u8>)> {
    let mut fetched = Vec::new();
    for file in job.result.expect("a result").files {
        let bytes = client.fetch(&file).await.expect("whole");
        fetched.push((file.name.clone(), bytes.to_vec()));
    }
    fetched
}

async fn nothing_is_left(place: &Workplace) {
    until("what was kept is gone", Duration::from_secs(10), async || kept(place).is_empty()).await;
}

#[tokio::test]
async fn r69_a_series_goes_on_after_a_kill_of_the_service() {
    goes_on_after_a_kill(&[]).await;
}

#[tokio::test]
async fn r69_so_it_does_in_a_process_of_its_own() {
    goes_on_after_a_kill(&["--workers", "process"]).await;
}

async fn goes_on_after_a_kill(args: &[&str]) {
    let place = Workplace::new();
    let service = place.start_with(args);
    let id = begun(&place, &service, 1).await;
    service.kill();
    let n = n_listed(&place);
    assert!((1..10).contains(&n), "{n} were finished");
    let service = place.start_with(args);
    let client = service.client();
    let job = ended(&client, id).await;
    assert_eq!(job.state, JobState::Completed, "{:?}", job.error);
    assert_eq!(job.document.as_ref().expect("a document").attempt, 2);
    let url = format!("{}/api/v1/renders/{id}/log?limit=200", service.url);
    let lines = http().get(url).send().await.expect("an answer").text().await.expect("text");
    assert!(lines.contains(&format!("resuming: {n} of 10 frames are finished already")), "{lines}");
    nothing_is_left(&place).await;

    // An undisturbed job of another service gives the same bytes.
    let other = Workplace::new();
    let undisturbed = other.start();
    let whole = undisturbed.client().submit(&turntable()).await.expect("accepted").id;
    let whole = ended(&undisturbed.client(), whole).await;
    assert_eq!(files(&client, job).await, files(&undisturbed.client(), whole).await);
    nothing_is_left(&other).await;
}

#[tokio::test]
async fn r69_nothing_is_kept_of_a_series_that_is_called_off() {
    let place = Workplace::new();
    let service = place.start();
    let id = begun(&place, &service, 1).await;
    service.client().cancel(id).await.expect("cancelled");
    assert_eq!(ended(&service.client(), id).await.state, JobState::Cancelled);
    nothing_is_left(&place).await;

    // Also when it was cancelled while no service held it, so that its files stayed behind.
    let id = begun(&place, &service, 1).await;
    service.kill();
    let service = place.start_with(&["--threads", "1"]);
    service.client().cancel(id).await.expect("cancelled");
    assert_eq!(ended(&service.client(), id).await.state, JobState::Cancelled);
    nothing_is_left(&place).await;
    let left = place.data().join("scratch").join(format!("series-{}", Uuid::now_v7()));
    std::fs::create_dir_all(&left).expect("made");
    std::fs::write(left.join("finished.json"), "{}").expect("written");
    drop(service);
    let _service = place.start();
    nothing_is_left(&place).await;
}
