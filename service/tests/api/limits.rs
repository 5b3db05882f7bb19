//! What no client can do: make the service's memory, its metrics or its work grow without bound.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream;
use packshot_domain::access::Scope;
use reqwest::{Body, Method};
use serde_json::json;

use crate::app::{PATIENCE, Reply, TestApp, id, small};

const MULTIPART: &str = "multipart/form-data; boundary=b";

/// A body without a declared length: `head`, then `n` times 16 KiB of filler.
fn filled_body(head: &'static str, n: usize) -> Body {
    let filler = Bytes::from(vec![b'x'; 16 << 10]);
    let pieces = std::iter::once(Bytes::from_static(head.as_bytes())).chain(std::iter::repeat_n(filler, n));
    Body::wrap_stream(stream::iter(pieces.map(Ok::<_, std::convert::Infallible>)))
}

cases! {
    on_postgres_in_the_soak:
    async fn heads_of_parts_are_limited(engine) {
        let app = TestApp::idle(&engine).await;
        for head in ["", "--b\r\nContent-Disposition: form-data; name=\"glb", "--b\r\nContent-Disposition: form-data; name=\"request\"\r\n\r\n{}\r\n--b\r\nX: "] {
            let request = app.request(Method::POST, "/api/v1/renders").header("content-type", MULTIPART);
            let reply = Reply::of(request.body(filled_body(head, 6))).await;
            assert_eq!(reply.problem(), (413, "body_too_large".to_owned()), "{head:?}");
        }
    }

    async fn r77_what_has_no_room_fails_with_its_estimate_and_the_service_goes_on(engine) {
        let app = TestApp::start(&engine).await;
        let set = app.change_settings(&json!({"max_memory_bytes": 1_500_000_000})).await.json();
        assert_eq!(set["values"]["max_memory_bytes"], 1_500_000_000);
        let mut large = small();
        let aovs = ["albedo", "normal", "depth", "position", "uv", "emission"];
        for (name, value) in [("width", json!(8000)), ("height", json!(8000)), ("formats", json!(["exr"])), ("exr", json!("float")), ("aovs", json!(aovs))] {
            large[name] = value;
        }
        let job = app.render(&large).await;
        assert_eq!((&job["state"], &job["error"]["code"]), (&json!("failed"), &json!("device_out_of_memory")), "{job}");
        let detail = job["error"]["detail"].as_str().expect("a reason");
        assert!(detail.contains("needs about ") && detail.contains("1430 MiB are available under the setting max_memory_bytes"), "{detail}");
        assert_eq!(job["document"]["attempt"], 1, "it would need as much again");
        assert_eq!(app.render(&small()).await["state"], "completed");

        let cleared = app.change_settings(&json!({"max_memory_bytes": null})).await.json();
        assert_eq!(cleared["values"]["max_memory_bytes"], json!(null), "what the machine or its container has");
        let items = app.get("/api/v1/settings/schema").await.json()["items"].clone();
        let item = items.as_array().and_then(|items| items.iter().find(|item| item["key"] == "max_memory_bytes")).expect("described");
        assert_eq!((&item["type"], &item["default"], &item["scope"]), (&json!("integer"), &json!(null), &json!("instance")));
    }

    async fn methods_make_no_series_of_their_own(engine) {
        let app = TestApp::idle(&engine).await;
        let method = Method::from_bytes(b"BREW").expect("a token");
        assert_eq!(Reply::of(app.request(method, "/healthz")).await.status, 405);
        let metrics = app.get("/metrics").await.text();
        assert!(metrics.contains("method=\"other\"") && !metrics.contains("BREW"), "{metrics}");
    }

    async fn r11_the_last_preview_of_a_render_without_a_png(engine) {
        let app = TestApp::start(&engine).await;
        let mut request = small();
        request["formats"] = json!(["exr"]);
        let job = app.render(&request).await;
        assert_eq!(job["result"]["files"].as_array().map(Vec::len), Some(1), "the preview must not be among the files: {job}");
        let path = format!("/api/v1/renders/{}/preview.png", id(&job));
        let preview = app.get(&path).await;
        assert!(preview.status == 200 && preview.body.starts_with(b"\x89PNG"), "{}", preview.text());
        assert_eq!((preview.header("content-type"), preview.header("cache-control")), (Some("image/png"), Some("no-store")));
        let tag = preview.header("etag").expect("a tag");
        assert_eq!(Reply::of(app.request(Method::GET, &path).header("if-none-match", tag)).await.status, 304);
    }

    async fn streams_are_limited_for_each_user(engine) {
        let app = TestApp::idle(&engine).await;
        let path = format!("/api/v1/renders/{}/events", id(&app.submit(&small()).await));
        let mut open = Vec::new();
        for _ in 0..20 {
            open.push(app.request(Method::GET, &path).send().await.expect("the service answers"));
        }
        assert!(open.iter().all(|stream| stream.status() == 200));
        for path in [&path, "/api/v1/jobs/events"] {
            let refused = app.get(path).await;
            assert_eq!(refused.problem(), (429, "too_many_streams".to_owned()));
            assert!(refused.header("retry-after").is_some_and(|wait| wait.parse::<u32>().is_ok_and(|s| s >= 1)));
        }
        app.change_settings(&json!({"max_event_streams_per_user": 22, "max_event_streams_per_tenant": 21})).await;
        open.push(app.request(Method::GET, &path).send().await.expect("the service answers"));
        assert_eq!(open[20].status(), 200, "the limit can be changed");
        let detail = app.get(&path).await.json()["detail"].as_str().expect("a sentence").to_owned();
        assert!(detail.contains("21 event streams") && detail.contains("max_event_streams_per_tenant"), "{detail}");
        drop(open);
        let begun = Instant::now();
        while app.request(Method::GET, &path).send().await.expect("the service answers").status() != 200 {
            assert!(begun.elapsed() < PATIENCE, "a stream that ended still counts");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn metrics_are_closed_behind_a_proxy(engine) {
        let app = TestApp::idle(&engine).await;
        assert_eq!(app.get("/metrics").await.status, 200);
        for (name, value) in [("x-forwarded-for", "10.0.0.1"), ("host", "evil.example")] {
            let reply = Reply::of(app.request(Method::GET, "/metrics").header(name, value)).await;
            assert_eq!(reply.problem().0, 403, "{name}");
        }
    }

    async fn the_reference_is_confined(engine) {
        let app = TestApp::idle(&engine).await;
        let reply = app.get("/docs/").await;
        assert_eq!((reply.status, reply.header("x-content-type-options")), (200, Some("nosniff")));
        assert!(reply.header("content-security-policy").is_some_and(|policy| policy.contains("frame-ancestors 'none'")));
        assert!(!reply.text().contains("<style") && !reply.text().contains("<script"), "the policy refuses it");
        assert!(reply.text().contains("need no key") && !reply.text().contains("$PACKSHOT_KEY"), "it is open");
        app.operating_key(&[Scope::Admin]).await;
        let closed = app.get("/docs/").await.text();
        assert!(closed.contains("An access token or an API key:") && closed.contains("Authorization: Bearer $PACKSHOT_KEY"), "with keys, the page asks for one");
        let document = app.get("/openapi.json").await.json();
        for (path, item) in document["paths"].as_object().expect("paths") {
            assert!(closed.contains(&format!("<code>{path}</code>")), "{path}");
            for operation in item.as_object().expect("operations").values() {
                let id = operation["operationId"].as_str().expect("an id");
                assert!(closed.contains(&format!("<h3 id=\"{id}\">")) && closed.contains(&format!("href=\"#{id}\"")), "{id}");
            }
        }
        for name in document["components"]["schemas"].as_object().expect("schemas").keys() {
            assert!(closed.contains(&format!("<h3 id=\"schema-{name}\">")), "{name}");
        }
    }

    async fn metadata_are_shown_once_and_as_they_were_sent(engine) {
        let app = TestApp::idle(&engine).await;
        let mut request = small();
        request["metadata"] = json!({"order": "A-7"});
        let job = app.submit(&request).await;
        assert_eq!((&job["metadata"], job["request"].get("metadata")), (&request["metadata"], None));
        assert_eq!(app.get("/api/v1/renders").await.json()["items"][0], job);
    }
}
