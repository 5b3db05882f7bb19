//! `packshot client workflow` against a running service: workflows listed, checked, dispatched and followed.

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::service::{SOON, Service, Workplace, boxes, http, until};

/// An id that nothing has.
const NOBODY: &str = "01934d2e-0000-7000-8000-000000000000";

/// The answer to a request in JSON.
pub(crate) async fn ask(service: &Service, method: Method, path: &str, body: &Value) -> Value {
    let sent = http().request(method, format!("{}{path}", service.url)).json(body).send().await.expect("an answer");
    let status = sent.status();
    let answer = sent.json().await.unwrap_or_default();
    assert!(status.is_success(), "{path}: {status}: {answer}");
    answer
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("text, not {value}")).to_owned()
}

/// What there is to run workflows on.
struct Contexts {
    line: String,
    file: String,
}

/// An order with one line, and the CAD file of its product.
async fn contexts(place: &Workplace, service: &Service) -> Contexts {
    let settings = json!({"width": 32, "height": 24, "samples": 4, "denoise": "off"});
    let output_type = json!({"name": "Front", "render_settings": settings});
    ask(service, Method::POST, "/api/v1/output-types", &output_type).await;
    std::fs::create_dir_all(place.path("parts")).expect("made");
    std::fs::write(place.path("parts/6204.glb"), boxes()).expect("written");
    let create = ["client", "order", "create", "--folder", "parts", "--output-type", "Front", "--json"];
    let (code, stdout, stderr) = place.run(&[&create[..], &["--url", &service.url]].concat());
    assert_eq!(code, 0, "{stderr}");
    let order: Value = serde_json::from_str(&stdout).expect("one JSON object");
    let file = ask(service, Method::GET, "/api/v1/cad-files", &Value::Null).await["items"][0]["id"].clone();
    Contexts { line: text(&order["lines"][0]["id"]), file: text(&file) }
}

/// A graph of one picture, with these parameters of it in place of others.
fn still(more: &Value) -> Value {
    let mut params = json!({"width": 32, "height": 24, "samples": 4, "denoise": "off"});
    more.as_object().expect("members").iter().for_each(|(name, value)| params[name] = value.clone());
    let node = |id: &str, step: &str, params: Value| json!({"id": id, "step": step, "params": params});
    let edge = |from: &str, to: &str| json!({"from": from, "to": to});
    json!({
        "version": 1,
        "ui": {"preset": "custom", "execution_mode": "graph"},
        "nodes": [
            node("setup", "order_line_setup", json!({})),
            node("template", "resolve_template", json!({})),
            node("render", "render_still", params),
            node("output", "output_save", json!({})),
        ],
        "edges": [edge("setup", "template"), edge("template", "render"), edge("render", "output")],
    })
}

fn write(place: &Workplace, name: &str, document: &Value) {
    std::fs::write(place.path(name), document.to_string()).expect("written");
}

async fn save(service: &Service, name: &str, config: &Value) -> String {
    let new = json!({"name": name, "config": config});
    text(&ask(service, Method::POST, "/api/workflows", &new).await["id"])
}

/// A command at this service: exit code, stdout, stderr.
fn run(place: &Workplace, service: &Service, args: &[&str]) -> (i32, String, String) {
    place.run(&[&["client", "workflow"], args, &["--url", service.url.as_str()]].concat())
}

/// The same, which has to succeed: stdout and stderr.
fn done(place: &Workplace, service: &Service, args: &[&str]) -> (String, String) {
    let (code, stdout, stderr) = run(place, service, args);
    assert_eq!(code, 0, "{args:?}: {stderr}");
    (stdout, stderr)
}

