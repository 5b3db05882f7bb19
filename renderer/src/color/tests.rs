use proptest::prelude::*;

use packshot_words::Word;

use super::*;
use crate::shot::AgxLook;

/// Display codes of 255 for a scene colour at exposure 0.
fn codes(linear: [f32; 3], view_transform: ViewTransform) -> [f32; 3] {
    display_color(linear, view_transform, 0.0).map(|channel| channel * 255.0)
}

fn check_codes(view_transform: ViewTransform, linear: [f32; 3], want: [f32; 3], tolerance: f32) {
    let got = codes(linear, view_transform);
    for (got_channel, want_channel) in got.iter().zip(want) {
        assert!(
            (got_channel - want_channel).abs() <= tolerance,
            "{view_transform:?} of {linear:?}: {got:?} instead of {want:?}"
        );
    }
}

/// Values of Blender 5.0.1's own AgX, through OpenColorIO.
#[test]
fn agx_matches_blender() {
    for (linear, want) in [
        ([0.0; 3], [0.0; 3]),
        ([0.18; 3], [117.64; 3]),
        ([1.0; 3], [196.59; 3]),
        ([4.0; 3], [232.99; 3]),
        ([16.3; 3], [254.86; 3]),
        ([0.8, 0.02, 0.02], [206.52, 60.29, 44.52]),
        ([1.0, 0.0, 1.0], [201.55, 116.73, 201.80]),
        ([0.0, 0.13, 0.06], [2.27, 95.50, 66.71]),
    ] {
        check_codes(ViewTransform::Agx, linear, want, 0.2);
    }
}

/// Scene colours of [`agx_looks_match_blender`].
const LOOK_COLORS: [[f32; 3]; 8] = [
    [1.0, 1.0, 1.0],
    [0.01, 0.01, 0.01],
    [0.8, 0.02, 0.02],
    [1.0, 0.0, 1.0],
    [0.0, 0.13, 0.06],
    [0.02, 0.05, 0.9],
    [3.0, 1.2, 0.2],
    [0.005, 0.002, 0.0005],
];

/// Values of Blender 5.0.1's own looks ("AgX - High Contrast" and so on before its AgX), through OpenColorIO 2.6 with
/// the configuration of the Python package bpy 5.0.1; codes of 255.
#[test]
fn agx_looks_match_blender() {
    for (look, tolerance, want) in [
        (
            AgxLook::VeryHighContrast,
            0.64,
            [
                [224.22, 224.22, 224.23],
                [2.43, 2.43, 2.44],
                [228.30, 24.80, 13.86],
                [222.54, 136.56, 225.41],
                [0.00, 79.92, 52.80],
                [42.82, 96.70, 224.54],
                [255.00, 224.45, 195.87],
                [0.08, 0.00, 0.00],
            ],
        ),
        (
            AgxLook::HighContrast,
            0.56,
            [
                [217.02, 217.02, 217.03],
                [4.86, 4.86, 4.86],
                [224.81, 24.53, 11.15],
                [218.64, 126.65, 221.04],
                [0.00, 84.74, 56.08],
                [32.14, 93.75, 221.95],
                [253.58, 217.17, 185.81],
                [0.63, 0.11, 0.00],
            ],
        ),
        (
            AgxLook::MediumHighContrast,
            0.40,
            [
                [207.51, 207.51, 207.52],
                [10.22, 10.22, 10.22],
                [219.26, 39.40, 10.75],
                [211.94, 119.65, 213.39],
                [0.00, 90.57, 60.77],
                [32.95, 95.47, 215.61],
                [247.09, 207.52, 174.39],
                [2.66, 0.71, 0.00],
            ],
        ),
        (
            AgxLook::BaseContrast,
            0.18,
            [
                [196.60, 196.60, 196.60],
                [18.49, 18.49, 18.49],
                [206.52, 60.29, 44.52],
                [201.55, 116.73, 201.80],
                [2.27, 95.50, 66.71],
                [48.81, 98.72, 204.61],
                [234.45, 197.81, 165.39],
                [8.13, 2.52, 0.00],
            ],
        ),
        (
            AgxLook::MediumLowContrast,
            0.12,
            [
                [190.46, 190.46, 190.47],
                [23.50, 23.50, 23.50],
                [203.01, 65.40, 50.04],
                [197.29, 114.94, 197.45],
                [8.10, 98.42, 70.20],
                [52.70, 100.38, 201.33],
                [228.35, 191.84, 157.84],
                [13.19, 4.62, 0.27],
            ],
        ),
        (
            AgxLook::LowContrast,
            0.10,
            [
                [184.10, 184.10, 184.11],
                [29.28, 29.28, 29.28],
                [198.66, 70.44, 56.54],
                [192.59, 113.51, 192.09],
                [17.22, 101.54, 73.60],
                [57.51, 102.25, 197.21],
                [221.51, 185.15, 151.29],
                [19.30, 8.26, 1.39],
            ],
        ),
        (
            AgxLook::VeryLowContrast,
            0.08,
            [
                [177.22, 177.21, 177.22],
                [35.92, 35.92, 35.92],
                [193.19, 76.21, 63.37],
                [186.80, 112.50, 186.27],
                [30.43, 104.46, 77.31],
                [64.25, 104.35, 192.24],
                [213.65, 178.15, 144.63],
                [26.40, 13.98, 3.84],
            ],
        ),
        (
            AgxLook::Punchy,
            0.5,
            [
                [176.55, 176.55, 176.55],
                [2.56, 2.56, 2.56],
                [174.44, 29.50, 2.50],
                [179.81, 79.57, 181.19],
                [0.00, 68.54, 45.25],
                [10.16, 74.00, 178.14],
                [223.20, 178.36, 136.23],
                [0.90, 0.50, 0.37],
            ],
        ),
        (
            AgxLook::Greyscale,
            0.06,
            [
                [196.60, 196.60, 196.60],
                [18.49, 18.49, 18.49],
                [125.18, 125.18, 125.19],
                [161.75, 161.75, 161.76],
                [79.71, 79.71, 79.72],
                [122.71, 122.71, 122.72],
                [208.28, 208.28, 208.28],
                [3.44, 3.44, 3.44],
            ],
        ),
    ] {
        for (linear, want) in LOOK_COLORS.into_iter().zip(want) {
            check_codes(ViewTransform::AgxLook(look), linear, want, tolerance);
        }
    }
}

