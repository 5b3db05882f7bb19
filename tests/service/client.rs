//! `packshot client` against a running service.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::service::{SOON, Workplace, endless, http, until};

const TINY: [&str; 6] = ["--set", "width=32", "--set", "height=24", "--set", "samples=4"];

#[test]
fn submit_watch_fetch() {
    let place = Workplace::new();
    let service = place.start();
    let url = ["--url", service.url.as_str()];
    let submit = |more: &[&str]| {
        let args = [&["client", "submit", "boxes.glb"], &TINY[..], &url, more].concat();
        place.run(&args)
    };
    let (code, stdout, stderr) = submit(&["-o", "boxes.png", "--json"]);
    assert_eq!(code, 0, "{stderr}");
    let job: Value = serde_json::from_str(&stdout).expect("one JSON object");
    assert_eq!((&job["state"], &job["request"]["width"]), (&"completed".into(), &32.into()));
    assert_eq!(job["input_name"], "boxes.glb");
    let picture = std::fs::read(place.path("boxes.png")).expect("saved");
    assert!(picture.starts_with(b"\x89PNG"));

    let (code, stdout, stderr) = submit(&["--set", "formats=[\"png\",\"exr\"]", "--idempotency-key", "both"]);
    assert_eq!(code, 0, "{stderr}");
    let id = stdout.trim();
    let (code, _, stderr) = place.run(&[&["client", "watch", id, "-o", "all/"], &url[..]].concat());
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(stderr.matches("saved: all/").count(), 2, "it names the files that it wrote: {stderr}");
    let saved = std::fs::read_dir(place.path("all")).expect("made").count();
    assert_eq!(saved, 2);
    let (code, _, stderr) = place.run(&[&["client", "fetch", id, "-o", "one.exr"], &url[..]].concat());
    assert_eq!((code, stderr.starts_with("saved: one.exr, ")), (0, true), "{stderr}");
    assert!(std::fs::read(place.path("one.exr")).expect("saved").starts_with(b"\x76\x2f\x31\x01"));
    let (code, _, stderr) = place.run(&[&["client", "fetch", id, "-o", "one.webp"], &url[..]].concat());
    assert_eq!(code, 2, "{stderr}");
    let (code, _, stderr) = place.run(&[&["client", "fetch", id, "-o", "one"], &url[..]].concat());
    assert!(code == 2 && stderr.contains("the file's name has no extension"), "{stderr}");

    let (code, stdout, _) = submit(&["--set", "formats=[\"png\",\"exr\"]", "--idempotency-key", "both"]);
    assert_eq!((code, stdout.trim()), (0, id), "the same submission again");

    let (code, _, stderr) = submit(&["--watch"]);
    assert!(code == 0 && stderr.starts_with("submitted: "), "{stderr}");
    assert!(stderr.lines().next().expect("a line").ends_with(" (boxes.glb)"), "{stderr}");
    let completed = stderr.lines().find(|line| line.starts_with("completed in ")).expect("it says that it is done");
    assert!(completed.contains(" s: 1 file; fetch it with `packshot client fetch "), "{completed}");
    let (code, _, stderr) = place.run(&[&["client", "watch", id], &url[..]].concat());
    assert!(code == 0 && stderr.starts_with("completed in ") && stderr.contains(" s: 2 files; fetch them"), "{stderr}");
    let (_, _, stderr) = place.run(&[&["--quiet", "client", "watch", id], &url[..]].concat());
    assert!(!stderr.contains("completed"), "{stderr}");
    let (code, stdout, stderr) =
        place.run(&[&["client", "submit", "--sample", "bearing", "--watch", "--json"], &TINY[..], &url].concat());
    assert_eq!(code, 0, "{stderr}");
    let job: Value = serde_json::from_str(&stdout).expect("one JSON object");
    assert_eq!((&job["input_name"], &job["metadata"]), (&"bearing".into(), &serde_json::json!({})));

    // The map that the program writes is one that the service takes.
    let (code, _, stderr) = place.run(&["map", "init", "boxes.glb", "-o", "map.json"]);
    assert_eq!(code, 0, "{stderr}");
    let (code, _, stderr) = submit(&["--material-map", "map.json", "--watch"]);
    assert_eq!(code, 0, "{stderr}");

    // Several pictures do not fit into one file.
    let (code, _, stderr) = submit(&["--set", "kind=views", "--set", "views=[\"front\",\"top\"]", "-o", "one.png"]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("the render has 2 files that fit one.png") && stderr.contains("client fetch"), "{stderr}");
    assert!(!place.path("one.png").exists());
}

