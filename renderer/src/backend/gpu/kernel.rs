//! The megakernel and its bind group layouts.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::program::{Compiler, Program, feature_constants};
use crate::prepare::SceneFeatures;

/// Number of bindings in group 0: the prepared scene.
pub(super) const SCENE_BINDINGS: u32 = 21;
/// Number of bindings in group 1: the parameters and state of a dispatch; the first is a uniform buffer.
pub(super) const PASS_BINDINGS: u32 = 5;
/// Number of storage buffers that the kernel binds, including the film.
pub(super) const STORAGE_BUFFERS: u32 = SCENE_BINDINGS + PASS_BINDINGS;

/// First binding of group 1 that is writable.
const PASS_FIRST_WRITTEN: u32 = 2;
const KERNEL: &str = "kernels/path_trace";

/// The megakernel, compiled for the scenes so far.
#[derive(Debug)]
pub(super) struct PathTracer {
    pub(super) scene_layout: wgpu::BindGroupLayout,
    pub(super) pass_layout: wgpu::BindGroupLayout,
    pub(super) film_layout: wgpu::BindGroupLayout,
    program: Program,
    /// By the features of the scenes.
    variants: RefCell<HashMap<SceneFeatures, Arc<Kernel>>>,
}

/// The kernel for one set of features.
#[derive(Debug)]
pub(super) struct Kernel {
    pub(super) pipeline: wgpu::ComputePipeline,
    /// Whether it has run: some drivers compile at the first dispatch only.
    pub(super) is_warm: AtomicBool,
}

impl PathTracer {
    /// Parses the kernel. Errors go to the device's error scopes.
    pub(super) fn new(device: &wgpu::Device, compiler: &Compiler) -> Self {
        let scene: Vec<_> = (0..SCENE_BINDINGS).map(|binding| entry(binding, read_only())).collect();
        let pass: Vec<_> = (0..PASS_BINDINGS)
            .map(|binding| match binding {
                0 => entry(binding, wgpu::BufferBindingType::Uniform),
                _ if binding < PASS_FIRST_WRITTEN => entry(binding, read_only()),
                _ => entry(binding, written()),
            })
            .collect();
        let scene_layout = bind_group_layout(device, "scene", &scene);
        let pass_layout = bind_group_layout(device, "pass", &pass);
        let film_layout = bind_group_layout(device, "film", &[entry(0, written())]);
        let program = compiler.program(KERNEL, &[&scene_layout, &pass_layout, &film_layout]);
        Self { scene_layout, pass_layout, film_layout, program, variants: RefCell::default() }
    }

    /// The kernel for scenes with these features. Compiles it on first use; errors go to the device's error scopes.
    pub(super) fn kernel(&self, compiler: &Compiler, features: SceneFeatures) -> Arc<Kernel> {
        let compile = || {
            let pipeline = compiler.pipeline(&self.program, &feature_constants(features));
            Arc::new(Kernel { pipeline, is_warm: AtomicBool::new(false) })
        };
        self.variants.borrow_mut().entry(features).or_insert_with(compile).clone()
    }
}

pub(super) fn bind_group_layout(
    device: &wgpu::Device,
    label: &str,
    entries: &[wgpu::BindGroupLayoutEntry],
) -> wgpu::BindGroupLayout {
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(label), entries })
}

pub(super) fn entry(binding: u32, ty: wgpu::BufferBindingType) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
        count: None,
    }
}

pub(super) fn read_only() -> wgpu::BufferBindingType {
    wgpu::BufferBindingType::Storage { read_only: true }
}

pub(super) fn written() -> wgpu::BufferBindingType {
    wgpu::BufferBindingType::Storage { read_only: false }
}
