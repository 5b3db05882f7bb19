//! The input of a trial.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use packshot_renderer::backend::device::{self, AdapterInfo, Chosen, DeviceChoice, DeviceRequest};
use packshot_renderer::store::ByteStore;

use crate::report::Fault;

/// How much is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Short enough for a user to wait: about 20 seconds.
    Quick,
    /// Everything, as small as it can be: for software adapters.
    Reduced,
    /// Everything, in the sizes for which figures are published.
    Full,
}

impl Scale {
    /// All of them with their words.
    pub const NAMES: [(&'static str, Self); 3] =
        [("quick", Self::Quick), ("reduced", Self::Reduced), ("full", Self::Full)];

    /// The word for it.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, scale)| *scale == self).map_or("", |(name, _)| name)
    }

    /// One of three values.
    pub(crate) fn pick<T>(self, quick: T, reduced: T, full: T) -> T {
        match self {
            Self::Quick => quick,
            Self::Reduced => reduced,
            Self::Full => full,
        }
    }
}

/// The input of a trial.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The program `packshot`.
    pub program: PathBuf,
    /// The kit's folder, with `assets`, `shots`, `scenes` and `expected`; `None`: only built-in scenes are tested,
    /// against pictures that the processor renders during the run.
    pub kit: Option<PathBuf>,
    /// Folder for everything that trials produce.
    pub results: PathBuf,
    /// The device, as for a render.
    pub device: String,
    /// Name, driver and graphics API of the device's adapter, if known.
    pub adapter: Option<String>,
    /// How much is tested.
    pub scale: Scale,
    /// Time limit for a trial.
    pub limit: Duration,
    /// Where kernels that a driver compiled are kept between trials.
    pub cache: Option<Arc<dyn ByteStore>>,
}

impl Setup {
    /// A file of the kit, if it exists.
    pub(crate) fn asset(&self, path: &str) -> Option<PathBuf> {
        Some(self.kit.as_ref()?.join(path)).filter(|path| path.exists())
    }

    /// A folder in the results, created if necessary.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf, Fault> {
        let folder = self.results.join(name);
        std::fs::create_dir_all(&folder).map_err(|reason| Fault::of_file(&folder, &reason))?;
        Ok(folder)
    }

    /// The device under test.
    pub(crate) fn choice(&self) -> Result<DeviceChoice, Fault> {
        device::select(&DeviceRequest::from(self.device.as_str())).map_err(|error| Fault::new(error.message))
    }

    /// Whether products wear a single plain material: for others, software adapters compile for minutes.
    pub(crate) fn is_plain(&self) -> bool {
        self.scale == Scale::Reduced
    }

    /// The adapter under test.
    pub(crate) fn adapter(&self) -> Result<AdapterInfo, Fault> {
        match self.choice()?.chosen {
            Chosen::Adapter(adapter) => Ok(adapter),
            Chosen::Cpu => Err(Fault::new("the device is the processor itself")),
        }
    }
}

/// The name of a result file in a report.
pub(crate) fn relative(path: &Path, to: &Path) -> String {
    path.strip_prefix(to).unwrap_or(path).display().to_string()
}
