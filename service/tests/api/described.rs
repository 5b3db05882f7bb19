//! C29: the OpenAPI document is correct. Each of its examples is sent to a service, and answered as it declares.

mod things;

use packshot_domain::access::Scope;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, Response, Url};
use serde_json::{Map, Value, json};

use crate::app::{PATIENCE, Reply, TestApp, TestDatabase, id, poll};
use crate::glb::Glb;
use crate::materials::ACME;
use crate::media_files::picture;
use things::Things;

/// How often a request is made of what was read just before, at most.
const TRIES_MAX: usize = 5;

/// Methods and paths with their operations.
fn operations(api: &Value) -> Vec<(String, &str, &Value)> {
    let mut found = Vec::new();
    for (path, item) in api["paths"].as_object().expect("paths") {
        let operations = item.as_object().expect("operations").iter();
        found.extend(operations.map(|(method, operation)| (method.to_uppercase(), path.as_str(), operation)));
    }
    found
}

/// The example of a part of the document; every part must have one.
fn example<'a>(of: &'a Value, what: &str) -> &'a Value {
    of.get("example").unwrap_or_else(|| panic!("{what} has no example"))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A request made of an operation's examples, with all parameters or only those that are required.
async fn request(
    app: &TestApp,
    things: &Things,
    (method, path, operation): (&str, &str, &Value),
    with_all: bool,
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
                    "area_id" => value = things.area(app).await,
                    "name" if name.ends_with("_design_preset") => value = Things::preset(app).await,
                    // Of the order whose id is in the path already.
                    "line_id" => {
                        let (order, _) = path.split_once("/lines/").expect("the order");
                        value = id(&app.get(order).await.json()["lines"][0]);
                    }
                    // Of the review whose id is in the path already.
                    "fix_id" => {
                        let (review, _) = path.split_once("/suggested-fixes/").expect("the review");
                        value = id(&app.get(review).await.json()["fixes"][0]);
                    }
                    "asset_id" => {
                        value = things.asset(app).await;
                        let (gallery, _) = path.split_once("/{asset_id}").expect("the gallery");
                        let added = app.request(Method::POST, gallery).json(&json!({"asset_id": value}));
                        assert_eq!(Reply::of(added).await.status, 201);
                    }
                    // One that has ended can be sent again: that to a disabled webhook fails.
                    "delivery_id" => {
                        let (hook, _) = path.split_once("/deliveries/").expect("the webhook");
                        app.post(&format!("{hook}/disable")).await;
                        value = id(&app.post(&format!("{hook}/test")).await.json());
                        let own = format!("{hook}/deliveries/{value}");
                        poll(async || app.get(&own).await.json(), |of| of["state"] == "failed").await;
                    }
                    "file_id" => value.clone_from(&things.file),
                    "content_address" => value.clone_from(&things.content),
                    "ticket" => value = things.ticket(app).await,
                    _ => {}
                }
                path = path.replace(&format!("{{{of}}}"), &value);
            }
            _ if !with_all && parameter["required"] != true => {}
            // A cursor has its filters, and is there instead of others.
            (Some("query"), "cursor") if name == "list_media_assets" => {}
            (Some("query"), "tenant_id") => query.push((of, app.scope().await.tenant.to_string())),
            (Some("query"), "context_id") => query.push((of, Things::context(app).await)),
            (Some("query"), _) => query.push((of, value)),
            (Some("header"), "If-Match") => {
                // The version of a fix is that of its review.
                let read = path.split("/suggested-fixes/").next().unwrap_or_default().trim_end_matches("/apply-top");
                let now = app.get(read).await.header("etag").expect("a revision").to_owned();
                headers.push((of, now));
            }
            // A key belongs to one request.
            (Some("header"), "Idempotency-Key") => headers.push((of, format!("{value}-{}", uuid::Uuid::now_v7()))),
            (Some("header"), _) => headers.push((of, value)),
            (place, _) => panic!("{name}: {of} is in {place:?}"),
        }
    }
    let url = Url::parse_with_params(&format!("{}{path}", app.base), query).expect("an address");
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let request = app.request(method.parse().expect("a method"), &format!("{}{query}", url.path()));
    headers.into_iter().fold(request, |request, (name, value)| request.header(name, value))
}

/// Lets a worker be done soon with the pictures of a design, which are those of a service: others wait for it.
fn quickly(request: &mut Value) {
    for (option, value) in [("width", 16), ("height", 16), ("samples", 1), ("texture_px", 512)] {
        request[option] = json!(value);
    }
    request["denoise"] = json!("off");
}

/// Adds the body of an example, with a product of this service, and with files in place of their descriptions.
async fn with_body(
    app: &TestApp,
    (request, path): (RequestBuilder, &str),
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
    if body.get("asset_ids").is_some() {
        body["asset_ids"] = json!([things.asset(app).await]);
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
    if body.get("order_line_id").is_some() {
        body["order_line_id"] = json!(things.reviewed(app).await.1);
    }
    if body.get("asset_id").is_some() {
        body["asset_id"] = json!(things.asset(app).await);
    }
    if body.get("design_asset_id").is_some() {
        body["product_id"] = things.line["product_id"].clone();
        body["design_asset_id"] = json!(things.picture(app).await);
        quickly(&mut body);
    }
    if body.get("design").is_some() {
        body["request"]["product_id"] = things.line["product_id"].clone();
        quickly(&mut body["request"]);
    }
    // A new gallery is empty.
    if path.ends_with("/media") && body.get("asset_ids").is_some() {
        body["asset_ids"] = json!([]);
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
        (true, "file") if schema == "MediaUploadForm" => {
            form.part("file", Part::bytes(picture(40, 20, 1.0)).file_name("front.png"))
        }
        (true, "design") => form.part("design", Part::bytes(picture(40, 20, 1.0)).file_name("logo.png")),
        (true, name) => form.part(name.to_owned(), Part::bytes(Glb::body()).file_name("product.glb")),
        (false, name) => form.text(name.to_owned(), text(value)),
    });
    request.multipart(form)
}

/// An answer must be one of success, with a status and a media type that the document declares.
async fn check(mut answer: Response, operation: &Value, what: &str) {
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
    let app = TestApp::start_hasty(&TestDatabase::Sqlite).await;
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
                // What pictures of earlier requests show changes reviews: who has read an older one reads it again.
                let mut n_tries = 0;
                let answer = loop {
                    let mut request = request(app, things, asked, with_all).await;
                    if let Some((media_type, content)) = body {
                        request = with_body(app, (request, path), &api, (media_type, content), things).await;
                    }
                    let answer = request.timeout(PATIENCE).send().await.expect("the service answers");
                    n_tries += 1;
                    if answer.status() != 412 || n_tries == TRIES_MAX {
                        break answer;
                    }
                };
                check(answer, operation, &format!("{method} {path}, body {nth}, all parameters: {with_all}")).await;
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
        let url = url.replace("{id}", missing).replace("{file_id}", missing).replace("{asset_id}", missing);
        let url = url.replace("{fix_id}", missing);
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
    assert_eq!((n_binary, n_streams), (62, 10));
}
