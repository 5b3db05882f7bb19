//! Movies: frames are added one by one, and the result is a file.
//!
//! Input: [`DisplayImage`]s of one size and rate, as many as were announced. Output: MP4, animated WebP or animated
//! PNG, written while frames arrive, so that memory does not grow with their number. Movies loop if the format can
//! express it; the caller must not repeat the first frame at the end. Equal frames give equal bytes.

mod apng;
#[cfg(feature = "h264")]
mod h264;
#[cfg(feature = "h264")]
mod mp4;
mod webp;
#[cfg(feature = "h264")]
mod yuv;

use std::io::{Seek, Write};

use serde::Serialize;

use super::{EncodeError, Metadata, PngDepth, Quality, WebPCompression, check_sides};
use crate::color::DisplayImage;

/// Most frames per second.
pub const MAX_FPS: u16 = 240;
/// Most frames of a movie.
pub const MAX_FRAMES: u32 = 100_000;

/// The formats of movies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum MovieFormat {
    /// H.264 in an MP4 that plays while it loads: 4:2:0, BT.709 in limited range, without alpha, sides of even length.
    Mp4(Quality),
    /// Animated WebP with straight alpha.
    WebP(WebPCompression),
    /// Animated PNG with straight alpha.
    Apng(PngDepth),
}

impl MovieFormat {
    /// Whether it keeps transparency; otherwise transparent pixels are laid over white.
    pub fn has_alpha(self) -> bool {
        !matches!(self, Self::Mp4(_))
    }

    /// Whether this build has the codec: that of MP4 is the feature `h264`.
    pub fn is_built(self) -> bool {
        self.has_alpha() || cfg!(feature = "h264")
    }

    /// Fails if such a movie cannot be written: call this before rendering frames.
    ///
    /// # Errors
    /// [`EncodeError::Empty`], [`EncodeError::TooLarge`], [`EncodeError::OddSize`], [`EncodeError::FrameRate`],
    /// [`EncodeError::FrameCount`], [`EncodeError::NotBuilt`].
    pub fn check(self, settings: &MovieSettings) -> Result<(), EncodeError> {
        let &MovieSettings { size_px, fps, n_frames } = settings;
        let [width_px, height_px] = size_px;
        if width_px == 0 || height_px == 0 {
            return Err(EncodeError::Empty { width_px, height_px });
        }
        if !(1..=MAX_FPS).contains(&fps) {
            return Err(EncodeError::FrameRate(fps));
        }
        if !(1..=MAX_FRAMES).contains(&n_frames) {
            return Err(EncodeError::FrameCount { announced: n_frames, pushed: 0 });
        }
        match self {
            Self::Mp4(_) if !self.is_built() => Err(EncodeError::NotBuilt { format: "MP4", feature: "h264" }),
            Self::Mp4(_) => check_mp4(size_px),
            Self::WebP(_) => check_sides("WebP", size_px, super::webp::MAX_SIDE_PX),
            Self::Apng(_) => Ok(()),
        }
    }
}

/// Longest side that our H.264 codec supports.
const MAX_LONG_SIDE_PX: u32 = 3840;
/// Longest that the other side may be.
const MAX_SHORT_SIDE_PX: u32 = 2160;
/// Shortest side.
const MIN_SIDE_PX: u32 = 16;

fn check_mp4(size_px: [u32; 2]) -> Result<(), EncodeError> {
    let [width_px, height_px] = size_px;
    check_sides("MP4", size_px, MAX_LONG_SIDE_PX)?;
    if width_px.min(height_px) > MAX_SHORT_SIDE_PX {
        return Err(EncodeError::TooLarge { format: "MP4", size_px, side_max_px: MAX_SHORT_SIDE_PX });
    }
    if size_px.iter().any(|side| side % 2 != 0 || *side < MIN_SIDE_PX) {
        return Err(EncodeError::OddSize { size_px });
    }
    Ok(())
}

