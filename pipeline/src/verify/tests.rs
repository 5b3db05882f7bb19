use packshot_renderer::backend::{DeviceInfo, DeviceKind};
use packshot_renderer::color::LinearImage;
use packshot_renderer::encode::{Provenance, Quality, TiffDepth};
use packshot_renderer::shot::{View, ViewTransform};

use super::*;
use crate::picture::{Encoding, Format};
use crate::preset::WHITE;

const SIZE: usize = 100;

/// A grey square in these columns and rows on white, with these pixels drawn over it.
fn measured(square: std::ops::Range<usize>, over: &[(usize, usize, f32)]) -> Measurements {
    let mut rgba = vec![[1.0_f32; 4]; SIZE * SIZE];
    let mut alphas = vec![0.0; SIZE * SIZE];
    for y in square.clone() {
        for x in square.clone() {
            rgba[y * SIZE + x] = [0.4, 0.4, 0.4, 1.0];
            alphas[y * SIZE + x] = 1.0;
        }
    }
    for &(x, y, value) in over {
        rgba[y * SIZE + x] = [value, value, value, 1.0];
    }
    let px = SIZE as u32;
    let file = Some(FileFacts { n_bytes: 1000, dpi: Some(300), tiff_compression: Some(TiffCompression::Lzw) });
    let shown = DisplayImage { width_px: px, height_px: px, rgba };
    Measurements { file, ..Measurements::new(&shown, &alphas, Exactness::Lossless) }
}

fn passed(measured: &Measurements, rule: Rule) -> bool {
    measured.check(rule).expect("there is a file").passed
}

#[test]
fn a_square_on_white_is_measured_to_the_pixel() {
    let found = measured(10..90, &[]);
    assert_eq!((found.fill, found.margins_px, found.residue_px), ([0.8; 2], [10; 4], 0));
    assert_eq!(found.white_corners, 4);
    let nothing = measured(50..50, &[]);
    assert_eq!((nothing.fill, nothing.margins_px), ([0.0; 2], [100; 4]));
}

#[test]
fn every_rule_can_fail_and_pass() {
    let found = measured(10..90, &[]);
    for (kept, broken) in [
        (Rule::LongerSidePx { min: 50, max: 100 }, Rule::LongerSidePx { min: 101, max: 200 }),
        (Rule::ShorterSideMinPx(100), Rule::ShorterSideMinPx(101)),
        (Rule::PixelsMax(10_000), Rule::PixelsMax(9_999)),
        (Rule::Fill { min: 0.8, max: 0.9 }, Rule::Fill { min: 0.85, max: 1.0 }),
        (Rule::Fill { min: 0.5, max: 0.8 }, Rule::Fill { min: 0.1, max: 0.7 }),
        (Rule::LeastMarginPx { min: 10, max: 10 }, Rule::LeastMarginPx { min: 11, max: u32::MAX }),
        (Rule::EachMarginPx { min: 5, max: 15 }, Rule::EachMarginPx { min: 5, max: 9 }),
        (Rule::FileBytesMax(1000), Rule::FileBytesMax(999)),
        (Rule::Dpi(300), Rule::Dpi(299)),
    ] {
        assert!(passed(&found, kept), "{kept:?}");
        assert!(!passed(&found, broken), "{broken:?}");
    }
    assert!(passed(&found, Rule::Square) && passed(&found, Rule::WhiteCorners) && passed(&found, Rule::NoResidue));
    let tall = Measurements { size_px: [100, 200], ..found.clone() };
    assert!(!passed(&tall, Rule::Square));
}

#[test]
fn off_white_is_found_where_it_is_not_the_edge_of_the_product() {
    // 254 of 255 is not white; a blurred edge beside the product does not count as residue.
    let off_white = 254.0 / 255.0;
    assert!(passed(&measured(10..90, &[(91, 50, 0.7), (93, 50, off_white)]), Rule::NoResidue));
    let shadow = measured(10..90, &[(50, 96, off_white)]);
    assert_eq!(shadow.residue_px, 1);
    assert_eq!(shadow.margins_px, [10, 10, 10, 3]);
    let corner = measured(10..90, &[(99, 99, off_white)]);
    assert!(corner.white_corners == 3 && !passed(&corner, Rule::WhiteCorners));
    assert!(passed(&measured(10..90, &[(0, 0, 254.6 / 255.0)]), Rule::WhiteCorners), "rounds to 255");
}

