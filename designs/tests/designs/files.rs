//! Files of designs: every format, and what is refused, by its code.

use std::time::{Duration, Instant};

use packshot_designs::design::{DesignColour, DesignFormat, DesignLimits, Pixels, check};
use packshot_designs::{Design, DesignCode};
use proptest::prelude::*;

use crate::fixtures::{Bitmap, GROUND, INK, letter, plain};

pub(crate) fn read(bytes: &[u8]) -> Result<Design, DesignCode> {
    check(bytes, &DesignLimits::default()).map_err(|error| {
        assert!(!error.message.is_empty() && !error.help.is_empty(), "{error:?}");
        error.code
    })
}

/// The letter on opaque ground, as JPEG has no alpha.
fn opaque() -> Bitmap {
    let mut bitmap = letter();
    bitmap.pixels.iter_mut().for_each(|pixel| pixel[3] = 255);
    bitmap
}

pub(crate) fn jpeg(bitmap: &Bitmap, icc: Option<Vec<u8>>) -> Vec<u8> {
    use image::ImageEncoder as _;
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 95);
    if let Some(icc) = icc {
        encoder.set_icc_profile(icc).expect("JPEG has profiles");
    }
    encoder.write_image(&bitmap.rgb(), bitmap.width, bitmap.height, image::ExtendedColorType::Rgb8).expect("written");
    bytes
}

/// Inserts a segment after the first two bytes of a JPEG.
pub(crate) fn with_segment(jpeg: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).expect("a short segment").to_be_bytes();
    [&jpeg[..2], &[0xFF, marker], &length, content, &jpeg[2..]].concat()
}

fn webp_lossless(bitmap: &Bitmap) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = image_webp::WebPEncoder::new(&mut bytes);
    let samples = bitmap.pixels.as_flattened();
    encoder.encode(samples, bitmap.width, bitmap.height, image_webp::ColorType::Rgba8).expect("written");
    bytes
}

/// The largest difference of a channel in the middles of letter and ground.
fn difference(design: &Design, bitmap: &Bitmap) -> u8 {
    let texture = crate::fixtures::plain_texture(design);
    let Pixels::Eight(pixels) = texture else { panic!("8 bits") };
    let places = [(230, 200), (300, 90), (300, 205), (100, 200), (500, 300)];
    let at = |(x, y): (usize, usize)| (pixels[y * 600 + x], bitmap.pixels[y * 600 + x]);
    let differences = places.into_iter().flat_map(|place| {
        let (found, expected) = at(place);
        (0..4).map(move |channel| found[channel].abs_diff(expected[channel]))
    });
    differences.max().unwrap_or(0)
}

#[test]
fn d58_one_drawing_in_every_format() {
    let (letter, opaque) = (letter(), opaque());
    let lossy = webp::Encoder::from_rgb(&opaque.rgb(), 600, 400).encode(92.0).to_vec();
    let cases = [
        (letter.png(), DesignFormat::Png, &letter, 0),
        (webp_lossless(&letter), DesignFormat::WebP, &letter, 0),
        (lossy, DesignFormat::WebP, &opaque, 8),
        (jpeg(&opaque, None), DesignFormat::Jpeg, &opaque, 8),
        (crate::drawings::letter(255).into_bytes(), DesignFormat::Svg, &opaque, 1),
        (crate::drawings::letter(128).into_bytes(), DesignFormat::Svg, &letter, 1),
    ];
    for (bytes, format, bitmap, difference_max) in cases {
        let design = read(&bytes).expect("sound");
        assert_eq!((design.format, design.width, design.height), (format, 600.0, 400.0));
        assert_eq!(design.has_alpha, bitmap.pixels.iter().any(|pixel| pixel[3] < 255), "{format:?}");
        let found = difference(&design, bitmap);
        assert!(found <= difference_max, "{format:?} differs by {found}");
    }
    assert_ne!(INK, GROUND);
}

