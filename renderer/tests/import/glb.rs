//! Makes small files for tests: JSON that a test edits, and the binary data that goes with it.

use packshot_renderer::import::{ImportError, ImportOptions, ImportReport, load};
use packshot_renderer::scene::{Primitive, Scene};
use serde_json::{Value, json};

/// Component types by their codes in glTF.
pub(crate) const I8: u32 = 5120;
pub(crate) const U8: u32 = 5121;
pub(crate) const I16: u32 = 5122;
pub(crate) const U16: u32 = 5123;
pub(crate) const U32: u32 = 5125;
pub(crate) const F32: u32 = 5126;

/// A file under construction.
#[derive(Clone)]
pub(crate) struct Glb {
    pub(crate) json: Value,
    pub(crate) bin: Vec<u8>,
}

impl Glb {
    /// A scene of one node `Part` with mesh 0, which is still without primitives.
    pub(crate) fn empty() -> Self {
        let json = json!({
            "asset": {"version": "2.0"},
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": [{"name": "Part", "mesh": 0}],
            "meshes": [{"name": "Mesh", "primitives": []}],
            "materials": [{"name": "Steel"}],
            "accessors": [],
            "bufferViews": [],
            "images": [],
            "textures": [],
        });
        Self { json, bin: Vec::new() }
    }

    /// A square of 2 × 2 m in the XY plane that faces +Z, its texture upright: accessors 0 to 3 are positions, normals,
    /// texture coordinates and indices.
    pub(crate) fn square() -> Self {
        let mut glb = Self::empty();
        let position = glb.positions(&[[-1.0, -1.0, 0.0], [1.0, -1.0, 0.0], [1.0, 1.0, 0.0], [-1.0, 1.0, 0.0]]);
        let normal = glb.floats("VEC3", &[[0.0_f32, 0.0, 1.0]; 4]);
        let uv = glb.floats("VEC2", &[[0.0_f32, 1.0], [1.0, 1.0], [1.0, 0.0], [0.0, 0.0]]);
        let indices = glb.indices(&[0, 1, 2, 0, 2, 3]);
        glb.primitive(json!({
            "attributes": {"POSITION": position, "NORMAL": normal, "TEXCOORD_0": uv}, "indices": indices, "material": 0,
        }));
        glb
    }

