//! What survives from one run to the next, in the user's cache folder: kernels that a driver compiled, trees of large
//! products.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use packshot_renderer::store::{ByteStore, Kept};

/// Bytes of one entry that are worth keeping: the trees of fifty million triangles.
const ENTRY_BYTES_MAX: u64 = 256 << 20;
/// Bytes of all entries of a kind. Those that were not used for longest make room.
const KIND_BYTES_MAX: u64 = 1 << 30;

/// How names of files begin that are being written.
const UNFINISHED: &str = ".tmp";
/// No file takes that long to write.
const UNFINISHED_MAX: Duration = Duration::from_secs(24 * 3600);

/// Files in a folder for each kind. Whatever goes wrong with them only costs the time to make them again.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    kind_bytes_max: u64,
}

/// The store, if the user has a cache folder.
pub(crate) fn store() -> Option<Arc<dyn ByteStore>> {
    Some(Arc::new(Folder { path: user_cache()?.join("packshot"), kind_bytes_max: KIND_BYTES_MAX }))
}

/// As the XDG Base Directory Specification and its counterparts on other systems have it.
fn user_cache() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if cfg!(windows) {
        return folder("LOCALAPPDATA");
    }
    let below_home = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
    folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(below_home)))
}

impl Folder {
    fn of_kind(&self, kind: Kept) -> PathBuf {
        self.path.join(kind.name())
    }

    fn file(&self, kind: Kept, name: &str) -> PathBuf {
        let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
        self.of_kind(kind).join(name.chars().map(plain).collect::<String>())
    }

    fn write(&self, kind: Kept, name: &str, bytes: &[u8]) -> io::Result<()> {
        let folder = self.of_kind(kind);
        std::fs::create_dir_all(&folder)?;
        make_room(&folder, self.kind_bytes_max.saturating_sub(bytes.len() as u64))?;
        let file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&folder)?;
        std::fs::write(file.path(), bytes)?;
        file.persist(self.file(kind, name)).map_err(|error| error.error)?;
        Ok(())
    }
}

impl ByteStore for Folder {
    fn load(&self, kind: Kept, name: &str) -> Option<Vec<u8>> {
        let path = self.file(kind, name);
        // What else is put there could keep whoever opens it waiting.
        if !path.metadata().ok()?.is_file() {
            return None;
        }
        let mut file = File::open(path).ok()?;
        let bytes = super::files::read_at_most(&mut file, ENTRY_BYTES_MAX).ok()?;
        // So that what is used stays. In a folder that may only be read nothing has to make room either.
        let _is_marked = file.set_modified(SystemTime::now());
        bytes
    }

    fn store(&self, kind: Kept, name: &str, bytes: &[u8]) {
        if bytes.len() as u64 > ENTRY_BYTES_MAX {
            return;
        }
        if let Err(reason) = self.write(kind, name, bytes) {
            tracing::debug!("{} are not kept: {reason}", kind.name());
        }
    }
}

/// Removes the files that were not used for longest, until the others have at most `bytes_max`, and what processes left
/// unfinished that ended long ago.
fn make_room(folder: &Path, bytes_max: u64) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // Another process may have removed it.
        let Ok(facts) = entry.metadata().and_then(|facts| Ok((facts.modified()?, facts.len()))) else { continue };
        let is_old = || facts.0.elapsed().is_ok_and(|age| age > UNFINISHED_MAX);
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) && is_old() {
            std::fs::remove_file(entry.path())?;
        } else {
            files.push((facts, entry.path()));
        }
    }
    files.sort_unstable();
    let mut bytes: u64 = files.iter().map(|((_, len), _)| len).sum();
    for ((_, len), path) in files {
        if bytes <= bytes_max {
            break;
        }
        bytes -= len;
        std::fs::remove_file(path).or_else(|reason| match reason.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(reason),
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_loaded() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Folder { path: folder.path().join("new"), kind_bytes_max: KIND_BYTES_MAX };
        assert_eq!(store.load(Kept::Trees, "a/../b"), None);
        store.store(Kept::Trees, "a/../b", b"bytes");
        assert_eq!(store.load(Kept::Trees, "a/../b"), Some(b"bytes".to_vec()));
        assert_eq!(store.load(Kept::Kernels, "a/../b"), None);
        assert_eq!(std::fs::read_dir(store.of_kind(Kept::Trees)).expect("made").count(), 1);
    }

    #[test]
    fn what_was_not_used_for_longest_makes_room() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Folder { path: folder.path().to_owned(), kind_bytes_max: 10 };
        let age = |name: &str, hours: u64| {
            let file = File::options().write(true).open(store.file(Kept::Trees, name)).expect("there");
            file.set_modified(SystemTime::now() - Duration::from_secs(3600 * hours)).expect("marked");
        };
        for (name, hours) in [("a", 3), ("b", 2), ("c", 1)] {
            store.store(Kept::Trees, name, b"123");
            age(name, hours);
        }
        assert!(store.load(Kept::Trees, "a").is_some(), "used now");
        store.store(Kept::Trees, "d", b"4567");
        let is_there = |name: &&str| store.load(Kept::Trees, name).is_some();
        assert_eq!(["a", "b", "c", "d"].iter().filter(|name| is_there(name)).collect::<Vec<_>>(), [&"a", &"c", &"d"]);
        // What a killed process left is no younger than a day.
        for (name, hours) in [(".tmpold", 30), (".tmpnew", 1)] {
            std::fs::write(folder.path().join("trees").join(name), b"").expect("written");
            let file = File::options().write(true).open(folder.path().join("trees").join(name)).expect("there");
            file.set_modified(SystemTime::now() - Duration::from_secs(3600 * hours)).expect("marked");
        }
        store.store(Kept::Trees, "f", b"");
        let unfinished = [".tmpold", ".tmpnew"].map(|name| folder.path().join("trees").join(name).exists());
        assert_eq!(unfinished, [false, true]);
        store.store(Kept::Kernels, "e", &[0; 10]);
        assert!(is_there(&"d"), "kernels take no room from trees");
    }
}
