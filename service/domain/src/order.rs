//! Orders: their states, what may follow them, and how their lines decide when one is over (orders.md §2).

pub mod line;
pub mod round;
mod text;

use crate::words::words;
use line::{IllegalLineState, RenderStatus};

pub use text::{InvalidOrderNumber, InvalidOrderText, Notes, OrderNumber, RejectionReason};

words! {
    /// State of an order.
    pub enum OrderStatus {
        /// It can be edited
        Draft = "draft",
        /// It was handed over, and nothing of it was dispatched since
        Submitted = "submitted",
        /// Lines of it were dispatched since
        Processing = "processing",
        /// All of its lines have ended
        Completed = "completed",
        /// It was refused, for a reason
        Rejected = "rejected",
    }
}

words! {
    /// What happens to an order.
    pub enum OrderChange {
        /// It or its lines are edited
        Edit = "edit",
        /// It is handed over
        Submit = "submit",
        /// A line of it is dispatched
        Dispatch = "dispatch",
        /// All of its lines have ended, and one of them has completed or failed
        Finish = "finish",
        /// All of its lines have ended, each because it was cancelled
        Return = "return",
        /// It is refused
        Reject = "reject",
        /// It is opened again after that
        Resubmit = "resubmit",
        /// It is deleted
        Delete = "delete",
        /// What renders for it is cancelled
        CancelRenders = "cancel the renders of",
    }
}

/// A change that is impossible in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{change}' is not possible for an order that is {from}")]
pub struct IllegalOrderState {
    /// The state it is in.
    pub from: OrderStatus,
    /// The change.
    pub change: OrderChange,
}

impl OrderStatus {
    /// The state after `change`. Whether somebody may make it, whether there are lines, and whether one of them is
    /// rendered, is asked elsewhere. A submitted order that finishes has passed through `processing`.
    ///
    /// # Errors
    ///
    /// [`IllegalOrderState`] when the change is impossible in this state.
    pub const fn next(self, change: OrderChange) -> Result<Self, IllegalOrderState> {
        use OrderChange as C;
        Ok(match (self, change) {
            (Self::Draft, C::Edit | C::Delete) => Self::Draft,
            (Self::Draft, C::Submit) => Self::Submitted,
            (Self::Submitted, C::Dispatch) => Self::Processing,
            (Self::Draft | Self::Processing | Self::Completed, C::Dispatch) => self,
            (Self::Submitted | Self::Processing, C::Finish) => Self::Completed,
            (Self::Processing, C::Return) => Self::Submitted,
            // Lines are rendered of drafts and again of completed orders, and those of rejected ones stop later.
            (Self::Draft | Self::Completed | Self::Rejected, C::Finish) => self,
            (Self::Draft | Self::Submitted | Self::Completed | Self::Rejected, C::Return) => self,
            (Self::Submitted | Self::Processing, C::Reject) => Self::Rejected,
            (Self::Rejected, C::Resubmit) => Self::Draft,
            (_, C::CancelRenders) => self,
            _ => return Err(IllegalOrderState { from: self, change }),
        })
    }
}

/// Why something is not done with an order. Nothing was changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderRefusal {
    /// Its state forbids it.
    #[error(transparent)]
    State(#[from] IllegalOrderState),
    /// The state of a line forbids it.
    #[error(transparent)]
    Line(#[from] IllegalLineState),
    /// It has no lines.
    #[error("the order has no lines")]
    Empty,
    /// It would have too many lines.
    #[error("an order of this tenant has at most {max} lines")]
    TooLarge {
        /// As many as are allowed.
        max: usize,
    },
    /// Another order of the tenant has the number.
    #[error("another order has the number {0}")]
    NumberTaken(OrderNumber),
    /// A line names a product that there is none of.
    #[error("there is no such product")]
    NoProduct {
        /// The line, from 0.
        line: usize,
    },
    /// A line names an output type that there is none of.
    #[error("there is no such output type")]
    NoOutputType {
        /// The line, from 0.
        line: usize,
    },
}

/// How many lines of an order are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineCounts {
    /// Wait.
    pub pending: u32,
    /// Are worked on.
    pub processing: u32,
    /// Have their files.
    pub completed: u32,
    /// Have ended with an error.
    pub failed: u32,
    /// Were cancelled.
    pub cancelled: u32,
}

