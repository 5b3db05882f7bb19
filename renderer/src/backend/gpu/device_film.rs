//! The film and the unfinished paths on the device.
//!
//! A picture is divided into regions of whole blocks. Each region has a buffer for its sums, in the order of its blocks
//! and of each block's pixels; the index in it is a pixel's slot. The regions share the lists of pixels and the paths,
//! because they are rendered one after the other.

use std::ops::Range;

use bytemuck::cast_slice;
use packshot_shaders::constants::WORKGROUP;
use packshot_shaders::layout::film::FilmPixel;
use packshot_shaders::layout::pass::{PassCounters, PassParams};

use super::context::{Context, Fault};
use super::scene::SceneBindings;
use super::slices::SliceLimits;
use crate::backend::passes::BlockFilm;
use crate::film::{BLOCK_PX, Block};

/// Rows of four words in which the kernel stores a path.
const PATH_ROWS: u64 = 7;
const WORDS_BYTES: u64 = 16;
const FILM_BYTES: u64 = size_of::<FilmPixel>() as u64;
const ENTRY_BYTES: u64 = 8;
/// Most bytes of one read-back.
const READ_BYTES: u64 = 16 << 20;
const BLOCK_PIXELS: u64 = (BLOCK_PX * BLOCK_PX) as u64;

/// A pixel in the lists: its slot, and its column and row as x | y << 16.
pub(super) type Entry = [u32; 2];

/// A range of blocks of the picture.
#[derive(Debug)]
pub(super) struct Region {
    /// Indices of its blocks among all blocks.
    pub(super) blocks: Range<usize>,
    /// First slot of each block.
    first_slots: Vec<u32>,
    pub(super) n_slots: u32,
    sums: wgpu::Buffer,
    pub(super) group: wgpu::BindGroup,
}

/// Buffers of one render.
#[derive(Debug)]
pub(super) struct DeviceFilm {
    pub(super) regions: Vec<Region>,
    /// The first reads the first list and writes the second, the other the reverse.
    pub(super) pass_groups: [wgpu::BindGroup; 2],
    params: wgpu::Buffer,
    first_list: wgpu::Buffer,
    counters: wgpu::Buffer,
    paths: wgpu::Buffer,
    counters_read: wgpu::Buffer,
    read: wgpu::Buffer,
}

impl DeviceFilm {
    /// Buffers for these blocks, initialised with the blocks' sums.
    pub(super) fn new(context: &Context, blocks: &[BlockFilm], region_pixels: u32) -> Result<Self, Fault> {
        use wgpu::BufferUsages as Usage;
        let slots_max = slots_max(context.binding_bytes_max, region_pixels);
        let mut regions = Vec::new();
        let mut at = 0;
        while at < blocks.len() {
            let region = Region::new(context, blocks, at, slots_max)?;
            at = region.blocks.end;
            regions.push(region);
        }
        let n_slots = regions.iter().map(|region| u64::from(region.n_slots)).max().unwrap_or(1);
        let list = |label| context.buffer(label, n_slots * ENTRY_BYTES, Usage::STORAGE | Usage::COPY_DST);
        let lists = [list("list a")?, list("list b")?];
        let [params_bytes, counters_bytes] = [size_of::<PassParams>() as u64, size_of::<PassCounters>() as u64];
        let params = context.buffer("pass_params", params_bytes, Usage::UNIFORM | Usage::COPY_DST)?;
        let moved = Usage::STORAGE | Usage::COPY_DST | Usage::COPY_SRC;
        let counters = context.buffer("counters", counters_bytes, moved)?;
        let paths = context.buffer("paths", n_slots * PATH_ROWS * WORDS_BYTES, Usage::STORAGE | Usage::COPY_SRC)?;
        let mapped = Usage::MAP_READ | Usage::COPY_DST;
        let counters_read = context.buffer("counters read", counters_bytes, mapped)?;
        let read_bytes = READ_BYTES.min(n_slots * FILM_BYTES);
        let read = context.buffer("film read", read_bytes, mapped)?;
        let group = |from: &wgpu::Buffer, to: &wgpu::Buffer| {
            let layout = &context.path_tracer.pass_layout;
            context.bind_group("pass", layout, &[&params, from, to, &counters, &paths])
        };
        let pass_groups = [group(&lists[0], &lists[1]), group(&lists[1], &lists[0])];
        let [first_list, _] = lists;
        Ok(Self { regions, pass_groups, params, first_list, counters, paths, counters_read, read })
    }

