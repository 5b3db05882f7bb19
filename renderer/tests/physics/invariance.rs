//! What must not change a picture: the unit of length, the product's position and rotation, how it is stored, and how
//! the work is divided. Pictures with the same seed differ only by rounding unless stated otherwise.

use std::sync::Mutex;
use std::time::Duration;

use glam::{DQuat, DVec3};
use packshot_renderer::backend::{CancelToken, Progress, RenderControl, Snapshots};
use packshot_renderer::film::Film;
use packshot_renderer::prepare::PaletteEntry;

use crate::arrangement::{Arrangement, Placement, Sky};
use crate::difference::{flip, mean};
use crate::scenes::{Loaded, load, sphere};

const SIZE_PX: u32 = 48;
const SAMPLES: u32 = 8;
/// Largest mean FLIP error between pictures that must be the same.
const FLIP_MAX: f32 = 0.01;

fn arranged(placement: &Placement) -> Arrangement {
    Arrangement::new(&sphere(24, true), placement, SIZE_PX, SAMPLES)
}

fn loaded(arrangement: &Arrangement, n_threads: usize) -> Loaded {
    let Arrangement { scene, palette, materials, shot } = arrangement;
    let palette: Vec<PaletteEntry> = palette.iter().copied().map(PaletteEntry::from).collect();
    load(scene, &palette, materials, shot, n_threads)
}

fn picture(arrangement: &Arrangement) -> Film {
    let film = loaded(arrangement, 2).render(&RenderControl::new(&CancelToken::default()));
    assert!(mean(&film) > 0.1 && film.resolve().as_flattened().iter().all(|value| value.is_finite()));
    film
}

#[test]
fn micrometres_millimetres_and_kilometres_make_one_picture() {
    let metres = picture(&arranged(&Placement::default()));
    for unit_m in [1e-6, 1e-3, 1e3] {
        let other = picture(&arranged(&Placement { unit_m, ..Placement::default() }));
        let flip = flip(&metres, &other);
        assert!(flip <= FLIP_MAX, "unit {unit_m} m: FLIP {flip}");
    }
}

#[test]
fn a_product_far_from_the_origin_makes_the_same_picture() {
    let near = picture(&arranged(&Placement::default()));
    let far = picture(&arranged(&Placement { at_m: DVec3::new(3e6, -2e5, 7e6), ..Placement::default() }));
    let flip = flip(&near, &far);
    assert!(flip <= FLIP_MAX, "FLIP {flip}");
}

/// A rotation changes which directions paths take, because frames around normals depend on the axes of the world: the
/// pictures agree within noise, which is measured by another seed.
fn assert_turns(straight: &Placement, turned: &Placement) {
    let with_samples = |placement: &Placement, seed: u32| {
        let mut arrangement = arranged(placement);
        (arrangement.shot.film.samples, arrangement.shot.film.seed) = (32, seed);
        picture(&arrangement)
    };
    let straight_film = with_samples(straight, 3);
    let (turned, noise) = (with_samples(turned, 3), with_samples(straight, 4));
    let (difference, floor) = (flip(&straight_film, &turned), flip(&straight_film, &noise));
    assert!(difference <= 1.1 * floor, "FLIP {difference} of the turned picture, {floor} of another seed");
    let bias = mean(&turned) / mean(&straight_film) - 1.0;
    assert!(bias.abs() < 0.005, "the means differ by {bias}");
}

#[test]
fn a_turned_product_with_its_camera_and_sky_makes_the_same_picture() {
    let angle = 0.83;
    let sky = Sky::Map { rotation_x_rad: 0.0, rotation_y_rad: angle };
    let turned = Placement { turn: DQuat::from_rotation_y(angle), sky, ..Placement::default() };
    assert_turns(&Placement::default(), &turned);
    let sky = Sky::Map { rotation_x_rad: -1.9, rotation_y_rad: angle };
    let turn = DQuat::from_rotation_y(angle) * DQuat::from_rotation_x(-1.9);
    assert_turns(&Placement::default(), &Placement { turn, sky, ..Placement::default() });
    // A sky that may be rotated about every axis must be the same everywhere.
    let straight = Placement { sky: Sky::Uniform, ..Placement::default() };
    let turn = DQuat::from_axis_angle(DVec3::new(1.0, -2.0, 0.5).normalize(), 2.1);
    assert_turns(&straight, &Placement { turn, ..straight });
}

#[test]
fn instances_and_baked_copies_make_one_picture() {
    // Above half a million triangles parts that share a mesh are instances of it; a mesh of one part is baked.
    let ball = sphere(96, true);
    let stored = |is_shared| {
        let placement = Placement { is_shared, ..Placement::default() };
        let loaded = loaded(&Arrangement::new(&ball, &placement, SIZE_PX, SAMPLES), 2);
        (loaded.n_instances, loaded.render(&RenderControl::new(&CancelToken::default())))
    };
    let ((n_shared, shared), (n_baked, baked)) = (stored(true), stored(false));
    assert_eq!((n_shared, n_baked), (17, 1));
    let flip = flip(&shared, &baked);
    assert!(flip <= FLIP_MAX, "FLIP {flip}");
}

#[test]
fn threads_passes_and_watchers_change_no_bit() {
    let mut arrangement = arranged(&Placement::default());
    // Blocks are cut off, and pixels stop at different numbers of samples.
    let film = &mut arrangement.shot.film;
    (film.width_px, film.height_px, film.samples, film.noise_threshold) = (72, 20, 48, 0.1);
    let render = |n_threads| loaded(&arrangement, n_threads).render(&RenderControl::new(&CancelToken::default()));
    let one = render(1);
    assert!(one.samples.iter().any(|&n| n < 48) && one.samples.contains(&48));
    for n_threads in [2, 5] {
        let other = render(n_threads);
        assert!(one.sums == other.sums && one.samples == other.samples, "{n_threads} threads");
    }
    let n_snapshots = Mutex::new(0);
    let receive = |_| *n_snapshots.lock().expect("not poisoned") += 1;
    let snapshots = Some(Snapshots { pause: Duration::ZERO, side_max_px: 8, receive: &receive });
    let cancel = CancelToken::default();
    let control = RenderControl { snapshots, ..RenderControl::new(&cancel) };
    let watched = loaded(&arrangement, 2).render(&control);
    assert!(one.sums == watched.sums && one.samples == watched.samples);
    assert_eq!(n_snapshots.into_inner().expect("not poisoned"), 6, "after 1, 2, 4, 8, 16 and 32 samples");
}

/// A pass takes as long as it takes: progress is told meanwhile.
#[test]
fn progress_grows_within_a_pass() {
    let mut arrangement = arranged(&Placement::default());
    let film = &mut arrangement.shot.film;
    (film.width_px, film.height_px, film.samples, film.noise_threshold) = (192, 192, 64, 0.0);
    let seen = Mutex::new(Vec::new());
    let progress = |p: Progress| seen.lock().expect("not poisoned").push((p.samples, p.done));
    let cancel = CancelToken::default();
    loaded(&arrangement, 2).render(&RenderControl { progress: &progress, ..RenderControl::new(&cancel) });
    let seen = seen.into_inner().expect("not poisoned");
    // One pass of a second or so.
    assert!(seen.len() > 1, "{seen:?}");
    assert!(seen.windows(2).all(|w| w[0].0 <= w[1].0 && w[0].1 < w[1].1), "{seen:?}");
    assert_eq!(seen.last(), Some(&(64, 1.0)));
}
