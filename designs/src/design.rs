//! The file of a design: known by its content, held against limits before it is decoded, and read into colours of one
//! space.
//!
//! Input: bytes that a stranger sent. Output: a [`Design`], or the [`DesignError`] that says why not. Memory is bounded
//! by the limits, and nothing is fetched or opened.

use packshot_words::words;

use crate::error::{DesignCode as Code, DesignError};

mod colour;
mod jpeg;
mod orientation;
mod png;
mod raster;
mod svg;
mod webp;

pub use raster::{Pixels, Raster};
pub(crate) use svg::drawn;

/// Millimetres of an inch.
pub(crate) const MM_PER_INCH: f64 = 25.4;
/// Pixels of an inch of an SVG (CSS Values 4 section 6.2).
const SVG_DPI: f64 = 96.0;
/// Pixels of an inch where a file does not say.
pub(crate) const DPI_DEFAULT: f64 = 300.0;

/// How large a design may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DesignLimits {
    /// Bytes of a file.
    pub bytes_max: u64,
    /// Bytes of an SVG.
    pub svg_bytes_max: u64,
    /// Pixels of a picture, and of all pictures in an SVG together.
    pub pixels_max: u64,
}

impl Default for DesignLimits {
    fn default() -> Self {
        Self { bytes_max: 50 << 20, svg_bytes_max: 5 << 20, pixels_max: 64_000_000 }
    }
}

/// The shortest side of a picture, in pixels.
const SIDE_PX_MIN: u32 = 16;
/// The longest side.
pub(crate) const SIDE_PX_MAX: u32 = 16_384;

words! {
    /// Formats of designs.
    pub enum DesignFormat {
        /// PNG of any depth
        Png = "png",
        /// JPEG, baseline or progressive
        Jpeg = "jpeg",
        /// WebP, lossy or lossless
        WebP = "webp",
        /// SVG without text
        Svg = "svg",
    }
}

words! {
    /// How a file states its colours.
    pub enum DesignColour {
        /// Red, green and blue
        Rgb = "rgb",
        /// Grey
        Grey = "grey",
        /// Inks, with a profile
        Cmyk = "cmyk",
    }
}

impl DesignFormat {
    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::WebP => "image/webp",
            Self::Svg => "image/svg+xml",
        }
    }
}

/// A design that has been checked.
#[derive(Clone, Debug)]
pub struct Design {
    /// Its format, by its content.
    pub format: DesignFormat,
    /// Width in pixels; of an SVG, in its own units of 1/96 inch.
    pub width: f64,
    /// Height, as `width`.
    pub height: f64,
    /// Whether some of it is transparent.
    pub has_alpha: bool,
    /// Pixels of an inch by the file, where it says.
    pub dpi: Option<f64>,
    /// How the file states its colours.
    pub colour: DesignColour,
    /// The BLAKE3 of the file, 64 lower-case hexadecimal digits.
    pub blake3: String,
    pub(crate) content: Content,
}

/// What is in a design.
#[derive(Clone)]
pub(crate) enum Content {
    /// Pixels.
    Raster(Raster),
    /// A drawing.
    Svg(Box<resvg::usvg::Tree>),
}

impl std::fmt::Debug for Content {
    /// Its kind alone: pixels and shapes are many.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Raster(_) => "Raster",
            Self::Svg(_) => "Svg",
        })
    }
}

impl Design {
    /// Its size in millimetres at `dpi`, else that of the file, else 300. An SVG has a size of its own.
    pub fn size_mm(&self, dpi: Option<f64>) -> [f64; 2] {
        let dpi = match self.content {
            Content::Svg(_) => SVG_DPI,
            Content::Raster(_) => dpi.or(self.dpi).unwrap_or(DPI_DEFAULT),
        };
        [self.width, self.height].map(|side| side / dpi * MM_PER_INCH)
    }

    /// Whether it can be drawn at any size.
    pub fn is_drawing(&self) -> bool {
        matches!(self.content, Content::Svg(_))
    }

    /// Whether its pixels have 16 bits.
    pub(crate) fn is_deep(&self) -> bool {
        matches!(&self.content, Content::Raster(Raster { pixels: Pixels::Sixteen(_), .. }))
    }
}

