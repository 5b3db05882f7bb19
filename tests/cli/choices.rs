//! A product with a variant and an animation to choose.

use serde_json::json;

use crate::product::{BOXES, container, document};

/// The boxes with a variant `Black` of the red material, and an animation `Spin` that lifts the first part by 1 m/s.
pub(crate) fn glb_with_choices() -> Vec<u8> {
    let (mut json, mut bin) = document(&BOXES);
    let names = ["KHR_materials_variants"];
    json["extensionsUsed"] = json!(names);
    json["extensions"] = json!({"KHR_materials_variants": {"variants": [{"name": "Black"}]}});
    let materials = json["materials"].as_array_mut().expect("a list");
    materials
        .push(json!({"name": "Soot", "pbrMetallicRoughness": {"baseColorFactor": [0, 0, 0, 1], "metallicFactor": 0}}));
    let mappings = json!([{"material": materials.len() - 1, "variants": [0]}]);
    for mesh in json["meshes"].as_array_mut().expect("a list") {
        mesh["primitives"][0]["extensions"] = json!({"KHR_materials_variants": {"mappings": mappings}});
    }
    let keyframes = [0.0_f32, 2.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0];
    json["bufferViews"]
        .as_array_mut()
        .expect("a list")
        .push(json!({"buffer": 0, "byteOffset": bin.len(), "byteLength": 32}));
    bin.extend(keyframes.iter().flat_map(|value| value.to_le_bytes()));
    json["accessors"].as_array_mut().expect("a list").extend([
        json!({"bufferView": 2, "componentType": 5126, "count": 2, "type": "SCALAR", "min": [0], "max": [2]}),
        json!({"bufferView": 2, "byteOffset": 8, "componentType": 5126, "count": 2, "type": "VEC3"}),
    ]);
    json["animations"] = json!([{
        "name": "Spin", "samplers": [{"input": 2, "output": 3}],
        "channels": [{"sampler": 0, "target": {"node": 0, "path": "translation"}}],
    }]);
    container(&(json, bin))
}
