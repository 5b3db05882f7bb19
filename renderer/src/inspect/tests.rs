//! Bodies that are open, ambiguous or inverted, and lights beside brighter ones.

use std::sync::Arc;

use glam::{DAffine3, DQuat, DVec3, Vec3};
use packshot_materials::openpbr::OpenPbr;
use proptest::prelude::*;

use super::bodies::{Bodies, InwardFaces};
use super::{bodies, unseen, weak_lights};
use crate::prepare::{PaletteEntry, PartMaterial};
use crate::scene::{Bounds, Mesh, MeshIdx, Part, Primitive, Scene};
use crate::shot::{Environment, EnvironmentMap, Light, Projection, Shot};

type Triangles = Vec<[u32; 3]>;

/// Corners of a cube from −1 to 1 that faces outwards.
fn cube() -> (Vec<Vec3>, Triangles) {
    let corner = |at: u8| Vec3::from_array([0, 1, 2].map(|axis| if at >> axis & 1 == 1 { 1.0 } else { -1.0 }));
    let faces = [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]];
    let triangles = faces.iter().flat_map(|&[a, b, c, d]| [[a, b, c], [a, c, d]]).collect();
    ((0..8).map(corner).collect(), triangles)
}

fn primitive((positions, triangles): (Vec<Vec3>, Triangles)) -> Primitive {
    let uvs = [Vec::new(), Vec::new()];
    let (normals, tangents, colors) = (Vec::new(), Vec::new(), Vec::new());
    Primitive { positions, normals, tangents, uvs, colors, triangles, material: None }
}

fn turned(triangles: &Triangles) -> Triangles {
    triangles.iter().map(|&[a, b, c]| [a, c, b]).collect()
}

/// Parts of one mesh each, with these primitives.
fn scene(meshes: Vec<Vec<Primitive>>, placed: &[(u32, DAffine3)]) -> Scene {
    let part = |(i, &(mesh, world_from_part)): (usize, &(u32, DAffine3))| Part {
        node_idx: i as u32,
        path: format!("Part_{i}"),
        node_name: None,
        mesh_name: None,
        cad_names: Vec::new(),
        mesh: MeshIdx(mesh),
        world_from_part,
    };
    let meshes = meshes.into_iter().map(|primitives| Mesh { primitives }).collect();
    Scene { meshes, parts: placed.iter().enumerate().map(part).collect(), ..Scene::default() }
}

fn alone(primitives: Vec<Primitive>) -> Scene {
    scene(vec![primitives], &[(0, DAffine3::IDENTITY)])
}

fn codes(scene: &Scene, openpbr: OpenPbr) -> Vec<String> {
    let worn = vec![PartMaterial::Palette(0); scene.parts.len()];
    let found = bodies(scene, &[openpbr.into()], &worn, &|| false);
    found.into_iter().map(|finding| format!("{} {}", finding.code, finding.at)).collect()
}

fn glass() -> OpenPbr {
    OpenPbr { transmission_weight: 1.0, ..OpenPbr::default() }
}

#[test]
fn only_what_light_enters_must_be_closed() {
    let (positions, triangles) = cube();
    let whole = alone(vec![primitive(cube())]);
    let open = alone(vec![primitive((positions.clone(), triangles[1..].to_vec()))]);
    assert_eq!(codes(&whole, glass()), [""; 0]);
    assert_eq!(codes(&open, glass()), ["open_shell Part_0"]);
    assert_eq!(codes(&open, OpenPbr { subsurface_weight: 1.0, ..OpenPbr::default() }), ["open_shell Part_0"]);
    for harmless in [
        OpenPbr::default(),
        OpenPbr { base_metalness: 1.0, ..glass() },
        OpenPbr { geometry_thin_walled: true, ..glass() },
    ] {
        assert_eq!(codes(&open, harmless), [""; 0]);
    }
    // A tube without its two ends has as much surface facing one way as the other, and is open nevertheless.
    let tube = alone(vec![primitive((positions.clone(), triangles[..8].to_vec()))]);
    assert_eq!(codes(&tube, glass()), ["open_shell Part_0"]);
    // Cut off short, its ends are larger than its side.
    let short = positions.iter().map(|at| at * Vec3::new(0.1, 1.0, 1.0)).collect();
    let ring = alone(vec![primitive((short, triangles[..8].to_vec()))]);
    let found = bodies(&ring, &[glass().into()], &[PartMaterial::Palette(0)], &|| false);
    assert!(found[0].message.contains("border holes of 5.0 times its area"), "{}", found[0].message);
}

