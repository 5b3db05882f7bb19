//! Guides for a denoiser on the device: one dispatch for each sample of a region of the picture, and one read-back for each region.

use std::collections::HashMap;

use packshot_shaders::compose::compose;
use packshot_shaders::constants::WORKGROUP;
use packshot_shaders::layout::guide::GuideParams;
use packshot_shaders::sources::Sources;

use super::context::{Context, Fault};
use super::kernel::{entry, feature_constants, shader_module, written};
use super::scene::SceneBindings;
use crate::backend::{CancelToken, RenderError};
use crate::guides::Guides;
use crate::prepare::SceneFeatures;

const KERNEL: &str = "kernels/guides";
/// Pixels of a region: so few that a dispatch is short on any device.
const REGION_PIXELS: u32 = 1 << 18;
/// Albedo and normal, with padding.
const PIXEL_BYTES: u64 = 32;

/// The kernel, compiled for the scenes that came.
#[derive(Debug)]
pub(super) struct DeviceGuides {
    layout: wgpu::BindGroupLayout,
    pipeline_layout: wgpu::PipelineLayout,
    module: wgpu::ShaderModule,
    variants: HashMap<SceneFeatures, wgpu::ComputePipeline>,
}

impl DeviceGuides {
    pub(super) fn new(context: &Context) -> Result<Self, Fault> {
        let device = &context.device;
        let composed = compose(&Sources::embedded(), KERNEL).expect("embedded kernels compose: a test proves it");
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some(KERNEL),
            entries: &[entry(0, wgpu::BufferBindingType::Uniform), entry(1, written())],
        });
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(KERNEL),
            bind_group_layouts: &[Some(&context.path_tracer.scene_layout), Some(&layout)],
            immediate_size: 0,
        });
        let module = context.compiled(|| shader_module(device, KERNEL, composed.text()))?;
        Ok(Self { layout, pipeline_layout, module, variants: HashMap::new() })
    }

    /// The means of the first `n_samples` samples of every pixel.
    pub(super) fn run(
        &mut self,
        context: &Context,
        scene: &SceneBindings,
        [width_px, height_px]: [u32; 2],
        n_samples: u32,
        cancel: &CancelToken,
    ) -> Result<Guides, Fault> {
        self.compile(context, scene.features)?;
        let pipeline = &self.variants[&scene.features];
        let n_pixels = width_px * height_px;
        let region_bytes = u64::from(n_pixels.min(REGION_PIXELS)) * PIXEL_BYTES;
        let params = context.buffer(
            "guide params",
            size_of::<GuideParams>() as u64,
            wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        )?;
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC;
        let sums = context.buffer("guide sums", region_bytes, usage)?;
        let readback =
            context.buffer("guides", region_bytes, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST)?;
        let group = context.bind_group("guides", &self.layout, &[&params, &sums]);
        let mut out = Guides { albedo: Vec::new(), normal: Vec::new() };
        for first_pixel in (0..n_pixels).step_by(REGION_PIXELS as usize) {
            let n_here = REGION_PIXELS.min(n_pixels - first_pixel);
            for sample in 0..n_samples {
                if cancel.is_cancelled() {
                    return Err(Fault::Final(RenderError::Cancelled));
                }
                let own = GuideParams { first_pixel, n_pixels: n_here, sample, pad0: 0 };
                context.write(&params, 0, bytemuck::bytes_of(&own))?;
                let mut encoder = context.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
                if sample == 0 {
                    encoder.clear_buffer(&sums, 0, None);
                }
                {
                    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                    pass.set_pipeline(pipeline);
                    pass.set_bind_group(0, &scene.group, &[]);
                    pass.set_bind_group(1, &group, &[]);
                    pass.dispatch_workgroups(n_here.div_ceil(WORKGROUP), 1, 1);
                }
                let submission = context.submit(encoder);
                context.wait(submission)?;
            }
            let n_bytes = u64::from(n_here) * PIXEL_BYTES;
            let mut encoder = context.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            encoder.copy_buffer_to_buffer(&sums, 0, &readback, 0, n_bytes);
            let submission = context.submit(encoder);
            context.read_mapped(&readback, n_bytes, submission, |bytes| {
                let sums: &[[[f32; 4]; 2]] = bytemuck::cast_slice(bytes);
                let mean = |sum: &[f32; 4]| [sum[0], sum[1], sum[2]].map(|channel| channel / n_samples as f32);
                out.albedo.extend(sums.iter().map(|[albedo, _]| mean(albedo)));
                out.normal.extend(sums.iter().map(|[_, normal]| mean(normal)));
            })?;
        }
        Ok(out)
    }

    /// Compiles the kernel for scenes with these features, unless that is done.
    fn compile(&mut self, context: &Context, features: SceneFeatures) -> Result<(), Fault> {
        if self.variants.contains_key(&features) {
            return Ok(());
        }
        let pipeline = context.compiled(|| {
            context.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(KERNEL),
                layout: Some(&self.pipeline_layout),
                module: &self.module,
                entry_point: None,
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &feature_constants(features),
                    zero_initialize_workgroup_memory: false,
                },
                cache: None,
            })
        })?;
        self.variants.insert(features, pipeline);
        Ok(())
    }
}
