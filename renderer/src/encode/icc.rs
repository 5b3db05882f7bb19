//! Colour profiles of sRGB and linear Rec.709, for formats that cannot describe them otherwise.
//!
//! Matrix profiles of version 4.3 (ICC.1:2010): primaries and white adapted to the profile connection space (D50) by
//! Bradford's method, and one curve that the three channels share. Half a kilobyte, with a fixed date.

/// The curve of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    /// The transfer function of sRGB.
    Srgb,
    /// None: values are proportional to light.
    Linear,
}

/// Primaries of ITU-R BT.709 as XYZ under D50: columns of the matrix from linear Rec.709. They add up to D50.
const RED: [f64; 3] = [0.436_042_04, 0.222_484_82, 0.013_920_28];
const GREEN: [f64; 3] = [0.385_114_13, 0.716_904_55, 0.097_067_60];
const BLUE: [f64; 3] = [0.143_046_71, 0.060_610_63, 0.713_917_51];
/// White of the profile connection space.
const D50: [f64; 3] = [0.964_202_88, 1.0, 0.824_905_40];
/// From XYZ under D65 (0.3127, 0.3290) to XYZ under D50, by rows.
const ADAPTATION: [f64; 9] = [
    1.047_887_43,
    0.022_919_66,
    -0.050_215_52, //
    0.029_583_23,
    0.990_482_03,
    -0.017_078_61, //
    -0.009_251_64,
    0.015_072_13,
    0.751_683_32,
];

/// The bytes of the profile.
pub(super) fn profile(curve: Curve) -> Vec<u8> {
    let (name, parameters) = match curve {
        // Function 3: ((a x + b))^g above d, c x below.
        Curve::Srgb => ("sRGB", (3_u16, &[2.4, 1.0 / 1.055, 0.055 / 1.055, 1.0 / 12.92, 0.040_45][..])),
        Curve::Linear => ("Linear Rec.709", (0, &[1.0][..])),
    };
    let curve = Element::new(b"para").u16(parameters.0).u16(0).fixed(parameters.1).bytes();
    let elements: [(&[&[u8; 4]], Vec<u8>); 8] = [
        (&[b"desc"], text(name)),
        (&[b"cprt"], text("CC0")),
        (&[b"wtpt"], Element::new(b"XYZ ").fixed(&D50).bytes()),
        (&[b"chad"], Element::new(b"sf32").fixed(&ADAPTATION).bytes()),
        (&[b"rXYZ"], Element::new(b"XYZ ").fixed(&RED).bytes()),
        (&[b"gXYZ"], Element::new(b"XYZ ").fixed(&GREEN).bytes()),
        (&[b"bXYZ"], Element::new(b"XYZ ").fixed(&BLUE).bytes()),
        (&[b"rTRC", b"gTRC", b"bTRC"], curve),
    ];
    let n_tags: usize = elements.iter().map(|(tags, _)| tags.len()).sum();
    let data_start = 128 + 4 + 12 * n_tags;
    let (mut table, mut data) = (be(n_tags).to_vec(), Vec::new());
    for (tags, element) in &elements {
        for tag in *tags {
            table.extend([&tag[..], &be(data_start + data.len()), &be(element.len())].concat());
        }
        data.extend(element);
        data.resize(data.len().next_multiple_of(4), 0);
    }
    [header(data_start + data.len()), table, data].concat()
}

/// The first 128 bytes: a display profile from RGB to XYZ.
fn header(size_bytes: usize) -> Vec<u8> {
    let mut header = be(size_bytes).to_vec();
    header.extend([0; 4]); // no preferred colour engine
    header.extend([4, 0x30, 0, 0]);
    header.extend(b"mntrRGB XYZ ");
    header.extend([2026_u16, 1, 1, 0, 0, 0].map(u16::to_be_bytes).as_flattened());
    header.extend(b"acsp");
    header.extend([0; 4 + 4 + 4 + 4 + 8 + 4]); // platform, flags, maker, model, attributes, perceptual intent
    header.extend(D50.map(s15_fixed_16).as_flattened());
    header.resize(128, 0);
    header
}

/// A text in one language.
fn text(text: &str) -> Vec<u8> {
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let record = [&be(1)[..], &be(12), b"enUS", &be(utf16.len()), &be(28), &utf16].concat();
    Element { bytes: [&b"mluc\0\0\0\0"[..], &record].concat() }.bytes()
}

/// A tagged element under construction.
struct Element {
    bytes: Vec<u8>,
}

impl Element {
    fn new(kind: &[u8; 4]) -> Self {
        Self { bytes: [&kind[..], &[0; 4]].concat() }
    }

    fn u16(mut self, value: u16) -> Self {
        self.bytes.extend(value.to_be_bytes());
        self
    }

    fn fixed(mut self, values: &[f64]) -> Self {
        self.bytes.extend(values.iter().flat_map(|&value| s15_fixed_16(value)));
        self
    }

    fn bytes(self) -> Vec<u8> {
        self.bytes
    }
}

fn s15_fixed_16(value: f64) -> [u8; 4] {
    ((value * 65536.0).round() as i32).to_be_bytes()
}

fn be(value: usize) -> [u8; 4] {
    (value as u32).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fixed-point numbers of the profile: columns that add up to its white, or greys would not be grey.
    #[test]
    fn white_is_the_sum_of_the_primaries() {
        let fixed = |value: f64| i32::from_be_bytes(s15_fixed_16(value));
        for ((red, green), (blue, white)) in RED.into_iter().zip(GREEN).zip(BLUE.into_iter().zip(D50)) {
            assert!((fixed(red) + fixed(green) + fixed(blue) - fixed(white)).abs() <= 1, "{red} {green} {blue}");
        }
    }

    #[test]
    fn every_tag_lies_within_the_profile() {
        for curve in [Curve::Srgb, Curve::Linear] {
            let profile = profile(curve);
            assert_eq!(&profile[36..40], b"acsp");
            let u32_at = |at: usize| u32::from_be_bytes(profile[at..at + 4].try_into().expect("four")) as usize;
            assert_eq!(u32_at(0), profile.len(), "{curve:?}");
            assert_eq!(u32_at(128), 10);
            for tag in 0..10 {
                let (offset, length) = (u32_at(132 + 12 * tag + 4), u32_at(132 + 12 * tag + 8));
                assert!(offset % 4 == 0 && offset >= 252 && offset + length <= profile.len(), "tag {tag}");
            }
        }
    }
}
