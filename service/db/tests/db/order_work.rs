//! O38–O40, O64: orders whose lines are worked on, whatever is tried with them and in whatever order: a line has one
//! live job at most, is open exactly while it has one or waits, and no order stays open when its lines have ended.

use std::collections::HashMap;

use packshot_db::DbError;
use packshot_db::jobs::{self, JobError, NewTask};
use packshot_db::orders::{self, LineJob, LineWork, NewLine, NewOrder, OrderRef, WholeOrder};
use packshot_db::tasks::{self, Claimed, Failure, Report};
use packshot_domain::audit::Actor;
use packshot_domain::id::{OrderId, OrderLineId, TaskId, WorkerId};
use packshot_domain::job::{JobKind, JobState};
use packshot_domain::order::OrderStatus;
use packshot_domain::order::line::RenderStatus;
use packshot_domain::step::StepName;
use packshot_domain::task::{FaultKind, Lane, QueueName, TaskKind};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use crate::engine::{Fixture, completion};
use crate::orders::Shop;

/// Lines of the order.
const LINES: usize = 3;

/// Something that is tried.
#[derive(Clone, Copy, Debug)]
enum Attempt {
    DispatchAll,
    DispatchLine(usize),
    Claim,
    Begin(usize),
    Complete(usize),
    FailForGood(usize),
    FailForNow(usize),
    GiveBack(usize),
    LoseWorker,
    Stop(usize),
    CancelLine(usize),
    CancelRenders,
    Submit,
    Reject,
    Resubmit,
    Requeue(usize),
}

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    use Attempt as A;
    let i = 0..LINES;
    let attempt = prop_oneof![
        2 => Just(A::DispatchAll),
        3 => i.clone().prop_map(A::DispatchLine),
        6 => Just(A::Claim),
        3 => i.clone().prop_map(A::Begin),
        4 => i.clone().prop_map(A::Complete),
        2 => i.clone().prop_map(A::FailForGood),
        1 => i.clone().prop_map(A::FailForNow),
        1 => i.clone().prop_map(A::GiveBack),
        1 => Just(A::LoseWorker),
        3 => i.clone().prop_map(A::Stop),
        2 => i.clone().prop_map(A::CancelLine),
        1 => Just(A::CancelRenders),
        3 => Just(A::Submit),
        1 => Just(A::Reject),
        2 => Just(A::Resubmit),
        1 => i.prop_map(A::Requeue),
    ];
    prop::collection::vec(attempt, 20..60)
}

/// An order, and the work on it that is under way.
struct Scene<'t> {
    t: &'t Fixture,
    of: OrderRef,
    lines: Vec<OrderLineId>,
    worker: WorkerId,
    claimed: Vec<Claimed>,
}

