//! Shots: what is dumped renders the same.

use serde_json::{Value, json};

use crate::picture::pixels;
use crate::product::{BOXES, container, document};
use crate::workplace::{TINY, Workplace};

#[test]
fn a_dumped_shot_gives_the_same_picture_and_the_same_shot() {
    let workplace = Workplace::new();
    std::fs::create_dir(workplace.path("shots")).expect("made");
    let options = [
        &["--material", "Base=Steel", "--material", "Lid=PMMA", "--material", "Pin_01=Brass", "--seed", "7"][..],
        &["--light", "white", "--background", "#336699", "--view", "top", "--on-unmapped", "keep"],
        &["--light", "glb", "--ortho", "--azimuth-deg", "-30.5", "--elevation-deg", "12.25", "--exposure-ev", "0.3"],
        &["--up-axis", "z", "--unit-scale", "0.001", "--light-rotation-deg", "77", "--hide", "Lid", "--filter", "box"],
        &["--camera", "Above", "--view-transform", "khronos_neutral", "--max-bounces", "3", "--clamp-indirect", "2.5"],
    ];
    for (i, options) in options.iter().enumerate() {
        let (first, again) = (format!("shots/{i}.json"), format!("shots/{i}-again.json"));
        let output = ["-o", "first.exr", "--exr", "float", "--dump-shot", first.as_str()];
        workplace.render(&[&["boxes.glb"], &output[..], options].concat());
        let mut command = vec!["render", "--shot", first.as_str(), "-o", "again.exr", "--exr", "float"];
        command.extend(["--dump-shot", again.as_str()]);
        workplace.run(&command).done();
        let shot: Value = serde_json::from_slice(&workplace.read(&first)).expect("JSON");
        assert_eq!(shot["geometry"]["path"], "../boxes.glb");
        assert_eq!(shot["film"]["width"], 32);
        assert_eq!(workplace.read_text(&first), workplace.read_text(&again), "{options:?}");
        assert!(workplace.read("first.exr") == workplace.read("again.exr"), "{options:?}");
    }
}

/// The boxes and a lamp of 500 cd.
fn boxes_with_a_lamp() -> Vec<u8> {
    let (mut json, bin) = document(&BOXES);
    let nodes = json["nodes"].as_array_mut().expect("a list");
    nodes.push(json!({"translation": [1, 2, 3], "extensions": {"KHR_lights_punctual": {"light": 0}}}));
    let lamp = nodes.len() - 1;
    json["scenes"][0]["nodes"].as_array_mut().expect("a list").push(lamp.into());
    json["extensionsUsed"] = json!(["KHR_lights_punctual"]);
    json["extensions"] = json!({"KHR_lights_punctual": {"lights": [{"type": "point", "intensity": 500}]}});
    container(&(json, bin))
}

#[test]
fn a_look_is_in_the_shot_and_an_option_wins() {
    let workplace = Workplace::new();
    workplace.write("lit.glb", &boxes_with_a_lamp());
    let own = ["lit.glb", "--on-unmapped", "keep", "--light"];
    let lit = |look: &str, output: &str| {
        workplace.render_json(&[&own[..], &["glb", "--look", look, "-o", output]].concat())["look"].clone()
    };
    assert_eq!(lit("gltf", "gltf.png"), "gltf");
    assert_eq!(lit("blender-5.0", "blender.png"), "blender-5.0");
    assert!(workplace.read("gltf.png") != workplace.read("blender.png"), "lights of the file are fainter in Blender");
    workplace.run(&["render", "boxes.glb", "--look", "blender"]).expect_error(2, "usage.invalid_value", "--look");

    let dumped = ["white", "-o", "first.exr", "--look", "blender-5.0", "--dump-shot", "shot.json"];
    workplace.render(&[&own[..], &dumped].concat());
    let shot: Value = serde_json::from_slice(&workplace.read("shot.json")).expect("JSON");
    assert_eq!((&shot["schema"], &shot["geometry"]["look"]), (&"packshot-shot/2".into(), &"blender-5.0".into()));
    assert_eq!((&shot["film"]["clamp_indirect"], &shot["film"]["max_bounces"]["diffuse"]), (&10.0.into(), &4.into()));
    workplace.run(&["render", "--shot", "shot.json", "-o", "again.exr", "--dump-shot", "again.json"]).done();
    assert!(workplace.read("first.exr") == workplace.read("again.exr"));
    assert_eq!(workplace.read_text("shot.json"), workplace.read_text("again.json"));
    let result = workplace.run(&["render", "--shot", "shot.json", "--look", "gltf", "--json"]).done().json();
    assert_eq!(result["look"], "gltf", "an option wins");
}

