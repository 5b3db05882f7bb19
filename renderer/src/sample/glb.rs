//! Writes an assembly as binary glTF 2.0: one mesh per distinct solid, one node per part, metres.

use glam::DVec3;
use serde_json::{Value, json};

use super::shell::Shell;
use super::{Assembly, SampleMaterial};

const METRES_PER_MM: f64 = 1e-3;

// Constants of the glTF 2.0 specification, 5.1 and 5.11.
const FLOAT: u32 = 5126;
const UNSIGNED_INT: u32 = 5125;
const ARRAY_BUFFER: u32 = 34962;
const ELEMENT_ARRAY_BUFFER: u32 = 34963;

/// The bytes of the file.
pub(super) fn write(assembly: &Assembly) -> Vec<u8> {
    let mut materials: Vec<SampleMaterial> = Vec::new();
    let mut buffer = Buffer::default();
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
                "attributes": { "POSITION": buffer.push_positions(&metres), "NORMAL": buffer.push_vectors(&normals) },
                "indices": buffer.push_indices(triangles),
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
        "accessors": buffer.accessors,
        "bufferViews": buffer.views,
        "buffers": [{ "byteLength": buffer.bytes.len() }],
    });
    container(document.to_string().into_bytes(), buffer.bytes)
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

/// The two chunks behind the header of a GLB; all of it little-endian and aligned to 4 bytes.
fn container(mut json: Vec<u8>, mut binary: Vec<u8>) -> Vec<u8> {
    json.resize(json.len().next_multiple_of(4), b' ');
    binary.resize(binary.len().next_multiple_of(4), 0);
    let length = 12 + 8 + json.len() + 8 + binary.len();
    let mut bytes = Vec::with_capacity(length);
    let word = |value: usize| (value as u32).to_le_bytes();
    bytes.extend(b"glTF");
    bytes.extend(word(2));
    bytes.extend(word(length));
    for (kind, chunk) in [(b"JSON", json), (b"BIN\0", binary)] {
        bytes.extend(word(chunk.len()));
        bytes.extend(kind);
        bytes.extend(chunk);
    }
    bytes
}

/// The binary chunk and the accessors into it.
#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    views: Vec<Value>,
    accessors: Vec<Value>,
}

impl Buffer {
    /// Vectors with their bounds, which glTF requires for positions. Returns the accessor's index.
    fn push_positions(&mut self, positions: &[[f32; 3]]) -> usize {
        let bound = |pick: fn(f32, f32) -> f32, start: f32| {
            positions.iter().fold([start; 3], |bound, p| std::array::from_fn(|axis| pick(bound[axis], p[axis])))
        };
        let (min, max) = (bound(f32::min, f32::INFINITY), bound(f32::max, f32::NEG_INFINITY));
        let accessor = self.push_vectors(positions);
        self.accessors[accessor]["min"] = json!(min);
        self.accessors[accessor]["max"] = json!(max);
        accessor
    }

    fn push_vectors(&mut self, vectors: &[[f32; 3]]) -> usize {
        let bytes = vectors.as_flattened().iter().flat_map(|value| value.to_le_bytes());
        self.push(bytes, ARRAY_BUFFER, FLOAT, "VEC3", vectors.len())
    }

    fn push_indices(&mut self, triangles: &[[u32; 3]]) -> usize {
        let indices = triangles.as_flattened();
        let bytes = indices.iter().flat_map(|idx| idx.to_le_bytes());
        self.push(bytes, ELEMENT_ARRAY_BUFFER, UNSIGNED_INT, "SCALAR", indices.len())
    }

    fn push(
        &mut self,
        bytes: impl Iterator<Item = u8>,
        target: u32,
        component_type: u32,
        element_type: &str,
        count: usize,
    ) -> usize {
        let offset = self.bytes.len();
        self.bytes.extend(bytes);
        self.views.push(json!({
            "buffer": 0, "byteOffset": offset, "byteLength": self.bytes.len() - offset, "target": target,
        }));
        self.accessors.push(json!({
            "bufferView": self.views.len() - 1, "componentType": component_type, "count": count, "type": element_type,
        }));
        self.accessors.len() - 1
    }
}

fn f32_from(vector: DVec3) -> [f32; 3] {
    vector.as_vec3().to_array()
}
