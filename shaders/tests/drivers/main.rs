//! What a driver would refuse is found before one is there: every kernel, in every set of its constants, as the SPIR-V that wgpu hands to
//! drivers, held against the rules of Vulkan by `spirv-val`; as Metal's and Direct3D's languages; and against what adapters offer.

mod limits;
mod modules;
mod spirv;
mod translations;
