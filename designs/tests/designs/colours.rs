//! Colours of files with profiles, against formulas of the standards.

use packshot_designs::DesignCode;
use packshot_designs::design::{DesignColour, Pixels};

use crate::files::{jpeg, read, with_segment};
use crate::fixtures::plain;

/// A colour of the case, sRGB.
const COLOR: [f64; 3] = [200.0 / 255.0, 30.0 / 255.0, 40.0 / 255.0];
type Matrix = [[f64; 3]; 3];
/// Linear Rec.709 to XYZ (D65), IEC 61966-2-1.
const XYZ_FROM_SRGB: Matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]];
const SRGB_FROM_XYZ: Matrix = [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]];
/// XYZ (D65) to linear Display P3, from the primaries of SMPTE EG 432-1.
const P3_FROM_XYZ: Matrix = [[2.493_5, -0.931_4, -0.402_7], [-0.829_5, 1.762_7, 0.023_6], [0.035_8, -0.076_2, 0.956_9]];
/// XYZ (D65) to linear Adobe RGB (1998), its section 4.3.5.3.
const ADOBE_FROM_XYZ: Matrix = [[2.0416, -0.5650, -0.3447], [-0.9692, 1.8760, 0.0416], [0.0134, -0.1184, 1.0152]];
/// Bradford, D50 to D65.
const D65_FROM_D50: Matrix = [[0.9556, -0.0230, 0.0632], [-0.0283, 1.0099, 0.0210], [0.0123, -0.0205, 1.3299]];
const D65: [f64; 3] = [0.9505, 1.0, 1.0891];
const D50: [f64; 3] = [0.9642, 1.0, 0.8249];

fn times(m: Matrix, v: [f64; 3]) -> [f64; 3] {
    m.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
}

fn decode(value: f64) -> f64 {
    if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

fn encode(value: f64) -> f64 {
    let value = value.clamp(0.0, 1.0);
    if value <= 0.003_130_8 { value * 12.92 } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 }
}

fn lab(srgb: [f64; 3]) -> [f64; 3] {
    let xyz = times(XYZ_FROM_SRGB, srgb.map(decode));
    let f = |i: usize| {
        let t = xyz[i] / D65[i];
        if t > 216.0 / 24_389.0 { t.cbrt() } else { (24_389.0 / 27.0 * t + 16.0) / 116.0 }
    };
    [116.0 * f(1) - 16.0, 500.0 * (f(0) - f(1)), 200.0 * (f(1) - f(2))]
}

/// The distance in CIELAB of 1976, which is at least about that of 2000 for colours as strong as these.
#[track_caller]
fn assert_alike(found: [u8; 4], expected: [f64; 3]) {
    let (a, b) = (lab([found[0], found[1], found[2]].map(|byte| f64::from(byte) / 255.0)), lab(expected));
    let distance = (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt();
    assert!(distance <= 1.0, "{found:?} is {distance} from {expected:?}");
}

fn bytes(values: [f64; 3]) -> [u8; 4] {
    let [r, g, b] = values.map(|value| (value * 255.0).round() as u8);
    [r, g, b, 255]
}

fn first(bytes: &[u8]) -> [u8; 4] {
    let design = read(bytes).expect("sound");
    let Pixels::Eight(pixels) = crate::fixtures::plain_texture(&design) else { panic!("8 bits") };
    pixels[pixels.len() / 2 + design.width as usize / 2]
}

#[test]
fn d55_profiles_are_followed() {
    let xyz = times(XYZ_FROM_SRGB, COLOR.map(decode));
    let p3 = times(P3_FROM_XYZ, xyz).map(encode);
    let profile = moxcms::ColorProfile::new_display_p3().encode().expect("a profile");
    let png = plain(64, 64, bytes(p3)).png_with(|info| info.icc_profile = Some(profile.into()));
    assert_alike(first(&png), COLOR);

    let adobe = times(ADOBE_FROM_XYZ, xyz).map(|value| value.max(0.0).powf(1.0 / 2.199_218_75));
    let profile = moxcms::ColorProfile::new_adobe_rgb().encode().expect("a profile");
    assert_alike(first(&jpeg(&plain(64, 64, bytes(adobe)), Some(profile))), COLOR);

    // Grey of 18 % in a gamma of 1.8, as a grey JPEG.
    let grey = (0.18_f64.powf(1.0 / 1.8) * 255.0).round() as u8;
    let profile = moxcms::ColorProfile::new_gray_with_gamma(1.8).encode().expect("a profile");
    let mut file = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 100);
    image::ImageEncoder::set_icc_profile(&mut encoder, profile).expect("JPEG has profiles");
    encoder.encode(&[grey; 64 * 64], 64, 64, image::ExtendedColorType::L8).expect("written");
    assert_eq!(read(&file).expect("sound").colour, DesignColour::Grey);
    assert_alike(first(&file), [encode(0.18); 3]);
}

