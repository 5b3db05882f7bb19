//! What a device was used for so far.

use super::context::Context;
use super::program::CompiledKernel;

/// What an open device did, and what lies on it. With a device that was lost all but the first begins anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceUsage {
    /// Times that it was opened: once, and again after each loss.
    pub n_opened: u32,
    /// Kernels that were compiled.
    pub kernels: Vec<CompiledKernel>,
    /// Pieces of work that were handed to the device.
    pub n_submissions: u64,
    /// Bytes of its memory in use; `None` where the graphics interface does not say.
    pub memory_bytes: Option<u64>,
}

impl DeviceUsage {
    pub(super) fn of(context: &Context, n_opened: u32) -> Self {
        let report = context.device.generate_allocator_report();
        Self {
            n_opened,
            kernels: context.compiler.compiled(),
            n_submissions: context.n_submissions.get(),
            memory_bytes: report.map(|report| report.total_allocated_bytes),
        }
    }
}
