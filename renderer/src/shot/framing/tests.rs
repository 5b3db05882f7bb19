use glam::dvec3;
use proptest::prelude::*;

use super::*;
use crate::scene::{Mesh, MeshIdx, Part};
use crate::shot::view::ViewDirection;

fn primitive(positions: Vec<Vec3>) -> Primitive {
    let n = u32::try_from(positions.len()).expect("few");
    Primitive {
        triangles: (0..n).map(|i| [i, (i + 1) % n, (i + 2) % n]).collect(),
        positions,
        normals: Vec::new(),
        tangents: Vec::new(),
        uvs: [Vec::new(), Vec::new()],
        colors: Vec::new(),
        material: None,
    }
}

fn scene(meshes: Vec<Vec<Vec3>>, placements: &[(usize, DAffine3)]) -> Scene {
    let mesh = |positions| Mesh { primitives: vec![primitive(positions)] };
    let part = |&(mesh, world_from_part): &(usize, DAffine3)| Part {
        node_idx: 0,
        path: String::new(),
        node_name: None,
        mesh_name: None,
        cad_names: Vec::new(),
        mesh: MeshIdx(u32::try_from(mesh).expect("few")),
        world_from_part,
    };
    Scene {
        meshes: meshes.into_iter().map(mesh).collect(),
        parts: placements.iter().map(part).collect(),
        ..Scene::default()
    }
}

/// Bounds of the product in the picture, as fractions of half its width and height, and the least depth.
fn projected(scene: &Scene, camera: &Camera, aspect: f64) -> (DVec3, DVec3) {
    let camera_from_world = camera.world_from_camera.inverse();
    let (mut min, mut max) = (DVec3::INFINITY, DVec3::NEG_INFINITY);
    for part in &scene.parts {
        for primitive in &scene.meshes[part.mesh.0 as usize].primitives {
            for &idx in primitive.triangles.iter().flatten() {
                let position = primitive.positions[idx as usize].as_dvec3();
                let p = camera_from_world.transform_point3(part.world_from_part.transform_point3(position));
                let half = match camera.projection {
                    Projection::Perspective { fov_y_rad } => (0.5 * fov_y_rad).tan() * -p.z,
                    Projection::Orthographic { height_m } => 0.5 * height_m,
                };
                let shown = dvec3(p.x / (half * aspect), p.y / half, -p.z);
                (min, max) = (min.min(shown), max.max(shown));
            }
        }
    }
    (min, max)
}

fn check(scene: &Scene, view: ViewDirection, lens: Lens, aspect: f64, fill: f64) -> Result<(), TestCaseError> {
    let hull = Hull::new(scene).expect("a product");
    let camera = frame(&hull, &view.orientation(), lens, aspect, DVec2::splat(fill)).expect("framed");
    let (min, max) = projected(scene, &camera, aspect);
    let share = 0.5 * (max - min);
    prop_assert!((share.x.max(share.y) - fill).abs() < 1e-9, "fills {share}, not {fill}");
    prop_assert!((min + max).truncate().length() < 1e-9, "off centre by {}", min + max);
    prop_assert!(min.z > camera.clip_near_m && camera.clip_near_m > 0.0, "{} before {}", min.z, camera.clip_near_m);
    prop_assert!(max.z < camera.clip_far_m);
    Ok(())
}

fn point() -> impl Strategy<Value = Vec3> {
    (-1.0..1.0_f32, -1.0..1.0_f32, -1.0..1.0_f32).prop_map(|(x, y, z)| Vec3::new(x, y, z))
}

fn lens() -> impl Strategy<Value = Lens> {
    prop_oneof![(20.0..400.0).prop_map(|focal_mm| Lens::Perspective { focal_mm }), Just(Lens::Orthographic)]
}

proptest! {
    #[test]
    fn the_tighter_side_is_filled_and_the_picture_centred(
        points in prop::collection::vec(point(), 4..40),
        stretch in (0.05..1.0_f64, 0.05..1.0_f64, 0.05..1.0_f64),
        angles in (-180.0..180.0_f64, -90.0..90.0_f64),
        (lens, aspect, fill) in (lens(), 0.2..5.0_f64, 0.1..1.0_f64),
        scale_exponent in -6..7_i32,
        offset in (-3.0..3.0_f64, -3.0..3.0_f64, -3.0..3.0_f64),
    ) {
        let scale = 10_f64.powi(scale_exponent);
        let near = DAffine3 {
            matrix3: DMat3::from_diagonal(scale * DVec3::from(stretch)),
            translation: scale * DVec3::from(offset),
        };
        let mirrored = DAffine3 {
            matrix3: DMat3::from_axis_angle(DVec3::ONE.normalize(), 1.0) * DMat3::from_diagonal(dvec3(-scale, scale, 0.5 * scale)),
            translation: DVec3::ZERO,
        };
        let view = ViewDirection { azimuth_deg: angles.0, elevation_deg: angles.1 };
        check(&scene(vec![points], &[(0, near), (0, mirrored)]), view, lens, aspect, fill)?;
    }
}

