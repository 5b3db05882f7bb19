//! Images: where their bytes are, and how they are decoded within limits.
//!
//! The size is read from the header of every image before one is decoded, so that a decompression bomb costs nothing.
//! Ancillary data of a PNG, which may inflate to any size, is skipped.

use std::borrow::Cow;
use std::io::Cursor;
use std::sync::Arc;

use image::ImageDecoder as _;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::webp::WebPDecoder;
use rayon::prelude::*;

use super::ImportErrorCode as Code;
use super::Limits;
use super::basisu;
use super::buffers::{View, data_uri};
use super::cancel::Cancel;
use super::error::{ImportError, quoted};
use super::findings::Findings;
use super::member::Member;
use super::textures::Texels;
use crate::diagnostic::Severity;
use crate::scene::Image;

/// An image of the file, not yet decoded.
pub(super) struct ImageSource<'b> {
    bytes: Cow<'b, [u8]>,
    format: Result<Format, String>,
}

/// The formats of glTF, `EXT_texture_webp` and `KHR_texture_basisu`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Png,
    Jpeg,
    WebP,
    Ktx2,
}

impl Format {
    fn sniff(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if bytes.starts_with(b"\xFF\xD8\xFF") {
            Some(Self::Jpeg)
        } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            Some(Self::WebP)
        } else if bytes.starts_with(&basisu::IDENTIFIER) {
            Some(Self::Ktx2)
        } else {
            None
        }
    }

    fn mime_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::WebP => "image/webp",
            Self::Ktx2 => "image/ktx2",
        }
    }
}

/// Reads `/images`: every URI is checked, nothing is decoded.
pub(super) fn read_all<'b>(
    root: &Member<'_, '_>,
    views: &[View<'b>],
    findings: &mut Findings,
) -> Result<Vec<ImageSource<'b>>, ImportError> {
    root.items("images")?.map(|image| read(&image?, views, findings)).collect()
}

fn read<'b>(
    image: &Member<'_, '_>,
    views: &[View<'b>],
    findings: &mut Findings,
) -> Result<ImageSource<'b>, ImportError> {
    let view = image.index("bufferView", views.len(), "buffer view")?;
    let bytes = match (view, image.text("uri")?) {
        (Some(view), None) => Cow::Borrowed(views[view].bytes),
        (None, Some(uri)) => Cow::Owned(data_uri(image, uri)?),
        (None, None) => return Err(image.error(Code::Image, "the image has neither a buffer view nor a URI")),
        (Some(_), Some(_)) => return Err(image.error(Code::Image, "the image has both a buffer view and a URI")),
    };
    let declared = image.text("mimeType")?;
    let format = Format::sniff(&bytes).ok_or_else(|| match declared {
        Some(mime_type) => {
            format!("the image is neither PNG, JPEG, WebP nor KTX 2; the file says {}", quoted(mime_type))
        }
        None => "the image is neither PNG, JPEG, WebP nor KTX 2".to_owned(),
    });
    if let (Some(declared), Ok(format)) = (declared, &format)
        && declared != format.mime_type()
    {
        let message = format!(
            "the image is labelled {}, but is {}; it is read by its content",
            quoted(declared),
            format.mime_type()
        );
        findings.add("image_mime_mismatch", Severity::Info, image.pointer(), message);
    }
    Ok(ImageSource { bytes, format })
}

/// An image, and how its texels are interpreted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ImageUse {
    pub(super) image: usize,
    pub(super) texels: Texels,
}

