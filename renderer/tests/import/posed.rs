//! What a caller may choose: variants and poses of animations; and what nodes do with their meshes: copies, visibility,
//! skins, morph targets.

use glam::{DAffine3, DVec3, Vec3};
use packshot_renderer::import::{ImportOptions, ImportReport, Pose, load};
use packshot_renderer::look::Look;
use packshot_renderer::scene::{Part, Scene};
use serde_json::{Value, json};

use crate::glb::{F32, Glb, I16, U8, U16};

fn with(glb: &Glb, options: &ImportOptions) -> (Scene, ImportReport) {
    load(&glb.bytes(), options, &|| false).unwrap_or_else(|error| panic!("{error:?}"))
}

fn refused(glb: &Glb, options: &ImportOptions) -> (String, String) {
    let error = load(&glb.bytes(), options, &|| false).expect_err("is refused");
    (format!("{} {}", error.code().as_str(), error.at()), error.message().to_owned())
}

fn at(animation: Option<&str>, time_s: f64) -> ImportOptions {
    ImportOptions { pose: Some(Pose { animation: animation.map(str::to_owned), time_s }), ..ImportOptions::default() }
}

fn scalars(glb: &mut Glb, values: &[f32]) -> usize {
    glb.floats("SCALAR", &values.iter().map(|&value| [value]).collect::<Vec<_>>())
}

#[test]
fn variants_change_materials() {
    let mappings = json!({"mappings": [
        {"material": 1, "variants": [0, 2]}, {"material": 0, "variants": [1]}, {"material": 0, "variants": [2]},
    ]});
    let glb = Glb::square()
        .set("/materials", json!([{"name": "Steel"}, {"name": "Walnut"}]))
        .set("/extensionsUsed", json!(["KHR_materials_variants"]))
        .set(
            "/extensions",
            json!({"KHR_materials_variants": {"variants": [{"name": "A"}, {"name": "B"}, {"name": "C"}]}}),
        )
        .set("/meshes/0/primitives/0/extensions", json!({"KHR_materials_variants": mappings}));
    let shown = |variant: Option<&str>| {
        let options = ImportOptions { variant: variant.map(str::to_owned), ..ImportOptions::default() };
        let (scene, report) = with(&glb, &options);
        assert_eq!(report.diagnostics, []);
        assert_eq!(
            (report.choices.variants, report.choices.variant.as_deref()),
            (vec!["A".into(), "B".into(), "C".into()], variant)
        );
        let material = scene.meshes[0].primitives[0].material.expect("a material");
        scene.materials[material.0 as usize].name.clone().expect("a name")
    };
    assert_eq!([None, Some("A"), Some("B"), Some("C")].map(shown), ["Steel", "Walnut", "Steel", "Walnut"]);
    let options = ImportOptions { variant: Some("D".into()), ..ImportOptions::default() };
    let (code, message) = refused(&glb, &options);
    assert_eq!(code, "glb.variant /extensions/KHR_materials_variants/variants");
    assert!(message.ends_with("the file has 'A', 'B', 'C'"), "{message}");
    assert!(refused(&Glb::square(), &options).1.ends_with("the file has no variant"));
    let nameless = glb.set("/extensions/KHR_materials_variants/variants/1", json!({}));
    assert_eq!(nameless.refusal(), "glb.schema /extensions/KHR_materials_variants/variants/1/name");
}

#[test]
fn hidden_nodes_hide_what_is_below_them() {
    let hidden = |is_visible: Value| json!({"KHR_node_visibility": is_visible});
    let light = json!({"KHR_lights_punctual": {"light": 0}});
    let glb = Glb::square()
        .set("/extensionsUsed", json!(["KHR_node_visibility", "KHR_lights_punctual"]))
        .set("/extensions", json!({"KHR_lights_punctual": {"lights": [{"type": "point"}]}}))
        .set("/cameras", json!([{"type": "perspective", "perspective": {"yfov": 1, "znear": 0.1}}]))
        .set("/scenes/0/nodes", json!([0, 1]))
        .set(
            "/nodes",
            json!([
                {"mesh": 0, "name": "Shown", "extensions": hidden(json!({}))},
                {"name": "Hidden", "children": [2, 3], "extensions": hidden(json!({"visible": false}))},
                {"mesh": 0, "name": "Below", "extensions": hidden(json!({"visible": true}))},
                {"name": "Lamp", "camera": 0, "extensions": light},
            ]),
        );
    let (scene, found) = glb.scene();
    assert_eq!(scene.parts.iter().map(Part::name).collect::<Vec<_>>(), ["Shown"]);
    assert_eq!((scene.lights.len(), scene.cameras.len()), (0, 1), "a camera in a hidden node can still be used");
    assert_eq!(found, ["node_hidden /nodes/2"]);
    let wrong = glb.set("/nodes/0/extensions", hidden(json!({"visible": 1})));
    assert_eq!(wrong.refusal(), "glb.schema /nodes/0/extensions/KHR_node_visibility/visible");
}

