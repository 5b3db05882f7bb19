//! A converter of CAD files does not outlive the service, however that ends.

#![cfg(target_os = "linux")]

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::service::{SOON, Service, Workplace, boxes, http, until};

const STEP: &str = "ISO-10303-21;\nHEADER;\nENDSEC;\nEND-ISO-10303-21;\n";
/// A killed service's programs are gone within this time.
const GONE: Duration = Duration::from_secs(2);

/// Waits for ever with another process, and neither ends when it is asked to; with a file `go`, makes a GLB.
const SCRIPT: &str = r#"
out=$(sed 's/.*"output_path":"\([^"]*\)".*/\1/')
if [ -e "$1/go" ]; then exec cp "$1/boxes.glb" "$out"; fi
env > "$1/env"
trap "" TERM
sh -c 'echo $$ > "$0/grandchild"; while :; do sleep 0.1; done' "$1" &
echo $$ > "$1/child"
wait
"#;

/// A service with this converter.
fn start(place: &Workplace) -> Service {
    let config = place.path("packshot.toml");
    let (script, folder) = (place.path("convert.sh"), place.path(""));
    let command = format!("cad_converter = [\"/bin/sh\", \"{}\", \"{}\"]\n", script.display(), folder.display());
    std::fs::write(&config, command).expect("written");
    std::fs::write(script, SCRIPT).expect("written");
    std::fs::write(place.path("boxes.glb"), boxes()).expect("written");
    place.start_with(&["--config", config.to_str().expect("Unicode")])
}

async fn get(service: &Service, path: &str) -> Value {
    let answer = http().get(format!("{}{path}", service.url)).send().await.expect("an answer");
    answer.json().await.expect("JSON")
}

async fn upload(service: &Service) -> String {
    let part = reqwest::multipart::Part::text(STEP).file_name("bearing.step");
    let form = reqwest::multipart::Form::new().part("file", part);
    let sent = http().post(format!("{}/api/v1/cad-files", service.url)).multipart(form).send().await;
    let file: Value = sent.expect("an answer").json().await.expect("JSON");
    format!("/api/v1/cad-files/{}", file["id"].as_str().expect("an id"))
}

/// The processes of the converter, once there are both.
async fn processes(place: &Workplace) -> Vec<String> {
    let read = |name: &str| std::fs::read_to_string(place.path(name)).unwrap_or_default().trim().to_owned();
    until("the converter runs", SOON, || {
        let run = !read("child").is_empty() && !read("grandchild").is_empty();
        async move { run }
    })
    .await;
    vec![read("child"), read("grandchild")]
}

fn alive(processes: &[String]) -> bool {
    processes.iter().any(|pid| Path::new("/proc").join(pid).exists())
}

#[tokio::test]
async fn r93_no_process_of_a_converter_outlives_a_killed_service() {
    let place = Workplace::new();
    let service = start(&place);
    let file = upload(&service).await;
    let converter = processes(&place).await;
    assert!(alive(&converter));
    service.kill();
    until("they are gone", GONE, || {
        let gone = !alive(&converter);
        async move { gone }
    })
    .await;
    let variables = std::fs::read_to_string(place.path("env")).expect("what it was started with");
    assert!(!variables.contains("PACKSHOT_"), "settings are none of its business: {variables}");

    let service = start(&place);
    let again = get(&service, &file).await;
    assert_eq!((&again["status"], &again["job_doc"]["attempt"]), (&"uploaded".into(), &1.into()), "{again}");
    std::fs::write(place.path("go"), "").expect("written");
    until("it is converted", SOON, async || get(&service, &file).await["status"] == "ready").await;
    assert_eq!(get(&service, &file).await["job_doc"]["attempt"], 2);
    let left = std::fs::read_dir(place.data().join("scratch/convert")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "the killed conversion's folder is removed");
}
