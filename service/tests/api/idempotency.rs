//! C10–C14: repeated requests.

use packshot_domain::access::{Role, Scope};
use serde_json::{Value, json};

use crate::app::{Reply, TestApp, endless, small};
use crate::glb::Glb;

async fn keyed(app: &TestApp, key: &str, body: &Value) -> Reply {
    Reply::of(app.rendering(Glb::body(), body).header("idempotency-key", key)).await
}

async fn n_jobs(app: &TestApp) -> usize {
    app.get("/api/v1/renders").await.json()["items"].as_array().expect("a list").len()
}

cases! {
    async fn c10_a_replay_is_the_same_answer(engine) {
        let app = TestApp::idle(&engine).await;
        let (first, second) = (keyed(&app, "k1", &small()).await, keyed(&app, "k1", &small()).await);
        assert_eq!((first.status, first.header("idempotency-replayed")), (202, None));
        assert_eq!(second.header("idempotency-replayed"), Some("true"));
        assert_eq!((first.status, &first.body), (second.status, &second.body));
        for header in ["location", "retry-after", "content-type"] {
            assert_eq!(first.header(header), second.header(header), "{header}");
        }
        assert_eq!(n_jobs(&app).await, 1);
    }

    async fn c10_a_refusal_is_replayed_under_a_new_request_id(engine) {
        let app = TestApp::idle(&engine).await;
        let (first, second) = (keyed(&app, "k1", &json!({"width": 0})).await, keyed(&app, "k1", &json!({"width": 0})).await);
        assert_eq!((first.problem(), first.pointers()), (second.problem(), second.pointers()));
        assert_eq!(second.header("idempotency-replayed"), Some("true"));
        assert_ne!(first.json()["request_id"], second.json()["request_id"]);
    }

    async fn c10_every_post_takes_a_key(engine) {
        let app = TestApp::idle(&engine).await;
        let job = app.submit(&small()).await;
        let path = format!("/api/v1/renders/{}/cancel", crate::app::id(&job));
        let cancel = || Reply::of(app.request(reqwest::Method::POST, &path).header("idempotency-key", "c1"));
        let (first, second) = (cancel().await, cancel().await);
        assert_eq!((first.status, &first.body), (second.status, &second.body));
        assert_eq!(second.header("idempotency-replayed"), Some("true"));
    }

    async fn c11_a_key_belongs_to_its_body(engine) {
        let app = TestApp::idle(&engine).await;
        assert_eq!(keyed(&app, "k1", &small()).await.status, 202);
        let other = keyed(&app, "k1", &json!({"width": 32})).await;
        assert_eq!(other.problem(), (422, "idempotency_key_reused".to_owned()));
        let other_file = app.rendering(Glb::parts(&["Other"]).bytes(), &small()).header("idempotency-key", "k1");
        assert_eq!(Reply::of(other_file).await.problem(), (422, "idempotency_key_reused".to_owned()));
        assert_eq!(n_jobs(&app).await, 1);
        for key in ["", "\u{1}", &"k".repeat(256)] {
            let request = app.rendering(Glb::body(), &small());
            let Ok(value) = reqwest::header::HeaderValue::from_str(key) else { continue };
            assert_eq!(Reply::of(request.header("idempotency-key", value)).await.problem().0, 422, "{key:?}");
        }
    }

    async fn c12_a_key_in_flight(engine) {
        let app = TestApp::idle(&engine).await;
        let waiting = || Reply::of(app.rendering(Glb::body(), &endless()).header("idempotency-key", "k2").header("prefer", "wait=2"));
        let (first, second) = tokio::join!(waiting(), waiting());
        let mut codes = [first.status, second.status];
        codes.sort_unstable();
        assert_eq!(codes, [202, 409]);
        let refused = if first.status == 409 { first } else { second };
        assert_eq!(refused.problem().1, "idempotency_in_flight");
        assert_eq!(refused.header("retry-after"), Some("1"));
        assert_eq!(n_jobs(&app).await, 1);
    }

    async fn c13_keys_of_tenants_are_apart(engine) {
        let app = TestApp::idle(&engine).await;
        let (_, alpha) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let (_, beta) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        let mut ids = Vec::new();
        for key in [&alpha, &beta] {
            let request = app.with_key(key).request(reqwest::Method::POST, "/api/v1/renders");
            let request = request.multipart(crate::app::form(Glb::body(), Some(&small())));
            let reply = Reply::of(request.header("idempotency-key", "k1")).await;
            assert_eq!((reply.status, reply.header("idempotency-replayed")), (202, None));
            ids.push(crate::app::id(&reply.json()));
        }
        assert_ne!(ids[0], ids[1]);
    }

    async fn c14_a_key_expires(engine) {
        let app = TestApp::idle(&engine).await;
        let first = keyed(&app, "k1", &small()).await.json();
        app.db.move_clock(24 * 3_600_000 - 60_000);
        assert_eq!(keyed(&app, "k1", &small()).await.header("idempotency-replayed"), Some("true"));
        app.db.move_clock(61_000);
        let later = keyed(&app, "k1", &small()).await;
        assert_eq!((later.status, later.header("idempotency-replayed")), (202, None));
        assert_ne!(later.json()["id"], first["id"]);
    }
}
