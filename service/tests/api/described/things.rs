//! What the examples of the document are about, made in a service.

use packshot_db::{AllTenants, channels};
use packshot_domain::channel::{AlertType, Message, Severity};
use packshot_domain::review::ReviewSubject;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{Reply, TestApp, TestDatabase, id, poll, small, token};
use crate::artifacts::Kept;
use crate::glb::Glb;
use crate::materials::ACME;
use crate::media_files::picture;
use crate::reviews::review_of;
use crate::workflows::compared_run;

/// What replaces the ids and addresses in the examples, which are those of another service.
#[derive(Default)]
pub(super) struct Things {
    /// A render that has ended, and the address of its product.
    pub(super) done: String,
    pub(super) product: String,
    /// A file of a package, and its address.
    pub(super) file: String,
    pub(super) content: String,
    /// A line for orders: a product and an output type.
    pub(super) line: Value,
    /// Of somebody who has signed in.
    pub(super) refresh_token: Value,
}

impl Things {
    pub(super) async fn make(app: &TestApp) -> Self {
        let job = app.render(&small()).await;
        let kept = Kept::make(app, app.scope().await, b"some bytes").await;
        let made =
            async |path: &str, body: Value| id(&Reply::of(app.request(Method::POST, path).json(&body)).await.json());
        let file = Form::new().part("file", Part::bytes(Glb::parts(&["Of_lines"]).bytes()).file_name("lines.glb"));
        let request = app.request(Method::POST, "/api/v1/cad-files").multipart(file);
        let file = id(&request.send().await.expect("an answer").json().await.expect("a CAD file"));
        let product = made("/api/v1/products", json!({"pim_id": "of lines", "name": "P", "cad_file_id": file})).await;
        let output_type = made("/api/v1/output-types", json!({"name": "of lines", "render_settings": small()})).await;
        Self {
            line: json!({"product_id": product, "output_type_id": output_type}),
            file: kept.file.to_string(),
            content: kept.address.to_string(),
            done: id(&job),
            product: job["request"]["asset"]["content_address"].as_str().expect("an address").to_owned(),
            ..Self::default()
        }
    }

    /// A media asset, which nobody rendered. Its file is one of a package.
    pub(super) async fn asset(&self, app: &TestApp) -> String {
        crate::media::kept(app).await
    }

    /// A service for a request about people, and somebody who has signed in there.
    pub(super) async fn of_people(operation: &str) -> (TestApp, Self) {
        let mut app = TestApp::idle(&TestDatabase::Sqlite).await;
        // Only once, and while nobody has a password.
        if operation == "complete_setup" {
            return (app, Self::default());
        }
        let tokens = app.set_up("anna@example.com").await;
        app.key = Some(token(&tokens).to_owned());
        (app, Self { refresh_token: tokens["refresh_token"].clone(), ..Self::default() })
    }

    /// A picture that somebody has sent.
    pub(super) async fn picture(&self, app: &TestApp) -> String {
        let form = Form::new().part("file", Part::bytes(picture(40, 20, 1.0)).file_name("logo.png"));
        id(&Reply::of(app.request(Method::POST, "/api/media/assets").multipart(form)).await.json())
    }

    /// A design job that has ended, or one that waits.
    pub(super) async fn designed(&self, app: &TestApp, has_ended: bool) -> String {
        let request = json!({
            "product_id": self.line["product_id"], "design_asset_id": self.picture(app).await, "width": 16, "height": 16,
            "samples": 1, "texture_px": 512, "views": ["front_0deg"],
        });
        let path = "/admin/render-engine/jobs";
        let job = id(&Reply::of(app.request(Method::POST, path).json(&request)).await.json());
        let own = format!("{path}/{job}");
        if has_ended {
            app.post(&format!("{own}/cancel")).await;
            poll(async || app.get(&own).await.json(), |job| job["status"] == "cancelled").await;
        }
        job
    }

