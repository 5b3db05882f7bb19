//! What can render: the answer of GET `/api/v1/devices`.

use packshot_renderer::backend::device::{DeviceItem, DeviceReport, DeviceState as Reported, Probe as ReportedProbe};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// All devices, and the search for a GPU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Devices {
    /// The adapters, then the processor.
    pub items: Vec<Device>,
    /// Result of the search for a GPU.
    pub probe: Probe,
}

/// One device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Device {
    /// Identifies it among the devices of this machine.
    pub id: String,
    /// The adapter's or processor's name.
    pub name: String,
    /// Its graphics interface; `native` for the processor.
    pub backend: String,
    /// `discrete_gpu`, `integrated_gpu`, `virtual_gpu`, `other`, `cpu`.
    pub device_type: String,
    /// Name and version of the driver; for the processor, the instruction set in use.
    pub driver: String,
    /// Its memory; `null` if the graphics interface does not report it.
    pub memory_bytes: Option<u64>,
    /// Whether this is a software adapter: one that computes on the processor.
    pub is_software: bool,
    /// Whether it can render.
    pub state: DeviceState,
    /// Whether it renders the jobs that name no device.
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

/// Result of the search for a GPU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Probe {
    /// When the search ran: RFC 3339, UTC.
    pub checked_at: String,
    /// `gpu`, `cpu` or `software`; `null` if the device that was asked for does not exist.
    pub used: Option<String>,
    /// Reason for that choice.
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
