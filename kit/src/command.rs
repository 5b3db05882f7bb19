//! Runs the program as users do.

use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::report::Fault;
use crate::setup::Setup;

/// Interval at which a running program is polled.
const LOOK_EVERY: Duration = Duration::from_millis(20);

impl Setup {
    /// The program on a device.
    pub(crate) fn packshot<S: AsRef<OsStr>>(&self, device: &str, args: &[S]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).args(["--device", device]).stdin(Stdio::null());
        command
    }

    /// Renders and returns the JSON result.
    pub(crate) fn render<S: AsRef<OsStr>>(&self, device: &str, args: &[S]) -> Result<Value, Fault> {
        self.result_of(self.rendering(device, args))
    }

    /// The same on the device under test, with a kernel cache only in this folder.
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
        let no_program = |reason: std::io::Error| Fault::of_file(&self.program, &reason);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(no_program)?;
        // Read while it writes: a result with many findings does not fit into the pipe's buffer.
        let stdout = read_on_a_thread(child.stdout.take());
        let stderr = read_on_a_thread(child.stderr.take());
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().map_err(no_program)? {
                break status;
            }
            if begun.elapsed() > self.limit {
                // A process that has just ended cannot be killed.
                let _ = child.kill();
                return Err(Fault::new(format!("a render took longer than {} s", self.limit.as_secs())));
            }
            std::thread::sleep(LOOK_EVERY);
        };
        let [stdout, stderr] = [stdout, stderr].map(|reader| reader.join().unwrap_or_default());
        if !status.success() {
            return Err(Fault::new(failure(&status.to_string(), &stderr)));
        }
        serde_json::from_slice(&stdout).map_err(|error| Fault::new(format!("a render's result is not JSON: {error}")))
    }
}

/// Everything from a pipe until it is closed.
fn read_on_a_thread(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // Whatever came before an error is still useful.
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        bytes
    })
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
