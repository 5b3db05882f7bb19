//! What is read of a CAD file: the names of its parts and its size. Nothing is rendered or kept.

use std::collections::HashSet;

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
    /// The names of its parts, each once, in the order of the file: of the node, else of its mesh, else its path.
    pub parts: Vec<String>,
    /// How long it is along x, y and z of the world, in millimetres; `None` without parts.
    pub size_mm: Option<[f64; 3]>,
}

/// Reads a GLB.
///
/// # Errors
/// A code that begins with `glb.`, for a file that is refused.
pub fn read(glb: &[u8]) -> Result<CadFacts, Failure> {
    let (options, filter) = (ImportOptions::default(), PartFilter::default());
    let product = Product::import(glb, &options, &filter, &CancelToken::default())?;
    let mut seen = HashSet::new();
    let names = product.part_names().into_iter().map(|part| part.node.or(part.mesh).unwrap_or(part.path));
    let parts = names.filter(|name| seen.insert(name.clone())).collect();
    let size_mm = product.stats.bounds.map(|bounds| ((bounds.max - bounds.min) * MM_PER_M).to_array());
    Ok(CadFacts { parts, size_mm })
}
