//! What differs between pictures that are known.

use image::{ImageBuffer, Rgba, RgbaImage};

use super::*;

fn png(picture: impl Into<DynamicImage>) -> Option<Bytes> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, ImageFormat::Png).expect("written");
    Some(bytes.into_inner().into())
}

fn measured(one: Option<Bytes>, other: Option<Bytes>) -> Measured {
    let file = |bytes: &Option<Bytes>| FoundFile { path: None, bytes: bytes.clone() };
    let files = [file(&one), file(&other)];
    compare([one, other], 1 << 20).measured(&files)
}

/// A smooth picture with an edge, which is lighter by `more`: of a formula, so that another program can draw it too.
fn drawn(more: u8) -> RgbaImage {
    RgbaImage::from_fn(64, 48, |x, y| {
        let wave = 90.0 + 60.0 * (f64::from(x) * 0.2).sin() * (f64::from(y) * 0.15).cos();
        let step = if x > 30 && y > 20 { 40.0 } else { 0.0 };
        let value = (wave + step).round() as u8;
        Rgba([value.saturating_add(more), value / 2, 200 - value / 2, 255])
    })
}

#[test]
fn w12_w73_the_mean_is_over_all_four_channels() {
    let flat = |colour| png(RgbaImage::from_pixel(8, 8, Rgba(colour)));
    let delta = measured(flat([0, 128, 255, 255]), flat([51, 128, 255, 255])).mean_pixel_delta;
    assert_eq!(delta, Some(0.05));
    let one = measured(flat([0, 128, 255, 255]), flat([0, 129, 255, 255])).mean_pixel_delta;
    assert_eq!(one, Some(1.0 / (4.0 * 255.0)));
    let alpha = measured(flat([0, 0, 0, 0]), flat([0, 0, 0, 255])).mean_pixel_delta;
    assert_eq!(alpha, Some(0.25), "coverage counts");
}

#[test]
fn pictures_of_16_bits_are_compared_at_16_bits() {
    let deep = |value: u16| png(ImageBuffer::<Rgba<u16>, Vec<u16>>::from_pixel(4, 4, Rgba([value, 0, 0, 65_535])));
    let delta = measured(deep(1_000), deep(1_001)).mean_pixel_delta.expect("a number");
    assert!((delta - 1.0 / (4.0 * 65_535.0)).abs() < 1e-12, "{delta}");
    let shallow = png(RgbaImage::from_pixel(4, 4, Rgba([16, 0, 0, 255])));
    assert_eq!(measured(shallow, deep(16 * 257)).mean_pixel_delta, Some(0.0), "of both depths");
}

#[test]
fn w74_w76_what_cannot_be_laid_over_each_other_has_no_figures() {
    let of = |side| png(RgbaImage::from_pixel(side, side, Rgba([9, 9, 9, 255])));
    let sizes = measured(of(8), of(16));
    assert_eq!((sizes.mean_pixel_delta, sizes.mean_flip, sizes.dimensions_match()), (None, None, Some(false)));
    let garbage = measured(of(8), Some(Bytes::from_static(b"not a png")));
    assert_eq!((garbage.observer, garbage.mean_flip), (Found::Unreadable, None));
    assert_eq!(measured(of(8), None).observer, Found::Missing);
    let large = compare([of(8), of(8)], 63);
    assert_eq!(large.found, [Found::Unreadable; 2], "there are limits");
}

/// The means of NVIDIA's own program for the same pictures (`flip-evaluator` 1.7 from PyPI, `flip.evaluate(reference,
/// test, "LDR")`, at its 67.02 pixels per degree).
#[test]
fn w79_flip_agrees_with_the_published_reference() {
    for (more, reference) in [(12, 0.142_354_83), (40, 0.356_238_93)] {
        let flip = measured(png(drawn(0)), png(drawn(more))).mean_flip.expect("a number");
        assert!((flip - reference).abs() < 1e-4, "{flip} and {reference}");
    }
    assert_eq!(measured(png(drawn(0)), png(drawn(0))).mean_flip, Some(0.0));
}

#[test]
fn the_map_is_a_picture_of_the_same_size() {
    let compared = compare([png(drawn(0)), png(drawn(40))], 1 << 20);
    let map = decoded(&compared.map.expect("a map"), 1 << 20).expect("a picture");
    assert_eq!((map.width(), map.height()), (64, 48));
}
