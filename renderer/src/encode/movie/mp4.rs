//! MP4 with one video track, written in one pass and ready to play while it loads.
//!
//! Players need the table of frames before the frames, but it is only known after them. Its maximum length is known,
//! because the number of frames was announced: space is reserved, and filled at the end. Structure: ISO/IEC 14496-12
//! (boxes) and 14496-15 (H.264).

mod boxes;

use std::io::{self, Seek, SeekFrom, Write};

use boxes::{Table, file_type, free, movie};

use super::MovieSettings;
use crate::encode::{EncodeError, Metadata, xmp};

/// Bytes of a box's length and name.
const BOX_HEADER_BYTES: usize = 8;

/// What a decoder needs before the first frame, without start codes.
pub(super) struct ParameterSets {
    pub(super) sequence: Vec<u8>,
    pub(super) picture: Vec<u8>,
}

/// A frame: units of the stream, each preceded by its length in four bytes.
pub(super) struct Sample {
    pub(super) bytes: Vec<u8>,
    /// Whether it can be decoded without the frames before it.
    pub(super) is_sync: bool,
}

impl Sample {
    pub(super) fn add(&mut self, unit: &[u8]) {
        self.bytes.extend((unit.len() as u32).to_be_bytes());
        self.bytes.extend(unit);
    }
}

pub(super) struct Mp4Writer<W> {
    out: W,
    settings: MovieSettings,
    parameters: ParameterSets,
    /// Where the table of frames will be, and how much space it has.
    table_at: u64,
    table_room: usize,
    /// Where the box of frames starts.
    frames_at: u64,
    table: Table,
    frame_bytes: u64,
}

impl<W: Write + Seek> Mp4Writer<W> {
    pub(super) fn begin(
        mut out: W,
        settings: MovieSettings,
        parameters: ParameterSets,
        metadata: &Metadata,
    ) -> Result<Self, EncodeError> {
        let head = [file_type(), xmp::boxed(&metadata.provenance.xmp())].concat();
        let longest = movie(&settings, &parameters, &Table::longest(settings.n_frames), 0);
        let table_at = head.len() as u64;
        // Unused space becomes a free box, which needs at least a header.
        let table_room = longest.len() + BOX_HEADER_BYTES;
        let mut begin = || -> io::Result<()> {
            out.seek(SeekFrom::Start(0))?;
            out.write_all(&head)?;
            out.write_all(&free(table_room))?;
            out.write_all(b"\0\0\0\0mdat")
        };
        begin().map_err(EncodeError::Write)?;
        let frames_at = table_at + table_room as u64;
        Ok(Self { out, settings, parameters, table_at, table_room, frames_at, table: Table::default(), frame_bytes: 0 })
    }

    pub(super) fn write(&mut self, sample: &Sample) -> Result<(), EncodeError> {
        self.out.write_all(&sample.bytes).map_err(EncodeError::Write)?;
        self.frame_bytes += sample.bytes.len() as u64;
        self.table.add(sample);
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), EncodeError> {
        let too_large = || EncodeError::FileSize { format: "MP4" };
        let frames_length = self.frame_bytes + BOX_HEADER_BYTES as u64;
        u32::try_from(self.frames_at + frames_length).map_err(|_| too_large())?;
        let first_frame_at = self.frames_at as u32 + BOX_HEADER_BYTES as u32;
        let mut table = movie(&self.settings, &self.parameters, &self.table, first_frame_at);
        table.extend(free(self.table_room - table.len()));
        let mut fill = || -> io::Result<()> {
            self.out.seek(SeekFrom::Start(self.table_at))?;
            self.out.write_all(&table)?;
            self.out.write_all(&(frames_length as u32).to_be_bytes())?;
            self.out.seek(SeekFrom::End(0))?;
            self.out.flush()
        };
        fill().map_err(EncodeError::Write)
    }
}
