use std::sync::Arc;

use glam::{DAffine3, DVec3, Vec3};
use packshot_materials::library::Surface;
use packshot_materials::openpbr::OpenPbr;
use packshot_native::stages::baseline;

use crate::prepare::{PaletteEntry, PartMaterial, PreparedProduct, PreparedShot, TabulatedMaps};
use crate::scene::{Mesh, MeshIdx, Part, Primitive, Scene};
use crate::shot::{Environment, Shot};

fn primitive(positions: Vec<Vec3>, normals: Vec<Vec3>, triangles: Vec<[u32; 3]>) -> Primitive {
    let uvs = [Vec::new(), Vec::new()];
    Primitive { positions, normals, tangents: Vec::new(), uvs, colors: Vec::new(), triangles, material: None }
}

/// A cube from −1 to 1, each face a primitive of its own, as in CAD exports.
fn cube() -> Mesh {
    let face = |axis: usize, sign: f32| {
        let normal = Vec3::AXES[axis] * sign;
        let (u, v) = (Vec3::AXES[(axis + 1) % 3], Vec3::AXES[(axis + 2) % 3] * sign);
        let positions = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)].map(|(s, t)| normal + u * s + v * t);
        primitive(positions.to_vec(), Vec::new(), vec![[0, 1, 2], [0, 2, 3]])
    };
    Mesh { primitives: (0..3).flat_map(|axis| [1.0, -1.0].map(|sign| face(axis, sign))).collect() }
}

/// A can of radius 1 and height 2 with a smooth wall, whose lid has vertices of its own.
fn can() -> Mesh {
    const N: u32 = 64;
    let around = |i: u32| {
        let angle = std::f32::consts::TAU * i as f32 / N as f32;
        Vec3::new(angle.cos(), 0.0, -angle.sin())
    };
    let wall: Vec<Vec3> = (0..N).flat_map(|i| [around(i) - Vec3::Y, around(i) + Vec3::Y]).collect();
    let outward = (0..N).flat_map(|i| [around(i); 2]).collect();
    let strip = (0..N).flat_map(|i| {
        let (a, b) = (2 * i, 2 * ((i + 1) % N));
        [[a, b, b + 1], [a, b + 1, a + 1]]
    });
    let lid: Vec<Vec3> = (0..N).map(|i| around(i) + Vec3::Y).chain([Vec3::Y]).collect();
    let fan = (0..N).map(|i| [i, (i + 1) % N, N]).collect();
    Mesh {
        primitives: vec![primitive(wall, outward, strip.collect()), primitive(lid, vec![Vec3::Y; N as usize + 1], fan)],
    }
}

/// One or more placements of a mesh whose edges are rounded over `bevel_m`.
fn prepared(mesh: Mesh, places: &[DAffine3], bevel_m: f32) -> PreparedShot {
    let part = |&world_from_part: &DAffine3| Part {
        node_idx: 0,
        path: "Part".to_owned(),
        node_name: None,
        mesh_name: None,
        cad_names: Vec::new(),
        mesh: MeshIdx(0),
        world_from_part,
    };
    let scene = Scene { meshes: vec![mesh], parts: places.iter().map(part).collect(), ..Scene::default() };
    let surface = Surface { bevel_mm: Some(bevel_m * 1e3), ..Surface::default() };
    let palette = [PaletteEntry { surface, ..OpenPbr::default().into() }];
    let worn = vec![PartMaterial::Palette(0); places.len()];
    let product = PreparedProduct::new(&scene, &palette, &worn, None, &|| false).expect("a sound scene");
    let shot = Shot::of_one_pixel(Environment::None, Vec::new());
    PreparedShot::new(&Arc::new(product), &shot, TabulatedMaps::default().tables(&shot.environment))
}

