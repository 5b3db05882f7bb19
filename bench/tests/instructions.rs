//! Instructions of hot functions, counted by valgrind: the same from run to run, whatever else the machine does.
//!
//! `UPDATE_TEXTS=1` writes what was counted. A change that makes a function cheaper updates its count too: only so will
//! the next one be noticed.

use std::collections::BTreeMap;
use std::process::Command;

/// Counts per function, for processors with AVX2 as valgrind shows them.
const COUNTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/instructions.toml");
/// How far a count may be from what is written, as a fraction of it.
const TOLERANCE: f64 = 0.03;
/// A render of few samples has the rays of the camera too. What else is hot is in them.
const FUNCTIONS: [&str; 4] = ["prepare", "bounce", "shadow", "sample"];

#[test]
fn hot_functions_take_as_many_instructions_as_before() {
    if !is_counted_here() {
        return;
    }
    let counted: BTreeMap<&str, u64> = FUNCTIONS.into_iter().map(|function| (function, count(function))).collect();
    let text = std::fs::read_to_string(COUNTS).unwrap_or_default();
    let written = |function: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(function)?.trim().strip_prefix('='))?;
        line.trim().replace('_', "").parse::<u64>().ok()
    };
    let differing: Vec<String> = counted
        .iter()
        .filter(|(function, count)| {
            let before = written(function).unwrap_or(0) as f64;
            (**count as f64 - before).abs() > TOLERANCE * before
        })
        .map(|(function, count)| format!("{function}: {count} instead of {:?}", written(function)))
        .collect();
    if std::env::var_os("UPDATE_TEXTS").is_some() && !differing.is_empty() {
        let head: Vec<&str> = text.lines().take_while(|line| line.starts_with('#')).collect();
        let lines = counted.iter().map(|(function, count)| format!("{function} = {count}"));
        let all: Vec<String> = head.into_iter().map(str::to_owned).chain(lines).collect();
        std::fs::write(COUNTS, all.join("\n") + "\n").expect("written");
        return;
    }
    let help = "if that is meant, write the counts: UPDATE_TEXTS=1 cargo test -p packshot-bench --test instructions";
    assert!(differing.is_empty(), "instructions have changed: {differing:#?}\n{help}");
}

/// Whether counts here can be compared with those that are written.
fn is_counted_here() -> bool {
    let has_valgrind = Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success());
    #[cfg(target_arch = "x86_64")]
    let has_avx2 = std::arch::is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    let has_avx2 = false;
    if !has_valgrind {
        println!("skipped: valgrind is not installed");
    } else if !has_avx2 {
        println!("skipped: this processor lacks the instructions that were counted: AVX2");
    }
    has_valgrind && has_avx2
}

/// The instructions of a function that works once: those of two runs, less those of one, so that what comes before does
/// not count.
fn count(function: &str) -> u64 {
    let [once, twice] = ["1", "2"].map(|times| {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(env!("CARGO_BIN_EXE_hot-functions"))
            .args([function, times])
            // Settings of the caller's allocator take instructions too; stealing work between threads takes some by
            // chance.
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("RAYON_NUM_THREADS", "1")
            .output()
            .expect("started");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{function}: {told}");
        let line = told.lines().find_map(|line| line.split_once("Collected : ")).unwrap_or_else(|| panic!("{told}"));
        line.1.trim().parse::<u64>().expect("a number")
    });
    twice.saturating_sub(once)
}
