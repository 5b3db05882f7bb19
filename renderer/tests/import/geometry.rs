//! Accessors, primitives, and which of them are shared.

use glam::{Vec2, Vec3, Vec4};
use packshot_renderer::import::{ImportOptions, load};
use packshot_renderer::scene::Primitive;
use serde_json::json;

use crate::glb::{F32, Glb, I8, I16, U8, U16, U32};

fn normal_of(primitive: &Primitive, triangle: usize) -> Vec3 {
    let [a, b, c] = primitive.triangles[triangle].map(|corner| primitive.positions[corner as usize]);
    (b - a).cross(c - a).normalize()
}

#[test]
fn a_square_is_read_as_it_is_stored() {
    let (scene, found) = Glb::square().scene();
    assert_eq!(found, [""; 0]);
    let primitive = &scene.meshes[0].primitives[0];
    assert_eq!(primitive.positions[2], Vec3::new(1.0, 1.0, 0.0));
    assert_eq!(primitive.normals, [Vec3::Z; 4]);
    assert_eq!(primitive.uvs[0][0], Vec2::new(0.0, 1.0));
    assert_eq!(primitive.triangles, [[0, 1, 2], [0, 2, 3]]);
    assert!(primitive.uvs[1].is_empty() && primitive.colors.is_empty() && primitive.tangents.is_empty());
    let part = &scene.parts[0];
    assert_eq!((part.name().as_str(), part.path.as_str(), part.mesh_name.as_deref()), ("Part", "Part", Some("Mesh")));
}

#[test]
fn strips_and_fans_keep_their_facing() {
    // Zigzag for the strip, round for the fan; both face +Z.
    let strip = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 2.0, 0.0]];
    let fan = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [-1.0, 1.0, 0.0]];
    for (mode, positions) in [(5, strip), (6, fan)] {
        for is_indexed in [false, true] {
            let mut glb = Glb::empty();
            let position = glb.positions(&positions);
            let mut primitive = json!({"attributes": {"POSITION": position}, "mode": mode});
            if is_indexed {
                primitive["indices"] = json!(glb.indices(&[0, 1, 2, 3, 4]));
            }
            glb.primitive(primitive);
            let primitive = glb.only_primitive();
            assert_eq!(primitive.triangles.len(), 3);
            for triangle in 0..3 {
                assert_eq!(normal_of(&primitive, triangle), Vec3::Z, "mode {mode}, triangle {triangle}");
            }
        }
    }
}

#[test]
fn parts_without_normals_are_smooth_where_it_is_asked_for() {
    // Two squares that meet at 45°, each with vertices of its own.
    let slope = std::f32::consts::FRAC_1_SQRT_2;
    let flat = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]];
    let sloping = [[1.0, 0.0, 0.0], [1.0 + slope, 0.0, slope], [1.0 + slope, 1.0, slope], [1.0, 1.0, 0.0]];
    let mut glb = Glb::empty();
    let position = glb.positions(&[flat, sloping].concat());
    let indices = glb.indices(&[0, 1, 2, 0, 2, 3, 4, 5, 6, 4, 6, 7]);
    glb.primitive(json!({"attributes": {"POSITION": position}, "indices": indices}));
    let read = |smooth_deg: f64| {
        let options = ImportOptions { smooth_deg, ..ImportOptions::default() };
        let (scene, report) = load(&glb.bytes(), &options, &|| false).expect("loads");
        let finding = report.diagnostics.iter().find(|finding| finding.code == "missing_normals").expect("is told");
        (scene.meshes[0].primitives[0].clone(), finding.message.clone())
    };
    let (primitive, message) = read(0.0);
    assert!(primitive.normals.is_empty() && message.contains("is shaded flat"), "{message}");
    let (primitive, message) = read(44.0);
    assert!(message.ends_with("where faces meet at up to 44°"), "{message}");
    assert!(primitive.normals[..4].iter().all(|normal| *normal == Vec3::Z), "{:?}", primitive.normals);
    let (primitive, _) = read(45.0);
    let between = Vec3::new(-1.0, 0.0, 1.0 + 2.0_f32.sqrt()).normalize();
    for (position, normal) in primitive.positions.iter().zip(&primitive.normals) {
        let is_at_the_edge = position.x == 1.0;
        assert_eq!(normal.distance(between) < 0.2, is_at_the_edge, "{normal} at {position}");
    }
    // Normals of the file are unchanged.
    let square = Glb::square();
    let options = ImportOptions { smooth_deg: 180.0, ..ImportOptions::default() };
    let (scene, _) = load(&square.bytes(), &options, &|| false).expect("loads");
    assert_eq!(scene.meshes[0].primitives[0].normals, square.only_primitive().normals);
}

