//! Reports of a work, on their way into the database.
//!
//! Input: [`TaskUpdate`]s. Output: a [`Report`] of everything since the last one, so that a small task costs one
//! commit at its end and a long one a few in a second.

use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::handler::TaskUpdate;
use packshot_contract::document::StepStatus;
use packshot_contract::event::{JobEvent, LogEvent, LogLevel as WireLevel, ProgressEvent, StepEvent};
use packshot_db::jobs::Progress;
use packshot_db::log::NewLogRow;
use packshot_db::streams::NewEvent;
use packshot_db::tasks::{Claimed, Report};
use packshot_domain::document::{Change, RenderStep, StepChange};
use packshot_domain::event::{EventName, LogLevel};
use packshot_domain::step::StepName;
use packshot_domain::time::Timestamp;
use packshot_domain::value::{Fields, Value};
use packshot_worker::protocol::{FIXED_PREFIXES, StepPhase, WorkProgress};

/// The target of the lines of the log in which jobs report about themselves. Each has them as events too.
pub const LOG_TARGET: &str = module_path!();

/// Everything about one attempt that goes into the database.
#[derive(Debug)]
pub(super) struct Ledger {
    /// The database's clock at the claim, and this process's.
    at: (Timestamp, Instant),
    pending: Report,
    pending_since: Option<Instant>,
}

impl Ledger {
    /// Begins with an attempt that was claimed.
    pub(super) fn new(claimed: &Claimed) -> Self {
        Self {
            at: (claimed.at, Instant::now()),
            pending: Report { began: true, ..Report::default() },
            pending_since: None,
        }
    }

    /// Since when something waits to be written.
    pub(super) fn pending_since(&self) -> Option<Instant> {
        self.pending_since
    }

    /// Everything that waits, for the caller to write; `None` when nothing does.
    pub(super) fn take_report(&mut self) -> Option<Report> {
        self.pending_since = None;
        let report = std::mem::take(&mut self.pending);
        (report != Report::default()).then_some(report)
    }

    /// What the attempt computes, to be frozen with the first report.
    pub(super) fn freeze(&mut self, spec: Json) {
        self.pending.spec = Some(spec);
        self.touch();
    }

    /// Puts back a report that could not be written, before everything that came since.
    pub(super) fn put_back(&mut self, mut report: Report) {
        let newer = std::mem::take(&mut self.pending);
        report.progress = newer.progress.or(report.progress);
        report.device = newer.device.or(report.device);
        report.went_on |= newer.went_on;
        report.found = newer.found.or(report.found);
        report.changes.extend(newer.changes);
        report.events.extend(newer.events);
        report.log.extend(newer.log);
        // While the database cannot be reached, memory must stay bounded: only the latest progress and preview are
        // kept.
        for name in [EventName::Progress, EventName::Preview] {
            let last = report.events.iter().rposition(|event| event.name == name);
            let mut i = 0;
            report.events.retain(|event| {
                i += 1;
                event.name != name || last == Some(i - 1)
            });
        }
        self.pending = report;
        self.pending_since.get_or_insert_with(Instant::now);
    }

    /// How long the attempt has been running.
    pub(super) fn running_for(&self) -> Duration {
        self.at.1.elapsed()
    }

    /// Takes a report of the work.
    pub(super) fn take(&mut self, update: TaskUpdate) {
        match update {
            TaskUpdate::Pid(pid) => self.change(Change::Pid(pid)),
            TaskUpdate::Device(device) => {
                self.pending.device = Some(device);
                self.touch();
            }
            TaskUpdate::WentOn => {
                self.pending.went_on = true;
                self.touch();
            }
            TaskUpdate::Step(name, phase) => self.step(name, phase),
            TaskUpdate::Skipped(name, reason) => self.skip(name, reason),
            TaskUpdate::Log(row) => self.log(row),
            TaskUpdate::Progress(progress) => self.progress(progress),
            TaskUpdate::Event(event) => self.event(event),
            TaskUpdate::Result(result) => self.change(Change::Result(result)),
            TaskUpdate::Found(found) => self.pending.found = Some(found),
            TaskUpdate::Finishing => {}
        }
    }

