//! The steps of a job, as a worker reports them: each call is a line of the log, and begin and end are changes of the
//! job's document as well.

use std::time::Instant;

use packshot_materials::name::one_line;
use serde_json::{Map, Value, json};

use super::failure::Stopped;
use super::protocol::{LogLine, StepChange, StepPhase, WorkEvent};
use packshot_domain::event::LogLevel;
use packshot_domain::step::StepName;

/// Named facts about a step.
pub(super) type Facts = Map<String, Value>;

/// Where a worker's events go.
pub(super) type Emit<'a> = &'a (dyn Fn(WorkEvent) + Sync);

/// A step that runs: it ends when [`done`](Self::done) or [`failed`](Self::failed) says so.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    emit: Emit<'a>,
    name: StepName,
    begun: Instant,
}

impl<'a> Step<'a> {
    /// Begins a step. `about` goes into its record.
    pub(super) fn start(emit: Emit<'a>, name: StepName, about: Facts) -> Self {
        let step = Self { emit, name, begun: Instant::now() };
        let context = Value::Object(about.clone());
        step.change(StepPhase::Started { about });
        step.line(LogLevel::Info, "started", None, context);
        step
    }

    /// The scope form: begins, works, and ends with what the work gives, `Ok` with the facts for its record.
    pub(super) fn scope<T>(
        emit: Emit<'a>,
        name: StepName,
        work: impl FnOnce(&Self) -> Result<(T, Facts), Stopped>,
    ) -> Result<T, Stopped> {
        let step = Self::start(emit, name, Facts::new());
        step.finish(work(&step))
    }

    /// Ends the step with its outcome.
    pub(super) fn finish<T>(&self, result: Result<(T, Facts), Stopped>) -> Result<T, Stopped> {
        match result {
            Ok((value, output)) => {
                self.done(output);
                Ok(value)
            }
            Err(stopped) => {
                self.failed(&stopped);
                Err(stopped)
            }
        }
    }

    /// Reports the progress of the step.
    pub(super) fn progress(&self, pct: f64, message: &str) {
        let line = format!("{pct:.0} %: {message}");
        self.line(LogLevel::Info, &line, None, json!({ "progress_pct": pct }));
    }

    /// Logs anything else, in a line with a prefix of its own.
    pub(super) fn note(&self, level: LogLevel, line: &str, context: Value) {
        self.line(level, line, None, context);
    }

    /// Logs something about a step that has not begun yet.
    pub(super) fn announce(emit: Emit<'_>, name: StepName, level: LogLevel, line: &str, context: Value) {
        let message = one_line(line);
        emit(WorkEvent::Log(LogLine { step: name, level, message, duration_s: None, context }));
    }

    fn done(&self, output: Facts) {
        let duration_s = self.begun.elapsed().as_secs_f64();
        let context = Value::Object(output.clone());
        self.change(StepPhase::Done { duration_s, output });
        self.line(LogLevel::Info, &format!("done in {duration_s:.3} s"), Some(duration_s), context);
    }

    fn failed(&self, stopped: &Stopped) {
        let duration_s = self.begun.elapsed().as_secs_f64();
        let (level, error, context) = match stopped.failure() {
            None => (LogLevel::Warning, "cancelled".to_owned(), Value::Null),
            Some(failure) => {
                let cause = json!({ "code": failure.code, "cause": failure.detail, "findings": failure.findings });
                (LogLevel::Error, format!("{}: {}", failure.code, failure.detail), cause)
            }
        };
        self.change(StepPhase::Failed { duration_s, error: error.clone() });
        self.line(level, &error, Some(duration_s), context);
    }

    fn change(&self, change: StepPhase) {
        (self.emit)(WorkEvent::Step(StepChange { step: self.name, change }));
    }

    fn line(&self, level: LogLevel, message: &str, duration_s: Option<f64>, context: Value) {
        let message = one_line(message);
        (self.emit)(WorkEvent::Log(LogLine { step: self.name, level, message, duration_s, context }));
    }
}

/// Facts from a JSON object.
pub(super) fn facts(value: Value) -> Facts {
    match value {
        Value::Object(facts) => facts,
        _ => Facts::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;
    use crate::protocol::Failure;

    fn events_of(work: impl FnOnce(Emit<'_>)) -> Vec<WorkEvent> {
        let events = Mutex::new(Vec::new());
        work(&|event| events.lock().expect("not poisoned").push(event));
        events.into_inner().expect("not poisoned")
    }

    fn lines(events: &[WorkEvent]) -> Vec<&LogLine> {
        fn line(event: &WorkEvent) -> Option<&LogLine> {
            if let WorkEvent::Log(line) = event { Some(line) } else { None }
        }
        events.iter().filter_map(line).collect()
    }

    #[test]
    fn r40_r41_r42_r44_a_scope_reports_begin_progress_and_end() {
        let events = events_of(|emit| {
            let result = Step::scope(emit, StepName::RenderStill, |step| {
                step.progress(40.0, "40 of 100");
                std::thread::sleep(Duration::from_millis(50));
                Ok((7, facts(json!({ "samples": 100 }))))
            });
            assert_eq!(result, Ok(7));
        });
        let lines = lines(&events);
        assert_eq!(lines[0].text(), "[RENDER_STILL] started");
        assert_eq!(lines[1].text(), "[RENDER_STILL] 40 %: 40 of 100");
        assert!(lines[2].duration_s.is_some_and(|seconds| seconds >= 0.05), "{:?}", lines[2]);
        assert_eq!(lines[2].context, json!({ "samples": 100 }));
        assert_eq!(events.len(), 5, "a change of the document at begin and end");
    }

    #[test]
    fn r43_r44_a_failing_scope_passes_the_failure_on() {
        let failure = Failure::new(packshot_domain::task::FaultKind::Input, "glb.truncated", "a\nb");
        let events = events_of(|emit| {
            let result = Step::scope(emit, StepName::ResolveStepPath, |_| -> Result<((), Facts), Stopped> {
                Err(failure.clone().into())
            });
            assert_eq!(result, Err(Stopped::Failed(failure.clone())));
        });
        let lines = lines(&events);
        assert_eq!(
            (lines[1].level, lines[1].text().as_str()),
            (LogLevel::Error, "[RESOLVE_STEP_PATH] glb.truncated: a b")
        );
        assert_eq!(lines[1].context["cause"], "a\nb");
        assert!(
            matches!(&events[2], WorkEvent::Step(StepChange { change: StepPhase::Failed { error, .. }, .. }) if error.contains("glb.truncated"))
        );
    }
}
