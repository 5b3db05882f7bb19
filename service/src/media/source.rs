//! A stored file for decoders, which read here and there: group by group, each compared with its hash before it is
//! given out.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::TryStreamExt;
use tokio::runtime::Handle;

use crate::objects::{ObjectError, Reading};
use packshot_domain::hash::GROUP_BYTES;

/// A stored file, on a thread that may block.
pub(super) struct ObjectFile {
    reading: Reading,
    runtime: Handle,
    at: u64,
    /// The group that was read last, and where it begins.
    group: Option<(u64, Bytes)>,
    failed: Failed,
}

/// Why a stored file could not be read: decoders do not say it.
#[derive(Clone, Default)]
pub(super) struct Failed(Arc<Mutex<Option<ObjectError>>>);

impl Failed {
    /// What went wrong, if it was the reading.
    pub(super) fn take(&self) -> Option<ObjectError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ObjectFile {
    /// A stored file, and what will be known if it cannot be read.
    pub(super) fn new(reading: Reading, runtime: Handle) -> (Self, Failed) {
        let failed = Failed::default();
        (Self { reading, runtime, at: 0, group: None, failed: failed.clone() }, failed)
    }

    /// The bytes from the place on, as far as their group goes.
    fn rest_of_group(&mut self) -> Result<Bytes, ObjectError> {
        let begin = self.at - self.at % GROUP_BYTES;
        let known = self.group.as_ref().filter(|(own, _)| *own == begin).map(|(_, bytes)| bytes.clone());
        let bytes = match known {
            Some(bytes) => bytes,
            None => {
                let range = begin..(begin + GROUP_BYTES).min(self.reading.size_bytes());
                let reading = self.reading.clone();
                let read = async { reading.stream(range).await?.try_next().await };
                let bytes = self.runtime.block_on(read)?.unwrap_or_default();
                self.group = Some((begin, bytes.clone()));
                bytes
            }
        };
        Ok(bytes.slice(usize::try_from(self.at - begin).unwrap_or(usize::MAX).min(bytes.len())..))
    }
}

impl Read for ObjectFile {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.reading.size_bytes() || out.is_empty() {
            return Ok(0);
        }
        let bytes = self.rest_of_group().map_err(|error| {
            let told = io::Error::other(error.to_string());
            *self.failed.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            told
        })?;
        let n = bytes.len().min(out.len());
        out[..n].copy_from_slice(&bytes[..n]);
        self.at += n as u64;
        Ok(n)
    }
}

impl Seek for ObjectFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.reading.size_bytes().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