#[test]
fn a_body_may_be_closed_by_a_primitive_of_another_material() {
    let (positions, triangles) = cube();
    let lid = primitive((positions.clone(), triangles[..2].to_vec()));
    let rest = primitive((positions, triangles[2..].to_vec()));
    let two = alone(vec![lid, rest]);
    let palette = [PaletteEntry::from(glass()), PaletteEntry::from(OpenPbr::default())];
    let worn = [PartMaterial::PerPrimitive(vec![Some(1), Some(0)])];
    assert_eq!(bodies(&two, &palette, &worn, &|| false), []);
}

#[test]
fn corners_on_edges_are_no_holes_and_fans_of_faces_are_no_body() {
    // One edge of the cube is split on one side only, as in tessellations of neighbouring faces.
    let (mut positions, mut triangles) = cube();
    let [a, b, c] = triangles.remove(0);
    positions.push(0.5 * (positions[a as usize] + positions[b as usize]));
    let middle = positions.len() as u32 - 1;
    triangles.extend([[a, middle, c], [middle, b, c]]);
    assert_eq!(codes(&alone(vec![primitive((positions, triangles))]), glass()), [""; 0]);
    // A wall inside: three faces meet at each of its edges.
    let (positions, mut triangles) = cube();
    triangles.extend([[0, 3, 7], [0, 7, 4]]);
    assert_eq!(codes(&alone(vec![primitive((positions.clone(), triangles))]), glass()), ["non_manifold_body Part_0"]);
    // One face with the opposite orientation.
    let (_, mut triangles) = cube();
    triangles[3].swap(0, 1);
    assert_eq!(codes(&alone(vec![primitive((positions, triangles))]), glass()), ["non_manifold_body Part_0"]);
}

#[test]
fn bodies_back_to_back_are_told() {
    let (positions, triangles) = cube();
    let solid = || vec![primitive(cube())];
    // Split along the other diagonals, so that faces differ although the cubes touch.
    let other: Triangles = triangles
        .chunks(2)
        .flat_map(|pair| {
            let ([a, b, c], d) = (pair[0], pair[1][2]);
            [[b, c, d], [b, d, a]]
        })
        .collect();
    let other = || vec![primitive((positions.clone(), other.clone()))];
    let beside = |x: f64| DAffine3::from_translation(DVec3::X * x);
    let touching = |meshes: Vec<Vec<Primitive>>, second: DAffine3| {
        let n = meshes.len() as u32 - 1;
        let scene = scene(meshes, &[(0, DAffine3::IDENTITY), (n, second)]);
        codes(&scene, glass())
    };
    // The faces to the left and right are split along diagonals that match when one cube is mirrored.
    let mirrored = beside(2.0) * DAffine3::from_scale(DVec3::new(-1.0, 1.0, 1.0));
    assert_eq!(touching(vec![solid()], mirrored), ["touching_bodies Part_1"]);
    assert_eq!(touching(vec![solid(), other()], mirrored), [""; 0]);
    assert_eq!(touching(vec![solid()], beside(1e-9) * mirrored), ["touching_bodies Part_1"]);
    assert_eq!(touching(vec![solid()], beside(0.01) * mirrored), [""; 0]);
    assert_eq!(touching(vec![solid()], DAffine3::IDENTITY), [""; 0], "one in the other's place is no contact");
    // A core that fills a cavity.
    let core = || vec![primitive((positions.iter().map(|p| *p * 0.5).collect(), triangles.clone()))];
    let mut hollow = primitive(cube());
    hollow.positions.extend(positions.iter().map(|p| *p * 0.5));
    hollow.triangles.extend(turned(&triangles).iter().map(|t| t.map(|corner| corner + 8)));
    assert_eq!(touching(vec![vec![hollow.clone()], core()], DAffine3::IDENTITY), ["touching_bodies Part_1"]);
    let larger = DAffine3::from_scale(DVec3::splat(1.1));
    assert_eq!(touching(vec![vec![hollow], core()], larger), [""; 0]);
}