/// CIELAB of D50 of every combination of full inks, cyan the highest bit.
fn ink_lab(inks: usize) -> [f64; 3] {
    let [l, a, b] = match inks >> 1 {
        0b000 => [95.0, 0.0, -2.0],
        0b100 => [55.0, -37.0, -50.0],
        0b010 => [48.0, 74.0, -3.0],
        0b001 => [89.0, -5.0, 93.0],
        0b011 => [47.0, 62.0, 40.0],
        0b101 => [50.0, -60.0, 27.0],
        0b110 => [24.0, 22.0, -46.0],
        _ => [23.0, 0.0, 0.0],
    };
    if inks & 1 == 0 { [l, a, b] } else { [l * 0.15, a * 0.1, b * 0.1] }
}

/// An ICC profile of a press (ICC.1:2004-10): a table with the colours of full inks (section 10.9, `lut8Type`).
fn press_profile() -> Vec<u8> {
    let mut lut = b"mft1\0\0\0\0".to_vec();
    lut.extend([4, 3, 2, 0]);
    let identity = [1, 0, 0, 0, 1, 0, 0, 0, 1];
    lut.extend(identity.iter().flat_map(|one: &i32| (one << 16).to_be_bytes()));
    (0..4).for_each(|_| lut.extend(0..=255_u8));
    for inks in 0..16 {
        let [l, a, b] = ink_lab(inks);
        lut.extend([l * 2.55, a + 128.0, b + 128.0].map(|value| value.round() as u8));
    }
    (0..3).for_each(|_| lut.extend(0..=255_u8));
    let tags: [(&[u8; 4], Vec<u8>); 2] = [
        (
            b"wtpt",
            [b"XYZ \0\0\0\0".to_vec(), D50.iter().flat_map(|v| ((v * 65536.0) as i32).to_be_bytes()).collect()]
                .concat(),
        ),
        (b"A2B0", lut),
    ];
    let mut header = vec![0; 128];
    header[8..12].copy_from_slice(&[2, 0x40, 0, 0]);
    header[12..24].copy_from_slice(b"prtrCMYKLab ");
    header[24..36].copy_from_slice(&[0x07, 0xEA, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
    header[36..40].copy_from_slice(b"acsp");
    for (at, value) in (68..).step_by(4).zip(D50) {
        header[at..at + 4].copy_from_slice(&((value * 65536.0) as i32).to_be_bytes());
    }
    let mut offset = 128 + 4 + 12 * (tags.len() + 1);
    let mut table = (tags.len() as u32 + 1).to_be_bytes().to_vec();
    let mut data = Vec::new();
    for (name, content) in &tags {
        let length = content.len() as u32;
        // Both intents have the same table.
        let names: &[&[u8; 4]] = if *name == b"A2B0" { &[b"A2B0", b"A2B1"] } else { &[name] };
        for name in names {
            table.extend([&name[..], &(offset as u32).to_be_bytes(), &length.to_be_bytes()].concat());
        }
        data.extend_from_slice(content);
        data.resize(data.len().next_multiple_of(4), 0);
        offset += content.len().next_multiple_of(4);
    }
    let mut profile = [header, table, data].concat();
    let size = (profile.len() as u32).to_be_bytes();
    profile[..4].copy_from_slice(&size);
    profile
}

/// Magenta and yellow, as Photoshop writes them.
const RED_INKS: &[u8] = include_bytes!("files/red_inks.jpg");

#[test]
fn d55_inks_have_the_colours_of_their_profile() {
    assert_eq!(read(RED_INKS).expect_err("which inks?"), DesignCode::ColourUnsupported);
    let segment = [&b"ICC_PROFILE\0\x01\x01"[..], &press_profile()].concat();
    let file = with_segment(RED_INKS, 0xE2, &segment);
    assert_eq!(read(&file).expect("sound").colour, DesignColour::Cmyk);
    let [l, a, b] = ink_lab(0b0110);
    let fy = (l + 16.0) / 116.0;
    let xyz_of =
        |f: f64, white: f64| if f > 6.0 / 29.0 { f.powi(3) * white } else { (f - 4.0 / 29.0) * 108.0 / 841.0 * white };
    let xyz = [xyz_of(fy + a / 500.0, D50[0]), xyz_of(fy, D50[1]), xyz_of(fy - b / 200.0, D50[2])];
    assert_alike(first(&file), times(SRGB_FROM_XYZ, times(D65_FROM_D50, xyz)).map(encode));
}

#[test]
fn profiles_of_another_kind_are_refused() {
    let press = press_profile();
    let png = plain(64, 64, [9, 9, 9, 255]).png_with(|info| info.icc_profile = Some(press.into()));
    assert_eq!(read(&png).expect_err("no press"), DesignCode::ColourUnsupported);
    let damaged = plain(64, 64, [9, 9, 9, 255]).png_with(|info| info.icc_profile = Some(vec![7; 200].into()));
    assert_eq!(read(&damaged).expect_err("no profile"), DesignCode::Unreadable);
}
