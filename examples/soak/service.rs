//! A service to be mistreated.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use packshot_contract::client::Client;

/// What to run, and how much of it.
pub(crate) struct Setup {
    pub(crate) program: PathBuf,
    /// Share of the full counts.
    pub(crate) share: f64,
}

impl Setup {
    /// The share of a full count, at least one.
    pub(crate) fn count(&self, full: u32) -> u32 {
        ((f64::from(full) * self.share).round() as u32).max(1)
    }

    /// Starts a service and waits until it is ready.
    pub(crate) fn start(&self, data: &Path, args: &[&str], variables: &[(&str, &str)]) -> Service {
        let began = Instant::now();
        let mut command = Command::new(&self.program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--device", "cpu", "--data"]).arg(data).args(args);
        command.env("RUST_LOG", "error").envs(variables.iter().copied());
        let log = std::fs::File::options().create(true).append(true).open(data.with_extension("log"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log.expect("a log file"));
        let mut child = command.spawn().expect("packshot starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let url =
            lines.find_map(|line| line.split_whitespace().find(|word| word.starts_with("http://")).map(str::to_owned));
        let url = url.unwrap_or_else(|| panic!("not ready; see {}", data.with_extension("log").display()));
        let client = Client::new(&url, None).expect("an address");
        Service { child, client, address: url.trim_start_matches("http://").to_owned(), start: began.elapsed() }
    }
}

/// A running service; killed when this is dropped.
pub(crate) struct Service {
    child: Child,
    pub(crate) client: Client,
    pub(crate) address: String,
    /// From the start of the process to its line that says that it is ready.
    pub(crate) start: Duration,
}

impl Service {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn kill(mut self) {
        self.end();
    }

    /// Ends it as KILL does.
    pub(crate) fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ends(&mut self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        while Instant::now() < until {
            if self.child.try_wait().is_ok_and(|status| status.is_some()) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }

    /// The most memory that it ever had, MiB.
    pub(crate) fn memory_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() / 1024
    }

    /// Processes that it started.
    pub(crate) fn workers(&self) -> Vec<u32> {
        let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
        let ids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
        let parent = |id: &u32| -> Option<u32> {
            let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
            // The name stands in parentheses and may hold anything.
            stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
        };
        ids.filter(|id| parent(id) == Some(self.id())).collect()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.end();
    }
}

/// Ends a process as KILL does.
pub(crate) fn kill(id: u32) {
    let _ = Command::new("kill").args(["-KILL", &id.to_string()]).status();
}

/// The value below which a share of all lies; sorts them.
pub(crate) fn percentile(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    times.get((last as f64 * share).round() as usize).copied().unwrap_or_default()
}
