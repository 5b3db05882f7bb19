//! White furnace with what files combine: metal that textures take away, smooth normals on glass, bodies of several
//! materials. What loses no light is 1 where everything is lit by 1.

use std::sync::Arc;

use glam::{DAffine3, DVec3, Vec2, Vec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::backend::{CancelToken, RenderControl};
use packshot_renderer::look::Look;
use packshot_renderer::prepare::PartMaterial;
use packshot_renderer::scene::{
    Anisotropy, DielectricReflection, Image, MaterialIdx, MaterialTextures, Primitive, Scene, SceneMaterial, Texture,
    TextureIdx, TextureRef, Wrap,
};
use packshot_renderer::shot::{Bounces, Environment};

use crate::scenes::{load, mean_radiance, primitive, scene, shot, sphere};

mod finishes;
mod hidden_metal;

const LOOKS: [Look; 2] = [Look::Gltf, Look::Blender50];

/// White glass without an own colour, as a file with a volume has it.
fn glass() -> OpenPbr {
    OpenPbr {
        base_color: [1.0; 3],
        transmission_weight: 1.0,
        specular_roughness: 0.0,
        specular_ior: 1.5,
        ..OpenPbr::default()
    }
}

/// A part of one material with a texture of one texel.
fn part(shape: Primitive, material: SceneMaterial, texel: [u8; 4], look: Look) -> Scene {
    let uvs = [vec![Vec2::ZERO; shape.positions.len()], Vec::new()];
    let mut scene = scene(vec![Primitive { uvs, material: Some(MaterialIdx(0)), ..shape }], &[(0, DAffine3::IDENTITY)]);
    let image = Arc::new(Image { width_px: 1, height_px: 1, rgba8: vec![texel] });
    scene.materials = vec![material];
    scene.textures = vec![Texture { image, wrap: [Wrap::Repeat; 2], nearest: true }];
    scene.look = look;
    scene
}

fn texture() -> Option<TextureRef> {
    texture_of(0)
}

/// A texture of the scene by its first coordinates.
pub(crate) fn texture_of(texture: u32) -> Option<TextureRef> {
    Some(TextureRef { texture: TextureIdx(texture), uv_set: 0, uv_from_uv: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]] })
}

/// Mean radiance of the part under radiance 1.
fn furnace(scene: &Scene) -> Vec3 {
    let mut shot = shot(DVec3::new(0.3, 0.9, 3.0), 2.4, 24, 256);
    shot.environment = Environment::Uniform { radiance: [1.0; 3] };
    shot.film.bounces = Bounces::all(256);
    let loaded = load(scene, &[], &[PartMaterial::Own], &shot, 2);
    mean_radiance(&loaded.render(&RenderControl::new(&CancelToken::default())))
}

#[track_caller]
fn assert_lossless(name: &str, mean: Vec3, least: f32) {
    assert!(mean.min_element() >= least && mean.max_element() <= 1.01, "{name}: {mean}");
}

/// A body of revolution around y with one normal per vertex, whose profile goes around its inside.
fn turned(profile: &[(f32, f32)], n: u32, is_smooth: bool) -> Primitive {
    let ring = |&(radius, y): &(f32, f32)| {
        (0..n).map(move |j| {
            let (sin, cos) = (std::f32::consts::TAU * j as f32 / n as f32).sin_cos();
            Vec3::new(radius * cos, y, radius * sin)
        })
    };
    let positions: Vec<Vec3> = profile.iter().flat_map(ring).collect();
    let mut triangles = Vec::new();
    for i in 0..profile.len() as u32 {
        let (this, next) = (i * n, (i + 1) % profile.len() as u32 * n);
        for j in 0..n {
            let k = (j + 1) % n;
            triangles.extend([[this + j, next + j, next + k], [this + j, next + k, this + k]]);
        }
    }
    let corner = |i: u32| positions[i as usize];
    triangles.retain(|&[a, b, c]| (corner(b) - corner(a)).cross(corner(c) - corner(a)).length() > 1e-9);
    let mut normals = vec![Vec3::ZERO; positions.len()];
    for &[a, b, c] in &triangles {
        let normal = (corner(b) - corner(a)).cross(corner(c) - corner(a));
        [a, b, c].into_iter().for_each(|at| normals[at as usize] += normal);
    }
    // Both ends of the profile lie on the axis, where many vertices share a place.
    let normals = normals.into_iter().zip(&positions).map(|(normal, p)| {
        let axial = if p.y > 0.0 { Vec3::Y } else { Vec3::NEG_Y };
        normal.try_normalize().unwrap_or(axial)
    });
    let normals = if is_smooth { normals.collect() } else { Vec::new() };
    primitive(positions, normals, triangles)
}

/// A tumbler with walls of a tenth of its radius.
pub(crate) fn cup(is_smooth: bool) -> Primitive {
    let outline = [(0.0, -0.9), (0.7, -0.9), (0.8, 0.9), (0.7, 0.9), (0.6, -0.75), (0.0, -0.75)];
    turned(&outline.map(|(radius, y): (f32, f32)| (radius.max(1e-4), y)), 24, is_smooth)
}

#[test]
fn smooth_normals_on_glass_lose_no_light() {
    for look in LOOKS {
        for is_smooth in [false, true] {
            let material = SceneMaterial { openpbr: glass(), ..SceneMaterial::default() };
            let mean = furnace(&part(cup(is_smooth), material, [255; 4], look));
            assert_lossless(&format!("{look:?}, smooth {is_smooth}"), mean, if is_smooth { 0.98 } else { 0.99 });
        }
    }
}

/// Half of the texel's metal is glass, with facets that a direction brushes.
#[test]
fn brushed_glass_below_metal_gains_nothing() {
    for look in LOOKS {
        let openpbr = OpenPbr { base_metalness: 1.0, specular_roughness: 0.4, transmission_depth: 0.01, ..glass() };
        let textures = MaterialTextures { metallic_roughness: texture(), ..MaterialTextures::default() };
        let anisotropy = Anisotropy { strength: 0.5, rotation_rad: 0.3 };
        let material = SceneMaterial { openpbr, textures, anisotropy, ..SceneMaterial::default() };
        let mean = furnace(&part(sphere(32, true), material, [255, 255, 128, 255], look));
        assert_lossless(&format!("{look:?}"), mean, 0.9);
    }
}

#[test]
fn a_rough_wall_of_index_1_loses_no_light() {
    for look in LOOKS {
        for roughness in [0.3, 0.5, 1.0] {
            let openpbr =
                OpenPbr { specular_ior: 1.0, specular_roughness: roughness, geometry_thin_walled: true, ..glass() };
            let dielectric = DielectricReflection { f0: 0.0, ..DielectricReflection::default() };
            let material = SceneMaterial { openpbr, dielectric, ..SceneMaterial::default() };
            let mean = furnace(&part(sphere(24, false), material, [255; 4], look));
            assert_lossless(&format!("{look:?}, roughness {roughness}"), mean, 0.99);
        }
    }
}
