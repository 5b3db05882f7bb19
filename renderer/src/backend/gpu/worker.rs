//! The thread that owns the device. All faults of the device occur here, and are contained here.

use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use packshot_shaders::layout::ray::Ray;

use super::context::{Context, Fault};
use super::denoise::{DeviceDenoiser, TileInput};
use super::device_film::DeviceFilm;
use super::guides::DeviceGuides;
use super::rays::DeviceRays;
use super::sampler::{RenderState, Sampler};
use super::scene::{Environments, ProductBuffers, SceneBindings};
use super::usage::DeviceUsage;
use super::{GpuOptions, OwnedControl};
use crate::backend::device::{AdapterInfo, note_lost, note_opened};
use crate::backend::rays::{RayQuery, TracedRays};
use crate::backend::{CancelToken, Progress, RenderError, Rendered, Snapshot};
use crate::guides::{GuideSamples, Guides};
use crate::prepare::{PreparedProduct, PreparedShot, SceneFeatures};

/// Identifies a product of a [`Worker`].
pub(super) type ProductKey = u64;
/// Identifies a shot of a [`Worker`].
pub(super) type ShotKey = u64;

/// Requests to the thread.
pub(super) enum Request {
    /// Upload a product, and reply with its size there in bytes.
    LoadProduct { product: Arc<PreparedProduct>, reply: mpsc::Sender<Result<(ProductKey, u64), RenderError>> },
    /// Upload a shot of a product.
    LoadShot { product: ProductKey, shot: Box<PreparedShot>, reply: mpsc::Sender<Result<ShotKey, RenderError>> },
    /// Sample a shot from the start.
    Render { key: ShotKey, control: OwnedControl, events: mpsc::Sender<Event> },
    /// Run the denoiser's network on a tile.
    Denoise { tile: Box<TileInput>, reply: mpsc::Sender<Result<Vec<[f32; 4]>, RenderError>> },
    /// Compute the denoiser's guides for a shot.
    Guides {
        key: ShotKey,
        samples: GuideSamples,
        cancel: CancelToken,
        reply: mpsc::Sender<Result<Guides, RenderError>>,
    },
    /// Trace rays through a shot's product.
    Trace {
        key: ShotKey,
        rays: Vec<Ray>,
        query: RayQuery,
        cancel: CancelToken,
        reply: mpsc::Sender<Result<TracedRays, RenderError>>,
    },
    /// Compile the kernel for scenes with these features.
    Compile { features: SceneFeatures, reply: mpsc::Sender<Result<(), RenderError>> },
    /// Report what the device has done so far.
    Usage { reply: mpsc::Sender<Result<DeviceUsage, RenderError>> },
    /// Drop a shot.
    UnloadShot(ShotKey),
    /// Drop a product that has no shots any more.
    UnloadProduct(ProductKey),
}

/// Events of a render.
pub(super) enum Event {
    /// A pass is done.
    Progress(Progress),
    /// The picture so far.
    Snapshot(Box<Snapshot>),
    /// The last event.
    Done(Box<Result<Rendered, RenderError>>),
}

/// The device with its products and shots, from which a lost device can be restored.
pub(super) struct Worker {
    adapter: AdapterInfo,
    options: GpuOptions,
    pool: Arc<rayon::ThreadPool>,
    is_doomed: Arc<AtomicBool>,
    /// `None` after a loss, until it is needed.
    context: Option<Context>,
    products: HashMap<ProductKey, LoadedProduct>,
    shots: HashMap<ShotKey, LoadedShot>,
    environments: Environments,
    /// `None` until it is needed, and after a loss.
    denoiser: Option<DeviceDenoiser>,
    /// The same.
    guides: Option<DeviceGuides>,
    /// The same.
    rays: Option<DeviceRays>,
    next_key: u64,
    /// How often the device was opened.
    n_opened: u32,
}

struct LoadedProduct {
    prepared: Arc<PreparedProduct>,
    /// `None` after a loss, until it is needed.
    buffers: Option<ProductBuffers>,
}

struct LoadedShot {
    prepared: PreparedShot,
    product: ProductKey,
    /// `None` after a loss, until it is needed.
    bindings: Option<SceneBindings>,
}

impl Worker {
    pub(super) fn new(
        adapter: AdapterInfo,
        options: GpuOptions,
        pool: Arc<rayon::ThreadPool>,
        is_doomed: Arc<AtomicBool>,
    ) -> Self {
        Self {
            adapter,
            options,
            pool,
            is_doomed,
            context: None,
            products: HashMap::new(),
            shots: HashMap::new(),
            environments: Environments::default(),
            denoiser: None,
            guides: None,
            rays: None,
            next_key: 0,
            n_opened: 0,
        }
    }

    /// Opens the device if it is not open.
    pub(super) fn open(&mut self) -> Result<(), String> {
        if self.context.is_none() {
            let open = || Context::open(&self.adapter, self.options.cache.clone(), self.is_doomed.clone());
            self.context = Some(catch_unwind(AssertUnwindSafe(open)).unwrap_or_else(|panic| Err(message_of(&*panic)))?);
            self.n_opened += 1;
            note_opened(&self.adapter);
        }
        Ok(())
    }

