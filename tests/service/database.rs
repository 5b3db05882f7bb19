//! A database that goes away: for a while, or just before it confirms a commit.

use std::time::Duration;

use packshot_contract::job::JobState;

use crate::crash::ends_once;
use crate::postgres::{Gate, database};
use crate::service::{SOON, Workplace, http, tiny, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c27_a_database_that_is_away_is_said_and_found_again() {
    let Some(url) = database().await else { return };
    let (place, gate) = (Workplace::new(), Gate::before(&url).await);
    let service = place.start_with(&["--database-url", &gate.url]);
    assert_eq!(service.status("/readyz").await, 200);

    gate.set_open(false);
    until("it is not ready", SOON, async || service.status("/readyz").await == 503).await;
    let answer = http().get(format!("{}/readyz", service.url)).send().await.expect("an answer");
    let body: serde_json::Value = answer.json().await.expect("JSON");
    assert_eq!(body["status"], "not_ready");
    assert_ne!(body["checks"]["database"], "ok", "{body}");
    assert_eq!(body["checks"]["storage"], "ok", "{body}");
    assert_eq!(service.status("/healthz").await, 200);

    gate.set_open(true);
    until("it is ready again", Duration::from_secs(10), async || service.status("/readyz").await == 200).await;
    let client = service.client();
    let id = client.submit(&tiny()).await.expect("accepted").id;
    ends_once(&client, id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_whose_commit_was_not_answered_is_read_back() {
    let Some(url) = database().await else { return };
    let (place, gate) = (Workplace::new(), Gate::before(&url).await);
    let service = place.start_with(&["--database-url", &gate.url]);
    let client = service.client();
    gate.lose_the_answer_after(b"job.completed");
    let id = client.submit(&tiny()).await.expect("accepted").id;
    until("it ends", SOON, async || client.job(id).await.is_ok_and(|job| job.state == JobState::Completed)).await;
    assert!(gate.has_lost_it());
    ends_once(&client, id).await;
    let about = |text: &str| service.log().lines().any(|line| line.contains(text) && line.contains(&id.to_string()));
    until("the service has read the state back", SOON, async || about("the state was read back")).await;
    assert!(!about("the results of this attempt are discarded"), "{}", service.log());
    let metrics = http().get(format!("{}/metrics", service.url)).send().await.expect("an answer");
    let metrics = metrics.text().await.expect("text");
    assert!(metrics.contains("packshot_render_jobs_total{state=\"completed\"} 1\n"), "{metrics}");
}
