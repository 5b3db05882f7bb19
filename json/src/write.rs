//! Text for people: what fits goes on one line, the rest is indented by two spaces.

use std::fmt::Write;

use serde_json::Value;

/// Objects and lists that fit are written on one line.
const LINE_WIDTH: usize = 120;

/// A document as text with a line break at its end. Numbers have the fewest digits that read back alike.
pub fn write(value: &Value) -> String {
    let mut out = String::new();
    write_indented(value, &mut out, 0, 0);
    out.push('\n');
    out
}

/// A number of single precision in the fewest digits that read back to it: 0.1 and not 0.10000000149011612.
pub fn single(value: f32) -> Value {
    // The shortest decimal that reads back to the same `f32` is also the shortest for the `f64` it parses to.
    Value::from(format!("{value:?}").parse().unwrap_or(f64::from(value)))
}

fn write_indented(value: &Value, out: &mut String, indent: usize, before: usize) {
    let line = line(value);
    let (open, close, n) = match value {
        Value::Object(members) if indent == 0 || before + line.len() > LINE_WIDTH => ('{', '}', members.len()),
        Value::Array(values) if before + line.len() > LINE_WIDTH => ('[', ']', values.len()),
        _ => return out.push_str(&line),
    };
    out.push(open);
    let begin = |out: &mut String, i: usize| {
        out.push_str(if i == 0 { "\n" } else { ",\n" });
        out.extend(std::iter::repeat_n(' ', indent + 2));
    };
    match value {
        Value::Object(members) => {
            for (i, (name, value)) in members.iter().enumerate() {
                begin(out, i);
                let name = quoted(name);
                out.push_str(&name);
                out.push_str(": ");
                write_indented(value, out, indent + 2, indent + name.len() + 4);
            }
        }
        Value::Array(values) => {
            for (i, value) in values.iter().enumerate() {
                begin(out, i);
                write_indented(value, out, indent + 2, indent + 2);
            }
        }
        _ => {}
    }
    if n > 0 {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent));
    }
    out.push(close);
}

fn line(value: &Value) -> String {
    match value {
        Value::Number(number) if number.is_f64() => format!("{:?}", number.as_f64().unwrap_or(0.0)),
        Value::Array(values) => format!("[{}]", values.iter().map(line).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => {
            let mut out = String::from("{");
            for (i, (name, value)) in members.iter().enumerate() {
                let comma = if i == 0 { "" } else { ", " };
                let _ = write!(out, "{comma}{}: {}", quoted(name), line(value));
            }
            out + "}"
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::parse;

    #[test]
    fn what_fits_is_one_line() {
        let value = json!({"a": {"b": [1, 2.0]}, "c": "x".repeat(120), "d": [{"e": "y".repeat(120)}], "f": {}});
        let (x, y) = ("x".repeat(120), "y".repeat(120));
        let expected = format!(
            "{{\n  \"a\": {{\"b\": [1, 2.0]}},\n  \"c\": \"{x}\",\n  \"d\": [\n    {{\n      \"e\": \"{y}\"\n    }}\n  ],\n  \"f\": {{}}\n}}\n"
        );
        assert_eq!(write(&value), expected);
        assert_eq!(write(&json!({})), "{}\n");
    }

    proptest::proptest! {
        #[test]
        fn numbers_read_back_alike(wide: f64, narrow: f32) {
            proptest::prop_assume!(wide.is_finite() && narrow.is_finite());
            let text = write(&Value::Array(vec![wide.into(), single(narrow)]));
            let parsed = parse(text.as_bytes()).expect("own output");
            let value = |i: usize| parsed[i].as_f64().expect("a number");
            proptest::prop_assert_eq!(value(0).to_bits(), wide.to_bits());
            let back = value(1) as f32;
            proptest::prop_assert_eq!(back.to_bits(), narrow.to_bits());
            proptest::prop_assert_eq!(write(&parsed), text);
        }
    }
}
