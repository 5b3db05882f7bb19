//! What one dispatch of the denoiser's convolution does.

use crate::gpu_struct;

gpu_struct! {
    /// One input of a convolution, and the rows of its output that a dispatch makes.
    pub struct ConvolutionParams {
        /// Width of the output before it is halved.
        pub width_px: u32,
        /// Height of the output before it is halved.
        pub height_px: u32,
        /// Blocks of four channels that go in.
        pub n_input_blocks: u32,
        /// Blocks of four channels that come out.
        pub n_output_blocks: u32,
        /// First vector of the weights.
        pub first_weight: u32,
        /// First vector of the biases.
        pub first_bias: u32,
        /// First row of workgroups, of 16 pixels each.
        pub first_group_row: u32,
        /// 1 where sums begin with the biases, 0 where they go on.
        pub begins: u32,
        /// 1 where sums are complete then, and cut off at 0.
        pub ends: u32,
        /// 1 where the greatest of each 2×2 pixels is stored.
        pub halves: u32,
        /// Padding.
        pub pad0: u32,
        /// Padding.
        pub pad1: u32,
    }
}
