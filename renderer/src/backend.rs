//! Backends: they turn a prepared product and its shots into films.
//!
//! Input: a [`PreparedProduct`], which stays on the device, and [`PreparedShot`]s of it. Output: a [`Film`] for each,
//! with statistics. Invariant: both backends run the same stages of the same WGSL over the same arrays, so their
//! pictures differ only by rounding; each gives the same bits for the same seed whatever the number of threads, the
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
use crate::guides::{GuideSamples, Guides};
use crate::layers::LayerRequest;
use crate::prepare::{PreparedProduct, PreparedShot};

pub mod cpu;
pub mod denoise;
pub mod device;
pub mod gpu;
mod passes;
pub mod rays;

/// Cancels a render. Clones share the request.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// Requests cancellation; work ends within a fraction of a second.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether cancellation was requested.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Progress of a render.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Samples of every pixel that is still active; within a pass, as many as they have on average.
    pub samples: u32,
    /// Most samples of a pixel.
    pub samples_max: u32,
    /// Fraction of the work that is done, 0 to 1: converged pixels count as done.
    pub done: f32,
    /// Camera paths rendered so far.
    pub paths: u64,
    /// Since sampling began.
    pub elapsed: Duration,
}

/// How to watch and cancel a render.
#[derive(Clone, Copy)]
pub struct RenderControl<'a> {
    /// Checked before paths of a pixel start, and between batches and dispatches.
    pub cancel: &'a CancelToken,
    /// Called after every pass, and on the CPU during one, when a thread has ended its strip of pixels, up to ten times
    /// a second. From one thread at a time, which waits for it.
    pub progress: &'a (dyn Fn(Progress) + Sync),
    /// Time limit for sampling, after which the render ends with the samples so far. Every pixel gets one, however
    /// long that takes: a pixel without samples would be a hole.
    pub time_max: Option<Duration>,
    /// Receiver of snapshots, if any.
    pub snapshots: Option<Snapshots<'a>>,
    /// How many samples each pixel gets, at least one, instead of a noise threshold. For a film that is compared with
    /// another one sample by sample.
    pub counts: Option<&'a Arc<[u32]>>,
}

impl<'a> RenderControl<'a> {
    /// Only cancellation.
    pub fn new(cancel: &'a CancelToken) -> Self {
        Self { cancel, progress: &|_| (), time_max: None, snapshots: None, counts: None }
    }
}

/// Requests the picture so far after the 1st, 2nd, 4th, 8th … sample, but not at the end, when the picture itself is
/// ready. Snapshots do not change the picture.
#[derive(Clone, Copy)]
pub struct Snapshots<'a> {
    /// Approximate minimum time before the first snapshot and between two of them; earlier ones are skipped. Each one
    /// stops all threads, and sampling in short passes costs more: a short render would take a quarter longer. Zero:
    /// all.
    pub pause: Duration,
    /// Longest side of a snapshot in pixels; above 0. `u32::MAX`: full size.
    pub side_max_px: u32,
    /// Gets each snapshot, from one thread at a time.
    pub receive: &'a (dyn Fn(Snapshot) + Sync),
}

/// An unfinished picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Samples of every pixel that is still active.
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
    /// Rays traced or known to miss, shadow rays included; 0 when the backend does not count them.
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
        /// The largest binding of the device; `None` when it refused less than that because its memory is full.
        offered_bytes: Option<u64>,
    },
    /// The device was lost and could not be reopened.
    #[error("the device failed: {0}")]
    DeviceLost(String),
}

fn out_of_memory(needed_bytes: u64, offered_bytes: Option<u64>) -> String {
    match offered_bytes {
        Some(offered) => format!("the scene needs {needed_bytes} bytes in one buffer, but the device allows {offered}"),
        None => format!("the device's memory is full: it refused a buffer of {needed_bytes} bytes"),
    }
}

/// A device that renders.
pub trait Backend: Send + Sync + std::fmt::Debug {
    /// Uploads a product and compiles the kernels that it needs.
    ///
    /// # Errors
    /// [`RenderError`].
    fn load(&self, product: Arc<PreparedProduct>, cancel: &CancelToken) -> Result<Box<dyn LoadedProduct>, RenderError>;

    /// The denoised picture. Both backends run the same network on the same numbers, so their pictures differ only by
    /// rounding. `memory_max_bytes` is an approximate limit on allocations on the device during the call; it does not
    /// change a bit of the picture.
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

    /// The device.
    fn device(&self) -> &DeviceInfo;
}

/// A product on a device, ready for any number of shots. Its shots keep it there.
pub trait LoadedProduct: Send + Sync {
    /// Uploads a shot of the product: no geometry, and an environment only if no other shot on the device has it.
    ///
    /// # Errors
    /// [`RenderError::DeviceOutOfMemory`], [`RenderError::DeviceLost`].
    ///
    /// # Panics
    /// When the shot was prepared for another product, which is a bug in the caller.
    fn load(&self, shot: PreparedShot) -> Result<Box<dyn LoadedShot>, RenderError>;

    /// The loaded product.
    fn prepared(&self) -> &Arc<PreparedProduct>;

    /// Bytes of memory on the host and on the device, without its shots.
    fn size_bytes(&self) -> u64;
}

/// A shot that is ready to be sampled, any number of times.
pub trait LoadedShot: Send + Sync {
    /// Samples the shot's film from sample 0.
    ///
    /// # Errors
    /// [`RenderError`].
    fn render(&self, control: &RenderControl<'_>) -> Result<Rendered, RenderError>;

    /// The denoiser's guides: means over the first samples of every pixel.
    ///
    /// # Errors
    /// [`RenderError`].
    fn guides(&self, samples: &GuideSamples, cancel: &CancelToken) -> Result<Guides, RenderError>;

    /// The hits of rays in render space, as if every surface were opaque.
    ///
    /// # Errors
    /// [`RenderError`].
    fn trace(&self, rays: &[Ray], query: RayQuery, cancel: &CancelToken) -> Result<TracedRays, RenderError>;

    /// The requested layers, in order: planes one after the other, each with its pixels row by row from the top. Every
    /// backend traces them on the processor, so they are the same bit for bit.
    ///
    /// # Errors
    /// [`RenderError::Cancelled`].
    fn layers(&self, request: &LayerRequest<'_>, cancel: &CancelToken) -> Result<Vec<Vec<f32>>, RenderError>;
}

/// What renders.
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

/// A device, and why it was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceInfo {
    /// Its kind.
    pub kind: DeviceKind,
    /// The processor's or adapter's name.
    pub name: String,
    /// `native`, or the graphics API.
    pub backend: String,
    /// Why this one was chosen.
    pub reason: String,
    /// The memory of an adapter, bytes; `None` for the processor, which has the machine's memory, and if the driver
    /// does not report it. It is not part of a picture's facts.
    #[serde(skip)]
    pub memory_bytes: Option<u64>,
}

/// A time limit that starts with the sampling loop.
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

    /// Whether a render ends here, whose active pixels have `n` samples: not before the first.
    pub(crate) fn is_over_after(&self, n: u32) -> bool {
        n > 0 && self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}
