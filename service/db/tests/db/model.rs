//! Renders against a model of them: whatever clients and workers do, in whatever order.

use std::collections::HashMap;

use packshot_db::jobs::{Cancelling, JobError};
use packshot_db::renders;
use packshot_db::tasks::{self, AfterFailure, Claimed, Directive, Ended, Failure, Report};
use packshot_db::{AllTenants, DbError};
use packshot_domain::audit::Actor;
use packshot_domain::id::RenderId;
use packshot_domain::job::JobState;
use packshot_domain::task::{Cause, FaultKind, Lease};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use crate::engine::{Fixture, completion, render_of};

/// An action of a client or a worker. Numbers choose among all renders, or all leases, so far.
#[derive(Clone, Copy, Debug)]
enum Action {
    Submit,
    Claim,
    Renew(usize),
    Wait,
    Expire,
    Complete(usize),
    Fail(usize, FaultKind),
    Stop(usize),
    GiveBack(usize),
    Cancel(usize),
    Requeue(usize),
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let which = 0..8_usize;
    let fault = prop_oneof![Just(FaultKind::Input), Just(FaultKind::Infrastructure)];
    let action = prop_oneof![
        3 => Just(Action::Submit),
        4 => Just(Action::Claim),
        1 => which.clone().prop_map(Action::Renew),
        1 => Just(Action::Wait),
        2 => Just(Action::Expire),
        2 => which.clone().prop_map(Action::Complete),
        2 => (which.clone(), fault).prop_map(|(which, fault)| Action::Fail(which, fault)),
        1 => which.clone().prop_map(Action::Stop),
        1 => which.clone().prop_map(Action::GiveBack),
        2 => which.clone().prop_map(Action::Cancel),
        1 => which.prop_map(Action::Requeue),
    ];
    prop::collection::vec(action, 10..40)
}

/// What the model knows of a render.
#[derive(Clone, Debug, PartialEq)]
struct Modelled {
    state: JobState,
    attempt: i32,
    faults: u32,
    service_deaths: u32,
    /// The lease that holds, or held last.
    lease: Option<Lease>,
    is_marked: bool,
    /// Seconds until it may be claimed.
    wait_s: u32,
    completions: usize,
    ends: usize,
}

impl Modelled {
    fn holds(&self, claimed: &Claimed) -> bool {
        self.state == JobState::Running && self.lease == Some(claimed.lease)
    }

    fn end(&mut self, state: JobState) {
        self.state = state;
        self.ends += 1;
    }

    /// What follows when an attempt fails.
    fn fail(&mut self, cause: Cause) {
        let (count, max) = match cause {
            Cause::Fault(FaultKind::Input) => (1, 1),
            Cause::Fault(FaultKind::Infrastructure) => {
                self.faults += u32::from(!self.is_marked);
                (self.faults, 3)
            }
            Cause::ServiceLost => {
                self.service_deaths += u32::from(!self.is_marked);
                (self.service_deaths, 10)
            }
        };
        match () {
            () if self.is_marked => self.end(JobState::Cancelled),
            () if count < max => (self.state, self.wait_s) = (JobState::Queued, if count == 1 { 5 } else { 30 }),
            () => self.end(JobState::Failed),
        }
    }
}

struct Run<'t> {
    t: &'t Fixture,
    renders: Vec<RenderId>,
    leases: Vec<Claimed>,
    model: HashMap<RenderId, Modelled>,
}

