//! Joins a WGSL file with the files it imports.
//!
//! A line `#import lib/bsdf/ggx` names a file below `wgsl/` without its extension. Each file is included once, after
//! everything it imports (depth first, in order of the import lines), and the texts are concatenated. There are no
//! namespaces and no conditions: the result is the same as if everything had been written in one file.

use std::collections::BTreeSet;

use crate::constants::{self, Constant};
use crate::error::{ShaderError, SourceSpan};
use crate::sources::Sources;

/// The file name that errors show for the declarations made from [`constants`].
const CONSTANTS_FILE: &str = "(constants from shaders/src/constants.rs)";

/// A WGSL text that records which file each part came from.
#[derive(Clone, Debug)]
pub struct Composed {
    text: String,
    parts: Vec<Part>,
}

/// One file's share of a composed text.
#[derive(Clone, Debug)]
struct Part {
    /// Path with extension.
    file: String,
    /// Byte offset of the part's first line in the composed text.
    start: usize,
}

impl Composed {
    /// The whole text, ready for naga or wgpu.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The files in the order of the text, with extension.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|part| part.file.as_str())
    }

    /// The location in the files of the bytes `range` of the text. A range over several lines is cut at the end of the
    /// first; offsets beyond the end mean the end.
    pub fn place(&self, range: std::ops::Range<usize>) -> SourceSpan {
        let start = self.text.floor_char_boundary(range.start);
        let part = self.parts.iter().rfind(|part| part.start <= start);
        let (file, part_start) = part.map_or(("", 0), |part| (part.file.as_str(), part.start));
        let line_start = self.text[..start].rfind('\n').map_or(0, |newline| newline + 1).max(part_start);
        let line_end = self.text[line_start..].find('\n').map_or(self.text.len(), |length| line_start + length);
        let end = self.text.floor_char_boundary(range.end.clamp(start, line_end.max(start)));
        SourceSpan {
            file: file.to_owned(),
            line: 1 + self.text[part_start..line_start].matches('\n').count(),
            column: 1 + self.text[line_start..start].chars().count(),
            width: self.text[start..end].chars().count().max(1),
            text: self.text[line_start..line_end].to_owned(),
        }
    }
}

/// Composes the file at `root` with everything it imports, after the declarations of the shared constants.
///
/// # Errors
/// When a file is missing, when files import each other in a circle, or when an `#import` line is malformed; the error
/// is located at the import line.
pub fn compose(sources: &Sources<'_>, root: &str) -> Result<Composed, ShaderError> {
    compose_with(sources, root, &constants::all())
}

/// [`compose`] with other constants than the program's own.
///
/// # Errors
/// As [`compose`].
pub fn compose_with(sources: &Sources<'_>, root: &str, constants: &[Constant]) -> Result<Composed, ShaderError> {
    let mut composer = Composer {
        sources,
        composed: Composed { text: String::new(), parts: Vec::new() },
        done: BTreeSet::new(),
        open: Vec::new(),
    };
    composer.append(CONSTANTS_FILE.to_owned(), &constants::declarations(constants));
    let Some(text) = sources.get(root) else {
        return Err(ShaderError::new(format!("there is no file {root}.wgsl")));
    };
    composer.file(root, text)?;
    Ok(composer.composed)
}

struct Composer<'a> {
    sources: &'a Sources<'a>,
    composed: Composed,
    /// Files whose text is in place.
    done: BTreeSet<&'a str>,
    /// Files whose imports are being processed, outermost first.
    open: Vec<&'a str>,
}

impl<'a> Composer<'a> {
    /// Appends what the file imports, then the file itself.
    fn file(&mut self, path: &'a str, text: &'a str) -> Result<(), ShaderError> {
        self.open.push(path);
        for (index, line) in text.lines().enumerate() {
            let Some(import) = imported_path(line) else { continue };
            if self.done.contains(import) {
                continue;
            }
            let error = |message: String| {
                let column = 1 + line.chars().take_while(|c| c.is_whitespace()).count();
                let width = line.trim().chars().count();
                let file = format!("{path}.wgsl");
                ShaderError::at(SourceSpan { file, line: index + 1, column, width, text: line.to_owned() }, message)
            };
            if import.is_empty() || import.contains(|c: char| c.is_whitespace() || c == '"' || c == ';') {
                return Err(error("an import is written `#import PATH`, one to a line".to_owned())
                    .with_note("PATH is a file below wgsl/ without its extension, for instance lib/math"));
            }
            if let Some(first) = self.open.iter().position(|&open| open == import) {
                let circle = [&self.open[first..], &[import]].concat().join(" -> ");
                return Err(error(format!("files import each other in a circle: {circle}")));
            }
            let Some(text) = self.sources.get(import) else {
                return Err(error(format!("there is no file {import}.wgsl")));
            };
            self.file(import, text)?;
        }
        self.open.pop();
        self.done.insert(path);
        self.append(format!("{path}.wgsl"), text);
        Ok(())
    }

