//! The machine that figures are from.

use packshot_processor::SimdLevel;
use serde::Serialize;

/// The machine that figures are from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// Its cores as the system counts them.
    pub cores: usize,
    /// The widest instruction set that Packshot uses of it.
    pub instruction_set: &'static str,
    /// Threads of each renderer.
    pub threads: u16,
}

impl Machine {
    /// This machine.
    pub fn this(threads: u16) -> Self {
        let told = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let name = told.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let instruction_set = match SimdLevel::detect() {
            SimdLevel::Portable => "portable code",
            SimdLevel::Avx2 => "AVX2",
            SimdLevel::Avx512 => "AVX-512",
        };
        Self {
            processor: name.map_or(std::env::consts::ARCH, |(_, name)| name.trim()).to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            instruction_set,
            threads,
        }
    }
}

/// Processor seconds that all processes of the machine have taken since it started, and its processors, of which this
/// process may be allowed fewer; `None` where the system does not say.
pub(crate) fn busy() -> Option<(f64, usize)> {
    const TICKS_PER_S: f64 = 100.0;
    let told = std::fs::read_to_string("/proc/stat").ok()?;
    let ticks = told.lines().next()?.split_whitespace().skip(1).take(3).map(|word| word.parse::<u64>().ok());
    let processors = told.lines().skip(1).take_while(|line| line.starts_with("cpu")).count();
    Some((ticks.sum::<Option<u64>>()? as f64 / TICKS_PER_S, processors.max(1)))
}
