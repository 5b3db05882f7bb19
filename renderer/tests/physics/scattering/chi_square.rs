//! Sampled directions are distributed as the density says (Pearson's test, as in Mitsuba and pbrt).

use glam::Vec3;
use packshot_materials::openpbr::OpenPbr;
use rayon::prelude::*;

use super::{Lobes, Side, materials, points, sample, towards};
use crate::pearson;

/// Samples of one test.
const SAMPLES: u32 = 1_000_000;
/// Cells over the polar angle (both hemispheres) and over the azimuth.
const POLAR: usize = 32;
const AZIMUTHS: usize = 24;
/// Quadrature points of a cell along each side.
const SUB: usize = 24;
/// Probability that a correct sampler fails any of the tests.
const ALPHA: f64 = 0.01;

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
    // Šidák's correction for this many tests at once.
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
        let expected = expected(|w| lobes.value(bsdf, w).1);
        if expected.iter().sum::<f64>() < 0.01 {
            return Some(format!("{name}, {side:?}, cosine {cosine}: hardly anything can be sampled"));
        }
        let cells = counts.iter().zip(&expected).map(|(&n, share)| (f64::from(n), share * f64::from(SAMPLES)));
        let p = pearson::p_value(cells.collect());
        (p < least).then(|| format!("{name}, {side:?}, cosine {cosine}: p = {p:.2e}, least {least:.2e}"))
    };
    let failures: Vec<String> = cases.par_iter().filter_map(failure).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
