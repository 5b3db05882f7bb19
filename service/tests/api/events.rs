//! C20–C23, C39, R12: events.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::app::{Guest, Installation, KEEP_ALIVE, PATIENCE, TestApp, endless, id, small};
use packshot_domain::access::{Role, Scope};

/// An event as it was received.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) data: Value,
}

/// A connection that is read event by event.
pub(crate) struct Stream {
    response: std::pin::Pin<Box<dyn futures_util::Stream<Item = Vec<u8>> + Send>>,
    text: String,
}

impl Stream {
    async fn open(app: &TestApp, id: &str, last: Option<u64>) -> Self {
        Self::of(app.request(Method::GET, &format!("/api/v1/renders/{id}/events")), last).await
    }

    async fn of_all_jobs(of: &Guest<'_>, last: Option<u64>) -> Self {
        Self::of(of.request(Method::GET, "/api/v1/jobs/events"), last).await
    }

    pub(crate) async fn of(request: RequestBuilder, last: Option<u64>) -> Self {
        let request = request.header("accept", "text/event-stream");
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

    pub(crate) async fn event(&mut self) -> Option<Event> {
        let (id, name, data) = self.any_event().await?;
        Some(Event { id: id.expect("a number"), name, data })
    }

    /// An event, with its number unless it is one of progress, which is passed on without.
    pub(crate) async fn any_event(&mut self) -> Option<(Option<u64>, String, Value)> {
        loop {
            let block = self.block().await?;
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            if let (Some(name), Some(data)) = (field("event"), field("data")) {
                let data = serde_json::from_str(data).expect("data is JSON");
                return Some((field("id").map(|id| id.parse().expect("a number")), name.to_owned(), data));
            }
            assert!(block.starts_with("retry: ") || block == ": keep-alive", "{block:?}");
        }
    }

    /// Events of all jobs up to one that `is_last` takes, without what is passed on; and the jobs that this is about.
    async fn up_to(&mut self, is_last: impl Fn(&Event) -> bool) -> (Vec<Event>, Vec<Value>) {
        let (mut kept, mut passed_on) = (Vec::new(), Vec::new());
        loop {
            match self.any_event().await.expect("a stream of all jobs does not end") {
                (Some(id), name, data) => kept.push(Event { id, name, data }),
                (None, name, data) => {
                    assert_eq!(name, "job.progress", "only progress has no number");
                    passed_on.push(data);
                }
            }
            if kept.last().is_some_and(&is_last) {
                return (kept, passed_on);
            }
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
        assert!(Stream::open(&app, &id, Some(n)).await.rest().await.is_empty(), "nothing comes after the end");
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
        assert_eq!(packshot_service::api::KEEP_ALIVE, Duration::from_secs(15), "the value that the service uses");
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
        let event = stream.event().await.expect("an event is sent immediately, without a keep-alive before it");
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

    async fn c39_the_stream_of_all_jobs(engine) {
        let app = TestApp::start(&engine).await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &[Scope::Admin]).await;
        let (_, key_of_other) = app.tenant_key("beta", Role::ProjectManager, &[Scope::Admin]).await;
        let (guest, other) = (app.with_key(&key), app.with_key(&key_of_other));
        other.submit(&small()).await;
        let long = id(&guest.submit(&endless()).await.json());
        guest.job_when(&long, |job| job["samples_done"].as_u64() > Some(0)).await;

        let mut stream = Stream::of_all_jobs(&guest, None).await;
        let snapshot = stream.event().await.expect("an event");
        assert_eq!((snapshot.name.as_str(), &snapshot.data["total"]), ("snapshot", &json!(1)));
        let live = &snapshot.data["items"][0];
        assert_eq!((&live["id"], &live["source"], &live["state"]), (&json!(long), &json!("render"), &json!("running")));
        assert_eq!(live["links"]["events"], json!(format!("/api/v1/renders/{long}/events")));
        let (number, _, data) = stream.any_event().await.expect("an event");
        assert_eq!((number, &data["job_id"], &data["source"]), (None, &json!(long), &json!("render")), "{data}");
        assert!(data["progress_pct"].is_number() && data["samples_done"].is_number() && data["seq"].is_null(), "{data}");

        guest.post(&format!("/api/v1/renders/{long}/cancel")).await;
        other.submit(&small()).await;
        let second = id(&guest.submit(&small()).await.json());
        let is_last = |event: &Event| event.data["job_id"] == json!(second) && event.name == "job.completed";
        let (kept, passed_on) = stream.up_to(is_last).await;
        assert_eq!(ids(&kept), (snapshot.id + 1..=snapshot.id + kept.len() as u64).collect::<Vec<_>>(), "no gap");
        let of = |id: &str| -> Vec<(String, String)> {
            let of_job = kept.iter().filter(|event| event.data["job_id"] == json!(id));
            of_job.map(|event| (event.name.clone(), event.data["state"].as_str().expect("a state").to_owned())).collect()
        };
        let state = |name: &str, state: &str| (name.to_owned(), state.to_owned());
        assert_eq!(of(&long), [state("job.cancelled", "cancelled")]);
        let expected = [state("job.state", "queued"), state("job.state", "running"), state("job.completed", "completed")];
        assert_eq!(of(&second), expected);
        let own = |data: &&Value| [json!(long), json!(second)].contains(&data["job_id"]);
        assert!(kept.iter().map(|event| &event.data).chain(&passed_on).all(|data| own(&data)), "only events of this tenant");

        // A client that resumes after any of them gets the rest.
        let last = kept.last().expect("events").id;
        let (again, _) = Stream::of_all_jobs(&guest, Some(0)).await.up_to(|event| event.id == last).await;
        assert_eq!(ids(&again), (1..=last).collect::<Vec<_>>());
        let (rest, _) = Stream::of_all_jobs(&guest, Some(last - 1)).await.up_to(|event| event.id == last).await;
        assert_eq!(ids(&rest), [last]);
        let empty = Stream::of_all_jobs(&guest, None).await.event().await.expect("an event");
        assert_eq!((empty.id, &empty.data), (last, &json!({"items": [], "total": 0})));
    }
}
