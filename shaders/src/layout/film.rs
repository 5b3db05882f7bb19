//! The sums of samples per pixel.

use glam::Vec4;

use crate::gpu_struct;

gpu_struct! {
    /// Sums of premultiplied linear RGBA.
    pub struct FilmPixel {
        /// Sum of the complete groups.
        pub groups: Vec4,
        /// The group that is being filled.
        pub group: Vec4,
        /// The colours over every second sample, for the error estimate of adaptive sampling; w is squared luminance
        /// over all samples.
        pub half_groups: Vec4,
        /// The group being filled.
        pub half_group: Vec4,
    }
}
