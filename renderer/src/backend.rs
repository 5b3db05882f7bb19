//! Backends: what turns a prepared product and its shots into film.
//!
//! Input: a [`PreparedProduct`], which stays on the device, and [`PreparedShot`]s of it. Output: a [`Film`] for each,
//! and what it took. Invariant: both backends run the same stages of the same WGSL over the same arrays, so their
//! pictures differ by rounding alone; each gives the same bits for the same seed whatever the number of threads, the
//! tiling or the batch.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use packshot_denoiser::{Denoiser, Picture};
use packshot_shaders::layout::ray::Ray;
use serde::Serialize;

use crate::backend::denoise::DenoisingError;
use crate::backend::rays::{RayQuery, TracedRays};
use crate::color::LinearImage;
use crate::film::Film;
use crate::guides::Guides;
use crate::layers::LayerRequest;
use crate::prepare::{PreparedProduct, PreparedShot};

pub mod cpu;
pub mod denoise;
pub mod device;
pub mod gpu;
mod passes;
pub mod rays;

/// Asks a render to stop. Clones share the request.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// Requests the stop; work ends within a fraction of a second.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody has.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How far a render is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Samples that every pixel that still wants some has.
    pub samples: u32,
    /// The most a pixel gets.
    pub samples_max: u32,
    /// Share of the work done, 0 to 1: converged pixels count as done.
    pub done: f32,
    /// Camera paths rendered so far.
    pub paths: u64,
    /// Since sampling began.
    pub elapsed: Duration,
}

/// How to watch and stop a render.
#[derive(Clone, Copy)]
pub struct RenderControl<'a> {
    /// Checked between batches.
    pub cancel: &'a CancelToken,
    /// Called after every pass, from one thread at a time.
    pub progress: &'a (dyn Fn(Progress) + Sync),
    /// Stop with what is there after this time of sampling.
    pub time_max: Option<Duration>,
    /// Who wants to see the picture meanwhile.
    pub snapshots: Option<Snapshots<'a>>,
    /// How many samples each pixel gets, in place of the noise threshold: at least these, at most so many more as lie
    /// to the next decision. For a film that is to be compared with another one, sample by sample.
    pub counts: Option<&'a Arc<[u32]>>,
}

impl<'a> RenderControl<'a> {
    /// Nothing but the means to stop.
    pub fn new(cancel: &'a CancelToken) -> Self {
        Self { cancel, progress: &|_| (), time_max: None, snapshots: None, counts: None }
    }
}

/// Asks for the picture so far after the 1st, 2nd, 4th, 8th … sample, but not at the end, where the picture itself is.
/// That is the same without.
#[derive(Clone, Copy)]
pub struct Snapshots<'a> {
    /// About so much time is to lie before the first and between any two; those that come sooner are left out. Each
    /// stops all threads, and samples in short passes cost more: a render of a moment would take a quarter longer.
    /// Zero: all.
    pub pause: Duration,
    /// Pixels along the longer side of a snapshot, at most; above 0. `u32::MAX` for all there are.
    pub side_max_px: u32,
    /// Gets each snapshot, from one thread at a time.
    pub receive: &'a (dyn Fn(Snapshot) + Sync),
}

/// A picture that is not done yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Samples that every pixel that still wants some has.
    pub samples: u32,
    /// Mean radiance so far.
    pub image: LinearImage,
}

impl std::fmt::Debug for RenderControl<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { cancel, progress: _, time_max, snapshots, counts } = self;
        let side_max_px = snapshots.map(|snapshots| snapshots.side_max_px);
        f.debug_struct("RenderControl")
            .field("cancel", cancel)
            .field("time_max", time_max)
            .field("snapshot_side_max_px", &side_max_px)
            .field("has_counts", &counts.is_some())
            .finish_non_exhaustive()
    }
}

/// A finished render.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// The sums.
    pub film: Film,
    /// Rays traced, or known to meet nothing, shadow rays included; 0 when the backend does not count them.
    pub rays: u64,
    /// Time of the sampling loop alone.
    pub render_time: Duration,
}

/// Why a render has no picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// [`CancelToken::cancel`] was called.
    #[error("the render was cancelled")]
    Cancelled,
    /// The scene does not fit the device.
    #[error("{}", out_of_memory(*needed_bytes, *offered_bytes))]
    DeviceOutOfMemory {
        /// Size of the buffer that does not fit.
        needed_bytes: u64,
        /// What the device can bind at once; `None` when it refused less than that because its memory is full.
        offered_bytes: Option<u64>,
    },
    /// The device was lost and did not come back.
    #[error("the device failed: {0}")]
    DeviceLost(String),
}

