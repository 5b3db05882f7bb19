//! PNG: display-referred, straight alpha, marked as sRGB.

use std::io::{BufRead, Seek};

use png::{
    BitDepth, ColorType, Compression, Decoder, DecodingError, Encoder, EncodingError, PixelDimensions,
    SrgbRenderingIntent, Transformations, Unit,
};
use rayon::prelude::*;
use serde::Serialize;

use super::quantize::{is_opaque, samples, to_8, to_16};
use super::{EncodeError, Metadata, SOFTWARE, check_shape};
use crate::color::DisplayImage;

/// Bits per channel of a PNG.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub enum PngDepth {
    /// 0 to 255.
    #[default]
    Eight,
    /// 0 to 65535.
    Sixteen,
}

/// Encodes a picture as PNG: RGBA with straight alpha, or RGB when every pixel is opaque at this depth.
///
/// A channel value v becomes `round(255 v)` or `round(65535 v)`; values outside 0 to 1 are clipped, NaN is 0. The file
/// has an `sRGB` chunk (perceptual intent, the one for pictures), a `Software` text, `pHYs` where the metadata has a
/// resolution, and an `iTXt` for each entry of its provenance, `packshot:scene` and so on.
///
/// # Errors
/// [`EncodeError::Empty`] and [`EncodeError::Shape`] when the size does not fit the pixels.
pub fn png(image: &DisplayImage, depth: PngDepth, metadata: &Metadata) -> Result<Vec<u8>, EncodeError> {
    check_shape("", [image.width_px, image.height_px], 1, image.rgba.len())?;
    let opaque = match depth {
        PngDepth::Eight => is_opaque(&image.rgba, to_8),
        PngDepth::Sixteen => is_opaque(&image.rgba, to_16),
    };
    let mut bytes = Vec::new();
    write(&mut bytes, image, depth, opaque, metadata).map_err(EncodeError::Png)?;
    Ok(bytes)
}

/// The pixels as read back from a PNG of this depth, so that a movie of them equals a movie made from the files.
pub fn rounded_to_png(image: &DisplayImage, depth: PngDepth) -> DisplayImage {
    let round = |value: f32| match depth {
        PngDepth::Eight => f32::from(to_8(value)) / 255.0,
        PngDepth::Sixteen => f32::from(to_16(value)) / 65535.0,
    };
    let rgba = image.rgba.par_iter().map(|texel| texel.map(round)).collect();
    DisplayImage { width_px: image.width_px, height_px: image.height_px, rgba }
}

/// Reads a PNG that this module wrote: RGB or RGBA, with 8 or 16 bits. Encoding it again gives the same codes.
///
/// # Errors
/// When it is not one, or is truncated.
pub fn read_png(file: impl BufRead + Seek) -> Result<DisplayImage, DecodingError> {
    let mut decoder = Decoder::new(file);
    decoder.set_transformations(Transformations::IDENTITY);
    let mut reader = decoder.read_info()?;
    let mut bytes = vec![0; reader.output_buffer_size().ok_or(DecodingError::LimitsExceeded)?];
    let info = reader.next_frame(&mut bytes)?;
    let values: Vec<f32> = match info.bit_depth {
        BitDepth::Sixteen => {
            let codes = bytes.chunks_exact(2).map(|code| u16::from_be_bytes([code[0], code[1]]));
            codes.map(|code| f32::from(code) / 65535.0).collect()
        }
        _ => bytes.into_iter().map(|code| f32::from(code) / 255.0).collect(),
    };
    let rgba = match info.color_type {
        ColorType::Rgba => values.as_chunks().0.to_vec(),
        _ => values.as_chunks().0.iter().map(|&[r, g, b]| [r, g, b, 1.0]).collect(),
    };
    Ok(DisplayImage { width_px: info.width, height_px: info.height, rgba })
}

/// Reads a PNG to its end and keeps nothing of it.
///
/// # Errors
/// When it is none, is truncated, or a checksum in it is wrong.
pub fn check_png(file: impl BufRead + Seek) -> Result<(), DecodingError> {
    let mut reader = Decoder::new(file).read_info()?;
    while reader.next_row()?.is_some() {}
    reader.finish()
}

