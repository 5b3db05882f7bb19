//! A60–A62: how pictures came about, and that nothing of one time or one job is in their files.

use packshot_domain::hash::ContentAddress;
use packshot_json::canonical;
use packshot_renderer::sample;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Reply, TestApp, id, small};
use crate::glb::Glb;

/// Members that have no value where a picture was rendered for nobody's order, by the processor, of an uploaded GLB,
/// without a time limit, in a light of Packshot's own, for a tenant without names of its own for materials.
const WITHOUT_VALUE: [&str; 10] = [
    "/device/driver",
    "/environment/content_address",
    "/job/order_line_id",
    "/job/workflow_node_id",
    "/job/workflow_run_id",
    "/materials/aliases_digest",
    "/sampling/max_time_s",
    "/scene/cad_file_id",
    "/scene/converter",
    "/scene/source_content_address",
];

/// [`small`] with other members.
fn with(members: Value) -> Value {
    let mut request = small();
    for (name, value) in members.as_object().expect("an object") {
        request[name] = value.clone();
    }
    request
}

async fn provenance(app: &TestApp, job: &Value) -> Value {
    let reply = app.get(&format!("/api/v1/renders/{}/provenance", id(job))).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

/// Pointers of all members that are null, outside of the shot and the request.
fn nulls(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        _ if ["/shot", "/request"].contains(&at) => {}
        Value::Null => found.push(at.to_owned()),
        Value::Object(members) => members.iter().for_each(|(name, value)| nulls(value, &format!("{at}/{name}"), found)),
        _ => {}
    }
}

/// Submits a request of stored files, to be rendered whatever was rendered before, and waits for its end.
async fn rendered_again(app: &TestApp, request: &Value) -> Value {
    let sent = app.request(Method::POST, "/api/v1/renders").header("cache-control", "no-cache").json(request);
    let reply = Reply::of(sent).await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    let job = app.job_when(&id(&reply.json()), |job| job["completed_at"].is_string()).await;
    assert_eq!((&job["state"], &job["result"]["from_cache"]), (&json!("completed"), &json!(false)), "{job}");
    job
}

/// The addresses of a job's files by name.
fn addresses(job: &Value) -> Vec<(&Value, &Value)> {
    let files = job["result"]["files"].as_array().unwrap_or_else(|| panic!("no files in {job}")).iter();
    files.map(|file| (&file["name"], &file["file_hash"])).collect()
}

