//! Packshot's denoiser: the U-Net of Intel's Open Image Denoise with the weights that Intel publishes, in safe Rust.
//!
//! A noisy [`Picture`] goes in with its guides (albedo and normal of what each pixel shows), a clean one comes out. In
//! the order data flows: [`weights`] are read by [`tza`] and make a [`network`]; [`picture`] and [`transfer`] bring
//! radiance to what the network was trained on; [`tiles`] bound the memory; the module `cpu` computes. Another backend
//! takes all but the last from here.

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

/// Bounds and stops the work.
#[derive(Clone, Copy)]
pub struct Control<'a> {
    /// What may be allocated beside the result, about. `None` for as much as is quickest.
    pub memory_max_bytes: Option<u64>,
    /// Asked after every few rows, by many threads.
    pub is_cancelled: &'a (dyn Fn() -> bool + Sync),
}

impl Default for Control<'_> {
    fn default() -> Self {
        Self { memory_max_bytes: None, is_cancelled: &|| false }
    }
}

/// Memory that stays from one picture to the next: all that one of 512×512 pixels takes.
const KEPT_BYTES: usize = 128 << 20;

/// A network ready to denoise pictures. It can be shared by threads. Up to 128 MiB of memory stay with it from one
/// picture to the next.
#[derive(Debug)]
pub struct Denoiser {
    network: Arc<Network>,
    level: SimdLevel,
    /// Made when it is first needed: a GPU does without.
    cpu: OnceLock<CpuNetwork>,
}

impl Denoiser {
    /// With weights that come with Packshot.
    pub fn new(weights: WeightSet) -> Self {
        Self::from_weights(weights.bytes()).expect("embedded weights are valid: a test proves it")
    }

    /// With the bytes of a TZA file of Open Image Denoise's ray tracing filter for HDR colour: `rt_hdr*.tza`.
    ///
    /// # Errors
    /// When they are no such file.
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

    /// What denoising a whole picture of this size allocates beside the result, in bytes, about, on the threads of the
    /// rayon pool from which it is called.
    pub fn size_bytes(&self, width_px: u32, height_px: u32) -> u64 {
        let padded = |length: u32| (length as usize).next_multiple_of(ALIGNMENT_PX);
        self.cpu().size_bytes(padded(width_px), padded(height_px), rayon::current_num_threads())
    }

    /// The denoised picture, with the alpha of the noisy one. Works on the threads of the rayon pool from which it is
    /// called; their number changes no bit of the result, nor does the memory.
    ///
    /// # Errors
    /// When the pictures' sizes differ, the guides are others than the network takes, the memory is too small, or
    /// it was cancelled.
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
            // Memory of tiles with other sides would not fit, and add up.
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
