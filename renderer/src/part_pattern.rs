//! Patterns of parts: how options, templates and shot files select parts of a product.

use std::borrow::Cow;
use std::fmt::Write;
use std::str::Chars;

use packshot_words::{KnownNames, did_you_mean};
use regex::{Regex, RegexBuilder};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::scene::Part;

/// Most bytes of a glob.
const GLOB_BYTES_MAX: usize = 4_096;
/// Deepest nesting of braces.
const DEPTH_MAX: usize = 8;
/// Most bytes of a compiled glob.
const COMPILED_BYTES_MAX: usize = 1 << 20;

/// The name of a part or its path (node names joined by `/`), or a glob over the whole of one of them: `*` stands for
/// any text, `?` for any character, `[ab]` for one of several, `[a-c]` for one of a range, `[!a]` for any other,
/// `{a,b}` for one of several texts, and `\` takes the next character as it is. Case counts.
#[derive(Clone, Debug)]
pub struct PartPattern {
    text: String,
    meaning: Meaning,
}

/// What a pattern matches.
#[derive(Clone, Debug)]
enum Meaning {
    /// One name.
    Name(String),
    /// Every name that matches.
    Glob(Regex),
    /// Not a valid glob: a bracket, brace or backslash is alone, a range runs backwards, or it is too long or nested
    /// too deeply.
    Nothing,
}

impl PartPattern {
    /// Parses a pattern.
    pub fn new(text: &str) -> Self {
        let text = composed(text).into_owned();
        let meaning = match plain(&text) {
            Some(name) => Meaning::Name(name),
            None => compiled(&text).map_or(Meaning::Nothing, Meaning::Glob),
        };
        Self { text, meaning }
    }

    /// The pattern as it was written, but for [composition](composed).
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The only name that it matches, [composed]; `None` if it may match several.
    pub fn name(&self) -> Option<&str> {
        match &self.meaning {
            Meaning::Name(name) => Some(name),
            Meaning::Glob(_) | Meaning::Nothing => None,
        }
    }

    /// The pattern in quotes, for a message that it matches nothing: with why that may be so, if it is valid as a name
    /// alone.
    pub fn quoted(&self) -> String {
        let Self { text, meaning } = self;
        match meaning {
            Meaning::Nothing if text.len() > GLOB_BYTES_MAX => format!("{text:?} (too long for a pattern)"),
            Meaning::Nothing => {
                format!("{text:?} (not a valid pattern: in a name, `[`, `{{` and `\\` have a `\\` before them)")
            }
            Meaning::Name(_) | Meaning::Glob(_) => format!("{text:?}"),
        }
    }

    /// Whether it is valid as a pattern, and not only as a name.
    pub fn is_sound(&self) -> bool {
        !matches!(self.meaning, Meaning::Nothing)
    }

    /// Whether it matches a name. A pattern always matches the name that is spelled like it: `Cap[1]` is a name, too.
    pub fn is_match(&self, name: &str) -> bool {
        let name = composed(name);
        match &self.meaning {
            Meaning::Name(known) => *known == name,
            Meaning::Glob(glob) => name == self.text || glob.is_match(&name),
            Meaning::Nothing => name == self.text,
        }
    }

    /// Whether it matches a part, by its name or its path.
    pub fn is_of(&self, part: &Part) -> bool {
        self.is_match(&part.name()) || self.is_match(&part.path)
    }

    /// The pattern that matches only this name.
    pub fn exactly(name: &str) -> String {
        let mut text = String::with_capacity(name.len());
        for c in name.chars() {
            if matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\' | ',') {
                text.push('\\');
            }
            text.push(c);
        }
        text
    }
}

/// A name as keyboards write it: files of some systems have an umlaut as two characters, which look like the one.
pub fn composed(name: &str) -> Cow<'_, str> {
    match is_nfc_quick(name.chars()) {
        IsNormalized::Yes => Cow::Borrowed(name),
        IsNormalized::No | IsNormalized::Maybe => Cow::Owned(name.nfc().collect()),
    }
}

/// What the parts of a product are called, for asking which is meant by a pattern that matches none of them.
#[derive(Clone, Debug)]
pub struct CalledParts {
    names: KnownNames<String>,
    paths: KnownNames<String>,
}

impl CalledParts {
    /// The names and paths of these parts.
    pub fn new(parts: &[Part]) -> Self {
        let names = KnownNames::new(parts.iter().map(Part::name));
        Self { names, paths: KnownNames::new(parts.iter().map(|part| part.path.clone())) }
    }

    /// The question about the parts whose names are near a pattern, or whose paths are if it is one: ``did you mean
    /// `Ring`?``. `None` where none is near.
    pub fn did_you_mean(&mut self, pattern: &str) -> Option<String> {
        let known = if pattern.contains('/') { &mut self.paths } else { &mut self.names };
        did_you_mean(&known.near(pattern))
    }
}