impl LineCounts {
    /// All lines.
    #[must_use]
    pub const fn total(self) -> u32 {
        self.pending + self.processing + self.completed + self.failed + self.cancelled
    }

    /// What the end of a line means for its order: nothing while another line has not ended. An order without lines
    /// never ends.
    #[must_use]
    pub const fn end(self) -> Option<OrderChange> {
        match self {
            Self { pending: 0, processing: 0, completed: 0, failed: 0, cancelled: 0 } => None,
            Self { pending: 0, processing: 0, completed: 0, failed: 0, .. } => Some(OrderChange::Return),
            Self { pending: 0, processing: 0, .. } => Some(OrderChange::Finish),
            Self { .. } => None,
        }
    }
}

impl LineCounts {
    /// Adds lines in a state.
    pub fn add(&mut self, status: RenderStatus, n: u32) {
        *match status {
            RenderStatus::Pending => &mut self.pending,
            RenderStatus::Processing => &mut self.processing,
            RenderStatus::Completed => &mut self.completed,
            RenderStatus::Failed => &mut self.failed,
            RenderStatus::Cancelled => &mut self.cancelled,
        } += n;
    }
}

impl FromIterator<RenderStatus> for LineCounts {
    fn from_iter<I: IntoIterator<Item = RenderStatus>>(lines: I) -> Self {
        let mut counts = Self::default();
        lines.into_iter().for_each(|status| counts.add(status, 1));
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::line::RenderStatus as L;
    use super::{OrderChange as C, OrderStatus as S, *};

    /// The table of orders.md §2, line by line; `None` where it has 409. "All lines terminal" is two changes here: that
    /// one of them has completed or failed, and that all of them were cancelled.
    #[test]
    fn o30_orders_follow_the_table() {
        let changes = [
            C::Edit,
            C::Submit,
            C::Dispatch,
            C::Finish,
            C::Return,
            C::Reject,
            C::Resubmit,
            C::Delete,
            C::CancelRenders,
        ];
        assert_eq!(changes, C::ALL, "the table is complete");
        let row = |from: S| -> [Option<S>; 9] {
            let [draft, submitted, processing] = [S::Draft, S::Submitted, S::Processing].map(Some);
            let [completed, rejected] = [S::Completed, S::Rejected].map(Some);
            match from {
                S::Draft => [draft, submitted, draft, draft, draft, None, None, draft, draft],
                S::Submitted => [None, None, processing, completed, submitted, rejected, None, None, submitted],
                S::Processing => [None, None, processing, completed, submitted, rejected, None, None, processing],
                S::Completed => [None, None, completed, completed, completed, None, None, None, completed],
                S::Rejected => [None, None, None, rejected, rejected, None, draft, None, rejected],
            }
        };
        for from in S::ALL {
            for (change, expected) in changes.into_iter().zip(row(*from)) {
                let illegal = IllegalOrderState { from: *from, change };
                assert_eq!(from.next(change), expected.ok_or(illegal), "{from} {change}");
            }
        }
    }

    #[test]
    fn o15_o40_the_last_line_decides() {
        let end = |lines: &[L]| lines.iter().copied().collect::<LineCounts>().end();
        assert_eq!(end(&[]), None);
        assert_eq!(end(&[L::Completed, L::Pending]), None);
        assert_eq!(end(&[L::Cancelled, L::Processing]), None);
        assert_eq!(end(&[L::Completed, L::Failed, L::Cancelled]), Some(C::Finish));
        assert_eq!(end(&[L::Failed, L::Cancelled]), Some(C::Finish), "failed lines do not keep it open");
        assert_eq!(end(&[L::Cancelled, L::Cancelled]), Some(C::Return));
        let counts: LineCounts = L::ALL.iter().copied().chain([L::Failed]).collect();
        assert_eq!(counts, LineCounts { pending: 1, processing: 1, completed: 1, failed: 2, cancelled: 1 });
        assert_eq!(counts.total(), 6);
    }
}
