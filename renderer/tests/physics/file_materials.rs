//! White furnace with materials of files: normal maps and brushed facets lose no light either.

use std::sync::Arc;

use glam::{DAffine3, DVec3, Vec2, Vec4};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::backend::{CancelToken, RenderControl};
use packshot_renderer::look::Look;
use packshot_renderer::prepare::PartMaterial;
use packshot_renderer::scene::{
    Anisotropy, Image, MaterialIdx, MaterialTextures, Primitive, Scene, SceneMaterial, Texture, TextureIdx, TextureRef,
    Wrap,
};
use packshot_renderer::shot::{Bounces, Environment};

use crate::scenes::{load, mean_radiance, plane, scene, shot};

/// Texels along a side of the map.
const SIDE_PX: u32 = 32;

/// A square of this material with texture coordinates and tangents.
fn square(material: SceneMaterial, look: Look) -> Scene {
    let plane = plane();
    let uv = |position: &glam::Vec3| Vec2::new(0.5 + 0.5 * position.x, 0.5 + 0.5 * position.z);
    let uvs = [plane.positions.iter().map(uv).collect(), Vec::new()];
    let normals = vec![glam::Vec3::Y; plane.positions.len()];
    let tangents = vec![Vec4::new(1.0, 0.0, 0.0, -1.0); plane.positions.len()];
    let primitive = Primitive { uvs, normals, tangents, material: Some(MaterialIdx(0)), ..plane };
    let mut scene = scene(vec![primitive], &[(0, DAffine3::IDENTITY)]);
    scene.materials = vec![material];
    scene.textures = vec![slopes()];
    scene.look = look;
    scene
}

/// A normal map with random slopes of up to 1 in every direction.
fn slopes() -> Texture {
    // Multiples of the plastic number's powers fill the unit square evenly (Roberts 2018, the R2 sequence).
    let texel = |i: u32| {
        let (slope, turn) =
            ((0.754_877_7 * i as f32).fract(), std::f32::consts::TAU * (0.569_840_3 * i as f32).fract());
        let normal = glam::Vec3::new(slope * turn.cos(), slope * turn.sin(), 1.0).normalize();
        let byte = |value: f32| (127.5 * (value + 1.0)).round() as u8;
        [byte(normal.x), byte(normal.y), byte(normal.z), 255]
    };
    let rgba8 = (0..SIDE_PX * SIDE_PX).map(texel).collect();
    let image = Arc::new(Image { width_px: SIDE_PX, height_px: SIDE_PX, rgba8 });
    Texture { image, wrap: [Wrap::Repeat; 2], nearest: true }
}

fn map() -> TextureRef {
    TextureRef { texture: TextureIdx(0), uv_set: 0, uv_from_uv: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]] }
}

/// Mean radiance of the square under radiance 1, and the darkest pixel, seen at an angle.
fn seen(scene: &Scene, degrees: f64) -> (f32, f32) {
    let angle = degrees.to_radians();
    let mut shot = shot(DVec3::new(angle.sin(), angle.cos(), 0.0) * 3.0, 0.3, 16, 256);
    shot.environment = Environment::Uniform { radiance: [1.0; 3] };
    shot.film.bounces = Bounces::all(64);
    let film = load(scene, &[], &[PartMaterial::Own], &shot, 2).render(&RenderControl::new(&CancelToken::default()));
    let darkest = film.resolve().iter().filter(|p| p[3] > 0.999).map(|p| p[1]).fold(f32::MAX, f32::min);
    (mean_radiance(&film).y, darkest)
}

#[test]
fn coats_with_steep_normal_maps_blacken_nothing() {
    let material = |coat_roughness: f32, coat: bool, base: bool| SceneMaterial {
        openpbr: OpenPbr {
            base_color: [1.0; 3],
            specular_roughness: 0.5,
            coat_weight: 1.0,
            coat_roughness,
            coat_ior: 1.5,
            ..OpenPbr::default()
        },
        textures: MaterialTextures {
            coat_normal: coat.then(map),
            coat_normal_scale: 2.0,
            normal: base.then(map),
            normal_scale: 1.0,
            ..MaterialTextures::default()
        },
        ..SceneMaterial::default()
    };
    for look in [Look::Gltf, Look::Blender50] {
        for coat_roughness in [0.0, 0.3] {
            for (coat, base) in [(false, false), (true, false), (true, true)] {
                let scene = square(material(coat_roughness, coat, base), look);
                for degrees in [0.0, 45.0, 70.0] {
                    let (mean, darkest) = seen(&scene, degrees);
                    let name = format!(
                        "{look:?}, coat roughness {coat_roughness}, maps {coat} {base}, {degrees}°: {mean}, {darkest}"
                    );
                    // A rough coat scatters some of its light below the surface under it, a tilted surface some of its
                    // own.
                    let [mean_min, darkest_min] = match (coat_roughness > 0.0, coat, base) {
                        (_, false, _) | (false, true, false) => [0.99, 0.97],
                        (true, true, false) => [0.94, 0.85],
                        (_, true, true) => [0.86, 0.6],
                    };
                    assert!((mean_min..=1.01).contains(&mean) && darkest >= darkest_min, "{name}");
                }
            }
        }
    }
}

#[test]
fn fully_brushed_rough_metal_loses_nothing() {
    for look in [Look::Gltf, Look::Blender50] {
        for specular_roughness in [0.3, 0.7, 0.8, 0.9, 1.0] {
            let openpbr =
                OpenPbr { base_color: [1.0; 3], base_metalness: 1.0, specular_roughness, ..OpenPbr::default() };
            let anisotropy = Anisotropy { strength: 1.0, rotation_rad: 0.0 };
            let scene = square(SceneMaterial { openpbr, anisotropy, ..SceneMaterial::default() }, look);
            for degrees in [0.0, 45.0, 70.0] {
                let (mean, _) = seen(&scene, degrees);
                // The table has eight ratios of both roughnesses; in between it is accurate to a few per cent.
                assert!(
                    (0.97..=1.03).contains(&mean),
                    "{look:?}, roughness {specular_roughness} at {degrees}°: {mean}"
                );
            }
        }
    }
}

/// `specularTexture` in Blender's look is the level of the dielectric but not of its glass: for a black surface that
/// transmits half of the light, half of the gloss follows the level.
#[test]
fn the_level_of_a_partly_clear_material_is_that_of_its_gloss() {
    let level = |alpha: u8| {
        let material = SceneMaterial {
            openpbr: OpenPbr {
                base_color: [0.0; 3],
                transmission_weight: 0.5,
                specular_roughness: 0.3,
                ..OpenPbr::default()
            },
            textures: MaterialTextures { specular_weight: Some(map()), ..MaterialTextures::default() },
            ..SceneMaterial::default()
        };
        let mut scene = square(material, Look::Blender50);
        let rgba8 = vec![[255, 255, 255, alpha]; (SIDE_PX * SIDE_PX) as usize];
        let image = Arc::new(Image { width_px: SIDE_PX, height_px: SIDE_PX, rgba8 });
        scene.textures = vec![Texture { image, wrap: [Wrap::Repeat; 2], nearest: true }];
        seen(&scene, 0.0).0
    };
    let (full, none) = (level(255), level(0));
    assert!((full - 0.04).abs() < 0.004, "{full}");
    assert!((none - 0.5 * full).abs() < 0.1 * full, "{none} of {full}");
}