/// The name that a pattern without wildcards matches.
fn plain(text: &str) -> Option<String> {
    let (mut name, mut chars) = (String::with_capacity(text.len()), text.chars());
    while let Some(c) = chars.next() {
        match c {
            '*' | '?' | '[' | '{' | '}' => return None,
            '\\' => name.push(chars.next()?),
            c => name.push(c),
        }
    }
    Some(name)
}

/// A glob as a regular expression for whole names; `None` if it is invalid.
fn compiled(glob: &str) -> Option<Regex> {
    if glob.len() > GLOB_BYTES_MAX {
        return None;
    }
    let (mut expression, mut depth) = ("^(?:".to_owned(), 0_usize);
    let mut chars = glob.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' => expression.push_str(".*"),
            '?' => expression.push('.'),
            '[' => class(&mut chars, &mut expression)?,
            '{' => {
                depth += 1;
                expression.push_str("(?:");
            }
            '}' => {
                depth = depth.checked_sub(1)?;
                expression.push(')');
            }
            ',' if depth > 0 => expression.push('|'),
            '\\' => literal(chars.next()?, &mut expression),
            c => literal(c, &mut expression),
        }
        if depth > DEPTH_MAX {
            return None;
        }
    }
    expression.push_str(")$");
    let is_closed = depth == 0;
    let regex = RegexBuilder::new(&expression).dot_matches_new_line(true).size_limit(COMPILED_BYTES_MAX).build();
    regex.ok().filter(|_| is_closed)
}

/// The rest of a class after its `[`. A `]` that comes first is one of its characters.
fn class(chars: &mut Chars<'_>, expression: &mut String) -> Option<()> {
    expression.push('[');
    let mut n = 0;
    loop {
        match chars.next()? {
            '!' | '^' if n == 0 && expression.ends_with('[') => expression.push('^'),
            ']' if n > 0 => break,
            '-' if n > 0 && !chars.as_str().starts_with(']') => expression.push('-'),
            c => {
                literal(c, expression);
                n += 1;
            }
        }
    }
    expression.push(']');
    Some(())
}

/// A character as a literal in a regular expression.
fn literal(c: char, expression: &mut String) {
    // Writing to a string does not fail.
    let _ = write!(expression, "\\x{{{:X}}}", u32::from(c));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_anchored_and_names_are_names() {
        for (pattern, meant, not_meant) in [
            ("Ring", "Ring", "ring"),
            ("*ing", "Spring", "Springs"),
            ("Ball_0?", "Ball_01", "Ball_0"),
            ("Asm/*", "Asm/A/B", "Asm"),
            ("{Ring,Ball}_1", "Ball_1", "Cap_1"),
            ("Cap[1]", "Cap[1]", "Cap[2]"),
            ("Cap[12]", "Cap2", "Cap3"),
            ("[", "[", "]"),
            ("Geh?use", "Gehäuse", "Gehuse"),
            ("[äö]l", "öl", "ül"),
            ("Ball_[0-4]", "Ball_3", "Ball_5"),
            ("Ball_[!0-4]", "Ball_5", "Ball_3"),
            ("a.b*", "a.bc", "axbc"),
            ("{a,b{c,d}}", "bd", "bcd"),
            ("a,*", "a,b", "a"),
            (r"\*", "*", "a"),
            ("Geh\u{e4}use", "Geha\u{308}use", "Gehause"),
            ("Geha\u{308}?se", "Geh\u{e4}use", "Gehause"),
        ] {
            let pattern = PartPattern::new(pattern);
            assert!(pattern.is_match(meant) && !pattern.is_match(not_meant), "{pattern:?}");
        }
    }

    #[test]
    fn what_is_too_deep_or_long_is_a_name_and_nothing_else() {
        for text in [
            "{".repeat(300) + &"}".repeat(300),
            "?".repeat(5_000),
            "[".repeat(9_000),
            "{a".to_owned(),
            "a}*".to_owned(),
        ] {
            let pattern = PartPattern::new(&text);
            assert!(!pattern.is_sound() && pattern.is_match(&text) && !pattern.is_match("a"));
            assert!(pattern.quoted().contains(" pattern"), "{}", pattern.quoted());
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_pattern(text: String, name: String) {
            let _ = PartPattern::new(&text).is_match(&name);
        }

        #[test]
        fn a_name_has_a_pattern_of_its_own(name in r"[a-c*?\[\]{}\\,!^/-]{1,8}", other in r"[a-c*?\[\]{}\\,!^/-]{1,8}") {
            let pattern = PartPattern::new(&PartPattern::exactly(&name));
            proptest::prop_assert!(pattern.is_match(&name));
            proptest::prop_assert!(other == name || !pattern.is_match(&other));
        }
    }
}
