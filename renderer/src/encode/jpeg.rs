//! JPEG: display-referred, without alpha, 8 bits, chroma in full resolution.

use std::num::NonZeroU16;

use image::codecs::jpeg::{JpegEncoder, PixelDensity};
use image::{ExtendedColorType, ImageEncoder, ImageError};

use super::icc::{self, Curve};
use super::quantize::over_white_8;
use super::{EncodeError, Metadata, Quality, check_shape, check_sides};
use crate::color::DisplayImage;

/// Largest side of the format.
pub(super) const MAX_SIDE_PX: u32 = u16::MAX as u32;
/// The first bytes of the segment of an XMP packet (XMP specification part 3, 1.1.3).
const XMP_SIGNATURE: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// Encodes a picture as JPEG; transparent pixels are laid over white.
///
/// The file has a profile of sRGB, an XMP packet with the provenance, and the resolution in its JFIF header.
///
/// # Errors
/// [`EncodeError::Empty`] and [`EncodeError::Shape`] when the size does not fit the pixels, [`EncodeError::TooLarge`].
pub fn jpeg(image: &DisplayImage, quality: Quality, metadata: &Metadata) -> Result<Vec<u8>, EncodeError> {
    let size_px = [image.width_px, image.height_px];
    check_shape("", size_px, 1, image.rgba.len())?;
    check_sides("JPEG", size_px, MAX_SIDE_PX)?;
    let mut bytes = Vec::new();
    write(&mut bytes, &over_white_8(&image.rgba), size_px, quality, metadata.dpi)
        .map_err(|reason| EncodeError::codec("encode.jpeg", reason))?;
    insert_xmp(&mut bytes, &metadata.provenance.xmp());
    Ok(bytes)
}

fn write(
    bytes: &mut Vec<u8>,
    rgb: &[u8],
    [width_px, height_px]: [u32; 2],
    quality: Quality,
    dpi: Option<NonZeroU16>,
) -> Result<(), ImageError> {
    let mut encoder = JpegEncoder::new_with_quality(bytes, quality.get());
    if let Some(dpi) = dpi {
        encoder.set_pixel_density(PixelDensity::dpi(dpi.get()));
    }
    encoder.set_icc_profile(icc::profile(Curve::Srgb)).map_err(ImageError::Unsupported)?;
    encoder.write_image(rgb, width_px, height_px, ExtendedColorType::Rgb8)
}

/// Inserts an APP1 segment after the JFIF header, which comes first in a file.
fn insert_xmp(jpeg: &mut Vec<u8>, packet: &[u8]) {
    /// The start of the image (2 bytes) and the marker of the header (2 bytes).
    const LENGTH_AT: usize = 4;
    let length = u16::from_be_bytes([jpeg[LENGTH_AT], jpeg[LENGTH_AT + 1]]);
    let at = LENGTH_AT + usize::from(length);
    // A packet has a few hundred bytes. One that exceeded a segment is dropped.
    let Ok(length) = u16::try_from(2 + XMP_SIGNATURE.len() + packet.len()) else { return };
    let segment = [&[0xff, 0xe1][..], &length.to_be_bytes(), XMP_SIGNATURE, packet].concat();
    jpeg.splice(at..at, segment);
}

/// The XMP packet of a JPEG, in a segment before its pixels.
pub(super) fn xmp_packet(file: &[u8]) -> Option<&[u8]> {
    const SCAN: u8 = 0xda;
    let mut rest = file.get(2..)?;
    loop {
        let ([mark, marker], after) = rest.split_first_chunk::<2>()?;
        if *mark != 0xff || *marker == SCAN {
            return None;
        }
        let length = usize::from(u16::from_be_bytes(*after.first_chunk::<2>()?));
        let (segment, others) = after.split_at_checked(length.max(2))?;
        if *marker == 0xe1
            && let Some(packet) = segment[2..].strip_prefix(XMP_SIGNATURE)
        {
            return Some(packet);
        }
        rest = others;
    }
}

#[cfg(test)]
mod tests {
    use image::{ImageDecoder, codecs::jpeg::JpegDecoder};

    use super::super::testing::{gradient, psnr_db};
    use super::*;

    fn decode(bytes: &[u8]) -> (Vec<u8>, Option<Vec<u8>>) {
        let mut decoder = JpegDecoder::new(std::io::Cursor::new(bytes)).expect("a JPEG");
        let profile = decoder.icc_profile().expect("readable");
        let mut rgb = vec![0; decoder.total_bytes() as usize];
        decoder.read_image(&mut rgb).expect("decodes");
        (rgb, profile)
    }

    #[test]
    fn the_picture_lies_over_white() {
        let image = gradient(61, 37);
        let want = over_white_8(&image.rgba);
        for (quality, psnr_min_db) in [(50, 30.0), (92, 38.0), (100, 44.0)] {
            let bytes = jpeg(&image, Quality::new(quality).expect("in range"), &Metadata::default()).unwrap();
            let (rgb, profile) = decode(&bytes);
            let psnr_db = psnr_db(&rgb, &want);
            assert!(psnr_db > psnr_min_db, "quality {quality}: {psnr_db} dB");
            assert_eq!(profile, Some(icc::profile(Curve::Srgb)));
        }
    }

    #[test]
    fn the_file_has_resolution_and_provenance() {
        let bytes = jpeg(&gradient(16, 16), Quality::DEFAULT, &Metadata::full()).unwrap();
        assert_eq!(bytes[6..18], *b"JFIF\0\x01\x02\x01\x01\x2c\x01\x2c", "300 dots per inch");
        assert_eq!(bytes[20..24], [0xff, 0xe1, bytes[22], bytes[23]]);
        assert!(bytes[24..].starts_with(XMP_SIGNATURE));
        let packet = Metadata::full().provenance.xmp();
        assert!(bytes[24 + XMP_SIGNATURE.len()..].starts_with(&packet));
        decode(&bytes);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        for (width_px, n_texels, code) in
            [(0, 0, "encode.empty"), (3, 2, "encode.shape"), (65_536, 65_536, "encode.too_large")]
        {
            let image = DisplayImage { width_px, height_px: 1, rgba: vec![[0.0; 4]; n_texels] };
            assert_eq!(jpeg(&image, Quality::DEFAULT, &Metadata::default()).unwrap_err().code(), code);
        }
    }
}