    /// Runs a scene's kernel for one pixel and no steps, so that it is compiled when it is needed.
    pub(super) fn touch(context: &Context, scene: &SceneBindings) -> Result<(), Fault> {
        let film = Self::new(context, &[BlockFilm::new(Block { x_px: 0, y_px: 0, width_px: 1, height_px: 1 })], 1)?;
        film.write_list(context, &[[0, 0]])?;
        let params = PassParams { n_active: 1, n_slots: 1, end_sample: 1, n_probe_turns: 2, ..PassParams::default() };
        film.dispatch(context, scene, &film.regions[0], &film.pass_groups[0], params).map(drop)
    }

    /// Makes `entries` the first list.
    pub(super) fn write_list(&self, context: &Context, entries: &[Entry]) -> Result<(), Fault> {
        context.write(&self.first_list, 0, cast_slice(entries))
    }

    /// Zeroes the counters for the next round.
    pub(super) fn clear_counters(&self, context: &Context) {
        context.queue.write_buffer(&self.counters, 0, bytemuck::bytes_of(&PassCounters::default()));
    }

    /// Runs one dispatch and waits for it. Returns the counters.
    pub(super) fn dispatch(
        &self,
        context: &Context,
        scene: &SceneBindings,
        region: &Region,
        pass_group: &wgpu::BindGroup,
        params: PassParams,
    ) -> Result<PassCounters, Fault> {
        context.queue.write_buffer(&self.params, 0, bytemuck::bytes_of(&params));
        let mut encoder = context.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_pipeline(&scene.kernel.pipeline);
            for (i, group) in [&scene.group, pass_group, &region.group].into_iter().enumerate() {
                pass.set_bind_group(i as u32, group, &[]);
            }
            pass.dispatch_workgroups(params.n_active.div_ceil(WORKGROUP), 1, 1);
        }
        encoder.copy_buffer_to_buffer(&self.counters, 0, &self.counters_read, 0, self.counters.size());
        let submission = context.submit(encoder);
        context.read_mapped(&self.counters_read, self.counters.size(), submission, |bytes| {
            bytemuck::pod_read_unaligned(bytes)
        })
    }

    /// Reads into `sums`, one vector per block of the picture, the sums of those blocks of a region for which
    /// `is_wanted` holds.
    pub(super) fn read_sums(
        &self,
        context: &Context,
        region: &Region,
        is_wanted: impl Fn(usize) -> bool,
        sums: &mut [Vec<FilmPixel>],
    ) -> Result<(), Fault> {
        let mut wanted = region.blocks.clone().filter(|&block| is_wanted(block)).peekable();
        while wanted.peek().is_some() {
            let mut encoder = context.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            let mut copied = Vec::new();
            let mut end = 0;
            while let Some(block) = wanted.next_if(|&block| end + byte_len(&sums[block]) <= self.read.size()) {
                let from = u64::from(region.first_slot(block)) * FILM_BYTES;
                encoder.copy_buffer_to_buffer(&region.sums, from, &self.read, end, byte_len(&sums[block]));
                copied.push((block, end as usize));
                end += byte_len(&sums[block]);
            }
            let submission = context.submit(encoder);
            context.read_mapped(&self.read, end, submission, |bytes| {
                for (block, from) in copied {
                    let into: &mut [u8] = bytemuck::cast_slice_mut(&mut sums[block]);
                    into.copy_from_slice(&bytes[from..from + into.len()]);
                }
            })?;
        }
        Ok(())
    }

    /// Number of the next sample of each slot that was active in this pass.
    pub(super) fn read_samples(&self, context: &Context, region: &Region) -> Result<Vec<u32>, Fault> {
        let total = u64::from(region.n_slots) * WORDS_BYTES;
        let mut samples = Vec::with_capacity(region.n_slots as usize);
        while (samples.len() as u64) < u64::from(region.n_slots) {
            let from = samples.len() as u64 * WORDS_BYTES;
            let size = (total - from).min(self.read.size());
            let mut encoder = context.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            encoder.copy_buffer_to_buffer(&self.paths, from, &self.read, 0, size);
            let submission = context.submit(encoder);
            context.read_mapped(&self.read, size, submission, |bytes| {
                samples.extend(
                    bytes
                        .chunks_exact(WORDS_BYTES as usize)
                        .map(bytemuck::pod_read_unaligned::<[u32; 4]>)
                        .map(|row| row[0]),
                );
            })?;
        }
        Ok(samples)
    }
}

