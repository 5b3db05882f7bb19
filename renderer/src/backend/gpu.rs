//! The GPU backend: the stages and a WGSL traversal in one compute kernel, dispatched through wgpu.
//!
//! Input: a [`PreparedProduct`] and a [`PreparedShot`], whose indices are valid and therefore read unchecked. Output:
//! the same film as the CPU backend's, apart from rounding. A dedicated thread owns the device: drivers panic and lose
//! devices, and the thread survives both. Invariant: a picture does not depend on how its work was cut into dispatches,
//! because each pixel's samples are summed in order by the invocation that owns the pixel.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use packshot_denoiser::network::Network;
use packshot_denoiser::{Denoiser, Picture};
use packshot_processor::SimdLevel;
use packshot_shaders::layout::ray::Ray;
use packshot_traversal::Accel;

use crate::backend::cpu::LayerTracer;
use crate::backend::denoise::DenoisingError;
use crate::backend::device::{AdapterInfo, DeviceError};
use crate::backend::rays::{RayQuery, TracedRays};
use crate::backend::{
    Backend, CancelToken, DeviceInfo, LoadedProduct, LoadedShot, RenderControl, RenderError, Rendered,
};
use crate::guides::{GuideSamples, Guides};
use crate::layers::LayerRequest;
use crate::prepare::{PreparedProduct, PreparedShot, SceneFeatures};
use crate::store::ByteStore;

pub(crate) mod adapters;
mod capabilities;
mod context;
mod denoise;
mod device_film;
mod guides;
mod kernel;
mod memory;
mod program;
mod rays;
mod sampler;
mod scene;
mod slices;
mod usage;
mod worker;

pub use capabilities::{AdapterCapabilities, capabilities};
pub use device_film::picture_bytes;
pub use program::CompiledKernel;
pub use slices::SliceLimits;
pub use usage::DeviceUsage;

use denoise::Plan;
use worker::{Event, ProductKey, Request, ShotKey, Worker};

/// Interval at which a caller that waits for the device checks for cancellation.
const CANCEL_AFTER: Duration = Duration::from_millis(50);

/// Settings of a [`GpuBackend`].
#[derive(Clone, Debug, Default)]
pub struct GpuOptions {
    /// Threads for decisions between passes; 0: one per hardware thread.
    pub n_threads: usize,
    /// Where compiled kernels are kept between runs.
    pub cache: Option<Arc<dyn ByteStore>>,
    /// Upper limits on dispatches.
    pub slices: SliceLimits,
}

/// Renders on a graphics adapter.
#[derive(Debug)]
pub struct GpuBackend {
    thread: Arc<DeviceThread>,
    pool: Arc<rayon::ThreadPool>,
    device: DeviceInfo,
    is_doomed: Arc<AtomicBool>,
    binding_bytes_max: u64,
    /// The plan of the network that was used last.
    denoising: Mutex<Option<Arc<Plan>>>,
}

impl GpuBackend {
    /// Opens the adapter.
    ///
    /// # Errors
    /// When the adapter is gone or its driver refuses.
    pub fn open(adapter: &AdapterInfo, reason: String, options: GpuOptions) -> Result<Self, DeviceError> {
        let unusable = |why: String| DeviceError::unusable(&adapter.name, &why);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(options.n_threads)
            .thread_name(|i| format!("packshot-host-{i}"))
            .build()
            .map_err(|error| unusable(error.to_string()))?;
        let pool = Arc::new(pool);
        let (requests, inbox) = mpsc::channel();
        let (opened, is_open) = mpsc::channel();
        let is_doomed = Arc::new(AtomicBool::new(false));
        let mut worker = Worker::new(adapter.clone(), options, pool.clone(), is_doomed.clone());
        let handle = std::thread::Builder::new()
            .name("packshot-gpu".to_owned())
            .spawn(move || {
                let result = worker.open();
                let is_ok = result.is_ok();
                if opened.send(result).is_ok() && is_ok {
                    worker.serve(&inbox);
                }
            })
            .map_err(|error| unusable(error.to_string()))?;
        is_open.recv().map_err(|_| unusable("its thread ended".to_owned()))?.map_err(unusable)?;
        let device = DeviceInfo {
            kind: adapter.kind(),
            name: adapter.name.clone(),
            backend: adapter.backend.clone(),
            reason,
            memory_bytes: adapter.memory_bytes,
        };
        let thread = DeviceThread { requests: Some(requests), handle: Some(handle) };
        let binding_bytes_max = adapter.binding_bytes_max;
        Ok(Self { thread: Arc::new(thread), pool, device, is_doomed, binding_bytes_max, denoising: Mutex::default() })
    }

    /// The host threads, which import and preparation share.
    pub fn pool(&self) -> &rayon::ThreadPool {
        &self.pool
    }

