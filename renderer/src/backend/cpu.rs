//! The CPU backend: translated stages over paths in flight, native traversal, rayon over blocks of pixels.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use packshot_denoiser::{Control, Denoiser, Picture};
use packshot_processor::SimdLevel;
use packshot_shaders::layout::ray::Ray;
use packshot_traversal::Accel;
use rayon::prelude::*;

use crate::backend::denoise::DenoisingError;
use crate::backend::passes::{BlockFilm, Schedule, Strip, film_of, snapshot};
use crate::backend::rays::{RayQuery, TracedRays};
use crate::backend::{
    Backend, CancelToken, Clock, DeviceInfo, DeviceKind, LoadedProduct, LoadedShot, RenderControl, RenderError,
    Rendered,
};
use crate::film::blocks;
use crate::guides::{GuideSamples, Guides};
use crate::layers::LayerRequest;
use crate::prepare::{PreparedProduct, PreparedShot};

mod arrival;
mod arriving;
mod first_hits;
mod flight;
mod guides;
mod layers;
mod lines;
mod pass;
mod rays;
mod strip;
mod tiles;

use flight::Flight;
pub(in crate::backend) use layers::LayerTracer;
use pass::{PassWatch, pass_samples};
use tiles::Tiles;

/// Camera paths per thread and second, until this scene's speed is known: about that of the bearing on a current
/// processor.
const PATHS_PER_THREAD_S: f64 = 2e6;

/// Between two reports of progress within a pass.
const REPORTS_PAUSE: Duration = Duration::from_millis(100);

/// Renders on the processor.
#[derive(Debug)]
pub struct CpuBackend {
    pool: Arc<rayon::ThreadPool>,
    level: SimdLevel,
    device: DeviceInfo,
}

impl CpuBackend {
    /// With `n_threads` threads (0: one per hardware thread) and the fastest instruction set that the processor has.
    ///
    /// # Errors
    /// When the operating system refuses the threads.
    pub fn new(n_threads: usize, reason: String) -> Result<Self, rayon::ThreadPoolBuildError> {
        Self::with_level(n_threads, SimdLevel::detect(), reason)
    }

    /// With a chosen instruction set, which the processor must have.
    ///
    /// # Errors
    /// When the operating system refuses the threads.
    pub fn with_level(n_threads: usize, level: SimdLevel, reason: String) -> Result<Self, rayon::ThreadPoolBuildError> {
        assert!(level.is_supported(), "the processor does not have {level:?}");
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .thread_name(|i| format!("packshot-cpu-{i}"))
            .build()?;
        let name = crate::backend::device::processor_name();
        let device =
            DeviceInfo { kind: DeviceKind::Cpu, name, backend: "native".to_owned(), reason, memory_bytes: None };
        Ok(Self { pool: Arc::new(pool), level, device })
    }

    /// The threads, which import and preparation share.
    pub fn pool(&self) -> &rayon::ThreadPool {
        &self.pool
    }
}

impl Backend for CpuBackend {
    fn load(&self, product: Arc<PreparedProduct>, cancel: &CancelToken) -> Result<Box<dyn LoadedProduct>, RenderError> {
        let accel = self.pool.install(|| Accel::new(&product.bvh, self.level, &|| cancel.is_cancelled()));
        let accel = accel.ok_or(RenderError::Cancelled)?;
        Ok(Box::new(CpuProduct { product, accel: Arc::new(accel), pool: self.pool.clone(), level: self.level }))
    }

    fn denoise(
        &self,
        denoiser: &Denoiser,
        picture: &Picture<'_>,
        memory_max_bytes: Option<u64>,
        cancel: &CancelToken,
    ) -> Result<Vec<[f32; 4]>, DenoisingError> {
        let control = Control { memory_max_bytes, is_cancelled: &|| cancel.is_cancelled() };
        Ok(self.pool.install(|| denoiser.denoise(picture, control))?)
    }

    fn device(&self) -> &DeviceInfo {
        &self.device
    }
}

/// A product with its trees in the form for this processor.
struct CpuProduct {
    product: Arc<PreparedProduct>,
    accel: Arc<Accel>,
    pool: Arc<rayon::ThreadPool>,
    level: SimdLevel,
}

impl LoadedProduct for CpuProduct {
    fn load(&self, shot: PreparedShot) -> Result<Box<dyn LoadedShot>, RenderError> {
        assert!(Arc::ptr_eq(&shot.product, &self.product), "the shot is of this product");
        Ok(Box::new(CpuShot { shot, accel: self.accel.clone(), pool: self.pool.clone(), level: self.level }))
    }

    fn prepared(&self) -> &Arc<PreparedProduct> {
        &self.product
    }

    fn size_bytes(&self) -> u64 {
        self.product.size_bytes() + self.accel.size_bytes() as u64
    }
}

struct CpuShot {
    shot: PreparedShot,
    accel: Arc<Accel>,
    pool: Arc<rayon::ThreadPool>,
    level: SimdLevel,
}

impl LoadedShot for CpuShot {
    fn render(&self, control: &RenderControl<'_>) -> Result<Rendered, RenderError> {
        self.pool.install(|| self.render_here(control))
    }

