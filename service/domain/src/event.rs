//! Names of the events of a render's stream.

use super::render::RenderState;
use super::words::words;

words! {
    /// What an event of a render's stream reports.
    EventName, "event" {
        /// The state changed, but the render has not ended.
        State = "job.state",
        /// A step began or ended.
        Step = "job.step",
        /// Samples were taken.
        Progress = "job.progress",
        /// There is a better preview.
        Preview = "job.preview",
        /// A line of the log.
        Log = "job.log",
        /// Ended with its pictures.
        Completed = "job.completed",
        /// Ended with an error.
        Failed = "job.failed",
        /// Ended because somebody wanted so.
        Cancelled = "job.cancelled",
    }
}

words! {
    /// How grave a line of the log is.
    LogLevel, "log level" {
        /// As expected.
        Info = "info",
        /// Odd, but it goes on.
        Warning = "warning",
        /// It does not go on.
        Error = "error",
    }
}

impl EventName {
    /// The event that reports that a render is now in `state`.
    #[must_use]
    pub const fn of_state(state: RenderState) -> Self {
        match state {
            RenderState::Pending | RenderState::Queued | RenderState::Running => Self::State,
            RenderState::Completed => Self::Completed,
            RenderState::Failed => Self::Failed,
            RenderState::Cancelled => Self::Cancelled,
        }
    }

    /// Whether the stream ends with it, unless somebody requeues the render.
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
        for state in RenderState::ALL {
            assert_eq!(EventName::of_state(*state).is_terminal(), state.is_terminal(), "{state}");
        }
    }
}