    /// Handles requests until all senders are gone.
    pub(super) fn serve(&mut self, inbox: &mpsc::Receiver<Request>) {
        for request in inbox {
            // Replies whose receiver is gone are dropped.
            match request {
                Request::LoadProduct { product, reply } => {
                    if let Err(mpsc::SendError(Ok((key, _)))) = reply.send(self.load_product(product)) {
                        self.products.remove(&key);
                    }
                }
                Request::LoadShot { product, shot, reply } => drop(reply.send(self.load_shot(product, *shot))),
                Request::Render { key, control, events } => {
                    let result = self.render(key, &control, &events);
                    drop(events.send(Event::Done(Box::new(result))));
                }
                Request::Denoise { tile, reply } => drop(reply.send(self.denoise(&tile))),
                Request::Guides { key, samples, cancel, reply } => {
                    drop(reply.send(self.guides(key, &samples, &cancel)));
                }
                Request::Trace { key, rays, query, cancel, reply } => {
                    drop(reply.send(self.trace(key, &rays, query, &cancel)));
                }
                Request::Compile { features, reply } => drop(reply.send(self.compile(features))),
                Request::Usage { reply } => drop(reply.send(self.usage())),
                Request::UnloadShot(key) => {
                    self.shots.remove(&key);
                    self.environments.forget_dropped();
                }
                Request::UnloadProduct(key) => drop(self.products.remove(&key)),
            }
        }
    }

    fn load_product(&mut self, prepared: Arc<PreparedProduct>) -> Result<(ProductKey, u64), RenderError> {
        let key = self.new_key();
        self.products.insert(key, LoadedProduct { prepared, buffers: None });
        let loaded = self.persist(|worker| worker.upload_product(key));
        if loaded.is_err() {
            self.products.remove(&key);
        }
        let buffers = self.products.get(&key).and_then(|product| product.buffers.as_ref());
        let size_bytes = buffers.map_or(0, ProductBuffers::size_bytes);
        loaded.map(|()| (key, size_bytes))
    }

    fn load_shot(&mut self, product: ProductKey, prepared: PreparedShot) -> Result<ShotKey, RenderError> {
        let key = self.new_key();
        self.shots.insert(key, LoadedShot { prepared, product, bindings: None });
        let loaded = self.persist(|worker| worker.upload_shot(key));
        if loaded.is_err() {
            self.shots.remove(&key);
        }
        loaded.map(|()| key)
    }

    fn new_key(&mut self) -> u64 {
        self.next_key += 1;
        self.next_key
    }

    fn render(
        &mut self,
        key: ShotKey,
        control: &OwnedControl,
        events: &mpsc::Sender<Event>,
    ) -> Result<Rendered, RenderError> {
        let settings = self.shots[&key].prepared.film;
        // Before the clock starts: a driver that compiles at the first dispatch takes seconds, which must not count as
        // rendering.
        self.persist(|worker| worker.warm_up(key))?;
        let mut state = RenderState::new(&settings, control, self.options.slices, self.adapter.kind());
        let mut report = |event| {
            // If the receiver is gone, the picture is not needed.
            events.send(event).map_err(|_| Fault::Final(RenderError::Cancelled))
        };
        self.persist(|worker| {
            worker.upload_shot(key)?;
            let (context, bindings) = worker.loaded(key)?;
            loop {
                let mut sampler = Sampler::new(context, bindings, &worker.pool, control, &state)?;
                match sampler.run(&mut state, &mut report) {
                    Err(Fault::LoopsCut) if state.slices.halve_steps() => {
                        tracing::warn!("{} ends loops early; taking smaller steps", worker.adapter.name);
                    }
                    sampled => return sampled,
                }
            }
        })?;
        Ok(self.pool.install(|| state.finish()))
    }

    /// Runs the denoiser's network on a tile.
    fn denoise(&mut self, tile: &TileInput) -> Result<Vec<[f32; 4]>, RenderError> {
        self.persist(|worker| {
            worker.open().map_err(Fault::Lost)?;
            let context = worker.context.as_ref().ok_or_else(|| Fault::Lost("it is not open".to_owned()))?;
            let denoiser = match &mut worker.denoiser {
                Some(denoiser) => denoiser,
                none => none.insert(DeviceDenoiser::new(context)?),
            };
            denoiser.run(context, tile)
        })
    }

    /// The denoiser's guides for a shot.
    fn guides(&mut self, key: ShotKey, samples: &GuideSamples, cancel: &CancelToken) -> Result<Guides, RenderError> {
        let film = self.shots[&key].prepared.film;
        self.persist(|worker| {
            worker.upload_shot(key)?;
            let mut guides = worker.guides.take();
            let (context, bindings) = worker.loaded(key)?;
            let kernel = match &mut guides {
                Some(kernel) => kernel,
                none => none.insert(DeviceGuides::new(context)?),
            };
            let outcome = kernel.run(context, bindings, [film.width_px, film.height_px], samples, cancel);
            worker.guides = guides;
            outcome
        })
    }

