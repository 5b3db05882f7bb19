//! `packshot worker-child`: a worker in a process of its own. The service starts it and talks to it over its standard
//! streams.

use std::io;

use packshot::error::Fault;
use packshot_worker::child;

use super::failure::{Exit, Failure};
use super::{cache, version};

pub(crate) fn run() -> Result<(), Failure> {
    // Ctrl-C, and whoever stops a service, often signal all of its processes. The service decides what becomes of the
    // work: a worker ends when its input does.
    let kept = ctrlc::set_handler(|| {});
    kept.map_err(|reason| internal(&format!("cannot take over signals: {reason}")))?;
    let ended = child::run(io::stdin().lock(), io::stdout(), cache::store(), version::program());
    ended.map_err(|reason| internal(&format!("the service cannot be understood: {reason}")))
}

fn internal(message: &str) -> Failure {
    Failure::new(Exit::Internal, Fault::new("internal", message))
}
