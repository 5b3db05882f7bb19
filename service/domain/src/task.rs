//! Tasks: their states, queues, leases, and when they are tried again.

use std::time::Duration;

use super::id::TaskId;
use super::render::{RenderEvent, RenderState, StateError};
use super::words::words;

words! {
    /// Where a task is on its way.
    TaskState, "task state" {
        /// Waits for something before it, and cannot be claimed.
        Waiting = "waiting",
        /// Can be claimed, from the time on that it names.
        Queued = "queued",
        /// A worker holds its lease.
        Running = "running",
        /// Done.
        Completed = "completed",
        /// Given up.
        Failed = "failed",
        /// Ended because somebody wanted so.
        Cancelled = "cancelled",
    }
}

words! {
    /// Which workers a task is for.
    QueueName, "queue" {
        /// Pictures.
        Render = "render" | "thumbnail_rendering",
        /// Conversions of CAD files.
        Convert = "convert" | "step_processing",
        /// Periodic checks.
        Housekeeping = "housekeeping",
    }
}

words! {
    /// Whose fault an error is: what decides whether trying again can help.
    FaultKind, "kind of fault" {
        /// The request or its files: fails at once, as it would each time.
        Input = "input",
        /// A worker, device or storage that was lost: tried again.
        Infrastructure = "infrastructure",
    }
}

impl From<TaskState> for RenderState {
    fn from(state: TaskState) -> Self {
        match state {
            TaskState::Waiting => Self::Pending,
            TaskState::Queued => Self::Queued,
            TaskState::Running => Self::Running,
            TaskState::Completed => Self::Completed,
            TaskState::Failed => Self::Failed,
            TaskState::Cancelled => Self::Cancelled,
        }
    }
}

impl From<RenderState> for TaskState {
    fn from(state: RenderState) -> Self {
        match state {
            RenderState::Pending => Self::Waiting,
            RenderState::Queued => Self::Queued,
            RenderState::Running => Self::Running,
            RenderState::Completed => Self::Completed,
            RenderState::Failed => Self::Failed,
            RenderState::Cancelled => Self::Cancelled,
        }
    }
}

impl TaskState {
    /// The state after `event`: a task goes the way of its render.
    ///
    /// # Errors
    ///
    /// [`StateError`] when the event is impossible in this state.
    pub fn next(self, event: RenderEvent) -> Result<Self, StateError> {
        RenderState::from(self).next(event).map(Self::from)
    }
}

/// The right to report about a task: who has another number has lost it. Numbers only grow, over all attempts and requeues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The task.
    pub task: TaskId,
    /// How many times the task had been claimed when this lease was given.
    pub number: i64,
}

/// How long a lease lasts unless it is renewed.
pub const LEASE: Duration = Duration::from_secs(30);

/// How often a worker renews its lease.
pub const LEASE_RENEWAL: Duration = Duration::from_secs(10);

/// How often, and after which waits, a task is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all.
    pub max_attempts: i32,
    /// The wait after the first, second … failed attempt; the last one holds for all that follow.
    pub waits: [Duration; 2],
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { max_attempts: 3, waits: [Duration::from_secs(5), Duration::from_secs(30)] }
    }
}

impl RetryPolicy {
    /// How long to wait before the attempt after `attempt` (counted from 1); `None` when there is none.
    #[must_use]
    pub fn wait_after(&self, attempt: i32, fault: FaultKind) -> Option<Duration> {
        let tries = fault == FaultKind::Infrastructure && attempt < self.max_attempts;
        let waits = usize::try_from(attempt - 1).unwrap_or(0).min(self.waits.len() - 1);
        tries.then(|| self.waits[waits])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_queue_names_are_read() {
        assert_eq!("thumbnail_rendering".parse(), Ok(QueueName::Render), "C38");
        assert_eq!("step_processing".parse(), Ok(QueueName::Convert));
        assert_eq!("ai_validation".parse::<QueueName>().map_err(|error| error.word), Err("ai_validation".to_owned()));
    }

    #[test]
    fn infrastructure_faults_get_three_attempts() {
        let policy = RetryPolicy::default();
        let waits = |fault| [1, 2, 3, 4].map(|attempt| policy.wait_after(attempt, fault).map(|wait| wait.as_secs()));
        assert_eq!(waits(FaultKind::Infrastructure), [Some(5), Some(30), None, None]);
        assert_eq!(waits(FaultKind::Input), [None; 4], "R72");
    }

    #[test]
    fn states_of_tasks_and_renders_correspond() {
        for state in TaskState::ALL {
            assert_eq!(TaskState::from(RenderState::from(*state)), *state);
        }
        assert_eq!(TaskState::Waiting.next(RenderEvent::Enqueue), Ok(TaskState::Queued));
        assert!(TaskState::Completed.next(RenderEvent::Requeue).is_err(), "R73: only what failed");
    }
}
