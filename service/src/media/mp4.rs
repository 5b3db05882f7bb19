//! What an MP4 says of its movie, and where its first frame is (ISO/IEC 14496-12 and -15). Nothing of it is trusted: a
//! box lies within the one around it, and only the box that describes the movie is read into memory.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

/// Most bytes of the description of a movie.
const DESCRIPTION_BYTES_MAX: u64 = 16 << 20;
/// Boxes that are looked at on one level.
const BOXES_MAX: usize = 4_096;
/// What movies of the kind are called that this file is about; pictures have other brands.
const BRANDS: [&[u8; 4]; 10] =
    [b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V "];

/// A movie.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Movie {
    /// Width in pixels.
    pub(super) width_px: u32,
    /// Height in pixels.
    pub(super) height_px: u32,
    /// How many frames it has; none are known of one in fragments.
    pub(super) n_frames: Option<u32>,
    /// How long it lasts.
    pub(super) duration_s: Option<f64>,
    /// How it is decoded, if it is H.264.
    pub(super) avc: Option<Avc>,
    /// Where its first frame is.
    pub(super) first_sample: Option<Range<u64>>,
}

/// How an H.264 movie is decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Avc {
    /// Bytes of the length before each unit of a frame.
    pub(super) length_bytes: usize,
    /// Sequences first, then pictures.
    pub(super) parameter_sets: Vec<Vec<u8>>,
}

/// It is no movie of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no MP4 movie")]
pub(super) struct NoMovie;

/// Reads what a file says of its movie.
///
/// # Errors
/// [`NoMovie`].
pub(super) fn read(file: &mut (impl Read + Seek)) -> Result<Movie, NoMovie> {
    let end = file.seek(SeekFrom::End(0)).map_err(|_| NoMovie)?;
    let mut at = 0;
    for n in 0..BOXES_MAX {
        let (kind, body) = head(file, at, end).ok_or(NoMovie)?;
        let length = body.end - body.start;
        match &kind {
            b"ftyp" if n == 0 => {
                let brands = load(file, body.start, length.min(256)).ok_or(NoMovie)?;
                let is_known = |brand: &[u8]| BRANDS.iter().any(|known| brand == known.as_slice());
                if !brands.chunks_exact(4).any(is_known) {
                    return Err(NoMovie);
                }
            }
            _ if n == 0 => return Err(NoMovie),
            b"moov" if length > DESCRIPTION_BYTES_MAX => return Err(NoMovie),
            b"moov" => {
                let description = load(file, body.start, length).ok_or(NoMovie)?;
                return described(&description, end).ok_or(NoMovie);
            }
            _ => {}
        }
        at = body.end;
    }
    Err(NoMovie)
}

/// Whether the file goes on to the end of its last box.
pub(super) fn is_whole(file: &mut (impl Read + Seek)) -> bool {
    let Ok(end) = file.seek(SeekFrom::End(0)) else { return false };
    let mut at = 0;
    for _ in 0..BOXES_MAX {
        if at == end {
            return true;
        }
        let Some((_, body)) = head(file, at, end) else { return false };
        at = body.end;
    }
    false
}

/// The kind of the box that begins at a place of a file, and where its content is.
fn head(file: &mut (impl Read + Seek), at: u64, end: u64) -> Option<([u8; 4], Range<u64>)> {
    let head = load(file, at, 8)?;
    let (length, kind) = (u32_at(&head, 0)?, *head.get(4..)?.first_chunk()?);
    let (begin, box_end) = match length {
        0 => (at + 8, end),
        1 => (at + 16, at.checked_add(u64::from_be_bytes(*load(file, at + 8, 8)?.first_chunk()?))?),
        length => (at + 8, at + u64::from(length)),
    };
    (begin <= box_end && box_end <= end).then_some((kind, begin..box_end))
}

