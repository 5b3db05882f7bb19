//! States of runs and of their nodes, and what may follow them (workflow.md §5).

use crate::words::words;

words! {
    /// State of a run.
    pub enum RunStatus {
        /// It was dispatched, and nothing of it has begun
        Pending = "pending",
        /// A task of it has begun
        Running = "running",
        /// Every node has completed, or was skipped because of its branch
        Completed = "completed",
        /// A node failed, or the graph could not be dispatched
        Failed = "failed",
        /// It was cancelled
        Cancelled = "cancelled",
    }
}

words! {
    /// What happens to a run.
    pub enum RunEvent {
        /// A task of it begins
        Begin = "begin",
        /// Its last node has ended, and none failed
        Complete = "complete",
        /// Its last node has ended, and one failed
        Fail = "fail",
        /// Its graph cannot be dispatched
        GraphFails = "graph fails",
        /// It is cancelled
        Cancel = "cancel",
    }
}

words! {
    /// State of a node of a run.
    pub enum NodeStatus {
        /// The run has not reached it
        Pending = "pending",
        /// Its task waits
        Queued = "queued",
        /// Its task runs
        Running = "running",
        /// It is done
        Completed = "completed",
        /// It failed for good
        Failed = "failed",
        /// A node before it failed
        Skipped = "skipped",
        /// The run was cancelled
        Cancelled = "cancelled",
    }
}

words! {
    /// What happens to a node of a run.
    pub enum NodeEvent {
        /// It gets its task
        Queue = "queue",
        /// It is done within the dispatch
        CompleteAtOnce = "complete at once",
        /// Its task begins
        Begin = "begin",
        /// Its task has delivered
        Finish = "finish",
        /// Its task is tried again
        Retry = "retry",
        /// Its task has failed for good, or it failed within the dispatch
        Fail = "fail",
        /// A node before it failed
        Skip = "skip",
        /// The run is cancelled
        Cancel = "cancel",
    }
}

/// An event that is impossible for a run in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{event}' is not possible for a run that is {from}")]
pub struct IllegalRunState {
    /// The state it is in.
    pub from: RunStatus,
    /// The event.
    pub event: RunEvent,
}

/// An event that is impossible for a node in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{event}' is not possible for a node that is {from}")]
pub struct IllegalNodeState {
    /// The state it is in.
    pub from: NodeStatus,
    /// The event.
    pub event: NodeEvent,
}

impl RunStatus {
    /// Whether nothing follows.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// The state after `event`. To cancel what has ended changes nothing.
    ///
    /// # Errors
    ///
    /// [`IllegalRunState`] when the event is impossible in this state.
    pub const fn next(self, event: RunEvent) -> Result<Self, IllegalRunState> {
        use RunEvent as E;
        Ok(match (self, event) {
            (Self::Pending | Self::Running, E::Begin) => Self::Running,
            (Self::Pending | Self::Running, E::Complete) => Self::Completed,
            (Self::Pending | Self::Running, E::Fail | E::GraphFails) => Self::Failed,
            (Self::Pending | Self::Running, E::Cancel) => Self::Cancelled,
            (ended, E::Cancel) => ended,
            _ => return Err(IllegalRunState { from: self, event }),
        })
    }

    /// What the states of a run's nodes mean for it; `None` while one of them has not ended. A run that was cancelled
    /// has a cancelled node, or none that had not ended.
    #[must_use]
    pub fn end_of(nodes: impl IntoIterator<Item = NodeStatus>, is_cancelled: bool) -> Option<RunEvent> {
        let mut event = if is_cancelled { RunEvent::Cancel } else { RunEvent::Complete };
        for node in nodes {
            match node {
                NodeStatus::Pending | NodeStatus::Queued | NodeStatus::Running => return None,
                NodeStatus::Failed if !is_cancelled => event = RunEvent::Fail,
                _ => {}
            }
        }
        Some(event)
    }
}

impl NodeStatus {
    /// Whether nothing follows.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Skipped | Self::Cancelled)
    }

    /// The state after `event`. To cancel what has ended changes nothing.
    ///
    /// # Errors
    ///
    /// [`IllegalNodeState`] when the event is impossible in this state.
    pub const fn next(self, event: NodeEvent) -> Result<Self, IllegalNodeState> {
        use NodeEvent as E;
        Ok(match (self, event) {
            (Self::Pending, E::Queue) | (Self::Running, E::Retry) => Self::Queued,
            (Self::Pending, E::CompleteAtOnce) | (Self::Running, E::Finish) => Self::Completed,
            (Self::Queued, E::Begin) => Self::Running,
            (Self::Pending | Self::Running, E::Fail) => Self::Failed,
            (Self::Pending | Self::Queued, E::Skip) => Self::Skipped,
            (Self::Pending | Self::Queued | Self::Running, E::Cancel) => Self::Cancelled,
            (ended, E::Cancel) => ended,
            _ => return Err(IllegalNodeState { from: self, event }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{NodeEvent as N, NodeStatus as S, RunEvent as E, RunStatus as R, *};

    /// The table of runs of workflow.md §5, line by line; `None` where it has a dash.
    #[test]
    fn w61_w65_w67_runs_follow_the_table() {
        let events = [E::Begin, E::Complete, E::Fail, E::GraphFails, E::Cancel];
        assert_eq!(events, E::ALL, "the table is complete");
        for from in R::ALL {
            let row = match from {
                R::Pending | R::Running => [R::Running, R::Completed, R::Failed, R::Failed, R::Cancelled].map(Some),
                ended => [None, None, None, None, Some(*ended)],
            };
            for (event, expected) in events.into_iter().zip(row) {
                let illegal = IllegalRunState { from: *from, event };
                assert_eq!(from.next(event), expected.ok_or(illegal), "{from} {event}");
            }
        }
    }

    /// The table of nodes, line by line; `None` where it has a dash or 409.
    #[test]
    fn w65_w66_w67_nodes_follow_the_table() {
        let events = [N::Queue, N::CompleteAtOnce, N::Begin, N::Finish, N::Retry, N::Fail, N::Skip, N::Cancel];
        assert_eq!(events, N::ALL, "the table is complete");
        let [queued, completed, running] = [S::Queued, S::Completed, S::Running].map(Some);
        let [failed, skipped, cancelled] = [S::Failed, S::Skipped, S::Cancelled].map(Some);
        for from in S::ALL {
            let row = match from {
                S::Pending => [queued, completed, None, None, None, failed, skipped, cancelled],
                S::Queued => [None, None, running, None, None, None, skipped, cancelled],
                S::Running => [None, None, None, completed, queued, failed, None, cancelled],
                ended => [None, None, None, None, None, None, None, Some(*ended)],
            };
            for (event, expected) in events.into_iter().zip(row) {
                let illegal = IllegalNodeState { from: *from, event };
                assert_eq!(from.next(event), expected.ok_or(illegal), "{from} {event}");
            }
        }
    }

    #[test]
    fn a_run_ends_with_its_last_node() {
        assert_eq!(R::end_of([S::Completed, S::Queued], false), None);
        assert_eq!(R::end_of([], false), Some(E::Complete));
        assert_eq!(R::end_of([S::Completed, S::Skipped], false), Some(E::Complete));
        assert_eq!(R::end_of([S::Failed, S::Skipped, S::Completed], false), Some(E::Fail));
        assert_eq!(R::end_of([S::Failed, S::Cancelled], true), Some(E::Cancel));
        assert_eq!(R::end_of([S::Running, S::Cancelled], true), None);
    }
}