/// Decodes images, in the order of their uses, which are distinct.
pub(super) fn decode(
    sources: &[ImageSource<'_>],
    uses: &[ImageUse],
    limits: &Limits,
    cancel: Cancel<'_>,
) -> Result<Vec<Arc<Image>>, ImportError> {
    let refuse =
        |image_idx: usize, (code, message): Fault| ImportError::new(code, format!("/images/{image_idx}"), message);
    let mut bytes_left = limits.image_bytes;
    for &ImageUse { image: image_idx, .. } in uses {
        let (width_px, height_px) = sources[image_idx].size_px().map_err(|fault| refuse(image_idx, fault))?;
        if width_px.max(height_px) > limits.image_side_px {
            let message = format!(
                "the image has {width_px} × {height_px} pixels; the limit image_side_px is {}",
                limits.image_side_px
            );
            return Err(refuse(image_idx, (Code::Limit, message)));
        }
        let bytes = u64::from(width_px) * u64::from(height_px) * 4;
        bytes_left = bytes_left.checked_sub(bytes).ok_or_else(|| {
            let message = format!("the images take more than the limit image_bytes of {} bytes", limits.image_bytes);
            refuse(image_idx, (Code::Limit, message))
        })?;
    }
    // Of several faults, the first in the file is reported, whichever thread finishes first.
    let decode = |&ImageUse { image, texels }: &ImageUse| {
        cancel.check()?;
        let mut decoded = sources[image].decode(limits).map_err(|fault| refuse(image, fault))?;
        texels.apply(&mut decoded.rgba8);
        Ok(decoded)
    };
    let decoded: Vec<Result<Image, ImportError>> = uses.par_iter().map(decode).collect();
    decoded.into_iter().map(|image| image.map(Arc::new)).collect()
}

type Fault = (Code, String);

fn fault(error: impl std::fmt::Display) -> Fault {
    // Some decoders quote bytes of the file, so line breaks are escaped; some print their internal types, which mean
    // nothing to users.
    let text = error.to_string();
    let is_code = text.contains(['{', '}']);
    (
        Code::Image,
        if is_code {
            "the image is damaged".to_owned()
        } else {
            format!("the image cannot be decoded: {}", quoted(&text))
        },
    )
}

impl ImageSource<'_> {
    fn format(&self) -> Result<Format, Fault> {
        self.format.clone().map_err(|message| (Code::Image, message))
    }

    /// Width and height by the header alone.
    fn size_px(&self) -> Result<(u32, u32), Fault> {
        let bytes = Cursor::new(self.bytes.as_ref());
        match self.format()? {
            Format::Png => {
                let mut decoder = png::Decoder::new(bytes);
                let header = decoder.read_header_info().map_err(fault)?;
                Ok((header.width, header.height))
            }
            Format::Jpeg => jpeg_size_px(&self.bytes).ok_or_else(|| fault("there is no frame header")),
            Format::WebP => WebPDecoder::new(bytes).map(|decoder| decoder.dimensions()).map_err(fault),
            Format::Ktx2 => {
                basisu::Texture::read(&self.bytes).map(|texture| (texture.width_px, texture.height_px)).map_err(fault)
            }
        }
    }

    fn decode(&self, limits: &Limits) -> Result<Image, Fault> {
        let bytes = Cursor::new(self.bytes.as_ref());
        match self.format()? {
            Format::Png => decode_png(bytes, limits),
            Format::Jpeg => {
                JpegDecoder::new(bytes).and_then(image::DynamicImage::from_decoder).map(from_dynamic).map_err(fault)
            }
            Format::WebP => {
                WebPDecoder::new(bytes).and_then(image::DynamicImage::from_decoder).map(from_dynamic).map_err(fault)
            }
            Format::Ktx2 => {
                let texture = basisu::Texture::read(&self.bytes).map_err(fault)?;
                let rgba8 = texture.decode().map_err(fault)?;
                Ok(Image { width_px: texture.width_px, height_px: texture.height_px, rgba8 })
            }
        }
    }
}

/// Width and height from the frame header of a JPEG (ITU-T T.81 sections B.1.1 and B.2.2). The decoder's own header
/// parser requires a scan too, which a decompression bomb need not have.
fn jpeg_size_px(bytes: &[u8]) -> Option<(u32, u32)> {
    let word = |at: usize| Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    let mut at = 2;
    loop {
        let marker = word(at)?;
        match marker {
            // Any number of fill bytes may precede a marker.
            0xFFFF => at += 1,
            // Frame headers; C4, C8 and CC among them are not.
            0xFFC0..=0xFFCF if !matches!(marker, 0xFFC4 | 0xFFC8 | 0xFFCC) => {
                return Some((word(at + 7)?.into(), word(at + 5)?.into()));
            }
            // A scan before any frame, or no marker at all.
            0xFFDA | 0..0xFF00 => return None,
            _ => at += 2 + usize::from(word(at + 2)?),
        }
    }
}

fn from_dynamic(image: image::DynamicImage) -> Image {
    let rgba = image.into_rgba8();
    let (width_px, height_px) = rgba.dimensions();
    let (texels, _) = rgba.as_raw().as_chunks::<4>();
    Image { width_px, height_px, rgba8: texels.to_vec() }
}

fn decode_png(bytes: Cursor<&[u8]>, limits: &Limits) -> Result<Image, Fault> {
    // 16-bit texels take twice the memory until they are rounded.
    let bytes_max = usize::try_from(limits.image_bytes.saturating_mul(2)).unwrap_or(usize::MAX);
    let mut decoder = png::Decoder::new_with_limits(bytes, png::Limits { bytes: bytes_max });
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    // Palettes and depths below 8 bits are expanded to 8-bit grey or colour; a transparent colour becomes alpha.
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(fault)?;
    let length = reader.output_buffer_size().ok_or_else(|| fault("it is too large"))?;
    let mut samples = vec![0; length];
    let frame = reader.next_frame(&mut samples).map_err(fault)?;
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
