//! Jobs of several tasks: states that depend on each other, one document with many writers, streams of every kind.

use std::time::Duration;

use packshot_db::jobs::{self, JobError, NewJob, NewTask};
use packshot_db::log::NewLogRow;
use packshot_db::streams::{self, NewEvent};
use packshot_db::tasks::{self, Claimed, Claimer, Completion, Failure, LaneLimit, Report};
use packshot_db::{AllTenants, DbError};
use packshot_domain::audit::Actor;
use packshot_domain::document::{Change, StepChange, StepStatus};
use packshot_domain::event::{EventName, LogLevel};
use packshot_domain::id::{JobId, TaskId, WorkerId};
use packshot_domain::job::{JobKind, JobRef, JobState, TaskFacts};
use packshot_domain::step::StepName;
use packshot_domain::stream::{StreamId, StreamKind};
use packshot_domain::task::{FaultKind, Lane, QueueName, SERVICE_DEATHS_MAX, TaskKind, TaskState};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use uuid::Uuid;

use crate::engine::Fixture;

/// An action on a job. Numbers choose among its tasks, or among all leases so far.
#[derive(Clone, Copy, Debug)]
enum Action {
    Claim,
    Complete(usize),
    Fail(usize),
    Expire,
    Cancel,
    Requeue(usize),
}

/// Up to six tasks, each with the earlier ones that it waits for and whether it publishes; and the actions.
fn plans() -> impl Strategy<Value = (Vec<(Vec<bool>, bool)>, Vec<Action>)> {
    let which = 0..6_usize;
    let action = prop_oneof![
        5 => Just(Action::Claim),
        4 => which.clone().prop_map(Action::Complete),
        2 => which.clone().prop_map(Action::Fail),
        1 => Just(Action::Expire),
        1 => Just(Action::Cancel),
        2 => which.prop_map(Action::Requeue),
    ];
    let task = (prop::collection::vec(any::<bool>(), 6), any::<bool>());
    (prop::collection::vec(task, 1..=6), prop::collection::vec(action, 5..30))
}

fn claimer() -> Claimer {
    let (queue, limit) = (QueueName::Convert, LaneLimit::Of(64));
    let lane = Lane::new("graphs").expect("a name");
    Claimer { worker: WorkerId::new(), queue, lane, limit, service_deaths_max: SERVICE_DEATHS_MAX }
}

/// Submits a job whose tasks wait for earlier ones, as the plan says.
async fn submit(t: &Fixture, plan: &[(Vec<bool>, bool)]) -> (JobRef, Vec<TaskId>) {
    let ids: Vec<TaskId> = plan.iter().map(|_| TaskId::new()).collect();
    let task = |i: usize, (waits, publishes): &(Vec<bool>, bool)| NewTask {
        id: ids[i],
        kind: TaskKind::Step(StepName::OccGlbExport),
        queue: QueueName::Convert,
        lane: claimer().lane,
        priority: 0,
        kwargs: json!({}),
        spec: None,
        publishes: *publishes,
        waits_for: ids[..i].iter().zip(waits).filter(|(_, waits)| **waits).map(|(id, _)| *id).collect(),
    };
    let tasks = plan.iter().enumerate().map(|(i, plan)| task(i, plan)).collect();
    let job = JobRef { id: JobId::new(), kind: JobKind::Design, record: Uuid::now_v7() };
    let new = NewJob {
        job,
        context: job.record,
        created_by: t.user,
        input_name: None,
        samples_target: 0,
        has_document: true,
        tasks,
    };
    jobs::create(&t.db, t.scope, new).await.expect("made");
    (job, ids)
}

async fn claim(t: &Fixture) -> Option<Claimed> {
    tasks::claim(&t.db, AllTenants::Claiming, claimer(), 1).await.expect("a claim").pop()
}

