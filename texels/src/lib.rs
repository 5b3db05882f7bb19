//! Pictures of textures, of files and of material libraries alike: PNG, JPEG and WebP, told by their content, measured
//! by their header, and decoded to 8-bit RGBA.
//!
//! The header is read by itself, so that a decompression bomb costs nothing. Ancillary data of a PNG, which may inflate
//! to any size, is skipped.

use std::io::Cursor;

use image::ImageDecoder as _;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::webp::WebPDecoder;

/// A decoded picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Pixels, at least 1.
    pub width_px: u32,
    /// Pixels, at least 1.
    pub height_px: u32,
    /// `width_px * height_px` straight RGBA texels as stored (not decoded from sRGB), row 0 on top.
    pub rgba8: Vec<[u8; 4]>,
}

/// The formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// PNG of any depth and colour type; 16 bits are rounded to 8.
    Png,
    /// JPEG, baseline or progressive.
    Jpeg,
    /// WebP, lossy or lossless.
    WebP,
}

/// A picture that cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Undecodable(String);

impl Undecodable {
    fn because(error: impl std::fmt::Display) -> Self {
        const LENGTH_MAX: usize = 80;
        let text = error.to_string();
        // Some decoders print their internal types, which mean nothing to users; some quote bytes of the file, so line
        // breaks are escaped.
        if text.contains(['{', '}']) {
            return Self("the image is damaged".to_owned());
        }
        let mut shown: String = text.chars().take(LENGTH_MAX).flat_map(char::escape_debug).collect();
        if text.chars().nth(LENGTH_MAX).is_some() {
            shown.push('…');
        }
        Self(format!("the image cannot be decoded: '{shown}'"))
    }
}

impl Format {
    /// The format of these bytes by how they begin.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if bytes.starts_with(b"\xFF\xD8\xFF") {
            Some(Self::Jpeg)
        } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            Some(Self::WebP)
        } else {
            None
        }
    }

    /// Its media type.
    pub fn mime_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::WebP => "image/webp",
        }
    }

    /// Width and height in pixels by the header alone.
    ///
    /// # Errors
    /// [`Undecodable`] without a header of this format.
    pub fn size_px(self, bytes: &[u8]) -> Result<[u32; 2], Undecodable> {
        let cursor = Cursor::new(bytes);
        let [width, height] = match self {
            Self::Png => {
                let mut decoder = png::Decoder::new(cursor);
                let header = decoder.read_header_info().map_err(Undecodable::because)?;
                [header.width, header.height]
            }
            Self::Jpeg => jpeg_size_px(bytes).ok_or_else(|| Undecodable::because("there is no frame header"))?,
            Self::WebP => {
                let (width, height) = WebPDecoder::new(cursor).map_err(Undecodable::because)?.dimensions();
                [width, height]
            }
        };
        Ok([width, height])
    }

    /// Whether the file goes on to its end. Decoders of JPEG fill in what is missing, and other programs may too; of an
    /// animated WebP they read as many frames as they are asked for.
    pub fn is_whole(self, bytes: &[u8]) -> bool {
        match self {
            Self::Png => true,
            // An image's data contains no marker but those of restarts (ITU-T T.81 section B.1.1.2), so the end of the
            // last scan is that of the picture and not that of a preview.
            Self::Jpeg => {
                let find = |marker: [u8; 2]| bytes.windows(2).rposition(|window| window == marker);
                find([0xFF, 0xD9]) > find([0xFF, 0xDA])
            }
            // Its header says how much follows (RFC 9649 section 2.4).
            Self::WebP => {
                let length = bytes.get(4..8).and_then(|word| word.first_chunk()).map(|word| u32::from_le_bytes(*word));
                length.is_some_and(|length| bytes.len() as u64 >= 8 + u64::from(length))
            }
        }
    }

    /// The picture. Memory of about `bytes_max` is used for texels at most, if a PNG's header says what is in it.
    ///
    /// # Errors
    /// [`Undecodable`] for a damaged file.
    pub fn decode(self, bytes: &[u8], bytes_max: u64) -> Result<Image, Undecodable> {
        let cursor = Cursor::new(bytes);
        match self {
            Self::Png => decode_png(cursor, bytes_max),
            Self::Jpeg => JpegDecoder::new(cursor).and_then(decoded).map_err(Undecodable::because),
            Self::WebP => WebPDecoder::new(cursor).and_then(decoded).map_err(Undecodable::because),
        }
    }
}

/// Width and height from the frame header of a JPEG (ITU-T T.81 sections B.1.1 and B.2.2). The decoder's own header
/// parser requires a scan too, which a decompression bomb need not have.
fn jpeg_size_px(bytes: &[u8]) -> Option<[u32; 2]> {
    let word = |at: usize| Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    let mut at = 2;
    loop {
        let marker = word(at)?;
        match marker {
            // Any number of fill bytes may precede a marker.
            0xFFFF => at += 1,
            // Frame headers; C4, C8 and CC among them are not.
            0xFFC0..=0xFFCF if !matches!(marker, 0xFFC4 | 0xFFC8 | 0xFFCC) => {
                return Some([word(at + 7)?.into(), word(at + 5)?.into()]);
            }
            // A scan before any frame, or no marker at all.
            0xFFDA | 0..0xFF00 => return None,
            _ => at += 2 + usize::from(word(at + 2)?),
        }
    }
}

fn decoded(decoder: impl image::ImageDecoder) -> image::ImageResult<Image> {
    let rgba = image::DynamicImage::from_decoder(decoder)?.into_rgba8();
    let (width_px, height_px) = rgba.dimensions();
    let (texels, _) = rgba.as_raw().as_chunks::<4>();
    Ok(Image { width_px, height_px, rgba8: texels.to_vec() })
}

fn decode_png(bytes: Cursor<&[u8]>, bytes_max: u64) -> Result<Image, Undecodable> {
    // 16-bit texels take twice the memory until they are rounded.
    let bytes_max = usize::try_from(bytes_max.saturating_mul(2)).unwrap_or(usize::MAX);
    let mut decoder = png::Decoder::new_with_limits(bytes, png::Limits { bytes: bytes_max });
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    // Palettes and depths below 8 bits are expanded to 8-bit grey or colour; a transparent colour becomes alpha.
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(Undecodable::because)?;
    let length = reader.output_buffer_size().ok_or_else(|| Undecodable::because("it is too large"))?;
    let mut samples = vec![0; length];
    let frame = reader.next_frame(&mut samples).map_err(Undecodable::because)?;
    samples.truncate(frame.buffer_size());
    if frame.bit_depth == png::BitDepth::Sixteen {
        let (words, _) = samples.as_chunks::<2>();
        let round = |word: &[u8; 2]| ((u32::from(u16::from_be_bytes(*word)) * 255 + 32_767) / 65_535) as u8;
        samples = words.iter().map(round).collect();
    }
    Ok(Image { width_px: frame.width, height_px: frame.height, rgba8: to_rgba(&samples, frame.color_type) })
}

fn to_rgba(samples: &[u8], color_type: png::ColorType) -> Vec<[u8; 4]> {
    match color_type {
        png::ColorType::Grayscale | png::ColorType::Indexed => samples.iter().map(|&l| [l, l, l, 255]).collect(),
        png::ColorType::GrayscaleAlpha => samples.as_chunks().0.iter().map(|&[l, a]| [l, l, l, a]).collect(),
        png::ColorType::Rgb => samples.as_chunks().0.iter().map(|&[r, g, b]| [r, g, b, 255]).collect(),
        png::ColorType::Rgba => samples.as_chunks().0.to_vec(),
    }
}
