//! Watching a render, cancelling it, and losing its device.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use packshot_renderer::backend::device::lost;
use packshot_renderer::backend::gpu::SliceLimits;
use packshot_renderer::backend::{Backend, CancelToken, Progress, RenderControl, RenderError};
use packshot_renderer::film::Film;

use crate::scenes::{ADAPTER_STATE, adapter, ball, glass, gpu, open_alone, render, still_life};

#[test]
fn cancelling_ends_within_two_seconds() {
    let loaded = still_life(256, 4096).prepare().load(gpu()).expect("the scene fits");
    let cancel = CancelToken::default();
    let result = std::thread::scope(|scope| {
        let control = RenderControl::new(&cancel);
        let render = scope.spawn(move || (loaded.render(&control), Instant::now()));
        std::thread::sleep(Duration::from_millis(300));
        let cancelled = Instant::now();
        cancel.cancel();
        let (result, ended) = render.join().expect("no panic");
        assert!(ended - cancelled < Duration::from_secs(2), "took {:?}", ended - cancelled);
        result
    });
    assert_eq!(result.map(|_| ()), Err(RenderError::Cancelled));
}

#[test]
fn time_runs_out_with_a_picture_in_hand() {
    let sketch = still_life(96, 65_536);
    let loaded = sketch.prepare().load(gpu()).expect("the scene fits");
    let cancel = CancelToken::default();
    let time_max = Some(Duration::from_secs(1));
    let rendered = loaded.render(&RenderControl { time_max, ..RenderControl::new(&cancel) }).expect("a picture");
    assert!(rendered.render_time >= Duration::from_millis(800), "{:?}", rendered.render_time);
    // Minutes without the limit. Beside other work, the sample that every pixel gets may take longer than the limit.
    assert!(rendered.render_time < Duration::from_secs(10), "{:?}", rendered.render_time);
    // The result is a picture with fewer samples per pixel: no sample is incomplete, and none is counted that does not
    // exist.
    let film = &rendered.film;
    let (fewest, most) = (film.samples.iter().min().copied(), film.samples.iter().max().copied());
    assert!(fewest >= Some(1) && most < Some(65_536), "{fewest:?} to {most:?} samples");
    let mut sketch = sketch;
    sketch.shot.film.samples = most.expect("pixels");
    let full = render(gpu(), &sketch.prepare()).film.resolve();
    let (side, cut_off) = (96, film.resolve());
    let around = |i: usize| (0..9).map(move |k| i + k % 3 + k / 3 * side - side - 1);
    let inside: Vec<usize> =
        (side + 1..side * (side - 1) - 1).filter(|&i| around(i).all(|k| full[k][3] > 0.99999)).collect();
    assert!(inside.len() > 1000, "{} pixels are covered", inside.len());
    assert!(
        inside.iter().all(|&i| (cut_off[i][3] - 1.0).abs() < 1e-5),
        "a pixel has more or fewer samples than were counted"
    );
    let mean = |image: &[[f32; 4]]| inside.iter().map(|&i| f64::from(image[i][1])).sum::<f64>();
    let error = mean(&cut_off) / mean(&full) - 1.0;
    assert!(error.abs() < 0.05, "{error:+.3}");
}

#[test]
fn however_little_time_every_pixel_gets_a_sample() {
    let loaded = still_life(48, 65_536).prepare().load(gpu()).expect("the scene fits");
    let cancel = CancelToken::default();
    let time_max = Some(Duration::from_nanos(1));
    let hurried = loaded.render(&RenderControl { time_max, ..RenderControl::new(&cancel) }).expect("a picture");
    assert!(hurried.film.samples.iter().all(|&n| n == 1));
    let alpha = |film: &Film| film.resolve().iter().map(|pixel| f64::from(pixel[3])).sum::<f64>();
    let error = alpha(&hurried.film) / alpha(&render(gpu(), &still_life(48, 16).prepare()).film) - 1.0;
    assert!(error.abs() < 0.02, "{error:+.4}");
}