#[test]
fn every_component_type_is_decoded_and_normalized() {
    let cases: [(u32, bool, &[u8], f32); 13] = [
        (I8, false, &[0x85], -123.0),
        (I8, true, &[0x81], -1.0),
        (I8, true, &[0x80], -1.0),
        (I8, true, &[0x7F], 1.0),
        (U8, false, &[200], 200.0),
        (U8, true, &[51], 0.2),
        (U8, true, &[255], 1.0),
        (I16, false, &[0x00, 0x80], -32768.0),
        (I16, true, &[0x00, 0x80], -1.0),
        (U16, false, &[0xFF, 0xFF], 65535.0),
        (U16, true, &[0xFF, 0xFF], 1.0),
        (U16, true, &[0x33, 0x33], 0.2),
        (F32, false, &[0x00, 0x00, 0x20, 0xC1], -10.0),
    ];
    for (component, normalized, bytes, expected) in cases {
        let mut glb = Glb::square().set("/extensionsUsed", json!(["KHR_mesh_quantization"]));
        // Four coordinates with the value on u and zero on v.
        let zero = vec![0; bytes.len()];
        let uvs = [bytes, &zero].concat().repeat(4);
        let uv = glb.accessor(component, "VEC2", 4, &uvs);
        glb.json["accessors"][uv]["normalized"] = json!(normalized);
        let primitive = glb.set("/meshes/0/primitives/0/attributes/TEXCOORD_1", json!(uv)).only_primitive();
        assert_eq!(primitive.uvs[1], [Vec2::new(expected, 0.0); 4], "{component} {normalized} {bytes:?}");
    }
}

#[test]
fn quantized_positions_and_normals_are_decoded() {
    let mut glb = Glb::empty();
    let corners: [[i16; 4]; 3] = [[0, 0, 0, 0], [32767, 0, 0, 0], [0, 32767, -32768, 0]];
    let bytes: Vec<u8> = corners.as_flattened().iter().flat_map(|value| value.to_le_bytes()).collect();
    let position = glb.accessor(I16, "VEC3", 3, &bytes);
    glb.json["accessors"][position]["normalized"] = json!(true);
    glb.json["bufferViews"][0]["byteStride"] = json!(8);
    let normal = glb.accessor(I8, "VEC3", 3, &[0, 127, 0, 0].repeat(3));
    glb.json["accessors"][normal]["normalized"] = json!(true);
    glb.json["bufferViews"][1]["byteStride"] = json!(4);
    glb.primitive(json!({"attributes": {"POSITION": position, "NORMAL": normal}}));
    let (scene, found) = glb.scene();
    let primitive = &scene.meshes[0].primitives[0];
    assert_eq!(primitive.positions, [Vec3::ZERO, Vec3::X, Vec3::new(0.0, 1.0, -1.0)]);
    assert_eq!(primitive.normals, [Vec3::Y; 3]);
    assert!(found.contains(&"extension_not_declared /meshes/0/primitives/0".to_owned()), "{found:?}");
    let declared = glb.set("/extensionsUsed", json!(["KHR_mesh_quantization"])).scene().1;
    assert!(!declared.iter().any(|finding| finding.starts_with("extension_not_declared")), "{declared:?}");
}