#[test]
fn copies_of_a_mesh_are_parts() {
    let mut glb = Glb::square().set("/extensionsUsed", json!(["EXT_mesh_gpu_instancing"]));
    let translation = glb.floats("VEC3", &[[0.0, 0.0, 0.0], [5.0, 0.0, 0.0], [0.0, 0.0, 7.0]]);
    let half = std::f32::consts::FRAC_1_SQRT_2;
    let rotation = glb.floats("VEC4", &[[0.0, 0.0, 0.0, 1.0], [0.0, 0.0, half, half], [0.0, 0.0, 0.0, 3.0]]);
    let scale = glb.floats("VEC3", &[[1.0; 3], [2.0; 3], [0.5; 3]]);
    let attributes = json!({"TRANSLATION": translation, "ROTATION": rotation, "SCALE": scale, "_ID": 99});
    let instancing = |attributes: Value| json!({"EXT_mesh_gpu_instancing": {"attributes": attributes}});
    let glb =
        glb.set("/nodes/0/translation", json!([0, 1, 0])).set("/nodes/0/extensions", instancing(attributes.clone()));
    let (scene, found) = glb.scene();
    assert_eq!((scene.meshes.len(), scene.parts.len(), found.len()), (1, 3, 0), "{found:?}");
    let places = scene.parts.iter().map(|part| part.world_from_part.transform_point3(DVec3::X));
    let expected = [DVec3::new(1.0, 1.0, 0.0), DVec3::new(5.0, 3.0, 0.0), DVec3::new(0.5, 1.0, 7.0)];
    for (place, expected) in places.zip(expected) {
        assert!(place.abs_diff_eq(expected, 1e-6), "{place} {expected}");
    }
    assert!(scene.parts.iter().all(|part| (part.path.as_str(), part.node_idx) == ("Part", 0)));
    // Attributes of an application's own do not place copies.
    let unplaced = glb.clone().set("/nodes/0/extensions", instancing(json!({"_ID": 0})));
    assert_eq!(unplaced.scene().0.parts.len(), 1);

    let mut options = ImportOptions::default();
    options.limits.instances = 2;
    assert_eq!(refused(&glb, &options).0, "glb.limit /nodes/0");
    let uneven = glb.clone().set("/nodes/0/extensions", instancing(json!({"TRANSLATION": translation, "SCALE": 0})));
    assert_eq!(uneven.refusal(), "glb.accessor /nodes/0");
    let missing = glb.clone().set("/nodes/0/extensions", instancing(json!({"SCALE": 99})));
    let at = "/nodes/0/extensions/EXT_mesh_gpu_instancing/attributes/SCALE";
    assert_eq!(missing.refusal(), format!("glb.reference {at}"));
    let mut broken = glb;
    let rotation = broken.floats("VEC4", &[[0.0_f32; 4]]);
    let broken = broken.set("/nodes/0/extensions", instancing(json!({"ROTATION": rotation})));
    assert_eq!(broken.refusal(), format!("glb.schema /accessors/{rotation}, element 0"));
}

