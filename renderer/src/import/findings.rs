//! Collects diagnostics while a file is read.

use std::collections::{HashMap, HashSet};

use crate::diagnostic::{Diagnostic, Severity};

/// At most this many findings of one code are listed; the rest are summed up.
const PER_CODE_MAX: usize = 100;

/// The diagnostics so far.
#[derive(Default)]
pub(super) struct Findings {
    list: Vec<Diagnostic>,
    counts: HashMap<&'static str, usize>,
    seen: HashSet<(&'static str, String)>,
}

impl Findings {
    /// Adds a finding.
    pub(super) fn add(
        &mut self,
        code: &'static str,
        severity: Severity,
        at: impl Into<String>,
        message: impl Into<String>,
    ) {
        let count = self.counts.entry(code).or_default();
        *count += 1;
        if *count <= PER_CODE_MAX {
            self.list.push(Diagnostic { code, severity, at: at.into(), message: message.into() });
        }
    }

    /// Adds a finding that several objects may share, unless it has been added already.
    pub(super) fn add_once(
        &mut self,
        code: &'static str,
        severity: Severity,
        at: impl Into<String>,
        message: impl Into<String>,
    ) {
        let at = at.into();
        if self.seen.insert((code, at.clone())) {
            self.add(code, severity, at, message);
        }
    }

    /// All findings; for a code that occurs too often, the last one listed says how many more there are.
    pub(super) fn finish(mut self) -> Vec<Diagnostic> {
        for (code, count) in self.counts {
            if count > PER_CODE_MAX
                && let Some(last) = self.list.iter_mut().rfind(|finding| finding.code == code)
            {
                last.message.push_str(&format!(" (and {} more of this kind)", count - PER_CODE_MAX));
            }
        }
        self.list
    }
}
