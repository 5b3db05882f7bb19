//! Findings: products and shots that are odd, and what is noticed about them.

use std::path::Path;
use std::process::Stdio;

use rayon::prelude::*;
use serde_json::{Value, json};

use crate::files::gltf;
use crate::{Text, packshot};

/// Options of a picture that takes a moment.
const TINY: [&str; 8] = ["--width", "16", "--height", "16", "--samples", "1", "--denoise", "off"];

/// A 1 × 1 PNG.
pub(crate) const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

/// A texture of the red material, with an image.
fn textured(image: Value) -> Vec<(&'static str, Value)> {
    vec![
        ("/images", json!([image])),
        ("/textures", json!([{"source": 0}])),
        ("/materials/0/pbrMetallicRoughness", json!({"baseColorTexture": {"index": 0}})),
    ]
}

/// Products, each with members of the sound one changed, and the options that they are checked with.
fn odd() -> Vec<(Vec<(&'static str, Value)>, &'static str)> {
    let plain = |members: Vec<(&'static str, Value)>| (members, "");
    let identity_sheared = json!([1, 0, 0, 0, 0.5, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
    let zeros = json!({"componentType": 5126, "count": 24, "type": "VEC3"});
    let positions = json!({"bufferView": 0, "componentType": 5126, "count": 24, "type": "VEC3"});
    let image = json!({"uri": format!("data:image/png;base64,{PNG}"), "mimeType": "image/jpeg"});
    vec![
        plain(vec![
            ("/accessors/1/count", json!(35)),
            ("/nodes/0/name", json!("")),
            ("/nodes/1/name", json!("Housing_Upper_Half_With_Bearing_Seat_And_Four_Threaded_Holes_M8")),
            ("/asset/version", json!("2.1")),
            ("/extensionsUsed", json!(["ACME_lattice"])),
        ]),
        plain(vec![("/accessors/0", positions), ("/nodes/2/rotation", json!([0, 0, 0, 2]))]),
        plain(vec![(
            "/meshes/0/primitives",
            json!([{"attributes": {"POSITION": 0}, "indices": 1}, {"attributes": {"POSITION": 0}, "mode": 1}]),
        )]),
        plain(vec![
            ("/nodes/0/scale", json!([0, 0, 0])),
            ("/nodes/1/matrix", json!([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1])),
        ]),
        plain(vec![("/nodes/0", json!({"name": "Base", "mesh": 0, "matrix": identity_sheared}))]),
        plain(vec![
            ("/nodes/0/extensions", json!({"KHR_node_visibility": {"visible": false}})),
            ("/extensionsUsed", json!(["KHR_node_visibility"])),
        ]),
        plain(vec![("/nodes/0/children", json!([1]))]),
        plain(vec![(
            "/materials/0/pbrMetallicRoughness",
            json!({"baseColorFactor": [0.8, 0.1, 0.1, 0.5], "metallicFactor": 3}),
        )]),
        plain(vec![
            ("/textures", json!([{}])),
            ("/materials/0/pbrMetallicRoughness", json!({"baseColorTexture": {"index": 0}})),
        ]),
        plain(textured(image)),
        plain(vec![("/meshes/0/primitives/0/attributes", json!({"POSITION": 0, "COLOR_0": 0}))]),
        plain(vec![
            (
                "/accessors",
                json!([
                    {"bufferView": 0, "componentType": 5126, "count": 24, "type": "VEC3", "min": [-0.01, -0.01, -0.01], "max": [0.01, 0.01, 0.01]},
                    {"bufferView": 1, "componentType": 5123, "count": 36, "type": "SCALAR"},
                    zeros,
                    {"componentType": 5123, "count": 36, "type": "SCALAR"},
                ]),
            ),
            ("/meshes/0/primitives/0/attributes", json!({"POSITION": 0, "NORMAL": 2})),
            ("/meshes/1/primitives/0/indices", json!(3)),
        ]),
        plain(vec![("/meshes/0/weights", json!([1]))]),
        plain(vec![("/nodes/1/translation", json!([-0.03, 0, 0]))]),
        plain(vec![("/nodes/0/scale", json!([1000, 1000, 1000]))]),
        (vec![("/accessors/1/count", json!(30))], "--material Base=Glass"),
        (vec![], "--clay --material Base=Steel"),
        (vec![], "--material Bse=Steel"),
        (vec![], "--material-map twice.json"),
        (vec![], "--material-map slips.json"),
        (vec![], "--hide Rng"),
        (vec![], "--light glb"),
        (vec![], "--design logo.png --on Lid --place at=front,width=18mm --view back"),
        (vec![], "--design logo.png --on Lid --place at=right,width=18mm,texture_px=512 --view right"),
        (vec![], "--ground floor --elevation-deg -30"),
        (vec![], "--ground sweep --lens-mm 10 --fill 0.1"),
    ]
}

/// What is found in all of them.
pub(crate) fn texts(folder: &Path) -> Vec<Text> {
    let parts = json!([{"part_name": "Lid", "material": "Steel"}, {"part_name": "Lid", "material": "Brass"}]);
    std::fs::write(folder.join("twice.json"), json!({"parts": parts}).to_string()).expect("written");
    let parts = json!([
        {"part_name": "Base", "material": null},
        {"path": "Lid", "material": "Steel"},
        {"part_name": "Lid", "material": "Brass"},
        {"part_name": "pin-01", "material": "Steel"},
        {"part_name": "PIN 01", "material": "Brass"},
    ]);
    std::fs::write(folder.join("slips.json"), json!({"parts": parts}).to_string()).expect("written");
    let found: Vec<Vec<Text>> = odd()
        .into_par_iter()
        .enumerate()
        .map(|(i, (members, options))| {
            let name = format!("odd-{i}.gltf");
            std::fs::write(folder.join(&name), gltf(&members)).expect("written");
            let mut command = packshot(folder);
            command.args(["render", &name, "--json"]).args(options.split_whitespace()).args(TINY);
            let output = command.stdin(Stdio::null()).output().expect("the command starts");
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{i} {options}: {stderr}");
            let result: Value = serde_json::from_slice(&output.stdout).expect("JSON");
            let findings = result["diagnostics"].as_array().expect("a list");
            findings.iter().map(|finding| of(finding, &name)).collect()
        })
        .collect();
    found.into_iter().flatten().collect()
}

fn of(finding: &Value, file: &str) -> Text {
    let text = |member: &str| finding[member].as_str().unwrap_or_default().replace(file, "boxes.gltf");
    Text {
        code: text("code"),
        ends_with: text("severity"),
        message: text("message"),
        at: text("at"),
        help: String::new(),
    }
}
