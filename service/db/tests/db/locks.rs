//! R89: many who work on many orders at the same time take their locks in one order, so that none waits for another
//! that waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use packshot_db::jobs::{JobError, NewTask};
use packshot_db::orders::{self, LineJob, LineWork, NewLine, NewOrder, OrderRef};
use packshot_db::tasks::{self, Claimed, Failure, Report};
use packshot_db::{AllTenants, DbError, TenantScope, testing};
use packshot_domain::audit::Actor;
use packshot_domain::id::{OrderId, OrderLineId, TaskId, UserId, WorkerId};
use packshot_domain::step::StepName;
use packshot_domain::task::{FaultKind, Lane, QueueName, TaskKind};
use serde_json::json;

use crate::engine::{Fixture, claimer, completion};
use crate::orders::Shop;

/// Orders that are worked on.
const ORDERS: usize = 20;
/// Lines of each.
const LINES: usize = 3;
/// How many work on them.
const WORKERS: u64 = 8;
/// Seconds of work, where `PACKSHOT_LOCK_SECONDS` says nothing else.
const SECONDS: u64 = 3;

/// What everybody works on.
struct Floor {
    db: packshot_db::Db,
    scope: TenantScope,
    user: UserId,
    orders: Vec<(OrderRef, Vec<OrderLineId>)>,
    n_done: AtomicUsize,
}

/// Numbers that look random, and are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        // The generator of Knuth's MMIX.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }
}

fn work(line: OrderLineId) -> LineWork {
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

impl Floor {
    /// One change of one order, or of a task that was claimed.
    async fn change(&self, dice: &mut Dice, held: &mut Vec<Claimed>) -> Result<(), DbError> {
        let (db, scope, by) = (&self.db, self.scope, Actor::system());
        let (of, lines) = &self.orders[dice.below(ORDERS)];
        let pick = dice.below(16);
        let taken = match held.len() {
            0 => None,
            n => Some(held.swap_remove(dice.below(n))),
        };
        match (pick, taken) {
            (0..=2, taken) => {
                held.extend(taken);
                let works = lines.iter().map(|line| work(*line)).collect();
                orders::dispatch(db, scope, (by, self.user), *of, works).await.map(drop)
            }
            (3, taken) => {
                held.extend(taken);
                let why = ("because".parse().expect("a reason"), true);
                orders::reject(db, scope, by, *of, why).await.map(drop)
            }
            (4, taken) => {
                held.extend(taken);
                orders::cancel_renders(db, scope, by, *of).await.map(drop)
            }
            (5, taken) => {
                held.extend(taken);
                orders::cancel_line(db, scope, None, lines[dice.below(LINES)]).await.map(drop)
            }
            (6, taken) => {
                held.extend(taken);
                orders::resubmit(db, scope, by, *of).await.map(drop)
            }
            (7, taken) => {
                held.extend(taken);
                orders::submit(db, scope, by, *of).await.map(drop)
            }
            (8 | 9, Some(claimed)) => {
                let report = Report { began: true, ..Report::default() };
                let reported = tasks::report(db, scope, claimed.lease, report).await.map(drop);
                held.push(claimed);
                reported
            }
            (10..=12, Some(claimed)) => {
                let mut done = completion(&claimed);
                done.report.began = true;
                tasks::complete(db, scope, claimed.lease, done).await.map(drop)
            }
            (13, Some(claimed)) => {
                let failure = Failure {
                    report: Report { began: true, ..Report::default() },
                    fault: FaultKind::Input,
                    error: JobError { code: "odd".to_owned(), detail: "odd".to_owned(), at: None },
                };
                tasks::fail(db, scope, claimed.lease, failure).await?;
                tasks::requeue(db, scope, by, claimed.task.id).await.map(drop)
            }
            (14, Some(claimed)) => tasks::cancelled(db, scope, claimed.lease, Report::default()).await,
            (_, taken) => {
                held.extend(taken);
                let found = tasks::claim(db, AllTenants::Claiming, claimer(WorkerId::new()), 2).await?;
                held.extend(found);
                Ok(())
            }
        }
    }

    /// Changes one thing after the other, until the time is over.
    async fn toil(&self, seed: u64, until: Instant) {
        let (mut dice, mut held) = (Dice(seed), Vec::new());
        while Instant::now() < until {
            match self.change(&mut dice, &mut held).await {
                Ok(()) => drop(self.n_done.fetch_add(1, Ordering::Relaxed)),
                Err(DbError::Order(_) | DbError::State(_) | DbError::LeaseLost(_)) => {}
                Err(error) => panic!("nobody should get this: {error:?}"),
            }
        }
    }
}

pub(crate) async fn r89_nothing_waits_for_each_other(t: Fixture) {
    t.set_limits(50, &[(t.scope, 50)]).await;
    let shop = Shop::open(&t).await;
    let mut all = Vec::new();
    for _ in 0..ORDERS {
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
        all.push((OrderRef { id: order, owner: None }, lines.iter().map(|line| line.id).collect()));
    }
    let seconds = std::env::var("PACKSHOT_LOCK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SECONDS);
    let until = Instant::now() + Duration::from_secs(seconds);
    let floor = Floor { db: t.db.clone(), scope: t.scope, user: t.user, orders: all, n_done: AtomicUsize::new(0) };
    let floor = Arc::new(floor);
    let toil = |seed: u64| {
        let floor = floor.clone();
        tokio::spawn(async move { floor.toil(seed, until).await })
    };
    let workers: Vec<_> = (1..=WORKERS).map(toil).collect();
    for worker in workers {
        worker.await.expect("a worker panicked");
    }
    let (n_done, n_deadlocks) =
        (floor.n_done.load(Ordering::Relaxed), testing::deadlocks(&t.db, t.scope).await.expect("the figure"));
    println!("{n_done} changes in {seconds} s, {n_deadlocks} deadlocks");
    assert!(n_done > 50, "{n_done} changes were made");
    assert_eq!(n_deadlocks, 0);
}
