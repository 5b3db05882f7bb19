//! The compiled convolution, and the weights that it reads.

use std::num::NonZeroU64;

use packshot_shaders::compose::compose;
use packshot_shaders::layout::denoise::ConvolutionParams;
use packshot_shaders::sources::Sources;

use super::steps::Plan;
use crate::backend::gpu::context::{Context, Fault};
use crate::backend::gpu::kernel::shader_module;

const KERNEL: &str = "kernels/denoise_convolve";
/// Of the parameters, in bytes.
pub(super) const PARAMS_BYTES: u64 = size_of::<ConvolutionParams>() as u64;

/// The convolution for inputs of the output's resolution and of half of it.
#[derive(Debug)]
pub(super) struct Kernels {
    pub(super) layout: wgpu::BindGroupLayout,
    pub(super) same: wgpu::ComputePipeline,
    pub(super) doubled: wgpu::ComputePipeline,
}

impl Kernels {
    pub(super) fn new(context: &Context) -> Result<Self, Fault> {
        let device = &context.device;
        let composed = compose(&Sources::embedded(), KERNEL).expect("embedded kernels compose: a test proves it");
        let entry = |binding, ty, has_dynamic_offset, min_binding_size| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset, min_binding_size },
            count: None,
        };
        let storage = |binding, read_only| entry(binding, wgpu::BufferBindingType::Storage { read_only }, false, None);
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some(KERNEL),
            entries: &[
                entry(0, wgpu::BufferBindingType::Uniform, true, NonZeroU64::new(PARAMS_BYTES)),
                storage(1, true),
                storage(2, true),
                storage(3, false),
            ],
        });
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(KERNEL),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let (same, doubled) = context.compiled(|| {
            let module = shader_module(device, KERNEL, composed.text());
            let pipeline = |is_doubled: f64| {
                device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                    label: Some(KERNEL),
                    layout: Some(&pipeline_layout),
                    module: &module,
                    entry_point: None,
                    compilation_options: wgpu::PipelineCompilationOptions {
                        constants: &[("IS_DOUBLED", is_doubled)],
                        zero_initialize_workgroup_memory: false,
                    },
                    cache: None,
                })
            };
            (pipeline(0.0), pipeline(1.0))
        })?;
        Ok(Self { layout, same, doubled })
    }
}

/// A network's weights on the device.
pub(super) fn upload_weights(context: &Context, plan: &Plan) -> Result<wgpu::Buffer, Fault> {
    let bytes: &[u8] = bytemuck::cast_slice(&plan.weights);
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST;
    let buffer = context.buffer("denoiser weights", bytes.len() as u64, usage)?;
    context.write(&buffer, 0, bytes)?;
    Ok(buffer)
}
