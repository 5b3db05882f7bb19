//! The program as its users call it.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::report::Fault;
use crate::setup::Setup;

/// How often a program that runs is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

impl Setup {
    /// The program on a device.
    pub(crate) fn packshot<S: AsRef<OsStr>>(&self, device: &str, args: &[S]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).args(["--device", device]).stdin(Stdio::null());
        command
    }

    /// Renders and gives the JSON result.
    pub(crate) fn render<S: AsRef<OsStr>>(&self, device: &str, args: &[S]) -> Result<Value, Fault> {
        self.result_of(self.rendering(device, args))
    }

    /// The same on the device that is tried, with kernels kept in this folder alone.
    pub(crate) fn render_caching_in(&self, folder: &Path, args: &[&str]) -> Result<Value, Fault> {
        let mut command = self.rendering(&self.device, args);
        command.env("XDG_CACHE_HOME", folder);
        self.result_of(command)
    }

    fn rendering<S: AsRef<OsStr>>(&self, device: &str, args: &[S]) -> Command {
        let begin = ["render", "--json", "--quiet"].map(OsStr::new);
        let args: Vec<&OsStr> = begin.into_iter().chain(args.iter().map(AsRef::as_ref)).collect();
        self.packshot(device, &args)
    }

    fn result_of(&self, mut command: Command) -> Result<Value, Fault> {
        let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = output.map_err(|reason| Fault::of_file(&self.program, &reason))?;
        let begun = Instant::now();
        while child.try_wait().map_err(|reason| Fault::of_file(&self.program, &reason))?.is_none() {
            if begun.elapsed() > self.limit {
                // One that has just ended cannot be killed.
                let _ = child.kill();
                let _ = child.wait();
                return Err(Fault::new(format!("a render took longer than {} s", self.limit.as_secs())));
            }
            std::thread::sleep(LOOK_EVERY);
        }
        let output = child.wait_with_output().map_err(|reason| Fault::of_file(&self.program, &reason))?;
        if !output.status.success() {
            return Err(Fault::new(failure(&output.status.to_string(), &output.stderr)));
        }
        serde_json::from_slice(&output.stdout)
            .map_err(|error| Fault::new(format!("a render's result is no JSON: {error}")))
    }
}

/// The error lines of a program that failed.
fn failure(status: &str, stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let from = text.find("error[").unwrap_or(0);
    let lines: Vec<&str> = text[from..].lines().map(str::trim).filter(|line| !line.is_empty()).take(3).collect();
    if lines.is_empty() { format!("a render ended with {status} and said nothing") } else { lines.join("; ") }
}

/// A number of a JSON result.
pub(crate) fn number(result: &Value, pointer: &str) -> Result<f64, Fault> {
    let found = result.pointer(pointer).and_then(Value::as_f64);
    found.ok_or_else(|| Fault::new(format!("a render's result has no number {pointer}")))
}

/// A path as an argument.
pub(crate) fn arg(path: &Path) -> String {
    path.display().to_string()
}
