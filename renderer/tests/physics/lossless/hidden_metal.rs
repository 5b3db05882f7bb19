//! Glass that a texture uncovers below a metallic factor of 1, the default of glTF.

use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::scene::{DielectricReflection, DiffuseTransmission, MaterialTextures, SceneMaterial};

use super::{LOOKS, furnace, glass, part, texture};
use crate::scenes::sphere;

/// Glass, diffuse transmission and what both are mixed with are the same whether a factor or a texture says that
/// nothing is metal.
#[test]
fn what_a_texture_uncovers_is_what_a_factor_of_0_gives() {
    let weighted = DielectricReflection { weight: 0.5, ..DielectricReflection::default() };
    let tinted = DielectricReflection { color: [1.0, 0.5, 0.2], ..DielectricReflection::default() };
    let translucent = DiffuseTransmission { weight: 0.5, color: [1.0; 3] };
    for look in LOOKS {
        for (roughness, transmission_weight, depth, dielectric, diffuse_transmission) in [
            (0.0, 1.0, 0.0, DielectricReflection::default(), DiffuseTransmission::default()),
            (0.0, 1.0, 0.01, DielectricReflection::default(), DiffuseTransmission::default()),
            (0.4, 1.0, 0.01, DielectricReflection::default(), DiffuseTransmission::default()),
            (0.0, 1.0, 0.01, weighted, DiffuseTransmission::default()),
            (0.4, 1.0, 0.01, weighted, DiffuseTransmission::default()),
            (0.4, 0.5, 0.01, tinted, DiffuseTransmission::default()),
            (0.4, 0.0, 0.01, DielectricReflection::default(), translucent),
        ] {
            let material = |base_metalness, metallic_roughness| SceneMaterial {
                openpbr: OpenPbr {
                    base_metalness,
                    specular_roughness: roughness,
                    transmission_weight,
                    transmission_color: [1.0; 3],
                    transmission_depth: depth,
                    ..glass()
                },
                dielectric,
                diffuse_transmission,
                textures: MaterialTextures { metallic_roughness, ..MaterialTextures::default() },
                ..SceneMaterial::default()
            };
            let seen = |material| furnace(&part(sphere(16, false), material, [255, 255, 0, 255], look));
            let [plain, hidden] = [material(0.0, None), material(1.0, texture())].map(seen);
            let name = format!("{look:?}, {roughness}, {transmission_weight}, {depth}, {dielectric:?}");
            assert!(
                (plain - hidden).abs().max_element() < 1e-4,
                "{name}: {plain} uncovered by a factor, {hidden} by a texture"
            );
            let is_lossless = dielectric == DielectricReflection::default();
            assert!(!is_lossless || (0.985..=1.01).contains(&hidden.x), "{name}: {hidden}");
        }
    }
}