fn unit_cube() -> Vec<Vec3> {
    let corner = |i: u8| Vec3::from([0, 1, 2].map(|axis| if i >> axis & 1 == 1 { 1.0 } else { -1.0 }));
    (0..8).map(corner).collect()
}

#[test]
fn pictures_that_share_a_scale_have_the_smallest_one() {
    // Twice as wide as deep: seen from its end it could be shown larger.
    let bar = scene(vec![unit_cube()], &[(0, DAffine3::from_scale(dvec3(2.0, 0.5, 0.5)))]);
    let hull = Hull::new(&bar).expect("a product");
    let seen_from = |azimuth_deg| ViewDirection { azimuth_deg, elevation_deg: 0.0 }.orientation();
    for lens in [Lens::Perspective { focal_mm: 85.0 }, Lens::Orthographic] {
        let scale = |m: &DMat3| fitting_scale_m(&hull, m, lens, 1.0, DVec2::splat(0.8)).expect("a product");
        let (side, end) = (seen_from(0.0), seen_from(90.0));
        assert!(scale(&side) > 1.5 * scale(&end));
        let camera = frame_at_scale(&hull, &end, lens, 1.0, scale(&side)).expect("framed");
        let (min, max) = projected(&bar, &camera, 1.0);
        assert!((min + max).truncate().length() < 1e-9, "centred");
        assert!(max.x < 0.4, "smaller than it could be: {max}");
    }
}

#[test]
fn margins_hold_on_all_sides_of_a_trimmed_picture() {
    let bar = scene(vec![unit_cube()], &[(0, DAffine3::from_scale(dvec3(2.0, 0.7, 0.5)))]);
    let hull = Hull::new(&bar).expect("a product");
    let orientation = ViewDirection { azimuth_deg: 35.0, elevation_deg: 20.0 }.orientation();
    for lens in [Lens::Perspective { focal_mm: 85.0 }, Lens::Orthographic] {
        for (room_px, is_tall) in [([200, 200], false), ([2500, 2500], false), ([2500, 90], true), ([200, 1000], false)]
        {
            let size = trimmed_size_px(&hull, &orientation, lens, room_px, 10).expect("room");
            let tight = usize::from(is_tall);
            assert!(size[0] <= room_px[0] && size[1] <= room_px[1] && size[tight] + 3 > room_px[tight], "{size:?}");
            let shares = Fit::TrimmedToPx(10).shares(size).expect("room");
            let aspect = f64::from(size[0]) / f64::from(size[1]);
            let camera = frame(&hull, &orientation, lens, aspect, shares).expect("framed");
            let (min, max) = projected(&bar, &camera, aspect);
            let margins = [size[0], size[1]].map(|px| 0.5 * f64::from(px));
            let margins_px = dvec3(margins[0], margins[1], 0.0) * (1.0 - 0.5 * (max - min));
            for margin_px in [margins_px.x, margins_px.y] {
                assert!((margin_px - 10.0).abs() < 1.0, "{margin_px} px in {size:?}");
            }
        }
    }
    let error = Fit::MarginPx(50).shares([200, 100]).expect_err("nothing is left");
    assert_eq!((error.code.name(), error.at.as_str()), ("shot.range", "option:margin_px"));
    let error = trimmed_size_px(&hull, &orientation, Lens::Orthographic, [200, 100], 50).expect_err("nothing is left");
    assert_eq!(error.message, "margins of 50 px leave nothing of 200 x 100 px");
}

/// Counts its calls.
struct Counted<'a> {
    hull: Hull<'a>,
    n_asked: std::cell::Cell<u32>,
}

impl Envelope for Counted<'_> {
    fn support(&self, direction: DVec3) -> Option<DVec3> {
        self.n_asked.set(self.n_asked.get() + 1);
        self.hull.support(direction)
    }

    fn bounds(&self) -> Bounds {
        self.hull.bounds()
    }
}

#[test]
fn the_narrowest_room_is_found_in_few_steps() {
    let bar = scene(vec![unit_cube()], &[(0, DAffine3::from_scale(dvec3(1000.0, 1.0, 1.0)))]);
    for (room_px, margin_px) in [([16384, 3901], 1950), ([3901, 16384], 1950), ([16384, 16384], 8191)] {
        for lens in [Lens::Perspective { focal_mm: 85.0 }, Lens::Orthographic] {
            let hull = Counted { hull: Hull::new(&bar).expect("a product"), n_asked: std::cell::Cell::new(0) };
            let size = trimmed_size_px(&hull, &DMat3::IDENTITY, lens, room_px, margin_px).expect("room");
            assert!(size[0] <= room_px[0] && size[1] <= room_px[1], "{size:?} in {room_px:?}");
            assert!(hull.n_asked.get() < 1000, "asked {} times", hull.n_asked.get());
        }
    }
}

