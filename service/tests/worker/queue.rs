//! Tasks from the queue through a worker to their end, on both databases.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use packshot_db::channels::alerts::{self, AlertFilter};
use packshot_db::renders::Render;
use packshot_db::tasks::{self, AfterFailure};
use packshot_db::{AllTenants, PageRequest, files, log, renders, streams, worker_configs};
use packshot_domain::audit::Actor;
use packshot_domain::channel::AlertType;
use packshot_domain::concurrency::Concurrency;
use packshot_domain::document::StepStatus;
use packshot_domain::event::{EventName, LogLevel};
use packshot_domain::job::JobState;
use packshot_domain::step::StepName;
use packshot_domain::stream::StreamId;
use packshot_domain::task::{FaultKind, QueueName, TaskKind};
use packshot_worker::executor::Executor;
use packshot_worker::inline::InlineExecutor;
use packshot_worker::protocol::{
    Completed, Failure, LogLine, Outcome, OutputFile, Rejected, StepChange, StepPhase, WorkEvent, WorkProgress,
};
use serde_json::Map;
use tokio::time::sleep;

use crate::lines;
use crate::place::{Puppet, TestQueue};
use crate::studio::{engine, small};

/// How often the queue looks for stalled renders, in tests that wait for that.
const LOOK: Duration = Duration::from_millis(100);
const MINUTE_MS: i64 = 60_000;

/// A file that is sent while its render continues.
fn frame(name: &str, bytes: &'static [u8]) -> WorkEvent {
    let (name, format, bytes) = (name.to_owned(), "png".to_owned(), Bytes::from_static(bytes));
    WorkEvent::File(OutputFile { name, format, width: 1, height: 1, bytes })
}

fn inline() -> Arc<dyn Executor> {
    Arc::new(InlineExecutor::new(Arc::new(engine())))
}

