//! Traversal against brute force, and against itself on every instruction set.

mod brute;
mod scenes;

use std::collections::BTreeSet;

use glam::{Affine3A, Mat3, Vec3, Vec3A};
use packshot_shaders::layout::ray::{Hit, Ray};
use proptest::prelude::*;

use super::{Opacity, OpacityFilter, SimdLevel};
use crate::{Accel, SceneBvh};
use scenes::{TestScene, grid_sphere, ray};

/// Surfaces that let rays through.
#[derive(Clone, Copy)]
enum Thinned {
    /// Lets some candidates through, depending on ray and triangle.
    Dither,
    /// Lets everything through.
    Glass,
}

impl OpacityFilter for Thinned {
    fn blocks(&self, ray_idx: usize, hit: &Hit) -> bool {
        let key = (ray_idx as u32).wrapping_mul(0x9e37_79b9) ^ hit.triangle.wrapping_mul(0x85eb_ca6b) ^ hit.instance;
        match self {
            Self::Dither => key.wrapping_mul(0xc2b2_ae35) >> 31 == 0,
            Self::Glass => false,
        }
    }
}

/// The scene's trees for each instruction set that this CPU has.
fn accels(scene: &TestScene) -> Vec<Accel> {
    let bvh = scene.build();
    let levels = SimdLevel::ALL.into_iter().filter(|level| level.is_supported());
    levels.map(|level| Accel::new(&bvh, level, &|| false).expect("nobody cancels")).collect()
}

fn closest(accel: &Accel, rays: &[Ray], opacity: Opacity<'_>) -> Vec<Hit> {
    let mut hits = vec![Hit::miss(0.0); rays.len()];
    accel.closest(rays, &mut hits, opacity);
    hits
}

fn closest_coherent(accel: &Accel, rays: &[Ray], opacity: Opacity<'_>) -> Vec<Hit> {
    let mut hits = vec![Hit::miss(0.0); rays.len()];
    accel.closest_coherent(rays, &mut hits, opacity);
    hits
}

fn occluded(accel: &Accel, rays: &[Ray], opacity: Opacity<'_>) -> Vec<bool> {
    let mut occluded = vec![false; rays.len()];
    accel.occluded(rays, &mut occluded, opacity);
    occluded
}

/// Every query on every instruction set gives exactly the result of testing all triangles.
#[track_caller]
fn check_with(scene: &TestScene, rays: &[Ray], opacity: Opacity<'_>) -> Vec<Hit> {
    let expected = brute::closest(&scene.build(), rays, opacity);
    for accel in accels(scene) {
        let level = accel.level();
        for (ray_idx, (hit, want)) in closest(&accel, rays, opacity).iter().zip(&expected).enumerate() {
            assert_eq!(hit, want, "{level:?}, ray {ray_idx}: {:?}", rays[ray_idx]);
        }
        assert_eq!(closest_coherent(&accel, rays, opacity), expected, "{level:?}, coherent");
        let blocked = expected.iter().map(|hit| !hit.is_miss()).collect::<Vec<_>>();
        assert_eq!(occluded(&accel, rays, opacity), blocked, "{level:?}, occluded");
    }
    expected
}

#[track_caller]
fn check(scene: &TestScene, rays: &[Ray]) -> Vec<Hit> {
    check_with(scene, rays, Opacity::Of(&Thinned::Dither));
    check_with(scene, rays, Opacity::Full)
}

fn unit_vec3() -> impl Strategy<Value = Vec3> {
    prop::array::uniform3(-1.0f32..1.0).prop_map(Vec3::from)
}

fn small_vec3() -> impl Strategy<Value = Vec3> {
    // Quantised, so that vertices, planes and rays often coincide.
    prop::array::uniform3((-4i8..=4).prop_map(|i| f32::from(i) * 0.25)).prop_map(Vec3::from)
}

fn soup() -> impl Strategy<Value = Vec<[Vec3; 3]>> {
    let triangle = prop_oneof![
        4 => (unit_vec3(), unit_vec3(), unit_vec3(), 0.01f32..1.0).prop_map(|(a, b, c, s)| [a, a + b * s, a + c * s]),
        2 => (unit_vec3(), unit_vec3(), unit_vec3()).prop_map(|(a, b, c)| [a, b, a.lerp(b, 0.5) + c * 1e-6]),
        4 => prop::array::uniform3(small_vec3()),
        1 => (unit_vec3(), unit_vec3()).prop_map(|(a, b)| [a, b, a]),
    ];
    prop::collection::vec(triangle, 0..80)
}

