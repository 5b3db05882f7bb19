//! The log of a service as a person in a terminal reads it.
//!
//! Input: events, and the spans that name the job they are about. Output: one line each, without time: how a job ended,
//! or a warning or error with what it is about. What is shown at all is for a filter before this to decide.

use std::fmt::Debug;

use packshot_materials::name::one_line;
use packshot_service::jobs::LAST_LINE_TARGET;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// Writes a line for each event.
pub(super) struct Terminal<W> {
    write: W,
}

impl<W: Fn(&str) + 'static> Terminal<W> {
    /// `write` gets each line, without its end.
    pub(super) fn new(write: W) -> Self {
        Self { write }
    }

    fn keep_job<S>(fields: Fields, span: &Id, context: &Context<'_, S>)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        if let (Some(job), Some(span)) = (fields.job, context.span(span)) {
            span.extensions_mut().replace(JobOfSpan(job));
        }
    }
}

/// The job that a span is about.
struct JobOfSpan(String);

impl<S, W> Layer<S> for Terminal<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn(&str) + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, span: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        Self::keep_job(fields, span, &context);
    }

    fn on_record(&self, span: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        Self::keep_job(fields, span, &context);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        if fields.job.is_none() {
            let mut spans = context.event_scope(event).into_iter().flatten();
            fields.job = spans.find_map(|span| span.extensions().get::<JobOfSpan>().map(|of| of.0.clone()));
        }
        let metadata = event.metadata();
        let line = match metadata.target() == LAST_LINE_TARGET {
            true => fields.last_line(),
            false => fields.line(*metadata.level()),
        };
        (self.write)(&one_line(&line));
    }
}

/// What an event or a span says.
#[derive(Debug, Default)]
struct Fields {
    message: String,
    job: Option<String>,
    input_name: Option<String>,
    kind: Option<String>,
    /// All others, in their order.
    more: Vec<(&'static str, String)>,
}

impl Fields {
    /// How a job ended: `01934d2e-… bearing.glb: still completed after 3.210 s`.
    fn last_line(self) -> String {
        let named = [self.job, self.input_name].into_iter().flatten().collect::<Vec<_>>().join(" ");
        // What was done was `render_still`, what was asked for is a still.
        let kind = self.kind.unwrap_or_default();
        format!("{named}: {} {}", kind.strip_prefix("render_").unwrap_or(&kind), self.message)
    }

    /// Anything else: `warning: the lease was lost: … (job 01934d2e-…)`.
    fn line(self, level: Level) -> String {
        let mark = match level {
            Level::ERROR => "error: ",
            Level::WARN => "warning: ",
            Level::INFO | Level::DEBUG | Level::TRACE => "",
        };
        let named = [("job", self.job), ("file", self.input_name), ("kind", self.kind)];
        let named = named.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let about: Vec<String> = named.chain(self.more).map(|(name, value)| format!("{name} {value}")).collect();
        match about.is_empty() {
            true => format!("{mark}{}", self.message),
            false => format!("{mark}{} ({})", self.message, about.join(", ")),
        }
    }

    fn take(&mut self, field: &Field, value: String) {
        match field.name() {
            "message" => self.message = value,
            "job.id" => self.job = Some(value),
            "input_name" => self.input_name = Some(value),
            "kind" => self.kind = Some(value),
            name => self.more.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.take(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::field::{Empty, display};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// The lines that a terminal shows of what is logged.
    fn lines(log: impl FnOnce()) -> Vec<String> {
        let shown = Arc::new(Mutex::new(Vec::new()));
        let writer = shown.clone();
        let terminal = Terminal::new(move |line: &str| writer.lock().expect("no panic").push(line.to_owned()));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(terminal), log);
        let lines = shown.lock().expect("no panic");
        lines.clone()
    }

    #[test]
    fn a_job_ends_with_what_it_was_and_how() {
        let shown = lines(|| {
            let span = tracing::error_span!("attempt", task.id = 7, job.id = Empty);
            span.record("job.id", display("0193b2a0"));
            span.in_scope(|| {
                let took_s = 3.21;
                tracing::info!(target: LAST_LINE_TARGET, input_name = "bearing.glb", kind = "render_still", "completed after {took_s:.3} s");
                tracing::warn!(target: LAST_LINE_TARGET, kind = "render_turntable", "failed: glb.truncated: it ends at byte 9");
            });
            let name = None::<&str>;
            tracing::info!(target: LAST_LINE_TARGET, { job.id = "0193b2a1", input_name = name, kind = "compare" }, "cancelled while it waited");
        });
        let expected = [
            "0193b2a0 bearing.glb: still completed after 3.210 s",
            "0193b2a0: turntable failed: glb.truncated: it ends at byte 9",
            "0193b2a1: compare cancelled while it waited",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn warnings_and_errors_say_what_they_are_about() {
        let shown = lines(|| {
            tracing::warn!("cannot claim tasks: the database is away");
            tracing::warn!(library = %"ACME", n = 3, "the library does not exist");
            tracing::error_span!("attempt", task.id = 7, job.id = "0193b2a0").in_scope(|| {
                tracing::info_span!("inner").in_scope(|| tracing::error!("the task panicked"));
            });
            tracing::warn!(job.id = "0193b2a1", "[WORKER_RECOVERY] worker of attempt 1 lost");
            tracing::info!("[GPU_PROBE] llvmpipe activated (vulkan) — using software render");
        });
        let expected = [
            "warning: cannot claim tasks: the database is away",
            "warning: the library does not exist (library ACME, n 3)",
            "error: the task panicked (job 0193b2a0)",
            "warning: [WORKER_RECOVERY] worker of attempt 1 lost (job 0193b2a1)",
            "[GPU_PROBE] llvmpipe activated (vulkan) — using software render",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn nothing_in_a_message_or_a_name_makes_a_line_of_its_own() {
        let shown = lines(|| {
            tracing::warn!("a\nb\u{1b}[31m");
            tracing::info!(target: LAST_LINE_TARGET, { job.id = "0193", input_name = "a\r\nerror: b", kind = "x" }, "completed");
        });
        assert_eq!(shown, ["warning: a b [31m", "0193 a  error: b: x completed"]);
    }
}