    /// A closed cube from −1 to 1 with shared corners and no normals.
    pub(crate) fn cube() -> Self {
        let mut glb = Self::empty();
        let corner = |at: u8| [0, 1, 2].map(|axis| if at >> axis & 1 == 1 { 1.0 } else { -1.0 });
        let position = glb.positions(&std::array::from_fn::<_, 8, _>(|at| corner(at as u8)));
        let faces = [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]];
        let corners: Vec<u16> = faces.iter().flat_map(|&[a, b, c, d]| [a, b, c, a, c, d]).collect();
        let indices = glb.indices(&corners);
        glb.primitive(json!({"attributes": {"POSITION": position}, "indices": indices}));
        glb
    }

    /// Appends data as a view; gives its index.
    pub(crate) fn view(&mut self, bytes: &[u8]) -> usize {
        self.bin.resize(self.bin.len().next_multiple_of(4), 0);
        let view = json!({"buffer": 0, "byteOffset": self.bin.len(), "byteLength": bytes.len()});
        self.bin.extend(bytes);
        self.push("bufferViews", view)
    }

    /// Appends an object to a list of the document; gives its index.
    pub(crate) fn push(&mut self, list: &str, object: Value) -> usize {
        let list = self.json[list].as_array_mut().expect("a list");
        list.push(object);
        list.len() - 1
    }

    /// Appends an accessor on data of its own.
    pub(crate) fn accessor(&mut self, component: u32, shape: &str, count: usize, bytes: &[u8]) -> usize {
        let view = self.view(bytes);
        let accessor = json!({"bufferView": view, "componentType": component, "count": count, "type": shape});
        self.push("accessors", accessor)
    }

    pub(crate) fn floats<const N: usize>(&mut self, shape: &str, values: &[[f32; N]]) -> usize {
        let bytes: Vec<u8> = values.as_flattened().iter().flat_map(|value| value.to_le_bytes()).collect();
        self.accessor(F32, shape, values.len(), &bytes)
    }

    /// Positions, with the bounds that glTF requires.
    pub(crate) fn positions(&mut self, values: &[[f32; 3]]) -> usize {
        let accessor = self.floats("VEC3", values);
        let bound = |fold: fn(f32, f32) -> f32| {
            let along = |axis: usize| values.iter().map(|value| value[axis]).reduce(fold);
            json!([along(0), along(1), along(2)])
        };
        self.json["accessors"][accessor]["min"] = bound(f32::min);
        self.json["accessors"][accessor]["max"] = bound(f32::max);
        accessor
    }

    pub(crate) fn indices(&mut self, indices: &[u16]) -> usize {
        let bytes: Vec<u8> = indices.iter().flat_map(|index| index.to_le_bytes()).collect();
        self.accessor(U16, "SCALAR", indices.len(), &bytes)
    }

    /// Appends a primitive to mesh 0.
    pub(crate) fn primitive(&mut self, primitive: Value) {
        self.json["meshes"][0]["primitives"].as_array_mut().expect("a list").push(primitive);
    }

    /// Appends an image and a texture of it; gives the texture's index.
    pub(crate) fn texture(&mut self, bytes: &[u8], mime_type: &str) -> usize {
        let view = self.view(bytes);
        let image = self.push("images", json!({"bufferView": view, "mimeType": mime_type}));
        self.push("textures", json!({"source": image}))
    }

    /// Sets the member that a JSON pointer names; its parent must be there.
    pub(crate) fn set(mut self, pointer: &str, value: Value) -> Self {
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        match self.json.pointer_mut(parent).expect("the parent exists") {
            Value::Array(list) => list[name.parse::<usize>().expect("an index")] = value,
            object => object[name] = value,
        }
        self
    }

    /// The document with its buffer named.
    pub(crate) fn document(&self) -> Value {
        let mut json = self.json.clone();
        json["buffers"] = json!([{"byteLength": self.bin.len()}]);
        json
    }

    /// The binary file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        container(self.document().to_string().as_bytes(), &self.bin)
    }

    pub(crate) fn load(&self) -> Result<(Scene, ImportReport), ImportError> {
        load(&self.bytes(), &ImportOptions::default(), &|| false)
    }

    /// Loads a file that must load; returns its scene and its findings as `code at`.
    pub(crate) fn scene(&self) -> (Scene, Vec<String>) {
        let (scene, report) = self.load().unwrap_or_else(|error| panic!("{error:?}"));
        let found = report.diagnostics.iter().map(|finding| format!("{} {}", finding.code, finding.at)).collect();
        (scene, found)
    }

    /// Loads a file with a single primitive.
    pub(crate) fn only_primitive(&self) -> Primitive {
        let (scene, _) = self.scene();
        assert_eq!((scene.meshes.len(), scene.meshes[0].primitives.len()), (1, 1));
        scene.meshes[0].primitives[0].clone()
    }

    /// Loads a file that must be refused; returns the error as `code at`.
    pub(crate) fn refusal(&self) -> String {
        refusal(&self.bytes())
    }
}

/// Why a file is refused, as `code at`.
pub(crate) fn refusal(bytes: &[u8]) -> String {
    match load(bytes, &ImportOptions::default(), &|| false) {
        Ok(_) => "loads".to_owned(),
        Err(error) => format!("{} {}", error.code().as_str(), error.at()),
    }
}

/// A GLB of these two chunks.
pub(crate) fn container(json: &[u8], bin: &[u8]) -> Vec<u8> {
    let mut chunks = chunk(b"JSON", json, b' ');
    chunks.extend(chunk(b"BIN\0", bin, 0));
    let mut bytes = b"glTF".to_vec();
    bytes.extend(2_u32.to_le_bytes());
    bytes.extend((12 + chunks.len() as u32).to_le_bytes());
    bytes.extend(chunks);
    bytes
}

/// A chunk, padded to a multiple of four bytes.
pub(crate) fn chunk(kind: &[u8; 4], content: &[u8], padding: u8) -> Vec<u8> {
    let length = content.len().next_multiple_of(4);
    let mut bytes = (length as u32).to_le_bytes().to_vec();
    bytes.extend(kind);
    bytes.extend(content);
    bytes.resize(8 + length, padding);
    bytes
}
