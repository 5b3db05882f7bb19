//! Animated PNG: every frame as a PNG of its own, RGBA with straight alpha.

use std::io::Write;

use png::{BlendOp, DisposeOp, EncodingError, Writer};

use super::MovieSettings;
use crate::color::DisplayImage;
use crate::encode::png::{encoder, sample_bytes};
use crate::encode::{EncodeError, Metadata, PngDepth};

pub(super) struct ApngWriter<W: Write> {
    writer: Writer<W>,
    depth: PngDepth,
}

impl<W: Write> ApngWriter<W> {
    pub(super) fn new(
        out: W,
        depth: PngDepth,
        settings: MovieSettings,
        metadata: &Metadata,
    ) -> Result<Self, EncodeError> {
        let begun = begin(out, depth, settings, metadata);
        Ok(Self { writer: begun.map_err(refused)?, depth })
    }

    pub(super) fn push(&mut self, frame: &DisplayImage) -> Result<(), EncodeError> {
        self.writer.write_image_data(&sample_bytes(frame, self.depth, false)).map_err(refused)
    }

    pub(super) fn finish(self) -> Result<(), EncodeError> {
        self.writer.finish().map_err(refused)
    }
}

/// A frame replaces the previous one, whatever is transparent in either.
fn begin<W: Write>(
    out: W,
    depth: PngDepth,
    settings: MovieSettings,
    metadata: &Metadata,
) -> Result<Writer<W>, EncodingError> {
    let mut encoder = encoder(out, settings.size_px, depth, false, metadata)?;
    encoder.set_animated(settings.n_frames, 0)?;
    encoder.set_frame_delay(1, settings.fps)?;
    encoder.set_blend_op(BlendOp::Source)?;
    encoder.set_dispose_op(DisposeOp::None)?;
    encoder.write_header()
}

fn refused(reason: EncodingError) -> EncodeError {
    match reason {
        EncodingError::IoError(reason) => EncodeError::Write(reason),
        reason => EncodeError::Png(reason),
    }
}
