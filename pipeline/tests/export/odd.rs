//! A scene of everything that files may have and CAD files seldom do: shear, mirrors, parts below parts, equal names,
//! textures with transforms, colours of vertices, masks.

use std::sync::Arc;

use glam::{DAffine3, DMat3, DQuat, DVec3, Vec2, Vec3, Vec4};
use packshot_materials::library::Surface;
use packshot_materials::openpbr::OpenPbr;
use packshot_pipeline::export::{ExportForm, ExportQuality};
use packshot_renderer::export::{LibraryMaterial, Worn, glb};
use packshot_renderer::import::{ImportOptions, load};
use packshot_renderer::scene::{
    AlphaMode, Image, MaterialIdx, MaterialTextures, Mesh, MeshIdx, Part, Primitive, Scene, SceneMaterial, Texture,
    TextureIdx, TextureRef, Wrap,
};

/// A square of a metre, not indexed: each triangle has corners of its own, and a third one has no area.
fn square(material: Option<u32>, with_normals: bool) -> Primitive {
    let corners = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]];
    let n = corners.len();
    Primitive {
        positions: corners.iter().map(|&[x, y]| Vec3::new(x, y, 0.0)).collect(),
        normals: if with_normals { vec![Vec3::Z; n] } else { Vec::new() },
        tangents: if with_normals { vec![Vec4::new(1.0, 0.0, 0.0, 1.0); n] } else { Vec::new() },
        uvs: [corners.iter().map(|&[x, y]| Vec2::new(x, 1.0 - y)).collect(), vec![Vec2::splat(0.5); n]],
        colors: if with_normals { vec![Vec4::new(0.5, 2.0, 0.0, 1.0); n] } else { Vec::new() },
        triangles: vec![[0, 1, 2], [3, 4, 5], [0, 6, 1]],
        material: material.map(MaterialIdx),
    }
}

fn part(node_idx: u32, path: &str, mesh: u32, world_from_part: DAffine3) -> Part {
    let name = path.rsplit('/').next().unwrap_or_default();
    let node_name = (!name.starts_with("Node_")).then(|| name.to_owned());
    Part {
        node_idx,
        path: path.to_owned(),
        node_name,
        mesh_name: Some("Sheet".to_owned()),
        cad_names: Vec::new(),
        mesh: MeshIdx(mesh),
        world_from_part,
    }
}

fn scene() -> Scene {
    let rgba8 = vec![[255, 0, 0, 255], [0, 255, 0, 128], [0, 0, 255, 255], [9, 9, 9, 0]];
    let image = Arc::new(Image { width_px: 2, height_px: 2, rgba8 });
    let textures = vec![
        Texture { image: image.clone(), wrap: [Wrap::Clamp, Wrap::Mirror], nearest: true },
        Texture { image, wrap: [Wrap::Repeat; 2], nearest: false },
    ];
    let at = |texture, uv_set, scale: f32| {
        Some(TextureRef { texture: TextureIdx(texture), uv_set, uv_from_uv: [[scale, 0.0, 0.0], [0.0, scale, 0.25]] })
    };
    let identity = |texture, uv_set| {
        Some(TextureRef { texture: TextureIdx(texture), uv_set, uv_from_uv: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]] })
    };
    let printed = SceneMaterial {
        name: Some("Printed".to_owned()),
        textures: MaterialTextures {
            base_color: at(0, 0, 2.0),
            metallic_roughness: at(1, 1, 1.5),
            normal: identity(1, 0),
            normal_scale: 0.5,
            occlusion: identity(0, 1),
            emission: at(0, 0, 2.0),
            ..MaterialTextures::default()
        },
        openpbr: OpenPbr { emission_luminance: 20.0, emission_color: [0.5, 0.25, 0.0], ..OpenPbr::default() },
        alpha: AlphaMode::Mask { cutoff: 0.3 },
        ..SceneMaterial::default()
    };
    let window = SceneMaterial {
        openpbr: OpenPbr { transmission_weight: 1.0, ..OpenPbr::default() },
        double_sided: true,
        ..SceneMaterial::default()
    };
    let meshes = vec![
        Mesh { primitives: vec![square(Some(0), true), square(None, true), square(Some(1), false)] },
        Mesh { primitives: vec![square(Some(0), true)] },
    ];
    let turned = DAffine3::from_scale_rotation_translation(
        DVec3::new(1.0, 2.0, 0.5),
        DQuat::from_rotation_y(0.7) * DQuat::from_rotation_x(0.3),
        DVec3::new(0.1, -3.0, 7.5),
    );
    let mirrored = DAffine3::from_scale(DVec3::new(1.0, 1.0, -1.0)) * turned;
    let shear = DMat3::from_cols(DVec3::X, DVec3::new(0.5, 1.0, 0.0), DVec3::Z);
    let sheared = DAffine3::from_mat3_translation(shear, DVec3::new(0.0, 1.0, 0.0));
    let mirrored_shear = DAffine3::from_scale(DVec3::new(-1.0, 1.0, 1.0)) * sheared;
    let parts = vec![
        part(1, "Top/Sheet", 0, turned),
        part(3, "Top/Sheet", 0, mirrored),
        part(4, "Top/Sheet/Below", 1, sheared),
        part(5, "Node_5", 1, mirrored_shear),
        part(6, "Lone", 1, sheared),
    ];
    let materials = vec![printed, window];
    Scene::new(Scene { meshes, parts, materials, textures, ..Scene::default() }).expect("a sound scene")
}