#[tokio::test]
async fn a_workflow_is_listed_checked_dispatched_and_followed() {
    let place = Workplace::new();
    let service = place.start();
    let Contexts { line, .. } = contexts(&place, &service).await;
    let context = ["--context", line.as_str()];
    let id = save(&service, "Our stills", &still(&json!({}))).await;
    save(&service, "Short", &json!({"type": "still", "params": {}})).await;

    let (listed, _) = done(&place, &service, &["list"]);
    let rows: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["WORKFLOW", "ID", "PRESET", "MODE", "ACTIVE", "REVISION"]);
    assert_eq!((rows[1][0], &rows[1][2..]), ("Short", &["still", "legacy", "yes", "1"][..]), "{listed}");
    assert_eq!(rows[2], ["Our", "stills", id.as_str(), "custom", "graph", "yes", "1"], "{listed}");
    let (listed, _) = done(&place, &service, &["list", "--limit", "1", "--json"]);
    let page: Value = serde_json::from_str(&listed).expect("one JSON object");
    assert!(page["items"].as_array().map(Vec::len) == Some(1) && page["next_cursor"].is_string(), "{page}");

    let (checked, _) = done(&place, &service, &[&["validate", &id], &context[..]].concat());
    let nodes: Vec<&str> = checked.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(nodes[..4], ["setup", "template", "render", "output"], "{checked}");
    assert!(checked.contains("warning") && checked.contains("(template_missing)"), "{checked}");
    assert!(checked.ends_with("it can be dispatched on this order line\n"), "{checked}");

    let (stdout, stderr) = done(&place, &service, &[&["dispatch", &id, "--watch"], &context[..]].concat());
    let first = stdout.trim();
    assert!(first.parse::<uuid::Uuid>().is_ok(), "the run's id alone: {stdout}");
    for told in [
        "dispatched: 1 task\n",
        "render (render_still): task ",
        "setup (order_line_setup): completed\n",
        "render (render_still): queued\n",
        "render (render_still): running\n",
        "render (render_still): completed in ",
        "output (output_save): published\n",
        "run: completed in ",
    ] {
        assert_eq!(stderr.matches(told).count(), 1, "{told}: {stderr}");
    }
    let is_in_order = |first: &str, then: &str| stderr.find(first) < stderr.find(then);
    assert!(is_in_order("(render_still): queued", "(render_still): running"), "{stderr}");
    assert!(stderr.trim_end().lines().last().is_some_and(|line| line.starts_with("run: completed in ")), "{stderr}");
    let (_, stderr) = done(&place, &service, &["watch", first]);
    assert!(stderr.contains("render (render_still): running\n") && stderr.contains("run: completed"), "{stderr}");
    let (stdout, same) = done(&place, &service, &["watch", first, "--json"]);
    let ended: Value = serde_json::from_str(&stdout).expect("one JSON object");
    assert_eq!((&ended["id"], &ended["status"]), (&json!(first), &json!("completed")));
    assert_eq!(same, stderr, "its changes are told all the same");
    let quiet = ["--quiet", "client", "workflow", "watch", first, "--url", &service.url];
    assert_eq!(place.run(&quiet), (0, String::new(), String::new()));
    let (code, stdout, stderr) = place.run(&[&quiet[..], &["--json"]].concat());
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert_eq!(serde_json::from_str::<Value>(&stdout).expect("one JSON object"), ended);

    // What lasted that long once is said of the next one.
    let (checked, _) = done(&place, &service, &[&["validate", &id], &context[..]].concat());
    assert!(checked.contains("it can be dispatched on this order line; it takes about "), "{checked}");

    // A workflow in a file, or from another program, is dispatched as it is, and listed with the saved one.
    write(&place, "graph.json", &still(&json!({"width": 16})));
    let dispatch = [&["dispatch", "graph.json", "--workflow", &id, "--watch", "--json"], &context[..]].concat();
    let (stdout, stderr) = done(&place, &service, &dispatch);
    let ended: Value = serde_json::from_str(&stdout).expect("one JSON object");
    assert_eq!((&ended["status"], &ended["workflow_def_id"]), (&json!("completed"), &json!(id)), "{ended}");
    assert_eq!(ended["config"]["nodes"][2]["params"]["width"], 16);
    for told in ["render (render_still): completed in ", "run: completed in "] {
        assert_eq!(stderr.matches(told).count(), 1, "each change once: {stderr}");
    }
    assert!(!stderr.contains("dispatched: "), "the run has its tasks: {stderr}");

    let validate = [&["client", "workflow", "validate", "-", "--json", "--url", &service.url], &context[..]].concat();
    let mut child = place.command(&validate).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("starts");
    child.stdin.take().expect("piped").write_all(still(&json!({})).to_string().as_bytes()).expect("written");
    let output = child.wait_with_output().expect("ends");
    let found: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!((&found["graph_dispatch_allowed"], &found["workflow_id"]), (&json!(true), &Value::Null), "{found}");

    // Without --watch, the command that follows the run is named.
    let (stdout, stderr) = done(&place, &service, &[&["dispatch", "graph.json"], &context[..]].concat());
    let watch = format!("follow it with `packshot client workflow watch {} --url {}`", stdout.trim(), service.url);
    assert!(stderr.contains(&watch), "{stderr}");
    done(&place, &service, &["watch", stdout.trim()]);
    let (stdout, _) = done(&place, &service, &[&["dispatch", &id, "--json"], &context[..]].concat());
    let dispatched: Value = serde_json::from_str(&stdout).expect("one JSON object");
    assert_eq!((&dispatched["dispatched"], &dispatched["context_id"]), (&json!(1), &json!(line)));
    done(&place, &service, &["watch", &text(&dispatched["workflow_run"]["id"])]);
}

