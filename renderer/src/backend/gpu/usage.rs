//! What a device has done so far.

use super::context::Context;
use super::program::CompiledKernel;

/// What an open device has done, and its memory in use. When a device is lost, all but the first start anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceUsage {
    /// How often it was opened: once, and again after each loss.
    pub n_opened: u32,
    /// Compiled kernels.
    pub kernels: Vec<CompiledKernel>,
    /// Submissions to the device.
    pub n_submissions: u64,
    /// Bytes of its memory in use; `None` if the graphics API does not report it.
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
