//! TIFF: display-referred with straight alpha in 8 or 16 bits, or scene-linear with premultiplied alpha in 32.

use std::borrow::Cow;
use std::io::Cursor;

use serde::Serialize;
use tiff::TiffResult;
use tiff::encoder::colortype::{ColorType, RGB8, RGB16, RGB32Float, RGBA8, RGBA16, RGBA32Float};
use tiff::encoder::compression::DeflateLevel;
use tiff::encoder::{Compression, Predictor, Rational, TiffEncoder, TiffValue};
use tiff::tags::{ExtraSamples, ResolutionUnit, Tag, Type};

use super::icc::{self, Curve};
use super::quantize::{is_opaque, samples, to_8, to_16};
use super::{EncodeError, Metadata, SOFTWARE, check_shape};
use crate::color::{DisplayImage, LinearImage};

/// The tag of an XMP packet (XMP specification part 3, 1.1.5).
const XMP_TAG: Tag = Tag::Unknown(700);

/// Bits per channel of a display-referred TIFF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum TiffDepth {
    /// 0 to 255.
    Eight,
    /// 0 to 65535.
    Sixteen,
}

/// Encodes a picture as TIFF: RGBA with straight alpha, or RGB when every pixel is opaque at this depth.
///
/// Values are rounded and clipped as in a PNG. The file is compressed by LZW, which every catalogue accepts, and has a
/// profile of sRGB, an XMP packet with the provenance, and the resolution.
///
/// # Errors
/// [`EncodeError::Empty`] and [`EncodeError::Shape`] when the size does not fit the pixels.
pub fn tiff(image: &DisplayImage, depth: TiffDepth, metadata: &Metadata) -> Result<Vec<u8>, EncodeError> {
    let size_px = [image.width_px, image.height_px];
    check_shape("", size_px, 1, image.rgba.len())?;
    let page = Page { size_px, alpha: ExtraSamples::UnassociatedAlpha, curve: Curve::Srgb, metadata };
    let rgba = &image.rgba;
    let bytes = match depth {
        TiffDepth::Eight if is_opaque(rgba, to_8) => page.encode::<RGB8>(&samples(rgba, true, to_8)),
        TiffDepth::Eight => page.encode::<RGBA8>(&samples(rgba, false, to_8)),
        TiffDepth::Sixteen if is_opaque(rgba, to_16) => page.encode::<RGB16>(&samples(rgba, true, to_16)),
        TiffDepth::Sixteen => page.encode::<RGBA16>(&samples(rgba, false, to_16)),
    };
    bytes.map_err(|reason| EncodeError::codec("encode.tiff", reason))
}

/// Encodes radiance as TIFF of 32-bit floating point: linear Rec.709 with premultiplied alpha, or RGB when every pixel
/// is opaque. Values are unchanged; the profile says that they are linear.
///
/// # Errors
/// [`EncodeError::Empty`] and [`EncodeError::Shape`] when the size does not fit the pixels.
pub fn tiff_linear(image: &LinearImage, metadata: &Metadata) -> Result<Vec<u8>, EncodeError> {
    let size_px = [image.width_px, image.height_px];
    check_shape("", size_px, 1, image.rgba.len())?;
    let page = Page { size_px, alpha: ExtraSamples::AssociatedAlpha, curve: Curve::Linear, metadata };
    let keep = |value: f32| value;
    let bytes = match is_opaque(&image.rgba, keep) {
        true => page.encode::<RGB32Float>(&samples(&image.rgba, true, keep)),
        false => page.encode::<RGBA32Float>(image.rgba.as_flattened()),
    };
    bytes.map_err(|reason| EncodeError::codec("encode.tiff", reason))
}

/// Everything in a file except its samples.
struct Page<'a> {
    size_px: [u32; 2],
    /// The meaning of the fourth channel.
    alpha: ExtraSamples,
    curve: Curve,
    metadata: &'a Metadata,
}

