//! Devices: which one a job gets, what the log says about it, and one renderer for each, opened when it is first
//! needed.
//!
//! A device is `requested` as `gpu`, `cpu`, `auto`, or by part of an adapter's name. `gpu` and `auto` try a GPU
//! and fall back to the CPU, which with `gpu` is a warning; software adapters are only taken by name.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use packshot_pipeline::error::Error;
use packshot_pipeline::render::{Renderer, RendererOptions};
use packshot_renderer::backend::device::{
    self, AdapterInfo, Chosen, DeviceChoice, DeviceReport, DeviceRequest, memory_bytes,
};
use packshot_renderer::backend::{DeviceInfo, DeviceKind};

use packshot_contract::document::GpuInfo;
use packshot_domain::event::LogLevel;

/// The line when a GPU was asked for and there is none. Programs look for exactly this sentence.
pub const NO_GPU_LINE: &str =
    "[GPU_PROBE] No GPU found, falling back to CPU — set cycles_device=cpu to suppress this warning";

/// The target of the lines of the log that say which device jobs get.
pub const LOG_TARGET: &str = module_path!();

/// After this time without a GPU the next job looks again whether there is one: asking every driver takes longer than a
/// small picture.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// All devices of this machine, with the one that `requested` would get. Loads graphics drivers.
pub fn report(requested: &str) -> DeviceReport {
    let adapters = device::enumerate();
    DeviceReport::new(&adapters, &device::lost(), &device::choose(&request(requested), &adapters), SystemTime::now())
}

/// Looks for the device of jobs that name none, and logs which one it is. Opens nothing.
pub fn announce(requested: &str) {
    let choice = match device::select(&request(requested)) {
        Ok(choice) => choice,
        Err(error) => {
            tracing::warn!(device = requested, "{error}: {}", error.help);
            return;
        }
    };
    let is_missed = choice.chosen == Chosen::Cpu && DeviceRequest::from(requested) == DeviceRequest::Gpu;
    let level = if is_missed { LogLevel::Warning } else { LogLevel::Info };
    if let Some(text) = choice.probe_line() {
        ProbeLine { level, text }.log();
    }
}

/// Why no GPU computes, although `requested` asks for one; `None` where one does, or none is asked for. Loads graphics
/// drivers.
pub fn missing_gpu(requested: &str) -> Option<String> {
    if DeviceRequest::from(requested) != DeviceRequest::Gpu {
        return None;
    }
    match device::select(&request(requested)) {
        Ok(choice) if choice.chosen == Chosen::Cpu => Some("no GPU was found, and the processor renders".to_owned()),
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    }
}

/// The request to the renderer. The service itself falls back from `gpu`, so there the renderer gets `auto`.
fn request(requested: &str) -> DeviceRequest {
    match DeviceRequest::from(requested) {
        DeviceRequest::Gpu => DeviceRequest::Auto,
        other => other,
    }
}

/// A line of the log about a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProbeLine {
    pub(super) level: LogLevel,
    pub(super) text: String,
}

impl ProbeLine {
    /// Logs it, as a line about the service and not about a job.
    pub(super) fn log(&self) {
        match self.level {
            LogLevel::Info => tracing::info!("{}", self.text),
            LogLevel::Warning | LogLevel::Error => tracing::warn!("{}", self.text),
        }
    }
}

/// A device that a job gets.
#[derive(Clone, Debug)]
pub(super) struct Device {
    pub(super) renderer: Arc<Renderer>,
    /// Tells it from every other that was ever opened here: what lies on a lost device is not found again.
    pub(super) id: u64,
    /// Its entry in the job's document.
    pub(super) info: GpuInfo,
    /// The adapter; `None` for the processor.
    pub(super) adapter: Option<AdapterInfo>,
    /// Its line in the log; `None` when the CPU was asked for, because then no GPU is missing.
    pub(super) line: Option<ProbeLine>,
    /// The memory that this process may take, whichever device computes; `None` where the system does not say.
    pub(super) host_memory_bytes: Option<u64>,
}

/// Renderers, one per device.
#[derive(Debug)]
pub(super) struct Devices {
    options: RendererOptions,
    adapters: fn() -> Vec<AdapterInfo>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    n_opened: u64,
    choices: Vec<(DeviceRequest, DeviceChoice, Instant)>,
    open: Vec<(Chosen, u64, Arc<Renderer>)>,
}

impl Devices {
    /// Opens nothing yet; `adapters` lists those of the machine.
    pub(super) fn new(options: RendererOptions, adapters: fn() -> Vec<AdapterInfo>) -> Self {
        Self { options, adapters, state: Mutex::default() }
    }

