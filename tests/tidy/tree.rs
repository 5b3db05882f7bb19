//! The files of the repository.

use std::path::{Path, PathBuf};

/// A text file.
pub(crate) struct File {
    /// From the root of the repository, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Kinds of files that rules speak about.
const EXTENSIONS: [&str; 7] = ["rs", "wgsl", "toml", "md", "py", "js", "mjs"];
/// Scripts without an extension, and folders of such.
const SCRIPTS: [&str; 3] = ["scripts/", "kit/run", ".ci/run"];

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl File {
    /// The lines with their numbers, from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    pub(crate) fn is(&self, extension: &str) -> bool {
        self.path.ends_with(&format!(".{extension}"))
    }

    /// Whether it lies below a folder; `""` is the root.
    pub(crate) fn is_below(&self, folder: &str) -> bool {
        self.path.starts_with(folder)
    }

    /// Whether it is only compiled for tests.
    pub(crate) fn is_test(&self) -> bool {
        self.path.split('/').any(|name| matches!(name, "tests" | "tests.rs" | "benches" | "examples"))
    }
}

/// All text files, sorted by path.
pub(crate) fn files() -> Vec<File> {
    let mut paths = Vec::new();
    walk(root(), &mut paths);
    paths.sort();
    paths.into_iter().filter_map(|path| read(&path)).collect()
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            let is_foreign = matches!(name.as_str(), ".git" | "target" | "node_modules") || path.join(".git").exists();
            if !is_foreign {
                walk(&path, paths);
            }
        } else {
            paths.push(path);
        }
    }
}

fn read(path: &Path) -> Option<File> {
    let relative = path.strip_prefix(root()).expect("below the root").components();
    let relative = relative.map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
    let extension = path.extension().map(|extension| extension.to_string_lossy().into_owned()).unwrap_or_default();
    let counts = EXTENSIONS.contains(&extension.as_str()) || SCRIPTS.iter().any(|script| relative.starts_with(script));
    counts.then(|| File { path: relative, text: std::fs::read_to_string(path).expect("text") })
}

/// The files below a place, which is a folder or the beginning of names in one. A rule about a place that is gone or
/// empty would forbid nothing, and fails instead.
#[track_caller]
pub(crate) fn below<'a>(files: &'a [File], place: &str) -> Vec<&'a File> {
    let found: Vec<&File> = files.iter().filter(|file| file.is_below(place)).collect();
    assert!(!found.is_empty(), "a rule speaks of {place}, where no file is");
    found
}

/// Fails with all findings.
#[track_caller]
pub(crate) fn expect_none(rule: &str, findings: impl IntoIterator<Item = String>) {
    let findings: Vec<String> = findings.into_iter().collect();
    assert!(findings.is_empty(), "{rule}:\n  {}", findings.join("\n  "));
}
