//! An open device, whose failures become values.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::adapters;
use super::kernel::{Kernel, PathTracer};
use super::program::Compiler;
use crate::backend::RenderError;
use crate::backend::device::AdapterInfo;
use crate::prepare::SceneFeatures;
use crate::store::ByteStore;

/// A longer dispatch counts as hanging: slices are meant to take a fraction of a second.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Why work on the device stopped.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fault {
    /// There will be no picture, and trying again would not help.
    Final(RenderError),
    /// The device was lost: reopening it, or another one, may help.
    Lost(String),
    /// The driver ended loops early: the same work in smaller pieces may succeed.
    LoopsCut,
}

impl Fault {
    /// What happened, worded as the rest of a sentence about the device.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Final(error) => error.to_string(),
            Self::Lost(reason) => reason.clone(),
            Self::LoopsCut => "it ends loops early, even in dispatches of one step".to_owned(),
        }
    }
}

/// Failures outside the calls that return errors.
#[derive(Debug, Default)]
struct Incidents {
    lost: Option<String>,
    uncaptured: Option<String>,
}

/// A device, its queue, and the compiled kernel.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) compiler: Compiler,
    pub(super) path_tracer: PathTracer,
    /// Submissions so far.
    pub(super) n_submissions: Cell<u64>,
    /// The largest size of one binding.
    pub(super) binding_bytes_max: u64,
    incidents: Arc<Mutex<Incidents>>,
    /// Set by tests: the device is destroyed during the next submission.
    is_doomed: Arc<AtomicBool>,
}