/// Reads and checks the file of a design.
///
/// # Errors
/// `unsupported_design_format`, `body_too_large`, `design_too_small`, `image_too_large`, `design_unreadable`,
/// `design_animated`, `design_colour_unsupported`, `design_empty`, `design_svg_refused`.
pub fn check(bytes: &[u8], limits: &DesignLimits) -> Result<Design, DesignError> {
    let format = format_of(bytes)?;
    let bytes_max = if format == DesignFormat::Svg { limits.svg_bytes_max } else { limits.bytes_max };
    if bytes.len() as u64 > bytes_max.min(limits.bytes_max) {
        let message = format!("the design has {} bytes, and at most {bytes_max} are allowed", bytes.len());
        return Err(DesignError::new(Code::BodyTooLarge, message, "make the file smaller"));
    }
    let read = match format {
        DesignFormat::Svg => return svg::read(bytes, limits),
        DesignFormat::Png => png::read,
        DesignFormat::Jpeg => jpeg::read,
        DesignFormat::WebP => webp::read,
    };
    let texels = packshot_texels::Format::of(bytes).expect("told by the same bytes");
    let [width, height] = texels.size_px(bytes).map_err(|error| unreadable(&error))?;
    check_size(width, height, limits)?;
    if !texels.is_whole(bytes) {
        return Err(unreadable(&"the file ends too early"));
    }
    let raster::Decoded { raster, dpi, colour } = read(bytes, limits)?;
    if !raster.pixels.is_visible() {
        return Err(empty());
    }
    let has_alpha = raster.pixels.has_alpha();
    let (width, height) = (f64::from(raster.width_px), f64::from(raster.height_px));
    let content = Content::Raster(raster);
    Ok(Design { format, width, height, has_alpha, dpi, colour, blake3: digest(bytes), content })
}

/// The format of a file by how it begins.
fn format_of(bytes: &[u8]) -> Result<DesignFormat, DesignError> {
    match packshot_texels::Format::of(bytes) {
        Some(packshot_texels::Format::Png) => return Ok(DesignFormat::Png),
        Some(packshot_texels::Format::Jpeg) => return Ok(DesignFormat::Jpeg),
        Some(packshot_texels::Format::WebP) => return Ok(DesignFormat::WebP),
        None => {}
    }
    if svg::is_one(bytes) {
        return Ok(DesignFormat::Svg);
    }
    let message = if bytes.is_empty() { "the file is empty" } else { "the file is no PNG, JPEG, WebP or SVG" };
    Err(DesignError::new(Code::UnsupportedFormat, message, "export the design as PNG, JPEG, WebP or SVG"))
}

fn check_size(width: u32, height: u32, limits: &DesignLimits) -> Result<(), DesignError> {
    if width > SIDE_PX_MAX || height > SIDE_PX_MAX || u64::from(width) * u64::from(height) > limits.pixels_max {
        let message = format!(
            "the design has {width} x {height} pixels; at most {SIDE_PX_MAX} on a side and {} in all are allowed",
            limits.pixels_max
        );
        return Err(DesignError::new(Code::ImageTooLarge, message, "scale the design down"));
    }
    if width < SIDE_PX_MIN || height < SIDE_PX_MIN {
        let message = format!("the design has {width} x {height} pixels; a side has at least {SIDE_PX_MIN}");
        return Err(DesignError::new(Code::TooSmall, message, "export the design larger, or as SVG"));
    }
    Ok(())
}

fn unreadable(reason: &dyn std::fmt::Display) -> DesignError {
    DesignError::new(Code::Unreadable, format!("the design cannot be read: {reason}"), "export the design again")
}

fn empty() -> DesignError {
    let message = "there is nothing to see in the design: it is fully transparent";
    DesignError::new(Code::Empty, message, "check what was exported")
}

fn colour_unsupported(message: impl Into<String>) -> DesignError {
    DesignError::new(Code::ColourUnsupported, message, "export the design as sRGB, or as CMYK with its profile")
}

/// The BLAKE3 of bytes as text.
fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}
