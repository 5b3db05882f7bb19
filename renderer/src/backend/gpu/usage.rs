//! What a device was used for so far.

use super::context::Context;
use super::program::CompiledKernel;

/// What an open device did, and what lies on it. A device that was lost begins anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceUsage {
    /// Kernels that were compiled.
    pub kernels: Vec<CompiledKernel>,
    /// Pieces of work that were handed to the device.
    pub n_submissions: u64,
    /// Bytes of its memory in use; `None` where the graphics interface does not say.
    pub memory_bytes: Option<u64>,
}

impl DeviceUsage {
    pub(super) fn of(context: &Context) -> Self {
        let report = context.device.generate_allocator_report();
        Self {
            kernels: context.compiler.compiled(),
            n_submissions: context.n_submissions.get(),
            memory_bytes: report.map(|report| report.total_allocated_bytes),
        }
    }
}
