//! What only the holder of a lease may do.

use std::collections::HashSet;
use std::time::Duration;

use packshot_db::jobs::{Cancelling, JobError};
use packshot_db::renders;
use packshot_db::streams::NewEvent;
use packshot_db::tasks::{self, AfterFailure, Claimed, Claimer, Directive, Ended, Failure, Report};
use packshot_db::{AllTenants, DbError, files};
use packshot_domain::audit::Actor;
use packshot_domain::document::{Change, StepChange, StepStatus};
use packshot_domain::event::EventName;
use packshot_domain::id::{RenderId, WorkerId};
use packshot_domain::job::JobState;
use packshot_domain::task::{
    FaultKind, Lease, LeaseToken, SERVICE_DEATHS_MAX, SERVICE_DEATHS_MAX_INLINE, TaskKind, TaskState,
};
use serde_json::json;

use crate::engine::{Fixture, claimer, completion, rejection, render_of};

fn failure(fault: FaultKind) -> Failure {
    let error = JobError { code: "device_lost".to_owned(), detail: "the device is lost".to_owned(), at: None };
    Failure { report: Report::default(), fault, error }
}

async fn fail(t: &Fixture, claimed: &Claimed, fault: FaultKind) -> AfterFailure {
    tasks::fail(&t.db, t.scope, claimed.lease, failure(fault)).await.expect("the lease holds")
}

async fn reap(t: &Fixture) -> Vec<AfterFailure> {
    let reaped = tasks::reap_expired(&t.db, AllTenants::Housekeeping, Vec::new()).await.expect("a sweep");
    reaped.into_iter().map(|reaped| reaped.after).collect()
}

/// Everything that a lease allows, tried with one that is lost.
async fn expect_lost(t: &Fixture, claimed: &Claimed, lease: Lease) {
    let event = NewEvent { name: EventName::Progress, data: json!({}) };
    let report = Report { events: vec![event], ..Report::default() };
    let results = [
        tasks::renew(&t.db, t.scope, lease).await.err(),
        tasks::report(&t.db, t.scope, lease, report).await.err(),
        tasks::complete(&t.db, t.scope, lease, completion(claimed)).await.err(),
        tasks::reject(&t.db, t.scope, lease, rejection(claimed)).await.err(),
        tasks::fail(&t.db, t.scope, lease, failure(FaultKind::Input)).await.err(),
        tasks::cancelled(&t.db, t.scope, lease, Report::default()).await.err(),
        tasks::give_back(&t.db, t.scope, lease, Report::default()).await.err(),
    ];
    for (which, error) in results.into_iter().enumerate() {
        assert!(matches!(error, Some(DbError::LeaseLost(task)) if task == lease.task), "{which}: {error:?}");
    }
}

pub(crate) async fn r70_a_stale_lease_changes_nothing(t: Fixture) {
    let render = t.submit().await;
    let first = t.claim_one().await;
    t.wait(31.0);
    assert!(matches!(reap(&t).await[..], [AfterFailure::Retry(_)]));
    let state = async || {
        let render = renders::get(&t.db, t.scope, render).await.expect("the render");
        let task = t.task(first.lease.task).await;
        (render, task, t.events_of(t.scope, render_of(&first)).await)
    };
    let waiting = state().await;
    assert_eq!(waiting.0.state, JobState::Queued);
    expect_lost(&t, &first, first.lease).await;
    assert_eq!(state().await, waiting);

    t.wait(6.0);
    let second = t.claim_one().await;
    assert_eq!(second.task.attempt, 2);
    let running = state().await;
    expect_lost(&t, &first, first.lease).await;
    expect_lost(&t, &first, Lease { token: LeaseToken::random(), ..first.lease }).await;
    assert_eq!(state().await, running);

    t.complete(&second).await;
    let ended = state().await;
    for lease in [first.lease, second.lease] {
        expect_lost(&t, &first, lease).await;
    }
    assert_eq!(state().await, ended);
    assert_eq!(ended.0.state, JobState::Completed);
}

pub(crate) async fn leases_are_never_given_again(t: Fixture) {
    t.submit().await;
    let mut tokens = HashSet::new();
    for _ in 0..2 {
        let claimed = t.claim_one().await;
        tokens.insert(claimed.lease.token);
        assert_eq!(claimed.task.attempt, 1, "a fresh set of attempts");
        fail(&t, &claimed, FaultKind::Input).await;
        tasks::requeue(&t.db, t.scope, Actor::system(), claimed.lease.task).await.expect("it has failed");
    }
    let claimed = t.claim_one().await;
    tasks::give_back(&t.db, t.scope, claimed.lease, Report::default()).await.expect("the lease holds");
    tokens.extend([claimed.lease.token, t.claim_one().await.lease.token]);
    assert_eq!(tokens.len(), 4);
}

