//! The compiled convolution, and the weights that it reads.

use std::num::NonZeroU64;

use packshot_shaders::layout::denoise::ConvolutionParams;

use super::steps::Plan;
use crate::backend::gpu::context::{Context, Fault};
use crate::backend::gpu::kernel::bind_group_layout;

const KERNEL: &str = "kernels/denoise_convolve";
/// Size of the parameters in bytes.
pub(super) const PARAMS_BYTES: u64 = size_of::<ConvolutionParams>() as u64;

/// The convolution for inputs of the output's resolution, and for inputs of half of it.
#[derive(Debug)]
pub(super) struct Kernels {
    pub(super) layout: wgpu::BindGroupLayout,
    pub(super) same: wgpu::ComputePipeline,
    pub(super) doubled: wgpu::ComputePipeline,
}

impl Kernels {
    pub(super) fn new(context: &Context) -> Result<Self, Fault> {
        let entry = |binding, ty, has_dynamic_offset, min_binding_size| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset, min_binding_size },
            count: None,
        };
        let storage = |binding, read_only| entry(binding, wgpu::BufferBindingType::Storage { read_only }, false, None);
        let entries = [
            entry(0, wgpu::BufferBindingType::Uniform, true, NonZeroU64::new(PARAMS_BYTES)),
            storage(1, true),
            storage(2, true),
            storage(3, false),
        ];
        let layout = bind_group_layout(&context.device, KERNEL, &entries);
        let (same, doubled) = context.compiled(|| {
            let program = context.compiler.program(KERNEL, &[&layout]);
            let pipeline = |is_doubled| context.compiler.pipeline(&program, &[("IS_DOUBLED", is_doubled)]);
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
