//! `packshot verify` with what a service has rendered.

use std::io::{Cursor, Read};
use std::time::Duration;

use packshot_contract::job::{Job, JobState};
use serde_json::{Value, json};
use zip::ZipArchive;

use crate::service::{Service, Workplace, http, submission, until};

const MANIFEST: &str = ".packshot/manifest.cbor";

/// How many packages are rendered again; `scripts/soak` asks for 20 by PACKSHOT_RERENDERED.
fn n_rerendered() -> usize {
    std::env::var("PACKSHOT_RERENDERED").map_or(2, |n| n.parse().expect("a number"))
}

/// Renders a request.
async fn completed(service: &Service, request: &Value) -> Job {
    let client = service.client();
    let id = client.submit(&submission(request)).await.expect("it is taken").id;
    let has_ended = || async { client.job(id).await.expect("it is there").state.is_terminal() };
    until("the job has ended", Duration::from_mins(2), has_ended).await;
    let job = client.job(id).await.expect("it is there");
    assert_eq!(job.state, JobState::Completed, "{request}: {:?}", job.error);
    job
}

/// The body of a GET of a path of the API.
async fn body(service: &Service, path: &str) -> Vec<u8> {
    let url = format!("{}/api/v1/{path}", service.url);
    let answer = http().get(url).send().await.expect("an answer").error_for_status().expect(path);
    answer.bytes().await.expect("a body").to_vec()
}

/// Renders a request and saves its files and its provenance, `provenance.json`; gives the names of the files.
async fn saved(place: &Workplace, service: &Service, request: &Value) -> Vec<String> {
    let job = completed(service, request).await;
    let mut names = Vec::new();
    for file in &job.result.expect("it has completed").files {
        let bytes = service.client().fetch(file).await.expect("it is there");
        std::fs::write(place.path(&file.name), bytes).expect("written");
        names.push(file.name.clone());
    }
    let provenance = body(service, &format!("renders/{}/provenance", job.id)).await;
    std::fs::write(place.path("provenance.json"), provenance).expect("written");
    names
}

/// Renders a request and saves the archive of its package, `archive.zip`, and what that unpacks to, `pack`; gives the
/// digest of the manifest and the names of the files.
async fn packed(place: &Workplace, service: &Service, request: &Value) -> (String, Vec<String>) {
    let job = completed(service, request).await;
    let listed = body(service, &format!("packages?job_id={}", job.id)).await;
    let listed: Value = serde_json::from_slice(&listed).expect("JSON");
    let items = listed["items"].as_array().expect("a list");
    assert_eq!(items.len(), 1, "one package of {request}: {listed}");
    let [id, digest] = ["id", "manifest_digest"].map(|name| items[0][name].as_str().expect("text").to_owned());
    let archive = body(service, &format!("packages/{id}/archive.zip")).await;
    std::fs::write(place.path("archive.zip"), &archive).expect("written");
    let pack = place.path("pack");
    if pack.exists() {
        std::fs::remove_dir_all(&pack).expect("removed");
    }
    let mut archive = ZipArchive::new(Cursor::new(archive)).expect("an archive");
    let names = archive.file_names_raw().map(|name| String::from_utf8_lossy(name).into_owned());
    let names: Vec<String> = names.collect();
    for name in &names {
        let mut bytes = Vec::new();
        archive.by_name(name).expect("an entry").read_to_end(&mut bytes).expect("readable");
        let path = pack.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, bytes).expect("written");
    }
    (digest, names)
}

/// Twenty requests of every kind: stills in different formats and with different options, a view set, a turntable.
fn requests() -> Vec<Value> {
    let turntable = json!({"kind": "turntable", "frame_count": 2, "formats": ["webp", "png"]});
    let mut requests = vec![
        json!({"seed": 3, "formats": ["png", "exr"]}),
        turntable,
        json!({"kind": "views", "views": ["front", "right"]}),
    ];
    for format in ["jpg", "webp", "avif", "tiff"] {
        requests.push(json!({"formats": [format], "view": "left"}));
    }
    requests.extend([
        json!({"azimuth_deg": -30.5, "elevation_deg": 12.25}),
        json!({"view": "left", "lens_mm": 35, "dof": 2}),
        json!({"ortho": true, "view": "top"}),
        json!({"ground": "shadow"}),
        json!({"ground": "reflection", "ground_roughness": 0.2}),
        json!({"light": "studio_contrast", "light_rotation_deg": 77}),
        json!({"background": "#336699", "view_transform": "khronos_neutral", "exposure_ev": 0.3}),
        json!({"rotate_deg": [-30, 15.5, 90], "smooth_deg": 95}),
        json!({"lay": "flat"}),
        json!({"clay": true}),
        json!({"material": ["Pin_01=Brass", "Lid=PMMA"]}),
        json!({"edges": true, "line_width_px": 2}),
        json!({"seed": 7, "filter": "box", "denoise": "on"}),
        json!({"template": "hero_dark"}),
    ]);
    for request in &mut requests {
        for (name, value) in [("width", 32), ("height", 24), ("samples", 4)] {
            request[name] = json!(value);
        }
    }
    requests
}

/// What `packshot verify` says of the unpacked package when one byte of a file of it is another.
fn with_a_changed_byte(place: &Workplace, name: &str, digest: &str) -> (i32, String) {
    let path = place.path("pack").join(name);
    let sound = std::fs::read(&path).expect("unpacked");
    let mut changed = sound.clone();
    changed[sound.len() / 2] ^= 1;
    std::fs::write(&path, changed).expect("written");
    let (code, _, stderr) = place.run(&["verify", "pack", "--manifest-digest", digest]);
    std::fs::write(&path, sound).expect("written");
    (code, stderr)
}

#[tokio::test]
async fn a61_archives_rendered_again_are_equal() {
    let place = Workplace::new();
    let service = place.start();
    let requests = requests();
    assert_eq!(requests.len(), 21);
    for request in requests.iter().cycle().take(n_rerendered()) {
        let (digest, names) = packed(&place, &service, request).await;
        let again = ["verify", "archive.zip", "--rerender", "--scene", "boxes.glb", "--manifest-digest", &digest];
        let (code, stdout, stderr) = place.run(&again);
        assert_eq!(code, 0, "{request}: {stdout}{stderr}");
        assert!(stdout.contains("rendering again gives the same bytes"), "{request}: {stdout}");
        let pictures: Vec<&String> =
            names.iter().filter(|name| *name != MANIFEST && !name.ends_with(".json")).collect();
        assert!(!pictures.is_empty(), "{request}: {names:?}");
        for name in pictures {
            let (code, stderr) = with_a_changed_byte(&place, name, &digest);
            assert_eq!(code, 9, "{name} of {request}: {stderr}");
            let is_named = stderr.contains("error[verify.changed]: ") && stderr.contains(&format!("at: {name}\n"));
            assert!(is_named, "{name} of {request}: {stderr}");
        }
        let (code, stderr) = with_a_changed_byte(&place, MANIFEST, &digest);
        assert_eq!(code, 9, "{request}: {stderr}");
        assert!(stderr.contains("error[verify.manifest_changed]: "), "{request}: {stderr}");
        let (code, _, stderr) = place.run(&["verify", "pack", "--manifest-digest", &digest]);
        assert_eq!(code, 0, "{request}: {stderr}");
    }
    println!("{} packages: rendered again with the same bytes, each changed byte named", n_rerendered());
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
