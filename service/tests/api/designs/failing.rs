//! Design jobs that fail or are cancelled: what is left, and how they are tried again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use packshot_domain::task::FaultKind;
use packshot_renderer::backend::CancelToken;
use packshot_service::app::{Deed, Deeds, OwnDeeds};
use packshot_service::designs::checking;
use packshot_worker::compose::ComposeOutcome;
use packshot_worker::engine::Engine;
use packshot_worker::executor::{self, AssetSource, EventSender, Executor, Incoming, WorkHandle};
use packshot_worker::protocol::{Failure, Outcome, RenderInput, RenderWork, WorkEvent};
use reqwest::Method;
use serde_json::{Value, json};

use super::bench::{Bench, Clumsy, JOBS, design, installation};
use crate::app::{Reply, TestApp, id, poll};

/// Composes nothing: fails, or never ends.
#[derive(Debug)]
struct Composer {
    fails: bool,
}

impl Deeds for Composer {
    fn compose(
        &self,
        _: &Engine,
        _: &RenderInput,
        _: &dyn AssetSource,
        cancel: &CancelToken,
        _: &(dyn Fn(WorkEvent) + Sync),
    ) -> ComposeOutcome {
        if self.fails {
            return ComposeOutcome::Failed(Failure::new(FaultKind::Input, "design_unreadable", "boom"));
        }
        while !cancel.is_cancelled() {
            std::thread::sleep(Duration::from_millis(10));
        }
        ComposeOutcome::Cancelled
    }
}

/// A renderer that fails at the fourth picture of its first work.
#[derive(Debug)]
struct Third {
    inner: Arc<dyn Executor>,
    n_works: AtomicU32,
}

impl Executor for Third {
    fn start(&self, work: RenderWork, assets: Arc<dyn AssetSource>, events: EventSender) -> WorkHandle {
        if self.n_works.fetch_add(1, Ordering::SeqCst) > 0 {
            return self.inner.start(work, assets, events);
        }
        let (between, Incoming { events: mut reports, mut files }) = executor::way();
        let handle = self.inner.start(work, assets, between);
        tokio::spawn(async move {
            let mut n_files = 0;
            loop {
                let sent = tokio::select! {
                    biased;
                    Some(file) = files.recv() => {
                        n_files += 1;
                        WorkEvent::File(file)
                    }
                    Some(event) = reports.recv() => event,
                    else => return,
                };
                let (is_enough, events) = (n_files == 3 || matches!(sent, WorkEvent::Finished(_)), events.clone());
                let failed = Outcome::Failed(Failure::new(FaultKind::Input, "shot.camera", "boom at the fourth view"));
                let passed = tokio::task::spawn_blocking(move || {
                    events.send(if is_enough { WorkEvent::Finished(Box::new(failed)) } else { sent });
                });
                passed.await.expect("sent");
                if is_enough {
                    return;
                }
            }
        });
        handle
    }

    fn live(&self) -> usize {
        self.inner.live()
    }
}

/// What a failed job says, also in lists and of its step.
async fn is_failed(bench: &Bench<'_>, job: &str, step: &str) -> Value {
    let failed = bench.ended(job).await;
    assert_eq!((&failed["status"], &failed["error"]["step"]), (&json!("failed"), &json!(step)), "{failed}");
    let own =
        failed["steps"].as_array().expect("steps").iter().find(|own| own["name"] == step).expect("a step").clone();
    assert_eq!((&own["status"], &own["error"]["code"]), (&json!("failed"), &failed["error"]["code"]));
    let listed = bench.admin.get(&format!("{JOBS}?status=failed")).await.json();
    assert!(listed["items"].as_array().expect("jobs").iter().any(|other| other["id"] == job));
    assert_eq!(bench.events(job).await.last().map(String::as_str), Some("render.job.failed"));
    bench.settled().await;
    failed
}

fn asset(of: &str, state: &str) -> (String, String) {
    (of.to_owned(), state.to_owned())
}

