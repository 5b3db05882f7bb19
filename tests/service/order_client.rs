//! `packshot client order` against a running service: from sheets and folders to pictures on the disk.

use std::process::Stdio;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::product::{self, BOXES};
use crate::service::{SOON, Service, Workplace, boxes, http, until};

/// Options of pictures that take a moment.
fn tiny() -> Value {
    json!({"width": 32, "height": 24, "samples": 4, "denoise": "off"})
}

/// A GLB that differs from that of the boxes: two of them.
fn two_boxes() -> Vec<u8> {
    product::glb(&BOXES[..2])
}

/// The answer to a request in JSON.
async fn ask(service: &Service, method: Method, path: &str, body: &Value) -> Value {
    let sent = http().request(method, format!("{}{path}", service.url)).json(body).send().await.expect("an answer");
    let status = sent.status();
    let answer = sent.json().await.unwrap_or_default();
    assert!(status.is_success(), "{path}: {status}: {answer}");
    answer
}

async fn get(service: &Service, path: &str) -> Value {
    ask(service, Method::GET, path, &Value::Null).await
}

async fn output_type(service: &Service, name: &str, settings: Value, more: Value) {
    let mut new = json!({"name": name, "render_settings": settings});
    more.as_object().expect("members").iter().for_each(|(name, value)| new[name] = value.clone());
    ask(service, Method::POST, "/api/v1/output-types", &new).await;
}

/// A command at this service: exit code, stdout, stderr.
fn run(place: &Workplace, service: &Service, args: &[&str]) -> (i32, String, String) {
    place.run(&[&["client", "order"], args, &["--url", service.url.as_str()]].concat())
}

/// The same, which has to succeed: stdout and stderr.
fn done(place: &Workplace, service: &Service, args: &[&str]) -> (String, String) {
    let (code, stdout, stderr) = run(place, service, args);
    assert_eq!(code, 0, "{args:?}: {stderr}");
    (stdout, stderr)
}

/// The names in a folder.
fn names(place: &Workplace, folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(place.path(folder)).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
    names.sort();
    names
}