fn write(
    bytes: &mut Vec<u8>,
    image: &DisplayImage,
    depth: PngDepth,
    opaque: bool,
    metadata: &Metadata,
) -> Result<(), EncodingError> {
    let encoder = encoder(bytes, [image.width_px, image.height_px], depth, opaque, metadata)?;
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&sample_bytes(image, depth, opaque))?;
    writer.finish()
}

/// An encoder with everything but the pixels.
pub(super) fn encoder<W: std::io::Write>(
    out: W,
    [width_px, height_px]: [u32; 2],
    depth: PngDepth,
    opaque: bool,
    metadata: &Metadata,
) -> Result<Encoder<'static, W>, EncodingError> {
    let mut encoder = Encoder::new(out, width_px, height_px);
    encoder.set_color(if opaque { ColorType::Rgb } else { ColorType::Rgba });
    encoder.set_depth(match depth {
        PngDepth::Eight => BitDepth::Eight,
        PngDepth::Sixteen => BitDepth::Sixteen,
    });
    encoder.set_compression(Compression::Fast);
    encoder.set_source_srgb(SrgbRenderingIntent::Perceptual);
    encoder.set_pixel_dims(metadata.dpi.map(|dpi| {
        // 0.0254 m to an inch.
        let per_metre = (f64::from(dpi.get()) / 0.0254).round() as u32;
        PixelDimensions { xppu: per_metre, yppu: per_metre, unit: Unit::Meter }
    }));
    encoder.add_text_chunk("Software".to_owned(), SOFTWARE.to_owned())?;
    for (name, value) in metadata.provenance.entries() {
        encoder.add_itxt_chunk(format!("packshot:{name}"), value)?;
    }
    Ok(encoder)
}

/// The samples as in the file before filtering, without alpha when `opaque`.
pub(super) fn sample_bytes(image: &DisplayImage, depth: PngDepth, opaque: bool) -> Vec<u8> {
    match depth {
        PngDepth::Eight => samples(&image.rgba, opaque, to_8),
        PngDepth::Sixteen => samples(&image.rgba, opaque, |value| to_16(value).to_be_bytes()).into_flattened(),
    }
}

#[cfg(test)]
mod tests {
    use png::{Decoder, Transformations};
    use proptest::prelude::*;

    use super::*;

    fn image(width_px: u32, rgba: Vec<[f32; 4]>) -> DisplayImage {
        DisplayImage { width_px, height_px: rgba.len() as u32 / width_px, rgba }
    }

    struct Decoded {
        color: ColorType,
        depth: BitDepth,
        srgb: Option<SrgbRenderingIntent>,
        texts: Vec<(String, String)>,
        samples: Vec<u8>,
    }

