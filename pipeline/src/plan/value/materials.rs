//! Which part gets which material, as the value of an option.

use packshot_json::{Fault, FaultKind, Faults, Node};
use packshot_materials::map::{self, MapEntry, MaterialMap, PartSelector};
use serde_json::{Value, json};

use super::{OptionValue, Wrong, last};
use crate::plan::option::Takes;
use crate::plan::table::NAME_BYTES_MAX;

/// Which part gets which material.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Materials {
    /// A library by name; `None`: the default of the surface.
    pub library: Option<String>,
    /// The map; `None`: no map is in force. An empty map leaves every part unmapped.
    pub map: Option<MaterialMap>,
}

impl OptionValue for Materials {
    fn from_json(value: &Value, takes: &Takes) -> Result<Self, Wrong> {
        let faults = Faults::default();
        if !value.is_object() {
            return Err(Wrong::of_type(takes.expected()));
        }
        let read = Node::root(value, &faults).members().map(|mut members| {
            // A map file is a value of this option as it stands.
            members.take("comment");
            let library = members.given("library").and_then(|node| node.text(NAME_BYTES_MAX).map(str::to_owned));
            let entries = members.given("parts").and_then(|parts| map::entries(&parts, ""));
            members.finish();
            Self { library, map: entries.map(MaterialMap::of_all) }
        });
        // Faults inside the map keep the map's own member names.
        let named = |fault: Fault| match fault.at == "/parts" || fault.at.starts_with("/parts/") {
            true => Fault { kind: FaultKind::Named(map::code(&fault.kind).to_owned()), ..fault },
            false => fault,
        };
        let wrong: Vec<Fault> = faults.into_vec().into_iter().map(named).collect();
        read.filter(|_| wrong.is_empty()).ok_or(Wrong(wrong))
    }

    fn from_texts(texts: &[&str], takes: &Takes) -> Result<Self, Wrong> {
        let value = packshot_json::parse(last(texts).as_bytes()).map_err(|error| Wrong::of_type(error.to_string()))?;
        Self::from_json(&value, takes)
    }

    fn to_json(&self) -> Value {
        let entry = |MapEntry { part, material, .. }: &MapEntry| match part {
            PartSelector::Name(name) => json!({"part_name": name, "material": material}),
            PartSelector::Path(path) => json!({"path": path, "material": material}),
        };
        let parts = self.map.as_ref().map(|map| map.entries.iter().map(entry).collect::<Vec<_>>());
        json!({"library": self.library, "parts": parts})
    }
}
