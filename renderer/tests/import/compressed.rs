//! Compressed meshes compared with the same meshes uncompressed.

use std::collections::BTreeMap;

use packshot_renderer::import::{ImportOptions, ImportReport, load};
use packshot_renderer::scene::{Primitive, Scene};
use serde_json::{Value, json};

use crate::glb::{Glb, container};

pub(crate) const PLAIN: &[u8] = include_bytes!("fixtures/sheet.glb");
pub(crate) const MESHOPT_V0: &[u8] = include_bytes!("fixtures/sheet_meshopt_v0.glb");
pub(crate) const MESHOPT_V1: &[u8] = include_bytes!("fixtures/sheet_meshopt_v1.glb");
pub(crate) const MESHOPT_FILTERS: &[u8] = include_bytes!("fixtures/sheet_meshopt_filters.glb");
pub(crate) const DRACO_EDGEBREAKER: &[u8] = include_bytes!("fixtures/sheet_draco_edgebreaker.glb");
pub(crate) const DRACO_VALENCE: &[u8] = include_bytes!("fixtures/sheet_draco_valence.glb");
pub(crate) const DRACO_SEQUENTIAL: &[u8] = include_bytes!("fixtures/sheet_draco_sequential.glb");

fn import(bytes: &[u8]) -> (Scene, ImportReport) {
    let (scene, report) = load(bytes, &ImportOptions::default(), &|| false).unwrap_or_else(|error| panic!("{error:?}"));
    // The colours of the fixtures have an alpha that is not used.
    let mut found = report.diagnostics.iter().filter(|finding| finding.code != "alpha_without_blend");
    assert_eq!(found.next(), None);
    (scene, report)
}

fn primitive(scene: &Scene) -> &Primitive {
    assert_eq!((scene.parts.len(), scene.meshes.len(), scene.meshes[0].primitives.len()), (3, 1, 1));
    &scene.meshes[0].primitives[0]
}

/// A file taken apart, edited and reassembled.
fn edited(bytes: &[u8], edit: impl FnOnce(&mut Value, &mut Vec<u8>)) -> Vec<u8> {
    let length = u32::from_le_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]) as usize;
    let mut json = serde_json::from_slice(&bytes[20..20 + length]).expect("the file is sound");
    let mut bin = bytes[28 + length..].to_vec();
    edit(&mut json, &mut bin);
    container(json.to_string().as_bytes(), &bin)
}

fn refusal(bytes: &[u8], edit: impl FnOnce(&mut Value, &mut Vec<u8>)) -> String {
    crate::glb::refusal(&edited(bytes, edit))
}

#[test]
fn meshopt_without_filters_is_exact() {
    let (plain, _) = import(PLAIN);
    let plain_primitive = primitive(&plain);
    for bytes in [MESHOPT_V0, MESHOPT_V1] {
        let (scene, _) = import(bytes);
        let decoded = primitive(&scene);
        assert_eq!(decoded.positions, plain_primitive.positions);
        assert_eq!(decoded.normals, plain_primitive.normals);
        assert_eq!((&decoded.uvs, &decoded.colors), (&plain_primitive.uvs, &plain_primitive.colors));
        // A triangle may start with another corner.
        let turned = |triangles: &[[u32; 3]]| -> Vec<[u32; 3]> {
            let turn = |&[a, b, c]: &[u32; 3]| [[a, b, c], [b, c, a], [c, a, b]].into_iter().min().unwrap_or_default();
            triangles.iter().map(turn).collect()
        };
        assert_eq!(turned(&decoded.triangles), turned(&plain_primitive.triangles));
        for (part, plain) in scene.parts.iter().zip(&plain.parts) {
            assert_eq!(part.world_from_part, plain.world_from_part);
        }
    }
}

#[test]
fn meshopt_filters_keep_their_precision() {
    let (plain, _) = import(PLAIN);
    let (scene, _) = import(MESHOPT_FILTERS);
    let (plain_primitive, decoded) = (primitive(&plain), primitive(&scene));
    let close = |a: &[f32], b: &[f32], tolerance: f32| {
        let worst = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(a.len() == b.len() && worst <= tolerance, "{} and {} values, {worst}", a.len(), b.len());
    };
    let flat = |values: &[glam::Vec3]| values.iter().flat_map(|value| value.to_array()).collect::<Vec<_>>();
    close(&flat(&decoded.positions), &flat(&plain_primitive.positions), 1e-6);
    close(&flat(&decoded.normals), &flat(&plain_primitive.normals), 2e-3);
    let flat = |values: &[glam::Vec2]| values.iter().flat_map(|value| value.to_array()).collect::<Vec<_>>();
    close(&flat(&decoded.uvs[0]), &flat(&plain_primitive.uvs[0]), 1e-5);
    let flat = |values: &[glam::Vec4]| values.iter().flat_map(|value| value.to_array()).collect::<Vec<_>>();
    close(&flat(&decoded.colors), &flat(&plain_primitive.colors), 1.5 / 255.0);
    for (part, plain) in scene.parts.iter().zip(&plain.parts) {
        assert!(part.world_from_part.abs_diff_eq(plain.world_from_part, 1e-4), "{part:?}");
    }
}

