//! The node hierarchy, transforms, names, cameras and lights.

use std::time::{Duration, Instant};

use glam::{DAffine3, DMat3, DQuat, DVec3};
use packshot_renderer::import::{ImportOptions, UpAxis, load};
use packshot_renderer::scene::{SceneLightKind, SceneProjection};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::glb::Glb;

fn with_nodes(nodes: Value, roots: Value) -> Glb {
    Glb::square().set("/nodes", nodes).set("/scenes/0/nodes", roots)
}

#[test]
fn paths_are_the_names_from_the_root_and_parts_follow_node_indices() {
    let nodes = json!([
        {"name": "Bolt", "mesh": 0, "translation": [3, 0, 0]},
        {"name": "Assembly", "children": [3, 0]},
        {"name": "Not in the scene", "mesh": 0},
        {"name": "", "children": [4]},
        {"mesh": 0},
    ]);
    let (scene, _) = with_nodes(nodes, json!([1])).scene();
    let parts: Vec<(u32, &str)> = scene.parts.iter().map(|part| (part.node_idx, part.path.as_str())).collect();
    assert_eq!(parts, [(0, "Assembly/Bolt"), (4, "Assembly/Node_3/Node_4")]);
}

#[test]
fn parts_without_usable_name_are_reported() {
    let mut glb = with_nodes(json!([{"mesh": 0, "name": "=>[0:1:1:7]"}]), json!([0]));
    assert_eq!(glb.scene().1, [""; 0], "the mesh has a name");
    glb.json["meshes"][0]["name"] = json!("");
    assert_eq!(glb.scene().1, ["unnamed_part /nodes/0"]);
    glb.json["nodes"][0]["name"] = json!("=>[7");
    assert_eq!(glb.scene().1, [""; 0]);
}

#[test]
fn up_axis_and_unit_scale_apply_below_everything() {
    let nodes = json!([{"name": "A", "mesh": 0, "translation": [1, 2, 3], "camera": 0}]);
    let camera = json!([{"type": "orthographic", "orthographic": {"xmag": 1, "ymag": 2, "znear": 0, "zfar": 1}}]);
    let glb = with_nodes(nodes, json!([0])).set("/cameras", camera);
    let options = ImportOptions { up_axis: UpAxis::Z, unit_scale: 0.001, ..ImportOptions::default() };
    let (scene, report) = load(&glb.bytes(), &options, &|| false).expect("loads");
    let placed = scene.parts[0].world_from_part.transform_point3(DVec3::new(10.0, 20.0, 30.0));
    assert!(placed.abs_diff_eq(DVec3::new(0.011, 0.033, -0.022), 1e-15), "{placed}");
    assert_eq!(scene.cameras[0].projection, SceneProjection::Orthographic { height_m: 0.004 });
    let pose = scene.cameras[0].world_from_camera;
    assert!(
        pose.matrix3.determinant() > 0.999_999 && pose.translation.abs_diff_eq(DVec3::new(0.001, 0.003, -0.002), 1e-15)
    );
    let bounds = report.stats.bounds.expect("there are parts");
    assert!((bounds.diagonal_m() - 0.002 * 2.0_f64.sqrt()).abs() < 1e-9, "{bounds:?}");
}

