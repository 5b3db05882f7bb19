//! Options of pictures that output types and render templates hold: `render_settings` and `settings` (workflow.md §3).

use std::borrow::Cow;
use std::sync::LazyLock;

use packshot_json::{FaultKind, Node};
use packshot_pipeline::plan::{self, Base, Group, Kind, Limits, OptionId, OptionSpec, Options, TABLE};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::problem::{Finding, Invalid};
use super::request::{faults, read, schema};
use packshot_domain::tenant_config::EngineName;

/// The code of an engine that the tenant does not allow.
const NOT_ALLOWED: &str = "engine_not_allowed";
/// The member that names the engine.
const ENGINE: &str = "engine";
/// The one engine, and its older name.
const PATH_TRACER: [&str; 2] = ["path_tracer", "cycles"];

/// Options of pictures: those that were given. Materials are none of them: these come with the product.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PictureSettings {
    /// Whether the engine was named. There is one.
    pub names_engine: bool,
    /// The options.
    pub options: Options,
}

/// The options that settings may have.
fn specs() -> impl Iterator<Item = &'static OptionSpec> {
    TABLE.iter().filter(|spec| spec.group != Group::Materials)
}

impl PictureSettings {
    /// Reads settings. The engine comes first: one that the tenant does not allow is refused even where there is none
    /// of that name.
    pub(crate) fn read(node: &Node<'_>, allowed: &[EngineName]) -> Option<Self> {
        let mut m = node.members()?;
        let mut settings = Self::default();
        if let Some(node) = m.given(ENGINE) {
            settings.names_engine = engine(&node, allowed).is_some();
        }
        read::options(&mut m, specs(), &mut settings.options);
        m.finish();
        Some(settings)
    }

    /// Checks that the options of `kind` do not contradict one another and are within the limits. Those of another kind
    /// have no effect.
    ///
    /// # Errors
    /// Everything that is wrong, with pointers below `pointer`.
    pub fn check(&self, kind: Kind, limits: &Limits, pointer: &str) -> Result<(), Invalid> {
        let mut options = Options::default();
        for id in OptionId::all().filter(|id| id.spec().is_of(kind)) {
            if let Some(value) = self.options.json(id) {
                // It was read from JSON like this.
                let _known = options.set_json(id, &value);
            }
        }
        let Err(found) = plan::resolve(&Base { kind, ..Base::default() }, &options, limits) else { return Ok(()) };
        let below = |fault| {
            let finding = faults::finding(fault);
            Finding { pointer: format!("{pointer}{}", finding.pointer), ..finding }
        };
        Err(Invalid { findings: found.iter().map(below).collect() })
    }
}

/// The engine, if the tenant allows it and there is one of that name.
fn engine(node: &Node<'_>, allowed: &[EngineName]) -> Option<()> {
    let text = node.string()?;
    let is_path_tracer = |name: &str| PATH_TRACER.contains(&name);
    let is_same = |name: &str| name == text || (is_path_tracer(name) && is_path_tracer(text));
    if !allowed.iter().any(|allowed| is_same(allowed.as_str())) {
        let names = allowed.iter().map(EngineName::as_str).collect::<Vec<_>>().join(", ");
        let message = format!("the tenant's `render_engines_allowed` has only {names}");
        return node.refuse(FaultKind::Named(NOT_ALLOWED.to_owned()), message);
    }
    if is_path_tracer(text) { Some(()) } else { node.refuse(FaultKind::Word, "expected path_tracer") }
}

impl Serialize for PictureSettings {
    /// Only what was given, by its one name.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = Map::new();
        if self.names_engine {
            members.insert(ENGINE.to_owned(), json!(PATH_TRACER[0]));
        }
        let given = specs().filter_map(|spec| Some((spec.name.to_owned(), self.options.json(spec.id)?)));
        members.extend(given);
        members.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PictureSettings {
    /// Fails for an unknown option, and for an invalid value.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut members = Map::<String, Value>::deserialize(deserializer)?;
        let names_engine = members.remove(ENGINE).is_some();
        let options = Options::deserialize(Value::Object(members)).map_err(serde::de::Error::custom)?;
        Ok(Self { names_engine, options })
    }
}

