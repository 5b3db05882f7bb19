//! Which pictures of a series are finished: the list that is kept beside them, so that whoever begins again goes on
//! after the last.
//!
//! A picture counts as finished when the list is of the same request, the picture is listed, and what lies beside the
//! list has the digest that is listed. The list is written now and then while pictures are taken, so that the end of a
//! process by force costs a moment's pictures; these are taken again, to the same bytes.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The list is written this often at most, but for the last time.
const PAUSE: Duration = Duration::from_millis(500);

/// The list: of each finished picture, by its number, what whoever goes on must know of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finished<P> {
    schema: String,
    /// Digest of everything that the pictures follow from.
    request: String,
    /// Pictures of the whole series.
    frames: u32,
    /// By their numbers.
    finished: BTreeMap<u32, P>,
}

/// Why a list is not gone on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// It is of another request.
    Request,
    /// It is no list of this version.
    Version,
}

impl<P> Finished<P> {
    /// An empty list of a series of `frames` pictures; `request` is a digest of everything that they follow from.
    pub fn new(schema: &str, request: &str, frames: u32) -> Self {
        Self { schema: schema.to_owned(), request: request.to_owned(), frames, finished: BTreeMap::new() }
    }

    /// How many pictures are listed.
    pub fn n(&self) -> usize {
        self.finished.len()
    }

    /// What is listed of a picture.
    pub fn get(&self, number: u32) -> Option<&P> {
        self.finished.get(&number)
    }

    /// Lists a picture; what is listed must be in its place.
    pub fn insert(&mut self, number: u32, picture: P) {
        self.finished.insert(number, picture);
    }

    /// All that is listed, by number.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &P)> {
        self.finished.iter().map(|(number, picture)| (*number, picture))
    }
}

impl<P: Serialize + DeserializeOwned> Finished<P> {
    /// A list as it was written, whatever it is of.
    ///
    /// # Errors
    /// When it is no such list.
    pub fn of_json(bytes: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(bytes)
    }

    /// A list as it was written, if whoever would begin this series can go on with it.
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

    /// The list as it is written.
    ///
    /// # Errors
    /// When something in it has no place in JSON.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }
}

/// When a list is written that grows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace(Option<Instant>);

impl Pace {
    /// Whether it is time to write it.
    pub fn is_due(self) -> bool {
        self.0.is_none_or(|written| written.elapsed() >= PAUSE)
    }

    /// It was written.
    pub fn written(&mut self) {
        self.0 = Some(Instant::now());
    }
}

/// The digest of a file as lists have it.
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