#[test]
fn many_findings_are_summed_up() {
    let (positions, triangles) = cube();
    let open = || vec![primitive((positions.clone(), triangles[1..].to_vec()))];
    let placed: Vec<_> = (0..130).map(|mesh| (mesh, DAffine3::IDENTITY)).collect();
    let many = scene((0..130).map(|_| open()).collect(), &placed);
    let worn = vec![PartMaterial::Palette(0); 130];
    let found = bodies(&many, &[glass().into()], &worn, &|| false);
    assert_eq!(found.len(), 100);
    assert!(found[99].message.ends_with("(and 30 more of this kind)"), "{}", found[99].message);
    let copies: Vec<_> = (0..130).map(|_| (0, DAffine3::IDENTITY)).collect();
    let found = bodies(&scene(vec![open()], &copies), &[glass().into()], &worn, &|| false);
    assert_eq!(found.len(), 1, "parts of one mesh are one finding");
    assert_eq!(bodies(&many, &[glass().into()], &worn, &|| true), [], "cancelled");
}

fn inward(scene: &Scene, material_of: impl Fn(usize) -> Option<u32>) -> InwardFaces {
    Bodies::new(scene, |part, _| material_of(part)).inward(&|| false).expect("not cancelled")
}

fn is_turned(inward: &InwardFaces, mesh: u32) -> bool {
    inward.of_primitive(mesh, 0).is_some_and(|faces| faces.iter().all(|&is_inward| is_inward))
}

#[test]
fn bodies_that_look_inwards_are_told_from_cavities() {
    let (positions, triangles) = cube();
    let outward = || vec![primitive(cube())];
    let inwards = || vec![primitive((positions.clone(), turned(&triangles)))];
    let half = DAffine3::from_scale(DVec3::splat(0.5));
    let mirrored = DAffine3::from_scale(DVec3::new(-1.0, 1.0, 1.0));
    for placed in [DAffine3::IDENTITY, mirrored] {
        assert!(is_turned(&inward(&scene(vec![inwards()], &[(0, placed)]), |_| Some(0)), 0));
        assert!(!is_turned(&inward(&scene(vec![outward()], &[(0, placed)]), |_| Some(0)), 0));
    }
    assert!(!is_turned(&inward(&alone(inwards()), |_| None), 0), "no body");
    let nested = |inner| scene(vec![outward(), inwards()], &[(0, DAffine3::IDENTITY), (1, inner)]);
    assert!(!is_turned(&inward(&nested(half), |_| Some(0)), 1), "a cavity");
    assert!(is_turned(&inward(&nested(half), |part| Some(part as u32)), 1), "another material");
    let beside = DAffine3::from_translation(DVec3::X * 3.0);
    assert!(is_turned(&inward(&nested(beside), |_| Some(0)), 1), "beside");
    // One mesh that is a cavity here and alone there is unchanged.
    let placed = [(0, DAffine3::IDENTITY), (1, half), (1, beside)];
    assert!(!is_turned(&inward(&scene(vec![outward(), inwards()], &placed), |_| Some(0)), 1));
    // Of two shells in one primitive, only the one that faces inwards is flipped.
    let mut both = primitive(cube());
    both.positions.extend(positions.iter().map(|&p| p + Vec3::X * 5.0));
    both.triangles.extend(turned(&triangles).iter().map(|t| t.map(|corner| corner + 8)));
    let found = inward(&alone(vec![both]), |_| Some(0));
    let expected: Vec<bool> = (0..24).map(|i| i >= 12).collect();
    assert_eq!(found.of_primitive(0, 0), Some(&expected[..]));
}

proptest! {
    #[test]
    fn closed_shells_stay_closed_however_they_are_placed_and_cut(
        scale in prop::array::uniform3(0.01..100.0_f64),
        angle in 0.0..6.3_f64,
        at in prop::array::uniform3(-1e3..1e3_f64),
        cut in 1..11_usize,
        is_inward: bool,
    ) {
        let (positions, triangles) = cube();
        let turn = DQuat::from_axis_angle(DVec3::new(1.0, 2.0, -0.5).normalize(), angle);
        let placed = DAffine3::from_scale_rotation_translation(scale.into(), turn, at.into());
        let positions: Vec<Vec3> = positions.iter().map(|p| placed.transform_point3(p.as_dvec3()).as_vec3()).collect();
        let triangles = if is_inward { turned(&triangles) } else { triangles };
        let primitives: Vec<Primitive> =
            [&triangles[..cut], &triangles[cut..]].map(|part| primitive((positions.clone(), part.to_vec()))).into();
        let scene = alone(primitives);
        prop_assert_eq!(codes(&scene, glass()), [""; 0]);
        prop_assert_eq!(is_turned(&inward(&scene, |_| Some(0)), 0), is_inward);
    }
}

