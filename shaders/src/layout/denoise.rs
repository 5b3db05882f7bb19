//! The parameters of one dispatch of the denoiser's convolution.

use crate::gpu_struct;

gpu_struct! {
    /// One input of a convolution, and the rows of its output that a dispatch computes.
    pub struct ConvolutionParams {
        /// Width of the output before max pooling.
        pub width_px: u32,
        /// Height of the output before max pooling.
        pub height_px: u32,
        /// Input blocks of four channels.
        pub n_input_blocks: u32,
        /// Output blocks of four channels.
        pub n_output_blocks: u32,
        /// First vector of the weights.
        pub first_weight: u32,
        /// First vector of the biases.
        pub first_bias: u32,
        /// First row of workgroups, of 16 pixels each.
        pub first_group_row: u32,
        /// 1 if sums start with the biases, 0 if they continue.
        pub begins: u32,
        /// 1 if the sums are complete after this, and negative values are clamped to 0 (ReLU).
        pub ends: u32,
        /// 1 for 2×2 max pooling of the output.
        pub halves: u32,
        /// Padding.
        pub pad0: u32,
        /// Padding.
        pub pad1: u32,
    }
}
