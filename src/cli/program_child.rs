//! `packshot program-child`: the supervisor of a program that the service runs, such as a converter of CAD files. The
//! service starts it and talks to it over its standard streams.

use std::io;

use packshot::error::Fault;
use packshot_worker::command::supervisor;

use super::failure::{Exit, Failure};

pub(crate) fn run() -> Result<(), Failure> {
    // Ctrl-C, and whoever stops a service, often signal all of its processes. The service decides what becomes of the
    // program: its pipe says so, also when the service is gone.
    let kept = ctrlc::set_handler(|| {});
    kept.map_err(|reason| internal(&format!("cannot take over signals: {reason}")))?;
    let supervised = supervisor::run(io::BufReader::new(io::stdin()), io::stdout().lock());
    supervised.map_err(|reason| internal(&format!("the program cannot be supervised: {reason}")))
}

fn internal(message: &str) -> Failure {
    Failure::new(Exit::Internal, Fault::new("internal", message))
}