    /// A printable area of the product of lines.
    pub(super) async fn area(&self, app: &TestApp) -> String {
        let path = format!("/api/v1/products/{}/design-areas", self.line["product_id"].as_str().expect("an id"));
        let name = uuid::Uuid::now_v7().to_string();
        let area = json!({"name": name, "selector": {"part": "Of_lines"}});
        id(&Reply::of(app.request(Method::POST, &path).json(&area)).await.json())
    }

    /// A preset of placements, by its name.
    pub(super) async fn preset(app: &TestApp) -> String {
        let preset = json!({"name": uuid::Uuid::now_v7().to_string(), "placement": {"width": 60, "y": 10}});
        let made = Reply::of(app.request(Method::POST, "/api/v1/design-presets").json(&preset)).await.json();
        made["name"].as_str().expect("a name").to_owned()
    }

    /// The ticket of a ZIP, as it is in a path.
    pub(super) async fn ticket(&self, app: &TestApp) -> String {
        let wanted = json!({"asset_ids": [self.asset(app).await]});
        let made = Reply::of(app.request(Method::POST, "/api/v1/media-downloads").json(&wanted)).await.json();
        made["url"].as_str().and_then(|url| url.rsplit('/').next()).expect("a link").to_owned()
    }

    /// A CAD file for a graph to run on. Each graph gets its own: a file has one job at a time.
    pub(super) async fn context(app: &TestApp) -> String {
        let part = format!("Part {}", uuid::Uuid::now_v7());
        let part = Part::bytes(Glb::parts(&[&part]).bytes()).file_name("bearing.glb");
        let request = app.request(Method::POST, "/api/v1/cad-files").multipart(Form::new().part("file", part));
        id(&request.send().await.expect("an answer").json().await.expect("a CAD file"))
    }

    /// A review of materials with a fix, whose outcome is suggested, and the line of it.
    pub(super) async fn reviewed(&self, app: &TestApp) -> (String, String) {
        let order =
            Reply::of(app.request(Method::POST, "/api/orders").json(&json!({"lines": [self.line]}))).await.json();
        let (line, scope) = (id(&order["lines"][0]), app.scope().await);
        let subject = ReviewSubject::Line(line.parse().expect("an id"));
        let (review, fix) = review_of(app, scope, subject, "Steel_Bar").await;
        packshot_db::testing::suggest_outcome(&app.db, scope, fix, "User confirmed resolved").await.expect("stored");
        (review, line)
    }

