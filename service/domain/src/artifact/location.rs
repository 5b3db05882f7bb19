//! Where the bytes of a file lie, and how they are there.

use std::fmt;
use std::str::FromStr;

use sha1::{Digest, Sha1};
use uuid::{Builder, Uuid};

use super::file::ByteSize;
use crate::hash::ContentAddress;
use crate::id::{FileId, InvalidId};
use crate::time::Timestamp;
use crate::words::words;

/// Most characters of the name of a backend.
const BACKEND_CHARS_MAX: usize = 64;

/// The name of a place that holds objects, such as `local`: 1 to 64 characters of `a-z`, `0-9`, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BackendId(String);

/// Text that is not the name of a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name of a backend is 1 to {BACKEND_CHARS_MAX} characters of a-z, 0-9, '_' and '-'")]
pub struct InvalidBackendId;

impl BackendId {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BackendId {
    type Err = InvalidBackendId;

    fn from_str(text: &str) -> Result<Self, InvalidBackendId> {
        let is_fit = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
        let is_name = (1..=BACKEND_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_fit);
        if is_name { Ok(Self(text.to_owned())) } else { Err(InvalidBackendId) }
    }
}

impl fmt::Display for BackendId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One place where the bytes of one file lie. It follows from what it is of, so that everyone who knows that knows the
/// id as well: a UUID of version 5 (RFC 9562 §5.5) in the namespace of the file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StorageLocationId(Uuid);

impl StorageLocationId {
    /// The place in `backend` of the file with this content.
    #[must_use]
    pub fn of(file: FileId, backend: &BackendId, address: ContentAddress) -> Self {
        let name = format!("{backend}/{address}");
        let hash = Sha1::new().chain_update(file.uuid().as_bytes()).chain_update(name.as_bytes()).finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        Self(Builder::from_sha1_bytes(bytes).into_uuid())
    }

    /// The place with this UUID.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// Its UUID.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for StorageLocationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for StorageLocationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StorageLocationId({})", self.0)
    }
}

impl FromStr for StorageLocationId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Uuid::parse_str(text).map(Self).map_err(|_| InvalidId)
    }
}

/// What a backend confirmed when it stored the bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The backend.
    pub backend: BackendId,
    /// How many bytes it stored.
    pub size: ByteSize,
    /// When.
    pub stored_at: Timestamp,
}

words! {
    /// State of a storage location, as it was last read.
    pub enum LocationState {
        /// The bytes are those of the address
        Intact = "ok",
        /// There is no object
        Missing = "missing",
        /// The bytes are others
        Corrupt = "corrupt",
    }
}

/// What was read at a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed {
    /// How many bytes there are.
    pub size: ByteSize,
    /// The address of those bytes; `None` when not all of them were read.
    pub address: Option<ContentAddress>,
}

/// What is wrong with a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// There is no object.
    Missing,
    /// The bytes are not those of the address.
    Corrupt(Observed),
}

impl Damage {
    /// The state of a location with this damage.
    #[must_use]
    pub const fn state(self) -> LocationState {
        match self {
            Self::Missing => LocationState::Missing,
            Self::Corrupt(_) => LocationState::Corrupt,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_follows_from_file_backend_and_content() {
        let file: FileId = "01935d00-0000-7000-8000-0000000000f1".parse().expect("an id");
        let local: BackendId = "local".parse().expect("a backend");
        let address = ContentAddress::of("hello world".repeat(100).as_bytes());
        let id = StorageLocationId::of(file, &local, address);
        assert_eq!(id.to_string(), "291ab549-4a81-59a9-9b77-0c5dd9c73cca");
        assert_eq!((id.uuid().get_version_num(), id.to_string().parse()), (5, Ok(id)));
        let bucket = "s3".parse().expect("a backend");
        let others = [
            StorageLocationId::of(FileId::new(), &local, address),
            StorageLocationId::of(file, &bucket, address),
            StorageLocationId::of(file, &local, ContentAddress::of(b"")),
        ];
        assert!(!others.contains(&id));
    }

    #[test]
    fn backends_have_plain_names() {
        let long = "x".repeat(65);
        for text in ["", "S3", "a/b", "ä", &long] {
            assert_eq!(text.parse::<BackendId>(), Err(InvalidBackendId), "{text:?}");
        }
        assert_eq!("s3-eu_1".parse::<BackendId>().expect("a name").as_str(), "s3-eu_1");
    }
}