#[test]
fn the_file_is_turned_about_x_then_y_then_z() {
    let nodes = json!([{"name": "A", "mesh": 0, "translation": [1, 2, 3], "camera": 0}]);
    let camera = json!([{"type": "orthographic", "orthographic": {"xmag": 1, "ymag": 2, "znear": 0, "zfar": 1}}]);
    let bytes = with_nodes(nodes, json!([0])).set("/cameras", camera).bytes();
    let scene = |options: &ImportOptions| load(&bytes, options, &|| false).expect("loads").0;
    let turned = |rotate_deg: [f64; 3]| scene(&ImportOptions { rotate_deg, ..ImportOptions::default() });
    let at = |rotate_deg| turned(rotate_deg).parts[0].world_from_part.translation;
    assert_eq!(at([90.0, 0.0, 0.0]), DVec3::new(1.0, -3.0, 2.0));
    assert_eq!(at([0.0, 90.0, 0.0]), DVec3::new(3.0, 2.0, -1.0));
    assert_eq!(at([0.0, 0.0, 90.0]), DVec3::new(-2.0, 1.0, 3.0));
    assert_eq!(at([90.0, 0.0, 90.0]), DVec3::new(3.0, 1.0, 2.0), "about X first");
    assert_eq!(at([450.0, -360.0, -270.0]), DVec3::new(3.0, 1.0, 2.0));
    let about_all = DMat3::from_rotation_z(0.3) * DMat3::from_rotation_y(-1.9) * DMat3::from_rotation_x(4.0);
    let expected = about_all * DVec3::new(1.0, 2.0, 3.0);
    assert!(at([4.0_f64, -1.9, 0.3].map(f64::to_degrees)).abs_diff_eq(expected, 1e-14));
    assert_eq!(turned([90.0, 0.0, 0.0]).cameras[0].world_from_camera.translation, DVec3::new(1.0, -3.0, 2.0));

    let lying = scene(&ImportOptions { up_axis: UpAxis::Z, ..ImportOptions::default() });
    assert_eq!(lying.parts[0].world_from_part, turned([-90.0, 0.0, 0.0]).parts[0].world_from_part);
    let both = ImportOptions { up_axis: UpAxis::Z, rotate_deg: [90.0, 0.0, 0.0], ..ImportOptions::default() };
    assert_eq!(
        scene(&both).parts[0].world_from_part.translation,
        DVec3::new(1.0, 2.0, 3.0),
        "after the axis that is up"
    );
}

#[test]
fn mirrored_sheared_and_flattened_transforms() {
    let shear = json!([1, 0, 0, 0, 0.5, 1, 0, 0, 0, 0, 1, 0, 7, 0, 0, 1]);
    let nodes = json!([
        {"name": "Mirrored", "mesh": 0, "scale": [-1, 2, 3]},
        {"name": "Sheared", "mesh": 0, "matrix": shear},
        {"name": "Flat", "mesh": 0, "scale": [1, 0, 1]},
        {"name": "Nothing", "mesh": 0, "scale": [0, 0, 0]},
        {"name": "Thin", "mesh": 0, "scale": [1, 1, 1e-4]},
    ]);
    let (scene, found) = with_nodes(nodes, json!([0, 1, 2, 3, 4])).scene();
    let names: Vec<String> = scene.parts.iter().map(|part| part.name()).collect();
    assert_eq!(names, ["Mirrored", "Sheared", "Thin"]);
    assert_eq!(found, ["matrix_not_trs /nodes/1/matrix", "singular_transform /nodes/2", "singular_transform /nodes/3"]);
    assert_eq!(scene.parts[0].world_from_part.matrix3.determinant(), -6.0);
    assert_eq!(scene.parts[1].world_from_part.transform_point3(DVec3::ONE), DVec3::new(8.5, 1.0, 1.0));
}

#[test]
fn graphs_that_are_no_forest_are_refused() {
    let cases = [
        (json!([{"children": [0]}]), "glb.graph /nodes/0/children/0"),
        (json!([{"children": [1]}, {"children": [2]}, {"children": [0]}]), "glb.graph /nodes/2/children/0"),
        (json!([{"children": [1, 1]}, {"mesh": 0}]), "glb.graph /nodes/0/children/1"),
        (json!([{"children": [2]}, {"children": [2]}, {"mesh": 0}]), "glb.graph /nodes/1/children/0"),
        (json!([{"mesh": 0}, {"children": [2]}, {"children": [1]}]), "glb.graph /nodes/2/children/0"),
        (json!([{"children": [7]}]), "glb.reference /nodes/0/children/0"),
        (json!([{"children": [0.5]}]), "glb.schema /nodes/0/children/0"),
        (json!([{"mesh": 0, "rotation": [0, 0, 0, 0]}]), "glb.schema /nodes/0/rotation"),
        (json!([{"mesh": 0, "scale": [1, 1]}]), "glb.schema /nodes/0/scale"),
        (json!([{"mesh": 0, "scale": [1, 1, 1e39]}]), "glb.non_finite /nodes/0/scale/2"),
        (
            json!([{"scale": [1e30, 1, 1], "children": [1]}, {"mesh": 0, "scale": [1e30, 1, 1]}]),
            "glb.non_finite /nodes/1",
        ),
        (json!([{"mesh": 0, "translation": [3e38, 0, 0], "scale": [3e38, 3e38, 3e38]}]), "glb.non_finite /nodes/0"),
        (json!([{"name": "empty"}]), "glb.empty /scenes/0"),
    ];
    for (nodes, expected) in cases {
        assert_eq!(with_nodes(nodes.clone(), json!([0])).refusal(), expected, "{nodes}");
    }
    assert_eq!(with_nodes(json!([{"mesh": 0}]), json!([0, 0])).refusal(), "glb.graph /scenes/0/nodes/1");
}

