//! A36, C17, C18, C33, R07: stored files.

use reqwest::Method;
use serde_json::json;

use crate::app::{Reply, TestApp, endless, id, small};
use crate::glb::Glb;

cases! {
    async fn c17_tags_of_files(engine) {
        let app = TestApp::start(&engine).await;
        let job = app.render(&small()).await;
        let path = format!("/api/v1/renders/{}/result.png", id(&job));
        let reply = app.get(&path).await;
        let tag = reply.header("etag").expect("a tag").to_owned();
        assert_eq!(tag, format!("\"blake3:{}\"", blake3::hash(&reply.body).to_hex()));
        assert_eq!(format!("\"{}\"", job["result"]["files"][0]["file_hash"].as_str().expect("a hash")), tag);
        assert_eq!(reply.header("accept-ranges"), Some("bytes"));
        let known = Reply::of(app.request(Method::GET, &path).header("if-none-match", &tag)).await;
        assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, Some(tag.as_str())));
        let other = Reply::of(app.request(Method::GET, &path).header("if-none-match", "\"other\"")).await;
        assert_eq!((other.status, other.body), (200, reply.body));
        let head = Reply::of(app.request(Method::HEAD, &path)).await;
        assert_eq!((head.status, head.header("etag"), head.body.len()), (200, Some(tag.as_str()), 0));
    }

    async fn c18_ranges_of_files(engine) {
        let app = TestApp::start(&engine).await;
        let path = format!("/api/v1/renders/{}/result.png", id(&app.render(&small()).await));
        let whole = app.get(&path).await.body;
        let size = whole.len();
        let range = |range: String| Reply::of(app.request(Method::GET, &path).header("range", range));
        let part = range("bytes=0-99".into()).await;
        assert_eq!((part.status, &part.body[..]), (206, &whole[..100]));
        assert_eq!(part.header("content-range"), Some(format!("bytes 0-99/{size}").as_str()));
        assert_eq!(range("bytes=-100".into()).await.body, whole[size - 100..]);
        let beyond = range(format!("bytes={size}-")).await;
        assert_eq!(beyond.problem(), (416, "range_not_satisfiable".to_owned()));
        assert_eq!(beyond.header("content-range"), Some(format!("bytes */{size}").as_str()));
        let several = range("bytes=0-9,20-29".into()).await;
        assert_eq!((several.status, several.body), (200, whole));
    }

    async fn c33_a36_a_full_store(engine) {
        let app = TestApp::idle(&engine).await;
        app.store.set_full(true);
        let refused = Reply::of(app.rendering(Glb::body(), &small())).await;
        assert_eq!(refused.problem(), (507, "storage_full".to_owned()));
        assert_eq!(app.get("/api/v1/renders").await.json()["items"], json!([]));
        assert_eq!(app.stored_files(), [] as [std::path::PathBuf; 0], "no partial object");
        assert_eq!(app.get("/readyz").await.json()["checks"]["storage"], "full");
        app.store.set_full(false);
        assert_eq!(Reply::of(app.rendering(Glb::body(), &small())).await.status, 202);
    }

    async fn r07_formats_of_results(engine) {
        let app = TestApp::start(&engine).await;
        let mut request = small();
        request["formats"] = json!(["png", "exr"]);
        let job = app.render(&request).await;
        let id = id(&job);
        for (format, media_type, magic) in [("png", "image/png", &b"\x89PNG"[..]), ("exr", "image/x-exr", &b"\x76\x2f\x31\x01"[..])] {
            let file = app.get(job["links"]["results"][format].as_str().expect("a link")).await;
            assert_eq!((file.status, file.header("content-type")), (200, Some(media_type)));
            assert!(file.body.starts_with(magic), "{format}");
        }
        for file in job["result"]["files"].as_array().expect("a list") {
            let reply = app.get(file["url"].as_str().expect("a URL")).await;
            assert_eq!((reply.status, json!(reply.body.len())), (200, file["size_bytes"].clone()));
            assert_eq!((&file["width"], &file["height"]), (&json!(16), &json!(16)));
        }
        assert_eq!(app.get(&format!("/api/v1/renders/{id}/result.jpg")).await.problem().1, "format_not_available");
        assert_eq!(app.get(&format!("/api/v1/renders/{id}/result.gif")).await.problem().1, "not_found");
        assert_eq!(app.get(&format!("/api/v1/renders/{id}/files/nothing")).await.problem().1, "format_not_available");
        let report = app.get(job["links"]["report"].as_str().expect("a link")).await.json();
        assert_eq!((&report["materials"]["parts"], &report["stats"]["instances"]), (&json!(1), &json!(1)));
    }

    async fn r07_no_result_before_the_end_or_after_another_end(engine) {
        let app = TestApp::start(&engine).await;
        let running = id(&app.submit(&endless()).await);
        app.job_when(&running, |job| job["state"] == "running").await;
        let result = async |id: &str| app.get(&format!("/api/v1/renders/{id}/result.png")).await.problem();
        assert_eq!(result(&running).await, (409, "render_not_completed".to_owned()));
        app.post(&format!("/api/v1/renders/{running}/cancel")).await;
        app.job_when(&running, |job| job["state"] == "cancelled").await;
        assert_eq!(result(&running).await, (409, "render_not_completed".to_owned()));
        let failed = app.render_of(b"no GLB".to_vec(), &small()).await;
        assert_eq!(failed["state"], "failed");
        assert_eq!(result(&id(&failed)).await, (409, "render_not_completed".to_owned()));
    }
}
