//! Flawed geometry: shells that face inwards, coincident faces, needles and triangles without area.

use glam::{DAffine3, DVec3, Vec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::backend::{CancelToken, RenderControl};
use packshot_renderer::film::Film;
use packshot_renderer::prepare::PaletteEntry;
use packshot_renderer::scene::Primitive;
use packshot_renderer::shot::{Environment, Light, Shot};

use crate::arrangement::{Arrangement, Placement};
use crate::difference::{flip, mean};
use crate::scenes::{load, plane, render, render_parts, scene, shot, sphere};

fn turned_over(mut primitive: Primitive) -> Primitive {
    primitive.triangles.iter_mut().for_each(|triangle| triangle.swap(1, 2));
    primitive
}

#[test]
fn shells_that_look_inwards_make_the_picture_of_those_that_look_outwards() {
    // Metal, glass, wax and coated plastic: light enters two of them.
    let picture = |ball: &Primitive| {
        let Arrangement { scene, palette, materials, shot } = Arrangement::new(ball, &Placement::default(), 48, 8);
        let palette: Vec<PaletteEntry> = palette.into_iter().map(PaletteEntry::from).collect();
        load(&scene, &palette, &materials, &shot, 2).render(&RenderControl::new(&CancelToken::default()))
    };
    let ball = sphere(24, true);
    let right = picture(&ball);
    let mut normals_too = turned_over(ball.clone());
    normals_too.normals.iter_mut().for_each(|normal| *normal = -*normal);
    for (what, turned) in [("faces", turned_over(ball)), ("faces and normals", normals_too)] {
        let flip = flip(&right, &picture(&turned));
        assert!(flip <= 0.01, "{what}: FLIP {flip}");
    }
}

fn matt(base_color: [f32; 3]) -> OpenPbr {
    OpenPbr { base_color, specular_weight: 0.3, ..OpenPbr::default() }
}

fn lit(mut shot: Shot) -> Shot {
    shot.environment = Environment::Uniform { radiance: [0.5; 3] };
    shot.lights = vec![Light::Point { position_m: DVec3::new(2.0, 3.0, 2.0), intensity: [4.0; 3] }];
    shot
}

#[test]
fn of_parts_in_one_place_the_first_one_is_seen() {
    let shot = lit(shot(DVec3::new(1.0, 1.0, 3.0), 2.4, 72, 8));
    let here = |n| scene(vec![sphere(24, true)], &vec![(0, DAffine3::IDENTITY); n]);
    let [red, blue] = [[0.8, 0.1, 0.1], [0.1, 0.1, 0.8]].map(matt);
    for (first, second) in [(red, blue), (blue, red)] {
        let alone = render(&here(1), &first, &shot, 2);
        for n_threads in [1, 3] {
            let both = render_parts(&here(2), &[first, second], &[0, 1], &shot, n_threads);
            assert!(both.sums == alone.sums, "{n_threads} threads");
        }
    }
}

#[test]
fn faces_that_lie_in_each_other_make_the_same_picture_on_any_number_of_threads() {
    // The same square cut along its other diagonal: which one is hit varies from place to place, by rounding.
    let other = Primitive { triangles: vec![[1, 2, 3], [1, 3, 0]], ..plane() };
    let crossed = scene(vec![plane(), other], &[(0, DAffine3::IDENTITY), (1, DAffine3::IDENTITY)]);
    let shot = lit(shot(DVec3::new(1.0, 2.0, 1.5), 2.4, 72, 8));
    let palette = [[0.8, 0.1, 0.1], [0.1, 0.1, 0.8]].map(matt);
    let picture = |n_threads| render_parts(&crossed, &palette, &[0, 1], &shot, n_threads);
    let one = picture(1);
    assert!(one.sums == picture(2).sums && one.sums == picture(5).sums);
}

/// A square with a band of needles in its middle.
fn needles() -> Primitive {
    const N: u32 = 200;
    const WIDTH: f32 = 8e-6;
    let x = |i: u32| match i {
        0 => -1.0,
        _ if i == N + 2 => 1.0,
        _ => (i as f32 - 1.0 - 0.5 * N as f32) * WIDTH,
    };
    let positions = (0..N + 3).flat_map(|i| [1.0, -1.0].map(|z| Vec3::new(x(i), 0.0, z))).collect();
    let strip = |i: u32| [[2 * i + 1, 2 * i, 2 * i + 2], [2 * i + 1, 2 * i + 2, 2 * i + 3]];
    Primitive { positions, triangles: (0..N + 2).flat_map(strip).collect(), ..plane() }
}

#[test]
fn needles_and_triangles_without_area_leave_no_trace() {
    let mut flat = plane();
    flat.positions.extend([
        Vec3::ZERO,
        Vec3::new(0.5, 0.0, 0.0),
        Vec3::new(1.0, 0.0, 0.0),
        Vec3::Y * f32::MIN_POSITIVE,
    ]);
    flat.triangles.extend([[0, 0, 0], [0, 0, 2], [4, 5, 6], [6, 4, 5], [4, 7, 4], [4, 5, 7]]);
    // Perpendicular, oblique and along the needles, on a patch as large as a few of them.
    for eye in [DVec3::Y, DVec3::new(0.7, 0.4, 0.1), DVec3::new(0.02, 0.3, 1.0)] {
        for height_m in [1.8e-3, 2e-5] {
            let picture = |primitive: Primitive| -> Film {
                let shot = lit(shot(eye, height_m, 24, 8));
                render(&scene(vec![primitive], &[(0, DAffine3::IDENTITY)]), &matt([0.5; 3]), &shot, 2)
            };
            let whole = picture(plane());
            for (what, other) in [("needles", picture(needles())), ("flat", picture(flat.clone()))] {
                let resolved = other.resolve();
                assert!(resolved.iter().all(|p| p[3] == 1.0), "{what} from {eye}: there are gaps in the ground");
                assert!(resolved.as_flattened().iter().all(|value| value.is_finite()), "{what} from {eye}");
                let flip = flip(&whole, &other);
                assert!(flip <= 0.01 && mean(&other) > 0.1, "{what} from {eye}, {height_m} m: FLIP {flip}");
            }
        }
    }
}
