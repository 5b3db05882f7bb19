//! Encoding: from pixels to the bytes of a file.
//!
//! Input: a [`DisplayImage`](crate::color::DisplayImage) for display-referred formats, scene-linear pixels for OpenEXR
//! and TIFF of 32 bits, and the file's metadata ([`Metadata`]). Output: the whole file in memory, or, of a [`movie`], a
//! stream. Invariant: equal pixels give equal bytes; nothing about time, machine or thread count is written.
//! `docs/formats.md` has a row for each format.

mod avif;
mod exr;
mod exif;
mod icc;
mod jpeg;
pub mod movie;
mod png;
mod provenance;
mod quantize;
mod read_back;
mod riff;
mod stated;
mod tiff;
mod webp;
mod xmp;

use std::error::Error;
use std::io;

use serde::Serialize;

pub use self::avif::{AvifDepth, avif};
pub use self::exr::{ExrLayer, ExrPrecision, exr, exr_picture};
pub use self::jpeg::jpeg;
pub use self::png::{PngDepth, check_png, png, read_png, rounded_to_png};
pub use self::provenance::{Metadata, Provenance};
pub use self::read_back::{ReadBack, TiffCompression, read_back};
pub use self::stated::{Stated, stated};
pub use self::tiff::{TiffDepth, tiff, tiff_linear};
pub use self::webp::{WebPCompression, webp};

/// The name of the program that files state.
const SOFTWARE: &str = concat!("Packshot ", env!("CARGO_PKG_VERSION"));

/// How close a lossy file is to the original pixels, 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Quality(u8);

impl Quality {
    /// For pictures and movies that are delivered: differences are hard to see.
    pub const DEFAULT: Self = Self(90);

    /// `None` when it is not 1 to 100.
    pub fn new(quality: u8) -> Option<Self> {
        (1..=100).contains(&quality).then_some(Self(quality))
    }

    /// The number.
    pub fn get(self) -> u8 {
        self.0
    }
}

/// Still formats that limit the size of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitedFormat {
    /// JPEG.
    Jpeg,
    /// WebP.
    WebP,
    /// AVIF.
    Avif,
}

impl LimitedFormat {
    /// Fails if pictures of this size do not fit the format: call this before rendering.
    ///
    /// # Errors
    /// [`EncodeError::TooLarge`].
    pub fn check(self, size_px: [u32; 2]) -> Result<(), EncodeError> {
        let (name, side_max_px) = match self {
            Self::Jpeg => ("JPEG", jpeg::MAX_SIDE_PX),
            Self::WebP => ("WebP", webp::MAX_SIDE_PX),
            Self::Avif => ("AVIF", avif::MAX_SIDE_PX),
        };
        check_sides(name, size_px, side_max_px)
    }
}

