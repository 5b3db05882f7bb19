//! Bytes that were hashed on their way into the store.

use bytes::Bytes;

use super::{StoreError, blocking};
use packshot_domain::hash::Digests;

/// This many bytes are hashed in a fraction of a millisecond.
const HASHED_AT_ONCE: usize = 1 << 16;

/// Bytes with their digests.
#[derive(Clone, Debug)]
pub struct Hashed {
    bytes: Bytes,
    digests: Digests,
}

impl Hashed {
    /// Computes the digests of bytes. Many bytes are hashed on a thread that may block.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the process ends.
    pub async fn of(bytes: Bytes) -> Result<Self, StoreError> {
        let hash = |bytes: Bytes| Self { digests: Digests::of(&bytes), bytes };
        if bytes.len() < HASHED_AT_ONCE { Ok(hash(bytes)) } else { blocking(move || hash(bytes)).await }
    }

    /// What was computed of the bytes.
    pub fn digests(&self) -> &Digests {
        &self.digests
    }

    /// The bytes.
    pub(super) fn into_bytes(self) -> Bytes {
        self.bytes
    }
}