#[tokio::test]
async fn what_is_wrong_is_named_with_its_place() {
    let place = Workplace::new();
    let service = place.start();
    let Contexts { line, file } = contexts(&place, &service).await;
    let context = ["--context", line.as_str()];
    let refused = |args: &[&str], code: i32| {
        let (found, stdout, stderr) = run(&place, &service, args);
        assert_eq!(found, code, "{args:?}: {stderr}");
        assert!(stderr.contains("\n  help: "), "{args:?}: {stderr}");
        (stdout, stderr)
    };

    std::fs::write(place.path("cut.json"), "{\"version\": 1,").expect("written");
    std::fs::write(place.path("list.json"), "[]").expect("written");
    let mut wrong = still(&json!({"widht": 3}));
    wrong["nodes"][1]["step"] = json!("make_coffee");
    wrong["edges"][2] = json!({"from": "render", "to": "nowhere"});
    write(&place, "wrong.json", &wrong);
    let mut circle = still(&json!({}));
    circle["edges"].as_array_mut().expect("a list").push(json!({"from": "output", "to": "setup"}));
    write(&place, "circle.json", &circle);
    for verb in ["validate", "dispatch"] {
        let refused = |name: &str, code: i32| refused(&[&[verb, name], &context[..]].concat(), code);
        let (_, stderr) = refused("cut.json", 3);
        assert!(stderr.starts_with("error[request.syntax]: not JSON: ") && stderr.contains("at: cut.json"), "{stderr}");
        let (_, stderr) = refused("list.json", 3);
        assert!(stderr.starts_with("error[request.type]: "), "{stderr}");
        let (_, stderr) = refused("Our stills", 3);
        assert!(stderr.contains("`packshot client workflow list`"), "{stderr}");
        let (stdout, stderr) = refused("wrong.json", 7);
        assert!(stderr.starts_with("error[service.invalid_workflow_config]: "), "{stderr}");
        assert!(stdout.is_empty() && stderr.contains("3 members are wrong\n  at: wrong.json\n"), "{stderr}");
        for place in ["/nodes/1/step", "/nodes/2/params/widht", "/edges/2/to"] {
            assert!(stderr.contains(&format!("\n  at: wrong.json: {place}\n")), "{place}: {stderr}");
        }
        let (_, stderr) = refused("circle.json", 7);
        assert!(stderr.contains("error[service.cycle]: ") && stderr.contains("at: circle.json: /edges/"), "{stderr}");
    }

    // A workflow of order lines is not for a CAD file: the check says so, and a dispatch is refused.
    write(&place, "graph.json", &still(&json!({})));
    let (stdout, stderr) = refused(&["validate", "graph.json", "--context", &file], 7);
    assert!(stdout.contains("error: ") && stdout.contains("(context_kind_mismatch)"), "{stdout}");
    assert!(stdout.ends_with("it cannot be dispatched on this CAD file\n"), "{stdout}");
    assert!(stderr.starts_with("error[service.workflow_not_dispatchable]: "), "{stderr}");
    let (stdout, _) = refused(&["validate", "graph.json", "--context", &file, "--json"], 7);
    let found: Value = serde_json::from_str(&stdout).expect("one JSON object");
    assert_eq!(found["graph_dispatch_allowed"], false);
    let (_, stderr) = refused(&["dispatch", "graph.json", "--context", &file], 7);
    assert!(stderr.contains("error[service.context_kind_mismatch]") && stderr.contains("at: --context"), "{stderr}");

    // A node that fails within the dispatch is named, and so is the run.
    let mut gone = still(&json!({}));
    gone["nodes"][1]["params"] = json!({"template_id": NOBODY});
    write(&place, "gone.json", &gone);
    let (stdout, stderr) = refused(&[&["dispatch", "gone.json", "--watch"], &context[..]].concat(), 7);
    let at = stderr.lines().find_map(|line| line.strip_prefix("  at: node template of run ")).expect("a place");
    assert!(stdout.is_empty() && stderr.starts_with("error[service.graph_execution_failed]: "), "{stderr}");
    let failed = ask(&service, Method::GET, &format!("/api/workflows/runs/{at}"), &Value::Null).await;
    assert_eq!(failed["status"], "failed");
    let (_, stderr) = refused(&["watch", at], 7);
    assert!(stderr.contains("error[service.run_failed]: the node failed: "), "{stderr}");

    // What is not there.
    let (_, stderr) = refused(&[&["dispatch", NOBODY], &context[..]].concat(), 7);
    assert!(stderr.contains("error[service.workflow_not_found]") && stderr.contains("workflow list"), "{stderr}");
    let (_, stderr) = refused(&[&["dispatch", "graph.json", "--workflow", NOBODY], &context[..]].concat(), 7);
    assert!(stderr.contains("error[service.workflow_not_found]") && stderr.contains("at: --workflow"), "{stderr}");
    let (_, stderr) = refused(&["validate", "graph.json", "--context", NOBODY], 7);
    assert!(stderr.contains("error[service.context_not_found]") && stderr.contains("at: --context"), "{stderr}");
    let (_, stderr) = refused(&["watch", NOBODY], 7);
    assert!(stderr.contains("error[service.workflow_run_not_found]"), "{stderr}");
    let (_, stderr) = refused(&[&["dispatch", NOBODY, "--workflow", NOBODY], &context[..]].concat(), 2);
    assert!(stderr.contains("error[usage.conflict]"), "{stderr}");
    for wrong in [&["validate", "graph.json", "--context", "6204"][..], &["watch", "6204"]] {
        let (code, _, stderr) = run(&place, &service, wrong);
        assert!(code == 2 && stderr.contains("error[usage.invalid_value]"), "{stderr}");
    }
    let nobody = ["client", "workflow", "watch", NOBODY, "--url", "http://127.0.0.1:9", "--retry-for", "0"];
    let (code, _, stderr) = place.run(&nobody);
    assert!(code == 7 && stderr.contains("error[client.unreachable]"), "{stderr}");
    assert!(
        stderr.contains(&format!("`packshot client workflow watch {NOBODY} --url http://127.0.0.1:9`")),
        "{stderr}"
    );
}