proptest! {
    #[test]
    fn a_swept_hull_reaches_as_far_as_the_hull_does_at_any_angle(
        points in prop::collection::vec(point(), 4..200),
        (x, z) in (-1.0..1.0_f64, -1.0..1.0_f64),
        (dx, dy, dz) in (-1.0..1.0_f64, -1.0..1.0_f64, -1.0..1.0_f64),
    ) {
        let still = scene(vec![points], &[(0, DAffine3::from_translation(dvec3(0.3, -0.2, 0.1)))]);
        let hull = Hull::new(&still).expect("a product");
        let (axis, direction) = (DVec2::new(x, z), dvec3(dx, dy, dz));
        let swept = SweptHull::new(&hull, axis);
        let along = |point: DVec3| point.dot(direction);
        let reach = along(swept.support(direction).expect("points"));
        let turned = |turns: f64| {
            let turn = DMat3::from_rotation_y(turns * std::f64::consts::TAU);
            let center = dvec3(x, 0.0, z);
            along(turn * (hull.support(turn.transpose() * direction).expect("points") - center) + center)
        };
        let farthest = (0..360).map(|i| turned(f64::from(i) / 360.0)).fold(f64::NEG_INFINITY, f64::max);
        prop_assert!(farthest <= reach + 1e-9, "{farthest} beyond {reach}");
        // Between two angles, a circle of radius 2 extends at most 2·(1 − cos 0.5°) further.
        prop_assert!(reach <= farthest + 2.5 * direction.length() * 4e-5, "{reach} is never reached: {farthest}");
    }
}

#[test]
fn a_cube_from_the_front_has_the_distance_of_similar_triangles() {
    let scene = scene(vec![unit_cube()], &[(0, DAffine3::IDENTITY)]);
    let hull = Hull::new(&scene).expect("a product");
    let front = ViewDirection { azimuth_deg: 0.0, elevation_deg: 0.0 }.orientation();
    // The near face, 2 m wide, takes half the width of a picture that is 36/72 of its distance wide.
    let camera = frame(&hull, &front, Lens::Perspective { focal_mm: 72.0 }, 1.0, DVec2::splat(0.5)).expect("framed");
    assert!((camera.world_from_camera.translation - dvec3(0.0, 0.0, 1.0 + 8.0)).length() < 1e-12);
    let camera = frame(&hull, &front, Lens::Orthographic, 0.5, DVec2::ONE).expect("framed");
    assert_eq!(camera.projection, Projection::Orthographic { height_m: 4.0 });
}

#[test]
fn vertices_that_nothing_draws_do_not_count() {
    let mut far = scene(vec![vec![Vec3::X, Vec3::Y, Vec3::Z, Vec3::splat(1e9)]], &[(0, DAffine3::IDENTITY)]);
    far.meshes[0].primitives[0].triangles = vec![[0, 1, 2]];
    assert_eq!(Hull::new(&far).expect("a product").bounds().max, DVec3::ONE);
}

#[test]
fn lines_and_needles_still_get_a_camera() {
    let needle = scene(vec![vec![Vec3::ZERO, Vec3::Z, 0.5 * Vec3::Z]], &[(0, DAffine3::IDENTITY)]);
    let hull = Hull::new(&needle).expect("a line");
    for lens in [Lens::Perspective { focal_mm: 85.0 }, Lens::Orthographic] {
        let camera = frame(&hull, &DMat3::IDENTITY, lens, 1.0, DVec2::splat(0.85)).expect("framed");
        let (_, max) = projected(&needle, &camera, 1.0);
        assert!(camera.world_from_camera.is_finite() && camera.clip_near_m > 0.0 && max.z > 0.0, "{camera:?}");
    }
}

#[test]
fn nothing_and_a_single_point_are_refused() {
    let code = |scene: &Scene| Hull::new(scene).map(|_| ()).expect_err("nothing to frame").code.name();
    assert_eq!(code(&Scene::default()), "shot.nothing_to_frame");
    assert_eq!(code(&scene(vec![vec![Vec3::ONE; 3]], &[(0, DAffine3::IDENTITY)])), "shot.nothing_to_frame");
    let huge = DAffine3::from_scale(DVec3::splat(1e200));
    assert_eq!(code(&scene(vec![vec![Vec3::X, Vec3::Y, Vec3::Z]], &[(0, huge)])), "shot.nothing_to_frame");
}

#[test]
fn ten_thousand_parts_share_the_vertices_of_their_mesh() {
    let ring =
        |n: u16| (0..n).map(move |i| Vec3::new(f32::from(i).cos(), f32::from(i).sin(), f32::from(i) / f32::from(n)));
    let place = |i: u16| (0, DAffine3::from_translation(dvec3(f64::from(i % 100), f64::from(i / 100), 0.0)));
    let placements: Vec<_> = (0..10_000).map(place).collect();
    let scene = scene(vec![ring(640).collect()], &placements);
    let hull = Hull::new(&scene).expect("a product");
    let view = ViewDirection { azimuth_deg: 35.0, elevation_deg: 20.0 };
    frame(&hull, &view.orientation(), Lens::Perspective { focal_mm: 85.0 }, 1.0, DVec2::splat(0.85)).expect("framed");
    assert_eq!(hull.parts.len(), 10_000);
    assert_eq!(hull.meshes.iter().flatten().map(|vertices| vertices.len()).sum::<usize>(), 640);
}
