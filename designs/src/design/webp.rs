//! WebP (RFC 9649), lossy or lossless.

use std::io::Cursor;

use image_webp::WebPDecoder;

use super::colour::Stored;
use super::orientation::upright;
use super::raster::{Decoded, Pixels, Raster};
use super::{DesignColour, DesignLimits, unreadable};
use crate::error::{DesignCode as Code, DesignError};

pub(super) fn read(bytes: &[u8], limits: &DesignLimits) -> Result<Decoded, DesignError> {
    let damaged = |error: image_webp::DecodingError| unreadable(&error);
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(damaged)?;
    if decoder.is_animated() {
        return Err(DesignError::new(Code::Animated, "the design is an animated WebP", "export one picture"));
    }
    decoder.set_memory_limit(usize::try_from(limits.pixels_max.saturating_mul(8)).unwrap_or(usize::MAX));
    let length = decoder.output_buffer_size().ok_or_else(|| unreadable(&"it is too large"))?;
    let mut samples = vec![0; length];
    decoder.read_image(&mut samples).map_err(damaged)?;
    let (width_px, height_px) = decoder.dimensions();
    let has_alpha = decoder.has_alpha();
    let (icc, exif) = (decoder.icc_profile().map_err(damaged)?, decoder.exif_metadata().map_err(damaged)?);
    let colour = DesignColour::Rgb;
    let pixels = Stored { samples: &samples, colour, has_alpha }.to_srgb(icc.as_deref())?;
    let raster = Raster { width_px, height_px, pixels: Pixels::Eight(pixels) };
    Ok(Decoded { raster: upright(raster, exif.as_deref()), dpi: None, colour })
}
