use std::sync::Arc;

use glam::{DAffine3, DQuat, Vec2, Vec4};
use packshot_materials::openpbr::OpenPbr;
use packshot_shaders::constants::EMITTERS_BOTH_SIDES;

use super::*;
use crate::backend::cpu::CpuBackend;
use crate::backend::{Backend, CancelToken, RenderControl};
use crate::film::Film;
use crate::prepare::{PartMaterial, PreparedProduct, PreparedShot, TabulatedMaps};
use crate::scene::{
    AlphaMode, Image, MaterialIdx, MaterialTextures, Mesh, MeshIdx, Part, Primitive, Scene, SceneMaterial,
    Texture as Picture, TextureIdx, TextureRef, Wrap,
};
use crate::shot::{
    Background, Bounces, Camera, Environment, FilmSettings, PixelFilter, Projection, Shot, View, ViewTransform,
};

fn square() -> Primitive {
    let corners = [(-1.0, -1.0), (-1.0, 1.0), (1.0, 1.0), (1.0, -1.0)];
    let uv = corners.iter().map(|&(x, z)| Vec2::new(0.5 * x + 0.5, 0.5 * z + 0.5)).collect();
    Primitive {
        positions: corners.iter().map(|&(x, z)| Vec3::new(x, 0.0, z)).collect(),
        normals: Vec::new(),
        tangents: Vec::new(),
        uvs: [uv, Vec::new()],
        colors: Vec::new(),
        triangles: vec![[0, 1, 2], [0, 2, 3]],
        material: None,
    }
}

fn cube() -> Primitive {
    let positions = (0..8_u32)
        .map(|i| Vec3::from_array([i & 1, i >> 1 & 1, i >> 2].map(|bit| if bit == 1 { 1.0 } else { -1.0 })))
        .collect();
    let quads = [[0, 4, 6, 2], [1, 3, 7, 5], [0, 1, 5, 4], [2, 6, 7, 3], [0, 2, 3, 1], [4, 5, 7, 6]];
    let triangles = quads.iter().flat_map(|&[a, b, c, d]| [[a, b, c], [a, c, d]]).collect();
    Primitive { positions, uvs: [Vec::new(), Vec::new()], triangles, ..square() }
}

fn placed(scale: DVec3, at: [f64; 3]) -> DAffine3 {
    DAffine3::from_scale_rotation_translation(scale, DQuat::from_rotation_z(0.4), DVec3::from(at))
}

/// A scene of one-primitive meshes and their placements.
fn scene_of(meshes: Vec<Primitive>, parts: &[(u32, DAffine3)], materials: Vec<SceneMaterial>) -> Scene {
    let part = |(i, &(mesh, world_from_part)): (usize, &(u32, DAffine3))| Part {
        node_idx: i as u32,
        path: format!("Part_{i}"),
        node_name: None,
        mesh_name: None,
        mesh: MeshIdx(mesh),
        world_from_part,
        cad_names: Vec::new(),
    };
    Scene {
        meshes: meshes.into_iter().map(|p| Mesh { primitives: vec![p] }).collect(),
        parts: parts.iter().enumerate().map(part).collect(),
        materials,
        ..Scene::default()
    }
}

fn emissive(luminance: f32) -> SceneMaterial {
    let openpbr = OpenPbr {
        base_color: [0.3; 3],
        specular_weight: 0.0,
        emission_luminance: luminance,
        emission_color: [1.0, 0.9, 0.7],
        ..OpenPbr::default()
    };
    SceneMaterial { openpbr, ..SceneMaterial::default() }
}

fn grey() -> SceneMaterial {
    let openpbr = OpenPbr { base_color: [0.6; 3], specular_roughness: 0.4, ..OpenPbr::default() };
    SceneMaterial { openpbr, ..SceneMaterial::default() }
}

fn prepare(scene: &Scene) -> PreparedProduct {
    let parts = vec![PartMaterial::Own; scene.parts.len()];
    PreparedProduct::new(scene, &[], &parts, None, &|| false).expect("a sound scene")
}

/// The same product with emissive surfaces that light sampling never chooses.
fn unsampled(scene: &Scene) -> PreparedProduct {
    let mut product = prepare(scene);
    product.emitters = Emitters::none();
    for slot in &mut product.slots {
        slot.flags &= !(SLOT_SAMPLED_OUTSIDE | SLOT_SAMPLED_INSIDE);
    }
    product
}

