//! Rust names for WGSL names.

use std::collections::HashSet;

/// Words that cannot be names in Rust.
const KEYWORDS: &[&str] = &[
    "_", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
    "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "Self", "static", "struct",
    "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while",
    "yield",
];

/// Names that generated code uses itself.
const OWN: &[&str] =
    &["bindings", "rt", "simd", "glam", "Bindings", "f32", "u32", "i32", "bool", "baseline", "avx2", "avx512"];

/// The name of a field, which has its own scope: WGSL's, unless that is a Rust keyword.
pub(crate) fn field(name: &str) -> String {
    if KEYWORDS.contains(&name) { format!("{name}_") } else { name.to_owned() }
}

/// Names that are taken in a scope.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    taken: HashSet<String>,
}

impl Default for Names {
    fn default() -> Self {
        Self { taken: KEYWORDS.iter().chain(OWN).map(|&word| word.to_owned()).collect() }
    }
}

impl Names {
    /// Takes `wanted` or, if that is taken, the first free name that starts with it.
    pub(crate) fn take(&mut self, wanted: &str) -> String {
        let name = std::iter::once(wanted.to_owned())
            .chain((1..).map(|number| format!("{wanted}_{number}")))
            .find(|name| !self.taken.contains(name));
        let name = name.unwrap_or_default();
        self.taken.insert(name.clone());
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_never_reserved() {
        let mut names = Names::default();
        let taken = ["match", "a", "a", "a_1", "a"].map(|wanted| names.take(wanted));
        assert_eq!(taken, ["match_1", "a", "a_1", "a_1_1", "a_2"]);
    }
}