    /// The plan of a network: its steps in the order of execution.
    fn plan(&self, network: &Arc<Network>) -> Arc<Plan> {
        let mut known = self.denoising.lock().unwrap_or_else(PoisonError::into_inner);
        match known.as_ref().filter(|plan| plan.is_of(network)) {
            Some(plan) => plan.clone(),
            None => known.insert(Arc::new(Plan::new(network))).clone(),
        }
    }

    /// Compiles the kernel for scenes with these features, unless it is compiled already.
    ///
    /// # Errors
    /// [`RenderError::DeviceLost`] when the driver refuses it.
    pub fn compile(&self, features: SceneFeatures) -> Result<(), RenderError> {
        let (reply, answer) = mpsc::channel();
        self.thread.send(Request::Compile { features, reply })?;
        answer.recv().map_err(|_| thread_ended())?
    }

    /// What the device has done so far; waits for its current work.
    ///
    /// # Errors
    /// [`RenderError::DeviceLost`].
    pub fn usage(&self) -> Result<DeviceUsage, RenderError> {
        let (reply, answer) = mpsc::channel();
        self.thread.send(Request::Usage { reply })?;
        answer.recv().map_err(|_| thread_ended())?
    }

    /// Destroys the device during the next dispatch, like a driver reset; for tests of recovery.
    #[doc(hidden)]
    pub fn lose_device(&self) {
        self.is_doomed.store(true, Ordering::Relaxed);
    }
}

/// The channel to the thread that owns the device. Dropping the last owner waits until that thread has closed the
/// device: if the process ended meanwhile, the driver's memory would vanish under it.
#[derive(Debug)]
struct DeviceThread {
    /// `None` only while dropping.
    requests: Option<mpsc::Sender<Request>>,
    /// `None` only while dropping.
    handle: Option<JoinHandle<()>>,
}

impl DeviceThread {
    fn send(&self, request: Request) -> Result<(), RenderError> {
        self.requests.as_ref().and_then(|requests| requests.send(request).ok()).ok_or_else(thread_ended)
    }
}

impl Drop for DeviceThread {
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(handle) = self.handle.take() {
            // Its panics were caught and reported.
            let _ = handle.join();
        }
    }
}

impl Backend for GpuBackend {
    fn load(&self, product: Arc<PreparedProduct>, cancel: &CancelToken) -> Result<Box<dyn LoadedProduct>, RenderError> {
        let (reply, answer) = mpsc::channel();
        let request = Request::LoadProduct { product: product.clone(), reply };
        self.thread.send(request)?;
        // Another render may be using the device; the thread drops results that nobody waits for.
        let (key, device_bytes) = wait(&answer, cancel)??;
        let resident = Arc::new(Resident { key, thread: self.thread.clone() });
        let host = Arc::new(Host { product: product.clone(), pool: self.pool.clone(), accel: Mutex::default() });
        Ok(Box::new(GpuProduct { product, resident, device_bytes, host }))
    }

    fn denoise(
        &self,
        denoiser: &Denoiser,
        picture: &Picture<'_>,
        memory_max_bytes: Option<u64>,
        cancel: &CancelToken,
    ) -> Result<Vec<[f32; 4]>, DenoisingError> {
        let plan = self.plan(denoiser.network());
        let run = |tile| {
            let (reply, answer) = mpsc::channel();
            self.thread.send(Request::Denoise { tile: Box::new(tile), reply })?;
            // The work on a tile checks the token itself, but another render may be using the device.
            wait(&answer, cancel)?
        };
        denoise::denoise(&self.pool, &plan, picture, memory_max_bytes, self.binding_bytes_max, cancel, run)
    }

    fn device(&self) -> &DeviceInfo {
        &self.device
    }
}

/// Waits for a result of the device's thread, unless cancelled.
fn wait<T>(answer: &mpsc::Receiver<T>, cancel: &CancelToken) -> Result<T, RenderError> {
    loop {
        match answer.recv_timeout(CANCEL_AFTER) {
            Ok(answer) => return Ok(answer),
            Err(RecvTimeoutError::Timeout) if cancel.is_cancelled() => return Err(RenderError::Cancelled),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(thread_ended()),
        }
    }
}

/// A product in the device's memory, until the last owner of this is dropped.
struct Resident {
    key: ProductKey,
    thread: Arc<DeviceThread>,
}

impl Drop for Resident {
    fn drop(&mut self) {
        // If the thread has ended, it has freed everything.
        let _ = self.thread.send(Request::UnloadProduct(self.key));
    }
}

struct GpuProduct {
    product: Arc<PreparedProduct>,
    resident: Arc<Resident>,
    device_bytes: u64,
    host: Arc<Host>,
}

/// The product as the processor uses it, for layers.
struct Host {
    product: Arc<PreparedProduct>,
    pool: Arc<rayon::ThreadPool>,
    /// Made when layers are first requested.
    accel: Mutex<Option<Arc<Accel>>>,
}

