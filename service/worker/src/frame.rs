//! Messages on a pipe: JSON with plain bytes beside it.
//!
//! A frame is, with little-endian numbers: the length of the JSON (4 bytes), the number of blobs (4 bytes), the length
//! of each blob (8 bytes each), the JSON, the blobs. Lengths are checked before anything is reserved for them.

use std::ffi::OsString;
use std::io::{self, Read, Write};

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::protocol::{FILE_BYTES_MAX, RenderWork, WorkEvent};

/// Bytes of JSON, at most: the report of a hundred thousand parts.
const JSON_BYTES_MAX: u32 = 256 << 20;
/// Blobs of a frame, at most.
const BLOBS_MAX: u32 = 64;
/// Bytes of all blobs of a frame, at most: one file, or all those of a single picture.
pub(super) const BLOB_BYTES_MAX: u64 = FILE_BYTES_MAX;

/// What a service sends to its worker process.
#[derive(Debug, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ToChild {
    /// The first message: how to work.
    Setup {
        n_threads: usize,
        resident_bytes_max: u64,
        memory_bytes_max: Option<u64>,
        /// In the form of the system: a path need not be text.
        scratch: OsString,
    },
    /// Begin this work. One at a time.
    Start(Box<RenderWork>),
    /// An asset that was wanted, as the only blob.
    Asset,
    /// An asset that was wanted cannot be read: whether it is gone for good, and why.
    NoAsset { is_missing: bool, reason: String },
    /// Stop the work.
    Cancel,
}

/// What a worker process sends.
#[derive(Debug, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FromChild {
    /// The bytes of this address are needed. One at a time.
    Want(String),
    /// What the work reports, with the blobs of the event.
    Event(WorkEvent),
    /// The work still runs.
    Heartbeat,
}

/// Writes one frame.
///
/// # Errors
/// When the other side is gone, or, with [`io::ErrorKind::InvalidData`] and nothing written, the message is larger than
/// a frame may be.
pub(super) fn write<T: Serialize>(out: &mut (impl Write + ?Sized), message: &T, blobs: &[Bytes]) -> io::Result<()> {
    write_within(out, message, blobs, BLOB_BYTES_MAX)
}

/// Writes one frame with so many bytes of blobs at most.
///
/// # Errors
/// Those of [`write`].
pub(super) fn write_within<T: Serialize>(
    out: &mut (impl Write + ?Sized),
    message: &T,
    blobs: &[Bytes],
    blob_bytes_max: u64,
) -> io::Result<()> {
    let json = serde_json::to_vec(message)?;
    let total: u64 = blobs.iter().map(|blob| blob.len() as u64).sum();
    let n_blobs = u32::try_from(blobs.len()).unwrap_or(u32::MAX);
    let json_bytes = u32::try_from(json.len()).unwrap_or(u32::MAX);
    check(json_bytes, n_blobs, total, blob_bytes_max)?;
    let mut head = Vec::with_capacity(8 + 8 * blobs.len() + json.len());
    head.extend_from_slice(&json_bytes.to_le_bytes());
    head.extend_from_slice(&n_blobs.to_le_bytes());
    for blob in blobs {
        head.extend_from_slice(&(blob.len() as u64).to_le_bytes());
    }
    head.extend_from_slice(&json);
    out.write_all(&head)?;
    for blob in blobs {
        out.write_all(blob)?;
    }
    out.flush()
}

