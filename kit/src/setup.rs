//! What a trial is given.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use packshot_renderer::backend::ByteStore;
use packshot_renderer::backend::device::{self, AdapterInfo, Chosen, DeviceChoice, DeviceRequest};

use crate::report::Fault;

/// How much is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// What a user waits for: about 20 seconds.
    Quick,
    /// Everything, as small as it can be: for software adapters.
    Reduced,
    /// Everything, in the sizes that figures are stated for.
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

/// What a trial is given.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The program `packshot`.
    pub program: PathBuf,
    /// The kit's folder, with `assets`, `shots`, `scenes` and `expected`; `None`: only what the program has built in is
    /// tried, against pictures that the processor makes meanwhile.
    pub kit: Option<PathBuf>,
    /// Where everything goes that trials make.
    pub results: PathBuf,
    /// The device, as for a render.
    pub device: String,
    /// Name, driver and interface of the adapter that this device is, where that is known.
    pub adapter: Option<String>,
    /// How much is tried.
    pub scale: Scale,
    /// How long a trial may take.
    pub limit: Duration,
    /// Where kernels that a driver compiled are kept from one trial to the next.
    pub kernels: Option<Arc<dyn ByteStore>>,
}

impl Setup {
    /// A file of the kit, if it is there.
    pub(crate) fn asset(&self, path: &str) -> Option<PathBuf> {
        Some(self.kit.as_ref()?.join(path)).filter(|path| path.exists())
    }

    /// A folder below the results, made if it is not there.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf, Fault> {
        let folder = self.results.join(name);
        std::fs::create_dir_all(&folder).map_err(|reason| Fault::of_file(&folder, &reason))?;
        Ok(folder)
    }

    /// The device that is tried.
    pub(crate) fn choice(&self) -> Result<DeviceChoice, Fault> {
        device::select(&DeviceRequest::from(self.device.as_str())).map_err(|error| Fault::new(error.message))
    }

    /// Whether products wear one plain material: software adapters compile what others need for minutes.
    pub(crate) fn is_plain(&self) -> bool {
        self.scale == Scale::Reduced
    }

    /// The adapter that is tried.
    pub(crate) fn adapter(&self) -> Result<AdapterInfo, Fault> {
        match self.choice()?.chosen {
            Chosen::Adapter(adapter) => Ok(adapter),
            Chosen::Cpu => Err(Fault::new("the device is the processor itself")),
        }
    }
}

/// How a file below the results is named in a report.
pub(crate) fn relative(path: &Path, to: &Path) -> String {
    path.strip_prefix(to).unwrap_or(path).display().to_string()
}
