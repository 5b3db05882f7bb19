//! Which primitives are unmapped.

use packshot_materials::map::MaterialMap;
use packshot_renderer::sample::bearing;
use packshot_renderer::scene::{MaterialIdx, SceneMaterial};

use super::*;
use crate::request::{MaterialRequest, PartFilter};

#[test]
fn of_a_part_with_several_materials_only_those_that_nothing_matches_are_unmapped() {
    let (options, filter) = (packshot_renderer::import::ImportOptions::default(), PartFilter::default());
    let mut product = Product::import(&bearing().glb, &options, &filter, &CancelToken::default()).expect("sound");
    let mesh = product.scene.parts[0].mesh.0 as usize;
    let unknown = SceneMaterial { name: Some("Xq7".to_owned()), ..SceneMaterial::default() };
    let unknown = {
        product.scene.materials.push(unknown);
        MaterialIdx(product.scene.materials.len() as u32 - 1)
    };
    let primitives = &mut product.scene.meshes[mesh].primitives;
    let whole = primitives[0].clone();
    for material in [Some(unknown), whole.material, Some(unknown)] {
        let mut primitive = whole.clone();
        primitive.material = material;
        primitives.push(primitive);
    }
    // A map that says nothing about the part: its materials are looked up by their names.
    let map = MaterialMap::of_all(Vec::new());
    let materials = PartMaterials::resolve(&product, &MaterialRequest { map: Some(map), ..MaterialRequest::default() });
    let worn = worn(&product, &materials);
    assert!(matches!(worn[0][..], [Worn::Library(_), Worn::Unmapped, Worn::Library(_), Worn::Unmapped]), "{worn:?}");
    assert_eq!(worn.len(), product.scene.parts.len());
}
