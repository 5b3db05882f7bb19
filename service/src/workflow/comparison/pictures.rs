//! How two pictures differ: their pixels, in the mean, and what a person would see (Andersson et al. 2020, "FLIP: A
//! Difference Evaluator for Alternating Images").

use std::io::Cursor;

use bytes::Bytes;
use flip_rs::{DEFAULT_PPD, RgbImage, ldr_flip};
use image::{DynamicImage, ImageFormat, ImageReader, Limits};

use super::find::FoundFile;
use packshot_domain::rollout::{Coverage, Found, Measured};

/// The name of the map of differences.
pub(super) const MAP_NAME: &str = "flip.png";
/// Its media type.
pub(super) const MAP_MEDIA_TYPE: &str = "image/png";
/// Bytes that a decoded pixel takes at most: four channels of 32 bits.
const PIXEL_BYTES_MAX: u64 = 16;
/// Larger pictures have no map: it takes about a hundred bytes for each pixel.
const MAP_PIXELS_MAX: u64 = 40_000_000;
/// The formats that are compared, with their media types.
const FORMATS: [(ImageFormat, &str); 3] =
    [(ImageFormat::Png, "image/png"), (ImageFormat::Jpeg, "image/jpeg"), (ImageFormat::WebP, "image/webp")];

/// What was found of two pictures.
#[derive(Debug)]
pub(super) struct Compared {
    found: [Found; 2],
    delta: Option<f64>,
    flip: Option<f64>,
    /// The map of their difference, as a PNG.
    pub(super) map: Option<Vec<u8>>,
}

impl Compared {
    /// What a gate decides on.
    pub(super) fn measured(&self, files: &[FoundFile; 2]) -> Measured {
        let [authoritative, observer] = self.found;
        let has_equal_bytes = files[0].bytes.is_some() && files[0].bytes == files[1].bytes;
        Measured { authoritative, observer, has_equal_bytes, mean_pixel_delta: self.delta, mean_flip: self.flip }
    }
}

/// The media type of a picture.
pub(super) fn media_type(bytes: &[u8]) -> Option<&'static str> {
    let format = image::guess_format(bytes).ok()?;
    FORMATS.iter().find(|(known, _)| *known == format).map(|(_, media_type)| *media_type)
}

/// Compares two pictures, of which none has more pixels than this.
pub(super) fn compare(bytes: [Option<Bytes>; 2], pixels_max: u64) -> Compared {
    let pictures = bytes.map(|bytes| bytes.map(|bytes| decoded(&bytes, pixels_max)));
    let found = [0, 1].map(|i| match &pictures[i] {
        None => Found::Missing,
        Some(None) => Found::Unreadable,
        Some(Some(picture)) => {
            Found::Picture { width_px: picture.width(), height_px: picture.height(), coverage: coverage(picture) }
        }
    });
    let mut compared = Compared { found, delta: None, flip: None, map: None };
    let [Some(Some(one)), Some(Some(other))] = pictures else { return compared };
    if [one.width(), one.height()] != [other.width(), other.height()] {
        return compared;
    }
    compared.delta = Some(mean_delta(&one, &other));
    if let Some((flip, map)) = flip(&one, &other) {
        (compared.flip, compared.map) = (Some(flip), map);
    }
    compared
}

fn decoded(bytes: &[u8], pixels_max: u64) -> Option<DynamicImage> {
    media_type(bytes)?;
    let reader = || ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok();
    let (width, height) = reader()?.into_dimensions().ok()?;
    let n_pixels = u64::from(width) * u64::from(height);
    if n_pixels > pixels_max {
        return None;
    }
    let mut reader = reader()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(n_pixels.saturating_mul(PIXEL_BYTES_MAX).max(1 << 20));
    reader.limits(limits);
    reader.decode().ok()
}

fn coverage(picture: &DynamicImage) -> Coverage {
    if !picture.color().has_alpha() {
        return Coverage::Full;
    }
    let values = picture.to_rgba16();
    let (mut is_empty, mut is_full) = (true, true);
    for pixel in values.pixels() {
        let [.., alpha] = pixel.0;
        (is_empty, is_full) = (is_empty && alpha == 0, is_full && alpha == u16::MAX);
    }
    match (is_empty, is_full) {
        (true, _) => Coverage::Empty,
        (false, true) => Coverage::Full,
        (false, false) => Coverage::Partial,
    }
}

/// The mean absolute difference over all pixels and the four channels, 0 to 1: at 16 bits where one of them has those.
fn mean_delta(one: &DynamicImage, other: &DynamicImage) -> f64 {
    fn sum<T: Copy + Into<i64>>(one: &[T], other: &[T]) -> (i64, usize) {
        let sum = one.iter().zip(other).map(|(a, b)| ((*a).into() - (*b).into()).abs()).sum();
        (sum, one.len().max(1))
    }
    let is_deep = |picture: &DynamicImage| picture.color().bytes_per_pixel() / picture.color().channel_count() > 1;
    if is_deep(one) || is_deep(other) {
        let (sum, n) = sum(one.to_rgba16().as_raw(), other.to_rgba16().as_raw());
        sum as f64 / (n as f64 * 65_535.0)
    } else {
        let (sum, n) = sum(one.to_rgba8().as_raw(), other.to_rgba8().as_raw());
        sum as f64 / (n as f64 * 255.0)
    }
}

/// The mean of LDR-FLIP, with the map as a PNG where there is one.
fn flip(one: &DynamicImage, other: &DynamicImage) -> Option<(f64, Option<Vec<u8>>)> {
    let [one, other] = [over_grey(one)?, over_grey(other)?];
    let map = ldr_flip(&one, &other, DEFAULT_PPD).ok()?;
    Some((map.statistics().mean.into(), png_of(&map)))
}

fn png_of(map: &flip_rs::ErrorMap) -> Option<Vec<u8>> {
    let colours = map.colorize().ok()?;
    let to_byte = |value: &f32| (value.clamp(0.0, 1.0) * 255.0).round() as u8;
    let bytes: Vec<u8> = colours.pixels().iter().map(to_byte).collect();
    let (width, height) = (u32::try_from(map.width()).ok()?, u32::try_from(map.height()).ok()?);
    let picture = image::RgbImage::from_raw(width, height, bytes)?;
    let mut png = Cursor::new(Vec::new());
    picture.write_to(&mut png, ImageFormat::Png).ok()?;
    Some(png.into_inner())
}

/// Display values over 50 % grey, so that differences in coverage show.
fn over_grey(picture: &DynamicImage) -> Option<RgbImage<f32>> {
    let (width, height) = (picture.width(), picture.height());
    if u64::from(width) * u64::from(height) > MAP_PIXELS_MAX {
        return None;
    }
    let values = picture.to_rgba32f().into_raw();
    let over_grey = |&[r, g, b, alpha]: &[f32; 4]| [r, g, b].map(|value| value * alpha + 0.5 * (1.0 - alpha));
    let values = values.as_chunks::<4>().0.iter().flat_map(over_grey).collect();
    RgbImage::new(width as usize, height as usize, values).ok()
}

#[cfg(test)]
mod tests;
