//! Traversal alone on the device: rays are uploaded, traced with timing, and their hits read back.

use std::time::{Duration, Instant};

use packshot_shaders::constants::WORKGROUP;
use packshot_shaders::layout::ray::{Hit, Ray, RayParams};

use super::context::{Context, Fault};
use super::kernel::{bind_group_layout, entry, read_only, written};
use super::program::feature_constants;
use super::scene::SceneBindings;
use crate::backend::rays::{RayQuery, TracedRays};
use crate::backend::{CancelToken, DeviceKind, RenderError};
use crate::prepare::SceneFeatures;

const KERNEL: &str = "kernels/rays";
/// Rays per dispatch: few enough that it is short, enough to fill the device.
const REGION_RAYS: usize = 1 << 20;
const REGION_RAYS_SOFTWARE: usize = 1 << 14;
/// A region that takes less is traced repeatedly in one submission, so that the cost of submitting does not count.
const REGION_TIME: Duration = Duration::from_millis(20);
const REPEATS_MAX: u32 = 64;

/// The kernel, which treats every surface as opaque.
#[derive(Debug)]
pub(super) struct DeviceRays {
    layout: wgpu::BindGroupLayout,
    pipeline: wgpu::ComputePipeline,
}

impl DeviceRays {
    pub(super) fn new(context: &Context) -> Result<Self, Fault> {
        let entries = [entry(0, wgpu::BufferBindingType::Uniform), entry(1, read_only()), entry(2, written())];
        let layout = bind_group_layout(&context.device, KERNEL, &entries);
        let groups = [&context.path_tracer.scene_layout, &layout];
        let pipeline = context.compiled(|| {
            let program = context.compiler.program(KERNEL, &groups);
            context.compiler.pipeline(&program, &feature_constants(SceneFeatures::default()))
        })?;
        Ok(Self { layout, pipeline })
    }

    /// Traces rays through a scene.
    pub(super) fn run(
        &self,
        context: &Context,
        scene: &SceneBindings,
        rays: &[Ray],
        query: RayQuery,
        (kind, cancel): (DeviceKind, &CancelToken),
    ) -> Result<TracedRays, Fault> {
        let region_rays = if kind == DeviceKind::Software { REGION_RAYS_SOFTWARE } else { REGION_RAYS };
        let region = Region::new(context, &self.layout, region_rays.min(rays.len().max(1)))?;
        let pipeline = &self.pipeline;
        // Drivers that compile at the first dispatch do so now.
        region.write(context, &rays[..rays.len().min(1)], query)?;
        region.trace(context, scene, pipeline, 1)?;
        let mut traced = TracedRays { hits: Vec::with_capacity(rays.len()), time: Duration::ZERO };
        for rays in rays.chunks(region_rays) {
            if cancel.is_cancelled() {
                return Err(Fault::Final(RenderError::Cancelled));
            }
            region.write(context, rays, query)?;
            let once = region.trace(context, scene, pipeline, 1)?;
            let n_repeats = (REGION_TIME.as_secs_f64() / once.as_secs_f64().max(1e-6)) as u32;
            traced.time += match n_repeats.min(REPEATS_MAX) {
                0 | 1 => once,
                n => region.trace(context, scene, pipeline, n)? / n,
            };
            region.read(context, rays.len(), &mut traced.hits)?;
        }
        Ok(traced)
    }
}

/// Buffers for some rays.
struct Region {
    params: wgpu::Buffer,
    rays: wgpu::Buffer,
    hits: wgpu::Buffer,
    readback: wgpu::Buffer,
    group: wgpu::BindGroup,
    n_groups: std::cell::Cell<u32>,
}

impl Region {
    fn new(context: &Context, layout: &wgpu::BindGroupLayout, n_rays: usize) -> Result<Self, Fault> {
        use wgpu::BufferUsages as Usage;
        let bytes = |size: usize| (n_rays * size) as u64;
        let params_bytes = size_of::<RayParams>() as u64;
        let params = context.buffer("ray params", params_bytes, Usage::UNIFORM | Usage::COPY_DST)?;
        let rays = context.buffer("rays", bytes(size_of::<Ray>()), Usage::STORAGE | Usage::COPY_DST)?;
        let hits = context.buffer("hits", bytes(size_of::<Hit>()), Usage::STORAGE | Usage::COPY_SRC)?;
        let readback = context.buffer("hits read", bytes(size_of::<Hit>()), Usage::MAP_READ | Usage::COPY_DST)?;
        let group = context.bind_group("rays", layout, &[&params, &rays, &hits]);
        Ok(Self { params, rays, hits, readback, group, n_groups: std::cell::Cell::new(0) })
    }

    /// Uploads rays, at most as many as fit.
    fn write(&self, context: &Context, rays: &[Ray], query: RayQuery) -> Result<(), Fault> {
        let n_rays = rays.len() as u32;
        let params = RayParams { n_rays, is_any: u32::from(query == RayQuery::Any), pad0: 0, pad1: 0 };
        context.write(&self.params, 0, bytemuck::bytes_of(&params))?;
        context.write(&self.rays, 0, bytemuck::cast_slice(rays))?;
        self.n_groups.set(n_rays.div_ceil(WORKGROUP));
        let submission = context.queue.submit([]);
        context.wait(submission)
    }

    /// Traces them `n` times in a row.
    fn trace(
        &self,
        context: &Context,
        scene: &SceneBindings,
        pipeline: &wgpu::ComputePipeline,
        n: u32,
    ) -> Result<Duration, Fault> {
        let mut encoder = context.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_pipeline(pipeline);
            pass.set_bind_group(0, &scene.group, &[]);
            pass.set_bind_group(1, &self.group, &[]);
            for _ in 0..n {
                pass.dispatch_workgroups(self.n_groups.get(), 1, 1);
            }
        }
        let begun = Instant::now();
        let submission = context.submit(encoder);
        context.wait(submission)?;
        Ok(begun.elapsed())
    }

    /// Appends the hits of the first `n` rays.
    fn read(&self, context: &Context, n: usize, hits: &mut Vec<Hit>) -> Result<(), Fault> {
        let n_bytes = (n * size_of::<Hit>()) as u64;
        let mut encoder = context.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(&self.hits, 0, &self.readback, 0, n_bytes);
        let submission = context.submit(encoder);
        context.read_mapped(&self.readback, n_bytes, submission, |bytes| {
            hits.extend(bytemuck::cast_slice::<_, Hit>(bytes))
        })
    }
}