#[test]
fn d59_orientation_applies_and_animations_are_refused() {
    // Orientation 6: the camera was turned, and the picture must be turned clockwise to stand upright.
    let tall = Bitmap::new(64, 32, |x, _| if x < 32 { [255, 0, 0, 255] } else { [0, 0, 255, 255] });
    let tiff: &[u8] = &[b'M', b'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0];
    let turned = with_segment(&jpeg(&tall, None), 0xE1, &[b"Exif\0\0", tiff].concat());
    let design = read(&turned).expect("sound");
    assert_eq!((design.width, design.height), (32.0, 64.0));
    let Pixels::Eight(pixels) = crate::fixtures::plain_texture(&design) else { panic!("8 bits") };
    assert!(pixels[8 * 32 + 16][0] > 200 && pixels[56 * 32 + 16][2] > 200, "red above, blue below");

    let frames = [plain(32, 32, INK), plain(32, 32, GROUND)];
    let config = webp::WebPConfig::new().expect("defaults");
    let mut encoder = webp::AnimEncoder::new(32, 32, &config);
    let samples: Vec<Vec<u8>> = frames.iter().map(|frame| frame.pixels.concat()).collect();
    for (i, samples) in samples.iter().enumerate() {
        encoder.add_frame(webp::AnimFrame::from_rgba(samples, 32, 32, i as i32 * 100));
    }
    assert_eq!(read(&encoder.encode()).expect_err("it moves"), DesignCode::Animated);

    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 32, 32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_animated(2, 0).expect("two frames");
    let mut writer = encoder.write_header().expect("written");
    samples.iter().for_each(|samples| writer.write_image_data(samples).expect("written"));
    writer.finish().expect("written");
    assert_eq!(read(&bytes).expect_err("it moves"), DesignCode::Animated);
}

/// The header of a PNG that claims a size, and some of its data.
pub(crate) fn png_of(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = plain(16, 16, INK).png();
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = crc32fast::hash(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.to_be_bytes());
    bytes
}

#[test]
fn d60_what_is_no_design_is_refused() {
    let png = letter().png();
    let gif = b"GIF89a\x10\x00\x10\x00\x00\x00\x00;".to_vec();
    let cases: [(&str, Vec<u8>, DesignCode); 11] = [
        ("a GIF", gif, DesignCode::UnsupportedFormat),
        ("a PDF", b"%PDF-1.7 ...".to_vec(), DesignCode::UnsupportedFormat),
        ("text", b"Dear printer, my logo is blue.".to_vec(), DesignCode::UnsupportedFormat),
        ("HTML", b"<html><svg/></html>".to_vec(), DesignCode::UnsupportedFormat),
        ("nothing", Vec::new(), DesignCode::UnsupportedFormat),
        ("half a PNG", png[..png.len() / 2].to_vec(), DesignCode::Unreadable),
        ("a PNG without its end", png[..png.len() - 12].to_vec(), DesignCode::Unreadable),
        ("a small one", plain(8, 8, INK).png(), DesignCode::TooSmall),
        ("a long one", png_of(20_000, 10), DesignCode::ImageTooLarge),
        ("a bomb", png_of(16_384, 16_384), DesignCode::ImageTooLarge),
        ("nothing to see", plain(32, 32, [200, 10, 10, 0]).png(), DesignCode::Empty),
    ];
    for (what, bytes, code) in cases {
        assert_eq!(read(&bytes).expect_err(what), code, "{what}");
    }
    let mut large = png.clone();
    large.resize((50 << 20) + 1, 0);
    assert_eq!(read(&large).expect_err("too large"), DesignCode::BodyTooLarge);
    let cut = jpeg(&opaque(), None);
    assert_eq!(read(&cut[..cut.len() / 2]).expect_err("half a JPEG"), DesignCode::Unreadable);
    assert_eq!(read(&png_of(7_000, 9_000)).expect_err("its data ends early"), DesignCode::Unreadable);
}

#[test]
fn what_a_file_says_of_its_size_in_print_counts() {
    let per_metre = |xppu| png::PixelDimensions { xppu, yppu: xppu, unit: png::Unit::Meter };
    let png = letter().png_with(|info| info.pixel_dims = Some(per_metre(11_811)));
    let design = read(&png).expect("sound");
    assert!((design.dpi.expect("it says") - 300.0).abs() < 0.01);
    let [width, height] = design.size_mm(None);
    assert!((width - 50.8).abs() < 0.01 && (height - 33.87).abs() < 0.01, "{width} x {height}");
    assert_eq!(design.size_mm(Some(600.0)).map(f64::round), [25.0, 17.0]);
    assert_eq!(read(&letter().png()).expect("sound").dpi, None);
    let mut jfif = jpeg(&opaque(), None);
    let header = jfif.windows(5).position(|window| window == b"JFIF\0").expect("a JFIF header");
    jfif[header + 7] = 2;
    jfif[header + 8..header + 12].copy_from_slice(&[0, 100, 0, 100]);
    assert_eq!(read(&jfif).expect("sound").dpi.map(f64::round), Some(254.0));
    assert_eq!(read(&jfif).expect("sound").colour, DesignColour::Rgb);
}

proptest! {
    /// No damage to a file panics, hangs, or takes long.
    #[test]
    fn damaged_files_end_in_a_design_or_an_error(which in 0usize..4, at in 0.0..1.0f64, byte: u8, cut in 0.5..1.0f64) {
        let small = Bitmap::new(48, 32, |x, y| [(x * 5) as u8, (y * 7) as u8, 90, 200]);
        let sound = match which {
            0 => small.png(),
            1 => jpeg(&small, None),
            2 => webp_lossless(&small),
            _ => crate::drawings::letter(128).into_bytes(),
        };
        let mut bytes = sound[..(sound.len() as f64 * cut) as usize].to_vec();
        let at = (bytes.len() as f64 * at) as usize;
        bytes[at] = byte;
        let begun = Instant::now();
        let _ = check(&bytes, &DesignLimits::default());
        prop_assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
