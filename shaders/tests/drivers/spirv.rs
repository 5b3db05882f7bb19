//! SPIR-V as wgpu makes it for Vulkan 1.1 and 1.3.

use std::io::Write;
use std::process::{Command, Stdio};

use naga::back::spv;
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};

use crate::modules::Kernel;

/// A version of Vulkan: the newest SPIR-V that it takes, and its name for `spirv-val`.
const VULKAN: [((u8, u8), &str); 2] = [((1, 3), "vulkan1.1"), ((1, 6), "vulkan1.3")];

/// What wgpu asks for every module, and no more: a kernel that needed a capability beside these would not run
/// everywhere.
const CAPABILITIES: [spv::Capability; 7] = [
    spv::Capability::Shader,
    spv::Capability::Matrix,
    spv::Capability::Sampled1D,
    spv::Capability::Image1D,
    spv::Capability::ImageQuery,
    spv::Capability::DerivativeControl,
    spv::Capability::StorageImageExtendedFormats,
];

/// As wgpu 30 writes modules without run-time checks (wgpu-hal, `vulkan/adapter.rs` and `vulkan/device.rs`).
fn options(lang_version: (u8, u8)) -> spv::Options<'static> {
    spv::Options {
        lang_version,
        flags: spv::WriterFlags::LABEL_VARYINGS | spv::WriterFlags::FORCE_POINT_SIZE,
        capabilities: Some(CAPABILITIES.into_iter().collect()),
        bounds_check_policies: BoundsCheckPolicies {
            index: BoundsCheckPolicy::Unchecked,
            buffer: BoundsCheckPolicy::Unchecked,
            image_load: BoundsCheckPolicy::Unchecked,
            binding_array: BoundsCheckPolicy::Unchecked,
        },
        zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
        force_loop_bounding: false,
        ray_query_initialization_tracking: false,
        emit_int_div_checks: false,
        ..spv::Options::default()
    }
}

/// The words of a kernel's module.
fn module(kernel: &Kernel, set: u32, lang_version: (u8, u8)) -> Vec<u32> {
    let entry_point = kernel.entry_point().to_owned();
    let pipeline = spv::PipelineOptions { shader_stage: naga::ShaderStage::Compute, entry_point };
    let written =
        kernel.with(set, |module, info| spv::write_vec(module, info, &options(lang_version), Some(&pipeline)));
    written.unwrap_or_else(|error| panic!("{}, set {set:#b}: {error}", kernel.name))
}

/// What `spirv-val` has against a module.
fn refused(words: &[u32], target: &str) -> Option<String> {
    let mut validator = Command::new("spirv-val")
        .args(["--target-env", target, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("spirv-val is installed (Debian: spirv-tools)");
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    // A validator that has seen enough closes the pipe.
    let _ = validator.stdin.take().expect("piped").write_all(&bytes);
    let output = validator.wait_with_output().expect("spirv-val ends");
    let said = [&output.stdout[..], &output.stderr].concat();
    (!output.status.success()).then(|| String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn kernels_with_their_constants_are_valid_for_vulkan() {
    for kernel in &Kernel::all() {
        for (lang_version, target) in VULKAN {
            for set in kernel.sets() {
                let refused = refused(&module(kernel, set, lang_version), target);
                assert_eq!(refused, None, "{} for {target}, set {set:#b}", kernel.name);
            }
        }
    }
}

#[test]
fn a_module_that_breaks_the_rules_is_refused() {
    let kernel = &Kernel::all()[0];
    let mut words = module(kernel, 0, (1, 3));
    // SPIR-V 1.6 is not for Vulkan 1.1.
    words[1] = 0x0001_0600;
    let said = refused(&words, "vulkan1.1").expect("refused");
    assert!(said.contains("version"), "{said}");
}