/// Device memory that a picture of this many pixels takes beside its product: its whole film, and the unfinished paths
/// of as many pixels as are processed at once.
pub fn picture_bytes(n_pixels: u64) -> u64 {
    let n_slots = n_pixels.min(u64::from(SliceLimits::default().region_pixels));
    n_pixels.saturating_mul(FILM_BYTES).saturating_add(n_slots * (PATH_ROWS * WORDS_BYTES + 2 * ENTRY_BYTES))
}

impl Region {
    /// As many blocks, from `at` on, as fit into `slots_max`.
    fn new(context: &Context, blocks: &[BlockFilm], at: usize, slots_max: u64) -> Result<Self, Fault> {
        let mut first_slots = Vec::new();
        let mut n_slots = 0;
        for block in &blocks[at..] {
            let n = block.sums().len() as u64;
            if n_slots > 0 && n_slots + n > slots_max {
                break;
            }
            first_slots.push(n_slots as u32);
            n_slots += n;
        }
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let sums = context.buffer("film", n_slots * FILM_BYTES, usage)?;
        for (block, &first) in blocks[at..].iter().zip(&first_slots) {
            // A new buffer is zeroed.
            if block.has_samples() {
                context.write(&sums, u64::from(first) * FILM_BYTES, cast_slice(block.sums()))?;
            }
        }
        let group = context.bind_group("film", &context.path_tracer.film_layout, &[&sums]);
        Ok(Self { blocks: at..at + first_slots.len(), first_slots, n_slots: n_slots as u32, sums, group })
    }

    /// First slot of a block, by its index among all blocks.
    pub(super) fn first_slot(&self, block: usize) -> u32 {
        self.first_slots[block - self.blocks.start]
    }

    /// The block of a slot, by its index among all blocks, and the pixel in it.
    pub(super) fn pixel_of(&self, slot: u32) -> (usize, usize) {
        let behind = self.first_slots.partition_point(|&first| first <= slot);
        (self.blocks.start + behind - 1, (slot - self.first_slots[behind - 1]) as usize)
    }
}

/// Pixels of a region: as many as requested, limited by what fits a binding.
fn slots_max(binding_bytes_max: u64, region_pixels: u32) -> u64 {
    let fitting = binding_bytes_max / (PATH_ROWS * WORDS_BYTES).max(FILM_BYTES);
    u64::from(region_pixels).min(fitting).max(BLOCK_PIXELS)
}

fn byte_len(sums: &[FilmPixel]) -> u64 {
    size_of_val(sums) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The least binding size of Vulkan drivers and WebGPU adapters.
    const BINDING_BYTES: u64 = 128 << 20;

    #[test]
    fn pictures_of_any_size_are_cut_into_regions_that_every_adapter_binds() {
        for region_pixels in [1, 4096, 1 << 20, SliceLimits::default().region_pixels, u32::MAX] {
            let n_slots = slots_max(BINDING_BYTES, region_pixels);
            assert!(n_slots >= BLOCK_PIXELS, "a block is never cut");
            for bytes in [PATH_ROWS * WORDS_BYTES, FILM_BYTES, ENTRY_BYTES] {
                assert!(n_slots * bytes <= BINDING_BYTES, "{n_slots} pixels of {bytes} bytes");
            }
        }
        let slots_of = |binding_bytes| slots_max(binding_bytes, SliceLimits::default().region_pixels);
        assert!(slots_of(BINDING_BYTES) > 1 << 20, "a megapixel fits the smallest bindings");
        assert_eq!(slots_of(2 * BINDING_BYTES), 1 << 21, "and twice as much is all that there is");
    }
}
