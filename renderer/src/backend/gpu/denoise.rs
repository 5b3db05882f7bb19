//! The denoiser's network on the device.
//!
//! Input: the network's input tiles. Output: the network's output for each. All layers of a tile stay on the device:
//! one upload, one read-back. Work goes to the device in submissions of a fraction of a second, between which it can be
//! cancelled; where it is cut does not change a bit.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use packshot_shaders::layout::denoise::ConvolutionParams;

use super::context::{Context, Fault};
use crate::backend::{CancelToken, RenderError};
use kernel::{Kernels, PARAMS_BYTES, upload_weights};
pub(super) use picture::denoise;
pub(super) use steps::Plan;
use steps::{Slot, Step};

mod kernel;
mod picture;
mod steps;

/// Pixels along a side of a workgroup.
const GROUP_PX: usize = 16;
/// Target duration of a submission.
const SUBMISSION: Duration = Duration::from_millis(30);
/// Work of the first submission, in products of vectors: what slow adapters do in about that time.
const FIRST_PRODUCTS: u64 = 1 << 26;
/// Dispatches of a submission, at most.
const DISPATCHES_MAX: usize = 64;

/// A tile as input for the network.
#[derive(Debug)]
pub(super) struct TileInput {
    pub(super) plan: Arc<Plan>,
    /// A multiple of 16.
    pub(super) width_px: usize,
    /// A multiple of 16.
    pub(super) height_px: usize,
    /// Blocks of four channels, the whole tile each.
    pub(super) pixels: Vec<[f32; 4]>,
    pub(super) cancel: CancelToken,
}

/// The kernels, and the weights used last.
#[derive(Debug)]
pub(super) struct DeviceDenoiser {
    kernels: Kernels,
    weights: Option<(Arc<Plan>, wgpu::Buffer)>,
    /// Products of vectors per submission, as measured.
    products: u64,
}

/// Progress of a tile.
#[derive(Clone, Copy, Default)]
struct Cursor {
    step: usize,
    group_row: usize,
}

impl DeviceDenoiser {
    pub(super) fn new(context: &Context) -> Result<Self, Fault> {
        Ok(Self { kernels: Kernels::new(context)?, weights: None, products: FIRST_PRODUCTS })
    }

    /// The network's output for a tile: colours on its transfer curve, and one unused channel.
    pub(super) fn run(&mut self, context: &Context, tile: &TileInput) -> Result<Vec<[f32; 4]>, Fault> {
        let known = self.weights.take().filter(|(plan, _)| Arc::ptr_eq(plan, &tile.plan));
        let weights = match known {
            Some((_, weights)) => weights,
            None => upload_weights(context, &tile.plan)?,
        };
        let buffers = Buffers::new(context, &self.kernels, &weights, tile)?;
        self.weights = Some((tile.plan.clone(), weights));
        let mut cursor = Cursor::default();
        let mut running = None;
        let mut since = Instant::now();
        loop {
            if tile.cancel.is_cancelled() {
                return Err(Fault::Final(RenderError::Cancelled));
            }
            let (batch, n_products) = batch(tile, &mut cursor, self.products);
            let submitted = (!batch.is_empty()).then(|| (self.submit(context, tile, &buffers, &batch), n_products));
            // One submission runs while the next is recorded.
            if let Some((submission, n_products)) = std::mem::replace(&mut running, submitted) {
                context.wait(submission)?;
                self.products = paced(self.products, n_products, since.elapsed());
                since = Instant::now();
            }
            if running.is_none() {
                return buffers.read(context, tile);
            }
        }
    }