impl Context {
    /// Opens the adapter and compiles its kernel.
    pub(super) fn open(
        info: &AdapterInfo,
        cache: Option<Arc<dyn ByteStore>>,
        is_doomed: Arc<AtomicBool>,
    ) -> Result<Self, String> {
        let instance = adapters::instance();
        let found = adapters::list(&instance).into_iter().find(|(other, _)| other.id == info.id);
        let (_, adapter) = found.ok_or("it is no longer there")?;
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("packshot"),
            required_features: adapter.features() & wgpu::Features::PIPELINE_CACHE,
            required_limits: limits(&adapter),
            memory_hints: wgpu::MemoryHints::MemoryUsage,
            ..Default::default()
        };
        let (device, queue) =
            pollster::block_on(adapter.request_device(&descriptor)).map_err(|error| error.to_string())?;
        let incidents = Arc::new(Mutex::new(Incidents::default()));
        let seen = incidents.clone();
        device.set_device_lost_callback(move |reason, message| {
            record(&seen, |i| &mut i.lost, format!("{message} ({reason:?})"));
        });
        let seen = incidents.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            record(&seen, |i| &mut i.uncaptured, error.to_string());
        }));
        let compiler = Compiler::new(&device, adapter.get_info(), cache);
        let path_tracer = PathTracer::new(&device, &compiler);
        let limits = device.limits();
        let binding_bytes_max = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
        let context = Self {
            device,
            queue,
            compiler,
            path_tracer,
            n_submissions: Cell::new(0),
            binding_bytes_max,
            incidents,
            is_doomed,
        };
        // So that a driver that refuses even the simplest kernel is detected here.
        context.compile(SceneFeatures::default()).map_err(|fault| fault.reason())?;
        Ok(context)
    }

    /// Compiles the kernel for scenes with these features, unless it is compiled already.
    pub(super) fn compile(&self, features: SceneFeatures) -> Result<Arc<Kernel>, Fault> {
        self.compiled(|| self.path_tracer.kernel(&self.compiler, features))
    }

    /// The result of `compile`, unless the driver refuses it.
    pub(super) fn compiled<T>(&self, compile: impl FnOnce() -> T) -> Result<T, Fault> {
        let scopes =
            [wgpu::ErrorFilter::Validation, wgpu::ErrorFilter::Internal].map(|f| self.device.push_error_scope(f));
        let compiled = compile();
        // Scopes end in reverse order.
        let refused = scopes.into_iter().rev().filter_map(|scope| pollster::block_on(scope.pop())).last();
        self.check()?;
        match refused {
            Some(error) => Err(Fault::Lost(format!("the kernel was refused: {error}"))),
            None => Ok(compiled),
        }
    }

    /// Refuses sizes beyond one binding.
    pub(super) fn check_fits(&self, size_bytes: u64) -> Result<(), Fault> {
        let offered_bytes = Some(self.binding_bytes_max);
        match size_bytes <= self.binding_bytes_max {
            true => Ok(()),
            false => Err(Fault::Final(RenderError::DeviceOutOfMemory { needed_bytes: size_bytes, offered_bytes })),
        }
    }

    /// Whole buffers as bindings 0, 1, 2, …
    pub(super) fn bind_group(
        &self,
        label: &str,
        layout: &wgpu::BindGroupLayout,
        buffers: &[&wgpu::Buffer],
    ) -> wgpu::BindGroup {
        let resources = buffers.iter().map(|buffer| buffer.as_entire_binding());
        let entries: Vec<_> =
            (0..).zip(resources).map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource }).collect();
        self.device.create_bind_group(&wgpu::BindGroupDescriptor { label: Some(label), layout, entries: &entries })
    }

    /// A buffer of `size_bytes`, or the reason why there is none.
    pub(super) fn buffer(
        &self,
        label: &str,
        size_bytes: u64,
        usage: wgpu::BufferUsages,
    ) -> Result<wgpu::Buffer, Fault> {
        self.check_fits(size_bytes)?;
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let descriptor =
            wgpu::BufferDescriptor { label: Some(label), size: size_bytes, usage, mapped_at_creation: false };
        let buffer = self.device.create_buffer(&descriptor);
        match pollster::block_on(scope.pop()) {
            Some(_) => {
                Err(Fault::Final(RenderError::DeviceOutOfMemory { needed_bytes: size_bytes, offered_bytes: None }))
            }
            None => self.check().map(|()| buffer),
        }
    }

    /// Writes `bytes` into a buffer in pieces, so that the staging copy stays small.
    pub(super) fn write(&self, buffer: &wgpu::Buffer, offset_bytes: u64, bytes: &[u8]) -> Result<(), Fault> {
        const PIECE_BYTES: usize = 32 << 20;
        for (i, piece) in bytes.chunks(PIECE_BYTES).enumerate() {
            if i > 0 {
                self.settle()?;
            }
            self.queue.write_buffer(buffer, offset_bytes + (i * PIECE_BYTES) as u64, piece);
        }
        Ok(())
    }

    /// Submits recorded commands.
    pub(super) fn submit(&self, encoder: wgpu::CommandEncoder) -> wgpu::SubmissionIndex {
        if self.is_doomed.swap(false, Ordering::Relaxed) {
            self.device.destroy();
        }
        self.n_submissions.set(self.n_submissions.get() + 1);
        self.queue.submit([encoder.finish()])
    }

    /// Waits for a submission.
    pub(super) fn wait(&self, submission: wgpu::SubmissionIndex) -> Result<(), Fault> {
        let wait = wgpu::PollType::Wait { submission_index: Some(submission), timeout: Some(WAIT_MAX) };
        let outcome = self.device.poll(wait);
        // An earlier failure is more specific than a failed wait.
        self.check()?;
        outcome.map(drop).map_err(|error| Fault::Lost(error.to_string()))
    }

    /// Waits for all work, and has everything freed that was dropped: the graphics API keeps what submitted work uses,
    /// and the copies of what was uploaded, until somebody waits for that work.
    pub(super) fn settle(&self) -> Result<(), Fault> {
        let submission = self.queue.submit([]);
        self.wait(submission)
    }

    /// Runs `read` over the first `size_bytes` of a buffer that can be mapped, after `submission`.
    pub(super) fn read_mapped<T>(
        &self,
        buffer: &wgpu::Buffer,
        size_bytes: u64,
        submission: wgpu::SubmissionIndex,
        read: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, Fault> {
        let slice = buffer.slice(..size_bytes);
        let outcome = Arc::new(Mutex::new(None));
        let seen = outcome.clone();
        slice.map_async(wgpu::MapMode::Read, move |result| {
            *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        });
        self.wait(submission)?;
        let mapped = outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Ok(())) = mapped else {
            return Err(Fault::Lost("a result could not be read back".to_owned()));
        };
        let view = slice.get_mapped_range().map_err(|error| Fault::Lost(error.to_string()))?;
        let value = read(&view);
        drop(view);
        buffer.unmap();
        Ok(value)
    }

    fn check(&self) -> Result<(), Fault> {
        let incidents = self.incidents.lock().unwrap_or_else(PoisonError::into_inner);
        match (&incidents.lost, &incidents.uncaptured) {
            (Some(reason), _) | (None, Some(reason)) => Err(Fault::Lost(reason.clone())),
            (None, None) => Ok(()),
        }
    }
}

/// Only the first incident of a kind is kept, as the most specific.
fn record(incidents: &Mutex<Incidents>, kind: impl FnOnce(&mut Incidents) -> &mut Option<String>, message: String) {
    let mut incidents = incidents.lock().unwrap_or_else(PoisonError::into_inner);
    kind(&mut incidents).get_or_insert(message);
}

/// The adapter's own limits, for large buffers and many bindings, but no immediates, which are a feature that is not
/// requested.
fn limits(adapter: &wgpu::Adapter) -> wgpu::Limits {
    wgpu::Limits { max_immediate_size: 0, ..adapter.limits() }
}