/// A square with an animation of its node: channels of path, interpolation, times and values.
fn animated(path: &str, interpolation: &str, times: &[f32], values: &[[f32; 4]]) -> Glb {
    let mut glb = Glb::square();
    let input = scalars(&mut glb, times);
    let output = match path {
        "rotation" => glb.floats("VEC4", values),
        _ => glb.floats("VEC3", &values.iter().map(|&[x, y, z, _]| [x, y, z]).collect::<Vec<_>>()),
    };
    glb.json["animations"] = json!([
        {"name": "Other", "channels": [], "samplers": []},
        {"name": "Move", "samplers": [{"input": input, "output": output, "interpolation": interpolation}],
         "channels": [{"sampler": 0, "target": {"node": 0, "path": path}}]},
    ]);
    glb
}

fn moved(glb: &Glb, time_s: f64) -> DAffine3 {
    let (scene, report) = with(glb, &at(Some("Move"), time_s));
    assert_eq!((report.diagnostics, report.choices.animation), (Vec::new(), Some(1)));
    scene.parts[0].world_from_part
}

#[test]
fn every_interpolation_gives_its_moments() {
    let times = [1.0, 2.0, 4.0];
    let steps = [[0.0, 0.0, 0.0, 0.0], [10.0, 0.0, 0.0, 0.0], [30.0, 8.0, 0.0, 0.0]];
    let linear = animated("translation", "LINEAR", &times, &steps);
    let step = animated("translation", "STEP", &times, &steps);
    for (time_s, linear_x, step_x) in
        [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (1.25, 2.5, 0.0), (2.0, 10.0, 10.0), (3.0, 20.0, 10.0), (9.0, 30.0, 30.0)]
    {
        assert_eq!(moved(&linear, time_s).translation.x, linear_x, "linear at {time_s}");
        assert_eq!(moved(&step, time_s).translation.x, step_x, "steps at {time_s}");
    }
    // A cubic through its values with slopes per second: x = t³ from 0 to 2 has slopes 0 and 12.
    let cubic = [[0.0; 4], [0.0; 4], [0.0; 4], [12.0, 0.0, 0.0, 0.0], [8.0, 0.0, 0.0, 0.0], [0.0; 4]];
    let cubic = animated("translation", "CUBICSPLINE", &[0.0, 2.0], &cubic);
    for time_s in [0.0, 0.5, 1.0, 1.5, 2.0, 3.0] {
        let expected = f64::powi(time_s, 3).min(8.0);
        assert!((moved(&cubic, time_s).translation.x - expected).abs() < 1e-6, "at {time_s}");
    }
    let half = std::f32::consts::FRAC_1_SQRT_2;
    // A quarter turn about Z, the second quaternion of the other sign: the shorter arc is still the quarter turn.
    let turn = animated("rotation", "LINEAR", &[0.0, 1.0], &[[0.0, 0.0, 0.0, 1.0], [0.0, 0.0, -half, -half]]);
    for time_s in [0.25_f64, 0.5, 1.0] {
        let (sin, cos) = (time_s * std::f64::consts::FRAC_PI_2).sin_cos();
        let x = moved(&turn, time_s).transform_vector3(DVec3::X);
        assert!(x.abs_diff_eq(DVec3::new(cos, sin, 0.0), 1e-6), "at {time_s}: {x}");
    }
    assert_eq!(moved(&animated("scale", "LINEAR", &[0.0, 1.0], &[[1.0; 4], [3.0; 4]]), 0.5).matrix3.x_axis.x, 2.0);
}

/// Exporters that round times, such as Sketchfab's, write the same one twice.
#[test]
fn of_keyframes_at_the_same_time_the_last_one_holds() {
    let steps = [0.0, 10.0, 20.0, 30.0].map(|x| [x, 0.0, 0.0, 0.0]);
    for interpolation in ["LINEAR", "STEP"] {
        let glb = animated("translation", interpolation, &[0.0, 1.0, 1.0, 2.0], &steps);
        let halfway = if interpolation == "LINEAR" { [5.0, 25.0] } else { [0.0, 20.0] };
        for (time_s, x) in [(0.0, 0.0), (0.5, halfway[0]), (1.0, 20.0), (1.5, halfway[1]), (2.0, 30.0)] {
            assert_eq!(moved(&glb, time_s).translation.x, x, "{interpolation} at {time_s}");
        }
    }
    let at_once = animated("translation", "LINEAR", &[1.0; 4], &steps);
    assert_eq!([0.0, 1.0, 2.0].map(|time_s| moved(&at_once, time_s).translation.x), [0.0, 30.0, 30.0]);
}