    fn step(&mut self, name: StepName, phase: StepPhase) {
        let at = self.now();
        let (change, status, duration_s) = match phase {
            StepPhase::Started { about } => (StepChange::Begin(render_step(&about)), StepStatus::Running, None),
            StepPhase::Done { duration_s, output } => {
                (StepChange::Finish(fields(output)), StepStatus::Done, Some(duration_s))
            }
            StepPhase::Failed { duration_s, .. } => (StepChange::Fail, StepStatus::Failed, Some(duration_s)),
        };
        self.change(Change::Step { name, at, change });
        let event = StepEvent { name: name.as_str().to_owned(), status, duration_s };
        self.event(NewEvent { name: EventName::Step, data: json(&JobEvent::Step(event)) });
    }

    fn skip(&mut self, name: StepName, reason: String) {
        let change = StepChange::Skip(reason);
        self.change(Change::Step { name, at: self.now(), change });
        let event = StepEvent { name: name.as_str().to_owned(), status: StepStatus::Skipped, duration_s: None };
        self.event(NewEvent { name: EventName::Step, data: json(&JobEvent::Step(event)) });
    }

    fn log(&mut self, row: NewLogRow) {
        let has_prefix = FIXED_PREFIXES.iter().any(|prefix| row.message.starts_with(prefix));
        let text = if has_prefix { row.message.clone() } else { row.step_name.log_line(&row.message) };
        match row.level {
            LogLevel::Info => tracing::info!("{text}"),
            LogLevel::Warning => tracing::warn!("{text}"),
            LogLevel::Error => tracing::error!("{text}"),
        }
        let level = match row.level {
            LogLevel::Info => WireLevel::Info,
            LogLevel::Warning => WireLevel::Warning,
            LogLevel::Error => WireLevel::Error,
        };
        let event = LogEvent { step_name: row.step_name.to_string(), level, message: row.message.clone() };
        self.event(NewEvent { name: EventName::Log, data: json(&JobEvent::Log(event)) });
        self.pending.log.push(row);
    }

    fn progress(&mut self, progress: WorkProgress) {
        let WorkProgress { samples_done, samples_target, progress_pct, eta_s } = progress;
        let count = |samples: u32| i32::try_from(samples).unwrap_or(i32::MAX);
        let (done, target) = (count(samples_done), count(samples_target));
        self.pending.progress = Some(Progress { progress_pct, samples_done: done, samples_target: target });
        let event = ProgressEvent { progress_pct, samples_done, samples_target, eta_s };
        self.event(NewEvent { name: EventName::Progress, data: json(&JobEvent::Progress(event)) });
    }

    fn event(&mut self, event: NewEvent) {
        self.pending.events.push(event);
        self.touch();
    }

    fn change(&mut self, change: Change) {
        self.pending.changes.push(change);
        self.touch();
    }

    fn touch(&mut self) {
        self.pending_since.get_or_insert_with(Instant::now);
    }

    /// The time on the database's clock, by this process's own since the claim.
    fn now(&self) -> Timestamp {
        let (claimed_at, begun) = self.at;
        claimed_at + begun.elapsed()
    }
}

/// A value as JSON. Types of the contract always have one.
fn json(value: &impl Serialize) -> Json {
    serde_json::to_value(value).unwrap_or_default()
}

/// What a render step renders with, if its worker reported it.
fn render_step(about: &Map<String, Json>) -> Option<RenderStep> {
    let text = |name: &str| about.get(name)?.as_str().map(str::to_owned);
    let samples = about.get("samples")?.as_u64()?;
    Some(RenderStep { gpu_type: text("gpu_type")?, engine: text("engine")?, samples: u32::try_from(samples).ok()? })
}

fn fields(map: Map<String, Json>) -> Fields {
    map.into_iter().map(|(name, value)| (name, field(value))).collect()
}

fn field(value: Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Value::Integer(integer),
            None => Value::from(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::Text(text),
        Json::Array(values) => Value::List(values.into_iter().map(field).collect()),
        Json::Object(map) => Value::Map(fields(map)),
    }
}
