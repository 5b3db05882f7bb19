//! What an executor has made must be a picture: it is decoded before anybody sees it.

use std::io::Cursor;

use image::{ImageFormat, ImageReader, Limits};

use super::FAILED;
use crate::programs::unstored;
use crate::store::Spooled;
use packshot_domain::task::FaultKind;
use packshot_worker::protocol::Failure;

/// Bytes that a decoded pixel takes at most: four channels of 32 bits.
const PIXEL_BYTES_MAX: u64 = 16;
/// The formats that are taken, with the words for them.
const FORMATS: [(ImageFormat, &str); 3] =
    [(ImageFormat::Png, "png"), (ImageFormat::Jpeg, "jpg"), (ImageFormat::WebP, "webp")];

/// A picture that was decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Picture {
    /// The word of its format.
    pub(super) format: &'static str,
    pub(super) width_px: u32,
    pub(super) height_px: u32,
}

impl Picture {
    /// What its file is called.
    pub(super) fn file_name(self) -> String {
        format!("result.{}", self.format)
    }
}

/// Looks at what an executor has made.
///
/// # Errors
/// `executor_failed` for what is no picture, or a larger one than there may be.
pub(super) async fn examine(made: &Spooled, pixels_max: u64) -> Result<Picture, Failure> {
    let bytes = made.read().await.map_err(|error| unstored("the picture of the executor", error))?;
    let looked = tokio::task::spawn_blocking(move || decoded(&bytes, pixels_max)).await;
    let looked = looked.map_err(|error| {
        tracing::error!("looking at a picture panicked: {error}");
        Failure::infrastructure("worker_panicked", "looking at the picture crashed; the service's log has the reason")
    })?;
    looked.map_err(|reason| {
        let detail = format!("what the executor has made is not a picture that can be kept: {reason}");
        Failure::new(FaultKind::Input, FAILED, detail)
    })
}

fn decoded(bytes: &[u8], pixels_max: u64) -> Result<Picture, String> {
    let words = |error: image::ImageError| error.to_string();
    let reader = || ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| error.to_string());
    let found = reader()?;
    let format = FORMATS.iter().find(|(format, _)| found.format() == Some(*format));
    let Some((_, format)) = format else { return Err("expected a PNG, a JPEG or a WebP".to_owned()) };
    let (width_px, height_px) = found.into_dimensions().map_err(words)?;
    let n_pixels = u64::from(width_px) * u64::from(height_px);
    if n_pixels > pixels_max {
        return Err(format!("it has {width_px} × {height_px} pixels, and {pixels_max} are the most"));
    }
    let mut reader = reader()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(n_pixels.saturating_mul(PIXEL_BYTES_MAX).max(1 << 20));
    reader.limits(limits);
    reader.decode().map_err(words)?;
    Ok(Picture { format, width_px, height_px })
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, RgbImage};

    use super::*;

    fn encoded(format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::ImageRgb8(RgbImage::new(8, 4)).write_to(&mut bytes, format).expect("written");
        bytes.into_inner()
    }

    #[test]
    fn w48_pictures_are_known_by_their_content() {
        for (format, word) in FORMATS {
            let picture = decoded(&encoded(format), 32).expect("a picture");
            assert_eq!(picture, Picture { format: word, width_px: 8, height_px: 4 });
        }
    }

    #[test]
    fn w87_what_is_no_picture_is_refused() {
        let page = decoded(b"<!doctype html><title>Sign in</title>", 32).expect_err("a page");
        assert_eq!(page, "expected a PNG, a JPEG or a WebP");
        let mut cut = encoded(ImageFormat::Png);
        cut.truncate(cut.len() - 20);
        assert!(decoded(&cut, 32).is_err(), "a picture that ends too early");
        let large = decoded(&encoded(ImageFormat::Png), 31).expect_err("too large");
        assert!(large.contains("8 × 4") && large.contains("31"), "{large}");
        assert!(decoded(b"", 32).is_err());
    }
}
