//! C20–C23, R12: events.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::app::{Installation, KEEP_ALIVE, PATIENCE, TestApp, endless, id, small};

/// An event as it was received.
#[derive(Clone, Debug)]
struct Event {
    id: u64,
    name: String,
    data: Value,
}

/// A connection that is read event by event.
struct Stream {
    response: std::pin::Pin<Box<dyn futures_util::Stream<Item = Vec<u8>> + Send>>,
    text: String,
}

impl Stream {
    async fn open(app: &TestApp, id: &str, last: Option<u64>) -> Self {
        let request =
            app.request(Method::GET, &format!("/api/v1/renders/{id}/events")).header("accept", "text/event-stream");
        let request = match last {
            Some(last) => request.header("last-event-id", last.to_string()),
            None => request,
        };
        let response: Response = request.send().await.expect("the service answers");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let pieces = response.bytes_stream().map(|piece| piece.expect("the stream is whole").to_vec());
        Self { response: Box::pin(pieces), text: String::new() }
    }

    /// The next block between blank lines; `None` at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let piece = tokio::time::timeout(PATIENCE, self.response.next()).await.expect("the stream goes on");
            self.text += std::str::from_utf8(&piece?).expect("events are text");
        }
    }

    async fn event(&mut self) -> Option<Event> {
        loop {
            let block = self.block().await?;
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            if let (Some(id), Some(name), Some(data)) = (field("id"), field("event"), field("data")) {
                let data = serde_json::from_str(data).expect("data is JSON");
                return Some(Event { id: id.parse().expect("a number"), name: name.to_owned(), data });
            }
            assert!(block.starts_with("retry: ") || block == ": keep-alive", "{block:?}");
        }
    }

    async fn rest(mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.event().await {
            events.push(event);
        }
        events
    }
}

fn ids(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.id).collect()
}

cases! {
    async fn c20_a_stream_resumes(engine) {
        let app = TestApp::start(&engine).await;
        let id = id(&app.render(&small()).await);
        let all = Stream::open(&app, &id, Some(0)).await.rest().await;
        let n = all.len() as u64;
        assert_eq!(ids(&all), (1..=n).collect::<Vec<_>>(), "gapless from 1");
        for last in [1, n / 2, n - 1] {
            let rest = Stream::open(&app, &id, Some(last)).await.rest().await;
            assert_eq!(ids(&rest), (last + 1..=n).collect::<Vec<_>>(), "after {last}");
        }
        assert!(Stream::open(&app, &id, Some(n)).await.rest().await.is_empty(), "after the end there is only the end");
        let by_parameter = app.get(&format!("/api/v1/renders/{id}/events?after={}", n - 1)).await.text();
        assert!(by_parameter.contains(&format!("id: {n}\n")) && !by_parameter.contains("snapshot"));
        assert_eq!(app.get(&format!("/api/v1/renders/{id}/events?after=x")).await.pointers(), ["?after"]);
    }

    async fn c21_the_first_event_is_the_job(engine) {
        let app = TestApp::idle(&engine).await;
        let job = app.submit(&small()).await;
        let mut stream = Stream::open(&app, &id(&job), None).await;
        let snapshot = stream.event().await.expect("an event");
        let now = app.get(&format!("/api/v1/renders/{}", id(&job))).await.json();
        assert_eq!((snapshot.name.as_str(), snapshot.data), ("snapshot", now));
        app.post(&format!("/api/v1/renders/{}/cancel", id(&job))).await;
        let next = stream.event().await.expect("an event");
        assert_eq!(next.id, snapshot.id + 1);
    }

    async fn c22_a_stream_ends_with_its_job(engine) {
        let app = TestApp::start(&engine).await;
        let id = id(&app.submit(&endless()).await);
        let stream = Stream::open(&app, &id, Some(0)).await;
        app.job_when(&id, |job| job["state"] == "running").await;
        app.post(&format!("/api/v1/renders/{id}/cancel")).await;
        let events = stream.rest().await;
        assert_eq!(events.last().expect("events").name, "job.cancelled");
        let terminal = events.iter().filter(|event| matches!(event.name.as_str(), "job.completed" | "job.failed" | "job.cancelled"));
        assert_eq!(terminal.count(), 1);
    }

    async fn c22_silence_is_broken_each_time(engine) {
        assert_eq!(packshot_service::api::KEEP_ALIVE, Duration::from_secs(15), "what the service is started with");
        let app = TestApp::idle(&engine).await;
        let id = id(&app.submit(&small()).await);
        let mut stream = Stream::open(&app, &id, None).await;
        assert!(stream.block().await.is_some_and(|block| block.contains("retry")));
        assert!(stream.block().await.is_some_and(|block| block.contains("snapshot")));
        for _ in 0..2 {
            let begun = Instant::now();
            assert_eq!(stream.block().await.as_deref(), Some(": keep-alive"));
            let silence = begun.elapsed();
            assert!(silence > KEEP_ALIVE / 2 && silence < KEEP_ALIVE + Duration::from_secs(1), "{silence:?}");
        }
        app.post(&format!("/api/v1/renders/{id}/cancel")).await;
        let event = stream.event().await.expect("what happens is told at once, and not as silence");
        assert_eq!(event.name, "job.cancelled");
    }

    async fn c23_events_survive_a_restart(engine) {
        let installation = Installation::new(&engine, &[]).await;
        let app = installation.start(true).await;
        let id = id(&app.render(&small()).await);
        let before = Stream::open(&app, &id, Some(0)).await.rest().await;
        drop(app);
        let app = installation.start(false).await;
        let after = Stream::open(&app, &id, Some(0)).await.rest().await;
        assert_eq!(ids(&before), ids(&after));
        assert_eq!(after.last().expect("events").name, "job.completed");
    }

    async fn r12_events_of_a_render(engine) {
        let app = TestApp::start(&engine).await;
        let first = id(&app.submit(&endless()).await);
        app.job_when(&first, |job| job["state"] == "running").await;
        let second = id(&app.submit(&json!({"width": 64, "height": 64, "samples": 64, "noise_threshold": 0})).await);
        let mut stream = Stream::open(&app, &second, None).await;
        assert_eq!(stream.event().await.expect("an event").name, "snapshot");
        app.post(&format!("/api/v1/renders/{first}/cancel")).await;
        let events = stream.rest().await;
        let named = |name: &str| events.iter().filter(|event| event.name == name).collect::<Vec<_>>();
        let states: Vec<&Value> = named("job.state").iter().map(|event| &event.data["state"]).collect();
        assert_eq!(states, ["running"]);
        assert!(!named("job.step").is_empty() && !named("job.log").is_empty() && !named("job.preview").is_empty());
        let progress: Vec<f64> = named("job.progress").iter().filter_map(|event| event.data["progress_pct"].as_f64()).collect();
        assert!(!progress.is_empty() && progress.is_sorted(), "{progress:?}");
        assert_eq!(events.last().expect("events").name, "job.completed");
        let place = |name: &str| events.iter().position(|event| event.name == name).expect("it is there");
        let order = ["job.state", "job.step", "job.progress", "job.completed"].map(place);
        assert!(order.is_sorted() && place("job.preview") < place("job.completed"), "{order:?}");
        for event in &events {
            assert_eq!((&event.data["seq"], &event.data["job_id"]), (&json!(event.id), &json!(second)));
            assert!(event.data["at"].as_str().is_some_and(|at| at.ends_with('Z') && at.len() == 24), "{event:?}");
        }
    }
}
