//! What a worker reports, on its way into the database: the document as it is now, and what was not written yet.
//!
//! Input: [`WorkEvent`]s. Output: a [`Report`] of everything since the last one, so that a small render costs one commit at its
//! end and a long one a few in a second.

use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::events::hub;
use packshot_contract::document::{GpuInfo, StepStatus};
use packshot_contract::event::{JobEvent, LogEvent, LogLevel as WireLevel, PreviewEvent, ProgressEvent, StepEvent};
use packshot_db::events::NewEvent;
use packshot_db::log::NewLogRow;
use packshot_db::renders::Progress;
use packshot_db::tasks::{Claimed, Report};
use packshot_domain::document::{self, DocumentResult, RenderDocument, RenderStep};
use packshot_domain::event::{EventName, LogLevel};
use packshot_domain::id::RenderId;
use packshot_domain::step::StepName;
use packshot_domain::time::Timestamp;
use packshot_domain::value::{Fields, Value};
use packshot_worker::protocol::{LogLine, StepChange, StepPhase, WorkEvent, WorkProgress};

/// Everything about one attempt that the database is told.
#[derive(Debug)]
pub(super) struct Ledger {
    render: RenderId,
    document: RenderDocument,
    /// The database's clock at the claim, and this process's.
    at: (Timestamp, Instant),
    pending: Report,
    pending_since: Option<Instant>,
}

impl Ledger {
    /// Begins with the document as it was claimed.
    pub(super) fn new(claimed: &Claimed) -> Self {
        Self {
            render: claimed.render.id,
            document: claimed.render.document.clone(),
            at: (claimed.at, Instant::now()),
            pending: Report::default(),
            pending_since: None,
        }
    }

    /// Since when something waits to be written.
    pub(super) fn pending_since(&self) -> Option<Instant> {
        self.pending_since
    }

    /// Everything that waits, which is then the caller's to write.
    pub(super) fn take_report(&mut self) -> Report {
        self.pending_since = None;
        std::mem::take(&mut self.pending)
    }