    fn submit(
        &self,
        context: &Context,
        tile: &TileInput,
        buffers: &Buffers,
        batch: &[(usize, usize, ConvolutionParams)],
    ) -> wgpu::SubmissionIndex {
        let mut params = vec![0; batch.len() * buffers.params_stride];
        for ((_, _, own), place) in batch.iter().zip(params.chunks_exact_mut(buffers.params_stride)) {
            place[..PARAMS_BYTES as usize].copy_from_slice(bytemuck::bytes_of(own));
        }
        context.queue.write_buffer(&buffers.params, 0, &params);
        let mut encoder = context.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            for (i, &(step, group_rows, _)) in batch.iter().enumerate() {
                let step_data = &tile.plan.steps[step];
                pass.set_pipeline(if step_data.is_doubled { &self.kernels.doubled } else { &self.kernels.same });
                pass.set_bind_group(0, &buffers.groups[step], &[(i * buffers.params_stride) as u32]);
                let columns = (tile.width_px >> step_data.level).div_ceil(GROUP_PX) as u32;
                pass.dispatch_workgroups(columns, group_rows as u32, step_data.n_output_blocks.div_ceil(2) as u32);
            }
        }
        context.submit(encoder)
    }
}

/// The next dispatches, with about `products` products in total: for each its step, its rows of workgroups and its
/// parameters; and the actual number of products.
fn batch(tile: &TileInput, cursor: &mut Cursor, products: u64) -> (Vec<(usize, usize, ConvolutionParams)>, u64) {
    let mut batch = Vec::new();
    let mut total = 0;
    while let Some(step) = tile.plan.steps.get(cursor.step)
        && batch.len() < DISPATCHES_MAX
        && total < products
    {
        let (width_px, height_px) = (tile.width_px >> step.level, tile.height_px >> step.level);
        let row_products = step.products() * (width_px.next_multiple_of(GROUP_PX) * GROUP_PX) as u64;
        let rest = height_px.div_ceil(GROUP_PX) - cursor.group_row;
        let affordable = usize::try_from((products - total) / row_products).unwrap_or(rest);
        let group_rows = affordable.clamp(1, rest);
        batch.push((cursor.step, group_rows, parameters(step, width_px, height_px, cursor.group_row)));
        total += row_products * group_rows as u64;
        *cursor = match group_rows == rest {
            true => Cursor { step: cursor.step + 1, group_row: 0 },
            false => Cursor { group_row: cursor.group_row + group_rows, ..*cursor },
        };
    }
    (batch, total)
}

fn parameters(step: &Step, width_px: usize, height_px: usize, first_group_row: usize) -> ConvolutionParams {
    ConvolutionParams {
        width_px: width_px as u32,
        height_px: height_px as u32,
        n_input_blocks: step.n_input_blocks as u32,
        n_output_blocks: step.n_output_blocks as u32,
        first_weight: step.first_weight as u32,
        first_bias: step.first_bias as u32,
        first_group_row: first_group_row as u32,
        begins: step.begins.into(),
        ends: step.ends.into(),
        halves: step.halves.into(),
        ..ConvolutionParams::default()
    }
}

/// The size of the next submission, after one of `done` products took this long.
fn paced(products: u64, done: u64, elapsed: Duration) -> u64 {
    let aimed = done as f64 * SUBMISSION.as_secs_f64() / elapsed.as_secs_f64().max(1e-6);
    // Much less than a whole submission says little about large ones.
    let most = if done * 2 < products { products } else { products * 4 };
    (aimed as u64).clamp(products / 4, most).max(1)
}

/// The device memory for a tile.
struct Buffers {
    params: wgpu::Buffer,
    /// Distance in bytes between the parameters of consecutive dispatches.
    params_stride: usize,
    slots: HashMap<Slot, wgpu::Buffer>,
    /// One for each step.
    groups: Vec<wgpu::BindGroup>,
}