pub(crate) async fn r72_input_faults_are_not_retried(t: Fixture) {
    let id = t.submit().await;
    let claimed = t.claim_one().await;
    let TaskKind::Step(name) = claimed.task.kind else { panic!("{}", claimed.task.kind) };
    let change = Change::Step { name, at: claimed.at, change: StepChange::Fail };
    let report = Report { changes: vec![change], ..Report::default() };
    let failure = Failure { report, ..failure(FaultKind::Input) };
    let after = tasks::fail(&t.db, t.scope, claimed.lease, failure).await.expect("the lease holds");
    assert_eq!(after, AfterFailure::Failed);
    let render = renders::get(&t.db, t.scope, id).await.expect("the render");
    assert_eq!((render.state, render.document.state), (JobState::Failed, JobState::Failed));
    assert_eq!(render.document.error.as_deref(), Some("the device is lost"));
    assert_eq!(render.document.steps[0].status, StepStatus::Failed);
    assert_eq!(render.error.map(|error| error.code).as_deref(), Some("device_lost"));
    let task = t.task(claimed.lease.task).await;
    assert_eq!((task.state, task.attempt), (TaskState::Failed, 1));
    assert_eq!(t.events_of(t.scope, id).await, ["job.state", "job.state", "job.failed"]);
    let stream = t.stream(id, 2, 10).await;
    let data = json!({"state": "failed", "error": {"code": "device_lost", "detail": "the device is lost", "at": null}});
    assert_eq!(stream[0].data, data);
}

pub(crate) async fn infrastructure_faults_wait_by_the_database_clock(t: Fixture) {
    let id = t.submit().await;
    for (attempt, wait) in [(1, 5.0), (2, 30.0)] {
        let claimed = t.claim_one().await;
        assert_eq!(claimed.task.attempt, attempt);
        let AfterFailure::Retry(_) = fail(&t, &claimed, FaultKind::Infrastructure).await else {
            panic!("attempt {attempt} of 3 is tried again");
        };
        let render = renders::get(&t.db, t.scope, id).await.expect("the render");
        assert_eq!((render.state, render.started_at), (JobState::Queued, None));
        t.wait(wait - 2.0);
        assert!(t.claim(1).await.is_empty(), "not before {wait} s");
        t.wait(2.0);
    }
    assert_eq!(fail(&t, &t.claim_one().await, FaultKind::Infrastructure).await, AfterFailure::Failed);
}

pub(crate) async fn r37_each_reason_is_told_until_an_attempt_goes_well(t: Fixture) {
    let id = t.submit().await;
    let read = async || {
        let render = renders::get(&t.db, t.scope, id).await.expect("the render");
        let task = t.task(render.task_id.expect("a task")).await;
        (render.document.error, task.error)
    };
    for (detail, told) in [("a", "a"), ("bad", "a\nbad")] {
        let claimed = t.claim_one().await;
        let error = JobError { detail: detail.to_owned(), ..failure(FaultKind::Infrastructure).error };
        let failure = Failure { error: error.clone(), ..failure(FaultKind::Infrastructure) };
        tasks::fail(&t.db, t.scope, claimed.lease, failure).await.expect("the lease holds");
        assert_eq!(read().await, (Some(told.to_owned()), Some(error)));
        t.wait(31.0);
    }
    t.complete(&t.claim_one().await).await;
    assert_eq!(read().await, (None, None), "R30");
}

pub(crate) async fn a_renewed_lease_is_not_reaped(t: Fixture) {
    t.submit().await;
    let claimed = t.claim_one().await;
    t.wait(25.0);
    assert_eq!(tasks::renew(&t.db, t.scope, claimed.lease).await.expect("it holds"), Directive::Continue);
    t.wait(25.0);
    assert!(reap(&t).await.is_empty());
    let report = tasks::report(&t.db, t.scope, claimed.lease, Report::default());
    assert_eq!(report.await.expect("it holds"), Directive::Continue, "a report renews as well");
    t.wait(25.0);
    assert!(reap(&t).await.is_empty());
    t.wait(6.0);
    assert_eq!(reap(&t).await.len(), 1);
}

