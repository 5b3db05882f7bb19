//! Printable areas of products (design-renders.md §6).

use packshot_designs::area::{AxisWord, MappingWord, Selector};
use packshot_designs::{AreaRequest, DesignRequest};
use packshot_json::{FaultKind, Faults, Node};
use packshot_words::Word;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::problem::{Finding, Invalid};
use crate::scalar::Time;

/// Most characters of a name.
const NAME_CHARS_MAX: usize = 200;
/// Most bytes of a name.
const NAME_BYTES_MAX: usize = 800;

words! {
    /// How an area is laid out flat.
    pub enum AreaMapping {
        /// By texture coordinates where the file has them; else around an axis where the surface is round; else along a
        /// direction.
        Auto = "auto",
        /// By the file's texture coordinates.
        Uv = "uv",
        /// Projected along a direction.
        Planar = "planar",
        /// Around an axis.
        Cylindrical = "cylindrical",
    }
}

/// Which surfaces of a product an area has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AreaSelector {
    /// Those with this material of the file.
    pub material: Option<String>,
    /// Those of this part: a node's path, a node's name or a mesh's name.
    pub part: Option<String>,
}

/// A printable area of a product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DesignArea {
    /// Its id.
    pub id: Uuid,
    /// Its product.
    pub product_id: Uuid,
    /// What people call it. A product has each name once.
    pub name: String,
    /// Which surfaces it has.
    pub selector: AreaSelector,
    /// The set of texture coordinates, 0 or 1.
    pub uv_set: u32,
    /// How it is laid out flat.
    pub mapping: AreaMapping,
    /// The axis of a cylindrical area: `x`, `y` or `z`; `null` for the one that fits best.
    pub axis: Option<String>,
    /// Width and height in millimetres, measured.
    pub size_mm: [f64; 2],
    /// A margin that designs keep away from its edge unless their size is given, in millimetres.
    pub safe_mm: f64,
    /// Whether it is taken where a request names none.
    pub is_default: bool,
    /// How much lengths are stretched, measured: 1 for none.
    pub distortion: f64,
    /// Whether it closes around the product, measured.
    pub wraps: bool,
    /// Counts its changes.
    pub revision: i64,
    /// When it was made.
    pub created_at: Time,
    /// When it was changed.
    pub updated_at: Time,
}

/// The printable areas of a product, the oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DesignAreaList {
    /// The areas.
    pub items: Vec<DesignArea>,
}

/// What could be a printable area.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DetectedArea {
    /// What it is called in the file.
    pub name: String,
    /// Which surfaces it has.
    pub selector: AreaSelector,
    /// How it is laid out flat.
    pub mapping: AreaMapping,
    /// Width and height in millimetres.
    pub size_mm: [f64; 2],
    /// How much lengths are stretched: 1 for none.
    pub distortion: f64,
    /// Whether it closes around the product.
    pub wraps: bool,
}

/// Every material and part that could be a printable area, largest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DetectedAreas {
    /// The areas.
    pub items: Vec<DetectedArea>,
}

/// A printable area to make.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct DesignAreaRequest {
    /// What people call it.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// Which surfaces it has: `material` or `part` or both.
    pub selector: AreaSelector,
    /// How it is laid out flat; if absent, `auto`.
    pub mapping: Option<AreaMapping>,
    /// The axis of a cylindrical area: `x`, `y` or `z`.
    pub axis: Option<String>,
    /// The set of texture coordinates, 0 or 1; if absent, 0.
    #[schema(maximum = 1)]
    pub uv_set: Option<u32>,
    /// A margin that designs keep away from its edge, in millimetres; if absent, 0.
    #[schema(minimum = 0, maximum = 1000)]
    pub safe_mm: Option<f64>,
    /// Whether it is taken where a request names none; if absent, it is not.
    pub is_default: Option<bool>,
}

/// A change of a printable area: absent members stay.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct DesignAreaPatch {
    /// What people call it.
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// Which surfaces it has.
    pub selector: Option<AreaSelector>,
    /// How it is laid out flat.
    pub mapping: Option<AreaMapping>,
    /// The axis of a cylindrical area: `x`, `y` or `z`.
    pub axis: Option<String>,
    /// The set of texture coordinates, 0 or 1.
    #[schema(maximum = 1)]
    pub uv_set: Option<u32>,
    /// A margin that designs keep away from its edge, in millimetres.
    #[schema(minimum = 0, maximum = 1000)]
    pub safe_mm: Option<f64>,
    /// Whether it is taken where a request names none.
    pub is_default: Option<bool>,
}

/// A printable area that somebody wants, as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct AreaWish {
    /// What people call it.
    pub name: String,
    /// The surfaces, and how they are laid out flat.
    pub area: AreaRequest,
    /// Whether it is taken where a request names none.
    pub is_default: bool,
}

impl AreaWish {
    /// Which surfaces it has, as a document names them.
    #[must_use]
    pub fn selector(&self) -> AreaSelector {
        AreaSelector::of(&self.area.selector)
    }
}

impl AreaSelector {
    /// Surfaces as a document names them. What text alone names is a part here.
    #[must_use]
    pub fn of(selector: &Selector) -> Self {
        match selector.clone() {
            Selector::Material(material) => Self { material: Some(material), part: None },
            Selector::Part(part) | Selector::Named(part) => Self { material: None, part: Some(part) },
            Selector::Both { material, part } => Self { material: Some(material), part: Some(part) },
        }
    }
}

