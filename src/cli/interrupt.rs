//! Ctrl-C: asks the work to stop, and ends the process when it does not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use packshot_renderer::backend::CancelToken;

use super::failure::{Exit, Failure};

/// How long work may take to notice that it is cancelled. Reading standard input, for one, never does.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Ctrl-C (and a polite request to terminate) as the commands see it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt {
    /// Set by the first Ctrl-C.
    pub(crate) cancel: CancelToken,
    /// Held while a file is put in its place, so that ending the process leaves no temporary file.
    writing: Arc<Mutex<()>>,
}

impl Interrupt {
    /// Takes over Ctrl-C. Once per process.
    pub(crate) fn install() -> Result<Self, Failure> {
        let interrupt = Self::default();
        let of_handler = interrupt.clone();
        let installed = ctrlc::set_handler(move || {
            of_handler.cancel.cancel();
            // The handler has a thread of its own, so it can wait and see.
            std::thread::sleep(PATIENCE);
            let _no_file_is_half_written = of_handler.writing();
            std::process::exit(Exit::Cancelled as i32);
        });
        match installed {
            Ok(()) => Ok(interrupt),
            Err(reason) => Err(Failure::new(
                Exit::Internal,
                packshot::error::Fault::new("internal", format!("cannot take over Ctrl-C: {reason}")),
            )),
        }
    }

    /// Fails once somebody asked to stop.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.cancel.is_cancelled() { Err(packshot::Error::cancelled().into()) } else { Ok(()) }
    }

    /// Keeps the process from being ended until the guard is dropped.
    pub(crate) fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