#[test]
fn animations_are_chosen_by_name() {
    let glb = animated("translation", "LINEAR", &[0.5, 2.5], &[[1.0; 4], [2.0; 4]]);
    let (scene, report) = with(&glb, &ImportOptions::default());
    assert_eq!(scene.parts[0].world_from_part, DAffine3::IDENTITY, "nothing moves unless asked");
    let infos: Vec<_> = report.choices.animations.iter().map(|info| (info.name.as_str(), info.duration_s)).collect();
    assert_eq!((infos, report.choices.animation), (vec![("Other", 0.0), ("Move", 2.5)], None));
    assert_eq!(with(&glb, &at(None, 1.0)).1.choices.animation, Some(0), "the first one where none is named");
    let (code, message) = refused(&glb, &at(Some("Spin"), 1.0));
    assert_eq!(code, "glb.animation /animations");
    assert!(message.ends_with("the file has 'Other', 'Move'"), "{message}");
    assert_eq!(refused(&Glb::square(), &at(None, 0.0)).1, "the file has no animation");
}

#[test]
fn in_blenders_look_the_first_animation_begins() {
    let glb = animated("translation", "LINEAR", &[0.5, 2.5], &[[1.0; 4], [2.0; 4]]);
    let shown = |glb: &Glb, pose: Option<Pose>| {
        let (scene, report) = with(glb, &ImportOptions { pose, look: Look::Blender50, ..ImportOptions::default() });
        (report.choices.animation, scene.parts[0].world_from_part.translation)
    };
    assert_eq!(shown(&glb, None), (Some(0), DVec3::ZERO), "the first one moves nothing");
    let mut moving = glb.clone();
    moving.json["animations"].as_array_mut().expect("animations").swap(0, 1);
    assert_eq!(shown(&moving, None), (Some(0), DVec3::ONE));
    assert_eq!(shown(&moving, at(None, 2.5).pose), (Some(0), DVec3::splat(2.0)), "as asked");
    assert_eq!(shown(&Glb::square(), None), (None, DVec3::ZERO), "there is none");
}

#[test]
fn animations_that_do_not_fit_are_refused() {
    let glb = animated("translation", "LINEAR", &[0.0, 1.0], &[[1.0; 4], [2.0; 4]]);
    let sampler = "/animations/1/samplers/0";
    let cases = [
        (format!("{sampler}/interpolation"), json!("SPLINE"), format!("glb.schema {sampler}/interpolation")),
        (format!("{sampler}/input"), json!(1), format!("glb.accessor {sampler}/input")),
        (format!("{sampler}/output"), json!(0), "glb.accessor /animations/1/channels/0/sampler".to_owned()),
        (format!("{sampler}/output"), json!(99), format!("glb.reference {sampler}/output")),
        ("/animations/1/channels/0/sampler".into(), json!(1), "glb.reference /animations/1/channels/0/sampler".into()),
        (
            "/animations/1/channels/0/target/node".into(),
            json!(7),
            "glb.reference /animations/1/channels/0/target/node".into(),
        ),
    ];
    for (pointer, value, expected) in cases {
        assert_eq!(glb.clone().set(&pointer, value).refusal(), expected);
    }
    let pointer = glb.clone().set("/animations/1/channels/0/target/path", json!("pointer"));
    assert_eq!(pointer.scene().1, ["unsupported_feature /animations/1/channels/0/target/path"]);
    let backwards = animated("translation", "LINEAR", &[1.0, 0.5], &[[1.0; 4], [2.0; 4]]);
    assert_eq!(refused(&backwards, &at(Some("Move"), 0.5)).0, "glb.accessor /accessors/4, element 1");
    let infinite = animated("translation", "LINEAR", &[0.0, 1.0], &[[1.0; 4], [f32::INFINITY; 4]]);
    assert_eq!(refused(&infinite, &at(Some("Move"), 0.5)).0, "glb.non_finite /accessors/5, element 1");
    let still = animated("rotation", "STEP", &[0.0], &[[0.0; 4]]);
    assert_eq!(refused(&still, &at(Some("Move"), 0.0)).0, "glb.schema /accessors/5");
    let matrix = glb.set("/nodes/0/matrix", json!([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]));
    let (_, report) = with(&matrix, &at(Some("Move"), 0.5));
    assert_eq!(report.diagnostics[0].code, "animation_ignored");
}