fn any_rays() -> impl Strategy<Value = Vec<Ray>> {
    let generic = (unit_vec3(), unit_vec3()).prop_map(|(o, d)| ray(o * 3.0, d));
    let on_grid = (small_vec3(), small_vec3()).prop_map(|(o, d)| ray(o, d));
    let along_axis = (small_vec3(), 0usize..3, prop::bool::ANY).prop_map(|(o, axis, is_negative)| {
        let mut d = Vec3::ZERO;
        d[axis] = if is_negative { -1.0 } else { 1.0 };
        ray(o - d * 2.0, d)
    });
    let bounded = (unit_vec3(), unit_vec3(), 0.0f32..1.0, 0.0f32..3.0).prop_map(|(o, d, t_min, t_max)| Ray {
        t_min,
        t_max,
        ..ray(o, d)
    });
    prop::collection::vec(prop_oneof![4 => generic, 2 => on_grid, 2 => along_axis, 1 => bounded], 40)
}

/// Factors by axis: scenes that are far wider along some axes than along others, like floors.
fn any_stretch() -> impl Strategy<Value = Vec3> {
    prop::array::uniform3((-3i32..=3).prop_map(|exponent| 10f32.powi(exponent))).prop_map(Vec3::from)
}

fn any_placement() -> impl Strategy<Value = Affine3A> {
    let matrix = (unit_vec3(), unit_vec3(), unit_vec3(), unit_vec3(), -6.0f32..6.0);
    matrix.prop_filter_map("too flat", |(x, y, z, translation, exponent)| {
        let linear = Mat3::from_cols(x, y, z);
        (linear.determinant().abs() > 0.05).then(|| Affine3A {
            matrix3: (linear * 10f32.powf(exponent)).into(),
            translation: Vec3A::from(translation),
        })
    })
}

proptest! {
    #[test]
    fn one_mesh_matches_brute_force(triangles in soup(), rays in any_rays()) {
        check(&TestScene::one_mesh(triangles), &rays);
    }

    #[test]
    fn stretched_meshes_match_brute_force(
        triangles in soup(),
        rays in any_rays(),
        stretch in any_stretch(),
        offset in unit_vec3(),
        leaving in prop::collection::vec((any::<prop::sample::Index>(), unit_vec3(), unit_vec3()), 40),
    ) {
        let stretched = |v: Vec3| v * stretch + offset;
        let triangles: Vec<_> = triangles.iter().map(|triangle| triangle.map(stretched)).collect();
        let mut rays: Vec<_> = rays
            .iter()
            .map(|r| Ray { origin: stretched(r.origin), direction: r.direction * stretch, ..*r })
            .collect();
        // From points on triangles too, as bounces start.
        if !triangles.is_empty() {
            rays.extend(leaving.iter().map(|(at, weights, direction)| {
                let [a, b, c] = *at.get(&triangles);
                let [u, v] = [0.5 + 0.5 * weights.x, (0.5 - 0.5 * weights.x) * (0.5 + 0.5 * weights.y)];
                ray(a + (b - a) * u + (c - a) * v, *direction)
            }));
        }
        check(&TestScene::one_mesh(triangles), &rays);
    }

    /// Of the rays of a packet, those of some are nearly those of the first, and the others are anything.
    #[test]
    fn packets_of_some_of_the_rays_match_brute_force(
        triangles in soup(),
        mut rays in any_rays(),
        (origin, along) in (unit_vec3(), unit_vec3()),
        beside in prop::collection::vec((unit_vec3(), 0u8..3), 40),
        placements in prop::collection::vec(any_placement(), 0..6),
        hostile in prop::collection::vec((0usize..40, any::<prop::sample::Index>()), 0..3),
        n in 1usize..=40,
    ) {
        for (other, (aside, kind)) in rays.iter_mut().zip(beside) {
            match kind {
                0 => *other = Ray { origin: origin + aside * 0.01, direction: along + aside * 0.01, ..*other },
                1 => other.direction = along - aside * 0.2,
                _ => {}
            }
        }
        // A hit of a ray without an end is not equal to itself.
        let bad: Vec<Ray> = hostile_rays().into_iter().filter(|ray| !ray.t_max.is_nan()).collect();
        for (place, which) in hostile {
            rays[place] = *which.get(&bad);
        }
        rays.truncate(n);
        let mut scene = TestScene::one_mesh(triangles);
        for world_from_local in placements {
            let mesh = scene.add_scaled(0, 1.0 / world_from_local.matrix3.determinant().abs().cbrt());
            scene.place(mesh, world_from_local);
        }
        check(&scene, &rays);
    }

    #[test]
    fn instances_match_brute_force(
        meshes in prop::collection::vec(soup(), 1..4),
        placements in prop::collection::vec(any_placement(), 0..24),
        rays in any_rays(),
    ) {
        let n_meshes = meshes.len();
        let mut scene = TestScene::meshes(meshes);
        for (idx, world_from_local) in placements.into_iter().enumerate() {
            // The mesh's frame is scaled inversely to the placement.
            let scale = world_from_local.matrix3.determinant().abs().cbrt();
            let mesh = scene.add_scaled(idx % n_meshes, 1.0 / scale);
            scene.place(mesh, world_from_local);
        }
        check(&scene, &rays);
    }

    #[test]
    fn hits_are_where_f64_finds_them(triangles in soup(), rays in any_rays()) {
        let scene = TestScene::one_mesh(triangles.clone());
        let hits = closest(&accels(&scene)[0], &rays, Opacity::Full);
        for (ray, hit) in rays.iter().zip(hits) {
            brute::check_against_f64(&triangles, ray, &hit);
        }
    }
}