    fn decode(bytes: &[u8]) -> Decoded {
        let mut decoder = Decoder::new(std::io::Cursor::new(bytes));
        decoder.set_transformations(Transformations::IDENTITY);
        let mut reader = decoder.read_info().unwrap();
        let mut samples = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut samples).unwrap();
        let info = reader.info();
        let texts = info.uncompressed_latin1_text.iter().map(|text| (text.keyword.clone(), text.text.clone()));
        Decoded { color: info.color_type, depth: info.bit_depth, srgb: info.srgb, texts: texts.collect(), samples }
    }

    #[test]
    fn eight_bits_are_rounded_and_keep_straight_alpha() {
        let texels = vec![
            [0.0, 0.5, 1.0, 0.5],
            [100.4 / 255.0, 100.6 / 255.0, -3.0, 0.25],
            [7.0, f32::NAN, 0.2, 0.3],
            [0.9, 0.1, 0.2, 0.0],
        ];
        let decoded = decode(&png(&image(4, texels), PngDepth::Eight, &Metadata::default()).unwrap());
        assert_eq!((decoded.color, decoded.depth), (ColorType::Rgba, BitDepth::Eight));
        assert_eq!(decoded.samples, [0, 128, 255, 128, 100, 101, 0, 64, 255, 0, 51, 77, 0, 0, 0, 0]);
    }

    #[test]
    fn sixteen_bits_keep_every_code() {
        let texels: Vec<_> = (0..=65535_u32).map(|code| [code as f32 / 65535.0, 0.0, 1.0, 0.5]).collect();
        let decoded = decode(&png(&image(256, texels), PngDepth::Sixteen, &Metadata::default()).unwrap());
        assert_eq!((decoded.color, decoded.depth), (ColorType::Rgba, BitDepth::Sixteen));
        for (code, texel) in decoded.samples.chunks_exact(8).enumerate() {
            assert_eq!(u16::from_be_bytes([texel[0], texel[1]]) as usize, code);
            assert_eq!(texel[2..], [0, 0, 255, 255, 128, 0]);
        }
    }

    #[test]
    fn an_opaque_picture_has_no_alpha_channel() {
        for depth in [PngDepth::Eight, PngDepth::Sixteen] {
            let opaque = image(2, vec![[0.2, 0.4, 0.6, 1.0], [0.0, 0.0, 1.0, 0.999_999_9]]);
            assert_eq!(decode(&png(&opaque, depth, &Metadata::default()).unwrap()).color, ColorType::Rgb);
            let edge = image(2, vec![[0.2, 0.4, 0.6, 1.0], [0.0, 0.0, 1.0, 0.99]]);
            assert_eq!(decode(&png(&edge, depth, &Metadata::default()).unwrap()).color, ColorType::Rgba);
        }
    }

    #[test]
    fn the_file_says_its_color_space_and_maker_and_no_time() {
        let bytes = png(&image(1, vec![[0.5; 4]]), PngDepth::Eight, &Metadata::default()).unwrap();
        let decoded = decode(&bytes);
        assert_eq!(decoded.srgb, Some(SrgbRenderingIntent::Perceptual));
        assert_eq!(decoded.texts, [("Software".to_owned(), SOFTWARE.to_owned())]);
        assert!(!bytes.windows(4).any(|name| name == b"tIME"));
    }

    #[test]
    fn rounded_pixels_have_the_codes_of_the_file() {
        let texels = vec![[0.0, 0.5, 1.0, 0.3], [100.4 / 255.0, 0.123_456, -3.0, 7.0], [f32::NAN, 0.999, 0.2, 1.0]];
        for (depth, codes) in [(PngDepth::Eight, 255.0), (PngDepth::Sixteen, 65535.0_f32)] {
            let rounded = rounded_to_png(&image(3, texels.clone()), depth);
            assert!(rounded.rgba.iter().flatten().all(|value| (value * codes - (value * codes).round()).abs() < 1e-2));
            let bytes = |image: &DisplayImage| png(image, depth, &Metadata::default()).unwrap();
            assert_eq!(bytes(&rounded), bytes(&image(3, texels.clone())), "{depth:?}");
        }
    }

    #[test]
    fn a_size_that_does_not_fit_is_an_error() {
        for (width_px, height_px, n_texels, code) in [
            (0, 0, 0, "encode.empty"),
            (0, 5, 0, "encode.empty"),
            (5, 0, 0, "encode.empty"),
            (2, 2, 3, "encode.shape"),
            (u32::MAX, u32::MAX, 4, "encode.shape"),
        ] {
            let image = DisplayImage { width_px, height_px, rgba: vec![[0.0; 4]; n_texels] };
            let error = png(&image, PngDepth::Eight, &Metadata::default()).unwrap_err();
            assert_eq!((error.code(), error.at().as_str()), (code, "picture"));
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(width_px in 1..40_u32, height_px in 1..40_u32, seed in any::<u64>()) {
            let mut state = seed;
            let rgba = (0..width_px * height_px).map(|_| std::array::from_fn(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                ((state >> 56) as f32) / 255.0
            })).collect();
            let image = DisplayImage { width_px, height_px, rgba };
            let bytes = png(&image, PngDepth::Eight, &Metadata::default()).unwrap();
            prop_assert_eq!(&bytes, &png(&image, PngDepth::Eight, &Metadata::default()).unwrap());
            let code = |texel: &[f32; 4]| texel.map(|value| if texel[3] > 0.0 { (value * 255.0).round() as u8 } else { 0 });
            let want: Vec<u8> = image.rgba.iter().flat_map(code).collect();
            let decoded = decode(&bytes);
            if decoded.color == ColorType::Rgba {
                prop_assert_eq!(decoded.samples, want);
            }
        }
    }
}
