//! One process at a time works on a folder of frames.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use packshot::error::Fault;

use crate::cli::failure::{Exit, Failure};

/// A folder that is this process's until the claim is dropped, or the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Claim {
    _locked: Option<File>,
}

impl Claim {
    /// Of a folder that is there. Where the file system knows no locks, nobody is kept away.
    ///
    /// # Errors
    /// `output.in_use` while another process has it.
    pub(super) fn of(folder: &Path) -> Result<Self, Failure> {
        // Where folders cannot be opened as files are, a file in it stands for it.
        let opened = match cfg!(unix) {
            true => File::open(folder),
            false => OpenOptions::new().create(true).append(true).open(folder.join("turntable.lock")),
        };
        let Ok(file) = opened else { return Ok(Self { _locked: None }) };
        match file.try_lock() {
            Ok(()) => Ok(Self { _locked: Some(file) }),
            Err(TryLockError::Error(_)) => Ok(Self { _locked: None }),
            Err(TryLockError::WouldBlock) => {
                let fault = Fault::new("output.in_use", "another process renders into this folder");
                let help = "wait until it is done, or give each a folder of its own and a share of the turn with --frames-range";
                Err(Failure::new(Exit::Output, fault.at(folder.display().to_string()).help(help)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_claim_at_a_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = Claim::of(folder.path()).expect("nobody has it");
        let failure = Claim::of(folder.path()).expect_err("it is taken");
        assert_eq!((failure.exit, failure.faults[0].code.as_str()), (Exit::Output, "output.in_use"));
        drop(first);
        Claim::of(folder.path()).expect("it is free again");
    }
}
