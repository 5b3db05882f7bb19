//! O05, O08, O15, O25, O29, O38, O40, O41, O46, O48, O54, O58, O60, O61, O68: lines of orders are dispatched, rendered,
//! cancelled, and what their ends mean for their orders.

use packshot_domain::access::{Role, Scope};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{Guest, Reply, TestApp, endless, id, poll, small};
use crate::glb::Glb;

const STEP: &[u8] = b"ISO-10303-21;\nHEADER;\nENDSEC;\nEND-ISO-10303-21;\n";

/// A tenant's admin, with what lines of orders are of.
pub(crate) struct Studio<'a> {
    pub(crate) admin: Guest<'a>,
    pub(crate) product: String,
}

impl<'a> Studio<'a> {
    pub(crate) async fn open(app: &'a TestApp) -> Self {
        Self::of_tenant(app, "alpha").await
    }

    pub(crate) async fn of_tenant(app: &'a TestApp, tenant: &str) -> Self {
        let (_, key) = app.tenant_key(tenant, Role::TenantAdmin, &[Scope::Admin]).await;
        let admin = app.with_key(&key);
        let studio = Self { admin, product: String::new() };
        let product = studio.product("6204", Glb::body()).await;
        Self { product, ..studio }
    }

    pub(crate) async fn made(&self, path: &str, body: Value) -> Value {
        let made = self.admin.send(Method::POST, path, &body).await;
        assert!([200, 201].contains(&made.status), "{path}: {}", made.text());
        made.json()
    }

    /// A product that is rendered from this file, whose part `Body` is of steel.
    pub(crate) async fn product(&self, pim_id: &str, file: Vec<u8>) -> String {
        let form = Form::new().part("file", Part::bytes(file).file_name("part.glb"));
        let file = Reply::of(self.admin.request(Method::POST, "/api/v1/cad-files").multipart(form)).await.json();
        let materials = json!([{"part_name": "Body", "material": "Chrome"}]);
        let product =
            json!({"pim_id": pim_id, "name": pim_id, "cad_file_id": id(&file), "cad_part_materials": materials});
        id(&self.made("/api/v1/products", product).await)
    }

    pub(crate) async fn output_type(&self, name: &str, settings: Value, more: Value) -> String {
        let mut new = json!({"name": name, "render_settings": settings});
        more.as_object().expect("members").iter().for_each(|(name, value)| new[name] = value.clone());
        id(&self.made("/api/v1/output-types", new).await)
    }

    /// A draft with a line of the product for each of these output types.
    pub(crate) async fn order(&self, output_types: &[&str]) -> Value {
        let line = |of: &&str| json!({"product_id": self.product, "output_type_id": of});
        self.made("/api/orders", json!({"lines": output_types.iter().map(line).collect::<Vec<_>>()})).await
    }

    pub(crate) async fn act(&self, order: &Value, action: &str) -> Reply {
        self.admin.post(&format!("/api/orders/{}/{action}", id(order))).await
    }

    pub(crate) async fn of_line(&self, line: &str, action: &str) -> Reply {
        self.admin.post(&format!("/api/v1/order-lines/{line}/{action}")).await
    }

    pub(crate) async fn line_when(&self, line: &str, status: &str) -> Value {
        let ask = async || self.admin.get(&format!("/api/v1/order-lines/{line}")).await.json();
        poll(ask, |line| line["render_status"] == status).await
    }

    pub(crate) async fn order_when(&self, order: &Value, status: &str) -> Value {
        let ask = async || self.admin.get(&format!("/api/orders/{}", id(order))).await.json();
        poll(ask, |order| order["status"] == status).await
    }

    async fn history(&self, order: &Value) -> Vec<(String, String)> {
        let history = self.admin.get(&format!("/api/orders/{}/history", id(order))).await.json();
        let word = |value: &Value| value.as_str().expect("a word").to_owned();
        let changes = history["items"].as_array().expect("changes").iter();
        changes.map(|change| (word(&change["from_status"]), word(&change["to_status"]))).collect()
    }
}

