//! The formats of pictures: their names, their settings, and how a picture is written in them.

use std::num::NonZeroU16;

use serde::Serialize;

use packshot_renderer::encode::{
    AvifDepth, ExrPrecision, LimitedFormat, PngDepth, Quality, TiffDepth, WebPCompression,
};

use crate::error::Error;

/// The formats a picture can be encoded in. All except EXR and 32-bit TIFF are display-referred: with exposure and view
/// transform, over the background colour if the shot has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Format {
    /// Lossless, straight alpha.
    Png(PngDepth),
    /// Scene-linear, premultiplied alpha, without exposure and view transform; the only one with layers.
    Exr(ExrPrecision),
    /// Lossy, over white where the shot has no background.
    Jpeg(Quality),
    /// Straight alpha.
    WebP(WebPCompression),
    /// Lossy, straight alpha.
    Avif(Quality, AvifDepth),
    /// Lossless, straight alpha.
    Tiff(TiffDepth),
    /// Like EXR, in 32 bits.
    TiffLinear,
}

impl Default for Format {
    /// A PNG of 8 bits.
    fn default() -> Self {
        Self::Png(PngDepth::Eight)
    }
}

impl Format {
    /// Its file format.
    pub const fn kind(self) -> FileKind {
        match self {
            Self::Png(_) => FileKind::Png,
            Self::Exr(_) => FileKind::Exr,
            Self::Jpeg(_) => FileKind::Jpeg,
            Self::WebP(_) => FileKind::WebP,
            Self::Avif(..) => FileKind::Avif,
            Self::Tiff(_) | Self::TiffLinear => FileKind::Tiff,
        }
    }

    /// Bits per channel.
    pub const fn bit_depth(self) -> u8 {
        match self {
            Self::Png(PngDepth::Eight) | Self::Jpeg(_) | Self::WebP(_) | Self::Avif(_, AvifDepth::Eight) => 8,
            Self::Tiff(TiffDepth::Eight) => 8,
            Self::Avif(_, AvifDepth::Ten) => 10,
            Self::Png(PngDepth::Sixteen) | Self::Exr(ExrPrecision::Half) | Self::Tiff(TiffDepth::Sixteen) => 16,
            Self::Exr(ExrPrecision::Float) | Self::TiffLinear => 32,
        }
    }

    /// Its quality, if it is lossy.
    pub const fn quality(self) -> Option<Quality> {
        match self {
            Self::Jpeg(quality) | Self::WebP(WebPCompression::Lossy(quality)) | Self::Avif(quality, _) => Some(quality),
            Self::Png(_) | Self::Exr(_) | Self::WebP(WebPCompression::Lossless) | Self::Tiff(_) | Self::TiffLinear => {
                None
            }
        }
    }

    /// Fails if pictures of this size do not fit the format: call this before rendering.
    ///
    /// # Errors
    /// `encode.too_large`.
    pub fn check_size(self, size_px: [u32; 2]) -> Result<(), Error> {
        let limited = match self {
            Self::Jpeg(_) => LimitedFormat::Jpeg,
            Self::WebP(_) => LimitedFormat::WebP,
            Self::Avif(..) => LimitedFormat::Avif,
            Self::Png(_) | Self::Exr(_) | Self::Tiff(_) | Self::TiffLinear => return Ok(()),
        };
        Ok(limited.check(size_px)?)
    }
}

/// How a picture becomes a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Encoding {
    /// The format.
    pub format: Format,
    /// Pixels per inch at which the picture is meant to be printed.
    pub dpi: Option<NonZeroU16>,
}

impl From<Format> for Encoding {
    fn from(format: Format) -> Self {
        Self { format, dpi: None }
    }
}

/// File formats without their settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// Portable Network Graphics.
    Png,
    /// OpenEXR.
    Exr,
    /// JPEG in a JFIF file.
    Jpeg,
    /// WebP.
    WebP,
    /// AVIF.
    Avif,
    /// TIFF.
    Tiff,
}