/// What the store has, once nothing of a failed attempt is being removed any more.
async fn files(bench: &Bench<'_>, wanted: usize) {
    poll(async || json!(bench.kept().await.1), |n| *n == wanted).await;
}

cases! {
    async fn d20_d22_d31_what_a_product_did_not_get_stays_unpublished(engine) {
        let site = installation(&engine, Clumsy::new(Deed::Associate, FaultKind::Input, 1)).await;
        let app = site.start(true).await;
        let bench = Bench::open(&app).await;
        let job = id(&bench.start(&json!({})).await);
        is_failed(&bench, &job, "associate_product_media").await;
        let mut kept = vec![asset("design", "unpublished"), asset("design_texture", "unpublished")];
        kept.extend((0..6).map(|_| asset("view", "unpublished")));
        assert_eq!(bench.assets(&job).await, kept);
        assert_eq!((bench.gallery().await.len(), bench.thumbnail().await), (0, json!(null)));
        let pictures = bench.job(&job).await["outputs"].clone();
        assert_eq!(bench.act(&job, "retry").await.status, 202);
        let done = bench.ended(&job).await;
        assert_eq!((&done["status"], &done["outputs"]), (&json!("completed"), &pictures), "nothing is rendered again");
        assert_eq!(bench.tasks(&job).await.len(), 4, "it goes on with the sixth step");
    }

    async fn d21_d22_d23_a_job_that_cannot_be_ended_takes_back_what_its_product_got(engine) {
        let site = installation(&engine, Clumsy::new(Deed::Complete, FaultKind::Input, 1)).await;
        let app = site.start(true).await;
        let bench = Bench::open(&app).await;
        let former = former_thumbnail(&bench).await;
        let job = id(&bench.start(&json!({})).await);
        let failed = is_failed(&bench, &job, "complete_render_job").await;
        assert_eq!(failed["error"]["undo_failed"], json!([]));
        assert_eq!((bench.gallery().await.len(), bench.thumbnail().await), (1, former.clone()));
        assert_eq!(bench.assets(&job).await.iter().filter(|of| **of == asset("view", "unpublished")).count(), 6);
        assert_eq!(bench.act(&job, "retry").await.status, 202);
        assert_eq!(bench.ended(&job).await["status"], "completed");
        assert_ne!(bench.thumbnail().await, former);
    }

    async fn d35_a_thumbnail_that_somebody_chose_meanwhile_stays(engine) {
        let site = installation(&engine, Awkward).await;
        let app = site.start(true).await;
        let bench = Bench::open(&app).await;
        let job = id(&bench.start(&json!({})).await);
        let failed = is_failed(&bench, &job, "complete_render_job").await;
        let chosen = failed["outputs"][3]["asset_id"].clone();
        let other = upload(&bench).await;
        let choose = json!({"thumbnail_asset_id": other});
        let path = format!("/api/v1/products/{}", bench.product);
        assert_eq!(bench.admin.send(Method::PATCH, &path, &choose).await.status, 200);
        assert_ne!(json!(other), chosen);
        checking::check(&app.db, &app.settings, &OwnDeeds).await.expect("checked");
        assert_eq!(bench.job(&job).await["error"]["undo_failed"], json!([]));
        assert_eq!(bench.thumbnail().await, json!(other));
    }

    async fn d32_a_cancelled_job_leaves_no_picture(engine) {
        let app = TestApp::start(&engine).await;
        let bench = Bench::open(&app).await;
        let slow = json!({"samples": 65536, "width": 256, "height": 256});
        let rendering = id(&bench.start(&slow).await);
        bench.job_when(&rendering, |job| job["progress_pct"].as_f64() > Some(40.0)).await;
        // Not before: it might be composed first, and then it would be the one that renders.
        let waiting = id(&bench.start(&slow).await);
        bench.job_when(&waiting, |job| job["steps"][2]["status"] == "done").await;
        let begun = Instant::now();
        let asked = bench.act(&rendering, "cancel").await;
        assert_eq!(asked.status, 202, "{}", asked.text());
        assert!(asked.json()["cancel_requested_at"].is_string());
        let cancelled = bench.ended(&rendering).await;
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        assert_eq!((&cancelled["status"], &cancelled["error"]), (&json!("cancelled"), &json!(null)));
        assert_eq!(bench.events(&rendering).await.last().map(String::as_str), Some("render.job.cancelled"));
        assert_eq!(bench.assets(&rendering).await, [asset("design", "unpublished"), asset("design_texture", "unpublished")]);
        let again = bench.act(&rendering, "cancel").await;
        assert_eq!((again.status, &again.json()["status"]), (200, &json!("cancelled")), "a second time changes nothing");
        bench.act(&waiting, "cancel").await;
        assert_eq!(bench.ended(&waiting).await["status"], "cancelled");
        bench.settled().await;
        assert_eq!(bench.gallery().await.len(), 0);
    }

    on_postgres_in_the_soak:

    async fn d16_d22_d31_a_design_that_cannot_be_stored_leaves_the_job_alone(engine) {
        let site = installation(&engine, Clumsy::new(Deed::StoreDesign, FaultKind::Infrastructure, 1)).await;
        let app = site.start(false).await;
        let bench = Bench::open(&app).await;
        let before = bench.kept().await;
        let refused = bench.send(design(), "logo.png", &json!({}), &[]).await;
        assert_eq!(refused.problem(), (507, "storage_full".to_owned()));
        let job = refused.json()["render_job_id"].as_str().expect("the job").to_owned();
        let failed = is_failed(&bench, &job, "upload_design_file").await;
        assert_eq!((&failed["design"], &failed["error"]["code"]), (&json!(null), &json!("storage_full")));
        let (mut rows, files) = bench.kept().await;
        rows.retain(|(table, _)| table != "design_jobs");
        assert_eq!((rows, files), before, "the job alone");
        assert_eq!(bench.act(&job, "retry").await.problem(), (409, "design_missing".to_owned()));
    }

    async fn d17_d22_a_texture_that_cannot_be_composed_leaves_the_design(engine) {
        let site = installation(&engine, Composer { fails: true }).await;
        let app = site.start(true).await;
        let bench = Bench::open(&app).await;
        let before = bench.kept().await;
        let job = id(&bench.start(&json!({})).await);
        let failed = is_failed(&bench, &job, "compose_design").await;
        assert!(failed["error"]["detail"].as_str().is_some_and(|detail| detail.contains("boom")), "{failed}");
        assert_eq!(bench.assets(&job).await, [asset("design", "unpublished")]);
        files(&bench, before.1 + 1).await;
        assert!(failed["texture"].is_null() && failed["placement_report"].is_null());
        let states: Vec<String> = bench.tasks(&job).await.into_iter().map(|[.., state]| state).collect();
        assert_eq!(states, ["failed", "cancelled", "cancelled"]);
        let task = failed["document"]["task_id"].as_str().expect("a task").to_owned();
        let task = bench.admin.get(&format!("/api/v1/tasks/{task}")).await.json();
        assert_eq!((&task["error"]["code"], &task["error"]["detail"]), (&failed["error"]["code"], &failed["error"]["detail"]));
        let requeued = bench.admin.post(&format!("/api/v1/tasks/{}/requeue", id(&task))).await;
        assert_eq!(requeued.problem(), (409, "task_not_requeueable".to_owned()));
    }

    async fn d18_d22_d24_d71_a_render_that_fails_leaves_design_and_texture(engine) {
        let mut site = installation(&engine, OwnDeeds).await;
        site.renders_with = |inner| Arc::new(Third { inner, n_works: AtomicU32::new(0) });
        let app = site.start(true).await;
        let bench = Bench::open(&app).await;
        let before = bench.kept().await;
        let job = id(&bench.start(&json!({})).await);
        let failed = is_failed(&bench, &job, "render_design").await;
        let states: Vec<String> = bench.tasks(&job).await.into_iter().map(|[.., state]| state).collect();
        assert_eq!(states, ["completed", "failed", "cancelled"]);
        let kept = [asset("design", "unpublished"), asset("design_texture", "unpublished")];
        assert_eq!(bench.assets(&job).await, kept);
        files(&bench, before.1 + 2).await;
        assert_eq!((bench.gallery().await.len(), bench.thumbnail().await), (0, json!(null)));

        let again = bench.act(&job, "retry").await;
        let waiting = again.json();
        assert_eq!((again.status, &waiting["status"], &waiting["attempt"], &waiting["error"]), (202, &json!("pending"), &json!(2), &json!(null)), "{}", again.text());
        assert_eq!(waiting["attempts"][0]["error"], failed["error"]);
        let done = bench.ended(&job).await;
        assert_eq!((&done["status"], &done["texture"]), (&json!("completed"), &failed["texture"]), "{done}");
        let events = bench.events(&job).await;
        assert_eq!(events.iter().filter(|name| name.ends_with("compositing")).count(), 1, "the texture is used again");
        let tasks = bench.tasks(&job).await;
        let names: Vec<&str> = tasks.iter().map(|[name, ..]| name.as_str()).collect();
        assert_eq!(names, ["compose_design", "render_design", "render_design", "store_design", "store_design"]);
    }

    async fn d19_d22_pictures_that_cannot_be_stored_leave_none(engine) {
        let site = installation(&engine, Clumsy::new(Deed::StorePicture(2), FaultKind::Input, 1)).await;
        let app = site.start(true).await;
        let bench = Bench::open(&app).await;
        let before = bench.kept().await;
        let job = id(&bench.start(&json!({})).await);
        is_failed(&bench, &job, "store_render_outputs").await;
        assert_eq!(bench.assets(&job).await, [asset("design", "unpublished"), asset("design_texture", "unpublished")]);
        files(&bench, before.1 + 2).await;
        assert_eq!(bench.act(&job, "retry").await.status, 202);
        assert_eq!(bench.ended(&job).await["status"], "completed", "it renders again what went with its folder");
    }

    async fn d34_what_could_not_be_taken_back_is_by_a_check(engine) {
        let site = installation(&engine, Awkward).await;
        let app = site.start(true).await;
        let bench = Bench::open(&app).await;
        let former = former_thumbnail(&bench).await;
        let job = id(&bench.start(&json!({})).await);
        let failed = is_failed(&bench, &job, "complete_render_job").await;
        assert_eq!(failed["error"]["undo_failed"], json!(["associate_product_media"]));
        assert_eq!(bench.gallery().await.len(), 7);
        let taken = async || {
            checking::check(&app.db, &app.settings, &OwnDeeds).await.expect("checked");
            bench.job(&job).await
        };
        poll(taken, |job| job["error"]["undo_failed"] == json!([])).await;
        assert_eq!((bench.gallery().await.len(), bench.thumbnail().await), (1, former));
    }

    async fn d25_steps_end_when_their_time_is_over(engine) {
        let site = installation(&engine, Composer { fails: false }).await;
        let app = site.start(true).await;
        let key = app.operating_key(&[packshot_domain::access::Scope::Admin]).await;
        let settings = json!({"compose_timeout_s": 2, "render_timeout_s": 2});
        let changed = app.with_key(&key).send(Method::PATCH, "/api/v1/settings", &settings).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        let bench = Bench::open(&app).await;
        let begun = Instant::now();
        let job = id(&bench.start(&json!({})).await);
        let failed = is_failed(&bench, &job, "compose_design").await;
        assert_eq!(failed["error"]["code"], "step_timeout");
        assert!(begun.elapsed() > Duration::from_secs(2), "{:?}", begun.elapsed());

        // The same of the fourth step.
        let site = installation(&engine, OwnDeeds).await;
        let app = site.start(true).await;
        let key = app.operating_key(&[packshot_domain::access::Scope::Admin]).await;
        let changed = app.with_key(&key).send(Method::PATCH, "/api/v1/settings", &json!({"render_timeout_s": 2})).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        let bench = Bench::open(&app).await;
        let slow = json!({"samples": 65536, "width": 256, "height": 256});
        let failed = is_failed(&bench, &id(&bench.start(&slow).await), "render_design").await;
        assert_eq!(failed["error"]["code"], "step_timeout", "{failed}");
    }

    async fn d26_a_store_that_is_away_is_tried_again(engine) {
        let site = installation(&engine, Clumsy::new(Deed::StoreTexture, FaultKind::Infrastructure, 2)).await;
        let app = site.start(true).await;
        let bench = Bench::open(&app).await;
        let job = id(&bench.start(&json!({"views": ["front_0deg"]})).await);
        let attempt = |job: &Value| job["steps"][2]["attempt"].as_u64().expect("a number");
        for (n, wait_ms) in [(1, 5_000), (2, 30_000)] {
            bench.job_when(&job, |job| attempt(job) == n && job["steps"][2]["status"] == "pending").await;
            app.db.move_clock(wait_ms);
        }
        let done = bench.ended(&job).await;
        assert_eq!((&done["status"], attempt(&done)), (&json!("completed"), 3), "{done}");
    }

    async fn d31_only_what_has_failed_is_tried_again(engine) {
        let app = TestApp::start(&engine).await;
        let bench = Bench::open(&app).await;
        let slow = id(&bench.start(&json!({"samples": 65536, "width": 256, "height": 256})).await);
        assert_eq!(bench.act(&slow, "retry").await.problem(), (409, "render_job_not_failed".to_owned()));
        bench.job_when(&slow, |job| job["status"] == "rendering").await;
        assert_eq!(bench.act(&slow, "retry").await.problem(), (409, "render_job_not_failed".to_owned()));
        bench.act(&slow, "cancel").await;
        bench.ended(&slow).await;
        let done = id(&bench.start(&json!({"views": ["front_0deg"]})).await);
        assert_eq!(bench.ended(&done).await["status"], "completed");
        assert_eq!(bench.act(&done, "retry").await.problem(), (409, "render_job_not_failed".to_owned()));
    }

    async fn d32_a_job_that_nothing_works_on_is_cancelled_at_once(engine) {
        let app = TestApp::idle(&engine).await;
        let bench = Bench::open(&app).await;
        let job = id(&bench.start(&json!({})).await);
        let cancelled = bench.act(&job, "cancel").await;
        assert_eq!((cancelled.status, &cancelled.json()["status"]), (200, &json!("cancelled")), "{}", cancelled.text());
        assert_eq!((bench.assets(&job).await, bench.folders().len()), (vec![asset("design", "unpublished")], 0));
        let again = bench.act(&job, "retry").await;
        assert_eq!((again.status, &again.json()["attempt"]), (202, &json!(2)), "{}", again.text());
    }
}

