//! C29: the OpenAPI document is correct. Each of its examples is sent to a service, and answered as it declares.

use packshot_domain::access::Scope;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, Url};
use serde_json::{Map, Value, json};

use crate::app::{PATIENCE, Reply, TestApp, TestDatabase, id, poll, small, token};
use crate::artifacts::Kept;
use crate::glb::Glb;
use crate::materials::ACME;
use crate::workflows::compared_run;

/// Methods and paths with their operations.
fn operations(api: &Value) -> Vec<(String, &str, &Value)> {
    let mut found = Vec::new();
    for (path, item) in api["paths"].as_object().expect("paths") {
        let operations = item.as_object().expect("operations").iter();
        found.extend(operations.map(|(method, operation)| (method.to_uppercase(), path.as_str(), operation)));
    }
    found
}

/// What replaces the ids and addresses in the examples, which are those of another service.
#[derive(Default)]
struct Things {
    /// A render that has ended, and the address of its product.
    done: String,
    product: String,
    /// A file of a package, and its address.
    file: String,
    content: String,
    /// A line for orders: a product and an output type.
    line: Value,
    /// Of somebody who has signed in.
    refresh_token: Value,
}

impl Things {
    async fn make(app: &TestApp) -> Self {
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

    /// A service for a request about people, and somebody who has signed in there.
    async fn of_people(operation: &str) -> (TestApp, Self) {
        let mut app = TestApp::idle(&TestDatabase::Sqlite).await;
        // Only once, and while nobody has a password.
        if operation == "complete_setup" {
            return (app, Self::default());
        }
        let tokens = app.set_up("anna@example.com").await;
        app.key = Some(token(&tokens).to_owned());
        (app, Self { refresh_token: tokens["refresh_token"].clone(), ..Self::default() })
    }

    /// A CAD file for a graph to run on. Each graph gets its own: a file has one job at a time.
    async fn context(app: &TestApp) -> String {
        let part = format!("Part {}", uuid::Uuid::now_v7());
        let part = Part::bytes(Glb::parts(&[&part]).bytes()).file_name("bearing.glb");
        let request = app.request(Method::POST, "/api/v1/cad-files").multipart(Form::new().part("file", part));
        id(&request.send().await.expect("an answer").json().await.expect("a CAD file"))
    }

    /// The id of something that the operation accepts.
    async fn id_for(&self, app: &TestApp, operation: &str) -> Option<String> {
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
            "get_product" | "change_product" | "delete_product" => {
                Some(id(&created("/api/v1/products", json!({"pim_id": unique, "name": "P"})).await))
            }
            "get_material_alias" | "withdraw_material_alias" => {
                let new = json!({"alias": unique, "material_id": "STD_010101_Steel-Bare"});
                Some(id(&created("/api/v1/material-aliases", new).await))
            }
            "get_output_type" | "change_output_type" | "delete_output_type" => {
                Some(id(&created("/api/v1/output-types", json!({"name": unique})).await))
            }
            "get_render_template" | "change_render_template" | "delete_render_template" => {
                Some(id(&created("/api/v1/render-templates", json!({"name": unique})).await))
            }
            "get_media_asset" | "get_media_asset_content" => {
                let order = created("/api/orders", json!({"lines": [self.line]})).await;
                let line = format!("/api/v1/order-lines/{}", id(&order["lines"][0]));
                drop(created(&format!("{line}/dispatch"), Value::Null).await);
                let done = poll(async || app.get(&line).await.json(), |line| line["asset_ids"][0].is_string()).await;
                done["asset_ids"][0].as_str().map(str::to_owned)
            }
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
            "get_material" => None,
            _ if operation.ends_with("_library") => Some(id(&library().await)),
            _ => Some(self.done.clone()),
        }
    }
}

/// The example of a part of the document; every part must have one.
fn example<'a>(of: &'a Value, what: &str) -> &'a Value {
    of.get("example").unwrap_or_else(|| panic!("{what} has no example"))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A request made of an operation's examples, with the `nth` of its bodies, and with all parameters or only those that
