//! Which device renders, and why.
//!
//! Input: the requested device, and the adapters that exist. Output: a choice with its reason as a sentence, or an
//! error with a way out. Invariant: nothing falls back silently, and software adapters are only used by name.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::backend::cpu::CpuBackend;
use crate::backend::gpu::{GpuBackend, GpuOptions, adapters};
use crate::backend::{Backend, DeviceKind};
use crate::store::ByteStore;

mod lost;
mod report;

pub use crate::backend::gpu::picture_bytes;
pub use lost::{lost, note_elsewhere};
pub(crate) use lost::{note_lost, note_opened};
pub use packshot_processor::memory::available_bytes as memory_bytes;
pub use report::{DeviceItem, DeviceReport, DeviceState, Probe};

/// The requested device.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum DeviceRequest {
    /// The best GPU, or else the CPU.
    #[default]
    Auto,
    /// The native CPU backend.
    Cpu,
    /// The best GPU, or an error.
    Gpu,
    /// The adapter whose name contains this, whatever its kind; upper and lower case match.
    Named(String),
}

impl From<&str> for DeviceRequest {
    /// `auto`, `cpu` and `gpu` are keywords; anything else is part of a name.
    fn from(text: &str) -> Self {
        match text.trim().to_lowercase().as_str() {
            "auto" | "" => Self::Auto,
            "cpu" => Self::Cpu,
            "gpu" => Self::Gpu,
            _ => Self::Named(text.trim().to_owned()),
        }
    }
}

impl fmt::Display for DeviceRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Gpu => f.write_str("gpu"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

/// The class of an adapter, the fastest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AdapterClass {
    /// A GPU with memory of its own.
    Discrete,
    /// A GPU that shares the processor's memory.
    Integrated,
    /// A GPU that a host provides to a virtual machine.
    Virtual,
    /// The driver does not say.
    Other,
    /// Computes on the processor.
    Software,
}

impl AdapterClass {
    /// The word in a report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Discrete => "discrete_gpu",
            Self::Integrated => "integrated_gpu",
            Self::Virtual => "virtual_gpu",
            Self::Other => "other",
            Self::Software => "cpu",
        }
    }
}

/// A graphics adapter, as its driver describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdapterInfo {
    /// Distinguishes it from the other adapters of this machine, and is stable between runs.
    pub id: String,
    /// Its name, such as `NVIDIA H200`.
    pub name: String,
    /// The graphics API, such as `vulkan`.
    pub backend: String,
    /// Its class.
    pub class: AdapterClass,
    /// Name and version of its driver.
    pub driver: String,
    /// The largest array that it can bind.
    pub binding_bytes_max: u64,
    /// Its memory, bytes; `None` if its driver does not report it.
    pub memory_bytes: Option<u64>,
    /// Why it cannot render; `None` when it can.
    pub unusable: Option<String>,
}

impl AdapterInfo {
    /// A GPU, or a program that acts as one.
    pub fn kind(&self) -> DeviceKind {
        if self.class == AdapterClass::Software { DeviceKind::Software } else { DeviceKind::Gpu }
    }
}

/// All graphics adapters. Loads the drivers; a machine without drivers has none.
pub fn enumerate() -> Vec<AdapterInfo> {
    adapters::enumerate()
}

/// What was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// The native CPU backend.
    Cpu,
    /// A graphics adapter.
    Adapter(AdapterInfo),
}

/// A choice and its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceChoice {
    /// The requested device.
    pub request: DeviceRequest,
    /// What was chosen for it.
    pub chosen: Chosen,
    /// Why, as a sentence without its full stop.
    pub reason: String,
}

impl DeviceChoice {
    /// The log line about the choice; `None` when the CPU was requested, because no GPU is expected then.
    pub fn probe_line(&self) -> Option<String> {
        match (&self.chosen, &self.request) {
            (Chosen::Adapter(a), _) => {
                let what = if a.kind() == DeviceKind::Software { "software" } else { "GPU" };
                Some(format!("[GPU_PROBE] {} activated ({}) — using {what} render", a.name, a.backend))
            }
            (Chosen::Cpu, DeviceRequest::Cpu) => None,
            (Chosen::Cpu, _) => Some(
                "[GPU_PROBE] No GPU found, falling back to CPU — set cycles_device=cpu to suppress this warning"
                    .to_owned(),
            ),
        }
    }
}

/// The requested device is not available.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DeviceError {
    /// One sentence for a person.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl DeviceError {
    /// The stable name of all these errors.
    pub const CODE: &'static str = "device.unavailable";

    /// An adapter that exists but does not work.
    pub(crate) fn unusable(name: &str, why: &str) -> Self {
        let help = "choose another device: `packshot devices` lists them, `cpu` always works".to_owned();
        Self { message: format!("{name} cannot be used: {why}"), help }
    }
}

