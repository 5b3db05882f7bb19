//! Why a command ended without doing what it was asked, as an exit code and what stderr says.

use std::process::ExitCode;

use packshot::error::{Error, ErrorKind, Fault};

use super::table;

/// The exit codes of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// A bug.
    Internal = 1,
    /// Wrong usage.
    Usage = 2,
    /// Bad input: file, map, library, shot, environment.
    Input = 3,
    /// Parts without a material, with `--on-unmapped fail`.
    Unmapped = 4,
    /// No usable device, or device memory too small.
    Device = 5,
    /// Output could not be written; for `serve`: the address, the data folder, the database or the store cannot be
    /// used.
    Output = 6,
    /// The service refused, or the job failed or was cancelled.
    #[cfg(feature = "service")]
    Service = 7,
    /// The pictures are there, and break a rule of the preset that they were made for.
    Rules = 8,
    /// `verify`: a picture, or something in its package, is not what was made; `admin scrub`: a stored file is not what
    /// was stored.
    #[cfg(feature = "service")]
    Differs = 9,
    /// Ctrl-C.
    Cancelled = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) faults: Vec<Fault>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, fault: Fault) -> Self {
        Self { exit, faults: vec![fault] }
    }

    /// The same, with an option as the place of faults that name none.
    pub(crate) fn at_option(mut self, option: &str) -> Self {
        for fault in self.faults.iter_mut().filter(|fault| fault.at.is_empty()) {
            fault.at = option.to_owned();
        }
        self
    }

    /// Several as one, with the exit code of the one that ended the work, else of the first.
    pub(crate) fn of_all(failures: Vec<Self>) -> Option<Self> {
        let exit = failures.iter().find(|failure| failure.ends_work()).or(failures.first())?.exit;
        Some(Self { exit, faults: failures.into_iter().flat_map(|failure| failure.faults).collect() })
    }

    /// Whether no further input can be worked on either: the program, the machine or the user's mind is the matter.
    pub(crate) fn ends_work(&self) -> bool {
        !self.is_of_input() && self.exit != Exit::Rules
    }

    /// Whether it is about what was given.
    fn is_of_input(&self) -> bool {
        matches!(self.exit, Exit::Input | Exit::Unmapped | Exit::Usage)
    }

    /// The same, with the input among several that it is about before each place.
    pub(crate) fn in_input(mut self, input: &str) -> Self {
        if self.is_of_input() {
            for fault in self.faults.iter_mut().filter(|fault| !fault.at.starts_with(input)) {
                fault.at = if fault.at.is_empty() { input.to_owned() } else { format!("{input}: {}", fault.at) };
            }
        }
        self
    }

    /// The same, with the only input before places within it, which say nothing alone.
    pub(crate) fn in_file(mut self, input: &str) -> Self {
        if self.is_of_input() {
            let is_within = |at: &str| at.starts_with("byte ") || at.starts_with('/');
            for fault in self.faults.iter_mut().filter(|fault| is_within(&fault.at) && !fault.at.starts_with(input)) {
                fault.at = format!("{input}: {}", fault.at);
            }
        }
        self
    }

    /// Wrong usage: `code` without its prefix `usage.`, and the option or argument.
    pub(crate) fn usage(
        code: &str,
        message: impl Into<String>,
        at: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::new(Exit::Usage, Fault::new(format!("usage.{code}"), message).at(at).help(help))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = match error.kind {
            ErrorKind::Input => Exit::Input,
            ErrorKind::Request => Exit::Usage,
            ErrorKind::Unmapped => Exit::Unmapped,
            ErrorKind::Device => Exit::Device,
            ErrorKind::Cancelled => Exit::Cancelled,
            ErrorKind::Internal => Exit::Internal,
        };
        let faults = error.faults.into_iter().map(|fault| Fault { at: table::place(&fault.at), ..fault });
        Self { exit, faults: faults.collect() }
    }
}
