//! The examples of a running service in the README and in the guide of the service, run as they are written.

use std::process::Command;

use serde_json::Value;

use crate::command::bare;
use crate::markdown;
use crate::service::{Workplace, outcome};

/// The shell blocks of a page below a heading, one after the other.
fn lines(page: &str, heading: &str) -> Vec<String> {
    let path = format!("{}/{page}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("there");
    let blocks = markdown::blocks(&text).into_iter();
    blocks.filter(|block| block.heading == heading && block.language == "sh").map(|block| block.text).collect()
}

/// Runs a script in a folder, with this build's command: its output.
fn run(place: &Workplace, url: &str, script: &str) -> String {
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_packshot")).parent().expect("a folder").display();
    let path = format!("{folder}:{}", std::env::var("PATH").expect("there"));
    let script = script.replace("http://127.0.0.1:8080", url);
    let mut command = bare("sh", &place.path("."));
    command.args(["-euc", &script]).env("PATH", path).env("PACKSHOT_URL", url);
    let (code, stdout, stderr) = outcome(&mut command);
    assert_eq!(code, 0, "{stderr}\n{stdout}");
    stdout
}

fn is_picture(place: &Workplace, name: &str) {
    let bytes = std::fs::read(place.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(bytes.starts_with(b"\x89PNG"), "{name}");
}

#[test]
fn the_lines_of_the_readme_do_what_they_say() {
    if Command::new("curl").arg("--version").output().is_err() {
        println!("skipped: curl is not installed");
        return;
    }
    let place = Workplace::new();
    let service = place.start();
    let lines = lines("README.md", "As a service").remove(0);
    let (start, rest) = lines.split_once('\n').expect("more than one line");
    assert!(start.starts_with("packshot serve &"), "the first line starts it: {start}");
    let stdout = run(&place, &service.url, rest);
    for name in ["bearing.png", "front.png", "pictures/bearing__Front__result.png"] {
        is_picture(&place, name);
    }
    assert!(std::fs::read(place.path("bearing.exr")).expect("there").starts_with(b"\x76\x2f\x31\x01"));
    assert!(stdout.contains("event: job.completed"), "{stdout}");
}

#[test]
fn the_lines_of_the_guides_to_orders_and_workflows_do_what_they_say() {
    if Command::new("curl").arg("--version").output().is_err() {
        println!("skipped: curl is not installed");
        return;
    }
    let place = Workplace::new();
    let service = place.start();
    let script = lines("docs/service.md", "Orders from the command line").concat();
    let stdout = run(&place, &service.url, &script);
    for name in ["6204", "6205", "6206"] {
        is_picture(&place, &format!("pictures/{name}__Front__result.png"));
    }
    is_picture(&place, "spring/6207__Front__result.png");
    assert!(stdout.contains("PO 4711") && stdout.contains("2/2"), "{stdout}");

    if Command::new("jq").arg("--version").output().is_err() {
        println!("skipped: jq is not installed");
        return;
    }
    let script = lines("docs/service.md", "Workflows from the command line").concat();
    let stdout = run(&place, &service.url, &format!("order='PO 4711'\n{script}"));
    assert!(stdout.contains("it can be dispatched on this order line") && stdout.contains("Tops"), "{stdout}");
    let run: Value = serde_json::from_slice(&std::fs::read(place.path("run.json")).expect("there")).expect("JSON");
    assert_eq!(run["status"], "completed", "{run}");
}
