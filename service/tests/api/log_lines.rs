//! What the service writes to its log: errors go to standard error, so that a test that fails shows why the service
//! answered 500; all lines are kept for tests that look for what must not be there.

use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// The lines of all tests of this process.
static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Whether lines are kept.
static KEEPS: AtomicBool = AtomicBool::new(false);

/// Shows errors from now on.
pub(crate) fn show_errors() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Lines).expect("nothing else takes lines"));
}

/// Keeps lines from now on.
pub(crate) fn keep() {
    show_errors();
    KEEPS.store(true, Ordering::Relaxed);
    // What nobody wanted before is wanted now.
    tracing::callsite::rebuild_interest_cache();
}

/// The lines so far.
pub(crate) fn so_far() -> Vec<String> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Takes what the service says, down to what it says only when it is asked for more.
struct Lines;

/// The fields of a line.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{}={value:?} ", field.name()).expect("text grows");
    }
}

impl Text {
    fn keep(self) {
        if KEEPS.load(Ordering::Relaxed) {
            LINES.lock().unwrap_or_else(PoisonError::into_inner).push(self.0);
        }
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let least = if KEEPS.load(Ordering::Relaxed) { Level::DEBUG } else { Level::ERROR };
        *metadata.level() <= least && metadata.target().starts_with("packshot")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut text = Text::default();
        span.record(&mut text);
        text.keep();
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut text = Text::default();
        values.record(&mut text);
        text.keep();
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        if *event.metadata().level() == Level::ERROR {
            eprintln!("error of {}: {}", event.metadata().target(), text.0);
        }
        text.keep();
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
