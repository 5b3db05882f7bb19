//! R08, R09: turntables and views.

use std::io::{Cursor, Read};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::app::{Reply, TestApp, id, pixels, small};
use crate::glb::Glb;

/// [`small`] with other members.
fn with(members: Value) -> Value {
    let mut request = small();
    for (name, value) in members.as_object().expect("an object") {
        request[name] = value.clone();
    }
    request
}

/// The names of a job's files.
fn names(job: &Value) -> Vec<String> {
    let files = job["result"]["files"].as_array().unwrap_or_else(|| panic!("no files in {job}")).iter();
    files.map(|file| file["name"].as_str().expect("a name").to_owned()).collect()
}

/// The bytes of a job's file.
async fn fetch(app: &TestApp, job: &Value, name: &str) -> Vec<u8> {
    let reply = app.get(&format!("/api/v1/renders/{}/files/{name}", id(job))).await;
    assert_eq!(reply.status, 200, "{name}: {}", reply.text());
    reply.body
}

/// How many samples an MP4's table of sizes has.
fn n_samples(mp4: &[u8]) -> u32 {
    let at = mp4.windows(4).position(|name| name == b"stsz").expect("a table of sizes");
    u32::from_be_bytes(mp4[at + 12..at + 16].try_into().expect("four bytes"))
}

fn entries(zip: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(zip)).expect("an archive");
    let n = archive.len();
    let entry = |i| {
        let mut file = archive.by_index(i).expect("an entry");
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).expect("readable");
        (file.name().expect("a name").into_owned(), bytes)
    };
    (0..n).map(entry).collect()
}

/// The values of a member of the events of a name.
fn told(events: &str, event: &str, member: &str) -> Vec<Value> {
    let blocks = events.split("\n\n").filter(|block| block.contains(&format!("event: {event}\n")));
    let data = blocks.filter_map(|block| block.lines().find_map(|line| line.strip_prefix("data: ")));
    data.map(|data| serde_json::from_str::<Value>(data).expect("JSON")[member].clone()).collect()
}

