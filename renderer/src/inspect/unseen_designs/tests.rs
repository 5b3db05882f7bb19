use std::sync::Arc;

use glam::{DAffine3, DQuat, Vec2, Vec3};

use super::*;
use crate::scene::{DesignFinish, Image, Mesh, MeshIdx, Part, Primitive, WorldRow};

fn span(printed: &[usize], wraps: bool) -> Span {
    let is_printed: Vec<bool> = (0..100).map(|i| printed.contains(&i)).collect();
    Span::of(&is_printed, wraps).expect("something is printed")
}

/// Squares of the XY plane with side 1 about points, by part: `n` by `n` cells, front up or, where `n` is negative,
/// down; a design by coordinates or projected along Z on the parts called `Print…`, and what is found of it from 10
/// along each direction.
fn found(parts: &[(&str, i32, f64, DVec3)], by_uv: bool, directions: &[DVec3]) -> Option<(&'static str, String)> {
    let mesh = |name: &str, n: i32| {
        let (sides, step) = (n.unsigned_abs(), 1.0 / n.unsigned_abs() as f32);
        let corner = |i: u32, j: u32| Vec3::new(i as f32 * step - 0.5, j as f32 * step - 0.5, 0.0);
        let cells = (0..sides).flat_map(|j| (0..sides).map(move |i| (i, j)));
        let mut positions: Vec<Vec3> =
            cells.flat_map(|(i, j)| [corner(i, j), corner(i + 1, j), corner(i + 1, j + 1), corner(i, j + 1)]).collect();
        let n_quads = sides * sides + u32::from(name == "Print Roofed");
        if name == "Print Roofed" {
            positions.extend([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]].map(|[x, y]| Vec3::new(x, y, 4.0)));
        }
        let quads = 0..n_quads;
        let triangles = quads.flat_map(|q| [[0, 1, 2], [0, 2, 3]].map(|t: [u32; 3]| t.map(|k| 4 * q + k)));
        let turned = |[a, b, c]: [u32; 3]| if n > 0 { [a, b, c] } else { [a, c, b] };
        let uvs = positions.iter().map(|p| Vec2::new(p.x + 0.5, p.y + 0.5)).collect();
        let triangles = triangles.map(turned).collect();
        Mesh {
            primitives: vec![Primitive {
                positions,
                normals: Vec::new(),
                tangents: Vec::new(),
                uvs: [uvs, Vec::new()],
                colors: Vec::new(),
                triangles,
                material: None,
            }],
        }
    };
    let part = |i: usize, &(name, _, side_m, at): &(&str, i32, f64, DVec3)| Part {
        node_idx: i as u32,
        path: name.to_owned(),
        node_name: Some(name.to_owned()),
        mesh_name: None,
        cad_names: Vec::new(),
        mesh: MeshIdx(i as u32),
        world_from_part: DAffine3::from_scale_rotation_translation(DVec3::splat(side_m), DQuat::IDENTITY, at),
    };
    let row = |along: DVec3, offset| WorldRow { along, offset };
    let lay = match by_uv {
        true => DesignLay::Coordinates { uv_set: 0, rows: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]] },
        false => DesignLay::Planar {
            rows: [row(DVec3::X, 0.5), row(DVec3::Y, 0.5)],
            height: row(DVec3::Z, 0.0),
            heights_m: [-3.0, 3.0],
        },
    };
    let print = |(i, _): (usize, &(&str, i32, f64, DVec3))| (PartIdx(i as u32), 0);
    let surfaces = parts.iter().enumerate().filter(|(_, (name, ..))| name.starts_with("Print")).map(print).collect();
    let texture = Arc::new(Image { width_px: 1, height_px: 1, rgba8: vec![[255; 4]] });
    let design = WornDesign { texture, wraps: [false; 2], surfaces, lay, opacity: 1.0, finish: DesignFinish::Ink };
    let scene = Scene {
        meshes: parts.iter().map(|&(name, n, ..)| mesh(name, n)).collect(),
        parts: parts.iter().enumerate().map(|(i, of)| part(i, of)).collect(),
        designs: vec![design],
        ..Scene::default()
    };
    let camera = |direction: &DVec3| {
        let mut camera = shot::Shot::of_one_pixel(shot::Environment::None, Vec::new()).camera;
        let rotation = DQuat::from_rotation_arc(DVec3::Z, direction.normalize());
        camera.world_from_camera = DAffine3::from_rotation_translation(rotation, 10.0 * direction.normalize());
        camera.projection = Projection::Perspective { fov_y_rad: 1.0 };
        camera
    };
    let cameras: Vec<shot::Camera> = directions.iter().map(camera).collect();
    unseen_designs(&scene, &cameras).pop().map(|finding| (finding.code, finding.message))
}

