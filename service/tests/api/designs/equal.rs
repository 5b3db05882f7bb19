//! Jobs that ask for the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use packshot_renderer::backend::CancelToken;
use packshot_service::app::Deeds;
use packshot_worker::compose::ComposeOutcome;
use packshot_worker::engine::Engine;
use packshot_worker::executor::AssetSource;
use packshot_worker::protocol::{RenderInput, WorkEvent};
use reqwest::Method;
use serde_json::{Value, json};

use super::bench::{Bench, JOBS, installation};
use crate::app::{Reply, id};
use crate::glb::Glb;

/// How often something was composed and rendered.
struct Counts {
    composed: Arc<AtomicUsize>,
    works: Arc<AtomicUsize>,
}

impl Counts {
    fn now(&self) -> [usize; 2] {
        [&self.composed, &self.works].map(|count| count.load(Ordering::SeqCst))
    }
}

/// Counts what is composed.
#[derive(Debug)]
struct Counting(Arc<AtomicUsize>);

impl Deeds for Counting {
    fn compose(
        &self,
        engine: &Engine,
        input: &RenderInput,
        assets: &dyn AssetSource,
        cancel: &CancelToken,
        emit: &(dyn Fn(WorkEvent) + Sync),
    ) -> ComposeOutcome {
        self.0.fetch_add(1, Ordering::SeqCst);
        engine.compose(input, assets, cancel, emit)
    }
}

/// The addresses of the texture, the pictures and the turntable of a job.
fn hashes(job: &Value) -> Vec<Value> {
    let outputs = job["outputs"].as_array().expect("pictures").iter();
    let all = outputs.chain([&job["texture"], &job["animation"]]);
    all.map(|file| file["file_hash"].clone()).collect()
}

fn urls(job: &Value) -> Vec<String> {
    let outputs = job["outputs"].as_array().expect("pictures").iter();
    let all = outputs.chain([&job["texture"], &job["animation"], &job["design"]]);
    all.map(|file| file["url"].as_str().expect("a url").to_owned()).collect()
}

cases! {
    async fn d63_the_second_of_two_equal_jobs_computes_nothing(engine) {
        let composed = Arc::default();
        let site = installation(&engine, Counting(Arc::clone(&composed))).await;
        let counts = Counts { composed, works: site.n_works.clone() };
        let app = site.start(true).await;
        let bench = Bench::open(&app).await;
        let wanted = json!({"animation": {"frame_count": 3}, "seed": 4});
        let first = bench.ended(&id(&bench.start(&wanted).await)).await;
        assert_eq!((&first["status"], counts.now()), (&json!("completed"), [1, 2]), "{first}");
        let second = bench.ended(&id(&bench.start(&wanted).await)).await;
        assert_eq!((&second["status"], counts.now()), (&json!("completed"), [1, 2]), "{second}");
        assert_eq!(hashes(&second), hashes(&first));
        assert_eq!(second["placement_report"], first["placement_report"]);
        assert_eq!((&second["animation"]["frame_count"], &second["animation"]["fps"]), (&json!(3), &json!(24)));
        assert!(urls(&second).iter().all(|url| !urls(&first).contains(url)), "each has assets of its own");
        let steps = second["document"]["steps"].as_array().expect("steps");
        for name in ["compose_design", "render_views", "render_turntable", "output_save", "associate_media"] {
            assert!(steps.iter().any(|step| step["name"] == name && step["duration_s"].is_number()), "{name}: {steps:?}");
        }
        assert_eq!(bench.gallery().await.len(), 14);

        // What one of them had is the other's too.
        let gone = bench.admin.request(Method::DELETE, &format!("{JOBS}/{}?media=delete", id(&first)));
        assert_eq!(Reply::of(gone).await.status, 204);
        for url in urls(&second) {
            assert_eq!(bench.admin.get(&url).await.status, 200, "{url}");
        }
        assert_eq!(bench.gallery().await.len(), 7);
        let third = bench.ended(&id(&bench.start(&wanted).await)).await;
        assert_eq!((hashes(&third), counts.now()), (hashes(&first), [1, 2]), "the second serves the third");
        for job in [&second, &third] {
            let gone = bench.admin.request(Method::DELETE, &format!("{JOBS}/{}?media=delete", id(job)));
            assert_eq!(Reply::of(gone).await.status, 204);
        }
        assert_eq!(bench.gallery().await.len(), 0);
        let again = bench.ended(&id(&bench.start(&wanted).await)).await;
        assert_eq!((hashes(&again), counts.now()), (hashes(&first), [2, 4]), "computed anew, to the same bytes");
    }

    async fn d63_jobs_that_differ_or_are_of_others_share_nothing(engine) {
        let composed = Arc::default();
        let site = installation(&engine, Counting(Arc::clone(&composed))).await;
        let counts = Counts { composed, works: site.n_works.clone() };
        let app = site.start(true).await;
        let (alpha, beta) = (Bench::open(&app).await, Bench::of_tenant(&app, "beta", Glb::mug(None)).await);
        let one = json!({"views": ["front_0deg"]});
        let mut n = 0;
        for (bench, more) in [
            (&alpha, one.clone()),
            (&beta, one.clone()),
            (&alpha, json!({"views": ["front_0deg"], "seed": 9})),
            (&alpha, json!({"views": ["front_0deg"], "placement": {"x": 1}})),
            (&alpha, json!({"views": ["back_180deg"]})),
        ] {
            let done = bench.ended(&id(&bench.start(&more).await)).await;
            assert_eq!(done["status"], "completed", "{done}");
            n += 1;
            assert_eq!(counts.now(), [n, n], "{more}");
        }
        // One of whose pictures one is gone serves nobody.
        let first = alpha.ended(&id(&alpha.start(&one).await)).await;
        assert_eq!(counts.now(), [n, n]);
        let page = alpha.admin.get("/api/media/assets?view_name=front_0deg&page_size=50").await.json();
        for asset in page["items"].as_array().expect("assets") {
            let gone = alpha.admin.request(Method::DELETE, &format!("/api/media/assets/{}", id(asset)));
            assert_eq!(Reply::of(gone).await.status, 204);
        }
        let again = alpha.ended(&id(&alpha.start(&one).await)).await;
        assert_eq!((&again["outputs"][0]["file_hash"], counts.now()), (&first["outputs"][0]["file_hash"], [n, n + 1]), "the texture is still there");
    }
}