/// The floor from above, without the lamps over it: only their light is compared.
fn shot(samples: u32) -> Shot {
    let axes = glam::DMat3::from_cols(DVec3::X, DVec3::NEG_Z, DVec3::Y);
    Shot {
        camera: Camera {
            world_from_camera: DAffine3::from_mat3_translation(axes, DVec3::Y * 3.0),
            projection: Projection::Orthographic { height_m: 1.6 },
            aperture: None,
            clip_near_m: 2.98,
            clip_far_m: 1e3,
        },
        film: FilmSettings {
            width_px: 12,
            height_px: 12,
            samples,
            noise_threshold: 0.0,
            seed: 3,
            filter: PixelFilter::Box,
            bounces: Bounces::all(3),
            clamp_direct: 0.0,
            clamp_indirect: 0.0,
        },
        environment: Environment::None,
        lights: Vec::new(),
        floor: None,
        background: Background::Transparent,
        view: View { transform: ViewTransform::Raw, exposure_ev: 0.0 },
        lut: None,
    }
}

fn render(product: PreparedProduct, shot: &Shot) -> Film {
    let product = Arc::new(product);
    let prepared = PreparedShot::new(&product, shot, TabulatedMaps::default().tables(&shot.environment));
    let cancel = CancelToken::default();
    let backend = CpuBackend::new(2, "a test".to_owned()).expect("threads");
    let loaded = backend.load(product, &cancel).and_then(|product| product.load(prepared)).expect("it fits");
    loaded.render(&RenderControl::new(&cancel)).expect("nobody cancels").film
}

fn mean(film: &Film) -> f64 {
    film.resolve().iter().map(|p| f64::from(p[0] + p[1] + p[2])).sum::<f64>() / film.samples.len() as f64
}

/// Light sampling and scattered rays must agree within four standard deviations, estimated from `n` pictures with
/// different seeds.
fn assert_agree(name: &str, scene: &Scene, samples: u32) {
    const PICTURES: u32 = 6;
    let means = |product: &dyn Fn() -> PreparedProduct, samples: u32| -> (f64, f64) {
        let values: Vec<f64> = (0..PICTURES)
            .map(|seed| {
                let mut shot = shot(samples);
                shot.film.seed = seed;
                mean(&render(product(), &shot))
            })
            .collect();
        let n = f64::from(PICTURES);
        let average = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - average).powi(2)).sum::<f64>() / (n - 1.0);
        (average, variance / n)
    };
    let (sampled, variance) = means(&|| prepare(scene), samples);
    let (found, variance_found) = means(&|| unsampled(scene), 8 * samples);
    let deviation = (variance + variance_found).sqrt();
    let limit = (4.0 * deviation).max(2e-3 * found);
    assert!(found > 0.0 && limit < 0.05 * found, "{name}: too noisy to tell: {found} ± {deviation}");
    assert!((sampled - found).abs() < limit, "{name}: {sampled} instead of {found} ± {deviation}");
}

fn textured() -> Scene {
    // Bright in one corner, a twentieth of the square.
    let texel = |i: u32| if i % 16 >= 12 && i / 16 >= 12 { [255, 240, 200, 255] } else { [40, 20, 90, 255] };
    let image = Image { width_px: 16, height_px: 16, rgba8: (0..256).map(texel).collect() };
    let picture = Picture { image: Arc::new(image), wrap: [Wrap::Repeat; 2], nearest: false };
    let use_ = TextureRef { texture: TextureIdx(0), uv_set: 0, uv_from_uv: [[1.0, 0.0, 0.3], [0.0, 2.0, 0.1]] };
    let textures = MaterialTextures { emission: Some(use_), ..MaterialTextures::default() };
    let mut scene = scene_of(
        vec![square(), square()],
        &[(0, DAffine3::IDENTITY), (1, placed(DVec3::splat(0.3), [0.1, 0.4, -0.2]))],
        vec![grey(), SceneMaterial { textures, ..emissive(5.0) }],
    );
    scene.textures = vec![picture];
    scene.meshes[0].primitives[0].material = Some(MaterialIdx(0));
    scene.meshes[1].primitives[0].material = Some(MaterialIdx(1));
    scene
}

fn lamps(shape: Primitive, scale: DVec3, material: SceneMaterial) -> Scene {
    let mut scene = scene_of(
        vec![square(), shape.clone(), shape],
        &[(0, DAffine3::IDENTITY), (1, placed(scale, [0.3, 0.35, -0.2])), (2, placed(0.5 * scale, [-0.4, 0.2, 0.3]))],
        vec![grey(), material],
    );
    for (mesh, material) in [(0, 0), (1, 1), (2, 1)] {
        scene.meshes[mesh].primitives[0].material = Some(MaterialIdx(material));
    }
    scene
}

