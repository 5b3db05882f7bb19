//! Reads a finished file back as its recipient would, to measure the result rather than the intention.
//!
//! Input: the bytes of a picture that this module's neighbours wrote. Output: its pixels and its metadata.

use std::io::Cursor;

use image::ImageFormat;
use tiff::decoder::{Decoder, DecodingResult};
use tiff::tags::{CompressionMethod, Tag};

use super::EncodeError;
use crate::color::DisplayImage;

/// The content of a file.
#[derive(Clone, Debug, Default)]
pub struct ReadBack {
    /// The pixels with straight alpha; `None` for files without display values, such as a 32-bit TIFF.
    pub image: Option<DisplayImage>,
    /// Pixels per inch, if the file states them.
    pub dpi: Option<u32>,
    /// Whether its pixels may differ from the original ones.
    pub is_lossy: bool,
    /// How the samples of a TIFF are stored.
    pub tiff_compression: Option<TiffCompression>,
}

/// How the samples of a TIFF are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TiffCompression {
    /// Uncompressed.
    None,
    /// By LZW.
    Lzw,
    /// Another compression.
    Other,
}

/// Reads a PNG, JPEG, WebP or TIFF; `None` for other formats.
///
/// # Errors
/// `encode.read_back` for a file that cannot be read.
pub fn read_back(bytes: &[u8]) -> Result<Option<ReadBack>, EncodeError> {
    Ok(Some(match bytes {
        [0x89, b'P', b'N', b'G', ..] => ReadBack { dpi: png_dpi(bytes), ..raster(bytes, ImageFormat::Png, false)? },
        [0xFF, 0xD8, ..] => ReadBack { dpi: jpeg_dpi(bytes), ..raster(bytes, ImageFormat::Jpeg, true)? },
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', chunks @ ..] => {
            raster(bytes, ImageFormat::WebP, !has_chunk(chunks, b"VP8L"))?
        }
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => tiff(bytes)?,
        _ => return Ok(None),
    }))
}

fn raster(bytes: &[u8], format: ImageFormat, is_lossy: bool) -> Result<ReadBack, EncodeError> {
    let decoded = image::load_from_memory_with_format(bytes, format);
    let decoded = decoded.map_err(|reason| EncodeError::codec("encode.read_back", reason))?.into_rgba32f();
    let (width_px, height_px) = decoded.dimensions();
    let rgba = decoded.pixels().map(|pixel| pixel.0).collect();
    let image = Some(DisplayImage { width_px, height_px, rgba });
    Ok(ReadBack { image, dpi: None, is_lossy, tiff_compression: None })
}

/// Whether one of the chunks of a RIFF file, each padded to an even length, has this name.
fn has_chunk(mut chunks: &[u8], name: &[u8; 4]) -> bool {
    while let Some((header, rest)) = chunks.split_first_chunk::<8>() {
        if header.starts_with(name) {
            return true;
        }
        let [.., a, b, c, d] = *header;
        let n_bytes = u32::from_le_bytes([a, b, c, d]) as usize;
        chunks = rest.get(n_bytes.next_multiple_of(2)..).unwrap_or_default();
    }
    false
}

/// The resolution of a PNG (chunk `pHYs`, in pixels per metre).
fn png_dpi(bytes: &[u8]) -> Option<u32> {
    let reader = png::Decoder::new(Cursor::new(bytes)).read_info().ok()?;
    let dimensions = reader.info().pixel_dims.filter(|dimensions| dimensions.unit == png::Unit::Meter)?;
    Some((f64::from(dimensions.xppu) * 0.0254).round() as u32)
}

/// The resolution of a JPEG (JFIF 1.02, the segment APP0, which comes first).
fn jpeg_dpi(bytes: &[u8]) -> Option<u32> {
    const PER_INCH: u8 = 1;
    let header = bytes.get(2..18)?;
    let is_jfif = header.starts_with(&[0xFF, 0xE0]) && header[4..9] == *b"JFIF\0";
    (is_jfif && header[11] == PER_INCH).then(|| u32::from(u16::from_be_bytes([header[12], header[13]])))
}

