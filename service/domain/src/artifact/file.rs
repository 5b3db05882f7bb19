//! One file of a package.

use std::fmt;
use std::str::FromStr;

use super::location::LocationState;
use super::path::RelativePath;
use super::tree::{Integer, InvalidNumber, Tree};
use crate::hash::{ContentAddress, Sha256Digest};
use crate::id::FileId;
use crate::words::words;

/// Most bytes of a media type.
const MEDIA_TYPE_BYTES_MAX: usize = 255;

/// One file of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactFile {
    /// Its id.
    pub id: FileId,
    /// Where it lies in its package.
    pub path: RelativePath,
    /// What kind of bytes it has.
    pub media_type: MediaType,
    /// How many.
    pub size: ByteSize,
    /// Their address.
    pub address: ContentAddress,
    /// Their second digest.
    pub sha256: Sha256Digest,
}

words! {
    /// State of a file, as its readers see it.
    pub enum FileState {
        /// Its bytes are there
        Intact = "ok",
        /// Its bytes cannot be found
        Missing = "missing",
        /// Its bytes are others than they were
        Corrupt = "corrupt",
        /// Its bytes were removed with its package
        Expired = "expired",
    }
}

impl FileState {
    /// The state of a file whose location is in this state; a package that expires or is deleted loses its locations.
    #[must_use]
    pub const fn of(location: Option<LocationState>) -> Self {
        match location {
            Some(LocationState::Intact) => Self::Intact,
            Some(LocationState::Missing) => Self::Missing,
            Some(LocationState::Corrupt) => Self::Corrupt,
            None => Self::Expired,
        }
    }
}

/// A number of bytes, at most [`NUMBER_MAX`](super::NUMBER_MAX), so that every reader of JSON gets it right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ByteSize(Integer);

impl ByteSize {
    /// So many bytes.
    ///
    /// # Errors
    ///
    /// [`InvalidNumber::TooLarge`] above [`NUMBER_MAX`](super::NUMBER_MAX).
    pub fn new(bytes: u64) -> Result<Self, InvalidNumber> {
        Integer::new(bytes).map(Self)
    }

    /// How many bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0.get().unsigned_abs()
    }
}

impl From<ByteSize> for Tree {
    fn from(size: ByteSize) -> Self {
        size.0.into()
    }
}

/// What kind of bytes a file has, such as `image/png`, as it was given (RFC 9110 §8.3.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MediaType(String);

/// Text that is not a media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a media type, such as image/png, of at most {MEDIA_TYPE_BYTES_MAX} characters of ASCII")]
pub struct InvalidMediaType;

impl MediaType {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MediaType {
    type Err = InvalidMediaType;

    /// Type and subtype are checked; of parameters only that they are ASCII of one line.
    fn from_str(text: &str) -> Result<Self, InvalidMediaType> {
        let text = text.trim();
        let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let is_token = |part: &str| !part.is_empty() && part.bytes().all(is_fit);
        let essence = text.split(';').next().unwrap_or_default().trim_end();
        let is_typed = essence.split_once('/').is_some_and(|(kind, sub)| is_token(kind) && is_token(sub));
        let is_plain = text.len() <= MEDIA_TYPE_BYTES_MAX && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if is_typed && is_plain { Ok(Self(text.to_owned())) } else { Err(InvalidMediaType) }
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_a_type_and_a_subtype() {
        for text in ["text/plain", "image/svg+xml", "model/gltf-binary", "text/plain; charset=\"utf-8\""] {
            assert_eq!(text.parse::<MediaType>().expect("a media type").as_str(), text);
        }
        let long = format!("text/{}", "x".repeat(251));
        for text in ["", "text", "text/", "/plain", "text/pl ain", "text/plain/x", "text/plain;\nx", "text/plän", &long]
        {
            assert_eq!(text.parse::<MediaType>(), Err(InvalidMediaType), "{text:?}");
        }
    }

    #[test]
    fn sizes_are_exact_in_json() {
        assert_eq!(ByteSize::new((1 << 53) - 1).map(ByteSize::bytes), Ok((1 << 53) - 1));
        assert_eq!(ByteSize::new(1 << 53), Err(InvalidNumber::TooLarge));
    }

    #[test]
    fn a_file_without_a_location_has_expired() {
        let states = [Some(LocationState::Intact), Some(LocationState::Missing), Some(LocationState::Corrupt), None];
        let words = states.map(|state| FileState::of(state).as_str());
        assert_eq!(words, ["ok", "missing", "corrupt", "expired"]);
    }
}
