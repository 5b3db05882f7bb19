//! Documents in JSON, read strictly, with all faults reported together.

use glam::DVec3;
use packshot_json::{Fault, FaultKind, Faults, Members, Node, Range};
use packshot_words::Word;
use serde_json::{Map, Value};

use super::members::{LENGTH_MAX, NAME_BYTES_MAX};
use super::{DesignRequest, FitWord, Length, Placement, Preset, Spot, TEXTURE_PX, UnitWord};
use crate::area::{AreaRequest, Selector};

impl DesignRequest {
    /// Reads `{"area": …, "preset": …, "placement": {…}, "texture_px": …}`.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place.
    pub fn read(value: &Value) -> Result<Self, Vec<Fault>> {
        let faults = Faults::default();
        let read = request(Node::root(value, &faults));
        match read {
            Some(read) if faults.is_empty() => Ok(read),
            _ => Err(faults.into_vec()),
        }
    }
}

impl Placement {
    /// Reads the members of a placement over those of a preset.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place.
    pub fn read(preset: Preset, value: &Value) -> Result<Self, Vec<Fault>> {
        Self::over(preset.members(), value)
    }

    /// Reads the members of a placement over these, which are sound themselves.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place.
    pub fn over(members: Map<String, Value>, value: &Value) -> Result<Self, Vec<Fault>> {
        let faults = Faults::default();
        let read = placement(&Value::Object(members), &Node::root(value, &faults));
        match read {
            Some(read) if faults.is_empty() => Ok(read),
            _ => Err(faults.into_vec()),
        }
    }
}

fn request(node: Node<'_>) -> Option<DesignRequest> {
    let mut members = node.members()?;
    let area = members.given("area").map(area);
    let basis = members.given("preset").map_or(Some(Basis::of(Preset::Centered)), |node| basis(&node));
    let (least, default, most) = TEXTURE_PX;
    let texture_px = members.given("texture_px").map_or(Some(default), |node| node.count(least..=most));
    // What is wrong with a placement is said even where nobody knows what it builds on.
    let below = basis.as_ref().map_or_else(|| Preset::Centered.members(), |basis| basis.members.clone());
    let placement = match members.given("placement") {
        Some(node) => placement(&Value::Object(below), &node),
        None => Placement::over(below, &Value::Object(Map::new())).ok(),
    };
    members.finish();
    let area = match area {
        Some(area) => Some(area?),
        None => None,
    };
    Some(DesignRequest { area, preset: basis?.preset, placement: placement?, texture_px: texture_px? })
}

/// What a placement builds on.
struct Basis {
    preset: Option<Preset>,
    members: Map<String, Value>,
}

impl Basis {
    fn of(preset: Preset) -> Self {
        Self { preset: Some(preset), members: preset.members() }
    }
}

/// A preset by its name, or members of a placement in its place.
fn basis(node: &Node<'_>) -> Option<Basis> {
    match node.value() {
        Value::Object(members) => {
            placement(&Value::Object(Map::new()), node)?;
            Some(Basis { preset: None, members: members.clone() })
        }
        _ => node.word().map(Basis::of),
    }
}

/// Who names an area by text alone means a part or a material.
fn area(node: Node<'_>) -> Option<AreaRequest> {
    if node.value().is_string() {
        return Some(AreaRequest::new(Selector::Named(node.text(NAME_BYTES_MAX)?.to_owned())));
    }
    let mut members = node.members()?;
    let name = |node: Option<Node<'_>>| match node {
        Some(node) => node.text(NAME_BYTES_MAX).map(|name| Some(name.to_owned())),
        None => Some(None),
    };
    let (material, part) = (name(members.given("material")), name(members.given("part")));
    let named = name(members.given("name"));
    let mapping = members.given("mapping").map_or(Some(Default::default()), |node| node.word());
    let axis = members.given("axis").map_or(Some(None), |node| node.word().map(Some));
    let uv_set = members.given("uv_set").map_or(Some(0), |node| node.count(0..=1));
    let safe_mm = members.given("safe_mm").map_or(Some(0.0), |node| node.number(Range::between(0.0, 1000.0)));
    let node = members.node().clone();
    members.finish();
    let selector = match (material?, part?, named?) {
        (Some(material), Some(part), None) => Selector::Both { material, part },
        (Some(material), None, None) => Selector::Material(material),
        (None, Some(part), None) => Selector::Part(part),
        (None, None, Some(name)) => Selector::Named(name),
        (None, None, None) => return node.refuse(FaultKind::Missing, "\"material\" or \"part\" is required"),
        (_, _, Some(_)) => return node.refuse(FaultKind::Conflict, "\"name\" stands for \"material\" or \"part\""),
    };
    Some(AreaRequest { selector, mapping: mapping?, uv_set: uv_set?, axis: axis?, safe_mm: safe_mm? })
}

