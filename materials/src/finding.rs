//! What is wrong, or worth knowing, about an input: data that callers list, count and translate.

use std::fmt;

use serde::Serialize;

/// One finding about a library file, a material map, or the mapping of parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable name: `library.range`, `map.missing`; findings about parts have bare names such as `unmapped_part`.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// Where: `file:line`, a JSON pointer into the map, or a part's path.
    pub at: String,
    /// One sentence for a person.
    pub message: String,
    /// The way out, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// How much a [`Finding`] matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// The result may not be what was meant.
    Warning,
    /// The input is refused.
    Error,
}

impl Finding {
    /// A finding without help text.
    pub fn new(severity: Severity, code: &'static str, at: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, severity, at: at.into(), message: message.into(), help: None }
    }

    /// A reason to refuse the input.
    pub(crate) fn error(code: &'static str, at: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, at, message)
    }

    /// The same finding with a way out.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{severity}[{}]: {}\n  at: {}", self.code, self.message, self.at)?;
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

/// An input was refused: every finding about it, at least one of them an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .findings.iter().map(Finding::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Rejected {
    /// All findings, in the order of the input.
    pub findings: Vec<Finding>,
}

impl Rejected {
    /// `value` if no finding is an error, with the remaining findings; else all of them.
    pub(crate) fn unless_clean<T>(value: T, findings: Vec<Finding>) -> Result<(T, Vec<Finding>), Self> {
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            return Err(Self { findings });
        }
        Ok((value, findings))
    }
}

impl From<Finding> for Rejected {
    fn from(finding: Finding) -> Self {
        Self { findings: vec![finding] }
    }
}
