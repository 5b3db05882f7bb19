//! Only its user can access the data folder: it holds hashes of keys, and products that others may not see yet.
//!
//! Permissions of other users for the folder, the database and secrets are removed before any work begins there; if
//! that fails, the service does not start. Only Unix has such modes: elsewhere the folder is as private as the one that
//! it lies in.

use std::io;
use std::path::{Path, PathBuf};

/// Other users can access a part of a data folder, and that cannot be changed.
#[derive(Debug, thiserror::Error)]
#[error("other users of this machine can access {}: {why}", path.display())]
pub struct Exposed {
    /// The part.
    pub path: PathBuf,
    /// Why it stays so.
    pub why: Why,
}

/// Why other users keep their permissions.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// This user cannot change the mode of the folder, or no user can.
    #[error("its permissions cannot be changed ({0})")]
    Refused(io::Error),
    /// The change was accepted but had no effect.
    #[error("its file system does not store permissions")]
    NotKept,
    /// A folder such as `/tmp`.
    #[error("it is shared by all users")]
    ForEverybody,
    /// A home folder or a project, which other users may have good reasons to enter.
    #[error("it also holds other files, so its permissions were not changed")]
    NotOurs,
}

impl Exposed {
    /// The way out.
    pub fn help(&self) -> &'static str {
        "choose a folder of its own with --data (one that does not exist is created), or remove the permissions: chmod -R go= FOLDER"
    }
}

#[cfg(not(unix))]
pub(super) use elsewhere::{database, folder};
#[cfg(unix)]
pub(super) use modes::{database, folder};

#[cfg(not(unix))]
mod elsewhere {
    use std::path::Path;

    use crate::server::lock::DataFolderError;

    pub(in crate::server) fn folder(_: &Path) -> Result<(), DataFolderError> {
        Ok(())
    }

    pub(in crate::server) fn database(_: &Path, _: bool) -> Result<(), DataFolderError> {
        Ok(())
    }
}

#[cfg(unix)]
mod modes {
    use std::fs::Permissions;
    use std::io::ErrorKind;
    use std::os::unix::fs::PermissionsExt;

    use super::{Exposed, Path, Why, io};
    use crate::server::app::DATABASE_FILE;
    use crate::server::lock::{DataFolderError, LOCK_FILE};

    /// Permissions of the group and of all others.
    const NOT_OWNER: u32 = 0o077;
    /// Permissions of all others.
    const EVERYBODY: u32 = 0o007;
    /// Every user may create files there, and remove only their own.
    const STICKY: u32 = 0o1000;
    /// The folder of keys that sign.
    const SECRETS: &str = "secrets";
    /// What a new file system has in its root.
    const LOST_AND_FOUND: &str = "lost+found";

    /// Removes the permissions of other users for a data folder and the secrets in it.
    pub(in crate::server) fn folder(folder: &Path) -> Result<(), DataFolderError> {
        let mode = mode(folder)?.unwrap_or_default();
        let exposed = |why| Err(Exposed { path: folder.to_owned(), why }.into());
        if mode & EVERYBODY != 0 && mode & STICKY != 0 {
            return exposed(Why::ForEverybody);
        }
        if mode & EVERYBODY != 0 && !is_ours(folder)? {
            return exposed(Why::NotOurs);
        }
        tighten(folder, false)?;
        database(folder, false)?;
        let secrets = folder.join(SECRETS);
        tighten(&secrets, false)?;
        for secret in entries(&secrets)? {
            tighten(&secret?.path(), false)?;
        }
        Ok(())
    }

    /// The same of the database in the folder, which this process has just made if it `is_new`. Its log and index are
    /// made with its mode.
    pub(in crate::server) fn database(folder: &Path, is_new: bool) -> Result<(), DataFolderError> {
        for end in ["", "-wal", "-shm", "-journal"] {
            tighten(&folder.join(format!("{DATABASE_FILE}{end}")), is_new)?;
        }
        Ok(())
    }

