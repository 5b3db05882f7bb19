//! Files that are not as they must be: exit code 3, one error with a code and a place.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::choices::glb_with_choices;
use crate::picture::pixels;
use crate::product::{self, BOXES};
use crate::workplace::{TINY, Workplace};

#[test]
fn files_that_are_no_products() {
    let workplace = Workplace::new();
    workplace.write("empty.glb", b"");
    workplace.write("text.glb", b"hello, this is no model");
    workplace.write("external.gltf", br#"{"asset":{"version":"2.0"},"buffers":[{"uri":"gone.bin","byteLength":36}],"scene":0,"scenes":[{"nodes":[0]}],"nodes":[{"mesh":0}],"meshes":[{"primitives":[{"attributes":{"POSITION":0}}]}],"accessors":[{"bufferView":0,"componentType":5126,"count":3,"type":"VEC3"}],"bufferViews":[{"buffer":0,"byteLength":36}]}"#);
    for (file, code, at) in [
        ("gone.glb", "glb.file_missing", "gone.glb"),
        (".", "glb.file_missing", "."),
        ("empty.glb", "glb.truncated", "byte 0"),
        ("text.glb", "glb.header", "byte 0"),
        ("external.gltf", "glb.external_uri", "/buffers/0/uri"),
    ] {
        for command in ["render", "preflight"] {
            workplace.run(&[command, file]).expect_error(3, code, at);
        }
    }
    assert!(workplace.run_with_stdin(&["render", "-"], b"glTFxxxxxxxx").code == 3);
}

#[test]
fn a_gltf_is_read_with_the_files_of_its_folder() {
    let workplace = Workplace::new();
    let (mut document, bin) = product::document(&BOXES);
    workplace.write("whole.glb", &product::container(&(document.clone(), bin.clone())));
    std::fs::create_dir_all(workplace.path("product/data")).expect("made");
    workplace.write("product/data/all parts.bin", &bin);
    document["buffers"] = json!([{"byteLength": bin.len(), "uri": "data/all%20parts.bin"}]);
    workplace.write("product/product.gltf", document.to_string().as_bytes());
    let render = |file: &str, out: &str| {
        let report = workplace.run(&[&["render", file, "-o", out, "--json"], &TINY[..]].concat()).done().json();
        (pixels(&workplace.read(out)), report)
    };
    let (whole, _) = render("whole.glb", "whole.png");
    let (split, report) = render("product/product.gltf", "split.png");
    assert!(whole == split, "the same picture");
    let findings = report["diagnostics"].as_array().expect("a list");
    let opened = findings.iter().find(|finding| finding["code"] == "external_file_read").expect("is told");
    assert_eq!((&opened["severity"], &opened["at"]), (&json!("info"), &json!("/buffers/0/uri")));
    // A dumped shot names a copy that holds everything, and gives the same picture wherever the product goes.
    let dump = ["render", "product/product.gltf", "-o", "split.png", "--dump-shot", "shots.json"];
    workplace.run(&[&dump[..], &TINY].concat()).done();
    std::fs::remove_dir_all(workplace.path("product")).expect("removed");
    workplace.run(&["render", "--shot", "shots.json", "-o", "again.png"]).done();
    assert!(pixels(&workplace.read("again.png")) == split, "the same picture again");
    // Standard input has no folder.
    document["buffers"][0]["uri"] = json!("all.bin");
    let outcome = workplace.run_with_stdin(&["preflight", "-"], document.to_string().as_bytes());
    outcome.expect_error(3, "glb.external_uri", "/buffers/0/uri");
}

#[test]
fn a_product_is_turned_before_it_is_framed() {
    let workplace = Workplace::new();
    workplace.write("boxes.glb", &product::glb(&BOXES));
    let render = |options: &[&str]| {
        workplace.run(&[&["render", "boxes.glb", "-o", "out.png"], options, &TINY[..]].concat()).done();
        pixels(&workplace.read("out.png"))
    };
    assert!(render(&["--rotate", "-90,0,0"]) == render(&["--up-axis", "z"]), "the same turn");
    assert!(render(&["--rotate", "0,90,0"]) == render(&["--rotate=360, 450, -360"]), "the same turn");
    assert!(render(&["--rotate", "0,90,0"]) != render(&[]));
    for wrong in ["90", "1,2", "1,2,3,4", "a,b,c", "1,2,1e9", "1,,2"] {
        workplace.run(&["render", "boxes.glb", "--rotate", wrong]).expect_error(2, "usage.invalid_value", "--rotate");
    }
    let angle = ["render", "boxes.glb", "--smooth-deg", "181"];
    workplace.run(&angle).expect_error(2, "usage.invalid_value", "--smooth-deg");
}

#[test]
fn variants_and_moments_are_chosen_by_name() {
    let workplace = Workplace::new();
    workplace.write("choices.glb", &glb_with_choices());
    let report = |args: &[&str]| workplace.run(&[&["preflight", "choices.glb", "--json"], args].concat()).done().json();
    let plain = report(&[]);
    assert_eq!((&plain["variants"], &plain["variant"]), (&json!(["Black"]), &Value::Null));
    assert_eq!(
        (&plain["animations"], &plain["animation"]),
        (&json!([{"name": "Spin", "duration_s": 2.0}]), &Value::Null)
    );
    let chosen = report(&["--variant", "Black", "--animation", "Spin", "--time", "1.5"]);
    assert_eq!((&chosen["variant"], &chosen["animation"]), (&json!("Black"), &json!("Spin")));
    let top_m = |report: &Value| report["stats"]["bbox_max_m"][1].as_f64().expect("a number");
    assert!((top_m(&plain) - 0.01).abs() < 1e-6 && (top_m(&chosen) - 1.51).abs() < 1e-6);
    assert!((top_m(&report(&["--time", "1"])) - 1.01).abs() < 1e-6, "the first animation where none is named");
    let text = workplace.run(&["preflight", "choices.glb"]).done().text().to_owned();
    assert!(text.contains("variants: Black; shown: none\nanimations: Spin (2.000 s)\n"), "{text}");

    let picture = |name: &str, args: &[&str]| {
        workplace.run(&[&["render", "choices.glb", "-o", name], &TINY[..], args].concat()).done();
        workplace.read(name)
    };
    assert_ne!(picture("plain.png", &[]), picture("black.png", &["--variant", "Black"]));
    for (args, code, at) in [
        (["--variant", "Gold"], "glb.variant", "/extensions/KHR_materials_variants/variants"),
        (["--animation", "Turn"], "glb.animation", "/animations"),
    ] {
        for command in ["render", "preflight"] {
            let outcome = workplace.run(&[command, "choices.glb", args[0], args[1]]);
            outcome.expect_error(3, code, at);
            assert!(outcome.stderr.contains("the file has '"), "{}", outcome.stderr);
        }
    }
    workplace.write("boxes.glb", &product::glb(&BOXES));
    for args in [["--time", "1"], ["--animation", "Turn"]] {
        workplace.run(&["render", "boxes.glb", args[0], args[1]]).expect_error(3, "glb.no_animation", "/animations");
    }
}

#[test]
fn in_a_batch_the_error_names_the_file() {
    let workplace = Workplace::new();
    workplace.write("text.glb", b"hello, this is no model");
    let batch = |second| workplace.run(&["render", "boxes.glb", second, "-o", "out/", "--samples", "1"]);
    batch("text.glb").expect_error(3, "glb.header", "text.glb: byte 0");
    batch("gone.glb").expect_error(3, "glb.file_missing", "gone.glb");
}

#[cfg(unix)]
#[test]
fn an_endless_device_is_no_model() {
    let workplace = Workplace::new();
    let begun = Instant::now();
    workplace.run(&["preflight", "/dev/zero"]).expect_error(3, "glb.header", "byte 0");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[test]
fn broken_environments() {
    let workplace = Workplace::new();
    workplace.write("sky.hdr", b"no picture");
    workplace.run(&["render", "boxes.glb", "--light", "sky.hdr"]).expect_error(3, "env.format", "sky.hdr");
    workplace.run(&["render", "boxes.glb", "--light", "gone.exr"]).expect_error(3, "env.file_missing", "gone.exr");
}

#[test]
fn no_device_of_that_name() {
    let workplace = Workplace::new();
    let options = ["render", "boxes.glb", "--device", "no such adapter"];
    workplace.run(&options).expect_error(5, "device.unavailable", "--device");
    let mut command = workplace.command(&["render", "boxes.glb"]);
    let outcome = command.env("PACKSHOT_DEVICE", "no such adapter").output().expect("runs");
    assert_eq!(outcome.status.code(), Some(5), "the variable counts where the option is not given");
    let told = String::from_utf8_lossy(&outcome.stderr);
    assert!(told.contains("\n  at: PACKSHOT_DEVICE\n"), "{told}");
    // Input is looked at before any driver is.
    workplace.run(&["render", "gone.glb", "--device", "no such adapter"]).expect_error(
        3,
        "glb.file_missing",
        "gone.glb",
    );
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_machine_without_a_display_drivers_say_nothing() {
    let workplace = Workplace::new();
    let mut command = workplace.command(&["devices", "--device", "auto"]);
    for name in ["DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "NODEVICE_SELECT"] {
        command.env_remove(name);
    }
    let outcome: crate::workplace::Outcome = command.output().expect("it starts").into();
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
}

#[test]
fn devices_are_listed() {
    let workplace = Workplace::new();
    let report = workplace.run(&["devices", "--json"]).done().json();
    let items = report["items"].as_array().expect("a list");
    assert_eq!(items.iter().filter(|item| item["selected"] == true).count(), 1);
    let cpu = items.iter().find(|item| item["id"] == "cpu").expect("there always is one");
    assert_eq!(
        (&cpu["backend"], &cpu["state"], &cpu["is_software"]),
        (&"native".into(), &"ready".into(), &false.into())
    );
    assert!(report["probe"]["reason"].as_str().is_some_and(|reason| !reason.is_empty()));
    assert!(workplace.run(&["devices"]).done().text().contains("* "));
}

#[test]
fn an_error_names_the_only_input_too() {
    let workplace = Workplace::new();
    workplace.write("words.glb", b"This is not a product.");
    workplace.write("shot.json", b"{\"schema\" 1}");
    for command in ["render", "views", "turntable", "preflight", "map init"] {
        let args: Vec<&str> = command.split(' ').chain(["words.glb"]).collect();
        let outcome = workplace.run(&args);
        outcome.expect_error(3, "glb.header", "words.glb: byte 0");
        assert!(outcome.stderr.contains("this is a text file"), "{command}: {}", outcome.stderr);
    }
    for command in ["render", "views", "turntable"] {
        workplace.run(&[command, "--shot", "shot.json"]).expect_error(3, "shot.syntax", "shot.json: /");
    }
}

#[test]
fn a_file_in_place_of_a_folder_and_a_folder_in_place_of_a_file_are_told() {
    let workplace = Workplace::new();
    let outcome = workplace.run(&["materials", "validate", "boxes.glb"]);
    outcome.expect_error(3, "library.file_missing", "boxes.glb");
    assert!(outcome.stderr.contains("this is a file, and a library is a folder"), "{}", outcome.stderr);
    let outcome = workplace.run(&["template", "validate", "."]);
    outcome.expect_error(3, "template.file_missing", ".");
    assert!(outcome.stderr.contains("this is a folder"), "{}", outcome.stderr);
}

#[test]
fn what_is_wrong_with_a_map_comes_with_what_to_do() {
    let workplace = Workplace::new();
    for (map, code, help) in [
        (&b"[]"[..], "map.type", "help: give an object with a list"),
        (b"{\"parts\": [], \"coment\": \"\"}", "map.unknown_member", "help: rename or remove it"),
        (b"{\"parts\": [], \"colour\": \"\"}", "map.unknown_member", "help: remove it"),
    ] {
        workplace.write("map.json", map);
        let outcome = workplace.run(&["preflight", "boxes.glb", "--material-map", "map.json"]);
        outcome.expect_error(3, code, "map.json#");
        assert!(outcome.stderr.contains(help), "{}", outcome.stderr);
    }
}