impl Buffers {
    /// Allocates the buffers and uploads the tile.
    fn new(context: &Context, kernels: &Kernels, weights: &wgpu::Buffer, tile: &TileInput) -> Result<Self, Fault> {
        use wgpu::BufferUsages as Usage;
        let alignment = context.device.limits().min_uniform_buffer_offset_alignment as usize;
        let params_stride = (PARAMS_BYTES as usize).next_multiple_of(alignment);
        let params_bytes = (DISPATCHES_MAX * params_stride) as u64;
        let params = context.buffer("denoiser parameters", params_bytes, Usage::UNIFORM | Usage::COPY_DST)?;
        let mut slots = HashMap::new();
        for slot in Plan::slots() {
            let size_bytes = tile.plan.slot_bytes(slot, tile.width_px, tile.height_px);
            let usage = Usage::STORAGE | Usage::COPY_DST | Usage::COPY_SRC;
            slots.insert(slot, context.buffer("denoiser layer", size_bytes, usage)?);
        }
        context.write(&slots[&Slot::Kept(0)], 0, bytemuck::cast_slice(&tile.pixels))?;
        let group = |step: &Step| {
            let params =
                wgpu::BufferBinding { buffer: &params, offset: 0, size: std::num::NonZeroU64::new(PARAMS_BYTES) };
            let [source, target] = [step.source, step.target].map(|slot| slots[&slot].as_entire_binding());
            let resources = [wgpu::BindingResource::Buffer(params), source, weights.as_entire_binding(), target];
            let entries = (0..).zip(resources).map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource });
            let entries: Vec<_> = entries.collect();
            let layout = &kernels.layout;
            context.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("denoiser"),
                layout,
                entries: &entries,
            })
        };
        let groups = tile.plan.steps.iter().map(group).collect();
        Ok(Self { params, params_stride, slots, groups })
    }

    /// Reads back the first block of channels of the result.
    fn read(&self, context: &Context, tile: &TileInput) -> Result<Vec<[f32; 4]>, Fault> {
        let size_bytes = (tile.width_px * tile.height_px * size_of::<[f32; 4]>()) as u64;
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let read = context.buffer("denoiser read", size_bytes, usage)?;
        let mut encoder = context.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(&self.slots[&tile.plan.result], 0, &read, 0, size_bytes);
        let submission = context.submit(encoder);
        context.read_mapped(&read, size_bytes, submission, bytemuck::pod_collect_to_vec)
    }
}

#[cfg(test)]
mod tests {
    use packshot_denoiser::{Denoiser, WeightSet};

    use super::*;

    /// Every row of every step is dispatched, whatever the size of a submission.
    #[test]
    fn submissions_leave_nothing_out() {
        let plan = Arc::new(Plan::new(Denoiser::new(WeightSet::Small).network()));
        let tile = TileInput { plan, width_px: 80, height_px: 272, pixels: Vec::new(), cancel: CancelToken::default() };
        for products in [1, 100_000, 1 << 24, u64::MAX] {
            let mut cursor = Cursor::default();
            let mut rows = vec![0; tile.plan.steps.len()];
            loop {
                let (batch, n_products) = batch(&tile, &mut cursor, products);
                if batch.is_empty() {
                    break;
                }
                assert!(batch.len() == 1 || n_products <= products.saturating_mul(2), "{products}");
                for (step, group_rows, params) in batch {
                    assert_eq!(params.first_group_row as usize, rows[step], "{products}, step {step}");
                    rows[step] += group_rows;
                }
            }
            let wanted: Vec<_> = tile.plan.steps.iter().map(|step| (272_usize >> step.level).div_ceil(16)).collect();
            assert_eq!(rows, wanted, "{products}");
        }
    }

    #[test]
    fn submissions_come_to_the_time_that_they_are_to_take() {
        let rate = 1e12;
        let mut products = FIRST_PRODUCTS;
        for _ in 0..12 {
            products = paced(products, products, Duration::from_secs_f64(products as f64 / rate));
        }
        let duration_s = products as f64 / rate;
        assert!((duration_s / SUBMISSION.as_secs_f64() - 1.0).abs() < 0.01, "{duration_s}");
        assert!(paced(1, 1, Duration::from_secs(9)) > 0);
    }
}