/// A picture that takes some seconds.
fn long(seconds: u32) -> Value {
    still(&json!({"width": 256, "height": 256, "samples": 65_536, "noise_threshold": 0, "max_time_s": seconds}))
}

/// Dispatches a graph that takes some seconds: its run.
fn dispatched(place: &Workplace, service: &Service, line: &str, seconds: u32) -> String {
    write(place, "long.json", &long(seconds));
    done(place, service, &["dispatch", "long.json", "--context", line]).0.trim().to_owned()
}

async fn is_running(service: &Service, run: &str) -> bool {
    ask(service, Method::GET, &format!("/api/workflows/runs/{run}"), &Value::Null).await["status"] == "running"
}

#[tokio::test]
async fn a_run_that_fails_is_exit_7_and_its_node_is_named() {
    let place = Workplace::new();
    let service = place.start();
    let Contexts { line, .. } = contexts(&place, &service).await;
    write(&place, "camera.json", &still(&json!({"camera": "Gone"})));
    let (code, stdout, stderr) = run(&place, &service, &["dispatch", "camera.json", "--context", &line, "--watch"]);
    let id = stdout.trim();
    assert_eq!(code, 7, "{stderr}");
    assert!(stderr.contains("render (render_still): failed: ") && stderr.contains("run: failed: "), "{stderr}");
    assert!(stderr.contains("error[service.run_failed]: the node failed: "), "{stderr}");
    assert!(stderr.contains(&format!("  at: node render of run {id}\n")) && stderr.contains("new run"), "{stderr}");
    let (code, stdout, stderr) = run(&place, &service, &["watch", id, "--json"]);
    let ended: Value = serde_json::from_str(&stdout).expect("one JSON object");
    assert_eq!((code, &ended["status"], &ended["id"]), (7, &json!("failed"), &json!(id)));
    assert!(stderr.contains("error[service.run_failed]: the node failed: "), "{stderr}");
}

