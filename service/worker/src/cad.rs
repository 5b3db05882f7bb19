//! What is read of a CAD file: the names of its parts and its size. Nothing is rendered or kept.

use std::collections::HashSet;

use packshot_materials::mapping::PartNames;
use packshot_materials::name::is_unnamed;
use packshot_pipeline::product::Product;
use packshot_pipeline::request::PartFilter;
use packshot_renderer::backend::CancelToken;
use packshot_renderer::import::ImportOptions;

use super::protocol::Failure;

/// Millimetres per metre.
const MM_PER_M: f64 = 1000.0;

/// What a GLB has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CadFacts {
    /// The names of its parts that a material can be given by, each once, in the order of the file: of the node, or of
    /// its mesh where that of the node says nothing. A part that has neither is there with its path.
    pub parts: Vec<String>,
    /// How long it is along x, y and z of the world, in millimetres; `None` without parts.
    pub size_mm: Option<[f64; 3]>,
}

/// Reads a GLB.
///
/// # Errors
/// A code that begins with `glb.`, for a file that is refused; when it is cancelled.
pub fn read(glb: &[u8], cancel: &CancelToken) -> Result<CadFacts, Failure> {
    let (options, filter) = (ImportOptions::default(), PartFilter::default());
    let product = Product::import(glb, &options, &filter, cancel)?;
    let mut seen = HashSet::new();
    let names = product.part_names().into_iter().map(|part| {
        let mut own = [part.node, part.mesh].into_iter().flatten();
        own.find(|name| !is_unnamed(name)).unwrap_or(part.path)
    });
    let parts = names.filter(|name| seen.insert(name.clone())).collect();
    let size_mm = product.stats.bounds.map(|bounds| ((bounds.max - bounds.min) * MM_PER_M).to_array());
    Ok(CadFacts { parts, size_mm })
}

/// What is known of each part of a GLB by name, as a render without options reads it.
///
/// # Errors
/// As [`read`].
pub fn part_names(glb: &[u8], cancel: &CancelToken) -> Result<Vec<PartNames>, Failure> {
    let (options, filter) = (ImportOptions::default(), PartFilter::default());
    Ok(Product::import(glb, &options, &filter, cancel)?.part_names())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A GLB with a triangle for each pair of names of a node and its mesh.
    fn glb(names: &[(Option<&str>, Option<&str>)]) -> Vec<u8> {
        let corners = [[0.0f32, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 2.0, 0.0]];
        let bin: Vec<u8> = corners.as_flattened().iter().flat_map(|x| x.to_le_bytes()).collect();
        let named = |name: Option<&str>, mut member: serde_json::Value| {
            if let Some(name) = name {
                member["name"] = name.into();
            }
            member
        };
        let n = names.len();
        let nodes = names.iter().enumerate().map(|(i, (node, _))| named(*node, serde_json::json!({"mesh": i})));
        let triangle = serde_json::json!({"primitives": [{"attributes": {"POSITION": 0}}]});
        let meshes = names.iter().map(|(_, mesh)| named(*mesh, triangle.clone()));
        let document = serde_json::json!({
            "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": (0..n).collect::<Vec<_>>()}],
            "nodes": nodes.collect::<Vec<_>>(), "meshes": meshes.collect::<Vec<_>>(),
            "buffers": [{"byteLength": bin.len()}], "bufferViews": [{"buffer": 0, "byteLength": bin.len()}],
            "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3",
                "min": [0, 0, 0], "max": [1, 2, 0]}],
        });
        let mut json = document.to_string().into_bytes();
        json.resize(json.len().next_multiple_of(4), b' ');
        let chunk =
            |kind: u32, bytes: &[u8]| [&(bytes.len() as u32).to_le_bytes(), &kind.to_le_bytes(), bytes].concat();
        let chunks = [chunk(0x4E4F_534A, &json), chunk(0x004E_4942, &bin)].concat();
        let header = [0x4654_6C67, 2, 12 + chunks.len() as u32];
        [header.map(u32::to_le_bytes).concat(), chunks].concat()
    }

    #[test]
    fn parts_have_the_names_that_materials_are_given_by() {
        let names = [
            (Some("Gehäuse"), Some("Gehäuse kpl.")),
            (Some("=>[0:1:1:7]"), Some("Passfeder DIN 6885")),
            (Some(""), Some("Ring")),
            (None, Some("Welle")),
            (Some("Ring"), None),
            (Some("=>[0:1:1:3]"), Some("=>[0:1:1:3]")),
            (None, None),
        ];
        let facts = read(&glb(&names), &CancelToken::default()).expect("a sound file");
        let (named, unnamed) = facts.parts.split_at(4);
        assert_eq!(named, ["Gehäuse", "Passfeder DIN 6885", "Ring", "Welle"]);
        assert_eq!(unnamed.len(), 2, "what has no name is not hidden: {unnamed:?}");
        assert_eq!(facts.size_mm, Some([1000.0, 2000.0, 0.0]));
    }
}
