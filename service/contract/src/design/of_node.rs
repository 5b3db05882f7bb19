//! A design as a node of a workflow says it: a placement that also names the design and the area
//! (design-renders.md §7).

use packshot_designs::placement::members::Group;
use packshot_designs::placement::members_schema;
use packshot_designs::{Placement, Preset};
use packshot_domain::id::AssetId;
use packshot_json::{Fault, FaultKind, Faults, Node};
use serde_json::{Map, Value, json};

use super::area::json_of;
use super::request::{AreaChoice, area};
use crate::problem::Finding;
use crate::read::parsed;

/// The member that names the design.
const DESIGN: &str = "design_asset_id";
/// The member that names the area.
const AREA: &str = "area";

/// A design that a node lays onto the product of its line.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeDesign {
    /// The stored design, if the node names one.
    pub design: Option<AssetId>,
    /// The area.
    pub area: AreaChoice,
    /// Where it lies on the area, as designs read it; they can.
    placement: Value,
}

impl NodeDesign {
    /// Reads the placement of a node.
    pub(crate) fn read(node: &Node<'_>) -> Option<Self> {
        let members = node.entries()?;
        let member = |name: &str| members.iter().find(|(known, of)| *known == name && !of.is_null()).map(|(_, of)| of);
        let design = member(DESIGN).map_or(Some(None), |node| parsed(node).map(Some));
        let area = member(AREA).map_or(Some(AreaChoice::Only), |of| {
            let place =
                |finding: Finding| Fault::new(FaultKind::Named(finding.code), finding.detail).below(&finding.pointer);
            node.adopt(area(of).map_err(|invalid| invalid.findings.into_iter().map(place).collect()))
        });
        let rest = members.iter().filter(|(name, _)| ![DESIGN, AREA].contains(name));
        let placement: Map<String, Value> = rest.map(|(name, of)| ((*name).to_owned(), of.value().clone())).collect();
        let placement = Value::Object(placement);
        node.adopt(Placement::read(Preset::Centered, &placement))?;
        Some(Self { design: design?, area: area?, placement })
    }

    /// That of a placement that was read before; `None` where this version cannot read it.
    #[must_use]
    pub fn of(placement: &Value) -> Option<Self> {
        let faults = Faults::default();
        let empty = json!({});
        let placement = if placement.is_null() { &empty } else { placement };
        Self::read(&Node::root(placement, &faults)).filter(|_| faults.is_empty())
    }

    /// What workers read of it: on these surfaces, or on the only ones that the product has.
    ///
    /// `texture_px` are the texels of the texture's longer side.
    #[must_use]
    pub fn placed_on(&self, area: Option<&Value>, texture_px: &Value) -> Value {
        let mut request = json!({"placement": self.placement, "texture_px": texture_px});
        let chosen = match &self.area {
            AreaChoice::Surfaces(area) => Some(json_of(area)),
            AreaChoice::Only | AreaChoice::Stored(_) => area.cloned(),
        };
        if let Some(area) = chosen {
            request[AREA] = area;
        }
        request
    }
}

/// The JSON Schema of the placement of a node.
pub(crate) fn schema() -> Value {
    let mut properties = members_schema(Group::Placement);
    let design = json!({
        "type": ["string", "null"], "format": "uuid",
        "description": "The design: a media asset of the type `design` or `upload`.",
    });
    properties.insert(DESIGN.to_owned(), design);
    let area = json!({
        "type": ["string", "object", "null"],
        "description": "The printable area: the id or the name of a stored one, or its surfaces: `{\"material\": …}`, \
                        `{\"part\": …}`; null: the product's default or only one.",
    });
    properties.insert(AREA.to_owned(), area);
    json!({"type": ["object", "null"], "properties": properties, "additionalProperties": false})
}

#[cfg(test)]
mod tests {
    use packshot_designs::DesignRequest;

    use super::*;

    fn refused(placement: Value) -> Vec<(String, String)> {
        let faults = Faults::default();
        let read = NodeDesign::read(&Node::root(&placement, &faults));
        assert_eq!(read.is_none(), !faults.is_empty(), "{placement}");
        let findings = faults.into_vec().into_iter().map(Finding::from);
        findings.map(|finding| (finding.pointer, finding.code)).collect()
    }

    #[test]
    fn d69_a_node_says_design_area_and_placement() {
        let asset = AssetId::new();
        let given = json!({
            "design_asset_id": asset.to_string(), "area": {"material": "Print"}, "width": 30, "rotation_deg": 10,
        });
        let design = NodeDesign::of(&given).expect("a design");
        assert_eq!(design.design, Some(asset));
        let request = design.placed_on(None, &json!(512));
        assert_eq!(request["placement"], json!({"width": 30, "rotation_deg": 10}));
        assert_eq!((&request["area"]["material"], &request["texture_px"]), (&json!("Print"), &json!(512)));
        assert!(DesignRequest::read(&request).is_ok());
        // Nothing but a name: whatever the product has.
        let plain = NodeDesign::of(&Value::Null).expect("a design");
        assert_eq!((plain.design, &plain.area), (None, &AreaChoice::Only));
        assert_eq!(plain.placed_on(None, &json!(4096)), json!({"placement": {}, "texture_px": 4096}));
        let stored = NodeDesign::of(&json!({"area": "Wall"})).expect("a design");
        assert_eq!(stored.area, AreaChoice::Stored("Wall".to_owned()));
        let area = json!({"material": "Print", "safe_mm": 5.0});
        let request = stored.placed_on(Some(&area), &json!(4096));
        assert!(request["area"] == area && DesignRequest::read(&request).is_ok());
    }

    #[test]
    fn d69_what_is_wrong_with_a_placement_has_its_place() {
        let of = |pointer: &str, code: &str| vec![(pointer.to_owned(), code.to_owned())];
        assert_eq!(refused(json!(3)), of("", "wrong_type"));
        assert_eq!(refused(json!({"opacity": 2})), of("/opacity", "out_of_range"));
        assert_eq!(refused(json!({"design_asset_id": "logo"})), of("/design_asset_id", "out_of_range"));
        assert_eq!(refused(json!({"area": 3})), of("/area", "wrong_type"));
        assert_eq!(refused(json!({"area": {"part": 3}})), of("/area/part", "wrong_type"));
        assert_eq!(refused(json!({"preset": "wrap"})), of("/preset", "unknown_member"));
        assert_eq!(NodeDesign::of(&json!({"opacity": 2})), None);
    }

    #[test]
    fn d69_the_schema_has_every_member_of_a_placement() {
        let schema = schema();
        let properties = schema["properties"].as_object().expect("properties");
        for member in ["width", "anchor", "rotation_deg", "opacity", "strict", DESIGN, AREA] {
            assert!(properties[member]["description"].as_str().is_some_and(|text| text.ends_with('.')), "{member}");
        }
    }
}