/// The properties of a movie before its first frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MovieSettings {
    /// Width and height of every frame.
    pub size_px: [u32; 2],
    /// Frames per second, 1 to [`MAX_FPS`].
    pub fps: u16,
    /// How many frames will come, 1 to [`MAX_FRAMES`].
    pub n_frames: u32,
}

/// Writes a movie.
pub struct MovieEncoder<W: Write + Seek> {
    settings: MovieSettings,
    n_pushed: u32,
    writer: Writer<W>,
}

enum Writer<W: Write + Seek> {
    #[cfg(feature = "h264")]
    Mp4(Box<h264::Mp4Encoder<W>>),
    WebP(webp::AnimationWriter<W>),
    Apng(Box<apng::ApngWriter<W>>),
}

impl<W: Write + Seek> std::fmt::Debug for MovieEncoder<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("MovieEncoder");
        debug.field("settings", &self.settings).field("n_pushed", &self.n_pushed).finish_non_exhaustive()
    }
}

impl<W: Write + Seek> MovieEncoder<W> {
    /// Starts a movie at the writer's position 0. MP4 and WebP cannot store the resolution from the metadata.
    ///
    /// # Errors
    /// Those of [`MovieFormat::check`]; [`EncodeError::Write`], [`EncodeError::Codec`].
    pub fn new(out: W, format: MovieFormat, settings: MovieSettings, metadata: &Metadata) -> Result<Self, EncodeError> {
        format.check(&settings)?;
        let writer = match format {
            #[cfg(feature = "h264")]
            MovieFormat::Mp4(quality) => {
                Writer::Mp4(Box::new(h264::Mp4Encoder::new(out, quality, settings, metadata)?))
            }
            #[cfg(not(feature = "h264"))]
            MovieFormat::Mp4(_) => return Err(EncodeError::NotBuilt { format: "MP4", feature: "h264" }),
            MovieFormat::WebP(compression) => {
                Writer::WebP(webp::AnimationWriter::new(out, compression, settings, metadata)?)
            }
            MovieFormat::Apng(depth) => Writer::Apng(Box::new(apng::ApngWriter::new(out, depth, settings, metadata)?)),
        };
        Ok(Self { settings, n_pushed: 0, writer })
    }

    /// Writes the next frame.
    ///
    /// # Errors
    /// [`EncodeError::Shape`] for a frame of another size, [`EncodeError::FrameCount`] for one too many;
    /// [`EncodeError::Write`], [`EncodeError::Codec`].
    pub fn push(&mut self, frame: &DisplayImage) -> Result<(), EncodeError> {
        let MovieSettings { size_px, n_frames, .. } = self.settings;
        super::check_shape("", size_px, 1, frame.rgba.len())?;
        if [frame.width_px, frame.height_px] != size_px {
            return Err(EncodeError::FrameSize { size_px, got_px: [frame.width_px, frame.height_px] });
        }
        if self.n_pushed == n_frames {
            return Err(EncodeError::FrameCount { announced: n_frames, pushed: n_frames.saturating_add(1) });
        }
        match &mut self.writer {
            #[cfg(feature = "h264")]
            Writer::Mp4(writer) => writer.push(frame)?,
            Writer::WebP(writer) => writer.push(frame)?,
            Writer::Apng(writer) => writer.push(frame)?,
        }
        self.n_pushed += 1;
        Ok(())
    }

    /// Finishes the movie. What was written is not a valid movie before this.
    ///
    /// # Errors
    /// [`EncodeError::FrameCount`] when frames are missing; [`EncodeError::Write`], [`EncodeError::Codec`].
    pub fn finish(self) -> Result<(), EncodeError> {
        if self.n_pushed != self.settings.n_frames {
            return Err(EncodeError::FrameCount { announced: self.settings.n_frames, pushed: self.n_pushed });
        }
        match self.writer {
            #[cfg(feature = "h264")]
            Writer::Mp4(writer) => writer.finish(),
            Writer::WebP(writer) => writer.finish(),
            Writer::Apng(writer) => writer.finish(),
        }
    }
}

#[cfg(test)]
mod tests;
