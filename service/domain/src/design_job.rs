//! Design jobs: a customer's design on a product, in seven steps, each of which knows how to take back what it did
//! (design-renders.md).

use crate::words::words;

words! {
    /// State of a design job.
    pub enum DesignStatus {
        /// It waits for the first of its tasks
        Pending = "pending",
        /// Its texture is composed
        Compositing = "compositing",
        /// Its pictures are rendered or stored
        Rendering = "rendering",
        /// The product shows its pictures
        Completed = "completed",
        /// A step failed
        Failed = "failed",
        /// Somebody cancelled it
        Cancelled = "cancelled",
    }
}

words! {
    /// What happens to a design job.
    pub enum DesignEvent {
        /// Its texture begins to be composed
        Compose = "compose",
        /// Its pictures begin to be rendered or stored
        Render = "render",
        /// Its last step is done
        Complete = "complete",
        /// A step fails for good
        Fail = "fail",
        /// It is cancelled, and nothing works on it
        Cancel = "cancel",
        /// The worker of one of its tasks was lost: the task waits again
        Release = "release",
        /// It is tried again
        Retry = "retry",
        /// It is deleted
        Delete = "delete",
    }
}

/// An event that is impossible in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{event}' is not possible for a design job that is {from}")]
pub struct IllegalDesignState {
    /// The state it is in.
    pub from: DesignStatus,
    /// The event.
    pub event: DesignEvent,
}

impl DesignStatus {
    /// The state after `event` (design-renders.md §2). A job that is deleted is gone.
    ///
    /// # Errors
    ///
    /// [`IllegalDesignState`] when the event is impossible in this state.
    pub const fn next(self, event: DesignEvent) -> Result<Self, IllegalDesignState> {
        use DesignEvent as E;
        Ok(match (self, event) {
            (Self::Pending | Self::Compositing, E::Compose) => Self::Compositing,
            (Self::Pending | Self::Compositing | Self::Rendering, E::Render) => Self::Rendering,
            (Self::Rendering, E::Complete) => Self::Completed,
            (Self::Pending | Self::Compositing | Self::Rendering, E::Fail) => Self::Failed,
            (Self::Pending | Self::Compositing | Self::Rendering, E::Cancel) => Self::Cancelled,
            (Self::Pending | Self::Compositing | Self::Rendering, E::Release) => self,
            (Self::Failed | Self::Cancelled, E::Retry) => Self::Pending,
            (Self::Completed | Self::Failed | Self::Cancelled, E::Delete) => self,
            _ => return Err(IllegalDesignState { from: self, event }),
        })
    }

    /// Whether nothing works on it, and nothing will unless it is tried again.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

words! {
    /// A step of a design job, in their order.
    pub enum DesignStep {
        /// Checks everything and writes the job
        CreateRenderJob = "create_render_job",
        /// Stores the design
        UploadDesignFile = "upload_design_file",
        /// Composes the texture and stores it
        ComposeDesign = "compose_design",
        /// Renders the pictures into the working directory
        RenderDesign = "render_design",
        /// Stores the pictures, unpublished
        StoreRenderOutputs = "store_render_outputs",
        /// Publishes the pictures and puts them into the product's gallery
        AssociateProductMedia = "associate_product_media",
        /// Ends the job
        CompleteRenderJob = "complete_render_job",
    }
}

impl DesignStep {
    /// Its number, from 1.
    #[must_use]
    pub fn number(self) -> u8 {
        Self::ALL.iter().zip(1..).find(|(step, _)| **step == self).map_or(0, |(_, number)| number)
    }

    /// The status of the job when it is done.
    #[must_use]
    pub const fn status_when_done(self) -> DesignStatus {
        match self {
            Self::CreateRenderJob | Self::UploadDesignFile => DesignStatus::Pending,
            Self::ComposeDesign => DesignStatus::Compositing,
            Self::RenderDesign | Self::StoreRenderOutputs | Self::AssociateProductMedia => DesignStatus::Rendering,
            Self::CompleteRenderJob => DesignStatus::Completed,
        }
    }

    /// The progress of the job when it is done, in percent. While pictures are rendered it is between
    /// [`RENDERED_FROM_PCT`] and [`RENDERED_TO_PCT`].
    #[must_use]
    pub const fn progress_pct_when_done(self) -> f64 {
        match self {
            Self::CreateRenderJob => 0.0,
            Self::UploadDesignFile => 10.0,
            Self::ComposeDesign => RENDERED_FROM_PCT,
            Self::RenderDesign | Self::StoreRenderOutputs | Self::AssociateProductMedia => RENDERED_TO_PCT,
            Self::CompleteRenderJob => 100.0,
        }
    }

    /// What it takes back when it has failed, or when a later step has.
    #[must_use]
    pub const fn takes_back(self) -> TakenBack {
        match self {
            Self::AssociateProductMedia => TakenBack::AlsoForLaterSteps,
            Self::CompleteRenderJob => TakenBack::Nothing,
            _ => TakenBack::Own,
        }
    }
}

/// When a step takes back what it did (design-renders.md §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakenBack {
    /// When it has failed itself: what it did before a later failure belongs to the failed job.
    Own,
    /// Also when a later step has failed.
    AlsoForLaterSteps,
    /// It leaves nothing to take back.
    Nothing,
}

/// The progress of a job before its first sample, in percent.
pub const RENDERED_FROM_PCT: f64 = 40.0;
/// The progress of a job after its last sample, in percent.
pub const RENDERED_TO_PCT: f64 = 95.0;

