//! Where the look of Blender 5.0 differs from the specifications; values are those of its importer.

use packshot_renderer::import::{ImportOptions, load};
use packshot_renderer::look::Look;
use packshot_renderer::scene::{Anisotropy, DiffuseTransmission, Scene, SceneMaterial, Sheen};
use serde_json::{Value, json};

use crate::glb::Glb;
use crate::images::{PNG, png};

fn scene(glb: &Glb, look: Look) -> Scene {
    let options = ImportOptions { look, ..ImportOptions::default() };
    let (scene, _) = load(&glb.bytes(), &options, &|| false).expect("a scene");
    assert_eq!(scene.look, look);
    scene
}

/// The material of a square with these extensions.
fn material(extensions: Value, look: Look) -> SceneMaterial {
    let names: Vec<&String> = extensions.as_object().expect("an object").keys().collect();
    let glb = Glb::square()
        .set("/extensionsUsed", json!(names))
        .set("/materials/0", json!({"extensions": extensions.clone()}));
    scene(&glb, look).materials[0].clone()
}

fn both(extensions: &Value) -> [SceneMaterial; 2] {
    [Look::Gltf, Look::Blender50].map(|look| material(extensions.clone(), look))
}

#[test]
fn extensions_that_came_later_are_dropped() {
    let [gltf, blender] = both(&json!({
        "KHR_materials_transmission": {"transmissionFactor": 1},
        "KHR_materials_dispersion": {"dispersion": 1},
        "KHR_materials_iridescence": {"iridescenceFactor": 1},
        "KHR_materials_diffuse_transmission": {"diffuseTransmissionFactor": 0.5},
        "KHR_materials_volume": {"thicknessFactor": 1, "attenuationDistance": 0.5, "attenuationColor": [0.5, 0.6, 0.7]},
        "KHR_materials_volume_scatter": {"multiscatterColor": [0.5, 0.5, 0.5]},
    }));
    assert!(gltf.openpbr.thin_film_weight == 1.0 && gltf.openpbr.transmission_dispersion_scale == 1.0);
    let openpbr = &blender.openpbr;
    assert_eq!((openpbr.thin_film_weight, openpbr.transmission_dispersion_scale), (0.0, 0.0));
    assert_eq!((openpbr.transmission_scatter, openpbr.transmission_weight), ([0.0; 3], 1.0));
    assert_eq!(blender.diffuse_transmission, DiffuseTransmission::default());
}

#[test]
fn a_volume_absorbs_by_the_complement_of_its_colour() {
    let volume = |thickness: f64| {
        json!({
            "KHR_materials_transmission": {"transmissionFactor": 1},
            "KHR_materials_volume": {
                "thicknessFactor": thickness, "attenuationDistance": 0.5, "attenuationColor": [0.25, 0.5, 1],
            },
        })
    };
    let [gltf, blender] = both(&volume(1.0)).map(|material| material.openpbr);
    assert_eq!((gltf.transmission_color, gltf.transmission_depth), ([0.25, 0.5, 1.0], 0.5));
    assert_eq!(blender.transmission_depth, 0.5);
    let expected = [-0.75_f32, -0.5, 0.0].map(f32::exp);
    for (found, expected) in blender.transmission_color.into_iter().zip(expected) {
        assert!((found - expected).abs() < 1e-6, "{:?}", blender.transmission_color);
    }
    // Without a thickness the specification means a thin wall, Blender a clear solid.
    let [gltf, blender] = both(&volume(0.0)).map(|material| material.openpbr);
    assert_eq!((gltf.geometry_thin_walled, blender.geometry_thin_walled), (true, false));
    assert_eq!(blender.transmission_depth, 0.0);
}

#[test]
fn a_coat_without_roughness_has_blenders() {
    for (coat, roughness) in [
        (json!({"clearcoatFactor": 1}), [0.0, 0.03]),
        (json!({"clearcoatFactor": 1, "clearcoatRoughnessFactor": 0.0}), [0.0, 0.0]),
    ] {
        let found = both(&json!({"KHR_materials_clearcoat": coat})).map(|material| material.openpbr.coat_roughness);
        assert_eq!(found, roughness);
    }
}

