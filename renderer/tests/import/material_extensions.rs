//! How extensions of materials are converted.

use packshot_renderer::import::{ImportOptions, load};
use packshot_renderer::scene::{
    Anisotropy, DielectricReflection, DiffuseTransmission, Image, SceneMaterial, Sheen, TextureRef,
};
use serde_json::{Value, json};

use crate::glb::Glb;
use crate::images::{PNG, png};

/// A square whose material has these extensions; texture 0 is one texel.
fn glb(extensions: Value) -> Glb {
    let names: Vec<&String> = extensions.as_object().expect("an object").keys().collect();
    let mut glb = Glb::square()
        .set("/extensionsUsed", json!(names))
        .set("/materials/0", json!({"extensions": extensions.clone()}));
    glb.texture(&png([10, 20, 30, 51]), PNG);
    glb
}

/// The material of a file that is read without findings.
fn material(extensions: Value) -> SceneMaterial {
    let (scene, found) = glb(extensions).scene();
    assert_eq!(found, [""; 0]);
    scene.materials[0].clone()
}

fn uses(slots: &[Option<TextureRef>]) -> Vec<bool> {
    slots.iter().map(Option::is_some).collect()
}

#[test]
fn specular_is_not_openpbrs() {
    let plain = material(json!({}));
    assert_eq!(plain.dielectric, DielectricReflection { f0: 0.04, weight: 1.0, color: [1.0; 3] });
    let strong = material(json!({
        "KHR_materials_ior": {"ior": 2},
        "KHR_materials_specular": {
            "specularFactor": 0.5, "specularColorFactor": [2, 0, 1],
            "specularTexture": {"index": 0}, "specularColorTexture": {"index": 0},
        },
    }));
    assert_eq!(
        strong.dielectric,
        DielectricReflection { f0: (1.0_f32 / 3.0).powi(2), weight: 0.5, color: [2.0, 0.0, 1.0] }
    );
    assert_eq!((strong.openpbr.specular_weight, strong.openpbr.specular_ior), (1.0, 2.0));
    assert_eq!(uses(&[strong.textures.specular_weight, strong.textures.specular_color]), [true, true]);
    let mirror = material(json!({"KHR_materials_ior": {"ior": 0}}));
    assert_eq!((mirror.dielectric.f0, mirror.openpbr.specular_ior), (1.0, 1.5));
}

#[test]
fn anisotropy_and_sheen_keep_their_own_parameters() {
    let texture = json!({"index": 0});
    let material = material(json!({
        "KHR_materials_anisotropy": {"anisotropyStrength": 0.6, "anisotropyRotation": 1.5, "anisotropyTexture": texture},
        "KHR_materials_sheen": {
            "sheenColorFactor": [0.1, 0.2, 0.3], "sheenRoughnessFactor": 0.4, "sheenColorTexture": texture,
            "sheenRoughnessTexture": texture,
        },
    }));
    assert_eq!(material.anisotropy, Anisotropy { strength: 0.6, rotation_rad: 1.5 });
    assert_eq!(material.sheen, Sheen { color: [0.1, 0.2, 0.3], roughness: 0.4 });
    let textures = &material.textures;
    assert_eq!(uses(&[textures.anisotropy, textures.sheen_color, textures.sheen_roughness]), [true; 3]);
    assert_eq!((material.openpbr.specular_roughness_anisotropy, material.openpbr.fuzz_weight), (0.0, 0.0));
}

#[test]
fn clearcoat_is_a_coat_without_darkening() {
    let material = material(json!({"KHR_materials_clearcoat": {
        "clearcoatFactor": 0.75, "clearcoatRoughnessFactor": 0.25, "clearcoatTexture": {"index": 0},
        "clearcoatRoughnessTexture": {"index": 0}, "clearcoatNormalTexture": {"index": 0, "scale": 0.5},
    }}));
    let m = material.openpbr;
    assert_eq!((m.coat_weight, m.coat_roughness, m.coat_ior, m.coat_darkening), (0.75, 0.25, 1.5, 0.0));
    let textures = &material.textures;
    assert_eq!(uses(&[textures.coat_weight, textures.coat_roughness, textures.coat_normal]), [true; 3]);
    assert_eq!(textures.coat_normal_scale, 0.5);
}

#[test]
fn thin_films_are_in_micrometres() {
    let film = |extension: Value| material(json!({"KHR_materials_iridescence": extension}));
    let default = film(json!({"iridescenceFactor": 1}));
    assert_eq!((default.openpbr.thin_film_weight, default.openpbr.thin_film_ior), (1.0, 1.3));
    assert_eq!((default.thin_film_thickness_min, default.openpbr.thin_film_thickness), (0.1, 0.4));
    let textured = film(json!({
        "iridescenceFactor": 0.5, "iridescenceIor": 2, "iridescenceThicknessMinimum": 200, "iridescenceThicknessMaximum": 50,
        "iridescenceTexture": {"index": 0}, "iridescenceThicknessTexture": {"index": 0},
    }));
    assert_eq!((textured.thin_film_thickness_min, textured.openpbr.thin_film_thickness), (0.2, 0.05));
    assert_eq!(uses(&[textured.textures.thin_film_weight, textured.textures.thin_film_thickness]), [true; 2]);
}