#[test]
fn a_design_is_hidden_where_hardly_any_of_its_area_is_seen() {
    let front = [DVec3::Z];
    let print = ("Print", 1, 1.0, DVec3::ZERO);
    let lid = |side_m| ("Lid", 1, side_m, DVec3::Z);
    for by_uv in [false, true] {
        let (code, message) = found(&[print, lid(1.1)], by_uv, &front).expect("hidden");
        assert!(code == "design_hidden" && message.contains("behind \"Lid\" in the picture"), "{message}");
        assert_eq!(found(&[print, lid(0.8)], by_uv, &front), None, "its rim is seen");
        assert_eq!(found(&[print], by_uv, &front), None);
        // In one of many pictures is enough.
        let turn: Vec<DVec3> = (0..72).map(|i| DVec3::new(0.0, f64::from(i - 8) * 0.05, 1.0)).collect();
        assert_eq!(found(&[print, lid(1.1)], by_uv, &turn), None);
        assert!(found(&[print, lid(9.0)], by_uv, &turn[..40]).expect("hidden").1.contains("in every picture"));
    }
    // It is hidden where it looks to a camera, however many it faces away from.
    let around = [DVec3::Z, DVec3::NEG_Z, DVec3::new(0.1, 0.0, -1.0), DVec3::new(-0.1, 0.0, -1.0)];
    assert_eq!(found(&[print, lid(9.0)], false, &around).expect("hidden").0, "design_hidden");
    // A large face counts as much as it shows, however many small ones lie hidden behind the lid.
    let hidden = ("Print", 100, 0.1, DVec3::new(0.0, 0.0, 0.5));
    let aside = ("Print", 1, 0.3, DVec3::new(0.35, 0.0, 0.6));
    let small_lid = ("Lid", 1, 0.2, DVec3::Z);
    assert_eq!(found(&[hidden, aside, small_lid], false, &front), None);
    assert!(found(&[hidden, small_lid], false, &front).is_some());
}

#[test]
fn walls_of_its_own_part_hide_a_design_too_and_cannot_be_left_out() {
    let (code, message) = found(&[("Print Roofed", 1, 1.0, DVec3::ZERO)], false, &[DVec3::Z]).expect("found");
    assert!(code == "design_hidden" && message.contains("its own part"), "{message}");
    assert!(!message.contains("hide what"), "{message}");
}

#[test]
fn by_coordinates_a_design_is_seen_from_both_sides() {
    let sheet = ("Print", 1, 1.0, DVec3::ZERO);
    for by_uv in [false, true] {
        assert_eq!(found(&[sheet], by_uv, &[DVec3::NEG_Z]).expect("found").0, "design_turned_away");
    }
    // Of an open shell that is turned inside out, the near wall faces away and shows the design all the same.
    let (near, far) = (("Print", -1, 1.0, DVec3::Z), ("Print", 1, 1.0, DVec3::NEG_Z));
    assert_eq!(found(&[near, far], true, &[DVec3::Z]), None);
}

#[test]
fn what_is_printed_across_the_seam_is_there_alone() {
    let seam = span(&[0, 1, 2, 97, 98, 99], true);
    assert!(seam.meets(0.0, 0.01) && seam.meets(0.95, 0.97) && seam.meets(-0.1, 0.05) && seam.meets(1.01, 1.02));
    assert!(!seam.meets(0.4, 0.6) && !seam.meets(-0.6, -0.5));
    // A picture that ends at its edges has a middle.
    assert!(span(&[0, 99], false).meets(0.4, 0.6));
    let middle = span(&[40, 50], true);
    assert!(middle.meets(0.45, 0.46) && middle.meets(-0.55, -0.54) && middle.meets(0.0, 1.0));
    assert!(!middle.meets(0.9, 1.1) && !middle.meets(0.0, 0.3));
    assert!(span(&[7], true).meets(0.07, 0.08));
    assert!(Span::of(&[false; 8], true).is_none());
}
