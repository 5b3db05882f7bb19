//! PNG (PNG third edition), 8 or 16 bits.

use std::io::Cursor;

use png::{BitDepth, ColorType, Transformations, Unit};

use super::colour::Stored;
use super::orientation::upright;
use super::raster::{Decoded, Pixels, Raster};
use super::{DesignColour, DesignLimits, MM_PER_INCH, unreadable};
use crate::error::{DesignCode as Code, DesignError};

/// Bytes of a colour profile and other ancillary data, at most.
const ANCILLARY_BYTES_MAX: usize = 16 << 20;

pub(super) fn read(bytes: &[u8], limits: &DesignLimits) -> Result<Decoded, DesignError> {
    let damaged = |error: png::DecodingError| unreadable(&error);
    // Eight bytes hold a pixel of 16 bits.
    let bytes_max = usize::try_from(limits.pixels_max.saturating_mul(8)).unwrap_or(usize::MAX);
    let limits = png::Limits { bytes: bytes_max.saturating_add(ANCILLARY_BYTES_MAX) };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_ignore_text_chunk(true);
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(damaged)?;
    if reader.info().animation_control.is_some() {
        let message = "the design is an animated PNG";
        return Err(DesignError::new(Code::Animated, message, "export one picture"));
    }
    let length = reader.output_buffer_size().ok_or_else(|| unreadable(&"it is too large"))?;
    let mut samples = vec![0; length];
    let frame = reader.next_frame(&mut samples).map_err(damaged)?;
    samples.truncate(frame.buffer_size());
    reader.finish().map_err(damaged)?;
    let info = reader.info();
    let per_inch = |per_metre: u32| f64::from(per_metre) * MM_PER_INCH / 1e3;
    let dpi = info.pixel_dims.filter(|dims| dims.unit == Unit::Meter && dims.xppu > 0).map(|dims| per_inch(dims.xppu));
    let (colour, has_alpha) = match frame.color_type {
        ColorType::Grayscale => (DesignColour::Grey, false),
        ColorType::GrayscaleAlpha => (DesignColour::Grey, true),
        ColorType::Rgb | ColorType::Indexed => (DesignColour::Rgb, false),
        ColorType::Rgba => (DesignColour::Rgb, true),
    };
    let icc = info.icc_profile.as_deref();
    let pixels = if frame.bit_depth == BitDepth::Sixteen {
        let (words, _) = samples.as_chunks::<2>();
        let samples: Vec<u16> = words.iter().map(|word| u16::from_be_bytes(*word)).collect();
        Pixels::Sixteen(Stored { samples: &samples, colour, has_alpha }.to_srgb(icc)?)
    } else {
        Pixels::Eight(Stored { samples: &samples, colour, has_alpha }.to_srgb(icc)?)
    };
    let raster = Raster { width_px: frame.width, height_px: frame.height, pixels };
    Ok(Decoded { raster: upright(raster, info.exif_metadata.as_deref()), dpi, colour })
}
