//! Parameters from a library reach the renderer, and the renderer's findings reach the report.

use packshot_materials::map::{MapEntry, MaterialMap, Origin, PartSelector};
use packshot_renderer::sample::bearing;

use super::*;
use crate::report::Preflight;

/// The bearing with an outer ring of glass.
fn glass_ring() -> (Product, MaterialRequest) {
    let (options, filter) = (ImportOptions::default(), PartFilter::default());
    let product = Product::import(&bearing().glb, &options, &filter, &CancelToken::default()).expect("sound");
    let part = PartSelector::Name("Outer_Ring".to_owned());
    let entry = MapEntry { part, material: Some("Glass".to_owned()), at: "/parts/0".to_owned(), origin: Origin::Map };
    (product, MaterialRequest { map: Some(MaterialMap::of_all(vec![entry])), ..MaterialRequest::default() })
}

#[test]
fn priorities_of_the_library_reach_the_renderer() {
    let (product, request) = glass_ring();
    let materials = PartMaterials::resolve(&product, &request);
    let PartMaterial::Palette(ring) = materials.parts[0] else { panic!("{:?}", materials.parts[0]) };
    assert_eq!(materials.entries()[ring].priority, 10);
    assert!(materials.entries().iter().enumerate().all(|(i, entry)| i == ring || entry.priority == 0));
}

#[test]
fn a_hole_in_glass_is_reported_and_one_in_steel_is_not() {
    let (mut product, request) = glass_ring();
    let codes = |product: &Product, request: &MaterialRequest| {
        let materials = PartMaterials::resolve(product, request);
        let report = Preflight::new(product, &materials, &[], false);
        let found = report.diagnostics.into_iter().filter(|finding| finding.code == "open_shell");
        found.map(|finding| finding.at).collect::<Vec<_>>()
    };
    assert_eq!(codes(&product, &request), [""; 0]);
    let mesh = product.scene.parts[0].mesh.0 as usize;
    product.scene.meshes[mesh].primitives[0].triangles.truncate(1000);
    assert_eq!(codes(&product, &request), [product.scene.parts[0].path.clone()]);
    assert_eq!(codes(&product, &MaterialRequest::default()), [""; 0]);
}

#[test]
fn parts_without_a_material_show_what_their_file_has_of_them() {
    let (mut product, _) = glass_ring();
    let request = MaterialRequest::default();
    let is_own = |product: &Product| {
        let PartMaterials { parts, report, .. } = PartMaterials::resolve(product, &request);
        (matches!(parts[0], PartMaterial::Own), report.expect("a report").items[0].material.clone())
    };
    let primitives = |product: &mut Product| {
        let mesh = product.scene.parts[0].mesh.0 as usize;
        std::mem::take(&mut product.scene.meshes[mesh].primitives)
    };
    let put_back = |product: &mut Product, primitives: Vec<Primitive>| {
        let mesh = product.scene.parts[0].mesh.0 as usize;
        product.scene.meshes[mesh].primitives = primitives;
    };
    let bare =
        primitives(&mut product).into_iter().map(|primitive| Primitive { material: None, ..primitive }).collect();
    put_back(&mut product, bare);
    // Nobody expects the white metal of glTF's default material: such a part is clay.
    assert_eq!(is_own(&product), (false, Some("STD_059901_Clay".to_owned())));
    let colored = primitives(&mut product).into_iter().map(|primitive| {
        let colors = vec![[0.2, 0.4, 0.6, 1.0].into(); primitive.positions.len()];
        Primitive { colors, ..primitive }
    });
    let colored = colored.collect();
    put_back(&mut product, colored);
    assert_eq!(is_own(&product), (true, None));
    // In Blender's look every part has a material.
    let plain = primitives(&mut product).into_iter().map(|primitive| Primitive { colors: Vec::new(), ..primitive });
    let plain = plain.collect();
    put_back(&mut product, plain);
    product.scene.look = Look::Blender50;
    assert_eq!(is_own(&product), (true, None));
}
