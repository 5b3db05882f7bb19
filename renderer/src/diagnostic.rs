//! Findings that do not stop the work: data in the report, not log messages.

use serde::Serialize;

/// The prefix of an option's name in the place of a finding or an error: libraries do not know how the users of a
/// surface write it.
const OPTION: &str = "option:";

/// The place for a finding or an error about an option of pictures, by its name in the table of options
/// (`light_rotation_deg`).
pub fn option_place(name: &str) -> String {
    format!("{OPTION}{name}")
}

/// The name of the option that a place is about, and what follows it: a value, after a space, or nothing.
pub fn option_of_place(at: &str) -> Option<(&str, &str)> {
    let rest = at.strip_prefix(OPTION)?;
    Some(rest.split_at(rest.find(' ').unwrap_or(rest.len())))
}

/// One finding about the input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Stable name, such as `missing_normals`.
    pub code: &'static str,
    /// How severe it is.
    pub severity: Severity,
    /// Where: a JSON pointer into the file (with `, element n` for one of an accessor's), `byte n` of the container, a
    /// part's path, `bounding box` for the whole, or [an option](option_place).
    pub at: String,
    /// One sentence for a person.
    pub message: String,
}

/// The severity of a [`Diagnostic`].
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