fn out_of_memory(needed_bytes: u64, offered_bytes: Option<u64>) -> String {
    match offered_bytes {
        Some(offered) => format!("the scene needs {needed_bytes} bytes in one buffer, but the device allows {offered}"),
        None => format!("the device's memory is full: it refused a buffer of {needed_bytes} bytes"),
    }
}

/// Keeps bytes between runs of the program, by name. Losing them costs time and nothing else.
pub trait ByteStore: Send + Sync + std::fmt::Debug {
    /// What was stored under `name`, if it is still there. The bytes may be damaged: who stored them checks them.
    fn load(&self, name: &str) -> Option<Vec<u8>>;

    /// Keeps `bytes` under `name`, or does not.
    fn store(&self, name: &str, bytes: &[u8]);
}

/// A device that renders.
pub trait Backend: Send + Sync + std::fmt::Debug {
    /// Brings a product onto the device and compiles what it needs.
    ///
    /// # Errors
    /// [`RenderError`].
    fn load(&self, product: Arc<PreparedProduct>, cancel: &CancelToken) -> Result<Box<dyn LoadedProduct>, RenderError>;

    /// A picture without its noise. Both backends run the same network on the same numbers, so their pictures differ by
    /// rounding alone. `memory_max_bytes` bounds what is allocated on the device meanwhile, about; it changes no bit of
    /// the picture.
    ///
    /// # Errors
    /// [`DenoisingError`].
    fn denoise(
        &self,
        denoiser: &Denoiser,
        picture: &Picture<'_>,
        memory_max_bytes: Option<u64>,
        cancel: &CancelToken,
    ) -> Result<Vec<[f32; 4]>, DenoisingError>;

    /// What it is.
    fn device(&self) -> &DeviceInfo;
}

/// A product on a device, ready for any number of shots. Its shots keep it there.
pub trait LoadedProduct: Send + Sync {
    /// Brings a shot of the product onto the device: no geometry, and an environment only if no shot there has it yet.
    ///
    /// # Errors
    /// [`RenderError::DeviceOutOfMemory`], [`RenderError::DeviceLost`].
    ///
    /// # Panics
    /// When the shot was prepared for another product: a caller's bug.
    fn load(&self, shot: PreparedShot) -> Result<Box<dyn LoadedShot>, RenderError>;

    /// What was loaded.
    fn prepared(&self) -> &Arc<PreparedProduct>;

    /// Bytes of memory that it takes, on the host and on the device, without its shots.
    fn size_bytes(&self) -> u64;
}

/// A shot that is ready to be sampled, as often as wanted.
pub trait LoadedShot: Send + Sync {
    /// Samples the shot's film from sample 0.
    ///
    /// # Errors
    /// [`RenderError`].
    fn render(&self, control: &RenderControl<'_>) -> Result<Rendered, RenderError>;

    /// What a denoiser is told of the picture: the means of every pixel's first samples, `n_samples` where it is unlike
    /// a pixel beside it, and down to a quarter of them elsewhere.
    ///
    /// # Errors
    /// [`RenderError`].
    fn guides(&self, n_samples: u32, cancel: &CancelToken) -> Result<Guides, RenderError>;

    /// What rays in render space hit, as if every surface were opaque.
    ///
    /// # Errors
    /// [`RenderError`].
    fn trace(&self, rays: &[Ray], query: RayQuery, cancel: &CancelToken) -> Result<TracedRays, RenderError>;

    /// The layers that are asked for, in their order: planes one after the other, in each of them pixels row by row
    /// from the top. Every backend traces them on the processor, and they are the same bits.
    ///
    /// # Errors
    /// [`RenderError::Cancelled`].
    fn layers(&self, request: &LayerRequest<'_>, cancel: &CancelToken) -> Result<Vec<Vec<f32>>, RenderError>;
}

/// What computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    /// The native CPU backend.
    Cpu,
    /// A GPU.
    Gpu,
    /// A graphics adapter that computes on the CPU.
    Software,
}

/// A device, and why it was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceInfo {
    /// Its kind.
    pub kind: DeviceKind,
    /// The processor's or adapter's name.
    pub name: String,
    /// `native`, or the graphics interface.
    pub backend: String,
    /// Why this one.
    pub reason: String,
    /// The memory of an adapter, bytes; `None` for the processor, which has the machine's, and where the driver does
    /// not say. A picture's facts do not have it.
    #[serde(skip)]
    pub memory_bytes: Option<u64>,
}

/// A time limit that began with the sampling loop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pub(crate) begun: Instant,
    deadline: Option<Instant>,
}

impl Clock {
    pub(crate) fn start(time_max: Option<Duration>) -> Self {
        let begun = Instant::now();
        Self { begun, deadline: time_max.and_then(|limit| begun.checked_add(limit)) }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}