#[test]
fn options_of_the_film_win_over_the_shot() {
    let workplace = Workplace::new();
    workplace.render(&["boxes.glb", "--dump-shot", "shot.json"]);
    let options =
        ["--width", "16", "--height", "8", "--samples", "2", "--seed", "5", "--noise", "0", "--denoise", "off"];
    let result = workplace.run(&[&["render", "--shot", "shot.json", "--json"], &options[..]].concat()).done().json();
    assert_eq!((&result["width"], &result["height"], &result["samples_max"]), (&16.into(), &8.into(), &2.into()));
    assert_eq!(result["output"], Value::Null);
}

#[test]
fn a_sample_is_written_beside_the_shot() {
    let workplace = Workplace::new();
    workplace.render(&["--sample", "bearing", "-o", "a.png", "--dump-shot", "shot.json"]);
    workplace.run(&["render", "--shot", "shot.json", "-o", "b.png"]).done();
    assert!(workplace.read_text("shot.json").contains("\"kind\": \"turned\""), "the grain of ground rings is there");
    assert!(workplace.read("a.png") == workplace.read("b.png"));
    let files = ["a.png", "b.png", "boxes.glb", "shot.environment.exr", "shot.json", "shot.product.glb"];
    assert_eq!(workplace.files(), files);
}

#[test]
fn bad_shots_are_bad_input() {
    let workplace = Workplace::new();
    workplace.render(&["boxes.glb", "--dump-shot", "good.json", "--light", "white"]);
    let good: Value = serde_json::from_slice(&workplace.read("good.json")).expect("JSON");
    type Change = fn(&mut Value);
    let cases: [(&str, Change); 6] = [
        ("shot.schema /schema", |shot| shot["schema"] = "packshot-shot/3".into()),
        ("shot.unknown_member /film/colour", |shot| shot["film"]["colour"] = 1.into()),
        ("shot.range /film/width", |shot| shot["film"]["width"] = 0.into()),
        ("shot.type /film/samples", |shot| shot["film"]["samples"] = "4".into()),
        ("shot.file_missing /geometry/path", |shot| shot["geometry"]["path"] = "gone.glb".into()),
        ("shot.file_changed /geometry/path", |shot| shot["geometry"]["blake3"] = "00".repeat(32).into()),
    ];
    for (expected, change) in cases {
        let mut shot = good.clone();
        change(&mut shot);
        workplace.write("bad.json", shot.to_string().as_bytes());
        let (code, at) = expected.split_once(' ').expect("two words");
        workplace.run(&["render", "--shot", "bad.json"]).expect_error(3, code, at);
    }
    workplace.run(&["render", "--shot", "gone.json"]).expect_error(3, "shot.file_missing", "gone.json");
    workplace.write("bad.json", b"{");
    workplace.run(&["render", "--shot", "bad.json"]).expect_error(3, "shot.syntax", "/");
}

#[test]
fn the_shot_of_the_documentation_renders() {
    let text = include_str!("../../docs/shot.md");
    let example = text.split_once("```json\n").and_then(|(_, rest)| rest.split_once("```")).expect("an example").0;
    let workplace = Workplace::new();
    workplace.run(&["sample", "bearing", "-o", "bearing.glb"]).done();
    workplace.write("by_hand.json", example.as_bytes());
    let options = ["--width", "48", "--height", "48", "--samples", "4", "-o", "by_hand.png"];
    workplace.run(&[&["render", "--shot", "by_hand.json"], &options[..]].concat()).done();
    let seen = pixels(&workplace.read("by_hand.png"));
    // The product in the middle is grey and lit, on a floor that fills the lower corners.
    let [r, g, b, _] = seen[24 * 48 + 30];
    assert!(r.abs_diff(g) < 8 && g.abs_diff(b) < 8 && (20..250).contains(&r), "{r} {g} {b}");
    assert!(seen.iter().all(|pixel| pixel[3] == 255));
}

