//! One body of glass whose closed surface has faces of several materials.

use std::sync::Arc;

use glam::{DAffine3, DVec3, Vec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::backend::{CancelToken, RenderControl};
use packshot_renderer::film::Film;
use packshot_renderer::prepare::{PaletteEntry, PartMaterial, PreparedProduct};
use packshot_renderer::scene::{Primitive, Scene};
use packshot_renderer::shot::{Bounces, Environment, EnvironmentMap};

use super::glass;
use crate::scenes::{load, mean_radiance, scene, shot, sphere};

/// Faces of one mesh: those for which `is_first` holds, and the others.
fn cut(shape: &Primitive, is_first: impl Fn(Vec3) -> bool) -> [Primitive; 2] {
    let center = |t: &[u32; 3]| t.iter().map(|&corner| shape.positions[corner as usize]).sum::<Vec3>() / 3.0;
    let (first, second) = shape.triangles.iter().partition(|triangle| is_first(center(triangle)));
    [first, second].map(|triangles| Primitive { triangles, ..shape.clone() })
}

/// One part of these primitives.
fn part(primitives: Vec<Primitive>) -> Scene {
    let mut scene = scene(primitives, &[(0, DAffine3::IDENTITY)]);
    let primitives = scene.meshes.drain(..).flat_map(|mesh| mesh.primitives).collect();
    scene.meshes.push(packshot_renderer::scene::Mesh { primitives });
    scene
}

/// A sphere with a band around it.
fn banded(radius: f32, is_cavity: bool) -> [Primitive; 2] {
    let mut ball = sphere(16, false);
    ball.positions.iter_mut().for_each(|position| *position *= radius);
    if is_cavity {
        ball.triangles.iter_mut().for_each(|triangle| triangle.swap(1, 2));
    }
    cut(&ball, |center| center.y.abs() < 0.5 * radius)
}

/// Primitive by primitive, one of the palette.
fn worn(materials: &[usize]) -> [PartMaterial; 1] {
    [PartMaterial::PerPrimitive(materials.iter().copied().map(Some).collect())]
}

fn render(scene: &Scene, palette: &[OpenPbr], materials: &[usize], environment: Environment) -> Film {
    let mut shot = shot(DVec3::new(0.3, 0.9, 3.0), 2.4, 24, 64);
    shot.environment = environment;
    shot.film.bounces = Bounces::all(256);
    let palette: Vec<PaletteEntry> = palette.iter().copied().map(PaletteEntry::from).collect();
    load(scene, &palette, &worn(materials), &shot, 2).render(&RenderControl::new(&CancelToken::default()))
}

/// Bright above, dim below, so that directions matter.
fn sky() -> Environment {
    let (width_px, height_px) = (16, 8);
    let rgb = (0..width_px * height_px).map(|i| [if i / width_px < height_px / 2 { 1.5 } else { 0.2 }; 3]).collect();
    let map = Arc::new(EnvironmentMap { width_px, height_px, rgb });
    Environment::LatLong { map, rotation_x_rad: 0.0, rotation_y_rad: 0.0, strength: 1.0 }
}

const WHITE: Environment = Environment::Uniform { radiance: [1.0; 3] };

fn tinted() -> OpenPbr {
    OpenPbr { transmission_color: [0.6, 0.8, 0.5], transmission_depth: 1.0, ..glass() }
}

#[test]
fn a_body_of_two_equal_materials_is_a_body_of_one() {
    let whole = part(banded(1.0, false).to_vec());
    let hollow = part([banded(1.0, false), banded(0.7, true)].concat());
    for (name, scene, two, one) in [
        ("ball", whole, vec![0, 1], vec![0, 0]),
        ("hollow ball", hollow.clone(), vec![0, 1, 1, 0], vec![0; 4]),
        ("hollow ball with one finish inside", hollow, vec![0, 1, 0, 0], vec![0; 4]),
    ] {
        for material in [tinted(), OpenPbr { specular_roughness: 0.4, ..tinted() }] {
            let palette = [material, material];
            let [two, one] = [two.clone(), one.clone()].map(|worn| render(&scene, &palette, &worn, sky()));
            assert!(two.sums == one.sums, "{name}: {} in place of {}", mean_radiance(&two), mean_radiance(&one));
        }
    }
}

#[test]
fn a_body_of_several_materials_loses_no_light() {
    let scene = part(banded(1.0, false).to_vec());
    let frosted = OpenPbr { specular_roughness: 0.5, ..glass() };
    let denser = OpenPbr { specular_ior: 1.6, ..glass() };
    let sleeve = OpenPbr { geometry_thin_walled: true, ..glass() };
    let label = OpenPbr { base_color: [1.0; 3], specular_roughness: 0.3, ..OpenPbr::default() };
    for (name, other) in [("frosted", frosted), ("denser", denser), ("thin wall", sleeve), ("label", label)] {
        for materials in [[0, 1], [1, 0]] {
            let mean = mean_radiance(&render(&scene, &[glass(), other], &materials, WHITE));
            let is_lossless = mean.min_element() >= 0.98 && mean.max_element() <= 1.01;
            assert!(is_lossless, "{name}, band first {}: {mean}", materials[0]);
        }
    }
}

/// What fills the body is the material by which the light entered.
#[test]
fn light_is_absorbed_by_what_it_entered() {
    let scene = part(cut(&sphere(16, false), |center| center.z > 0.0).to_vec());
    let mean = |front, back| mean_radiance(&render(&scene, &[glass(), tinted()], &[front, back], WHITE));
    // Light from the camera enters in front; a little of what is reflected inside comes out there, too.
    let (clear, dyed) = (mean(0, 0), mean(1, 1));
    let [clear_first, dyed_first] = [mean(0, 1), mean(1, 0)];
    assert!((clear_first - clear).abs().max_element() < 0.05, "{clear_first}, all clear {clear}");
    assert!((dyed_first - dyed).abs().max_element() < 0.05, "{dyed_first}, all dyed {dyed}");
}

#[test]
fn only_closed_bodies_of_several_materials_have_materials_of_their_own() {
    let [band, caps] = banded(1.0, false);
    let [upper, lower] = cut(&caps, |center| center.y > 0.0);
    let count = |primitives: Vec<Primitive>, materials: &[usize]| {
        let label = OpenPbr::default();
        let palette = [glass(), tinted(), label, label].map(PaletteEntry::from);
        let prepared = PreparedProduct::new(&part(primitives), &palette, &worn(materials), None, &|| false);
        prepared.expect("a sound scene").materials.len() - palette.len()
    };
    assert_eq!(count(vec![band.clone(), caps.clone()], &[0, 1]), 2, "closed");
    assert_eq!(count(vec![band.clone(), caps.clone()], &[0, 2]), 2, "closed by a label");
    assert_eq!(count(vec![band.clone(), upper.clone(), lower.clone()], &[0, 1, 2]), 3, "three materials");
    assert_eq!(count(vec![band.clone(), upper.clone(), lower], &[0, 1, 0]), 2, "two materials on three primitives");
    assert_eq!(count(vec![band.clone(), caps.clone()], &[0, 0]), 0, "one material");
    assert_eq!(count(vec![band.clone(), caps], &[2, 3]), 0, "no body");
    assert_eq!(count(vec![band, upper], &[0, 1]), 0, "open");
    let inner = banded(0.5, false).concat_triangles();
    let outer = banded(1.0, false).concat_triangles();
    assert_eq!(count(vec![outer, inner], &[0, 1]), 0, "a ball of another glass in a ball");
}

trait Joined {
    /// Both primitives as one.
    fn concat_triangles(self) -> Primitive;
}

impl Joined for [Primitive; 2] {
    fn concat_triangles(self) -> Primitive {
        let [mut first, second] = self;
        first.triangles.extend(second.triangles);
        first
    }
}