/// are required.
async fn request(
    app: &TestApp,
    things: &Things,
    (method, path, operation): (&str, &str, &Value),
    with_all: bool,
    nth: usize,
) -> RequestBuilder {
    let name = operation["operationId"].as_str().expect("an id");
    let (mut path, mut headers, mut query) = (path.to_owned(), Vec::new(), Vec::new());
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let of = parameter["name"].as_str().expect("a name");
        let mut value = text(example(parameter, &format!("{name}: {of}")));
        match (parameter["in"].as_str(), of) {
            (Some("path"), _) => {
                match of {
                    "id" => value = things.id_for(app, name).await.unwrap_or(value),
                    // Of the order whose id is in the path already.
                    "line_id" => {
                        let (order, _) = path.split_once("/lines/").expect("the order");
                        value = id(&app.get(order).await.json()["lines"][0]);
                    }
                    "file_id" => value.clone_from(&things.file),
                    "content_address" => value.clone_from(&things.content),
                    _ => {}
                }
                path = path.replace(&format!("{{{of}}}"), &value);
            }
            _ if !with_all && parameter["required"] != true => {}
            (Some("query"), "context_id") => query.push((of, Things::context(app).await)),
            (Some("query"), _) => query.push((of, value)),
            (Some("header"), "If-Match") => {
                let now = app.get(&path).await.header("etag").expect("a revision").to_owned();
                headers.push((of, now));
            }
            // A key belongs to one body.
            (Some("header"), "Idempotency-Key") => headers.push((of, format!("{value}-{nth}"))),
            (Some("header"), _) => headers.push((of, value)),
            (place, _) => panic!("{name}: {of} is in {place:?}"),
        }
    }
    let url = Url::parse_with_params(&format!("{}{path}", app.base), query).expect("an address");
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let request = app.request(method.parse().expect("a method"), &format!("{}{query}", url.path()));
    headers.into_iter().fold(request, |request, (name, value)| request.header(name, value))
}

/// Adds the body of an example, with a product of this service, and with files in place of their descriptions.
async fn with_body(
    app: &TestApp,
    request: RequestBuilder,
    api: &Value,
    (media_type, content): (&str, &Value),
    things: &Things,
) -> RequestBuilder {
    let mut body = example(content, media_type).clone();
    if body.get("asset").is_some() {
        body["asset"]["content_address"] = json!(things.product);
    }
    if body.get("context_id").is_some() {
        body["context_id"] = json!(Things::context(app).await);
    }
    if body.get("lines").is_some() {
        body["lines"] = json!([things.line]);
    }
    if body.get("output_type_id").is_some() {
        body.clone_from(&things.line);
    }
    if body.get("refresh_token").is_some() {
        body["refresh_token"] = things.refresh_token.clone();
    }
    // What a tenant has once is new each time.
    for unique in ["pim_id", "name", "alias"] {
        if let Some(Value::String(text)) = body.get_mut(unique) {
            text.push_str(&format!(" {}", uuid::Uuid::now_v7()));
        }
    }
    if media_type == "application/x-www-form-urlencoded" {
        let members = body.as_object().expect("members").iter().map(|(name, value)| (name, text(value)));
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(members).finish();
        return request.header("content-type", media_type).body(form);
    }
    if media_type != "multipart/form-data" {
        return request.header("content-type", media_type).body(text(&body));
    }
    let schema = content["schema"]["$ref"].as_str().expect("a reference").trim_start_matches("#/components/schemas/");
    let is_file = |name: &str| api["components"]["schemas"][schema]["properties"][name]["format"] == "binary";
    let members: &Map<String, Value> = body.as_object().expect("parts");
    let form = members.iter().fold(Form::new(), |form, (name, value)| match (is_file(name), name.as_str()) {
        (true, "library") => form.part("library", Part::bytes(ACME.as_bytes()).file_name("studio.toml")),
        (true, "file") if schema == "ImportForm" => {
            form.part("file", Part::text("pim_id,name\n1,P\n").file_name("products.csv"))
        }
        (true, name) => form.part(name.to_owned(), Part::bytes(Glb::body()).file_name("product.glb")),
        (false, name) => form.text(name.to_owned(), text(value)),
    });
    request.multipart(form)
}