impl DesignAreaRequest {
    /// Reads a printable area to make.
    ///
    /// # Errors
    /// `missing`, `wrong_type`, `out_of_range`, `unknown_value`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<AreaWish, Invalid> {
        let faults = Faults::default();
        let read = Node::root(body, &faults).members().and_then(|mut m| {
            let name = m.require("name").and_then(|node| name(&node));
            let is_default = m.given("is_default").map_or(Some(false), |node| node.flag());
            let mut area = Map::new();
            let selector = m.require("selector");
            if let Some(Value::Object(members)) = selector.as_ref().map(Node::value) {
                area.extend(members.iter().filter(|(_, value)| !value.is_null()).map(|(k, v)| (k.clone(), v.clone())));
            } else if let Some(node) = selector {
                node.report(FaultKind::Type, "expected an object with `material` or `part`");
            }
            for member in ["mapping", "axis", "uv_set", "safe_mm"] {
                area.extend(m.given(member).map(|node| (member.to_owned(), node.value().clone())));
            }
            m.finish();
            Some((name?, is_default?, area))
        });
        let (name, is_default, area) = Invalid::unless_faults(read, faults)?;
        let area = area_of(&Value::Object(area))?;
        Ok(AreaWish { name, area, is_default })
    }
}

impl DesignAreaPatch {
    /// An area as it is after a change.
    ///
    /// # Errors
    /// As [`DesignAreaRequest::parse`].
    pub fn apply(before: &DesignArea, body: &Value) -> Result<AreaWish, Invalid> {
        let mut members = json!({
            "name": before.name,
            "selector": before.selector,
            "mapping": before.mapping.word(),
            "axis": before.axis,
            "uv_set": before.uv_set,
            "safe_mm": before.safe_mm,
            "is_default": before.is_default,
        });
        let faults = Faults::default();
        if Node::root(body, &faults).members().is_none() {
            return Invalid::unless_faults(None, faults);
        }
        for (name, value) in body.as_object().into_iter().flatten() {
            members[name.as_str()] = value.clone();
        }
        DesignAreaRequest::parse(&members)
    }
}

fn name(node: &Node<'_>) -> Option<String> {
    let text = node.text(NAME_BYTES_MAX)?;
    let is_fit = !text.trim().is_empty() && text.chars().count() <= NAME_CHARS_MAX;
    match is_fit && !text.contains(char::is_control) {
        true => Some(text.to_owned()),
        false => {
            let expected = format!("expected 1 to {NAME_CHARS_MAX} characters without control characters");
            node.refuse(FaultKind::Range, expected)
        }
    }
}

/// An area in JSON, as designs read it; places are below `/selector` where they are of the surfaces.
pub(super) fn area_of(area: &Value) -> Result<AreaRequest, Invalid> {
    let read = DesignRequest::read(&json!({"area": area}));
    let read = read.map_err(|faults| {
        let finding = |fault| {
            let Finding { pointer, code, detail, .. } = Finding::from(fault);
            let pointer = pointer.strip_prefix("/area").unwrap_or(&pointer).to_owned();
            let is_of_surface = ["/material", "/part", "/name", ""].contains(&pointer.as_str());
            Finding::new(if is_of_surface { format!("/selector{pointer}") } else { pointer }, code, detail)
        };
        Invalid { findings: faults.into_iter().map(finding).collect() }
    })?;
    read.area.ok_or_else(|| Invalid::one("/selector", "missing", "name a `material` or a `part`"))
}

/// How an area is laid out, as a document names it.
impl From<MappingWord> for AreaMapping {
    fn from(mapping: MappingWord) -> Self {
        match mapping {
            MappingWord::Auto => Self::Auto,
            MappingWord::Uv => Self::Uv,
            MappingWord::Planar => Self::Planar,
            MappingWord::Cylindrical => Self::Cylindrical,
        }
    }
}

/// An area in the JSON that workers read.
#[must_use]
pub(super) fn json_of(area: &AreaRequest) -> Value {
    let AreaSelector { material, part } = AreaSelector::of(&area.selector);
    let mut members = Map::new();
    members.extend(material.map(|material| ("material".to_owned(), json!(material))));
    members.extend(part.map(|part| ("part".to_owned(), json!(part))));
    members.insert("mapping".to_owned(), json!(area.mapping.word()));
    members.extend(area.axis.map(|axis: AxisWord| ("axis".to_owned(), json!(axis.word()))));
    members.insert("uv_set".to_owned(), json!(area.uv_set));
    members.insert("safe_mm".to_owned(), json!(area.safe_mm));
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d40_d41_an_area_is_read_strictly_and_written_as_workers_read_it() {
        let body = json!({"name": "Front", "selector": {"material": "Print"}, "axis": "y", "safe_mm": 2});
        let wish = DesignAreaRequest::parse(&body).expect("an area");
        assert_eq!((wish.name.as_str(), wish.is_default), ("Front", false));
        assert_eq!(area_of(&json_of(&wish.area)), Ok(wish.area.clone()));
        let places = |body: Value| {
            let refused = DesignAreaRequest::parse(&body).expect_err("refused");
            refused.findings.into_iter().map(|finding| finding.pointer).collect::<Vec<_>>()
        };
        assert_eq!(places(json!({"selector": {"material": "Print"}})), ["/name"]);
        assert_eq!(places(json!({"name": "a", "selector": {}})), ["/selector"]);
        assert_eq!(places(json!({"name": "a", "selector": {"part": 1}})), ["/selector/part"]);
        assert_eq!(places(json!({"name": "a", "selector": {"part": "b"}, "mapping": "round"})), ["/mapping"]);
        assert_eq!(places(json!({"name": "a", "selector": {"part": "b"}, "size_mm": 3})), ["/size_mm"]);
    }
}
