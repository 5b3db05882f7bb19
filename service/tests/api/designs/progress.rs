//! How far a design job is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use packshot_renderer::backend::CancelToken;
use packshot_service::app::OwnDeeds;
use packshot_worker::executor::{self, AssetSource, EventSender, Executor, Incoming, WorkHandle};
use packshot_worker::protocol::{Failure, Outcome, RenderWork, WorkEvent};
use serde_json::json;

use super::bench::{Bench, installation};
use crate::app::{PATIENCE, id};

/// How often the first work says how far it is before it is lost.
const REPORTS: u32 = 7;

/// A renderer whose first worker is lost.
#[derive(Debug)]
struct Losing {
    inner: Arc<dyn Executor>,
    n_works: AtomicU32,
}

impl Executor for Losing {
    fn start(&self, work: RenderWork, assets: Arc<dyn AssetSource>, events: EventSender) -> WorkHandle {
        if self.n_works.fetch_add(1, Ordering::SeqCst) > 0 {
            return self.inner.start(work, assets, events);
        }
        let (between, Incoming { events: mut reports, files: _files }) = executor::way();
        let handle = self.inner.start(work, assets, between);
        tokio::spawn(async move {
            let mut n_reports = 0;
            while let Some(event) = reports.recv().await {
                n_reports += u32::from(matches!(event, WorkEvent::Progress(_)));
                let is_lost = n_reports > REPORTS;
                let lost = Outcome::Failed(Failure::infrastructure("worker_lost", "the worker was lost"));
                let event = if is_lost { WorkEvent::Finished(Box::new(lost)) } else { event };
                let events = events.clone();
                tokio::task::spawn_blocking(move || events.send(event)).await.expect("sent");
                if is_lost {
                    // Whatever it was doing ends with it.
                    handle.cancel();
                    return;
                }
            }
        });
        WorkHandle::new(CancelToken::default(), || ())
    }

    fn live(&self) -> usize {
        self.inner.live()
    }
}

cases! {
    on_postgres_in_the_soak:
    async fn d13_progress_has_many_values_and_does_not_fall_when_a_worker_is_lost(engine) {
        let mut site = installation(&engine, OwnDeeds).await;
        site.renders_with = |inner| Arc::new(Losing { inner, n_works: AtomicU32::new(0) });
        let app = site.start(true).await;
        let bench = Bench::open(&app).await;
        // Slower than anybody waits for: it is cancelled in the end.
        let slow = json!({"samples": 65536, "width": 64, "height": 64});
        let job = id(&bench.start(&slow).await);
        let (mut seen, begun): (Vec<f64>, _) = (Vec::new(), std::time::Instant::now());
        let (mut was_lost, mut attempt) = (false, 1);
        while attempt < 2 || seen.iter().filter(|pct| **pct > 40.0).count() < 5 {
            let job = bench.job(&job).await;
            assert!(begun.elapsed() < PATIENCE, "{job}");
            let pct = job["progress_pct"].as_f64().expect("a number");
            assert_eq!(job["metadata"]["progress"], job["progress_pct"]);
            assert!(seen.last().is_none_or(|last| pct >= *last), "{pct} after {seen:?}: {job}");
            assert!(pct < 95.0, "{job}");
            if seen.last() != Some(&pct) {
                seen.push(pct);
            }
            let step = &job["steps"][3];
            attempt = step["attempt"].as_u64().expect("a number");
            if step["status"] == "pending" && attempt == 1 && !was_lost {
                was_lost = true;
                app.db.move_clock(5_000);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(was_lost, "{seen:?}");
        assert_eq!(seen[..3.min(seen.len())].iter().filter(|pct| [10.0, 40.0].contains(*pct)).count(), 2, "{seen:?}");
        assert_eq!(bench.act(&job, "cancel").await.status, 202);
        assert_eq!(bench.ended(&job).await["status"], "cancelled");
    }
}