#[test]
fn distances_are_those_of_a_king_on_a_chessboard() {
    let mut solid = vec![false; 8 * 6];
    solid[2 * 8 + 5] = true;
    solid[5 * 8] = true;
    for (i, distance) in distances_px(&solid, 8).into_iter().enumerate() {
        let (x, y) = (i % 8, i / 8);
        let expected = x.abs_diff(5).max(y.abs_diff(2)).min(x.max(y.abs_diff(5)));
        assert_eq!(usize::from(distance), expected, "at {x}, {y}");
    }
    assert!(distances_px(&[false; 4], 2).iter().all(|&distance| distance == u16::MAX));
}

#[test]
fn a_whole_turntable_has_rules_of_its_own() {
    let preset = Preset::by_name("amazon_360").expect("a preset");
    let spin = preset.spin.expect("turns");
    let failed = |table: Turntable, frames, elevation_deg, fill_max| {
        let checks = turntable(&spin, &table, frames, elevation_deg, fill_max);
        checks.into_iter().filter(|check| !check.passed).map(|check| check.rule).collect::<Vec<_>>()
    };
    let table = Turntable::default();
    assert_eq!(failed(table, 72, Some(20.0), 0.9), [""; 0]);
    assert_eq!(failed(table, 36, Some(20.0), 0.9), ["frames"]);
    assert_eq!(failed(Turntable { start_deg: 720.0, ..table }, 24, Some(10.0), 0.85), [""; 0]);
    let wrong = Turntable { start_deg: 5.0, direction: TurnDirection::Cw, ..table };
    assert_eq!(failed(wrong, 24, None, 0.8), ["direction", "start_deg", "elevation_deg", "fill_in_one_frame"]);
}

/// A dark square in these columns and rows on white.
fn picture(square: std::ops::Range<usize>) -> Picture {
    let mut rgba = vec![[0.0; 4]; SIZE * SIZE];
    for y in square.clone() {
        rgba[y * SIZE + square.start..y * SIZE + square.end].fill([0.02, 0.02, 0.02, 1.0]);
    }
    Picture {
        linear: LinearImage { width_px: SIZE as u32, height_px: SIZE as u32, rgba },
        caught: None,
        fades: true,
        backdrop: None,
        layers: Vec::new(),
        lines: None,
        view: View { transform: ViewTransform::Standard, exposure_ev: 0.0 },
        lut: None,
        background: WHITE,
        provenance: Provenance::default(),
        samples_mean: 1.0,
        noise: None,
        rays: 0,
        render_s: 0.0,
        render_cpu_s: None,
        denoised: None,
        device: DeviceInfo {
            kind: DeviceKind::Cpu,
            name: "a test".to_owned(),
            backend: "native".to_owned(),
            reason: String::new(),
            memory_bytes: None,
        },
    }
}

#[test]
fn the_file_is_what_is_measured() {
    let preset = Preset::by_name("autocare").expect("a preset");
    let picture = picture(10..90);
    let broken = |encoding: Encoding, extension: &str| {
        let bytes = picture.encode(encoding).expect("encodes");
        let measured = Measurements::of(&picture, Some(&bytes)).expect("reads back");
        let checks = super::picture(preset, &measured, extension);
        let broken = checks.into_iter().filter(|check| !check.passed && check.rule != "longer_side_px");
        broken.map(|check| check.rule).collect::<Vec<_>>()
    };
    let dpi = std::num::NonZeroU16::new(300);
    let jpeg = Format::Jpeg(Quality::DEFAULT);
    let tiff = Format::Tiff(TiffDepth::Eight);
    for format in [jpeg, tiff] {
        let extension = if format == jpeg { "jpg" } else { "tif" };
        assert_eq!(broken(Encoding { format, dpi }, extension), [""; 0], "{format:?}");
        assert_eq!(broken(Encoding { format, dpi: None }, extension), ["dpi"], "{format:?}");
    }
    assert_eq!(broken(Encoding { format: Format::TiffLinear, dpi }, "tif"), ["tiff_compression"]);
    // Compressed so much that its blocks show, a JPEG is no longer on white, whatever its source.
    let rough = Format::Jpeg(Quality::new(5).expect("in range"));
    assert!(broken(Encoding { format: rough, dpi }, "jpg").contains(&"each_margin_px".to_owned()));
}
