//! Materials, textures and their extensions.

use glam::{Vec3, Vec4};
use packshot_renderer::scene::{AlphaMode, SceneMaterial, Wrap};
use serde_json::{Value, json};

use crate::glb::Glb;
use crate::images::{PNG, png};

/// A square with this material and one texture.
fn with_material(material: Value) -> Glb {
    let mut glb = Glb::square().set("/materials/0", material);
    glb.texture(&png([10, 20, 30, 255]), PNG);
    glb
}

fn material(material: Value) -> (SceneMaterial, Vec<String>) {
    let (scene, found) = with_material(material).scene();
    (scene.materials[0].clone(), found)
}

#[test]
fn a_material_without_members_is_a_rough_white_metal() {
    let (material, found) = material(json!({}));
    assert_eq!(found, [""; 0]);
    let openpbr = material.openpbr;
    assert_eq!((openpbr.base_color, openpbr.base_metalness, openpbr.specular_roughness), ([1.0; 3], 1.0, 1.0));
    assert_eq!((openpbr.specular_ior, openpbr.emission_luminance, openpbr.geometry_opacity), (1.5, 0.0, 1.0));
    assert_eq!((material.alpha, material.double_sided, material.unlit), (AlphaMode::Opaque, false, false));
    assert_eq!(material.textures.normal_scale, 1.0);
}

#[test]
fn factors_and_extensions_become_parameters() {
    let (material, found) = material(json!({
        "name": "Lamp",
        "doubleSided": true,
        "alphaMode": "MASK",
        "alphaCutoff": 0.25,
        "emissiveFactor": [1, 0.5, 0],
        "pbrMetallicRoughness": {"baseColorFactor": [0.1, 0.2, 0.3, 0.4], "metallicFactor": 0.5, "roughnessFactor": 0.75},
        "extensions": {
            "KHR_materials_emissive_strength": {"emissiveStrength": 5},
            "KHR_materials_ior": {"ior": 1.33},
            "KHR_materials_unlit": {},
        },
    }));
    let openpbr = material.openpbr;
    assert_eq!((openpbr.base_color, openpbr.base_metalness, openpbr.specular_roughness), ([0.1, 0.2, 0.3], 0.5, 0.75));
    assert_eq!(
        (openpbr.emission_color, openpbr.emission_luminance, openpbr.specular_ior),
        ([1.0, 0.5, 0.0], 5.0, 1.33)
    );
    assert_eq!((openpbr.geometry_opacity, material.alpha), (0.4, AlphaMode::Mask { cutoff: 0.25 }));
    assert!(material.double_sided && material.unlit);
    assert_eq!(found.len(), 3, "three extensions are not declared: {found:?}");
    assert!(found.iter().all(|finding| finding.starts_with("extension_not_declared /materials/0/extensions/")));
}

#[test]
fn values_outside_their_range_are_clamped_or_refused() {
    let cases = [
        (json!({"pbrMetallicRoughness": {"roughnessFactor": -1}}), "/pbrMetallicRoughness/roughnessFactor"),
        (json!({"pbrMetallicRoughness": {"baseColorFactor": [2, 0, 0, 1]}}), "/pbrMetallicRoughness/baseColorFactor"),
        (json!({"emissiveFactor": [0, 0, 9]}), "/emissiveFactor"),
    ];
    for (json, at) in cases {
        assert_eq!(material(json).1, [format!("value_clamped /materials/0{at}")]);
    }
    assert_eq!(material(json!({"pbrMetallicRoughness": {"roughnessFactor": -1}})).0.openpbr.specular_roughness, 0.0);
    let transparent = json!({"pbrMetallicRoughness": {"baseColorFactor": [1, 1, 1, 0.3]}});
    let (opaque, found) = material(transparent);
    assert_eq!((opaque.openpbr.geometry_opacity, found), (1.0, vec!["alpha_without_blend /materials/0".to_owned()]));
    let refused = [
        (json!({"alphaMode": "DITHER"}), "glb.schema /materials/0/alphaMode"),
        (json!({"alphaCutoff": -0.1}), "glb.schema /materials/0/alphaCutoff"),
        (json!({"doubleSided": 1}), "glb.schema /materials/0/doubleSided"),
        (json!({"emissiveFactor": [1, 1]}), "glb.schema /materials/0/emissiveFactor"),
        (json!({"pbrMetallicRoughness": []}), "glb.schema /materials/0/pbrMetallicRoughness"),
        (json!({"normalTexture": {}}), "glb.schema /materials/0/normalTexture/index"),
        (json!({"normalTexture": {"index": 1}}), "glb.reference /materials/0/normalTexture/index"),
        (
            json!({"extensions": {"KHR_materials_sheen": {"sheenColorFactor": [1]}}}),
            "glb.schema /materials/0/extensions/KHR_materials_sheen/sheenColorFactor",
        ),
        (
            json!({"extensions": {"KHR_materials_clearcoat": {"clearcoatTexture": {"index": 9}}}}),
            "glb.reference /materials/0/extensions/KHR_materials_clearcoat/clearcoatTexture/index",
        ),
    ];
    for (json, expected) in refused {
        assert_eq!(with_material(json).refusal(), expected);
    }
}