#[test]
fn progress_grows_to_the_end() {
    let loaded = still_life(48, 24).prepare().load(gpu()).expect("the scene fits");
    let cancel = CancelToken::default();
    let seen: Mutex<Vec<Progress>> = Mutex::default();
    let progress = |p: Progress| seen.lock().expect("not poisoned").push(p);
    let rendered =
        loaded.render(&RenderControl { progress: &progress, ..RenderControl::new(&cancel) }).expect("a picture");
    let seen = seen.into_inner().expect("not poisoned");
    assert!(seen.len() > 1, "{seen:?}");
    assert!(seen.windows(2).all(|w| w[0].samples < w[1].samples && w[0].done <= w[1].done), "{seen:?}");
    let last = seen.last().expect("some");
    assert_eq!((last.samples, last.samples_max, last.done), (24, 24, 1.0));
    assert_eq!(last.paths, 48 * 48 * 24);
    assert!(rendered.rays > last.paths);
}

#[test]
fn a_lost_device_is_opened_again_and_the_picture_is_the_same() {
    let _alone = ADAPTER_STATE.write();
    let backend = open_alone(SliceLimits::default());
    let prepared = ball(glass(), 40, 24).prepare();
    let undisturbed = render(&backend, &prepared);
    let loaded = prepared.load(&backend).expect("the scene fits");
    let cancel = CancelToken::default();
    // Lost once, after the first pass: the render continues.
    let is_first = AtomicBool::new(true);
    let lose_once = |_: Progress| {
        if is_first.swap(false, Ordering::Relaxed) {
            backend.lose_device();
        }
    };
    let control = RenderControl { progress: &lose_once, ..RenderControl::new(&cancel) };
    let resumed = loaded.render(&control).expect("the device comes back");
    assert_eq!(resumed.film.sums, undisturbed.film.sums);
    assert_eq!(resumed.rays, undisturbed.rays);
    let is_lost = || lost().iter().any(|lost| lost.id == adapter().id);
    assert!(!is_lost(), "it came back");
    // Lost repeatedly: an error, after which the next render works.
    let lose_always = |_: Progress| backend.lose_device();
    let control = RenderControl { progress: &lose_always, ..RenderControl::new(&cancel) };
    let failed = loaded.render(&control).map(|_| ());
    assert!(matches!(failed, Err(RenderError::DeviceLost(_))), "{failed:?}");
    assert!(is_lost(), "until it is opened again");
    let control = RenderControl::new(&cancel);
    // The last loss may not have happened yet.
    let again = loaded.render(&control).expect("the device comes back");
    assert_eq!(again.film.sums, undisturbed.film.sums);
    assert!(!is_lost(), "it was opened");
}

#[test]
fn shots_of_a_resident_product_are_what_they_would_be_alone() {
    let mut sketch = still_life(64, 4);
    let product = Arc::new(sketch.product());
    let resident = gpu().load(product.clone(), &CancelToken::default()).expect("the scene fits");
    assert!(resident.size_bytes() > product.size_bytes(), "the device's memory counts");
    let cancel = CancelToken::default();
    let control = RenderControl::new(&cancel);
    for seed in 0..3 {
        sketch.shot.film.seed = seed;
        (sketch.shot.film.width_px, sketch.shot.film.samples) = (64 - 8 * seed, 4 + seed);
        let shot = resident.load(sketch.shot_of(&product)).expect("the shot fits");
        let of_resident = shot.render(&control).expect("nobody cancels");
        assert_eq!(of_resident.film.sums, render(gpu(), &sketch.prepare()).film.sums, "shot {seed}");
    }
    let last = resident.load(sketch.shot_of(&product)).expect("the shot fits");
    drop(resident);
    assert!(last.render(&control).is_ok(), "a shot keeps its product on the device");
}
