//! Renders against a model of them: whatever clients and workers do, in whatever order.

use std::collections::HashMap;

use packshot_db::renders::{self, Cancelling, JobError};
use packshot_db::tasks::{self, AfterFailure, Claimed, Directive, Ended, Failure, Report};
use packshot_db::{AllTenants, DbError};
use packshot_domain::id::RenderId;
use packshot_domain::render::RenderState;
use packshot_domain::task::FaultKind;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use crate::engine::{Fixture, completion};

/// What somebody does. Numbers choose among the renders, or the leases, that there have been.
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
    state: RenderState,
    attempt: i32,
    /// The number of the lease that holds, or held last.
    lease: i64,
    is_marked: bool,
    /// Seconds until it may be claimed.
    wait_s: u32,
    completions: usize,
    ends: usize,
}

impl Modelled {
    fn holds(&self, claimed: &Claimed) -> bool {
        self.state == RenderState::Running && self.lease == claimed.lease.number
    }

    fn end(&mut self, state: RenderState) {
        self.state = state;
        self.ends += 1;
    }

    /// What follows when an attempt fails.
    fn fail(&mut self, fault: FaultKind) {
        match (self.is_marked, fault, self.attempt) {
            (true, ..) => self.end(RenderState::Cancelled),
            (_, FaultKind::Infrastructure, 1 | 2) => {
                self.state = RenderState::Queued;
                self.wait_s = if self.attempt == 1 { 5 } else { 30 };
            }
            _ => self.end(RenderState::Failed),
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
        let modelled = self.model.get_mut(&claimed.render.id).expect("a modelled render");
        match (modelled.holds(claimed), result) {
            (true, Ok(value)) => Some((modelled, value)),
            (false, Err(DbError::LeaseLost(_))) => None,
            (holds, result) => panic!("the lease {} holds: {holds}, but {:?}", claimed.lease.number, result.err()),
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
                let state = RenderState::Queued;
                let (attempt, lease, is_marked, wait_s, completions, ends) = (0, 0, false, 0, 0, 0);
                self.model.insert(id, Modelled { state, attempt, lease, is_marked, wait_s, completions, ends });
                self.renders.push(id);
            }
            Action::Claim => {
                let claimable = |m: &Modelled| m.state == RenderState::Queued && m.wait_s == 0;
                let expected = self.renders.iter().copied().find(|id| claimable(&self.model[id]));
                let claimed = self.t.claim(1).await.pop();
                assert_eq!(claimed.as_ref().map(|claimed| claimed.render.id), expected, "the oldest that may start");
                if let Some(claimed) = claimed {
                    let modelled = self.model.get_mut(&claimed.render.id).expect("a modelled render");
                    (modelled.state, modelled.attempt) = (RenderState::Running, modelled.attempt + 1);
                    modelled.lease += 1;
                    assert_eq!((claimed.lease.number, claimed.task.attempt), (modelled.lease, modelled.attempt));
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
                let running = |m: &&mut Modelled| m.state == RenderState::Running;
                let lost: Vec<_> = self.model.values_mut().filter(running).collect();
                assert_eq!(reaped.len(), lost.len());
                lost.into_iter().for_each(|modelled| modelled.fail(FaultKind::Infrastructure));
            }
            Action::Complete(which) => {
                let Some(claimed) = self.lease(which) else { return };
                let ended = tasks::complete(db, scope, claimed.lease, completion(&claimed)).await;
                if let Some((modelled, ended)) = self.held(&claimed, ended) {
                    assert_eq!(ended == Ended::Cancelled, modelled.is_marked);
                    let completed = !modelled.is_marked;
                    modelled.completions += usize::from(completed);
                    modelled.end(if completed { RenderState::Completed } else { RenderState::Cancelled });
                }
            }
            Action::Fail(which, fault) => {
                let Some(claimed) = self.lease(which) else { return };
                let error = JobError { code: "c".to_owned(), detail: "d".to_owned(), at: None };
                let (report, document) = (Report::default(), claimed.render.document.clone());
                let failed = tasks::fail(db, scope, claimed.lease, Failure { report, document, fault, error }).await;
                if let Some((modelled, after)) = self.held(&claimed, failed) {
                    modelled.fail(fault);
                    let state = match after {
                        AfterFailure::Failed => RenderState::Failed,
                        AfterFailure::Retry(_) => RenderState::Queued,
                        AfterFailure::Cancelled => RenderState::Cancelled,
                    };
                    assert_eq!(state, modelled.state);
                }
            }
            Action::Stop(which) => {
                let Some(claimed) = self.lease(which) else { return };
                let stopped = tasks::cancelled(db, scope, claimed.lease, claimed.render.document.clone()).await;
                if let Some((modelled, ())) = self.held(&claimed, stopped) {
                    modelled.end(RenderState::Cancelled);
                }
            }
            Action::GiveBack(which) => {
                let Some(claimed) = self.lease(which) else { return };
                let given = tasks::give_back(db, scope, claimed.lease, claimed.render.document.clone()).await;
                match self.held(&claimed, given) {
                    Some((modelled, ())) if modelled.is_marked => modelled.end(RenderState::Cancelled),
                    Some((modelled, ())) => {
                        (modelled.state, modelled.attempt) = (RenderState::Queued, modelled.attempt - 1)
                    }
                    None => (),
                }
            }
            Action::Cancel(which) => {
                let Some(id) = self.render(which) else { return };
                let cancelling = renders::request_cancel(db, scope, id).await.expect("a render");
                let modelled = self.model.get_mut(&id).expect("a modelled render");
                match (modelled.state, cancelling) {
                    (RenderState::Queued, Cancelling::Cancelled(_)) => modelled.end(RenderState::Cancelled),
                    (RenderState::Running, Cancelling::Requested(_)) => modelled.is_marked = true,
                    (state, Cancelling::Unchanged(_)) if state.is_terminal() => (),
                    (state, other) => panic!("{state}: {other:?}"),
                }
            }
            Action::Requeue(which) => {
                let Some(id) = self.render(which) else { return };
                let task = renders::get(db, scope, id).await.expect("a render").task_id.expect("a task");
                let requeued = tasks::requeue(db, scope, task).await;
                let modelled = self.model.get_mut(&id).expect("a modelled render");
                assert_eq!(requeued.is_ok(), modelled.state == RenderState::Failed);
                if requeued.is_ok() {
                    (modelled.state, modelled.attempt, modelled.wait_s) = (RenderState::Queued, 0, 0);
                }
            }
        }
    }

    /// The database is where the model is.
    async fn check(&self) {
        for (id, modelled) in &self.model {
            let render = renders::get(&self.t.db, self.t.scope, *id).await.expect("a render");
            assert_eq!((render.state, render.document.state), (modelled.state, modelled.state));
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

    /// Ends what has not, so that the next run starts alone.
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
