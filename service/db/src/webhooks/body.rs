//! The body of a delivery: one line of JSON without spaces, of at most 20 KiB. What is too long is cut, lists first.

use serde_json::{Map, Value, json};

use packshot_domain::time::Timestamp;
use packshot_domain::webhook::{BODY_BYTES_MAX, WebhookEvent};

/// Texts are not made shorter than this.
const TEXT_CHARS_MIN: usize = 64;

/// The body that tells of an event.
pub(super) fn body(event: WebhookEvent, at: Timestamp, data: Map<String, Value>) -> String {
    let mut data = Value::Object(data);
    loop {
        let text = json!({"type": event.as_str(), "timestamp": at.to_string(), "data": data}).to_string();
        if text.len() <= BODY_BYTES_MAX || !cut(&mut data) {
            return text;
        }
        data["truncated"] = Value::Bool(true);
    }
}

/// Halves the longest list, or, where there is none, the longest text. Returns whether there was one.
fn cut(data: &mut Value) -> bool {
    let longest = |is: fn(&Value) -> bool| {
        let mut found: Option<(usize, String)> = None;
        visit(data, String::new(), &mut |value, pointer| {
            let length = value.to_string().len();
            if is(value) && found.as_ref().is_none_or(|(most, _)| length > *most) {
                found = Some((length, pointer.to_owned()));
            }
        });
        found.map(|(_, pointer)| pointer)
    };
    let of_list = longest(|value| value.as_array().is_some_and(|items| !items.is_empty()));
    let is_long = |value: &Value| value.as_str().is_some_and(|text| text.chars().count() > TEXT_CHARS_MIN);
    match of_list.or_else(|| longest(is_long)).and_then(|pointer| data.pointer_mut(&pointer)) {
        Some(Value::Array(items)) => items.truncate(items.len() / 2),
        Some(Value::String(text)) => *text = text.chars().take(text.chars().count() / 2).collect(),
        _ => return false,
    }
    true
}

/// Shows every value below one, with its pointer (RFC 6901).
fn visit(value: &Value, pointer: String, see: &mut impl FnMut(&Value, &str)) {
    see(value, &pointer);
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| visit(item, format!("{pointer}/{i}"), see));
        }
        Value::Object(members) => {
            for (name, member) in members {
                visit(member, format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")), see);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(data: Value) -> String {
        let at = "2026-11-20T10:00:00Z".parse().expect("a time");
        body(WebhookEvent::RenderingComplete, at, data.as_object().expect("an object").clone())
    }

    #[test]
    fn n55_n56_a_body_is_one_line_and_what_is_too_long_is_cut() {
        let short = of(json!({"order_number": "ORD-2026-042"}));
        let expected = "{\"type\":\"order.rendering_complete\",\"timestamp\":\"2026-11-20T10:00:00.000Z\",\
                        \"data\":{\"order_number\":\"ORD-2026-042\"}}";
        assert_eq!((short.as_str(), short.len()), (expected, 113));
        let line = json!({"order_line_id": "0193f2c0-4a7b-7c1e-9f00-aa55cc33ee11", "product_name": "Ä/~b".repeat(20)});
        for (data, is_kept) in [
            (json!({"event_id": "e", "failed_lines": vec![line.clone(); 500], "total": 500}), "total"),
            (json!({"event_id": "e", "a": {"b": {"c/d": vec!["x".repeat(40); 3000]}}}), "a"),
            (json!({"event_id": "e", "message": "ß".repeat(30_000), "list": []}), "list"),
        ] {
            let text = of(data);
            assert!(text.len() <= BODY_BYTES_MAX && text.len() > BODY_BYTES_MAX / 4, "{}", text.len());
            let read: Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!((&read["data"]["truncated"], &read["data"]["event_id"]), (&json!(true), &json!("e")));
            assert!(!read["data"][is_kept].is_null(), "{is_kept}");
        }
    }
}
