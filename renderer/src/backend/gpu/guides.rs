//! Guides for a denoiser, computed on the device: one dispatch per sample for some of the pixels, and one read-back of
//! their sums.

use std::collections::HashMap;
use std::ops::Range;

use glam::Vec3;
use packshot_shaders::constants::WORKGROUP;
use packshot_shaders::layout::guide::GuideParams;

use super::context::{Context, Fault};
use super::kernel::{bind_group_layout, entry, read_only, written};
use super::program::{Program, feature_constants};
use super::scene::SceneBindings;
use crate::backend::{CancelToken, RenderError};
use crate::guides::{GuideSamples, GuideSum, Guides};
use crate::prepare::SceneFeatures;

const KERNEL: &str = "kernels/guides";
/// Pixels per dispatch: few enough that it is short on any device.
const REGION_PIXELS: usize = 1 << 18;
/// Albedo, coverage, normal, and how many samples met partly opaque surfaces.
const PIXEL_BYTES: u64 = 32;

/// The kernel, compiled for the scenes so far.
#[derive(Debug)]
pub(super) struct DeviceGuides {
    layout: wgpu::BindGroupLayout,
    program: Program,
    variants: HashMap<SceneFeatures, wgpu::ComputePipeline>,
}

impl DeviceGuides {
    pub(super) fn new(context: &Context) -> Result<Self, Fault> {
        let entries = [entry(0, wgpu::BufferBindingType::Uniform), entry(1, read_only()), entry(2, written())];
        let layout = bind_group_layout(&context.device, KERNEL, &entries);
        let groups = [&context.path_tracer.scene_layout, &layout];
        let program = context.compiled(|| context.compiler.program(KERNEL, &groups))?;
        Ok(Self { layout, program, variants: HashMap::new() })
    }

    /// The guides of a picture.
    pub(super) fn run(
        &mut self,
        context: &Context,
        scene: &SceneBindings,
        size_px: [u32; 2],
        samples: &GuideSamples,
        cancel: &CancelToken,
    ) -> Result<Guides, Fault> {
        self.compile(context, scene.features)?;
        let region = Region::new(context, scene, (&self.layout, &self.variants[&scene.features]), size_px)?;
        Guides::measure(size_px, samples, |pixels, samples| {
            let mut out = Vec::with_capacity(pixels.len());
            for pixels in pixels.chunks(REGION_PIXELS) {
                region.sum(pixels, samples.clone(), cancel, &mut out)?;
            }
            Ok(out)
        })
    }

    /// Compiles the kernel for scenes with these features, unless it is compiled already.
    fn compile(&mut self, context: &Context, features: SceneFeatures) -> Result<(), Fault> {
        if self.variants.contains_key(&features) {
            return Ok(());
        }
        let constants = feature_constants(features);
        let pipeline = context.compiled(|| context.compiler.pipeline(&self.program, &constants))?;
        self.variants.insert(features, pipeline);
        Ok(())
    }
}

/// Resources for dispatches over some pixels of a shot.
struct Region<'a> {
    context: &'a Context,
    scene: &'a SceneBindings,
    pipeline: &'a wgpu::ComputePipeline,
    params: wgpu::Buffer,
    pixels: wgpu::Buffer,
    sums: wgpu::Buffer,
    readback: wgpu::Buffer,
    group: wgpu::BindGroup,
}

impl<'a> Region<'a> {
    /// For a picture of this size: no more than it has pixels.
    fn new(
        context: &'a Context,
        scene: &'a SceneBindings,
        (layout, pipeline): (&wgpu::BindGroupLayout, &'a wgpu::ComputePipeline),
        [width_px, height_px]: [u32; 2],
    ) -> Result<Self, Fault> {
        let n_pixels = (width_px as usize * height_px as usize).min(REGION_PIXELS) as u64;
        let to_device = wgpu::BufferUsages::COPY_DST;
        let written = wgpu::BufferUsages::STORAGE | to_device | wgpu::BufferUsages::COPY_SRC;
        let params_bytes = size_of::<GuideParams>() as u64;
        let params = context.buffer("guide params", params_bytes, wgpu::BufferUsages::UNIFORM | to_device)?;
        let list = context.buffer("guide pixels", n_pixels * 4, wgpu::BufferUsages::STORAGE | to_device)?;
        let sums = context.buffer("guide sums", n_pixels * PIXEL_BYTES, written)?;
        let readback = context.buffer("guides", n_pixels * PIXEL_BYTES, wgpu::BufferUsages::MAP_READ | to_device)?;
        let group = context.bind_group("guides", layout, &[&params, &list, &sums]);
        Ok(Self { context, scene, pipeline, params, pixels: list, sums, readback, group })
    }

    /// Appends the sums over these samples of the pixels, at most [`REGION_PIXELS`].
    fn sum(
        &self,
        pixels: &[u32],
        samples: Range<u32>,
        cancel: &CancelToken,
        out: &mut Vec<GuideSum>,
    ) -> Result<(), Fault> {
        let n_pixels = pixels.len() as u32;
        self.context.write(&self.pixels, 0, bytemuck::cast_slice(pixels))?;
        for sample in samples.clone() {
            if cancel.is_cancelled() {
                return Err(Fault::Final(RenderError::Cancelled));
            }
            let own = GuideParams { n_pixels, sample, pad0: 0, pad1: 0 };
            self.context.write(&self.params, 0, bytemuck::bytes_of(&own))?;
            let mut encoder = self.context.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            if sample == samples.start {
                encoder.clear_buffer(&self.sums, 0, None);
            }
            {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                pass.set_pipeline(self.pipeline);
                pass.set_bind_group(0, &self.scene.group, &[]);
                pass.set_bind_group(1, &self.group, &[]);
                pass.dispatch_workgroups(n_pixels.div_ceil(WORKGROUP), 1, 1);
            }
            let submission = self.context.submit(encoder);
            self.context.wait(submission)?;
        }
        let n_bytes = u64::from(n_pixels) * PIXEL_BYTES;
        let mut encoder = self.context.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(&self.sums, 0, &self.readback, 0, n_bytes);
        let submission = self.context.submit(encoder);
        self.context.read_mapped(&self.readback, n_bytes, submission, |bytes| {
            let sums: &[[[f32; 4]; 2]] = bytemuck::cast_slice(bytes);
            let xyz = |&[x, y, z, _]: &[f32; 4]| Vec3::new(x, y, z);
            let sum = |[albedo, normal]: &[[f32; 4]; 2]| GuideSum {
                albedo: xyz(albedo),
                normal: xyz(normal),
                covered: albedo[3],
                partly: normal[3],
            };
            out.extend(sums.iter().map(sum));
        })
    }
}