/// The square with two morph targets: one lifts its upper edge, the other, sparse, one corner, with its normal.
fn morphed() -> Glb {
    let mut glb = Glb::square();
    let lift = glb.floats("VEC3", &[[0.0_f32; 3], [0.0; 3], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]);
    let normals = glb.floats("VEC3", &[[0.0_f32; 3], [0.0; 3], [0.0, -1.0, 0.0], [0.0, -1.0, 0.0]]);
    let (element, value) = (
        glb.view(&[2]),
        glb.view(&[[2.0_f32, 0.0, 0.0]].as_flattened().iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>()),
    );
    let sparse = glb.push(
        "accessors",
        json!({"componentType": F32, "count": 4, "type": "VEC3", "sparse": {
            "count": 1, "indices": {"bufferView": element, "componentType": U8}, "values": {"bufferView": value},
        }}),
    );
    glb.set("/meshes/0/primitives/0/targets", json!([{"POSITION": lift, "NORMAL": normals}, {"POSITION": sparse}]))
}

#[test]
fn morph_targets_are_added_with_their_weights() {
    let positions = |glb: &Glb| glb.only_primitive().positions;
    let flat = positions(&Glb::square());
    assert_eq!(positions(&morphed()), flat, "without weights nothing moves");
    let mesh = morphed().set("/meshes/0/weights", json!([0.5, 2]));
    let primitive = mesh.only_primitive();
    assert_eq!(primitive.positions[2], Vec3::new(5.0, 1.0, 0.5));
    assert_eq!((primitive.positions[0], primitive.positions[3]), (flat[0], Vec3::new(-1.0, 1.0, 0.5)));
    assert!(primitive.normals[2].abs_diff_eq(Vec3::new(0.0, -0.5, 1.0).normalize(), 1e-6), "{:?}", primitive.normals);
    // The weights of a node override those of the mesh, and may be too few or too many.
    let node = mesh.clone().set("/nodes/0/weights", json!([1]));
    assert_eq!(positions(&node)[2], Vec3::new(1.0, 1.0, 1.0));
    assert_eq!(positions(&node.set("/nodes/0/weights", json!([0, 0, 1]))), flat);

    // Two nodes that pose a mesh differently have different meshes, two that pose it equally share one.
    let nodes = json!([{"mesh": 0, "name": "A"}, {"mesh": 0, "name": "B", "weights": [1, 0]}, {"mesh": 0, "name": "C", "weights": [1, 0]}]);
    let scene = mesh.clone().set("/nodes", nodes).set("/scenes/0/nodes", json!([0, 1, 2])).scene().0;
    let shown: Vec<u32> = scene.parts.iter().map(|part| part.mesh.0).collect();
    assert_eq!(shown, [0, 1, 1]);

    let mut animated = mesh.clone();
    let (input, output) = (scalars(&mut animated, &[0.0, 1.0]), scalars(&mut animated, &[0.0, 0.0, 1.0, 0.5]));
    animated.json["animations"] = json!([{
        "name": "Move", "samplers": [{"input": input, "output": output}],
        "channels": [{"sampler": 0, "target": {"node": 0, "path": "weights"}}],
    }]);
    let (scene, _) = with(&animated, &at(None, 0.5));
    assert_eq!(scene.meshes[0].primitives[0].positions[2], Vec3::new(1.5, 1.0, 0.5));

    let short = morphed().set("/meshes/0/primitives/0/targets/0/POSITION", json!(3));
    assert_eq!(short.refusal(), "glb.accessor /meshes/0/primitives/0/targets/0/POSITION");
    let mut options = ImportOptions::default();
    options.limits.posed_values = 7;
    assert_eq!(refused(&mesh, &options).0, "glb.limit /meshes/0/primitives/0");
}

