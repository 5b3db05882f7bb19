//! What is measured.

use std::path::PathBuf;

use packshot_words::words;

use crate::renderer::Peer;

words! {
    /// What is compared.
    pub enum Level {
        /// Rays per second by kind, without shading; nodes and triangles tested for each
        Rays = "rays",
        /// Equal samples: time of sampling alone, and of the whole process
        Samples = "samples",
        /// Equal error: time until the picture is as near to the renderer's own converged one
        Error = "error",
        /// From request to PNG: in a new process, first and cold, and again in the same, warm
        Request = "request",
        /// All frames of a turntable as PNG files, in one process
        Turntable = "turntable",
        /// How time grows with pixels, samples, triangles, instances and threads
        Scaling = "scaling",
    }
}

/// A benchmark.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The command `packshot`.
    pub program: PathBuf,
    /// The Python that peers are installed for.
    pub python: PathBuf,
    /// Who is compared with Packshot, if installed.
    pub peers: Vec<Peer>,
    /// Shot files of one picture each.
    pub shots: Vec<PathBuf>,
    /// What is compared, in this order.
    pub levels: Vec<Level>,
    /// Rounds, at least 1.
    pub rounds: u32,
    /// Threads of each renderer, at least 1.
    pub threads: u16,
    /// The device that Packshot renders on, as for `packshot render`; peers render on the processor.
    pub device: Option<String>,
    /// Size of square pictures in pixels; `None`: as each shot says.
    pub size_px: Option<u32>,
    /// Samples per pixel; `None`: as each shot says.
    pub samples: Option<u32>,
    /// How equal error is measured.
    pub error: ErrorSettings,
    /// Frames of a turntable.
    pub frames: u32,
    /// Most triangles that scaling goes to.
    pub triangles_max: u64,
    /// A run during which other processes take more than this fraction of the machine is repeated, 0 to 1.
    pub max_foreign_load: f64,
    /// Seconds after which a run is stopped.
    pub run_limit_s: u64,
}

impl Settings {
    /// Equal samples of some shots as they are, by `packshot` of the search path alone.
    pub fn of_shots(shots: Vec<PathBuf>) -> Self {
        Self {
            program: "packshot".into(),
            python: "python3".into(),
            peers: Vec::new(),
            shots,
            levels: vec![Level::Samples],
            rounds: 3,
            threads: std::thread::available_parallelism().map_or(1, |n| u16::try_from(n.get()).unwrap_or(u16::MAX)),
            device: None,
            size_px: None,
            samples: None,
            error: ErrorSettings::default(),
            frames: 72,
            triangles_max: 1_000_000,
            max_foreign_load: 0.05,
            run_limit_s: 1800,
        }
    }
}

/// How equal error is measured.
#[derive(Clone, Debug)]
pub struct ErrorSettings {
    /// The [error](crate::levels::error::rel_mse) that is to be reached.
    pub rel_mse: f64,
    /// Size of square pictures in pixels.
    pub size_px: u32,
    /// Samples per pixel of what counts as converged.
    pub reference_samples: u32,
    /// Samples per pixel that are tried, ascending.
    pub samples: Vec<u32>,
}

impl Default for ErrorSettings {
    fn default() -> Self {
        Self { rel_mse: 1e-3, size_px: 128, reference_samples: 4096, samples: vec![16, 64, 256] }
    }
}