fn write(place: &Workplace, name: &str, bytes: impl AsRef<[u8]>) {
    let path = place.path(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(path, bytes).expect("written");
}

#[tokio::test]
async fn a_folder_becomes_an_order_and_its_pictures() {
    let place = Workplace::new();
    let service = place.start();
    output_type(&service, "Front", tiny(), json!({})).await;
    let sides = json!({"width": 32, "height": 24, "samples": 4, "denoise": "off", "views": ["front", "top"]});
    output_type(&service, "Sides", sides, json!({"kind": "views"})).await;
    write(&place, "parts/6204.glb", boxes());
    write(&place, "parts/6205 2RS.GLB", two_boxes());
    write(&place, "parts/6206.glb", boxes());
    write(&place, "parts/readme.txt", "nothing");
    write(&place, "parts/below/6207.glb", boxes());
    let create =
        ["create", "--folder", "parts", "--output-type", "Front", "--output-type", "Sides", "--notes", "for 2027"];
    let (stdout, stderr) = done(&place, &service, &[&create[..], &["--submit", "--dispatch", "-o", "out"]].concat());
    let number = stdout.trim();
    assert!(number.starts_with("ORD-"), "{stdout}");
    for told in
        ["uploaded 2 files, made 3 products\n", "6 lines of 3 products", "dispatched: 6 lines", "saved: 9 files, "]
    {
        assert!(stderr.contains(told), "{told}: {stderr}");
    }
    assert!(!stderr.contains("to be dispatched"), "{stderr}");
    let saved = names(&place, "out");
    assert_eq!(saved.len(), 9, "{saved:?}");
    for name in ["6204__Front__result.png", "6205 2RS__Sides__front.png", "6206__Sides__top.png"] {
        assert!(saved.iter().any(|saved| saved == name), "{name} in {saved:?}");
        assert!(std::fs::read(place.path("out").join(name)).expect("saved").starts_with(b"\x89PNG"));
    }
    assert_eq!(
        get(&service, "/api/v1/cad-files").await["items"].as_array().map(Vec::len),
        Some(2),
        "each content once"
    );
    let order = get(&service, &format!("/api/orders?order_number={number}")).await["items"][0].clone();
    assert_eq!((&order["status"], &order["notes"]), (&json!("completed"), &json!("for 2027")));

    // The same products once more: nothing is uploaded or made, and the order is named by its id too.
    let (stdout, stderr) = done(&place, &service, &[&create[..], &["--number", "PO 4711/ü", "--json"]].concat());
    let second: Value = serde_json::from_str(&stdout).expect("one JSON object");
    assert_eq!((&second["order_number"], &second["status"]), (&json!("PO 4711/ü"), &json!("draft")), "{stderr}");
    let id = second["id"].as_str().expect("an id");
    let (shown, _) = done(&place, &service, &["show", id]);
    assert!(shown.contains("PO 4711/ü") && shown.contains("6205 2RS"), "{shown}");
    let (same, _) = done(&place, &service, &["show", "PO 4711/ü", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&same).expect("one JSON object")["id"], id);
    let (listed, _) = done(&place, &service, &["list"]);
    assert!(listed.lines().nth(1).is_some_and(|line| line.starts_with("PO 4711/ü")), "{listed}");
    assert!(listed.contains(number) && listed.contains("6/6"), "{listed}");
    let (listed, _) = done(&place, &service, &["list", "--status", "draft", "--json"]);
    let listed: Value = serde_json::from_str(&listed).expect("one JSON object");
    assert_eq!((listed["items"].as_array().map(Vec::len), &listed["next_cursor"]), (Some(1), &Value::Null));
    assert_eq!(get(&service, "/api/v1/products").await["items"].as_array().map(Vec::len), Some(3));

    // What is there stays; what has changed stays too, unless it may go.
    let (_, stderr) = done(&place, &service, &["download", number, "-o", "out"]);
    assert!(stderr.contains("nothing new; 9 files are already in out"), "{stderr}");
    std::fs::remove_file(place.path("out/6204__Front__result.png")).expect("removed");
    write(&place, "out/6206__Front__result.png", "mine");
    let (code, _, stderr) = run(&place, &service, &["download", number, "-o", "out"]);
    assert_eq!(code, 6, "{stderr}");
    assert!(stderr.contains("error[output.exists]") && stderr.contains("6206__Front__result.png"), "{stderr}");
    assert!(!place.path("out/6204__Front__result.png").exists(), "nothing is saved then");
    let (stdout, _) = done(&place, &service, &["download", number, "-o", "out", "--force", "--json"]);
    let all: Value = serde_json::from_str(&stdout).expect("one JSON object");
    assert_eq!((all["files"].as_array().map(Vec::len), &all["lines_without_files"]), (Some(9), &json!([])));
    for name in ["6204__Front__result.png", "6206__Front__result.png"] {
        assert!(std::fs::read(place.path("out").join(name)).expect("saved").starts_with(b"\x89PNG"), "{name}");
    }
    assert_eq!(names(&place, "out"), saved, "no temporary file is left");
    done(&place, &service, &["download", number]);
    assert_eq!(names(&place, number), saved, "without a folder, the number is one");
}

#[tokio::test]
async fn every_wrong_row_of_a_sheet_is_named_and_nothing_is_made() {
    let place = Workplace::new();
    let service = place.start();
    output_type(&service, "Front", tiny(), json!({})).await;
    for pim_id in ["6204", "6208"] {
        ask(&service, Method::POST, "/api/v1/products", &json!({"pim_id": pim_id, "name": "Lager"})).await;
    }
    write(&place, "sheets/parts/6205.glb", boxes());
    write(&place, "sheets/parts/broken.glb", &boxes()[..100]);
    write(&place, "sheets/parts/text.txt", "nothing");
    let sheet = "pim_id;file;output_typ;output_type;order_number\n\
                 6204;parts/6205.glb;;Front;PO 1\n\
                 6209;;;Front;\n\
                 6205;parts/6205.glb;;Frnt;\n\
                 ;;;Front;\n\
                 ;parts/gone.glb;;Front;\n\
                 ;parts/broken.glb;;Front;PO 2\n\
                 ;parts/text.txt;;Front;\n\
                 6208;;;Front;\n\
                 6205;parts/6205.glb;;;\n\
                 broken;-;;Front;\n";
    write(&place, "sheets/order.csv", sheet);
    let (code, stdout, stderr) = run(&place, &service, &["create", "sheets/order.csv"]);
    assert_eq!((code, stdout.as_str()), (3, ""), "{stderr}");
    for (error, row) in [
        ("sheet.product_not_found", "row 3"),
        ("sheet.output_type_not_found", "row 4"),
        ("sheet.missing", "row 5"),
        ("glb.file_missing", "row 6"),
        ("glb.truncated", "row 7"),
        ("sheet.conflict", "row 7, order_number"),
        ("sheet.not_cad", "row 8"),
        ("sheet.missing", "row 9"),
        ("sheet.missing", "row 10"),
    ] {
        let told = format!("  at: sheets/order.csv: {row}");
        let is_told = stderr.split("error[").any(|one| one.starts_with(error) && one.contains(&told));
        assert!(is_told, "{error} at {row}: {stderr}");
    }
    assert!(stderr.contains("`output_typ` means nothing here; did you mean `output_type`?"), "{stderr}");
    assert!(stderr.contains("did you mean `Front`?"), "{stderr}");
    assert!(!stderr.contains("row 2"), "a product without a file gets one: {stderr}");
    assert!(!stderr.contains("row 11"), "what is wrong with its file is told in row 7: {stderr}");
    assert_eq!(get(&service, "/api/orders").await["items"], json!([]));
    assert_eq!(get(&service, "/api/v1/cad-files").await["items"], json!([]));

    let sheet = "\u{feff}PIM_ID,file,name,output_type,notes\n6204,parts/6205.glb,,,\n6205,parts/6205.glb,Lager 6205,,two rows\n6205,,,Front,\n";
    write(&place, "sheets/order.csv", sheet);
    let (stdout, stderr) = done(&place, &service, &["create", "sheets/order.csv", "--output-type", "Front", "--json"]);
    let order: Value = serde_json::from_str(&stdout).expect("one JSON object");
    assert_eq!((order["lines"].as_array().map(Vec::len), &order["notes"]), (Some(3), &json!("two rows")), "{stderr}");
    let products = get(&service, "/api/v1/products?pim_id=6205").await;
    assert_eq!(products["items"][0]["name"], "Lager 6205");
    assert!(get(&service, "/api/v1/products?pim_id=6204").await["items"][0]["cad_file_id"].is_string());

    // Another file of a product that has one is no accident.
    write(&place, "sheets/parts/6205.glb", two_boxes());
    let again = ["create", "sheets/order.csv", "--output-type", "Front"];
    let (code, _, stderr) = run(&place, &service, &again);
    assert_eq!(code, 3, "{stderr}");
    assert_eq!(stderr.matches("error[sheet.file_differs]").count(), 2, "{stderr}");
    done(&place, &service, &[&again[..], &["--replace-files"]].concat());
    let number = order["order_number"].as_str().expect("a number");
    let (code, _, stderr) = run(&place, &service, &[&again[..], &["--number", number]].concat());
    assert!(code == 3 && stderr.contains("error[sheet.number_exists]"), "{stderr}");
    let notes = "x".repeat(10_001);
    let (code, _, stderr) = run(&place, &service, &[&again[..], &["--number", " 1", "--notes", &notes]].concat());
    assert_eq!((code, stderr.matches("error[sheet.invalid_value]: expected 1 to ").count()), (3, 2), "{stderr}");
    assert!(stderr.contains("at: --number") && stderr.contains("at: --notes"), "{stderr}");
    let config = json!({"max_order_size": 2});
    ask(&service, Method::PATCH, "/api/v1/tenant/config", &config).await;
    let (code, _, stderr) = run(&place, &service, &again);
    assert!(code == 3 && stderr.contains("error[sheet.too_large]: 3 lines"), "{stderr}");
}

#[tokio::test]
async fn who_may_not_do_everything_makes_orders_all_the_same() {
    let place = Workplace::new();
    let service = place.start();
    output_type(&service, "Front", tiny(), json!({})).await;
    write(&place, "parts/6204.glb", boxes());
    done(&place, &service, &["create", "--folder", "parts", "--output-type", "Front"]);
    ask(&service, Method::PATCH, "/api/v1/tenant/config", &json!({"max_order_size": 2})).await;
    let made = |args: &[&str]| {
        let (code, stdout, stderr) = place.run(&[&["admin"], args].concat());
        assert_eq!(code, 0, "{stderr}");
        stdout.trim().to_owned()
    };
    write(&place, "order.csv", "pim_id\n6204\n");
    write(&place, "large.csv", "pim_id\n6204\n6204\n6204\n");
    let create = ["--output-type", "Front", "--json", "--key"];

    // A key for orders does not see how large they may be: the service counts the lines.
    let key = made(&["create-key", "--scope", "orders:write", "--scope", "catalog:read"]);
    done(&place, &service, &[&["create", "order.csv"], &create[..], &[key.as_str()]].concat());
    let large = [&["create", "large.csv"], &create[..], &[key.as_str()]].concat();
    let (code, _, stderr) = run(&place, &service, &large);
    assert!(code == 7 && stderr.contains("error[service.order_too_large]"), "{stderr}");

    // A client does not dispatch: the order is there, and both outputs name it.
    write(&place, "password", "several words together\n");
    made(&["create-user", "--email", "cleo@test", "--role", "client", "--password-file", "password"]);
    let sign_in = json!({"email": "cleo@test", "password": "several words together"});
    let tokens = ask(&service, Method::POST, "/api/auth/login", &sign_in).await;
    let token = tokens["access_token"].as_str().expect("a token");
    let dispatch = [&["create", "order.csv", "--dispatch"], &create[..], &[token]].concat();
    let (code, stdout, stderr) = run(&place, &service, &dispatch);
    let order: Value = serde_json::from_str(&stdout).expect("one JSON object");
    let at = format!("  at: {}", order["order_number"].as_str().expect("a number"));
    assert!(code == 7 && stderr.contains("error[service.forbidden]") && stderr.contains(&at), "{stderr}");
}

#[tokio::test]
async fn lines_that_do_not_complete_are_exit_7_and_the_others_are_saved() {
    let place = Workplace::new();
    let service = place.start();
    output_type(&service, "Front", tiny(), json!({})).await;
    output_type(&service, "Strict", tiny(), json!({"max_unmapped": 0})).await;
    write(&place, "parts/6204.glb", boxes());
    let create = ["create", "--folder", "parts", "--output-type", "Front", "--output-type", "Strict"];
    let (code, stdout, stderr) = run(&place, &service, &[&create[..], &["--dispatch", "-o", "out"]].concat());
    assert_eq!(code, 7, "{stderr}");
    let number = stdout.trim();
    assert!(
        stderr.contains("error[service.line_failed]: the line failed: ") && stderr.contains("at: 6204, Strict"),
        "{stderr}"
    );
    assert!(stderr.contains(&format!("`packshot client order dispatch {number}")), "{stderr}");
    assert_eq!(names(&place, "out"), ["6204__Front__result.png"]);
    let (code, stdout, _) = run(&place, &service, &["watch", number, "--json"]);
    let order: Value = serde_json::from_str(&stdout).expect("one JSON object");
    assert_eq!((code, &order["line_counts"]["failed"]), (7, &json!(1)));
    let (shown, _) = done(&place, &service, &["show", number]);
    assert!(shown.contains("failed") && shown.contains("Strict"), "{shown}");

    let (stdout, _) = done(&place, &service, &["cancel", number]);
    assert!(stdout.contains("nothing to cancel"), "{stdout}");
    done(&place, &service, &["submit", number]);
    let (code, _, stderr) = run(&place, &service, &["submit", number]);
    assert!(code == 7 && stderr.contains("error[service.order_not_submittable]"), "{stderr}");

    // A rejected order is opened again.
    let (second, _) = done(&place, &service, &[&create[..], &["--submit"]].concat());
    let second = second.trim();
    done(&place, &service, &["reject", second, "--reason", "Wrong housing"]);
    let (code, _, stderr) = run(&place, &service, &["watch", second]);
    assert_eq!(code, 7, "{stderr}");
    assert!(stderr.contains("error[service.order_rejected]: the order was rejected: Wrong housing"), "{stderr}");
    let (code, _, stderr) = run(&place, &service, &["dispatch", second]);
    assert!(code == 7 && stderr.contains("error[service.order_rejected]"), "{stderr}");
    let (code, _, stderr) = run(&place, &service, &["download", second, "-o", "out"]);
    assert!(code == 7 && stderr.contains("error[client.no_pictures]"), "{stderr}");
    done(&place, &service, &["resubmit", second]);
    let (shown, _) = done(&place, &service, &["show", second]);
    assert!(shown.contains("draft"), "{shown}");

    let empty = ask(&service, Method::POST, "/api/orders", &json!({})).await;
    let (code, _, stderr) = run(&place, &service, &["watch", empty["id"].as_str().expect("an id")]);
    assert!(code == 7 && stderr.contains("error[client.no_lines]"), "{stderr}");
    for verb in ["show", "submit", "dispatch", "watch", "download", "cancel", "resubmit"] {
        let (code, _, stderr) = run(&place, &service, &[verb, "PO 9"]);
        assert!(
            code == 7 && stderr.contains("error[service.order_not_found]: there is no order `PO 9`"),
            "{verb}: {stderr}"
        );
    }
    let nobody = ["client", "order", "list", "--url", "http://127.0.0.1:9", "--retry-for", "0"];
    let (code, _, stderr) = place.run(&nobody);
    assert!(code == 7 && stderr.contains("error[client.unreachable]"), "{stderr}");
}

/// An order of pictures that take some seconds each.
async fn long(place: &Workplace, service: &Service, seconds: u32) -> String {
    let settings = json!({"width": 256, "height": 256, "samples": 65_536, "noise_threshold": 0, "max_time_s": seconds});
    output_type(service, "Long", settings, json!({})).await;
    write(place, "parts/6204.glb", boxes());
    write(place, "parts/6205.glb", two_boxes());
    let (number, _) = done(place, service, &["create", "--folder", "parts", "--output-type", "Long", "--submit"]);
    number.trim().to_owned()
}

async fn is_rendering(service: &Service, number: &str) -> bool {
    let order = get(service, &format!("/api/orders?order_number={number}")).await;
    order["items"][0]["line_counts"]["processing"] != 0
}

#[tokio::test]
async fn who_watches_an_order_goes_on_when_the_service_is_back() {
    let place = Workplace::new();
    let service = place.start();
    let number = long(&place, &service, 2).await;
    let watch = place
        .command(&["client", "order", "dispatch", &number, "-o", "out", "--url", &service.url])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    until("it renders", SOON, async || is_rendering(&service, &number).await).await;
    let address = service.url.trim_start_matches("http://").to_owned();
    service.kill();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let _service = place.start_with(&["--listen", &address]);
    let output = watch.wait_with_output().expect("ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("retrying for up to 5:00 min") && stderr.contains("saved: 2 files, "), "{stderr}");
    assert_eq!(names(&place, "out"), ["6204__Long__result.png", "6205__Long__result.png"]);
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_ends_the_watching_of_an_order_and_cancel_its_renders() {
    let place = Workplace::new();
    let service = place.start();
    let number = long(&place, &service, 600).await;
    done(&place, &service, &["dispatch", &number]);
    let watch = place
        .command(&["client", "order", "watch", &number, "--url", &service.url])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    until("it renders", SOON, async || is_rendering(&service, &number).await).await;
    until("the watching listens to Ctrl-C", SOON, async || crate::client::catches_interrupts(watch.id())).await;
    let signalled = std::process::Command::new("kill").args(["-INT", &watch.id().to_string()]).status();
    assert!(signalled.expect("kill runs").success());
    let output = watch.wait_with_output().expect("ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains(&format!("packshot client order cancel {number}")), "{stderr}");
    assert!(is_rendering(&service, &number).await, "it goes on");

    let (stdout, _) = done(&place, &service, &["cancel", &number]);
    assert_eq!(stdout, "cancelled: 2 lines\n");
    let (code, _, stderr) = run(&place, &service, &["watch", &number]);
    assert_eq!(code, 7, "{stderr}");
    assert_eq!(stderr.matches("error[service.line_cancelled]").count(), 2, "{stderr}");
}