    /// The device for a request, opened if needed.
    ///
    /// # Errors
    /// `device.unavailable` when no usable adapter has the name, or nothing can be opened.
    pub(super) fn open(&self, requested: &str) -> Result<Device, Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let choice = state.choose(&request(requested), self.adapters)?;
        let adapter = match &choice.chosen {
            Chosen::Adapter(adapter) => Some(adapter.clone()),
            Chosen::Cpu => None,
        };
        let known = state.open.iter().find(|(chosen, ..)| *chosen == choice.chosen);
        let (id, renderer) = match known {
            Some((_, id, renderer)) => (*id, renderer.clone()),
            None => {
                let renderer = Arc::new(Renderer::open(&choice, self.options.clone())?);
                state.n_opened += 1;
                let id = state.n_opened;
                state.open.push((choice.chosen, id, renderer.clone()));
                (id, renderer)
            }
        };
        let is_cpu_requested = DeviceRequest::from(requested) == DeviceRequest::Cpu;
        let device = renderer.device();
        let host_memory_bytes = memory_bytes();
        let info = gpu_info(device, is_cpu_requested);
        let adapter = adapter.filter(|_| device.kind != DeviceKind::Cpu);
        Ok(Device { line: probe_line(device, requested), info, adapter, renderer, id, host_memory_bytes })
    }

    /// Closes a device that was lost: the next job looks for one anew.
    pub(super) fn forget(&self, id: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.choices.clear();
        state.open.retain(|(_, known, _)| *known != id);
    }
}

impl State {
    /// The device that a request means here. Drivers are asked only if there is no earlier answer, or an old one
    /// without a GPU.
    fn choose(&mut self, request: &DeviceRequest, adapters: fn() -> Vec<AdapterInfo>) -> Result<DeviceChoice, Error> {
        self.choices.retain(|(request, choice, since)| {
            let is_fallback = choice.chosen == Chosen::Cpu && *request != DeviceRequest::Cpu;
            !is_fallback || since.elapsed() < LOOK_AGAIN
        });
        if let Some((_, choice, _)) = self.choices.iter().find(|(known, ..)| known == request) {
            return Ok(choice.clone());
        }
        let choice = match request {
            DeviceRequest::Cpu => device::choose(request, &[])?,
            _ => device::choose(request, &adapters())?,
        };
        self.choices.push((request.clone(), choice.clone(), Instant::now()));
        Ok(choice)
    }
}

/// The entry of a device in a job's document.
fn gpu_info(device: &DeviceInfo, is_cpu_requested: bool) -> GpuInfo {
    let (backend, used) = match device.kind {
        DeviceKind::Cpu => ("CPU".to_owned(), "cpu"),
        DeviceKind::Gpu => (device.backend.to_uppercase(), "gpu"),
        DeviceKind::Software => (device.backend.to_uppercase(), "software"),
    };
    let fell_back = device.kind == DeviceKind::Cpu && !is_cpu_requested;
    let fallback_reason = fell_back.then(|| device.reason.clone());
    GpuInfo { device: device.name.clone(), backend, used: used.to_owned(), fallback_reason }
}

/// The line in the log about the device that was requested.
fn probe_line(device: &DeviceInfo, requested: &str) -> Option<ProbeLine> {
    let activated = |what: &str| ProbeLine {
        level: LogLevel::Info,
        text: format!("[GPU_PROBE] {} activated ({}) — using {what} render", device.name, device.backend),
    };
    match (device.kind, DeviceRequest::from(requested)) {
        (DeviceKind::Gpu, _) => Some(activated("GPU")),
        (DeviceKind::Software, _) => Some(activated("software")),
        (DeviceKind::Cpu, DeviceRequest::Cpu) => None,
        (DeviceKind::Cpu, other) => {
            let level = if other == DeviceRequest::Gpu { LogLevel::Warning } else { LogLevel::Info };
            Some(ProbeLine { level, text: NO_GPU_LINE.to_owned() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(kind: DeviceKind, name: &str, backend: &str, reason: &str) -> DeviceInfo {
        DeviceInfo {
            kind,
            name: name.to_owned(),
            backend: backend.to_owned(),
            reason: reason.to_owned(),
            memory_bytes: None,
        }
    }

    #[test]
    fn r51_a_gpu_is_announced() {
        let gpu = found(DeviceKind::Gpu, "NVIDIA H200", "vulkan", "the only GPU");
        let line = probe_line(&gpu, "gpu").expect("a line");
        assert_eq!(line.text, "[GPU_PROBE] NVIDIA H200 activated (vulkan) — using GPU render");
        let info = gpu_info(&gpu, false);
        assert_eq!((info.used.as_str(), info.backend.as_str(), info.fallback_reason), ("gpu", "VULKAN", None));
    }

    #[test]
    fn r52_a_missing_gpu_is_a_warning_only_when_it_was_wished_for() {
        let cpu = found(DeviceKind::Cpu, "EPYC", "native", "no GPU adapter found");
        for (requested, level) in [("gpu", LogLevel::Warning), ("auto", LogLevel::Info)] {
            assert_eq!(probe_line(&cpu, requested), Some(ProbeLine { level, text: NO_GPU_LINE.to_owned() }));
        }
        assert_eq!(gpu_info(&cpu, false).fallback_reason.as_deref(), Some("no GPU adapter found"));
    }

    #[test]
    fn r53_a_cpu_by_choice_is_silent() {
        let cpu = found(DeviceKind::Cpu, "EPYC", "native", "the CPU was asked for");
        assert_eq!(probe_line(&cpu, "cpu"), None);
        assert_eq!(gpu_info(&cpu, true).fallback_reason, None);
        let devices = Devices::new(RendererOptions { n_threads: 1, ..RendererOptions::default() }, device::enumerate);
        let (first, second) = (devices.open("cpu").expect("opens"), devices.open("cpu").expect("opens"));
        assert_eq!((first.id, first.line), (second.id, None));
        devices.forget(first.id);
        assert_ne!(devices.open("cpu").expect("opens").id, first.id);
    }
}
