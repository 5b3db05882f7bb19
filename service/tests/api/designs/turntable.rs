//! Turntables of designs.

use std::io::{Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use packshot_domain::task::FaultKind;
use packshot_pipeline::plan::Kind;
use packshot_renderer::backend::CancelToken;
use packshot_service::app::OwnDeeds;
use packshot_worker::executor::{AssetSource, EventSender, Executor, WorkHandle};
use packshot_worker::protocol::{Failure, Outcome, RenderWork, WorkEvent};
use serde_json::{Value, json};

use super::bench::{Bench, design, installation};
use crate::app::{TestApp, id, poll};

/// How many frames an MP4 has.
fn n_frames(mp4: &[u8]) -> u32 {
    let at = mp4.windows(4).position(|name| name == b"stsz").expect("a table of sizes");
    u32::from_be_bytes(mp4[at + 12..at + 16].try_into().expect("four bytes"))
}

/// The files of an archive, in their order.
fn entries(zip: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(zip)).expect("an archive");
    let n = archive.len();
    let entry = |i| {
        let mut file = archive.by_index(i).expect("an entry");
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).expect("readable");
        (file.name().expect("a name").into_owned(), bytes)
    };
    (0..n).map(entry).collect()
}

/// A renderer that fails at turntables, so many times, and counts what it was given.
#[derive(Debug)]
struct Still {
    inner: Arc<dyn Executor>,
    left: AtomicU32,
}

impl Executor for Still {
    fn start(&self, work: RenderWork, assets: Arc<dyn AssetSource>, events: EventSender) -> WorkHandle {
        let is_turned = work.input.plan.kind == Kind::Turntable;
        if !is_turned || self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err()
        {
            return self.inner.start(work, assets, events);
        }
        let failed = Outcome::Failed(Failure::new(FaultKind::Input, "shot.camera", "boom at the turntable"));
        tokio::task::spawn_blocking(move || events.send(WorkEvent::Finished(Box::new(failed))));
        WorkHandle::new(CancelToken::default(), || ())
    }

    fn live(&self) -> usize {
        self.inner.live()
    }
}

impl Bench<'_> {
    /// The files of a job with this media type.
    async fn files_of(&self, job: &str, media_type: &str) -> Vec<Value> {
        let path = format!("/api/media/assets?design_job_id={job}&state=published,unpublished&page_size=200");
        let page = self.admin.get(&path).await.json();
        let items = page["items"].as_array().expect("a list").iter();
        items.filter(|item| item["media_type"] == media_type).cloned().collect()
    }
}

