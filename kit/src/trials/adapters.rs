//! The drivers' information about their adapters.

use packshot_renderer::backend::DeviceKind;
use packshot_renderer::backend::gpu::{AdapterCapabilities, capabilities};
use serde_json::{Value, json};

use crate::report::{Fault, Limit, TrialReport};
use crate::setup::Setup;

const MIB: f64 = (1 << 20) as f64;

pub(super) fn run(setup: &Setup, report: &mut TrialReport) -> Result<(), Fault> {
    let found = capabilities();
    let is_hardware = |found: &&AdapterCapabilities| found.adapter.kind() == DeviceKind::Gpu;
    report.state("hardware GPUs", found.iter().filter(is_hardware).count() as f64, "");
    report.figure("adapters", found.iter().map(described).collect::<Vec<Value>>());
    let choice = setup.choice()?;
    let kind = serde_json::to_value(choice.kind()).map_err(|error| Fault::new(error.to_string()))?;
    report.figure("kind", kind);
    report.figure("reason", choice.reason);
    let adapter = setup.adapter()?;
    report.figure("adapter", format!("{} ({}, {})", adapter.name, adapter.driver, adapter.backend));
    report.check("largest binding", adapter.binding_bytes_max as f64 / MIB, "MiB", Limit::AtLeast(128.0));
    if let Some(tried) = found.iter().find(|found| found.adapter.id == adapter.id) {
        let limit = |name| tried.limits.get(name).map_or(0.0, |&value| value as f64);
        report.state("storage buffers of a stage", limit("max_storage_buffers_per_shader_stage"), "");
        report.state("workgroup memory", limit("max_compute_workgroup_storage_size") / 1024.0, "KiB");
        report.state("subgroup", f64::from(tried.subgroup_size[1]), "lanes");
    }
    Ok(())
}

fn described(found: &AdapterCapabilities) -> Value {
    let adapter = &found.adapter;
    json!({
        "id": adapter.id,
        "name": adapter.name,
        "driver": adapter.driver,
        "backend": adapter.backend,
        "device_type": adapter.class.name(),
        "unusable": adapter.unusable,
        "subgroup_size": found.subgroup_size,
        "limits": found.limits,
        "features": found.features,
    })
}