#[test]
fn specular_glossiness_stands_alone_and_has_a_high_index() {
    let [gltf, blender] = both(&json!({
        "KHR_materials_pbrSpecularGlossiness": {"specularFactor": [0.3, 0.2, 0.1], "glossinessFactor": 0.75},
        "KHR_materials_clearcoat": {"clearcoatFactor": 1},
        "KHR_materials_anisotropy": {"anisotropyStrength": 0.5},
        "KHR_materials_sheen": {"sheenColorFactor": [1, 1, 1]},
    }));
    assert_eq!((gltf.openpbr.coat_weight, gltf.dielectric.f0), (1.0, 1.0));
    assert_eq!((blender.openpbr.coat_weight, blender.openpbr.specular_ior), (0.0, 1000.0));
    assert_eq!((blender.anisotropy, blender.sheen), (Anisotropy::default(), Sheen::default()));
    assert!((blender.dielectric.f0 - 0.996).abs() < 1e-3 && blender.dielectric.color == [0.3, 0.2, 0.1]);
    assert_eq!(blender.openpbr.specular_roughness, 0.25);
}

#[test]
fn vertex_colours_are_bytes() {
    let mut glb = Glb::square();
    let colors = glb.floats("VEC4", &[[0.2_f32, 0.002, 1.0, 0.5]; 4]);
    glb.json["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"] = json!(colors);
    let color = |look| scene(&glb, look).meshes[0].primitives[0].colors[0];
    assert_eq!(color(Look::Gltf).x, 0.2);
    // 0.2 is 123.55 in sRGB's bytes, 0.002 is 6.6; alpha is not encoded.
    let expected = [0.201_556, 0.002_125, 1.0, 0.501_961];
    for (found, expected) in color(Look::Blender50).to_array().into_iter().zip(expected) {
        assert!((found - expected).abs() < 1e-5, "{}", color(Look::Blender50));
    }
}

#[test]
fn brushing_without_a_texture_ignores_texture_coordinates() {
    let anisotropy = json!({"KHR_materials_anisotropy": {"anisotropyStrength": 0.5}});
    let glb = Glb::square()
        .set("/extensionsUsed", json!(["KHR_materials_anisotropy"]))
        .set("/materials/0", json!({"extensions": anisotropy}));
    let tangent = |look| scene(&glb, look).meshes[0].primitives[0].tangents[0].truncate();
    assert_eq!(tangent(Look::Gltf), glam::Vec3::X);
    // The corner (−1, −1, 0) of a square from −1 to 1: around the vertical axis through the middle.
    assert_eq!(tangent(Look::Blender50), glam::Vec3::Z);
}

#[test]
fn blenders_look_leaves_the_tangents_of_the_file_out() {
    let mut glb = Glb::square();
    let tangent = glb.floats("VEC4", &[[0.0_f32, 1.0, 0.0, -1.0]; 4]);
    glb.texture(&png([128, 128, 255, 255]), PNG);
    let glb = glb
        .set("/meshes/0/primitives/0/attributes/TANGENT", json!(tangent))
        .set("/materials/0", json!({"normalTexture": {"index": 0}}));
    let tangents = |look| scene(&glb, look).meshes[0].primitives[0].tangents.clone();
    assert_eq!(tangents(Look::Gltf), [glam::Vec4::new(0.0, 1.0, 0.0, -1.0); 4]);
    // Those of the texture coordinates: u is to the right.
    assert!(tangents(Look::Blender50).iter().all(|t| t.abs_diff_eq(glam::Vec4::new(1.0, 0.0, 0.0, 1.0), 1e-6)));
}

#[test]
fn a_light_without_intensity_is_one_of_ten_watts() {
    let glb = Glb::square()
        .set(
            "/nodes",
            json!([
                {"name": "Part", "mesh": 0},
                {"extensions": {"KHR_lights_punctual": {"light": 0}}},
                {"extensions": {"KHR_lights_punctual": {"light": 1}}},
            ]),
        )
        .set("/scenes/0/nodes", json!([0, 1, 2]))
        .set("/extensionsUsed", json!(["KHR_lights_punctual"]))
        .set(
            "/extensions",
            json!({"KHR_lights_punctual": {"lights": [{"type": "point"}, {"type": "directional", "intensity": 2}]}}),
        );
    let intensities = |look| scene(&glb, look).lights.iter().map(|light| light.intensity[0]).collect::<Vec<_>>();
    assert_eq!(intensities(Look::Gltf), [1.0, 2.0]);
    let blender = intensities(Look::Blender50);
    assert!((blender[0] - 543.514).abs() < 1e-2 && blender[1] == 2.0, "{blender:?}");
}