/// The square bound to two joints, the lower edge to the first, the upper to the second, which stands at +Y on the
/// first.
fn skinned(component: u32, weights: &[[f32; 4]; 4]) -> Glb {
    let mut glb = Glb::square();
    let rows = [[0_u16, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]];
    let bytes: Vec<u8> = match component {
        U8 => rows.as_flattened().iter().map(|&joint| joint as u8).collect(),
        _ => rows.as_flattened().iter().flat_map(|joint| joint.to_le_bytes()).collect(),
    };
    let joints = glb.accessor(component, "VEC4", 4, &bytes);
    let weights = glb.floats("VEC4", weights);
    // The joints were bound at the origin and at (0, 1, 0).
    let mut matrices = [[0.0_f32; 16]; 2];
    for (at, matrix) in matrices.iter_mut().enumerate() {
        (matrix[0], matrix[5], matrix[10], matrix[15], matrix[13]) = (1.0, 1.0, 1.0, 1.0, -(at as f32));
    }
    let matrices = glb.floats("MAT4", &matrices);
    glb.set("/meshes/0/primitives/0/attributes/JOINTS_0", json!(joints))
        .set("/meshes/0/primitives/0/attributes/WEIGHTS_0", json!(weights))
        .set("/skins", json!([{"joints": [1, 2], "inverseBindMatrices": matrices}]))
        .set("/scenes/0/nodes", json!([0, 1]))
        .set("/nodes", json!([
            {"mesh": 0, "skin": 0, "name": "Skin", "translation": [100, 0, 0]},
            {"name": "Root", "children": [2], "translation": [10, 0, 0]},
            {"name": "Tip", "translation": [0, 1, 0], "rotation": [0, 0, std::f64::consts::FRAC_1_SQRT_2, std::f64::consts::FRAC_1_SQRT_2]},
        ]))
}

const ONE: [[f32; 4]; 4] = [[1.0, 0.0, 0.0, 0.0]; 4];

#[test]
fn joints_carry_vertices() {
    for component in [U8, U16] {
        let (scene, found) = skinned(component, &ONE).scene();
        assert_eq!(found, [""; 0]);
        let (part, primitive) = (&scene.parts[0], &scene.meshes[0].primitives[0]);
        let world = |at: usize| part.world_from_part.transform_point3(primitive.positions[at].as_dvec3());
        // The node's own transform is ignored. The lower corners follow the root, the upper ones rotate by a quarter
        // turn about the tip.
        assert!(world(0).abs_diff_eq(DVec3::new(9.0, -1.0, 0.0), 1e-5), "{}", world(0));
        assert!(world(2).abs_diff_eq(DVec3::new(10.0, 2.0, 0.0), 1e-5), "{}", world(2));
        assert!(world(3).abs_diff_eq(DVec3::new(10.0, 0.0, 0.0), 1e-5), "{}", world(3));
        assert!(primitive.normals.iter().all(|normal| normal.abs_diff_eq(Vec3::Z, 1e-6)));
    }
    // Weights are distributed, and scaled if they do not add up to one.
    let mut half = ONE;
    half[2] = [0.25, 0.25, 0.0, 0.0];
    let scene = skinned(U8, &half).scene().0;
    let part = &scene.parts[0];
    let middle = part.world_from_part.transform_point3(scene.meshes[0].primitives[0].positions[2].as_dvec3());
    assert!(middle.abs_diff_eq(DVec3::new(10.5, 1.5, 0.0), 1e-5), "{middle}");
}

