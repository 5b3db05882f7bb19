//! The thread that owns the device. Whatever happens to the device happens here, and ends here.

use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc;

use super::context::{Context, Fault};
use super::sampler::{RenderState, Sampler};
use super::scene::SceneBuffers;
use super::{GpuOptions, Job};
use crate::backend::device::AdapterInfo;
use crate::backend::{Progress, RenderError, Rendered};
use crate::prepare::PreparedScene;

/// Names a scene of a [`Worker`].
pub(super) type SceneKey = u64;

/// What the thread is asked for.
pub(super) enum Request {
    /// Bring a scene onto the device.
    Load { scene: Arc<PreparedScene>, reply: mpsc::Sender<Result<SceneKey, RenderError>> },
    /// Sample one from the start.
    Render { key: SceneKey, job: Job, events: mpsc::Sender<Event> },
    /// Forget one.
    Unload(SceneKey),
}

/// What a render reports.
pub(super) enum Event {
    /// A pass is done.
    Progress(Progress),
    /// The last event.
    Done(Box<Result<Rendered, RenderError>>),
}

/// The device with its scenes, which it can be given again.
pub(super) struct Worker {
    adapter: AdapterInfo,
    options: GpuOptions,
    pool: Arc<rayon::ThreadPool>,
    is_doomed: Arc<AtomicBool>,
    /// `None` after a loss, until it is needed.
    context: Option<Context>,
    scenes: HashMap<SceneKey, LoadedScene>,
    next_key: SceneKey,
}

struct LoadedScene {
    prepared: Arc<PreparedScene>,
    /// `None` after a loss, until it is needed.
    buffers: Option<SceneBuffers>,
}

impl Worker {
    pub(super) fn new(
        adapter: AdapterInfo,
        options: GpuOptions,
        pool: Arc<rayon::ThreadPool>,
        is_doomed: Arc<AtomicBool>,
    ) -> Self {
        Self { adapter, options, pool, is_doomed, context: None, scenes: HashMap::new(), next_key: 0 }
    }

    /// Opens the device if it is not open.
    pub(super) fn open(&mut self) -> Result<(), String> {
        if self.context.is_none() {
            let open = || Context::open(&self.adapter, self.options.cache.clone(), self.is_doomed.clone());
            self.context = Some(catch_unwind(AssertUnwindSafe(open)).unwrap_or_else(|panic| Err(message_of(&*panic)))?);
        }
        Ok(())
    }

    /// Does what is asked until nobody is left to ask.
    pub(super) fn serve(&mut self, inbox: &mpsc::Receiver<Request>) {
        for request in inbox {
            // Nobody waits for an answer whose receiver is gone.
            match request {
                Request::Load { scene, reply } => drop(reply.send(self.load(scene))),
                Request::Render { key, job, events } => {
                    let result = self.render(key, &job, &events);
                    drop(events.send(Event::Done(Box::new(result))));
                }
                Request::Unload(key) => drop(self.scenes.remove(&key)),
            }
        }
    }

    fn load(&mut self, prepared: Arc<PreparedScene>) -> Result<SceneKey, RenderError> {
        let key = self.next_key;
        self.next_key += 1;
        self.scenes.insert(key, LoadedScene { prepared, buffers: None });
        let loaded = self.persist(|worker| worker.upload(key));
        if loaded.is_err() {
            self.scenes.remove(&key);
        }
        loaded.map(|()| key)
    }

    fn render(&mut self, key: SceneKey, job: &Job, events: &mpsc::Sender<Event>) -> Result<Rendered, RenderError> {
        let settings = self.scenes[&key].prepared.film;
        let mut state = RenderState::new(&settings, job, self.options.slices, self.adapter.kind());
        let mut report = |progress| {
            // Who stopped listening has no use for the picture.
            events.send(Event::Progress(progress)).map_err(|_| Fault::Final(RenderError::Cancelled))
        };
        self.persist(|worker| {
            worker.upload(key)?;
            let (context, buffers) = worker.loaded(key)?;
            loop {
                let mut sampler = Sampler::new(context, buffers, &worker.pool, job, &state)?;
                match sampler.run(&mut state, &mut report) {
                    Err(Fault::LoopsCut) if state.slices.halve_steps() => {
                        tracing::warn!("{} ends loops early; taking smaller steps", worker.adapter.name);
                    }
                    sampled => return sampled,
                }
            }
        })?;
        Ok(state.finish())
    }

    /// Brings a scene onto the device if it is not there.
    fn upload(&mut self, key: SceneKey) -> Result<(), Fault> {
        self.open().map_err(Fault::Lost)?;
        if let (Some(context), Some(scene)) = (&self.context, self.scenes.get_mut(&key))
            && scene.buffers.is_none()
        {
            scene.buffers = Some(SceneBuffers::upload(context, &scene.prepared)?);
        }
        Ok(())
    }

    fn loaded(&self, key: SceneKey) -> Result<(&Context, &SceneBuffers), Fault> {
        let buffers = self.scenes.get(&key).and_then(|scene| scene.buffers.as_ref());
        self.context.as_ref().zip(buffers).ok_or_else(|| Fault::Lost("the scene is not loaded".to_owned()))
    }

    /// Does `work`; when the device is lost or its driver panics, opens it again and goes on, once.
    fn persist(&mut self, mut work: impl FnMut(&mut Self) -> Result<(), Fault>) -> Result<(), RenderError> {
        let mut is_second = false;
        loop {
            let fault = match catch_unwind(AssertUnwindSafe(|| work(self))) {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(fault)) => fault,
                Err(panic) => Fault::Lost(message_of(&*panic)),
            };
            if let Fault::Final(error) = fault {
                return Err(error);
            }
            let reason = fault.reason();
            self.close();
            if is_second {
                return Err(RenderError::DeviceLost(reason));
            }
            is_second = true;
            tracing::warn!("[GPU_PROBE] {} failed: {reason}; opening it again", self.adapter.name);
        }
    }

    /// Drops everything that lives on the device, which a driver in trouble may answer with another panic.
    fn close(&mut self) {
        for scene in self.scenes.values_mut() {
            let buffers = scene.buffers.take();
            let _ = catch_unwind(AssertUnwindSafe(|| drop(buffers)));
        }
        let context = self.context.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(context)));
    }
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "its driver panicked".to_owned())
}
