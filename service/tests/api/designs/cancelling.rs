//! Design jobs that are cancelled while a step of theirs is at work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use packshot_renderer::backend::CancelToken;
use packshot_service::app::{Deed, Deeds};
use packshot_worker::compose::ComposeOutcome;
use packshot_worker::engine::Engine;
use packshot_worker::executor::AssetSource;
use packshot_worker::protocol::{Failure, RenderInput, WorkEvent};
use serde_json::{Value, json};

use super::bench::{Bench, installation};
use crate::app::{PATIENCE, id, poll};

/// How often a job is cancelled in each step, unless `PACKSHOT_CANCELLED` says otherwise.
const TIMES: usize = 2;

/// Where a job is held until somebody lets it go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// While its texture is composed.
    Composing,
    /// Before it does something.
    Before(Deed),
    /// Nowhere: its pictures take long enough.
    Nowhere,
}

/// Holds jobs at a place.
#[derive(Debug)]
struct Gate {
    place: Place,
    is_reached: AtomicBool,
    is_open: AtomicBool,
}

impl Gate {
    /// Holds whoever comes, until it is open or nobody needs the work any more.
    fn hold(&self, is_needless: impl Fn() -> bool) {
        self.is_reached.store(true, Ordering::SeqCst);
        let begun = Instant::now();
        while !self.is_open.load(Ordering::SeqCst) && !is_needless() && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn close(&self) {
        self.is_reached.store(false, Ordering::SeqCst);
        self.is_open.store(false, Ordering::SeqCst);
    }
}

#[derive(Debug)]
struct Held(Arc<Gate>);

impl Deeds for Held {
    fn may(&self, deed: Deed) -> Result<(), Failure> {
        if self.0.place == Place::Before(deed) {
            tokio::task::block_in_place(|| self.0.hold(|| false));
        }
        Ok(())
    }

    fn compose(
        &self,
        engine: &Engine,
        input: &RenderInput,
        assets: &dyn AssetSource,
        cancel: &CancelToken,
        emit: &(dyn Fn(WorkEvent) + Sync),
    ) -> ComposeOutcome {
        if self.0.place == Place::Composing {
            self.0.hold(|| cancel.is_cancelled());
        }
        engine.compose(input, assets, cancel, emit)
    }
}

/// What a job that was cancelled in a step leaves: the types of its assets, in order.
fn left(step: usize) -> Vec<&'static str> {
    match step {
        3 => vec!["design"],
        4 | 5 => vec!["design", "design_texture"],
        _ => vec!["design", "design_texture", "view", "view"],
    }
}

cases! {
    on_postgres_in_the_soak:
    async fn d32_a_job_is_cancelled_in_each_step(engine) {
        let times = std::env::var("PACKSHOT_CANCELLED").ok().and_then(|n| n.parse().ok()).unwrap_or(TIMES);
        for (step, place) in [
            (3, Place::Composing),
            (4, Place::Nowhere),
            (5, Place::Before(Deed::StorePicture(1))),
            (6, Place::Before(Deed::Associate)),
            (7, Place::Before(Deed::Complete)),
        ] {
            let gate = Arc::new(Gate { place, is_reached: AtomicBool::new(false), is_open: AtomicBool::new(false) });
            let site = installation(&engine, Held(gate.clone())).await;
            let app = site.start(true).await;
            let bench = Bench::open(&app).await;
            for seed in 0..times {
                gate.close();
                let mut wanted = json!({"views": ["front_0deg", "back_180deg"], "seed": seed});
                if place == Place::Nowhere {
                    (wanted["samples"], wanted["width"], wanted["height"]) = (json!(65536), json!(256), json!(256));
                }
                let job = id(&bench.start(&wanted).await);
                let is_there = |job: &Value| job["steps"][step - 1]["status"] == "running";
                bench.job_when(&job, |job| is_there(job) && (place == Place::Nowhere || gate.is_reached.load(Ordering::SeqCst))).await;
                let begun = Instant::now();
                let asked = bench.act(&job, "cancel").await;
                assert_eq!((asked.status, asked.json()["cancel_requested_at"].is_string()), (202, true), "{}", asked.text());
                // The news of it is on its way to the task.
                tokio::time::sleep(Duration::from_millis(100)).await;
                gate.is_open.store(true, Ordering::SeqCst);
                let cancelled = bench.ended(&job).await;
                assert_eq!((&cancelled["status"], &cancelled["error"]), (&json!("cancelled"), &json!(null)), "step {step}: {cancelled}");
                assert!(begun.elapsed() < Duration::from_secs(10), "step {step}: {:?}", begun.elapsed());
                bench.settled().await;
                let kept: Vec<_> = left(step).into_iter().map(|of| (of.to_owned(), "unpublished".to_owned())).collect();
                assert_eq!(bench.assets(&job).await, kept, "step {step}");
                assert_eq!((bench.gallery().await.len(), bench.thumbnail().await), (0, json!(null)), "step {step}");
                assert_eq!(bench.events(&job).await.last().map(String::as_str), Some("render.job.cancelled"));
                let states: Vec<String> = bench.tasks(&job).await.into_iter().map(|[.., state]| state).collect();
                assert!(states.iter().all(|state| state == "completed" || state == "cancelled"), "step {step}: {states:?}");
                poll(async || bench.job(&job).await["error"].clone(), Value::is_null).await;
            }
        }
    }
}
