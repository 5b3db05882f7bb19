//! Executors over HTTP: W86–W88, against a small server that answers as it is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Multipart, Path, State};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::routing::{get, post};
use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use packshot_db::testing::TestDatabase;
use serde_json::{Value, json};

use super::{allow, tasks_of};
use crate::app::{Installation, poll, small};
use crate::glb::Glb;
use crate::workflows::{Line, Shop};

/// How it answers a job.
#[derive(Clone, Debug)]
enum Answer {
    /// With the picture.
    Picture,
    /// With an address, where these states follow one another; the last stays.
    Accepted(Vec<Value>),
    /// With a status and a text.
    Status(u16, &'static str),
    /// With a page.
    Page,
    /// Not at all.
    Never,
}

/// What it got and what it is to say.
#[derive(Default)]
struct Seen {
    answers: VecDeque<Answer>,
    states: VecDeque<Value>,
    /// Of each job: its JSON, the bytes of the GLB, and its key.
    jobs: Vec<(Value, Vec<u8>, String)>,
    authorizations: Vec<String>,
    n_stopped: usize,
}

/// A server that renders.
#[derive(Clone, Default)]
struct Farm(Arc<Mutex<Seen>>);

impl Farm {
    fn picture() -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        let picture = RgbaImage::from_pixel(16, 16, Rgba([200, 30, 60, 255]));
        DynamicImage::from(picture).write_to(&mut bytes, ImageFormat::Png).expect("written");
        bytes.into_inner()
    }

    fn seen<T>(&self, read: impl FnOnce(&mut Seen) -> T) -> T {
        read(&mut self.0.lock().expect("nothing panicked"))
    }

    fn answers(&self, answers: impl IntoIterator<Item = Answer>) {
        self.seen(|seen| seen.answers = answers.into_iter().collect());
    }

    fn keys(&self) -> Vec<String> {
        self.seen(|seen| seen.jobs.iter().map(|(_, _, key)| key.clone()).collect())
    }

    /// Serves it, and gives its address.
    async fn serve(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new()
            .route("/renders", post(posted))
            .route("/renders/{id}", get(asked).delete(stopped))
            .route("/pictures/{name}", get(fetched))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }
}