#[test]
fn texture_transforms_turn_with_v_downwards() {
    let slot = |transform: Value| {
        let texture = json!({"index": 0, "extensions": {"KHR_texture_transform": transform}});
        let glb = with_material(json!({"pbrMetallicRoughness": {"baseColorTexture": texture}}))
            .set("/extensionsUsed", json!(["KHR_texture_transform"]));
        let (scene, found) = glb.scene();
        assert_eq!(found, [""; 0]);
        scene.materials[0].textures.base_color.expect("the texture is there")
    };
    let apply = |rows: [[f32; 3]; 2], u: f32, v: f32| rows.map(|row| row[0] * u + row[1] * v + row[2]);
    assert_eq!(slot(json!({})).uv_from_uv, [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);
    let scaled = slot(json!({"offset": [0.25, 0.5], "scale": [2, 4]})).uv_from_uv;
    assert_eq!(apply(scaled, 1.0, 1.0), [2.25, 4.5]);
    // A quarter turn with offset (0, 1): (u, v) becomes (v, 1 - u).
    let turned = slot(json!({"offset": [0, 1], "rotation": std::f64::consts::FRAC_PI_2})).uv_from_uv;
    let [u, v] = apply(turned, 0.25, 0.75);
    assert!((u - 0.75).abs() < 1e-6 && (v - 0.75).abs() < 1e-6, "{u} {v}");
}

#[test]
fn textures_without_coordinates_are_left_out_where_they_are_missing() {
    // Set 1 by the override of the transform; only the second primitive has it.
    let slot = json!({"index": 0, "texCoord": 0, "extensions": {"KHR_texture_transform": {"texCoord": 1}}});
    let mut glb = with_material(json!({"name": "Print", "pbrMetallicRoughness": {"baseColorTexture": slot}}))
        .set("/extensionsUsed", json!(["KHR_texture_transform"]));
    glb.primitive(json!({"attributes": {"POSITION": 0, "NORMAL": 1, "TEXCOORD_1": 2}, "indices": 3, "material": 0}));
    let (scene, found) = glb.scene();
    assert!(found.contains(&"texcoord_missing /meshes/0/primitives/0/material".to_owned()), "{found:?}");
    let of = |primitive: usize| {
        let material = scene.meshes[0].primitives[primitive].material.expect("a material");
        &scene.materials[material.0 as usize]
    };
    assert_eq!((of(0).name.as_deref(), of(0).textures.base_color), (Some("Print"), None));
    assert_eq!(of(1).textures.base_color.map(|texture| texture.uv_set), Some(1));
    let unread = with_material(json!({"occlusionTexture": {"index": 0, "texCoord": 2}}));
    assert_eq!(unread.scene().1, ["texcoord_missing /materials/0/occlusionTexture/texCoord"]);
}

#[test]
fn samplers_and_shared_images() {
    let slots = json!({
        "normalTexture": {"index": 1, "scale": 0.5}, "emissiveTexture": {"index": 0}, "emissiveFactor": [1, 1, 1],
        "pbrMetallicRoughness": {"metallicRoughnessTexture": {"index": 0}},
    });
    let mut glb = with_material(slots).set("/samplers", json!([{"wrapS": 33071, "wrapT": 33648, "magFilter": 9728}]));
    glb.push("textures", json!({"source": 0, "sampler": 0}));
    let (scene, _) = glb.scene();
    let textures = &scene.materials[0].textures;
    let texture = |slot: Option<packshot_renderer::scene::TextureRef>| {
        &scene.textures[slot.expect("a texture").texture.0 as usize]
    };
    assert_eq!(scene.textures.len(), 2);
    assert_eq!((texture(textures.normal).wrap, texture(textures.normal).nearest), ([Wrap::Clamp, Wrap::Mirror], true));
    assert_eq!((texture(textures.emission).wrap, texture(textures.emission).nearest), ([Wrap::Repeat; 2], false));
    assert!(std::sync::Arc::ptr_eq(&scene.textures[0].image, &scene.textures[1].image));
    assert_eq!(textures.normal_scale, 0.5);
    for (member, value) in [("wrapS", json!(1)), ("magFilter", json!(9984)), ("minFilter", json!(2))] {
        let pointer = format!("/samplers/0/{member}");
        assert_eq!(glb.clone().set(&pointer, value).refusal(), format!("glb.schema {pointer}"));
    }
}

#[test]
fn tangents_are_computed_for_normal_maps_alone() {
    let normal_map = json!({"normalTexture": {"index": 0}});
    assert!(with_material(json!({})).only_primitive().tangents.is_empty());
    // The texture stands upright on the square: u to the right, up in the picture is +Y, so the sign is positive.
    let tangents = with_material(normal_map.clone()).only_primitive().tangents;
    assert_eq!(tangents.len(), 4);
    assert!(tangents.iter().all(|tangent| tangent.abs_diff_eq(Vec4::new(1.0, 0.0, 0.0, 1.0), 1e-6)), "{tangents:?}");

    let mut mirrored = with_material(normal_map.clone());
    let uv = mirrored.floats("VEC2", &[[1.0_f32, 1.0], [0.0, 1.0], [0.0, 0.0], [1.0, 0.0]]);
    let mirrored = mirrored.set("/meshes/0/primitives/0/attributes/TEXCOORD_0", json!(uv)).only_primitive().tangents;
    assert!(mirrored.iter().all(|tangent| tangent.abs_diff_eq(Vec4::new(-1.0, 0.0, 0.0, -1.0), 1e-6)), "{mirrored:?}");

    let mut stored = with_material(normal_map.clone());
    let tangent = stored.floats("VEC4", &[[0.0_f32, 2.0, 0.0, -1.0]; 4]);
    let stored = stored.set("/meshes/0/primitives/0/attributes/TANGENT", json!(tangent)).only_primitive().tangents;
    assert_eq!(stored, [Vec4::new(0.0, 1.0, 0.0, -1.0); 4]);

    // Flat surfaces get vertices of their own, so that normals and tangents can jump.
    let mut flat = with_material(normal_map);
    let attributes = flat.json["meshes"][0]["primitives"][0]["attributes"].as_object_mut().expect("an object");
    attributes.remove("NORMAL");
    let flat = flat.only_primitive();
    assert_eq!((flat.positions.len(), flat.normals.as_slice()), (6, [Vec3::Z; 6].as_slice()));
    assert_eq!(flat.tangents.len(), 6);
}

#[test]
fn extensions_are_reported_where_they_matter() {
    let sheen = json!({"extensions": {"KHR_materials_sheen": {"sheenColorFactor": [1, 1, 1]}}});
    let declared = with_material(sheen.clone()).set("/extensionsUsed", json!(["KHR_materials_sheen", "VENDOR_x"]));
    assert_eq!(declared.scene().1, ["unsupported_extension /extensionsUsed/1"]);
    assert_eq!(with_material(sheen).scene().1, ["extension_not_declared /materials/0/extensions/KHR_materials_sheen"]);
    let required =
        |name: &str| Glb::square().set("/extensionsUsed", json!([name])).set("/extensionsRequired", json!([name]));
    assert_eq!(required("KHR_texture_transform").refusal(), "loads");
    assert_eq!(required("KHR_materials_volume").refusal(), "loads");
    assert_eq!(required("VENDOR_x").refusal(), "glb.extension /extensionsRequired/0");
    let draco = "KHR_draco_mesh_compression";
    let compressed = required(draco).set("/meshes/0/primitives/0/extensions", json!({draco: {}}));
    assert_eq!(compressed.refusal(), format!("glb.schema /meshes/0/primitives/0/extensions/{draco}/bufferView"));
}
