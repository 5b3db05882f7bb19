//! The document of a render: the single truth for "how is this render doing". It is stored with the render after each step.
//!
//! Times come from the database's clock, taken at the claim, plus what has passed since on the clock of the process that only
//! runs forward; so differences of times are what really passed.

use std::time::Duration;

use super::id::{RenderId, TaskId, WorkerId};
use super::render::RenderState;
use super::step::StepName;
use super::time::Timestamp;
use super::value::{Fields, Value};
use super::words::words;

words! {
    /// How a step stands.
    StepStatus, "step status" {
        /// Under way.
        Running = "running",
        /// Ended well.
        Done = "done",
        /// Ended with an error.
        Failed = "failed",
        /// Not needed.
        Skipped = "skipped",
    }
}

/// One step of one attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct StepRecord {
    /// Which step.
    pub name: StepName,
    /// How it stands.
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

/// What a finished render left, in short.
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

/// How a render is doing.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderDocument {
    /// The render.
    pub job_id: RenderId,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where it is on its way.
    pub state: RenderState,
    /// The task that does it.
    pub task_id: Option<TaskId>,
    /// Which attempt this is, counted from 1; 0 before the first.
    pub attempt: i32,
    /// Who works, or worked, on it.
    pub worker_id: Option<WorkerId>,
    /// Process id of an external executor.
    pub pid: Option<u32>,
    /// One record per step and attempt, in order.
    pub steps: Vec<StepRecord>,
    /// What went wrong, a line for each error.
    pub error: Option<String>,
    /// What it left.
    pub result: Option<DocumentResult>,
}

/// A step was to end, or to be described, that has not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the step '{0}' is not running")]
pub struct StepNotRunning(pub StepName);

impl RenderDocument {
    /// The version of the format.
    pub const VERSION: u32 = 1;

    /// The document of a render that begins its way in `state`.
    #[must_use]
    pub const fn new(job_id: RenderId, task_id: Option<TaskId>, state: RenderState, created_at: Timestamp) -> Self {
        let steps = Vec::new();
        let (worker_id, pid, error, result) = (None, None, None, None);
        Self { job_id, created_at, state, task_id, attempt: 0, worker_id, pid, steps, error, result }
    }

    /// A worker took the task for its `attempt`th attempt.
    pub fn begin_attempt(&mut self, task_id: TaskId, attempt: i32, worker_id: WorkerId) {
        (self.task_id, self.attempt, self.worker_id) = (Some(task_id), attempt, Some(worker_id));
        (self.state, self.pid) = (RenderState::Running, None);
    }

    /// A step begins: a new record, also when an earlier attempt has one of this name.
    pub fn begin_step(&mut self, name: StepName, at: Timestamp) {
        self.record(name, StepStatus::Running, at);
    }

    /// A running step ended well.
    ///
    /// # Errors
    ///
    /// [`StepNotRunning`] when it had not begun.
    pub fn finish_step(&mut self, name: StepName, output: Fields, at: Timestamp) -> Result<(), StepNotRunning> {
        let step = self.running(name).ok_or(StepNotRunning(name))?;
        step.end(StepStatus::Done, at);
        step.output = output;
        Ok(())
    }

    /// A step failed, and with it the render.
    pub fn fail_step(&mut self, name: StepName, error: &str, at: Timestamp) {
        match self.running(name) {
            Some(step) => step.end(StepStatus::Failed, at),
            None => self.record(name, StepStatus::Failed, at).end(StepStatus::Failed, at),
        }
        self.state = RenderState::Failed;
        self.append_error(error);
    }

    /// A step is not needed.
    pub fn skip_step(&mut self, name: StepName, reason: &str, at: Timestamp) {
        let step = self.record(name, StepStatus::Skipped, at);
        step.completed_at = Some(at);
        step.output = vec![("reason".to_owned(), Value::from(reason))];
    }

    /// Sets the status of a step: of its running record, or of a new one. With a duration the end is the beginning and the
    /// duration, otherwise `at`.
    pub fn update_step(&mut self, name: StepName, status: StepStatus, duration: Option<Duration>, at: Timestamp) {
        let step = match self.running_position(name) {
            Some(position) => &mut self.steps[position],
            None => self.record(name, status, at),
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

    /// Says what a running render step renders with.
    ///
    /// # Errors
    ///
    /// [`StepNotRunning`] when it had not begun.
    pub fn describe_step(&mut self, name: StepName, render: RenderStep) -> Result<(), StepNotRunning> {
        self.running(name).ok_or(StepNotRunning(name))?.render = Some(render);
        Ok(())
    }

    /// Sets the state.
    pub fn set_state(&mut self, state: RenderState) {
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

    /// Ends what still runs, when the attempt ended otherwise: by a cancel, a drain, or the loss of its worker.
    pub fn end_running_steps(&mut self, at: Timestamp) {
        for step in self.steps.iter_mut().filter(|step| step.status == StepStatus::Running) {
            step.end(StepStatus::Failed, at);
        }
    }

    fn record(&mut self, name: StepName, status: StepStatus, at: Timestamp) -> &mut StepRecord {
        let (completed_at, duration_s, output, render) = (None, None, Vec::new(), None);
        self.steps.push(StepRecord { name, status, started_at: at, completed_at, duration_s, output, render });
        self.steps.last_mut().expect("a record was just pushed")
    }

    fn running_position(&self, name: StepName) -> Option<usize> {
        self.steps.iter().rposition(|step| step.name == name && step.status == StepStatus::Running)
    }

    fn running(&mut self, name: StepName) -> Option<&mut StepRecord> {
        self.running_position(name).map(|position| &mut self.steps[position])
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
