//! Balls on a table, as a GLB: one mesh for all balls, with normals and texture coordinates.

use std::f32::consts::{PI, TAU};

use serde_json::{Value, json};

const RADIUS_M: f32 = 0.01;
const ROWS: u16 = 24;
const COLUMNS: u16 = 48;
/// Side of the checkers picture.
const TEXTURE_PX: u32 = 16;

/// A material in the file.
#[derive(Clone, Copy)]
pub(crate) enum OwnMaterial {
    /// A texture, repeated.
    Checkered,
    /// The texture's alpha cuts holes.
    Perforated,
    /// Half transparent everywhere.
    SeeThrough,
    /// Emits more than it reflects.
    Glowing,
    /// Metal whose roughness comes from the texture.
    Brushed,
}

impl OwnMaterial {
    fn json(self) -> Value {
        let picture = json!({"index": 0});
        match self {
            Self::Checkered => {
                let repeated = json!({"index": 0, "extensions": {"KHR_texture_transform": {"scale": [3, 2]}}});
                json!({"pbrMetallicRoughness": {"baseColorTexture": repeated, "metallicFactor": 0, "roughnessFactor": 0.4}})
            }
            Self::Perforated => json!({
                "alphaMode": "MASK", "alphaCutoff": 0.5, "doubleSided": true,
                "pbrMetallicRoughness": {"baseColorTexture": picture, "metallicFactor": 0, "roughnessFactor": 0.6},
            }),
            Self::SeeThrough => json!({
                "alphaMode": "BLEND",
                "pbrMetallicRoughness": {"baseColorFactor": [0.1, 0.3, 0.8, 0.5], "metallicFactor": 0, "roughnessFactor": 0.2},
            }),
            Self::Glowing => json!({
                "emissiveFactor": [1, 0.35, 0.05],
                "extensions": {"KHR_materials_emissive_strength": {"emissiveStrength": 2}},
                "pbrMetallicRoughness": {"baseColorFactor": [0.05, 0.05, 0.05, 1], "metallicFactor": 0},
            }),
            Self::Brushed => json!({
                "pbrMetallicRoughness": {"baseColorFactor": [0.9, 0.7, 0.4, 1], "metallicRoughnessTexture": picture},
            }),
        }
    }
}

/// A row of balls, `Ball_0` on the left, on a `Table`.
pub(crate) struct Balls {
    count: usize,
    materials: Vec<OwnMaterial>,
}

impl Balls {
    /// Without materials.
    pub(crate) fn of(count: usize) -> Self {
        Self { count, materials: Vec::new() }
    }

    /// One for each material.
    pub(crate) fn wearing(materials: &[OwnMaterial]) -> Self {
        Self { count: materials.len(), materials: materials.to_vec() }
    }

    /// The bytes of the file.
    pub(crate) fn glb(&self) -> Vec<u8> {
        let mut file = File::default();
        let (positions, normals, uvs, indices) = ball();
        let ball = json!({
            "attributes": {"POSITION": file.floats("VEC3", &positions), "NORMAL": file.floats("VEC3", &normals), "TEXCOORD_0": file.floats("VEC2", &uvs)},
            "indices": file.indices(&indices),
        });
        let half = RADIUS_M * (self.count as f32 * 1.15 + 0.6);
        let corners: Vec<f32> = [[-1.0, -1.0], [-1.0, 1.0], [1.0, 1.0], [1.0, -1.0]]
            .iter()
            .flat_map(|[x, z]| [x * half, -RADIUS_M, z * 2.5 * RADIUS_M])
            .collect();
        let table = json!({
            "attributes": {"POSITION": file.floats("VEC3", &corners), "NORMAL": file.floats("VEC3", &[0.0, 1.0, 0.0].repeat(4))},
            "indices": file.indices(&[0, 1, 2, 0, 2, 3]),
        });
        let mut meshes = vec![json!({"primitives": [table]})];
        let mut nodes = vec![json!({"name": "Table", "mesh": 0})];
        for i in 0..self.count {
            let mut primitive = ball.clone();
            if !self.materials.is_empty() {
                primitive["material"] = json!(i);
            }
            meshes.push(json!({"primitives": [primitive]}));
            let x = (i as f32 - 0.5 * (self.count - 1) as f32) * 2.3 * RADIUS_M;
            nodes.push(json!({"name": format!("Ball_{i}"), "mesh": i + 1, "translation": [x, 0, 0]}));
        }
        let picture = file.view(&checkers());
        file.write(json!({
            "asset": {"version": "2.0"},
            "extensionsUsed": ["KHR_texture_transform", "KHR_materials_emissive_strength"],
            "scene": 0,
            "scenes": [{"nodes": (0..nodes.len()).collect::<Vec<_>>()}],
            "nodes": nodes,
            "meshes": meshes,
            "materials": self.materials.iter().map(|material| material.json()).collect::<Vec<_>>(),
            "textures": [{"source": 0, "sampler": 0}],
            "samplers": [{"wrapS": 33648, "wrapT": 10497}],
            "images": [{"bufferView": picture, "mimeType": "image/png"}],
        }))
    }
}