#[test]
fn sampled_light_is_the_light_that_scattered_rays_find() {
    assert_agree("squares", &lamps(square(), DVec3::splat(0.2), emissive(4.0)), 64);
    assert_agree("cubes", &lamps(cube(), DVec3::new(0.1, 0.2, 0.15), emissive(4.0)), 64);
    assert_agree("mirrored cubes", &lamps(cube(), DVec3::new(-0.1, 0.2, 0.15), emissive(4.0)), 64);
    assert_agree("textured", &textured(), 64);
    let faint = OpenPbr { geometry_opacity: 0.4, ..emissive(4.0).openpbr };
    let faint = SceneMaterial { openpbr: faint, alpha: AlphaMode::Blend, ..SceneMaterial::default() };
    assert_agree("half opaque", &lamps(square(), DVec3::splat(0.2), faint), 128);
}

#[test]
fn instances_of_an_emissive_mesh_each_emit_their_own_light() {
    // Too many triangles to be baked: the same mesh is placed upright, mirrored and stretched.
    let fine = subdivided(&cube(), 5);
    let mut parts = vec![
        (0, DAffine3::IDENTITY),
        (1, placed(DVec3::splat(0.1), [0.4, 0.3, -0.2])),
        (1, placed(DVec3::new(-0.1, 0.1, 0.1), [-0.4, 0.3, -0.2])),
        (1, placed(DVec3::new(0.15, 0.1, -0.05), [0.0, 0.3, 0.3])),
    ];
    let n_dark = (1 << 19) / fine.triangles.len() + 1;
    parts.extend((0..n_dark).map(|_| (2, placed(DVec3::splat(0.1), [0.0, -0.3, 0.0]))));
    let mut scene = scene_of(vec![square(), fine.clone(), fine], &parts, vec![grey(), emissive(4.0)]);
    for (mesh, material) in [(0, 0), (1, 1), (2, 0)] {
        scene.meshes[mesh].primitives[0].material = Some(MaterialIdx(material));
    }
    let product = prepare(&scene);
    assert_eq!(product.emitters.emitters.len(), 3 * scene.meshes[1].primitives[0].triangles.len());
    assert!(product.instances.len() > 3 && product.instances.iter().any(|instance| instance.handedness < 0.0));
    assert_agree("instances", &scene, 32);
}

/// Each triangle split into four, `n` times.
fn subdivided(primitive: &Primitive, n: u32) -> Primitive {
    let mut out = primitive.clone();
    for _ in 0..n {
        let mut triangles = Vec::new();
        for [a, b, c] in std::mem::take(&mut out.triangles) {
            let mut middle = |i: u32, j: u32| {
                out.positions.push(0.5 * (out.positions[i as usize] + out.positions[j as usize]));
                out.positions.len() as u32 - 1
            };
            let (ab, bc, ca) = (middle(a, b), middle(b, c), middle(c, a));
            triangles.extend([[a, ab, ca], [ab, b, bc], [ca, bc, c], [ab, bc, ca]]);
        }
        out.triangles = triangles;
    }
    out
}

#[test]
fn closed_surfaces_are_sampled_from_outside_and_others_from_both_sides() {
    let sides = |scene: &Scene| {
        let product = prepare(scene);
        let flags: Vec<u32> = product.slots.iter().map(|slot| slot.flags).collect();
        flags[1..].iter().map(|flags| flags & (SLOT_SAMPLED_OUTSIDE | SLOT_SAMPLED_INSIDE)).collect::<Vec<_>>()
    };
    let both = SLOT_SAMPLED_OUTSIDE | SLOT_SAMPLED_INSIDE;
    assert_eq!(sides(&lamps(square(), DVec3::splat(0.2), emissive(1.0))), [both; 2]);
    assert_eq!(sides(&lamps(cube(), DVec3::splat(0.2), emissive(1.0))), [SLOT_SAMPLED_OUTSIDE; 2]);
    let mut turned = cube();
    turned.triangles.iter_mut().for_each(|t| t.swap(0, 1));
    assert_eq!(sides(&lamps(turned, DVec3::splat(0.2), emissive(1.0))), [SLOT_SAMPLED_INSIDE; 2]);
}

#[test]
fn the_dark_the_unlit_and_the_flat_are_no_emitters() {
    let unlit = SceneMaterial { unlit: true, ..emissive(4.0) };
    for material in [grey(), emissive(0.0), unlit] {
        let product = prepare(&lamps(square(), DVec3::splat(0.2), material));
        assert_eq!((product.emitters.irradiance, product.emitters.emitters.len()), (0.0, 1));
    }
    let mut line = square();
    line.triangles = vec![[0, 1, 2], [0, 0, 1], [2, 2, 2]];
    let product = prepare(&lamps(line, DVec3::splat(0.2), emissive(1.0)));
    assert_eq!(product.emitters.emitters.len(), 2, "one triangle of each of two parts has an area");
}