/// The rounded normal at a point in world space on a face with this normal, for a baked scene.
fn normal_at(shot: &PreparedShot, point: Vec3, normal: Vec3) -> Vec3 {
    let bindings = shot.bindings();
    let local = shot.product.space.point(point.as_dvec3()).as_vec3();
    let holds = |triangle: &packshot_shaders::layout::scene::Triangle| {
        let [a, b, c] = [triangle.v0, triangle.v1, triangle.v2].map(|v| bindings.vertices[v as usize].position);
        let out = (b - a).cross(c - a).normalize();
        let is_left = |p: Vec3, q: Vec3| (q - p).cross(local - p).dot(out) >= -1e-6;
        out.dot(normal) > 0.9 && is_left(a, b) && is_left(b, c) && is_left(c, a) && (local - a).dot(out).abs() < 1e-3
    };
    let triangle = bindings.triangles.iter().position(holds).expect("the point lies on the surface");
    baseline::rounded_normal(&bindings, bindings.triangles[triangle].slot, triangle as u32, local, normal)
}

#[test]
fn the_normal_turns_over_the_bevel_as_on_a_fillet() {
    let shot = prepared(cube(), &[DAffine3::IDENTITY], 0.2);
    for share in [0.0_f32, 0.25, 0.5, 0.75, 0.999] {
        let seen = normal_at(&shot, Vec3::new(1.0 - 0.2 * share, 1.0, 0.3), Vec3::Y);
        // At the edge between two faces the normal makes 45 degrees with both; the sine of the angle from there grows
        // linearly with the distance.
        let angle = std::f32::consts::FRAC_PI_4 + (share * std::f32::consts::FRAC_PI_4.sin()).asin();
        let expected = Vec3::new(angle.cos(), angle.sin(), 0.0);
        assert!((seen - expected).length() < 2e-3, "at {share} of the bevel: {seen} instead of {expected}");
    }
    assert_eq!(normal_at(&shot, Vec3::new(0.7, 1.0, 0.3), Vec3::Y), Vec3::Y, "beyond the bevel");
}

#[test]
fn a_corner_looks_along_its_diagonal() {
    let shot = prepared(cube(), &[DAffine3::IDENTITY], 0.2);
    for normal in Vec3::AXES {
        let seen = normal_at(&shot, Vec3::ONE, normal);
        assert!((seen - Vec3::ONE.normalize()).length() < 1e-3, "{seen}");
    }
}

#[test]
fn only_the_rim_of_a_can_is_rounded() {
    let shot = prepared(can(), &[DAffine3::IDENTITY], 0.1);
    let out = Vec3::X;
    assert_eq!(normal_at(&shot, out, Vec3::X), Vec3::X, "the smooth wall has no edges");
    for (point, normal) in [(out + Vec3::Y, Vec3::X), (Vec3::new(1.0, 1.0, 0.0), Vec3::Y)] {
        let seen = normal_at(&shot, point, normal);
        assert!((seen - Vec3::new(1.0, 1.0, 0.0).normalize()).length() < 5e-3, "{seen} on the rim");
    }
    // The lid's open edge is the bottom of the wall: an edge with one side only is not rounded.
    assert_eq!(normal_at(&shot, out - Vec3::Y, Vec3::X), Vec3::X);
}

#[test]
fn the_bevel_has_its_size_on_copies_of_another_scale() {
    // Enough copies that the mesh is instanced and keeps a frame of its own.
    let place = |i: u32| {
        let scale = if i == 0 { 2.0 } else { 1.0 };
        DAffine3::from_scale_rotation_translation(
            DVec3::splat(scale),
            glam::DQuat::IDENTITY,
            DVec3::X * 5.0 * f64::from(i),
        )
    };
    let places: Vec<DAffine3> = (0..50_000).map(place).collect();
    let shot = prepared(cube(), &places, 0.2);
    let bindings = shot.bindings();
    assert!(bindings.instances.len() > 1, "the copies are instances");
    let radius = |i: usize| bindings.slots[bindings.instances[i].slot_base as usize].bevel_radius;
    assert!((radius(1) / 0.2 - 1.0).abs() < 1e-3, "{}", radius(1));
    assert!((radius(0) / 0.1 - 1.0).abs() < 1e-3, "{}", radius(0));
}
