//! The API reference at `/docs/`: the document as a page for people. Plain HTML without a script, made once of the
//! document.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

mod html;
mod request;
mod schema;

use super::openapi::{Made, is_open};
use super::state::AppState;
use crate::server::page;
use html::{escaped, prose, word};

/// The routes of the reference.
pub(super) fn router(document: Arc<OpenApi>) -> Router<AppState> {
    let made = Made::of(document, whole);
    let shown = async move |State(state): State<AppState>| -> Response {
        page::of_text(made.text(is_open(&state).await)).into_response()
    };
    Router::new().route("/docs", get(async || Redirect::permanent("/docs/"))).route("/docs/", get(shown))
}

/// The page.
fn whole(document: &Value) -> String {
    let version = text(&document["info"], "version");
    let tags: Vec<&Value> = document["tags"].as_array().into_iter().flatten().collect();
    let mut operations = Vec::new();
    for (path, item) in members(&document["paths"]) {
        operations.extend(members(item).map(|(method, operation)| Operation { method, path, operation }));
    }
    let of_tag = |tag: &Value| -> Vec<&Operation<'_>> {
        operations.iter().filter(|own| own.operation["tags"][0] == tag["name"]).collect()
    };
    let mut contents = String::new();
    let mut main = String::new();
    for tag in tags {
        let name = text(tag, "name");
        let (title, own) = (word(name), of_tag(tag));
        let links: String = own.iter().map(|own| own.link()).collect();
        let _ = write!(contents, "<li><a href=\"#tag-{name}\">{title}</a><ul>{links}</ul></li>");
        let _ = write!(main, "<section aria-labelledby=\"tag-{name}\"><h2 id=\"tag-{name}\">{title}</h2>");
        let _ = write!(main, "{}", prose(text(tag, "description")));
        main.extend(own.iter().map(|own| own.html(document)));
        main.push_str("</section>");
    }
    let schemas = members(&document["components"]["schemas"]);
    let shapes: String = schemas.map(|(name, schema)| schema::section(name, schema)).collect();
    let key = match members(&document["components"]["securitySchemes"]).next() {
        Some((_, scheme)) => prose(text(scheme, "description")),
        None => "<p>The installation is in its open mode: requests from this machine need no key.</p>".to_owned(),
    };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>API reference · Packshot</title>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"../icon.svg\" type=\"image/svg+xml\">\n\
         <link rel=\"stylesheet\" href=\"../style.css\">\n<link rel=\"stylesheet\" href=\"../reference.css\">\n</head>\n\
         <body class=\"reference\">\n<header class=\"bar\">\n\
         <h1><img src=\"../icon.svg\" alt=\"\" width=\"22\" height=\"22\">Packshot: API reference</h1>\n\
         <p class=\"service quiet\">version {}</p>\n\
         <nav aria-label=\"Packshot\"><a href=\"../\">Renders</a> <a href=\"../openapi.json\">OpenAPI document</a></nav>\n</header>\n\
         <div class=\"pages\">\n<nav class=\"contents\" aria-label=\"Contents\"><ul>{contents}\
         <li><a href=\"#schemas\">Schemas</a></li></ul></nav>\n\
         <main>\n<section aria-labelledby=\"about\"><h2 id=\"about\">About</h2>{}{key}\
         <p>The <code>curl</code> examples read the address from <code>PACKSHOT_URL</code>, such as \
         <code>http://127.0.0.1:8080</code>, and the key from <code>PACKSHOT_KEY</code>.</p></section>\n{main}\n\
         <section aria-labelledby=\"schemas\"><h2 id=\"schemas\">Schemas</h2>{shapes}</section>\n</main>\n</div>\n</body>\n</html>\n",
        escaped(version),
        prose(text(&document["info"], "description")),
    )
}

/// A method of a path.
struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    operation: &'a Value,
}

impl Operation<'_> {
    fn id(&self) -> &str {
        text(self.operation, "operationId")
    }

    /// A line of the contents.
    fn link(&self) -> String {
        let summary = prose_of_line(text(self.operation, "summary"));
        format!("<li><a href=\"#{}\">{summary}</a></li>", escaped(self.id()))
    }

    fn html(&self, document: &Value) -> String {
        let (id, operation) = (escaped(self.id()), self.operation);
        let mut html = format!("<article aria-labelledby=\"{id}\"><h3 id=\"{id}\">");
        let _ = write!(html, "{}</h3>", prose_of_line(text(operation, "summary")));
        let method = self.method.to_uppercase();
        let _ = write!(html, "<p class=\"route\"><span class=\"method {0}\">{method}</span> ", self.method);
        let _ = write!(html, "<code>{}</code></p>", escaped(self.path));
        html.push_str(&prose(text(operation, "description")));
        if let Some(permission) = operation["x-permission"].as_str() {
            let scope = escaped(text(operation, "x-scope"));
            let _ = write!(html, "<p class=\"quiet\">Permission: <code>{}</code>; ", escaped(permission));
            let _ = write!(html, "key scope: <code>{scope}</code></p>");
        }
        html.push_str(&request::parameters(operation));
        html.push_str(&request::body(operation));
        let curl = request::curl(self.method, self.path, operation, document);
        let _ = write!(html, "<h4>With curl</h4><pre>{}</pre>", escaped(&curl));
        html.push_str(&responses(operation));
        html.push_str("</article>");
        html
    }
}

/// The answers: successes, then errors.
fn responses(operation: &Value) -> String {
    let row = |(status, response): (&str, &Value)| {
        let mut html = format!("<div><dt><code>{status}</code></dt><dd>{}", prose(text(response, "description")));
        for (media_type, content) in members(&response["content"]) {
            let shape = schema::shape(&content["schema"]);
            let _ = write!(html, "<p class=\"quiet\"><code>{}</code>: {shape}</p>", escaped(media_type));
            html.push_str(&events(content));
        }
        for (name, header) in members(&response["headers"]) {
            let description = prose_of_line(text(header, "description"));
            let _ = write!(html, "<p class=\"quiet\">Header <code>{}</code>: {description}</p>", escaped(name));
        }
        html.push_str("</dd></div>");
        html
    };
    let is_error = |(status, response): &(&str, &Value)| {
        // A status of 400 and above may have a body of its own.
        *status >= "400" && response["content"]["application/problem+json"].is_object()
    };
    let rows: String = members(&operation["responses"]).filter(|answer| !is_error(answer)).map(row).collect();
    let errors = members(&operation["responses"]).filter(is_error).map(|(status, response)| {
        format!("<li><code>{status}</code>: {}</li>", prose_of_line(text(response, "description")))
    });
    let errors: String = errors.collect();
    let problem = schema::shape(&json!({"$ref": "#/components/schemas/Problem"}));
    format!(
        "<h4>Responses</h4><dl class=\"rows\">{rows}</dl><h4>Errors, each a {problem}</h4><ul class=\"errors\">{errors}</ul>"
    )
}

/// The events of a stream, and what is in their data.
fn events(content: &Value) -> String {
    let events = members(&content["x-events"]);
    let items = events.map(|(name, data)| format!("<li><code>{}</code>: {}</li>", escaped(name), schema::shape(data)));
    let items: String = items.collect();
    if items.is_empty() { items } else { format!("<ul>{items}</ul>") }
}

/// One line with its `code`.
fn prose_of_line(line: &str) -> String {
    html::marked(line)
}

/// The members of an object, in their order.
fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter).map(|(name, value)| (name.as_str(), value))
}

/// A member that is text; empty when it is absent.
fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}
