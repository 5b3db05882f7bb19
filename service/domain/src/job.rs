//! Jobs: what users wait for. A job has one state, one document, one stream and one way to cancel it; the work is done
//! by its tasks, and its state follows from theirs (render-jobs.md §7).

use uuid::Uuid;

use super::id::{JobId, RenderId};
use super::stream::{StreamId, StreamKind};
use super::task::TaskState;
use super::words::words;

words! {
    /// What a job was made for.
    pub enum JobKind {
        /// A direct render
        Render = "render",
        /// An order line
        Line = "line",
        /// A shadow run beside a line
        Shadow = "shadow",
        /// Work on a CAD file
        Cad = "cad",
        /// A design on a product
        Design = "design",
    }
}

words! {
    /// State of a job. Its document has the same states.
    pub enum JobState {
        /// None of its tasks can be claimed yet
        Pending = "pending",
        /// Waits for a worker
        Queued = "queued",
        /// A worker has some of it, or has done some of it
        Running = "running",
        /// Ended with its results
        Completed = "completed",
        /// Ended with an error
        Failed = "failed",
        /// Ended because it was cancelled
        Cancelled = "cancelled",
    }
}

impl JobKind {
    /// The kind of stream of such a job. Work on a CAD file has none, and the stream of a shadow run tells of the run
    /// and its nodes alone.
    #[must_use]
    pub const fn stream(self) -> Option<StreamKind> {
        match self {
            Self::Render => Some(StreamKind::Render),
            Self::Line => Some(StreamKind::Line),
            Self::Design => Some(StreamKind::Design),
            Self::Cad | Self::Shadow => None,
        }
    }
}

/// A job, with the parts of it that never change: enough to find the records above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct JobRef {
    /// The job.
    pub id: JobId,
    /// What a job was made for.
    pub kind: JobKind,
    /// That thing: render, order line, run, CAD file, design job.
    pub record: Uuid,
}

impl JobRef {
    /// The job of a direct render.
    #[must_use]
    pub fn of_render(render: RenderId) -> Self {
        Self { id: render.into(), kind: JobKind::Render, record: render.uuid() }
    }

    /// The stream that its events go to.
    #[must_use]
    pub fn stream(self) -> Option<StreamId> {
        self.kind.stream().map(|kind| StreamId::new(kind, self.record))
    }
}

/// The part of a task that the state of its job depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskFacts {
    /// State of the task.
    pub state: TaskState,
    /// Whether it publishes a result: where any task of a job does, those decide whether the job completes.
    pub publishes: bool,
}

impl JobState {
    /// Whether nothing follows but a requeue.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// The state of a job with these tasks, cancelled or not. A job without a task has its result already.
    #[must_use]
    pub fn of_tasks(tasks: &[TaskFacts], is_cancelled: bool) -> Self {
        let any = |state| tasks.iter().any(|task| task.state == state);
        let all = |state| tasks.iter().all(|task| task.state == state);
        let n_ended = tasks.iter().filter(|task| task.state.is_terminal()).count();
        match () {
            () if n_ended == tasks.len() && is_cancelled => Self::Cancelled,
            () if n_ended == tasks.len() && Self::is_done(tasks) => Self::Completed,
            () if n_ended == tasks.len() => Self::Failed,
            () if any(TaskState::Running) || n_ended > 0 => Self::Running,
            () if all(TaskState::Waiting) => Self::Pending,
            () => Self::Queued,
        }
    }

    fn is_done(tasks: &[TaskFacts]) -> bool {
        let publishes = tasks.iter().any(|task| task.publishes);
        let decisive = tasks.iter().filter(|task| task.publishes || !publishes);
        decisive.into_iter().all(|task| task.state == TaskState::Completed)
    }
}

#[cfg(test)]
mod tests {
    use super::JobState as S;
    use super::*;

    fn of(states: &[TaskState], is_cancelled: bool) -> S {
        let tasks: Vec<_> = states.iter().map(|&state| TaskFacts { state, publishes: false }).collect();
        S::of_tasks(&tasks, is_cancelled)
    }

    /// The table of render-jobs.md §7, line by line.
    #[test]
    fn r94_a_job_is_where_its_tasks_are() {
        use TaskState as T;
        assert_eq!(of(&[T::Waiting, T::Waiting], false), S::Pending);
        assert_eq!(of(&[T::Waiting, T::Queued], false), S::Queued);
        for ended in [T::Completed, T::Failed, T::Cancelled] {
            for left in [T::Waiting, T::Queued, T::Running] {
                assert_eq!(of(&[ended, left], false), S::Running, "{ended} and {left}");
                assert_eq!(of(&[left, ended], true), S::Running, "it is cancelled when the last has stopped");
            }
        }
        assert_eq!(of(&[T::Running, T::Waiting], false), S::Running);
        assert_eq!(of(&[T::Completed, T::Completed], false), S::Completed);
        assert_eq!(of(&[T::Completed, T::Failed], false), S::Failed);
        assert_eq!(of(&[T::Completed, T::Cancelled], false), S::Failed, "nobody cancelled the job");
        assert_eq!(of(&[T::Completed, T::Cancelled], true), S::Cancelled);
    }

    #[test]
    fn where_tasks_publish_those_decide() {
        let task = |state, publishes| TaskFacts { state, publishes };
        let (completed, failed) = (TaskState::Completed, TaskState::Failed);
        assert_eq!(S::of_tasks(&[task(completed, true), task(failed, false)], false), S::Completed);
        assert_eq!(S::of_tasks(&[task(failed, true), task(completed, false)], false), S::Failed);
        assert_eq!(S::of_tasks(&[task(completed, true), task(failed, true)], false), S::Failed);
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for state in S::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        let error = "paused".parse::<S>().expect_err("R33: states only from the list");
        assert_eq!(error.to_string(), "`paused` is not one of pending, queued, running, completed, failed, cancelled");
    }
}
