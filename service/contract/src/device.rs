//! What can render: the answer of GET `/api/v1/devices`.

use packshot_renderer::backend::device::{DeviceItem, DeviceReport, DeviceState as Reported, Probe as ReportedProbe};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// All devices, and which one is taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Devices {
    /// The adapters, then the processor.
    pub items: Vec<Device>,
    /// What looking for a GPU came to.
    pub probe: Probe,
}

/// One device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Device {
    /// Tells it from the others of this machine.
    pub id: String,
    /// The adapter's or processor's name.
    pub name: String,
    /// `native`, or the graphics interface.
    pub backend: String,
    /// `discrete_gpu`, `integrated_gpu`, `virtual_gpu`, `other`, `cpu`.
    pub device_type: String,
    /// Name and version of the driver; of the processor the instruction set in use.
    pub driver: String,
    /// Its memory; `null` where the graphics interface does not say.
    pub memory_bytes: Option<u64>,
    /// A graphics adapter that computes on the processor.
    pub is_software: bool,
    /// Whether it can render.
    pub state: DeviceState,
    /// Whether it is the one that was chosen.
    pub selected: bool,
}

words! {
    /// Whether a device can render.
    pub enum DeviceState {
        /// It can.
        Ready = "ready",
        /// It did, and was lost.
        Lost = "lost",
        /// It lacks something.
        Unusable = "unusable",
    }
}

/// What looking for a GPU came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Probe {
    /// RFC 3339, UTC.
    pub checked_at: String,
    /// `gpu`, `cpu` or `software`; `null` when what was asked for is not there.
    pub used: Option<String>,
    /// Why.
    pub reason: String,
}

impl From<DeviceReport> for Devices {
    fn from(report: DeviceReport) -> Self {
        let DeviceReport { items, probe: ReportedProbe { checked_at, used, reason } } = report;
        let used = used.and_then(|kind| serde_json::to_value(kind).ok()?.as_str().map(str::to_owned));
        Self { items: items.into_iter().map(Device::from).collect(), probe: Probe { checked_at, used, reason } }
    }
}

impl From<DeviceItem> for Device {
    fn from(item: DeviceItem) -> Self {
        let DeviceItem { id, name, backend, device_type, driver, memory_bytes, is_software, state, selected } = item;
        let state = match state {
            Reported::Ready => DeviceState::Ready,
            Reported::Lost => DeviceState::Lost,
            Reported::Unusable => DeviceState::Unusable,
        };
        let device_type = device_type.to_owned();
        Self { id, name, backend, device_type, driver, memory_bytes, is_software, state, selected }
    }
}