#[test]
fn every_look_keeps_middle_grey_and_turns_no_grey() {
    for (_, view) in ViewTransform::pairs().into_iter().filter(|(_, view)| matches!(view, ViewTransform::AgxLook(_))) {
        // "Punchy" is meant to darken it.
        let middle_grey = if view == ViewTransform::AgxLook(AgxLook::Punchy) { 88.30 } else { 117.64 };
        check_codes(view, [0.18; 3], [middle_grey; 3], 0.05);
        let mut previous = -1.0;
        for step in 0..=600 {
            let grey = (step as f32 * 0.05 - 18.0).exp2();
            let [r, g, b] = codes([grey; 3], view);
            assert!((r - g).abs() < 0.1 && (b - g).abs() < 0.1, "{view:?} of {grey}: {r} {g} {b}");
            assert!(g >= previous - 1e-3, "{view:?} of {grey}: {g} after {previous}");
            previous = g;
        }
        assert!(codes([f32::INFINITY; 3], view).iter().all(|&code| code > 254.0));
        assert!(codes([f32::NAN; 3], view).iter().all(|&code| code < 5.0));
    }
}

/// At its nodes the table is the closed form: exact sRGB of the tone-mapped colour.
#[test]
fn khronos_neutral_is_exact_at_a_node() {
    // Node 28 lies at 2^0.5 on every axis: peak 1.3742 after the offset, compressed to 0.9326.
    let linear = [2.0_f32.sqrt(); 3];
    let peak = 2.0_f32.sqrt() - 0.04;
    let want = srgb::encode(1.0 - 0.24 * 0.24 / (peak + 0.24 - 0.76)) * 255.0;
    check_codes(ViewTransform::KhronosNeutral, linear, [want; 3], 0.01);
}

#[test]
fn standard_is_srgb_and_clips() {
    check_codes(ViewTransform::Standard, [0.18, 0.5, 7.0], [117.64, 187.52, 255.0], 0.05);
    check_codes(ViewTransform::Standard, [-0.2, 0.0, 1.0], [0.0, 0.0, 255.0], 1e-4);
}

#[test]
fn raw_is_the_identity_within_its_range() {
    for value in [0.0, 1e-7, 0.123_456_79, 0.5, 0.999_999_9, 1.0] {
        assert_eq!(display_color([value, 0.25, 0.75], ViewTransform::Raw, 0.0), [value, 0.25, 0.75]);
    }
    assert_eq!(display_color([2.0, -1.0, 0.5], ViewTransform::Raw, 0.0), [1.0, 0.0, 0.5]);
}

const ALL_VIEWS: [ViewTransform; 4] =
    [ViewTransform::Agx, ViewTransform::KhronosNeutral, ViewTransform::Standard, ViewTransform::Raw];

