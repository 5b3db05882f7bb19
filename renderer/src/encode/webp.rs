//! WebP: display-referred, straight alpha, 8 bits; lossless, or lossy with lossless alpha.

use serde::Serialize;
use webp::{Encoder, PixelLayout, WebPConfig};

use super::exif;
use super::icc::{self, Curve};
use super::quantize::{is_opaque, samples, to_8};
use super::{EncodeError, Metadata, Quality, check_shape, check_sides, riff};
use crate::color::DisplayImage;

/// Largest side of the format.
pub(super) const MAX_SIDE_PX: u32 = 16_383;

/// What a WebP keeps of its pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub enum WebPCompression {
    /// Every code of 8 bits.
    #[default]
    Lossless,
    /// As much as the quality says: colours in 4:2:0, alpha as it is.
    Lossy(Quality),
}

/// Encodes a picture as WebP: with straight alpha unless every pixel is opaque.
///
/// Values are rounded and clipped as in a PNG of 8 bits. The file has a profile of sRGB, an XMP packet with the
/// provenance, and the resolution, if there is one, in an Exif block.
///
/// # Errors
/// [`EncodeError::Empty`] and [`EncodeError::Shape`] when the size does not fit the pixels, [`EncodeError::TooLarge`].
pub fn webp(image: &DisplayImage, compression: WebPCompression, metadata: &Metadata) -> Result<Vec<u8>, EncodeError> {
    let size_px = [image.width_px, image.height_px];
    let opaque = is_opaque(&image.rgba, to_8);
    let pixels = picture(image, compression, Effort::Still)?;
    let exif = metadata.dpi.map(exif::resolution);
    let has = |flag: u8, is_there: bool| if is_there { flag } else { 0 };
    let flags = riff::ICC | riff::XMP | has(riff::ALPHA, !opaque) | has(riff::EXIF, exif.is_some());
    let chunks = [
        riff::extended(flags, size_px),
        riff::chunk(b"ICCP", &icc::profile(Curve::Srgb)),
        pixels,
        exif.map(|block| riff::chunk(b"EXIF", &block)).unwrap_or_default(),
        riff::chunk(b"XMP ", &metadata.provenance.xmp()),
    ]
    .concat();
    Ok([&riff::header(chunks.len() as u32)[..], &chunks].concat())
}

/// How much time to spend on a smaller file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Effort {
    /// One picture.
    Still,
    /// One of many.
    Frame,
}

/// The chunks that contain the pixels of a picture.
pub(super) fn picture(
    image: &DisplayImage,
    compression: WebPCompression,
    effort: Effort,
) -> Result<Vec<u8>, EncodeError> {
    let size_px = [image.width_px, image.height_px];
    check_shape("", size_px, 1, image.rgba.len())?;
    check_sides("WebP", size_px, MAX_SIDE_PX)?;
    let opaque = is_opaque(&image.rgba, to_8);
    let layout = if opaque { PixelLayout::Rgb } else { PixelLayout::Rgba };
    let samples = samples(&image.rgba, opaque, to_8);
    let refused = |reason: String| EncodeError::codec("encode.webp", reason);
    let mut config = WebPConfig::new().map_err(|()| refused("the codec has another version".to_owned()))?;
    let (method, lossless_quality) = match effort {
        Effort::Still => (4, 75.0),
        Effort::Frame => (2, 40.0),
    };
    config.method = method;
    // Colours of transparent pixels are kept: the file contains exactly the input.
    config.exact = 1;
    match compression {
        WebPCompression::Lossless => {
            config.lossless = 1;
            config.quality = lossless_quality;
        }
        WebPCompression::Lossy(quality) => {
            config.quality = quality.get().into();
            config.alpha_quality = 100;
        }
    }
    let encoder = Encoder::new(&samples, layout, image.width_px, image.height_px);
    let file = encoder.encode_advanced(&config).map_err(|reason| refused(format!("{reason:?}")))?;
    Ok(riff::picture_chunks(&file))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::ImageDecoder;
    use image::codecs::webp::WebPDecoder;

    use super::super::testing::{gradient, opaque, psnr_db};
    use super::*;

    fn decode(bytes: &[u8]) -> (Vec<u8>, Option<Vec<u8>>) {
        let mut decoder = WebPDecoder::new(Cursor::new(bytes)).expect("a WebP");
        let profile = decoder.icc_profile().expect("readable");
        let mut samples = vec![0; decoder.total_bytes() as usize];
        decoder.read_image(&mut samples).expect("decodes");
        (samples, profile)
    }

    /// Decoded by a Rust decoder that shares no code with the encoder.
    #[test]
    fn lossless_is_lossless() {
        for (image, opaque) in [(gradient(61, 37), false), (opaque(40, 3), true)] {
            let bytes = webp(&image, WebPCompression::Lossless, &Metadata::default()).unwrap();
            let (got, profile) = decode(&bytes);
            assert_eq!(got, samples(&image.rgba, opaque, to_8));
            assert_eq!(profile, Some(icc::profile(Curve::Srgb)));
            assert_eq!(bytes, webp(&image, WebPCompression::Lossless, &Metadata::default()).unwrap());
        }
    }

    #[test]
    fn lossy_is_near_and_keeps_alpha() {
        let image = gradient(64, 48);
        let want = samples(&image.rgba, false, to_8);
        let encode = |quality| {
            let quality = Quality::new(quality).expect("in range");
            webp(&image, WebPCompression::Lossy(quality), &Metadata::default()).unwrap()
        };
        let (low, high) = (encode(30), encode(95));
        assert!(low.len() < high.len());
        let (got, _) = decode(&high);
        let alpha = |samples: &[u8]| samples.iter().skip(3).step_by(4).copied().collect::<Vec<_>>();
        assert_eq!(alpha(&got), alpha(&want));
        assert!(psnr_db(&got, &want) > 35.0, "{} dB", psnr_db(&got, &want));
    }

    #[test]
    fn the_file_says_where_it_comes_from() {
        let bytes = webp(&gradient(5, 5), WebPCompression::Lossless, &Metadata::full()).unwrap();
        let names: Vec<_> = riff::chunks(&bytes).map(|(name, _)| *name).collect();
        assert_eq!(names, [*b"VP8X", *b"ICCP", *b"VP8L", *b"EXIF", *b"XMP "]);
        let mut decoder = WebPDecoder::new(Cursor::new(&bytes)).expect("a WebP");
        assert_eq!(decoder.exif_metadata().expect("readable"), Metadata::full().dpi.map(exif::resolution));
        let without = webp(&gradient(5, 5), WebPCompression::Lossless, &Metadata::default()).unwrap();
        assert!(riff::chunks(&without).all(|(name, _)| name != b"EXIF"));
        let (_, packet) = riff::chunks(&bytes).last().expect("chunks");
        assert_eq!(packet, Metadata::full().provenance.xmp());
        assert_eq!(u32::from_le_bytes(bytes[4..8].try_into().expect("four")) as usize, bytes.len() - 8);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        for (width_px, n_texels, code) in
            [(0, 0, "encode.empty"), (3, 2, "encode.shape"), (16_384, 16_384, "encode.too_large")]
        {
            let image = DisplayImage { width_px, height_px: 1, rgba: vec![[0.0; 4]; n_texels] };
            let encoded = webp(&image, WebPCompression::Lossless, &Metadata::default());
            assert_eq!(encoded.unwrap_err().code(), code);
        }
    }
}
