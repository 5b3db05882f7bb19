//! Light goes straight through thin panes, whatever kind of light it is.

use std::f64::consts::PI;
use std::sync::Arc;

use glam::{DAffine3, DMat3, DVec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::shot::{Environment, EnvironmentMap, Light, Shot};

use crate::scenes::{mean_radiance, plane, render_parts, scene, shot};

/// The floor's albedo: so dark that light between the floor and the panes can be neglected.
const ALBEDO: f64 = 0.02;
const TINT: [f32; 3] = [0.9, 0.5, 0.2];
/// Height of the light over the floor, with the panes below it.
const HEIGHT: f64 = 1.0;

/// Transmittance of an untinted pane at a cosine: that of one boundary, which is how KHR_materials_transmission defines
/// thin walls.
fn transmittance(cosine: f64) -> f64 {
    let n = 1.5_f64;
    let g = (n * n - 1.0 + cosine * cosine).sqrt();
    let a = (g - cosine) / (g + cosine);
    let b = (cosine * (g + cosine) - 1.0) / (cosine * (g - cosine) + 1.0);
    1.0 - 0.5 * a * a * (1.0 + b * b)
}

/// Irradiance at the floor's middle below a horizontal square of radiance 1 and side 1, through `n_panes` panes.
fn under_a_square(n_panes: i32) -> f64 {
    const N: i32 = 200;
    let place = |i: i32| (f64::from(i) + 0.5) / f64::from(N) - 0.5;
    let of_cell = |x: f64, z: f64| {
        let distance2 = x * x + z * z + HEIGHT * HEIGHT;
        let cosine = HEIGHT / distance2.sqrt();
        transmittance(cosine).powi(n_panes) * cosine * cosine / distance2
    };
    (0..N * N).map(|i| of_cell(place(i % N), place(i / N))).sum::<f64>() / f64::from(N * N)
}

/// Compares the light below one and two panes with `irradiance`, which gives that below as many untinted panes.
fn falls_through(lit: &dyn Fn(&mut Shot), emissive: bool, irradiance: &dyn Fn(i32) -> f64) {
    let wide =
        |y: f64| DAffine3::from_scale_rotation_translation(DVec3::splat(4.0), glam::DQuat::IDENTITY, DVec3::Y * y);
    let facing_down = DAffine3::from_scale_rotation_translation(
        DVec3::splat(0.5),
        glam::DQuat::from_rotation_x(PI),
        DVec3::Y * HEIGHT,
    );
    let dark = OpenPbr { base_color: [ALBEDO as f32; 3], specular_weight: 0.0, ..OpenPbr::default() };
    let pane = OpenPbr {
        transmission_weight: 1.0,
        transmission_color: TINT,
        specular_roughness: 0.0,
        geometry_thin_walled: true,
        ..OpenPbr::default()
    };
    let lamp = OpenPbr { base_weight: 0.0, specular_weight: 0.0, emission_luminance: 1.0, ..OpenPbr::default() };
    for n_panes in [1, 2] {
        let mut parts = vec![(0, wide(0.0))];
        parts.extend((0..n_panes).map(|i| (0, wide(0.5 + 0.2 * f64::from(i)))));
        let mut worn = vec![0; 1];
        worn.extend((0..n_panes).map(|_| 1));
        if emissive {
            parts.push((0, facing_down));
            worn.push(2);
        }
        // The camera is below the panes.
        let mut shot = shot(DVec3::new(0.3, 0.2, 0.1), 1e-3, 8, 1024);
        lit(&mut shot);
        let film = render_parts(&scene(vec![plane()], &parts), &[dark, pane, lamp], &worn, &shot, 2);
        let seen = mean_radiance(&film);
        for (channel, tint) in TINT.iter().enumerate() {
            let expected = ALBEDO / PI * f64::from(*tint).powi(n_panes) * irradiance(n_panes);
            let error = f64::from(seen[channel]) / expected - 1.0;
            // A little light goes back and forth between two panes; only lights with an extent get it through.
            assert!((-0.01..0.01).contains(&error), "{n_panes} panes, channel {channel}: {error:+.4}");
        }
    }
}

#[test]
fn light_of_a_point_falls_through_panes() {
    let place = DVec3::new(0.6, HEIGHT, 0.0);
    let lit = |shot: &mut Shot| shot.lights = vec![Light::Point { position_m: place, intensity: [1.0; 3] }];
    let cosine = HEIGHT / place.length();
    falls_through(&lit, false, &|n| transmittance(cosine).powi(n) * cosine / place.length_squared());
}

#[test]
fn light_of_the_sun_falls_through_panes() {
    let direction = DVec3::new(0.5, -1.0, 0.2).normalize();
    let sun = Light::Directional { direction, irradiance: [1.0; 3], half_angle_rad: 0.0 };
    falls_through(&|shot| shot.lights = vec![sun], false, &|n| transmittance(-direction.y).powi(n) * -direction.y);
}

#[test]
fn light_of_a_rectangle_falls_through_panes() {
    let down = DMat3::from_cols(DVec3::X, DVec3::NEG_Z, DVec3::Y);
    let world_from_light = DAffine3::from_mat3_translation(down, DVec3::Y * HEIGHT);
    let rect = Light::Rect { world_from_light, width_m: 1.0, height_m: 1.0, radiance: [1.0; 3] };
    falls_through(&|shot| shot.lights = vec![rect], false, &under_a_square);
}

#[test]
fn light_of_a_surface_falls_through_panes() {
    falls_through(&|_| (), true, &under_a_square);
}

#[test]
fn light_of_a_map_falls_through_panes() {
    // Bright around the zenith, black below 60 degrees, so that the distant edges of the panes have no effect.
    let (width_px, height_px) = (64, 32);
    let is_bright = |row: u32| row < height_px / 6;
    let rgb = (0..width_px * height_px).map(|i| [if is_bright(i / width_px) { 1.0 } else { 0.0 }; 3]).collect();
    let map = Arc::new(EnvironmentMap { width_px, height_px, rgb });
    let lit = |shot: &mut Shot| {
        shot.environment =
            Environment::LatLong { map: map.clone(), rotation_x_rad: 0.0, rotation_y_rad: 0.0, strength: 1.0 };
    };
    let irradiance = |n_panes: i32| {
        const N: i32 = 4000;
        let of_ring = |i: i32| {
            let polar = PI / 2.0 * (f64::from(i) + 0.5) / f64::from(N);
            // Between the centres of rows it is interpolated linearly.
            let row = polar / PI * f64::from(height_px) - 0.5;
            let radiance = (f64::from(height_px / 6) - row).clamp(0.0, 1.0);
            radiance * transmittance(polar.cos()).powi(n_panes) * polar.cos() * polar.sin()
        };
        (0..N).map(of_ring).sum::<f64>() * 2.0 * PI * (PI / 2.0 / f64::from(N))
    };
    falls_through(&lit, false, &irradiance);
}
