//! Capabilities of adapters, for reports.

use std::collections::BTreeMap;

use super::adapters::{instance, list};
use crate::backend::device::AdapterInfo;

/// An adapter with everything that its driver reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdapterCapabilities {
    /// The adapter.
    pub adapter: AdapterInfo,
    /// The names of wgpu's features that it has.
    pub features: Vec<String>,
    /// Those of wgpu's limits that matter for compute kernels.
    pub limits: BTreeMap<&'static str, u64>,
    /// Subgroup size: least and most.
    pub subgroup_size: [u32; 2],
}

/// All adapters of this machine. Loads their drivers.
pub fn capabilities() -> Vec<AdapterCapabilities> {
    list(&instance()).into_iter().map(|(info, adapter)| of(info, &adapter)).collect()
}

fn of(info: AdapterInfo, adapter: &wgpu::Adapter) -> AdapterCapabilities {
    let features = adapter.features().iter_names().map(|(name, _)| name.to_owned()).collect();
    let limits = adapter.limits();
    let known = adapter.get_info();
    AdapterCapabilities {
        adapter: info,
        features,
        limits: BTreeMap::from([
            ("max_bind_groups", limits.max_bind_groups.into()),
            ("max_buffer_size", limits.max_buffer_size),
            ("max_compute_invocations_per_workgroup", limits.max_compute_invocations_per_workgroup.into()),
            ("max_compute_workgroup_size_x", limits.max_compute_workgroup_size_x.into()),
            ("max_compute_workgroup_storage_size", limits.max_compute_workgroup_storage_size.into()),
            ("max_compute_workgroups_per_dimension", limits.max_compute_workgroups_per_dimension.into()),
            ("max_storage_buffer_binding_size", limits.max_storage_buffer_binding_size),
            ("max_storage_buffers_per_shader_stage", limits.max_storage_buffers_per_shader_stage.into()),
            ("max_uniform_buffer_binding_size", limits.max_uniform_buffer_binding_size),
            ("min_storage_buffer_offset_alignment", limits.min_storage_buffer_offset_alignment.into()),
        ]),
        subgroup_size: [known.subgroup_min_size, known.subgroup_max_size],
    }
}
