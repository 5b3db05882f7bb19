//! Help texts of everything that can be set and done, collected: each text is beside the code that it explains.

use std::sync::LazyLock;

use serde_json::{Number, Value};

use crate::app::Explained;
use crate::chores;
use crate::products::cad_jobs;
use crate::settings::{Definition, Kind as SettingKind, SETTINGS};
use crate::tasks;
use crate::tenancy::config_help;
use packshot_contract::help::{Help, HelpItem, HelpRange};
use packshot_contract::workflow;
use packshot_pipeline::plan::option::Default as Otherwise;
use packshot_pipeline::plan::{Group, OptionSpec, TABLE, Takes};

/// What else has options of pictures, and in which member.
static HOLDERS: [(&str, &str); 2] = [("output_type", "render_settings"), ("template", "settings")];

/// All help texts.
pub fn texts() -> &'static Help {
    static TEXTS: LazyLock<Help> = LazyLock::new(collect);
    &TEXTS
}

fn collect() -> Help {
    let config = config_help::MEMBERS.iter().map(|text| item("tenant_config", text));
    let of_files = [cad_jobs::REEXTRACT, cad_jobs::PROCESS_UNPROCESSED, cad_jobs::REGENERATE_THUMBNAILS];
    let actions = [tasks::REQUEUE, chores::REPLAY, chores::SCRUB].into_iter().chain(of_files);
    let actions = actions.map(|text| item("action", &text));
    let items = SETTINGS.iter().flat_map(of_setting).chain(config).chain(of_steps()).chain(of_holders()).chain(actions);
    Help { items: items.collect() }
}

fn item(area: &str, text: &Explained) -> HelpItem {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    HelpItem {
        key: format!("{area}.{}", text.name),
        title: text.title.to_owned(),
        body: text.body.to_owned(),
        affects: text.affects.iter().map(|&what| what.to_owned()).collect(),
        unit: owned(text.unit),
        range: None,
        recommendation: owned(text.recommendation),
        warning: owned(text.warning),
    }
}

/// The text of a setting, under its name and under each of its old ones.
fn of_setting(setting: &'static Definition) -> impl Iterator<Item = HelpItem> {
    let names = std::iter::once(setting.key).chain(setting.aliases.iter().copied());
    names.map(move |name| {
        let Definition { title, description: body, affects, unit, recommendation, warning, .. } = *setting;
        let range = match setting.kind {
            SettingKind::Whole { min, max } => Some(HelpRange { min: min.into(), max: Some(max.into()) }),
            _ => None,
        };
        HelpItem { range, ..item("setting", &Explained { name, title, body, affects, unit, recommendation, warning }) }
    })
}

/// Parameters of steps, as their schemas describe them.
fn of_steps() -> impl Iterator<Item = HelpItem> {
    workflow::steps(None, |_| None).items.into_iter().flat_map(|step| {
        let area = format!("step.{}", step.name);
        let makes_pictures = step.name.parse().is_ok_and(|name| workflow::picture_kind(name).is_some());
        let properties = step.params_schema["properties"].as_object().cloned().unwrap_or_default();
        properties.into_iter().map(move |(name, schema)| {
            let option = options().find(|spec| makes_pictures && spec.name == name);
            let of_picture = option.map(|spec| HelpItem { body: body_of(&schema), ..of_option(&area, spec) });
            of_picture.unwrap_or_else(|| of_parameter(&area, &name, &schema))
        })
    })
}

/// A parameter that is no option of pictures.
fn of_parameter(area: &str, name: &str, schema: &Value) -> HelpItem {
    let text = |member: &str| schema[member].as_str().map(str::to_owned);
    // A number stands alone, or beside a word.
    let range = [schema, &schema["anyOf"][0]].into_iter().find_map(|of| {
        let min = of["minimum"].as_number().or_else(|| of["exclusiveMinimum"].as_number())?;
        Some(HelpRange { min: min.clone(), max: of["maximum"].as_number().cloned() })
    });
    HelpItem {
        key: format!("{area}.{name}"),
        title: text("title").unwrap_or_default(),
        body: body_of(schema),
        affects: vec!["workflows".to_owned()],
        unit: text("x-unit"),
        range,
        recommendation: None,
        warning: None,
    }
}

/// What a parameter does, and what it is where nobody says it: `… Default: 512.`
fn body_of(schema: &Value) -> String {
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let default = match &schema["default"] {
        Value::Null => String::new(),
        Value::Array(values) => format!(" Default: {}.", values.iter().map(word).collect::<Vec<_>>().join(", ")),
        one => format!(" Default: {}.", word(one)),
    };
    format!("{}{default}", schema["description"].as_str().unwrap_or_default())
}

/// Options of pictures where output types and templates hold them. Materials are not: they belong to the product.
fn of_holders() -> impl Iterator<Item = HelpItem> {
    HOLDERS.iter().flat_map(|(holder, member)| {
        let area = format!("{holder}.{member}");
        options().map(move |spec| of_option(&area, spec))
    })
}

fn options() -> impl Iterator<Item = &'static OptionSpec> {
    TABLE.iter().filter(|spec| spec.group != Group::Materials)
}