    /// Appends a text line by line; import lines become empty, so that line numbers stay correct.
    fn append(&mut self, file: String, text: &str) {
        self.composed.parts.push(Part { file, start: self.composed.text.len() });
        for line in text.lines() {
            if imported_path(line).is_none() {
                self.composed.text.push_str(line);
            }
            self.composed.text.push('\n');
        }
    }
}

/// The path in an `#import` line; `None` for any other line.
fn imported_path(line: &str) -> Option<&str> {
    let rest = line.trim().strip_prefix("#import")?;
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then(|| rest.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn composed(files: &[(&str, &str)]) -> Result<Composed, ShaderError> {
        compose_with(&files.iter().copied().collect(), files[0].0, &[])
    }

    #[test]
    fn each_file_once_after_what_it_imports() {
        let composed = composed(&[
            ("root", "#import lib/b\n#import lib/a\nroot"),
            ("lib/a", "#import lib/c\na\n"),
            ("lib/b", "#import lib/c\n  #import lib/a\nb\n"),
            ("lib/c", "c\n"),
            ("lib/unused", "unused\n"),
        ])
        .expect("imports resolve");
        assert_eq!(composed.text(), "c\n\na\n\n\nb\n\n\nroot\n");
        let files: Vec<_> = composed.files().skip(1).collect();
        assert_eq!(files, ["lib/c.wgsl", "lib/a.wgsl", "lib/b.wgsl", "root.wgsl"]);
    }

    #[test]
    fn offsets_map_back_to_file_line_and_column() {
        let composed = composed(&[("root", "#import a\n\u{e9}\u{e9} root\nlast"), ("a", "first\nsecond")])
            .expect("imports resolve");
        let place = |needle: &str| {
            let start = composed.text().find(needle).expect("needle");
            let SourceSpan { file, line, column, width, .. } = composed.place(start..start + needle.len());
            (file, line, column, width)
        };
        assert_eq!(place("first"), ("a.wgsl".into(), 1, 1, 5));
        assert_eq!(place("second"), ("a.wgsl".into(), 2, 1, 6));
        assert_eq!(place("root"), ("root.wgsl".into(), 2, 4, 4));
        assert_eq!(place("root\nlast"), ("root.wgsl".into(), 2, 4, 4));
        assert_eq!(place("last"), ("root.wgsl".into(), 3, 1, 4));
        let end = composed.place(usize::MAX..usize::MAX);
        assert_eq!((end.file.as_str(), end.line), ("root.wgsl", 4));
    }

    #[test]
    fn wrong_imports_are_named_with_their_place() {
        let check = |files: &[(&str, &str)], expect: &str| {
            let message = composed(files).expect_err("an error").to_string();
            assert!(message.starts_with(expect), "{message}");
        };
        check(&[("root", "x\n  #import lib/a")], "root.wgsl:2:3: there is no file lib/a.wgsl\n  2 |   #import lib/a\n");
        check(
            &[("root", "#import a"), ("a", "\n#import b"), ("b", "#import a")],
            "b.wgsl:1:1: files import each other in a circle: a -> b -> a",
        );
        check(&[("root", "#import root")], "root.wgsl:1:1: files import each other in a circle: root -> root");
        check(&[("root", "#import")], "root.wgsl:1:1: an import is written");
        check(&[("root", "#import a b")], "root.wgsl:1:1: an import is written");
        check(&[("root", "#import \"a\"")], "root.wgsl:1:1: an import is written");
        assert_eq!(
            compose(&Sources::default(), "root").expect_err("no root").to_string(),
            "there is no file root.wgsl"
        );
    }
}
