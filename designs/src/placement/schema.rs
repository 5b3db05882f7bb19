//! The JSON Schema of a design's request (`docs/designs.schema.json`).

use serde_json::{Map, Value, json};

use super::members::{Group, LENGTH_MAX, MEMBERS, Member, NAME_BYTES_MAX, Takes};

/// The schemas of the members of an object, in draft 2020-12.
pub fn members_schema(group: Group) -> Map<String, Value> {
    let members = MEMBERS.iter().filter(|member| member.group == group);
    members.map(|member| (member.name.to_owned(), of_member(member))).collect()
}

/// The schema, in draft 2020-12.
pub fn schema() -> Value {
    let object = |properties: Map<String, Value>, description: &str| json!({"type": "object", "properties": properties, "additionalProperties": false, "description": description});
    let name = json!({"type": "string", "minLength": 1, "maxLength": NAME_BYTES_MAX});
    let mut area = members_schema(Group::Area);
    area.insert(
        "name".to_owned(),
        json!({
            "type": ["string", "null"], "minLength": 1, "maxLength": NAME_BYTES_MAX,
            "description": "A part or a material, whichever has this name, in place of `part` and `material`."
        }),
    );
    let mut request = members_schema(Group::Request);
    let area = object(area, "The surfaces, and how they are laid out flat.");
    let described =
        "The printable area; the only one that there is, if it is not given. A text is the name of a part or material.";
    request.insert("area".to_owned(), json!({"oneOf": [{"type": "null"}, name, area], "description": described}));
    let placement = object(members_schema(Group::Placement), "How the design lies on the area.");
    if let Some(preset) = request.remove("preset") {
        let own = object(members_schema(Group::Placement), "Members of a placement, in place of a preset's.");
        request.insert("preset".to_owned(), json!({"oneOf": [preset, own]}));
    }
    request.insert("placement".to_owned(), json!({"oneOf": [{"type": "null"}, placement]}));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://github.com/packshot/packshot/docs/designs.schema.json",
        "title": "A design on a product",
        "description": "Which surface a design lies on, and how.",
        "type": "object",
        "properties": request,
        "additionalProperties": false,
    })
}

fn of_member(member: &Member) -> Value {
    let mut schema = match member.takes {
        Takes::Length { is_size: true } => {
            json!({"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": LENGTH_MAX})
        }
        Takes::Length { is_size: false } => {
            json!({"type": ["number", "null"], "minimum": -LENGTH_MAX, "maximum": LENGTH_MAX})
        }
        Takes::Number { min, max, .. } => json!({"type": ["number", "null"], "minimum": min, "maximum": max}),
        Takes::Whole { min, max } => json!({"type": ["integer", "null"], "minimum": min, "maximum": max}),
        Takes::Flag => json!({"type": ["boolean", "null"]}),
        Takes::Word(words) => {
            let words = words().into_iter().map(|(word, _)| json!(word)).chain([Value::Null]);
            json!({"enum": words.collect::<Vec<_>>()})
        }
        Takes::Spot => {
            let number = json!({"type": "number", "minimum": -LENGTH_MAX, "maximum": LENGTH_MAX});
            json!({"oneOf": [
                {"type": "null"},
                {"enum": ["front", "right", "back", "left", "top", "bottom", "three_quarter", "x", "+x", "-x", "y", "+y", "-y", "z", "+z", "-z"]},
                {"type": "array", "items": number, "minItems": 3, "maxItems": 3},
            ]})
        }
        Takes::Name => json!({"type": ["string", "null"], "minLength": 1, "maxLength": NAME_BYTES_MAX}),
    };
    if let Value::Object(schema) = &mut schema {
        let mut help = format!("{}. Default: {}.", member.help, member.default);
        if let Takes::Word(words) = member.takes {
            for (word, meaning) in words() {
                help.push_str(&format!(" `{word}`: {meaning}."));
            }
        }
        schema.insert("description".to_owned(), json!(help));
    }
    schema
}
