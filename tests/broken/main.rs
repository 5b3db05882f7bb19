//! Broken files are refused within a second of processor time and 100 MB of memory, whatever they claim to be.
//!
//! The command runs as a process for each, whose time and memory are read when it has ended. Wall time would depend on
//! what else the machine does. This is a binary of its own with one test, because the system adds up what all children
//! took, and other tests run the command too.
#![cfg(unix)]

#[path = "../surroundings/command.rs"]
mod command;
mod files;

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde_json::Value;

/// For the command as it is built for tests, which is the slowest build.
const PROCESSOR_TIME_MAX: Duration = Duration::from_secs(1);
const MEMORY_MAX_BYTES: u64 = 100_000_000;

fn of_children() -> Usage {
    getrusage(UsageWho::RUSAGE_CHILDREN).expect("the system says")
}

fn processor_time(usage: Usage) -> Duration {
    let time =
        |value: TimeVal| Duration::new(value.tv_sec().unsigned_abs(), value.tv_usec().unsigned_abs() as u32 * 1000);
    time(usage.user_time()) + time(usage.system_time())
}

/// The peak memory of any child so far: a run that takes less than an earlier one does not change it.
fn peak_memory_bytes(usage: Usage) -> u64 {
    let unit_bytes = if cfg!(target_os = "macos") { 1 } else { 1024 };
    usage.max_rss().unsigned_abs() * unit_bytes
}

/// The most that any run took, and what was wrong with any.
#[derive(Default)]
struct Most {
    runs: u32,
    processor_time: Duration,
    faults: Vec<String>,
}

impl Most {
    /// Runs the command, which must refuse its input with exit code 3 and one error with a place, within the limits.
    fn refused(&mut self, folder: &Path, file: &str, args: &[&OsStr]) {
        let before = of_children();
        let output = command::packshot(folder).args(args).stdin(Stdio::null()).output().expect("the command starts");
        let usage = of_children();
        let (took, peak_bytes) = (processor_time(usage) - processor_time(before), peak_memory_bytes(usage));
        let stderr = String::from_utf8(output.stderr).expect("text");
        let mut fault = |what: String| self.faults.push(format!("{file}: {what}"));
        if (output.status.code(), output.stdout.len()) != (Some(3), 0) {
            fault(format!("{}, {} bytes on stdout: {stderr}", output.status, output.stdout.len()));
        } else if !(stderr.starts_with("error[") && stderr.contains("\n  at: ")) {
            fault(stderr);
        }
        if took >= PROCESSOR_TIME_MAX {
            fault(format!("{took:?} of processor time"));
        }
        if peak_bytes >= MEMORY_MAX_BYTES && peak_bytes > peak_memory_bytes(before) {
            fault(format!("{peak_bytes} bytes of memory"));
        }
        self.runs += 1;
        self.processor_time = self.processor_time.max(took);
    }

    /// Runs each command that reads a product.
    fn product(&mut self, folder: &Path, path: &Path) {
        let file = path.display().to_string();
        self.refused(folder, &file, &["preflight".as_ref(), path.as_os_str()]);
        self.refused(
            folder,
            &file,
            &["render".as_ref(), path.as_os_str(), "--width".as_ref(), "8".as_ref(), "--height".as_ref(), "8".as_ref()],
        );
    }
}

#[test]
fn every_broken_file_is_refused_within_a_second_and_100_megabytes() {
    let workplace = tempfile::tempdir().expect("a folder");
    let folder = workplace.path();
    let mut most = Most::default();
    files::products(|name, bytes| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).expect("written");
        most.product(folder, &path);
    });
    std::fs::write(folder.join("sound.glb"), files::sound()).expect("written");
    files::others(&mut |name, option, bytes| {
        std::fs::write(folder.join(name), bytes).expect("written");
        let product = if option == "--shot" { &[][..] } else { &["sound.glb"] };
        let args = [&["render"], product, &[option, name, "--width", "8", "--height", "8"]].concat();
        most.refused(folder, name, &args.iter().map(OsStr::new).collect::<Vec<_>>());
    });
    let n_own = most.runs;
    match std::env::var_os("PACKSHOT_SHARED") {
        None => println!("skipped: PACKSHOT_SHARED is not set (assets/broken)"),
        Some(shared) => {
            let collection = Path::new(&shared).join("assets/broken");
            let expected = std::fs::read(collection.join("expected.json")).expect("there");
            let expected: Value = serde_json::from_slice(&expected).expect("JSON");
            let cases = expected["files"].as_array().expect("a list").iter();
            // Tools in use write scenes that list children: that is noted and not refused.
            let is_refused = |case: &&Value| case["load"] == false && case["file"] != "scene_names_child.glb";
            for case in cases.filter(is_refused) {
                most.product(folder, &collection.join(case["file"].as_str().expect("a name")));
            }
            assert_eq!(most.runs - n_own, 2 * 106);
        }
    }
    let (time, memory_mb) = (most.processor_time, peak_memory_bytes(of_children()) / 1_000_000);
    println!("{} runs: at most {time:?} of processor time and {memory_mb} MB", most.runs);
    assert!(most.faults.is_empty(), "{}", most.faults.join("\n"));
}