/// The position of a scene's only part, and the findings.
fn only_part(nodes: &Value, roots: &Value) -> (DVec3, Vec<String>) {
    let (scene, found) = with_nodes(nodes.clone(), roots.clone()).scene();
    assert_eq!(scene.parts.len(), 1, "{nodes} {roots}");
    (scene.parts[0].world_from_part.translation, found)
}

#[test]
fn a_scene_that_lists_a_child_shows_it_once_where_its_parents_put_it() {
    let nodes = json!([
        {"name": "A", "children": [1], "translation": [1, 0, 0]},
        {"name": "B", "children": [2], "translation": [0, 2, 0]},
        {"name": "C", "mesh": 0, "translation": [0, 0, 3]},
    ]);
    let place = DVec3::new(1.0, 2.0, 3.0);
    let names_child = |at: usize| format!("scene_names_child /scenes/0/nodes/{at}");
    assert_eq!(only_part(&nodes, &json!([0])), (place, Vec::new()));
    assert_eq!(only_part(&nodes, &json!([0, 1, 2])), (place, vec![names_child(1), names_child(2)]));
    assert_eq!(only_part(&nodes, &json!([2, 0])), (place, vec![names_child(0)]));
    // Parents outside the scene still place their children, and hide them if they are hidden.
    assert_eq!(only_part(&nodes, &json!([2])), (place, vec![names_child(0)]));
    assert_eq!(only_part(&nodes, &json!([1, 2])), (place, vec![names_child(0), names_child(1)]));
    let hidden = json!({"KHR_node_visibility": {"visible": false}});
    let hidden = with_nodes(nodes, json!([2]))
        .set("/extensionsUsed", json!(["KHR_node_visibility"]))
        .set("/nodes/0/extensions", hidden);
    assert_eq!(hidden.refusal(), "glb.empty /scenes/0");
}

