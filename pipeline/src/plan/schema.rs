//! Options as JSON Schema (draft 2020-12): the members of requests, and the parameters of steps.

use packshot_words::Word;
use serde_json::{Value, json};

use super::option::{Default as Otherwise, Kind, OptionSpec, Takes, WordList};

impl Takes {
    /// The JSON Schema of its values (draft 2020-12); `null` is the same as leaving the option out.
    pub fn schema(&self) -> Value {
        let words = |list: &WordList| list().into_iter().map(|(word, _)| word).collect::<Vec<_>>();
        match self {
            Self::Flag => json!({"type": "boolean"}),
            Self::Whole { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
            Self::OneOf(numbers) => json!({"type": "integer", "enum": numbers}),
            Self::Real { min, max } => json!({"type": "number", "minimum": min, "maximum": max}),
            Self::Three { min, max } => {
                let items = json!({"type": "number", "minimum": min, "maximum": max});
                json!({"type": "array", "items": items, "minItems": 3, "maxItems": 3})
            }
            Self::Positive { max } => json!({"type": "number", "exclusiveMinimum": 0, "maximum": max}),
            Self::Word(list) => json!({"type": "string", "enum": words(list)}),
            Self::Words { list, n_min } => {
                let items = json!({"type": "string", "enum": words(list)});
                json!({"type": "array", "items": items, "minItems": n_min, "uniqueItems": true})
            }
            Self::Text { bytes_max } => json!({"type": "string", "minLength": 1, "maxLength": bytes_max}),
            Self::Texts { n_max, bytes_max } => {
                let items = json!({"type": "string", "minLength": 1, "maxLength": bytes_max});
                json!({"type": "array", "items": items, "maxItems": n_max})
            }
            Self::Form { pattern, .. } => json!({"type": "string", "pattern": pattern}),
            Self::Materials => {
                let text = json!({"type": ["string", "null"], "minLength": 1});
                let comment = json!({"type": ["string", "null"], "description": "A note for readers."});
                let entry = json!({
                    "type": "object",
                    "properties": {"part_name": text, "path": text, "material": text, "comment": comment},
                    "additionalProperties": false,
                });
                json!({
                    "type": "object",
                    "properties": {"library": text, "parts": {"type": ["array", "null"], "items": entry}, "comment": comment},
                    "additionalProperties": false,
                })
            }
        }
    }
}

impl OptionSpec {
    /// Its name as a title: `Frame count`.
    pub fn title(&self) -> String {
        let mut title = self.name.replace('_', " ");
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        title
    }

    /// Its purpose, in sentences, with its unit, the kinds of render that have it, and a default that is not a value.
    pub fn description(&self) -> String {
        let mut text = format!("{}.", self.help);
        if let Some(unit) = self.unit {
            text.push_str(&format!(" Unit: {unit}."));
        }
        if self.of.len() < Kind::ENTRIES.len() {
            let kinds: Vec<&str> = self.of.iter().map(|kind| kind.word()).collect();
            text.push_str(&format!(" Only for renders of kind {}.", kinds.join(" or ")));
        }
        if let Otherwise::Follows(what) = self.default {
            text.push_str(&format!(" Default: {what}."));
        }
        text
    }

    /// Its values, its default, its unit as `x-unit`, and its purpose. `null` is the same as leaving it out.
    pub fn schema(&self) -> Value {
        let mut schema = self.takes.schema();
        if let Value::Object(members) = &mut schema {
            members.insert("description".to_owned(), json!(self.description()));
            if let Otherwise::Is(default) = self.default {
                let words = || default.split(',').collect::<Vec<_>>();
                let default = match self.takes {
                    Takes::Words { .. } => json!(words()),
                    _ => serde_json::from_str(default).unwrap_or_else(|_| json!(default)),
                };
                members.insert("default".to_owned(), default);
            }
            if let Some(unit) = self.unit {
                members.insert("x-unit".to_owned(), json!(unit));
            }
            if let Some(Value::String(of)) = members.get("type").cloned() {
                members.insert("type".to_owned(), json!([of, "null"]));
            }
            if let Some(Value::Array(words)) = members.get_mut("enum") {
                words.push(Value::Null);
            }
        }
        schema
    }
}

#[cfg(test)]
mod tests {
    use packshot_renderer::import::ImportOptions;
    use packshot_renderer::sample::bearing;
    use packshot_renderer::shot::framing::Fit;
    use packshot_renderer::shot::request::Framing;
    use packshot_renderer::shot::request::build;

    use super::*;
    use crate::plan::{Base, Limits, Options, resolve};

    /// A parameter of a workflow step reaches the camera: parameters are read as options, resolved, and made into a
    /// shot.
    #[test]
    fn a_fill_among_the_parameters_of_a_step_reaches_the_camera() {
        let scene =
            packshot_renderer::import::load(&bearing().glb, &ImportOptions::default(), &|| false).expect("sound").0;
        let bounds = scene.bounds().expect("it has parts");
        let center = 0.5 * (bounds.min + bounds.max);
        let distance_m = |parameters: Value| {
            let options: Options = serde_json::from_value(parameters).expect("parameters of a step");
            let plan = resolve(&Base::default(), &options, &Limits::default()).expect("nothing contradicts");
            let request = plan.shot_request(None).expect("a rig");
            let Framing::Auto { fit: Fit::Fill(fill), .. } = request.framing else { panic!("{:?}", request.framing) };
            let camera = build(&request, &scene).expect("a picture").0.camera;
            (fill, (camera.world_from_camera.translation - center).length())
        };
        let ((fill, near_m), (default, nearer_m)) = (distance_m(json!({"fill": 0.8})), distance_m(json!({})));
        assert_eq!((fill, default), (0.8, 0.85));
        assert!(near_m > nearer_m && near_m < 0.85 / 0.75 * nearer_m, "{near_m} and {nearer_m} m");
        serde_json::from_value::<Options>(json!({"fill": 1.5})).expect_err("out of range");
    }
}
