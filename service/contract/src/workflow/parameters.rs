//! What a node says of its step: options of pictures, parameters of its own, and what its failure means.

use packshot_domain::step::StepName;
use packshot_json::{Fault, FaultKind, Members, Node};
use packshot_pipeline::plan::{self, Base, Group, Kind, Limits, OptionId, OptionSpec, Options, TABLE};
use serde_json::{Map, Value, json};

use super::parameter::{self, title};
use crate::picture_settings::PictureSettings;
use crate::request::{faults, read};

/// The member of any node that says what its failure means.
const FAILURE_POLICY: &str = "failure_policy";
/// Its only member.
const FALLBACK: &str = "fallback_to_legacy";
/// The member that names the engine, with its values: the one engine, and its name in the reference system.
const ENGINE: &str = "engine";
/// The code of a format that this build cannot write.
const NOT_BUILT: &str = "encode.not_built";
const ENGINES: [(&str, ()); 2] = [("path_tracer", ()), ("cycles", ())];

/// The parameters of a node: those that were given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepParameters {
    /// The options of its pictures.
    pub picture: PictureSettings,
    /// Its other parameters, as they are stored.
    pub own: Map<String, Value>,
    /// Whether a graph that cannot be dispatched leaves its line to the direct path.
    pub fallback_to_legacy: Option<bool>,
}

/// The kind of pictures that a step makes.
#[must_use]
pub const fn picture_kind(step: StepName) -> Option<Kind> {
    match step {
        StepName::RenderThumbnail | StepName::RenderStill => Some(Kind::Still),
        StepName::RenderTurntable => Some(Kind::Turntable),
        StepName::RenderViews => Some(Kind::Views),
        _ => None,
    }
}

/// The options of a step's pictures.
fn specs(kind: Kind) -> impl Iterator<Item = &'static OptionSpec> {
    TABLE.iter().filter(move |spec| spec.is_of(kind) && spec.group != Group::Materials)
}

/// What a step's pictures have where nobody says otherwise, and other pictures have not.
fn own_default(step: StepName, option: OptionId) -> Option<Value> {
    match (step, option) {
        (StepName::RenderThumbnail, OptionId::Width | OptionId::Height) => Some(json!(512)),
        (StepName::RenderThumbnail, OptionId::Samples) => Some(json!(64)),
        _ => None,
    }
}

impl StepParameters {
    /// Reads the parameters of a step.
    pub(super) fn read(node: &Node<'_>, step: StepName) -> Option<Self> {
        let mut m = node.members()?;
        let mut parameters = Self::default();
        if let Some(kind) = picture_kind(step) {
            if let Some(node) = m.given(ENGINE) {
                parameters.picture.names_engine = node.choice(&ENGINES).is_some();
            }
            read::options(&mut m, specs(kind), &mut parameters.picture.options);
            parameters.refuse_contradictions(&m, kind);
        }
        for parameter in parameter::of_step(step) {
            if let Some(value) = m.given(parameter.name).and_then(|node| parameter.read(&node)) {
                parameters.own.insert(parameter.name.to_owned(), value);
            }
        }
        if let Some(node) = m.given(FAILURE_POLICY)
            && let Some(mut policy) = node.members()
        {
            parameters.fallback_to_legacy = policy.given(FALLBACK).and_then(|node| node.flag());
            policy.finish();
        }
        m.finish();
        Some(parameters)
    }

    /// Options that cannot stand together, whatever the limits of a tenant are.
    fn refuse_contradictions(&self, m: &Members<'_>, kind: Kind) {
        let base = Base { kind, ..Base::default() };
        let Err(found) = plan::resolve(&base, &self.picture.options, &Limits::default()) else { return };
        for fault in &found {
            let finding = faults::finding(fault);
            let kind = match finding.code.as_str() {
                // A matter of the installation, and not of the document.
                NOT_BUILT => continue,
                "out_of_range" => FaultKind::Range,
                "conflicting_members" => FaultKind::Conflict,
                other => FaultKind::Named(other.to_owned()),
            };
            m.node().adopt::<()>(Err(vec![Fault::new(kind, finding.detail).below(&finding.pointer)]));
        }
    }