#[test]
fn parts_without_a_material_are_told_once() {
    let place = Workplace::new();
    let service = place.start();
    std::fs::write(place.path("map.json"), r#"{"parts": [{"part_name": "Base", "material": "Steel-Bare"}]}"#)
        .expect("written");
    let args = ["client", "submit", "boxes.glb", "--material-map", "map.json", "--url", service.url.as_str()];
    let run = |more: &[&str]| {
        let (code, _, stderr) = place.run(&[&args[..], &TINY[..], &["--set", "on_unmapped=magenta"], more].concat());
        assert_eq!(code, 0, "{stderr}");
        stderr
    };
    for more in [&["--watch"][..], &["-o", "boxes.png"]] {
        let stderr = run(more);
        assert_eq!(stderr.matches("warning: 1 of 3 parts has no material: `Lid`").count(), 1, "{stderr}");
        assert!(!stderr.contains("unmapped_part"), "{stderr}");
    }
    assert!(!run(&["--watch", "--json"]).contains("warning"), "its JSON has the number");
}

#[test]
fn pictures_that_break_a_rule_of_their_preset_are_saved_and_exit_7() {
    let place = Workplace::new();
    let service = place.start();
    let asked = ["--set", "preset=google", "--set", "fill=0.5", "--set", "width=500", "--set", "height=500"];
    let quick = ["--set", "samples=1", "--set", "denoise=off", "-o", "boxes.png", "--url", service.url.as_str()];
    let (code, _, stderr) = place.run(&[&["client", "submit", "boxes.glb"], &asked[..], &quick[..]].concat());
    assert_eq!(code, 7, "{stderr}");
    assert!(stderr.contains("error[preset.rule_broken]"), "{stderr}");
    assert!(std::fs::read(place.path("boxes.png")).expect("saved").starts_with(b"\x89PNG"));
}

#[test]
fn refusals_failures_and_nobody_there_are_exit_7() {
    let place = Workplace::new();
    let service = place.start();
    let url = ["--url", service.url.as_str()];
    let (code, stdout, stderr) =
        place.run(&[&["client", "submit", "boxes.glb", "--set", "width=0"], &url[..]].concat());
    assert_eq!((code, stdout.as_str()), (7, ""));
    assert!(stderr.contains("error[service.validation_failed]") && stderr.contains("/width"), "{stderr}");

    std::fs::write(place.path("broken.glb"), &crate::service::boxes()[..100]).expect("written");
    let (code, _, stderr) = place.run(&[&["client", "submit", "broken.glb", "--watch"], &url[..]].concat());
    assert_eq!(code, 7);
    assert!(stderr.contains("error[glb.") && stderr.contains("\n  help: "), "{stderr}");

    let (code, _, stderr) =
        place.run(&[&["client", "fetch", "01934d2e-7b1c-7000-8000-000000000000"], &url[..]].concat());
    assert_eq!(code, 7);
    assert!(stderr.contains("error[service.render_not_found]"), "{stderr}");

    let nobody = ["--url", "http://127.0.0.1:9", "--retry-for", "0"];
    let id = "01934d2e-7b1c-7000-8000-000000000000";
    for verb in ["cancel", "fetch", "watch"] {
        let (code, _, stderr) = place.run(&[&["client", verb, id], &nobody[..]].concat());
        assert_eq!(code, 7, "{verb}: {stderr}");
        assert!(stderr.contains("error[client.unreachable]"), "{verb}: {stderr}");
        assert!(stderr.contains(&format!("`packshot client {verb} {id}")), "{verb}: {stderr}");
        assert!(!stderr.contains("retrying"), "{verb}: {stderr}");
    }
    let (code, _, stderr) =
        place.run(&[&["client", "submit", "boxes.glb", "--idempotency-key", "k"], &nobody[..]].concat());
    assert_eq!((code, stderr.contains("repeat the command with --idempotency-key k")), (7, true), "{stderr}");

    let to = |url: &str, more: &[&str]| place.run(&[&["client", "cancel", id, "--url", url], more].concat());
    let (code, _, stderr) = to("localhost:8080", &[]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("\n  at: --url\n  help: use http://localhost:8080\n"), "{stderr}");
    let (code, _, stderr) = to(&service.url, &["--key", "one\ntwo"]);
    assert!(code == 2 && stderr.contains("\n  at: --key\n"), "{stderr}");
    let (code, _, stderr) = to(&service.url.replace("http://", "https://"), &[]);
    assert!(code == 7 && stderr.contains("it speaks http there, not https"), "{stderr}");
    assert!(!stderr.contains("retrying"), "{stderr}");

    std::fs::write(place.path("comma.json"), r#"{"samples": 4,}"#).expect("written");
    let (code, _, stderr) =
        place.run(&[&["client", "submit", "boxes.glb", "--request", "comma.json"], &url[..]].concat());
    assert!(code == 3 && stderr.contains("\n  help: correct the JSON there"), "{stderr}");
}

#[tokio::test]
async fn who_may_not_is_told_what_to_do() {
    let place = Workplace::new();
    let service = place.start();
    let made = |args: &[&str]| {
        let (code, stdout, stderr) = place.run(&[&["admin"], args].concat());
        assert_eq!(code, 0, "{stderr}");
        stdout.trim().to_owned()
    };
    let refused = |more: &[&str]| {
        let args = ["client", "submit", "boxes.glb", "--retry-for", "0", "--url", service.url.as_str()];
        let (code, _, stderr) = place.run(&[&args[..], more].concat());
        assert_eq!(code, 7, "{stderr}");
        stderr
    };
    let reader = made(&["create-key", "--scope", "renders:read"]);
    let nobody = refused(&[]);
    assert!(
        nobody.contains("error[service.unauthenticated]") && nobody.contains("help: give an API key with --key"),
        "{nobody}"
    );
    let reading = refused(&["--key", &reader]);
    let asks_for_scope = "help: give a key that has this scope with --key";
    assert!(reading.contains("error[service.insufficient_scope]") && reading.contains(asks_for_scope), "{reading}");

    let password = made(&["create-user", "--email", "anna@test", "--role", "project_manager"]);
    let sign_in = json!({ "email": "anna@test", "password": password });
    let answer = http().post(format!("{}/api/auth/login", service.url)).json(&sign_in).send().await.expect("an answer");
    let tokens: Value = answer.json().await.expect("JSON");
    let early = refused(&["--key", tokens["access_token"].as_str().expect("a token")]);
    let asks_for_password = "help: the owner of the key has to choose a new password first";
    assert!(early.contains("error[service.password_change_required]") && early.contains(asks_for_password), "{early}");
}

/// Whether a process has a handler for SIGINT; where the system does not say, this waits a while instead.
#[cfg(unix)]
pub(crate) fn catches_interrupts(process: u32) -> bool {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{process}/status")) else {
        std::thread::sleep(Duration::from_secs(1));
        return true;
    };
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("a line of every status");
    let caught = u64::from_str_radix(caught.trim(), 16).expect("a mask");
    caught >> 1 & 1 == 1
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_ends_the_watching_and_cancel_the_render() {
    let place = Workplace::new();
    let service = place.start();
    let client = service.client();
    let id = client.submit(&endless(0)).await.expect("accepted").id;
    let watch = place
        .command(&["client", "watch", &id.to_string(), "--url", &service.url])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    let running = async || client.job(id).await.expect("the job").state.to_string() == "running";
    until("it runs", SOON, running).await;
    until("the watching listens to Ctrl-C", SOON, async || catches_interrupts(watch.id())).await;
    let signalled = std::process::Command::new("kill").args(["-INT", &watch.id().to_string()]).status();
    assert!(signalled.expect("kill runs").success());
    let output = watch.wait_with_output().expect("ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains(&format!("packshot client cancel {id}")), "{stderr}");
    assert!(running().await, "it goes on");

    let id = id.to_string();
    let (code, _, stderr) = place.run(&["client", "cancel", &id, "--url", &service.url]);
    assert_eq!(code, 0, "{stderr}");
    let (code, _, stderr) = place.run(&["client", "watch", &id, "--url", &service.url]);
    assert_eq!(code, 7, "{stderr}");
    assert!(stderr.contains("error[service.cancelled]"), "{stderr}");
}