impl Run<'_> {
    fn lease(&self, which: usize) -> Option<Claimed> {
        (!self.leases.is_empty()).then(|| self.leases[which % self.leases.len()].clone())
    }

    fn render(&self, which: usize) -> Option<RenderId> {
        (!self.renders.is_empty()).then(|| self.renders[which % self.renders.len()])
    }

    /// The modelled render of a lease, if the lease holds; otherwise checks that the database refused it.
    fn held<T>(&mut self, claimed: &Claimed, result: Result<T, DbError>) -> Option<(&mut Modelled, T)> {
        let modelled = self.model.get_mut(&render_of(claimed)).expect("a modelled render");
        match (modelled.holds(claimed), result) {
            (true, Ok(value)) => Some((modelled, value)),
            (false, Err(DbError::LeaseLost(_))) => None,
            (holds, result) => panic!("the lease {:?} holds: {holds}, but {:?}", claimed.lease.token, result.err()),
        }
    }

    fn pass(&mut self, seconds: u32) {
        self.t.wait(f64::from(seconds));
        for modelled in self.model.values_mut() {
            modelled.wait_s = modelled.wait_s.saturating_sub(seconds);
        }
    }

    async fn act(&mut self, action: Action) {
        let (db, scope) = (&self.t.db, self.t.scope);
        match action {
            Action::Submit => {
                let id = self.t.submit().await;
                let state = JobState::Queued;
                let (attempt, faults, service_deaths, lease, is_marked) = (0, 0, 0, None, false);
                let (wait_s, completions, ends) = (0, 0, 0);
                let modelled =
                    Modelled { state, attempt, faults, service_deaths, lease, is_marked, wait_s, completions, ends };
                self.model.insert(id, modelled);
                self.renders.push(id);
            }
            Action::Claim => {
                let claimable = |m: &Modelled| m.state == JobState::Queued && m.wait_s == 0;
                let expected = self.renders.iter().copied().find(|id| claimable(&self.model[id]));
                let claimed = self.t.claim(1).await.pop();
                assert_eq!(claimed.as_ref().map(render_of), expected, "the oldest that may start");
                if let Some(claimed) = claimed {
                    let modelled = self.model.get_mut(&render_of(&claimed)).expect("a modelled render");
                    (modelled.state, modelled.attempt) = (JobState::Running, modelled.attempt + 1);
                    modelled.lease = Some(claimed.lease);
                    assert_eq!(claimed.task.attempt, modelled.attempt);
                    self.leases.push(claimed);
                }
            }
            Action::Renew(which) => {
                let Some(claimed) = self.lease(which) else { return };
                let renewed = tasks::renew(db, scope, claimed.lease).await;
                if let Some((modelled, directive)) = self.held(&claimed, renewed) {
                    assert_eq!(directive == Directive::Cancel, modelled.is_marked);
                }
            }
            Action::Wait => self.pass(6),
            Action::Expire => {
                self.pass(31);
                let reaped = tasks::reap_expired(db, AllTenants::Housekeeping, Vec::new()).await.expect("a sweep");
                let running = |m: &&mut Modelled| m.state == JobState::Running;
                let lost: Vec<_> = self.model.values_mut().filter(running).collect();
                assert_eq!(reaped.len(), lost.len());
                lost.into_iter().for_each(|modelled| modelled.fail(Cause::ServiceLost));
            }
            Action::Complete(which) => {
                let Some(claimed) = self.lease(which) else { return };
                let ended = tasks::complete(db, scope, claimed.lease, completion(&claimed)).await;
                if let Some((modelled, ended)) = self.held(&claimed, ended) {
                    assert_eq!(ended == Ended::Cancelled, modelled.is_marked);
                    let completed = !modelled.is_marked;
                    modelled.completions += usize::from(completed);
                    modelled.end(if completed { JobState::Completed } else { JobState::Cancelled });
                }
            }
            Action::Fail(which, fault) => {
                let Some(claimed) = self.lease(which) else { return };
                let error = JobError { code: "c".to_owned(), detail: "d".to_owned(), at: None };
                let report = Report::default();
                let failed = tasks::fail(db, scope, claimed.lease, Failure { report, fault, error }).await;
                if let Some((modelled, after)) = self.held(&claimed, failed) {
                    modelled.fail(Cause::Fault(fault));
                    let state = match after {
                        AfterFailure::Failed => JobState::Failed,
                        AfterFailure::Retry(_) => JobState::Queued,
                        AfterFailure::Cancelled => JobState::Cancelled,
                    };
                    assert_eq!(state, modelled.state);
                }
            }
            Action::Stop(which) => {
                let Some(claimed) = self.lease(which) else { return };
                let stopped = tasks::cancelled(db, scope, claimed.lease, Report::default()).await;
                let modelled = &self.model[&render_of(&claimed)];
                if modelled.holds(&claimed) && !modelled.is_marked {
                    assert!(matches!(stopped, Err(DbError::State(_))), "nobody cancelled it");
                } else if let Some((modelled, ())) = self.held(&claimed, stopped) {
                    modelled.end(JobState::Cancelled);
                }
            }
            Action::GiveBack(which) => {
                let Some(claimed) = self.lease(which) else { return };
                let given = tasks::give_back(db, scope, claimed.lease, Report::default()).await;
                match self.held(&claimed, given) {
                    Some((modelled, ())) if modelled.is_marked => modelled.end(JobState::Cancelled),
                    Some((modelled, ())) => {
                        (modelled.state, modelled.attempt) = (JobState::Queued, modelled.attempt - 1)
                    }
                    None => (),
                }
            }
            Action::Cancel(which) => {
                let Some(id) = self.render(which) else { return };
                let cancelling = renders::request_cancel(db, scope, id).await.expect("a render");
                let modelled = self.model.get_mut(&id).expect("a modelled render");
                match (modelled.state, cancelling) {
                    (JobState::Queued, Cancelling::Cancelled(_)) => modelled.end(JobState::Cancelled),
                    (JobState::Running, Cancelling::Requested(_)) => modelled.is_marked = true,
                    (state, Cancelling::Unchanged(_)) if state.is_terminal() => (),
                    (state, other) => panic!("{state}: {other:?}"),
                }
            }
            Action::Requeue(which) => {
                let Some(id) = self.render(which) else { return };
                let task = renders::get(db, scope, id).await.expect("a render").task_id.expect("a task");
                let requeued = tasks::requeue(db, scope, Actor::system(), task).await;
                let modelled = self.model.get_mut(&id).expect("a modelled render");
                assert_eq!(requeued.is_ok(), modelled.state == JobState::Failed);
                if requeued.is_ok() {
                    (modelled.state, modelled.attempt, modelled.wait_s) = (JobState::Queued, 0, 0);
                    (modelled.faults, modelled.service_deaths) = (0, 0);
                }
            }
        }
    }

    /// Checks that the database agrees with the model.
    async fn check(&self) {
        for (id, modelled) in &self.model {
            let render = renders::get(&self.t.db, self.t.scope, *id).await.expect("a render");
            assert_eq!(
                (render.state, render.document.state),
                (modelled.state, modelled.state),
                "{modelled:?}: {render:?}"
            );
            let events = self.t.events_of(self.t.scope, *id).await;
            let is_end = |name: &&String| ["job.completed", "job.failed", "job.cancelled"].contains(&name.as_str());
            assert_eq!(
                events.iter().filter(is_end).count(),
                modelled.ends,
                "one terminal event for each end: {events:?}"
            );
            assert!(modelled.completions <= 1);
            assert_eq!(events.iter().filter(|name| *name == "job.completed").count(), modelled.completions);
        }
    }

    /// Ends all remaining renders, so that the next run starts without any.
    async fn clear(mut self) {
        for which in 0..self.renders.len() {
            self.act(Action::Cancel(which)).await;
        }
        self.act(Action::Expire).await;
        self.check().await;
    }
}

pub(crate) async fn states_follow_the_model(t: Fixture) {
    const RUNS: u32 = 24;
    t.set_limits(64, &[(t.scope, 64)]).await;
    let mut runner = TestRunner::new(Config { source_file: Some(file!()), ..Config::default() });
    for _ in 0..RUNS {
        let actions = actions().new_tree(&mut runner).expect("a sequence").current();
        println!("{actions:?}");
        let mut run = Run { t: &t, renders: Vec::new(), leases: Vec::new(), model: HashMap::new() };
        for action in actions {
            run.act(action).await;
        }
        run.check().await;
        run.clear().await;
    }
}