impl Host {
    fn accel(&self, cancel: &CancelToken) -> Result<Arc<Accel>, RenderError> {
        let mut known = self.accel.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(accel) = &*known {
            return Ok(accel.clone());
        }
        let is_cancelled = || cancel.is_cancelled();
        let accel = self.pool.install(|| Accel::new(&self.product.bvh, SimdLevel::detect(), &is_cancelled));
        Ok(known.insert(Arc::new(accel.ok_or(RenderError::Cancelled)?)).clone())
    }
}

impl LoadedProduct for GpuProduct {
    fn load(&self, shot: PreparedShot) -> Result<Box<dyn LoadedShot>, RenderError> {
        assert!(Arc::ptr_eq(&shot.product, &self.product), "the shot is of this product");
        let (reply, answer) = mpsc::channel();
        let request = Request::LoadShot { product: self.resident.key, shot: Box::new(shot.clone()), reply };
        self.resident.thread.send(request)?;
        let key = answer.recv().map_err(|_| thread_ended())??;
        Ok(Box::new(GpuShot { key, shot, resident: self.resident.clone(), host: self.host.clone() }))
    }

    fn prepared(&self) -> &Arc<PreparedProduct> {
        &self.product
    }

    fn size_bytes(&self) -> u64 {
        let accel = self.host.accel.lock().unwrap_or_else(PoisonError::into_inner);
        let accel_bytes = accel.as_ref().map_or(0, |accel| accel.size_bytes() as u64);
        self.product.size_bytes() + self.device_bytes + accel_bytes
    }
}

/// A shot in the device's memory.
struct GpuShot {
    key: ShotKey,
    shot: PreparedShot,
    resident: Arc<Resident>,
    host: Arc<Host>,
}

impl LoadedShot for GpuShot {
    fn render(&self, control: &RenderControl<'_>) -> Result<Rendered, RenderError> {
        let (events, received) = mpsc::channel();
        let snapshot_side_max_px = control.snapshots.map(|snapshots| snapshots.side_max_px);
        let snapshot_pause = control.snapshots.map_or(Duration::ZERO, |snapshots| snapshots.pause);
        let owned = OwnedControl {
            cancel: control.cancel.clone(),
            time_max: control.time_max,
            snapshot_side_max_px,
            snapshot_pause,
            counts: control.counts.cloned(),
        };
        let request = Request::Render { key: self.key, control: owned, events };
        self.resident.thread.send(request)?;
        loop {
            match received.recv_timeout(CANCEL_AFTER) {
                Ok(Event::Progress(progress)) => (control.progress)(progress),
                Ok(Event::Snapshot(snapshot)) => {
                    if let Some(snapshots) = control.snapshots {
                        (snapshots.receive)(*snapshot);
                    }
                }
                Ok(Event::Done(result)) => return *result,
                // Another render may still be using the device; this one will end as soon as it starts.
                Err(RecvTimeoutError::Timeout) if control.cancel.is_cancelled() => return Err(RenderError::Cancelled),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(thread_ended()),
            }
        }
    }

    fn guides(&self, samples: &GuideSamples, cancel: &CancelToken) -> Result<Guides, RenderError> {
        let (reply, answer) = mpsc::channel();
        let request = Request::Guides { key: self.key, samples: samples.clone(), cancel: cancel.clone(), reply };
        self.resident.thread.send(request)?;
        wait(&answer, cancel)?
    }

    fn trace(&self, rays: &[Ray], query: RayQuery, cancel: &CancelToken) -> Result<TracedRays, RenderError> {
        let (reply, answer) = mpsc::channel();
        let request = Request::Trace { key: self.key, rays: rays.to_vec(), query, cancel: cancel.clone(), reply };
        self.resident.thread.send(request)?;
        wait(&answer, cancel)?
    }

    fn layers(&self, request: &LayerRequest<'_>, cancel: &CancelToken) -> Result<Vec<Vec<f32>>, RenderError> {
        let accel = self.host.accel(cancel)?;
        self.host.pool.install(|| LayerTracer::new(&self.shot, &accel, request).trace(cancel))
    }
}

impl Drop for GpuShot {
    fn drop(&mut self) {
        // If the thread has ended, it has freed everything.
        let _ = self.resident.thread.send(Request::UnloadShot(self.key));
    }
}

/// The part of a [`RenderControl`] that can be sent to another thread.
#[derive(Clone, Debug)]
struct OwnedControl {
    cancel: CancelToken,
    time_max: Option<Duration>,
    /// `None` if no snapshots are wanted.
    snapshot_side_max_px: Option<u32>,
    snapshot_pause: Duration,
    counts: Option<Arc<[u32]>>,
}

fn thread_ended() -> RenderError {
    RenderError::DeviceLost("the device's thread ended".to_owned())
}
