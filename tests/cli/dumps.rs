//! Whatever pictures are made of, the shot that is dumped gives the same bytes again.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::option_sets::{OptionSet, option_sets};
use crate::workplace::Workplace;

/// The pictures in a folder, by name.
fn pictures(workplace: &Workplace, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(workplace.path(folder)).expect("made").map(|entry| entry.expect("there"));
    let name = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let names = entries.map(name).filter(|name| !name.ends_with(".json") && !name.starts_with('.'));
    names.map(|name| (name.clone(), workplace.read(&format!("{folder}/{name}")))).collect()
}

/// The version of the dump, or nothing where the options contradict each other.
fn dumped_and_again(workplace: &Workplace, set: &OptionSet, i: usize) -> Option<String> {
    let (first, again) = (format!("{i}/first/"), format!("{i}/again/"));
    // A picture of a shot is called like its file.
    let (shot, second) = (format!("{i}/boxes.json"), format!("{i}/second.json"));
    std::fs::create_dir(workplace.path(&i.to_string())).expect("made");
    let command = [set.command(), "boxes.glb", "-o", &first, "--dump-shot", &shot].map(str::to_owned);
    let outcome = workplace.run(&[&command[..], &set.arguments()].concat());
    if outcome.code == 2 {
        return None;
    }
    outcome.done();
    let command = [set.command(), "--shot", &shot, "-o", &again, "--dump-shot", &second].map(str::to_owned);
    // A shot does not contain files.
    let formats = set.options.iter().filter(|(name, _)| *name == "formats");
    let of_files = OptionSet { options: formats.map(|(name, value)| (name.clone(), value.clone())).collect(), ..*set };
    workplace.run(&[&command[..], &of_files.arguments()].concat()).done();
    let (first, again) = (pictures(workplace, &first), pictures(workplace, &again));
    assert!(!first.is_empty(), "{set:?}");
    assert_eq!(first.keys().collect::<Vec<_>>(), again.keys().collect::<Vec<_>>(), "{set:?}");
    for (name, bytes) in &first {
        assert!(*bytes == again[name], "{name} of {set:?}");
    }
    let text = workplace.read_text(&shot);
    assert_eq!(text, workplace.read_text(&second), "{set:?}");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    Some(document["schema"].as_str().expect("a word").to_owned())
}

#[test]
fn what_is_dumped_gives_the_same_bytes() {
    let workplace = Workplace::new();
    let sets = option_sets(16, 30);
    let versions: Vec<String> =
        sets.iter().enumerate().filter_map(|(i, set)| dumped_and_again(&workplace, set, i)).collect();
    assert!(versions.len() >= 15, "{} of {} sets", versions.len(), sets.len());
}

/// Most pictures need no more than version 1, which other renderers read.
#[test]
fn plain_pictures_are_dumped_in_version_one() {
    let workplace = Workplace::new();
    for (i, options) in [
        &["--on-unmapped", "keep", "--map-by", "part", "--background", "#336699", "--view", "top"][..],
        &[
            "--on-unmapped",
            "keep",
            "--map-by",
            "part",
            "--camera",
            "Above",
            "--view-transform",
            "khronos_neutral",
            "--only",
            "Base",
        ],
        &["--clay=true", "--light", "studio_contrast", "--seed", "3", "--filter", "box", "--denoise", "on"],
    ]
    .into_iter()
    .enumerate()
    {
        let (shot, picture) = (format!("{i}.json"), format!("{i}.png"));
        workplace.render(&[&["boxes.glb", "--dump-shot", &shot, "-o", &picture], options].concat());
        workplace.run(&["render", "--shot", &shot, "-o", "again.png"]).done();
        assert!(workplace.read_text(&shot).contains("packshot-shot/1"), "{options:?}");
        assert!(workplace.read(&picture) == workplace.read("again.png"), "{options:?}");
    }
}

#[test]
fn a_film_of_a_shot_has_the_same_bytes() {
    let workplace = Workplace::new();
    let tiny = ["--width", "16", "--height", "16", "--samples", "1", "--frames", "2", "--edges"];
    for film in ["a.mp4", "b.webp"] {
        let again = format!("again-{film}");
        workplace
            .run(&[&["turntable", "boxes.glb", "-o", film, "--dump-shot", "shot.json"], &tiny[..]].concat())
            .done();
        workplace.run(&["turntable", "--shot", "shot.json", "-o", &again]).done();
        assert!(workplace.read(film) == workplace.read(&again), "{film}");
    }
}