/// Positions, normals, texture coordinates and indices of a sphere.
fn ball() -> (Vec<f32>, Vec<f32>, Vec<f32>, Vec<u16>) {
    let (mut positions, mut normals, mut uvs, mut indices) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in 0..=ROWS {
        for column in 0..=COLUMNS {
            let (v, u) = (f32::from(row) / f32::from(ROWS), f32::from(column) / f32::from(COLUMNS));
            let ((sin_polar, cos_polar), (sin, cos)) = ((v * PI).sin_cos(), (u * TAU).sin_cos());
            let normal = [sin_polar * cos, cos_polar, -sin_polar * sin];
            normals.extend(normal);
            positions.extend(normal.map(|n| n * RADIUS_M));
            uvs.extend([u, v]);
        }
    }
    for (row, column) in (0..ROWS).flat_map(|row| (0..COLUMNS).map(move |column| (row, column))) {
        let a = row * (COLUMNS + 1) + column;
        let below = a + COLUMNS + 1;
        indices.extend([a, below, a + 1, a + 1, below, below + 1]);
    }
    (positions, normals, uvs, indices)
}

/// Pink squares, and violet ones with an alpha of 0. Where it is read for metal, green is roughness and blue metalness.
fn checkers() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, TEXTURE_PX, TEXTURE_PX);
    encoder.set_color(png::ColorType::Rgba);
    let texel = |i: u32| match (i % TEXTURE_PX / 4 + i / TEXTURE_PX / 4).is_multiple_of(2) {
        true => [235, 120, 240, 255],
        false => [200, 40, 255, 0],
    };
    let texels: Vec<u8> = (0..TEXTURE_PX * TEXTURE_PX).flat_map(texel).collect();
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&texels).expect("texels");
    writer.finish().expect("whole");
    bytes
}

/// The binary chunk and what refers to it.
#[derive(Default)]
struct File {
    bin: Vec<u8>,
    views: Vec<Value>,
    accessors: Vec<Value>,
}

impl File {
    fn view(&mut self, bytes: &[u8]) -> usize {
        self.views.push(json!({"buffer": 0, "byteOffset": self.bin.len(), "byteLength": bytes.len()}));
        self.bin.extend(bytes);
        self.bin.resize(self.bin.len().next_multiple_of(4), 0);
        self.views.len() - 1
    }

    fn floats(&mut self, shape: &str, values: &[f32]) -> usize {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let width = if shape == "VEC2" { 2 } else { 3 };
        let bound = |pick: fn(f32, f32) -> f32, start: f32| {
            let of_axis = |axis: usize| values.iter().skip(axis).step_by(width).copied().fold(start, pick);
            (0..width).map(of_axis).collect::<Vec<f32>>()
        };
        let accessor = json!({
            "bufferView": self.view(&bytes), "componentType": 5126, "count": values.len() / width, "type": shape,
            "min": bound(f32::min, f32::INFINITY), "max": bound(f32::max, f32::NEG_INFINITY),
        });
        self.accessors.push(accessor);
        self.accessors.len() - 1
    }

    fn indices(&mut self, indices: &[u16]) -> usize {
        let bytes: Vec<u8> = indices.iter().flat_map(|index| index.to_le_bytes()).collect();
        let accessor =
            json!({"bufferView": self.view(&bytes), "componentType": 5123, "count": indices.len(), "type": "SCALAR"});
        self.accessors.push(accessor);
        self.accessors.len() - 1
    }

    fn write(self, mut document: Value) -> Vec<u8> {
        document["buffers"] = json!([{"byteLength": self.bin.len()}]);
        document["bufferViews"] = json!(self.views);
        document["accessors"] = json!(self.accessors);
        let mut json = document.to_string().into_bytes();
        json.resize(json.len().next_multiple_of(4), b' ');
        let length = |bytes: usize| u32::try_from(bytes).expect("small").to_le_bytes();
        let header = [&b"glTF"[..], &2_u32.to_le_bytes(), &length(28 + json.len() + self.bin.len())].concat();
        [&header[..], &length(json.len()), b"JSON", &json, &length(self.bin.len()), b"BIN\0", &self.bin].concat()
    }
}