#[test]
fn no_ray_slips_through_a_closed_mesh() {
    let triangles = grid_sphere(20, 1.0);
    let aims = scenes::edge_points(&triangles);
    for (offset, scale) in [(Vec3::ZERO, 1.0), (Vec3::new(3.0, -2.0, 5.0), 1.0), (Vec3::splat(0.1), 1e-5)] {
        let moved = triangles.iter().map(|triangle| triangle.map(|v| (v * scale) + offset * scale)).collect();
        let scene = TestScene::one_mesh(moved);
        let center = offset * scale;
        let origins = [Vec3::ZERO, Vec3::new(0.3, 0.0, 0.0), Vec3::new(0.1, -0.5, 0.2), Vec3::new(0.0, 0.0, 0.9)];
        let rays = origins.iter().flat_map(|&origin| {
            let origin = center + origin * scale;
            aims.iter().map(move |&aim| ray(origin, center + aim * scale - origin))
        });
        let rays = rays.collect::<Vec<_>>();
        for accel in accels(&scene) {
            let leaks = closest(&accel, &rays, Opacity::Full).iter().filter(|hit| hit.is_miss()).count();
            assert_eq!(leaks, 0, "{:?}: {leaks} of {} rays got out", accel.level(), rays.len());
            assert!(closest_coherent(&accel, &rays, Opacity::Full).iter().all(|hit| !hit.is_miss()));
            assert!(occluded(&accel, &rays, Opacity::Full).iter().all(|&is_occluded| is_occluded));
        }
    }
}

#[test]
fn no_ray_slips_through_a_cube_along_its_faces_planes() {
    let scene = TestScene::one_mesh(scenes::cube());
    let mut rays = Vec::new();
    for (axis, step) in (0..3).flat_map(|axis| (-8..=8).map(move |step| (axis, step))) {
        for across in -8..=8 {
            let mut origin = Vec3::ZERO;
            origin[axis] = -3.0;
            origin[(axis + 1) % 3] = step as f32 / 8.0;
            origin[(axis + 2) % 3] = across as f32 / 8.0;
            rays.push(ray(origin, Vec3::ZERO.with_axis(axis, 1.0)));
            rays.push(ray(-origin, Vec3::ZERO.with_axis(axis, -1.0)));
        }
    }
    for hit in check_with(&scene, &rays, Opacity::Full) {
        assert!((hit.t - 2.0).abs() < 1e-6, "{hit:?}");
    }
}

trait WithAxis {
    fn with_axis(self, axis: usize, value: f32) -> Self;
}

impl WithAxis for Vec3 {
    fn with_axis(mut self, axis: usize, value: f32) -> Vec3 {
        self[axis] = value;
        self
    }
}