/// Greys stay grey and brighter greys never get darker, over 30 stops.
#[test]
fn the_grey_ramp_is_neutral_and_monotone() {
    for view in ALL_VIEWS {
        let mut previous = -1.0;
        for step in 0..=3000 {
            let grey = (step as f32 * 0.01 - 18.0).exp2();
            let [r, g, b] = codes([grey; 3], view);
            assert!((r - g).abs() < 0.05 && (b - g).abs() < 0.05, "{view:?} of {grey}: {r} {g} {b}");
            assert!(g >= previous - 1e-3, "{view:?} of {grey}: {g} after {previous}");
            previous = g;
        }
    }
}

#[test]
fn exposure_counts_stops() {
    for view in ALL_VIEWS {
        assert_eq!(display_color([0.1, 0.2, 0.05], view, 2.0), display_color([0.4, 0.8, 0.2], view, 0.0));
    }
}

fn image(rgba: Vec<[f32; 4]>) -> LinearImage {
    LinearImage { width_px: rgba.len() as u32, height_px: 1, rgba }
}

/// A half-covered pixel shows the colour of the product, not a darker one, and keeps its alpha.
#[test]
fn premultiplied_color_is_divided_out() {
    let settings = DisplaySettings::default();
    let shown =
        display_image(&image(vec![[0.4, 0.2, 0.1, 0.5], [0.8, 0.4, 0.2, 1.0], [0.3, 0.3, 0.3, 0.0]]), &settings);
    assert_eq!(shown.rgba[0][..3], shown.rgba[1][..3]);
    assert_eq!(shown.rgba[0][3], 0.5);
    assert_eq!(shown.rgba[2], [0.0; 4]);
}

/// White stays white through AgX, whose own white is reached only at 16.3: the background is display colour.
#[test]
fn a_background_is_laid_under_display_colors() {
    let background = [1.0, 0.5, 0.25];
    let settings = DisplaySettings { background_srgb: Some(background), ..DisplaySettings::default() };
    let shown = display_image(&image(vec![[0.0; 4], [0.09, 0.09, 0.09, 0.5], [0.18, 0.18, 0.18, 1.0]]), &settings);
    assert_eq!(shown.rgba[0], [1.0, 0.5, 0.25, 1.0]);
    for (channel, under) in background.into_iter().enumerate() {
        assert!((shown.rgba[1][channel] - 0.5 * (shown.rgba[2][channel] + under)).abs() < 1e-6);
    }
    assert!(shown.rgba.iter().all(|texel| texel[3] == 1.0));
}

proptest! {
    /// Any bits at all: the result is a picture.
    #[test]
    fn every_input_gives_displayable_output(
        texel in any::<[u32; 4]>(), view in 0..ViewTransform::ENTRIES.len(), exposure_bits in any::<u32>(), with_background in any::<bool>(),
    ) {
        let settings = DisplaySettings {
            view_transform: ViewTransform::ENTRIES[view].value,
            exposure_ev: f32::from_bits(exposure_bits),
            background_srgb: with_background.then_some([f32::NAN, f32::INFINITY, -1.0]),
            lut: None,
        };
        let shown = display_image(&image(vec![texel.map(f32::from_bits)]), &settings);
        prop_assert!(shown.rgba[0].iter().all(|channel| (0.0..=1.0).contains(channel)), "{:?}", shown.rgba[0]);
    }
}

#[test]
fn not_a_number_is_black_and_infinity_is_white() {
    for view in ALL_VIEWS {
        let shown = codes([f32::NAN; 3], view);
        assert!(shown.iter().all(|&channel| channel < 0.1), "{view:?}: {shown:?}");
        let shown = codes([f32::INFINITY; 3], view);
        assert!(shown.iter().all(|&channel| channel > 254.0), "{view:?}: {shown:?}");
    }
}

/// More pixels than a task and than a block, whose last ones are not full: none depends on its neighbours.
#[test]
fn a_picture_is_its_pixels_one_by_one() {
    let mut state = 1_u32;
    let mut grain = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        1.5 * (state >> 8) as f32 / (1 << 24) as f32
    };
    let rgba: Vec<[f32; 4]> = (0..PIXELS_PER_TASK + 100).map(|_| [grain(), grain(), grain(), 1.0]).collect();
    let picture = LinearImage { width_px: rgba.len() as u32, height_px: 1, rgba };
    let look = ViewTransform::AgxLook(AgxLook::HighContrast);
    for view_transform in ALL_VIEWS.into_iter().chain([look]) {
        let settings = DisplaySettings { view_transform, ..DisplaySettings::default() };
        let shown = display_image(&picture, &settings);
        assert_eq!(shown.rgba.len(), picture.rgba.len());
        for (&[r, g, b, _], shown) in picture.rgba.iter().zip(&shown.rgba) {
            let [r, g, b] = display_color([r, g, b], view_transform, 0.0);
            assert_eq!(*shown, [r, g, b, 1.0], "{view_transform:?}");
        }
    }
}
