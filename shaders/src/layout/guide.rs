//! What one dispatch of the kernel for a denoiser's guides does.

use crate::gpu_struct;

gpu_struct! {
    /// One sample of some pixels.
    pub struct GuideParams {
        /// How many they are.
        pub n_pixels: u32,
        /// Which sample.
        pub sample: u32,
        /// Padding.
        pub pad0: u32,
        /// Padding.
        pub pad1: u32,
    }
}
