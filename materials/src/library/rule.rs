//! Rules of a library: patterns over names that choose a material.

use packshot_words::words;
use serde::Serialize;

use super::layered::Layer;
use crate::pattern::{Pattern, Subject};
use crate::reader::{Reader, Table};

/// A `[[rule]]` of a library file.
#[derive(Clone, Debug, Serialize)]
pub struct Rule {
    /// A higher one wins.
    pub priority: i32,
    /// What the pattern is matched against.
    pub scope: Scope,
    /// The pattern as written.
    #[serde(flatten)]
    pub pattern: PatternText,
    /// Whether case matters.
    pub case: bool,
    /// The material: an id, a code, a name or an alias of the library that the rule ends up in.
    pub material: String,
    /// Which layer brought it.
    pub layer: Layer,
    /// `file:line`.
    #[serde(skip)]
    pub at: String,
    #[serde(skip)]
    compiled: Pattern,
}

words! {
    /// What a rule looks at.
    pub enum Scope {
        /// The node's name, then the mesh's
        Name = "name",
        /// The names of all nodes from the root, joined by `/`
        Path = "path",
        /// The name of the material in the file
        GltfMaterial = "gltf_material",
    }
}

/// A pattern as its author wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PatternText {
    /// See [`Pattern::glob`].
    Glob(String),
    /// See [`Pattern::regex`].
    Regex(String),
}

impl Rule {
    pub(super) fn read(mut table: Table<'_, '_>, reader: &mut Reader<'_>) -> Option<Self> {
        let span = table.span().clone();
        let priority = table.take("priority").map_or(Some(0), |value| reader.integer("priority", value));
        let scope = table.take("scope").map_or(Some(Scope::Name), |value| reader.word("scope", value));
        let case = table.take("case").map_or(Some(false), |value| reader.flag("case", value));
        let material = table.require_text("material", reader);
        let glob = table.take("glob").map(|value| (value, reader.text("glob", value)));
        let regex = table.take("regex").map(|value| (value, reader.text("regex", value)));
        table.finish(reader);
        let (scope, case) = (scope?, case?);
        let (value, pattern) = match (glob, regex) {
            (Some((value, glob)), None) => (value, PatternText::Glob(glob?)),
            (None, Some((value, regex))) => (value, PatternText::Regex(regex?)),
            _ => {
                reader.error("library.rule", &span, "a rule needs either `glob` or `regex`, and not both");
                return None;
            }
        };
        let subject = if scope == Scope::Path { Subject::Path } else { Subject::Name };
        let compiled = match &pattern {
            PatternText::Glob(glob) => Pattern::glob(glob, subject, case),
            PatternText::Regex(regex) => Pattern::regex(regex, case),
        };
        let compiled = compiled.map_err(|complaint| reader.error("library.rule", &value.span(), complaint)).ok()?;
        let (priority, material, at) = (priority?, material?, reader.at(&span));
        Some(Self { priority, scope, pattern, case, material, layer: Layer::Base, at, compiled })
    }

    /// The rule as one of `layer`.
    pub(super) fn on(self, layer: Layer) -> Self {
        Self { layer, ..self }
    }

    /// Whether the rule's pattern matches the whole of a text that [`crate::pattern::subject`] prepared.
    pub(crate) fn is_match(&self, subject: &str) -> bool {
        self.compiled.is_match_subject(subject)
    }

    /// Characters that the pattern fixes.
    pub(crate) fn literal_chars(&self) -> usize {
        self.compiled.literal_chars()
    }
}