#[test]
fn transmission_is_thin_walled_without_thickness() {
    let volume = json!({"thicknessFactor": 1, "attenuationColor": [0.5, 0.25, 0], "attenuationDistance": 0.1});
    let glass = |volume: Value| {
        let transmission = json!({"transmissionFactor": 0.9, "transmissionTexture": {"index": 0}});
        material(json!({"KHR_materials_transmission": transmission, "KHR_materials_volume": volume}))
    };
    let solid = glass(volume.clone());
    assert!(!solid.openpbr.geometry_thin_walled && solid.textures.transmission.is_some());
    let m = solid.openpbr;
    assert_eq!((m.transmission_weight, m.transmission_color, m.transmission_depth), (0.9, [0.5, 0.25, 1e-6], 0.1));
    let clear = glass(json!({"thicknessFactor": 1, "attenuationColor": [0.5, 0.5, 0.5]})).openpbr;
    assert_eq!(
        (clear.transmission_color, clear.transmission_depth, clear.geometry_thin_walled),
        ([1.0; 3], 0.0, false)
    );
    for wall in [json!({}), json!({"thicknessFactor": 0, "attenuationDistance": 1, "attenuationColor": [0, 0, 0]})] {
        let wall = glass(wall).openpbr;
        assert_eq!((wall.geometry_thin_walled, wall.transmission_depth), (true, 0.0));
    }
    assert!(!material(json!({"KHR_materials_transmission": {}})).openpbr.geometry_thin_walled, "nothing goes through");

    // The distance is in units of the file, the depth in metres.
    let millimetres = ImportOptions { unit_scale: 1e-3, ..ImportOptions::default() };
    let file = glb(json!({"KHR_materials_transmission": {"transmissionFactor": 1}, "KHR_materials_volume": volume}));
    let (scene, _) = load(&file.bytes(), &millimetres, &|| false).expect("loads");
    assert!((scene.materials[0].openpbr.transmission_depth - 1e-4).abs() < 1e-10);
}

#[test]
fn what_goes_through_may_disperse_scatter_and_diffuse() {
    let material = material(json!({
        "KHR_materials_diffuse_transmission": {
            "diffuseTransmissionFactor": 0.25, "diffuseTransmissionColorFactor": [1, 0.5, 0],
            "diffuseTransmissionTexture": {"index": 0}, "diffuseTransmissionColorTexture": {"index": 0},
        },
        "KHR_materials_dispersion": {"dispersion": 0.4},
        "KHR_materials_volume": {"thicknessFactor": 1, "attenuationDistance": 2, "attenuationColor": [0.5, 0.5, 0.5]},
        "KHR_materials_volume_scatter": {"multiscatterColor": [1, 0, 1], "scatterAnisotropy": -0.5},
    }));
    assert_eq!(material.diffuse_transmission, DiffuseTransmission { weight: 0.25, color: [1.0, 0.5, 0.0] });
    let m = material.openpbr;
    assert!(!m.geometry_thin_walled);
    assert_eq!((m.transmission_dispersion_scale, m.transmission_dispersion_abbe_number), (1.0, 50.0));
    // Half is lost over 2 m: to scattering alone in red and blue, to absorption alone in green.
    let [red, green, blue] = m.transmission_scatter;
    let half = std::f32::consts::LN_2;
    assert!(
        (red - half).abs() < 1e-3 && green.abs() < 1e-3 && (blue - half).abs() < 1e-3,
        "{:?}",
        m.transmission_scatter
    );
    assert_eq!((m.transmission_depth, m.transmission_scatter_anisotropy), (2.0, -0.5));
}

