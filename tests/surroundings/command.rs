//! Programs as tests start them: the same whoever runs the tests, and wherever.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

/// What a program needs of the caller to start at all, and to find room for temporary files.
const KEPT: [&str; 5] = ["PATH", "TMPDIR", "TEMP", "TMP", "SystemRoot"];

/// A program in a folder, which is its home too, with nothing of the caller's settings, language and proxies.
pub(crate) fn bare(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env_clear();
    command.envs(KEPT.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.env("HOME", folder).env("XDG_CACHE_HOME", folder.join(".cache"));
    command
}

/// The command, on the processor.
pub(crate) fn packshot(folder: &Path) -> Command {
    let mut command = bare(env!("CARGO_BIN_EXE_packshot"), folder);
    command.env("PACKSHOT_DEVICE", "cpu");
    command
}
