//! Encoding: from pixels to the bytes of a file.
//!
//! Input: a [`DisplayImage`](crate::color::DisplayImage) for PNG, scene-linear layers for OpenEXR. Output: the whole file
//! in memory. Invariant: equal pixels give equal bytes; nothing about time, machine or thread count is written.

mod exr;
mod png;

pub use self::exr::{ExrLayer, ExrPrecision, exr, exr_picture};
pub use self::png::{PngDepth, png};

/// The name under which files say what made them.
const SOFTWARE: &str = concat!("Packshot ", env!("CARGO_PKG_VERSION"));

/// Why pixels could not be encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// A side is zero.
    #[error("a picture of {width_px} x {height_px} pixels has nothing to encode")]
    Empty {
        /// Width asked for.
        width_px: u32,
        /// Height asked for.
        height_px: u32,
    },
    /// The number of samples is not what the size asks for.
    #[error(
        "layer '{layer}' has {got} samples where {width_px} x {height_px} pixels of {n_channels} channels are announced"
    )]
    Shape {
        /// The layer, empty for the picture itself.
        layer: String,
        /// Width announced.
        width_px: u32,
        /// Height announced.
        height_px: u32,
        /// Samples per pixel announced.
        n_channels: usize,
        /// Samples present.
        got: usize,
    },
    /// Two channels of a file would have the same name, or a name cannot be written.
    #[error("channel '{0}' stands twice or is not plain ASCII")]
    ChannelName(String),
    /// A file without a layer.
    #[error("there is no layer to encode")]
    NoLayer,
    /// The PNG codec refused.
    #[error("the PNG could not be encoded")]
    Png(#[source] ::png::EncodingError),
    /// The OpenEXR codec refused.
    #[error("the OpenEXR file could not be encoded")]
    Exr(#[source] ::exr::error::Error),
}

impl EncodeError {
    /// Stable name of the kind.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty { .. } => "encode.empty",
            Self::Shape { .. } => "encode.shape",
            Self::ChannelName(_) => "encode.channel_name",
            Self::NoLayer => "encode.no_layer",
            Self::Png(_) => "encode.png",
            Self::Exr(_) => "encode.exr",
        }
    }

    /// Where: the layer or channel, `picture` where it is the whole.
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
            Self::Png(_) | Self::Exr(_) => "choose a smaller picture or another format",
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
