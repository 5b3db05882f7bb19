//! PNG and animated PNG, JPEG, and WebP, still or animated: the picture, or the first frame.

use std::io::{BufRead, Seek};

use image::metadata::Orientation;
use image::{DynamicImage, ImageBuffer, ImageDecoder, ImageFormat, ImageReader, Limits, Pixel, Rgba};
use packshot_renderer::color::{DisplayImage, srgb};

use super::shrink::Shrinker;
use super::{NoPicture, check_size};

/// Bytes of memory for each pixel that a decoder may need: four channels of 16 bits, and its own copy of them.
const PIXEL_BYTES_MAX: u64 = 16;
/// What a decoder may need whatever the picture.
const BYTES_LEAST: u64 = 16 << 20;

pub(super) fn small(
    format: ImageFormat,
    file: impl BufRead + Seek,
    side_max_px: u32,
) -> Result<DisplayImage, NoPicture> {
    let (picture, orientation) = decoded(format, file)?;
    let (width_px, height_px) = (picture.width(), picture.height());
    let mut shrinker = Shrinker::new([width_px as usize, height_px as usize], side_max_px)?;
    match &picture {
        DynamicImage::ImageLuma8(pixels) => add(&mut shrinker, pixels, usize::from, 255),
        DynamicImage::ImageLumaA8(pixels) => add(&mut shrinker, pixels, usize::from, 255),
        DynamicImage::ImageRgb8(pixels) => add(&mut shrinker, pixels, usize::from, 255),
        DynamicImage::ImageRgba8(pixels) => add(&mut shrinker, pixels, usize::from, 255),
        DynamicImage::ImageLuma16(pixels) => add(&mut shrinker, pixels, usize::from, 65_535),
        DynamicImage::ImageLumaA16(pixels) => add(&mut shrinker, pixels, usize::from, 65_535),
        DynamicImage::ImageRgb16(pixels) => add(&mut shrinker, pixels, usize::from, 65_535),
        DynamicImage::ImageRgba16(pixels) => add(&mut shrinker, pixels, usize::from, 65_535),
        _ => return Err(NoPicture::Unknown),
    }
    drop(picture);
    Ok(turned(shrinker.display(), orientation))
}

/// Decodes a picture to see whether that is possible; its width and height as it is to be looked at.
///
/// # Errors
/// [`NoPicture`].
pub(in crate::media) fn measured(format: ImageFormat, file: impl BufRead + Seek) -> Result<[u32; 2], NoPicture> {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    let (picture, orientation) = decoded(format, file)?;
    Ok(match orientation {
        Rotate90 | Rotate90FlipH | Rotate270 | Rotate270FlipH => [picture.height(), picture.width()],
        _ => [picture.width(), picture.height()],
    })
}

fn decoded(format: ImageFormat, file: impl BufRead + Seek) -> Result<(DynamicImage, Orientation), NoPicture> {
    let mut decoder = ImageReader::with_format(file, format).into_decoder().map_err(NoPicture::damaged)?;
    let (width_px, height_px) = decoder.dimensions();
    let n_pixels = u64::from(width_px) * u64::from(height_px);
    check_size(width_px.into(), height_px.into())?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(n_pixels * PIXEL_BYTES_MAX + BYTES_LEAST);
    decoder.set_limits(limits).map_err(NoPicture::damaged)?;
    // Pictures of cameras lie on their side.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok((DynamicImage::from_decoder(decoder).map_err(NoPicture::damaged)?, orientation))
}

/// Adds all pixels, whose whole numbers up to `max` are the values of a display.
fn add<P: Pixel>(
    shrinker: &mut Shrinker,
    pixels: &ImageBuffer<P, Vec<P::Subpixel>>,
    number: impl Fn(P::Subpixel) -> usize,
    max: usize,
) {
    let light: Vec<f32> = (0..=max).map(|value| srgb::decode(value as f32 / max as f32)).collect();
    for (x, y, pixel) in pixels.enumerate_pixels() {
        let Rgba([r, g, b, a]) = pixel.to_rgba();
        let alpha = number(a) as f32 / max as f32;
        let [r, g, b] = [r, g, b].map(|value| light[number(value)] * alpha);
        shrinker.add(x as usize, y as usize, [r, g, b, alpha]);
    }
}

fn turned(picture: DisplayImage, orientation: Orientation) -> DisplayImage {
    if orientation == Orientation::NoTransforms {
        return picture;
    }
    let DisplayImage { width_px, height_px, rgba } = picture;
    let values = rgba.into_iter().flatten().collect();
    let Some(buffer) = ImageBuffer::<Rgba<f32>, Vec<f32>>::from_raw(width_px, height_px, values) else {
        return DisplayImage { width_px: 0, height_px: 0, rgba: Vec::new() };
    };
    let mut picture = DynamicImage::ImageRgba32F(buffer);
    picture.apply_orientation(orientation);
    let turned = picture.into_rgba32f();
    let (width_px, height_px) = turned.dimensions();
    DisplayImage { width_px, height_px, rgba: turned.pixels().map(|pixel| pixel.0).collect() }
}
