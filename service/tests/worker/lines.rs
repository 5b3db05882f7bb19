//! The lines that the service logs, kept for tests.

use std::cell::RefCell;
use std::fmt::{Debug, Write};
use std::sync::{Mutex, OnceLock};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// The fields of each span, by its id less one.
static SPANS: Mutex<Vec<String>> = Mutex::new(Vec::new());

thread_local! {
    /// The spans that this thread is in.
    static ENTERED: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Keeps every line of this process from the first call on.
pub(crate) fn keep() {
    static KEPT: OnceLock<()> = OnceLock::new();
    KEPT.get_or_init(|| tracing::subscriber::set_global_default(Keeper).expect("the only one"));
}

/// The lines about something, each with its own fields and those of its spans at the end.
pub(crate) fn about(what: &str) -> Vec<String> {
    LINES.lock().expect("not poisoned").iter().filter(|line| line.contains(what)).cloned().collect()
}

struct Keeper;

/// A line as it is put together: the message first, then the other fields.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = if field.name() == "message" { &mut self.message } else { &mut self.fields };
        write!(text, "{value:?} ").expect("memory");
    }
}

impl Subscriber for Keeper {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO && metadata.target().starts_with("packshot_service")
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut line = Line::default();
        attributes.record(&mut line);
        let mut spans = SPANS.lock().expect("not poisoned");
        spans.push(line.fields);
        Id::from_u64(spans.len() as u64)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        let mut line = Line::default();
        values.record(&mut line);
        SPANS.lock().expect("not poisoned")[index(id)] += &line.fields;
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        ENTERED.with_borrow(|entered| {
            let spans = SPANS.lock().expect("not poisoned");
            entered.iter().for_each(|span| line.fields += &spans[*span]);
        });
        LINES.lock().expect("not poisoned").push(format!("{}{}", line.message, line.fields));
    }

    fn enter(&self, id: &Id) {
        ENTERED.with_borrow_mut(|entered| entered.push(index(id)));
    }

    fn exit(&self, _: &Id) {
        ENTERED.with_borrow_mut(|entered| _ = entered.pop());
    }
}

fn index(id: &Id) -> usize {
    id.into_u64() as usize - 1
}