#[test]
fn sparse_elements_replace_stored_ones_and_zeros() {
    let sparse = |glb: &mut Glb, indices: &[u8], values: &[[f32; 3]]| {
        let bytes: Vec<u8> = values.as_flattened().iter().flat_map(|value| value.to_le_bytes()).collect();
        let (at, to) = (glb.view(indices), glb.view(&bytes));
        json!({
            "count": indices.len(),
            "indices": {"bufferView": at, "componentType": U8}, "values": {"bufferView": to},
        })
    };
    let mut glb = Glb::square();
    glb.json["accessors"][0]["sparse"] = sparse(&mut glb, &[1, 3], &[[5.0, -1.0, 0.0], [-1.0, 6.0, 0.0]]);
    let positions = glb.only_primitive().positions;
    assert_eq!(positions[1], Vec3::new(5.0, -1.0, 0.0));
    assert_eq!(positions[2], Vec3::new(1.0, 1.0, 0.0));
    assert_eq!(positions[3], Vec3::new(-1.0, 6.0, 0.0));

    let mut zeros = glb.clone();
    let four = [[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [2.0, 2.0, 0.0], [0.0, 2.0, 0.0]];
    zeros.json["accessors"][0]["sparse"] = sparse(&mut zeros, &[1, 2, 3], &four[1..]);
    zeros.json["accessors"][0].as_object_mut().expect("an object").remove("bufferView");
    assert_eq!(zeros.only_primitive().positions, four.map(Vec3::from_array));

    for (indices, expected) in [([1, 4], "/accessors/0/sparse/indices"), ([3, 1], "/accessors/0/sparse/indices")] {
        let mut glb = glb.clone();
        glb.json["accessors"][0]["sparse"] = sparse(&mut glb, &indices, &[[0.0; 3]; 2]);
        assert_eq!(glb.refusal(), format!("glb.sparse {expected}"));
    }
}

#[test]
fn primitives_keep_only_the_vertices_that_they_use() {
    // Two primitives share an array of a thousand vertices; one uses most of it, the other does not.
    let mut glb = Glb::empty();
    let positions: Vec<[f32; 3]> = (0..1000).map(|at| [at as f32, (at % 7) as f32, (at % 3) as f32]).collect();
    let position = glb.positions(&positions);
    let few = glb.indices(&[999, 500, 3]);
    let many: Vec<u16> = (1..1000).collect();
    let many = glb.indices(&many);
    glb.primitive(json!({"attributes": {"POSITION": position}, "indices": few}));
    glb.primitive(json!({"attributes": {"POSITION": position}, "indices": many}));
    let (scene, _) = glb.scene();
    let [few, many] = scene.meshes[0].primitives.as_slice() else { panic!("two primitives") };
    assert_eq!(few.positions, [3, 500, 999].map(|at| Vec3::from_array(positions[at])));
    assert_eq!(few.triangles, [[2, 1, 0]]);
    assert_eq!(many.positions.len(), 999);
    assert_eq!(many.triangles[0], [0, 1, 2]);
    assert_eq!(many.positions[0], Vec3::from_array(positions[1]));
}

#[test]
fn geometry_is_shared_by_accessors_not_by_mesh_objects() {
    let mut glb = Glb::square();
    let mesh = glb.json["meshes"][0].clone();
    glb.push("meshes", mesh.clone());
    let other_material = glb.push("meshes", mesh);
    glb.push("materials", json!({"name": "Brass"}));
    let glb = glb
        .set(&format!("/meshes/{other_material}/primitives/0/material"), json!(1))
        .set(
            "/nodes",
            json!([{"mesh": 0}, {"mesh": 1, "translation": [5, 0, 0]}, {"mesh": 2, "translation": [9, 0, 0]}]),
        )
        .set("/scenes/0/nodes", json!([0, 1, 2]));
    let (scene, report) = glb.load().expect("loads");
    assert_eq!(scene.parts.iter().map(|part| part.mesh.0).collect::<Vec<_>>(), [0, 0, 1]);
    assert_eq!((report.stats.triangles, report.stats.unique_triangles, report.stats.meshes), (6, 2, 2));
    assert_eq!(scene.meshes[0].primitives[0].positions, scene.meshes[1].primitives[0].positions);
    assert_eq!(scene.meshes[1].primitives[0].material.map(|material| material.0), Some(1));
}

#[test]
fn faulty_normals_are_computed_anew() {
    let with_normals = |normals: [[f32; 3]; 4]| {
        let mut glb = Glb::square();
        let normal = glb.floats("VEC3", &normals);
        glb.set("/meshes/0/primitives/0/attributes/NORMAL", json!(normal)).scene()
    };
    let (z, down, zero) = ([0.0, 0.0, 3.0], [0.0, -1.0, 0.0], [0.0; 3]);
    let (scene, found) = with_normals([z, down, zero, z]);
    assert_eq!(scene.meshes[0].primitives[0].normals, [Vec3::Z, Vec3::NEG_Y, Vec3::Z, Vec3::Z]);
    assert_eq!(found, ["zero_normals /accessors/4"]);
    let (scene, found) = with_normals([z, [f32::NAN, 0.0, 0.0], zero, [f32::INFINITY, 0.0, 0.0]]);
    assert_eq!(scene.meshes[0].primitives[0].normals, [Vec3::Z; 4]);
    assert_eq!(found, ["non_finite_values /accessors/4, element 1"]);
    let (scene, found) = with_normals([zero; 4]);
    assert_eq!(scene.meshes[0].primitives[0].normals, []);
    assert_eq!(found, ["zero_normals /accessors/4"]);
}

#[test]
fn colours_and_faulty_values_are_made_usable() {
    let mut glb = Glb::square();
    let color = glb.floats("VEC3", &[[0.5_f32, 2.0, -1.0], [f32::NAN, 0.0, 0.0], [0.0; 3], [1.0; 3]]);
    let uv = glb.floats("VEC2", &[[0.0_f32, 0.0], [f32::INFINITY, 0.0], [1.0, 1.0], [0.0, 1.0]]);
    let glb = glb
        .set("/meshes/0/primitives/0/attributes/COLOR_0", json!(color))
        .set("/meshes/0/primitives/0/attributes/TEXCOORD_1", json!(uv));
    let (scene, found) = glb.scene();
    let primitive = &scene.meshes[0].primitives[0];
    assert_eq!(primitive.colors[..2], [Vec4::new(0.5, 1.0, 0.0, 1.0), Vec4::ONE]);
    assert_eq!(primitive.uvs[1][1], Vec2::ZERO);
    assert_eq!(
        found,
        [
            "non_finite_values /accessors/5, element 1",
            "non_finite_values /accessors/4, element 1",
            "vertex_color_clamped /accessors/4, element 0",
        ]
    );
}

#[test]
fn degenerate_triangles_are_left_out() {
    let mut glb = Glb::square();
    let indices = glb.indices(&[0, 1, 2, 0, 0, 1, 0, 2, 3, 1, 2, 1, 0, 1]);
    let (scene, found) = glb.set("/meshes/0/primitives/0/indices", json!(indices)).scene();
    assert_eq!(scene.meshes[0].primitives[0].triangles, [[0, 1, 2], [0, 2, 3]]);
    assert_eq!(found, ["index_count /meshes/0/primitives/0/indices", "degenerate_triangles /meshes/0/primitives/0"]);
}

#[test]
fn triangles_with_normals_on_both_sides_are_shaded_flat() {
    let mut glb = Glb::square();
    // Of the corner that only the second triangle has.
    let normal = glb.floats("VEC3", &[[0.0_f32, 0.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0], [0.8, 0.0, -0.6]]);
    let glb = glb.set("/meshes/0/primitives/0/attributes/NORMAL", json!(normal));
    let (scene, found) = glb.scene();
    let primitive = &scene.meshes[0].primitives[0];
    let shaded = |triangle: usize| primitive.triangles[triangle].map(|corner| primitive.normals[corner as usize]);
    assert_eq!([shaded(0), shaded(1)], [[Vec3::Z; 3]; 2]);
    assert_eq!(primitive.triangles[0], [0, 1, 2], "its neighbour keeps its own");
    assert_eq!(found, ["normals_astray /meshes/0/primitives/0"]);
}

#[test]
fn accessors_that_do_not_fit_their_use_are_refused() {
    let primitive = "/meshes/0/primitives/0";
    let cases = [
        ("/accessors/3/componentType", json!(F32), "glb.bounds /accessors/3"),
        ("/accessors/1/count", json!(3), "glb.accessor /meshes/0/primitives/0/attributes/NORMAL"),
        ("/accessors/2/type", json!("SCALAR"), "glb.accessor /meshes/0/primitives/0/attributes/TEXCOORD_0"),
        ("/accessors/0/componentType", json!(U32), "glb.accessor /meshes/0/primitives/0/attributes/POSITION"),
        ("/accessors/3/type", json!("VEC2"), "glb.bounds /accessors/3"),
        ("/accessors/3/normalized", json!(true), "glb.accessor /meshes/0/primitives/0/indices"),
        ("/accessors/0/count", json!(5), "glb.bounds /accessors/0"),
        ("/accessors/0/byteOffset", json!(u64::MAX), "glb.bounds /accessors/0"),
        ("/accessors/0/count", json!(1_u64 << 62), "glb.bounds /accessors/0"),
        ("/bufferViews/0/byteStride", json!(8), "glb.bounds /bufferViews/0/byteStride"),
        ("/bufferViews/0/byteLength", json!(u64::MAX), "glb.bounds /bufferViews/0"),
    ];
    for (pointer, value, expected) in cases {
        assert_eq!(Glb::square().set(pointer, value.clone()).refusal(), expected, "{pointer} {value}");
    }
    let mut glb = Glb::square();
    let indices = glb.indices(&[0, 1, 2, 0, 2, 4]);
    assert_eq!(glb.set(&format!("{primitive}/indices"), json!(indices)).refusal(), "glb.index /accessors/4, element 5");
    let mut glb = Glb::square();
    let position = glb.positions(&[[0.0; 3], [0.0; 3], [0.0, f32::NAN, 0.0], [0.0; 3]]);
    let glb = glb.set(&format!("{primitive}/attributes/POSITION"), json!(position));
    assert_eq!(glb.refusal(), "glb.non_finite /accessors/4, element 2");
}

#[test]
fn closed_shells_that_look_inwards_are_reported_and_cavities_are_not() {
    let flipped = |glb: &Glb| glb.scene().1.iter().any(|finding| finding.starts_with("flipped_shell"));
    let outward = Glb::cube();
    assert!(!flipped(&outward));
    let indices: Vec<u16> =
        outward.only_primitive().triangles.iter().flat_map(|&[a, b, c]| [a, c, b]).map(|c| c as u16).collect();
    let mut inward = outward.clone();
    let inward_indices = inward.indices(&indices);
    let inward = inward.set("/meshes/0/primitives/0/indices", json!(inward_indices));
    assert!(flipped(&inward));
    // Without one triangle the surface is open, and inside and outside are undefined.
    let mut open = outward.clone();
    let open_indices = open.indices(&indices[3..]);
    assert!(!flipped(&open.set("/meshes/0/primitives/0/indices", json!(open_indices))));
    // The same inward cube as a cavity: ten times larger walls around it.
    let mut hollow = inward.clone();
    let corners: Vec<[f32; 3]> =
        outward.only_primitive().positions.iter().map(|corner| (*corner * 10.0).to_array()).collect();
    let position = hollow.positions(&corners);
    hollow.primitive(json!({"attributes": {"POSITION": position}, "indices": 1}));
    assert!(!flipped(&hollow));
}

#[test]
fn coincident_faces_are_found_in_a_mesh_and_between_parts() {
    let mut glb = Glb::cube();
    glb.primitive(json!({"attributes": {"POSITION": 0}, "indices": 1}));
    let (_, found) = glb.scene();
    assert!(found.contains(&"coincident_faces /meshes/0/primitives/1".to_owned()), "{found:?}");
    let copies = |shift: f64| {
        let nodes = json!([{"mesh": 0, "name": "A"}, {"mesh": 0, "name": "B", "translation": [shift, 0, 0]}]);
        let glb = Glb::cube().set("/nodes", nodes).set("/scenes/0/nodes", json!([0, 1]));
        glb.scene().1.contains(&"coincident_faces /nodes/1".to_owned())
    };
    assert!(copies(0.0) && copies(1e-8));
    assert!(!copies(0.01));
}