    /// The parameters as they are stored.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut members = match serde_json::to_value(&self.picture) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        };
        members.extend(self.own.clone());
        if let Some(fallback) = self.fallback_to_legacy {
            members.insert(FAILURE_POLICY.to_owned(), json!({FALLBACK: fallback}));
        }
        Value::Object(members)
    }

    /// The value of a parameter of a step, or what it is where nobody says it.
    #[must_use]
    pub fn get(&self, step: StepName, name: &str) -> Value {
        let default = || parameter::of_step(step).iter().find(|parameter| parameter.name == name);
        let given = self.own.get(name).cloned();
        given.unwrap_or_else(|| default().map_or(Value::Null, |parameter| (parameter.default)()))
    }
}

/// The options of a step's pictures that are given at last: each by the first of these that gives it, unless it
/// excludes one that an earlier gives. Only those that the step has are taken over (workflow.md §2).
#[must_use]
pub fn overlaid(step: StepName, first_to_last: &[&PictureSettings]) -> PictureSettings {
    let Some(kind) = picture_kind(step) else { return PictureSettings::default() };
    let names_engine = first_to_last.iter().any(|settings| settings.names_engine);
    let layers = first_to_last.iter().map(|settings| &settings.options);
    let options = Options::overlaid(layers, |id| specs(kind).any(|spec| spec.id == id));
    PictureSettings { names_engine, options }
}

/// The same with what a step has of its own where nobody says otherwise.
#[must_use]
pub fn with_defaults(step: StepName, mut settings: PictureSettings) -> PictureSettings {
    for spec in TABLE {
        if let (None, Some(default)) = (settings.options.json(spec.id), own_default(step, spec.id)) {
            let _known = settings.options.set_json(spec.id, &default);
        }
    }
    settings
}

/// The JSON Schema of a step's parameters (draft 2020-12).
///
/// `samples` are those where nobody says how many, if that is known.
pub(super) fn schema(step: StepName, samples: Option<u32>) -> Value {
    let mut properties = Map::new();
    if let Some(kind) = picture_kind(step) {
        let words: Vec<Value> = ENGINES.iter().map(|(word, ())| json!(word)).chain([Value::Null]).collect();
        let engine = json!({
            "type": ["string", "null"], "enum": words, "title": title(ENGINE), "default": ENGINES[0].0,
            "description": "The engine. There is one; `cycles` is its name in the reference system.",
        });
        properties.insert(ENGINE.to_owned(), engine);
        for spec in specs(kind) {
            let mut schema = spec.schema();
            schema["title"] = json!(spec.title());
            match own_default(step, spec.id) {
                Some(default) => schema["default"] = default,
                None => {
                    if let Some(samples) = samples.filter(|_| spec.id == OptionId::Samples) {
                        schema["default"] = json!(samples);
                    }
                }
            }
            properties.insert(spec.name.to_owned(), schema);
        }
        for (name, description) in [
            ("format", "Another name of `formats`."),
            ("transparent_bg", "Whether the background is transparent: another way to say `background`."),
        ] {
            let mut schema = match name {
                "format" => json!({"type": ["string", "array", "null"]}),
                _ => json!({"type": ["boolean", "null"]}),
            };
            schema["title"] = json!(title(name));
            schema["description"] = json!(description);
            properties.insert(name.to_owned(), schema);
        }
    }
    for parameter in parameter::of_step(step) {
        properties.insert(parameter.name.to_owned(), parameter.schema());
    }
    let fallback = json!({
        "type": ["boolean", "null"], "title": title(FALLBACK), "default": false,
        "description": "Whether the direct path renders the line when the graph cannot be dispatched.",
    });
    let policy = json!({
        "type": ["object", "null"], "title": title(FAILURE_POLICY), "default": {FALLBACK: false},
        "description": "What it means that the graph cannot be dispatched. A node that fails later is not meant.",
        "properties": {FALLBACK: fallback}, "additionalProperties": false,
    });
    properties.insert(FAILURE_POLICY.to_owned(), policy);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object", "properties": properties, "additionalProperties": false,
    })
}