impl Scene<'_> {
    fn work(&self, line: OrderLineId) -> LineWork {
        let task = NewTask {
            id: TaskId::new(),
            kind: TaskKind::Step(StepName::RenderStill),
            queue: QueueName::Render,
            lane: Lane::builtin(),
            priority: 0,
            kwargs: json!({}),
            spec: None,
            publishes: true,
            waits_for: Vec::new(),
        };
        LineWork {
            line,
            job: Some(LineJob { input_name: None, samples_target: 1, tasks: vec![task] }),
            run: None,
            shadow: None,
            failure: None,
        }
    }

    async fn order(&self) -> WholeOrder {
        orders::get(&self.t.db, self.t.scope, self.of).await.expect("the order")
    }

    async fn dispatch(&self, lines: &[OrderLineId]) -> Result<(), DbError> {
        let works = lines.iter().map(|line| self.work(*line)).collect();
        let by = (Actor::system(), self.t.user);
        orders::dispatch(&self.t.db, self.t.scope, by, self.of, works).await.map(drop)
    }

    async fn attempt(&mut self, attempt: Attempt) -> Result<(), DbError> {
        let (t, by) = (self.t, Actor::system());
        let (db, scope) = (&t.db, t.scope);
        let recent = |i: usize| self.claimed.iter().rev().nth(i);
        let held = |i: usize| recent(i).map(|claimed| claimed.lease);
        let failure = |fault| Failure {
            report: Report { began: true, ..Report::default() },
            fault,
            error: JobError { code: "odd".to_owned(), detail: "odd".to_owned(), at: None },
        };
        match attempt {
            Attempt::DispatchAll => self.dispatch(&self.lines.clone()).await,
            Attempt::DispatchLine(i) => self.dispatch(&[self.lines[i]]).await,
            Attempt::Claim => {
                t.wait(60.0);
                let claimed = t.claim_as(self.worker, 1).await;
                self.claimed.extend(claimed);
                Ok(())
            }
            Attempt::LoseWorker => {
                tasks::reap_worker(db, packshot_db::AllTenants::Housekeeping, self.worker).await?;
                Ok(())
            }
            Attempt::Begin(i) => match held(i) {
                Some(lease) => {
                    tasks::report(db, scope, lease, Report { began: true, ..Report::default() }).await.map(drop)
                }
                None => Ok(()),
            },
            Attempt::Complete(i) => match recent(i) {
                Some(claimed) => {
                    let mut done = completion(claimed);
                    done.report.began = true;
                    tasks::complete(db, scope, claimed.lease, done).await.map(drop)
                }
                None => Ok(()),
            },
            Attempt::FailForGood(i) => match held(i) {
                Some(lease) => tasks::fail(db, scope, lease, failure(FaultKind::Input)).await.map(drop),
                None => Ok(()),
            },
            Attempt::FailForNow(i) => match held(i) {
                Some(lease) => tasks::fail(db, scope, lease, failure(FaultKind::Infrastructure)).await.map(drop),
                None => Ok(()),
            },
            Attempt::GiveBack(i) => match held(i) {
                Some(lease) => tasks::give_back(db, scope, lease, Report::default()).await,
                None => Ok(()),
            },
            Attempt::Stop(i) => match held(i) {
                Some(lease) => tasks::cancelled(db, scope, lease, Report::default()).await,
                None => Ok(()),
            },
            Attempt::CancelLine(i) => orders::cancel_line(db, scope, None, self.lines[i]).await.map(drop),
            Attempt::CancelRenders => orders::cancel_renders(db, scope, by, self.of).await.map(drop),
            Attempt::Submit => orders::submit(db, scope, by, self.of).await.map(drop),
            Attempt::Reject => {
                let why = ("because".parse().expect("a reason"), true);
                orders::reject(db, scope, by, self.of, why).await.map(drop)
            }
            Attempt::Resubmit => orders::resubmit(db, scope, by, self.of).await.map(drop),
            // Of the newest job of a line, or of one before it.
            Attempt::Requeue(i) => match recent(i).map(|claimed| claimed.task.id) {
                Some(task) => tasks::requeue(db, scope, by, task).await.map(drop),
                None => Ok(()),
            },
        }
    }

    /// What always holds of an order.
    async fn check(&self, what: &str) {
        let WholeOrder { order, lines } = self.order().await;
        let live = jobs::live(&self.t.db, self.t.scope, 100).await.expect("live jobs");
        let mut live_of: HashMap<uuid::Uuid, Vec<JobState>> = HashMap::new();
        for job in live.jobs.iter().filter(|job| job.job.kind == JobKind::Line) {
            live_of.entry(job.job.record).or_default().push(job.state);
        }
        for line in &lines {
            let own = live_of.get(&line.id.uuid()).map_or(&[][..], Vec::as_slice);
            assert!(own.len() <= 1, "{what}: two live jobs of a line");
            let expected = match own.first() {
                Some(JobState::Running) => &[RenderStatus::Processing, RenderStatus::Pending][..],
                Some(_) => &[RenderStatus::Pending],
                None => {
                    &[RenderStatus::Pending, RenderStatus::Completed, RenderStatus::Failed, RenderStatus::Cancelled]
                }
            };
            assert!(expected.contains(&line.status), "{what}: a line is {} with jobs {own:?}", line.status);
            if line.status == RenderStatus::Pending {
                let document = line.document.as_ref().map(|document| document.state);
                assert!(document.is_none_or(|state| !state.is_terminal()), "{what}: open when its job is over");
            }
            if line.status == RenderStatus::Completed {
                assert!(line.result_path.is_some(), "{what}");
            }
            assert_eq!(line.render_completed_at.is_some(), line.status.is_terminal(), "{what}");
        }
        let ended = lines.iter().all(|line| line.status.is_terminal());
        let rendered = lines.iter().any(|line| matches!(line.status, RenderStatus::Completed | RenderStatus::Failed));
        match order.status {
            OrderStatus::Processing => assert!(!ended, "{what}: all lines have ended"),
            OrderStatus::Submitted => assert!(!(ended && rendered), "{what}: all lines have ended"),
            OrderStatus::Draft | OrderStatus::Completed | OrderStatus::Rejected => {}
        }
    }
}

/// Whether a refusal is one that clients or workers get, and not a defect.
fn is_expected(refused: &DbError) -> bool {
    matches!(refused, DbError::Order(_) | DbError::State(_) | DbError::LeaseLost(_))
}

pub(crate) async fn o38_o39_o40_o64_lines_and_orders_follow_their_work(t: Fixture) {
    t.set_limits(10, &[]).await;
    let shop = Shop::open(&t).await;
    let mut runner = TestRunner::new(Config::default());
    let mut reached: HashMap<OrderStatus, usize> = HashMap::new();
    for _ in 0..25 {
        let attempts = attempts().new_tree(&mut runner).expect("attempts").current();
        let lines: Vec<NewLine> = (0..LINES).map(|_| shop.line()).collect();
        let new = NewOrder {
            id: OrderId::new(),
            number: None,
            notes: None,
            lines: lines.clone(),
            lines_max: LINES,
            created_by: t.user,
        };
        let order = orders::create(&t.db, t.scope, Actor::system(), new).await.expect("an order").order.id;
        let of = OrderRef { id: order, owner: None };
        let lines = lines.iter().map(|line| line.id).collect();
        let mut scene = Scene { t: &t, of, lines, worker: WorkerId::new(), claimed: Vec::new() };
        for attempt in &attempts {
            let before = scene.order().await;
            if let Err(refused) = scene.attempt(*attempt).await {
                assert!(is_expected(&refused), "{attempt:?} of {attempts:?}: {refused:?}");
                assert_eq!(scene.order().await, before, "{attempt:?}: a refused attempt changes nothing");
            }
            scene.check(&format!("{attempt:?} of {attempts:?}")).await;
            *reached.entry(scene.order().await.order.status).or_default() += 1;
        }
        // Nothing is left to the orders after it.
        orders::cancel_renders(&t.db, t.scope, Actor::system(), of).await.expect("the order");
        tasks::reap_worker(&t.db, packshot_db::AllTenants::Housekeeping, scene.worker).await.expect("the worker");
        scene.check("the end").await;
        assert!(scene.order().await.lines.iter().all(|line| line.status.is_terminal()), "{attempts:?}");
    }
    assert_eq!(reached.len(), OrderStatus::ALL.len(), "every state was reached: {reached:?}");
}
