//! Names of the events of jobs, orders and order lines.

use super::job::JobState;
use super::words::words;

words! {
    /// What an event of a stream reports.
    pub enum EventName {
        /// The state changed, but the job has not ended
        State = "job.state",
        /// A step began or ended
        Step = "job.step",
        /// Samples were taken
        Progress = "job.progress",
        /// There is a better preview
        Preview = "job.preview",
        /// A line of the log
        Log = "job.log",
        /// Ended with its results
        Completed = "job.completed",
        /// Ended with an error
        Failed = "job.failed",
        /// Ended because it was cancelled
        Cancelled = "job.cancelled",
        /// An order is in another state
        OrderStatus = "order.status",
        /// An order line is in another state
        LineStatus = "line.status",
        /// A workflow run is in another state
        RunStatus = "run.status",
        /// A node of a workflow run is in another state
        NodeStatus = "node.status",
    }
}

words! {
    /// Level of a line of the log.
    pub enum LogLevel {
        /// As expected
        Info = "info",
        /// Odd, but it goes on
        Warning = "warning",
        /// It cannot go on
        Error = "error",
    }
}

impl EventName {
    /// The event that reports that a job is now in `state`.
    #[must_use]
    pub const fn of_state(state: JobState) -> Self {
        match state {
            JobState::Pending | JobState::Queued | JobState::Running => Self::State,
            JobState::Completed => Self::Completed,
            JobState::Failed => Self::Failed,
            JobState::Cancelled => Self::Cancelled,
        }
    }

    /// Whether it reports about a job.
    #[must_use]
    pub const fn is_of_job(self) -> bool {
        !matches!(self, Self::OrderStatus | Self::LineStatus | Self::RunStatus | Self::NodeStatus)
    }

    /// Whether the stream of a job ends with it, unless the job is requeued.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_states_have_terminal_events() {
        for state in JobState::ALL {
            assert_eq!(EventName::of_state(*state).is_terminal(), state.is_terminal(), "{state}");
        }
    }
}
