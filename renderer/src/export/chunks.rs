//! The binary chunk of a GLB with the accessors into it, and the container around both chunks.

use serde_json::{Value, json};

// Constants of the glTF 2.0 specification, 5.1 and 5.11.
const FLOAT: u32 = 5126;
const UNSIGNED_INT: u32 = 5125;
const UNSIGNED_SHORT: u32 = 5123;
const ARRAY_BUFFER: u32 = 34962;
const ELEMENT_ARRAY_BUFFER: u32 = 34963;

/// The binary chunk, and the accessors into it: each has a view of its own, aligned to four bytes.
#[derive(Default)]
pub(crate) struct Chunks {
    pub(crate) bytes: Vec<u8>,
    pub(crate) views: Vec<Value>,
    pub(crate) accessors: Vec<Value>,
}

impl Chunks {
    /// Vectors with their bounds, which glTF requires for positions. Returns the accessor's index.
    pub(crate) fn push_positions(&mut self, positions: &[[f32; 3]]) -> usize {
        let bound = |pick: fn(f32, f32) -> f32, start: f32| {
            positions.iter().fold([start; 3], |bound, p| std::array::from_fn(|axis| pick(bound[axis], p[axis])))
        };
        let (min, max) = (bound(f32::min, f32::INFINITY), bound(f32::max, f32::NEG_INFINITY));
        let accessor = self.push_vectors(positions);
        self.accessors[accessor]["min"] = json!(min);
        self.accessors[accessor]["max"] = json!(max);
        accessor
    }

    /// Vectors of two to four components. Returns the accessor's index.
    pub(crate) fn push_vectors<const N: usize>(&mut self, vectors: &[[f32; N]]) -> usize {
        let bytes = vectors.as_flattened().iter().flat_map(|value| value.to_le_bytes());
        self.push(bytes, ARRAY_BUFFER, FLOAT, &format!("VEC{N}"), vectors.len())
    }

    /// Corners of triangles, in 32 bits each. Returns the accessor's index.
    pub(crate) fn push_long_indices(&mut self, triangles: &[[u32; 3]]) -> usize {
        let indices = triangles.as_flattened();
        let bytes = indices.iter().flat_map(|index| index.to_le_bytes());
        self.push(bytes, ELEMENT_ARRAY_BUFFER, UNSIGNED_INT, "SCALAR", indices.len())
    }

    /// Corners of triangles, in 16 bits each where that is enough. Returns the accessor's index.
    pub(crate) fn push_indices(&mut self, triangles: &[[u32; 3]]) -> usize {
        let indices = triangles.as_flattened();
        // The greatest number of 16 bits restarts primitives in some interfaces, and glTF forbids it.
        let is_short = indices.iter().all(|&index| index < u32::from(u16::MAX));
        if !is_short {
            return self.push_long_indices(triangles);
        }
        let bytes = indices.iter().flat_map(|&index| (index as u16).to_le_bytes());
        self.push(bytes, ELEMENT_ARRAY_BUFFER, UNSIGNED_SHORT, "SCALAR", indices.len())
    }

    /// Bytes without an accessor, as images have them. Returns the view's index.
    pub(crate) fn push_view(&mut self, bytes: impl IntoIterator<Item = u8>) -> usize {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        let offset = self.bytes.len();
        self.bytes.extend(bytes);
        self.views.push(json!({ "buffer": 0, "byteOffset": offset, "byteLength": self.bytes.len() - offset }));
        self.views.len() - 1
    }

    fn push(
        &mut self,
        bytes: impl Iterator<Item = u8>,
        target: u32,
        component_type: u32,
        element_type: &str,
        count: usize,
    ) -> usize {
        let view = self.push_view(bytes);
        self.views[view]["target"] = target.into();
        self.accessors.push(json!({
            "bufferView": view, "componentType": component_type, "count": count, "type": element_type,
        }));
        self.accessors.len() - 1
    }
}

/// The two chunks behind the header of a GLB; all of it little-endian and aligned to 4 bytes. Without binary data there
/// is one chunk.
pub(crate) fn container(mut json: Vec<u8>, mut binary: Vec<u8>) -> Vec<u8> {
    json.resize(json.len().next_multiple_of(4), b' ');
    binary.resize(binary.len().next_multiple_of(4), 0);
    let chunks = [(b"JSON", json), (b"BIN\0", binary)].into_iter().filter(|(_, chunk)| !chunk.is_empty());
    let chunks: Vec<_> = chunks.collect();
    let length = 12 + chunks.iter().map(|(_, chunk)| 8 + chunk.len()).sum::<usize>();
    let mut bytes = Vec::with_capacity(length);
    let word = |value: usize| (value as u32).to_le_bytes();
    bytes.extend(b"glTF");
    bytes.extend(word(2));
    bytes.extend(word(length));
    for (kind, chunk) in chunks {
        bytes.extend(word(chunk.len()));
        bytes.extend(kind);
        bytes.extend(chunk);
    }
    bytes
}
