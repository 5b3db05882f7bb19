//! Writes an assembly as binary glTF 2.0: one mesh per distinct solid, one node per part, metres.

use glam::DVec3;
use serde_json::{Value, json};

use super::shell::Shell;
use super::{Assembly, SampleMaterial};
use crate::export::{Chunks, container};

const METRES_PER_MM: f64 = 1e-3;

/// The bytes of the file.
pub(super) fn write(assembly: &Assembly) -> Vec<u8> {
    let mut materials: Vec<SampleMaterial> = Vec::new();
    let mut chunks = Chunks::default();
    let mut meshes = Vec::new();
    for mesh in &assembly.meshes {
        let material = materials.iter().position(|known| *known == mesh.material).unwrap_or_else(|| {
            materials.push(mesh.material);
            materials.len() - 1
        });
        let Shell { positions_mm, normals, triangles } = &mesh.shell;
        let metres: Vec<_> = positions_mm.iter().map(|position| f32_from(*position * METRES_PER_MM)).collect();
        let normals: Vec<_> = normals.iter().copied().map(f32_from).collect();
        meshes.push(json!({
            "name": mesh.name,
            "primitives": [{
                "attributes": { "POSITION": chunks.push_positions(&metres), "NORMAL": chunks.push_vectors(&normals) },
                "indices": chunks.push_long_indices(triangles),
                "material": material,
            }],
        }));
    }
    let mut nodes = vec![json!({ "name": assembly.name, "children": (1..=assembly.parts.len()).collect::<Vec<_>>() })];
    for part in &assembly.parts {
        let mut node = json!({ "name": part.name, "mesh": part.mesh_idx });
        if part.translation_mm != DVec3::ZERO {
            node["translation"] = json!((part.translation_mm * METRES_PER_MM).to_array());
        }
        if part.rotation != glam::DQuat::IDENTITY {
            node["rotation"] = json!(part.rotation.to_array());
        }
        nodes.push(node);
    }
    let document = json!({
        "asset": { "version": "2.0", "generator": concat!("Packshot ", env!("CARGO_PKG_VERSION")) },
        "scene": 0,
        "scenes": [{ "name": assembly.name, "nodes": [0] }],
        "nodes": nodes,
        "meshes": meshes,
        "materials": materials.iter().map(material_json).collect::<Vec<_>>(),
        "accessors": chunks.accessors,
        "bufferViews": chunks.views,
        "buffers": [{ "byteLength": chunks.bytes.len() }],
    });
    container(document.to_string().into_bytes(), chunks.bytes)
}

fn material_json(material: &SampleMaterial) -> Value {
    let [r, g, b] = material.base_color;
    json!({
        "name": material.library_id,
        "pbrMetallicRoughness": {
            "baseColorFactor": [r, g, b, 1.0],
            "metallicFactor": 1.0,
            "roughnessFactor": material.roughness,
        },
    })
}

fn f32_from(vector: DVec3) -> [f32; 3] {
    vector.as_vec3().to_array()
}