/// Sends a request. It must succeed, with a status and a media type that the document declares.
async fn check(request: RequestBuilder, operation: &Value, what: &str) {
    let mut answer = request.timeout(PATIENCE).send().await.expect("the service answers");
    let status = answer.status().as_u16();
    let media_type = answer.headers().get("content-type").map(|value| value.to_str().expect("readable").to_owned());
    let first = answer.chunk().await.expect("a body").unwrap_or_default();
    let said = String::from_utf8_lossy(&first);
    assert!(status < 400, "{what}: {status} {said}");
    let declared = operation["responses"].get(status.to_string()).unwrap_or_else(|| panic!("{what}: {status}"));
    let Some(contents) = declared["content"].as_object() else {
        assert_eq!((media_type, first.len()), (None, 0), "{what}: {status} has a body");
        return;
    };
    let media_type = media_type.expect("a type");
    let essence = media_type.split(';').next().unwrap_or_default();
    let content = contents.get(essence).or_else(|| contents.get("application/octet-stream"));
    let content = content.unwrap_or_else(|| panic!("{what}: {status} {essence} is not declared"));
    // The body is what is declared: bytes, text or JSON.
    let is_json = serde_json::from_slice::<Value>(&first).is_ok();
    match (&content["schema"]["type"], &content["schema"]["format"]) {
        (kind, format) if kind == "string" && format == "binary" => {}
        (kind, _) if kind == "string" => assert!(!is_json, "{what}: {said}"),
        // Here the schema is that of an event.
        _ if essence == "text/event-stream" => assert!(said.starts_with("retry: "), "{what}: {said}"),
        // Only the first piece of a large body has been read.
        _ => assert!(first.starts_with(b"{"), "{what}: {said}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c29_every_example_is_answered_as_the_document_says() {
    let app = TestApp::start(&TestDatabase::Sqlite).await;
    let api = app.get("/openapi.json").await.json();
    let things = Things::make(&app).await;
    let mut n_sent = 0;
    for (method, path, operation) in operations(&api) {
        let bodies = operation["requestBody"]["content"].as_object();
        let parameters = operation["parameters"].as_array();
        let is_longer = parameters.into_iter().flatten().any(|parameter| parameter["required"] != true);
        for with_all in [false, true].into_iter().filter(|with_all| !with_all || is_longer) {
            let asked = (method.as_str(), path, operation);
            let bodies = bodies.map_or_else(|| vec![None], |bodies| bodies.iter().map(Some).collect());
            for (nth, body) in bodies.into_iter().enumerate() {
                let name = operation["operationId"].as_str().expect("an id");
                let is_of_people = ["people", "tenants"].iter().any(|tag| operation["tags"] == json!([tag]));
                let own = match is_of_people || name == "complete_setup" {
                    true => Some(Things::of_people(name).await),
                    false => None,
                };
                let (app, things) = own.as_ref().map_or((&app, &things), |(app, things)| (app, things));
                let mut request = request(app, things, asked, with_all, nth).await;
                if let Some((media_type, content)) = body {
                    request = with_body(app, request, &api, (media_type, content), things).await;
                }
                check(request, operation, &format!("{method} {path}, body {nth}, all parameters: {with_all}")).await;
                n_sent += 1;
            }
        }
    }
    assert!(n_sent > operations(&api).len());
}

/// The document says which operations need a key; in the open mode, none does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c29_t08_security_is_declared_as_it_is() {
    let app = TestApp::idle(&TestDatabase::Sqlite).await;
    let open = app.get("/openapi.json").await.json();
    assert_eq!(open["components"].get("securitySchemes"), None);
    for (method, path, operation) in operations(&open) {
        assert_eq!(operation.get("security"), None, "{method} {path}");
    }
    let key = app.operating_key(&[Scope::Admin]).await;
    let closed = app.get("/openapi.json").await.json();
    let scheme = &closed["components"]["securitySchemes"]["api_key"];
    assert_eq!((&scheme["type"], &scheme["scheme"]), (&json!("http"), &json!("bearer")));
    let mut n_guarded = 0;
    for (method, path, operation) in operations(&closed) {
        let what = format!("{method} {path}");
        let url = path.replace("{queue_name}", "render").replace("{result}", "result.png").replace("{name}", "x");
        let url = url.replace("{relative_path}", "a/b.png");
        let missing = "0193b2a0-0000-7000-8000-000000000000";
        let url = url.replace("{id}", missing).replace("{file_id}", missing);
        let status = async |key: Option<&str>| {
            let request = app.request(method.parse::<Method>().expect("a method"), &url).timeout(PATIENCE);
            let request = key.into_iter().fold(request, RequestBuilder::bearer_auth);
            request.send().await.expect("an answer").status().as_u16()
        };
        let needs_key = operation["security"] == json!([{"api_key": []}]);
        assert_eq!(status(None).await == 401, needs_key, "{what}: {}", operation["security"]);
        if needs_key {
            n_guarded += 1;
            assert_ne!(status(Some(&key)).await, 401, "{what}");
            let declared = &operation["responses"];
            assert!(declared["401"].is_object() && declared["403"].is_object(), "{what}");
        }
    }
    assert!(n_guarded > 20, "{n_guarded}");
    let optional = &closed["paths"]["/metrics"]["get"]["security"];
    assert_eq!(optional, &json!([{}, {"api_key": []}]), "a key, or a place on this machine");
    let without = |mut document: Value| {
        let paths = document["paths"].as_object_mut().expect("paths").values_mut();
        for operation in paths.flat_map(|item| item.as_object_mut().expect("operations").values_mut()) {
            operation.as_object_mut().expect("an operation").remove("security");
        }
        document["components"].as_object_mut().expect("an object").remove("securitySchemes");
        document
    };
    assert_eq!(without(closed), open, "everything else is the same");
}

/// Files are declared as binary strings and streams as text; no answer is declared as an array of numbers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c29_files_are_bytes_and_streams_are_text() {
    let app = TestApp::idle(&TestDatabase::Sqlite).await;
    let api = app.get("/openapi.json").await.json();
    let (mut n_binary, mut n_streams) = (0, 0);
    for (method, path, operation) in operations(&api) {
        let answers = operation["responses"].as_object().expect("responses").values();
        for (media_type, content) in answers.filter_map(|answer| answer["content"].as_object()).flatten() {
            let (what, schema) = (format!("{method} {path}: {media_type}"), &content["schema"]);
            let is_file = ["image/", "video/", "application/zip", "application/octet-stream"]
                .iter()
                .any(|kind| media_type.starts_with(kind));
            if is_file {
                assert_eq!(schema, &json!({"type": "string", "format": "binary"}), "{what}");
                n_binary += 1;
            }
            if media_type == "text/event-stream" {
                let of_artifacts = path == "/api/v1/artifact-events";
                let (own, types) = if of_artifacts {
                    ("ArtifactStreamEvent", "ArtifactEventType")
                } else {
                    ("StreamEvent", "EventType")
                };
                assert_eq!(schema, &json!({"$ref": format!("#/components/schemas/{own}")}), "{what}");
                for (event, data) in content["x-events"].as_object().expect("types") {
                    let words = api["components"]["schemas"][types]["enum"].as_array().expect("words");
                    assert!(words.contains(&json!(event)), "{what}: {event}");
                    let name = data["$ref"].as_str().expect("a reference").trim_start_matches("#/components/schemas/");
                    assert!(api["components"]["schemas"].get(name).is_some(), "{what}: no schema {name}");
                }
                n_streams += 1;
            }
        }
    }
    assert_eq!((n_binary, n_streams), (57, 6));
}