    /// Whether a folder is empty, or an installation's.
    fn is_ours(folder: &Path) -> io::Result<bool> {
        if [LOCK_FILE, DATABASE_FILE].iter().any(|name| folder.join(name).exists()) {
            return Ok(true);
        }
        for entry in entries(folder)? {
            if entry?.file_name() != LOST_AND_FOUND {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What lies in a folder; nothing in one that is not there.
    fn entries(folder: &Path) -> io::Result<impl Iterator<Item = io::Result<std::fs::DirEntry>>> {
        match std::fs::read_dir(folder) {
            Ok(entries) => Ok(Some(entries).into_iter().flatten()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None.into_iter().flatten()),
            Err(error) => Err(error),
        }
    }

    /// Leaves a file or a folder, if it exists, to its owner alone. Permissions of a group are accepted where they
    /// cannot be changed; permissions of all others are not.
    fn tighten(path: &Path, is_new: bool) -> Result<(), DataFolderError> {
        let before = mode(path)?.unwrap_or_default();
        if before & NOT_OWNER == 0 {
            return Ok(());
        }
        let changed = std::fs::set_permissions(path, Permissions::from_mode(before & !NOT_OWNER));
        let left = mode(path)?.unwrap_or_default();
        if left & EVERYBODY != 0 {
            let why = changed.err().map_or(Why::NotKept, Why::Refused);
            return Err(Exposed { path: path.to_owned(), why }.into());
        }
        match left & NOT_OWNER {
            0 if is_new => {}
            0 => tracing::info!("{} had mode {before:03o}: now only its owner can access it", path.display()),
            _ => tracing::warn!("the group of {} can access it too: its permissions cannot be changed", path.display()),
        }
        Ok(())
    }

    /// The mode of what is there.
    fn mode(path: &Path) -> io::Result<Option<u32>> {
        match std::fs::metadata(path) {
            Ok(metadata) => Ok(Some(metadata.permissions().mode() & 0o7777)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn set(path: &Path, mode: u32) {
            std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("a file of ours");
        }

        #[test]
        fn what_others_may_read_becomes_its_owners() {
            let place = tempfile::tempdir().expect("a folder");
            let data = place.path();
            let files =
                [DATABASE_FILE, "packshot.db-wal", "packshot.db-shm", "secrets/jwt.json"].map(|name| data.join(name));
            std::fs::create_dir(data.join(SECRETS)).expect("made");
            for file in &files {
                std::fs::write(file, b"x").expect("written");
                set(file, 0o664);
            }
            set(&data.join(SECRETS), 0o755);
            set(data, 0o755);
            folder(data).expect("tightened");
            let of = |path: &Path| mode(path).expect("readable").expect("there");
            assert_eq!((of(data), of(&data.join(SECRETS))), (0o700, 0o700));
            for file in &files {
                assert_eq!(of(file), 0o600, "{}", file.display());
            }
            folder(data).expect("nothing is left to do");
        }

        #[test]
        fn folders_of_others_stay_as_they_are() {
            let place = tempfile::tempdir().expect("a folder");
            let data = place.path();
            let why = || match folder(data) {
                Err(DataFolderError::Exposed(Exposed { why, path })) => {
                    assert_eq!(path, data);
                    Some(why)
                }
                Ok(()) => None,
                other => panic!("{other:?}"),
            };
            set(data, 0o1777);
            assert!(matches!(why(), Some(Why::ForEverybody)));
            assert_eq!(mode(data).expect("readable"), Some(0o1777));
            set(data, 0o755);
            std::fs::write(data.join("thesis.txt"), b"x").expect("written");
            assert!(matches!(why(), Some(Why::NotOurs)));
            assert_eq!(mode(data).expect("readable"), Some(0o755));
            set(data, 0o700);
            assert!(why().is_none(), "private already");
            set(data, 0o755);
            std::fs::write(data.join(LOCK_FILE), b"").expect("written");
            assert!(why().is_none(), "an installation's");
            assert_eq!(mode(data).expect("readable"), Some(0o700));
        }
    }
}
