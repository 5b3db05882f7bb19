//! Lines of technical documents, compared with known geometry.

use glam::{DAffine3, DMat4, DQuat, DVec2, DVec3, Vec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::layers::Quantity;
use packshot_renderer::layers::lines::{LineKind, LineStyle};
use packshot_renderer::prepare::{PaletteEntry, PartMaterial};
use packshot_renderer::scene::{Mesh, Primitive, Scene};
use packshot_renderer::shot::{Floor, Projection, Shot};

use crate::scenes::{load, plane, primitive, scene, shot, sphere};

const WIDTH_PX: f32 = 1.5;

/// Lines of a scene whose parts wear two materials in turn.
fn drawn(scene: &Scene, shot: &Shot, kind: LineKind, width_px: f32, n_threads: usize) -> Vec<f32> {
    let palette: Vec<PaletteEntry> = vec![OpenPbr::default().into(), OpenPbr::default().into()];
    let worn: Vec<PartMaterial> = (0..scene.parts.len()).map(|i| PartMaterial::Palette(i % 2)).collect();
    let style = LineStyle { width_px, crease_rad: LineStyle::CREASE_RAD };
    load(scene, &palette, &worn, shot, n_threads).lines(kind, style)
}

fn edges(scene: &Scene, shot: &Shot) -> Vec<f32> {
    drawn(scene, shot, LineKind::Edges, WIDTH_PX, 2)
}

/// Corner `i` of the cube of side 2 around the origin.
fn corner(i: usize) -> DVec3 {
    DVec3::from_array([0, 1, 2].map(|axis| if i >> axis & 1 == 1 { 1.0 } else { -1.0 }))
}

/// The corners of each side, counter-clockwise seen from outside.
const SIDES: [[usize; 4]; 6] = [[0, 4, 6, 2], [1, 3, 7, 5], [0, 1, 5, 4], [2, 6, 7, 3], [0, 2, 3, 1], [4, 5, 7, 6]];

fn cube() -> Primitive {
    let positions: Vec<Vec3> = SIDES.iter().flatten().map(|&i| corner(i).as_vec3()).collect();
    let triangles = (0..6).flat_map(|side| [[0, 1, 2], [0, 2, 3]].map(|t| t.map(|i| 4 * side + i))).collect();
    primitive(positions, Vec::new(), triangles)
}

/// A point of the world in the picture, pixels.
fn projected(shot: &Shot, point: DVec3) -> DVec2 {
    let camera = &shot.camera;
    let local = DMat4::from(camera.world_from_camera.inverse()).transform_point3(point);
    let size = DVec2::new(f64::from(shot.film.width_px), f64::from(shot.film.height_px));
    let half_height = match camera.projection {
        Projection::Orthographic { height_m } => 0.5 * height_m,
        Projection::Perspective { fov_y_rad } => -local.z * (0.5 * fov_y_rad).tan(),
    };
    (DVec2::new(local.x, -local.y) / half_height * 0.5 * size.y) + 0.5 * size
}

fn distance(point: DVec2, [a, b]: [DVec2; 2]) -> f64 {
    let along = ((point - a).dot(b - a) / (b - a).length_squared()).clamp(0.0, 1.0);
    point.distance(a.lerp(b, along))
}

/// The fraction of each pixel that is within half a line's width of one of these segments.
fn expected(segments: &[[DVec2; 2]], size_px: u32, width_px: f64) -> Vec<f32> {
    const SIDE: u32 = 40;
    let of_pixel = |pixel: u32| {
        let corner = DVec2::new(f64::from(pixel % size_px), f64::from(pixel / size_px));
        let at = |k: u32| corner + (DVec2::new(f64::from(k % SIDE), f64::from(k / SIDE)) + 0.5) / f64::from(SIDE);
        if segments.iter().all(|&segment| distance(corner + 0.5, segment) > 0.5 * width_px + 0.8) {
            return 0.0;
        }
        let on_line = |k: &u32| segments.iter().any(|&segment| distance(at(*k), segment) < 0.5 * width_px);
        (0..SIDE * SIDE).filter(on_line).count() as f32 / (SIDE * SIDE) as f32
    };
    (0..size_px * size_px).map(of_pixel).collect()
}

/// Compares lines with the expected ones: their tips are off by a quarter of a pixel at most, everything else by much
/// less.
fn assert_drawn(found: &[f32], expected: &[f32], what: &str) {
    let differences = || found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    let largest = differences().fold(0.0, f32::max);
    assert!(largest < 0.25, "{what}: a pixel is off by {largest}");
    let touched = expected.iter().filter(|covered| **covered > 0.0).count();
    let mean = differences().sum::<f32>() / touched as f32;
    assert!(mean < 0.012, "{what}: pixels on lines are off by {mean}");
    let [found, expected] = [found, expected].map(|layer| layer.iter().sum::<f32>());
    assert!((found / expected - 1.0).abs() < 0.02, "{what}: {found} px are covered instead of {expected}");
}

#[test]
fn edges_of_a_cube_are_where_it_projects_and_hidden_ones_are_not_drawn() {
    let place = DAffine3::from_rotation_translation(DQuat::from_rotation_y(0.2), DVec3::new(0.1, 0.0, -0.1));
    let scene = scene(vec![cube()], &[(0, place)]);
    let eye = DVec3::new(2.0, 1.7, 4.0);
    for fov_y_rad in [None, Some(0.75)] {
        for width_px in [1.0, 1.5, 4.0] {
            let mut shot = shot(eye, 4.5, 150, 1);
            if let Some(fov_y_rad) = fov_y_rad {
                shot.camera.projection = Projection::Perspective { fov_y_rad };
            }
            let faces_eye = |side: &&[usize; 4]| {
                let [a, b, c] = [0, 1, 2].map(|i| place.transform_point3(corner(side[i])));
                let view = if fov_y_rad.is_some() { eye - a } else { eye };
                (b - a).cross(c - a).dot(view) > 0.0
            };
            // Each side of a convex body is either entirely visible or entirely hidden.
            let seen: Vec<&[usize; 4]> = SIDES.iter().filter(faces_eye).collect();
            let around = |side: &&[usize; 4]| {
                let at = |i: usize| projected(&shot, place.transform_point3(corner(side[i % 4])));
                (0..4).map(|i| [at(i), at(i + 1)]).collect::<Vec<_>>()
            };
            let segments: Vec<[DVec2; 2]> = seen.iter().flat_map(around).collect();
            assert_eq!(seen.len(), 3, "three sides are visible");
            let found = drawn(&scene, &shot, LineKind::Edges, width_px, 2);
            let expected = expected(&segments, 150, f64::from(width_px));
            assert_drawn(&found, &expected, &format!("lines of {width_px} px"));
        }
    }
}

#[test]
fn a_ball_has_an_outline_and_no_line_within_however_it_is_divided() {
    let radius_px = 80.0 / 2.4;
    for n in [5, 8, 20, 90] {
        for smooth in [true, false] {
            let scene = scene(vec![sphere(n, smooth)], &[(0, DAffine3::IDENTITY)]);
            let found = edges(&scene, &shot(DVec3::new(0.3, 0.5, 3.0), 2.4, 80, 1));
            let inside: f32 = (0..80 * 80)
                .filter(|pixel| {
                    let at = DVec2::new(f64::from(pixel % 80), f64::from(pixel / 80)) + 0.5 - 40.0;
                    at.length() < 0.78 * radius_px
                })
                .map(|pixel| found[pixel as usize])
                .sum();
            // Flat sides are what a file without normals shows: with 20 rings they bend by 9°, with 5 by 36°.
            if smooth || n >= 20 {
                assert_eq!(inside, 0.0, "lines within a ball of {n} rings");
                let outline_px = 2.0 * std::f64::consts::PI * radius_px;
                let length_px = f64::from(found.iter().sum::<f32>() / WIDTH_PX);
                let least = if n < 8 { 0.9 } else { 0.97 };
                assert!((least..1.01).contains(&(length_px / outline_px)), "{n}: {length_px} of {outline_px} px");
            } else if n == 5 {
                assert!(inside > 50.0, "no lines between flat sides");
            }
        }
    }
}

/// Two upright squares side by side: the border between them is in the middle of the picture.
fn neighbours() -> [DAffine3; 2] {
    let upright = DQuat::from_rotation_x(std::f64::consts::FRAC_PI_2);
    [-1.0, 1.0].map(|x| DAffine3::from_rotation_translation(upright, DVec3::new(x, 0.0, 0.0)))
}

/// Coverage summed over each column.
fn columns(layer: &[f32], size_px: usize) -> Vec<f32> {
    (0..size_px).map(|x| layer.iter().skip(x).step_by(size_px).sum::<f32>() / size_px as f32).collect()
}

#[test]
fn parts_and_materials_that_touch_have_a_border() {
    let shot = shot(DVec3::Z * 3.0, 1.0, 40, 1);
    let [left, right] = neighbours();
    let of_parts = scene(vec![plane()], &[(0, left), (0, right)]);
    let across: Vec<f32> = columns(&edges(&of_parts, &shot), 40);
    // 1.5 px around the border between pixels 19 and 20.
    let line = |x: usize| if x == 19 || x == 20 { 0.75 } else { 0.0 };
    for (x, covered) in across.iter().enumerate() {
        assert!((covered - line(x)).abs() < 0.02, "column {x}: {covered}");
    }
    // The same as one part of one material, and of two.
    let moved = |place: DAffine3| {
        let mut square = plane();
        for position in &mut square.positions {
            *position = place.transform_point3(position.as_dvec3()).as_vec3();
        }
        square
    };
    let mut one_part = scene(Vec::new(), &[(0, DAffine3::IDENTITY)]);
    one_part.meshes = vec![Mesh { primitives: vec![moved(left), moved(right)] }];
    assert_eq!(edges(&one_part, &shot).iter().sum::<f32>(), 0.0, "one surface of two pieces has a line");
    for (i, primitive) in one_part.meshes[0].primitives.iter_mut().enumerate() {
        primitive.material = Some(packshot_renderer::scene::MaterialIdx(i as u32));
    }
    one_part.materials = vec![Default::default(); 2];
    let style = LineStyle { width_px: WIDTH_PX, crease_rad: LineStyle::CREASE_RAD };
    let own = load(&one_part, &[], &[PartMaterial::Own], &shot, 2).lines(LineKind::Edges, style);
    assert_eq!(columns(&own, 40), across, "the line between materials differs from that between parts");
}

#[test]
fn a_piece_that_stands_before_another_of_its_part_has_an_outline() {
    let shot = shot(DVec3::new(0.0, 0.4, 3.0), 1.0, 40, 1);
    let pixel_m = 1.0 / 40.0;
    let upright = neighbours()[0];
    for (depth_px, has_line) in [(4.0, true), (1.0, true), (0.2, false)] {
        let mut mesh = Mesh { primitives: vec![plane(), plane()] };
        for (i, piece) in mesh.primitives.iter_mut().enumerate() {
            let place = DVec3::new(if i == 0 { 0.0 } else { 1.0 }, 0.0, i as f64 * -depth_px * pixel_m);
            for position in &mut piece.positions {
                let wide = upright.matrix3 * position.as_dvec3() * if i == 0 { 1.0 } else { 3.0 };
                *position = (wide + place - DVec3::X * if i == 0 { 1.0 } else { 0.0 }).as_vec3();
            }
        }
        let mut scene = scene(Vec::new(), &[(0, DAffine3::IDENTITY)]);
        scene.meshes = vec![mesh];
        let across = columns(&edges(&scene, &shot), 40);
        let expected = if has_line { WIDTH_PX } else { 0.0 };
        let found: f32 = across.iter().sum();
        assert!((found - expected).abs() < 0.03, "a step of {depth_px} px has a line of {found} px");
        assert!(across[..18].iter().chain(&across[22..]).all(|&covered| covered == 0.0), "{across:?}");
    }
}

#[test]
fn nothing_is_drawn_of_what_is_behind_something_and_of_the_floor() {
    let upright = DQuat::from_rotation_x(std::f64::consts::FRAC_PI_2);
    let wall = DAffine3::from_scale_rotation_translation(DVec3::splat(4.0), upright, DVec3::Z * 2.0);
    let hidden = scene(vec![cube(), plane()], &[(0, DAffine3::IDENTITY), (1, wall)]);
    assert_eq!(edges(&hidden, &shot(DVec3::Z * 5.0, 4.0, 60, 1)).iter().sum::<f32>(), 0.0);
    let alone = scene(vec![cube()], &[(0, DAffine3::IDENTITY)]);
    let mut above = shot(DVec3::new(1.0, 2.0, 5.0), 6.0, 60, 1);
    let without = edges(&alone, &above);
    assert!(without.iter().sum::<f32>() > 50.0, "no lines");
    above.floor = Some(Floor::square(-2.0, 4.0, "Felt", OpenPbr::default()));
    assert!(edges(&alone, &above) == without, "the floor has lines");
}

#[test]
fn a_wireframe_has_the_borders_of_triangles() {
    let upright = DQuat::from_rotation_x(std::f64::consts::FRAC_PI_2);
    let scene = scene(vec![plane()], &[(0, DAffine3::from_rotation_translation(upright, DVec3::ZERO))]);
    let shot = shot(DVec3::Z * 3.0, 2.6, 50, 1);
    let at = |x: f64, y: f64| projected(&shot, DVec3::new(x, y, 0.0));
    let around = [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0]];
    let mut segments: Vec<[DVec2; 2]> =
        around.windows(2).map(|w| [at(w[0][0], w[0][1]), at(w[1][0], w[1][1])]).collect();
    let outline = expected(&segments, 50, f64::from(WIDTH_PX));
    assert_drawn(&edges(&scene, &shot), &outline, "a square has an outline and nothing within");
    // The two triangles of the square share the diagonal between its first and its third corner.
    segments.push([at(-1.0, 1.0), at(1.0, -1.0)]);
    let found = drawn(&scene, &shot, LineKind::Wireframe, WIDTH_PX, 2);
    assert_drawn(&found, &expected(&segments, 50, f64::from(WIDTH_PX)), "a square of two triangles");
}

#[test]
fn threads_change_no_line_and_other_layers_keep_their_places() {
    let scene =
        scene(vec![cube(), sphere(16, true)], &[(0, DAffine3::IDENTITY), (1, DAffine3::from_translation(DVec3::X))]);
    let shot = shot(DVec3::new(1.0, 2.0, 3.0), 4.2, 150, 4);
    let one = drawn(&scene, &shot, LineKind::Edges, 3.0, 1);
    assert!(one == drawn(&scene, &shot, LineKind::Edges, 3.0, 2));
    let worn = [PartMaterial::Palette(0), PartMaterial::Palette(0)];
    let loaded = load(&scene, &[OpenPbr::default().into()], &worn, &shot, 2);
    let edges = Quantity::Lines(LineKind::Edges);
    let mixed = loaded.layers(&[Quantity::Depth, edges, Quantity::Normal], 4);
    let alone = loaded.layers(&[Quantity::Depth, Quantity::Normal], 4);
    assert!(mixed[0] == alone[0] && mixed[2] == alone[1]);
    assert!(mixed[1] == loaded.layers(&[edges], 4)[0] && mixed[1].iter().any(|&covered| covered > 0.9));
}