#[test]
fn lights_count_by_what_they_bring_to_the_product() {
    let bounds = Bounds { min: DVec3::splat(-0.05), max: DVec3::splat(0.05) };
    let weak = |environment: &Environment, lights: Vec<Light>| {
        let found = weak_lights(&Shot::of_one_pixel(environment.clone(), lights), &bounds, |i| i.to_string());
        found.into_iter().map(|finding| finding.at).collect::<Vec<_>>()
    };
    let point = |x: f64, intensity: f32| Light::Point { position_m: DVec3::X * x, intensity: [intensity; 3] };
    let sun = |irradiance: f32| Light::Directional {
        direction: DVec3::NEG_Y,
        irradiance: [irradiance; 3],
        half_angle_rad: 0.0,
    };
    let rect = |radiance: f32| Light::Rect {
        world_from_light: DAffine3::from_translation(DVec3::Z),
        width_m: 0.5,
        height_m: 0.5,
        radiance: [radiance; 3],
    };
    let dark = Environment::None;
    let uniform = Environment::Uniform { radiance: [1.0; 3] };
    let map = EnvironmentMap { width_px: 4, height_px: 2, rgb: vec![[1.0; 3]; 8] };
    let sky = Environment::LatLong { map: Arc::new(map), rotation_x_rad: 0.0, rotation_y_rad: 0.0, strength: 1.0 };
    // A single light is all the light there is, unless it is off.
    assert_eq!(weak(&dark, vec![point(1.0, 1e-9)]), [""; 0]);
    assert_eq!(weak(&dark, vec![point(1.0, 0.0)]), ["0"]);
    assert_eq!(weak(&dark, vec![point(1.0, 1.0), point(100.0, 1.0), point(10.0, 1.0)]), ["1"]);
    for bright in [uniform, sky] {
        // Compared with an irradiance of π.
        assert_eq!(weak(&bright, vec![sun(0.0031), sun(0.0032), rect(0.01), rect(0.014)]), ["0", "2"]);
        // A lamp close to the surface lights the surface.
        assert_eq!(weak(&bright, vec![point(0.06, 1e-5), point(0.5, 1e-5)]), ["1"]);
    }
}

#[test]
fn a_picture_without_its_product_is_found() {
    let cube = || vec![primitive(cube())];
    let mut shot = Shot::of_one_pixel(Environment::None, Vec::new());
    (shot.film.width_px, shot.film.height_px) = (200, 100);
    shot.camera.projection = Projection::Orthographic { height_m: 100.0 };
    let seen = |half_m: f64, at: DVec3, shot: &Shot| {
        let placed = DAffine3::from_scale_rotation_translation(DVec3::splat(half_m), DQuat::IDENTITY, at);
        unseen(&scene(vec![cube()], &[(0, placed)]), shot).map_or_else(String::new, |found| found.message)
    };
    // A pixel is a metre here.
    let before = DVec3::NEG_Z * 5.0;
    assert_eq!(seen(0.51, before, &shot), "");
    assert!(seen(0.2, before, &shot).contains("\"Part_0\", is 0.40 pixels"), "{}", seen(0.2, before, &shot));
    assert_eq!(seen(2.0, before + DVec3::X * 101.0, &shot), "", "cut by the border");
    let past = "the camera looks past it";
    assert!(seen(2.0, before + DVec3::X * 103.0, &shot).contains(past));
    assert!(seen(2.0, DVec3::Z * 5.0, &shot).contains(past), "behind the camera");
    assert!(seen(2.0, DVec3::NEG_Z * 15.0, &shot).contains(past), "beyond the far plane");
    // Bars and a plate across the picture.
    for (half_m, expected) in
        [([40.0, 0.01, 0.01], ""), ([40.0, 0.002, 0.002], "less than 0.01 pixels thick"), ([40.0, 40.0, 1e-9], "")]
    {
        let placed = DAffine3::from_scale_rotation_translation(half_m.into(), DQuat::IDENTITY, before);
        let found = unseen(&scene(vec![cube()], &[(0, placed)]), &shot).map_or_else(String::new, |found| found.message);
        assert!(found.contains(expected) && found.is_empty() == expected.is_empty(), "{half_m:?}: {found}");
    }
    shot.camera.projection = Projection::Perspective { fov_y_rad: 1.0 };
    assert_eq!(seen(2.0, before, &shot), "");
    assert_eq!(seen(0.5, DVec3::ZERO, &shot), "", "around the camera");
    assert!(seen(0.01, before, &shot).contains("pixels"));
    assert!(seen(2.0, before + DVec3::Y * 20.0, &shot).contains(past));
}
