//! Animated WebP: a container of frames, each of which is a WebP picture (RFC 9649, section 2.7).

use std::io::{Seek, SeekFrom, Write};

use super::MovieSettings;
use crate::color::DisplayImage;
use crate::encode::icc::{self, Curve};
use crate::encode::webp::{Effort, picture};
use crate::encode::{EncodeError, Metadata, WebPCompression, riff};

/// Frame flag: it replaces the previous frame, whatever is transparent in either.
const DO_NOT_BLEND: u8 = 0x02;

pub(super) struct AnimationWriter<W> {
    out: W,
    compression: WebPCompression,
    settings: MovieSettings,
    n_pushed: u32,
    chunk_bytes: u64,
    /// Written last: the format requires metadata after the frames.
    xmp: Vec<u8>,
}

impl<W: Write + Seek> AnimationWriter<W> {
    pub(super) fn new(
        out: W,
        compression: WebPCompression,
        settings: MovieSettings,
        metadata: &Metadata,
    ) -> Result<Self, EncodeError> {
        let xmp = riff::chunk(b"XMP ", &metadata.provenance.xmp());
        let mut writer = Self { out, compression, settings, n_pushed: 0, chunk_bytes: 0, xmp };
        writer.out.write_all(&riff::header(0)).map_err(EncodeError::Write)?;
        let flags = riff::ANIMATION | riff::ALPHA | riff::ICC | riff::XMP;
        writer.write(&riff::extended(flags, settings.size_px))?;
        writer.write(&riff::chunk(b"ICCP", &icc::profile(Curve::Srgb)))?;
        // Transparent black behind everything; 0 loops forever.
        writer.write(&riff::chunk(b"ANIM", &[0; 6]))?;
        Ok(writer)
    }

    pub(super) fn push(&mut self, frame: &DisplayImage) -> Result<(), EncodeError> {
        let pixels = picture(frame, self.compression, Effort::Frame)?;
        // Whole milliseconds without accumulated error: those of a frame end where the next one starts.
        let begin_ms =
            |frame: u32| (u64::from(frame) * 1000 + u64::from(self.settings.fps) / 2) / u64::from(self.settings.fps);
        let duration_ms = (begin_ms(self.n_pushed + 1) - begin_ms(self.n_pushed)) as u32;
        let [width, height] = self.settings.size_px.map(|side| riff::u24(side - 1));
        let place = [[0; 3], [0; 3], width, height, riff::u24(duration_ms)].concat();
        self.write(&riff::chunk(b"ANMF", &[&place[..], &[DO_NOT_BLEND], &pixels].concat()))?;
        self.n_pushed += 1;
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), EncodeError> {
        let xmp = std::mem::take(&mut self.xmp);
        self.write(&xmp)?;
        let refused = |_| EncodeError::FileSize { format: "WebP" };
        let header = riff::header(u32::try_from(self.chunk_bytes).map_err(refused)?);
        let mut rewrite = || {
            self.out.seek(SeekFrom::Start(0))?;
            self.out.write_all(&header)?;
            self.out.seek(SeekFrom::End(0))?;
            self.out.flush()
        };
        rewrite().map_err(EncodeError::Write)
    }

    fn write(&mut self, chunk: &[u8]) -> Result<(), EncodeError> {
        self.chunk_bytes += chunk.len() as u64;
        self.out.write_all(chunk).map_err(EncodeError::Write)
    }
}
