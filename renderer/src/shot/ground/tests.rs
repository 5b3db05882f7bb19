use glam::{DAffine3, DQuat, DVec3, Vec3};

use super::*;
use crate::scene::{Mesh, MeshIdx, Part, Primitive, Scene};
use crate::shot::Shot;
use crate::shot::framing::{Fit, Hull, Lens};
use crate::shot::request::{Framing, ShotRequest, build};
use crate::shot::turntable::Turntable;
use crate::shot::view::ViewDirection;

/// A tilted tetrahedron away from the origin.
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
fn the_floor_lies_just_below_the_lowest_point() {
    let scene = product();
    let world_from_part = scene.parts[0].world_from_part;
    let corners = scene.meshes[0].primitives[0].positions.iter();
    let heights = corners.map(|corner| world_from_part.transform_point3(corner.as_dvec3()).y);
    let lowest = heights.fold(f64::INFINITY, f64::min);
    let floor = shot(20.0, Ground::SHADOWS).floor.expect("a floor");
    let hull = Hull::new(&scene).expect("a hull");
    let gap_m = lowest - floor.y_m;
    assert!((gap_m / hull.radius() - GAP_RADII).abs() < 1e-9 && floor.catches(), "{gap_m}");
    assert_eq!(floor.center_m, [hull.center().x, hull.center().z]);
}

#[test]
fn a_camera_below_the_floor_sees_the_product_without_it() {
    let (shot, found) = build(&from(-30.0, 35.0, Ground::SHADOWS), &product()).expect("a shot");
    assert!(shot.floor.is_none());
    assert!(found.iter().any(|finding| finding.code == "shot.below_ground"), "{found:?}");
}

/// Whether every ray through the border of the picture hits floor or wall.
fn fills(shot: &Shot) -> bool {
    let floor = shot.floor.clone().expect("a floor");
    let sweep = floor.sweep.expect("a sweep");
    assert!(sweep.radius_m <= sweep.distance_m && sweep.radius_m <= sweep.height_m);
    let (sin, cos) = sweep.azimuth_deg.to_radians().sin_cos();
    let (towards, right) = (DVec3::new(sin, 0.0, cos), DVec3::new(cos, 0.0, -sin));
    let base = DVec3::new(floor.center_m[0], floor.y_m, floor.center_m[1]);
    let aspect = f64::from(shot.film.width_px) / f64::from(shot.film.height_px);
    let steps = (-50..=50).map(|i| f64::from(i) / 50.0);
    let border = steps.flat_map(|along| [(along, -1.0), (along, 1.0), (-1.0, along), (1.0, along)]);
    border.into_iter().all(|(x, y)| {
        let (origin, direction) = corner_ray(&shot.camera, aspect, &shot.camera.world_from_camera.matrix3, x, y);
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
        meets_floor || meets_wall
    })
}

#[test]
fn a_sweep_fills_the_picture() {
    let ground = Ground { kind: GroundKind::Sweep, ..Ground::SHADOWS };
    let (long, wide) = (Lens::Perspective { focal_mm: 200.0 }, Lens::Perspective { focal_mm: 16.0 });
    let usual = Lens::Perspective { focal_mm: 85.0 };
    for (elevation_deg, lens, fill) in [
        (0.0, usual, 0.85),
        (20.0, usual, 0.85),
        (60.0, usual, 0.85),
        (90.0, usual, 0.85),
        (0.0, usual, 0.06),
        (0.0, long, 0.15),
        (20.0, wide, 0.25),
        (20.0, Lens::Perspective { focal_mm: 24.0 }, 0.1),
        (20.0, Lens::Perspective { focal_mm: 10.0 }, 0.85),
        (5.0, Lens::Orthographic, 0.85),
        (10.0, Lens::Orthographic, 0.85),
        (90.0, Lens::Orthographic, 0.85),
        (5.0, Lens::Orthographic, 0.1),
    ] {
        for width_px in [512, 1024, 2048] {
            let mut request = from(elevation_deg, 35.0, ground);
            request.film.width_px = width_px;
            if let Framing::Auto { lens: of_shot, fit, .. } = &mut request.framing {
                (*of_shot, *fit) = (lens, Fit::Fill(fill));
            }
            let (shot, found) = build(&request, &product()).expect("a shot");
            assert!(fills(&shot) && found.is_empty(), "elevation {elevation_deg}, {lens:?}, fill {fill}: {found:?}");
        }
    }
}

#[test]
fn a_sweep_that_cannot_fill_the_picture_says_so() {
    let mut request = from(0.0, 35.0, Ground { kind: GroundKind::Sweep, ..Ground::SHADOWS });
    if let Framing::Auto { lens, .. } = &mut request.framing {
        *lens = Lens::Orthographic;
    }
    let (shot, found) = build(&request, &product()).expect("a shot");
    assert!(!fills(&shot), "parallel rays below the floor's edge");
    assert_eq!(found.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["shot.sweep_ends"]);
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
