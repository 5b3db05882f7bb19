//! AVIF: display-referred, straight alpha, 8 or 10 bits, chroma in full resolution.
//!
//! The file describes its colour space itself, in the stream and in a `colr` box: primaries and matrix of BT.709 in
//! full range, the transfer function of sRGB. It needs no profile. The codec does not support an XMP packet, so that
//! follows in a box of its own.

use ravif::{Encoder, MatrixCoefficients, PixelRange};
use serde::Serialize;

use super::exif;
use super::quantize::{is_opaque, to_8};
use super::{EncodeError, Metadata, Quality, check_shape, check_sides, xmp};
use crate::color::DisplayImage;

/// Largest side of the format.
pub(super) const MAX_SIDE_PX: u32 = 65_536;
/// Effort from 1 (longest) to 10.
const SPEED: u8 = 7;

/// Bits per channel of an AVIF.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub enum AvifDepth {
    /// 0 to 255.
    Eight,
    /// 0 to 1023: files are no larger, and there is no banding.
    #[default]
    Ten,
}

/// Encodes a picture as AVIF: with straight alpha unless every pixel is opaque. Alpha has the quality of the colours.
/// The resolution, if there is one, is in an Exif block, the provenance in an XMP packet.
///
/// # Errors
/// [`EncodeError::Empty`] and [`EncodeError::Shape`] when the size does not fit the pixels, [`EncodeError::TooLarge`].
pub fn avif(
    image: &DisplayImage,
    quality: Quality,
    depth: AvifDepth,
    metadata: &Metadata,
) -> Result<Vec<u8>, EncodeError> {
    let size_px = [image.width_px, image.height_px];
    check_shape("", size_px, 1, image.rgba.len())?;
    check_sides("AVIF", size_px, MAX_SIDE_PX)?;
    let quality = f32::from(quality.get());
    let mut encoder = Encoder::new()
        .with_quality(quality)
        .with_alpha_quality(quality)
        .with_speed(SPEED)
        // The codec divides the picture into as many tiles as it has threads, so another number would give other bytes.
        .with_num_threads(Some(1));
    if let Some(dpi) = metadata.dpi {
        // The item starts with the block's offset in it. If the codec wrote it, it would be an extent of its own, which
        // FFmpeg does not read.
        encoder = encoder.with_exif([&[0; 4][..], &exif::resolution(dpi)].concat());
    }
    let transparent = !is_opaque(&image.rgba, to_8);
    let [width, height] = size_px.map(|side| side as usize);
    let (range, matrix) = (PixelRange::Full, MatrixCoefficients::BT709);
    let encoded = match depth {
        AvifDepth::Eight => {
            let code = |value: f32| (value * 255.0 + 0.5) as u8;
            let colors = image.rgba.iter().map(|texel| ycbcr(texel).map(code));
            let alpha = transparent.then(|| image.rgba.iter().map(|texel| code(texel[3])));
            encoder.encode_raw_planes_8_bit(width, height, colors, alpha, range, matrix)
        }
        AvifDepth::Ten => {
            let code = |value: f32| ((value * 1023.0 + 0.5) as u16).min(1023);
            let colors = image.rgba.iter().map(|texel| ycbcr(texel).map(code));
            let alpha = transparent.then(|| image.rgba.iter().map(|texel| code(texel[3])));
            encoder.encode_raw_planes_10_bit(width, height, colors, alpha, range, matrix)
        }
    };
    let mut file = encoded.map_err(|reason| EncodeError::codec("encode.avif", reason))?.avif_file;
    // At the end, where it moves none of the places that the other boxes name.
    file.extend(xmp::boxed(&metadata.provenance.xmp()));
    Ok(file)
}

/// Luma and chroma of ITU-R BT.709 in full range, each 0 to 1 with chroma around a half.
fn ycbcr(&[r, g, b, _]: &[f32; 4]) -> [f32; 3] {
    let [r, g, b] = [r, g, b].map(|value| value.clamp(0.0, 1.0));
    let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    [y, 0.5 + (b - y) / 1.8556, 0.5 + (r - y) / 1.5748]
}

#[cfg(test)]
mod tests {
    use super::super::testing::{gradient, opaque};
    use super::*;

