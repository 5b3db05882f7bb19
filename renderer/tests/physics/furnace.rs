//! White furnace: a body that loses no light is invisible in uniform light, at every roughness and from every angle.

use glam::{DAffine3, DVec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::shot::{Bounces, Environment};

use crate::scenes::{mean_radiance, plane, render, scene, shot, sphere};

const ROUGHNESSES: [f32; 7] = [0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0];

/// Mean radiance of a plane seen at seven angles under radiance 1.
fn assert_invisible(name: &str, material: &OpenPbr) {
    for degrees in [0.0_f64, 15.0, 30.0, 45.0, 60.0, 75.0, 85.0] {
        let angle = degrees.to_radians();
        let mut shot = shot(DVec3::new(angle.sin(), angle.cos(), 0.0) * 3.0, 0.1, 8, 256);
        shot.environment = Environment::Uniform { radiance: [1.0; 3] };
        let film = render(&scene(vec![plane()], &[(0, DAffine3::IDENTITY)]), material, &shot, 2);
        let mean = mean_radiance(&film);
        for c in mean.to_array() {
            assert!((0.99..=1.01).contains(&c), "{name} at {degrees}°: {mean}");
        }
    }
}

#[test]
fn white_metal() {
    for specular_roughness in ROUGHNESSES {
        let metal = OpenPbr { base_color: [1.0; 3], base_metalness: 1.0, specular_roughness, ..OpenPbr::default() };
        assert_invisible(&format!("metal, roughness {specular_roughness}"), &metal);
    }
}

#[test]
fn white_plastic() {
    for specular_roughness in ROUGHNESSES {
        for specular_ior in [1.3, 1.5, 2.0] {
            let m = OpenPbr { base_color: [1.0; 3], specular_roughness, specular_ior, ..OpenPbr::default() };
            assert_invisible(&format!("plastic, roughness {specular_roughness}, ior {specular_ior}"), &m);
        }
    }
}

#[test]
fn white_diffuse_of_every_roughness() {
    for base_diffuse_roughness in [0.0, 0.3, 1.0] {
        let m = OpenPbr { base_color: [1.0; 3], specular_weight: 0.0, base_diffuse_roughness, ..OpenPbr::default() };
        assert_invisible(&format!("diffuse, roughness {base_diffuse_roughness}"), &m);
    }
}

#[test]
fn coated_white_metal() {
    for coat_roughness in [0.0, 0.3, 0.8] {
        let m = OpenPbr {
            base_color: [1.0; 3],
            base_metalness: 1.0,
            specular_roughness: 0.4,
            coat_weight: 1.0,
            coat_roughness,
            ..OpenPbr::default()
        };
        assert_invisible(&format!("coated metal, coat roughness {coat_roughness}"), &m);
    }
}

#[test]
fn glass_ball() {
    for specular_roughness in ROUGHNESSES {
        let glass = OpenPbr { transmission_weight: 1.0, specular_roughness, ..OpenPbr::default() };
        let mut shot = shot(DVec3::Z * 3.0, 1.6, 24, 256);
        shot.environment = Environment::Uniform { radiance: [1.0; 3] };
        shot.film.bounces = Bounces::all(64);
        let film = render(&scene(vec![sphere(48, true)], &[(0, DAffine3::IDENTITY)]), &glass, &shot, 2);
        let mean = mean_radiance(&film);
        assert!((0.99..=1.01).contains(&mean.x), "glass, roughness {specular_roughness}: {mean}");
    }
}

#[test]
fn half_glass_gains_nothing_inside() {
    let half = OpenPbr { base_color: [1.0; 3], transmission_weight: 0.5, ..OpenPbr::default() };
    let mut shot = shot(DVec3::Z * 3.0, 1.6, 24, 256);
    shot.environment = Environment::Uniform { radiance: [1.0; 3] };
    shot.film.bounces = Bounces::all(64);
    let film = render(&scene(vec![sphere(48, true)], &[(0, DAffine3::IDENTITY)]), &half, &shot, 2);
    let mean = mean_radiance(&film);
    assert!((0.99..=1.01).contains(&mean.x), "{mean}");
}
