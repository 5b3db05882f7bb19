//! Which pictures of a series are finished: the list kept beside them, so that a restart continues after the last one.
//!
//! A picture counts as finished if the list is for the same request, the picture is listed, and the file beside the
//! list has the listed digest. The list is written from time to time while pictures are rendered, so that killing the
//! process loses only the last few pictures; they are rendered again, to the same bytes.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Least interval between two writes of the list, except for the last one.
const PAUSE: Duration = Duration::from_millis(500);

/// The list: for each finished picture, by its number, what is needed to continue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finished<P> {
    schema: String,
    /// Digest of everything that determines the pictures.
    request: String,
    /// Number of pictures in the whole series.
    frames: u32,
    /// By their numbers.
    finished: BTreeMap<u32, P>,
}

/// Why a list cannot be continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// It is of another request.
    Request,
    /// It is not a list of this version.
    Version,
}

impl<P> Finished<P> {
    /// An empty list for a series of `frames` pictures; `request` is a digest of everything that determines them.
    pub fn new(schema: &str, request: &str, frames: u32) -> Self {
        Self { schema: schema.to_owned(), request: request.to_owned(), frames, finished: BTreeMap::new() }
    }

    /// How many pictures are listed.
    pub fn n(&self) -> usize {
        self.finished.len()
    }

    /// How many are not.
    pub fn n_left(&self) -> usize {
        (self.frames as usize).saturating_sub(self.finished.len())
    }

    /// The entry of a picture.
    pub fn get(&self, number: u32) -> Option<&P> {
        self.finished.get(&number)
    }

    /// Adds a picture, whose file must be in place.
    pub fn insert(&mut self, number: u32, picture: P) {
        self.finished.insert(number, picture);
    }

    /// All entries, by number.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &P)> {
        self.finished.iter().map(|(number, picture)| (*number, picture))
    }
}

impl<P: Serialize + DeserializeOwned> Finished<P> {
    /// Parses a list, whatever it is for.
    ///
    /// # Errors
    /// When it is not such a list.
    pub fn of_json(bytes: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(bytes)
    }

    /// Parses a list, if this series can be continued from it.
    ///
    /// # Errors
    /// [`Other`].
    pub fn read(bytes: &[u8], schema: &str, request: &str, frames: u32) -> Result<Self, Other> {
        match Self::of_json(bytes) {
            Ok(found) if found.schema != schema => Err(Other::Version),
            Ok(found) if found.request != request || found.frames != frames => Err(Other::Request),
            Ok(found) => Ok(found),
            Err(_) => Err(Other::Version),
        }
    }

    /// The list as JSON.
    ///
    /// # Errors
    /// When something in it cannot be represented in JSON.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }
}

/// Decides when a growing list is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace(Option<Instant>);

impl Pace {
    /// Whether it is time to write it.
    pub fn is_due(self) -> bool {
        self.0.is_none_or(|written| written.elapsed() >= PAUSE)
    }

    /// Records that it was written.
    pub fn written(&mut self) {
        self.0 = Some(Instant::now());
    }
}

/// The digest of a file as stored in lists.
///
/// # Errors
/// When it cannot be read.
pub fn digest_of(mut file: impl Read) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(&mut file)?;
    Ok(hasher.finalize().to_hex().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_by_the_same_request_alone() {
        let mut list = Finished::new("a/1", "request", 8);
        list.insert(3, "three".to_owned());
        let text = list.to_json().expect("JSON");
        let read = |schema, request, frames| Finished::<String>::read(text.as_bytes(), schema, request, frames);
        assert_eq!(read("a/1", "request", 8), Ok(list));
        assert_eq!(read("a/1", "another", 8), Err(Other::Request));
        assert_eq!(read("a/1", "request", 9), Err(Other::Request));
        assert_eq!(read("a/2", "request", 8), Err(Other::Version));
        assert_eq!(Finished::<u32>::read(text.as_bytes(), "a/1", "request", 8), Err(Other::Version));
        assert_eq!(Finished::<String>::read(&text.as_bytes()[..9], "a/1", "request", 8), Err(Other::Version));
    }
}
