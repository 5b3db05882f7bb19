//! The last line of the log about a job: what it was, and how it ended. Whoever watches a service needs no other.

use std::fmt::Display;

use packshot_domain::job::JobRef;
use packshot_domain::task::TaskKind;

/// The target of these lines.
pub const LOG_TARGET: &str = module_path!();

/// A task that has ended, and its job with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LastLine<'a> {
    /// The job, where the line is not written inside of an attempt, whose span names it.
    pub(crate) job: Option<JobRef>,
    /// Name of the file that it worked on.
    pub(crate) input_name: Option<&'a str>,
    /// What was done.
    pub(crate) kind: TaskKind,
}

impl LastLine<'_> {
    /// It completed, or it was cancelled.
    pub(crate) fn info(self, how: impl Display) {
        let Self { input_name, kind, .. } = self;
        tracing::info!(job.id = self.job_id(), input_name, kind = kind.as_str(), "{how}");
    }

    /// It failed.
    pub(crate) fn warn(self, why: impl Display) {
        let Self { input_name, kind, .. } = self;
        tracing::warn!(job.id = self.job_id(), input_name, kind = kind.as_str(), "{why}");
    }

    fn job_id(self) -> Option<String> {
        self.job.map(|job| job.record.to_string())
    }
}
