//! JPEG (ITU-T T.81), grey, RGB or CMYK.

use std::io::Cursor;

use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::colour::Stored;
use super::orientation::upright;
use super::raster::{Decoded, Pixels, Raster};
use super::{DesignColour, DesignLimits, MM_PER_INCH, SIDE_PX_MAX, colour_unsupported, unreadable};
use crate::error::DesignError;

pub(super) fn read(bytes: &[u8], _: &DesignLimits) -> Result<Decoded, DesignError> {
    let damaged = |error: zune_jpeg::errors::DecodeErrors| unreadable(&format!("{error:?}"));
    let side_max = SIDE_PX_MAX as usize;
    let options = DecoderOptions::default().set_strict_mode(true).set_max_width(side_max).set_max_height(side_max);
    let mut decoder = JpegDecoder::new_with_options(Cursor::new(bytes), options);
    decoder.decode_headers().map_err(damaged)?;
    let stored = decoder.input_colorspace().ok_or_else(|| unreadable(&"it has no header"))?;
    let (read_as, colour) = match stored {
        ColorSpace::Luma => (ColorSpace::Luma, DesignColour::Grey),
        ColorSpace::YCbCr | ColorSpace::RGB => (ColorSpace::RGB, DesignColour::Rgb),
        ColorSpace::CMYK => (ColorSpace::CMYK, DesignColour::Cmyk),
        ColorSpace::YCCK => (ColorSpace::YCCK, DesignColour::Cmyk),
        other => return Err(colour_unsupported(format!("the design has {other:?} colours"))),
    };
    decoder.set_options(options.jpeg_set_out_colorspace(read_as));
    let mut samples = decoder.decode().map_err(damaged)?;
    if stored == ColorSpace::YCCK {
        samples.as_chunks_mut::<4>().0.iter_mut().for_each(|pixel| *pixel = cmyk_of_ycck(*pixel));
    }
    // Adobe's programs store how much of the paper is left.
    if colour == DesignColour::Cmyk && is_adobe(bytes) {
        samples.iter_mut().for_each(|ink| *ink = u8::MAX - *ink);
    }
    let info = decoder.info().ok_or_else(|| unreadable(&"it has no header"))?;
    let icc = decoder.icc_profile();
    let pixels = Stored { samples: &samples, colour, has_alpha: false }.to_srgb(icc.as_deref())?;
    let (width_px, height_px) = (u32::from(info.width), u32::from(info.height));
    let raster = Raster { width_px, height_px, pixels: Pixels::Eight(pixels) };
    let raster = upright(raster, decoder.exif().map(Vec::as_slice));
    Ok(Decoded { raster, dpi: dpi(bytes), colour })
}

/// Inks of YCCK, which has YCbCr (full range, as JFIF has it) of what the first three inks leave of the light.
fn cmyk_of_ycck([y, cb, cr, k]: [u8; 4]) -> [u8; 4] {
    let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    let rgb = [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb];
    let [r, g, b] = rgb.map(|value| value.round().clamp(0.0, 255.0) as u8);
    [u8::MAX - r, u8::MAX - g, u8::MAX - b, k]
}

/// The segments before the first scan: marker and content.
fn segments(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut at = 2;
    std::iter::from_fn(move || {
        while bytes.get(at..at + 2)? == [0xFF, 0xFF] {
            at += 1;
        }
        let marker = bytes[at + 1];
        let length = usize::from(u16::from_be_bytes(*bytes.get(at + 2..)?.first_chunk()?));
        let content = bytes.get(at + 4..at + 2 + length.max(2))?;
        at += 2 + length;
        (bytes[at - 2 - length] == 0xFF && marker != 0xDA).then_some((marker, content))
    })
}

/// Whether an APP14 segment says that Adobe's conventions apply.
fn is_adobe(bytes: &[u8]) -> bool {
    segments(bytes).any(|(marker, content)| marker == 0xEE && content.starts_with(b"Adobe"))
}

/// Pixels per inch by the JFIF header (section "JFIF APP0 marker segment").
fn dpi(bytes: &[u8]) -> Option<f64> {
    let (_, header) = segments(bytes).find(|(marker, content)| *marker == 0xE0 && content.starts_with(b"JFIF\0"))?;
    let density = f64::from(u16::from_be_bytes(*header.get(8..)?.first_chunk()?));
    match header[7] {
        1 if density > 1.0 => Some(density),
        2 if density > 1.0 => Some(density * MM_PER_INCH / 10.0),
        _ => None,
    }
}
