//! What can go wrong with stored files.

use std::error::Error as _;
use std::io;

use packshot_domain::hash::ContentAddress;

/// Why an object could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk is full, or a quota is used up. Nothing of the object is visible.
    #[error("no space is left for the file")]
    Full,
    /// The upload has more bytes than it may have.
    #[error("the file has more than the {bytes_max} bytes that it may have")]
    TooLarge {
        /// The limit.
        bytes_max: u64,
    },
    /// There is no such object.
    #[error("there is no such file")]
    NotFound,
    /// The bytes do not match the name.
    #[error("the stored file {address} is damaged")]
    Corrupt {
        /// The name.
        address: ContentAddress,
    },
    /// The store is not there, or an empty one is in its place: then nothing is said about its files.
    #[error("the store is empty: it has lost even the file that says whose it is")]
    Away,
    /// The local disk failed.
    #[error("the local disk failed")]
    Io(#[source] io::Error),
    /// The store failed.
    #[error("the object store failed")]
    Backend(#[source] object_store::Error),
}

impl StoreError {
    /// An error if what was stored has not as many bytes as what was sent.
    pub(super) fn unless_size(sent: u64, stored: u64) -> Result<(), Self> {
        if sent == stored {
            return Ok(());
        }
        Err(Self::Io(io::Error::other(format!("of {sent} bytes that were written, {stored} are there"))))
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        if is_full(&error) { Self::Full } else { Self::Io(error) }
    }
}

impl From<object_store::Error> for StoreError {
    fn from(error: object_store::Error) -> Self {
        if matches!(error, object_store::Error::NotFound { .. }) {
            return Self::NotFound;
        }
        let mut source = error.source();
        while let Some(cause) = source {
            if cause.downcast_ref::<io::Error>().is_some_and(is_full) {
                return Self::Full;
            }
            source = cause.source();
        }
        Self::Backend(error)
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}
