//! How much a job may write, counted as it writes: what is too large is refused before it is handed over.

use super::protocol::{FILE_BYTES_MAX, Failure, Finding};
use packshot_domain::task::FaultKind;

/// Bytes that a job has written, and its limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quota {
    /// Bytes of one file, at most.
    file_bytes_max: u64,
    /// Bytes of all files, at most.
    bytes_max: u64,
    /// Bytes of the files that are finished.
    finished: u64,
}

impl Quota {
    /// The quota of a job with this limit.
    pub(super) const fn new(bytes_max: u64) -> Self {
        Self { file_bytes_max: FILE_BYTES_MAX, bytes_max, finished: 0 }
    }

    /// A file is finished.
    ///
    /// # Errors
    /// `output_too_large`.
    pub(super) fn finish(&mut self, name: &str, size_bytes: u64) -> Result<(), Failure> {
        self.check(name, size_bytes, 0)?;
        self.finished = self.finished.saturating_add(size_bytes);
        Ok(())
    }

    /// A file grows; `others` is the size of the other growing files.
    ///
    /// # Errors
    /// `output_too_large`.
    pub(super) fn check(&self, name: &str, size_bytes: u64, others: u64) -> Result<(), Failure> {
        if size_bytes > self.file_bytes_max {
            let max = self.file_bytes_max;
            return Err(too_large(
                name,
                &format!("{name} has {size_bytes} bytes, but a file of a job may have at most {max}"),
            ));
        }
        if self.finished.saturating_add(others).saturating_add(size_bytes) > self.bytes_max {
            return Err(beyond(name, self.bytes_max));
        }
        Ok(())
    }
}

/// The failure of a job whose files together are too large; `name` is the file that exceeded the limit.
pub fn beyond(name: &str, bytes_max: u64) -> Failure {
    too_large(name, &format!("with {name}, the files of this job exceed the {bytes_max} bytes of max_output_bytes"))
}

/// The failure of a job with a file that is too large.
pub(super) fn too_large(name: &str, what: &str) -> Failure {
    let detail = format!("{what}: ask for fewer pictures, pixels or formats");
    let code = "output_too_large".to_owned();
    let finding = Finding { code: code.clone(), detail: detail.clone(), at: name.to_owned(), help: String::new() };
    Failure { fault: FaultKind::Input, code, detail, findings: vec![finding] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r08_a_file_and_all_files_have_their_limits() {
        let mut quota = Quota { file_bytes_max: 10, bytes_max: 25, finished: 0 };
        for name in ["a.png", "b.png"] {
            quota.finish(name, 10).expect("as many as allowed");
        }
        let refused = quota.finish("c.png", 11).expect_err("too large by itself");
        assert!(refused.detail.contains("a file of a job may have at most 10"), "{refused:?}");
        quota.check("result.mp4", 3, 2).expect("25 in all");
        let refused = quota.check("result.mp4", 3, 3).expect_err("26 in all");
        assert_eq!((refused.code.as_str(), refused.findings[0].at.as_str()), ("output_too_large", "result.mp4"));
        assert!(refused.detail.contains("max_output_bytes"), "{refused:?}");
        assert!(quota.finish("c.png", u64::MAX).is_err() && quota.check("c.png", 10, u64::MAX).is_err(), "no overflow");
        quota.finish("c.png", 5).expect("what was refused does not count");
    }
}