#[test]
fn specular_glossiness_is_a_dielectric_of_the_specular_colour() {
    let extension = |members: Value| {
        let extensions = json!({"KHR_materials_pbrSpecularGlossiness": members});
        let used = json!(["KHR_materials_pbrSpecularGlossiness"]);
        // Metallic-roughness is a fallback for readers without the extension.
        let fallback = json!({"baseColorFactor": [1, 0, 0, 1], "metallicFactor": 0.5});
        let material = json!({"alphaMode": "BLEND", "pbrMetallicRoughness": fallback, "extensions": extensions});
        let mut glb = Glb::square().set("/extensionsUsed", used).set("/materials/0", material);
        glb.texture(&png([10, 20, 30, 51]), PNG);
        let (scene, found) = glb.scene();
        assert_eq!(found, [""; 0]);
        scene
    };
    let scene = extension(
        json!({"diffuseFactor": [0.1, 0.2, 0.3, 0.4], "specularFactor": [0.3, 0.3, 0.1], "glossinessFactor": 0.75}),
    );
    let m = &scene.materials[0];
    assert_eq!((m.openpbr.base_color, m.openpbr.geometry_opacity), ([0.1, 0.2, 0.3], 0.4));
    assert_eq!((m.openpbr.base_metalness, m.openpbr.specular_roughness), (0.0, 0.25));
    assert_eq!(m.dielectric, DielectricReflection { f0: 1.0, weight: 1.0, color: [0.3, 0.3, 0.1] });

    let slot = json!({"index": 0});
    let scene = extension(json!({"glossinessFactor": 0.5, "diffuseTexture": slot, "specularGlossinessTexture": slot}));
    let m = &scene.materials[0];
    let image =
        |slot: Option<TextureRef>| -> &Image { &scene.textures[slot.expect("a texture").texture.0 as usize].image };
    assert_eq!(image(m.textures.base_color).rgba8, [[10, 20, 30, 51]; 16]);
    assert_eq!(image(m.textures.specular_color).rgba8, [[10, 20, 30, 51]; 16]);
    // A glossiness of 51/255 · 0.5 is a roughness of 0.9, which is 229.5/255.
    assert_eq!(image(m.textures.metallic_roughness).rgba8, [[0, 230, 0, 255]; 16]);
    assert_eq!((m.openpbr.specular_roughness, scene.textures.len()), (1.0, 2));
}

#[test]
fn values_of_extensions_are_clamped_with_a_finding() {
    let cases = [
        ("anisotropy", "anisotropyStrength", json!(2)),
        ("clearcoat", "clearcoatFactor", json!(-1)),
        ("clearcoat", "clearcoatRoughnessFactor", json!(1.5)),
        ("diffuse_transmission", "diffuseTransmissionFactor", json!(2)),
        ("diffuse_transmission", "diffuseTransmissionColorFactor", json!([0, 0, 2])),
        ("dispersion", "dispersion", json!(-0.1)),
        ("ior", "ior", json!(0.5)),
        ("iridescence", "iridescenceFactor", json!(1.1)),
        ("iridescence", "iridescenceIor", json!(0)),
        ("iridescence", "iridescenceThicknessMaximum", json!(-400)),
        ("sheen", "sheenColorFactor", json!([-1, 0, 0])),
        ("sheen", "sheenRoughnessFactor", json!(3)),
        ("specular", "specularFactor", json!(7)),
        ("specular", "specularColorFactor", json!([0, -2, 0])),
        ("transmission", "transmissionFactor", json!(1.01)),
        ("volume", "thicknessFactor", json!(-1)),
        ("volume", "attenuationDistance", json!(0)),
        ("volume", "attenuationColor", json!([0, 0, 1.5])),
        ("volume_scatter", "scatterAnisotropy", json!(-2)),
        ("volume_scatter", "multiscatterColor", json!([0, 0, 2])),
        ("pbrSpecularGlossiness", "glossinessFactor", json!(2)),
    ];
    for (extension, member, value) in cases {
        let name = format!("KHR_materials_{extension}");
        let at = format!("/materials/0/extensions/{name}/{member}");
        let (_, found) = glb(json!({&name: {member: value}})).scene();
        assert_eq!(found, [format!("value_clamped {at}")]);
        assert_eq!(glb(json!({&name: {member: "much"}})).refusal(), format!("glb.schema {at}"));
    }
}

#[test]
fn textures_of_absent_layers_are_not_decoded() {
    let (scene, _) = glb(json!({"KHR_materials_clearcoat": {"clearcoatTexture": {"index": 0}}})).scene();
    assert_eq!((scene.textures.len(), scene.materials[0].textures.all().count()), (0, 0));
    let missing = json!({"KHR_materials_sheen": {"sheenColorTexture": {"index": 1}}});
    let at = "/materials/0/extensions/KHR_materials_sheen/sheenColorTexture/index";
    assert_eq!(glb(missing).refusal(), format!("glb.reference {at}"));
}

#[test]
fn maps_of_other_layers_need_tangents_too() {
    let tangents = |extensions: Value| glb(extensions).only_primitive().tangents.len();
    assert_eq!(tangents(json!({"KHR_materials_clearcoat": {"clearcoatFactor": 1}})), 0);
    let coat = json!({"clearcoatFactor": 1, "clearcoatNormalTexture": {"index": 0}});
    assert_eq!(tangents(json!({"KHR_materials_clearcoat": coat})), 4);
    assert_eq!(tangents(json!({"KHR_materials_anisotropy": {"anisotropyStrength": 0.5}})), 4);
}
