//! C24, C25, R02, R04–R06: answers that wait.

use std::time::Instant;

use serde_json::json;

use crate::app::{Reply, TestApp, endless, pixels, small};
use crate::glb::Glb;

cases! {
    on_postgres_in_the_soak:
    async fn c24_r04_wait_in_time(engine) {
        let app = TestApp::start(&engine).await;
        let reply = Reply::of(app.rendering(Glb::body(), &small()).header("prefer", "wait=30")).await;
        assert_eq!((reply.status, reply.header("preference-applied")), (200, Some("wait=30")));
        assert_eq!(reply.json()["state"], "completed");
        let by_parameter = app.request(reqwest::Method::POST, "/api/v1/renders?wait=30");
        let reply = Reply::of(by_parameter.multipart(crate::app::form(Glb::body(), Some(&small())))).await;
        assert_eq!((reply.status, reply.header("preference-applied")), (200, Some("wait=30")));
        let wrong = app.request(reqwest::Method::POST, "/api/v1/renders?wait=soon");
        let reply = Reply::of(wrong.multipart(crate::app::form(Glb::body(), Some(&small())))).await;
        assert_eq!((reply.problem().0, reply.pointers()), (422, vec!["?wait".to_owned()]));
    }

    async fn c25_r05_wait_too_short(engine) {
        let app = TestApp::start(&engine).await;
        for accept in ["application/json", "image/png"] {
            let begun = Instant::now();
            let request = app.rendering(Glb::body(), &endless()).header("prefer", "wait=1").header("accept", accept);
            let reply = Reply::of(request).await;
            let waited = begun.elapsed().as_secs_f64();
            assert!((0.5..1.5).contains(&waited), "waited {waited} s");
            assert_eq!((reply.status, reply.header("content-type")), (202, Some("application/json")));
            let job = reply.json();
            assert_eq!(reply.header("location"), job["links"]["self"].as_str());
            app.post(job["links"]["cancel"].as_str().expect("a link")).await;
        }
    }

    async fn r02_the_picture_itself(engine) {
        let app = TestApp::start(&engine).await;
        // A request with default options, except for few samples to save time.
        let request = app.rendering(Glb::body(), &json!({"samples": 1})).header("prefer", "wait=60");
        let reply = Reply::of(request.header("accept", "image/png")).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("image/png")), "{}", reply.text());
        let decoder = png::Decoder::new(std::io::Cursor::new(&reply.body)).read_info().expect("a PNG");
        let info = decoder.info();
        assert_eq!((info.width, info.height, info.color_type), (1024, 1024, png::ColorType::Rgba));
        let id = reply.header("x-packshot-render-id").expect("the render is named");
        let job = app.get(&format!("/api/v1/renders/{id}")).await.json();
        let tag = format!("\"{}\"", job["result"]["files"][0]["file_hash"].as_str().expect("a hash"));
        assert_eq!(reply.header("etag"), Some(tag.as_str()));
        assert_eq!(job["result"]["unmapped_parts"], 0, "without a map nothing is magenta");
        assert!(!pixels(&reply.body).iter().any(|&[r, g, b, a]| a > 200 && r > 40 && r / 2 > g && b / 2 > g), "magenta");
    }

    async fn a_picture_of_another_format_or_none(engine) {
        let app = TestApp::start(&engine).await;
        let mut jpeg = small();
        jpeg["formats"] = json!(["jpeg"]);
        let ask = async |request: &serde_json::Value, accept: &str| {
            Reply::of(app.rendering(Glb::body(), request).header("prefer", "wait=60").header("accept", accept)).await
        };
        let picture = ask(&jpeg, "image/png, image/jpeg").await;
        assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/jpeg")), "{}", picture.text());
        assert!(picture.body.starts_with(b"\xff\xd8"));
        let n_jobs = async || app.get("/api/v1/renders").await.json()["items"].as_array().map(Vec::len);
        assert_eq!(n_jobs().await, Some(1));
        for (request, accept) in [(&small(), "image/jpeg"), (&jpeg, "image/png"), (&jpeg, "image/webp, text/html")] {
            assert_eq!(ask(request, accept).await.problem(), (406, "not_acceptable".to_owned()), "{accept}");
        }
        assert_eq!(n_jobs().await, Some(1), "nothing is rendered for a refusal");
        let job = ask(&small(), "image/jpeg, application/json").await;
        assert_eq!((job.status, job.header("content-type")), (200, Some("application/json")));
    }

    async fn r06_a_failure_instead_of_a_picture(engine) {
        let app = TestApp::start(&engine).await;
        let request = app.rendering(b"glTF but not really".to_vec(), &small());
        let reply = Reply::of(request.header("prefer", "wait=30").header("accept", "image/png")).await;
        let (status, code) = reply.problem();
        assert!(status == 422 && code.starts_with("glb."), "{status} {code}");
        let id = reply.header("x-packshot-render-id").expect("the render is named");
        assert!(reply.json()["help"].as_str().is_some_and(|help| !help.is_empty()), "{}", reply.text());
        let job = app.get(&format!("/api/v1/renders/{id}")).await.json();
        assert_eq!(job["error"]["help"], reply.json()["help"]);
    }

    async fn r06_a_keyed_picture_is_replayed(engine) {
        let app = TestApp::start(&engine).await;
        let request = || {
            let request = app.rendering(Glb::body(), &small()).header("idempotency-key", "p1");
            Reply::of(request.header("prefer", "wait=30").header("accept", "image/png"))
        };
        let (first, second) = (request().await, request().await);
        assert_eq!((first.status, second.status), (200, 200));
        assert_eq!((&first.body, first.header("x-packshot-render-id")), (&second.body, second.header("x-packshot-render-id")));
        assert_eq!(second.header("idempotency-replayed"), Some("true"));
    }
}
