//! A folder to work in, and the command run in it.

use std::ffi::OsStr;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::command::packshot;
use crate::product;

/// A temporary folder with `boxes.glb` in it.
pub(crate) struct Workplace {
    folder: tempfile::TempDir,
}

/// What a run of the command left.
pub(crate) struct Outcome {
    /// Exit code; −1 when a signal ended it.
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

/// Options of a picture that takes a moment.
pub(crate) const TINY: [&str; 6] = ["--width", "32", "--height", "24", "--samples", "4"];

impl Workplace {
    pub(crate) fn new() -> Self {
        let workplace = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        workplace.write("boxes.glb", &product::glb(&product::BOXES));
        workplace
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("below the folder")).expect("made");
        std::fs::write(path, bytes).expect("written");
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn read_text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).expect("text")
    }

    /// The names of everything in the folder, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).expect("there");
        let mut names: Vec<_> = entries.map(|e| e.expect("there").file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| name != ".cache");
        names.sort();
        names
    }

    /// The command, in this folder, on the CPU, with nothing of the caller's settings.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = packshot(self.folder.path());
        command.args(args);
        command
    }

    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Outcome {
        self.command(args).stdin(Stdio::null()).output().expect("the command starts").into()
    }

    pub(crate) fn run_with_stdin<S: AsRef<OsStr>>(&self, args: &[S], input: &[u8]) -> Outcome {
        let mut command = self.command(args);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
        // A command that does not read its input closes the pipe.
        let _ = child.stdin.take().expect("piped").write_all(input);
        child.wait_with_output().expect("ends").into()
    }

    /// Renders with [`TINY`] and more options, and expects it to succeed.
    pub(crate) fn render(&self, more: &[&str]) -> Outcome {
        self.run(&[&["render"], more, &TINY].concat()).done()
    }

    /// As [`render`](Self::render) with `--json`.
    pub(crate) fn render_json(&self, more: &[&str]) -> Value {
        self.run(&[&["render", "--json"], more, &TINY].concat()).done().json()
    }
}

impl Outcome {
    /// Fails unless the exit code is 0.
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.stderr);
        self
    }

    /// The whole of stdout as one JSON value.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.stdout)))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("text")
    }

    /// Fails unless it ended with `code`, gave no result on stdout, and has an error `error_code` whose place contains
    /// `at`.
    pub(crate) fn expect_error(&self, code: i32, error_code: &str, at: &str) {
        assert_eq!(self.code, code, "{}", self.stderr);
        // With `--json` there is an object that lists the failures.
        let is_without_result = self.stdout.is_empty() || self.json()["results"] == Value::Array(Vec::new());
        assert!(is_without_result, "{}", String::from_utf8_lossy(&self.stdout));
        self.expect_message(error_code, at);
    }

    /// Fails unless stderr has an error `error_code` whose place contains `at`.
    pub(crate) fn expect_message(&self, error_code: &str, at: &str) {
        let lines: Vec<&str> = self.stderr.lines().collect();
        let begin = format!("error[{error_code}]: ");
        let first = lines.iter().position(|line| line.starts_with(&begin));
        let first = first.unwrap_or_else(|| panic!("no {error_code} in:\n{}", self.stderr));
        assert!(lines[first].len() > begin.len(), "{}", self.stderr);
        if !at.is_empty() {
            let place = lines.get(first + 1).and_then(|line| line.strip_prefix("  at: ")).unwrap_or_default();
            assert!(place.contains(at), "{at:?} is not in:\n{}", self.stderr);
        }
        // Whatever follows the error line is a place, a help, or the next error.
        let shaped =
            |line: &&str| line.starts_with("error[") || line.starts_with("  at: ") || line.starts_with("  help: ");
        assert!(lines[first..].iter().all(shaped), "{}", self.stderr);
    }
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: output.stdout,
            stderr: String::from_utf8(output.stderr).expect("stderr is text"),
        }
    }
}
