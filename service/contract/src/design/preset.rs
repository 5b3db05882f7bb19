//! Placements of designs with a name: those that are built in, and those of tenants (design-renders.md §9).

use packshot_designs::{DesignRequest, Preset};
use packshot_json::{FaultKind, Faults, Node};
use packshot_words::Word;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::problem::{Finding, Invalid};
use crate::scalar::Time;

/// Most characters of a name.
const NAME_CHARS_MAX: usize = 64;
/// Most bytes of a name.
pub(super) const NAME_BYTES_MAX: usize = 256;

/// A placement with a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DesignPreset {
    /// Its name.
    pub name: String,
    /// How a design lies that says nothing else.
    #[schema(value_type = Object)]
    pub placement: Map<String, Value>,
    /// Whether it is there for everyone, and cannot be changed.
    pub is_builtin: bool,
    /// Counts its changes; 0 of one that is built in.
    pub revision: i64,
    /// When it was made; `null` of one that is built in.
    pub created_at: Option<Time>,
    /// When it was changed; `null` of one that is built in.
    pub updated_at: Option<Time>,
}

/// All presets: those that are built in, then the tenant's by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DesignPresetList {
    /// The presets.
    pub items: Vec<DesignPreset>,
}

/// A preset to make.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct DesignPresetRequest {
    /// Its name: letters, digits, spaces, `_`, `-` and `.`, the first a letter or a digit.
    #[schema(min_length = 1, max_length = 64)]
    pub name: String,
    /// The members of a placement.
    #[schema(value_type = Object)]
    pub placement: Value,
}

/// A change of a preset: members of its placement that are absent stay, and `null` takes one away.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct DesignPresetPatch {
    /// The members of the placement.
    #[schema(value_type = Option<Object>)]
    pub placement: Option<Value>,
}

/// A preset that somebody wants, as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct PresetWish {
    /// Its name.
    pub name: String,
    /// The members of its placement, which can be read.
    pub placement: Map<String, Value>,
}

impl DesignPreset {
    /// Those that are built in.
    pub fn builtin() -> impl Iterator<Item = Self> {
        Preset::ENTRIES.iter().filter_map(|entry| {
            let preset = Preset::by_word(entry.word)?;
            Some(Self {
                name: entry.word.to_owned(),
                placement: preset.members(),
                is_builtin: true,
                revision: 0,
                created_at: None,
                updated_at: None,
            })
        })
    }
}

/// Whether a name is one of those that are built in, in any case.
#[must_use]
pub fn is_builtin(name: &str) -> bool {
    Preset::ENTRIES.iter().any(|entry| entry.word.eq_ignore_ascii_case(name))
}

impl DesignPresetRequest {
    /// Reads a preset to make.
    ///
    /// # Errors
    /// `missing`, `wrong_type`, `out_of_range`, `unknown_value`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<PresetWish, Invalid> {
        let faults = Faults::default();
        let read = Node::root(body, &faults).members().and_then(|mut m| {
            let name = m.require("name").and_then(|node| name(&node));
            let placement = m.require("placement").map(|node| node.value().clone());
            m.finish();
            Some((name?, placement?))
        });
        let (name, placement) = Invalid::unless_faults(read, faults)?;
        Ok(PresetWish { name, placement: members(&placement)? })
    }
}

impl DesignPresetPatch {
    /// The placement of a preset after a change.
    ///
    /// # Errors
    /// As [`DesignPresetRequest::parse`].
    pub fn apply(before: &Map<String, Value>, body: &Value) -> Result<Map<String, Value>, Invalid> {
        let faults = Faults::default();
        let read = Node::root(body, &faults).members().and_then(|mut m| {
            let given = m.given("placement").map(|node| match node.value() {
                Value::Object(members) => Some(members.clone()),
                _ => node.refuse(FaultKind::Type, "expected an object"),
            });
            m.finish();
            given.unwrap_or_else(|| Some(Map::new()))
        });
        let mut after = before.clone();
        for (member, value) in Invalid::unless_faults(read, faults)? {
            match value {
                Value::Null => drop(after.remove(&member)),
                value => drop(after.insert(member, value)),
            }
        }
        members(&Value::Object(after))
    }
}

/// The members of a placement, which can be read. Those that say nothing are left out.
fn members(placement: &Value) -> Result<Map<String, Value>, Invalid> {
    let Value::Object(given) = placement else {
        return Err(Invalid::one("/placement", "wrong_type", "expected an object"));
    };
    DesignRequest::read(&json!({"preset": given})).map_err(|faults| {
        let below = |finding: Finding| {
            let pointer = finding.pointer.replacen("/preset", "/placement", 1);
            Finding { pointer, ..finding }
        };
        Invalid { findings: faults.into_iter().map(|fault| below(Finding::from(fault))).collect() }
    })?;
    Ok(given.iter().filter(|(_, value)| !value.is_null()).map(|(k, v)| (k.clone(), v.clone())).collect())
}

/// A name has a place in a path.
fn name(node: &Node<'_>) -> Option<String> {
    let text = node.text(NAME_BYTES_MAX)?;
    let is_plain = |c: char| c.is_alphanumeric() || " _-.".contains(c);
    let is_fit = text.chars().count() <= NAME_CHARS_MAX
        && text.starts_with(char::is_alphanumeric)
        && !text.ends_with(' ')
        && text.chars().all(is_plain);
    let expected =
        format!("expected 1 to {NAME_CHARS_MAX} letters, digits, spaces, `_`, `-` and `.`, a letter or digit first");
    if is_fit { Some(text.to_owned()) } else { node.refuse(FaultKind::Range, expected) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d65_a_preset_is_read_strictly_and_changed_member_by_member() {
        let body = json!({"name": "Front logo", "placement": {"width": 60, "x": 5, "fit": null}});
        let wish = DesignPresetRequest::parse(&body).expect("a preset");
        assert_eq!(Value::Object(wish.placement.clone()), json!({"width": 60, "x": 5}));
        let places = |body: Value| {
            let refused = DesignPresetRequest::parse(&body).expect_err("refused");
            refused.findings.into_iter().map(|finding| finding.pointer).collect::<Vec<_>>()
        };
        for name in ["", ".", " a", "a/b", "a\n", &"x".repeat(65)] {
            assert_eq!(places(json!({"name": name, "placement": {}})), ["/name"], "{name}");
        }
        assert_eq!(places(json!({"name": "a"})), ["/placement"]);
        assert_eq!(places(json!({"name": "a", "placement": {"opacity": 3}})), ["/placement/opacity"]);
        assert_eq!(places(json!({"name": "a", "placement": 3})), ["/placement"]);
        let after = DesignPresetPatch::apply(&wish.placement, &json!({"placement": {"x": null, "y": 2}}));
        assert_eq!(after.map(Value::Object), Ok(json!({"width": 60, "y": 2})));
        assert_eq!(DesignPresetPatch::apply(&wish.placement, &json!({})), Ok(wish.placement.clone()));
        assert!(DesignPresetPatch::apply(&wish.placement, &json!({"name": "b"})).is_err());
        assert!(is_builtin("centered") && is_builtin("Wrap") && !is_builtin("Front logo"));
        assert_eq!(DesignPreset::builtin().count(), 7);
    }
}