cases! {
    on_postgres_in_the_soak:
    async fn r08_a_turntable_is_a_movie_and_its_frames(engine) {
        let app = TestApp::start(&engine).await;
        let request = with(json!({"kind": "turntable", "frame_count": 24, "formats": ["mp4", "zip"]}));
        let job = app.render(&request).await;
        assert_eq!((&job["state"], &job["kind"]), (&json!("completed"), &json!("turntable")), "{job}");
        assert_eq!(names(&job), ["result.mp4", "result.zip"]);
        assert_eq!(job["result"]["output_path"], "result.mp4");
        let movie = app.get(job["links"]["results"]["mp4"].as_str().expect("a link")).await;
        assert_eq!((movie.status, movie.header("content-type")), (200, Some("video/mp4")));
        assert_eq!(n_samples(&movie.body), 24);
        let frames = entries(fetch(&app, &job, "result.zip").await);
        let expected: Vec<String> = (0..24).map(|i| format!("frame_{i:04}.png")).collect();
        assert_eq!(frames.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(), expected);
        assert_ne!(pixels(&frames[0].1), pixels(&frames[23].1), "a loop does not repeat its first frame");
        assert_ne!(pixels(&frames[0].1), pixels(&frames[1].1), "it turns");
        for (member, value) in [("fps", json!(24)), ("direction", json!("ccw")), ("start_deg", json!(0.0)), ("mode", json!("product"))] {
            assert_eq!(job["request"][member], value, "{member}");
        }
        assert_eq!(job["samples_target"], 2 * 24);
        let steps: Vec<&Value> = job["document"]["steps"].as_array().expect("steps").iter().map(|step| &step["name"]).collect();
        assert!(steps.contains(&&json!("render_turntable")) && !steps.contains(&&json!("render_still")), "{steps:?}");
        let report = app.get(job["links"]["report"].as_str().expect("a link")).await.json();
        assert_eq!(report["render"]["pictures"].as_array().map(Vec::len), Some(24));
        let preview = app.get(job["links"]["preview"].as_str().expect("a link")).await;
        assert_eq!(pixels(&preview.body), pixels(&frames[0].1), "the preview is the first frame");

        let again = app.submit(&request).await;
        assert_eq!((&again["state"], &again["result"]["from_cache"]), (&json!("completed"), &json!(true)));
        assert_eq!(again["result"]["files"][0]["file_hash"], job["result"]["files"][0]["file_hash"]);
        let other = app.submit(&with(json!({"kind": "turntable", "frame_count": 24, "formats": ["mp4", "zip"], "direction": "cw"}))).await;
        assert_eq!(other["result"], Value::Null, "the other direction is another movie");
    }

    async fn r08_frames_and_movies_of_every_format(engine) {
        let app = TestApp::start(&engine).await;
        let request = with(json!({"kind": "turntable", "frame_count": 4, "start_deg": 10, "formats": ["webp", "jpg", "apng", "png"]}));
        let job = app.render(&request).await;
        let frames = |format: &str| (0..4).map(|i| format!("frame_{i:04}.{format}")).collect::<Vec<_>>();
        let expected = [vec!["result.webp".to_owned()], frames("jpg"), vec!["result.apng".to_owned()], frames("png")].concat();
        assert_eq!(names(&job), expected, "in the order of the formats");
        let webp = fetch(&app, &job, "result.webp").await;
        assert_eq!(webp.windows(4).filter(|name| name == b"ANMF").count(), 4);
        let apng = fetch(&app, &job, "result.apng").await;
        assert_eq!(apng.windows(4).filter(|name| name == b"fcTL").count(), 4);
        assert!(fetch(&app, &job, "frame_0003.jpg").await.starts_with(b"\xff\xd8"));
        let first = app.get(&format!("/api/v1/renders/{}/result.png", id(&job))).await;
        assert_eq!(first.body, fetch(&app, &job, "frame_0000.png").await, "the first of several");
        // The movie shows the same frames as the PNGs.
        let mut decoder = png::Decoder::new(Cursor::new(&apng)).read_info().expect("an APNG");
        let mut shown = vec![0; decoder.output_buffer_size().expect("small")];
        decoder.next_frame(&mut shown).expect("a frame");
        assert_eq!(shown, pixels(&first.body).concat());
        // A client that accepts only one picture gets the first.
        let picture = app.rendering(Glb::body(), &request).header("prefer", "wait=30").header("accept", "image/png");
        let picture = Reply::of(picture).await;
        assert_eq!((picture.status, &picture.body), (200, &first.body));
        let movie = with(json!({"kind": "turntable", "frame_count": 4}));
        let refused = app.rendering(Glb::body(), &movie).header("prefer", "wait=30").header("accept", "image/png");
        assert_eq!(Reply::of(refused).await.problem(), (406, "not_acceptable".to_owned()), "a movie cannot be sent as PNG");
    }

    async fn r08_r12_progress_is_one_for_all_frames(engine) {
        let app = TestApp::start(&engine).await;
        let job = app.submit(&with(json!({"kind": "turntable", "frame_count": 24, "samples": 256, "width": 32, "height": 32, "denoise": "off"}))).await;
        let events = app.events(&id(&job)).await;
        let told: Vec<f64> = told(&events, "job.progress", "progress_pct").iter().map(|pct| pct.as_f64().expect("a number")).collect();
        assert!(told.len() >= 2, "{told:?}");
        assert!(told.windows(2).all(|pair| pair[0] <= pair[1]) && told.iter().all(|pct| (0.0..=100.0).contains(pct)), "{told:?}");
        assert!(events.contains("16 of 24 frames"), "{events}");
        assert!(events.contains("event: job.preview") && events.contains("event: job.completed"));
    }

    async fn r14_cancelling_a_turntable_leaves_nothing(engine) {
        let app = TestApp::start(&engine).await;
        let job = app.submit(&with(json!({"kind": "turntable", "frame_count": 1440, "samples": 64, "width": 64, "height": 64, "formats": ["png", "mp4"]}))).await;
        let id = id(&job);
        let frames = |app: &TestApp| app.stored_files().len();
        let begun = Instant::now();
        while frames(&app) < 4 {
            assert!(begun.elapsed() < Duration::from_secs(60), "no frame is finished");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let cancelled = Instant::now();
        assert_eq!(app.post(&format!("/api/v1/renders/{id}/cancel")).await.status, 202);
        app.job_when(&id, |job| job["state"] == "cancelled").await;
        assert!(cancelled.elapsed() < Duration::from_secs(2), "{:?}", cancelled.elapsed());
        assert_eq!(app.get(&format!("/api/v1/renders/{id}/result.png")).await.problem(), (409, "render_not_completed".to_owned()));
        let begun = Instant::now();
        while frames(&app) > 1 {
            assert!(begun.elapsed() < Duration::from_secs(5), "files other than the product are left: {:?}", app.stored_files());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn r09_views_have_their_names(engine) {
        let app = TestApp::start(&engine).await;
        let yaw = app.render(&with(json!({"kind": "views", "views": "six_yaw"}))).await;
        let six_yaw = ["front_0deg", "right_60deg", "right_120deg", "back_180deg", "left_240deg", "left_300deg"];
        assert_eq!(names(&yaw), six_yaw.map(|name| format!("{name}.png")), "{yaw}");
        assert_eq!(yaw["request"]["views"], json!(["six_yaw"]));
        let view = app.render(&with(json!({"kind": "views", "views": "six_view", "formats": ["exr", "zip"]}))).await;
        let six_view = ["front", "right", "back", "left", "top", "bottom"];
        let exr = six_view.map(|name| format!("{name}.exr"));
        assert_eq!(names(&view), [&exr[..], &["result.zip".to_owned()]].concat());
        let pngs = entries(fetch(&app, &view, "result.zip").await);
        assert_eq!(pngs.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(), six_view.map(|name| format!("{name}.png")));
        for file in view["result"]["files"].as_array().expect("files") {
            assert_eq!((&file["width"], &file["height"]), (&json!(16), &json!(16)));
            let reply = app.get(file["url"].as_str().expect("a URL")).await;
            let hash = format!("blake3:{}", blake3::hash(&reply.body).to_hex());
            assert_eq!((json!(reply.body.len()), json!(hash)), (file["size_bytes"].clone(), file["file_hash"].clone()));
        }
        // A view equals the still from the same direction.
        let some = app.render(&with(json!({"kind": "views", "views": ["top", "right_60deg"]}))).await;
        assert_eq!(names(&some), ["top.png", "right_60deg.png"]);
        let top = app.render(&with(json!({"view": "top"}))).await;
        assert_eq!(pixels(&fetch(&app, &some, "top.png").await), pixels(&fetch(&app, &top, "result.png").await));
        let low = app.render(&with(json!({"kind": "views", "views": ["top", "right_60deg"], "elevation_deg": -5}))).await;
        assert_eq!(low["request"]["elevation_deg"], -5.0);
        assert_eq!(pixels(&fetch(&app, &low, "top.png").await), pixels(&fetch(&app, &top, "result.png").await));
        let right = app.render(&with(json!({"azimuth_deg": 60, "elevation_deg": -5}))).await;
        assert_eq!(pixels(&fetch(&app, &low, "right_60deg.png").await), pixels(&fetch(&app, &right, "result.png").await));
        let steps = some["document"]["steps"].as_array().expect("steps").iter();
        assert!(steps.clone().any(|step| step["name"] == "render_views" && step["samples"] == 2), "{some}");
        let default = app.render(&with(json!({"kind": "views"}))).await;
        assert_eq!((names(&default), &default["result"]["from_cache"]), (names(&yaw), &json!(true)), "six_yaw is the default");
        // The request in the job can be submitted again.
        let mut again = default["request"].clone();
        again["metadata"] = default["metadata"].clone();
        again["asset"] = Value::Null;
        again["scale"] = json!("shared");
        assert_eq!(names(&app.render(&again).await), names(&yaw));
    }

    async fn r10_what_kinds_do_not_have_is_refused(engine) {
        let app = TestApp::idle(&engine).await;
        for (body, pointer) in [
            (json!({"kind": "spin"}), "/kind"),
            (json!({"kind": "turntable", "frame_count": 1}), "/frame_count"),
            (json!({"kind": "turntable", "frame_count": 1441}), "/frame_count"),
            (json!({"kind": "turntable", "fps": 121}), "/fps"),
            (json!({"kind": "turntable", "direction": "up"}), "/direction"),
            (json!({"kind": "turntable", "mode": "spin"}), "/mode"),
            (json!({"kind": "turntable", "width": 63}), "/formats/0"),
            (json!({"kind": "turntable", "width": 4096, "height": 64}), "/formats/0"),
            (json!({"kind": "views", "views": []}), "/views"),
            (json!({"kind": "views", "views": "eight"}), "/views"),
            (json!({"kind": "views", "views": ["top", "sideways"]}), "/views/1"),
            (json!({"kind": "views", "views": 6}), "/views"),
        ] {
            let reply = Reply::of(app.rendering(Glb::body(), &body)).await;
            assert_eq!((reply.problem(), reply.pointers()), ((422, "validation_failed".to_owned()), vec![pointer.to_owned()]), "{body}");
        }
        for (body, pointer) in [
            (json!({"frame_count": 24}), "/frame_count"),
            (json!({"kind": "views", "fps": 24}), "/fps"),
            (json!({"kind": "turntable", "views": "six_yaw"}), "/views"),
            (json!({"kind": "views", "view": "front"}), "/view"),
            (json!({"kind": "views", "camera": "Main"}), "/camera"),
            (json!({"kind": "views", "azimuth_deg": 3, "elevation_deg": 3}), "/azimuth_deg"),
            (json!({"formats": ["mp4"]}), "/formats/0"),
            (json!({"formats": ["png", "zip"]}), "/formats/1"),
            (json!({"kind": "views", "formats": ["apng"]}), "/formats/0"),
        ] {
            let reply = Reply::of(app.rendering(Glb::body(), &body)).await;
            assert_eq!((reply.problem(), reply.pointers()), ((422, "conflicting_members".to_owned()), vec![pointer.to_owned()]), "{body}");
        }
        assert_eq!(app.get("/api/v1/renders").await.json()["items"], json!([]), "no job was created for any of them");
    }
}