/// The members of a preset and those given, each with its unit.
struct Layered<'a, 'p> {
    given: Members<'a>,
    preset: Members<'p>,
    units: [UnitWord; 2],
}

impl Layered<'_, '_> {
    fn word<W: Word + Default>(&mut self, name: &'static str) -> Option<W> {
        let node = self.given.given(name).map(|node| node.word());
        let of_preset = self.preset.given(name).map(|node| node.word());
        node.or(of_preset).unwrap_or(Some(W::default()))
    }

    fn number(&mut self, name: &'static str, range: Range) -> Option<Option<f64>> {
        let node = self.given.given(name).map(|node| node.number(range));
        let of_preset = self.preset.given(name).map(|node| node.number(range));
        node.or(of_preset).map_or(Some(None), |number| number.map(Some))
    }

    fn flag(&mut self, name: &'static str) -> Option<bool> {
        let node = self.given.given(name).map(|node| node.flag());
        let of_preset = self.preset.given(name).map(|node| node.flag());
        node.or(of_preset).unwrap_or(Some(false))
    }

    /// A length that was given; else that of the preset, if `inherits`.
    fn length(&mut self, name: &'static str, range: Range, inherits: bool) -> Option<Option<Length>> {
        let [unit, of_preset] = self.units;
        let read = |node: Node<'_>, unit| node.number(range).map(|value| Length { value, unit });
        let given = self.given.given(name).map(|node| read(node, unit));
        let preset = self.preset.given(name).filter(|_| inherits).map(|node| read(node, of_preset));
        given.or(preset).map_or(Some(None), |length| length.map(Some))
    }
}

fn placement(below: &Value, node: &Node<'_>) -> Option<Placement> {
    let sound = Faults::default();
    let (mut given, mut preset) = (node.members()?, Node::root(below, &sound).members()?);
    let unit = given.given("unit").map_or(Some(UnitWord::default()), |node| node.word());
    let preset_unit = preset.given("unit").and_then(|node| node.word()).unwrap_or_default();
    let at = given.given("at").or_else(|| preset.given("at")).map_or(Some(None), |node| spot(&node).map(Some));
    let has_size = given.has("width") || given.has("height");
    let units = [unit.unwrap_or_default(), preset_unit];
    let mut members = Layered { given, preset, units };
    let place = Range::between(-LENGTH_MAX, LENGTH_MAX);
    let (x, y) = (members.length("x", place, true), members.length("y", place, true));
    // A size that is given takes the place of the preset's as a whole: a width alone keeps the design's proportions.
    let size = Range::positive_to(LENGTH_MAX);
    let (width, height) = (members.length("width", size, !has_size), members.length("height", size, !has_size));
    let anchor = members.word("anchor");
    let fit = members.word::<FitWord>("fit");
    let dpi = members.number("dpi", Range::between(1.0, 100_000.0));
    let rotation_deg = members.number("rotation_deg", Range::between(-360.0, 360.0));
    let bleed_mm = members.number("bleed_mm", Range::between(0.0, 50.0));
    let opacity = members.number("opacity", Range::UNIT);
    let (orientation, finish) = (members.word("orientation"), members.word("finish"));
    let (flip_horizontal, strict) = (members.flag("flip_horizontal"), members.flag("strict"));
    members.given.finish();
    let unit = unit?;
    let middle = Length { value: if unit == UnitWord::Uv { 0.5 } else { 0.0 }, unit };
    Some(Placement {
        at: at?,
        x: x?.unwrap_or(middle),
        y: y?.unwrap_or(middle),
        anchor: anchor?,
        width: width?,
        height: height?,
        fit: fit?,
        dpi: dpi?,
        rotation_deg: rotation_deg?.unwrap_or(0.0),
        bleed_mm: bleed_mm?.unwrap_or(0.0),
        flip_horizontal: flip_horizontal?,
        orientation: orientation?,
        opacity: opacity?.unwrap_or(1.0),
        finish: finish?,
        strict: strict?,
    })
}

/// A side by its name, or a point in millimetres.
fn spot(node: &Node<'_>) -> Option<Spot> {
    if node.value().is_array() {
        let point: [f64; 3] = node.numbers(Range::between(-LENGTH_MAX, LENGTH_MAX))?;
        return Some(Spot::Point(DVec3::from(point) / 1e3));
    }
    let name = node.string()?;
    Spot::side(name).or_else(|| {
        let message = format!(
            "`{name}` is no place: expected front, right, back, left, top, bottom or three_quarter; an axis such as -x; \
             or a point in millimetres"
        );
        node.refuse(FaultKind::Word, message)
    })
}
