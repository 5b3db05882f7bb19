//! A client that waits for a render survives a restart of the service: it reconnects when the service, killed, is
//! started again at the same address.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use packshot_contract::client::Client;
use packshot_contract::job::{Job, JobState};
use serde_json::json;

use crate::service::{SOON, Service, Workplace, submission, until};

/// Long enough to be killed in the middle, short enough to finish after that.
const REQUEST: [(&str, u32); 5] =
    [("width", 256), ("height", 256), ("samples", 65_536), ("noise_threshold", 0), ("max_time_s", 3)];

/// Kills a service while its newest job runs, and starts it again on its data and port after a moment.
async fn restart(place: &Workplace, service: Service) -> Service {
    let client = service.client();
    let runs = async || newest(&client).await.is_some_and(|job| job.state == JobState::Running);
    until("the job runs", SOON, runs).await;
    let address = service.url.trim_start_matches("http://").to_owned();
    service.kill();
    // Long enough for a client to try in vain.
    tokio::time::sleep(Duration::from_secs(1)).await;
    place.start_with(&["--listen", &address])
}

async fn newest(client: &Client) -> Option<Job> {
    client.jobs(1, None).await.expect("a page").items.into_iter().next()
}

fn spawn(place: &Workplace, args: &[&str]) -> Child {
    place.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts")
}

/// Exit code and stderr.
async fn outcome(mut command: Child) -> (Option<i32>, String) {
    let end = Instant::now() + SOON;
    while command.try_wait().expect("a child of ours").is_none() && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    // A command that still runs is too late; its output says what it waits for.
    let _ = command.kill();
    let output = command.wait_with_output().expect("ends");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn is_done(place: &Workplace, code: Option<i32>, stderr: &str) {
    assert_eq!(code, Some(0), "{stderr}");
    assert!(std::fs::read(place.path("boxes.png")).expect("saved").starts_with(b"\x89PNG"));
    for told in ["retrying for up to 5:00 min", "saved: boxes.png, "] {
        assert!(stderr.contains(told), "{told} in\n{stderr}");
    }
}

#[tokio::test]
async fn who_submits_and_waits_gets_the_picture_of_a_service_that_was_killed() {
    let place = Workplace::new();
    let service = place.start();
    let members = REQUEST.map(|(name, value)| format!("{name}={value}"));
    let mut args = vec!["client", "submit", "boxes.glb", "-o", "boxes.png", "--url", &service.url];
    args.extend(members.iter().flat_map(|member| ["--set", member]));
    let submit = spawn(&place, &args);
    let service = restart(&place, service).await;
    let (code, stderr) = outcome(submit).await;
    is_done(&place, code, &stderr);
    assert_eq!(service.client().jobs(10, None).await.expect("a page").items.len(), 1, "there is only one job");
}

#[tokio::test]
async fn who_watches_goes_on_watching_a_service_that_was_killed() {
    let place = Workplace::new();
    let service = place.start();
    let request = REQUEST.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let id = service.client().submit(&submission(&request)).await.expect("accepted").id.to_string();
    let watch = spawn(&place, &["client", "watch", &id, "-o", "boxes.png", "--url", &service.url]);
    let _service = restart(&place, service).await;
    let (code, stderr) = outcome(watch).await;
    is_done(&place, code, &stderr);
}

#[tokio::test]
async fn a_service_that_stays_away_is_waited_for_as_long_as_is_said() {
    let place = Workplace::new();
    let service = place.start();
    let request = json!({ "width": 256, "height": 256, "samples": 65536, "noise_threshold": 0, "max_time_s": 600 });
    let id = service.client().submit(&submission(&request)).await.expect("accepted").id.to_string();
    let url = service.url.clone();
    let watch = spawn(&place, &["client", "watch", &id, "--retry-for", "2", "--url", &url]);
    let client = service.client();
    let runs = async || newest(&client).await.is_some_and(|job| job.state == JobState::Running);
    until("the job runs", SOON, runs).await;
    service.kill();
    let (code, stderr) = outcome(watch).await;
    assert_eq!(code, Some(7), "{stderr}");
    assert!(stderr.contains("retrying for up to 2 s"), "{stderr}");
    assert!(stderr.contains("error[client.unreachable]"), "{stderr}");
    assert!(stderr.contains(&format!("continue with `packshot client watch {id} --url {url}`")), "{stderr}");
}