fn tiff(bytes: &[u8]) -> Result<ReadBack, EncodeError> {
    let refused = |reason| EncodeError::codec("encode.read_back", reason);
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(refused)?;
    let (width_px, height_px) = decoder.dimensions().map_err(refused)?;
    const INCH: u32 = 2;
    let resolution = decoder.get_tag_u32_vec(Tag::XResolution).ok().filter(|ratio| ratio.len() == 2 && ratio[1] > 0);
    let is_per_inch = decoder.get_tag_u32(Tag::ResolutionUnit).ok() == Some(INCH);
    let dpi = resolution.filter(|_| is_per_inch).map(|ratio| ratio[0] / ratio[1]);
    let method = decoder.get_tag_unsigned::<u16>(Tag::Compression).map_err(refused)?;
    let tiff_compression = match CompressionMethod::from_u16(method) {
        Some(CompressionMethod::None) => TiffCompression::None,
        Some(CompressionMethod::LZW) => TiffCompression::Lzw,
        _ => TiffCompression::Other,
    };
    let samples: Option<Vec<f32>> = match decoder.read_image().map_err(refused)? {
        DecodingResult::U8(samples) => Some(samples.into_iter().map(|sample| f32::from(sample) / 255.0).collect()),
        DecodingResult::U16(samples) => Some(samples.into_iter().map(|sample| f32::from(sample) / 65_535.0).collect()),
        _ => None,
    };
    let n_pixels = width_px as usize * height_px as usize;
    let rgba = samples.and_then(|samples| match samples.len() / n_pixels.max(1) {
        3 => Some(samples.as_chunks::<3>().0.iter().map(|&[r, g, b]| [r, g, b, 1.0]).collect()),
        4 => Some(samples.as_chunks::<4>().0.to_vec()),
        _ => None,
    });
    let image = rgba.map(|rgba| DisplayImage { width_px, height_px, rgba });
    Ok(ReadBack { image, dpi, is_lossy: false, tiff_compression: Some(tiff_compression) })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{gradient, opaque};
    use super::super::{Metadata, PngDepth, Quality, TiffDepth, WebPCompression, jpeg, png, tiff, tiff_linear, webp};
    use super::*;
    use crate::color::LinearImage;

    fn largest_difference(a: &DisplayImage, b: &DisplayImage) -> f32 {
        assert_eq!((a.width_px, a.height_px), (b.width_px, b.height_px));
        let pairs = a.rgba.as_flattened().iter().zip(b.rgba.as_flattened());
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn files_are_read_as_they_were_written() {
        let image = opaque(61, 37);
        let metadata = Metadata::full();
        for (bytes, step, is_lossy, dpi) in [
            (png(&image, PngDepth::Eight, &metadata).unwrap(), 0.5 / 255.0, false, Some(300)),
            (png(&image, PngDepth::Sixteen, &metadata).unwrap(), 0.5 / 65_535.0, false, Some(300)),
            (tiff(&image, TiffDepth::Eight, &metadata).unwrap(), 0.5 / 255.0, false, Some(300)),
            (tiff(&image, TiffDepth::Sixteen, &metadata).unwrap(), 0.5 / 65_535.0, false, Some(300)),
            (webp(&image, WebPCompression::Lossless, &metadata).unwrap(), 0.5 / 255.0, false, None),
            (webp(&image, WebPCompression::Lossy(Quality::DEFAULT), &metadata).unwrap(), 0.3, true, None),
            (jpeg(&image, Quality::DEFAULT, &metadata).unwrap(), 0.3, true, Some(300)),
        ] {
            let read = read_back(&bytes).expect("readable").expect("known");
            let found = read.image.expect("display values");
            let difference = largest_difference(&found, &image);
            assert!(difference <= step + 1e-6, "{difference} above {step}");
            assert_eq!((read.is_lossy, read.dpi), (is_lossy, dpi));
        }
    }

    #[test]
    fn what_no_resolution_was_given_has_none() {
        let image = gradient(8, 8);
        for bytes in [
            png(&image, PngDepth::Eight, &Metadata::default()).unwrap(),
            tiff(&image, TiffDepth::Eight, &Metadata::default()).unwrap(),
            jpeg(&image, Quality::DEFAULT, &Metadata::default()).unwrap(),
        ] {
            assert_eq!(read_back(&bytes).expect("readable").expect("known").dpi, None);
        }
    }

    #[test]
    fn storage_of_a_tiff_is_known() {
        let image = opaque(8, 8);
        let linear = LinearImage { width_px: 8, height_px: 8, rgba: image.rgba.clone() };
        let of = |bytes: Vec<u8>| read_back(&bytes).expect("readable").expect("known");
        let shown = of(tiff(&image, TiffDepth::Eight, &Metadata::default()).unwrap());
        assert_eq!(shown.tiff_compression, Some(TiffCompression::Lzw));
        let radiance = of(tiff_linear(&linear, &Metadata::default()).unwrap());
        assert!(radiance.image.is_none() && radiance.tiff_compression == Some(TiffCompression::Other));
        assert!(read_back(b"\x76\x2f\x31\x01").expect("no fault").is_none());
        assert_eq!(read_back(&[0xFF, 0xD8, 0xFF]).unwrap_err().code(), "encode.read_back");
    }
}
