//! A program that renders order lines does not outlive the service, however that ends.

#![cfg(target_os = "linux")]

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::service::{SOON, Service, Workplace, boxes, http, until};

/// A killed service's programs are gone within this time.
const GONE: Duration = Duration::from_secs(2);

/// Waits for ever with another process, and neither ends when it is asked to; with a file `go`, makes a picture.
const SCRIPT: &str = r#"
out=$(sed 's/.*"output_path":"\([^"]*\)".*/\1/')
if [ -e "$1/go" ]; then exec cp "$1/picture.png" "$out"; fi
trap "" TERM
sh -c 'echo $$ > "$0/grandchild"; while :; do sleep 0.1; done' "$1" &
echo $$ > "$1/child"
wait
"#;

/// A service whose lines this program renders.
fn start(place: &Workplace) -> Service {
    let (config, script, folder) = (place.path("packshot.toml"), place.path("render.sh"), place.path(""));
    let text = format!(
        "legacy_executor = \"script\"\n\n[legacy_executors.script]\nkind = \"command\"\n\
         command = [\"/bin/sh\", \"{}\", \"{}\"]\n",
        script.display(),
        folder.display()
    );
    std::fs::write(&config, text).expect("written");
    std::fs::write(script, SCRIPT).expect("written");
    let mut encoder = png::Encoder::new(std::fs::File::create(place.path("picture.png")).expect("a file"), 2, 2);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().expect("a header").write_image_data(&[90; 12]).expect("written");
    place.start_with(&["--config", config.to_str().expect("Unicode")])
}

async fn get(service: &Service, path: &str) -> Value {
    let answer = http().get(format!("{}{path}", service.url)).send().await.expect("an answer");
    answer.json().await.expect("JSON")
}

async fn post(service: &Service, path: &str, body: &Value) -> Value {
    let answer = http().post(format!("{}{path}", service.url)).json(body).send().await.expect("an answer");
    answer.json().await.expect("JSON")
}

/// Dispatches a line of a new product; gives the paths of the line and of its task.
async fn dispatched(service: &Service) -> [String; 2] {
    let part = reqwest::multipart::Part::bytes(boxes()).file_name("boxes.glb");
    let form = reqwest::multipart::Form::new().part("file", part);
    let sent = http().post(format!("{}/api/v1/cad-files", service.url)).multipart(form).send().await;
    let file: Value = sent.expect("an answer").json().await.expect("JSON");
    let product = json!({"pim_id": "1", "name": "Boxes", "cad_file_id": file["id"]});
    let product = post(service, "/api/v1/products", &product).await;
    let still =
        post(service, "/api/v1/output-types", &json!({"name": "Front", "render_settings": {"width": 16}})).await;
    let lines = json!({"lines": [{"product_id": product["id"], "output_type_id": still["id"]}]});
    let order = post(service, "/api/orders", &lines).await;
    let line = format!("/api/v1/order-lines/{}", order["lines"][0]["id"].as_str().expect("an id"));
    let done = post(service, &format!("{line}/dispatch"), &json!({})).await;
    [line, format!("/api/v1/tasks/{}", done["task_id"].as_str().expect("a task"))]
}

#[tokio::test]
async fn r93_no_process_of_an_executor_outlives_a_killed_service() {
    let place = Workplace::new();
    let service = start(&place);
    let [line, task] = dispatched(&service).await;
    let read = |name: &str| std::fs::read_to_string(place.path(name)).unwrap_or_default().trim().to_owned();
    until("the program runs", SOON, || {
        let run = !read("child").is_empty() && !read("grandchild").is_empty();
        async move { run }
    })
    .await;
    until("the attempt is reported", SOON, async || get(&service, &line).await["render_status"] == "processing").await;
    let processes = [read("child"), read("grandchild")];
    let alive = || processes.iter().any(|pid| Path::new("/proc").join(pid).exists());
    assert!(alive());
    service.kill();
    until("they are gone", GONE, || {
        let gone = !alive();
        async move { gone }
    })
    .await;

    let service = start(&place);
    let again = get(&service, &task).await;
    assert_eq!((&again["state"], &again["attempt"]), (&"queued".into(), &1.into()), "{again}");
    assert_eq!(get(&service, &line).await["render_status"], "pending");
    std::fs::write(place.path("go"), "").expect("written");
    until("the line is rendered", SOON, async || get(&service, &line).await["render_status"] == "completed").await;
    assert_eq!(get(&service, &task).await["attempt"], 2);
    let left = std::fs::read_dir(place.data().join("scratch/executors/script")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "the killed program's folder is removed");
}