/// The file of the scene: its first part in the file's own materials, the second in the library's, and so on.
pub(crate) fn exported(form: ExportForm) -> Vec<u8> {
    let scene = scene();
    let openpbr = OpenPbr { base_color: [0.1, 0.2, 0.3], ..OpenPbr::default() };
    let surface = Surface::default();
    let library = [LibraryMaterial {
        id: "ACME_000001_Grey",
        openpbr: &openpbr,
        surface: &surface,
        has_textures: false,
        priority: 0,
    }];
    let worn = [
        vec![Worn::Own; 3],
        vec![Worn::Library(0), Worn::Unmapped, Worn::Library(0)],
        vec![Worn::Own],
        vec![Worn::Own],
        vec![Worn::Unmapped],
    ];
    glb(&scene, &library, &worn, form, &|| false).expect("small").glb
}

/// The corners of every triangle of a part in the world, in an order that does not depend on how they are stored.
fn corners(scene: &Scene, part: usize) -> Vec<[[i64; 3]; 3]> {
    let part = &scene.parts[part];
    let in_world = |corner: Vec3| {
        let at = part.world_from_part.transform_point3(corner.as_dvec3());
        (at * 1e5).round().to_array().map(|value| value as i64)
    };
    let primitives = &scene.meshes[part.mesh.0 as usize].primitives;
    // A mirror turns the order of corners around.
    let is_mirrored = part.world_from_part.matrix3.determinant() < 0.0;
    let triangles = primitives.iter().flat_map(|primitive| {
        primitive.triangles.iter().map(|&[a, b, c]| {
            let triangle = if is_mirrored { [a, c, b] } else { [a, b, c] };
            let corners = triangle.map(|corner| in_world(primitive.positions[corner as usize]));
            let least = (0..3).min_by_key(|&at| corners[at]).expect("three");
            [0, 1, 2].map(|at| corners[(least + at) % 3])
        })
    });
    let mut all: Vec<_> = triangles.collect();
    // One of the triangles has no area; it is not read.
    all.retain(|[a, b, c]| a != b && b != c && c != a);
    all.sort_unstable();
    all
}

#[test]
fn sheared_mirrored_and_nested_parts_are_where_they_were() {
    let before = scene();
    for quality in [ExportQuality::Low, ExportQuality::Medium, ExportQuality::High] {
        let (after, _) =
            load(&exported(ExportForm::Geometry(quality)), &ImportOptions::default(), &|| false).expect("a sound file");
        assert_eq!(after.parts.len(), before.parts.len());
        for (i, (old, new)) in before.parts.iter().zip(&after.parts).enumerate() {
            // A node without a name gets that of its mesh, under which it was known.
            let path = if i == 3 { "Sheet" } else { old.path.as_str() };
            assert_eq!((new.path.as_str(), new.name()), (path, old.name()), "{quality}");
            let [old, new] = [corners(&before, i), corners(&after, i)];
            if quality == ExportQuality::Low {
                assert!(!new.is_empty() && new.len() <= old.len(), "{quality} {i}");
            } else {
                let differ = old.len() != new.len()
                    || old
                        .as_flattened()
                        .as_flattened()
                        .iter()
                        .zip(new.as_flattened().as_flattened())
                        .any(|(a, b)| (a - b).abs() > 1);
                assert!(!differ, "{quality} {i}: {old:?} {new:?}");
            }
        }
    }
}

#[test]
fn own_materials_keep_their_textures_and_their_coordinates() {
    let (scene, report) =
        load(&exported(ExportForm::default()), &ImportOptions::default(), &|| false).expect("a sound file");
    assert!(report.diagnostics.iter().all(|finding| finding.code != "unsupported_extension"));
    let printed = scene.materials.iter().find(|material| material.name.as_deref() == Some("Printed")).expect("it");
    let textures = &printed.textures;
    assert_eq!((printed.alpha, textures.normal_scale), (AlphaMode::Mask { cutoff: 0.3 }, 0.5));
    assert_eq!(printed.openpbr.emission_color, [1.0, 0.5, 0.0], "as bright as a file without extensions can be");
    let base = textures.base_color.expect("a texture");
    let texture = &scene.textures[base.texture.0 as usize];
    assert_eq!((texture.wrap, texture.nearest), ([Wrap::Clamp, Wrap::Mirror], true));
    assert_eq!(texture.image.rgba8[1], [0, 255, 0, 128]);
    let mesh = &scene.meshes[scene.parts[2].mesh.0 as usize].primitives[0];
    let uvs = &mesh.uvs[base.uv_set as usize];
    let corner = mesh.positions.iter().position(|at| *at == Vec3::new(1.5, 1.0, 0.0)).expect("the sheared corner");
    assert_eq!(uvs[corner], Vec2::new(2.0, 0.25), "(1, 0) twice as large, and moved by a quarter");
}