#[test]
fn a_dump_spoils_neither_an_older_shot_nor_a_file_of_its_user() {
    let workplace = Workplace::new();
    let dump = |light: &str, shot: &str| {
        workplace.render(&["--sample", "bearing", "--light", light, "--dump-shot", shot]);
    };
    dump("studio_soft", "first.json");
    workplace.run(&["render", "--shot", "first.json", "-o", "before.png"]).done();
    // The same name apart from its extension, in another light.
    dump("three_point", "first.txt");
    workplace.run(&["render", "--shot", "first.json", "-o", "after.png"]).done();
    assert!(workplace.read("before.png") == workplace.read("after.png"));
    assert_ne!(workplace.read_text("first.txt"), workplace.read_text("first.json"));
    workplace.run(&["render", "--shot", "first.txt", "-o", "three.png"]).done();
    assert!(workplace.read("three.png") != workplace.read("after.png"));
    // The same again needs no further file.
    let files = workplace.files();
    dump("three_point", "first.txt");
    assert_eq!(workplace.files(), files);
    workplace.write("mine.product.glb", b"mine");
    dump("studio_soft", "mine.json");
    assert_eq!(workplace.read("mine.product.glb"), b"mine");
    workplace.run(&["render", "--shot", "mine.json", "-o", "mine.png"]).done();
    assert!(workplace.read("mine.png") == workplace.read("before.png"));
}

#[test]
fn a_dump_that_fails_leaves_nothing() {
    let workplace = Workplace::new();
    let before = workplace.files();
    let dump = |args: &[&str]| workplace.run(&[&["render", "--sample", "bearing"], &TINY[..], args].concat());
    dump(&["--dump-shot", "hero.json", "-o", "hero.environment.exr"]).expect_error(2, "usage.conflict", "--dump-shot");
    dump(&["--dump-shot", "."]).expect_error(6, "output.not_written", ".");
    dump(&["--dump-shot", "gone/hero.json"]).expect_error(6, "output.not_written", "gone/hero.json");
    #[cfg(unix)]
    dump(&["--dump-shot", "/dev/null"]).expect_error(2, "usage.conflict", "--dump-shot");
    assert_eq!(workplace.files(), before);
}

#[test]
fn a_shot_that_is_taken_for_a_product_is_told_apart() {
    let workplace = Workplace::new();
    workplace.render(&["boxes.glb", "--dump-shot", "shot.json"]);
    for command in ["render", "preflight", "views"] {
        workplace.run(&[command, "shot.json"]).expect_error(3, "glb.header", "shot.json");
    }
}

#[test]
fn what_a_shot_says_of_its_product_has_its_place_in_the_shot() {
    let workplace = Workplace::new();
    workplace.render(&["boxes.glb", "--dump-shot", "two.json", "--edges"]);
    let two: Value = serde_json::from_slice(&workplace.read("two.json")).expect("JSON");
    type Change = fn(&mut Value);
    let cases: [(&str, Change); 5] = [
        ("glb.variant /geometry/variant", |shot| shot["geometry"]["variant"] = "Red".into()),
        ("glb.no_animation /geometry/pose", |shot| {
            shot["geometry"]["pose"] = json!({"animation": "Spin", "time_s": 0});
        }),
        ("shot.type /film/denoise", |shot| shot["film"]["denoise"] = true.into()),
        ("shot.unknown_member /film/filter_glossy", |shot| shot["film"]["filter_glossy"] = 0.into()),
        ("shot.file_missing /geometry/path", |shot| shot["geometry"]["path"] = "gone/boxes.glb".into()),
    ];
    for (expected, change) in cases {
        let mut shot = two.clone();
        change(&mut shot);
        workplace.write("bad.json", shot.to_string().as_bytes());
        let (code, at) = expected.split_once(' ').expect("two words");
        workplace.run(&["render", "--shot", "bad.json"]).expect_error(3, code, at);
    }
    // The path that was tried, where it is not the one in the shot.
    workplace.write("shots/bad.json", &workplace.read("bad.json"));
    let outcome = workplace.run(&["render", "--shot", "shots/bad.json"]);
    assert!(outcome.stderr.contains("shots/gone/boxes.glb: "), "{}", outcome.stderr);
}
