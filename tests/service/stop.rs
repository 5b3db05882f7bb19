//! Graceful shutdown, and clients that would block all others.

use std::time::{Duration, Instant};

use packshot_contract::job::JobState;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::service::{SOON, Workplace, endless, tiny, until};

async fn state(client: &packshot_contract::client::Client, id: uuid::Uuid) -> JobState {
    client.job(id).await.expect("the job").state
}

#[tokio::test]
async fn c34_a_graceful_stop_gives_running_work_back() {
    let place = Workplace::new();
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("PACKSHOT_DRAIN_TIMEOUT_S", "2");
    let mut service = crate::service::Service::spawn(&mut command);
    let client = service.client();
    let id = client.submit(&endless(0)).await.expect("accepted").id;
    until("it runs", SOON, async || state(&client, id).await == JobState::Running).await;
    let attempt = client.job(id).await.expect("the job").document.map(|document| document.attempt);

    let began = Instant::now();
    service.signal("TERM");
    until("it is no longer ready", Duration::from_secs(1), async || service.status("/readyz").await == 503).await;
    assert_eq!(service.status("/healthz").await, 200, "it still answers");
    assert!(service.wait(Duration::from_secs(30)).success());
    assert!(began.elapsed() >= Duration::from_secs(2), "the render had its grace period");

    let again = place.start();
    let client = again.client();
    until("it runs again", SOON, async || state(&client, id).await == JobState::Running).await;
    let document = client.job(id).await.expect("the job").document;
    assert_eq!(document.map(|document| document.attempt), attempt, "the attempt does not count");
    client.cancel(id).await.expect("cancelled");
    until("it is cancelled", Duration::from_secs(5), async || state(&client, id).await == JobState::Cancelled).await;
}

#[tokio::test]
async fn a_stop_without_work_is_immediate() {
    for signal in ["TERM", "INT"] {
        let place = Workplace::new();
        let mut service = place.start();
        service.client().submit(&tiny()).await.expect("accepted");
        service.signal(signal);
        let began = Instant::now();
        assert!(service.wait(SOON).success(), "{signal}");
        assert!(began.elapsed() < Duration::from_secs(15), "{signal}: {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn c35_slow_heads_are_cut_off_and_others_served() {
    let place = Workplace::new();
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("PACKSHOT_HEADER_TIMEOUT_S", "2");
    let service = crate::service::Service::spawn(&mut command);
    let mut slow = TcpStream::connect(service.url.trim_start_matches("http://")).await.expect("connected");
    let began = Instant::now();
    let mut rest = Vec::new();
    let (mut reading, mut writing) = slow.split();
    let sends = async {
        for byte in b"GET / HTTP/1.1\r\nHost: slow\r\n".iter().cycle() {
            if writing.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    };
    tokio::select! {
        () = sends => {}
        _ = reading.read_to_end(&mut rest) => {}
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(!rest.starts_with(b"HTTP/1.1 200"));
    assert_eq!(service.status("/healthz").await, 200);
}