#[test]
fn of_coincident_triangles_the_first_wins() {
    let triangle = [Vec3::new(-1.0, -1.0, 0.0), Vec3::new(1.0, -1.0, 0.0), Vec3::new(0.0, 1.0, 0.0)];
    let rays = [ray(Vec3::new(0.0, 0.0, 5.0), Vec3::NEG_Z), ray(Vec3::new(0.1, -0.3, -2.0), Vec3::new(0.1, 0.0, 1.0))];
    let scene = TestScene::one_mesh(vec![triangle; 10_000]);
    for hit in check_with(&scene, &rays, Opacity::Full) {
        assert_eq!((hit.instance, hit.triangle), (0, 0));
    }
    let mut twice = TestScene::meshes(vec![vec![triangle; 3], vec![triangle; 3]]);
    for mesh in [1, 0, 1] {
        twice.place(mesh, Affine3A::IDENTITY);
    }
    for hit in check_with(&twice, &rays, Opacity::Full) {
        assert_eq!((hit.instance, hit.triangle), (0, 3), "the lower instance comes first, then the lower triangle");
    }
}

#[test]
fn trees_of_nothing_and_of_little() {
    let rays = [ray(Vec3::new(0.0, 0.0, 5.0), Vec3::NEG_Z)];
    let triangle = [Vec3::new(-1.0, -1.0, 0.0), Vec3::new(1.0, -1.0, 0.0), Vec3::new(0.0, 1.0, 0.0)];
    assert!(check(&TestScene::meshes(vec![]), &rays)[0].is_miss());
    assert!(check(&TestScene::one_mesh(vec![]), &rays)[0].is_miss());
    assert_eq!(check(&TestScene::one_mesh(vec![triangle]), &rays)[0].t, 5.0);
    let point = [triangle[0]; 3];
    let bad = [Vec3::NAN, triangle[1], triangle[2]];
    let far = [Vec3::splat(1e30), triangle[1], triangle[2]];
    let hit = check(&TestScene::one_mesh(vec![point, bad, far, triangle]), &rays)[0];
    assert_eq!((hit.t, hit.triangle), (5.0, 3));
}

/// Rays that hit nothing near the origin, some of which are none.
fn hostile_rays() -> Vec<Ray> {
    let values = [0.0, -0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MIN_POSITIVE, f32::MAX, 1e-40];
    let mut rays = Vec::new();
    for a in values {
        rays.push(ray(Vec3::new(0.0, 0.0, 1.0), Vec3::new(a, a, a)));
        rays.push(ray(Vec3::new(a, 0.0, 1.0), Vec3::new(0.0, a, a)));
        rays.push(Ray { t_min: a, ..ray(Vec3::new(0.0, 0.0, 1.0), Vec3::X) });
        rays.push(Ray { t_max: a, ..ray(Vec3::new(9.0, 0.0, 1.0), Vec3::NEG_Z) });
    }
    rays
}

#[test]
fn hostile_rays_and_placements_hit_nothing() {
    let triangle = [Vec3::new(-1.0, -1.0, 0.0), Vec3::new(1.0, -1.0, 0.0), Vec3::new(0.0, 1.0, 0.0)];
    let rays = hostile_rays();
    let mut scene = TestScene::one_mesh(vec![triangle]);
    scene.place(0, Affine3A::from_scale(Vec3::ZERO));
    scene.place(0, Affine3A::from_translation(Vec3::NAN));
    scene.place(0, Affine3A::from_scale(Vec3::splat(1e30)));
    for accel in accels(&scene) {
        assert!(closest(&accel, &rays, Opacity::Full).iter().all(Hit::is_miss));
        assert!(closest_coherent(&accel, &rays, Opacity::Full).iter().all(Hit::is_miss));
        assert!(!occluded(&accel, &rays, Opacity::Full).contains(&true));
    }
}

