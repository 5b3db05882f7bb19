//! The parameters of one dispatch of the megakernel, and its counters.

use crate::gpu_struct;

gpu_struct! {
    /// The part of a pass that one dispatch handles.
    pub struct PassParams {
        /// The dispatch's first entry in the list of active pixels.
        pub first_active: u32,
        /// Its number of entries.
        pub n_active: u32,
        /// First sample of the pass.
        pub first_sample: u32,
        /// One past its last.
        pub end_sample: u32,
        /// Most steps (a ray and what it scatters into) of one invocation.
        pub n_steps: u32,
        /// Slots of the region, which is also the stride of the unfinished paths.
        pub n_slots: u32,
        /// One of `PASS_*`.
        pub mode: u32,
        /// Iterations of the loop that detects whether the driver cuts loops short.
        pub n_probe_turns: u32,
    }

    /// Totals over the dispatches of a round.
    pub struct PassCounters {
        /// Pixels that need more samples, which is the length of the next list.
        pub n_next: u32,
        /// Rays traced, shadow rays included.
        pub n_rays: u32,
        /// Invocations whose loops the driver cut short: their results are wrong.
        pub n_cut: u32,
        /// Padding.
        pub pad0: u32,
    }
}