/// Fails to end jobs, and to take back what they did.
#[derive(Debug, Default)]
struct Awkward;

impl Deeds for Awkward {
    fn may(&self, deed: Deed) -> Result<(), Failure> {
        match deed {
            Deed::Complete | Deed::TakeBack => Err(Failure::new(FaultKind::Input, "unavailable", "boom")),
            _ => Ok(()),
        }
    }
}

/// An asset that somebody sends for the product.
async fn upload(bench: &Bench<'_>) -> String {
    use reqwest::multipart::{Form, Part};
    let form = Form::new().part("file", Part::bytes(design()).file_name("own.png"));
    let form = form.text("request", json!({"product_id": bench.product}).to_string());
    let sent = Reply::of(bench.admin.request(Method::POST, "/api/media/assets").multipart(form)).await;
    assert_eq!(sent.status, 201, "{}", sent.text());
    id(&sent.json())
}

/// A thumbnail of the product that a person chose, which is in its gallery.
async fn former_thumbnail(bench: &Bench<'_>) -> Value {
    let own = upload(bench).await;
    let choose = json!({"thumbnail_asset_id": own});
    let path = format!("/api/v1/products/{}", bench.product);
    assert_eq!(bench.admin.send(Method::PATCH, &path, &choose).await.status, 200);
    json!(own)
}
