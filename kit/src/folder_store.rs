//! A folder that keeps what drivers compiled.

use std::path::PathBuf;

use packshot_renderer::backend::ByteStore;

/// Files by their names. What cannot be written is not kept.
#[derive(Debug)]
pub(crate) struct FolderStore(pub(crate) PathBuf);

impl ByteStore for FolderStore {
    fn load(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.0.join(name)).ok()
    }

    fn store(&self, name: &str, bytes: &[u8]) {
        let _ = std::fs::write(self.0.join(name), bytes);
    }
}
