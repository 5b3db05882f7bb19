//! Sampled directions fall where the density says (Pearson's test, as in Mitsuba and pbrt).

use glam::Vec3;
use packshot_materials::openpbr::OpenPbr;
use rayon::prelude::*;

use super::{Lobes, Side, materials, points, sample, towards};

/// Samples of one test.
const SAMPLES: u32 = 1_000_000;
/// Cells over the polar angle (both hemispheres) and over the azimuth.
const POLAR: usize = 32;
const AZIMUTHS: usize = 24;
/// Points of a cell's quadrature along each side.
const SUB: usize = 24;
/// Probability that a right sampler fails any of the tests.
const ALPHA: f64 = 0.01;
/// Cells that expect fewer samples are pooled.
const EXPECTED_MIN: f64 = 5.0;

/// The cell of a direction.
fn cell(w: Vec3) -> usize {
    let polar = w.z.clamp(-1.0, 1.0).acos() / std::f32::consts::PI;
    let turn = w.y.atan2(w.x) / std::f32::consts::TAU;
    let index = |share: f32, n: usize| (share * n as f32).min(n as f32 - 1.0) as usize;
    index(polar, POLAR) * AZIMUTHS + index(turn - turn.floor(), AZIMUTHS)
}

/// The density's integral over each cell, by the midpoint rule.
fn expected(density: impl Fn(Vec3) -> f32) -> Vec<f64> {
    let share = |cell: usize, i: usize, n: usize| (cell as f32 + (i as f32 + 0.5) / SUB as f32) / n as f32;
    (0..POLAR * AZIMUTHS)
        .map(|index| {
            let mut sum = 0.0;
            for i in 0..SUB {
                let polar = share(index / AZIMUTHS, i, POLAR) * std::f32::consts::PI;
                for j in 0..SUB {
                    let w = towards(polar.cos(), share(index % AZIMUTHS, j, AZIMUTHS) * std::f32::consts::TAU);
                    sum += f64::from(polar.sin() * density(w));
                }
            }
            sum * std::f64::consts::PI * std::f64::consts::TAU / (POLAR * AZIMUTHS * SUB * SUB) as f64
        })
        .collect()
}

/// The probability of differences at least as large, where the sampler is right.
fn p_value(counts: &[u32], expected: &[f64]) -> f64 {
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by(|&a, &b| expected[a].total_cmp(&expected[b]));
    let (mut statistic, mut cells) = (0.0, 0);
    let (mut pooled_count, mut pooled_expected) = (0.0, 0.0);
    let mut add = |count: f64, expected: f64| {
        statistic += (count - expected) * (count - expected) / expected;
        cells += 1;
    };
    for index in order {
        if expected[index] < EXPECTED_MIN || pooled_expected > 0.0 && pooled_expected < EXPECTED_MIN {
            pooled_count += f64::from(counts[index]);
            pooled_expected += expected[index];
        } else {
            add(f64::from(counts[index]), expected[index]);
        }
    }
    if pooled_expected > EXPECTED_MIN {
        add(pooled_count, pooled_expected);
    } else {
        assert!(pooled_count <= 30.0, "{pooled_count} samples where {pooled_expected} were expected");
    }
    // Wilson and Hilferty's normal approximation of the chi-square distribution, and the normal's upper tail.
    let k = f64::from(cells) - 1.0;
    let z = ((statistic / k).cbrt() - (1.0 - 2.0 / (9.0 * k))) / (2.0 / (9.0 * k)).sqrt();
    normal_tail(z)
}

/// The normal distribution's share above `z`: the integral by Simpson's rule.
fn normal_tail(z: f64) -> f64 {
    if z < -8.0 {
        return 1.0;
    }
    let n = 2_000;
    let step = (z.max(0.0) + 12.0 - z) / f64::from(n);
    let density = |x: f64| (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
    let sum: f64 = (0..=n)
        .map(|i| {
            let weight = if i == 0 || i == n {
                1.0
            } else if i % 2 == 1 {
                4.0
            } else {
                2.0
            };
            weight * density(z + f64::from(i) * step)
        })
        .sum();
    sum * step / 3.0
}

#[test]
fn the_tail_of_the_normal_distribution() {
    for (z, tail) in [(0.0, 0.5), (1.644_853_627, 0.05), (3.0, 0.001_349_898), (-1.0, 0.841_344_746)] {
        assert!((normal_tail(z) - tail).abs() < 1e-8, "{z}");
    }
}

#[test]
fn sampled_directions_follow_their_density() {
    let views = [(0.95, 0.3), (0.35, 1.2)];
    let cases: Vec<_> = materials()
        .into_iter()
        .flat_map(|(name, m)| {
            let has_inside = m.transmission_weight > 0.0 || m.subsurface_weight > 0.0;
            let sides = [Side::Front, Side::Back].into_iter().filter(move |&side| side == Side::Front || has_inside);
            sides.flat_map(move |side| views.map(|view| (name, m, side, view)))
        })
        .collect();
    // Šidák's correction for so many tests at once.
    let least = 1.0 - (1.0 - ALPHA).powf(1.0 / cases.len() as f64);
    let failure = |&(name, m, side, (cosine, azimuth)): &(&str, OpenPbr, Side, (f32, f32))| {
        let lobes = Lobes::new(&m);
        let bsdf = lobes.closure(towards(cosine, azimuth), side);
        let mut counts = vec![0_u32; POLAR * AZIMUTHS];
        for (choice, u) in points(SAMPLES) {
            let drawn = sample(bsdf, choice, u);
            if drawn.pdf > 0.0 {
                counts[cell(drawn.direction)] += 1;
            }
        }
        let mut expected = expected(|w| lobes.value(bsdf, w).1);
        expected.iter_mut().for_each(|share| *share *= f64::from(SAMPLES));
        let p = p_value(&counts, &expected);
        (p < least).then(|| format!("{name}, {side:?}, cosine {cosine}: p = {p:.2e}, least {least:.2e}"))
    };
    let failures: Vec<String> = cases.par_iter().filter_map(failure).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