pub(crate) async fn what_a_dead_worker_held_comes_back_at_once(t: Fixture) {
    t.set_limits(10, &[(t.scope, 10)]).await;
    let (dead, alive) = (WorkerId::new(), WorkerId::new());
    let claim = async |worker| {
        t.submit().await;
        t.claim_as(worker, 1).await.pop().expect("a task is waiting")
    };
    let reap_worker = async |worker| {
        let reaped = tasks::reap_worker(&t.db, AllTenants::Housekeeping, worker).await.expect("a sweep");
        reaped.into_iter().map(|reaped| (reaped.lease, reaped.attempt, reaped.after)).collect::<Vec<_>>()
    };
    let (first, other, marked) = (claim(dead).await, claim(alive).await, claim(dead).await);
    renders::request_cancel(&t.db, t.scope, render_of(&marked)).await.expect("a render");
    let reaped = reap_worker(dead).await;
    let AfterFailure::Retry(at) = reaped[0].2 else { panic!("{reaped:?}") };
    let expected = [(first.lease, 1, AfterFailure::Retry(at)), (marked.lease, 1, AfterFailure::Cancelled)];
    assert_eq!(reaped, expected, "as if the leases had expired");
    expect_lost(&t, &first, first.lease).await;
    assert_eq!(reap_worker(dead).await, [], "it holds no task any more");
    assert_eq!(tasks::renew(&t.db, t.scope, other.lease).await.expect("it holds"), Directive::Continue);
    t.wait(6.0);
    tasks::renew(&t.db, t.scope, other.lease).await.expect("it holds");
    let again = t.claim_as(dead, 1).await;
    assert_eq!((again[0].task.id, again[0].task.attempt), (first.task.id, 2), "R93: its attempt counts");
    assert_eq!(reap_worker(dead).await.len(), 1);
    t.complete(&other).await;
}

/// A render that has failed, with the attempt at which it did.
async fn given_up(t: &Fixture, id: RenderId) -> (i32, String) {
    let render = renders::get(&t.db, t.scope, id).await.expect("the render");
    let error = render.error.expect("a reason");
    assert_eq!((render.state, &*error.code), (JobState::Failed, "worker_lost"));
    let told = render.document.error.expect("a reason");
    assert!(told.lines().any(|reason| error.detail.starts_with(reason)), "{told} does not say: {}", error.detail);
    (render.document.attempt, error.detail)
}

pub(crate) async fn r71_a_job_that_kills_its_worker_each_time_fails_after_three(t: Fixture) {
    let poison = t.submit().await;
    for _ in 0..3 {
        let mut failure = failure(FaultKind::Infrastructure);
        failure.error.code = "worker_lost".to_owned();
        tasks::fail(&t.db, t.scope, t.claim_one().await.lease, failure).await.expect("the lease holds");
        t.wait(31.0);
    }
    assert_eq!(given_up(&t, poison).await.0, 3);
    assert!(t.claim(1).await.is_empty());
    t.submit().await;
    t.complete(&t.claim_one().await).await;
}

pub(crate) async fn r71_deaths_of_the_service_count_apart(t: Fixture) {
    for (max, service_deaths_max) in [(10, SERVICE_DEATHS_MAX), (3, SERVICE_DEATHS_MAX_INLINE)] {
        let id = t.submit().await;
        for attempt in 1..=max {
            let claimer = Claimer { service_deaths_max, ..claimer(WorkerId::new()) };
            let claimed = tasks::claim(&t.db, AllTenants::Claiming, claimer, 1).await.expect("a claim");
            assert_eq!(claimed[0].task.attempt, attempt, "of {max}");
            t.wait(31.0);
            assert_eq!(reap(&t).await.len(), 1);
            t.wait(31.0);
        }
        let (attempt, detail) = given_up(&t, id).await;
        assert_eq!(attempt, max);
        assert!(detail.starts_with(&format!("the service that ran attempt {max} was lost")), "{detail}");
        assert!(detail.ends_with("/requeue"), "{detail}");
        assert!(t.claim(1).await.is_empty());
    }
    // What one cause has used up is not taken from the other.
    t.submit().await;
    for _ in 0..2 {
        fail(&t, &t.claim_one().await, FaultKind::Infrastructure).await;
        t.wait(31.0);
        t.claim_one().await;
        t.wait(31.0);
        assert!(matches!(reap(&t).await[..], [AfterFailure::Retry(_)]));
        t.wait(31.0);
    }
    t.complete(&t.claim_one().await).await;
}

pub(crate) async fn c34_a_task_given_back_keeps_its_attempt(t: Fixture) {
    let id = t.submit().await;
    let claimed = t.claim_one().await;
    tasks::give_back(&t.db, t.scope, claimed.lease, Report::default()).await.expect("the lease holds");
    let task = t.task(claimed.lease.task).await;
    assert_eq!((task.state, task.attempt, task.lease_expires_at), (TaskState::Queued, 0, None));
    let render = renders::get(&t.db, t.scope, id).await.expect("the render");
    assert_eq!((render.state, render.document.attempt), (JobState::Queued, 0));
    let again = t.claim_one().await;
    assert_eq!(again.task.attempt, 1, "at once, as the same attempt");
}

