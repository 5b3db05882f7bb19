//! Images: where their bytes are, and how they are decoded within limits.
//!
//! The size is read from the header of every image before one is decoded, so that a decompression bomb costs nothing.

use std::borrow::Cow;
use std::sync::Arc;

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
    Plain(packshot_texels::Format),
    Ktx2,
}

impl Format {
    fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(&basisu::IDENTIFIER) {
            return Some(Self::Ktx2);
        }
        packshot_texels::Format::of(bytes).map(Self::Plain)
    }

    fn mime_type(self) -> &'static str {
        match self {
            Self::Plain(format) => format.mime_type(),
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
    let format = Format::of(&bytes).ok_or_else(|| match declared {
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
        let [width_px, height_px] = sources[image_idx].size_px().map_err(|fault| refuse(image_idx, fault))?;
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
    (Code::Image, error.to_string())
}

impl ImageSource<'_> {
    fn format(&self) -> Result<Format, Fault> {
        self.format.clone().map_err(|message| (Code::Image, message))
    }

    /// Width and height by the header alone.
    fn size_px(&self) -> Result<[u32; 2], Fault> {
        match self.format()? {
            Format::Plain(format) => format.size_px(&self.bytes).map_err(fault),
            Format::Ktx2 => {
                let texture = basisu::Texture::read(&self.bytes).map_err(undecodable)?;
                Ok([texture.width_px, texture.height_px])
            }
        }
    }

    fn decode(&self, limits: &Limits) -> Result<Image, Fault> {
        match self.format()? {
            Format::Plain(format) => format.decode(&self.bytes, limits.image_bytes).map_err(fault),
            Format::Ktx2 => {
                let texture = basisu::Texture::read(&self.bytes).map_err(undecodable)?;
                let rgba8 = texture.decode().map_err(undecodable)?;
                Ok(Image { width_px: texture.width_px, height_px: texture.height_px, rgba8 })
            }
        }
    }
}

fn undecodable(error: impl std::fmt::Display) -> Fault {
    (Code::Image, format!("the image cannot be decoded: {}", quoted(&error.to_string())))
}
