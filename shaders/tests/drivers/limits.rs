//! The requirements of kernels, compared with the limits of adapters.

use naga::{AddressSpace, ArraySize, Handle, Type, TypeInner};

use crate::modules::Kernel;

/// The most that kernels may need: the least that the adapters below offer. A driver that supports only the required
/// minimum of storage buffers is reported as unusable when adapters are listed.
///
/// | Adapter | storage buffers of a stage | bytes of a storage binding | source |
/// |---|---|---|---|
/// | required of Vulkan 1.1 drivers | 4 | 128 MiB | Vulkan specification, "Required Limits" |
/// | Apple GPUs | 31 | | Metal feature set tables, "buffers per function" |
/// | Mali Valhall | 64 | 1 GiB | `maxPerStageDescriptorStorageBuffers` of its driver |
/// | lavapipe (Mesa 22.3) | 32 | 128 MiB | asked of the driver |
/// | GeForce RTX 5060 | 1,048,576 | 4 GiB | asked of the driver |
const STORAGE_BUFFERS: usize = 31;
/// Vulkan's required limits `maxBoundDescriptorSets`, `maxComputeWorkGroupInvocations`, `maxComputeSharedMemorySize`,
/// `maxUniformBufferRange`.
const BIND_GROUPS: u32 = 4;
const INVOCATIONS: u32 = 128;
const WORKGROUP_BYTES: u32 = 16 << 10;
const UNIFORM_BYTES: u32 = 16 << 10;
/// `maxStorageBufferRange`, also WebGPU's default.
const BINDING_BYTES: u32 = 128 << 20;

/// Bytes of a type whose length is known.
fn size_bytes(kernel: &Kernel, ty: Handle<Type>) -> u32 {
    let module = &kernel.valid.module;
    module.types[ty].inner.size(module.to_ctx())
}

#[test]
fn what_kernels_need_is_there_on_common_adapters() {
    for kernel in &Kernel::all() {
        let module = &kernel.valid.module;
        let variables = || module.global_variables.iter().map(|(_, variable)| variable);
        let bindings: Vec<_> = variables().filter(|v| matches!(v.space, AddressSpace::Storage { .. })).collect();
        assert!(bindings.len() <= STORAGE_BUFFERS, "{}: {} storage buffers", kernel.name, bindings.len());
        let groups = variables().filter_map(|v| v.binding).map(|binding| binding.group);
        assert!(groups.max().is_some_and(|group| group < BIND_GROUPS), "{}", kernel.name);
        let [x, y, z] = module.entry_points[0].workgroup_size;
        assert!(x * y * z <= INVOCATIONS, "{}: {x} x {y} x {z} invocations", kernel.name);
        let in_workgroup = variables().filter(|v| v.space == AddressSpace::WorkGroup);
        let in_workgroup: u32 = in_workgroup.map(|v| size_bytes(kernel, v.ty)).sum();
        assert!(in_workgroup <= WORKGROUP_BYTES, "{}: {in_workgroup} bytes of workgroup memory", kernel.name);
        for uniform in variables().filter(|v| v.space == AddressSpace::Uniform) {
            assert!(size_bytes(kernel, uniform.ty) <= UNIFORM_BYTES, "{}", kernel.name);
        }
    }
}

/// Arrays that grow with something other than triangles, vertices, texels or pixels, and how many elements are enough.
const OTHERS: [(&str, u32); 8] = [
    ("instances", 1_000_000),
    ("slots", 1_000_000),
    ("materials", 100_000),
    ("textures", 100_000),
    ("lights", 100_000),
    ("emitter_nodes", 500_000),
    ("emitters", 500_000),
    ("weights", 1_000_000),
];

/// What is written grows with the picture and is cut into pieces that fit, which the renderer's tests show; here that a
/// piece holds something. What is only read is the product; one that does not fit is refused before anything is
/// uploaded: a million triangles do.
#[test]
fn a_binding_of_128_mib_holds_a_million_triangles() {
    for kernel in &Kernel::all() {
        for (_, variable) in kernel.valid.module.global_variables.iter() {
            let AddressSpace::Storage { .. } = variable.space else { continue };
            let TypeInner::Array { stride, size: ArraySize::Dynamic, .. } =
                kernel.valid.module.types[variable.ty].inner
            else {
                assert!(size_bytes(kernel, variable.ty) <= BINDING_BYTES);
                continue;
            };
            let name = variable.name.as_deref().expect("a binding has a name");
            let enough = OTHERS.iter().find(|(other, _)| *other == name).map_or(1_000_000, |&(_, enough)| enough);
            let n = BINDING_BYTES / stride;
            assert!(n >= enough, "{}: {name} holds {n}, {enough} are enough", kernel.name);
        }
    }
}