/// Why pixels could not be encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// A side is zero.
    #[error("a picture of {width_px} x {height_px} pixels has nothing to encode")]
    Empty {
        /// Requested width.
        width_px: u32,
        /// Requested height.
        height_px: u32,
    },
    /// The number of samples does not match the size.
    #[error(
        "layer '{layer}' has {got} samples, not those of {width_px} x {height_px} pixels with {n_channels} channels"
    )]
    Shape {
        /// The layer, empty for the picture itself.
        layer: String,
        /// Stated width.
        width_px: u32,
        /// Stated height.
        height_px: u32,
        /// Stated samples per pixel.
        n_channels: usize,
        /// Actual number of samples.
        got: usize,
    },
    /// Two channels of a file would have the same name, or a name cannot be written.
    #[error("channel '{0}' is there twice, or its name is not plain ASCII")]
    ChannelName(String),
    /// A file without a layer.
    #[error("there is no layer to encode")]
    NoLayer,
    /// A side is longer than the format allows.
    #[error("{format} allows {side_max_px} pixels a side, and the picture has {} x {}", size_px[0], size_px[1])]
    TooLarge {
        /// The format.
        format: &'static str,
        /// Requested width and height.
        size_px: [u32; 2],
        /// The longest side that the format allows.
        side_max_px: u32,
    },
    /// A file would have more bytes than the format can count.
    #[error("the file would be larger than {format} allows")]
    FileSize {
        /// The format.
        format: &'static str,
    },
    /// H.264 in 4:2:0 has one colour per 2×2 pixels.
    #[error("the sides of an MP4 must be even and at least 16 pixels, not {} x {}", size_px[0], size_px[1])]
    OddSize {
        /// Requested width and height.
        size_px: [u32; 2],
    },
    /// Frames per second out of range.
    #[error("{0} frames per second are not between 1 and {max}", max = movie::MAX_FPS)]
    FrameRate(u16),
    /// The number of frames differs from the announced one, or is too large.
    #[error("{announced} frames were announced, but {pushed} came")]
    FrameCount {
        /// Announced number of frames, 1 to [`movie::MAX_FRAMES`].
        announced: u32,
        /// Actual number of frames.
        pushed: u32,
    },
    /// A frame of another size than the movie.
    #[error("a frame has {} x {} pixels, and the movie {} x {}", got_px[0], got_px[1], size_px[0], size_px[1])]
    FrameSize {
        /// Width and height of the movie.
        size_px: [u32; 2],
        /// Width and height of the frame.
        got_px: [u32; 2],
    },
    /// This build lacks the format.
    #[error("{format} is not in this build: it was made without the cargo feature `{feature}`")]
    NotBuilt {
        /// The format.
        format: &'static str,
        /// The cargo feature that enables it.
        feature: &'static str,
    },
    /// The file could not be written.
    #[error("the file could not be written")]
    Write(#[source] io::Error),
    /// The PNG codec refused.
    #[error("the PNG could not be encoded")]
    Png(#[source] ::png::EncodingError),
    /// The OpenEXR codec refused.
    #[error("the OpenEXR file could not be encoded")]
    Exr(#[source] ::exr::error::Error),
    /// Another codec refused.
    #[error("the picture could not be encoded: {reason}")]
    Codec {
        /// `encode.` and the format.
        code: &'static str,
        /// The codec's message.
        #[source]
        reason: Box<dyn Error + Send + Sync>,
    },
}

impl EncodeError {
    fn codec(code: &'static str, reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Codec { code, reason: reason.into() }
    }

    /// Whether the format does not support the request, so that another request helps.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::TooLarge { .. }
                | Self::OddSize { .. }
                | Self::FrameRate(_)
                | Self::FrameCount { .. }
                | Self::NotBuilt { .. }
        )
    }

    /// Stable name of the kind.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty { .. } => "encode.empty",
            Self::Shape { .. } => "encode.shape",
            Self::ChannelName(_) => "encode.channel_name",
            Self::NoLayer => "encode.no_layer",
            Self::TooLarge { .. } => "encode.too_large",
            Self::FileSize { .. } => "encode.file_size",
            Self::OddSize { .. } => "encode.odd_size",
            Self::FrameRate(_) => "encode.frame_rate",
            Self::FrameCount { .. } => "encode.frame_count",
            Self::FrameSize { .. } => "encode.frame_size",
            Self::NotBuilt { .. } => "encode.not_built",
            Self::Write(_) => "encode.write",
            Self::Codec { code, .. } => code,
            Self::Png(_) => "encode.png",
            Self::Exr(_) => "encode.exr",
        }
    }

    /// Where: the layer or channel, or `picture` for the whole.
    pub fn at(&self) -> String {
        match self {
            Self::Shape { layer, .. } if !layer.is_empty() => format!("layer {layer}"),
            Self::ChannelName(name) => format!("channel {name}"),
            _ => "picture".to_owned(),
        }
    }

    /// What to do.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Empty { .. } => "give at least 1 pixel in each direction",
            Self::Shape { .. } => "give width times height times channels samples, row 0 on top",
            Self::ChannelName(_) => "give every layer a name of its own in ASCII, and one letter per channel",
            Self::NoLayer => "give the picture itself as a layer without a name",
            Self::TooLarge { .. } => "choose a smaller picture, or a format with more room: docs/formats.md",
            Self::FileSize { .. } => "choose fewer or smaller frames, or a lower quality",
            Self::OddSize { .. } => "choose even numbers of at least 16 pixels, or another format",
            Self::FrameRate(_) => "choose 24, 25, 30 or 60 frames per second, for example",
            Self::FrameCount { .. } => "give as many frames as were announced, 1 to 100000",
            Self::FrameSize { .. } => "give frames of one size",
            Self::NotBuilt { .. } => "choose another format, or build with that feature",
            Self::Write(_) => "free some space, or write elsewhere",
            Self::Png(_) | Self::Exr(_) | Self::Codec { .. } => "choose a smaller picture or another format",
        }
    }
}

/// Fails unless `got` samples fill the size.
fn check_shape(layer: &str, size_px: [u32; 2], n_channels: usize, got: usize) -> Result<(), EncodeError> {
    let [width_px, height_px] = size_px;
    if width_px == 0 || height_px == 0 {
        return Err(EncodeError::Empty { width_px, height_px });
    }
    let want = u64::from(width_px) * u64::from(height_px);
    if want.checked_mul(n_channels as u64) != Some(got as u64) {
        return Err(EncodeError::Shape { layer: layer.to_owned(), width_px, height_px, n_channels, got });
    }
    Ok(())
}

/// Fails when a side is longer than the format allows.
fn check_sides(format: &'static str, size_px: [u32; 2], side_max_px: u32) -> Result<(), EncodeError> {
    match size_px.iter().all(|&side| side <= side_max_px) {
        true => Ok(()),
        false => Err(EncodeError::TooLarge { format, size_px, side_max_px }),
    }
}

#[cfg(test)]
mod testing;