async fn posted(State(farm): State<Farm>, headers: HeaderMap, mut form: Multipart) -> Response<Body> {
    let (mut job, mut glb) = (Value::Null, Vec::new());
    while let Some(field) = form.next_field().await.expect("a part") {
        let name = field.name().unwrap_or_default().to_owned();
        let bytes = field.bytes().await.expect("bytes");
        match name.as_str() {
            "job" => job = serde_json::from_slice(&bytes).expect("JSON"),
            "glb" => glb = bytes.to_vec(),
            _ => {}
        }
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let (key, authorization) = (text("idempotency-key"), text("authorization"));
    let answer = farm.seen(|seen| {
        seen.jobs.push((job, glb, key));
        seen.authorizations.push(authorization);
        seen.answers.pop_front().unwrap_or(Answer::Picture)
    });
    let plain = Response::builder();
    match answer {
        Answer::Picture => plain.header("content-type", "image/png").body(Body::from(Farm::picture())),
        Answer::Accepted(states) => {
            farm.seen(|seen| seen.states = states.into());
            plain.status(202).header("location", "/renders/7").body(Body::empty())
        }
        Answer::Status(302, to) => plain.status(302).header("location", to).body(Body::empty()),
        Answer::Status(status, text) => plain.status(status).body(Body::from(text)),
        Answer::Page => plain.header("content-type", "text/html").body(Body::from("<!doctype html>Sign in")),
        Answer::Never => {
            tokio::time::sleep(Duration::from_secs(600)).await;
            plain.body(Body::empty())
        }
    }
    .expect("an answer")
}

async fn asked(State(farm): State<Farm>, Path(_): Path<String>) -> axum::Json<Value> {
    axum::Json(farm.seen(|seen| match seen.states.len() {
        0 | 1 => seen.states.front().cloned().unwrap_or_default(),
        _ => seen.states.pop_front().unwrap_or_default(),
    }))
}

async fn stopped(State(farm): State<Farm>, Path(_): Path<String>) -> StatusCode {
    farm.seen(|seen| seen.n_stopped += 1);
    StatusCode::NO_CONTENT
}

async fn fetched(Path(name): Path<String>) -> Response<Body> {
    match name.as_str() {
        "7.png" => Response::new(Body::from(Farm::picture())),
        _ => Response::builder().status(404).body(Body::from("no such picture")).expect("an answer"),
    }
}

/// A service whose lines the farm renders.
async fn installed(engine: &TestDatabase, url: &str) -> Installation {
    let mut installation = Installation::new(engine, &[]).await;
    let folder = installation.folder_of_settings();
    std::fs::write(folder.join("auth"), "Bearer secret\n").expect("written");
    let text = format!(
        "legacy_executor = \"farm\"\n\n[legacy_executors.farm]\nkind = \"http\"\nurl = \"{url}/renders\"\npoll_s = 1\n\
         auth_header_file = \"{}\"\n",
        folder.join("auth").display()
    );
    installation.file = Some((folder.join("settings.toml"), text));
    installation
}

async fn line(shop: &Shop<'_>) -> Line {
    let line = shop.line_of(&shop.product, small(), None).await;
    shop.dispatch_line(&line).await;
    line
}

cases! {
    on_postgres_in_the_soak:
    async fn w86_a_server_renders_a_line(engine) {
        let farm = Farm::default();
        let url = farm.serve().await;
        let app = installed(&engine, &url).await.start(true).await;
        let shop = Shop::open(&app).await;
        allow(&app, &shop, true).await;
        let running = json!({"state": "running", "progress_pct": 40, "error": null, "output_url": null});
        let done = json!({"state": "completed", "progress_pct": 100, "error": null, "output_url": "/pictures/7.png"});
        farm.answers([Answer::Accepted(vec![running.clone(), running.clone(), running, done]), Answer::Picture]);
        let first = line(&shop).await;
        let [task] = &tasks_of(&shop.admin, &first.id).await[..] else { panic!("one task") };
        let path = format!("/api/v1/tasks/{}", task["id"].as_str().expect("an id"));
        poll(async || shop.get(&path).await, |task| task["progress_pct"] == 40.0).await;
        let ended = shop.line_when(&first, "completed").await;
        let asset = ended["asset_ids"][0].as_str().expect("an asset").to_owned();
        let sent = shop.admin.get(&format!("/api/media/assets/{asset}/content")).await;
        assert_eq!(&sent.body[..], &Farm::picture()[..]);
        farm.seen(|seen| {
            let [(job, glb, _)] = &seen.jobs[..] else { panic!("once") };
            assert_eq!((glb, &job["order_line_id"]), (&Glb::body(), &json!(first.id)));
            assert!(job.get("glb_path").is_none() && job.get("output_path").is_none(), "{job}");
            assert_eq!(seen.authorizations, ["Bearer secret"]);
        });
        // One that answers with the picture at once.
        let second = line(&shop).await;
        shop.line_when(&second, "completed").await;
        assert_eq!(farm.seen(|seen| seen.n_stopped), 0);
    }

    async fn w87_a_server_that_fails_fails_its_line(engine) {
        let farm = Farm::default();
        let url = farm.serve().await;
        let app = installed(&engine, &url).await.start(true).await;
        let shop = Shop::open(&app).await;
        allow(&app, &shop, true).await;
        let state = |state: &str, more: Value| {
            let mut body = json!({"state": state, "progress_pct": null, "error": null, "output_url": null});
            body.as_object_mut().expect("members").extend(more.as_object().expect("members").clone());
            Answer::Accepted(vec![body])
        };
        let elsewhere = state("completed", json!({"output_url": "http://localhost:1/x.png"}));
        for (answer, said) in [
            (state("failed", json!({"error": "boom"})), "boom"),
            (Answer::Status(404, "no such queue"), "no such queue"),
            (Answer::Status(302, "/elsewhere"), "302"),
            (elsewhere, "another host"),
            (Answer::Page, "not a picture"),
            (state("completed", json!({"output_url": "/pictures/8.png"})), "no such picture"),
            (state("completed", json!({})), "output_url"),
            (state("asleep", json!({})), "cannot be read"),
        ] {
            farm.answers([answer.clone()]);
            let line = line(&shop).await;
            let failed = shop.line_when(&line, "failed").await;
            let error = failed["render_job_doc"]["error"].as_str().expect("an error");
            assert!(error.contains(said), "{answer:?}: {error}");
            let [task] = &tasks_of(&shop.admin, &line.id).await[..] else { panic!("one task") };
            assert_eq!(task["error"]["code"], "executor_failed", "{answer:?}");
        }
        // What may pass is tried again, with the same key.
        farm.seen(|seen| seen.jobs.clear());
        farm.answers([Answer::Status(503, ""), Answer::Status(429, ""), Answer::Picture]);
        let line = line(&shop).await;
        let [task] = &tasks_of(&shop.admin, &line.id).await[..] else { panic!("one task") };
        let path = format!("/api/v1/tasks/{}", task["id"].as_str().expect("an id"));
        for (attempt, wait_ms) in [(1, 6_000), (2, 31_000)] {
            poll(async || shop.get(&path).await, |task| task["state"] == "queued" && task["attempt"] == attempt).await;
            app.db.move_clock(wait_ms);
        }
        let done = shop.line_when(&line, "completed").await;
        assert_eq!(done["render_job_doc"]["attempt"], 3);
        let keys = farm.keys();
        assert!(keys.len() == 3 && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    }

    async fn w88_a_server_is_told_to_stop(engine) {
        let farm = Farm::default();
        let url = farm.serve().await;
        let app = installed(&engine, &url).await.start(true).await;
        let shop = Shop::open(&app).await;
        allow(&app, &shop, true).await;
        let running = json!({"state": "running", "progress_pct": 10, "error": null, "output_url": null});
        farm.answers([Answer::Accepted(vec![running]), Answer::Never]);
        for n_stopped in [1, 1] {
            let n_before = farm.keys().len();
            let line = line(&shop).await;
            poll(async || farm.keys().len().into(), |n| n.as_u64() == Some(n_before as u64 + 1)).await;
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            let asked = Instant::now();
            shop.admin.post(&format!("/api/v1/order-lines/{}/cancel", line.id)).await;
            shop.line_when(&line, "cancelled").await;
            assert!(asked.elapsed() < Duration::from_secs(15));
            poll(async || farm.seen(|seen| seen.n_stopped).into(), |n| n == n_stopped).await;
        }
    }
}
