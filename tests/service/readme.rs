//! The service example in the README, run as it is written.

use std::process::Command;

use crate::markdown;
use crate::service::{Workplace, outcome};

/// The first shell block below a heading.
fn block(heading: &str) -> String {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("there");
    let mut blocks = markdown::blocks(&readme).into_iter();
    blocks.find(|block| block.heading == heading && block.language == "sh").expect("a block of shell").text
}

#[test]
fn the_lines_of_the_readme_do_what_they_say() {
    if Command::new("curl").arg("--version").output().is_err() {
        println!("skipped: curl is not installed");
        return;
    }
    let place = Workplace::new();
    let service = place.start();
    let lines = block("As a service");
    let (start, rest) = lines.split_once('\n').expect("more than one line");
    assert!(start.starts_with("packshot serve &"), "the first line starts it: {start}");
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_packshot")).parent().expect("a folder").display();
    let path = format!("{folder}:{}", std::env::var("PATH").expect("there"));
    let script = rest.replace("http://127.0.0.1:8080", &service.url);
    let mut command = Command::new("sh");
    command.args(["-euc", &script]).current_dir(place.path(".")).env("PATH", path).env("PACKSHOT_URL", &service.url);
    let (code, stdout, stderr) = outcome(&mut command);
    assert_eq!(code, 0, "{stderr}\n{stdout}");
    for (name, magic) in [("bearing.png", &b"\x89PNG"[..]), ("bearing.exr", b"\x76\x2f\x31\x01")] {
        let bytes = std::fs::read(place.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(bytes.starts_with(magic), "{name}");
    }
    assert!(stdout.contains("event: job.completed"), "{stdout}");
}