/// Events of a stream: number, type and data of each.
fn read_events(stream: &str) -> Vec<(Option<u64>, String, Value)> {
    let frames = stream.split("\n\n").filter(|frame| frame.contains("data: "));
    let event = |frame: &str| {
        let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        let data = serde_json::from_str(&field("data: ").expect("data")).expect("JSON");
        (field("id: ").map(|id| id.parse().expect("a number")), field("event: ").expect("a type"), data)
    };
    frames.map(event).collect()
}

pub(crate) fn lines(order: &Value) -> Vec<String> {
    order["lines"].as_array().expect("lines").iter().map(id).collect()
}

pub(crate) fn statuses(order: &Value) -> Vec<&str> {
    order["lines"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|line| line["render_status"].as_str().expect("a word"))
        .collect()
}

fn changes(words: &[&str]) -> Vec<(String, String)> {
    words.windows(2).map(|pair| (pair[0].to_owned(), pair[1].to_owned())).collect()
}

cases! {
    async fn o05_o25_a_line_is_rendered_and_its_order_completed(engine) {
        let app = TestApp::start(&engine).await;
        let studio = Studio::open(&app).await;
        let still = studio.output_type("Front", small(), json!({})).await;
        let order = studio.order(&[&still]).await;
        let line = lines(&order).remove(0);
        let job = format!("/api/v1/order-lines/{line}/job");
        assert_eq!(studio.admin.get(&job).await.problem(), (404, "job_not_found".to_owned()));
        assert_eq!(studio.act(&order, "submit").await.status, 200);
        let dispatched = studio.of_line(&line, "dispatch").await;
        assert_eq!(dispatched.status, 200, "{}", dispatched.text());
        let result = dispatched.json();
        assert_eq!((&result["backend"], &result["execution_mode"], &result["rollout_gate_status"]), (&json!("legacy"), &json!("legacy"), &json!("legacy_only")));
        assert_eq!((&result["order_line_id"], &result["rollout_output_type_id"]), (&json!(line), &json!(still)));
        assert_eq!((&result["task_ids"][0], &result["celery_task_id"]), (&result["task_id"], &result["task_id"]));
        assert_eq!(result.as_object().expect("members").len(), 21, "every member is there: {result}");

        let completed = studio.order_when(&order, "completed").await;
        let done = &completed["lines"][0];
        assert_eq!(done["render_status"], "completed");
        let result_path = done["result_path"].as_str().expect("a path");
        assert!(result_path.starts_with(&format!("renders/{line}/")) && result_path.ends_with(".png"), "{result_path}");
        assert!(done["render_started_at"].is_string() && done["render_completed_at"].is_string());
        let document = &done["render_job_doc"];
        assert_eq!((&document["job_id"], &document["state"], &document["task_id"]), (&json!(line), &json!("completed"), &result["task_id"]));
        assert_eq!(document["result"]["output_path"], json!(result_path));
        assert_eq!((&done["render_log"], &studio.admin.get(&job).await.json()), (document, document));
        assert_eq!(studio.history(&order).await, changes(&["draft", "submitted", "processing", "completed"]));

        let task = studio.admin.get(&format!("/api/v1/tasks/{}", result["task_id"].as_str().expect("an id"))).await.json();
        assert_eq!((&task["task_name"], &task["args"], &task["state"]), (&json!("render_still"), &json!([line]), &json!("completed")));
        assert_eq!((&task["kwargs"]["width"], &task["kwargs"]["publish_asset_enabled"], task["kwargs"].get("height").is_some()), (&json!(16), &json!(true), true));
        assert_eq!(task["kwargs"].get("trim"), None, "what nobody set is not there");
        let packages = studio.admin.get(&format!("/api/v1/packages?subject=order_line:{line}")).await.json();
        let package = &packages["items"][0];
        assert_eq!((&package["retention_class"], &package["status"]), (&json!("render-output"), &json!("finalized")), "{packages}");
        let made = studio.admin.get(&format!("/api/v1/packages/{}", id(package))).await.json();
        assert_eq!(made["metadata"]["provenance"]["job"]["order_line_id"], json!(line));
        assert_eq!(made["metadata"]["provenance"]["materials"]["unmapped_parts"], 0);
    }

    async fn o15_o48_failed_lines_do_not_keep_an_order_open(engine) {
        let app = TestApp::start(&engine).await;
        let studio = Studio::open(&app).await;
        let [still, strict, some] = [
            studio.output_type("Front", small(), json!({})).await,
            studio.output_type("No magenta", small(), json!({"max_unmapped": 0})).await,
            studio.output_type("Little magenta", small(), json!({"max_unmapped": 1})).await,
        ];
        let (three, two) = (Glb::parts(&["Body", "Xq7", "Zz9"]).bytes(), Glb::parts(&["Body", "Xq7"]).bytes());
        let (three, two) = (studio.product("three", three).await, studio.product("two", two).await);
        let of = |product: &str, of: &str| json!({"product_id": product, "output_type_id": of});
        let wanted = [of(&studio.product, &still), of(&three, &strict), of(&three, &some), of(&two, &some), of(&studio.product, &strict)];
        let order = studio.made("/api/orders", json!({"lines": wanted})).await;
        assert_eq!(studio.act(&order, "submit").await.status, 200);
        assert_eq!(studio.act(&order, "dispatch").await.json()["results"].as_array().map(Vec::len), Some(5));
        let order = studio.order_when(&order, "completed").await;
        assert_eq!(statuses(&order), ["completed", "failed", "failed", "completed", "completed"]);
        let strict = &order["lines"][1];
        let error = strict["render_job_doc"]["error"].as_str().expect("a text");
        assert!(error.contains("Xq7"), "{error}");
        assert_eq!(strict["result_path"], json!(null));
        let task = strict["render_job_doc"]["task_id"].as_str().expect("an id");
        assert_eq!(studio.admin.get(&format!("/api/v1/tasks/{task}")).await.json()["error"]["code"], "unmapped_parts");
        let packages = studio.admin.get(&format!("/api/v1/packages?subject=order_line:{}", id(strict))).await.json();
        assert_eq!(packages["items"], json!([]), "nothing is published");
        assert_eq!(order["line_counts"]["failed"], 2);
    }

    async fn o38_o68_an_order_is_dispatched_as_far_as_it_can_be(engine) {
        let app = TestApp::idle(&engine).await;
        let studio = Studio::open(&app).await;
        let still = studio.output_type("Front", small(), json!({})).await;
        let bare = id(&studio.made("/api/v1/products", json!({"pim_id": "bare", "name": "Without a file"})).await);
        let of = |product: &str| json!({"product_id": product, "output_type_id": still});
        let wanted = [of(&studio.product), of(&bare), of(&studio.product)];
        let order = studio.made("/api/orders", json!({"lines": wanted})).await;
        let [first, second, third] = lines(&order).try_into().expect("three");
        assert_eq!(studio.of_line(&first, "dispatch").await.status, 200);
        assert_eq!(studio.of_line(&first, "dispatch").await.problem(), (409, "line_processing".to_owned()));
        assert_eq!(studio.of_line(&second, "dispatch").await.problem(), (422, "line_not_renderable".to_owned()));
        let answer = studio.act(&order, "dispatch").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let answer = answer.json();
        let results = answer["results"].as_array().expect("results");
        assert_eq!(results.iter().map(|result| &result["order_line_id"]).collect::<Vec<_>>(), [&json!(second), &json!(third)]);
        assert_eq!((&results[0]["error"]["code"], &results[1]["error"]), (&json!("line_not_renderable"), &json!(null)));
        assert_eq!(results[0]["task_ids"], json!([]));
        let order = studio.admin.get(&format!("/api/orders/{}", id(&order))).await.json();
        assert_eq!((&order["status"], statuses(&order)), (&json!("draft"), vec!["pending"; 3]));
        let states = order["lines"].as_array().expect("lines").iter().map(|line| &line["render_job_doc"]["state"]);
        assert!(states.eq([&json!("queued"), &json!(null), &json!("queued")]));
    }

    async fn o61_a_line_with_a_live_job_is_not_removed(engine) {
        let app = TestApp::idle(&engine).await;
        let studio = Studio::open(&app).await;
        let still = studio.output_type("Front", small(), json!({})).await;
        let order = studio.order(&[&still, &still]).await;
        let [line, other] = lines(&order).try_into().expect("two");
        let own = format!("/api/orders/{}", id(&order));
        assert_eq!(studio.of_line(&line, "dispatch").await.status, 200);
        for path in [format!("{own}/lines/{line}"), own.clone()] {
            let refused = Reply::of(studio.admin.request(Method::DELETE, &path)).await;
            assert_eq!(refused.problem(), (409, "line_processing".to_owned()));
        }
        let cancelled = studio.of_line(&line, "cancel").await;
        assert_eq!((cancelled.status, &cancelled.json()["render_status"]), (200, &json!("cancelled")), "it had not begun");
        assert_eq!(studio.of_line(&line, "cancel").await.json()["render_status"], "cancelled", "twice is as good as once");
        assert_eq!(studio.of_line(&other, "cancel").await.json()["render_status"], "cancelled", "it was never dispatched");
        for path in [format!("{own}/lines/{line}"), own] {
            assert_eq!(Reply::of(studio.admin.request(Method::DELETE, &path)).await.status, 204);
        }
    }

    async fn o60_drafts_are_rendered_and_completed_when_they_are_submitted(engine) {
        let app = TestApp::start(&engine).await;
        let studio = Studio::open(&app).await;
        let still = studio.output_type("Front", small(), json!({})).await;
        let long = studio.output_type("Long", endless(), json!({})).await;
        let passed = changes(&["draft", "submitted", "processing", "completed"]);
        let order = studio.order(&[&still, &still]).await;
        assert_eq!(studio.act(&order, "dispatch").await.status, 200);
        for line in lines(&order) {
            studio.line_when(&line, "completed").await;
        }
        assert_eq!(studio.history(&order).await, [], "a draft stays one");
        let submitted = studio.act(&order, "submit").await.json();
        assert_eq!(submitted["status"], "completed");
        assert!(submitted["processing_started_at"].is_string() && submitted["completed_at"].is_string());
        assert_eq!(studio.history(&order).await, passed);

        let order = studio.order(&[&still, &long]).await;
        let [short, long] = lines(&order).try_into().expect("two");
        assert_eq!(studio.act(&order, "dispatch").await.status, 200);
        studio.line_when(&short, "completed").await;
        studio.line_when(&long, "processing").await;
        assert_eq!(studio.act(&order, "submit").await.json()["status"], "submitted");
        assert_eq!(studio.of_line(&long, "cancel").await.status, 202, "its work is stopping");
        let order = studio.order_when(&order, "completed").await;
        assert_eq!(statuses(&order), ["completed", "cancelled"]);
        assert_eq!(studio.history(&order).await, passed);
    }

    async fn o08_o29_a_rejected_order_stops_what_it_renders(engine) {
        let app = TestApp::start(&engine).await;
        let studio = Studio::open(&app).await;
        let still = studio.output_type("Front", small(), json!({})).await;
        let long = studio.output_type("Long", endless(), json!({})).await;
        let strict = studio.output_type("Strict", small(), json!({"max_unmapped": 0})).await;
        let unknown = studio.product("unknown", Glb::parts(&["Xq7"]).bytes()).await;
        let of = |product: &str, of: &str| json!({"product_id": product, "output_type_id": of});
        let wanted = [of(&studio.product, &still), of(&unknown, &strict), of(&studio.product, &long), of(&studio.product, &still)];
        let order = studio.made("/api/orders", json!({"lines": wanted})).await;
        let all = lines(&order);
        assert_eq!(studio.act(&order, "submit").await.status, 200);
        for (line, status) in all.iter().zip(["completed", "failed", "processing"]) {
            assert_eq!(studio.of_line(line, "dispatch").await.status, 200);
            studio.line_when(line, status).await;
        }
        assert_eq!(studio.admin.get(&format!("/api/orders/{}", id(&order))).await.json()["status"], "processing");
        let reject = format!("/api/orders/{}/reject", id(&order));
        let rejected = studio.admin.send(Method::POST, &reject, &json!({"reason": "Wrong housing"})).await;
        assert_eq!((rejected.status, &rejected.json()["status"]), (200, &json!("rejected")));
        studio.line_when(&all[2], "cancelled").await;
        let stopped = studio.admin.get(&format!("/api/orders/{}", id(&order))).await.json();
        assert_eq!(statuses(&stopped), ["completed", "failed", "cancelled", "cancelled"]);
        assert_eq!((&stopped["status"], &stopped["lines"][2]["result_path"]), (&json!("rejected"), &json!(null)));
        for path in [format!("/api/orders/{}", id(&order)), format!("/api/v1/order-lines/{}", all[0])] {
            let refused = studio.admin.post(&format!("{path}/dispatch")).await;
            assert_eq!(refused.problem(), (409, "order_rejected".to_owned()));
        }
        let task = stopped["lines"][1]["render_job_doc"]["task_id"].as_str().expect("an id").to_owned();
        let refused = studio.admin.post(&format!("/api/v1/tasks/{task}/requeue")).await;
        assert_eq!(refused.problem(), (409, "order_rejected".to_owned()), "a line goes with its task");
        assert_eq!(studio.history(&order).await, changes(&["draft", "submitted", "processing", "rejected"]));
        let again = studio.act(&order, "resubmit").await.json();
        assert_eq!((&again["status"], statuses(&again)), (&json!("draft"), vec!["completed", "pending", "pending", "pending"]));
        let kept = &again["lines"][0]["asset_ids"];
        assert_eq!((kept, kept.as_array().map(Vec::len)), (&stopped["lines"][0]["asset_ids"], Some(1)), "it keeps its picture");
        assert_eq!((&again["lines"][1]["render_job_doc"], &again["lines"][0]["result_path"]), (&json!(null), &stopped["lines"][0]["result_path"]));
    }

    async fn o40_cancelled_renders_return_an_order(engine) {
        let app = TestApp::start(&engine).await;
        let studio = Studio::open(&app).await;
        let still = studio.output_type("Front", small(), json!({})).await;
        let long = studio.output_type("Long", endless(), json!({})).await;
        let order = studio.order(&[&long, &long, &still]).await;
        let all = lines(&order);
        assert_eq!(studio.act(&order, "submit").await.status, 200);
        assert_eq!(studio.of_line(&all[0], "dispatch").await.status, 200);
        studio.line_when(&all[0], "processing").await;
        let answer = studio.act(&order, "cancel-renders").await.json();
        assert_eq!(answer["cancelled"], json!(all), "running, and two that wait");
        let order = studio.order_when(&order, "submitted").await;
        assert_eq!(statuses(&order), ["cancelled"; 3]);
        assert_eq!(studio.history(&order).await, changes(&["draft", "submitted", "processing", "submitted"]));

        assert_eq!(studio.of_line(&all[2], "dispatch").await.status, 200, "from there it is taken up again");
        studio.line_when(&all[2], "completed").await;
        assert_eq!(studio.order_when(&order, "completed").await["line_counts"]["cancelled"], 2);
        let [_, last] = [0, 1].map(|i| all[i].clone());
        assert_eq!(studio.of_line(&last, "dispatch").await.status, 200);
        studio.line_when(&last, "processing").await;
        assert_eq!(studio.act(&order, "cancel-renders").await.json()["cancelled"], json!([last]));
        studio.line_when(&last, "cancelled").await;
        assert_eq!(studio.order_when(&order, "completed").await["line_counts"]["completed"], 1, "it stays completed");
    }

    async fn o41_a_completed_order_is_rendered_again(engine) {
        let app = TestApp::start(&engine).await;
        let studio = Studio::open(&app).await;
        let still = studio.output_type("Front", small(), json!({})).await;
        let order = studio.order(&[&still]).await;
        let line = lines(&order).remove(0);
        assert_eq!(studio.act(&order, "submit").await.status, 200);
        assert_eq!(studio.of_line(&line, "dispatch").await.status, 200);
        let first = studio.order_when(&order, "completed").await["lines"][0].clone();
        // A re-render that fails leaves the result as it was.
        let of_type = format!("/api/v1/output-types/{still}");
        let changed = studio.admin.send(Method::PATCH, &of_type, &json!({"max_unmapped": 0})).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        let product = format!("/api/v1/products/{}", studio.product);
        assert_eq!(studio.admin.send(Method::PATCH, &product, &json!({"cad_part_materials": [{"part_name": "Body", "material": "no such material"}]})).await.status, 200);
        assert_eq!(studio.of_line(&line, "dispatch").await.status, 200);
        let failed = studio.line_when(&line, "failed").await;
        assert_eq!(failed["result_path"], first["result_path"]);
        assert!(failed["render_started_at"].as_str() > first["render_started_at"].as_str(), "of its newest job");
        assert_eq!(studio.history(&order).await, changes(&["draft", "submitted", "processing", "completed"]));
        // Once it can be rendered, its task is put back, and the line goes with it.
        assert_eq!(studio.admin.send(Method::PATCH, &of_type, &json!({"max_unmapped": null})).await.status, 200);
        let task = failed["render_job_doc"]["task_id"].as_str().expect("an id");
        assert_eq!(studio.admin.post(&format!("/api/v1/tasks/{task}/requeue")).await.status, 200);
        studio.line_when(&line, "failed").await;
        assert_eq!(studio.of_line(&line, "dispatch").await.status, 200, "what it computes was frozen: it is dispatched anew");
        studio.line_when(&line, "completed").await;
        assert_eq!(studio.order_when(&order, "completed").await["status"], "completed");
    }

    async fn o46_step_files_wait_for_a_converter(engine) {
        let app = TestApp::start(&engine).await;
        let studio = Studio::open(&app).await;
        let still = studio.output_type("Front", small(), json!({})).await;
        let step = studio.product("step", STEP.to_vec()).await;
        let nothing = id(&studio.made("/api/v1/products", json!({"pim_id": "none", "name": "None"})).await);
        let of = |product: &str| json!({"product_id": product, "output_type_id": still});
        let order = studio.made("/api/orders", json!({"lines": [of(&step), of(&nothing)]})).await;
        let [line, without] = lines(&order).try_into().expect("two");
        assert_eq!(studio.of_line(&without, "dispatch").await.problem(), (422, "line_not_renderable".to_owned()));
        assert_eq!(studio.of_line(&line, "dispatch").await.status, 200);
        let failed = studio.line_when(&line, "failed").await;
        let task = failed["render_job_doc"]["task_id"].as_str().expect("an id");
        assert_eq!(studio.admin.get(&format!("/api/v1/tasks/{task}")).await.json()["error"]["code"], "cad_conversion_unavailable");
    }

    async fn o58_materials_of_a_template_come_first(engine) {
        let app = TestApp::start(&engine).await;
        let studio = Studio::open(&app).await;
        let still = studio.output_type("Front", small(), json!({})).await;
        let brass = json!([{"part_name": "Body", "material": "Brass-CuZn30"}]);
        let template = json!({"name": "Brass", "use_materials": false, "materials": brass, "settings": {"samples": 3, "height": 24}});
        let template = studio.made("/api/v1/render-templates", template).await;
        let order = studio.order(&[&still]).await;
        let line = lines(&order).remove(0);
        let mut pictures = Vec::new();
        for uses in [false, true] {
            let path = format!("/api/v1/render-templates/{}", id(&template));
            assert_eq!(studio.admin.send(Method::PATCH, &path, &json!({"use_materials": uses})).await.status, 200);
            let result = studio.of_line(&line, "dispatch").await.json();
            let done = studio.line_when(&line, "completed").await;
            assert_eq!(done["render_job_doc"]["task_id"], result["task_id"]);
            let task = studio.admin.get(&format!("/api/v1/tasks/{}", result["task_id"].as_str().expect("an id"))).await.json();
            assert_eq!((&task["kwargs"]["samples"], &task["kwargs"]["height"]), (&json!(2), &json!(16)), "the output type's own come first");
            let packages = studio.admin.get(&format!("/api/v1/packages?subject=order_line:{line}")).await.json();
            let made = studio.admin.get(&format!("/api/v1/packages/{}", id(&packages["items"][0]))).await.json();
            assert_eq!(made["metadata"]["provenance"]["materials"]["unmapped_parts"], 0);
            pictures.push(made["metadata"]["provenance"]["materials"]["map_digest"].clone());
        }
        assert_ne!(pictures[0], pictures[1], "the map is another");
    }

    async fn o41_o54_an_order_is_followed_until_it_is_over(engine) {
        let app = TestApp::start(&engine).await;
        let studio = Studio::open(&app).await;
        let still = studio.output_type("Front", small(), json!({})).await;
        let order = studio.order(&[&still]).await;
        let line = lines(&order).remove(0);
        let path = format!("/api/orders/{}/events", id(&order));
        let follow = |path: &str| studio.admin.request(Method::GET, path).header("accept", "text/event-stream").send();
        let opened = follow(&path).await.expect("an answer");
        assert_eq!(opened.headers()["content-type"], "text/event-stream");
        assert_eq!(studio.act(&order, "submit").await.status, 200);
        assert_eq!(studio.of_line(&line, "dispatch").await.status, 200);
        let events = read_events(&opened.text().await.expect("events"));
        let (_, name, data) = &events[0];
        assert_eq!((name.as_str(), &data["id"], &data["status"]), ("snapshot", &order["id"], &json!("draft")));
        let numbered: Vec<_> = events.iter().skip(1).filter(|(id, _, _)| id.is_some()).collect();
        let told = numbered.iter().map(|(_, name, data)| {
            let word = if name == "order.status" { &data["status"] } else { &data["render_status"] };
            (name.as_str(), word.as_str().expect("a word"))
        });
        let expected = [
            ("order.status", "submitted"),
            ("order.status", "processing"),
            ("line.status", "processing"),
            ("line.status", "completed"),
            ("order.status", "completed"),
        ];
        assert!(told.eq(expected), "{events:?}");
        assert!(numbered.iter().enumerate().all(|(i, (id, _, data))| *id == Some(i as u64 + 1) && data["seq"] == json!(i + 1)));
        let lines_told = numbered.iter().filter(|(_, name, _)| name == "line.status");
        assert!(lines_told.clone().all(|(_, _, data)| data["line_id"] == json!(line) && data.get("job_id").is_none()));
        assert!(events.iter().filter(|(id, _, _)| id.is_none()).all(|(_, name, data)| name == "job.progress" && data["job_id"] == json!(line)), "{events:?}");
        let rest = read_events(&follow(&format!("{path}?after=3")).await.expect("an answer").text().await.expect("events"));
        assert_eq!(rest.iter().map(|(id, _, _)| *id).collect::<Vec<_>>(), [Some(4), Some(5)], "it is resumed, and closes");

        // What the stream of the line says is that of its job.
        let of_line = format!("/api/v1/order-lines/{line}/job/events");
        let done = read_events(&follow(&of_line).await.expect("an answer").text().await.expect("events"));
        assert_eq!((done.len(), &done[0].2["job_id"], &done[0].2["state"]), (1, &json!(line), &json!("completed")));
        let all = read_events(&follow(&format!("{of_line}?after=0")).await.expect("an answer").text().await.expect("events"));
        let (_, first, queued) = &all[0];
        assert_eq!((first.as_str(), &queued["state"], &queued["job_id"]), ("job.state", &json!("queued"), &json!(line)));
        let (_, last, data) = all.last().expect("the end");
        assert_eq!((last.as_str(), &data["result"]["output_path"]), ("job.completed", &studio.line_when(&line, "completed").await["result_path"]));

        // A completed order whose line is rendered again is open until that has ended.
        assert_eq!(studio.of_line(&line, "dispatch").await.status, 200);
        let again = read_events(&follow(&format!("{path}?after=5")).await.expect("an answer").text().await.expect("events"));
        let statuses: Vec<_> = again.iter().filter(|(_, name, _)| name == "line.status").map(|(_, _, data)| data["render_status"].clone()).collect();
        assert_eq!(statuses, ["pending", "processing", "completed"]);
        let unseen = follow(&format!("/api/orders/{}/events", uuid::Uuid::now_v7())).await.expect("an answer");
        assert_eq!(unseen.status(), 404);
    }
}
