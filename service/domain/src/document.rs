//! The document of a job: the single source for its progress. It is stored with the job after each step.
//!
//! Times come from the database's clock, taken at the claim, plus what has passed since on the clock of the process
//! that only runs forward; so differences of times are what really passed.

use std::time::Duration;

use uuid::Uuid;

use super::id::{TaskId, WorkerId};
use super::job::JobState;
use super::step::StepName;
use super::time::Timestamp;
use super::value::{Fields, Value};
use super::words::words;

words! {
    /// Status of a step.
    pub enum StepStatus {
        /// Under way
        Running = "running",
        /// Ended well
        Done = "done",
        /// Ended with an error
        Failed = "failed",
        /// Not needed
        Skipped = "skipped",
    }
}

/// One step of one attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct StepRecord {
    /// Which step.
    pub name: StepName,
    /// The task that ran it; `None` for what was done before there was one.
    pub task_id: Option<TaskId>,
    /// Its status.
    pub status: StepStatus,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// How long it took, in seconds.
    pub duration_s: Option<f64>,
    /// What came out.
    pub output: Fields,
    /// What it rendered with, when it is a render step.
    pub render: Option<RenderStep>,
}

/// What a render step adds to its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderStep {
    /// The interface to the device, such as `VULKAN`.
    pub gpu_type: String,
    /// Always `path_tracer`.
    pub engine: String,
    /// Samples per pixel, at most.
    pub samples: u32,
}

/// Which device was used, and why not another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuInfo {
    /// Its name.
    pub device: String,
    /// The interface to it.
    pub backend: String,
    /// `gpu` or `cpu`.
    pub used: String,
    /// Why it is not the one that was asked for.
    pub fallback_reason: Option<String>,
}

/// The result of a finished render, in short.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentResult {
    /// Where the first file is.
    pub output_path: String,
    /// How long rendering took, in seconds.
    pub duration_s: f64,
    /// Always `path_tracer`: there is no other engine to fall back to.
    pub engine_used: String,
    /// The device's name.
    pub gpu: String,
    /// The device, in detail.
    pub gpu_info: GpuInfo,
}

/// How a job is doing.
#[derive(Clone, Debug, PartialEq)]
pub struct JobDocument {
    /// The record that it is of: render, order line, CAD file, design job.
    pub job_id: Uuid,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its state.
    pub state: JobState,
    /// The task that began last, or is to begin first.
    pub task_id: Option<TaskId>,
    /// Which attempt at that task this is, counted from 1; 0 before the first.
    pub attempt: i32,
    /// The worker that works, or worked, on it.
    pub worker_id: Option<WorkerId>,
    /// Process id of an external executor.
    pub pid: Option<u32>,
    /// One record per step and attempt, in order.
    pub steps: Vec<StepRecord>,
    /// What went wrong, a line for each error.
    pub error: Option<String>,
    /// Its result, in short.
    pub result: Option<DocumentResult>,
}

/// A change of a document, as the holder of a task's lease reports it: workers never send documents, so that tasks of
/// one job that run at the same time lose nothing of each other.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The process id of an external executor.
    Pid(u32),
    /// What became of a step.
    Step {
        /// Which one.
        name: StepName,
        /// When.
        at: Timestamp,
        /// What.
        change: StepChange,
    },
    /// What was left.
    Result(DocumentResult),
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq)]
pub enum StepChange {
    /// It began; a render step says what it renders with.
    Begin(Option<RenderStep>),
    /// It ended well, with what came out.
    Finish(Fields),
    /// It failed.
    Fail,
    /// It is not needed, for this reason.
    Skip(String),
}

/// A step was to end that has not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the step '{0}' is not running")]
pub struct StepNotRunning(pub StepName);

/// The owner of a step's record: the task that runs it, or none.
type By = Option<TaskId>;

impl JobDocument {
    /// The version of the format.
    pub const VERSION: u32 = 1;

    /// The document of a record whose job begins in `state`.
    #[must_use]
    pub const fn new(job_id: Uuid, task_id: Option<TaskId>, state: JobState, created_at: Timestamp) -> Self {
        let steps = Vec::new();
        let (worker_id, pid, error, result) = (None, None, None, None);
        Self { job_id, created_at, state, task_id, attempt: 0, worker_id, pid, steps, error, result }
    }

    /// A worker took a task for its `attempt`th attempt.
    pub fn begin_attempt(&mut self, task_id: TaskId, attempt: i32, worker_id: WorkerId) {
        (self.task_id, self.attempt, self.worker_id) = (Some(task_id), attempt, Some(worker_id));
        (self.state, self.pid) = (JobState::Running, None);
    }

