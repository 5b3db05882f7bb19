//! Materials are read back as they were written.

use std::sync::Arc;

use glam::{DAffine3, DVec3, Vec2, Vec3, Vec4};

use super::*;
use crate::export::{ExportForm, Worn, glb};
use crate::import::{ImportOptions, load};
use crate::scene::{
    Anisotropy, DielectricReflection, DiffuseTransmission, Image, MaterialIdx, MaterialTextures, Mesh, MeshIdx, Part,
    Primitive, Scene, Sheen, Texture, TextureIdx, Wrap,
};

/// A tetrahedron for each material, with all attributes.
fn scene(materials: Vec<SceneMaterial>) -> Scene {
    let corners = [Vec3::ZERO, Vec3::X, Vec3::Y, Vec3::Z];
    let primitive = |material: usize| Primitive {
        positions: corners.to_vec(),
        normals: vec![Vec3::Z; 4],
        tangents: vec![Vec4::new(1.0, 0.0, 0.0, -1.0); 4],
        uvs: [corners.map(|at| Vec2::new(at.x, at.y)).to_vec(), corners.map(|at| Vec2::new(at.y, at.z)).to_vec()],
        colors: Vec::new(),
        triangles: vec![[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]],
        material: Some(MaterialIdx(material as u32)),
    };
    let part = |material: usize| Part {
        node_idx: material as u32,
        path: format!("Part {material}"),
        node_name: Some(format!("Part {material}")),
        mesh_name: None,
        cad_names: Vec::new(),
        mesh: MeshIdx(material as u32),
        world_from_part: DAffine3::from_translation(DVec3::X * 2.0 * material as f64),
    };
    let image = |value: u8| Arc::new(Image { width_px: 1, height_px: 1, rgba8: vec![[value, 99, 7, 255]] });
    let texture = |value: u8| Texture { image: image(value), wrap: [Wrap::Repeat, Wrap::Clamp], nearest: value == 1 };
    let n = materials.len();
    let scene = Scene {
        meshes: (0..n).map(|i| Mesh { primitives: vec![primitive(i)] }).collect(),
        parts: (0..n).map(part).collect(),
        materials,
        textures: (0..18).map(texture).collect(),
        ..Scene::default()
    };
    Scene::new(scene).expect("a sound scene")
}

/// The materials of a file of these materials, as the importer reads them.
fn read_back(materials: Vec<SceneMaterial>) -> Scene {
    let scene = scene(materials);
    let worn: Vec<Vec<Worn>> = scene.parts.iter().map(|_| vec![Worn::Own]).collect();
    let export = glb(&scene, &[], &worn, ExportForm::Production, &|| false).expect("small");
    assert!(export.findings.is_empty(), "the file's own materials come from glTF");
    let (again, report) = load(&export.glb, &ImportOptions::default(), &|| false).expect("a sound file");
    assert!(report.diagnostics.is_empty(), "{:?}", report.diagnostics);
    again
}

/// A material of glTF in which no parameter is neutral, but for those of volumes.
fn everything() -> SceneMaterial {
    let openpbr = OpenPbr {
        base_color: [0.25, 0.5, 0.125],
        base_metalness: 0.25,
        specular_roughness: 0.3,
        specular_ior: 1.7,
        transmission_weight: 0.6,
        coat_weight: 0.7,
        coat_roughness: 0.05,
        coat_ior: 1.5,
        coat_darkening: 0.0,
        thin_film_weight: 0.4,
        thin_film_thickness: 0.35,
        thin_film_ior: 1.9,
        emission_luminance: 20.0,
        emission_color: [1.0, 0.5, 0.0],
        geometry_thin_walled: true,
        ..OpenPbr::default()
    };
    SceneMaterial {
        name: Some("Everything".to_owned()),
        file_idx: Some(0),
        openpbr,
        dielectric: DielectricReflection { f0: (0.7_f32 / 2.7).powi(2), weight: 0.8, color: [1.0, 2.0, 0.5] },
        anisotropy: Anisotropy { strength: 0.6, rotation_rad: 0.3 },
        sheen: Sheen { color: [0.1, 0.2, 0.3], roughness: 0.4 },
        diffuse_transmission: DiffuseTransmission { weight: 0.5, color: [0.9, 0.8, 0.7] },
        thin_film_thickness_min: 0.1,
        alpha: AlphaMode::Mask { cutoff: 0.25 },
        double_sided: true,
        ..SceneMaterial::default()
    }
}

/// Every slot, with coordinates that differ.
fn textured() -> SceneMaterial {
    let (sin, cos) = 0.4_f32.sin_cos();
    let transforms = [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
        [[2.0 * cos, 0.5 * sin, 0.25], [-2.0 * sin, 0.5 * cos, -1.0]],
        [[-1.0, 0.0, 1.0], [0.0, 3.0, 0.0]],
        [[1.0, 0.0, 0.0], [0.0, -1.0, 1.0]],
    ];
    let mut textures = MaterialTextures { normal_scale: 0.5, coat_normal_scale: 2.0, ..MaterialTextures::default() };
    for (i, slot) in textures.slots_mut().into_iter().enumerate() {
        let (uv_set, uv_from_uv) = (u32::from(i % 2 == 0), transforms[i % transforms.len()]);
        *slot = Some(TextureRef { texture: TextureIdx(i as u32), uv_set, uv_from_uv });
    }
    SceneMaterial { textures, alpha: AlphaMode::Blend, ..everything() }
}

