//! F65: who may do what with reviews. Roles, scopes and foreign tenants are tried for every operation by `access`.

use packshot_domain::access::{Role, Scope};
use reqwest::Method;
use serde_json::json;

use super::Held;
use super::desk::{Desk, REVIEWS, STEEL};
use crate::app::TestApp;

cases! {
    async fn f65_rights_and_isolation(engine) {
        let app = TestApp::idle(&engine).await;
        let held = Held::open(&app).await;
        let (_, client) = app.tenant_key("clients", Role::Client, &[Scope::Admin]).await;
        for path in [REVIEWS.to_owned(), format!("{REVIEWS}/{}", held.review), held.path(), "/api/v1/reports/unmapped-names".to_owned()] {
            assert_eq!(app.with_key(&client).get(&path).await.problem(), (403, "forbidden".to_owned()), "{path}");
        }
        let (_, beta) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        let beta = app.with_key(&beta);
        for path in [format!("{REVIEWS}/{}", held.review), held.path()] {
            assert_eq!(beta.get(&path).await.problem(), (404, "material_review_not_found".to_owned()), "{path}");
        }
        assert_eq!(beta.post(&format!("{}/apply", held.path())).await.problem().0, 404);
        assert_eq!(beta.send(Method::PATCH, &format!("{}/outcome", held.path()), &json!({"outcome": "dismissed"})).await.problem().0, 404);
        let line = held.desk.review(&held.review).await["order_line_id"].clone();
        let foreign = beta.send(Method::POST, REVIEWS, &json!({"order_line_id": line})).await;
        assert_eq!(foreign.problem(), (404, "order_line_not_found".to_owned()));
        assert_eq!(beta.get(REVIEWS).await.json()["items"], json!([]));
        // A fix below the path of another review is none.
        let (other, _) = held.desk.stored("other", "Bolt", &[(STEEL, 82)]).await;
        let path = format!("{REVIEWS}/{other}/suggested-fixes/{}", held.fix);
        for (method, path, body) in [
            (Method::GET, path.clone(), None),
            (Method::POST, format!("{path}/apply"), None),
            (Method::DELETE, format!("{path}/ai-outcome-proposal"), None),
            (Method::PATCH, format!("{path}/outcome"), Some(json!({"outcome": "dismissed"}))),
        ] {
            let request = held.desk.admin.request(method, &path);
            let request = match &body {
                Some(body) => request.json(body),
                None => request,
            };
            assert_eq!(crate::app::Reply::of(request).await.problem(), (404, "suggested_fix_not_found".to_owned()), "{path}");
        }
        for (query, n) in [("?status=open", 2), ("?status=closed", 0), ("?part_key=bolt", 1), ("?part_key=Bolt", 0)] {
            assert_eq!(held.desk.admin.get(&format!("{REVIEWS}{query}")).await.json()["items"].as_array().map(Vec::len), Some(n), "{query}");
        }
        assert_eq!(held.desk.admin.get(&format!("{REVIEWS}?status=done")).await.pointers(), ["?status"]);
    }

    async fn f65_t70_reviews_go_with_the_feature(engine) {
        let app = TestApp::start(&engine).await;
        let desk = Desk::open(&app).await;
        let admin = app.operating_key(&[Scope::Admin]).await;
        let config = format!("/api/v1/tenants/{}/config", desk.tenant);
        let switch = async |on: bool| {
            let reply = app.with_key(&admin).send(Method::PATCH, &config, &json!({"features": {"suggested_fixes": on}})).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
        };
        switch(false).await;
        let line = desk.line_of("bar", &["Steel_Bar"]).await;
        for path in [REVIEWS, "/api/v1/reports/unmapped-names"] {
            assert_eq!(desk.admin.get(path).await.problem(), (403, "feature_disabled".to_owned()), "{path}");
        }
        let body = json!({"order_line_id": line});
        assert_eq!(desk.admin.send(Method::POST, REVIEWS, &body).await.problem(), (403, "feature_disabled".to_owned()));
        switch(true).await;
        assert_eq!(desk.admin.get(REVIEWS).await.json()["items"], json!([]), "none was made");
        let made = desk.admin.send(Method::POST, REVIEWS, &body).await;
        assert_eq!((made.status, &made.json()["fixes"][0]["material_id"]), (201, &json!(STEEL)), "{}", made.text());
    }
}
