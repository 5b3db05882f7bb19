//! The denoiser compared with a plain evaluation of its network, and with itself under other circumstances.

use packshot_denoiser::network::Network;
use packshot_denoiser::{Control, Denoiser, Picture, SimdLevel, WeightSet, tza};

mod reference;

/// A picture with its guides.
#[derive(Clone)]
struct Shot {
    width_px: u32,
    height_px: u32,
    color: Vec<[f32; 4]>,
    albedo: Vec<[f32; 3]>,
    normal: Vec<[f32; 3]>,
}

impl Shot {
    /// A ball on a chequered ground under noise that depends only on `seed`.
    fn new(width_px: u32, height_px: u32, seed: u32) -> Self {
        let pixel = |i: u32| {
            let (x, y) = ((i % width_px) as f32 / 40.0 - 1.0, (i / width_px) as f32 / 40.0 - 1.0);
            let r2 = x * x + y * y;
            let checker = if ((x * 4.0).floor() + (y * 4.0).floor()) % 2.0 == 0.0 { 0.8 } else { 0.2 };
            let (albedo, normal) = match r2 < 0.6 {
                true => ([0.7, 0.3, 0.1], [x, -y, (1.0 - r2).sqrt()]),
                false => ([checker; 3], [0.0, 1.0, 0.0]),
            };
            let noise = -2.0 * (1.0 - uniform(i, seed)).ln();
            let light = (normal[1] * 0.5 + 0.6) * noise;
            ([albedo[0] * light, albedo[1] * light, albedo[2] * light, uniform(i, seed + 1)], albedo, normal)
        };
        let pixels: Vec<_> = (0..width_px * height_px).map(pixel).collect();
        Self {
            width_px,
            height_px,
            color: pixels.iter().map(|pixel| pixel.0).collect(),
            albedo: pixels.iter().map(|pixel| pixel.1).collect(),
            normal: pixels.iter().map(|pixel| pixel.2).collect(),
        }
    }

    fn picture(&self) -> Picture<'_> {
        let Self { width_px, height_px, ref color, ref albedo, ref normal } = *self;
        Picture { width_px, height_px, color, albedo: Some(albedo), normal: Some(normal) }
    }
}

/// A number from 0 to 1 for a pixel (PCG's output function).
fn uniform(i: u32, seed: u32) -> f32 {
    let state = (i ^ seed.wrapping_mul(0x9e37_79b9)).wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
    let word = ((state >> ((state >> 28) + 4)) ^ state).wrapping_mul(277_803_737);
    ((word >> 22) ^ word) as f32 / u32::MAX as f32 * 0.999
}

fn network(set: WeightSet) -> Network {
    Network::new(&tza::parse(set.bytes()).expect("valid")).expect("a network")
}

fn denoise(denoiser: &Denoiser, shot: &Shot) -> Vec<[f32; 4]> {
    denoiser.denoise(&shot.picture(), Control::default()).expect("denoised")
}

fn bits(pixels: &[[f32; 4]]) -> Vec<u32> {
    pixels.as_flattened().iter().map(|value| value.to_bits()).collect()
}

#[test]
fn every_instruction_set_computes_the_network() {
    // Sides that are not multiples of anything, so that every edge case occurs.
    let shot = Shot::new(53, 37, 1);
    for set in WeightSet::ALL {
        let network = network(set);
        let expected = reference::denoise(&network, &shot.picture());
        for level in SimdLevel::ALL.into_iter().filter(|level| level.is_supported()) {
            let found = denoise(&Denoiser::with_level(network.clone(), level), &shot);
            for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                for channel in 0..3 {
                    let error = (found[channel] - expected[channel]).abs() / (expected[channel] + 0.01);
                    assert!(error < 1e-3, "{set:?} {level:?} pixel {i}: {found:?}, not {expected:?}");
                }
                assert_eq!(found[3], shot.color[i][3], "alpha goes around the network");
            }
        }
    }
}

