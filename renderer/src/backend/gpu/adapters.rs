//! Lists the adapters.

use std::panic::{AssertUnwindSafe, catch_unwind};

use packshot_shaders::constants::WORKGROUP;

use super::kernel::STORAGE_BUFFERS;
use super::memory;
use crate::backend::device::{AdapterClass, AdapterInfo};

/// The graphics APIs that wgpu can load here. Without a loader or a driver, the instance has no adapters.
pub(super) fn instance() -> wgpu::Instance {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    // Validation, and the check of indirect calls that is on by default even in release builds, cost time and would
    // only find our own mistakes.
    descriptor.flags = match std::env::var_os("PACKSHOT_GPU_VALIDATION") {
        Some(value) if value == "1" => wgpu::InstanceFlags::debugging(),
        _ => wgpu::InstanceFlags::empty(),
    };
    // Refuse a buffer that would leave the driver without working memory: some drivers lose the device instead of
    // reporting it.
    descriptor.memory_budget_thresholds =
        wgpu::MemoryBudgetThresholds { for_resource_creation: Some(95), for_device_loss: None };
    wgpu::Instance::new(descriptor)
}

/// All adapters of an instance, with what is known about them.
pub(super) fn list(instance: &wgpu::Instance) -> Vec<(AdapterInfo, wgpu::Adapter)> {
    let mut found: Vec<(AdapterInfo, wgpu::Adapter)> = Vec::new();
    for adapter in pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all())) {
        let mut info = describe(&adapter);
        let n_same = found.iter().filter(|(known, _)| known.id.starts_with(&info.id)).count();
        if n_same > 0 {
            info.id = format!("{}-{n_same}", info.id);
        }
        found.push((info, adapter));
    }
    found
}

/// What is known about all adapters. A driver that panics when queried counts as having none.
pub(crate) fn enumerate() -> Vec<AdapterInfo> {
    let ask = || list(&instance()).into_iter().map(|(info, _)| info).collect();
    catch_unwind(AssertUnwindSafe(ask)).unwrap_or_else(|_| {
        tracing::warn!("[GPU_PROBE] a graphics driver panicked while its adapters were listed; none is used");
        Vec::new()
    })
}

fn describe(adapter: &wgpu::Adapter) -> AdapterInfo {
    let info = adapter.get_info();
    let limits = adapter.limits();
    let backend = info.backend.to_str().to_owned();
    let mut id = format!("{backend}-{:04x}-{:04x}", info.vendor, info.device);
    if !info.device_pci_bus_id.is_empty() {
        id = format!("{id}-{}", info.device_pci_bus_id);
    }
    let driver = [info.driver.trim(), info.driver_info.trim()].join(" ").trim().to_owned();
    let class = match info.device_type {
        wgpu::DeviceType::DiscreteGpu => AdapterClass::Discrete,
        wgpu::DeviceType::IntegratedGpu => AdapterClass::Integrated,
        wgpu::DeviceType::VirtualGpu => AdapterClass::Virtual,
        wgpu::DeviceType::Other => AdapterClass::Other,
        wgpu::DeviceType::Cpu => AdapterClass::Software,
    };
    AdapterInfo {
        id,
        name: info.name,
        backend,
        class,
        driver,
        binding_bytes_max: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
        memory_bytes: memory::bytes(adapter, class),
        unusable: unusable(adapter, &limits),
    }
}

/// What an adapter lacks; `None` when it can render.
fn unusable(adapter: &wgpu::Adapter, limits: &wgpu::Limits) -> Option<String> {
    let compute = wgpu::DownlevelFlags::COMPUTE_SHADERS;
    if !adapter.get_downlevel_capabilities().flags.contains(compute) {
        return Some("it has no compute shaders".to_owned());
    }
    let least = [
        ("storage buffers per shader", limits.max_storage_buffers_per_shader_stage, STORAGE_BUFFERS),
        ("invocations per workgroup", limits.max_compute_invocations_per_workgroup, WORKGROUP),
        ("bind groups", limits.max_bind_groups, 3),
    ];
    let lacking = least.iter().find(|(_, has, needs)| has < needs);
    lacking.map(|(what, has, needs)| format!("it offers {has} {what}, but {needs} are needed"))
}
