//! What survives from one run to the next: kernels that a driver compiled, in the user's cache folder.

use std::path::PathBuf;
use std::sync::Arc;

use packshot_renderer::backend::ByteStore;

/// Bytes of one entry that are worth keeping.
const ENTRY_BYTES_MAX: u64 = 64 << 20;

/// Files in a folder. Whatever goes wrong with them only costs the time to compile again.
#[derive(Debug)]
struct Folder(PathBuf);

/// The store, if the user has a cache folder.
pub(crate) fn kernels() -> Option<Arc<dyn ByteStore>> {
    Some(Arc::new(Folder(user_cache()?.join("packshot").join("kernels"))))
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
    fn path(&self, name: &str) -> PathBuf {
        let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
        self.0.join(name.chars().map(plain).collect::<String>())
    }
}

impl ByteStore for Folder {
    fn load(&self, name: &str) -> Option<Vec<u8>> {
        let mut file = std::fs::File::open(self.path(name)).ok()?;
        super::files::read_at_most(&mut file, ENTRY_BYTES_MAX).ok()?
    }

    fn store(&self, name: &str, bytes: &[u8]) {
        let stored = std::fs::create_dir_all(&self.0).and_then(|()| {
            let file = tempfile::NamedTempFile::new_in(&self.0)?;
            std::fs::write(file.path(), bytes)?;
            file.persist(self.path(name)).map_err(|error| error.error)?;
            Ok(())
        });
        if let Err(reason) = stored {
            tracing::debug!("compiled kernels are not kept: {reason}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_loaded() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Folder(folder.path().join("new"));
        assert_eq!(store.load("a/../b"), None);
        store.store("a/../b", b"bytes");
        assert_eq!(store.load("a/../b"), Some(b"bytes".to_vec()));
        assert_eq!(std::fs::read_dir(&store.0).expect("made").count(), 1);
    }
}