impl FileKind {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Png, Self::Exr, Self::Jpeg, Self::WebP, Self::Avif, Self::Tiff];

    /// File name extensions, in lower case, the usual one first.
    pub const fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Png => &["png"],
            Self::Exr => &["exr"],
            Self::Jpeg => &["jpg", "jpeg"],
            Self::WebP => &["webp"],
            Self::Avif => &["avif"],
            Self::Tiff => &["tiff", "tif"],
        }
    }

    /// The format with this extension, in lower case.
    pub fn by_extension(extension: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.extensions().contains(&extension))
    }

    /// Its name with an article, for use in sentences.
    pub const fn a_file(self) -> &'static str {
        match self {
            Self::Png => "a PNG",
            Self::Exr => "an EXR",
            Self::Jpeg => "a JPEG",
            Self::WebP => "a WebP",
            Self::Avif => "an AVIF",
            Self::Tiff => "a TIFF",
        }
    }

    /// The supported bits per channel, the smallest first.
    pub const fn bit_depths(self) -> &'static [u8] {
        match self {
            Self::Png => &[8, 16],
            Self::Exr => &[16, 32],
            Self::Jpeg | Self::WebP => &[8],
            Self::Avif => &[8, 10],
            Self::Tiff => &[8, 16, 32],
        }
    }

    /// Whether it can be lossy, and so has a quality.
    pub const fn has_quality(self) -> bool {
        matches!(self, Self::Jpeg | Self::WebP | Self::Avif)
    }

    /// The format with this many bits per channel, or the usual number if not given, and with a quality if it has one;
    /// without a quality WebP is lossless. `None` if the format does not support so many bits.
    pub fn format(self, bit_depth: Option<u8>, quality: Option<Quality>) -> Option<Format> {
        let lossy = quality.unwrap_or(Quality::DEFAULT);
        Some(match (self, bit_depth) {
            (Self::Png, None | Some(8)) => Format::Png(PngDepth::Eight),
            (Self::Png, Some(16)) => Format::Png(PngDepth::Sixteen),
            (Self::Exr, None | Some(16)) => Format::Exr(ExrPrecision::Half),
            (Self::Exr, Some(32)) => Format::Exr(ExrPrecision::Float),
            (Self::Jpeg, None | Some(8)) => Format::Jpeg(lossy),
            (Self::WebP, None | Some(8)) => {
                Format::WebP(quality.map_or(WebPCompression::Lossless, WebPCompression::Lossy))
            }
            (Self::Avif, Some(8)) => Format::Avif(lossy, AvifDepth::Eight),
            (Self::Avif, None | Some(10)) => Format::Avif(lossy, AvifDepth::Ten),
            (Self::Tiff, None | Some(8)) => Format::Tiff(TiffDepth::Eight),
            (Self::Tiff, Some(16)) => Format::Tiff(TiffDepth::Sixteen),
            (Self::Tiff, Some(32)) => Format::TiffLinear,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_the_depths_that_it_says_and_no_others() {
        for kind in FileKind::ALL {
            assert!(kind.format(None, None).is_some(), "{kind:?}");
            for depth in 0..=u8::MAX {
                assert_eq!(
                    kind.format(Some(depth), None).is_some(),
                    kind.bit_depths().contains(&depth),
                    "{kind:?} {depth}"
                );
            }
        }
    }

    #[test]
    fn a_format_says_what_it_was_made_of() {
        for kind in FileKind::ALL {
            for &depth in kind.bit_depths() {
                let format = kind.format(Some(depth), Quality::new(20)).expect("it has this depth");
                assert_eq!((format.kind(), format.bit_depth()), (kind, depth));
                assert_eq!(format.quality(), Quality::new(20).filter(|_| kind.has_quality()), "{kind:?}");
                assert_eq!(format.kind().format(Some(format.bit_depth()), format.quality()), Some(format));
            }
        }
        assert_eq!(FileKind::WebP.format(None, None).and_then(Format::quality), None);
    }

    #[test]
    fn a_quality_counts_where_there_is_one() {
        for kind in FileKind::ALL {
            let with = kind.format(None, Quality::new(20));
            assert_eq!(with != kind.format(None, None), kind.has_quality(), "{kind:?}");
        }
    }

    #[test]
    fn every_extension_names_one_kind() {
        for kind in FileKind::ALL {
            for extension in kind.extensions() {
                assert_eq!(FileKind::by_extension(extension), Some(kind));
            }
        }
        assert_eq!(FileKind::by_extension("bmp"), None);
    }
}
