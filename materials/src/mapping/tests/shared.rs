//! The gear reducer as the converter wrote it, against the expectation that an independent implementation confirmed.

use std::path::PathBuf;

use serde_json::Value;

use super::*;

/// The names of every part of a GLB, read from its JSON chunk.
fn parts_of(glb: &[u8]) -> Vec<(usize, PartNames)> {
    let length = u32::from_le_bytes(glb[12..16].try_into().expect("four bytes")) as usize;
    let json: Value = serde_json::from_slice(&glb[20..20 + length]).expect("the JSON chunk is JSON");
    let nodes = json["nodes"].as_array().expect("nodes");
    let name = |object: &Value| object["name"].as_str().map(str::to_owned);
    let part = |(idx, node): (usize, &Value)| {
        let mesh = &json["meshes"][node["mesh"].as_u64()? as usize];
        let primitives = mesh["primitives"].as_array().expect("primitives");
        let material = |primitive: &Value| {
            let material = primitive["material"].as_u64().map(|idx| name(&json["materials"][idx as usize]));
            material.map_or(OwnMaterial::Nothing, |name| OwnMaterial::Named(name.unwrap_or_default()))
        };
        let part = PartNames {
            path: format!("Node_{idx}"),
            node: name(node),
            mesh: name(mesh),
            own: primitives.iter().map(material).collect(),
            area: 1.0,
            ..PartNames::default()
        };
        Some((idx, part))
    };
    nodes.iter().enumerate().filter_map(part).collect()
}

#[test]
fn the_gear_reducer_resolves_as_expected() {
    let Some(shared) = std::env::var_os("PACKSHOT_SHARED").map(PathBuf::from) else {
        println!("skipped: PACKSHOT_SHARED is not set (gear_reducer.glb and its expected mapping)");
        return;
    };
    let read = |name: &str| std::fs::read(shared.join("assets").join(name)).expect(name);
    let map = MaterialMap::parse("gear_reducer.json", &read("maps/gear_reducer.json")).expect("a valid map");
    let expected: Value = serde_json::from_slice(&read("maps/gear_reducer.expected.json")).expect("JSON");
    let expected = expected["parts"].as_array().expect("parts");
    let (indices, parts): (Vec<_>, Vec<_>) = parts_of(&read("gear_reducer.glb")).into_iter().unzip();
    assert_eq!((parts.len(), expected.len()), (60, 60));
    let outcome = Resolver::new(Library::builtin(), Some(&map), OnUnmapped::Magenta).resolve(&parts);
    for ((idx, item), expected) in indices.iter().zip(&outcome.report.items).zip(expected) {
        let found = serde_json::json!({
            "node_index": idx, "node": item.node, "mesh": item.mesh, "material": item.material,
            "method": item.method, "reason": item.reason,
        });
        assert_eq!(&found, expected);
    }
    assert_eq!((outcome.report.resolved, outcome.report.unmapped), (50, 10));
}
