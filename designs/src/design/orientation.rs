//! EXIF orientation: which way up a camera says its picture is (Exif 2.32, tag 0x0112).

use image::metadata::Orientation;

use super::raster::{Pixels, Raster};

/// The picture as it is meant to be seen.
pub(super) fn upright(raster: Raster, exif: Option<&[u8]>) -> Raster {
    // Some writers leave the header of a JPEG segment in.
    let exif = exif.map(|bytes| bytes.strip_prefix(b"Exif\0\0").unwrap_or(bytes));
    let orientation = exif.and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms);
    if orientation == Orientation::NoTransforms {
        return raster;
    }
    let Raster { width_px, height_px, pixels } = raster;
    let size = [width_px as usize, height_px as usize];
    let pixels = match pixels {
        Pixels::Eight(pixels) => Pixels::Eight(turned(&pixels, size, orientation)),
        Pixels::Sixteen(pixels) => Pixels::Sixteen(turned(&pixels, size, orientation)),
    };
    let [width_px, height_px] = if swaps(orientation) { [height_px, width_px] } else { [width_px, height_px] };
    Raster { width_px, height_px, pixels }
}

fn swaps(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
}

/// The pixels in the order in which they are seen.
fn turned<T: Copy>(pixels: &[T], [width, height]: [usize; 2], orientation: Orientation) -> Vec<T> {
    let (out_width, out_height) = if swaps(orientation) { (height, width) } else { (width, height) };
    let source = |x: usize, y: usize| match orientation {
        Orientation::NoTransforms => (x, y),
        Orientation::FlipHorizontal => (width - 1 - x, y),
        Orientation::Rotate180 => (width - 1 - x, height - 1 - y),
        Orientation::FlipVertical => (x, height - 1 - y),
        Orientation::Rotate90 => (y, height - 1 - x),
        Orientation::Rotate270 => (width - 1 - y, x),
        // Turned, and then flipped.
        Orientation::Rotate90FlipH => (y, x),
        Orientation::Rotate270FlipH => (width - 1 - y, height - 1 - x),
    };
    let mut out = Vec::with_capacity(pixels.len());
    for y in 0..out_height {
        out.extend((0..out_width).map(|x| {
            let (from_x, from_y) = source(x, y);
            pixels[from_y * width + from_x]
        }));
    }
    out
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, RgbaImage};

    use super::*;

    #[test]
    fn every_orientation_is_that_of_the_image_crate() {
        let pixels: Vec<[u8; 4]> = (0..6).map(|i| [i, 0, 0, 255]).collect();
        for exif in 1..=8 {
            let orientation = Orientation::from_exif(exif).expect("known");
            let mut expected =
                DynamicImage::ImageRgba8(RgbaImage::from_raw(3, 2, pixels.concat()).expect("six pixels"));
            expected.apply_orientation(orientation);
            let found = turned(&pixels, [3, 2], orientation);
            assert_eq!(found.concat(), expected.into_rgba8().into_raw(), "{exif}");
        }
    }
}
