//! T49: what another tenant has is not there as a reference either: in a body, a filter, a cursor, the number of an
//! event, a key of a repeated request.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::asked::{Answer, Body, request};
use super::operation::Operation;
use super::tenants::{OF_ALPHA, Tenants, ids_within};

/// Members of bodies that refer to something of a tenant by its id or its content address.
const IN_BODIES: &[(&str, &str)] = &[
    ("create_render", "asset"),
    ("create_render", "environment"),
    ("preflight", "asset"),
    ("preflight", "environment"),
    ("create_api_key", "user_id"),
    ("create_product", "cad_file_id"),
    ("change_product", "cad_file_id"),
    ("change_product", "thumbnail_asset_id"),
    ("publish_media_assets", "asset_ids"),
    ("unpublish_media_assets", "asset_ids"),
    ("delete_media_assets", "asset_ids"),
    ("add_product_media", "asset_id"),
    ("reorder_product_media", "asset_ids"),
    ("create_output_type", "workflow_definition_id"),
    ("change_output_type", "workflow_definition_id"),
    ("create_render_template", "output_type_id"),
    ("change_render_template", "output_type_id"),
    ("add_order_line", "product_id"),
    ("add_order_line", "output_type_id"),
    ("create_material_review", "order_line_id"),
    ("create_material_review", "render_id"),
    ("create_material_review", "design_job_id"),
    ("create_workflow", "output_type_id"),
    ("replace_workflow", "output_type_id"),
    ("dispatch_graph", "workflow_id"),
    ("dispatch_graph", "context_id"),
    ("preflight_graph", "context_id"),
    ("mark_notifications_read", "ids"),
    ("create_media_download", "asset_ids"),
    ("create_design_job", "product_id"),
    ("create_design_job", "design_asset_id"),
    ("preview_design", "product_id"),
    ("preview_design", "design_asset_id"),
];
/// A name that no library has, as long as [`OF_ALPHA`] and much like it: no tenant is told what others call theirs.
const OF_NOBODY: &str = "ATLAX";
/// A content address that nothing has.
const NOTHING: &str = "blake3:5ea3bf2d3ff0cbb7b2b8cc6e0d4e2a3c0f1d9a87b6c5d4e3f2a1b0c9d8e7f6a5";

/// The answer to beta's admin where a request has `value`, with that value left out.
async fn told(tenants: &Tenants, (method, path): (Method, &str), body: Option<&Value>, value: &str) -> Answer {
    let request = tenants.app.with_key(&tenants.beta.boss.token).request(method, path);
    let request = body.into_iter().fold(request, |request, body| request.json(body));
    let answer = Answer::to(request).await.bare();
    Answer { body: answer.body.replace(value, "…"), ..answer }
}

/// The ids of everything that alpha has. A content address is none.
async fn ids_of_alpha(tenants: &Tenants) -> BTreeSet<String> {
    let mut ids = BTreeSet::from([tenants.alpha.id.to_string()]);
    for operation in tenants.guarded() {
        ids.extend(tenants.ids_in_alpha(operation).await);
    }
    ids.retain(|id| uuid::Uuid::parse_str(id).is_ok());
    assert!(ids.len() > 6, "{ids:?}");
    ids
}

/// The content address of the product of a tenant's newest render.
async fn newest_product(tenants: &Tenants, token: &str) -> String {
    let page = tenants.app.with_key(token).get("/api/v1/renders").await.json();
    page["items"][0]["request"]["asset"]["content_address"].as_str().expect("an address").to_owned()
}