#[tokio::test]
async fn who_watches_a_run_goes_on_when_the_service_is_back() {
    let place = Workplace::new();
    let service = place.start();
    let Contexts { line, .. } = contexts(&place, &service).await;
    let run = dispatched(&place, &service, &line, 2);
    let watch = place
        .command(&["client", "workflow", "watch", &run, "--url", &service.url])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    until("it renders", SOON, async || is_running(&service, &run).await).await;
    let address = service.url.trim_start_matches("http://").to_owned();
    service.kill();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let _service = place.start_with(&["--listen", &address]);
    let output = watch.wait_with_output().expect("ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("retrying for up to 5:00 min") && stderr.contains("run: completed in "), "{stderr}");
    assert_eq!(stderr.matches("setup (order_line_setup): completed").count(), 1, "nothing is repeated: {stderr}");
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_ends_the_watching_of_a_run_and_a_cancelled_one_is_exit_7() {
    let place = Workplace::new();
    let service = place.start();
    let Contexts { line, .. } = contexts(&place, &service).await;
    let run = dispatched(&place, &service, &line, 600);
    let watch = place
        .command(&["client", "workflow", "watch", &run, "--url", &service.url])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    until("it renders", SOON, async || is_running(&service, &run).await).await;
    until("the watching listens to Ctrl-C", SOON, async || crate::client::catches_interrupts(watch.id())).await;
    let signalled = std::process::Command::new("kill").args(["-INT", &watch.id().to_string()]).status();
    assert!(signalled.expect("kill runs").success());
    let output = watch.wait_with_output().expect("ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains(&format!("`packshot client workflow watch {run} --url {}`", service.url)), "{stderr}");
    assert!(is_running(&service, &run).await, "it goes on");

    // A line that is worked on is not dispatched twice.
    let again = ["client", "workflow", "dispatch", "long.json", "--context", &line, "--url", &service.url];
    let (code, _, stderr) = place.run(&again);
    assert!(code == 7 && stderr.contains("error[service.line_processing]"), "{stderr}");
    ask(&service, Method::POST, &format!("/api/workflows/runs/{run}/cancel"), &json!({})).await;
    let (code, _, stderr) = place.run(&["client", "workflow", "watch", &run, "--url", &service.url]);
    assert_eq!(code, 7, "{stderr}");
    assert!(stderr.contains("error[service.run_cancelled]: the run was cancelled\n  at: run "), "{stderr}");
}