/// What always holds: the job and its document follow from the tasks, and the tasks from those before them.
async fn check(t: &Fixture, job: JobRef, ids: &[TaskId]) {
    let now = jobs::get(&t.db, t.scope, job.id).await.expect("the job");
    let mut views = Vec::new();
    for id in ids {
        views.push(tasks::get(&t.db, t.scope, *id).await.expect("a task"));
    }
    let facts: Vec<TaskFacts> = views.iter().map(|view| view.task.facts()).collect();
    assert_eq!(now.state, JobState::of_tasks(&facts, now.cancel_requested_at.is_some()), "{facts:?}");
    assert_eq!(now.document.as_ref().map(|document| document.state), Some(now.state));
    assert_eq!(now.completed_at.is_some(), now.state.is_terminal());
    for view in &views {
        let of = |id: &TaskId| views.iter().find(|view| view.task.id == *id).expect("of the job").task.state;
        let before: Vec<TaskState> = view.waits_for.iter().map(of).collect();
        let n_open = before.iter().filter(|state| **state != TaskState::Completed).count();
        match view.task.state {
            TaskState::Waiting => assert_eq!(view.task.blockers as usize, n_open, "{views:?}"),
            TaskState::Queued | TaskState::Running | TaskState::Completed | TaskState::Failed => {
                assert_eq!(n_open, 0, "it began before the tasks that it waits for were done: {views:?}");
            }
            TaskState::Cancelled => {}
        }
        let is_broken = before.iter().any(|state| matches!(state, TaskState::Failed | TaskState::Cancelled));
        assert!(!is_broken || view.task.state == TaskState::Cancelled, "{views:?}");
    }
    let events = streams::after(&t.db, t.scope, job.stream().expect("a stream"), 0, 1000).await.expect("events");
    assert!(events.iter().map(|event| event.seq).eq(1..=events.len() as i64), "no gaps");
    let last = events.iter().rev().find_map(|event| event.data["state"].as_str());
    assert_eq!(last, Some(now.state.as_str()), "the last event has the state of the job");
}

pub(crate) async fn r94_jobs_follow_their_tasks(t: Fixture) {
    const RUNS: u32 = 24;
    t.set_limits(64, &[(t.scope, 64)]).await;
    let mut runner = TestRunner::new(Config { source_file: Some(file!()), ..Config::default() });
    for _ in 0..RUNS {
        let (plan, actions) = plans().new_tree(&mut runner).expect("a plan").current();
        println!("{plan:?} {actions:?}");
        let (job, ids) = submit(&t, &plan).await;
        let mut leases = Vec::new();
        check(&t, job, &ids).await;
        for action in actions {
            act(&t, action, job, &ids, &mut leases).await;
            check(&t, job, &ids).await;
        }
        // Whatever is left ends, so that the next run starts alone.
        jobs::request_cancel(&t.db, t.scope, job).await.expect("the job");
        t.wait(31.0);
        tasks::reap_expired(&t.db, AllTenants::Housekeeping, Vec::new()).await.expect("a sweep");
        check(&t, job, &ids).await;
        assert!(jobs::get(&t.db, t.scope, job.id).await.expect("the job").state.is_terminal());
    }
}

async fn act(t: &Fixture, action: Action, job: JobRef, ids: &[TaskId], leases: &mut Vec<Claimed>) {
    let lease = |which: usize| leases.get(which % leases.len().max(1)).map(|claimed| claimed.lease);
    match action {
        Action::Claim => leases.extend(claim(t).await),
        Action::Complete(which) => {
            let Some(lease) = lease(which) else { return };
            let completion = Completion { report: Report::default(), delivery: tasks::Delivery::default() };
            let ended = tasks::complete(&t.db, t.scope, lease, completion).await;
            assert!(matches!(ended, Ok(_) | Err(DbError::LeaseLost(_))), "{ended:?}");
        }
        Action::Fail(which) => {
            let Some(lease) = lease(which) else { return };
            let error = JobError { code: "c".to_owned(), detail: "d".to_owned(), at: None };
            let failure = Failure { report: Report::default(), fault: FaultKind::Input, error };
            let failed = tasks::fail(&t.db, t.scope, lease, failure).await;
            assert!(matches!(failed, Ok(_) | Err(DbError::LeaseLost(_))), "{failed:?}");
        }
        Action::Expire => {
            t.wait(31.0);
            tasks::reap_expired(&t.db, AllTenants::Housekeeping, Vec::new()).await.expect("a sweep");
            t.wait(31.0);
        }
        Action::Cancel => drop(jobs::request_cancel(&t.db, t.scope, job).await.expect("the job")),
        Action::Requeue(which) => {
            let id = ids[which % ids.len()];
            let before = jobs::get(&t.db, t.scope, job.id).await.expect("the job");
            let was = tasks::get(&t.db, t.scope, id).await.expect("a task").task.state;
            let requeued = tasks::requeue(&t.db, t.scope, Actor::system(), id).await;
            let may_be = was == TaskState::Failed && before.cancel_requested_at.is_none();
            assert_eq!(requeued.is_ok(), may_be, "{was}");
            if !may_be {
                let after = jobs::get(&t.db, t.scope, job.id).await.expect("the job");
                assert_eq!(after, before, "what is refused changes nothing");
            }
        }
    }
}

