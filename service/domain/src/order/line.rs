//! Lines of orders: their states, and what may follow them (orders.md §2).

use crate::words::words;

words! {
    /// State of an order line, as clients see it.
    pub enum RenderStatus {
        /// It waits to be dispatched, or to be begun
        Pending = "pending",
        /// It is worked on
        Processing = "processing",
        /// It has its files
        Completed = "completed",
        /// It has ended with an error
        Failed = "failed",
        /// It was cancelled
        Cancelled = "cancelled",
    }
}

words! {
    /// State of an order line together with its job: a line has a live job, one that has not ended, or none.
    pub enum LineState {
        /// It waits to be dispatched
        Pending = "pending",
        /// It was dispatched, and nothing of its job is begun
        Dispatched = "dispatched",
        /// Its job is worked on
        Processing = "processing",
        /// Its job has completed
        Completed = "completed",
        /// Its job, or its dispatch, has failed
        Failed = "failed",
        /// It was cancelled
        Cancelled = "cancelled",
    }
}

words! {
    /// What happens to an order line. Of jobs, only one that publishes a result moves a line.
    pub enum LineEvent {
        /// It gets a job
        Dispatch = "dispatch",
        /// It could not get one
        DispatchFails = "dispatch fails",
        /// The first task of its job is begun
        Begin = "begin",
        /// Its work is given back before anything of it has ended
        GiveBack = "give back",
        /// Its job has completed
        JobCompletes = "job completes",
        /// Its job has failed
        JobFails = "job fails",
        /// Its job was cancelled
        JobCancelled = "job cancelled",
        /// It, or its order, is cancelled or rejected
        Cancel = "cancel",
        /// A failed task of its job is put back into the queue
        Requeue = "requeue",
        /// Its order is opened again after a rejection
        Resubmit = "resubmit",
        /// It is removed from its draft
        Remove = "remove",
    }
}

/// An event that is impossible in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{event}' is not possible for a line that is {from}")]
pub struct IllegalLineState {
    /// The state it is in.
    pub from: LineState,
    /// The event.
    pub event: LineEvent,
}

impl RenderStatus {
    /// Whether it has ended.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

impl LineState {
    /// The state of a line with this status, and with or without a live job; `None` where there is no such line.
    #[must_use]
    pub const fn of(status: RenderStatus, has_live_job: bool) -> Option<Self> {
        Some(match (status, has_live_job) {
            (RenderStatus::Pending, false) => Self::Pending,
            (RenderStatus::Pending, true) => Self::Dispatched,
            (RenderStatus::Processing, true) => Self::Processing,
            (RenderStatus::Completed, false) => Self::Completed,
            (RenderStatus::Failed, false) => Self::Failed,
            (RenderStatus::Cancelled, false) => Self::Cancelled,
            _ => return None,
        })
    }

    /// What clients see of it.
    #[must_use]
    pub const fn render_status(self) -> RenderStatus {
        match self {
            Self::Pending | Self::Dispatched => RenderStatus::Pending,
            Self::Processing => RenderStatus::Processing,
            Self::Completed => RenderStatus::Completed,
            Self::Failed => RenderStatus::Failed,
            Self::Cancelled => RenderStatus::Cancelled,
        }
    }

    /// Whether its job has not ended.
    #[must_use]
    pub const fn has_live_job(self) -> bool {
        matches!(self, Self::Dispatched | Self::Processing)
    }

    /// The state after `event`. A line whose job is live is not cancelled itself: its job is, and the end of that job
    /// cancels it. Whether its order allows the event is asked elsewhere.
    ///
    /// # Errors
    ///
    /// [`IllegalLineState`] when the event is impossible in this state.
    pub const fn next(self, event: LineEvent) -> Result<Self, IllegalLineState> {
        use LineEvent as E;
        Ok(match (self, event) {
            (Self::Pending | Self::Completed | Self::Failed | Self::Cancelled, E::Dispatch) => Self::Dispatched,
            (Self::Pending | Self::Completed | Self::Failed | Self::Cancelled, E::DispatchFails) => Self::Failed,
            (Self::Pending | Self::Completed | Self::Failed | Self::Cancelled, E::Remove) => self,
            (Self::Dispatched, E::Begin) => Self::Processing,
            (Self::Processing, E::GiveBack) => Self::Dispatched,
            (Self::Processing, E::JobCompletes) => Self::Completed,
            (Self::Dispatched | Self::Processing, E::JobFails) => Self::Failed,
            (Self::Dispatched | Self::Processing, E::JobCancelled) => Self::Cancelled,
            (Self::Pending, E::Cancel) => Self::Cancelled,
            (_, E::Cancel) => self,
            (Self::Failed, E::Requeue) => Self::Dispatched,
            (Self::Pending | Self::Failed | Self::Cancelled, E::Resubmit) => Self::Pending,
            (Self::Completed, E::Resubmit) => Self::Completed,
            _ => return Err(IllegalLineState { from: self, event }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{LineEvent as E, LineState as S, *};

    /// The table of orders.md §2, line by line; `None` where it has 409 or a dash.
    #[test]
    fn o64_lines_follow_the_table() {
        let events = [
            E::Dispatch,
            E::DispatchFails,
            E::Begin,
            E::GiveBack,
            E::JobCompletes,
            E::JobFails,
            E::JobCancelled,
            E::Cancel,
            E::Requeue,
            E::Resubmit,
            E::Remove,
        ];
        assert_eq!(events, E::ALL, "the table is complete");
        let row = |from: S| -> [Option<S>; 11] {
            let own = Some(from);
            let [pending, live, processing] = [S::Pending, S::Dispatched, S::Processing].map(Some);
            let [completed, failed, cancelled] = [S::Completed, S::Failed, S::Cancelled].map(Some);
            match from {
                S::Pending => [live, failed, None, None, None, None, None, cancelled, None, pending, own],
                S::Dispatched => [None, None, processing, None, None, failed, cancelled, own, None, None, None],
                S::Processing => [None, None, None, live, completed, failed, cancelled, own, None, None, None],
                S::Completed => [live, failed, None, None, None, None, None, own, None, completed, own],
                S::Failed => [live, failed, None, None, None, None, None, own, live, pending, own],
                S::Cancelled => [live, failed, None, None, None, None, None, own, None, pending, own],
            }
        };
        for from in S::ALL {
            for (event, expected) in events.into_iter().zip(row(*from)) {
                let illegal = IllegalLineState { from: *from, event };
                assert_eq!(from.next(event), expected.ok_or(illegal), "{from} {event}");
            }
        }
    }

    #[test]
    fn o64_a_line_has_a_live_job_exactly_while_it_is_dispatched_or_processing() {
        for state in S::ALL {
            assert_eq!(S::of(state.render_status(), state.has_live_job()), Some(*state));
            assert!(!(state.has_live_job() && state.render_status().is_terminal()), "{state}");
        }
        for status in RenderStatus::ALL {
            let n = [true, false].into_iter().filter_map(|live| S::of(*status, live)).count();
            assert_eq!(n, if *status == RenderStatus::Pending { 2 } else { 1 }, "{status}");
        }
    }
}
