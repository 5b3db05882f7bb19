//! The sources that decide what users read.

use std::path::{Path, PathBuf};

/// A Rust file without its unit tests.
pub(crate) struct Source {
    /// From the root of the repository, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

const FOLDERS: [&str; 8] =
    ["src", "designs/src", "pipeline/src", "renderer/src", "materials/src", "denoiser/src", "oidn/src", "service"];

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All of them, sorted by path.
pub(crate) fn all() -> Vec<Source> {
    let mut paths = Vec::new();
    FOLDERS.iter().for_each(|folder| walk(&root().join(folder), &mut paths));
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if matches!(name.as_str(), "tests" | "tests.rs" | "examples" | "benches") {
            continue;
        }
        if path.is_dir() {
            walk(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

fn read(path: &Path) -> Source {
    let text = std::fs::read_to_string(path).expect("text");
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let path = path.strip_prefix(root()).expect("below the root").display().to_string();
    Source { path, text: text[..end].to_owned() }
}
