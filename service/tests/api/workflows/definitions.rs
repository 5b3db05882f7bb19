//! Definitions and the steps that there are: W34, W36, W37, W40, W46, W51–W53, W82, W83, W98, C05, C19, C30, O04,
//! O57, O59.

use packshot_domain::access::{Role, Scope};
use reqwest::Method;
use reqwest::header::IF_MATCH;
use serde_json::{Value, json};

use super::doubles::Doubles;
use super::shop::{Shop, chain, doubled, graph, node, still};
use crate::app::{Reply, TestApp, id};

cases! {
    async fn w36_w37_w40_w52_w53_steps_are_listed_and_configs_checked_when_they_are_saved(engine) {
        let app = TestApp::idle(&engine).await;
        let shop = Shop::open(&app).await;
        let steps = shop.get("/api/workflows/steps").await;
        let steps = steps["items"].as_array().expect("steps").clone();
        assert_eq!(steps.len(), 20);
        let still_step = steps.iter().find(|step| step["name"] == "render_still").expect("a step");
        assert_eq!(still_step["aliases"], json!(["blender_still"]));
        assert_eq!(still_step["params_schema"]["properties"]["samples"]["default"], 256);
        assert!(steps.iter().all(|step| step["available"] == true && step["unavailable_reason"].is_null()));
        let presets = shop.get("/api/workflows/presets").await;
        assert_eq!(presets["items"].as_array().expect("presets").len(), 4);
        let coffee = json!({"name": "n", "config": graph(vec![node("a", "make_coffee", json!({}))], &[])});
        for (method, path) in [(Method::POST, "/api/workflows".to_owned()), {
            let saved = shop.saved(chain(still(json!({})))).await;
            (Method::PUT, format!("/api/workflows/{saved}"))
        }] {
            let refused = shop.admin.send(method, &path, &coffee).await;
            assert_eq!(refused.problem(), (422, "invalid_workflow_config".to_owned()));
            assert!(refused.json()["detail"].as_str().expect("a text").contains("Invalid workflow config"));
            assert_eq!(refused.pointers(), ["/config/nodes/0/step"]);
        }
        let plain = json!({"version": 1, "nodes": [{"id": "render", "step": "blender_still", "ui": {"x": 1}}]});
        let stored = shop.made("/api/workflows", json!({"name": "n", "config": plain})).await;
        assert_eq!(stored["config"]["ui"], json!({"preset": "custom", "execution_mode": "legacy"}));
        assert_eq!(stored["config"]["nodes"][0]["ui"]["x"], 1);
    }

    async fn c19_c30_o04_o59_w83_definitions_are_made_read_replaced_and_deleted(engine) {
        let doubles = Doubles::new(None);
        let app = doubled(&engine, &doubles).await;
        let shop = Shop::open(&app).await;
        let names = ["blender_still", "blender_turntable", "blender_render", "export_blend"];
        let nodes = names.iter().enumerate().map(|(i, step)| node(&format!("n{i}"), step, json!({})));
        let config = graph(nodes.collect(), &[]);
        let made = shop.made("/api/workflows", json!({"name": "All", "config": config, "no_such_member": 1})).await;
        let steps: Vec<&Value> = made["config"]["nodes"].as_array().expect("nodes").iter().map(|n| &n["step"]).collect();
        assert_eq!(steps, ["render_still", "render_turntable", "render_thumbnail", "export_production_glb"]);
        let path = format!("/api/workflows/{}", id(&made));
        let read = shop.admin.get(&path).await;
        assert_eq!((read.header("etag"), read.json()), (Some("\"1\""), made.clone()));
        let put = async |tag: Option<&str>, body: &Value| {
            let request = shop.admin.request(Method::PUT, &path).json(body);
            Reply::of(match tag {
                Some(tag) => request.header(IF_MATCH, tag),
                None => request,
            })
            .await
        };
        let body = json!({"name": "Renamed", "config": {"type": "still"}, "is_active": false});
        assert_eq!(put(Some("\"2\""), &body).await.problem(), (412, "precondition_failed".to_owned()));
        let saved = put(Some("\"1\""), &body).await;
        assert_eq!((saved.status, saved.header("etag")), (200, Some("\"2\"")));
        assert_eq!((&saved.json()["is_active"], &saved.json()["config"]["ui"]["preset"]), (&json!(false), &json!("still")));
        assert_eq!(put(None, &body).await.header("etag"), Some("\"3\""));
        let page = shop.get("/api/workflows").await;
        assert_eq!(page["items"].as_array().expect("definitions").len(), 1);
        let wrong = json!({"name": "x", "config": {"type": "still"}, "output_type_id": uuid::Uuid::now_v7()});
        let refused = shop.admin.send(Method::POST, "/api/workflows", &wrong).await;
        assert_eq!((refused.status, refused.pointers()), (422, vec!["/output_type_id".to_owned()]));
        // O04: an output type and a definition name each other, each without the other too.
        let line = shop.line(Some(chain(still(json!({}))))).await;
        let workflow = line.workflow.clone().expect("a definition");
        assert_eq!(shop.get(&format!("/api/v1/output-types/{}", line.output_type)).await["workflow_definition_id"], workflow);
        let unknown = json!({"workflow_definition_id": uuid::Uuid::now_v7()});
        let path_of_type = format!("/api/v1/output-types/{}", line.output_type);
        let refused = shop.admin.send(Method::PATCH, &path_of_type, &unknown).await;
        assert_eq!((refused.status, refused.pointers()), (422, vec!["/workflow_definition_id".to_owned()]));
        // One with runs is kept; one without goes, and output types that name it have none.
        shop.dispatch_saved(&workflow, &line.id).await;
        let kept = Reply::of(shop.admin.request(Method::DELETE, &format!("/api/workflows/{workflow}"))).await;
        assert_eq!((kept.status, &kept.json()["is_active"]), (200, &json!(false)));
        let refused = shop.admin.post(&format!("/api/workflows/{workflow}/dispatch?context_id={}", line.id)).await;
        assert_eq!(refused.problem(), (409, "workflow_inactive".to_owned()), "W46");
        shop.changed(&path_of_type, json!({"workflow_definition_id": id(&made)})).await;
        let gone = Reply::of(shop.admin.request(Method::DELETE, &path)).await;
        assert_eq!((gone.status, shop.admin.get(&path).await.status), (204, 404));
        assert_eq!(shop.get(&path_of_type).await["workflow_definition_id"], Value::Null);
    }

    async fn o57_o59_a_template_that_a_definition_names_stays(engine) {
        let app = TestApp::idle(&engine).await;
        let shop = Shop::open(&app).await;
        let template = id(&shop.made("/api/v1/render-templates", json!({"name": "T"})).await);
        let named = vec![node("template", "resolve_template", json!({"template_id": template}))];
        let workflow = shop.saved(chain(named)).await;
        let path = format!("/api/v1/render-templates/{template}");
        let refused = Reply::of(shop.admin.request(Method::DELETE, &path)).await;
        assert_eq!(refused.problem(), (409, "template_in_use".to_owned()));
        let gone = Reply::of(shop.admin.request(Method::DELETE, &format!("/api/workflows/{workflow}"))).await;
        assert_eq!(gone.status, 204);
        assert_eq!(Reply::of(shop.admin.request(Method::DELETE, &path)).await.status, 204);
    }

    async fn w82_w98_rights_tenants_and_the_flag(engine) {
        let doubles = Doubles::new(None);
        let app = doubled(&engine, &doubles).await;
        let shop = Shop::open(&app).await;
        let line = shop.line(Some(chain(still(json!({}))))).await;
        let workflow = line.workflow.clone().expect("a definition");
        let tenant = shop.get(&format!("/api/workflows/{workflow}")).await["tenant_id"].as_str().expect("an id").to_owned();
        let tenant = tenant.parse().expect("an id");
        let of = async |role: Role, name: &str| {
            let tokens = app.person(tenant, name, role).await;
            tokens["access_token"].as_str().expect("a token").to_owned()
        };
        let (client, manager) = (of(Role::Client, "c@a.test").await, of(Role::ProjectManager, "m@a.test").await);
        let (client, manager) = (app.with_key(&client), app.with_key(&manager));
        let draft = json!({"context_id": line.id, "config": {"type": "still"}});
        let dispatch = format!("/api/workflows/{workflow}/dispatch?context_id={}", line.id);
        let preflight = format!("/api/workflows/{workflow}/preflight?context_id={}", line.id);
        let new = json!({"name": "n", "config": {"type": "still"}});
        for refused in [
            client.post(&dispatch).await,
            client.get(&preflight).await,
            client.get("/api/workflows").await,
            client.send(Method::POST, "/api/workflows/preflight", &draft).await,
            client.send(Method::POST, "/api/workflows", &new).await,
            manager.send(Method::POST, "/api/workflows", &new).await,
            Reply::of(manager.request(Method::DELETE, &format!("/api/workflows/{workflow}"))).await,
        ] {
            assert_eq!(refused.problem(), (403, "forbidden".to_owned()));
        }
        assert_eq!(manager.get(&preflight).await.status, 200);
        let run = manager.post(&dispatch).await.json()["workflow_run"].clone();
        let run = format!("/api/workflows/runs/{}", id(&run));
        assert_eq!((manager.get(&run).await.status, client.get(&run).await.status), (200, 404), "no line of its own");
        let (_, key) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        let other = app.with_key(&key);
        assert_eq!(other.get(&run).await.problem().1, "workflow_run_not_found");
        assert_eq!(other.get(&format!("/api/workflows/{workflow}")).await.problem().1, "workflow_not_found");
        let foreign = other.send(Method::POST, "/api/workflows/preflight", &draft).await;
        assert_eq!(foreign.problem().1, "context_not_found");
        // W98: without the flag a line is rendered as without a workflow.
        let operator = app.operating_key(&[Scope::Admin]).await;
        let operator = app.with_key(&operator);
        let path = format!("/api/v1/tenants/{tenant}/config");
        let off = operator.send(Method::PATCH, &path, &json!({"features": {"workflows": false}})).await;
        assert_eq!(off.status, 200, "{}", off.text());
        for path in ["/api/workflows", &format!("/api/workflows/{workflow}")] {
            assert_eq!(shop.admin.get(path).await.problem(), (403, "feature_disabled".to_owned()));
        }
        let other_line = json!([{"product_id": shop.product, "output_type_id": line.output_type}]);
        let order = shop.made("/api/orders", json!({"lines": other_line})).await;
        let dispatched = shop.made(&format!("/api/v1/order-lines/{}/dispatch", id(&order["lines"][0])), json!({})).await;
        assert_eq!((&dispatched["backend"], &dispatched["rollout_gate_status"]), (&json!("legacy"), &json!("legacy_only")));
        assert_eq!(dispatched["rollout_workflow_definition_id"], Value::Null);
    }
}
