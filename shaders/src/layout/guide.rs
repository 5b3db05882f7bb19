//! The parameters of one dispatch of the kernel for a denoiser's guides.

use crate::gpu_struct;

gpu_struct! {
    /// One sample of some pixels.
    pub struct GuideParams {
        /// Number of pixels.
        pub n_pixels: u32,
        /// Number of the sample.
        pub sample: u32,
        /// Padding.
        pub pad0: u32,
        /// Padding.
        pub pad1: u32,
    }
}
