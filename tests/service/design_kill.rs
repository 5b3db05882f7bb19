//! The service is killed at any moment of a design job, and of a fix that is applied. `scripts/soak designs` does the
//! same many more times.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::multipart::{Form, Part as FormPart};
use serde_json::{Value, json};

use crate::product;
use crate::service::{SOON, Service, Workplace, files_below, http, until};
use crate::workflow_client::ask;

/// How often the service is killed.
const ROUNDS: u32 = 4;
const JOBS: &str = "/admin/render-engine/jobs";
const REVIEWS: &str = "/api/v1/material-reviews";
/// Equal jobs are computed once: each has a seed of its own.
static NEXT_SEED: AtomicU32 = AtomicU32::new(1);
const VIEWS: [&str; 2] = ["front_0deg", "back_180deg"];

async fn get(service: &Service, path: &str) -> Value {
    ask(service, Method::GET, path, &Value::Null).await
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("text, not {value}"))
}

fn items(page: &Value) -> &[Value] {
    page["items"].as_array().unwrap_or_else(|| panic!("a list: {page}"))
}

/// A green square with a transparent frame.
fn logo() -> Vec<u8> {
    let inside = |x: u32, y: u32| (4..28).contains(&x) && (4..28).contains(&y);
    let pixel = |i: u32| if inside(i % 32, i / 32) { [20, 220, 30, 255] } else { [0; 4] };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 32, 32);
    encoder.set_color(png::ColorType::Rgba);
    let mut writer = encoder.write_header().expect("written");
    writer.write_image_data((0..32 * 32).map(pixel).collect::<Vec<_>>().as_flattened()).expect("written");
    writer.finish().expect("written");
    bytes
}

/// Three boxes, one with a name that nothing matches.
const BOXES: [product::Part; 3] = [
    product::Part { name: "Base", at: [-0.03, 0.0, 0.0], material: None },
    product::Part { name: "Lid", at: [0.0, 0.0, 0.0], material: None },
    product::Part { name: "Steel_Bar", at: [0.03, 0.0, 0.0], material: None },
];

/// A product of these, of which two have a material.
async fn product_of(service: &Service, name: &str) -> String {
    let file = Form::new().part("file", FormPart::bytes(product::glb(&BOXES)).file_name("boxes.glb"));
    let sent = http().post(format!("{}/api/v1/cad-files", service.url)).multipart(file).send().await;
    let file: Value = sent.expect("an answer").json().await.expect("a CAD file");
    let materials = ["Base", "Lid"].map(|part| json!({"part_name": part, "material": "STD_010101_Steel-Bare"}));
    let product = json!({
        "pim_id": name, "name": name, "cad_file_id": file["id"], "cad_part_materials": materials,
    });
    text(&ask(service, Method::POST, "/api/v1/products", &product).await["id"]).to_owned()
}

/// Starts a design job, whose answer has come.
async fn start(service: &Service, product: &str) -> String {
    let request = json!({
        "product_id": product, "area": {"part": "Lid"}, "placement": {"at": "front", "width": 18}, "views": VIEWS,
        "width": 64, "height": 64, "samples": 256, "noise_threshold": 0, "denoise": "off", "texture_px": 512,
        "seed": NEXT_SEED.fetch_add(1, Ordering::Relaxed),
    });
    let form = Form::new().part("design", FormPart::bytes(logo()).file_name("logo.png"));
    let form = form.text("request", request.to_string());
    let sent = http().post(format!("{}{JOBS}", service.url)).multipart(form).send().await.expect("an answer");
    let status = sent.status();
    let job: Value = sent.json().await.expect("JSON");
    assert_eq!(status, 202, "{job}");
    text(&job["id"]).to_owned()
}

/// A design job at its end.
async fn ended(service: &Service, job: &str) -> Value {
    let path = format!("{JOBS}/{job}");
    let has_ended = |job: &Value| ["completed", "failed", "cancelled"].iter().any(|status| job["status"] == *status);
    until("the job ends", SOON, async || has_ended(&get(service, &path).await)).await;
    get(service, &path).await
}

