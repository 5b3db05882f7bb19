//! A product made of boxes, as a GLB.

use serde_json::{Value, json};

/// A box of 2 cm with a name, at a place in metres, and the name of its material in the file.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) at: [f32; 3],
    pub(crate) material: Option<&'static str>,
}

/// Three parts side by side: one without a material, one red of its own, one whose material the library knows.
pub(crate) const BOXES: [Part; 3] = [
    Part { name: "Base", at: [-0.03, 0.0, 0.0], material: None },
    Part { name: "Lid", at: [0.0, 0.0, 0.0], material: Some("Red") },
    Part { name: "Pin_01", at: [0.03, 0.0, 0.0], material: Some("Brass") },
];

/// Corners of a face: an axis, a side, and the other two axes so that the winding is outwards.
fn face(axis: usize, side: f32) -> [[f32; 3]; 4] {
    let corner = |u: f32, v: f32| {
        let mut p = [0.0; 3];
        (p[axis], p[(axis + 1) % 3], p[(axis + 2) % 3]) = (side * 0.01, side * u * 0.01, v * 0.01);
        p
    };
    [corner(-1.0, -1.0), corner(1.0, -1.0), corner(1.0, 1.0), corner(-1.0, 1.0)]
}

/// A binary glTF with the parts, the red material and one camera, `Above`.
pub(crate) fn glb(parts: &[Part]) -> Vec<u8> {
    container(&document(parts))
}

/// The document and its binary data.
pub(crate) fn document(parts: &[Part]) -> (Value, Vec<u8>) {
    let faces: Vec<[[f32; 3]; 4]> = (0..3).flat_map(|axis| [face(axis, 1.0), face(axis, -1.0)]).collect();
    let mut bin: Vec<u8> = faces.iter().flatten().flatten().flat_map(|value| value.to_le_bytes()).collect();
    let positions_bytes = bin.len();
    let corners = (0..6_u16).flat_map(|face| [0, 1, 2, 0, 2, 3].map(|corner| 4 * face + corner));
    bin.extend(corners.flat_map(u16::to_le_bytes));
    let mut materials: Vec<&str> = parts.iter().filter_map(|part| part.material).collect();
    materials.sort_unstable();
    materials.dedup();
    let index_of = |name: &str| materials.iter().position(|material| *material == name);
    let mesh = |material: Option<usize>| {
        let mut primitive = json!({"attributes": {"POSITION": 0}, "indices": 1});
        if let Some(material) = material {
            primitive["material"] = json!(material);
        }
        json!({"primitives": [primitive]})
    };
    let meshes: Vec<Value> = std::iter::once(mesh(None)).chain((0..materials.len()).map(|i| mesh(Some(i)))).collect();
    let node = |part: &Part| {
        let mesh = part.material.and_then(index_of).map_or(0, |i| i + 1);
        json!({"name": part.name, "translation": part.at, "mesh": mesh})
    };
    let mut nodes: Vec<Value> = parts.iter().map(node).collect();
    let half = std::f32::consts::FRAC_1_SQRT_2;
    nodes.push(json!({"name": "Camera", "camera": 0, "translation": [0, 0.2, 0], "rotation": [-half, 0, 0, half]}));
    let red = |name: &&str| json!({"name": name, "pbrMetallicRoughness": {"baseColorFactor": [0.8, 0.02, 0.02, 1], "metallicFactor": 0}});
    let document = json!({
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": (0..nodes.len()).collect::<Vec<_>>()}],
        "nodes": nodes,
        "cameras": [{"name": "Above", "type": "perspective", "perspective": {"yfov": 0.5, "znear": 0.01}}],
        "materials": materials.iter().map(red).collect::<Vec<_>>(),
        "meshes": meshes,
        "bufferViews": [
            {"buffer": 0, "byteLength": positions_bytes},
            {"buffer": 0, "byteOffset": positions_bytes, "byteLength": bin.len() - positions_bytes}
        ],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 24, "type": "VEC3", "min": [-0.01, -0.01, -0.01], "max": [0.01, 0.01, 0.01]},
            {"bufferView": 1, "componentType": 5123, "count": 36, "type": "SCALAR"}
        ]
    });
    (document, bin)
}

pub(crate) fn container((document, bin): &(Value, Vec<u8>)) -> Vec<u8> {
    let (mut document, mut bin) = (document.clone(), bin.clone());
    document["buffers"] = json!([{"byteLength": bin.len()}]);
    let mut json = document.to_string().into_bytes();
    json.resize(json.len().next_multiple_of(4), b' ');
    bin.resize(bin.len().next_multiple_of(4), 0);
    let length = |bytes: usize| u32::try_from(bytes).expect("small").to_le_bytes();
    let header = [&b"glTF"[..], &2_u32.to_le_bytes(), &length(28 + json.len() + bin.len())].concat();
    [&header[..], &length(json.len()), b"JSON", &json, &length(bin.len()), b"BIN\0", &bin].concat()
}
