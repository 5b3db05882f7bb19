//! Parsed material libraries, kept for later requests.

use std::sync::Arc;

use packshot_materials::library::Library;

use packshot_domain::hash::ContentAddress;
use packshot_worker::lru::Lru;

/// Most bytes of text whose parsed libraries are kept.
const PARSED_BYTES_MAX: u64 = 32 << 20;

/// Libraries as they were parsed, by the content of their file.
#[derive(Debug)]
pub(crate) struct ParsedLibraries(Lru<ContentAddress, Arc<Library>>);

impl Default for ParsedLibraries {
    fn default() -> Self {
        Self(Lru::new(PARSED_BYTES_MAX))
    }
}

impl ParsedLibraries {
    /// The library of a file, if it was parsed not long ago.
    pub(crate) fn get(&self, file: &ContentAddress) -> Option<Arc<Library>> {
        self.0.get(file)
    }

    /// Keeps the library of a file that has so many bytes of text.
    pub(crate) fn insert(&self, file: ContentAddress, library: Arc<Library>, n_bytes: u64) {
        self.0.insert(file, library, n_bytes);
    }
}
