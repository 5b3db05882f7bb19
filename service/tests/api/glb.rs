//! GLB files made for tests: boxes, each a part of its own name.

use serde_json::{Value, json};

/// A GLB under construction.
pub(crate) struct Glb {
    pub(crate) json: Value,
    bin: Vec<u8>,
}

/// Corners of a face of a unit box around the origin, counter-clockwise from outside, for each axis and side.
fn box_faces() -> Vec<([f32; 3], [[f32; 3]; 4])> {
    let mut faces = Vec::new();
    for axis in 0..3 {
        for side in [-0.5_f32, 0.5] {
            let (u, v) = ((axis + 1) % 3, (axis + 2) % 3);
            let corner = |a: f32, b: f32| {
                let mut p = [0.0; 3];
                (p[axis], p[u], p[v]) = (side, a, b);
                p
            };
            let mut corners = [corner(-0.5, -0.5), corner(0.5, -0.5), corner(0.5, 0.5), corner(-0.5, 0.5)];
            if side < 0.0 {
                corners.reverse();
            }
            let mut normal = [0.0; 3];
            normal[axis] = side.signum();
            faces.push((normal, corners));
        }
    }
    faces
}

impl Glb {
    /// A part for each name: boxes of 20 mm, side by side, without materials.
    pub(crate) fn parts(names: &[&str]) -> Self {
        let (mut positions, mut normals, mut indices) = (Vec::new(), Vec::new(), Vec::<u16>::new());
        for (normal, corners) in box_faces() {
            let base = u16::try_from(positions.len() / 3).expect("a box is small");
            for corner in corners {
                positions.extend(corner.map(|x| x * 0.02));
                normals.extend(normal);
            }
            indices.extend([0, 1, 2, 0, 2, 3].map(|i| base + i));
        }
        let mut bin: Vec<u8> = positions.iter().chain(&normals).flat_map(|x| x.to_le_bytes()).collect();
        let floats_len = bin.len() / 2;
        bin.extend(indices.iter().flat_map(|i| i.to_le_bytes()));
        let nodes: Vec<Value> = names
            .iter()
            .enumerate()
            .map(|(i, name)| json!({"name": name, "mesh": 0, "translation": [0.03 * i as f64, 0.0, 0.0]}))
            .collect();
        let json = json!({
            "asset": {"version": "2.0"},
            "scene": 0,
            "scenes": [{"nodes": (0..names.len()).collect::<Vec<_>>()}],
            "nodes": nodes,
            "meshes": [{"name": "Box", "primitives": [{"attributes": {"POSITION": 0, "NORMAL": 1}, "indices": 2}]}],
            "accessors": [
                {"bufferView": 0, "componentType": 5126, "count": 24, "type": "VEC3", "min": [-0.01, -0.01, -0.01], "max": [0.01, 0.01, 0.01]},
                {"bufferView": 1, "componentType": 5126, "count": 24, "type": "VEC3"},
                {"bufferView": 2, "componentType": 5123, "count": 36, "type": "SCALAR"},
            ],
            "bufferViews": [
                {"buffer": 0, "byteOffset": 0, "byteLength": floats_len},
                {"buffer": 0, "byteOffset": floats_len, "byteLength": floats_len},
                {"buffer": 0, "byteOffset": 2 * floats_len, "byteLength": 72},
            ],
            "buffers": [{"byteLength": bin.len()}],
        });
        Self { json, bin }
    }

    /// The wall of a cylinder around Y, 40 mm in radius and 95 mm high, seam at the back: the part `Body` of the
    /// material `Print`. With a `lid`, another part of this name in another material.
    pub(crate) fn mug(lid: Option<&str>) -> Self {
        const SEGMENTS: u16 = 64;
        let (mut positions, mut normals, mut indices) = (Vec::new(), Vec::new(), Vec::<u16>::new());
        for i in 0..=SEGMENTS {
            let angle = std::f64::consts::TAU * (f64::from(i) / f64::from(SEGMENTS) + 0.5);
            let outward = [angle.sin() as f32, 0.0, angle.cos() as f32];
            for height in [0.0_f32, 0.095] {
                positions.extend([outward[0] * 0.04, height, outward[2] * 0.04]);
                normals.extend(outward);
            }
            if i < SEGMENTS {
                indices.extend([0, 2, 3, 0, 3, 1].map(|corner| 2 * i + corner));
            }
        }
        let mut bin: Vec<u8> = positions.iter().chain(&normals).flat_map(|x| x.to_le_bytes()).collect();
        let (floats_len, n_vertices, n_indices) = (bin.len() / 2, positions.len() / 3, indices.len());
        bin.extend(indices.iter().flat_map(|i| i.to_le_bytes()));
        let primitive = |material: usize| json!({"primitives": [{"attributes": {"POSITION": 0, "NORMAL": 1}, "indices": 2, "material": material}]});
        let mut nodes = vec![json!({"name": "Body", "mesh": 0})];
        nodes.extend(
            lid.map(|lid| json!({"name": lid, "mesh": 1, "scale": [0.5, 0.1, 0.5], "translation": [0.0, 0.1, 0.0]})),
        );
        let json = json!({
            "asset": {"version": "2.0"},
            "scene": 0,
            "scenes": [{"nodes": (0..nodes.len()).collect::<Vec<_>>()}],
            "nodes": nodes,
            "meshes": [primitive(0), primitive(1)],
            "materials": [{"name": "Print"}, {"name": "Plain"}],
            "accessors": [
                {"bufferView": 0, "componentType": 5126, "count": n_vertices, "type": "VEC3", "min": [-0.04, 0.0, -0.04], "max": [0.04, 0.095, 0.04]},
                {"bufferView": 1, "componentType": 5126, "count": n_vertices, "type": "VEC3"},
                {"bufferView": 2, "componentType": 5123, "count": n_indices, "type": "SCALAR"},
            ],
            "bufferViews": [
                {"buffer": 0, "byteOffset": 0, "byteLength": floats_len},
                {"buffer": 0, "byteOffset": floats_len, "byteLength": floats_len},
                {"buffer": 0, "byteOffset": 2 * floats_len, "byteLength": 2 * n_indices},
            ],
            "buffers": [{"byteLength": bin.len()}],
        });
        Self { json, bin }
    }

    /// One part that is called `Body`.
    pub(crate) fn body() -> Vec<u8> {
        Self::parts(&["Body"]).bytes()
    }

    /// Changes the binary data.
    pub(crate) fn bin(&mut self) -> &mut [u8] {
        &mut self.bin
    }

    /// The file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bytes_with(&|text| text)
    }

    /// The file with its JSON changed as text.
    pub(crate) fn bytes_with(&self, change: &dyn Fn(String) -> String) -> Vec<u8> {
        let mut text = change(self.json.to_string()).into_bytes();
        text.resize(text.len().next_multiple_of(4), b' ');
        let mut bin = self.bin.clone();
        bin.resize(bin.len().next_multiple_of(4), 0);
        let length = |n: usize| u32::try_from(n).expect("small").to_le_bytes();
        let mut glb = Vec::new();
        for part in [&b"glTF"[..], &2_u32.to_le_bytes(), &length(28 + text.len() + bin.len())] {
            glb.extend_from_slice(part);
        }
        for (kind, chunk) in [(b"JSON", &text), (b"BIN\0", &bin)] {
            glb.extend_from_slice(&length(chunk.len()));
            glb.extend_from_slice(kind);
            glb.extend_from_slice(chunk);
        }
        glb
    }
}
