use std::path::PathBuf;

use exr::prelude::{AnyChannel, AnyChannels, Compression, FlatSamples};
use half::f16;
use proptest::prelude::*;

use super::*;

const WIDTH: usize = 8;
const HEIGHT: usize = 4;

fn gradient() -> EnvironmentMap {
    let rgb = (0..WIDTH * HEIGHT).map(|i| [0.1 * i as f32, 1.0, (i * i) as f32]).collect();
    EnvironmentMap { width_px: WIDTH as u32, height_px: HEIGHT as u32, rgb }
}

/// An EXR with these channels, whose values are `sample(channel, pixel)`.
fn exr_with(
    names: &[&str],
    size: (usize, usize),
    compression: Compression,
    half: bool,
    sample: impl Fn(usize, usize) -> f32,
) -> Vec<u8> {
    let channels = names.iter().enumerate().map(|(channel, &name)| {
        let samples = (0..size.0 * size.1).map(|pixel| sample(channel, pixel));
        let samples = match half {
            true => FlatSamples::F16(samples.map(f16::from_f32).collect()),
            false => FlatSamples::F32(samples.collect()),
        };
        AnyChannel::new(name, samples)
    });
    let encoding = Encoding { compression, ..Encoding::SMALL_LOSSLESS };
    let layer = Layer::new(size, LayerAttributes::default(), encoding, AnyChannels::sort(channels.collect()));
    let mut out = Cursor::new(Vec::new());
    Image::from_layer(layer).write().to_buffered(&mut out).expect("written");
    out.into_inner()
}

/// A Radiance file without run-length encoding.
fn hdr_with(width: usize, height: usize, pixel: [u8; 4]) -> Vec<u8> {
    let mut bytes = format!("#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y {height} +X {width}\n").into_bytes();
    bytes.extend(std::iter::repeat_n(pixel, width * height).flatten());
    bytes
}

fn code(bytes: &[u8]) -> &'static str {
    decode(bytes, "map").expect_err("a broken map").code.name()
}

#[test]
fn what_is_encoded_decodes_alike() {
    let map = gradient();
    let bytes = encode_exr(&map).expect("encoded");
    assert_eq!(bytes, encode_exr(&map).expect("encoded"));
    let (back, diagnostics) = decode(&bytes, "map").expect("decoded");
    assert!(back == map && diagnostics.is_empty());
    let short = EnvironmentMap { rgb: Vec::new(), ..map };
    assert_eq!(encode_exr(&short).expect_err("no pixels").code, ErrorCode::EnvironmentSize);
}

#[test]
fn compressions_precisions_and_prefixes() {
    let compressions = [
        (Compression::Uncompressed, 4e-3),
        (Compression::RLE, 4e-3),
        (Compression::ZIP1, 4e-3),
        (Compression::ZIP16, 4e-3),
        (Compression::PIZ, 4e-3),
        (Compression::PXR24, 4e-3),
        (Compression::B44, 0.2),
        (Compression::DWAA(None), 0.2),
        (Compression::DWAB(None), 0.2),
    ];
    let size = (WIDTH, HEIGHT);
    for (compression, tolerance) in compressions {
        for half in [true, false] {
            let value = |channel: usize, pixel: usize| (1 + channel) as f32 + 0.01 * pixel as f32;
            let bytes = exr_with(&["A", "B", "G", "R"], size, compression, half, value);
            let (map, _) = decode(&bytes, "map").unwrap_or_else(|e| panic!("{compression:?}: {e}"));
            for (pixel, rgb) in map.rgb.iter().enumerate() {
                let off = [3, 2, 1].iter().zip(rgb).map(|(&channel, v)| (v - value(channel, pixel)).abs());
                assert!(off.fold(0.0, f32::max) <= tolerance, "{compression:?} {half}: {rgb:?} at {pixel}");
            }
        }
    }
    let value = |channel: usize, _: usize| channel as f32;
    let decoded = |names: &[&str]| {
        let bytes = exr_with(names, size, Compression::ZIP16, true, value);
        decode(&bytes, "map").map(|(map, _)| map.rgb[5]).map_err(|e| e.code.name())
    };
    assert_eq!(decoded(&["a.B", "a.G", "a.R"]), Ok([2.0, 1.0, 0.0]));
    assert_eq!(decoded(&["B", "G", "R", "a.B", "a.G", "a.R"]), Ok([2.0, 1.0, 0.0]));
    assert_eq!(decoded(&["a.B", "b.G", "c.R"]), Err("env.format"));
    assert_eq!(decoded(&["X", "Y"]), Ok([1.0; 3]));
    assert_eq!(decoded(&["X", "Z"]), Err("env.format"));
}