#[test]
fn children_of_a_deep_chain_that_the_scene_does_not_show_are_placed_in_one_walk() {
    // Each node of the chain has a leaf, and the scene lists only the leaves: walking up from each one would take
    // minutes.
    const LENGTH: usize = 60_000;
    let mut nodes: Vec<Value> = (0..LENGTH)
        .map(|at| {
            let next = if at + 1 < LENGTH { json!([LENGTH + at, at + 1]) } else { json!([LENGTH + at]) };
            json!({"children": next, "translation": [0, 0, 1]})
        })
        .collect();
    nodes.extend((0..LENGTH).map(|_| json!({})));
    nodes[2 * LENGTH - 1] = json!({"name": "Leaf", "mesh": 0});
    let leaves: Vec<usize> = (LENGTH..2 * LENGTH).collect();
    let begun = Instant::now();
    let (scene, _) = with_nodes(json!(nodes), json!(leaves)).scene();
    assert_eq!(scene.parts[0].world_from_part.translation.z, LENGTH as f64);
    // One walk takes a second or two; quadratic time would take minutes.
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[test]
fn a_camera_that_nobody_can_look_through_does_not_keep_its_product_from_being_shown() {
    let nodes = json!([{"name": "Part", "mesh": 0, "camera": 0}]);
    for (camera, at) in [
        (json!({"type": "perspective", "perspective": {"yfov": 0, "znear": 0.01}}), "perspective/yfov"),
        (json!({"type": "perspective", "perspective": {"yfov": 3.2, "znear": 0.01}}), "perspective/yfov"),
        (
            json!({"type": "orthographic", "orthographic": {"xmag": 1, "ymag": 0, "znear": 0, "zfar": 1}}),
            "orthographic/ymag",
        ),
    ] {
        let (_, found) = with_nodes(nodes.clone(), json!([0])).set("/cameras", json!([camera])).scene();
        assert_eq!(found, [format!("camera_unusable /cameras/0/{at}")]);
    }
}

#[test]
fn a_chain_of_a_hundred_thousand_nodes_loads() {
    const LENGTH: usize = 100_000;
    let mut nodes: Vec<Value> =
        (1..LENGTH).map(|child| json!({"children": [child], "translation": [0, 0, 1]})).collect();
    nodes.push(json!({"name": "Leaf", "mesh": 0}));
    let (scene, _) = with_nodes(json!(nodes), json!([0])).scene();
    assert_eq!(scene.parts[0].world_from_part.translation.z, (LENGTH - 1) as f64);
    assert!(scene.parts[0].path.starts_with("Node_0/Node_1/") && scene.parts[0].path.ends_with("/Leaf"));
}

proptest! {
    #[test]
    fn a_chain_of_transforms_is_their_product(
        chain in prop::collection::vec(
            (prop::array::uniform3(-9.0..9.0_f64), prop::array::uniform4(0.1..1.0_f64), prop::array::uniform3(0.2..3.0_f64)),
            1..6,
        ),
    ) {
        let mut nodes = Vec::new();
        let mut product = DAffine3::IDENTITY;
        for (at, (translation, rotation, scale)) in chain.iter().enumerate() {
            let rotation = DQuat::from_array(*rotation).normalize();
            product *= DAffine3::from_scale_rotation_translation(DVec3::from(*scale), rotation, DVec3::from(*translation));
            let mut node = json!({"translation": translation, "rotation": rotation.to_array(), "scale": scale});
            if at + 1 < chain.len() {
                node["children"] = json!([at + 1]);
            } else {
                node["mesh"] = json!(0);
            }
            nodes.push(node);
        }
        let (scene, _) = with_nodes(json!(nodes), json!([0])).scene();
        let placed = scene.parts[0].world_from_part;
        let size = product.matrix3.to_cols_array().iter().fold(1.0_f64, |size, value| size.max(value.abs()));
        prop_assert!(placed.abs_diff_eq(product, 1e-12 * size * 100.0), "{placed} is not {product}");
    }
}

#[test]
fn lights_have_the_defaults_of_their_extension_and_ignore_scale() {
    let lights = json!([
        {"type": "point"},
        {"type": "spot", "name": "Spot", "color": [1, 0.5, 0], "intensity": 40, "spot": {"innerConeAngle": 0.1}},
        {"type": "directional", "intensity": 3},
    ]);
    let light = |light: usize| json!({"KHR_lights_punctual": {"light": light}});
    let nodes = json!([
        {"name": "Part", "mesh": 0},
        {"name": "Lamp", "extensions": light(0), "translation": [1, 2, 3], "scale": [2, 2, 2]},
        {"name": "Node", "extensions": light(1)},
        {"name": "Sun", "extensions": light(2)},
        {"name": "Flat", "extensions": light(2), "scale": [0, 0, 0]},
    ]);
    let glb = with_nodes(nodes, json!([0, 1, 2, 3, 4]))
        .set("/extensionsUsed", json!(["KHR_lights_punctual"]))
        .set("/extensions", json!({"KHR_lights_punctual": {"lights": lights}}));
    let (scene, found) = glb.scene();
    assert_eq!(found, [""; 0]);
    let names: Vec<Option<&str>> = scene.lights.iter().map(|light| light.name.as_deref()).collect();
    assert_eq!(names, [Some("Lamp"), Some("Spot"), Some("Sun")]);
    assert_eq!(scene.lights[0].intensity, [1.0; 3]);
    assert_eq!(scene.lights[0].world_from_light, DAffine3::from_translation(DVec3::new(1.0, 2.0, 3.0)));
    assert_eq!(scene.lights[1].intensity, [40.0, 20.0, 0.0]);
    let spot = SceneLightKind::Spot { inner_cone_rad: 0.1, outer_cone_rad: std::f32::consts::FRAC_PI_4 };
    assert_eq!((scene.lights[1].kind, scene.lights[2].kind), (spot, SceneLightKind::Directional));
    let path = "/extensions/KHR_lights_punctual/lights/1";
    let cases = [
        ("/type", json!("area"), "glb.schema", "/type"),
        ("/intensity", json!(-1), "glb.schema", ""),
        ("/spot/outerConeAngle", json!(3), "glb.schema", "/spot/outerConeAngle"),
        ("/spot/innerConeAngle", json!(0.9), "glb.schema", "/spot/innerConeAngle"),
    ];
    for (member, value, code, at) in cases {
        assert_eq!(glb.clone().set(&format!("{path}{member}"), value).refusal(), format!("{code} {path}{at}"));
    }
    let unknown = glb.set("/nodes/1/extensions/KHR_lights_punctual/light", json!(3));
    assert_eq!(unknown.refusal(), "glb.reference /nodes/1/extensions/KHR_lights_punctual/light");
}

#[test]
fn cameras_are_rigid_and_checked() {
    let nodes = json!([
        {"name": "Part", "mesh": 0},
        {"name": "Eye", "camera": 0, "scale": [-2, 3, 4], "rotation": [0, 0.6, 0, 0.8], "translation": [0, 0, 5]},
    ]);
    let cameras = json!([{"type": "perspective", "name": "Main", "perspective": {"yfov": 0.7, "znear": 0.01}}]);
    let glb = with_nodes(nodes, json!([0, 1])).set("/cameras", cameras);
    let (scene, _) = glb.scene();
    let camera = &scene.cameras[0];
    assert_eq!(
        (camera.name.as_deref(), camera.projection),
        (Some("Main"), SceneProjection::Perspective { fov_y_rad: 0.7 })
    );
    let turn = DQuat::from_xyzw(0.0, 0.6, 0.0, 0.8);
    let expected = DAffine3::from_rotation_translation(turn, DVec3::new(0.0, 0.0, 5.0));
    assert!(camera.world_from_camera.abs_diff_eq(expected, 1e-12), "{}", camera.world_from_camera);
    for (pointer, value, at) in [
        ("/cameras/0/type", json!("fisheye"), "/cameras/0/type"),
        ("/cameras/0/type", json!("orthographic"), "/cameras/0/orthographic"),
    ] {
        assert_eq!(glb.clone().set(pointer, value).refusal(), format!("glb.schema {at}"));
    }
}

#[test]
fn extras_name_cad_materials_and_layers() {
    let node = json!({"Layer": "Seals", "weight_kg": 3, "CAD Material": "NBR 70", "material": {"deep": "x"}, "Layers": ["A", 5, "Seals"]});
    let glb = Glb::square()
        .set("/nodes/0/extras", node)
        .set("/meshes/0/extras", json!({"Material_Name": "Steel", "layer": "A"}));
    assert_eq!(glb.scene().0.parts[0].cad_names, ["NBR 70", "Seals", "A", "Steel"]);
    for odd in [json!(5), json!(["material"]), json!({"material": ""}), json!({"material": "x".repeat(300)})] {
        assert_eq!(Glb::square().set("/nodes/0/extras", odd).scene().0.parts[0].cad_names, [""; 0]);
    }
}

#[test]
fn points_and_lines_are_skipped() {
    let mut glb = Glb::square();
    for mode in 0..4 {
        glb.primitive(json!({"attributes": {"POSITION": 0}, "mode": mode}));
    }
    let (scene, found) = glb.scene();
    assert_eq!(scene.meshes[0].primitives.len(), 1);
    let expected = (1..5).map(|primitive| format!("primitive_skipped /meshes/0/primitives/{primitive}"));
    assert_eq!(found, expected.collect::<Vec<_>>());
}