    /// The boxes of a file, with those inside of `meta`, `iprp` and `ipco`.
    fn boxes(file: &[u8], path: &str, found: &mut Vec<(String, Vec<u8>)>) {
        let mut rest = file;
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let name = String::from_utf8_lossy(&after[..4]).into_owned();
            let data = &rest[8..u32::from_be_bytes(*length) as usize];
            let path = format!("{path}/{name}");
            match name.as_str() {
                "meta" => boxes(&data[4..], &path, found),
                "iprp" | "ipco" => boxes(data, &path, found),
                _ => found.push((path, data.to_vec())),
            }
            rest = &rest[8 + data.len()..];
        }
    }

    #[test]
    fn the_file_names_its_size_and_colors() {
        for (image, depth, bits, n_pictures) in
            [(gradient(48, 32), AvifDepth::Ten, 10, 2), (opaque(48, 32), AvifDepth::Eight, 8, 1)]
        {
            let bytes = avif(&image, Quality::DEFAULT, depth, &Metadata::default()).unwrap();
            assert_eq!(bytes, avif(&image, Quality::DEFAULT, depth, &Metadata::default()).unwrap());
            let mut found = Vec::new();
            boxes(&bytes, "", &mut found);
            let property = |name: &str| {
                let path = format!("/meta/iprp/ipco/{name}");
                found.iter().filter(|(found, _)| *found == path).map(|(_, data)| data.clone()).collect::<Vec<_>>()
            };
            assert!(found[0].0 == "/ftyp" && found[0].1.starts_with(b"avif"));
            assert_eq!(property("ispe")[0], [[0; 4], [0, 0, 0, 48], [0, 0, 0, 32]].concat());
            assert_eq!(property("pixi")[0], [0, 0, 0, 0, 3, bits, bits, bits]);
            // Primaries 1 (BT.709), transfer 13 (sRGB), matrix 1 (BT.709), full range.
            assert_eq!(property("colr")[0], b"nclx\0\x01\0\x0d\0\x01\x80");
            assert_eq!(property("av1C").len(), n_pictures, "colours, and alpha where there is any");
        }
    }

    #[test]
    fn the_file_has_its_resolution() {
        let Metadata { dpi, provenance } = Metadata::full();
        let [with, without] = [dpi, None].map(|dpi| {
            let metadata = Metadata { dpi, provenance: provenance.clone() };
            avif(&gradient(48, 32), Quality::DEFAULT, AvifDepth::Ten, &metadata).unwrap()
        });
        let item = [&[0; 4][..], &exif::resolution(dpi.expect("not 0"))].concat();
        let has = |file: &[u8], bytes: &[u8]| file.windows(bytes.len()).any(|window| window == bytes);
        assert!(has(&with, &item) && has(&with, b"Exif\0"), "an item of this type");
        assert!(!has(&without, b"Exif"));
        // Colours, alpha and Exif, each in one extent: 14 bytes per item.
        let mut found = Vec::new();
        boxes(&with, "", &mut found);
        let places = found.iter().find(|(path, _)| path == "/meta/iloc").expect("places of the items");
        assert_eq!(places.1.len(), 8 + 3 * 14);
    }

    #[test]
    fn greys_have_no_chroma() {
        for value in [0.0, 0.2, 1.0, 7.0] {
            let [y, cb, cr] = ycbcr(&[value, value, value, 1.0]);
            assert!((y - value.min(1.0)).abs() < 1e-6 && (cb - 0.5).abs() < 1e-6 && (cr - 0.5).abs() < 1e-6);
        }
        let [y, cb, cr] = ycbcr(&[0.0, 0.0, 1.0, 1.0]);
        assert!((y - 0.0722).abs() < 1e-6 && (cb - 1.0).abs() < 1e-6 && cr < 0.5);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let image = |width_px, n_texels| DisplayImage { width_px, height_px: 1, rgba: vec![[0.0; 4]; n_texels] };
        for (image, code) in
            [(image(0, 0), "encode.empty"), (image(3, 2), "encode.shape"), (image(65_537, 65_537), "encode.too_large")]
        {
            assert_eq!(avif(&image, Quality::DEFAULT, AvifDepth::Ten, &Metadata::default()).unwrap_err().code(), code);
        }
    }
}