    fn guides(&self, samples: &GuideSamples, cancel: &CancelToken) -> Result<Guides, RenderError> {
        self.pool.install(|| self.guides_here(samples, cancel))
    }

    fn trace(&self, rays: &[Ray], query: RayQuery, cancel: &CancelToken) -> Result<TracedRays, RenderError> {
        self.pool.install(|| self.trace_here(rays, query, cancel))
    }

    fn layers(&self, request: &LayerRequest<'_>, cancel: &CancelToken) -> Result<Vec<Vec<f32>>, RenderError> {
        self.pool.install(|| LayerTracer::new(&self.shot, &self.accel, request).trace(cancel))
    }
}

impl CpuShot {
    fn render_here(&self, control: &RenderControl<'_>) -> Result<Rendered, RenderError> {
        let settings = &self.shot.film;
        let schedule = Schedule::new(settings, control.counts, control.snapshots.is_some());
        let clock = Clock::start(control.time_max);
        let rays = AtomicU64::new(0);
        let paths = AtomicU64::new(0);
        let tiles = Tiles::of(&self.shot);
        let mut films: Vec<BlockFilm> =
            blocks(settings.width_px, settings.height_px).into_iter().map(BlockFilm::new).collect();
        let mut first_sample = 0;
        let mut n_active: usize = films.iter().map(BlockFilm::n_active).sum();
        let mut shown = Instant::now();
        while first_sample < settings.samples && !clock.is_over_after(first_sample) {
            let n_worth = control.snapshots.map_or(1, |snapshots| {
                self.samples_within(snapshots.pause, n_active, paths.load(Ordering::Relaxed), clock.begun.elapsed())
            });
            let n_samples = pass_samples(first_sample, &schedule, n_worth, control.time_max.is_some());
            let wanting = films.iter_mut().filter(|film| film.n_active() > 0);
            let mut strips: Vec<Strip<'_>> = wanting.flat_map(BlockFilm::strips).collect();
            let watch = PassWatch::new(control.progress, REPORTS_PAUSE);
            let paths_before = paths.load(Ordering::Relaxed);
            // `None` at the end of the pass, which is reported when all threads are done.
            let so_far = || {
                let paths = paths.load(Ordering::Relaxed);
                let n = (paths - paths_before) as f64 / n_active as f64;
                let now = || schedule.progress(f64::from(first_sample) + n, n_active, paths, clock.begun.elapsed());
                (n < f64::from(n_samples)).then(now)
            };
            strips.par_iter_mut().for_each_init(
                || Flight::new(&self.shot, &self.accel, self.level),
                |flight, strip| {
                    if control.cancel.is_cancelled() || clock.is_over_after(first_sample) {
                        return;
                    }
                    let traced = strip::render(strip, flight, &tiles, first_sample, n_samples, control.cancel);
                    if control.cancel.is_cancelled() {
                        return;
                    }
                    rays.fetch_add(traced, Ordering::Relaxed);
                    paths.fetch_add(strip.active().count() as u64 * u64::from(n_samples), Ordering::Relaxed);
                    watch.report(so_far);
                },
            );
            if control.cancel.is_cancelled() {
                return Err(RenderError::Cancelled);
            }
            first_sample += n_samples;
            // Where the time is over, some pixels may lack the samples of this pass.
            if !clock.is_over_after(first_sample)
                && let Some(decision) = schedule.decision_after(first_sample)
            {
                let wanting = films.par_iter_mut().filter(|film| film.n_active() > 0);
                wanting.for_each(|film| film.decide(first_sample, decision));
            }
            n_active = films.iter().map(BlockFilm::n_active).sum();
            let paths_now = paths.load(Ordering::Relaxed);
            let elapsed = clock.begun.elapsed();
            (control.progress)(schedule.progress(f64::from(first_sample), n_active, paths_now, elapsed));
            if n_active == 0 {
                break;
            }
            if let Some(snapshots) = control.snapshots
                && schedule.has_snapshot_after(first_sample)
                && first_sample < settings.samples
                // The estimate may have been wrong.
                && shown.elapsed() >= snapshots.pause / 2
            {
                shown = Instant::now();
                (snapshots.receive)(snapshot(&films, settings, first_sample, snapshots.side_max_px));
            }
        }
        let render_time = clock.begun.elapsed();
        let film = film_of(&films, [settings.width_px, settings.height_px]);
        Ok(Rendered { film, rays: rays.into_inner(), render_time })
    }

    /// The number of samples of all active pixels that take this time, at the speed of `paths` within `elapsed`.
    fn samples_within(&self, time: Duration, n_active: usize, paths: u64, elapsed: Duration) -> u32 {
        let per_s = match paths {
            0 => PATHS_PER_THREAD_S * self.pool.current_num_threads() as f64,
            paths => paths as f64 / elapsed.as_secs_f64().max(1e-6),
        };
        // A cast saturates.
        (time.as_secs_f64() * per_s / n_active.max(1) as f64).ceil() as u32
    }
}
