//! The results of trials, as data and as a table.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::trial::Trial;

mod table;

/// Why a trial could not continue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Fault(String);

impl Fault {
    /// With one sentence for a person.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    pub(crate) fn of_file(path: &Path, reason: &std::io::Error) -> Self {
        Self(format!("{}: {reason}", path.display()))
    }
}

impl From<packshot_pipeline::error::Error> for Fault {
    fn from(error: packshot_pipeline::error::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<packshot_renderer::backend::RenderError> for Fault {
    fn from(error: packshot_renderer::backend::RenderError) -> Self {
        Self(error.to_string())
    }
}

impl From<packshot_renderer::backend::device::DeviceError> for Fault {
    fn from(error: packshot_renderer::backend::device::DeviceError) -> Self {
        Self(error.message)
    }
}

/// The requirement on a number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// This or less.
    AtMost(f64),
    /// This or more.
    AtLeast(f64),
}

/// A measured number and its requirement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// What was measured.
    pub name: String,
    /// The number; `None` if it is undefined, such as a fraction of nothing.
    pub found: Option<f64>,
    /// Its unit; empty where it has none.
    pub unit: String,
    /// The requirement; `None`: the number is only reported.
    pub limit: Option<Limit>,
}

impl Check {
    /// Whether the requirement is met. An undefined number does not meet it.
    pub fn is_met(&self) -> bool {
        match (self.limit, self.found) {
            (Some(Limit::AtMost(most)), Some(found)) => found <= most,
            (Some(Limit::AtLeast(least)), Some(found)) => found >= least,
            (Some(_), None) => false,
            (None, _) => true,
        }
    }
}

/// How a trial ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Every check is met.
    Passed,
    /// A check is not met, or the trial could not continue.
    Failed,
    /// It exceeded its time limit and was ended.
    TimedOut,
    /// Its process ended without a result.
    Crashed,
    /// There was too little time left for it, or the run was cancelled.
    NotRun,
}

impl State {
    /// The text for a table.
    pub fn words(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED OUT",
            Self::Crashed => "CRASHED",
            Self::NotRun => "not run",
        }
    }
}

/// The result of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialReport {
    /// Its name.
    pub trial: String,
    /// How it ended.
    pub state: State,
    /// How long it took.
    pub seconds: f64,
    /// What was measured.
    pub checks: Vec<Check>,
    /// Why it could not continue, or was not run.
    pub fault: Option<String>,
    /// Other results, by name.
    pub figures: serde_json::Map<String, Value>,
    /// Pictures to look at, relative to the results folder.
    pub pictures: Vec<String>,
    /// Where it is written as it grows, so that a trial that is ended leaves its results so far.
    #[serde(skip)]
    kept_at: Option<PathBuf>,
}

impl TrialReport {
    /// An empty report.
    pub(crate) fn new(trial: Trial) -> Self {
        Self {
            trial: trial.name().to_owned(),
            state: State::Passed,
            seconds: 0.0,
            checks: Vec::new(),
            fault: None,
            figures: serde_json::Map::new(),
            pictures: Vec::new(),
            kept_at: None,
        }
    }

    /// An empty report whose file is updated with it.
    pub(crate) fn kept_at(trial: Trial, path: PathBuf) -> Self {
        Self { kept_at: Some(path), ..Self::new(trial) }
    }

    /// Writes its file.
    pub(crate) fn keep(&self) -> Result<(), Fault> {
        let Some(path) = &self.kept_at else { return Ok(()) };
        let json = serde_json::to_vec_pretty(self).map_err(|error| Fault::new(error.to_string()))?;
        std::fs::write(path, json).map_err(|reason| Fault::of_file(path, &reason))
    }

    fn add(&mut self, name: impl Into<String>, found: f64, unit: &str, limit: Option<Limit>) {
        let found = found.is_finite().then_some(found);
        self.checks.push(Check { name: name.into(), found, unit: unit.to_owned(), limit });
        // If it cannot be written now, it is written at the end, or the error is reported there.
        let _ = self.keep();
    }

    /// For a trial that was ended or never started.
    pub(crate) fn without_result(trial: Trial, state: State, seconds: f64, fault: String) -> Self {
        Self { state, seconds, fault: Some(fault), ..Self::new(trial) }
    }

    /// Records a number with a requirement.
    pub(crate) fn check(&mut self, name: impl Into<String>, found: f64, unit: &str, limit: Limit) {
        self.add(name, found, unit, Some(limit));
    }

    /// Records a number.
    pub(crate) fn state(&mut self, name: impl Into<String>, found: f64, unit: &str) {
        self.add(name, found, unit, None);
    }

    /// Records any other result.
    pub(crate) fn figure(&mut self, name: &str, value: impl Into<Value>) {
        self.figures.insert(name.to_owned(), value.into());
    }

    /// Determines how the trial ended.
    pub(crate) fn ended(mut self, outcome: Result<(), Fault>, seconds: f64) -> Self {
        self.seconds = seconds;
        self.fault = outcome.err().map(|fault| fault.to_string());
        let is_passed = self.fault.is_none() && self.checks.iter().all(Check::is_met);
        self.state = if is_passed { State::Passed } else { State::Failed };
        self
    }
}

/// The results of all trials of a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The requested device.
    pub device: String,
    /// Name, driver and graphics API of the adapter under test; `None` when the drivers were not queried, or there is
    /// none.
    pub adapter: Option<String>,
    /// The processor of the same machine.
    pub processor: String,
    /// The version of the program.
    pub version: String,
    /// The scale of the trials.
    pub scale: String,
    /// The total time.
    pub seconds: f64,
    /// In the order in which they ran.
    pub trials: Vec<TrialReport>,
}

impl Report {
    /// Whether every trial that was run passed, and at least one was run.
    pub fn is_passed(&self) -> bool {
        let counted = |report: &&TrialReport| report.state != State::NotRun;
        let counts = self.trials.iter().filter(counted);
        counts.clone().count() > 0 && counts.into_iter().all(|report| report.state == State::Passed)
    }

    /// The names of the trials that did not pass.
    pub fn failed(&self) -> Vec<&str> {
        let is_failed = |report: &&TrialReport| !matches!(report.state, State::Passed | State::NotRun);
        self.trials.iter().filter(is_failed).map(|report| report.trial.as_str()).collect()
    }
}