    /// The id of something that the operation accepts.
    pub(super) async fn id_for(&self, app: &TestApp, operation: &str) -> Option<String> {
        let failed = async || {
            let reply = app.rendering(b"glTF\x02\0\0\0".to_vec(), &small()).send().await.expect("an answer");
            let job: Value = reply.json().await.expect("a job");
            app.job_when(&id(&job), |job| job["state"] == "failed").await
        };
        let library = async || {
            let form = Form::new().part("library", Part::bytes(ACME.as_bytes()).file_name("studio.toml"));
            let request = app.request(Method::POST, "/api/v1/material-libraries").multipart(form);
            request.send().await.expect("an answer").json::<Value>().await.expect("a library")
        };
        let created = async |path: &str, body: Value| {
            let reply = app.request(Method::POST, path).json(&body).send().await.expect("an answer");
            reply.json::<Value>().await.expect("an object")
        };
        let unique = uuid::Uuid::now_v7().to_string();
        match operation {
            "get_user" | "change_user" | "delete_user" | "reset_password" => {
                Some(id(&created("/api/v1/users", json!({"email": "ben@test", "display_name": "Ben"})).await))
            }
            "change_api_key" | "revoke_api_key" => {
                Some(id(&created("/api/v1/api-keys", json!({"name": "k", "scopes": ["admin"]})).await))
            }
            "get_tenant_config" | "change_tenant_config" => Some(app.scope().await.tenant.to_string()),
            "get_tenant" | "change_tenant" | "delete_tenant" | "deactivate_tenant" | "activate_tenant"
            | "restore_tenant" => {
                // Of the slug that the example of a deletion confirms.
                let admin = json!({"email": "eva@test", "display_name": "Eva"});
                let made = created("/api/v1/tenants", json!({"name": "Beta", "slug": "beta", "admin": admin})).await;
                let path = format!("/api/v1/tenants/{}", id(&made["tenant"]));
                if ["delete_tenant", "activate_tenant", "restore_tenant"].contains(&operation) {
                    app.post(&format!("{path}/deactivate")).await;
                }
                if operation == "restore_tenant" {
                    app.delete(&format!("{path}?confirm=beta")).await;
                }
                Some(id(&made["tenant"]))
            }
            "end_session" => Some(id(&app.get("/api/v1/me/sessions").await.json()["items"][0])),
            "delete_render" => Some(id(&failed().await)),
            "get_task" | "requeue_task" => Some(failed().await["task_id"].as_str().expect("a task").to_owned()),
            "finalize_package" | "put_package_file" | "add_package_file" => {
                let new = json!({"name": "p", "producer": "prod", "subject": "sub", "retention_class": "scratch"});
                Some(id(&created("/api/v1/packages", new).await))
            }
            // Each request gets its own: one that is deleted takes no other change.
            "get_package"
            | "change_package"
            | "delete_package"
            | "list_package_files"
            | "get_package_manifest"
            | "get_package_archive"
            | "verify_package"
            | "hold_package"
            | "release_package" => {
                Some(Kept::make(app, app.scope().await, b"kept for one request").await.package.to_string())
            }
            "get_cad_file" | "get_cad_file_content" | "delete_cad_file" => {
                let part = Part::bytes(Glb::body()).file_name("bearing.glb");
                let request = app.request(Method::POST, "/api/v1/cad-files").multipart(Form::new().part("file", part));
                Some(id(&request.send().await.expect("an answer").json().await.expect("a CAD file")))
            }
            "reextract_cad_file" | "regenerate_cad_thumbnail" => Some(Self::context(app).await),
            "get_product"
            | "change_product"
            | "delete_product"
            | "get_product_media"
            | "add_product_media"
            | "reorder_product_media"
            | "remove_product_media" => {
                Some(id(&created("/api/v1/products", json!({"pim_id": unique, "name": "P"})).await))
            }
            "get_material_alias" | "withdraw_material_alias" => {
                let new = json!({"alias": unique, "material_id": "STD_010101_Steel-Bare"});
                Some(id(&created("/api/v1/material-aliases", new).await))
            }
            "get_webhook"
            | "change_webhook"
            | "delete_webhook"
            | "rotate_webhook_secret"
            | "enable_webhook"
            | "disable_webhook"
            | "test_webhook"
            | "list_deliveries"
            | "get_delivery"
            | "redeliver" => {
                // There may be twenty, so that most share one.
                let known = app.get("/api/v1/webhooks").await.json()["items"][0].clone();
                let new = json!({"url": "https://receiver.invalid/", "event_types": ["fix.*"]});
                let is_shared = operation != "delete_webhook" && known.is_object();
                Some(if is_shared { id(&known) } else { id(&created("/api/v1/webhooks", new).await) })
            }
            "get_output_type" | "change_output_type" | "delete_output_type" => {
                Some(id(&created("/api/v1/output-types", json!({"name": unique})).await))
            }
            "get_render_template" | "change_render_template" | "delete_render_template" => {
                Some(id(&created("/api/v1/render-templates", json!({"name": unique})).await))
            }
            "get_media_asset_thumbnail" => {
                let picture = Part::bytes(picture(40, 20, 1.0)).file_name("front.png");
                let request =
                    app.request(Method::POST, "/api/media/assets").multipart(Form::new().part("file", picture));
                Some(id(&request.send().await.expect("an answer").json().await.expect("an asset")))
            }
            _ if operation.contains("_media_asset") => Some(self.asset(app).await),
            "add_order_line"
            | "remove_order_line"
            | "get_order_line"
            | "submit_order"
            | "reject_order"
            | "resubmit_order"
            | "get_order"
            | "edit_order"
            | "delete_order"
            | "get_order_history"
            | "dispatch_order"
            | "cancel_order_renders"
            | "dispatch_order_line"
            | "cancel_order_line"
            | "get_order_line_job"
            | "follow_order"
            | "follow_order_line_job" => {
                let order = created("/api/orders", json!({"lines": [self.line]})).await;
                let post = async |action: &str, body: Value| {
                    drop(created(&format!("/api/orders/{}/{action}", id(&order)), body).await);
                };
                if ["reject_order", "resubmit_order", "follow_order"].contains(&operation) {
                    post("submit", Value::Null).await;
                }
                // The stream of one that is over ends.
                if ["resubmit_order", "follow_order"].contains(&operation) {
                    post("reject", json!({"reason": "x"})).await;
                }
                if ["get_order_line_job", "follow_order_line_job"].contains(&operation) {
                    post("dispatch", Value::Null).await;
                }
                let is_of_line =
                    operation.contains("_order_line") && !["add_order_line", "remove_order_line"].contains(&operation);
                Some(if is_of_line { id(&order["lines"][0]) } else { id(&order) })
            }
            "get_workflow" | "replace_workflow" | "delete_workflow" | "list_workflow_runs" | "dispatch_workflow"
            | "preflight_workflow" => {
                Some(id(&created("/api/workflows", json!({"name": "W", "config": {"type": "thumbnail"}})).await))
            }
            "get_workflow_run" | "follow_workflow_run" | "cancel_workflow_run" => {
                let config =
                    json!({"version": 1, "nodes": [{"id": "input", "step": "resolve_step_path"}], "edges": []});
                let new = json!({"context_id": Self::context(app).await, "config": config});
                Some(id(&created("/api/workflows/dispatch", new).await["workflow_run"]))
            }
            "get_comparison" | "get_comparison_picture" => {
                let order = created("/api/orders", json!({"lines": [self.line]})).await;
                Some(compared_run(app, app.scope().await, &id(&order["lines"][0])).await)
            }
            "get_material_review"
            | "refresh_material_review"
            | "apply_top_fixes"
            | "close_material_review"
            | "reopen_material_review"
            | "preview_review_note"
            | "follow_material_review"
            | "get_suggested_fix"
            | "apply_suggested_fix"
            | "say_fix_outcome"
            | "discard_outcome_proposal" => {
                let (review, _) = self.reviewed(app).await;
                if operation == "reopen_material_review" {
                    app.post(&format!("/api/v1/material-reviews/{review}/close")).await;
                }
                Some(review)
            }
            "get_design_job" | "follow_design_job" | "cancel_design_job" => Some(self.designed(app, false).await),
            "retry_design_job" | "delete_design_job" => Some(self.designed(app, true).await),
            _ if operation.contains("_design_area") => self.line["product_id"].as_str().map(str::to_owned),
            "get_notification"
            | "delete_notification"
            | "mark_notification_read"
            | "mark_notification_unread"
            | "delete_announcement" => {
                let made = created("/api/v1/announcements", json!({"title": "a", "body": "b"})).await;
                let told = app.get("/api/notifications").await.json();
                Some(if operation == "delete_announcement" { id(&made) } else { id(&told["items"][0]) })
            }
            "get_alert" | "acknowledge_alert" => {
                let (of, all) = ((AlertType::WorkerRecovery, Severity::Warning), AllTenants::Housekeeping);
                let tenant = app.scope().await.tenant;
                channels::alert(&app.db, all, tenant, of, Message::new("Stalled"), json!({})).await.expect("told");
                Some(id(&app.get("/api/v1/alerts").await.json()["items"][0]))
            }
            "get_material" => None,
            _ if operation.ends_with("_library") => Some(id(&library().await)),
            _ => Some(self.done.clone()),
        }
    }
}