/// Made once: many operations show it.
static SCHEMA: LazyLock<RefOr<Schema>> = LazyLock::new(settings_schema);

fn settings_schema() -> RefOr<Schema> {
    let mut properties = Map::new();
    let engine = json!({"type": ["string", "null"], "enum": ["path_tracer", "cycles", null], "description": "The engine. There is one; `cycles` is its name in the reference system."});
    properties.insert(ENGINE.to_owned(), engine);
    properties.extend(specs().map(|spec| (spec.name.to_owned(), schema::member(spec))));
    let description = "Options of pictures, as a request has them, without those about materials. An option that the kind of picture does not \
                       have has no effect.";
    let schema =
        json!({"type": "object", "description": description, "properties": properties, "additionalProperties": false});
    schema::of_json(schema)
}

impl PartialSchema for PictureSettings {
    fn schema() -> RefOr<Schema> {
        SCHEMA.clone()
    }
}

impl ToSchema for PictureSettings {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("PictureSettings")
    }
}

#[cfg(test)]
mod tests {
    use packshot_json::Faults;

    use super::*;

    fn read(settings: &Value, allowed: &[&str]) -> Result<PictureSettings, Vec<(String, String)>> {
        let allowed: Vec<EngineName> = allowed.iter().map(|name| name.parse().expect("a name")).collect();
        let faults = Faults::default();
        let settings = PictureSettings::read(&Node::root(settings, &faults), &allowed);
        let refused = |invalid: Invalid| invalid.findings.into_iter().map(|f| (f.pointer, f.code)).collect();
        Invalid::unless_faults(settings, faults).map_err(refused)
    }

    #[test]
    fn o17_the_engine_is_checked_first() {
        let at = |code: &str| Err(vec![("/engine".to_owned(), code.to_owned())]);
        assert_eq!(read(&json!({"engine": "eevee"}), &["cycles"]), at("engine_not_allowed"));
        assert_eq!(read(&json!({"engine": "eevee"}), &["cycles", "eevee"]), at("unknown_value"));
        assert_eq!(read(&json!({"engine": "cycles"}), &["eevee"]), at("engine_not_allowed"));
        for engine in PATH_TRACER {
            for allowed in PATH_TRACER {
                let settings = read(&json!({"engine": engine}), &[allowed]).expect("allowed");
                assert_eq!(json!(settings), json!({"engine": "path_tracer"}));
            }
        }
    }

    #[test]
    fn settings_hold_what_was_given_and_nothing_about_materials() {
        let given = json!({"width": 640, "fps": 25, "format": "webp", "transparent_bg": true});
        let settings = read(&given, &["cycles"]).expect("settings");
        let stored = json!({"width": 640, "fps": 25, "formats": ["webp"], "background": "transparent"});
        assert_eq!(json!(settings), stored);
        assert_eq!(serde_json::from_value::<PictureSettings>(stored).expect("it reads back"), settings);
        for name in ["materials", "material", "library", "on_unmapped", "map_by"] {
            let refused = read(&json!({name: "x"}), &["cycles"]).expect_err("no option of settings");
            assert_eq!(refused, [(format!("/{name}"), "unknown_member".to_owned())]);
        }
    }

    #[test]
    fn contradictions_are_found_in_the_options_of_the_kind() {
        let limits = Limits::default();
        let of_turntables = read(&json!({"width": 640, "fps": 25}), &["cycles"]).expect("settings");
        assert_eq!(of_turntables.check(Kind::Still, &limits, "/s"), Ok(()));
        let both = read(&json!({"fill": 0.5, "margin_px": 3}), &["cycles"]).expect("settings");
        let refused = both.check(Kind::Still, &limits, "/s").expect_err("both");
        assert!(refused.findings.iter().all(|finding| finding.pointer.starts_with("/s/")), "{refused:?}");
        let large = read(&json!({"width": 16_384, "height": 16_384}), &["cycles"]).expect("settings");
        let limits = Limits { pixels_max: 1 << 20, ..limits };
        assert!(large.check(Kind::Still, &limits, "").is_err());
    }
}