#[cfg(unix)]
#[test]
fn files_are_named_as_they_were_given() {
    let workplace = Workplace::new();
    std::fs::create_dir(workplace.path("store")).expect("made");
    std::fs::rename(workplace.path("boxes.glb"), workplace.path("store/3f9c")).expect("moved");
    std::os::unix::fs::symlink("store/3f9c", workplace.path("boxes.glb")).expect("linked");
    workplace.render(&["boxes.glb", "-o", "a.png", "--dump-shot", "shot.json"]);
    workplace.run(&["render", "--shot", "shot.json", "-o", "b.png"]).done();
    assert!(workplace.read("a.png") == workplace.read("b.png"));
    // What comes from standard input is written beside the shot.
    let args = ["render", "boxes.glb", "--lut", "-", "-o", "c.png", "--dump-shot", "graded.json", "--width", "8"];
    workplace.run_with_stdin(&args, b"LUT_1D_SIZE 2\n1 1 1\n0 0 0").done();
    workplace.run(&["render", "--shot", "graded.json", "-o", "d.png"]).done();
    assert!(workplace.read("c.png") == workplace.read("d.png"));
    assert!(workplace.files().contains(&"graded.lut.cube".to_owned()));
}

#[test]
fn lines_of_a_shot_can_be_changed_and_turned_off() {
    let workplace = Workplace::new();
    let drawn = ["boxes.glb", "--edges", "--line-color", "#ff0000", "--crease-deg", "40"];
    workplace.render(&[&drawn[..], &["-o", "a.png", "--dump-shot", "shot.json"]].concat());
    workplace.render(&["boxes.glb", "-o", "plain.png"]);
    workplace.run(&["render", "--shot", "shot.json", "--edges=false", "-o", "b.png"]).done();
    assert!(workplace.read("b.png") == workplace.read("plain.png"));
    workplace.run(&["render", "--shot", "shot.json", "--edges=false", "--line-width-px", "2"]).expect_error(
        2,
        "usage.missing",
        "--line-width-px",
    );
    // The style of lines in layers is the shot's, too.
    let layers = ["--aov", "edges", "--exr", "float"];
    workplace.render(
        &[&["boxes.glb", "--crease-deg", "40", "-o", "c.exr", "--dump-shot", "layers.json"], &layers[..]].concat(),
    );
    workplace.run(&[&["render", "--shot", "layers.json", "-o", "d.exr"], &layers[..]].concat()).done();
    assert!(workplace.read("c.exr") == workplace.read("d.exr"));
}

#[test]
fn a_shot_that_does_not_fit_its_product_is_refused() {
    let workplace = Workplace::new();
    let boxes = ["boxes.glb", "--edges", "--dump-shot", "shot.json"];
    workplace.render(&boxes);
    let shot: Value = serde_json::from_slice(&workplace.read("shot.json")).expect("JSON");
    for (parts, code, at) in [
        (serde_json::json!([{"part": "Lid", "material": [null, null]}]), "shot.range", "/parts/0"),
        (serde_json::json!([{"part": "*", "hidden": true}]), "shot.nothing_to_frame", "/parts"),
    ] {
        let mut changed = shot.clone();
        changed["parts"] = parts;
        workplace.write("changed.json", changed.to_string().as_bytes());
        workplace.run(&["render", "--shot", "changed.json"]).expect_error(3, code, at);
    }
}

#[test]
fn a_shot_is_for_one_command() {
    let workplace = Workplace::new();
    let tiny = ["--width", "16", "--height", "16", "--samples", "1"];
    for command in ["render", "views", "turntable"] {
        let shot = format!("{command}.json");
        let few = if command == "turntable" { &["--frames", "2"][..] } else { &[] };
        workplace.run(&[&[command, "boxes.glb", "--dump-shot", &shot], &tiny[..], few].concat()).done();
    }
    for (command, shot) in [("render", "views"), ("views", "turntable"), ("turntable", "render")] {
        let outcome = workplace.run(&[command, "--shot", &format!("{shot}.json")]);
        outcome.expect_error(2, "usage.conflict", "--shot");
        assert!(outcome.stderr.contains(&format!("packshot {shot} --shot")), "{}", outcome.stderr);
    }
    workplace.run(&["views", "--shot", "views.json", "--set", "front"]).expect_error(2, "usage.conflict", "--set");
    workplace.run(&["views", "boxes.glb", "--shot", "views.json"]).expect_error(2, "usage.conflict", "<INPUT>");
    let faster = ["turntable", "--shot", "turntable.json", "-o", "t.mp4", "--fps", "60", "--dump-shot", "faster.json"];
    workplace.run(&faster).done();
    assert!(workplace.read_text("faster.json").contains("\"fps\": 60"), "an option wins");
}