#[test]
fn skins_that_do_not_fit_are_refused_or_told() {
    let glb = skinned(U8, &ONE);
    let cases = [
        ("/skins/0/joints", json!([]), "glb.schema /skins/0/joints"),
        ("/skins/0/joints", json!([1, 9]), "glb.reference /skins/0/joints/1"),
        ("/skins/0/joints", json!([1, 2, 1]), "glb.accessor /skins/0/inverseBindMatrices"),
        ("/skins/0/inverseBindMatrices", json!(0), "glb.accessor /skins/0/inverseBindMatrices"),
        ("/nodes/0/skin", json!(1), "glb.reference /nodes/0/skin"),
        ("/scenes/0/nodes", json!([0]), "glb.graph /skins/0/joints"),
        ("/skins/0/joints", json!([1]), "glb.index /accessors/4, element 2"),
        (
            "/meshes/0/primitives/0/attributes/JOINTS_0",
            json!(0),
            "glb.accessor /meshes/0/primitives/0/attributes/JOINTS_0",
        ),
        (
            "/meshes/0/primitives/0/attributes/WEIGHTS_0",
            json!(4),
            "glb.accessor /meshes/0/primitives/0/attributes/WEIGHTS_0",
        ),
    ];
    for (pointer, value, expected) in cases {
        assert_eq!(glb.clone().set(pointer, value).refusal(), expected);
    }
    let loose = skinned(U8, &[[0.0; 4]; 4]);
    assert_eq!(loose.scene().1, ["skin_weights /meshes/0/primitives/0"]);
    let mut unbound = glb;
    let attributes = unbound.json["meshes"][0]["primitives"][0]["attributes"].as_object_mut().expect("an object");
    attributes.remove("JOINTS_0");
    let (scene, found) = unbound.scene();
    assert_eq!(
        found,
        ["skin_set_incomplete /meshes/0/primitives/0/attributes/WEIGHTS_0", "skin_ignored /nodes/0/skin"]
    );
    assert_eq!(scene.parts[0].world_from_part.translation.x, 100.0);
}

#[test]
fn quantized_rotations_turn_nodes() {
    let mut glb = Glb::square();
    let input = scalars(&mut glb, &[0.0]);
    let words: Vec<u8> = [0_i16, 0, 23_170, 23_170].iter().flat_map(|word| word.to_le_bytes()).collect();
    let output = glb.accessor(I16, "VEC4", 1, &words);
    glb.json["accessors"][output]["normalized"] = json!(true);
    glb.json["animations"] = json!([{
        "name": "Move", "samplers": [{"input": input, "output": output}],
        "channels": [{"sampler": 0, "target": {"node": 0, "path": "rotation"}}],
    }]);
    let x = with(&glb, &at(None, 0.0)).0.parts[0].world_from_part.transform_vector3(DVec3::X);
    assert!(x.abs_diff_eq(DVec3::Y, 1e-9), "{x}");
}

/// A file with everything that can move: a skin, morph targets, copies, and an animation of each property.
pub(crate) fn moving() -> Glb {
    let mut glb = skinned(U8, &ONE);
    let lift = glb.floats("VEC3", &[[0.0_f32, 0.0, 1.0]; 4]);
    let copies = glb.floats("VEC3", &[[0.0_f32, 0.0, 3.0], [0.0, 0.0, 6.0]]);
    let input = scalars(&mut glb, &[0.0, 1.0]);
    let vectors = glb.floats("VEC3", &[[1.0_f32; 3], [2.0; 3]]);
    let rotations = glb.floats("VEC4", &[[0.0_f32, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0]]);
    let weights = scalars(&mut glb, &[0.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
    let channel =
        |sampler: usize, node: usize, path: &str| json!({"sampler": sampler, "target": {"node": node, "path": path}});
    glb.json["animations"] = json!([{
        "name": "All",
        "samplers": [
            {"input": input, "output": vectors}, {"input": input, "output": rotations},
            {"input": input, "output": vectors, "interpolation": "STEP"},
            {"input": input, "output": weights, "interpolation": "CUBICSPLINE"},
        ],
        "channels": [channel(0, 1, "translation"), channel(1, 2, "rotation"), channel(2, 2, "scale"), channel(3, 0, "weights")],
    }]);
    let instancing = json!({"EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": copies}}});
    glb.set("/meshes/0/primitives/0/targets", json!([{"POSITION": lift}]))
        .set("/extensionsUsed", json!(["EXT_mesh_gpu_instancing"]))
        .set("/nodes/0/extensions", instancing)
}

#[test]
fn everything_may_move_at_once() {
    let (scene, report) = with(&moving(), &at(Some("All"), 0.5));
    assert_eq!((report.diagnostics, scene.parts.len(), scene.meshes.len()), (Vec::new(), 2, 1));
    // Half the lift, by a cubic through 0 and 1 without slopes but for what comes from 1.
    let z = scene.meshes[0].primitives[0].positions[0].z;
    assert!(z > 0.25 && z < 1.5, "{z}");
}
