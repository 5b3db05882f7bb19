//! `packshot devices`, and the options that choose one.

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::SystemTime;

use clap::{Args, value_parser};
use packshot::denoise::Oidn;
use packshot::error::Fault;
use packshot::{DeviceRequest, Renderer, RendererOptions};
use packshot_pipeline::memory::{self, LimitOf, MemoryLimit, MemoryNeed};
use packshot_renderer::backend::device::{self, DeviceReport, DeviceState};

use super::failure::{Exit, Failure};
use super::usage::option_or_variable;
use super::{cache, console, files, kit};

/// With how many threads, in how much memory.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Device")]
pub(crate) struct ThreadArgs {
    /// CPU threads [default: all]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Bytes of memory that rendering may take, such as 6GiB [default: what the machine or its container has]
    #[arg(long, value_name = "N", env = MAX_MEMORY_VARIABLE, value_parser = memory_bytes)]
    max_memory_bytes: Option<u64>,
}

/// With more, threads wait for each other for most of the time.
const THREADS_PER_PROCESSOR_MAX: usize = 4;

/// The variable of `--max-memory-bytes`.
const MAX_MEMORY_VARIABLE: &str = "PACKSHOT_MAX_MEMORY_BYTES";

/// The same sizes as in the settings of the service.
fn memory_bytes(text: &str) -> Result<u64, String> {
    let bytes = memory::parse_bytes(text).filter(|bytes| *bytes > 0);
    bytes.ok_or_else(|| format!("expected {}", memory::BYTES))
}

fn device_request(text: &str) -> Result<DeviceRequest, Infallible> {
    Ok(DeviceRequest::from(text))
}

impl ThreadArgs {
    /// Refuses what there is no memory for, on the machine, in its container, or by the option.
    pub(crate) fn check_memory(&self, need: MemoryNeed) -> Result<(), Failure> {
        let Some(limit) = MemoryLimit::least(device::memory_bytes(), self.max_memory_bytes) else { return Ok(()) };
        need.check(limit).map_err(|error| match limit.whose {
            LimitOf::Setting => {
                Failure::from(error).at_option(option_or_variable("--max-memory-bytes", MAX_MEMORY_VARIABLE))
            }
            LimitOf::Machine => error.into(),
        })
    }

    /// Threads of the processor; 0: all.
    #[cfg(feature = "service")]
    pub(crate) fn count(&self) -> usize {
        self.threads.map_or(0, usize::from)
    }

    /// Bytes of memory that rendering may take, if there is a limit of its own.
    #[cfg(feature = "service")]
    pub(crate) fn memory_bytes_max(&self) -> Option<u64> {
        self.max_memory_bytes
    }

    /// Opens a device, with what removes noise in place of Packshot's own denoiser.
    pub(crate) fn renderer(&self, device: Option<&str>, oidn: Option<Oidn>) -> Result<Renderer, Failure> {
        let n_threads = self.threads.map_or(0, usize::from);
        let options = RendererOptions { n_threads, cache: cache::store(), oidn };
        Renderer::new(&device.map_or(DeviceRequest::Auto, DeviceRequest::from), options).map_err(|error| {
            let option = match error.code().starts_with("denoise.") {
                true => "--denoise-with",
                false => option_or_variable("--device", "PACKSHOT_DEVICE"),
            };
            Failure::from(error).at_option(option)
        })
    }

    /// Keeps everything outside of the backends (import, colour, encoding) to as many threads. Once per process.
    pub(crate) fn use_threads(&self) -> Result<(), Failure> {
        let Some(n_threads) = self.threads else { return Ok(()) };
        let n_processors = std::thread::available_parallelism().map_or(1, usize::from);
        if usize::from(n_threads) > n_processors * THREADS_PER_PROCESSOR_MAX {
            let processors = if n_processors == 1 { "processor" } else { "processors" };
            let message =
                format!("{n_threads} threads share {n_processors} {processors}, which takes longer than one for each");
            console::warn_with_help(&message, "leave out --threads: then each processor has one");
        }
        let built = rayon::ThreadPoolBuilder::new().num_threads(n_threads.into()).build_global();
        built.map_err(|reason| Failure::new(Exit::Internal, Fault::new("internal", reason.to_string())))
    }
}

/// Arguments of `devices`.
#[derive(Args, Debug)]
#[command(after_help = "Example: packshot devices --self-test")]
pub(crate) struct DevicesArgs {
    /// Device to choose, as for a render: auto, cpu, gpu, or part of an adapter's name
    #[arg(long, value_name = "WHICH", default_value = "auto", env = "PACKSHOT_DEVICE", value_parser = device_request)]
    device: DeviceRequest,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Check, in about 20 seconds, that the chosen GPU renders the same pictures as the processor
    #[arg(long)]
    self_test: bool,
    /// Keep the pictures and figures of the self-test in this folder
    #[arg(long, value_name = "DIR", requires = "self_test")]
    results: Option<PathBuf>,
}

pub(crate) fn run(args: &DevicesArgs, is_quiet: bool) -> Result<(), Failure> {
    if args.self_test {
        return kit::self_test(&args.device, args.results.as_deref(), args.json, is_quiet);
    }
    let adapters = device::enumerate();
    // Only a process that used a device knows that it was lost, and this one has used none.
    let report = DeviceReport::new(&adapters, &[], &device::choose(&args.device, &adapters), SystemTime::now());
    if args.json { files::print_json(&report) } else { files::print(list(&report).as_bytes()) }
}

/// A line per device, the chosen one marked, and why.
fn list(report: &DeviceReport) -> String {
    let mut text = String::new();
    for item in &report.items {
        let mark = if item.selected { '*' } else { ' ' };
        let kind = if item.is_software { "software" } else { item.device_type };
        let memory = item.memory_bytes.map(|bytes| format!(", {} MiB", bytes >> 20)).unwrap_or_default();
        let state = match item.state {
            DeviceState::Ready => "",
            DeviceState::Lost => ", its driver gave it up",
            DeviceState::Unusable => ", cannot be used",
        };
        text += &format!("{mark} {} ({}, {kind}{memory}{state})\n", item.name, item.backend);
    }
    text + &format!("{}\n", report.probe.reason)
}
