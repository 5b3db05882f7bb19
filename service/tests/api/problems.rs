//! C01–C09: errors.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::app::{PATIENCE, Reply, TestApp, form, small};
use crate::glb::Glb;

fn problem(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

cases! {
    on_postgres_in_the_soak:
    async fn c01_every_error_is_a_problem(engine) {
        let app = TestApp::idle(&engine).await;
        let missing = "/api/v1/renders/0193b2a0-0000-7000-8000-000000000000";
        for (method, path) in [
            (Method::GET, "/api/v1/nothing"),
            (Method::PUT, "/api/v1/renders"),
            (Method::GET, missing),
            (Method::GET, "/api/v1/renders/%FF"),
            (Method::POST, "/api/v1/renders"),
            (Method::GET, "/api/v1/renders?limit=0"),
            (Method::DELETE, missing),
        ] {
            let reply = Reply::of(app.request(method.clone(), path)).await;
            let (status, _) = reply.problem();
            assert!(status >= 400, "{method} {path}");
            assert_eq!(reply.json()["instance"], path.split('?').next().expect("a path"));
        }
    }

    async fn c01_also_what_is_no_fault_of_the_client(engine) {
        let app = TestApp::idle(&engine).await;
        app.db.clone().close().await;
        for path in ["/api/v1/renders", "/api/v1/setup", "/api/v1/settings"] {
            let reply = app.get(path).await;
            assert_eq!(reply.problem(), problem(503, "unavailable"), "{path}");
            assert_eq!(reply.header("retry-after"), Some("1"), "{path}");
        }
        assert_eq!(app.get("/healthz").await.status, 200);
    }

    async fn c02_a_request_id_is_taken_over(engine) {
        let app = TestApp::idle(&engine).await;
        let with_id = |id: &str| Reply::of(app.request(Method::GET, "/api/v1/nothing").header("x-request-id", id));
        let reply = with_id("abc-123").await;
        assert_eq!((reply.header("x-request-id"), &reply.json()["request_id"]), (Some("abc-123"), &json!("abc-123")));
        for id in ["a".repeat(65), "a b".to_owned(), String::new()] {
            let reply = with_id(&id).await;
            reply.problem();
            let new = reply.header("x-request-id").expect("an id");
            assert!(new != id && (1..=64).contains(&new.len()), "{id} gave {new}");
        }
        assert!(app.get("/healthz").await.header("x-request-id").is_some(), "on every answer");
    }

    async fn c03_unparsable_bodies(engine) {
        let app = TestApp::idle(&engine).await;
        for body in ["{", "", "{\"a\":1}}", "nul"] {
            let request = app.request(Method::PUT, "/api/v1/worker-configs/convert");
            let reply = Reply::of(request.header("content-type", "application/json").body(body)).await;
            assert_eq!(reply.problem(), problem(400, "malformed_body"), "{body}");
            assert_eq!(body.is_empty(), reply.text().contains("the body is empty: expected a JSON object"), "{body}");
        }
        let truncated = app.request(Method::POST, "/api/v1/renders").header("content-type", "multipart/form-data; boundary=x");
        assert_eq!(Reply::of(truncated.body("--x\r\nContent-Disp")).await.problem(), problem(400, "malformed_body"));
        let no_boundary = app.request(Method::POST, "/api/v1/renders").header("content-type", "multipart/form-data");
        assert_eq!(Reply::of(no_boundary.body("x")).await.problem(), problem(400, "malformed_body"));
    }

    async fn c04_unknown_members_have_a_pointer(engine) {
        let app = TestApp::idle(&engine).await;
        let mut body = small();
        body["no_such_member"] = json!(1);
        let reply = Reply::of(app.rendering(Glb::body(), &body)).await;
        assert_eq!(reply.problem(), problem(422, "validation_failed"));
        assert_eq!(reply.pointers(), ["/no_such_member"]);
        let whole = Reply::of(app.rendering(Glb::body(), &json!([]))).await;
        assert_eq!((whole.problem().0, &whole.json()["detail"]), (422, &json!("expected an object, not a list")));
        let parts = form(Glb::body(), None).text("no_such_part", "x");
        let reply = Reply::of(app.request(Method::POST, "/api/v1/renders").multipart(parts)).await;
        assert_eq!((reply.problem(), reply.pointers()), (problem(422, "validation_failed"), vec!["/no_such_part".to_owned()]));
        let limits = json!({"max_concurrency": 1, "min_concurrency": 1, "a/b": 1});
        let reply = Reply::of(app.request(Method::PUT, "/api/v1/worker-configs/render").json(&limits)).await;
        assert_eq!((reply.problem(), reply.pointers()), (problem(422, "validation_failed"), vec!["/a~1b".to_owned()]));
    }

    async fn c06_unknown_paths_and_methods(engine) {
        let app = TestApp::idle(&engine).await;
        assert_eq!(app.get("/api/v1/nothing").await.problem(), problem(404, "not_found"));
        for (path, allowed) in [("/api/v1/devices", "GET,HEAD"), ("/healthz", "GET,HEAD"), ("/api/v1/renders", "GET,HEAD,POST")] {
            let reply = Reply::of(app.request(Method::PUT, path)).await;
            assert_eq!(reply.problem(), problem(405, "method_not_allowed"), "{path}");
            let mut methods: Vec<&str> = reply.header("allow").expect("Allow is there").split(',').map(str::trim).collect();
            methods.sort_unstable();
            assert_eq!(methods.join(","), allowed, "{path}");
        }
    }

    async fn c07_wrong_media_types(engine) {
        let app = TestApp::idle(&engine).await;
        for (method, path) in [
            (Method::POST, "/api/v1/renders"),
            (Method::POST, "/api/v1/preflight"),
            (Method::POST, "/api/v1/material-libraries"),
            (Method::PUT, "/api/v1/worker-configs/render"),
        ] {
            let reply = Reply::of(app.request(method, path).header("content-type", "text/csv").body("a,b")).await;
            assert_eq!(reply.problem(), problem(415, "unsupported_media_type"), "{path}");
        }
    }

    async fn c08_json_bodies_have_a_limit(engine) {
        let app = TestApp::idle(&engine).await;
        let padded = |bytes: usize| format!("{{\"max_concurrency\":1,\"min_concurrency\":1{}}}", " ".repeat(bytes - 41));
        assert_eq!(padded(1 << 20).len(), 1 << 20);
        let put = |body: reqwest::Body| {
            let request = app.request(Method::PUT, "/api/v1/worker-configs/render");
            request.header("content-type", "application/json").body(body)
        };
        assert_eq!(Reply::of(put(padded(1 << 20).into())).await.status, 200);
        let long = padded((1 << 20) + 1);
        assert_eq!(Reply::of(put(long.clone().into())).await.problem(), problem(413, "body_too_large"));
        // Answered while the client has sent only the head of it.
        let mut client = TcpStream::connect(app.base.trim_start_matches("http://")).await.expect("connected");
        let head = format!("PUT /api/v1/worker-configs/render HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", long.len());
        client.write_all(head.as_bytes()).await.expect("sent");
        let mut answer = [0; 12];
        tokio::time::timeout(PATIENCE, client.read_exact(&mut answer)).await.expect("in time").expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 413");
        let chunked = reqwest::Body::wrap_stream(futures_util::stream::iter([Ok::<_, std::io::Error>(long)]));
        assert_eq!(Reply::of(put(chunked)).await.problem(), problem(413, "body_too_large"));
        let part = json!({"metadata": {"text": "x".repeat(1 << 20)}});
        let refused = Reply::of(app.rendering(Glb::body(), &part)).await;
        assert_eq!(refused.problem(), problem(413, "body_too_large"));
    }

    async fn c09_uploads_have_a_limit(engine) {
        let app = TestApp::idle_with(&engine, &[("PACKSHOT_MAX_UPLOAD_BYTES", "1000")]).await;
        let reply = Reply::of(app.rendering(vec![0; 1001], &small())).await;
        assert_eq!(reply.problem(), problem(413, "body_too_large"), "with Content-Length");
        let boundary = "--b\r\nContent-Disposition: form-data; name=\"glb\"; filename=\"a.glb\"\r\n\r\n";
        let pieces = [boundary.as_bytes().to_vec(), vec![0; 1001], b"\r\n--b--\r\n".to_vec()].map(Ok::<_, std::io::Error>);
        let chunked = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
        let request = app.request(Method::POST, "/api/v1/renders").header("content-type", "multipart/form-data; boundary=b");
        assert_eq!(Reply::of(request.body(chunked)).await.problem(), problem(413, "body_too_large"), "without");
        assert_eq!(app.stored_files(), [] as [std::path::PathBuf; 0], "nothing is stored");
        assert_eq!(app.get("/api/v1/renders").await.json()["items"], Value::Array(Vec::new()));
        assert_eq!(Reply::of(app.rendering(vec![0; 1000], &small())).await.status, 202, "as large as the limit allows");
    }
}
