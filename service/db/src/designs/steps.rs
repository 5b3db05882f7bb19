//! The steps of a design job, as its row has them.

use serde::{Deserialize, Serialize};

use crate::entity::design_job;
use crate::{DbError, Json};
use packshot_domain::design_job::{DesignStep, DesignStepStatus, first_open};
use packshot_domain::time::Timestamp;

/// A step of a design job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepState {
    /// Which one.
    pub step: DesignStep,
    /// How it stands.
    pub status: DesignStepStatus,
    /// When it began last.
    pub started_at: Option<Timestamp>,
    /// When it ended last.
    pub completed_at: Option<Timestamp>,
    /// Which try at it the last one was; 0 before the first.
    pub attempt: i32,
    /// Why it failed.
    pub error: Option<StepError>,
}

/// Why a step failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepError {
    /// The stable code.
    pub code: String,
    /// For people.
    pub detail: String,
}

/// A step in JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    name: String,
    status: String,
    started_at_ms: Option<i64>,
    completed_at_ms: Option<i64>,
    attempt: i32,
    error: Option<StepError>,
}

/// The seven steps of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Steps(pub(super) Vec<StepState>);

impl Steps {
    /// Those of a job that is made now: its first step is done.
    pub(super) fn of_new(now: Timestamp) -> Self {
        let step = |step: &DesignStep| StepState {
            step: *step,
            status: DesignStepStatus::Pending,
            started_at: None,
            completed_at: None,
            attempt: 0,
            error: None,
        };
        let mut steps = Self(DesignStep::ALL.iter().map(step).collect());
        steps.begin(DesignStep::CreateRenderJob, 1, now);
        steps.end(DesignStep::CreateRenderJob, DesignStepStatus::Done, now);
        steps
    }

    pub(super) fn of(row: &design_job::Model) -> Result<Self, DbError> {
        let corrupt = |reason: String| DbError::Corrupt { what: "list of steps", reason };
        let stored: Vec<Stored> =
            serde_json::from_value(row.steps.0.clone()).map_err(|error| corrupt(error.to_string()))?;
        let step = |stored: Stored| {
            Ok(StepState {
                step: stored.name.parse().map_err(|error| corrupt(format!("{error}")))?,
                status: stored.status.parse().map_err(|error| corrupt(format!("{error}")))?,
                started_at: stored.started_at_ms.map(Timestamp::from_unix_ms),
                completed_at: stored.completed_at_ms.map(Timestamp::from_unix_ms),
                attempt: stored.attempt,
                error: stored.error,
            })
        };
        let steps: Vec<StepState> = stored.into_iter().map(step).collect::<Result<_, DbError>>()?;
        let is_whole = steps.iter().map(|state| state.step).eq(DesignStep::ALL.iter().copied());
        if is_whole { Ok(Self(steps)) } else { Err(corrupt("they are not the seven, in order".to_owned())) }
    }

    pub(super) fn json(&self) -> Json {
        let stored = self.0.iter().map(|state| Stored {
            name: state.step.as_str().to_owned(),
            status: state.status.as_str().to_owned(),
            started_at_ms: state.started_at.map(Timestamp::unix_ms),
            completed_at_ms: state.completed_at.map(Timestamp::unix_ms),
            attempt: state.attempt,
            error: state.error.clone(),
        });
        serde_json::to_value(stored.collect::<Vec<_>>()).unwrap_or_default()
    }

    /// The step that is at work.
    pub(super) fn running(&self) -> Option<DesignStep> {
        self.0.iter().find(|state| state.status == DesignStepStatus::Running).map(|state| state.step)
    }

    /// Another try goes on with this step.
    pub(super) fn open_from(&mut self, first: DesignStep) {
        for state in self.0.iter_mut().filter(|state| state.step >= first) {
            state.status = DesignStepStatus::Pending;
            (state.started_at, state.completed_at, state.attempt, state.error) = (None, None, 0, None);
        }
    }

    /// The first step that is not done.
    pub(super) fn first_open(&self) -> Option<DesignStep> {
        first_open(self.0.iter().map(|state| state.status))
    }

    pub(super) fn is_done(&self, step: DesignStep) -> bool {
        self.0.iter().any(|state| state.step == step && state.status == DesignStepStatus::Done)
    }

    /// A step begins, for the `attempt`th time.
    pub(super) fn begin(&mut self, step: DesignStep, attempt: i32, now: Timestamp) {
        self.change(step, |state| {
            (state.status, state.attempt, state.error) = (DesignStepStatus::Running, attempt, None);
            (state.started_at, state.completed_at) = (Some(now), None);
        });
    }

    /// A step ends.
    pub(super) fn end(&mut self, step: DesignStep, status: DesignStepStatus, now: Timestamp) {
        self.change(step, |state| (state.status, state.completed_at) = (status, Some(now)));
    }

    /// A step fails.
    pub(super) fn fail(&mut self, step: DesignStep, error: StepError, now: Timestamp) {
        self.end(step, DesignStepStatus::Failed, now);
        self.change(step, |state| {
            state.started_at.get_or_insert(now);
            state.error = Some(error);
        });
    }

    /// What a step did is no longer there, or was never finished.
    pub(super) fn set(&mut self, step: DesignStep, status: DesignStepStatus) {
        self.change(step, |state| state.status = status);
    }

    fn change(&mut self, step: DesignStep, change: impl FnOnce(&mut StepState)) {
        if let Some(state) = self.0.iter_mut().find(|state| state.step == step) {
            change(state);
        }
    }
}
