//! Tasks from the queue through a worker to their end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use packshot_service::db::renders::Render;
use packshot_service::db::tasks::{self, AfterFailure};
use packshot_service::db::{AllTenants, events, files, renders, worker_configs};
use packshot_service::domain::concurrency::Concurrency;
use packshot_service::domain::document::StepStatus;
use packshot_service::domain::event::EventName;
use packshot_service::domain::render::RenderState;
use packshot_service::domain::step::StepName;
use packshot_service::domain::task::QueueName;
use packshot_service::worker::executor::Executor;
use packshot_service::worker::inline::InlineExecutor;
use packshot_service::worker::protocol::{Failure, Outcome, WorkEvent};

use crate::place::{Place, Puppet};
use crate::studio::{engine, small};

fn inline() -> Arc<dyn Executor> {
    Arc::new(InlineExecutor::new(Arc::new(engine())))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r12_r30_a_task_ends_with_files_document_and_events() {
    let place = Place::open(inline()).await;
    let id = place.submit(small()).await;
    let render = place.ended(id).await;
    assert_eq!((render.state, &render.error), (RenderState::Completed, &None));
    let rows = files::of_render(&place.db, place.scope, id).await.expect("read");
    let names: Vec<&str> = rows.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["result.png", "report.json", "shot.json"]);
    for row in &rows {
        let bytes = place.store.read(place.scope.tenant, &row.address).await.expect("stored and whole");
        assert_eq!(bytes.len() as i64, row.size_bytes);
    }
    let result = render.result.expect("a result");
    assert_eq!(result["files"][0]["file_hash"], rows[0].address.to_string());
    assert_eq!((&result["from_cache"], &result["unmapped_parts"]), (&false.into(), &0.into()));

    let document = render.document;
    assert_eq!((document.state, document.attempt, document.task_id), (RenderState::Completed, 1, render.task_id));
    let steps: Vec<_> = document.steps.iter().map(|step| (step.name, step.status)).collect();
    let expect = [StepName::ResolveStepPath, StepName::ResolveMaterials, StepName::RenderStill, StepName::OutputSave];
    assert_eq!(steps, expect.map(|name| (name, StepStatus::Done)));
    for step in &document.steps {
        let (ended, took) = (step.completed_at.expect("ended"), step.duration_s.expect("took"));
        assert!((ended.since(step.started_at).as_secs_f64() - took).abs() < 0.01, "R31: {step:?}");
    }
    let render_step = document.steps[2].render.as_ref().expect("what it rendered with");
    assert_eq!((render_step.engine.as_str(), render_step.samples), ("path_tracer", 4));
    let left = document.result.expect("what it left");
    assert_eq!((left.output_path.as_str(), left.engine_used.as_str()), ("result.png", "path_tracer"));

    let stream = events::after(&place.db, place.scope, id, 0, 1000).await.expect("read");
    let numbers: Vec<i64> = stream.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (1..=stream.len() as i64).collect::<Vec<_>>(), "without gaps");
    let ends = stream.iter().filter(|event| event.name.is_terminal()).count();
    assert_eq!((ends, stream.last().map(|event| event.name)), (1, Some(EventName::Completed)));
    for name in [EventName::State, EventName::Step, EventName::Progress, EventName::Preview, EventName::Log] {
        assert!(stream.iter().any(|event| event.name == name), "{name}");
    }
    assert!(place.hub.preview(id).is_none(), "the preview of what ended is the result");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r14_a_running_task_is_cancelled_within_two_seconds_and_leaves_nothing() {
    let place = Place::open(inline()).await;
    let mut request = small();
    request.samples = 65_536;
    let id = place.submit(request).await;
    place.until(id, |render| render.progress.samples_done > 0).await;
    let asked = Instant::now();
    renders::request_cancel(&place.db, place.scope, id).await.expect("marked");
    let render = place.ended(id).await;
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    assert_eq!((render.state, render.document.state), (RenderState::Cancelled, RenderState::Cancelled));
    assert!(files::of_render(&place.db, place.scope, id).await.expect("read").is_empty());
    assert!(render.document.steps.iter().all(|step| step.status != StepStatus::Running));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c34_draining_gives_the_attempt_back() {
    let place = Place::open(inline()).await;
    let mut request = small();
    request.samples = 65_536;
    let id = place.submit(request).await;
    place.until(id, |render| render.progress.samples_done > 0).await;
    place.queue.drain(Duration::from_millis(50)).await;
    let render = place.render(id).await;
    let task = tasks::get(&place.db, place.scope, render.task_id.expect("a task")).await.expect("read");
    assert_eq!((render.state, task.attempt), (RenderState::Queued, 0), "no attempt was used");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r72_an_input_fault_fails_at_once() {
    let place = Place::open(inline()).await;
    let id = place.submit_scene(b"no GLB".to_vec(), small()).await;
    let render = place.ended(id).await;
    let error = render.error.expect("a reason");
    assert!(error.code.starts_with("glb.") && error.at.is_some(), "{error:?}");
    assert_eq!((render.state, render.document.attempt), (RenderState::Failed, 1));
    assert!(render.document.error.expect("a reason").contains(&error.detail));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r70_who_lost_the_lease_writes_nothing() {
    let puppet = Arc::new(Puppet::default());
    let place = Place::open(puppet.clone()).await;
    let id = place.submit(small()).await;
    let paused = puppet.next().await;
    // Its lease runs out, and the attempt is taken back, before the worker says anything.
    place.db.move_clock(31_000);
    let reaped = tasks::reap_expired(&place.db, AllTenants::Housekeeping, Vec::new()).await.expect("looked");
    assert!(matches!(reaped[..], [tasks::Reaped { attempt: 1, after: AfterFailure::Retry(_), .. }]), "{reaped:?}");
    let before = place.render(id).await;
    paused.send(WorkEvent::Finished(Box::new(Outcome::Completed(puppet.completed()))));
    paused.is_over().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(place.render(id).await, before, "nothing was overwritten");
    // The next attempt ends it.
    place.db.move_clock(6_000);
    let second = puppet.next().await;
    assert_eq!(second.work.attempt, 2);
    second.send(WorkEvent::Finished(Box::new(Outcome::Completed(puppet.completed()))));
    assert_eq!(place.ended(id).await.state, RenderState::Completed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r71_what_kills_its_worker_each_time_is_given_up_with_the_reason() {
    let puppet = Arc::new(Puppet::default());
    let place = Place::open(puppet.clone()).await;
    let id = place.submit(small()).await;
    for (attempt, wait_ms) in [(1, 6_000), (2, 31_000), (3, 0)] {
        let failure = Failure::infrastructure("worker_lost", "it crashed (signal 11)");
        puppet.next().await.send(WorkEvent::Finished(Box::new(Outcome::Failed(failure))));
        let is_over = |render: &Render| render.document.attempt == attempt && render.state != RenderState::Running;
        place.until(id, is_over).await;
        place.db.move_clock(wait_ms);
    }
    let render = place.ended(id).await;
    assert_eq!((render.state, render.document.attempt), (RenderState::Failed, 3));
    assert_eq!(render.error.expect("a reason").detail, "it crashed (signal 11)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r62_more_room_counts_at_once_and_abandoned_work_takes_room() {
    let puppet = Arc::new(Puppet::default());
    let place = Place::open(puppet.clone()).await;
    let first = place.submit(small()).await;
    place.submit(small()).await;
    let running = puppet.next().await;
    assert!(puppet.none_within(Duration::from_millis(300)).await, "one at a time");
    // The first does not answer to its cancel: it ends, and still takes the only place.
    renders::request_cancel(&place.db, place.scope, first).await.expect("marked");
    assert_eq!(place.ended(first).await.state, RenderState::Cancelled);
    assert!(running.abandoned.load(Ordering::Relaxed));
    assert!(puppet.none_within(Duration::from_millis(300)).await, "its thread is still busy");
    let limits = Concurrency::new(2, 1).expect("limits");
    worker_configs::put(&place.db, AllTenants::Instance, QueueName::Render, limits, None).await.expect("stored");
    puppet.next().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_store_is_tried_again() {
    let place = Place::open(inline()).await;
    let id = place.submit(small()).await;
    place.store.set_full(true);
    let render = place.until(id, |render| render.state == RenderState::Queued && render.document.attempt == 1).await;
    assert!(render.document.error.expect("a reason").contains("space"));
    place.store.set_full(false);
    place.db.move_clock(6_000);
    let render = place.ended(id).await;
    assert_eq!((render.state, render.document.attempt), (RenderState::Completed, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r59_what_runs_for_too_long_is_stopped_and_tried_again() {
    let puppet = Arc::new(Puppet::default());
    let place = Place::with_stall_timeout(puppet.clone(), Duration::from_millis(500)).await;
    let id = place.submit(small()).await;
    let stalled = puppet.next().await;
    let render = place.until(id, |render| render.state == RenderState::Queued && render.document.attempt == 1).await;
    assert!(render.document.error.expect("a reason").contains("stalled"));
    assert!(stalled.abandoned.load(Ordering::Relaxed), "it did not answer");
}