/// What must be there of a job that has completed, and nothing else of it: each asset once, each entry once, no folder.
async fn is_whole(service: &Service, place: &Workplace, product: &str, job: &Value) {
    assert_eq!(job["status"], "completed", "{job}");
    let id = text(&job["id"]);
    let shown: Vec<&str> =
        job["outputs"].as_array().expect("outputs").iter().map(|of| text(&of["view_name"])).collect();
    assert_eq!(shown, VIEWS, "{job}");
    let path = format!("/api/media/assets?design_job_id={id}&state=published,unpublished,superseded&page_size=50");
    let mut types: Vec<String> =
        items(&get(service, &path).await).iter().map(|asset| text(&asset["asset_type"]).to_owned()).collect();
    types.sort();
    assert_eq!(types, ["design", "design_texture", "view", "view"], "each asset once");
    let gallery = get(service, &format!("/api/v1/products/{product}/media")).await;
    let own =
        items(&gallery).iter().filter(|item| item["asset"]["design_job_id"] == id).map(|item| &item["asset"]["id"]);
    let wanted: Vec<&Value> = job["outputs"].as_array().expect("outputs").iter().map(|of| &of["asset_id"]).collect();
    assert_eq!(own.collect::<Vec<_>>(), wanted, "each entry once");
    let packages = get(service, &format!("/api/v1/packages?subject=design_job:{id}")).await;
    assert_eq!(items(&packages).len(), 3, "design, texture, pictures: {packages}");
    let states: Vec<&Value> = job["steps"].as_array().expect("steps").iter().map(|step| &step["status"]).collect();
    assert_eq!(states, [&json!("done"); 7], "{job}");
    let folder = place.data().join("tmp/design-jobs");
    until("the working folder is gone", SOON, async || files_below(&folder).is_empty()).await;
    let left = std::fs::read_dir(&folder).map_or(0, Iterator::count);
    assert_eq!(left, 0, "D23");
}

#[tokio::test]
async fn d23_d33_a_design_job_that_is_killed_anywhere_ends_once() {
    a_design_job_is_killed(&[]).await;
}

#[tokio::test]
async fn d23_d33_so_it_does_on_postgresql() {
    let Some(url) = crate::postgres::database().await else { return };
    a_design_job_is_killed(&["--database-url", &url]).await;
}

async fn a_design_job_is_killed(args: &[&str]) {
    let place = Workplace::new();
    let mut service = place.start_with(args);
    let product = product_of(&service, "boxes").await;
    let begun = Instant::now();
    let job = ended(&service, &start(&service, &product).await).await;
    let whole = begun.elapsed();
    is_whole(&service, &place, &product, &job).await;
    for round in 0..ROUNDS {
        let id = start(&service, &product).await;
        // From the answer to the end, by the golden ratio.
        let share = (f64::from(round) * 0.618_033_988 + 0.3).fract();
        tokio::time::sleep(whole.mul_f64(share)).await;
        service.kill();
        service = place.start_with(args);
        let job = ended(&service, &id).await;
        is_whole(&service, &place, &product, &job).await;
        let product = get(&service, &format!("/api/v1/products/{product}")).await;
        assert_eq!(product["thumbnail_asset_id"], job["outputs"][0]["asset_id"]);
    }
    let jobs = get(&service, JOBS).await;
    assert_eq!(items(&jobs).len(), 1 + ROUNDS as usize);
}

