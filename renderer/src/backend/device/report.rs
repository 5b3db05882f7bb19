//! The list of devices for people and programs.

use std::time::SystemTime;

use packshot_processor::SimdLevel;
use serde::Serialize;

use super::{AdapterInfo, Chosen, DeviceChoice, DeviceError, memory_bytes, processor_name};
use crate::backend::DeviceKind;

/// All devices, and which one is used: the answer of GET `/api/v1/devices`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeviceReport {
    /// The adapters, then those that were lost and are no longer listed, then the CPU.
    pub items: Vec<DeviceItem>,
    /// The result of looking for a GPU.
    pub probe: Probe,
}

/// One device.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeviceItem {
    /// Distinguishes it from the other devices of this machine.
    pub id: String,
    /// The adapter's or processor's name.
    pub name: String,
    /// `native`, or the graphics interface.
    pub backend: String,
    /// `discrete_gpu`, `integrated_gpu`, `virtual_gpu`, `other`, `cpu`.
    pub device_type: &'static str,
    /// Name and version of the driver; for the CPU the instruction set in use.
    pub driver: String,
    /// Its memory, or for the CPU what this process may use; `None` if the graphics API or the system does not report
    /// it.
    pub memory_bytes: Option<u64>,
    /// Whether it is a graphics adapter that computes on the processor.
    pub is_software: bool,
    /// Whether it can render.
    pub state: DeviceState,
    /// Whether it is the chosen one.
    pub selected: bool,
}

/// Whether a device can render.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceState {
    /// It can.
    Ready,
    /// It was lost while rendering; the next work that needs it reopens it.
    Lost,
    /// It lacks a feature that rendering needs.
    Unusable,
}

/// The result of looking for a GPU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Probe {
    /// RFC 3339, UTC.
    pub checked_at: String,
    /// Kind of the chosen device; `None` when the requested device is not available.
    pub used: Option<DeviceKind>,
    /// Why this device was chosen.
    pub reason: String,
}

impl DeviceReport {
    /// From `adapters`, those that were [lost](super::lost), and the CPU, with the result of [`choose`](super::choose)
    /// among `adapters` at `checked_at`.
    pub fn new(
        adapters: &[AdapterInfo],
        lost: &[AdapterInfo],
        outcome: &Result<DeviceChoice, DeviceError>,
        checked_at: SystemTime,
    ) -> Self {
        let has = |list: &[AdapterInfo], a: &AdapterInfo| list.iter().any(|other| other.id == a.id);
        let chosen = outcome.as_ref().ok().map(|choice| &choice.chosen);
        let of_adapter = |a: &AdapterInfo| DeviceItem {
            id: a.id.clone(),
            name: a.name.clone(),
            backend: a.backend.clone(),
            device_type: a.class.name(),
            driver: a.driver.clone(),
            memory_bytes: a.memory_bytes,
            is_software: a.kind() == DeviceKind::Software,
            state: match &a.unusable {
                Some(_) => DeviceState::Unusable,
                None if has(lost, a) => DeviceState::Lost,
                None => DeviceState::Ready,
            },
            selected: matches!(chosen, Some(Chosen::Adapter(chosen)) if chosen.id == a.id),
        };
        let cpu = DeviceItem {
            id: "cpu".to_owned(),
            name: processor_name(),
            backend: "native".to_owned(),
            device_type: "cpu",
            driver: format!("{:?}", SimdLevel::detect()).to_lowercase(),
            memory_bytes: memory_bytes(),
            is_software: false,
            state: DeviceState::Ready,
            selected: chosen == Some(&Chosen::Cpu),
        };
        let (used, reason) = match outcome {
            Ok(choice) => (Some(choice.kind()), choice.reason.clone()),
            Err(error) => (None, error.message.clone()),
        };
        // A driver may no longer list what it has lost.
        let gone = lost.iter().filter(|a| !has(adapters, a));
        let items = adapters.iter().chain(gone).map(of_adapter).chain([cpu]).collect();
        Self { items, probe: Probe { checked_at: rfc3339(checked_at), used, reason } }
    }
}

impl DeviceChoice {
    /// Kind of the chosen device.
    pub fn kind(&self) -> DeviceKind {
        match &self.chosen {
            Chosen::Cpu => DeviceKind::Cpu,
            Chosen::Adapter(adapter) => adapter.kind(),
        }
    }
}

/// A moment to the second, such as `2026-11-20T09:30:00Z`. Days to dates after Howard Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms", `civil_from_days`: years begin in March, so that the leap day comes last.
fn rfc3339(moment: SystemTime) -> String {
    let seconds = moment.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn moments_are_written_as_rfc_3339() {
        for (seconds, expect) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_200, "2024-03-01T00:00:00Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)), expect);
        }
    }
}