fn of_option(area: &str, spec: &OptionSpec) -> HelpItem {
    let default = match spec.default {
        Otherwise::Is(text) => format!(" Default: {text}."),
        Otherwise::None | Otherwise::Follows(_) => String::new(),
    };
    HelpItem {
        key: format!("{area}.{}", spec.name),
        title: spec.title(),
        body: format!("{}{default}", spec.description()),
        affects: vec!["renders".to_owned()],
        unit: spec.unit.map(str::to_owned),
        range: range_of(&spec.takes),
        recommendation: None,
        warning: None,
    }
}

fn range_of(takes: &Takes) -> Option<HelpRange> {
    let whole = |min: u32, max: u32| HelpRange { min: min.into(), max: Some(max.into()) };
    // What reaches the end of single precision has no end of its own.
    let real = |min: f64, max: f64| {
        let max = Number::from_f64(max).filter(|_| max < f64::from(f32::MAX));
        Some(HelpRange { min: Number::from_f64(min)?, max })
    };
    match takes {
        Takes::Whole { min, max } => Some(whole(*min, *max)),
        Takes::OneOf(numbers) => Some(whole(*numbers.iter().min()?, *numbers.iter().max()?)),
        Takes::Real { min, max } | Takes::Three { min, max } => real(*min, *max),
        Takes::Positive { max } => real(0.0, *max),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn keys_below(prefix: &str) -> BTreeSet<&'static str> {
        texts().items.iter().filter_map(|item| item.key.strip_prefix(prefix)).collect()
    }

    #[test]
    fn t78_every_key_is_there_once_and_says_something() {
        let keys: BTreeSet<&str> = texts().items.iter().map(|item| item.key.as_str()).collect();
        assert_eq!(keys.len(), texts().items.len(), "each key once");
        for item in &texts().items {
            let ends = item.body.ends_with('.');
            assert!(!item.title.is_empty() && !item.title.ends_with('.') && ends, "{item:?}");
            assert!(!item.affects.is_empty(), "{item:?}");
        }
        let areas: BTreeSet<&str> = keys.iter().filter_map(|key| key.split('.').next()).collect();
        let known = ["setting", "tenant_config", "output_type", "template", "step", "action"];
        assert_eq!(areas, BTreeSet::from(known));
    }

    #[test]
    fn t78_every_setting_is_explained_under_all_its_names() {
        let names = SETTINGS.iter().flat_map(|setting| std::iter::once(&setting.key).chain(setting.aliases)).copied();
        assert_eq!(keys_below("setting."), names.collect::<BTreeSet<&str>>());
        assert!(keys_below("setting.").contains("cycles_device"));
        for setting in SETTINGS.iter().filter(|setting| setting.kind.type_name() == "integer") {
            let item = of_setting(setting).next().expect("a text");
            assert!(item.unit.is_some() || item.range.is_some(), "{}", setting.key);
        }
    }

    #[test]
    fn t78_every_member_of_a_tenants_configuration_is_explained() {
        let members = [
            "max_concurrent_renders",
            "render_engines_allowed",
            "max_order_size",
            "fallback_material",
            "notifications_enabled",
            "invoice_prefix",
            "material_library",
            "max_queued_jobs",
            "max_storage_bytes",
            "max_upload_bytes",
            "max_pixels",
            "rate_limit_per_s",
            "retention_days",
            "features",
        ];
        let flags = [
            "direct_renders",
            "turntables",
            "workflows",
            "shadow_mode",
            "external_executor",
            "design_renders",
            "suggested_fixes",
            "webhooks",
        ];
        let flags = flags.map(|flag| format!("features.{flag}"));
        let expected: BTreeSet<&str> = members.into_iter().chain(flags.iter().map(String::as_str)).collect();
        assert_eq!(keys_below("tenant_config."), expected);
        for item in texts().items.iter().filter(|item| item.key.starts_with("tenant_config.max_")) {
            assert!(item.unit.is_some(), "{item:?}");
        }
    }

    #[test]
    fn t78_r90_every_parameter_of_a_step_is_explained_with_its_range_unit_and_default() {
        for step in workflow::steps(None, |_| None).items {
            let properties = step.params_schema["properties"].as_object().expect("parameters");
            let prefix = format!("step.{}.", step.name);
            let names: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
            assert_eq!(keys_below(&prefix), names, "{}", step.name);
            for (name, property) in properties {
                let key = format!("{prefix}{name}");
                let item = texts().items.iter().find(|item| item.key == key).expect("a text");
                let is_number = ["integer", "number"].map(Value::from).contains(&property["type"][0]);
                assert!(!is_number || item.unit.is_some() || item.range.is_some(), "{key}");
                assert_eq!(item.unit.as_deref(), property["x-unit"].as_str(), "{key}");
                if let (Some(range), Some(max)) = (&item.range, property["maximum"].as_f64()) {
                    let own = range.max.as_ref().and_then(Number::as_f64);
                    assert_eq!(own, Some(max).filter(|max| *max < f64::from(f32::MAX)), "{key}");
                }
                assert!(property["default"].is_null() || item.body.contains(" Default: "), "{key}");
            }
        }
        for (holder, member) in HOLDERS {
            let names: BTreeSet<&str> = options().map(|spec| spec.name).collect();
            assert_eq!(keys_below(&format!("{holder}.{member}.")), names, "{holder}");
        }
    }
}
