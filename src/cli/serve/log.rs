//! Where the log of a service goes, and how much of it: a few lines to a person in a terminal, all that happens to
//! whatever collects logs.

use std::io;

use packshot_service::config::LogFormat;
use packshot_service::jobs::{JOB_LOG_TARGET, LAST_LINE_TARGET};
use packshot_service::server::STOP_LOG_TARGET;
use packshot_worker::device;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::super::console;
use super::terminal::Terminal;

/// Starts to log to stderr: as a [`Terminal`] shows it where stderr is one and neither `-v` nor `RUST_LOG` asks for
/// more, else whole lines or JSON objects, with times, levels and fields.
pub(super) fn start(verbose: u8, format: LogFormat) {
    let asked = EnvFilter::try_from_default_env().ok();
    if verbose == 0 && asked.is_none() && format == LogFormat::Text && console::is_watched() {
        let terminal = tracing_subscriber::registry().with(EnvFilter::new(brief())).with(Terminal::new(console::note));
        // Only a second call could fail, and there is none.
        let _ = terminal.try_init();
        return;
    }
    let filter = asked.unwrap_or_else(|| EnvFilter::new(level(verbose)));
    let lines = tracing_subscriber::fmt().with_writer(io::stderr).log_internal_errors(false).with_env_filter(filter);
    let _ = match format {
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).try_init(),
        LogFormat::Text => lines.with_ansi(console::is_watched()).with_target(false).try_init(),
    };
}

/// What a terminal shows: warnings and errors of the service, the device at the start, and the last line of each job.
/// What a job reports about itself until then, warnings too, is in its own log, which the page and `client watch` show.
fn brief() -> String {
    format!("warn,{JOB_LOG_TARGET}=off,{LAST_LINE_TARGET}=info,{STOP_LOG_TARGET}=info,{}=info", device::LOG_TARGET)
}

/// What `-v` asks for. Whatever collects logs gets as much without it as with one.
fn level(verbose: u8) -> &'static str {
    // `packshot=info` also covers packshot_service and the others: targets match by prefix.
    match verbose {
        0 | 1 => "packshot=info,warn",
        2 => "packshot=debug,info",
        3 => "packshot=trace,debug",
        _ => "trace",
    }
}
