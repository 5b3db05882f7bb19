//! `packshot verify` with what a service has rendered.

use std::time::Duration;

use packshot_contract::job::JobState;
use serde_json::{Value, json};

use crate::service::{Service, Workplace, http, submission, until};

/// Renders a request and saves its files and its provenance, `provenance.json`; gives the names of the files.
async fn saved(place: &Workplace, service: &Service, request: &Value) -> Vec<String> {
    let client = service.client();
    let id = client.submit(&submission(request)).await.expect("it is taken").id;
    let has_ended = || async { client.job(id).await.expect("it is there").state.is_terminal() };
    until("the job has ended", Duration::from_mins(2), has_ended).await;
    let job = client.job(id).await.expect("it is there");
    assert_eq!(job.state, JobState::Completed, "{request}: {:?}", job.error);
    let mut names = Vec::new();
    for file in &job.result.expect("it has completed").files {
        std::fs::write(place.path(&file.name), client.fetch(file).await.expect("it is there")).expect("written");
        names.push(file.name.clone());
    }
    let url = format!("{}/api/v1/renders/{id}/provenance", service.url);
    let answer = http().get(url).send().await.expect("an answer").error_for_status().expect("a provenance");
    std::fs::write(place.path("provenance.json"), answer.bytes().await.expect("a body")).expect("written");
    names
}

#[tokio::test]
async fn a61_the_command_renders_a_provenance_again() {
    let place = Workplace::new();
    let service = place.start();
    let still = json!({"width": 32, "height": 24, "samples": 4, "seed": 3, "formats": ["png", "exr"]});
    let views = json!({"kind": "views", "views": ["front", "right"], "width": 24, "height": 24, "samples": 2});
    let turntable = json!({
        "kind": "turntable", "frame_count": 2, "width": 24, "height": 24, "samples": 2, "formats": ["webp", "png"],
    });
    for request in [still, views, turntable] {
        let names = saved(&place, &service, &request).await;
        assert!(!names.is_empty(), "{request}");
        for name in names {
            let again = ["verify", &name, "--provenance", "provenance.json", "--rerender", "--scene", "boxes.glb"];
            let (code, stdout, stderr) = place.run(&again);
            assert_eq!(code, 0, "{name} of {request}: {stdout}{stderr}");
            assert!(stdout.contains("rendering again gives the same bytes"), "{stdout}");
        }
    }
    let text = std::fs::read_to_string(place.path("provenance.json")).expect("saved");
    let mut other: Value = serde_json::from_str(&text).expect("JSON");
    other["request"]["seed"] = json!(9);
    std::fs::write(place.path("provenance.json"), other.to_string()).expect("written");
    let again =
        ["verify", "result.webp", "--provenance", "provenance.json", "--rerender", "--scene", "boxes.glb", "--json"];
    let (code, stdout, stderr) = place.run(&again);
    assert_eq!(code, 9, "{stderr}");
    assert!(stderr.contains("error[verify.rendered_differently]: "), "{stderr}");
    let found: Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!((&found["ok"], &found["provenance"]["job"]["task_name"]), (&json!(false), &json!("render_turntable")));
}
