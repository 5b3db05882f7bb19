//! D27: each task of a design job by itself, on a row that was prepared for it, and twice in a row.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use packshot_db::tasks::{Claimed, Delivery, LaneLimit};
use packshot_domain::id::WorkerId;
use packshot_domain::step::StepName;
use packshot_domain::task::{Chore, Lane, QueueName, SERVICE_DEATHS_MAX_INLINE, TaskKind};
use packshot_service::app::OwnDeeds;
use packshot_service::designs::{ComposeHandler, StoreHandler};
use packshot_service::jobs::handler::{Handler, Handlers, Outcome, Start};
use packshot_service::jobs::{self, QueueParts, STALL_CHECK_EVERY};
use packshot_service::renders::RenderHandler;
use packshot_worker::engine::{Engine, EngineOptions};
use packshot_worker::inline::InlineExecutor;
use packshot_worker::made_with::Program;
use packshot_worker::protocol::Failure;
use serde_json::{Value, json};

use super::bench::Bench;
use crate::app::{TestApp, id};

/// What an attempt has delivered.
type Delivered = Arc<Mutex<Vec<Delivery>>>;

/// Has a task done, forgets that, and has it done again: as if the process had ended just before the end was written.
#[derive(Debug)]
struct Twice {
    handler: Arc<dyn Handler>,
    delivered: Delivered,
}

impl Handler for Twice {
    fn start<'t>(&'t self, claimed: &'t Claimed) -> BoxFuture<'t, Result<Start, Failure>> {
        Box::pin(async move {
            let Start { spec, work, until_written } = self.handler.start(claimed).await?;
            let delivered = self.delivered.clone();
            let again = Box::new(move |desk| {
                Box::pin(async move {
                    match work(desk).await {
                        Outcome::Done(delivery) => {
                            let mut delivered = delivered.lock().expect("no panic");
                            delivered.push(delivery.clone());
                            match delivered.len() {
                                1 => {
                                    Outcome::Again(Failure::infrastructure("lost", "as if it was lost"), Duration::ZERO)
                                }
                                _ => Outcome::Done(delivery),
                            }
                        }
                        other => other,
                    }
                }) as BoxFuture<'static, Outcome>
            });
            Ok(Start { spec, work: again, until_written })
        })
    }
}

/// The tasks of a job: the kind, the queue, and the steps that are done after it.
const TASKS: [(TaskKind, QueueName, usize); 3] = [
    (TaskKind::Step(StepName::ComposeDesign), QueueName::Convert, 3),
    (TaskKind::Chore(Chore::RenderDesign), QueueName::Render, 4),
    (TaskKind::Chore(Chore::StoreDesign), QueueName::Convert, 7),
];

/// The handler of a kind, of this service.
fn handler(app: &TestApp, kind: TaskKind) -> Arc<dyn Handler> {
    let (db, store, settings) = (app.db.clone(), app.store.clone(), app.settings.clone());
    match kind {
        TaskKind::Step(_) => Arc::new(ComposeHandler::new((db, store), settings, Arc::new(OwnDeeds), Program::UNNAMED)),
        TaskKind::Chore(Chore::RenderDesign) => {
            let options =
                EngineOptions { n_threads: 2, cache: None, scratch: settings.scratch(), ..Default::default() };
            let executor = Arc::new(InlineExecutor::new(Arc::new(Engine::new(options))));
            Arc::new(RenderHandler { db, store, hub: app.hub.clone(), executor, settings })
        }
        TaskKind::Chore(_) => Arc::new(StoreHandler { db, store, settings, deeds: Arc::new(OwnDeeds) }),
    }
}

/// What counts of a delivery: the addresses of its files, and what its task says.
fn result(delivery: &Delivery) -> Value {
    let files: Vec<String> = delivery.files.iter().map(|file| format!("{} {}", file.name, file.address)).collect();
    let mut output = delivery.output.clone();
    // How long it took is not the result.
    if let Some(members) = output.as_object_mut() {
        members.remove("duration_s");
    }
    json!({"files": files, "output": output})
}

cases! {
    async fn d27_each_task_alone_and_twice_in_a_row(engine) {
        let app = TestApp::idle(&engine).await;
        std::fs::create_dir_all(app.settings.scratch()).expect("a folder");
        let bench = Bench::open(&app).await;
        let job = id(&bench.start(&json!({"views": ["front_0deg", "back_180deg"]})).await);
        let n_done = |job: &Value| job["steps"].as_array().expect("steps").iter().filter(|step| step["status"] == "done").count();
        assert_eq!(n_done(&bench.job(&job).await), 2, "the row is prepared");
        for (kind, queue, wanted) in TASKS {
            let delivered = Delivered::default();
            let twice = Twice { handler: handler(&app, kind), delivered: delivered.clone() };
            let lane = if queue == QueueName::Render { Lane::builtin() } else { Lane::of_queue(queue) };
            // Nothing else works: what comes before was done by another process, what comes after stays.
            let queue = jobs::start(QueueParts {
                worker: WorkerId::new(),
                db: app.db.clone(),
                handlers: Handlers::default().with((queue, lane, LaneLimit::OfQueue), &[kind], Arc::new(twice)),
                settings: app.settings.clone(),
                stall_check_every: STALL_CHECK_EVERY,
                service_deaths_max: SERVICE_DEATHS_MAX_INLINE,
            });
            let now = bench.job_when(&job, |job| n_done(job) == wanted || job["status"] == "failed").await;
            assert_eq!((n_done(&now), &now["error"]), (wanted, &Value::Null), "{kind}: {now}");
            queue.drain(Duration::from_secs(5)).await;
            let delivered = delivered.lock().expect("no panic").clone();
            assert_eq!(delivered.len(), 2, "{kind}");
            assert_eq!(result(&delivered[0]), result(&delivered[1]), "{kind}: the same both times");
        }
        let done = bench.ended(&job).await;
        assert_eq!((&done["status"], done["outputs"].as_array().map(Vec::len)), (&json!("completed"), Some(2)), "{done}");
        let published = ["design", "design_texture", "view", "view"].map(|of| {
            (of.to_owned(), if of == "view" { "published" } else { "unpublished" }.to_owned())
        });
        assert_eq!(bench.assets(&job).await, published, "each once");
        assert_eq!(json!(bench.gallery().await), json!(done["metadata"]["media_ids"]));
        bench.settled().await;
    }
}