/// Rays are prepared together, as many as there are lanes: what one of them is changes nothing for the others.
#[test]
fn hostile_rays_do_not_disturb_their_neighbours() {
    let scene = TestScene::one_mesh(grid_sphere(12, 0.5));
    let sound: Vec<Ray> = scenes::edge_points(&scene.meshes[0])
        .into_iter()
        .flat_map(|aim| [Ray { t_max: f32::INFINITY, ..ray(Vec3::ZERO, aim) }, ray(Vec3::splat(2.0), aim)])
        .collect();
    let hostile = hostile_rays();
    // Not through the sphere's origin, so that those that are sound hit nothing.
    let aside = |ray: &Ray| Ray { origin: ray.origin + Vec3::new(0.0, 7.0, 0.0), ..*ray };
    let mixed: Vec<Ray> =
        sound.iter().zip(hostile.iter().cycle()).flat_map(|(good, bad)| [*good, aside(bad)]).collect();
    for accel in accels(&scene) {
        let alone = closest(&accel, &sound, Opacity::Full);
        assert!(alone.iter().any(|hit| !hit.is_miss()));
        let good: Vec<Hit> = closest(&accel, &mixed, Opacity::Full).into_iter().step_by(2).collect();
        assert_eq!(good, alone);
        let good: Vec<Hit> = closest_coherent(&accel, &mixed, Opacity::Full).into_iter().step_by(2).collect();
        assert_eq!(good, alone);
        let good: Vec<bool> = occluded(&accel, &mixed, Opacity::Full).into_iter().step_by(2).collect();
        assert_eq!(good, occluded(&accel, &sound, Opacity::Full));
    }
}

#[test]
fn a_ray_without_an_end_is_not_the_end_of_its_packet() {
    let scene = TestScene::one_mesh(grid_sphere(12, 0.5));
    let rays: Vec<Ray> = (0..16).map(|i| ray(Vec3::new(i as f32 * 0.01, 0.0, 5.0), Vec3::NEG_Z)).collect();
    for accel in accels(&scene) {
        let alone = closest(&accel, &rays, Opacity::Full);
        assert!(alone.iter().all(|hit| !hit.is_miss()));
        for lane in 0..rays.len() {
            let mut rays = rays.clone();
            rays[lane].t_max = f32::NAN;
            let together = closest_coherent(&accel, &rays, Opacity::Full);
            assert!(together[lane].is_miss());
            let others = |hits: &[Hit]| [&hits[..lane], &hits[lane + 1..]].concat();
            assert_eq!(others(&together), others(&alone), "{:?}, lane {lane}", accel.level());
        }
    }
}

#[test]
fn the_interval_is_open() {
    let triangle = [Vec3::new(-1.0, -1.0, 0.0), Vec3::new(1.0, -1.0, 0.0), Vec3::new(0.0, 1.0, 0.0)];
    let down = ray(Vec3::new(0.0, 0.0, 2.0), Vec3::NEG_Z);
    let table = [(0.0, 2.0, false), (2.0, 9.0, false), (0.0, 2.0f32.next_up(), true), (2.0f32.next_down(), 9.0, true)];
    for (t_min, t_max, is_hit) in table {
        let hit = check_with(&TestScene::one_mesh(vec![triangle]), &[Ray { t_min, t_max, ..down }], Opacity::Full)[0];
        assert_eq!(!hit.is_miss(), is_hit, "{t_min} < 2 < {t_max}");
        assert_eq!(hit.t, if is_hit { 2.0 } else { t_max });
    }
}

#[test]
fn what_blocks_nothing_is_not_there() {
    let scene = TestScene::one_mesh(grid_sphere(12, 1.0));
    let rays = scenes::edge_points(&scene.meshes[0]).into_iter().map(|aim| ray(Vec3::ZERO, aim)).collect::<Vec<_>>();
    assert!(check_with(&scene, &rays, Opacity::Of(&Thinned::Glass)).iter().all(Hit::is_miss));
    let through = check_with(&scene, &rays, Opacity::Of(&Thinned::Dither));
    let distinct = through.iter().map(|hit| hit.is_miss()).collect::<BTreeSet<_>>();
    assert_eq!(distinct.len(), 2, "a dithered shell stops some rays and lets others out");
}

#[test]
fn builds_can_be_cancelled_and_check_their_input() {
    let scene = TestScene::one_mesh(grid_sphere(8, 1.0));
    assert!(matches!(scene.try_build(&|| true), Err(crate::AccelError::Cancelled)));
    let mut scene = TestScene::meshes(vec![]);
    scene.place(3, Affine3A::IDENTITY);
    let error: Result<SceneBvh, _> = scene.try_build(&|| false);
    assert!(matches!(error, Err(crate::AccelError::MeshOutOfRange { instance: 0, mesh: 3 })));
}