cases! {
    on_postgres_in_the_soak:
    async fn d08_d10_d12_d13_d30_a_turntable_follows_the_views(engine) {
        let app = TestApp::start(&engine).await;
        let bench = Bench::open(&app).await;
        let job = id(&bench.start(&json!({"animation": true, "seed": 5})).await);
        let mut progress: Vec<f64> = Vec::new();
        let done = loop {
            let job = bench.job(&job).await;
            progress.push(job["progress_pct"].as_f64().expect("a number"));
            match job["status"].as_str() {
                Some("completed") => break job,
                Some("failed" | "cancelled") => panic!("{job}"),
                _ => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
            }
        };
        assert!(progress.is_sorted(), "{progress:?}");
        let wanted = json!({"frame_count": 72, "fps": 24, "direction": "ccw", "formats": ["mp4"]});
        assert_eq!(done["request"]["animation"], wanted);
        let film = &done["animation"];
        let about = ["view_name", "media_type", "width", "height", "frame_count", "fps"].map(|name| film[name].clone());
        assert_eq!(about, [json!("animation"), json!("video/mp4"), json!(16), json!(16), json!(72), json!(24)]);
        let bytes = bench.admin.get(film["url"].as_str().expect("a url")).await;
        assert_eq!((bytes.status, bytes.header("content-type")), (200, Some("video/mp4")));
        assert_eq!(film["file_hash"], format!("blake3:{}", blake3::hash(&bytes.body).to_hex()));
        assert_eq!(n_frames(&bytes.body), 72);

        assert_eq!(done["outputs"].as_array().map(Vec::len), Some(6), "the views alone");
        let ids = done["outputs"].as_array().expect("views").iter().chain([film]);
        let ids: Vec<Value> = ids.map(|output| output["asset_id"].clone()).collect();
        assert_eq!(json!(bench.gallery().await), json!(ids));
        assert_eq!((&done["metadata"]["media_ids"], bench.thumbnail().await), (&json!(ids), ids[0].clone()));
        let shown = bench.admin.get(&format!("/api/v1/products/{}/media", bench.product)).await.json();
        let last = &shown["items"][6];
        assert_eq!((&last["source"], &last["asset"]["state"]), (&json!("design_job"), &json!("published")));
        let of = &last["asset"];
        let about = ["asset_type", "file_name", "frame_count", "duration_s", "design_job_id"].map(|name| of[name].clone());
        assert_eq!(about, [json!("turntable"), json!("animation.mp4"), json!(72), json!(3.0), json!(job)]);
        let steps = done["document"]["steps"].as_array().expect("steps");
        for name in ["compose_design", "render_views", "render_turntable", "output_save", "associate_media"] {
            assert!(steps.iter().any(|step| step["name"] == name && step["duration_s"].is_number()), "{name}: {steps:?}");
        }
        bench.settled().await;
    }

    async fn d08_frames_turn_and_files_have_every_format_that_was_asked_for(engine) {
        let app = TestApp::start(&engine).await;
        let bench = Bench::open(&app).await;
        let turn = json!({"frame_count": 6, "fps": 12, "direction": "cw", "formats": ["apng", "zip", "png"]});
        let done = bench.ended(&id(&bench.start(&json!({"views": ["front_0deg"], "animation": turn})).await)).await;
        assert_eq!((&done["status"], &done["request"]["animation"]), (&json!("completed"), &turn), "{done}");
        let film = &done["animation"];
        assert_eq!([&film["media_type"], &film["frame_count"], &film["fps"]], [&json!("image/apng"), &json!(6), &json!(12)]);
        let job = id(&done);
        let zip = bench.files_of(&job, "application/zip").await;
        assert_eq!(zip[0]["file_name"], "animation.zip");
        let frames = entries(bench.admin.get(&format!("/api/media/assets/{}/content", id(&zip[0]))).await.body);
        assert_eq!(frames.len(), 6);
        assert_ne!(frames[0].1, frames[5].1, "the first and the last frame differ");
        let stills = bench.files_of(&job, "image/png").await;
        let turned: Vec<&Value> = stills.iter().filter(|still| still["asset_type"] == "turntable").collect();
        assert_eq!(turned.len(), 6, "each frame");
        assert!(turned.iter().all(|frame| frame["frame_count"].is_null()), "a frame is a picture");
        assert_eq!(bench.gallery().await.len(), 3, "the view, the movie and the archive");
        for (wrong, pointer) in [
            (json!({"frame_count": 1}), "/animation/frame_count"),
            (json!({"formats": ["gif"]}), "/animation/formats/0"),
            (json!({"start_deg": 3}), "/animation/start_deg"),
            (json!("yes"), "/animation"),
        ] {
            let refused = bench.send(design(), "a.png", &json!({"animation": wrong}), &[]).await;
            assert_eq!((refused.status, refused.pointers()), (422, vec![pointer.to_owned()]), "{}", refused.text());
        }
    }

    async fn d08_d18_d22_d24_a_turntable_that_fails_takes_the_views_with_it(engine) {
        let mut site = installation(&engine, OwnDeeds).await;
        site.renders_with = |inner| Arc::new(Still { inner, left: AtomicU32::new(1) });
        let app = site.start(true).await;
        let bench = Bench::open(&app).await;
        let before = bench.kept().await;
        let animation = json!({"frame_count": 4});
        let job = id(&bench.start(&json!({"animation": animation})).await);
        let failed = bench.ended(&job).await;
        assert_eq!((&failed["status"], &failed["error"]["step"]), (&json!("failed"), &json!("render_design")), "{failed}");
        assert_eq!((&failed["outputs"], &failed["animation"]), (&json!([]), &json!(null)));
        bench.settled().await;
        poll(async || json!(bench.kept().await.1), |n| *n == before.1 + 2).await;
        assert_eq!(bench.act(&job, "retry").await.status, 202);
        let done = bench.ended(&job).await;
        assert_eq!((&done["status"], &done["animation"]["frame_count"]), (&json!("completed"), &json!(4)), "{done}");
    }

    async fn d08_d32_a_job_that_is_cancelled_in_its_turntable_leaves_no_picture(engine) {
        let app = TestApp::start(&engine).await;
        let bench = Bench::open(&app).await;
        let slow = json!({"views": ["front_0deg"], "samples": 64, "animation": {"frame_count": 1440}});
        let job = id(&bench.start(&slow).await);
        let turns = |job: &Value| {
            let steps = job["document"]["steps"].as_array().into_iter().flatten();
            steps.clone().any(|step| step["name"] == "render_turntable") && job["status"] == "rendering"
        };
        bench.job_when(&job, turns).await;
        assert_eq!(bench.act(&job, "cancel").await.status, 202);
        assert_eq!(bench.ended(&job).await["status"], "cancelled");
        let kept = ["design", "design_texture"].map(|of| (of.to_owned(), "unpublished".to_owned()));
        assert_eq!(bench.assets(&job).await, kept);
        bench.settled().await;
        assert_eq!(bench.gallery().await.len(), 0);
    }
}