impl Page<'_> {
    fn encode<C: ColorType>(&self, samples: &[C::Inner]) -> TiffResult<Vec<u8>>
    where
        [C::Inner]: TiffValue,
    {
        let mut bytes = Cursor::new(Vec::new());
        // Differences between neighbours compress better, at least for integers.
        let (compression, predictor) = match self.curve {
            Curve::Srgb => (Compression::Lzw, Predictor::Horizontal),
            Curve::Linear => (Compression::Deflate(DeflateLevel::Balanced), Predictor::None),
        };
        let mut file = TiffEncoder::new(&mut bytes)?.with_compression(compression).with_predictor(predictor);
        let mut page = file.new_image::<C>(self.size_px[0], self.size_px[1])?;
        if let Some(dpi) = self.metadata.dpi {
            page.resolution(ResolutionUnit::Inch, Rational { n: dpi.get().into(), d: 1 });
        }
        let tags = page.encoder();
        if C::BITS_PER_SAMPLE.len() == 4 {
            tags.write_tag(Tag::ExtraSamples, &[self.alpha.to_u16()][..])?;
        }
        tags.write_tag(Tag::Software, SOFTWARE)?;
        tags.write_tag(Tag::IccProfile, Undefined(&icc::profile(self.curve)))?;
        tags.write_tag(XMP_TAG, &self.metadata.provenance.xmp()[..])?;
        page.write_data(samples)?;
        Ok(bytes.into_inner())
    }
}

/// Bytes of undefined type, which the format requires for profiles.
struct Undefined<'a>(&'a [u8]);

impl TiffValue for Undefined<'_> {
    const BYTE_LEN: u8 = 1;
    const FIELD_TYPE: Type = Type::UNDEFINED;

    fn count(&self) -> usize {
        self.0.len()
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.0)
    }
}

#[cfg(test)]
mod tests {
    use tiff::decoder::{Decoder, DecodingResult};

    use super::super::testing::{gradient, opaque};
    use super::*;

    fn decoder(bytes: &[u8]) -> Decoder<Cursor<&[u8]>> {
        Decoder::new(Cursor::new(bytes)).expect("a TIFF")
    }

    #[test]
    fn whole_numbers_survive() {
        for image in [gradient(61, 37), opaque(13, 7)] {
            let is_opaque = image.rgba[0][3] == 1.0 && image.rgba.last().expect("pixels")[3] == 1.0;
            let eight = tiff(&image, TiffDepth::Eight, &Metadata::default()).unwrap();
            let DecodingResult::U8(got) = decoder(&eight).read_image().unwrap() else { panic!("not 8 bits") };
            assert_eq!(got, samples(&image.rgba, is_opaque, to_8));
            let sixteen = tiff(&image, TiffDepth::Sixteen, &Metadata::default()).unwrap();
            let DecodingResult::U16(got) = decoder(&sixteen).read_image().unwrap() else { panic!("not 16 bits") };
            assert_eq!(got, samples(&image.rgba, is_opaque, to_16));
        }
    }

    #[test]
    fn radiance_survives_bit_by_bit() {
        let rgba: Vec<_> = (0..5 * 4).map(|i| [i as f32 * 0.37, -1.5, 1e20, 0.25]).collect();
        let image = LinearImage { width_px: 5, height_px: 4, rgba };
        let bytes = tiff_linear(&image, &Metadata::default()).unwrap();
        let mut decoder = decoder(&bytes);
        let DecodingResult::F32(got) = decoder.read_image().unwrap() else { panic!("not floating point") };
        assert_eq!(got, image.rgba.as_flattened());
        assert_eq!(decoder.get_tag_u8_vec(Tag::IccProfile).unwrap(), icc::profile(Curve::Linear));
    }

    #[test]
    fn tags_say_what_alpha_is_and_where_the_picture_comes_from() {
        let image = gradient(8, 8);
        let linear = LinearImage { width_px: 8, height_px: 8, rgba: image.rgba.clone() };
        for (bytes, alpha) in [
            (tiff(&image, TiffDepth::Eight, &Metadata::full()).unwrap(), ExtraSamples::UnassociatedAlpha),
            (tiff_linear(&linear, &Metadata::full()).unwrap(), ExtraSamples::AssociatedAlpha),
        ] {
            let mut decoder = decoder(&bytes);
            assert_eq!(decoder.get_tag_u16_vec(Tag::ExtraSamples).unwrap(), [alpha.to_u16()]);
            assert_eq!(decoder.get_tag_ascii_string(Tag::Software).unwrap(), SOFTWARE);
            assert_eq!(decoder.get_tag_u8_vec(XMP_TAG).unwrap(), Metadata::full().provenance.xmp());
            assert_eq!(decoder.get_tag_u32_vec(Tag::XResolution).unwrap(), [300, 1]);
            assert_eq!(decoder.get_tag_u32(Tag::ResolutionUnit).unwrap(), 2);
        }
        let opaque = tiff(&opaque(8, 8), TiffDepth::Eight, &Metadata::default()).unwrap();
        assert!(decoder(&opaque).find_tag(Tag::ExtraSamples).unwrap().is_none());
    }
}