/// The progress of a job whose pictures are rendered to this share of 100.
#[must_use]
pub fn rendered_pct(task_pct: f64) -> f64 {
    RENDERED_FROM_PCT + (RENDERED_TO_PCT - RENDERED_FROM_PCT) * task_pct.clamp(0.0, 100.0) / 100.0
}

words! {
    /// State of a step.
    pub enum DesignStepStatus {
        /// It has not begun
        Pending = "pending",
        /// It is at work
        Running = "running",
        /// It is done, and its effects are there
        Done = "done",
        /// It failed
        Failed = "failed",
        /// It was done, and its effects were taken back
        Undone = "undone",
    }
}

/// The first step that has to be done, of steps that have these states.
#[must_use]
pub fn first_open(steps: impl IntoIterator<Item = DesignStepStatus>) -> Option<DesignStep> {
    let mut states = steps.into_iter().zip(DesignStep::ALL);
    states.find(|(status, _)| *status != DesignStepStatus::Done).map(|(_, step)| *step)
}

/// The views of a design job, with what is in front first: the set `six_yaw`.
pub const DESIGN_VIEWS: [&str; 6] =
    ["front_0deg", "right_60deg", "right_120deg", "back_180deg", "left_240deg", "left_300deg"];

/// What the files of a job's turntable are called that have all of its frames.
pub const TURNTABLE: &str = "animation";

/// Why a design job cannot do what is asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DesignRefusal {
    /// Only one that has ended without its pictures is tried again.
    #[error("the design job is {0}: only one that failed or was cancelled is tried again")]
    NotFailed(DesignStatus),
    /// Only one that has ended is deleted.
    #[error("the design job is {0}: cancel it first")]
    NotTerminal(DesignStatus),
    /// It has no design to go on with.
    #[error("the design was never stored: start a new job with it")]
    DesignMissing,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The table of design-renders.md §2: for each state what follows each event; `None` where that is refused.
    fn table(from: DesignStatus, event: DesignEvent) -> Option<DesignStatus> {
        use DesignStatus as S;
        // Compose, Render, Complete, Fail, Cancel, Release, Retry, Delete.
        let row: [Option<S>; 8] = match from {
            S::Pending => [
                Some(S::Compositing),
                Some(S::Rendering),
                None,
                Some(S::Failed),
                Some(S::Cancelled),
                Some(S::Pending),
                None,
                None,
            ],
            S::Compositing => [
                Some(S::Compositing),
                Some(S::Rendering),
                None,
                Some(S::Failed),
                Some(S::Cancelled),
                Some(S::Compositing),
                None,
                None,
            ],
            S::Rendering => [
                None,
                Some(S::Rendering),
                Some(S::Completed),
                Some(S::Failed),
                Some(S::Cancelled),
                Some(S::Rendering),
                None,
                None,
            ],
            S::Completed => [None, None, None, None, None, None, None, Some(S::Completed)],
            S::Failed | S::Cancelled => [None, None, None, None, None, None, Some(S::Pending), Some(from)],
        };
        let column = DesignEvent::ALL.iter().position(|known| *known == event).expect("a known event");
        row[column]
    }

    proptest! {
        #[test]
        fn d38_every_transition_is_that_of_the_table(
            events in prop::collection::vec(prop::sample::select(DesignEvent::ALL), 0..40),
        ) {
            let mut state = DesignStatus::Pending;
            for event in events {
                let wanted = table(state, event);
                match state.next(event) {
                    Ok(next) => {
                        prop_assert_eq!(Some(next), wanted);
                        state = next;
                    }
                    Err(error) => {
                        prop_assert_eq!(wanted, None, "{}", error);
                        prop_assert_eq!(error, IllegalDesignState { from: state, event });
                    }
                }
            }
        }
    }

    #[test]
    fn d38_each_state_and_event_is_in_the_table() {
        for from in DesignStatus::ALL {
            for event in DesignEvent::ALL {
                assert_eq!(from.next(*event).ok(), table(*from, *event), "{event} of {from}");
            }
        }
    }

    #[test]
    fn d02_steps_are_numbered_and_progress_never_falls() {
        let numbers: Vec<u8> = DesignStep::ALL.iter().map(|step| step.number()).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7]);
        let progress: Vec<f64> = DesignStep::ALL.iter().map(|step| step.progress_pct_when_done()).collect();
        assert_eq!(progress, [0.0, 10.0, 40.0, 95.0, 95.0, 95.0, 100.0]);
        assert_eq!([rendered_pct(0.0), rendered_pct(50.0), rendered_pct(200.0)], [40.0, 67.5, 95.0]);
        assert_eq!(DesignStep::CompleteRenderJob.status_when_done(), DesignStatus::Completed);
    }

    #[test]
    fn d27_a_job_goes_on_with_the_first_step_that_is_not_done() {
        use DesignStepStatus as S;
        assert_eq!(first_open([S::Done; 7]), None);
        let after_six = [S::Done, S::Done, S::Done, S::Done, S::Done, S::Undone, S::Failed];
        assert_eq!(first_open(after_six), Some(DesignStep::AssociateProductMedia));
        let taking_back: Vec<TakenBack> = DesignStep::ALL.iter().map(|step| step.takes_back()).collect();
        assert_eq!(taking_back.iter().filter(|taken| **taken == TakenBack::AlsoForLaterSteps).count(), 1);
    }
}