/// Chooses among `adapters`.
///
/// # Errors
/// When a GPU or a name was requested and there is no usable one.
pub fn choose(request: &DeviceRequest, adapters: &[AdapterInfo]) -> Result<DeviceChoice, DeviceError> {
    let choice = |chosen, reason: String| Ok(DeviceChoice { request: request.clone(), chosen, reason });
    let gpu = best_gpu(adapters);
    match (request, gpu) {
        (DeviceRequest::Cpu, _) => choice(Chosen::Cpu, "the CPU was asked for".to_owned()),
        (DeviceRequest::Auto, Some(gpu)) => {
            let n_gpus = adapters.iter().filter(|a| a.kind() == DeviceKind::Gpu).count();
            let reason = if n_gpus > 1 { format!("the best of {n_gpus} GPUs") } else { "the only GPU".to_owned() };
            choice(Chosen::Adapter(gpu.clone()), reason)
        }
        (DeviceRequest::Auto, None) => choice(Chosen::Cpu, why_no_gpu(adapters)),
        (DeviceRequest::Gpu, Some(gpu)) => choice(Chosen::Adapter(gpu.clone()), "a GPU was asked for".to_owned()),
        (DeviceRequest::Gpu, None) => Err(DeviceError {
            message: why_no_gpu(adapters),
            help: "use `auto` or `cpu`; a software adapter is used when it is named, for example `llvmpipe`".to_owned(),
        }),
        (DeviceRequest::Named(part), _) => {
            let adapter = named(part, adapters)?;
            choice(Chosen::Adapter(adapter.clone()), format!("its name contains {part:?}, as asked for"))
        }
    }
}

/// Chooses among the adapters of this machine. Drivers are loaded only when the request may need one.
///
/// # Errors
/// As [`choose`].
pub fn select(request: &DeviceRequest) -> Result<DeviceChoice, DeviceError> {
    match request {
        DeviceRequest::Cpu => choose(request, &[]),
        _ => choose(request, &enumerate()),
    }
}

/// Opens the device, with `n_threads` threads (0: one per hardware thread). `cache` keeps compiled kernels.
///
/// A GPU that [`DeviceRequest::Auto`] found but that does not open is replaced by the CPU; the reason and the log say
/// so.
///
/// # Errors
/// When a device that was requested explicitly does not open, or the operating system refuses threads.
pub fn open(
    choice: &DeviceChoice,
    n_threads: usize,
    cache: Option<Arc<dyn ByteStore>>,
) -> Result<Box<dyn Backend>, DeviceError> {
    let cpu = |reason: String| -> Result<Box<dyn Backend>, DeviceError> {
        let backend = CpuBackend::new(n_threads, reason)
            .map_err(|error| DeviceError::unusable(&processor_name(), &error.to_string()))?;
        Ok(Box::new(backend))
    };
    let Chosen::Adapter(adapter) = &choice.chosen else { return cpu(choice.reason.clone()) };
    let options = GpuOptions { n_threads, cache, ..GpuOptions::default() };
    match GpuBackend::open(adapter, choice.reason.clone(), options) {
        Ok(backend) => Ok(Box::new(backend)),
        Err(error) if choice.request == DeviceRequest::Auto => {
            tracing::warn!("[GPU_PROBE] {error}; falling back to CPU");
            cpu(error.message)
        }
        Err(error) => Err(error),
    }
}

/// The processor's name as the operating system reports it, or else its architecture.
pub fn processor_name() -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named =
        cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':').map(|(_, name)| name.trim()));
    named.unwrap_or(std::env::consts::ARCH).to_owned()
}

/// The first adapter of the fastest class.
fn best_gpu(adapters: &[AdapterInfo]) -> Option<&AdapterInfo> {
    let usable = adapters.iter().filter(|a| a.kind() == DeviceKind::Gpu && a.unusable.is_none());
    usable.min_by_key(|a| a.class)
}

fn why_no_gpu(adapters: &[AdapterInfo]) -> String {
    let refused = adapters.iter().map(|a| match &a.unusable {
        Some(why) => format!("{} cannot be used: {why}", a.name),
        None => format!("{} computes on the CPU and is only used when it is named", a.name),
    });
    let refused: Vec<String> = refused.collect();
    if refused.is_empty() {
        "no GPU adapter found".to_owned()
    } else {
        format!("no GPU adapter found ({})", refused.join("; "))
    }
}

/// The adapter whose name contains this: GPUs before software, usable ones before others.
fn named<'a>(part: &str, adapters: &'a [AdapterInfo]) -> Result<&'a AdapterInfo, DeviceError> {
    let part_lower = part.to_lowercase();
    let matching = adapters.iter().filter(|a| a.name.to_lowercase().contains(&part_lower));
    let adapter = matching.min_by_key(|a| (a.unusable.is_some(), a.class)).ok_or_else(|| {
        let names: Vec<&str> = adapters.iter().map(|a| a.name.as_str()).collect();
        let there_is = if names.is_empty() {
            "there is no graphics adapter".to_owned()
        } else {
            format!("the adapters are {}", names.join(", "))
        };
        DeviceError {
            message: format!("no adapter's name contains {part:?}; {there_is}"),
            help: "`packshot devices` lists the devices; `auto` and `cpu` always work".to_owned(),
        }
    })?;
    match &adapter.unusable {
        Some(why) => Err(DeviceError::unusable(&adapter.name, why)),
        None => Ok(adapter),
    }
}
