//! Finds what a driver would refuse without having that driver: every kernel, with the sets of its constants that
//! differ from all or none by one (all sets in scripts/soak), is checked as the SPIR-V that wgpu passes to drivers, by
//! `spirv-val` against the rules of Vulkan; as Metal's and Direct3D's languages; against the limits of adapters; and
//! for how much code there is once every call is inlined.

mod inlined;
mod limits;
mod modules;
mod spirv;
mod translations;