/// Reads one frame; `None` when the other side closed the pipe between two.
///
/// # Errors
/// When it closed the pipe within a frame, or what came is not a frame.
pub(super) fn read<T: DeserializeOwned>(input: &mut impl Read) -> io::Result<Option<(T, Vec<Bytes>)>> {
    let mut head = [0; 8];
    // One byte first: nothing at all is an end, a part of a number is a broken frame.
    let (first, rest) = head.split_at_mut(1);
    if input.read(first)? == 0 {
        return Ok(None);
    }
    input.read_exact(rest)?;
    let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (json_bytes, n_blobs) = (number(0), number(4));
    check(json_bytes, n_blobs, 0, BLOB_BYTES_MAX)?;
    let mut lengths = Vec::with_capacity(n_blobs as usize);
    for _ in 0..n_blobs {
        let mut length = [0; 8];
        input.read_exact(&mut length)?;
        lengths.push(u64::from_le_bytes(length));
    }
    let total = lengths.iter().try_fold(0_u64, |sum, &length| sum.checked_add(length)).unwrap_or(u64::MAX);
    check(json_bytes, n_blobs, total, BLOB_BYTES_MAX)?;
    let json = read_bytes(input, u64::from(json_bytes))?;
    let message = serde_json::from_slice(&json)?;
    let blobs = lengths.into_iter().map(|length| read_bytes(input, length).map(Bytes::from));
    Ok(Some((message, blobs.collect::<io::Result<_>>()?)))
}

fn check(json_bytes: u32, n_blobs: u32, blob_bytes: u64, blob_bytes_max: u64) -> io::Result<()> {
    if json_bytes > JSON_BYTES_MAX || n_blobs > BLOBS_MAX || blob_bytes > blob_bytes_max {
        let message = format!("a frame of {json_bytes} bytes with {n_blobs} blobs of {blob_bytes} bytes is too large");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(())
}

fn read_bytes(input: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // Reserves as bytes arrive, so that a length alone costs nothing.
    let read = input.take(length).read_to_end(&mut bytes)?;
    if read as u64 == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

#[cfg(test)]
mod tests {
    use crate::protocol::WorkProgress;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn events_cross_the_pipe_with_their_bytes() {
        let preview =
            crate::protocol::Preview { png: Bytes::from_static(b"\x89PNG"), width: 2, height: 1, samples_done: 8 };
        let event = WorkEvent::Preview(preview);
        let mut pipe = Vec::new();
        write(&mut pipe, &FromChild::Event(event.clone()), &event.blobs()).expect("written");
        write(&mut pipe, &FromChild::Heartbeat, &[]).expect("written");
        let mut input = &pipe[..];
        let (message, blobs) = read::<FromChild>(&mut input).expect("sound").expect("there");
        let FromChild::Event(mut read_event) = message else { panic!("{message:?}") };
        assert_ne!(read_event, event, "the bytes are not in the JSON");
        assert!(read_event.attach(blobs));
        assert_eq!(read_event, event);
        assert!(matches!(read::<FromChild>(&mut input), Ok(Some((FromChild::Heartbeat, _)))));
        assert!(matches!(read::<FromChild>(&mut input), Ok(None)));
    }

    #[test]
    fn numbers_that_json_lacks_cross_the_pipe() {
        let progress = |progress_pct| {
            let (samples_done, samples_target) = (1, 2);
            WorkEvent::Progress(WorkProgress { samples_done, samples_target, progress_pct, eta_s: None })
        };
        for sent in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 12.5] {
            let mut pipe = Vec::new();
            write(&mut pipe, &FromChild::Event(progress(sent)), &[]).expect("written");
            let (message, _) = read::<FromChild>(&mut &pipe[..]).expect("sound").expect("there");
            let FromChild::Event(event) = message else { panic!("{message:?}") };
            let WorkEvent::Progress(came) = event else { panic!("{event:?}") };
            assert!(came.progress_pct.is_finite(), "{sent} came as {came:?}");
            assert!(!sent.is_finite() || came.progress_pct == sent, "{sent} came as {came:?}");
        }
    }

    #[test]
    fn lengths_alone_reserve_nothing() {
        let huge = [&u32::MAX.to_le_bytes()[..], &1_u32.to_le_bytes(), &u64::MAX.to_le_bytes()].concat();
        assert!(read::<FromChild>(&mut &huge[..]).is_err());
        let long = [&2_u32.to_le_bytes()[..], &1_u32.to_le_bytes(), &(1_u64 << 31).to_le_bytes(), b"{}"].concat();
        assert!(read::<FromChild>(&mut &long[..]).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = read::<ToChild>(&mut &bytes[..]);
        }
    }
}
