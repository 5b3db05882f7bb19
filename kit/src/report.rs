//! What trials found: as data, and as a table for people.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::trial::Trial;

mod table;

/// Why a trial could not go on.
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

/// What a number must be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// This or less.
    AtMost(f64),
    /// This or more.
    AtLeast(f64),
}

/// A number that was measured, and what it must be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// What was measured.
    pub name: String,
    /// The number; `None` where it is none, such as a share of nothing.
    pub found: Option<f64>,
    /// Its unit; empty where it has none.
    pub unit: String,
    /// What it must be; `None`: it is stated and nothing more.
    pub limit: Option<Limit>,
}

impl Check {
    /// Whether the number is as it must be. What is no number is not.
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
    /// A check is not met, or the trial could not go on.
    Failed,
    /// It took longer than it may, and was ended.
    TimedOut,
    /// Its process ended without a word.
    Crashed,
    /// There was too little time left for it, or the run was cancelled.
    NotRun,
}

impl State {
    /// The words for it in a table.
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

/// What a trial found.
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
    /// Why it could not go on, or was not run.
    pub fault: Option<String>,
    /// All else that is worth knowing, by name.
    pub figures: serde_json::Map<String, Value>,
    /// Pictures to look at, below the folder of the results.
    pub pictures: Vec<String>,
    /// Where it is kept while it grows, so that a trial that is ended leaves what it found.
    #[serde(skip)]
    kept_at: Option<PathBuf>,
}

impl TrialReport {
    /// Of a trial that has found nothing yet.
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

    /// Of a trial whose file grows with it.
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
        // What cannot be written now is written at the end, or that says why not.
        let _ = self.keep();
    }

    /// Of a trial that was ended or never began.
    pub(crate) fn without_result(trial: Trial, state: State, seconds: f64, fault: String) -> Self {
        Self { state, seconds, fault: Some(fault), ..Self::new(trial) }
    }

    /// Notes a number that must be something.
    pub(crate) fn check(&mut self, name: impl Into<String>, found: f64, unit: &str, limit: Limit) {
        self.add(name, found, unit, Some(limit));
    }

    /// Notes a number.
    pub(crate) fn state(&mut self, name: impl Into<String>, found: f64, unit: &str) {
        self.add(name, found, unit, None);
    }

    /// Notes anything else.
    pub(crate) fn figure(&mut self, name: &str, value: impl Into<Value>) {
        self.figures.insert(name.to_owned(), value.into());
    }

    /// Decides how the trial ended.
    pub(crate) fn ended(mut self, outcome: Result<(), Fault>, seconds: f64) -> Self {
        self.seconds = seconds;
        self.fault = outcome.err().map(|fault| fault.to_string());
        let is_passed = self.fault.is_none() && self.checks.iter().all(Check::is_met);
        self.state = if is_passed { State::Passed } else { State::Failed };
        self
    }
}

/// All trials of a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The device that was asked for.
    pub device: String,
    /// Name, driver and interface of the adapter that was tried; `None` when the drivers were not asked, or have none.
    pub adapter: Option<String>,
    /// The processor of the same machine.
    pub processor: String,
    /// The version of the program.
    pub version: String,
    /// The word for how much was tried.
    pub scale: String,
    /// How long everything took.
    pub seconds: f64,
    /// In the order in which they ran.
    pub trials: Vec<TrialReport>,
}

impl Report {
    /// Whether every trial that was run passed, and any was.
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
