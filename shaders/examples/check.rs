//! Validates every kernel and the CPU module, and prints each error with its file and line.
//!
//! `cargo run -p packshot-shaders --example check`

use std::process::ExitCode;

use packshot_shaders::sources::{CPU_MODULE, Sources, kernels};
use packshot_shaders::validate::load;

fn main() -> ExitCode {
    let sources = Sources::embedded();
    let mut failed = 0;
    let mut roots: Vec<&str> = kernels().chain([CPU_MODULE]).collect();
    roots.sort_unstable();
    for &root in &roots {
        match load(&sources, root) {
            Ok(shader) => println!("ok    {root}: {} lines", shader.composed.text().lines().count()),
            Err(error) => {
                failed += 1;
                println!("error {root}:\n{error}\n");
            }
        }
    }
    // Files that nothing imports yet are checked on their own, so that a library function is never untested text.
    let reached: Vec<String> = roots
        .iter()
        .filter_map(|root| packshot_shaders::compose::compose(&sources, root).ok())
        .flat_map(|composed| composed.files().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    for path in sources.paths().filter(|path| !reached.contains(&format!("{path}.wgsl"))) {
        if roots.contains(&path) {
            continue;
        }
        match load(&sources, path) {
            Ok(_) => println!("ok    {path}: not part of any kernel"),
            Err(error) => {
                failed += 1;
                println!("error {path}:\n{error}\n");
            }
        }
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
