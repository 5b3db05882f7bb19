//! Errors in shader source, each with its location in the file.

use std::fmt;

/// A location in the WGSL files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSpan {
    /// Path below `wgsl/`, with its extension: `lib/bsdf/ggx.wgsl`.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Number of characters; at least 1.
    pub width: usize,
    /// The whole line.
    pub text: String,
}

impl fmt::Display for SourceSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A location and how it relates to the error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub place: SourceSpan,
    /// What is there; may be empty.
    pub text: String,
}

/// Something wrong in a shader: an import, its syntax, its types, or a construct that cannot be translated.
///
/// It prints like a compiler's message: `file:line:column: message`, the source lines, and notes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ShaderError {
    /// What is wrong.
    pub message: String,
    /// The locations, the most important first; empty only if the shader has no text to point at.
    pub labels: Vec<Label>,
    /// Further explanations.
    pub notes: Vec<String>,
}

impl ShaderError {
    /// An error without a location.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), labels: Vec::new(), notes: Vec::new() }
    }

    /// An error at one location.
    pub fn at(place: SourceSpan, message: impl Into<String>) -> Self {
        Self { message: message.into(), labels: vec![Label { place, text: String::new() }], notes: Vec::new() }
    }

    /// Adds an explanation.
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

impl fmt::Display for ShaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Label { place, .. }) = self.labels.first() {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)?;
        for (index, Label { place, text }) in self.labels.iter().enumerate() {
            if index > 0 {
                write!(f, "\n  at {place}:")?;
            }
            let number = place.line.to_string();
            write!(f, "\n  {number} | {}", place.text)?;
            // Tabs stay tabs, so that the markers line up.
            let indent: String =
                place.text.chars().take(place.column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            write!(f, "\n  {:1$} | {indent}{2}", "", number.len(), "^".repeat(place.width))?;
            if !text.is_empty() {
                write!(f, " {text}")?;
            }
        }
        for note in &self.notes {
            write!(f, "\n  note: {note}")?;
        }
        Ok(())
    }
}
