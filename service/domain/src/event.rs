//! Names of the events of streams: of jobs, orders and order lines, of what people are told.

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
        /// A material review has other parts, other proposals, or another state
        ReviewUpdated = "review.updated",
        /// Something was said of a suggested fix
        FixUpdated = "fix.updated",
        /// A design job was made
        DesignCreated = "render.job.created",
        /// A design job composes its texture
        DesignCompositing = "render.job.compositing",
        /// A design job renders or stores its pictures
        DesignRendering = "render.job.rendering",
        /// A design job has its pictures
        DesignCompleted = "render.job.completed",
        /// A design job has failed
        DesignFailed = "render.job.failed",
        /// A design job was cancelled
        DesignCancelled = "render.job.cancelled",
        /// Something was done
        ActivityCreated = "activity.created",
        /// Somebody is told something
        NotificationCreated = "notification.created",
        /// Somebody has read what they were told
        NotificationRead = "notification.read",
        /// How much there is to read is another number
        UnreadCount = "unread_count",
        /// Trouble was found
        AlertOpened = "alert.opened",
        /// Trouble was found again, or somebody has seen that it is there
        AlertUpdated = "alert.updated",
        /// Trouble is over
        AlertResolved = "alert.resolved",
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
        match self {
            Self::State
            | Self::Step
            | Self::Progress
            | Self::Preview
            | Self::Log
            | Self::Completed
            | Self::Failed
            | Self::Cancelled => true,
            Self::OrderStatus | Self::LineStatus | Self::RunStatus | Self::NodeStatus => false,
            Self::ReviewUpdated | Self::FixUpdated => false,
            Self::DesignCreated | Self::DesignCompositing | Self::DesignRendering => false,
            Self::DesignCompleted | Self::DesignFailed | Self::DesignCancelled => false,
            Self::ActivityCreated | Self::NotificationCreated | Self::NotificationRead | Self::UnreadCount => false,
            Self::AlertOpened | Self::AlertUpdated | Self::AlertResolved => false,
        }
    }

    /// Whether it reports about an alert.
    #[must_use]
    pub const fn is_of_alert(self) -> bool {
        matches!(self, Self::AlertOpened | Self::AlertUpdated | Self::AlertResolved)
    }

    /// Whether the stream of a job ends with it, unless the job is requeued or tried again.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Completed
                | Self::Failed
                | Self::Cancelled
                | Self::DesignCompleted
                | Self::DesignFailed
                | Self::DesignCancelled
        )
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