    /// The hits of rays in a shot's product.
    fn trace(
        &mut self,
        key: ShotKey,
        rays: &[Ray],
        query: RayQuery,
        cancel: &CancelToken,
    ) -> Result<TracedRays, RenderError> {
        self.persist(|worker| {
            worker.upload_shot(key)?;
            let mut kernel = worker.rays.take();
            let (context, bindings) = worker.loaded(key)?;
            let tracer = match &mut kernel {
                Some(kernel) => kernel,
                none => none.insert(DeviceRays::new(context)?),
            };
            let outcome = tracer.run(context, bindings, rays, query, (worker.adapter.kind(), cancel));
            worker.rays = kernel;
            outcome
        })
    }

    /// Compiles the kernel for scenes with these features.
    fn compile(&mut self, features: SceneFeatures) -> Result<(), RenderError> {
        self.persist(|worker| {
            worker.open().map_err(Fault::Lost)?;
            let context = worker.context.as_ref().ok_or_else(|| Fault::Lost("it is not open".to_owned()))?;
            context.compile(features).map(drop)
        })
    }

    /// What the device has done so far.
    fn usage(&mut self) -> Result<DeviceUsage, RenderError> {
        self.persist(|worker| {
            worker.open().map_err(Fault::Lost)?;
            let context = worker.context.as_ref().ok_or_else(|| Fault::Lost("it is not open".to_owned()))?;
            context.settle()?;
            Ok(DeviceUsage::of(context, worker.n_opened))
        })
    }

    /// Uploads a product unless it is on the device.
    fn upload_product(&mut self, key: ProductKey) -> Result<(), Fault> {
        self.open().map_err(Fault::Lost)?;
        if let (Some(context), Some(product)) = (&self.context, self.products.get_mut(&key))
            && product.buffers.is_none()
        {
            product.buffers = Some(ProductBuffers::upload(context, &product.prepared)?);
        }
        Ok(())
    }

    /// Uploads a shot and its product unless they are on the device.
    fn upload_shot(&mut self, key: ShotKey) -> Result<(), Fault> {
        self.upload_product(self.shots[&key].product)?;
        if let (Some(context), Some(shot)) = (&self.context, self.shots.get_mut(&key))
            && shot.bindings.is_none()
            && let Some(product) = self.products.get(&shot.product).and_then(|product| product.buffers.as_ref())
        {
            shot.bindings = Some(SceneBindings::new(context, product, &mut self.environments, &shot.prepared)?);
        }
        Ok(())
    }

    /// Uploads a shot and its product, and makes the driver finish compiling the kernel that they need.
    fn warm_up(&mut self, key: ShotKey) -> Result<(), Fault> {
        self.upload_shot(key)?;
        let (context, bindings) = self.loaded(key)?;
        if !bindings.kernel.is_warm.load(Ordering::Relaxed) {
            DeviceFilm::touch(context, bindings)?;
            bindings.kernel.is_warm.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn loaded(&self, key: ShotKey) -> Result<(&Context, &SceneBindings), Fault> {
        let bindings = self.shots.get(&key).and_then(|shot| shot.bindings.as_ref());
        self.context.as_ref().zip(bindings).ok_or_else(|| Fault::Lost("the shot is not loaded".to_owned()))
    }

    /// Does `work`; if the device is lost or its driver panics, reopens it and tries once more.
    fn persist<T>(&mut self, mut work: impl FnMut(&mut Self) -> Result<T, Fault>) -> Result<T, RenderError> {
        let mut is_second = false;
        loop {
            let fault = match catch_unwind(AssertUnwindSafe(|| work(self))) {
                Ok(Ok(done)) => return Ok(done),
                Ok(Err(fault)) => fault,
                Err(panic) => Fault::Lost(message_of(&*panic)),
            };
            if let Fault::Final(error) = fault {
                return Err(error);
            }
            let reason = fault.reason();
            if matches!(fault, Fault::Lost(_)) {
                note_lost(&self.adapter);
            }
            self.close();
            if is_second {
                return Err(RenderError::DeviceLost(reason));
            }
            is_second = true;
            tracing::warn!("[GPU_PROBE] {} failed: {reason}; opening it again", self.adapter.name);
        }
    }

    /// Drops everything that lives on the device; a driver in trouble may panic again while doing so.
    fn close(&mut self) {
        for shot in self.shots.values_mut() {
            let bindings = shot.bindings.take();
            let _ = catch_unwind(AssertUnwindSafe(|| drop(bindings)));
        }
        for product in self.products.values_mut() {
            let buffers = product.buffers.take();
            let _ = catch_unwind(AssertUnwindSafe(|| drop(buffers)));
        }
        let guides = self.guides.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(guides)));
        let rays = self.rays.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(rays)));
        let denoiser = self.denoiser.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(denoiser)));
        let environments = std::mem::take(&mut self.environments);
        let _ = catch_unwind(AssertUnwindSafe(|| drop(environments)));
        let context = self.context.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(context)));
    }
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "its driver panicked".to_owned())
}