cases! {
    on_postgres_in_the_soak:
    async fn t49_r78_foreign_references_in_bodies(engine) {
        let tenants = Tenants::with_things(&engine).await;
        for operation in tenants.guarded() {
            let members = operation.schema.as_ref().and_then(|schema| schema["properties"].as_object());
            for (member, schema) in members.into_iter().flatten() {
                let text = schema.to_string();
                let refers = text.contains("\"uuid\"") || text.contains("#/components/schemas/Asset");
                let is_listed = IN_BODIES.contains(&(operation.name.as_str(), member.as_str()));
                assert_eq!(refers, is_listed, "{operation}: try `{member}` with what is alpha's, and list it here");
            }
        }
        let foreign = newest_product(&tenants, &tenants.alpha.boss.token).await;
        let own = newest_product(&tenants, &tenants.beta.boss.token).await;
        assert_ne!(foreign, own);
        let asset = |address: &str| json!({"content_address": address});
        let lit = |address: &str| json!({"asset": asset(&own), "environment": asset(address)});
        let over = |name: &str| json!({"asset": asset(&own), "library": [name]});
        let with = |name: &str| json!({"asset": asset(&own), "materials": {"library": name, "parts": [{"part_name": "Body", "material": "Signal-Red"}]}});
        for path in ["/api/v1/renders", "/api/v1/preflight"] {
            for (pointer, [(value, of_alpha), (no_value, of_nobody)]) in [
                ("/asset/content_address", [foreign.as_str(), NOTHING].map(|at| (at, json!({"asset": asset(at)})))),
                ("/environment/content_address", [foreign.as_str(), NOTHING].map(|at| (at, lit(at)))),
                ("/library/0", [OF_ALPHA, OF_NOBODY].map(|name| (name, over(name)))),
                ("/materials/library", [OF_ALPHA, OF_NOBODY].map(|name| (name, with(name)))),
            ] {
                let seen = told(&tenants, (Method::POST, path), Some(&of_alpha), value).await;
                let missing = told(&tenants, (Method::POST, path), Some(&of_nobody), no_value).await;
                assert_eq!(seen, missing, "{path}: {pointer}");
                assert!(seen.status == 422 && seen.body.contains(&format!("{pointer:?}")), "{path}: {}", seen.said());
            }
        }
        let newest = async |list: &str| {
            let page = tenants.app.with_key(&tenants.alpha.boss.token).get(list).await.json();
            page["items"][0]["id"].as_str().expect("an id").to_owned()
        };
        let nobody = uuid::Uuid::now_v7().to_string();
        for (member, of_alpha) in [
            ("cad_file_id", newest("/api/v1/cad-files").await),
            ("product_id", newest("/api/v1/products").await),
            ("file_id", tenants.newest_file_of_alpha("file_id").await),
        ] {
            for (place, path) in [("asset", "/api/v1/renders"), ("asset", "/api/v1/preflight"), ("environment", "/api/v1/renders")] {
                if place == "environment" && member != "file_id" {
                    continue;
                }
                let named = |id: &str| match place {
                    "asset" => json!({"asset": {member: id}}),
                    _ => json!({"asset": asset(&own), "environment": {member: id}}),
                };
                let seen = told(&tenants, (Method::POST, path), Some(&named(&of_alpha)), &of_alpha).await;
                let missing = told(&tenants, (Method::POST, path), Some(&named(&nobody)), &nobody).await;
                assert_eq!(seen, missing, "{path}: {place} by {member}");
                assert!(seen.status == 422 && seen.body.contains(&format!("/{place}/{member}")), "{path}: {}", seen.said());
            }
        }
        let (of_alpha, marked) = (newest("/api/notifications").await, |id: &str| json!({"ids": [id]}));
        let path = "/api/notifications/read";
        let seen = told(&tenants, (Method::POST, path), Some(&marked(&of_alpha)), &of_alpha).await;
        assert_eq!(seen, told(&tenants, (Method::POST, path), Some(&marked(&nobody)), &nobody).await);
        let users = tenants.app.with_key(&tenants.alpha.boss.token).get("/api/v1/users").await.json();
        let foreign = users["items"][0]["id"].as_str().expect("an id").to_owned();
        let nobody = uuid::Uuid::now_v7().to_string();
        let key = |user: &str| json!({"name": "k", "scopes": ["renders:read"], "user_id": user});
        let seen = told(&tenants, (Method::POST, "/api/v1/api-keys"), Some(&key(&foreign)), &foreign).await;
        let missing = told(&tenants, (Method::POST, "/api/v1/api-keys"), Some(&key(&nobody)), &nobody).await;
        assert_eq!(seen, missing);
        assert_eq!(seen.problem(), (404, "user_not_found".to_owned()));
    }

    async fn t49_foreign_references_in_the_catalogue(engine) {
        let tenants = Tenants::with_things(&engine).await;
        let (alpha, beta) = (&tenants.alpha.boss.token, &tenants.beta.boss.token);
        let newest = async |token: &str, list: &str| {
            let page = tenants.app.with_key(token).get(list).await.json();
            page["items"][0]["id"].as_str().expect("an id").to_owned()
        };
        let nobody = uuid::Uuid::now_v7().to_string();
        for (list, member, referred) in [
            ("/api/v1/products", "cad_file_id", "/api/v1/cad-files"),
            ("/api/v1/products", "thumbnail_asset_id", "/api/media/assets"),
            ("/api/v1/output-types", "workflow_definition_id", "/api/v1/output-types"),
            ("/api/v1/render-templates", "output_type_id", "/api/v1/output-types"),
        ] {
            let foreign = newest(alpha, referred).await;
            let own = format!("{list}/{}", newest(beta, list).await);
            for (method, path) in [(Method::POST, list), (Method::PATCH, own.as_str())] {
                // A product that is being made has no pictures yet.
                if method == Method::POST && member == "thumbnail_asset_id" {
                    continue;
                }
                let body = |id: &str| match method == Method::POST {
                    true if list.ends_with("products") => json!({"pim_id": "x", "name": "x", member: id}),
                    true => json!({"name": "x", member: id}),
                    false => json!({member: id}),
                };
                let seen = told(&tenants, (method.clone(), path), Some(&body(&foreign)), &foreign).await;
                let missing = told(&tenants, (method.clone(), path), Some(&body(&nobody)), &nobody).await;
                assert_eq!(seen, missing, "{path}: {member}");
                assert!(seen.status == 422 && seen.body.contains(&format!("/{member}")), "{path}: {}", seen.said());
            }
        }
    }

    async fn t49_foreign_references_in_lines_of_orders(engine) {
        let tenants = Tenants::with_things(&engine).await;
        let newest = async |token: &str, list: &str| {
            let page = tenants.app.with_key(token).get(list).await.json();
            page["items"][0]["id"].as_str().expect("an id").to_owned()
        };
        let nobody = uuid::Uuid::now_v7().to_string();
        let (alpha, beta) = (&tenants.alpha.boss.token, &tenants.beta.boss.token);
        let own = json!({
            "product_id": newest(beta, "/api/v1/products").await,
            "output_type_id": newest(beta, "/api/v1/output-types").await,
        });
        let lines = format!("/api/orders/{}/lines", newest(beta, "/api/orders").await);
        for (member, list) in [("product_id", "/api/v1/products"), ("output_type_id", "/api/v1/output-types")] {
            let foreign = newest(alpha, list).await;
            let line = |id: &str| {
                let mut line = own.clone();
                line[member] = json!(id);
                line
            };
            let order = |id: &str| json!({"lines": [line(id)]});
            for (path, [of_alpha, of_nobody]) in [
                (lines.as_str(), [&foreign, &nobody].map(|id| line(id))),
                ("/api/orders", [&foreign, &nobody].map(|id| order(id))),
            ] {
                let seen = told(&tenants, (Method::POST, path), Some(&of_alpha), &foreign).await;
                let missing = told(&tenants, (Method::POST, path), Some(&of_nobody), &nobody).await;
                assert_eq!(seen, missing, "{path}: {member}");
                assert!(seen.status == 422 && seen.body.contains(&format!("/{member}")), "{path}: {}", seen.said());
            }
        }
    }

    async fn t49_foreign_references_of_reviews(engine) {
        let tenants = Tenants::with_things(&engine).await;
        let nobody = uuid::Uuid::now_v7().to_string();
        let renders = tenants.app.with_key(&tenants.alpha.boss.token).get("/api/v1/renders").await.json();
        let render = renders["items"][0]["id"].as_str().expect("an id").to_owned();
        let designs = tenants.app.with_key(&tenants.alpha.boss.token).get("/admin/render-engine/jobs").await.json();
        let design = designs["items"][0]["id"].as_str().expect("an id").to_owned();
        for (member, foreign, code) in [
            ("order_line_id", tenants.newest_line_of_alpha().await, "order_line_not_found"),
            ("render_id", render, "render_not_found"),
            ("design_job_id", design, "render_job_not_found"),
        ] {
            let (path, body) = ("/api/v1/material-reviews", |id: &str| json!({member: id}));
            let seen = told(&tenants, (Method::POST, path), Some(&body(&foreign)), &foreign).await;
            let missing = told(&tenants, (Method::POST, path), Some(&body(&nobody)), &nobody).await;
            assert_eq!(seen, missing, "{member}");
            assert!(seen.body.contains(code), "{member}: {}", seen.said());
        }
    }

    async fn t49_foreign_references_of_workflows(engine) {
        let tenants = Tenants::with_things(&engine).await;
        let (alpha, beta) = (&tenants.alpha.boss.token, &tenants.beta.boss.token);
        let newest = async |token: &str, list: &str| {
            let page = tenants.app.with_key(token).get(list).await.json();
            page["items"][0]["id"].as_str().expect("an id").to_owned()
        };
        let nobody = uuid::Uuid::now_v7().to_string();
        let own = format!("/api/workflows/{}", newest(beta, "/api/workflows").await);
        let config = json!({"type": "thumbnail"});
        let (file, of_beta) = (newest(alpha, "/api/v1/cad-files").await, newest(beta, "/api/v1/cad-files").await);
        let line = tenants.newest_line_of_alpha().await;
        let saved = |id: &str| json!({"name": "x", "config": config, "output_type_id": id});
        let on = |id: &str| json!({"config": config, "context_id": id});
        let named = |id: &str| json!({"config": config, "context_id": of_beta, "workflow_id": id});
        let [dispatch, preflight] = ["dispatch", "preflight"].map(|what| format!("/api/workflows/{what}"));
        let (workflow, output_type) = (newest(alpha, "/api/workflows").await, newest(alpha, "/api/v1/output-types").await);
        for (method, path, body, foreign, code) in [
            (Method::POST, "/api/workflows", &saved as &dyn Fn(&str) -> Value, &output_type, "output_type_not_found"),
            (Method::PUT, &own, &saved, &output_type, "output_type_not_found"),
            (Method::POST, &dispatch, &on, &file, "context_not_found"),
            (Method::POST, &dispatch, &on, &line, "context_not_found"),
            (Method::POST, &preflight, &on, &file, "context_not_found"),
            (Method::POST, &preflight, &on, &line, "context_not_found"),
            (Method::POST, &dispatch, &named, &workflow, "workflow_not_found"),
        ] {
            let seen = told(&tenants, (method.clone(), path), Some(&body(foreign)), foreign).await;
            let missing = told(&tenants, (method, path), Some(&body(&nobody)), &nobody).await;
            assert_eq!(seen, missing, "{path}");
            assert!(seen.body.contains(code), "{path}: {}", seen.said());
        }
        for context in [&file, &line] {
            for (method, action) in [(Method::POST, "dispatch"), (Method::GET, "preflight")] {
                let path = |id: &str| format!("{own}/{action}?context_id={id}");
                let seen = told(&tenants, (method.clone(), &path(context)), None, context).await;
                let missing = told(&tenants, (method, &path(&nobody)), None, &nobody).await;
                assert_eq!((seen.problem(), &seen), ((404, "context_not_found".to_owned()), &missing), "{action}");
            }
        }
    }

    async fn t49_foreign_filters_and_cursors(engine) {
        let tenants = Tenants::with_things(&engine).await;
        let (marks, ids) = (tenants.marks_of_alpha().await, ids_of_alpha(&tenants).await);
        let lists: Vec<&Operation> = tenants.guarded().into_iter().filter(|operation| operation.is_plain_read()).collect();
        let (mut n_filters, mut n_cursors) = (0, 0);
        for operation in &lists {
            for filter in operation.query.iter().filter(|name| name.ends_with("_id")) {
                let by = |value: &str| format!("{}?{filter}={value}", operation.path);
                let nobody = uuid::Uuid::now_v7().to_string();
                let missing = told(&tenants, (Method::GET, &by(&nobody)), None, &nobody).await;
                // A tenant that is named is acted for, which few may.
                let status = if filter == "tenant_id" { 403 } else { 200 };
                assert_eq!((missing.status, missing.items().len()), (status, 0), "{operation} by {filter}");
                for id in &ids {
                    let seen = told(&tenants, (Method::GET, &by(id)), None, id).await;
                    assert_eq!(seen, missing, "{operation} by {filter}");
                    n_filters += 1;
                }
            }
            if operation.query.iter().any(|name| name == "cursor") {
                let first = format!("{}?limit=1&page_size=1", operation.path);
                let page = Answer::to(tenants.app.with_key(&tenants.alpha.boss.token).request(Method::GET, &first)).await;
                let page: Value = serde_json::from_str(&page.body).expect("JSON");
                let Some(cursor) = page["next_cursor"].as_str() else { continue };
                let next = format!("{}?limit=200&cursor={cursor}", operation.path);
                let seen = told(&tenants, (Method::GET, &next), None, cursor).await;
                assert_eq!(seen.status, 200, "{operation}: {}", seen.said());
                let shown = marks.iter().find(|mark| seen.body.contains(*mark));
                assert_eq!(shown, None, "{operation} with alpha's cursor");
                n_cursors += 1;
            }
        }
        assert!(n_filters > 10 && n_cursors > 6, "{n_filters} filters, {n_cursors} cursors");
        for path in ["/api/v1/materials", "/api/v1/materials/Signal-Red"] {
            let by = |name: &str| format!("{path}?library={name}");
            let seen = told(&tenants, (Method::GET, &by(OF_ALPHA)), None, OF_ALPHA).await;
            let missing = told(&tenants, (Method::GET, &by(OF_NOBODY)), None, OF_NOBODY).await;
            assert_eq!(seen, missing, "{path}");
            assert_eq!(seen.problem(), (404, "library_not_found".to_owned()));
        }
    }

    async fn t49_foreign_events(engine) {
        let tenants = Tenants::with_things(&engine).await;
        let marks = tenants.marks_of_alpha().await;
        let (alpha, beta) = (&tenants.alpha.boss.token, &tenants.beta.boss.token);
        let jobs = |token: &str| tenants.app.with_key(token).request(Method::GET, "/api/v1/jobs/events");
        let snapshot = Answer::to(jobs(alpha)).await.body;
        let last = snapshot.lines().find_map(|line| line.strip_prefix("id: ")).expect("a number").to_owned();
        let from_the_first = jobs(beta).header("last-event-id", "0");
        let seen = Answer::until(from_the_first, &["event: job.completed"]).await.body;
        assert_eq!(marks.iter().find(|mark| seen.contains(*mark)), None, "{seen}");
        let after_alphas = Answer::until(jobs(beta).header("last-event-id", &last), &[": keep-alive"]).await.body;
        assert_eq!(marks.iter().find(|mark| after_alphas.contains(*mark)), None, "{after_alphas}");
        let log = |token: &str| {
            let request = tenants.app.with_key(token).request(Method::GET, "/api/v1/artifact-events");
            request.header("accept", "text/event-stream").header("last-event-id", "0")
        };
        let of_artifacts = Answer::until(log(beta), &[": keep-alive"]).await.body;
        assert!(of_artifacts.contains("event: v1.package.finalized"), "{of_artifacts}");
        assert_eq!(marks.iter().find(|mark| of_artifacts.contains(*mark)), None, "{of_artifacts}");
        let streams = tenants.guarded().into_iter().filter(|operation| operation.has_id() && operation.path.ends_with("/events"));
        for operation in streams {
            let ids = [tenants.ids_in_alpha(operation).await, operation.made_up_ids()];
            let mut answers = Vec::new();
            for ids in &ids {
                let ask = request(&tenants.app, operation, Some(beta), ids, Body::Example).header("last-event-id", "1");
                answers.push(Answer::to(ask).await.bare());
            }
            assert_eq!((answers[0].status, &answers[0]), (404, &answers[1]), "{operation}");
        }
    }

    async fn t49_foreign_keys_of_repeated_requests(engine) {
        let tenants = Tenants::with_things(&engine).await;
        let keyed: Vec<&Operation> = tenants.guarded().into_iter().filter(|operation| operation.takes_key).collect();
        let mut n_replayed = 0;
        for operation in &keyed {
            let (ids, key) = (tenants.ids_in_alpha(operation).await, format!("shared-{}", operation.name));
            let ask = async |token: &str, ids: &[String]| {
                let request = request(&tenants.app, operation, Some(token), ids, Body::Example);
                Answer::to(request.header("idempotency-key", &key)).await
            };
            let first = ask(&tenants.alpha.boss.token, &ids).await;
            let again = ask(&tenants.alpha.boss.token, &ids).await;
            n_replayed += u32::from(again.headers.contains_key("idempotency-replayed"));
            let foreign = ask(&tenants.beta.boss.token, &ids).await;
            assert!(!foreign.headers.contains_key("idempotency-replayed"), "{operation}: {}", foreign.said());
            assert!(!foreign.code().starts_with("idempotency_"), "{operation}: {}", foreign.said());
            let (mut of_alpha, shown) = (ids_within(&first.body), ids_within(&foreign.clone().bare().body));
            // What is asked for may be repeated.
            let asked = operation.body.as_ref().map_or_else(String::new, |(_, example)| example.to_string());
            of_alpha.retain(|id| !asked.contains(id.as_str()));
            assert!(of_alpha.is_disjoint(&shown), "{operation}: {}", foreign.said());
            if operation.has_id() {
                let missing = ask(&tenants.beta.boss.token, &operation.made_up_ids()).await;
                assert_eq!(foreign.bare(), missing.bare(), "{operation}");
            }
        }
        assert!(n_replayed > 5, "{n_replayed} of {} were repeated at all", keyed.len());
    }
}
