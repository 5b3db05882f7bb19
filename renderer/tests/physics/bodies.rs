//! Light inside bodies: scattering, dispersion, and nested bodies.

use std::sync::Arc;

use glam::{DAffine3, DVec3, Vec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::film::Film;
use packshot_renderer::shot::{Bounces, Environment, EnvironmentMap, Shot};

use crate::scenes::{mean_radiance, render, render_parts, scene, shot, sphere};

const UNIFORM: Environment = Environment::Uniform { radiance: [1.0; 3] };

fn look(environment: Environment, samples: u32) -> Shot {
    let mut shot = shot(DVec3::Z * 3.0, 1.6, 24, samples);
    shot.environment = environment;
    shot.film.bounces = Bounces::all(64);
    shot
}

fn ball(material: &OpenPbr, samples: u32) -> Film {
    render(&scene(vec![sphere(48, true)], &[(0, DAffine3::IDENTITY)]), material, &look(UNIFORM, samples), 2)
}

fn assert_white(name: &str, mean: Vec3) {
    assert!(mean.to_array().iter().all(|c| (0.99..=1.01).contains(c)), "{name}: {mean}");
}

#[test]
fn a_body_that_only_scatters_is_invisible_in_uniform_light() {
    for (ior, g) in [(1.0, 0.0), (1.0, 0.8), (1.4, -0.5)] {
        let milk = OpenPbr {
            specular_ior: ior,
            specular_roughness: 0.2,
            transmission_weight: 1.0,
            transmission_depth: 0.5,
            transmission_scatter: [1.0, 0.6, 0.3],
            transmission_scatter_anisotropy: g,
            ..OpenPbr::default()
        };
        // White light loses nothing on its way: what exceeds the extinction of the colour is only scattering.
        let film = ball(&OpenPbr { transmission_scatter: [1.0; 3], ..milk }, 128);
        assert_white(&format!("ior {ior}, g {g}"), mean_radiance(&film));
        // Channels that scatter less absorb instead, so that the loss is the same in all (OpenPBR 1.1.1, "Transparent
        // base").
        let mean = mean_radiance(&ball(&milk, 16));
        assert!(mean.x > mean.y && mean.y > mean.z && mean.z > 0.0, "{mean}");
    }
}

#[test]
fn white_subsurface_loses_nothing_and_coloured_has_its_colour() {
    let wax = OpenPbr {
        specular_weight: 0.0,
        subsurface_weight: 1.0,
        subsurface_color: [1.0; 3],
        subsurface_radius: 0.05,
        subsurface_radius_scale: [1.0; 3],
        ..OpenPbr::default()
    };
    assert_white("white wax", mean_radiance(&ball(&wax, 128)));
    // A deep body reflects the given colour; the fit of its inversion is accurate to a few per cent.
    let mean = mean_radiance(&ball(&OpenPbr { subsurface_color: [0.8, 0.5, 0.2], subsurface_radius: 0.01, ..wax }, 64));
    assert!((mean - Vec3::new(0.8, 0.5, 0.2)).abs().max_element() < 0.05, "{mean}");
}

#[test]
fn glass_and_subsurface_in_one_material_are_the_mean_of_both() {
    // Light never enters a ball twice, so light in one of the two media is never in the other.
    let both = OpenPbr {
        specular_roughness: 0.0,
        transmission_weight: 0.25,
        transmission_color: [0.2, 0.6, 0.9],
        transmission_depth: 0.5,
        subsurface_weight: 1.0,
        subsurface_color: [0.9, 0.5, 0.1],
        subsurface_radius: 0.1,
        ..OpenPbr::default()
    };
    let of_weight = |w: f32| mean_radiance(&ball(&OpenPbr { transmission_weight: w, ..both }, 256));
    let (mixed, wax, glass) = (of_weight(0.25), of_weight(0.0), of_weight(1.0));
    let expected = 0.75 * wax + 0.25 * glass;
    assert!((wax - glass).abs().max_element() > 0.2, "the two look the same: {wax}, {glass}");
    assert!((mixed / expected - 1.0).abs().max_element() < 0.01, "{mixed} instead of {expected}");
}

#[test]
fn dispersion_parts_white_light_without_colouring_it() {
    let flint = OpenPbr {
        specular_ior: 1.7,
        specular_roughness: 0.0,
        transmission_weight: 1.0,
        transmission_dispersion_scale: 1.0,
        transmission_dispersion_abbe_number: 20.0,
        ..OpenPbr::default()
    };
    assert_white("flint", mean_radiance(&ball(&flint, 1024)));
}

#[test]
fn sixteen_samples_of_a_dispersive_body_are_nearly_white() {
    let acrylic = OpenPbr {
        specular_ior: 1.49,
        specular_roughness: 0.0,
        transmission_weight: 1.0,
        transmission_dispersion_scale: 1.0,
        transmission_dispersion_abbe_number: 53.0,
        ..OpenPbr::default()
    };
    let pixels = ball(&acrylic, 16).resolve();
    let covered: Vec<_> = pixels.iter().filter(|pixel| pixel[3] == 1.0).collect();
    assert!(covered.len() > 100, "{} pixels", covered.len());
    for channel in 0..3 {
        let squares: f32 = covered.iter().map(|pixel| (pixel[channel] - 1.0).powi(2)).sum();
        let error = (squares / covered.len() as f32).sqrt();
        // Independent wavelengths would leave 0.30 in red and green and 0.33 in blue: the root of the mean square of
        // `wavelength_weight` less 1, divided by 16.
        assert!(error < 0.12, "channel {channel}: {error}");
    }
}

#[test]
fn reflections_of_a_dispersive_body_have_no_colours_of_single_wavelengths() {
    // So dark inside that only reflected light is seen.
    let smoked = OpenPbr {
        specular_ior: 1.7,
        specular_roughness: 0.0,
        transmission_weight: 1.0,
        transmission_color: [1e-6; 3],
        transmission_depth: 1e-6,
        transmission_dispersion_scale: 1.0,
        transmission_dispersion_abbe_number: 20.0,
        ..OpenPbr::default()
    };
    let mean = mean_radiance(&ball(&smoked, 4));
    assert!((0.03..0.2).contains(&mean.x), "{mean}");
    for pixel in ball(&smoked, 4).resolve() {
        let (least, most) =
            (pixel[..3].iter().copied().fold(f32::MAX, f32::min), pixel[..3].iter().copied().fold(0.0, f32::max));
        assert!(most - least < 1e-4, "{pixel:?}");
    }
}

#[test]
fn glass_inside_the_same_glass_is_not_seen() {
    // Bright above, dark below, so that any refraction is visible.
    let (width_px, height_px) = (16, 8);
    let rgb = (0..width_px * height_px).map(|i| [if i / width_px < height_px / 2 { 2.0 } else { 0.1 }; 3]).collect();
    let map = Arc::new(EnvironmentMap { width_px, height_px, rgb });
    let shot = look(Environment::LatLong { map, rotation_x_rad: 0.0, rotation_y_rad: 0.0, strength: 1.0 }, 128);
    let glass = OpenPbr { specular_roughness: 0.0, transmission_weight: 1.0, ..OpenPbr::default() };
    let inner = DAffine3::from_scale(DVec3::splat(0.5));
    let picture = |parts: &[(u32, DAffine3)], palette: &[OpenPbr], worn: &[usize]| {
        render_parts(&scene(vec![sphere(48, true)], parts), palette, worn, &shot, 2).resolve()
    };
    let alone = picture(&[(0, DAffine3::IDENTITY)], &[glass], &[0]);
    let difference = |other: &[[f32; 4]]| {
        let sum: f32 = alone.iter().zip(other).map(|(a, b)| (a[0] - b[0]).abs()).sum();
        sum / alone.len() as f32
    };
    let bodies = [(0, DAffine3::IDENTITY), (0, inner)];
    let noise = difference(&picture(&bodies, &[glass, glass], &[0, 1]));
    // A bubble of air is visible.
    let bubble = difference(&picture(&bodies, &[glass, OpenPbr { specular_ior: 1.0, ..glass }], &[0, 1]));
    assert!(noise < 0.25 * bubble, "{noise} for the same glass, {bubble} for air");
}