#[test]
fn radiance_files() {
    // 2 to the power of (exponent − 128), times mantissa / 256.
    let (map, _) = decode(&hdr_with(8, 4, [128, 64, 0, 130]), "map").expect("decoded");
    assert_eq!((map.width_px, map.height_px, map.rgb[31]), (8, 4, [2.0, 1.0, 0.0]));
    assert_eq!(code(&hdr_with(8, 8, [1; 4])), "env.size");
    assert_eq!(code(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 8192 +X 16384\n"), "env.format");
    assert_eq!(code(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 4294967295 +X 4294967295\n"), "env.format");
}

#[test]
fn pixels_are_finite_and_not_negative() {
    let with = |odd: f32| {
        let value = |_: usize, pixel: usize| if pixel == 11 { odd } else { 1.0 };
        exr_with(&["B", "G", "R"], (WIDTH, HEIGHT), Compression::ZIP16, false, value)
    };
    let (map, diagnostics) = decode(&with(-1.0), "/environment/path").expect("decoded");
    assert_eq!((map.rgb[10], map.rgb[11]), ([1.0; 3], [0.0; 3]));
    let found: Vec<_> = diagnostics.iter().map(|d| (d.code, d.at.as_str())).collect();
    assert_eq!(found, [("env.negative", "/environment/path")]);
    for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let error = decode(&with(odd), "map").expect_err("not finite");
        assert_eq!(error.code, ErrorCode::EnvironmentNotFinite);
        assert!(error.message.contains("column 3, row 1"), "{}", error.message);
    }
}

#[test]
fn other_files_are_refused() {
    assert_eq!(code(b""), "env.format");
    assert_eq!(code(b"\x89PNG\r\n\x1a\n"), "env.format");
    assert_eq!(code(&[0x76, 0x2f, 0x31, 0x01]), "env.format");
    assert_eq!(code(&exr_with(&["B", "G", "R"], (4, 4), Compression::ZIP16, true, |_, _| 1.0)), "env.size");
}

proptest! {
    #[test]
    fn no_bytes_can_hurt(at: prop::sample::Index, value: u8, which in 0..3) {
        let mut bytes = match which {
            0 => exr_with(&["B", "G", "R"], (WIDTH, HEIGHT), Compression::PIZ, true, |_, pixel| pixel as f32),
            1 => encode_exr(&gradient()).expect("encoded"),
            _ => hdr_with(8, 4, [9; 4]),
        };
        let at = at.index(bytes.len());
        bytes[at] = value;
        // It must return, and a map that it returns must be valid.
        for text in [&bytes[..], &bytes[..at]] {
            if let Ok((map, _)) = decode(text, "map") {
                prop_assert!(map.width_px == 2 * map.height_px);
                prop_assert!(map.rgb.iter().flatten().all(|v| v.is_finite() && *v >= 0.0));
            }
        }
    }
}

#[test]
fn maps_of_other_programs() {
    let Some(shared) = std::env::var_os("PACKSHOT_SHARED").map(PathBuf::from) else {
        println!("skipped: PACKSHOT_SHARED is not set (the folder with peers/shots/*.exr)");
        return;
    };
    for name in ["gradient.exr", "sun_sky.exr"] {
        let bytes = std::fs::read(shared.join("peers/shots").join(name)).expect("the map");
        let (map, diagnostics) = decode(&bytes, name).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(map.rgb.len() > 1000 && diagnostics.is_empty(), "{name}: {diagnostics:?}");
    }
}
