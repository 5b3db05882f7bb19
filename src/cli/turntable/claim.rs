//! One process at a time works on a folder of frames.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use packshot::error::Fault;

use crate::cli::failure::{Exit, Failure};

/// The file that stands for a folder where folders cannot be locked.
pub(super) const NAME: &str = "turntable.lock";

/// A folder that is this process's until the claim is dropped, or the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Claim {
    locked: Option<File>,
    /// The folder, where it is only kept for what is in it.
    kept_while_full: Option<PathBuf>,
}

impl Claim {
    /// Of a folder that is there, and, if `is_kept_while_full`, does not stay empty. Where the file system knows no
    /// locks, nobody is kept away.
    ///
    /// # Errors
    /// `output.in_use` while another process has it.
    pub(super) fn of(folder: &Path, is_kept_while_full: bool) -> Result<Self, Failure> {
        let kept_while_full = is_kept_while_full.then(|| folder.to_owned());
        let opened = match cfg!(unix) {
            true => File::open(folder),
            false => OpenOptions::new().create(true).append(true).open(folder.join(NAME)),
        };
        let Ok(file) = opened else { return Ok(Self { locked: None, kept_while_full }) };
        match file.try_lock() {
            Ok(()) => Ok(Self { locked: Some(file), kept_while_full }),
            Err(TryLockError::Error(_)) => Ok(Self { locked: None, kept_while_full }),
            Err(TryLockError::WouldBlock) => {
                let fault = Fault::new("output.in_use", "another process renders into this folder");
                let help = "wait until it is done, or give each a folder of its own and a share of the turn with --frames-range";
                Err(Failure::new(Exit::Output, fault.at(folder.display().to_string()).help(help)))
            }
        }
    }
}

impl Drop for Claim {
    /// A folder that got nothing is not left behind; one that has something stays.
    fn drop(&mut self) {
        let Some(folder) = &self.kept_while_full else { return };
        if !cfg!(unix) && self.locked.is_some() {
            let _is_gone = std::fs::remove_file(folder.join(NAME));
        }
        let _stays = std::fs::remove_dir(folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_claim_at_a_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("a.mp4.frames");
        std::fs::create_dir(&folder).expect("made");
        let first = Claim::of(&folder, true).expect("nobody has it");
        let failure = Claim::of(&folder, true).expect_err("it is taken");
        assert_eq!((failure.exit, failure.faults[0].code.as_str()), (Exit::Output, "output.in_use"));
        assert!(folder.is_dir(), "who was refused leaves it alone");
        drop(first);
        assert!(!folder.exists(), "it got nothing");

        std::fs::create_dir(&folder).expect("made");
        drop(Claim::of(&folder, false).expect("it is free again"));
        std::fs::write(folder.join("frame_0000.png"), b"x").expect("written");
        drop(Claim::of(&folder, true).expect("it is free again"));
        assert!(folder.is_dir());
    }
}