    /// Puts back a report that could not be written, before everything that came since.
    pub(super) fn put_back(&mut self, mut report: Report) {
        let newer = std::mem::take(&mut self.pending);
        report.document = newer.document.or(report.document);
        report.progress = newer.progress.or(report.progress);
        report.device = newer.device.or(report.device);
        report.went_on |= newer.went_on;
        report.events.extend(newer.events);
        report.log.extend(newer.log);
        // A database that is away for long must not cost memory without bound: of progress and previews the last one counts.
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

    /// The document as it is now.
    pub(super) fn document(&self) -> &RenderDocument {
        &self.document
    }

    /// The document of an attempt that ends without its worker having said so.
    pub(super) fn ended(&mut self) -> RenderDocument {
        let now = self.now();
        self.document.end_running_steps(now);
        self.document.clone()
    }

    /// Says what the render left.
    pub(super) fn set_result(&mut self, result: DocumentResult) {
        self.document.result = Some(result);
    }

    /// Takes one event of the worker.
    pub(super) fn take(&mut self, event: WorkEvent) {
        match event {
            WorkEvent::Began { pid: None } | WorkEvent::Preview(_) | WorkEvent::File(_) | WorkEvent::Finished(_) => {}
            WorkEvent::Began { pid } => {
                self.document.pid = pid;
                self.document_changed();
            }
            WorkEvent::Device(info) => {
                self.pending.device = Some(json(&info));
                self.touch();
            }
            WorkEvent::Picture => {
                self.pending.went_on = true;
                self.touch();
            }
            WorkEvent::Step(change) => self.step(change),
            WorkEvent::Log(line) => self.log(line),
            WorkEvent::Progress(progress) => self.progress(progress),
        }
    }

    /// Says that there is a newer preview.
    pub(super) fn preview(&mut self, preview: &hub::Preview) {
        let url = format!("/api/v1/renders/{}/preview.png", self.render);
        let event = PreviewEvent { url, etag: preview.etag.clone(), samples_done: preview.samples_done };
        self.event(EventName::Preview, &JobEvent::Preview(event));
    }

    /// Begins a step of the service's own.
    pub(super) fn begin(&mut self, step: StepName) {
        self.step(StepChange { step, change: StepPhase::Started { about: Map::new() } });
        self.say(step, LogLevel::Info, "started", None, Json::Null);
    }

    /// Ends a step of the service's own.
    pub(super) fn finish(&mut self, step: StepName, duration: Duration, output: Map<String, Json>) {
        let duration_s = duration.as_secs_f64();
        let context = Json::Object(output.clone());
        self.step(StepChange { step, change: StepPhase::Done { duration_s, output } });
        self.say(step, LogLevel::Info, &format!("done in {duration_s:.3} s"), Some(duration_s), context);
    }

    /// Ends a step of the service's own that failed.
    pub(super) fn fail(&mut self, step: StepName, duration: Duration, error: &str) {
        let duration_s = duration.as_secs_f64();
        self.step(StepChange { step, change: StepPhase::Failed { duration_s, error: error.to_owned() } });
        self.say(step, LogLevel::Error, error, Some(duration_s), Json::Null);
    }

    fn say(&mut self, step: StepName, level: LogLevel, message: &str, duration_s: Option<f64>, context: Json) {
        self.log(LogLine { step, level, message: message.to_owned(), duration_s, context });
    }

    fn step(&mut self, StepChange { step, change }: StepChange) {
        let now = self.now();
        let (status, duration_s) = match change {
            StepPhase::Started { about } => {
                self.document.begin_step(step, now);
                if let Some(render) = render_step(&about) {
                    // It has just begun.
                    let _ = self.document.describe_step(step, render);
                }
                (StepStatus::Running, None)
            }
            StepPhase::Done { duration_s, output } => {
                if self.document.finish_step(step, fields(output), now).is_err() {
                    self.document.update_step(step, document::StepStatus::Done, None, now);
                }
                (StepStatus::Done, Some(duration_s))
            }
            StepPhase::Failed { duration_s, .. } => {
                // The state and the error of the document are those of the attempt: whoever ends it sets them.
                self.document.update_step(step, document::StepStatus::Failed, None, now);
                (StepStatus::Failed, Some(duration_s))
            }
        };
        self.document_changed();
        let event = StepEvent { name: step.as_str().to_owned(), status, duration_s };
        self.event(EventName::Step, &JobEvent::Step(event));
    }

    fn log(&mut self, line: LogLine) {
        let text = line.text();
        match line.level {
            LogLevel::Info => tracing::info!(render.id = %self.render, "{text}"),
            LogLevel::Warning => tracing::warn!(render.id = %self.render, "{text}"),
            LogLevel::Error => tracing::error!(render.id = %self.render, "{text}"),
        }
        let LogLine { step, level, message, duration_s, context } = line;
        let event = LogEvent {
            step_name: step.as_str().to_owned(),
            level: match level {
                LogLevel::Info => WireLevel::Info,
                LogLevel::Warning => WireLevel::Warning,
                LogLevel::Error => WireLevel::Error,
            },
            message: message.clone(),
        };
        self.event(EventName::Log, &JobEvent::Log(event));
        self.pending.log.push(NewLogRow { step_name: step, level, message, duration_s, context });
    }

    fn progress(&mut self, progress: WorkProgress) {
        let WorkProgress { samples_done, samples_target, progress_pct, eta_s } = progress;
        let count = |samples: u32| i32::try_from(samples).unwrap_or(i32::MAX);
        let (done, target) = (count(samples_done), count(samples_target));
        self.pending.progress = Some(Progress { progress_pct, samples_done: done, samples_target: target });
        let event = ProgressEvent { progress_pct, samples_done, samples_target, eta_s };
        self.event(EventName::Progress, &JobEvent::Progress(event));
    }

    fn event(&mut self, name: EventName, event: &JobEvent) {
        self.pending.events.push(NewEvent { name, data: json(event) });
        self.touch();
    }

    fn document_changed(&mut self) {
        self.pending.document = Some(self.document.clone());
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
pub(super) fn json(value: &impl Serialize) -> Json {
    serde_json::to_value(value).unwrap_or_default()
}

/// The device under the names of the document.
pub(super) fn gpu_info(info: &GpuInfo) -> document::GpuInfo {
    let GpuInfo { device, backend, used, fallback_reason } = info.clone();
    document::GpuInfo { device, backend, used, fallback_reason }
}

/// What a render step renders with, where its worker said it.
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