cases! {
    on_postgres_in_the_soak:
    async fn a60_provenance_is_complete(engine) {
        let app = TestApp::start(&engine).await;
        let glb = sample::bearing().glb;
        let job = app.render_of(glb.clone(), &small()).await;
        let found = provenance(&app, &job).await;
        let mut null = Vec::new();
        nulls(&found, "", &mut null);
        null.sort();
        assert_eq!(null, WITHOUT_VALUE, "{found}");

        assert_eq!((&found["provenance_version"], &found["job"]["id"]), (&json!(1), &job["id"]));
        assert_eq!(found["job"]["task_name"], "render_still");
        assert_eq!(found["scene"]["content_address"], ContentAddress::of(&glb).to_string());
        let library = app.get("/api/v1/materials").await.json();
        assert_eq!(found["materials"]["library_digest"], format!("blake3:{}", library["digest"].as_str().expect("a digest")));
        assert_eq!(
            (&found["materials"]["library"], &found["materials"]["library_version"]),
            (&library["library"], &library["version"])
        );
        assert_eq!(found["request"], job["request"]);
        let shot = app.get(&format!("/api/v1/renders/{}/shot.json", id(&job))).await.json();
        // Numbers of one value have one form in metadata.
        assert_eq!(canonical(&found["shot"]), canonical(&shot));
        assert_eq!(found["shot_digest"], ContentAddress::of(canonical(&shot).as_bytes()).to_string());
        let sampling = &found["sampling"];
        assert_eq!((&sampling["seed"], &sampling["samples_max"]), (&job["request"]["seed"], &json!(2)));
        assert_eq!(sampling["samples_mean"], job["result"]["samples_mean"]);
        assert_eq!(found["environment"]["name"], "white");
        assert_eq!((&found["renderer"]["version"], &found["device"]["kind"]), (&json!(env!("CARGO_PKG_VERSION")), &json!("cpu")));
    }

    async fn provenance_is_there_when_the_pictures_are(engine) {
        let app = TestApp::idle(&engine).await;
        let waiting = app.submit(&small()).await;
        let reply = app.get(&format!("/api/v1/renders/{}/provenance", id(&waiting))).await;
        assert_eq!(reply.problem(), (409, "render_not_completed".to_owned()));
        let nobodys = app.get("/api/v1/renders/0193b2a0-5c4e-7d31-9f0a-2b8c61d7e4f5/provenance").await;
        assert_eq!(nobodys.problem(), (404, "render_not_found".to_owned()));
    }

    async fn a_render_from_the_cache_has_its_own_job_and_request(engine) {
        let app = TestApp::start(&engine).await;
        let first = app.render(&small()).await;
        let second = app.render(&with(json!({"priority": 3}))).await;
        assert_eq!(second["result"]["from_cache"], true);
        let [of_first, of_second] = [provenance(&app, &first).await, provenance(&app, &second).await];
        assert_eq!((&of_first["job"]["id"], &of_second["job"]["id"]), (&first["id"], &second["id"]));
        assert_eq!((&of_first["request"]["priority"], &of_second["request"]["priority"]), (&json!(0), &json!(3)));
        assert_eq!(of_first["shot_digest"], of_second["shot_digest"]);
    }

    async fn other_materials_are_another_map(engine) {
        let app = TestApp::start(&engine).await;
        let digest = async |request: Value| {
            let found = provenance(&app, &app.render(&request).await).await;
            (found["materials"]["map_digest"].clone(), found["denoise"]["method"].clone())
        };
        let (plain, denoiser) = digest(small()).await;
        assert_eq!(denoiser, "packshot");
        let (again, none) = digest(with(json!({"denoise": "off"}))).await;
        assert_eq!((again, none), (plain.clone(), Value::Null));
        let (turned, _) = digest(with(json!({"azimuth_deg": 40}))).await;
        assert_eq!(turned, plain, "the camera wears nothing");
        let (clay, _) = digest(with(json!({"clay": true}))).await;
        assert_ne!(clay, plain);
    }

    async fn a61_provenance_reproduces(engine) {
        let app = TestApp::start(&engine).await;
        let job = app.render(&with(json!({"formats": ["png", "exr"], "view": "left"}))).await;
        let found = provenance(&app, &job).await;
        assert_eq!(found["request"]["asset"]["content_address"], found["scene"]["content_address"]);
        let again = rendered_again(&app, &found["request"]).await;
        assert_ne!(again["id"], job["id"]);
        assert_eq!(addresses(&again), addresses(&job));
        let second = provenance(&app, &again).await;
        for same in ["/shot_digest", "/materials", "/renderer", "/device", "/scene"] {
            assert_eq!(second.pointer(same), found.pointer(same), "{same}");
        }
    }

    async fn a62_nothing_volatile_in_files(engine) {
        let app = TestApp::start(&engine).await;
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        for request in [
            with(json!({"formats": ["png", "exr", "webp", "jpg", "tiff", "avif"], "dpi": 300})),
            with(json!({"kind": "turntable", "frame_count": 2, "formats": ["mp4", "webp", "apng"]})),
        ] {
            let first = app.render_of(Glb::body(), &request).await;
            let again = rendered_again(&app, &first["request"]).await;
            assert_eq!(addresses(&again), addresses(&first), "{request}");
            let day = &first["created_at"].as_str().expect("a time")[..10];
            let mut volatile = vec![id(&first), id(&first).replace('-', ""), day.to_owned(), day.replace('-', ":")];
            // A short name stands in compressed bytes by chance.
            volatile.extend(Some(host.trim().to_owned()).filter(|host| host.len() >= 6));
            for file in first["result"]["files"].as_array().expect("files") {
                let bytes = app.get(file["url"].as_str().expect("a URL")).await.body;
                let has = |text: &String| bytes.windows(text.len()).any(|window| window == text.as_bytes());
                assert_eq!(volatile.iter().find(|text| has(text)), None, "{}", file["name"]);
            }
        }
    }
}