#[test]
fn noise_goes_and_the_picture_stays() {
    let (shot, other) = (Shot::new(128, 96, 2), Shot::new(128, 96, 3));
    let denoiser = Denoiser::new(WeightSet::CleanGuides);
    // Two pictures of one subject differ only by noise.
    let distance = |a: &[[f32; 4]], b: &[[f32; 4]]| -> f32 {
        let squares = a.iter().zip(b).map(|(a, b)| (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f32>());
        (squares.sum::<f32>() / a.len() as f32).sqrt()
    };
    let before = distance(&shot.color, &other.color);
    let [a, b] = [&shot, &other].map(|shot| denoise(&denoiser, shot));
    let after = distance(&a, &b);
    assert!(after < before / 8.0, "{before} to {after}");
    let mean = |pixels: &[[f32; 4]]| pixels.iter().map(|pixel| pixel[1]).sum::<f32>() / pixels.len() as f32;
    assert!((mean(&a) / mean(&shot.color) - 1.0).abs() < 0.03, "{} {}", mean(&a), mean(&shot.color));
}

#[test]
fn threads_and_tiles_change_no_bit() {
    let denoiser = Denoiser::new(WeightSet::Small);
    // One that is divided into bands, and one that must be divided into columns.
    for (width_px, height_px) in [(203, 481), (1501, 59)] {
        let shot = Shot::new(width_px, height_px, 4);
        let whole = bits(&denoise(&denoiser, &shot));
        for n_threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().expect("threads");
            assert!(pool.install(|| bits(&denoise(&denoiser, &shot))) == whole, "{n_threads} threads");
            let size_bytes = pool.install(|| denoiser.size_bytes(width_px, height_px));
            for memory_max_bytes in [size_bytes - 1, size_bytes * 3 / 5] {
                let control = Control { memory_max_bytes: Some(memory_max_bytes), ..Control::default() };
                let tiled = pool.install(|| denoiser.denoise(&shot.picture(), control)).expect("denoised");
                let what = format!("{width_px}×{height_px}, {memory_max_bytes} bytes, {n_threads} threads");
                assert!(bits(&tiled) == whole, "{what}");
            }
        }
    }
}

#[test]
fn pictures_of_any_size_are_denoised() {
    let denoiser = Denoiser::new(WeightSet::Small);
    for (width_px, height_px) in [(1, 1), (1, 40), (40, 1), (16, 16), (17, 15), (2, 33)] {
        let shot = Shot::new(width_px, height_px, 5);
        let out = denoise(&denoiser, &shot);
        assert_eq!(out.len(), shot.color.len());
        assert!(out.as_flattened().iter().all(|value| value.is_finite() && *value >= 0.0), "{width_px}×{height_px}");
    }
}

#[test]
fn broken_values_stay_where_they_are() {
    let mut shot = Shot::new(200, 48, 6);
    let denoiser = Denoiser::new(WeightSet::Small);
    let broken = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, f32::MIN_POSITIVE, -0.0];
    for (i, value) in broken.into_iter().enumerate() {
        let place = 24 * 200 + i;
        shot.color[place] = [value, 0.5, 0.5, value];
        shot.albedo[place + 400] = [value; 3];
        shot.normal[place + 800] = [value; 3];
    }
    let out = denoise(&denoiser, &shot);
    assert!(out.iter().all(|pixel| pixel[..3].iter().all(|value| value.is_finite() && *value >= 0.0)));
    // Exposure, which an infinity would ruin, is that of the other bins to within a few stops.
    let mean = |pixels: &[[f32; 4]]| pixels.iter().map(|pixel| pixel[1]).sum::<f32>() / pixels.len() as f32;
    let far = |y: usize| y * 200 + 120..y * 200 + 200;
    let rows = (0..48).map(far);
    let [after, before] = [&out, &shot.color].map(|pixels| rows.clone().map(|row| mean(&pixels[row])).sum::<f32>());
    assert!((after / before - 1.0).abs() < 0.2, "{before} to {after}");
}

#[test]
fn pictures_that_do_not_fit_are_refused_with_a_code() {
    let shot = Shot::new(20, 20, 7);
    let denoiser = Denoiser::new(WeightSet::Small);
    let refused = |picture: Picture<'_>, control: Control<'_>| {
        let error = denoiser.denoise(&picture, control).expect_err("refused");
        (error.code(), error.at())
    };
    let control = Control::default();
    let whole = shot.picture();
    assert_eq!(refused(Picture { width_px: 21, ..whole }, control), ("denoise.size", "color"));
    assert_eq!(refused(Picture { height_px: 0, width_px: 0, color: &[], ..whole }, control), ("denoise.size", "color"));
    assert_eq!(
        refused(Picture { width_px: u32::MAX, height_px: u32::MAX, ..whole }, control),
        ("denoise.size", "color")
    );
    assert_eq!(refused(Picture { albedo: Some(&shot.albedo[1..]), ..whole }, control), ("denoise.size", "albedo"));
    assert_eq!(refused(Picture { normal: Some(&[]), ..whole }, control), ("denoise.size", "normal"));
    assert_eq!(refused(Picture { normal: None, ..whole }, control), ("denoise.guides", "guides"));
    let little = Control { memory_max_bytes: Some(1 << 10), ..control };
    assert_eq!(refused(whole, little), ("denoise.memory", ""));
    assert_eq!(refused(whole, Control { is_cancelled: &|| true, ..control }), ("denoise.cancelled", ""));
}