fn load(file: &mut (impl Read + Seek), at: u64, length: u64) -> Option<Vec<u8>> {
    file.seek(SeekFrom::Start(at)).ok()?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 == length).then_some(bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The boxes in another one; those after one that is cut short are left out.
fn boxes(mut bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (length, kind) = (u32_at(bytes, 0)?, *bytes.get(4..)?.first_chunk()?);
        let (head, length) = match length {
            0 => (8, bytes.len()),
            1 => (16, usize::try_from(u64_at(bytes, 8)?).ok()?),
            length => (8, usize::try_from(length).ok()?),
        };
        let body = bytes.get(head..length)?;
        bytes = &bytes[length..];
        Some((kind, body))
    })
    .take(BOXES_MAX)
}

fn find<'b>(bytes: &'b [u8], kind: &[u8; 4]) -> Option<&'b [u8]> {
    boxes(bytes).find(|(own, _)| own == kind).map(|(_, body)| body)
}

/// The movie that a description describes: its first track of pictures.
fn described(description: &[u8], file_end: u64) -> Option<Movie> {
    boxes(description).filter(|(kind, _)| kind == b"trak").find_map(|(_, track)| of_track(track, file_end))
}

fn of_track(track: &[u8], file_end: u64) -> Option<Movie> {
    let media = find(track, b"mdia")?;
    if find(media, b"hdlr")?.get(8..12)? != b"vide" {
        return None;
    }
    let table = find(find(media, b"minf")?, b"stbl")?;
    let (kind, entry) = boxes(find(table, b"stsd")?.get(8..)?).next()?;
    let side = |at: usize| Some(u32::from(u16::from_be_bytes(*entry.get(at..)?.first_chunk()?)));
    let (width_px, height_px) = (side(24)?, side(26)?);
    if width_px == 0 || height_px == 0 {
        return None;
    }
    let sizes = find(table, b"stsz")?;
    let n_frames = u32_at(sizes, 8)?;
    let first_size = match u32_at(sizes, 4)? {
        0 if n_frames > 0 => u32_at(sizes, 12),
        0 => None,
        size => Some(size),
    };
    let first_at = match find(table, b"stco") {
        Some(places) if u32_at(places, 4)? > 0 => u32_at(places, 8).map(u64::from),
        Some(_) => None,
        None => find(table, b"co64").filter(|places| u32_at(places, 4) > Some(0)).and_then(|places| u64_at(places, 8)),
    };
    let first_sample = first_at.zip(first_size).and_then(|(at, size)| Some(at..at.checked_add(size.into())?));
    Some(Movie {
        width_px,
        height_px,
        n_frames: (n_frames > 0).then_some(n_frames),
        duration_s: duration_s(find(media, b"mdhd")?).filter(|_| n_frames > 0),
        avc: (kind == *b"avc1" || kind == *b"avc3").then(|| find(entry.get(78..)?, b"avcC").and_then(avc)).flatten(),
        first_sample: first_sample.filter(|sample| sample.end <= file_end),
    })
}

fn duration_s(header: &[u8]) -> Option<f64> {
    let (scale, units) = match header.first()? {
        0 => (u32_at(header, 12)?, u64::from(u32_at(header, 16)?)),
        _ => (u32_at(header, 20)?, u64_at(header, 24)?),
    };
    (scale > 0).then(|| units as f64 / f64::from(scale))
}

fn avc(record: &[u8]) -> Option<Avc> {
    let mut sets = Vec::new();
    let mut take = |mut rest: &[u8], n_sets: u8| {
        for _ in 0..n_sets {
            let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
            sets.push(rest.get(2..2 + length)?.to_vec());
            rest = rest.get(2 + length..)?;
        }
        Some(rest.len())
    };
    let sequences = record.get(6..)?;
    let left = take(sequences, record.get(5)? & 0x1f)?;
    let pictures = &sequences[sequences.len() - left..];
    take(pictures.get(1..)?, *pictures.first()?)?;
    Some(Avc { length_bytes: usize::from(record.get(4)? & 3) + 1, parameter_sets: sets })
}