/// Triangles by the centroid of their corners, with values for each corner.
fn by_place(primitive: &Primitive) -> BTreeMap<[i32; 3], [[f32; 12]; 3]> {
    let corner = |vertex: u32| {
        let vertex = vertex as usize;
        let (position, normal) = (primitive.positions[vertex], primitive.normals[vertex]);
        let (uv, color) = (primitive.uvs[0][vertex], primitive.colors[vertex]);
        let [r, g, b, a] = color.to_array();
        [position.x, position.y, position.z, normal.x, normal.y, normal.z, uv.x, uv.y, r, g, b, a]
    };
    let entry = |triangle: &[u32; 3]| {
        let middle = triangle.iter().map(|&vertex| primitive.positions[vertex as usize]).sum::<glam::Vec3>() / 3.0;
        // A tenth of the sheet's cells, which have 1/11 and 1/8.
        let key = (middle * 100.0).round().as_ivec3().to_array();
        let mut corners = triangle.map(corner);
        corners.sort_by(|a, b| (a[1] * 1000.0 + a[0]).total_cmp(&(b[1] * 1000.0 + b[0])));
        ([key[0], key[1], 0], corners)
    };
    primitive.triangles.iter().map(entry).collect()
}

#[test]
fn draco_keeps_triangles_and_attributes() {
    let plain = import(PLAIN).0;
    let wanted = by_place(primitive(&plain));
    assert_eq!(wanted.len(), primitive(&plain).triangles.len(), "every triangle has a place of its own");
    // Positions of 14 bits, normals of 10, coordinates of 12; the last is not quantized.
    for (bytes, tolerance) in [(DRACO_EDGEBREAKER, 1e-2), (DRACO_VALENCE, 1e-2), (DRACO_SEQUENTIAL, 0.0)] {
        let scene = import(bytes).0;
        let decoded = by_place(primitive(&scene));
        assert!(decoded.keys().eq(wanted.keys()), "the same triangles");
        for (place, corners) in decoded {
            for (corner, wanted) in corners.iter().zip(wanted[&place]) {
                let worst = corner.iter().zip(wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(worst <= tolerance, "{place:?}: {corner:?}, {wanted:?}");
            }
        }
    }
}

#[test]
fn damaged_streams_are_refused_where_they_stand() {
    let view = |bytes: &[u8], view: usize, edit: &dyn Fn(&mut Value)| {
        refusal(bytes, |json, _| {
            let view = &mut json["bufferViews"][view]["extensions"];
            edit(view.as_object_mut().expect("an object").values_mut().next().expect("the extension"));
        })
    };
    let at = |view: usize, member: &str| format!("/bufferViews/{view}/extensions/EXT_meshopt_compression{member}");
    type Edit = fn(&mut Value);
    let cases: [(usize, Edit, String); 9] = [
        (0, |view| view["mode"] = json!("POINTS"), format!("glb.schema {}", at(0, "/mode"))),
        (0, |view| view["filter"] = json!("MEDIAN"), format!("glb.schema {}", at(0, "/filter"))),
        (0, |view| view["filter"] = json!("QUATERNION"), format!("glb.schema {}", at(0, ""))),
        (4, |view| view["filter"] = json!("EXPONENTIAL"), format!("glb.schema {}", at(4, ""))),
        (0, |view| view["count"] = json!(107), format!("glb.bounds {}", at(0, "/count"))),
        (0, |view| view["count"] = json!(u64::MAX), format!("glb.bounds {}", at(0, "/count"))),
        (0, |view| view["byteLength"] = json!(1 << 20), format!("glb.bounds {}", at(0, ""))),
        (0, |view| view["buffer"] = json!(1), format!("glb.bounds {}", at(0, ""))),
        (1, |view| view["byteLength"] = json!(40), "glb.extension /bufferViews/1/extensions".to_owned()),
    ];
    for (index, edit, expected) in cases {
        assert_eq!(view(MESHOPT_V0, index, &edit), expected);
    }
    let placeholder = refusal(MESHOPT_V0, |json, _| {
        json["bufferViews"][2].as_object_mut().expect("an object").remove("extensions");
    });
    assert_eq!(placeholder, "glb.bounds /bufferViews/2");
    let noise = refusal(DRACO_EDGEBREAKER, |_, bin| bin[40..60].fill(0xA5));
    let draco = "/meshes/0/primitives/0/extensions/KHR_draco_mesh_compression";
    assert_eq!(noise, format!("glb.extension {draco}"));
    let unknown = refusal(DRACO_EDGEBREAKER, |json, _| {
        json["meshes"][0]["primitives"][0]["extensions"]["KHR_draco_mesh_compression"]["attributes"]["NORMAL"] =
            json!(9);
    });
    assert_eq!(unknown, format!("glb.reference {draco}/attributes/NORMAL"));
}

#[test]
fn unpacking_has_a_limit() {
    for bytes in [MESHOPT_V0, DRACO_SEQUENTIAL] {
        let mut options = ImportOptions::default();
        options.limits.unpacked_bytes = 1000;
        let error = load(bytes, &options, &|| false).expect_err("too large");
        assert_eq!(error.code().as_str(), "glb.limit");
        assert!(error.message().contains("unpacked_bytes") || error.message().contains("too large"), "{error}");
    }
    // A description of many elements costs nothing if the stream contains few.
    let many = edited(DRACO_EDGEBREAKER, |json, _| {
        for accessor in 0..4 {
            json["accessors"][accessor]["count"] = json!(4_000_000_000_u32);
        }
    });
    assert_eq!(primitive(&load(&many, &ImportOptions::default(), &|| false).expect("loads").0).positions.len(), 108);
}

#[test]
fn a_file_may_bring_data_for_readers_without_the_extension() {
    // Compressed data wins where both exist.
    let glb = Glb::square().set("/extensionsUsed", json!(["EXT_meshopt_compression"]));
    assert_eq!(glb.refusal(), "loads");
    let garbage =
        json!({"buffer": 0, "byteOffset": 0, "byteLength": 48, "byteStride": 12, "count": 4, "mode": "ATTRIBUTES"});
    let glb = glb.set("/bufferViews/0/extensions", json!({"EXT_meshopt_compression": garbage}));
    assert_eq!(glb.refusal(), "glb.extension /bufferViews/0/extensions");
}
