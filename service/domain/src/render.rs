//! States of a render, and what may happen in each.

use super::step::StepName;
use super::words::words;

words! {
    /// Where a render is on its way. The document of a render has the same states.
    RenderState, "render state" {
        /// Not yet handed to the queue.
        Pending = "pending",
        /// Waits for a worker.
        Queued = "queued",
        /// A worker has it.
        Running = "running",
        /// Ended with its pictures.
        Completed = "completed",
        /// Ended with an error.
        Failed = "failed",
        /// Ended because somebody wanted so; it has no pictures.
        Cancelled = "cancelled",
    }
}

words! {
    /// What happens to a render.
    RenderEvent, "render event" {
        /// It is handed to the queue.
        Enqueue = "enqueue",
        /// A worker takes it.
        Claim = "claim",
        /// Its worker delivered the pictures.
        Finish = "finish",
        /// It cannot be done, or was tried often enough.
        Fail = "fail",
        /// Somebody wants it to end. While it runs this is only a mark; its worker then stops.
        Cancel = "cancel",
        /// Its worker has stopped because of the mark.
        Stop = "stop",
        /// Its worker is lost, gave it back, or shall try again later.
        Release = "release",
        /// Somebody puts it back after it failed, with a fresh set of attempts.
        Requeue = "requeue",
    }
}

words! {
    /// What kind of pictures a render makes.
    RenderKind, "kind of render" {
        /// One picture.
        Still = "still",
        /// A film of the turning product.
        Turntable = "turntable",
        /// Pictures from several sides.
        Views = "views",
    }
}

impl RenderKind {
    /// The step that makes its pictures.
    #[must_use]
    pub const fn step(self) -> StepName {
        match self {
            Self::Still => StepName::RenderStill,
            Self::Turntable => StepName::RenderTurntable,
            Self::Views => StepName::RenderViews,
        }
    }
}

/// Something happened that must not happen in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{event}' is not possible for a render that is {from}")]
pub struct StateError {
    /// The state it is in.
    pub from: RenderState,
    /// What was to happen.
    pub event: RenderEvent,
}

impl RenderState {
    /// Whether nothing follows but a requeue.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// The state after `event`.
    ///
    /// # Errors
    ///
    /// [`StateError`] when the event is impossible in this state.
    pub const fn next(self, event: RenderEvent) -> Result<Self, StateError> {
        use RenderEvent as E;
        Ok(match (self, event) {
            (Self::Pending, E::Enqueue) | (Self::Running, E::Release) | (Self::Failed, E::Requeue) => Self::Queued,
            (Self::Queued, E::Claim) => Self::Running,
            (Self::Running, E::Finish) => Self::Completed,
            (Self::Pending | Self::Queued | Self::Running, E::Fail) => Self::Failed,
            (Self::Pending | Self::Queued, E::Cancel) | (Self::Running, E::Stop) => Self::Cancelled,
            (Self::Running | Self::Completed | Self::Failed | Self::Cancelled, E::Cancel) => self,
            _ => return Err(StateError { from: self, event }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{RenderEvent as E, RenderState as S};

    /// The table of render-jobs.md §1, line by line; a dash where nothing stands.
    #[test]
    fn states_follow_the_table() {
        let events = [E::Enqueue, E::Claim, E::Finish, E::Fail, E::Cancel, E::Stop, E::Release, E::Requeue];
        let table = [
            (S::Pending, [Some(S::Queued), None, None, Some(S::Failed), Some(S::Cancelled), None, None, None]),
            (S::Queued, [None, Some(S::Running), None, Some(S::Failed), Some(S::Cancelled), None, None, None]),
            (
                S::Running,
                [
                    None,
                    None,
                    Some(S::Completed),
                    Some(S::Failed),
                    Some(S::Running),
                    Some(S::Cancelled),
                    Some(S::Queued),
                    None,
                ],
            ),
            (S::Completed, [None, None, None, None, Some(S::Completed), None, None, None]),
            (S::Failed, [None, None, None, None, Some(S::Failed), None, None, Some(S::Queued)]),
            (S::Cancelled, [None, None, None, None, Some(S::Cancelled), None, None, None]),
        ];
        assert_eq!((table.len(), events.len()), (S::ALL.len(), E::ALL.len()), "the table is complete");
        for (from, line) in table {
            for (event, to) in events.into_iter().zip(line) {
                assert_eq!(from.next(event).ok(), to, "{from} {event}");
            }
        }
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for state in S::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        let error = "paused".parse::<S>().expect_err("R33: states only from the list");
        assert_eq!(error.to_string(), "no render state 'paused'");
    }
}
