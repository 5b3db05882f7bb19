//! Oddities that do not stop an import: each is reported once, at its place.

use packshot_renderer::import::{ImportError, ImportOptions, load};
use serde_json::json;

use crate::glb::{Glb, U8};

/// The square with two morph targets that lift it.
fn morphed(weights: &[f64]) -> Glb {
    let mut glb = Glb::square();
    let lift = glb.positions(&[[0.0, 0.0, 1.0]; 4]);
    glb.set("/meshes/0/primitives/0/targets", json!([{"POSITION": lift}, {"POSITION": lift}]))
        .set("/meshes/0/weights", json!(weights))
}

#[test]
fn weights_that_are_not_as_many_as_morph_targets() {
    assert_eq!(morphed(&[0.5, 0.0]).scene().1, [""; 0]);
    assert_eq!(morphed(&[0.5]).scene().1, ["morph_weight_count /meshes/0/weights"]);
    assert_eq!(morphed(&[0.5, 0.0, 1.0]).scene().1, ["morph_weight_count /meshes/0/weights"]);
    let of_node = morphed(&[0.5, 0.0]).set("/nodes/0/weights", json!([1]));
    assert_eq!(of_node.scene().1, ["morph_weight_count /nodes/0/weights"]);
    // Weights of a mesh that has no targets at all.
    assert_eq!(Glb::square().set("/meshes/0/weights", json!([1])).scene().1, ["morph_weight_count /meshes/0/weights"]);
}

#[test]
fn two_channels_that_move_one_thing() {
    let mut glb = Glb::square();
    let input = glb.floats("SCALAR", &[[0.0_f32]]);
    let output = glb.floats("VEC3", &[[1.0_f32, 0.0, 0.0]]);
    let channel = |path: &str| json!({"sampler": 0, "target": {"node": 0, "path": path}});
    let animation = |paths: &[&str]| {
        let channels: Vec<_> = paths.iter().map(|path| channel(path)).collect();
        json!([{"name": "Move", "samplers": [{"input": input, "output": output}], "channels": channels}])
    };
    assert_eq!(glb.clone().set("/animations", animation(&["translation", "scale"])).scene().1, [""; 0]);
    let twice = glb.set("/animations", animation(&["translation", "scale", "translation"]));
    assert_eq!(twice.scene().1, ["animation_channel_twice /animations/0/channels/2"]);
}

#[test]
fn joints_without_weights_and_weights_without_joints() {
    let mut glb = Glb::square();
    let joints = glb.accessor(U8, "VEC4", 4, &[0; 16]);
    let weights = glb.floats("VEC4", &[[1.0_f32, 0.0, 0.0, 0.0]; 4]);
    let attributes = "/meshes/0/primitives/0/attributes";
    let glb = glb
        .set(&format!("{attributes}/JOINTS_0"), json!(joints))
        .set(&format!("{attributes}/WEIGHTS_0"), json!(weights));
    assert_eq!(glb.scene().1, [""; 0]);
    let more_joints = glb.clone().set(&format!("{attributes}/JOINTS_1"), json!(joints));
    assert_eq!(more_joints.scene().1, [format!("skin_set_incomplete {attributes}/JOINTS_1")]);
    let more_weights = glb.set(&format!("{attributes}/WEIGHTS_1"), json!(weights));
    assert_eq!(more_weights.scene().1, [format!("skin_set_incomplete {attributes}/WEIGHTS_1")]);
}

#[test]
fn vertex_colours_outside_their_range() {
    let with = |colors: &[[f32; 3]]| {
        let mut glb = Glb::square();
        let colors = glb.floats("VEC3", colors);
        glb.set("/meshes/0/primitives/0/attributes/COLOR_0", json!(colors))
    };
    assert_eq!(with(&[[1.0, 0.0, 0.5]; 4]).scene().1, [""; 0]);
    let glb = with(&[[1.0, 0.0, 0.5], [1.0, 2.5, 0.5], [-1.0, 0.0, 0.0], [0.0; 3]]);
    assert_eq!(glb.scene().1, ["vertex_color_clamped /accessors/4, element 1"]);
    assert_eq!(glb.only_primitive().colors[1].to_array(), [1.0, 1.0, 0.5, 1.0]);
}

#[test]
fn an_index_that_restarts_primitives_elsewhere() {
    let vertices: Vec<[f32; 3]> = (0..256_u16).map(|at| [0.01 * f32::from(at), f32::from(at % 2), 0.0]).collect();
    let with = |last: u8| {
        let mut glb = Glb::empty();
        let position = glb.positions(&vertices);
        let normal = glb.floats("VEC3", &[[0.0_f32, 0.0, 1.0]; 256]);
        let indices = glb.accessor(U8, "SCALAR", 3, &[0, 1, last]);
        glb.primitive(json!({"attributes": {"POSITION": position, "NORMAL": normal}, "indices": indices}));
        glb.scene().1
    };
    assert_eq!(with(254), [""; 0]);
    assert_eq!(with(255), ["restart_index /accessors/2, element 2"]);
}

fn refused(bytes: &[u8]) -> ImportError {
    load(bytes, &ImportOptions::default(), &|| false).expect_err("is refused")
}

#[test]
fn a_gltf_whose_buffer_has_no_address_is_no_damaged_container() {
    let error = refused(Glb::square().document().to_string().as_bytes());
    assert_eq!((error.code().as_str(), error.at()), ("glb.uri", "/buffers/0"));
    assert!(error.help().contains("data URIs"), "{}", error.help());
}

#[test]
fn messages_have_the_words_of_the_file_and_none_of_the_program() {
    let attributes = "/meshes/0/primitives/0/attributes";
    let mut glb = Glb::square();
    let scalars = glb.floats("SCALAR", &[[0.0_f32]; 4]);
    assert_eq!(
        refused(&glb.clone().set(&format!("{attributes}/NORMAL"), json!(scalars)).bytes()).message(),
        "SCALAR of floats cannot be NORMAL"
    );
    assert_eq!(
        refused(&glb.set("/meshes/0/primitives/0/indices", json!(1)).bytes()).message(),
        "indices must be unsigned integers, not VEC3 of floats"
    );
    // A PNG whose chunks are out of order: its decoder's message contains internal names.
    let mut png = Vec::new();
    let mut writer = png::Encoder::new(&mut png, 2, 2).write_header().expect("a header");
    writer.write_image_data(&[0, 1, 2, 3]).expect("pixels");
    writer.finish().expect("an end");
    for at in 8..png.len() {
        let mut damaged = png.clone();
        damaged[at] ^= 0x20;
        let mut glb = Glb::square();
        let texture = glb.texture(&damaged, "image/png");
        let glb = glb.set("/materials/0/pbrMetallicRoughness", json!({"baseColorTexture": {"index": texture}}));
        if let Err(error) = glb.load() {
            assert!(!error.message().contains(['{', '}']), "{at}: {}", error.message());
        }
    }
}
