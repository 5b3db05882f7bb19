//! Tools that `scripts/test` installs below the build folder, for tests of any crate.

use std::path::{Path, PathBuf};

/// A tool by its path below `tools`, if it is installed.
pub(crate) fn tool(path: impl AsRef<Path>) -> Option<PathBuf> {
    // Cargo's folder for temporary files is in the build folder, or one further down in that of a target.
    let build = Path::new(env!("CARGO_TARGET_TMPDIR")).ancestors().skip(1).take(2);
    build.map(|folder| folder.join("tools").join(&path)).find(|tool| tool.exists())
}
