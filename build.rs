//! Puts the commit into the program: `PACKSHOT_COMMIT` of the build's environment, else what Git says, else `unknown`.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=PACKSHOT_COMMIT");
    println!("cargo::rerun-if-changed=build.rs");
    let commit = std::env::var("PACKSHOT_COMMIT").ok().filter(|commit| !commit.is_empty()).or_else(|| {
        // The log of HEAD grows with every commit and every checkout.
        let log = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
        if Path::new(&log).exists() {
            println!("cargo::rerun-if-changed={log}");
        }
        git(&["rev-parse", "--short=12", "HEAD"])
    });
    println!("cargo::rustc-env=PACKSHOT_COMMIT={}", commit.as_deref().unwrap_or("unknown"));
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