/// Whether a fix was applied, which is asked in three ways that must agree: its stamp, its alias, what is rendered.
async fn was_applied(service: &Service, before: &Value, fix: &str, n_jobs: usize) -> bool {
    let review = get(service, &format!("{REVIEWS}/{}", text(&before["id"]))).await;
    let fix = review["fixes"].as_array().expect("fixes").iter().find(|of| of["id"] == fix).expect("the fix").clone();
    let aliases = get(service, "/api/v1/material-aliases").await;
    let alias = items(&aliases).iter().find(|alias| alias["fix_id"] == fix["id"]);
    let jobs = items(&get(service, JOBS).await).len();
    let stamped = fix["applied_at"].is_string();
    let version = |review: &Value| review["state_version"].as_i64().expect("a number");
    assert_eq!((alias.is_some(), jobs > n_jobs), (stamped, stamped), "all of it or nothing: {fix} {aliases}");
    assert_eq!(alias.map(|alias| &alias["id"]), Some(&fix["alias_id"]).filter(|id| !id.is_null()));
    assert_eq!(fix["rerender"].is_object(), stamped);
    if stamped {
        assert_eq!(fix["rerender"]["task_ids"].as_array().map(Vec::len), Some(3), "the three tasks of the new job");
        assert!(version(&review) > version(before));
    } else {
        assert_eq!(version(&review), version(before));
    }
    stamped
}

#[tokio::test]
async fn f50_a_kill_leaves_an_apply_done_or_not_begun() {
    an_apply_is_killed(&[]).await;
}

#[tokio::test]
async fn f50_so_it_does_on_postgresql() {
    let Some(url) = crate::postgres::database().await else { return };
    an_apply_is_killed(&["--database-url", &url]).await;
}

async fn an_apply_is_killed(args: &[&str]) {
    let place = Workplace::new();
    let mut service = place.start_with(args);
    // How long an apply takes, then moments before, within and after it.
    let mut took = Duration::from_millis(30);
    let mut seen = BTreeSet::new();
    for round in 0..ROUNDS {
        let product = product_of(&service, &format!("boxes {round}")).await;
        let job = ended(&service, &start(&service, &product).await).await;
        assert_eq!(job["status"], "completed", "{job}");
        let reviews = get(&service, &format!("{REVIEWS}?product_id={product}")).await;
        let review = items(&reviews)[0].clone();
        assert_eq!(review["design_job_id"], job["id"], "F51");
        let fixes = review["fixes"].as_array().expect("fixes");
        let fix = text(&fixes.first().unwrap_or_else(|| panic!("nothing is proposed: {review}"))["id"]).to_owned();
        let n_jobs = items(&get(&service, JOBS).await).len();
        let path = format!("{}{REVIEWS}/{}/suggested-fixes/{fix}/apply", service.url, text(&review["id"]));
        let begun = Instant::now();
        let applying = tokio::spawn(http().post(path).json(&json!({})).send());
        match round {
            // The first is not disturbed before its answer.
            0 => {
                let answer = applying.await.expect("no panic").expect("an answer");
                assert_eq!(answer.status(), 200);
                took = begun.elapsed();
            }
            _ => tokio::time::sleep(took.mul_f64(f64::from(round - 1) / f64::from(ROUNDS - 1))).await,
        }
        service.kill();
        service = place.start_with(args);
        let done = was_applied(&service, &review, &fix, n_jobs).await;
        assert!(done || round > 0, "what was answered is there");
        seen.insert(done);
        // Whether or not, applying it again ends as one apply.
        let path = format!("{REVIEWS}/{}/suggested-fixes/{fix}", text(&review["id"]));
        ask(&service, Method::POST, &format!("{path}/apply"), &json!({})).await;
        assert!(was_applied(&service, &review, &fix, n_jobs).await);
        assert_eq!(items(&get(&service, JOBS).await).len(), n_jobs + 1, "one new job");
        let newest = text(&items(&get(&service, JOBS).await)[0]["id"]).to_owned();
        assert_eq!(ended(&service, &newest).await["status"], "completed");
        // So that the next round has a name without a material.
        let failed = json!({"outcome": "applied_failed", "notes": "tried", "rerender": false});
        ask(&service, Method::PATCH, &format!("{path}/outcome"), &failed).await;
    }
    assert!(seen.contains(&true), "{seen:?}");
}
