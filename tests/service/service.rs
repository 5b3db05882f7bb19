//! A running service in a folder of its own.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use packshot_contract::client::{Client, Submission};
use serde_json::{Value, json};

use crate::command::packshot;
use crate::product;

/// The time limit for things that are done almost immediately.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// A folder with room for a service's data and for files.
pub(crate) struct Workplace {
    folder: tempfile::TempDir,
}

impl Workplace {
    pub(crate) fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        std::fs::write(place.path("boxes.glb"), boxes()).expect("written");
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// The command in this folder, on the CPU, without any of the caller's settings.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = packshot(self.folder.path());
        command.args(args).stdin(Stdio::null()).env("PACKSHOT_DATA", self.data());
        command
    }

    /// Exit code, stdout and stderr of a command.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> (i32, String, String) {
        outcome(&mut self.command(args))
    }

    /// Starts a service and waits until it is ready.
    pub(crate) fn start(&self) -> Service {
        self.start_with(&[])
    }

    pub(crate) fn start_with(&self, args: &[&str]) -> Service {
        // Options take precedence over variables, so a test that needs another address passes it.
        let all = [&["serve"], args].concat();
        Service::spawn(self.command(&all).env("PACKSHOT_LISTEN", "127.0.0.1:0"))
    }
}

/// Exit code, stdout and stderr of a command.
pub(crate) fn outcome(command: &mut Command) -> (i32, String, String) {
    let output = command.output().expect("the command starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// A running `packshot serve`; killed when this is dropped.
pub(crate) struct Service {
    child: Child,
    pub(crate) url: String,
    log: Arc<Mutex<String>>,
}

impl Service {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
        let log = collect(child.stderr.take().expect("piped"));
        match ready_line(child.stdout.take().expect("piped")) {
            Some(url) => Self { child, url, log },
            None => panic!("not ready; its log:\n{}", log.lock().expect("no panic")),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.url, None).expect("an address")
    }

    pub(crate) fn client_with(&self, key: &str) -> Client {
        Client::new(&self.url, Some(key)).expect("an address")
    }

    /// Its log so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("no panic").clone()
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status();
        assert!(sent.expect("kill runs").success(), "it was still running");
    }

    /// Ends it as a power cut would, as far as a process can tell.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("was running");
        self.child.wait().expect("is gone");
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait(&mut self, limit: Duration) -> ExitStatus {
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                return status;
            }
            assert!(Instant::now() < until, "it still runs after {limit:?}; its log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The status of a GET.
    pub(crate) async fn status(&self, path: &str) -> u16 {
        let answer = http().get(format!("{}{path}", self.url)).send().await.expect("an answer");
        answer.status().as_u16()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in the line that says that the service is ready; `None` when its output ends before.
fn ready_line(stdout: ChildStdout) -> Option<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let lines = BufReader::new(stdout).lines().map_while(Result::ok);
        for line in lines {
            if let Some(url) = line.split_whitespace().find(|word| word.starts_with("http://")) {
                let _ = sender.send(url.to_owned());
            }
        }
    });
    receiver.recv_timeout(SOON).ok()
}

/// What comes out of a program until its output ends.
pub(crate) fn collect(mut output: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let log = Arc::new(Mutex::new(String::new()));
    let of_reader = log.clone();
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(n @ 1..) = output.read(&mut bytes) {
            of_reader.lock().expect("no panic").push_str(&String::from_utf8_lossy(&bytes[..n]));
        }
    });
    log
}

pub(crate) fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(SOON).build().expect("a client")
}

pub(crate) fn boxes() -> Vec<u8> {
    product::glb(&product::BOXES)
}

/// A request that renders within a moment.
pub(crate) fn tiny() -> Submission {
    submission(&json!({ "width": 32, "height": 24, "samples": 4 }))
}

/// A request that would take an hour. The seed distinguishes it from others.
pub(crate) fn endless(seed: u32) -> Submission {
    submission(&json!({ "width": 1024, "height": 1024, "samples": 65536, "noise_threshold": 0, "seed": seed }))
}

pub(crate) fn submission(request: &Value) -> Submission {
    let mut submission = Submission::of_glb(boxes());
    submission.request = request.as_object().expect("an object").clone();
    submission
}

/// Waits until a condition holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, limit: Duration, mut holds: impl FnMut() -> F) {
    let end = Instant::now() + limit;
    while !holds().await {
        assert!(Instant::now() < end, "not within {limit:?}: {what}");
        // Open routes answer an address twenty times a second.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Files below a folder.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("readable").path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}
