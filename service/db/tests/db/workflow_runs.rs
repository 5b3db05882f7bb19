//! W66, W85: runs whose tasks are tried again, and workers that come too late.

use packshot_db::jobs::{JobError, NewTask};
use packshot_db::orders::{self, LineJob, LineWork, NewOrder, OrderRef};
use packshot_db::tasks::{self, AfterFailure, Claimed, Failure, Report};
use packshot_db::workflows::{self, NewNode, NewRun, Run};
use packshot_db::{DbError, streams};
use packshot_domain::audit::Actor;
use packshot_domain::id::{OrderId, RunId, TaskId};
use packshot_domain::order::line::RenderStatus;
use packshot_domain::step::StepName;
use packshot_domain::stream::StreamId;
use packshot_domain::task::{FaultKind, Lane, QueueName, TaskKind};
use packshot_domain::workflow::{ExecutionMode, NodeStatus, RunStatus};
use serde_json::json;

use crate::engine::{Fixture, completion};
use crate::orders::Shop;

/// A line with a run of one picture, and another that waits for it.
struct Scene<'t> {
    t: &'t Fixture,
    of: OrderRef,
    run: RunId,
}

impl<'t> Scene<'t> {
    async fn dispatch(t: &'t Fixture) -> Self {
        let line = Shop::open(t).await.line();
        let id = OrderId::new();
        let new = NewOrder { id, number: None, notes: None, lines: vec![line], lines_max: 1, created_by: t.user };
        orders::create(&t.db, t.scope, Actor::system(), new).await.expect("an order");
        let scene = Self { t, of: OrderRef { id, owner: None }, run: RunId::new() };
        let (first, then) = (TaskId::new(), TaskId::new());
        let task = |id: TaskId, waits_for: Vec<TaskId>| NewTask {
            id,
            kind: TaskKind::Step(StepName::RenderStill),
            queue: QueueName::Render,
            lane: Lane::builtin(),
            priority: 0,
            kwargs: json!({}),
            spec: None,
            publishes: true,
            waits_for,
        };
        let node = |name: &str, task: TaskId| NewNode {
            id: name.parse().expect("a name"),
            step: StepName::RenderStill,
            status: NodeStatus::Queued,
            output: json!({}),
            error: None,
            task: Some(task),
        };
        let run = NewRun {
            id: scene.run,
            definition: None,
            mode: ExecutionMode::Graph,
            status: RunStatus::Pending,
            error: None,
            config: json!({}),
            first_task: Some(first),
            result_task: Some(first),
            follows_job: true,
            nodes: vec![node("first", first), node("then", then)],
        };
        let tasks = vec![task(first, Vec::new()), task(then, vec![first])];
        let job = Some(LineJob { input_name: None, samples_target: 1, tasks });
        let work = LineWork { line: line.id, job, run: Some(run), shadow: None, failure: None };
        let by = (Actor::system(), t.user);
        let mut done = orders::dispatch(&t.db, t.scope, by, scene.of, vec![work]).await.expect("the order");
        done.pop().expect("a line").1.expect("dispatched");
        scene
    }

    async fn run(&self) -> Run {
        workflows::run(&self.t.db, self.t.scope, None, self.run).await.expect("the run")
    }

    async fn states(&self) -> (RunStatus, [NodeStatus; 2]) {
        let run = self.run().await;
        (run.status, [run.nodes[0].status, run.nodes[1].status])
    }

    async fn begin(&self, claimed: &Claimed) {
        let began = Report { began: true, ..Report::default() };
        tasks::report(&self.t.db, self.t.scope, claimed.lease, began).await.expect("the lease holds");
    }

    async fn line(&self) -> RenderStatus {
        orders::get(&self.t.db, self.t.scope, self.of).await.expect("the order").lines[0].status
    }
}

fn lost_device() -> Failure {
    let error = JobError { code: "device_lost".to_owned(), detail: "the device is lost".to_owned(), at: None };
    Failure { report: Report::default(), fault: FaultKind::Infrastructure, error }
}

pub(crate) async fn w66_a_retry_keeps_the_node_queued(t: Fixture) {
    let scene = Scene::dispatch(&t).await;
    for wait in [5.0, 30.0] {
        let claimed = t.claim_one().await;
        scene.begin(&claimed).await;
        assert_eq!(scene.states().await, (RunStatus::Running, [NodeStatus::Running, NodeStatus::Queued]));
        let after = tasks::fail(&t.db, t.scope, claimed.lease, lost_device()).await.expect("the lease holds");
        assert!(matches!(after, AfterFailure::Retry(_)), "{after:?}");
        let (run, nodes) = scene.states().await;
        assert_eq!(nodes, [NodeStatus::Queued, NodeStatus::Queued]);
        assert!(!run.is_terminal(), "{run}");
        t.wait(wait);
    }
    let claimed = t.claim_one().await;
    let after = tasks::fail(&t.db, t.scope, claimed.lease, lost_device()).await.expect("the lease holds");
    assert_eq!(after, AfterFailure::Failed);
    assert_eq!(scene.states().await, (RunStatus::Failed, [NodeStatus::Failed, NodeStatus::Skipped]));
    let run = scene.run().await;
    assert_eq!(
        (run.error.as_deref(), run.nodes[0].error.as_deref()),
        (Some("the device is lost"), Some("the device is lost"))
    );
    assert_eq!(scene.line().await, RenderStatus::Failed);
}

pub(crate) async fn w85_a_late_report_changes_nothing(t: Fixture) {
    let scene = Scene::dispatch(&t).await;
    let late = t.claim_one().await;
    scene.begin(&late).await;
    let lost = tasks::fail(&t.db, t.scope, late.lease, lost_device()).await.expect("the lease holds");
    assert!(matches!(lost, AfterFailure::Retry(_)));
    t.wait(5.0);
    let taken_over = t.claim_one().await;
    assert_eq!(taken_over.task.id, late.task.id);
    scene.begin(&taken_over).await;
    let everything = async || {
        let order = orders::get(&t.db, t.scope, scene.of).await.expect("the order");
        let events = streams::after(&t.db, t.scope, StreamId::of_run(scene.run), 0, 100).await.expect("events");
        (scene.run().await, order.lines[0].result_path.clone(), events)
    };
    let before = everything().await;
    let refused = tasks::complete(&t.db, t.scope, late.lease, completion(&late)).await;
    assert!(matches!(refused, Err(DbError::LeaseLost(task)) if task == late.task.id), "{refused:?}");
    assert_eq!(everything().await, before);
    assert_eq!(before.1, None, "nothing is published");
    t.complete(&taken_over).await;
    assert_eq!(scene.states().await, (RunStatus::Running, [NodeStatus::Completed, NodeStatus::Queued]));
    t.complete(&t.claim_one().await).await;
    assert_eq!(scene.states().await, (RunStatus::Completed, [NodeStatus::Completed, NodeStatus::Completed]));
    let (_, published, events) = everything().await;
    assert!(published.is_some() && scene.line().await == RenderStatus::Completed);
    let n_ends = events.iter().filter(|event| event.data["status"] == "completed").count();
    assert_eq!(n_ends, 3, "each node once, and the run: {events:?}");
}
