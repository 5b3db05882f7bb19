//! Findings that do not stop the work: data in the report, never log noise.

use serde::Serialize;

/// One finding about the input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Stable name, such as `missing_normals`.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// Where: a JSON pointer into the file (with `, element n` for one of an accessor's), `byte n` of the container, a part's
    /// path, or `bounding box` for the whole.
    pub at: String,
    /// One sentence for a person.
    pub message: String,
}

/// How much a [`Diagnostic`] matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// The picture may not be what was meant.
    Warning,
    /// The picture is wrong.
    Error,
}
