//! The boxes of an MP4: a length, a name, content.

use super::{ParameterSets, Sample};
use crate::encode::movie::MovieSettings;

/// Clock ticks per frame: enough that frames at other rates could be edited in without rounding.
const TICKS_PER_FRAME: u32 = 512;
/// The matrix of a picture that is neither rotated nor scaled.
const IDENTITY: [u32; 9] = [1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30];
/// Track flags: enabled, in the movie and in its preview.
const TRACK_FLAGS: u32 = 7;
/// 72 per inch, the value that the format prescribes.
const RESOLUTION: u32 = 72 << 16;
/// No language: `und`, five bits a letter.
const UNDETERMINED: u16 = 0x55c4;

/// Where frames are, and which are keyframes.
#[derive(Default)]
pub(super) struct Table {
    sizes_bytes: Vec<u32>,
    /// From 1.
    sync_frames: Vec<u32>,
}

impl Table {
    /// The longest table for this many frames.
    pub(super) fn longest(n_frames: u32) -> Self {
        Self { sizes_bytes: vec![0; n_frames as usize], sync_frames: (1..=n_frames).collect() }
    }

    pub(super) fn add(&mut self, sample: &Sample) {
        // A frame has a few megabytes at most, because its size is limited.
        self.sizes_bytes.push(sample.bytes.len() as u32);
        if sample.is_sync {
            self.sync_frames.push(self.sizes_bytes.len() as u32);
        }
    }
}

/// The file's kind.
pub(super) fn file_type() -> Vec<u8> {
    boxed(b"ftyp", &[&b"isom\0\0\x02\0"[..], b"isomiso2avc1mp41"])
}

/// An empty box of this length.
pub(super) fn free(length: usize) -> Vec<u8> {
    boxed(b"free", &[&vec![0; length - super::BOX_HEADER_BYTES]])
}

/// Everything about the movie except its frames, which start at byte `first_frame_at` of the file.
pub(super) fn movie(
    settings: &MovieSettings,
    parameters: &ParameterSets,
    table: &Table,
    first_frame_at: u32,
) -> Vec<u8> {
    let n_frames = table.sizes_bytes.len() as u32;
    let (ticks_per_second, ticks) = (u32::from(settings.fps) * TICKS_PER_FRAME, n_frames * TICKS_PER_FRAME);
    // Creation and modification times stay 0, so that equal movies have equal bytes.
    let movie_header = [
        words(&[0, 0, ticks_per_second, ticks, 1 << 16]), // normal speed
        vec![1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],         // normal volume
        words(&IDENTITY),
        words(&[0; 6]),
        words(&[2]), // the next track's number
    ]
    .concat();
    let track_header =
        [words(&[0, 0, 1, 0, ticks, 0, 0, 0, 0]), words(&IDENTITY), words(&settings.size_px.map(|side| side << 16))]
            .concat();
    let edits = full(b"elst", 0, &[&words(&[1, ticks, 0, 1 << 16])]);
    let track = [
        full(b"tkhd", TRACK_FLAGS, &[&track_header]),
        boxed(b"edts", &[&edits]),
        media(settings, parameters, table, [ticks_per_second, ticks], first_frame_at),
    ]
    .concat();
    boxed(b"moov", &[&full(b"mvhd", 0, &[&movie_header]), &boxed(b"trak", &[&track])])
}

fn media(
    settings: &MovieSettings,
    parameters: &ParameterSets,
    table: &Table,
    clock: [u32; 2],
    first_frame_at: u32,
) -> Vec<u8> {
    let header = full(b"mdhd", 0, &[&words(&[0, 0]), &words(&clock), &UNDETERMINED.to_be_bytes(), &[0, 0]]);
    let handler = full(b"hdlr", 0, &[&[0; 4], b"vide", &[0; 12], b"Video\0"]);
    // The frames are in this file.
    let references = full(b"dref", 0, &[&words(&[1]), &full(b"url ", 1, &[])]);
    let information = boxed(
        b"minf",
        &[
            &full(b"vmhd", 1, &[&[0; 8]]),
            &boxed(b"dinf", &[&references]),
            &sample_table(settings, parameters, table, first_frame_at),
        ],
    );
    boxed(b"mdia", &[&header, &handler, &information])
}

fn sample_table(settings: &MovieSettings, parameters: &ParameterSets, table: &Table, first_frame_at: u32) -> Vec<u8> {
    let Table { sizes_bytes, sync_frames } = table;
    let n_frames = sizes_bytes.len() as u32;
    boxed(
        b"stbl",
        &[
            &full(b"stsd", 0, &[&words(&[1]), &sample_entry(settings, parameters)]),
            &full(b"stts", 0, &[&words(&[1, n_frames, TICKS_PER_FRAME])]),
            &full(b"stss", 0, &[&words(&[sync_frames.len() as u32]), &words(sync_frames)]),
            // All frames are contiguous, in one chunk.
            &full(b"stsc", 0, &[&words(&[1, 1, n_frames, 1])]),
            &full(b"stsz", 0, &[&words(&[0, n_frames]), &words(sizes_bytes)]),
            &full(b"stco", 0, &[&words(&[1, first_frame_at])]),
        ],
    )
}

/// What the frames are: H.264, its parameters and its colours.
fn sample_entry(settings: &MovieSettings, parameters: &ParameterSets) -> Vec<u8> {
    let [width, height] = settings.size_px.map(|side| side as u16);
    let fields = [
        vec![0, 0, 0, 0, 0, 0, 0, 1], // of the first data reference
        vec![0; 16],
        width.to_be_bytes().to_vec(),
        height.to_be_bytes().to_vec(),
        words(&[RESOLUTION, RESOLUTION, 0]),
        vec![0, 1], // frames in a sample
        vec![0; 32],
        vec![0, 24, 0xff, 0xff], // 24 bits, no colour table
    ]
    .concat();
    boxed(b"avc1", &[&fields, &decoder_configuration(parameters), &colors()])
}

/// `avcC`: profile and level as the sequence parameters begin, lengths of 4 bytes, one set of each kind.
fn decoder_configuration(parameters: &ParameterSets) -> Vec<u8> {
    let ParameterSets { sequence, picture } = parameters;
    let length = |set: &[u8]| (set.len() as u16).to_be_bytes();
    let profile = sequence.get(1..4).unwrap_or(&[0; 3]);
    boxed(
        b"avcC",
        &[&[1], profile, &[0xfc | 3, 0xe0 | 1], &length(sequence), sequence, &[1], &length(picture), picture],
    )
}

/// Primaries, transfer function and matrix of BT.709, limited range.
fn colors() -> Vec<u8> {
    boxed(b"colr", &[b"nclx\0\x01\0\x01\0\x01\0"])
}

fn boxed(name: &[u8; 4], content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    // The frames, which are large, are not written by this function.
    let length = (super::BOX_HEADER_BYTES + content.len()) as u32;
    [&length.to_be_bytes()[..], name, &content].concat()
}

/// A box with a version, 0, and flags.
fn full(name: &[u8; 4], flags: u32, content: &[&[u8]]) -> Vec<u8> {
    boxed(name, &[&[&flags.to_be_bytes()[..]], content].concat())
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}