pub(crate) async fn a_failed_task_of_a_cancelled_job_stays(t: Fixture) {
    t.set_limits(64, &[(t.scope, 64)]).await;
    let (job, ids) = submit(&t, &[(Vec::new(), false), (vec![false], false)]).await;
    let (failed, running) = (claim(&t).await.expect("one"), claim(&t).await.expect("the other"));
    let error = JobError { code: "c".to_owned(), detail: "d".to_owned(), at: None };
    let failure = Failure { report: Report::default(), fault: FaultKind::Input, error };
    tasks::fail(&t.db, t.scope, failed.lease, failure).await.expect("the lease holds");
    jobs::request_cancel(&t.db, t.scope, job).await.expect("the job");
    tasks::cancelled(&t.db, t.scope, running.lease, Report::default()).await.expect("it is marked");
    check(&t, job, &ids).await;
    let requeued = tasks::requeue(&t.db, t.scope, Actor::system(), ids[0]).await;
    assert!(matches!(requeued, Err(DbError::State(_))), "the job is cancelled");
    check(&t, job, &ids).await;
}

pub(crate) async fn r87_two_tasks_write_one_document(t: Fixture) {
    const CHANGES: usize = 50;
    t.set_limits(64, &[(t.scope, 64)]).await;
    let (job, ids) = submit(&t, &[(Vec::new(), false), (vec![false], false)]).await;
    let workers = [claim(&t).await.expect("one"), claim(&t).await.expect("the other")];
    let writers = workers.map(|claimed| {
        let (db, scope) = (t.db.clone(), t.scope);
        tokio::spawn(async move {
            for number in 0..CHANGES {
                let (name, at) = (StepName::OccGlbExport, claimed.at + Duration::from_millis(number as u64));
                let change = |change| Change::Step { name, at, change };
                let line = NewLogRow {
                    step_name: claimed.task.kind,
                    level: LogLevel::Info,
                    message: format!("{number}"),
                    duration_s: None,
                    context: json!({}),
                };
                let data = json!({"task": claimed.task.id.to_string(), "number": number});
                let report = Report {
                    changes: vec![change(StepChange::Begin(None)), change(StepChange::Finish(Vec::new()))],
                    log: vec![line],
                    events: vec![NewEvent { name: EventName::Step, data }],
                    ..Report::default()
                };
                tasks::report(&db, scope, claimed.lease, report).await.expect("the lease holds");
            }
        })
    });
    for writer in writers {
        writer.await.expect("a writer");
    }
    let document = jobs::get(&t.db, t.scope, job.id).await.expect("the job").document.expect("a document");
    for id in &ids {
        let own: Vec<_> = document.steps.iter().filter(|step| step.task_id == Some(*id)).collect();
        assert_eq!(own.len(), CHANGES, "each once");
        assert!(own.iter().all(|step| step.status == StepStatus::Done) && own.is_sorted_by_key(|step| step.started_at));
        let log = packshot_db::log::after(&t.db, t.scope, *id, 0, 1000).await.expect("the log");
        assert_eq!(log.len(), CHANGES);
    }
    let stream = streams::after(&t.db, t.scope, job.stream().expect("a stream"), 0, 1000).await.expect("events");
    let told = stream.iter().filter_map(|event| event.data["task"].as_str());
    let kept = document.steps.iter().filter_map(|step| step.task_id.map(|id| id.to_string()));
    assert!(told.eq(kept.collect::<Vec<_>>().iter().map(String::as_str)), "in the order of the stream");
}

pub(crate) async fn c39_streams_of_every_kind(t: Fixture) {
    const WRITERS: usize = 8;
    const WRITES: usize = 12;
    for kind in StreamKind::ALL {
        let stream = StreamId::new(*kind, Uuid::now_v7());
        let writers = (0..WRITERS).map(|writer| {
            let (db, scope) = (t.db.clone(), t.scope);
            tokio::spawn(async move {
                let mut kept = 0;
                for number in 0..WRITES {
                    tokio::time::sleep(Duration::from_millis(((writer * 7 + number * 3) % 5) as u64)).await;
                    let event = NewEvent { name: EventName::Log, data: json!({"writer": writer, "number": number}) };
                    // One in ten is rolled back.
                    let is_kept = (writer + number) % 10 != 0;
                    let written = streams::append_if(&db, scope, stream, vec![event], is_kept).await;
                    assert_eq!(written.is_ok(), is_kept);
                    kept += i64::from(is_kept);
                }
                kept
            })
        });
        let mut kept = 0;
        for writer in writers.collect::<Vec<_>>() {
            kept += writer.await.expect("a writer");
        }
        let all = streams::after(&t.db, t.scope, stream, 0, 1000).await.expect("events");
        let numbers: Vec<i64> = all.iter().map(|event| event.seq).collect();
        assert_eq!(numbers, (1..=kept).collect::<Vec<_>>(), "{kind}: no gap, no double");
        for after in [0, 1, kept / 2, kept - 1, kept] {
            let rest = streams::after(&t.db, t.scope, stream, after, 1000).await.expect("events");
            assert_eq!(rest, all[after as usize..], "{kind}: resuming anywhere gives the rest");
        }
        assert_eq!(streams::last_seq(&t.db, t.scope, stream).await.expect("a number"), kept);
    }
}
