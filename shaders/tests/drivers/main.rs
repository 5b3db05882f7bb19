//! What a driver would refuse is found before one is there: every kernel, in the sets of its constants that differ from
//! all or none by one (all sets in scripts/soak), as the SPIR-V that wgpu hands to drivers, held against the rules of
//! Vulkan by `spirv-val`; as Metal's and Direct3D's languages; against what adapters offer; and how much code there is
//! once every call is a copy.

mod inlined;
mod limits;
mod modules;
mod spirv;
mod translations;