#[test]
fn beyond_the_limit_the_strongest_surfaces_are_sampled() {
    let scene = lamps(square(), DVec3::splat(0.2), emissive(4.0));
    let mut product = prepare(&scene);
    let emission = Emission { materials: &product.materials, textures: &product.textures, texels: &product.texels };
    let mut geometry = Geometry {
        vertices: product.vertices.clone(),
        triangles: product.triangles.clone(),
        slots: product.slots.clone(),
        meshes: std::iter::once(0..product.triangles.len()).collect(),
        instances: vec![PlacedMesh { mesh: 0, world_from_local: DAffine3::IDENTITY, slot_base: 0 }],
        ..Geometry::default()
    };
    geometry.slots.iter_mut().for_each(|slot| slot.flags &= !(SLOT_SAMPLED_OUTSIDE | SLOT_SAMPLED_INSIDE));
    let limited = Emitters::with_limit(&mut geometry, emission, 3, &|| false).expect("nobody cancels");
    assert_eq!((limited.emitters.len(), limited.n_left_out), (2, 2));
    assert!(limited.emitters.iter().all(|emitter| geometry.triangles[emitter.triangle as usize].slot == 1));
    product.emitters = limited;
    product.slots = geometry.slots;
    let all = mean(&render(prepare(&scene), &shot(256)));
    let some = mean(&render(product, &shot(2048)));
    assert!((some / all - 1.0).abs() < 0.02, "{some} instead of {all}");
}

#[test]
fn a_texture_s_bright_places_get_most_of_the_samples() {
    let mut scene = textured();
    let fine = subdivided_with_uv(&scene.meshes[1].primitives[0]);
    scene.meshes[1].primitives[0] = fine;
    let product = prepare(&scene);
    let emitters = &product.emitters;
    // Power over area, from the fractions in the leaves and the probabilities of the leaves themselves.
    let power = |i: usize| {
        let emitter = emitters.emitters[i];
        let leaf = emitters.nodes[emitter.leaf as usize];
        let before = if i as u32 > leaf.first { emitters.emitters[i - 1].share_end } else { 0.0 };
        leaf.power * (emitter.share_end - before)
    };
    let powers: Vec<f32> = (0..emitters.emitters.len()).map(power).collect();
    let (least, most) = powers.iter().fold((f32::MAX, 0.0_f32), |(a, b), &p| (a.min(p), b.max(p)));
    assert!((powers.iter().sum::<f32>() - 1.0).abs() < 1e-4);
    assert!(most > 5.0 * least && least > 0.0, "{least} to {most}");
}

/// A square with texture coordinates in 8 by 8 squares.
fn subdivided_with_uv(primitive: &Primitive) -> Primitive {
    let at = |i: u32, j: u32| Vec2::new(i as f32 / 8.0, j as f32 / 8.0);
    let corners: Vec<Vec2> = (0..9).flat_map(|j| (0..9).map(move |i| at(i, j))).collect();
    let cell = |i: u32, j: u32| {
        let a = j * 9 + i;
        [[a, a + 9, a + 10], [a, a + 10, a + 1]]
    };
    Primitive {
        positions: corners.iter().map(|uv| Vec3::new(2.0 * uv.x - 1.0, 0.0, 2.0 * uv.y - 1.0)).collect(),
        uvs: [corners, Vec::new()],
        triangles: (0..8).flat_map(|j| (0..8).flat_map(move |i| cell(i, j))).collect(),
        ..primitive.clone()
    }
}

#[test]
fn every_node_holds_what_is_below_it() {
    let mut scene = lamps(subdivided(&cube(), 3), DVec3::splat(0.2), emissive(1.0));
    scene.meshes[2].primitives[0].colors = vec![Vec4::ONE; scene.meshes[2].primitives[0].positions.len()];
    let product = prepare(&scene);
    let Emitters { nodes, emitters, index, .. } = &product.emitters;
    let corner = |vertex: u32| product.vertices[vertex as usize].position;
    let mut seen = 0;
    for (i, emitter) in emitters.iter().enumerate() {
        let t = product.triangles[emitter.triangle as usize];
        let slot = t.slot as usize;
        assert_eq!(index[index[slot].wrapping_add(emitter.triangle) as usize], i as u32);
        let normal = (corner(t.v1) - corner(t.v0)).cross(corner(t.v2) - corner(t.v0)).normalize();
        let mut at = emitter.leaf as usize;
        loop {
            let node = nodes[at];
            for vertex in [t.v0, t.v1, t.v2] {
                assert!((corner(vertex) - node.center).length_squared() <= node.radius2 * 1.0001);
            }
            assert!(node.axis.dot(normal) >= node.cos_spread - 1e-5, "node {at}: {normal} about {}", node.axis);
            if at == 0 {
                break;
            }
            let parent = nodes[node.parent as usize];
            assert!(parent.first == at as u32 & !1 && parent.count & !EMITTERS_BOTH_SIDES == 0);
            at = node.parent as usize;
        }
        seen += 1;
    }
    assert_eq!(seen, 2 * 12 * 64);
}
