//! Checks a document against `docs/shot.schema.json`. It supports the keywords that the schema uses, and fails for any
//! other.

use regex::Regex;
use serde_json::{Map, Value};

/// Whether the schema accepts a shot of version 2.
pub(super) fn takes(document: &Value) -> bool {
    let schema: Value = serde_json::from_str(include_str!("../../../../docs/shot.schema.json")).expect("JSON");
    is_valid(&schema, &schema, document)
}

fn is_valid(root: &Value, schema: &Value, value: &Value) -> bool {
    let Value::Object(schema) = schema else { return schema.as_bool().expect("an object, true or false") };
    schema.iter().all(|(word, says)| keeps(root, schema, word, says, value))
}

/// Whether a value satisfies one keyword of a schema. A keyword for another type than the value's has no effect.
fn keeps(root: &Value, schema: &Map<String, Value>, word: &str, says: &Value, value: &Value) -> bool {
    let all = |says: &Value| says.as_array().expect("a list").clone();
    let limit = || says.as_f64().expect("a number");
    match word {
        "$schema" | "$id" | "$defs" | "title" | "description" => true,
        "$ref" => {
            let pointer = says.as_str().and_then(|at| at.strip_prefix('#')).expect("a place in the schema");
            is_valid(root, root.pointer(pointer).expect("it is there"), value)
        }
        "type" => match says {
            Value::String(name) => is_of(name, value),
            _ => all(says).iter().any(|name| is_of(name.as_str().expect("a word"), value)),
        },
        "const" => value == says,
        "enum" => all(says).contains(value),
        "oneOf" => all(says).iter().filter(|one| is_valid(root, one, value)).count() == 1,
        "not" => !is_valid(root, says, value),
        "minimum" => value.as_f64().is_none_or(|number| number >= limit()),
        "maximum" => value.as_f64().is_none_or(|number| number <= limit()),
        "exclusiveMinimum" => value.as_f64().is_none_or(|number| number > limit()),
        "exclusiveMaximum" => value.as_f64().is_none_or(|number| number < limit()),
        "minLength" => value.as_str().is_none_or(|text| text.chars().count() as f64 >= limit()),
        "maxLength" => value.as_str().is_none_or(|text| text.chars().count() as f64 <= limit()),
        "pattern" => {
            let pattern = Regex::new(says.as_str().expect("a text")).expect("an expression");
            value.as_str().is_none_or(|text| pattern.is_match(text))
        }
        "items" => value.as_array().is_none_or(|values| values.iter().all(|value| is_valid(root, says, value))),
        "uniqueItems" => {
            value.as_array().is_none_or(|values| (1..values.len()).all(|i| !values[..i].contains(&values[i])))
        }
        "minItems" => value.as_array().is_none_or(|values| values.len() as f64 >= limit()),
        "maxItems" => value.as_array().is_none_or(|values| values.len() as f64 <= limit()),
        "required" => value
            .as_object()
            .is_none_or(|members| all(says).iter().all(|name| members.contains_key(name.as_str().expect("a name")))),
        "properties" => value.as_object().is_none_or(|members| {
            let of_member =
                |(name, schema): (&String, &Value)| members.get(name).is_none_or(|value| is_valid(root, schema, value));
            says.as_object().expect("an object").iter().all(of_member)
        }),
        "additionalProperties" => value.as_object().is_none_or(|members| {
            let known = schema.get("properties").and_then(Value::as_object);
            let others = members.iter().filter(|(name, _)| known.is_none_or(|known| !known.contains_key(*name)));
            others.into_iter().all(|(_, value)| is_valid(root, says, value))
        }),
        other => panic!("a word that this test does not know: {other}"),
    }
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type {other}"),
    }
}
