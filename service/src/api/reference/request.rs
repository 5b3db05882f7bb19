//! The request of an operation: its parameters, its body, and a line for `curl` that sends the examples.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::html::escaped;
use super::schema::{name_of, row, shape, value_text};
use super::{members, text};

/// The parameters.
pub(super) fn parameters(operation: &Value) -> String {
    let of = |parameter: &Value| {
        let place = match text(parameter, "in") {
            "header" => "header",
            "query" => "query",
            _ => "path",
        };
        let needed = if parameter["required"] == true { "" } else { ", optional" };
        let example = match parameter.get("example") {
            Some(example) => format!("; example: <code>{}</code>", escaped(&value_text(example))),
            None => String::new(),
        };
        let about = format!(" <span class=\"quiet\">{place}{needed}{example}</span>");
        row(text(parameter, "name"), &about, &parameter["schema"], text(parameter, "description"))
    };
    let rows: String = operation["parameters"].as_array().into_iter().flatten().map(of).collect();
    if rows.is_empty() { rows } else { format!("<h4>Parameters</h4><dl class=\"rows\">{rows}</dl>") }
}

/// The bodies that it takes.
pub(super) fn body(operation: &Value) -> String {
    let mut html = String::new();
    for (media_type, content) in members(&operation["requestBody"]["content"]) {
        let _ = write!(html, "<p><code>{}</code>: {}</p>", escaped(media_type), shape(&content["schema"]));
        if let Some(example) = content.get("example") {
            let _ = write!(html, "<pre>{}</pre>", escaped(&format!("{example:#}")));
        }
    }
    if html.is_empty() { html } else { format!("<h4>Body</h4>{html}") }
}

/// A line for a shell, with required parameters only. A form is preferred to JSON, because it needs no stored file.
pub(super) fn curl(method: &str, path: &str, operation: &Value, document: &Value) -> String {
    let mut path = path.to_owned();
    for parameter in operation["parameters"].as_array().into_iter().flatten().filter(|own| own["in"] == "path") {
        path = path.replace(&format!("{{{}}}", text(parameter, "name")), &value_text(&parameter["example"]));
    }
    let mut line = format!("curl \"$PACKSHOT_URL{path}\"");
    let contents = &operation["requestBody"]["content"];
    if method != "get" && !(method == "post" && contents.is_object()) {
        let _ = write!(line, " -X {}", method.to_uppercase());
    }
    if operation["security"].as_array().is_some_and(|ways| ways.iter().any(|way| way != &json!({})) && !ways.is_empty())
    {
        line.push_str(" \\\n  -H \"Authorization: Bearer $PACKSHOT_KEY\"");
    }
    let form = contents.get("multipart/form-data").map(|content| ("multipart/form-data", content));
    if let Some((media_type, content)) = form.or_else(|| members(contents).next()) {
        let schema = name_of(&content["schema"]).map(|name| &document["components"]["schemas"][name]);
        let is_file = |name: &str| schema.is_some_and(|schema| schema["properties"][name]["format"] == "binary");
        if form.is_some() {
            for (name, value) in members(&content["example"]) {
                let value = match is_file(name) {
                    true => format!("@{}", file_of(&value_text(value))),
                    false => value_text(value),
                };
                let _ = write!(line, " \\\n  -F {}", quoted(&format!("{name}={value}")));
            }
        } else {
            let _ = write!(line, " \\\n  -H {}", quoted(&format!("Content-Type: {media_type}")));
            let _ = write!(line, " \\\n  -d {}", quoted(&value_text(&content["example"])));
        }
    }
    let answers = &operation["responses"]["200"]["content"];
    let first = members(answers).next().map_or("", |(media_type, _)| media_type);
    if first == "text/event-stream" {
        line.push_str(" -N");
    } else if answers[first]["schema"]["format"] == "binary" {
        let name = path.rsplit('/').next().unwrap_or_default();
        let _ = write!(line, " -o {name}");
    }
    line
}

/// The file that the example of a form speaks of.
fn file_of(example: &str) -> &str {
    example.trim_matches(['(', ')']).trim_start_matches("the bytes of ")
}

/// A word for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
