//! Packshot's denoiser: the U-Net of Intel's Open Image Denoise with the weights that Intel publishes, in safe Rust.
//!
//! A noisy [`Picture`] goes in with its guides (albedo and normal of what each pixel shows), a clean one comes out. In
//! the order data flows: [`weights`] are read by [`tza`] and make a [`network`]; [`picture`] and [`transfer`] convert
//! radiance to the range that the network was trained on; [`tiles`] limit the memory; the module `cpu` computes.
//! Another backend uses everything but the last.

pub mod error;
pub mod weights;
pub mod tza;
pub mod network;
pub mod transfer;
pub mod picture;
pub mod tiles;
mod cpu;

use std::sync::{Arc, OnceLock};

pub use error::{DenoiseError, WeightsError};
pub use packshot_processor::SimdLevel;
pub use picture::Picture;
pub use weights::WeightSet;

use cpu::CpuNetwork;
use network::{ALIGNMENT_PX, Network};

/// Limits and cancels the work.
#[derive(Clone, Copy)]
pub struct Control<'a> {
    /// Approximate limit on allocations in addition to the result. `None` for as much as is fastest.
    pub memory_max_bytes: Option<u64>,
    /// Polled every few rows, by many threads.
    pub is_cancelled: &'a (dyn Fn() -> bool + Sync),
}

impl Default for Control<'_> {
    fn default() -> Self {
        Self { memory_max_bytes: None, is_cancelled: &|| false }
    }
}

/// Memory kept between pictures: all that one of 512×512 pixels needs.
const KEPT_BYTES: usize = 128 << 20;

/// A network ready to denoise pictures. It can be shared by threads. It keeps up to 128 MiB of memory between pictures.
#[derive(Debug)]
pub struct Denoiser {
    network: Arc<Network>,
    level: SimdLevel,
    /// Made on first use: a GPU does not need it.
    cpu: OnceLock<CpuNetwork>,
}

impl Denoiser {
    /// With weights that are built into Packshot.
    pub fn new(weights: WeightSet) -> Self {
        Self::from_weights(weights.bytes()).expect("embedded weights are valid: a test proves it")
    }

    /// With the bytes of a TZA file of Open Image Denoise's ray tracing filter for HDR colour: `rt_hdr*.tza`.
    ///
    /// # Errors
    /// When this is not such a file.
    pub fn from_weights(bytes: &[u8]) -> Result<Self, WeightsError> {
        Ok(Self::with_level(Network::new(&tza::parse(bytes)?)?, SimdLevel::detect()))
    }

    /// With a chosen instruction set, which the processor must have.
    pub fn with_level(network: Network, level: SimdLevel) -> Self {
        Self { network: Arc::new(network), level, cpu: OnceLock::new() }
    }

    /// The network, for another backend.
    pub fn network(&self) -> &Arc<Network> {
        &self.network
    }

    fn cpu(&self) -> &CpuNetwork {
        self.cpu.get_or_init(|| CpuNetwork::new(&self.network, self.level))
    }

    /// Approximate allocation for denoising a whole picture of this size, in bytes and in addition to the result, on
    /// the threads of the current rayon pool.
    pub fn size_bytes(&self, width_px: u32, height_px: u32) -> u64 {
        let padded = |length: u32| (length as usize).next_multiple_of(ALIGNMENT_PX);
        self.cpu().size_bytes(padded(width_px), padded(height_px), rayon::current_num_threads())
    }

    /// The denoised picture, with the alpha of the noisy one. Works on the threads of the current rayon pool; neither
    /// their number nor the memory limit changes a bit of the result.
    ///
    /// # Errors
    /// When the pictures' sizes differ, the network takes other guides than those given, the memory limit is too low,
    /// or it was cancelled.
    pub fn denoise(&self, picture: &Picture<'_>, control: Control<'_>) -> Result<Vec<[f32; 4]>, DenoiseError> {
        let exposed = picture.exposed(self.network.n_inputs)?;
        let (width_px, height_px) = (picture.width_px as usize, picture.height_px as usize);
        let cpu = self.cpu();
        let n_threads = rayon::current_num_threads();
        let offered_bytes = control.memory_max_bytes.unwrap_or(u64::MAX);
        let needed = |width, height| cpu.size_bytes(width, height, n_threads);
        let overlap_px = [cpu::JOINT_PX, 1].map(|joint_px| self.network.overlap_px(joint_px));
        let cut = tiles::cut_for_memory(width_px, height_px, overlap_px, offered_bytes, needed);
        let cut = cut.map_err(|needed_bytes| DenoiseError::Memory { needed_bytes, offered_bytes })?;
        let mut out = vec![[0.0; 4]; width_px * height_px];
        let mut sides = None;
        for tile in tiles::tiles(width_px, height_px, cut) {
            // Buffers for tiles of other sizes would not fit, and would accumulate.
            if sides
                .replace((tile.width_px, tile.height_px))
                .is_some_and(|sides| sides != (tile.width_px, tile.height_px))
            {
                cpu.trim(0);
            }
            let rows = &mut out[tile.rows.start * width_px..];
            cpu.run_tile(&exposed, &tile, rows, control.is_cancelled).inspect_err(|_| cpu.trim(0))?;
        }
        cpu.trim(KEPT_BYTES);
        Ok(out)
    }
}
