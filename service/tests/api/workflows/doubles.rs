//! Doubles of what dispatches go through (README §11 of the contract).

use std::sync::{Arc, Mutex};

use packshot_domain::id::{OrderLineId, RunId, TaskId};
use packshot_domain::workflow::Preset;
use packshot_service::app::{DirectPath, GraphRuntime, Ports, PresetRunner, Queued, Taken, TaskQueue};
use serde_json::{Value, json};
use uuid::Uuid;

/// The task that the preset stub has "started".
pub(super) const CANVAS: &str = "canvas-123";

/// The id of a label.
pub(super) fn id_of(label: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, label.as_bytes()).to_string()
}

/// Who was called, in order: `legacy`, or the name of a task.
#[derive(Clone, Default)]
struct Order(Arc<Mutex<Vec<String>>>);

impl Order {
    fn push(&self, who: &str) {
        self.0.lock().expect("nothing panicked").push(who.to_owned());
    }
}

/// Keeps every task that is handed over: name, `args`, `kwargs`; gives the ids of labels `task-1`, `task-2` …
#[derive(Default)]
pub(super) struct Recorded(Mutex<Vec<Value>>, Order);

impl Recorded {
    /// Every task so far.
    pub(super) fn tasks(&self) -> Vec<Value> {
        self.0.lock().expect("nothing panicked").clone()
    }

    /// The named arguments of the first task of a step.
    pub(super) fn kwargs(&self, step: &str) -> Value {
        let task = self.tasks().into_iter().find(|task| task["name"] == step).expect("it was handed over");
        task["kwargs"].clone()
    }

    /// The steps of all tasks, in their order.
    pub(super) fn names(&self) -> Vec<String> {
        self.tasks().iter().map(|task| task["name"].as_str().expect("a name").to_owned()).collect()
    }
}

impl TaskQueue for Recorded {
    fn id_of(&self, task: Queued<'_>) -> TaskId {
        let mut tasks = self.0.lock().expect("nothing panicked");
        self.1.push(task.kind.as_str());
        tasks.push(json!({"name": task.kind.as_str(), "args": task.args, "kwargs": task.kwargs}));
        let label = format!("task-{}", tasks.len());
        TaskId::from_uuid(Uuid::new_v5(&Uuid::NAMESPACE_OID, label.as_bytes()))
    }
}

/// Somebody else renders the line.
#[derive(Default)]
pub(super) struct LegacyStub {
    n_calls: Mutex<usize>,
    order: Order,
    /// Why it fails, if it does.
    failure: Mutex<Option<String>>,
}

impl LegacyStub {
    /// How often it was called.
    pub(super) fn calls(&self) -> usize {
        *self.n_calls.lock().expect("nothing panicked")
    }

    /// From now on it fails.
    pub(super) fn fails(&self, why: &str) {
        *self.failure.lock().expect("nothing panicked") = Some(why.to_owned());
    }
}

impl DirectPath for LegacyStub {
    fn take(&self, _: OrderLineId) -> Taken {
        *self.n_calls.lock().expect("nothing panicked") += 1;
        self.order.push("legacy");
        match self.failure.lock().expect("nothing panicked").clone() {
            Some(why) => Taken::Failed(why),
            None => Taken::Elsewhere(None),
        }
    }
}

/// Somebody else renders the preset.
struct PresetStub;

impl PresetRunner for PresetStub {
    fn take(&self, _: OrderLineId, _: Preset) -> Taken {
        Taken::Elsewhere(Some(TaskId::from_uuid(Uuid::new_v5(&Uuid::NAMESPACE_OID, CANVAS.as_bytes()))))
    }
}

/// A graph runtime that fails with a message.
struct Failing(String);

impl GraphRuntime for Failing {
    fn begin(&self, _: RunId) -> Result<(), String> {
        Err(self.0.clone())
    }
}

/// The doubles of one service.
pub(super) struct Doubles {
    pub(super) queue: Arc<Recorded>,
    pub(super) legacy: Arc<LegacyStub>,
    pub(super) ports: Ports,
    order: Order,
}

impl Doubles {
    /// A recording queue, a legacy stub and a preset stub; the graph runtime is the real one, or fails with a message.
    pub(super) fn new(failure: Option<&str>) -> Self {
        let order = Order::default();
        let queue = Arc::new(Recorded(Mutex::default(), order.clone()));
        let legacy = Arc::new(LegacyStub { order: order.clone(), ..LegacyStub::default() });
        let mut ports = Ports { queue: queue.clone(), direct: legacy.clone(), ..Ports::default() };
        ports.presets = Arc::new(PresetStub);
        if let Some(message) = failure {
            ports.graphs = Arc::new(Failing(message.to_owned()));
        }
        Self { queue, legacy, ports, order }
    }

    /// Who was called, in order.
    pub(super) fn called(&self) -> Vec<String> {
        self.order.0.lock().expect("nothing panicked").clone()
    }
}

#[test]
fn labels_stand_for_the_ids_of_the_contract() {
    assert_eq!(id_of("task-1"), "c6d86a12-bd1c-5e5c-b5c7-914f09a2b88a");
}
