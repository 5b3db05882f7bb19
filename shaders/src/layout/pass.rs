//! What one dispatch of the megakernel does, and what it reports.

use crate::gpu_struct;

gpu_struct! {
    /// The part of a pass that one dispatch takes.
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
        /// Slots of the region, which is the stride of the paths under way.
        pub n_slots: u32,
        /// One of `PASS_*`.
        pub mode: u32,
        /// Turns of the loop that finds out whether the driver cuts loops short.
        pub n_probe_turns: u32,
    }

    /// What the dispatches of a round add up.
    pub struct PassCounters {
        /// Pixels that want more, which is the length of the next list.
        pub n_next: u32,
        /// Rays traced, shadow rays included.
        pub n_rays: u32,
        /// Invocations whose loops the driver cut short: their numbers are wrong.
        pub n_cut: u32,
        /// Padding.
        pub pad0: u32,
    }
}
