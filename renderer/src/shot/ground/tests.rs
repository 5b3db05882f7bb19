use glam::{DAffine3, DQuat, DVec3, Vec3};

use super::*;
use crate::scene::{Mesh, MeshIdx, Part, Primitive, Scene};
use crate::shot::Shot;
use crate::shot::framing::{Hull, Lens};
use crate::shot::request::{Framing, ShotRequest, build};
use crate::shot::turntable::Turntable;
use crate::shot::view::ViewDirection;

/// A tetrahedron that stands askew, away from the origin.
fn product() -> Scene {
    let primitive = Primitive {
        positions: vec![Vec3::ZERO, Vec3::X, Vec3::Y, Vec3::Z],
        normals: Vec::new(),
        tangents: Vec::new(),
        uvs: [Vec::new(), Vec::new()],
        colors: Vec::new(),
        triangles: vec![[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]],
        material: None,
    };
    let turn = DQuat::from_rotation_x(0.7) * DQuat::from_rotation_z(0.4);
    let part = Part {
        node_idx: 0,
        path: "Part".to_owned(),
        node_name: None,
        mesh_name: None,
        cad_names: Vec::new(),
        mesh: MeshIdx(0),
        world_from_part: DAffine3::from_rotation_translation(turn, DVec3::new(3.0, 7.0, -2.0)),
    };
    Scene { meshes: vec![Mesh { primitives: vec![primitive] }], parts: vec![part], ..Scene::default() }
}

fn from(elevation_deg: f64, azimuth_deg: f64, ground: Ground) -> ShotRequest {
    let mut request = ShotRequest { ground: Some(ground), ..ShotRequest::default() };
    if let Framing::Auto { direction, .. } = &mut request.framing {
        *direction = ViewDirection { azimuth_deg, elevation_deg };
    }
    request
}

fn shot(elevation_deg: f64, ground: Ground) -> Shot {
    build(&from(elevation_deg, 35.0, ground), &product()).expect("a shot").0
}

#[test]
fn the_floor_touches_the_lowest_point() {
    let scene = product();
    let world_from_part = scene.parts[0].world_from_part;
    let corners = scene.meshes[0].primitives[0].positions.iter();
    let heights = corners.map(|corner| world_from_part.transform_point3(corner.as_dvec3()).y);
    let lowest = heights.fold(f64::INFINITY, f64::min);
    let floor = shot(20.0, Ground::SHADOWS).floor.expect("a floor");
    assert!((floor.y_m - lowest).abs() < 1e-12 && floor.catches());
    let center = Hull::new(&scene).expect("a hull").center();
    assert_eq!(floor.center_m, [center.x, center.z]);
}

#[test]
fn a_camera_below_the_floor_sees_the_product_without_it() {
    let (shot, found) = build(&from(-30.0, 35.0, Ground::SHADOWS), &product()).expect("a shot");
    assert!(shot.floor.is_none());
    assert!(found.iter().any(|finding| finding.code == "shot.below_ground"), "{found:?}");
}

#[test]
fn a_sweep_fills_the_picture() {
    let ground = Ground { kind: GroundKind::Sweep, ..Ground::SHADOWS };
    let perspective = [0.0, 20.0, 60.0, 90.0].map(|elevation_deg| (elevation_deg, false));
    let parallel = [5.0, 10.0, 20.0, 90.0].map(|elevation_deg| (elevation_deg, true));
    for (elevation_deg, is_parallel) in perspective.into_iter().chain(parallel) {
        let mut request = from(elevation_deg, 35.0, ground);
        if let Framing::Auto { lens, .. } = &mut request.framing
            && is_parallel
        {
            *lens = Lens::Orthographic;
        }
        let shot = build(&request, &product()).expect("a shot").0;
        let floor = shot.floor.clone().expect("a floor");
        let sweep = floor.sweep.expect("a sweep");
        assert!(sweep.radius_m <= sweep.distance_m && sweep.radius_m <= sweep.height_m);
        let (sin, cos) = sweep.azimuth_deg.to_radians().sin_cos();
        let (towards, right) = (DVec3::new(sin, 0.0, cos), DVec3::new(cos, 0.0, -sin));
        let base = DVec3::new(floor.center_m[0], floor.y_m, floor.center_m[1]);
        for (x, y) in [(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0), (0.0, 1.0)] {
            let (origin, direction) = corner_ray(&shot.camera, 1.0, &shot.camera.world_from_camera.matrix3, x, y);
            let from = origin - base;
            let is_inside = |t: f64| {
                let at = from + direction * t;
                at.dot(right).abs() <= 0.5 * floor.size_m && at.dot(towards) <= 0.5 * floor.size_m
            };
            let to_floor = -from.y / direction.y;
            let to_wall = (-sweep.distance_m - from.dot(towards)) / direction.dot(towards);
            let meets_floor = to_floor > 0.0 && is_inside(to_floor);
            let height_m = from.y + to_wall * direction.y;
            let meets_wall = to_wall > 0.0 && is_inside(to_wall) && height_m >= 0.0 && height_m <= sweep.height_m;
            assert!(meets_floor || meets_wall, "elevation {elevation_deg}, corner {x} {y}");
        }
    }
}

#[test]
fn a_sweep_does_not_turn() {
    let ground = Ground { kind: GroundKind::Sweep, ..Ground::SHADOWS };
    let refused = Turntable::default().shots(&from(20.0, 0.0, ground), &product());
    assert_eq!(refused.expect_err("a conflict").code, ErrorCode::Conflict);
    let catcher = Turntable::default().shots(&from(20.0, 0.0, Ground::SHADOWS), &product());
    let (shots, _) = catcher.expect("a catcher turns");
    assert_eq!(shots.frame(0).floor, shots.frame(7).floor);
}

#[test]
fn what_is_out_of_range_is_refused() {
    for ground in
        [Ground { albedo: [0.5, 1.5, 0.5], ..Ground::SHADOWS }, Ground { roughness: Some(f32::NAN), ..Ground::SHADOWS }]
    {
        let error = build(&from(20.0, 0.0, ground), &product()).expect_err("out of range");
        assert_eq!(error.code, ErrorCode::Range);
    }
}
