//! Schemas for people: what a value is in a few words, and what the members of an object are.

use std::fmt::Write as _;

use serde_json::Value;

use super::html::{escaped, prose};
use super::{members, text};

/// What a value is, in a few words: with links to what has a name.
pub(super) fn shape(schema: &Value) -> String {
    if let Some(name) = name_of(schema) {
        return format!("<a href=\"#schema-{0}\">{0}</a>", escaped(name));
    }
    for word in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[word].as_array() {
            let choices: Vec<String> = choices.iter().map(shape).collect();
            return choices.join(" or ");
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> =
            words.iter().map(|word| format!("<code>{}</code>", escaped(&value_text(word)))).collect();
        return words.join(", ");
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let kinds: Vec<String> = kinds.into_iter().map(|kind| of_kind(kind, schema)).collect();
    if kinds.is_empty() { "anything".to_owned() } else { kinds.join(" or ") }
}

fn of_kind(kind: &str, schema: &Value) -> String {
    match (kind, text(schema, "format")) {
        ("array", _) => format!("list of {}", shape(&schema["items"])),
        ("string", "binary") => "bytes".to_owned(),
        ("string", "date-time") => "time".to_owned(),
        ("string", "uuid") => "UUID".to_owned(),
        ("null", _) => "<code>null</code>".to_owned(),
        (kind, _) => escaped(kind),
    }
}

/// Further facts about the values: range and default.
fn limits(schema: &Value) -> String {
    let mut limits = Vec::new();
    for (member, words) in [
        ("minimum", "at least"),
        ("exclusiveMinimum", "more than"),
        ("maximum", "at most"),
        ("minLength", "characters at least"),
        ("maxLength", "characters at most"),
        ("minItems", "entries at least"),
        ("maxItems", "entries at most"),
        ("pattern", "of the form"),
        ("default", "default"),
    ] {
        match &schema[member] {
            Value::Null => {}
            value => limits.push(format!("{words} <code>{}</code>", escaped(&value_text(value)))),
        }
    }
    limits.join(", ")
}

/// A value where it is used: its name, what it is, and what it is for.
pub(super) fn row(name: &str, about: &str, schema: &Value, description: &str) -> String {
    let mut html =
        format!("<div><dt><code>{}</code>{about}</dt><dd><p class=\"quiet\">{}", escaped(name), shape(schema));
    let limits = limits(schema);
    if !limits.is_empty() {
        let _ = write!(html, "; {limits}");
    }
    let _ = write!(html, "</p>{}</dd></div>", prose(description));
    html
}

/// What has a name.
pub(super) fn section(name: &str, schema: &Value) -> String {
    let id = escaped(name);
    let mut html = format!("<article aria-labelledby=\"schema-{id}\"><h3 id=\"schema-{id}\">{id}</h3>");
    html.push_str(&prose(text(schema, "description")));
    let parts: Vec<&Value> = match schema["allOf"].as_array() {
        Some(parts) => parts.iter().collect(),
        None => vec![schema],
    };
    let mut rows = String::new();
    for part in parts {
        let is_required =
            |name: &str| part["required"].as_array().is_some_and(|names| names.iter().any(|own| own == name));
        for (name, member) in members(&part["properties"]) {
            let about = if is_required(name) { "" } else { " <span class=\"quiet\">optional</span>" };
            rows.push_str(&row(name, about, member, text(member, "description")));
        }
    }
    if rows.is_empty() {
        let _ = write!(html, "<p class=\"quiet\">{}</p>", shape(schema));
    } else {
        let _ = write!(html, "<dl class=\"rows\">{rows}</dl>");
    }
    html.push_str("</article>");
    html
}

/// The name of a schema that is elsewhere in the document.
pub(super) fn name_of(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/components/schemas/")
}

/// A value as a person would write it.
pub(super) fn value_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_in_a_few_words() {
        for (schema, expected) in [
            (json!({"$ref": "#/components/schemas/Job"}), "<a href=\"#schema-Job\">Job</a>"),
            (json!({"type": ["array", "null"], "items": {"type": "string"}}), "list of string or <code>null</code>"),
            (json!({"type": "string", "format": "binary"}), "bytes"),
            (json!({"enum": ["a", null]}), "<code>a</code>, <code>null</code>"),
            (
                json!({"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Asset"}]}),
                "<code>null</code> or <a href=\"#schema-Asset\">Asset</a>",
            ),
            (json!({}), "anything"),
        ] {
            assert_eq!(shape(&schema), expected, "{schema}");
        }
        let fill = json!({"exclusiveMinimum": 0, "maximum": 1, "default": 0.85});
        assert_eq!(limits(&fill), "more than <code>0</code>, at most <code>1</code>, default <code>0.85</code>");
    }
}
