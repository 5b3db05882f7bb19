//! Nested bodies: where they overlap, the one with the highest priority fills the space.

use std::sync::Arc;

use glam::{DAffine3, DVec3, Vec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::backend::{CancelToken, RenderControl};
use packshot_renderer::film::Film;
use packshot_renderer::prepare::{PaletteEntry, PartMaterial};
use packshot_renderer::scene::{Primitive, Scene};
use packshot_renderer::shot::{Bounces, Environment, EnvironmentMap};

use crate::difference::mean;
use crate::scenes::{load, plane, scene, shot};

/// A closed cylinder around the Y axis, its faces turned inwards for a cavity.
fn cylinder(radius: f32, half_height: f32, is_cavity: bool) -> Primitive {
    const N: u32 = 48;
    let side = |i: u32| {
        let angle = std::f32::consts::TAU * i as f32 / N as f32;
        [-half_height, half_height].map(|y| Vec3::new(radius * angle.cos(), y, -radius * angle.sin()))
    };
    let mut positions: Vec<Vec3> = (0..N).flat_map(side).collect();
    positions.extend([Vec3::NEG_Y, Vec3::Y].map(|axis| axis * half_height));
    let (bottom, top) = (2 * N, 2 * N + 1);
    let around = |i: u32| {
        let (a, b) = (2 * i, 2 * ((i + 1) % N));
        [[a, b, b + 1], [a, b + 1, a + 1], [bottom, b, a], [top, a + 1, b + 1]]
    };
    let outward = (0..N).flat_map(around);
    let triangles = outward.map(|[a, b, c]| if is_cavity { [a, c, b] } else { [a, b, c] }).collect();
    Primitive { positions, triangles, ..plane() }
}

/// The first primitive followed by the second.
fn joined(mut first: Primitive, second: &Primitive) -> Primitive {
    let n = first.positions.len() as u32;
    first.positions.extend(&second.positions);
    first.triangles.extend(second.triangles.iter().map(|triangle| triangle.map(|corner| corner + n)));
    first
}

/// A steel bolt in oil in a vial, whose sizes are given, lit from above.
fn vial(glass: Primitive, oil: Primitive, priorities: [u8; 2], seed: u32) -> Film {
    let bolt = cylinder(0.2, 0.7, false);
    let scene: Scene = scene(vec![glass, oil, bolt], &[0, 1, 2].map(|mesh| (mesh, DAffine3::IDENTITY)));
    let clear = |ior: f32, color: [f32; 3], depth: f32| OpenPbr {
        specular_ior: ior,
        specular_roughness: 0.0,
        transmission_weight: 1.0,
        transmission_color: color,
        transmission_depth: depth,
        ..OpenPbr::default()
    };
    let steel = OpenPbr { base_color: [0.5; 3], base_metalness: 1.0, specular_roughness: 0.4, ..OpenPbr::default() };
    let palette = [
        PaletteEntry { priority: priorities[0], ..clear(1.6, [0.6, 0.9, 0.7], 1.0).into() },
        PaletteEntry { priority: priorities[1], ..clear(1.4, [0.9, 0.6, 0.1], 0.5).into() },
        steel.into(),
    ];
    let (width_px, height_px) = (16, 8);
    let rgb = (0..width_px * height_px).map(|i| [if i / width_px < height_px / 2 { 1.5 } else { 0.2 }; 3]).collect();
    let map = Arc::new(EnvironmentMap { width_px, height_px, rgb });
    let mut shot = shot(DVec3::new(0.0, 0.8, 4.0), 2.0, 24, 128);
    shot.environment = Environment::LatLong { map, rotation_x_rad: 0.0, rotation_y_rad: 0.0, strength: 1.0 };
    (shot.film.bounces, shot.film.seed) = (Bounces::all(64), seed);
    let worn = [0, 1, 2].map(PartMaterial::Palette);
    load(&scene, &palette, &worn, &shot, 2).render(&RenderControl::new(&CancelToken::default()))
}

/// Mean difference of pixels.
fn difference(a: &Film, b: &Film) -> f32 {
    let (a, b) = (a.resolve(), b.resolve());
    let sum: f32 = a.iter().zip(&b).flat_map(|(a, b)| (0..3).map(|c| (a[c] - b[c]).abs())).sum();
    sum / (3 * a.len()) as f32
}

#[test]
fn a_bolt_in_oil_in_a_glass_may_overlap() {
    // The intended scene: a solid cylinder of glass with oil instead of glass inside it, so that glass and oil share
    // one surface.
    let exact = |seed| vial(cylinder(1.0, 1.1, false), cylinder(0.7, 0.8, false), [0; 2], seed);
    // The modelled scene: glass with a cavity, and oil that extends into the wall.
    let modelled = |priorities, seed| {
        let glass = joined(cylinder(1.0, 1.1, false), &cylinder(0.7, 0.8, true));
        vial(glass, cylinder(0.8, 0.9, false), priorities, seed)
    };
    let meant = exact(0);
    let noise = difference(&meant, &exact(1));
    let with = modelled([2, 1], 1);
    assert!(difference(&meant, &with) < 1.1 * noise, "{} and noise {noise}", difference(&meant, &with));
    assert!((mean(&with) / mean(&meant) - 1.0).abs() < 0.005, "{} instead of {}", mean(&with), mean(&meant));
    for priorities in [[0, 0], [1, 2]] {
        let without = difference(&meant, &modelled(priorities, 1));
        assert!(without > 2.0 * noise, "priorities {priorities:?}: {without} and noise {noise}");
    }
}