    /// Takes over a change that a task reports. A step that ends without having begun gets its record all the same.
    pub fn apply(&mut self, task: TaskId, change: Change) {
        let by = Some(task);
        match change {
            // The document describes the task that began last.
            Change::Pid(pid) if self.task_id == by => self.pid = Some(pid),
            Change::Pid(_) => {}
            Change::Result(result) => self.result = Some(result),
            // A report whose commit was not answered is sent twice.
            Change::Step { name, at, ref change } if self.has(name, by, at, change) => {}
            Change::Step { name, at, change: StepChange::Begin(render) } => {
                self.record(name, by, StepStatus::Running, at).render = render;
            }
            Change::Step { name, at, change: StepChange::Finish(output) } => {
                if self.finish_step(name, by, output, at).is_err() {
                    self.update_step(name, by, StepStatus::Done, None, at);
                }
            }
            Change::Step { name, at, change: StepChange::Skip(reason) } => self.skip_step(name, by, &reason, at),
            // The state and the error of the document are those of the attempt: they are set when it ends.
            Change::Step { name, at, change: StepChange::Fail } => {
                self.update_step(name, by, StepStatus::Failed, None, at);
            }
        }
    }

    /// A step begins: a new record, also when an earlier attempt has one of this name.
    pub fn begin_step(&mut self, name: StepName, by: By, at: Timestamp) {
        self.record(name, by, StepStatus::Running, at);
    }

    /// A running step ended well.
    ///
    /// # Errors
    ///
    /// [`StepNotRunning`] when it had not begun.
    pub fn finish_step(&mut self, name: StepName, by: By, output: Fields, at: Timestamp) -> Result<(), StepNotRunning> {
        let position = self.running_position(name, by).ok_or(StepNotRunning(name))?;
        let step = &mut self.steps[position];
        step.end(StepStatus::Done, at);
        step.output = output;
        Ok(())
    }

    /// A step failed, and with it the job.
    pub fn fail_step(&mut self, name: StepName, by: By, error: &str, at: Timestamp) {
        self.update_step(name, by, StepStatus::Failed, None, at);
        self.state = JobState::Failed;
        self.append_error(error);
    }

    /// A step is not needed.
    pub fn skip_step(&mut self, name: StepName, by: By, reason: &str, at: Timestamp) {
        let step = self.record(name, by, StepStatus::Skipped, at);
        step.completed_at = Some(at);
        step.output = vec![("reason".to_owned(), Value::from(reason))];
    }

    /// Sets the status of a step: of its running record, or of a new one. With a duration the end is the beginning and
    /// the duration, otherwise `at`.
    pub fn update_step(
        &mut self,
        name: StepName,
        by: By,
        status: StepStatus,
        duration: Option<Duration>,
        at: Timestamp,
    ) {
        let step = match self.running_position(name, by) {
            Some(position) => &mut self.steps[position],
            None => self.record(name, by, status, at),
        };
        match status {
            StepStatus::Running => step.status = status,
            StepStatus::Skipped => (step.status, step.completed_at) = (status, Some(at)),
            StepStatus::Done | StepStatus::Failed => {
                step.end(status, duration.map_or(at, |duration| step.started_at + duration));
                step.duration_s = duration.map(|duration| duration.as_secs_f64()).or(step.duration_s);
            }
        }
    }

    /// Sets the state.
    pub fn set_state(&mut self, state: JobState) {
        self.state = state;
    }

    /// Adds an error: a line, below those before it.
    pub fn append_error(&mut self, text: &str) {
        match &mut self.error {
            Some(error) => {
                error.push('\n');
                error.push_str(text);
            }
            None => self.error = Some(text.to_owned()),
        }
    }

    /// Ends what still runs of a task, when its attempt ended otherwise: by a cancel, a drain, or the loss of its
    /// worker.
    pub fn end_running_steps(&mut self, task: TaskId, at: Timestamp) {
        let is_left = |step: &&mut StepRecord| step.status == StepStatus::Running && step.task_id == Some(task);
        for step in self.steps.iter_mut().filter(is_left) {
            step.end(StepStatus::Failed, at);
        }
    }

    fn record(&mut self, name: StepName, task_id: By, status: StepStatus, at: Timestamp) -> &mut StepRecord {
        let (completed_at, duration_s, output, render) = (None, None, Vec::new(), None);
        self.steps.push(StepRecord { name, task_id, status, started_at: at, completed_at, duration_s, output, render });
        self.steps.last_mut().expect("a record was just pushed")
    }

    /// Whether a record of a step has a change already.
    fn has(&self, name: StepName, by: By, at: Timestamp, change: &StepChange) -> bool {
        let mut records = self.steps.iter().filter(|step| step.name == name && step.task_id == by);
        records.any(|step| match change {
            StepChange::Begin(_) => step.started_at == at,
            StepChange::Finish(_) | StepChange::Fail | StepChange::Skip(_) => step.completed_at == Some(at),
        })
    }

    fn running_position(&self, name: StepName, by: By) -> Option<usize> {
        let is_it = |step: &StepRecord| step.name == name && step.task_id == by && step.status == StepStatus::Running;
        self.steps.iter().rposition(is_it)
    }
}

impl StepRecord {
    fn end(&mut self, status: StepStatus, at: Timestamp) {
        self.status = status;
        self.completed_at = Some(at);
        self.duration_s = Some(at.since(self.started_at).as_secs_f64());
    }
}

#[cfg(test)]
mod tests;