pub(crate) async fn a_mark_to_cancel_wins(t: Fixture) {
    for how in ["complete", "fail", "give back", "stop", "lose"] {
        let id = t.submit().await;
        let claimed = t.claim_one().await;
        let cancel = async || renders::request_cancel(&t.db, t.scope, id).await.expect("a render");
        assert!(matches!(cancel().await, Cancelling::Requested(render) if render.state == JobState::Running), "R14");
        assert!(matches!(cancel().await, Cancelling::Requested(_)));
        assert_eq!(tasks::renew(&t.db, t.scope, claimed.lease).await.expect("it holds"), Directive::Cancel);
        match how {
            "complete" => {
                let ended = tasks::complete(&t.db, t.scope, claimed.lease, completion(&claimed)).await;
                assert_eq!(ended.expect("the lease holds"), Ended::Cancelled);
            }
            "fail" => assert_eq!(fail(&t, &claimed, FaultKind::Infrastructure).await, AfterFailure::Cancelled),
            "give back" => {
                tasks::give_back(&t.db, t.scope, claimed.lease, Report::default()).await.expect("the lease holds")
            }
            "stop" => {
                tasks::cancelled(&t.db, t.scope, claimed.lease, Report::default()).await.expect("the lease holds")
            }
            _ => {
                t.wait(31.0);
                assert_eq!(reap(&t).await, [AfterFailure::Cancelled]);
            }
        }
        let render = renders::get(&t.db, t.scope, id).await.expect("the render");
        assert_eq!((render.state, render.document.state), (JobState::Cancelled, JobState::Cancelled), "{how}, R49");
        assert!(render.cancel_requested_at.is_some() && render.result.is_none(), "{how}");
        assert!(files::of_render(&t.db, t.scope, id).await.expect("files").is_empty(), "{how}");
        assert_eq!(t.events_of(t.scope, id).await, ["job.state", "job.state", "job.cancelled"], "{how}");
    }
}

pub(crate) async fn r59_r61_stalled_tasks_are_found(t: Fixture) {
    t.submit().await;
    let claimed = t.claim_one().await;
    let stalled = async || tasks::stalled(&t.db, AllTenants::Housekeeping, Duration::from_secs(120 * 60)).await;
    t.wait(119.0 * 60.0);
    assert_eq!(stalled().await.expect("a search"), [], "R61");
    t.wait(2.0 * 60.0);
    let found = stalled().await.expect("a search");
    assert_eq!((found.len(), found[0].lease, found[0].tenant), (1, claimed.lease, claimed.tenant), "R59");
    assert_eq!(found[0].still_for.as_secs() / 60, 121);
    // One of several pictures is finished: it goes on, for as long again.
    let report = Report { went_on: true, ..Report::default() };
    tasks::report(&t.db, t.scope, claimed.lease, report).await.expect("the lease holds");
    t.wait(119.0 * 60.0);
    assert_eq!(stalled().await.expect("a search"), [], "R61");
    // Other reports do not count as that.
    tasks::report(&t.db, t.scope, claimed.lease, Report::default()).await.expect("the lease holds");
    tasks::renew(&t.db, t.scope, claimed.lease).await.expect("the lease holds");
    t.wait(2.0 * 60.0);
    assert_eq!(stalled().await.expect("a search")[0].still_for.as_secs() / 60, 121);
}

pub(crate) async fn r73_only_failed_tasks_are_requeued(t: Fixture) {
    let id = t.submit().await;
    let task = renders::get(&t.db, t.scope, id).await.expect("the render").task_id.expect("a task");
    let requeue = async || tasks::requeue(&t.db, t.scope, Actor::system(), task).await;
    assert!(matches!(requeue().await, Err(DbError::State(_))), "queued");
    let claimed = t.claim_one().await;
    assert!(matches!(requeue().await, Err(DbError::State(_))), "running");
    fail(&t, &claimed, FaultKind::Input).await;
    assert_eq!(requeue().await.expect("it has failed").task.attempt, 0);
    let render = renders::get(&t.db, t.scope, id).await.expect("the render");
    assert_eq!((render.state, render.error, render.completed_at), (JobState::Queued, None, None));
    t.complete(&t.claim_one().await).await;
    assert!(matches!(requeue().await, Err(DbError::State(_))), "completed");
}