cases! {
    async fn r12_r30_r40_r42_a_task_ends_with_files_document_events_and_log(engine) {
        let place = TestQueue::open(&engine, inline()).await;
        let id = place.submit(small()).await;
        let render = place.ended(id).await;
        assert_eq!((render.state, &render.error), (JobState::Completed, &None));
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
        assert_eq!((document.state, document.attempt, document.task_id), (JobState::Completed, 1, render.task_id));
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

        let stream = streams::after(&place.db, place.scope, StreamId::of_render(id), 0, 1000).await.expect("read");
        let numbers: Vec<i64> = stream.iter().map(|event| event.seq).collect();
        assert_eq!(numbers, (1..=stream.len() as i64).collect::<Vec<_>>(), "without gaps");
        let ends = stream.iter().filter(|event| event.name.is_terminal()).count();
        assert_eq!((ends, stream.last().map(|event| event.name)), (1, Some(EventName::Completed)));
        for name in [EventName::State, EventName::Step, EventName::Progress, EventName::Preview, EventName::Log] {
            assert!(stream.iter().any(|event| event.name == name), "{name}");
        }
        assert!(place.hub.preview(id).is_none(), "a render that has ended has no preview");

        // R40, R42: every line is in the log, in an event, and in a row.
        let task = document.task_id.expect("a task");
        let rows = log::after(&place.db, place.scope, task, 0, 1000).await.expect("read");
        assert_eq!(rows.len(), stream.iter().filter(|event| event.name == EventName::Log).count());
        let of_render: Vec<_> = rows.iter().filter(|row| row.row.step_name == TaskKind::Step(StepName::RenderStill)).collect();
        let (first, last) = (of_render[0], of_render[of_render.len() - 1]);
        assert_eq!((first.task_id, first.row.level, first.row.message.as_str()), (task, LogLevel::Info, "started"));
        assert_eq!((&first.row.context["engine"], &first.row.context["samples"]), (&"path_tracer".into(), &4.into()));
        assert!(last.row.duration_s.is_some_and(|took| took > 0.0) && last.row.message.starts_with("done"), "{last:?}");
        assert_eq!(last.row.context["samples_mean"], 4.0, "the result: {last:?}");
        let said = lines::about(&id.to_string());
        assert!(said.iter().any(|line| line.starts_with("[RENDER_STILL] started")), "{said:?}");
    }

    async fn r14_a_running_task_is_cancelled_within_two_seconds_and_leaves_nothing(engine) {
        let place = TestQueue::open(&engine, inline()).await;
        let mut request = small();
        request.options.samples = Some(65_536);
        let id = place.submit(request).await;
        place.until(id, |render| render.progress.samples_done > 0).await;
        let asked = Instant::now();
        renders::request_cancel(&place.db, place.scope, id).await.expect("marked");
        let render = place.ended(id).await;
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
        assert_eq!((render.state, render.document.state), (JobState::Cancelled, JobState::Cancelled));
        assert!(files::of_render(&place.db, place.scope, id).await.expect("read").is_empty());
        assert!(render.document.steps.iter().all(|step| step.status != StepStatus::Running));
    }

    async fn c34_draining_gives_the_attempt_back(engine) {
        let place = TestQueue::open(&engine, inline()).await;
        let mut request = small();
        request.options.samples = Some(65_536);
        let id = place.submit(request).await;
        place.until(id, |render| render.progress.samples_done > 0).await;
        place.queue.drain(Duration::from_millis(50)).await;
        let render = place.render(id).await;
        let task = tasks::get(&place.db, place.scope, render.task_id.expect("a task")).await.expect("read").task;
        assert_eq!((render.state, task.attempt), (JobState::Queued, 0), "no attempt was used");
    }

    async fn r43_r72_an_input_fault_fails_at_once_and_says_why(engine) {
        let place = TestQueue::open(&engine, inline()).await;
        let id = place.submit_scene(b"no GLB".to_vec(), small()).await;
        let render = place.ended(id).await;
        let error = render.error.expect("a reason");
        assert!(error.code.starts_with("glb.") && error.at.is_some(), "{error:?}");
        assert_eq!((render.state, render.document.attempt), (JobState::Failed, 1));
        assert!(render.document.error.expect("a reason").contains(&error.detail));
        // R43: the error and its cause are in a row.
        let rows = log::after(&place.db, place.scope, render.task_id.expect("a task"), 0, 1000).await.expect("read");
        let row = &rows.iter().find(|row| row.row.level == LogLevel::Error).expect("a row").row;
        assert_eq!((row.step_name, row.context["code"].as_str()), (TaskKind::Step(StepName::ResolveStepPath), Some(error.code.as_str())));
        assert!(row.message.contains(&error.code) && row.context["cause"] == error.detail, "{row:?}");
    }

    async fn r70_who_lost_the_lease_writes_nothing(engine) {
        let puppet = Arc::new(Puppet::default());
        let place = TestQueue::open(&engine, puppet.clone()).await;
        let id = place.submit(small()).await;
        let paused = puppet.next().await;
        // Its lease expires, and the task is taken back, before the worker reports anything.
        place.db.move_clock(31_000);
        let reaped = tasks::reap_expired(&place.db, AllTenants::Housekeeping, Vec::new()).await.expect("looked");
        assert!(matches!(reaped[..], [tasks::Reaped { attempt: 1, after: AfterFailure::Retry(_), .. }]), "{reaped:?}");
        let before = place.render(id).await;
        paused.send(WorkEvent::Finished(Box::new(Outcome::Completed(puppet.completed()))));
        paused.is_over().await;
        sleep(Duration::from_millis(200)).await;
        assert_eq!(place.render(id).await, before, "nothing was overwritten");
        // The next attempt ends it.
        place.db.move_clock(6_000);
        let second = puppet.next().await;
        assert_eq!(second.work.attempt, 2);
        second.send(WorkEvent::Finished(Box::new(Outcome::Completed(puppet.completed()))));
        assert_eq!(place.ended(id).await.state, JobState::Completed);
    }

    async fn r71_what_kills_its_worker_each_time_is_given_up_with_the_reason(engine) {
        let puppet = Arc::new(Puppet::default());
        let place = TestQueue::open(&engine, puppet.clone()).await;
        let id = place.submit(small()).await;
        for (attempt, wait_ms) in [(1, 6_000), (2, 31_000), (3, 0)] {
            let failure = Failure::infrastructure("worker_lost", "it crashed (signal 11)");
            puppet.next().await.send(WorkEvent::Finished(Box::new(Outcome::Failed(failure))));
            let is_over = |render: &Render| render.document.attempt == attempt && render.state != JobState::Running;
            place.until(id, is_over).await;
            place.db.move_clock(wait_ms);
        }
        let render = place.ended(id).await;
        assert_eq!((render.state, render.document.attempt), (JobState::Failed, 3));
        assert_eq!(render.error.expect("a reason").detail, "it crashed (signal 11)");
        let other = place.submit(small()).await;
        puppet.next().await.send(WorkEvent::Finished(Box::new(Outcome::Completed(puppet.completed()))));
        assert_eq!(place.ended(other).await.state, JobState::Completed, "others finish");
    }

    async fn r62_more_room_counts_at_once_and_abandoned_work_takes_room(engine) {
        let puppet = Arc::new(Puppet::default());
        let place = TestQueue::open(&engine, puppet.clone()).await;
        let first = place.submit(small()).await;
        place.submit(small()).await;
        let running = puppet.next().await;
        assert!(puppet.none_within(Duration::from_millis(300)).await, "one at a time");
        // The first does not react to the cancel: its job ends, but it still takes the only place.
        renders::request_cancel(&place.db, place.scope, first).await.expect("marked");
        assert_eq!(place.ended(first).await.state, JobState::Cancelled);
        assert!(running.abandoned.load(Ordering::Relaxed));
        assert!(puppet.none_within(Duration::from_millis(300)).await, "its thread is still busy");
        let limits = Concurrency::new(2, 1).expect("limits");
        worker_configs::put(&place.db, AllTenants::Instance, Actor::system(), QueueName::Render, limits, None).await.expect("stored");
        puppet.next().await;
    }

    async fn a_full_store_is_tried_again(engine) {
        let place = TestQueue::open(&engine, inline()).await;
        let id = place.submit(small()).await;
        place.store.set_full(true);
        let render = place.until(id, |render| render.state == JobState::Queued && render.document.attempt == 1).await;
        assert!(render.document.error.expect("a reason").contains("space"));
        place.store.set_full(false);
        place.db.move_clock(6_000);
        let render = place.ended(id).await;
        assert_eq!((render.state, render.document.attempt), (JobState::Completed, 2));
    }

    async fn r08_a_disk_that_is_full_ends_a_series_at_once(engine) {
        let puppet = Arc::new(Puppet::default());
        let place = TestQueue::open(&engine, puppet.clone()).await;
        let id = place.submit(small()).await;
        let attempt = puppet.next().await;
        attempt.send(frame("frame_0000.png", b"first"));
        place.store.set_full(true);
        attempt.send(frame("frame_0001.png", b"second"));
        // The worker itself does not report an end.
        let render = place.until(id, |render| render.state == JobState::Queued && render.document.attempt == 1).await;
        assert!(render.document.error.expect("a reason").contains("space"));
        assert!(attempt.abandoned.load(Ordering::Relaxed), "it did not answer to its cancel");
        assert_eq!(place.spooled_files(), 0, "nothing of it is kept");
    }

    async fn r08_what_a_job_writes_is_bounded(engine) {
        let puppet = Arc::new(Puppet::default());
        let place = TestQueue::open(&engine, puppet.clone()).await;
        place.set("max_output_bytes", 10).await;
        let fits = place.submit(small()).await;
        let attempt = puppet.next().await;
        assert_eq!(attempt.work.output_bytes_max, 10, "the worker has the limit too");
        attempt.send(frame("frame_0000.png", b"12345"));
        attempt.send(frame("frame_0001.png", b"67890"));
        attempt.send(WorkEvent::Finished(Box::new(Outcome::Completed(Completed { files: Vec::new(), ..puppet.completed() }))));
        assert_eq!(place.ended(fits).await.state, JobState::Completed);
        let id = place.submit(small()).await;
        let attempt = puppet.next().await;
        attempt.send(frame("frame_0000.png", b"12345"));
        attempt.send(frame("frame_0001.png", b"678901"));
        let render = place.ended(id).await;
        let error = render.error.expect("a reason");
        assert_eq!((render.state, error.code.as_str(), error.at.as_deref()), (JobState::Failed, "output_too_large", Some("frame_0001.png")));
        assert!(error.detail.contains("10 bytes of max_output_bytes"), "{}", error.detail);
        assert_eq!((render.document.attempt, place.spooled_files()), (1, 0), "it would be as large again");
    }

    async fn what_breaks_a_rule_of_its_preset_fails_and_is_kept_until_it_is_done_again(engine) {
        let puppet = Arc::new(Puppet::default());
        let place = TestQueue::open(&engine, puppet.clone()).await;
        let id = place.submit(small()).await;
        let names = async || {
            let rows = files::of_render(&place.db, place.scope, id).await.expect("read");
            rows.into_iter().map(|row| row.name).collect::<Vec<String>>()
        };
        let failure = Failure::new(FaultKind::Input, "preset.rule_broken", "the product is too small");
        let rejected = Rejected { completed: puppet.completed(), failure };
        puppet.next().await.send(WorkEvent::Finished(Box::new(Outcome::Rejected(rejected))));
        let render = place.ended(id).await;
        let error = render.error.expect("a reason");
        assert_eq!((render.state, error.code.as_str()), (JobState::Failed, "preset.rule_broken"));
        assert_eq!((render.document.state, render.document.attempt), (JobState::Failed, 1), "it would be as small again");
        assert_eq!(render.document.error.as_deref(), Some("the product is too small"));
        assert_eq!(render.result.expect("what it left")["files"][0]["name"], "result.png");
        assert_eq!(render.document.result.expect("what it left").output_path, "result.png");
        assert_eq!(names().await, ["result.png", "report.json"]);
        for row in files::of_render(&place.db, place.scope, id).await.expect("read") {
            place.store.read(place.scope.tenant, &row.address).await.expect("stored and whole");
        }
        tasks::requeue(&place.db, place.scope, Actor::system(), render.task_id.expect("a task")).await.expect("it has failed");
        let again = place.render(id).await;
        assert_eq!((again.result, again.document.result), (None, None), "it is to be made again");
        assert!(names().await.is_empty());
        puppet.next().await.send(WorkEvent::Finished(Box::new(Outcome::Completed(puppet.completed()))));
        let render = place.ended(id).await;
        assert_eq!((render.state, render.error), (JobState::Completed, None));
        assert_eq!(names().await, ["result.png", "report.json"]);
    }

    async fn r38_each_step_is_stored_when_it_ends(engine) {
        let puppet = Arc::new(Puppet::default());
        let place = TestQueue::open(&engine, puppet.clone()).await;
        let id = place.submit(small()).await;
        let attempt = puppet.next().await;
        let change = |step, change| attempt.send(WorkEvent::Step(StepChange { step, change }));
        let is_done = |render: &Render, n| render.document.steps.iter().filter(|step| step.status == StepStatus::Done).count() == n;
        for (n, step) in [(1, StepName::ResolveStepPath), (2, StepName::ResolveMaterials)] {
            change(step, StepPhase::Started { about: Map::new() });
            let running = |render: &Render| render.document.steps.last().is_some_and(|last| last.name == step);
            place.until(id, running).await;
            let output = Map::from_iter([("parts".to_owned(), 15.into())]);
            change(step, StepPhase::Done { duration_s: 0.5, output });
            let stored = place.until(id, |render| is_done(render, n)).await.document;
            assert_eq!(stored.steps[n - 1].output, [("parts".to_owned(), 15_i64.into())]);
        }
        // The worker is lost after the second step: its steps stay, and the next attempt adds its own.
        let failure = Failure::infrastructure("worker_lost", "it crashed (signal 9)");
        attempt.send(WorkEvent::Finished(Box::new(Outcome::Failed(failure))));
        let render = place.until(id, |render| render.state == JobState::Queued).await;
        let steps: Vec<_> = render.document.steps.iter().map(|step| (step.name, step.status)).collect();
        assert_eq!(steps, [StepName::ResolveStepPath, StepName::ResolveMaterials].map(|name| (name, StepStatus::Done)));
    }

    async fn r41_progress_is_a_line_an_event_and_a_row(engine) {
        let puppet = Arc::new(Puppet::default());
        let place = TestQueue::open(&engine, puppet.clone()).await;
        let id = place.submit(small()).await;
        let attempt = puppet.next().await;
        // What `Step::progress("render_still", 40, "40 of 100")` sends, as a unit test of it shows.
        let (message, context) = ("40 %: 40 of 100".to_owned(), serde_json::json!({"progress_pct": 40.0}));
        let line = LogLine { step: StepName::RenderStill, level: LogLevel::Info, message: message.clone(), duration_s: None, context: context.clone() };
        attempt.send(WorkEvent::Log(line));
        let progress = WorkProgress { samples_done: 40, samples_target: 100, progress_pct: 40.0, eta_s: None };
        attempt.send(WorkEvent::Progress(progress));
        let render = place.until(id, |render| render.progress.samples_done == 40).await;
        assert_eq!(render.progress.progress_pct, 40.0);
        let stream = streams::after(&place.db, place.scope, StreamId::of_render(id), 0, 1000).await.expect("read");
        let data = |name| stream.iter().find(|event| event.name == name).map(|event| event.data.clone()).expect("an event");
        assert_eq!(data(EventName::Progress)["progress_pct"], 40.0);
        assert_eq!(data(EventName::Log)["message"], message);
        let rows = log::after(&place.db, place.scope, render.task_id.expect("a task"), 0, 10).await.expect("read");
        assert_eq!(rows.iter().map(|row| &row.row.context).collect::<Vec<_>>(), [&context]);
        assert!(lines::about(&id.to_string()).iter().any(|line| line.starts_with("[RENDER_STILL] 40 %: 40 of 100")));
        attempt.send(WorkEvent::Finished(Box::new(Outcome::Completed(puppet.completed()))));
        place.ended(id).await;
    }

    async fn r76_a_lost_device_costs_one_attempt(engine) {
        let puppet = Arc::new(Puppet::default());
        let place = TestQueue::open(&engine, puppet.clone()).await;
        let id = place.submit(small()).await;
        let lost = puppet.next().await;
        let message = "[GPU_PROBE] NVIDIA H200 was lost: the driver was reset".to_owned();
        let context = serde_json::Value::Null;
        lost.send(WorkEvent::Log(LogLine { step: StepName::RenderStill, level: LogLevel::Warning, message, duration_s: None, context }));
        lost.send(WorkEvent::Finished(Box::new(Outcome::Failed(Failure::infrastructure("device_lost", "the device was lost")))));
        place.until(id, |render| render.state == JobState::Queued && render.document.attempt == 1).await;
        place.db.move_clock(6_000);
        let second = puppet.next().await;
        assert_eq!(second.work.attempt, 2);
        second.send(WorkEvent::Finished(Box::new(Outcome::Completed(puppet.completed()))));
        let render = place.ended(id).await;
        assert_eq!((render.state, render.document.attempt, render.error), (JobState::Completed, 2, None));
        let stream = streams::after(&place.db, place.scope, StreamId::of_render(id), 0, 1000).await.expect("read");
        let said = stream.iter().filter(|event| event.name == EventName::Log).map(|event| event.data["message"].to_string());
        assert!(said.into_iter().any(|message| message.contains("[GPU_PROBE] NVIDIA H200 was lost")));
    }

    async fn r59_r60_what_runs_for_too_long_is_stopped_and_given_up_at_last(engine) {
        let puppet = Arc::new(Puppet::default());
        let place = TestQueue::looking_for_stalls(&engine, puppet.clone(), LOOK).await;
        let id = place.submit(small()).await;
        for attempt in 1..=3 {
            let stalled = puppet.next().await;
            assert_eq!(stalled.work.attempt, attempt);
            place.db.move_clock(119 * MINUTE_MS);
            sleep(3 * LOOK).await;
            assert_eq!(place.render(id).await.state, JobState::Running, "R61: not yet");
            place.db.move_clock(2 * MINUTE_MS);
            let is_over = |render: &Render| render.document.attempt == attempt as i32 && render.state != JobState::Running;
            let render = place.until(id, is_over).await;
            let error = render.document.error.expect("a reason");
            assert!(error.contains("no picture was finished in 121 minutes"), "{error}");
            let state = if attempt < 3 { JobState::Queued } else { JobState::Failed };
            assert_eq!((render.state, render.document.state), (state, state), "attempt {attempt}");
            assert!(stalled.abandoned.load(Ordering::Relaxed), "it did not answer");
            stalled.send(WorkEvent::Finished(Box::new(Outcome::Cancelled)));
            place.db.move_clock(31_000);
        }
        let said = lines::about(&format!("[WORKER_RECOVERY] Stalled render for render {id} terminated after 121min"));
        assert_eq!(said.len(), 3, "{said:?}");
        let page = PageRequest { limit: 50, after: None };
        let told = alerts::list(&place.db, place.scope, AlertFilter::default(), page).await.expect("alerts").items;
        let of_type = |of| told.iter().filter(move |alert| alert.entry.event_type == of);
        let said: Vec<&str> = of_type(AlertType::WorkerRecovery).map(|alert| alert.entry.message.as_str()).collect();
        let requeued = "Worker recovery: 1 stalled renders requeued after 120min timeout";
        let failed = "Worker recovery: 0 stalled renders requeued after 120min timeout, 1 failed";
        assert_eq!(said, [failed, requeued, requeued], "one for each check that found something");
        assert_eq!((of_type(AlertType::TaskDead).count(), told.len()), (1, 4), "{told:?}");
    }

    async fn r08_r61_a_series_stands_still_from_its_last_picture_on(engine) {
        let puppet = Arc::new(Puppet::default());
        let place = TestQueue::looking_for_stalls(&engine, puppet.clone(), LOOK).await;
        let id = place.submit(small()).await;
        let attempt = puppet.next().await;
        for n in 1..=3 {
            place.db.move_clock(119 * MINUTE_MS);
            let before = place.render(id).await.last_seq;
            attempt.send(WorkEvent::Picture);
            // What is sent after it is written together with it.
            let progress = WorkProgress { samples_done: n, samples_target: 8, progress_pct: 10.0, eta_s: None };
            attempt.send(WorkEvent::Progress(progress));
            place.until(id, |render| render.last_seq > before).await;
            sleep(3 * LOOK).await;
            assert_eq!(place.render(id).await.state, JobState::Running, "R61: {n} hours after its start");
        }
        // Progress within a picture does not count as progress of the series.
        place.db.move_clock(119 * MINUTE_MS);
        attempt.send(WorkEvent::Progress(WorkProgress { samples_done: 5, samples_target: 8, progress_pct: 10.0, eta_s: None }));
        place.until(id, |render| render.progress.samples_done == 5).await;
        place.db.move_clock(2 * MINUTE_MS);
        let render = place.until(id, |render| render.state == JobState::Queued).await;
        let error = render.document.error.expect("a reason");
        assert!(error.contains("no picture was finished in 121 minutes"), "{error}");
        attempt.send(WorkEvent::Finished(Box::new(Outcome::Cancelled)));
    }

    async fn r61_the_timeout_is_a_setting(engine) {
        let puppet = Arc::new(Puppet::default());
        let place = TestQueue::looking_for_stalls(&engine, puppet.clone(), LOOK).await;
        let id = place.submit(small()).await;
        let slow = puppet.next().await;
        place.db.move_clock(11 * MINUTE_MS);
        sleep(3 * LOOK).await;
        assert_eq!(place.render(id).await.state, JobState::Running, "of 120 minutes");
        place.set("render_stall_timeout_minutes", 10).await;
        place.until(id, |render| render.state == JobState::Queued).await;
        slow.send(WorkEvent::Finished(Box::new(Outcome::Cancelled)));
    }
}
