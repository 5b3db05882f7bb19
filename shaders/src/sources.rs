//! The WGSL files, embedded in the program.

use std::collections::BTreeMap;

/// One WGSL file.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// Path below `wgsl/` with `/` between its parts and without the extension: `lib/bsdf/ggx`. This is also how
    /// `#import` names it.
    pub path: &'static str,
    /// The file's text.
    pub text: &'static str,
}

/// Every file under `shaders/wgsl/`, sorted by path.
pub const EMBEDDED: &[Source] = include!(concat!(env!("OUT_DIR"), "/sources.rs"));

/// The paths of all kernels, `kernels/NAME`, sorted.
pub fn kernels() -> impl Iterator<Item = &'static str> {
    EMBEDDED.iter().map(|source| source.path).filter(|path| path.starts_with("kernels/"))
}

/// The path of the module that is translated for the CPU: it imports every stage the CPU driver calls.
pub const CPU_MODULE: &str = "cpu";

/// A set of files that imports are looked up in.
#[derive(Clone, Debug, Default)]
pub struct Sources<'a> {
    texts: BTreeMap<&'a str, &'a str>,
}

impl Sources<'static> {
    /// The files that are part of the program.
    pub fn embedded() -> Self {
        EMBEDDED.iter().map(|source| (source.path, source.text)).collect()
    }
}

impl<'a> Sources<'a> {
    /// The text of the file at `path`.
    pub fn get(&self, path: &str) -> Option<&'a str> {
        self.texts.get(path).copied()
    }

    /// All paths, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &'a str> {
        self.texts.keys().copied()
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Sources<'a> {
    /// Collects pairs of path and text.
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(files: I) -> Self {
        Self { texts: files.into_iter().collect() }
    }
}