#[test]
fn every_parameter_and_every_texture_is_read_back() {
    let scene = read_back(vec![everything(), textured()]);
    for (found, wanted) in scene.materials.iter().zip([everything(), textured()]) {
        let [mut a, mut b] = [found.clone(), wanted.clone()];
        let [a_f0, b_f0] = [a.dielectric.f0, b.dielectric.f0];
        assert!((a_f0 - b_f0).abs() < 1e-6);
        (a.dielectric.f0, a.file_idx) = (b_f0, b.file_idx);
        // Without a texture, the least thickness has no meaning and is not written.
        if b.textures.thin_film_thickness.is_none() {
            b.thin_film_thickness_min = a.thin_film_thickness_min;
        }
        assert!((a.openpbr.thin_film_thickness - b.openpbr.thin_film_thickness).abs() < 1e-6);
        a.openpbr.thin_film_thickness = b.openpbr.thin_film_thickness;
        assert!((a.thin_film_thickness_min - b.thin_film_thickness_min).abs() < 1e-6);
        a.thin_film_thickness_min = b.thin_film_thickness_min;
        for (a, b) in a.textures.slots_mut().into_iter().zip(b.textures.slots_mut()) {
            assert_eq!(a.is_some(), b.is_some());
            let (Some(a), Some(b)) = (a, b) else { continue };
            let texels = |texture: &TextureRef| scene.textures[texture.texture.0 as usize].image.rgba8[0][0];
            assert_eq!(u32::from(texels(a)), b.texture.0, "the same picture");
            // Sets are numbered in the order of their first use.
            let of = |set: u32| &scene.meshes[1].primitives[0].uvs[set as usize];
            let third = of(a.uv_set)[3];
            assert_eq!(third, if b.uv_set == 0 { Vec2::ZERO } else { Vec2::new(0.0, 1.0) }, "the same coordinates");
            for (a, b) in a.uv_from_uv.as_flattened().iter().zip(b.uv_from_uv.as_flattened()) {
                assert!((a - b).abs() < 1e-6, "{a} {b}");
            }
            *a = *b;
        }
        assert_eq!(format!("{a:?}"), format!("{b:?}"));
    }
}

#[test]
fn volumes_scatter_absorb_and_disperse_as_before() {
    let glass = OpenPbr {
        base_color: [1.0; 3],
        specular_roughness: 0.0,
        transmission_weight: 1.0,
        transmission_color: [0.5, 0.8, 0.9],
        transmission_depth: 0.02,
        transmission_dispersion_scale: 1.0,
        transmission_dispersion_abbe_number: 32.0,
        ..OpenPbr::default()
    };
    let milk = OpenPbr { transmission_scatter: [0.5, 0.2, 0.05], transmission_scatter_anisotropy: -0.25, ..glass };
    let clear = OpenPbr { transmission_color: [1.0; 3], transmission_depth: 0.0, ..glass };
    let material = |openpbr| SceneMaterial { openpbr, double_sided: true, ..SceneMaterial::default() };
    let scene = read_back([glass, milk, clear].map(material).to_vec());
    for (found, wanted) in scene.materials.iter().zip([glass, milk, clear]) {
        let mut openpbr = found.openpbr;
        let scatter = openpbr.transmission_scatter;
        for (found, wanted) in scatter.iter().zip(wanted.transmission_scatter) {
            assert!((found - wanted).abs() < 2e-3, "{scatter:?}");
        }
        openpbr.transmission_scatter = wanted.transmission_scatter;
        let mut wanted = wanted;
        wanted.transmission_color = openpbr.transmission_color;
        assert_eq!(format!("{openpbr:?}"), format!("{wanted:?}"));
        assert!(found.is_body() && !found.double_sided, "a body has an inside");
    }
    for (found, wanted) in scene.materials[0].openpbr.transmission_color.iter().zip(glass.transmission_color) {
        assert!((found - wanted).abs() < 1e-6, "{found} {wanted}");
    }
}

#[test]
fn the_unlit_and_those_of_specular_glossiness_stay_what_they_are() {
    let flat = SceneMaterial { unlit: true, ..SceneMaterial::default() };
    let dielectric = DielectricReflection { f0: 1.0, weight: 1.0, color: [0.3, 0.2, 0.1] };
    let glossy = SceneMaterial { dielectric, ..SceneMaterial::default() };
    let scene = read_back(vec![flat, glossy]);
    assert!(scene.materials[0].unlit && !scene.materials[1].unlit);
    assert_eq!(scene.materials[1].dielectric, dielectric);
    assert!(scene.materials[0].textures.all().next().is_none());
}
