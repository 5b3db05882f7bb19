//! Which part gets which material: maps, magenta, and the commands about it.

use serde_json::Value;

use crate::picture::pixels;
use crate::workplace::{Outcome, TINY, Workplace};

const MAP: &[u8] =
    br#"{"parts": [{"part_name": "Base", "material": "Steel"}, {"path": "Lid", "material": "POM-White"}]}"#;

/// Pixels whose hue is between 290 and 325 degrees and whose saturation is at least a quarter.
fn magenta_pixels(png: &[u8]) -> usize {
    let is_magenta = |&[r, g, b, a]: &[u8; 4]| {
        let [r, g, b] = [r, g, b].map(f64::from);
        let (max, min) = (r.max(g).max(b), r.min(g).min(b));
        let saturated = max > 0.0 && (max - min) / max >= 0.25;
        // Between blue (240) and red (360), green is the least.
        let hue = if max == b { 240.0 + 60.0 * (r - g) / (max - min) } else { 360.0 - 60.0 * (b - g) / (max - min) };
        a > 127 && saturated && min == g && (290.0..=325.0).contains(&hue)
    };
    pixels(png).iter().filter(|pixel| is_magenta(pixel)).count()
}

fn unmapped(workplace: &Workplace, more: &[&str]) -> (u64, usize) {
    let result = workplace.render_json(&[&["boxes.glb", "-o", "out.png"], more].concat());
    (result["unmapped_parts"].as_u64().expect("a count"), magenta_pixels(&workplace.read("out.png")))
}

#[test]
fn unmapped_parts_are_magenta_and_counted() {
    let workplace = Workplace::new();
    workplace.write("map.json", MAP);
    // The pin's own material has a name that the library knows; nothing knows the cover.
    assert_eq!(unmapped(&workplace, &["--material-map", "map.json"]), (0, 0));
    let by_hand = ["--material", "Base=Steel", "--material", "Pin_01=Unobtainium"];
    let (count, seen) = unmapped(&workplace, &by_hand);
    assert_eq!(count, 1, "what is asked for and not there; nothing was said of the lid");
    assert!(seen > 20, "{seen} magenta pixels");
    assert_eq!(unmapped(&workplace, &[&by_hand[..], &["--on-unmapped", "magenta"]].concat()).0, 2);
    assert_eq!(unmapped(&workplace, &[]), (0, 0), "without a map nothing is unmapped");
    let outcome =
        workplace.render(&["boxes.glb", "-o", "out.png", "--material", "Base=Steel", "--on-unmapped", "magenta"]);
    let warning = "1 of 3 parts has no material: `Lid`; shown in magenta\n  help: give each a material in the material map (`packshot preflight` says why";
    assert!(outcome.stderr.contains(warning), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("--on-unmapped keep"), "{}", outcome.stderr);
}

/// A library of one material with a picture.
const OAK: &[u8] = br#"schema = "material-library/2"
[library]
id = "ACME"
version = "1.0.0"
color_space = "lin_rec709"
extends = ["STD@^1"]

[[material]]
code = "200001"
name = "Striped"

[material.openpbr]
base_color = [1.0, 1.0, 1.0]
specular_weight = 0.0

[material.textures]
base_color = { path = "pictures/stripes.png" }
mm_per_repeat = 500.0
projection = "box"

[material.provenance]
class = "estimated"
source = "a sample"
licence = "CC0-1.0"
"#;

/// The boxes' base in a material whose picture is `stripes.png` if there is one.
fn striped(workplace: &Workplace, more: &[&str]) -> Outcome {
    workplace.write("lib/oak.toml", OAK);
    let base = ["boxes.glb", "-o", "out.png", "--library", "lib", "--material", "Base=Striped", "--json"];
    workplace.render(&[&base[..], more].concat())
}

#[test]
fn pictures_of_a_library_are_seen_and_go_with_a_shot() {
    let workplace = Workplace::new();
    // Any picture will do: one of the boxes themselves.
    workplace.render(&["boxes.glb", "-o", "stripes.png", "--background", "#20c040"]);
    workplace.write("lib/pictures/stripes.png", &workplace.read("stripes.png"));
    striped(&workplace, &["--dump-shot", "shot.json"]);
    let first = workplace.read("out.png");
    let green = pixels(&first).iter().filter(|[r, g, b, _]| g.saturating_sub(*r.max(b)) > 40).count();
    assert!(green > 20, "{green} green pixels");
    let shot: Value = serde_json::from_slice(&workplace.read("shot.json")).expect("JSON");
    let texture = &shot["materials"]["ACME_200001_Striped"]["textures"]["base_color"];
    let name = texture["path"].as_str().expect("a path");
    assert_eq!(workplace.read(name), workplace.read("stripes.png"), "a copy beside the shot");
    workplace.run(&["render", "--shot", "shot.json", "-o", "again.png"]).done();
    assert!(workplace.read("again.png") == first, "the same picture");
    workplace.write(name, b"no picture");
    workplace.run(&["render", "--shot", "shot.json", "-o", "again.png"]).expect_error(
        3,
        "shot.file_changed",
        "/materials/ACME_200001_Striped/textures/base_color/path",
    );
}

#[test]
fn a_material_whose_picture_is_missing_is_not_rendered_without_it() {
    let workplace = Workplace::new();
    let outcome = striped(&workplace, &[]);
    let result: Value = serde_json::from_slice(&outcome.stdout).expect("JSON");
    assert_eq!(result["unmapped_parts"], 1);
    assert!(magenta_pixels(&workplace.read("out.png")) > 20);
    let told = result["diagnostics"].to_string();
    assert!(told.contains("library.texture_missing") && told.contains("pictures/stripes.png"), "{result}");
    let checked =
        workplace.run(&["preflight", "boxes.glb", "--library", "lib", "--material", "Base=Striped", "--json"]);
    let checked: Value = serde_json::from_slice(&checked.done().stdout).expect("JSON");
    let items = checked["materials"]["items"].as_array().or(checked["items"].as_array()).expect("items");
    assert!(items.iter().any(|item| item["reason"] == "texture_missing"), "{items:?}");
    let outcome = workplace.run(&["materials", "validate", "lib"]).done();
    let line = String::from_utf8_lossy(&outcome.stdout).into_owned();
    assert_eq!(line, "ACME 1.0.0: 1 materials, valid, but 1 cannot be worn for want of a picture\n");
    workplace.write("lib/pictures/stripes.png", b"no picture");
    workplace.run(&["materials", "validate", "lib"]).expect_error(3, "library.texture", "lib/oak.toml:17");
}

#[test]
fn an_entry_that_means_no_part_is_told_with_those_that_are_near() {
    let workplace = Workplace::new();
    let outcome = workplace.render(&["boxes.glb", "-o", "out.png", "--material", "Bse=Steel"]);
    assert!(outcome.stderr.contains("no part has the name `Bse`; did you mean `Base`?"), "{}", outcome.stderr);
    let outcome = workplace.render(&["boxes.glb", "-o", "out.png", "--material", "Base=Steel"]);
    assert!(!outcome.stderr.contains("no part has the name"), "{}", outcome.stderr);
    // A map file may be that of many products, but a name that is nearly that of a part is misspelt.
    workplace.write(
        "map.json",
        br#"{"parts": [{"part_name": "Bse", "material": "Steel"}, {"part_name": "Gasket", "material": "NBR"}]}"#,
    );
    let outcome = workplace.run(&["preflight", "boxes.glb", "--material-map", "map.json"]).done();
    let warning =
        "warning[unused_map_entry]: no part has the name `Bse`; did you mean `Base`?\n  at: map.json#/parts/0";
    assert!(outcome.stderr.contains(warning), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("`Gasket`"), "{}", outcome.stderr);
}

#[test]
fn materials_of_the_file_stay_when_parts_alone_are_mapped() {
    let workplace = Workplace::new();
    let red = |png: &str| {
        let seen = pixels(&workplace.read(png));
        seen.iter().filter(|[r, g, b, a]| *a > 200 && r > g && r > b && r - g > 60).count()
    };
    // Every material of the file is red; one of them is called Brass.
    let outcome = workplace.render(&["boxes.glb", "-o", "named.png"]);
    assert!(outcome.stderr.contains("warning[mapped_by_material]"), "{}", outcome.stderr);
    let outcome = workplace.render(&["boxes.glb", "-o", "own.png", "--map-by", "part"]);
    assert!(!outcome.stderr.contains("mapped_by_material"), "{}", outcome.stderr);
    assert!(red("own.png") > red("named.png") + 20, "{} and {}", red("own.png"), red("named.png"));
}

#[test]
fn unmapped_parts_can_keep_their_own_material_or_fail() {
    let workplace = Workplace::new();
    let steel = ["--material", "Base=Steel"];
    assert_eq!(unmapped(&workplace, &[&steel[..], &["--on-unmapped", "keep"]].concat()), (1, 0));
    let pixels = pixels(&workplace.read("out.png"));
    assert!(pixels.iter().any(|[r, g, b, a]| *a > 200 && r > g && r > b && r - g > 60), "the lid is red");
    let outcome = workplace.render(&[&["boxes.glb", "-o", "out.png"], &steel[..], &["--on-unmapped", "keep"]].concat());
    assert!(outcome.stderr.contains("no material: `Lid`; shown as in the file\n"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("--on-unmapped"), "{}", outcome.stderr);
    std::fs::remove_file(workplace.path("out.png")).expect("removed");
    let refused =
        workplace.run(&["render", "boxes.glb", "-o", "out.png", "--material", "Base=Steel", "--on-unmapped", "fail"]);
    refused.expect_error(4, "unmapped_parts", "Lid");
    assert_eq!(workplace.files(), ["boxes.glb"]);
}

#[test]
fn bad_maps_and_libraries_are_bad_input() {
    let workplace = Workplace::new();
    workplace.run(&["render", "boxes.glb", "--material-map", "gone.json"]).expect_error(
        3,
        "map.file_missing",
        "gone.json",
    );
    workplace.write("map.json", br#"{"parts": [{"part_name": "A"}]}"#);
    workplace.run(&["render", "boxes.glb", "--material-map", "map.json"]).expect_error(
        3,
        "map.missing",
        "map.json#/parts/0/material",
    );
    workplace.run(&["render", "boxes.glb", "--library", "gone"]).expect_error(3, "library.file_missing", "gone");
    workplace.write("acme/a.toml", b"schema = \"material-library/1\"\n[library]\nid = 3\n");
    let outcome = workplace.run(&["materials", "validate", "acme"]);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("a.toml:3"), "{}", outcome.stderr);
}

const ACME: &[u8] = br#"
schema = "material-library/1"
[library]
id = "ACME"
version = "1.2.0"
color_space = "lin_rec709"
[[material]]
code = "900001"
name = "Company-Blue"
aliases = ["Hausfarbe"]
[material.openpbr]
base_color = [0.02, 0.05, 0.5]
[material.provenance]
class = "estimated"
source = "paint card"
licence = "CC0-1.0"
"#;

#[test]
fn a_library_of_ones_own() {
    let workplace = Workplace::new();
    workplace.write("acme/acme.toml", ACME);
    let valid = workplace.run(&["materials", "validate", "acme", "--json"]).done().json();
    assert_eq!((&valid["id"], &valid["materials"]), (&"ACME".into(), &1.into()));
    let list =
        |more: &[&str]| -> Value { workplace.run(&[&["materials", "list", "--json"], more].concat()).done().json() };
    let page = list(&["--library", "acme", "--query", "hausfarbe"]);
    assert_eq!(page["items"][0]["id"], "ACME_900001_Company-Blue");
    assert_eq!(page["items"].as_array().expect("a list").len(), 1);
    assert_ne!(page["digest"], list(&[])["digest"]);
    workplace.render(&[
        "boxes.glb",
        "-o",
        "out.png",
        "--library",
        "acme",
        "--material",
        "Base=Hausfarbe",
        "--only",
        "Base",
    ]);
    let blue = pixels(&workplace.read("out.png")).iter().filter(|[r, _, b, a]| *a > 200 && b > r && b - r > 40).count();
    assert!(blue > 20, "{blue} blue pixels");
}

#[test]
fn the_built_in_library() {
    let workplace = Workplace::new();
    let page = workplace.run(&["materials", "list", "--json"]).done().json();
    assert_eq!(page["library"], "STD");
    assert_eq!(page["next_cursor"], Value::Null);
    let steel =
        page["items"].as_array().expect("a list").iter().find(|item| item["code"] == "010101").expect("bare steel");
    assert_eq!(steel["id"], "STD_010101_Steel-Bare");
    assert_eq!(steel["openpbr"]["base_metalness"], 1.0);
    let shown = workplace.run(&["materials", "show", "Stahl blank", "--json"]).done().json();
    assert_eq!(shown["id"], steel["id"]);
    let described = workplace.run(&["materials", "show", "Stahl blank"]).done();
    assert!(described.text().contains("  base_color = [0.53, "), "{}", described.text());
    workplace.run(&["materials", "show", "Unobtainium"]).expect_error(3, "library.unknown_material", "ID");
}

#[test]
fn preflight_tells_what_a_render_would_do() {
    let workplace = Workplace::new();
    let preflight = |more: &[&str]| -> Outcome { workplace.run(&[&["preflight", "boxes.glb"], more].concat()) };
    let must_match = ["--material", "Base=Steel", "--on-unmapped", "magenta"];
    let report = preflight(&[&must_match[..], &["--json"]].concat()).done().json();
    let members: Vec<&String> = report.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["ok", "materials", "diagnostics", "stats"]);
    let materials = &report["materials"];
    assert_eq!(
        (&materials["parts"], &materials["resolved"], &materials["unmapped"]),
        (&3.into(), &2.into(), &1.into())
    );
    let lid = &materials["items"][1];
    assert_eq!((&lid["node"], &lid["method"], &lid["reason"]), (&"Lid".into(), &"fallback".into(), &"no_match".into()));
    assert!(
        report["diagnostics"]
            .as_array()
            .expect("a list")
            .iter()
            .any(|d| d["code"] == "unmapped_part" && d["at"] == "Lid")
    );
    let stats = &report["stats"];
    assert_eq!((&stats["instances"], &stats["vertices"]), (&3.into(), &72.into()));
    assert!(stats["device_bytes_estimate"].as_u64().expect("a count") > 1000);
    assert!((stats["bbox_max_m"][0].as_f64().expect("a number") - 0.04).abs() < 1e-6);

    let refused = preflight(&["--json", "--material", "Base=Steel", "--on-unmapped", "fail"]);
    assert_eq!((refused.code, &refused.json()["ok"]), (4, &false.into()));
    assert!(refused.stderr.starts_with("error[unmapped_parts]: "), "{}", refused.stderr);
    let table = preflight(&must_match).done();
    let sum = "3 parts (material of the library: 2, of the file: 0, none: 1), ";
    assert!(table.text().contains("Lid") && table.text().contains(sum), "{}", table.text());
    let table = preflight(&[]).done();
    let sum = "3 parts (material of the library: 1, of the file: 1, none: 1), ";
    assert!(table.text().contains(sum), "{}", table.text());
    assert_eq!(workplace.files(), ["boxes.glb"]);
}

#[test]
fn a_map_to_start_from() {
    let workplace = Workplace::new();
    workplace.run(&["map", "init", "boxes.glb", "-o", "map.json", "--material", "Base=Steel"]).done();
    let kept = workplace.read("map.json");
    let told = workplace.run(&["map", "init", "boxes.glb", "-o", "told.json"]).done().stderr;
    assert!(told.starts_with("told.json: 3 entries, "), "{told}");
    for map in ["map.json", "gone.json"] {
        let outcome = workplace.run(&["map", "init", map]);
        let help = format!("`packshot map init product.glb -o {map}`");
        assert!(outcome.code == 3 && outcome.stderr.contains(&help), "{}", outcome.stderr);
    }
    let again = workplace.run(&["map", "init", "boxes.glb", "-o", "map.json"]);
    again.expect_error(6, "output.exists", "map.json");
    assert!(workplace.read("map.json") == kept, "what may have been edited by hand is never replaced unasked");
    workplace.run(&["map", "init", "boxes.glb", "-o", "map.json", "--overwrite"]).done();
    assert!(workplace.read("map.json") != kept);
    workplace.run(&["map", "init", "boxes.glb", "-o", "map.json", "--overwrite", "--material", "Base=Steel"]).done();
    let map: Value = serde_json::from_slice(&workplace.read("map.json")).expect("JSON");
    let names: Vec<_> = map["parts"].as_array().expect("a list").iter().map(|part| part["part_name"].clone()).collect();
    assert_eq!(names, ["Base", "Lid", "Pin_01"]);
    assert_eq!(map["parts"][1]["material"], Value::Null, "what nothing matches is open");
    let report = workplace.run(&["preflight", "boxes.glb", "--material-map", "map.json", "--json"]).done().json();
    assert_eq!(report["materials"]["resolved"], 2);
}

#[test]
fn the_sample_renders_the_same_with_and_without_its_map() {
    let workplace = Workplace::new();
    assert!(workplace.run(&["sample", "--list"]).done().text().contains("bearing"));
    workplace.run(&["sample", "bearing", "-o", "bearing.glb", "--map", "map.json"]).done();
    let again = ["sample", "bearing", "-o", "again.glb", "--map", "map.json"];
    workplace.write("map.json", MAP);
    workplace.run(&again).expect_error(6, "output.exists", "map.json");
    assert!(workplace.read("map.json") == MAP, "what may have been edited by hand is never replaced unasked");
    assert!(!workplace.files().contains(&"again.glb".to_owned()), "nothing is written by halves");
    workplace.run(&[&again[..], &["--overwrite"]].concat()).done();
    assert!(workplace.read("map.json") != MAP);
    let options = [&["-o", "out.png"], &TINY[..]].concat();
    let mut pictures = Vec::new();
    for input in [&["--sample", "bearing"][..], &["bearing.glb"], &["bearing.glb", "--material-map", "map.json"]] {
        workplace.run(&[&["render"], input, &options].concat()).done();
        pictures.push(workplace.read("out.png"));
    }
    assert!(pictures.windows(2).all(|pair| pair[0] == pair[1]));
    workplace.run(&["sample", "gearbox", "-o", "x.glb"]).expect_error(2, "usage.invalid_value", "");
}

#[test]
fn a_sheet_shows_what_materials_look_like() {
    let workplace = Workplace::new();
    let small = ["materials", "sheet", "-o", "sheet.png", "--size", "48", "--samples", "4", "--json"];
    let sheet = |more: &[&str]| {
        let result = workplace.run(&[&small[..], more].concat()).done().json();
        let size = ["width", "height"].map(|side| result[side].as_u64().expect("pixels"));
        let file = workplace.read("sheet.png");
        assert_eq!(pixels(&file).len() as u64, size[0] * size[1]);
        (result, size)
    };
    let (result, size) = sheet(&["--query", "CuZn30", "--columns", "3"]);
    let brass = &result["swatches"][0];
    assert_eq!(
        (&brass["id"], &brass["column"], &brass["row"]),
        (&"STD_010501_Brass-CuZn30".into(), &0.into(), &0.into())
    );
    // One swatch wide, and three lines below.
    assert_eq!(size, [48, 48 + 3 * 8]);
    let median = |result: &Value, i: usize| -> Vec<f64> {
        let codes = result["swatches"][i]["median_srgb"].as_array().expect("channels");
        codes.iter().map(|code| code.as_f64().expect("a code")).collect()
    };
    let [red, green, blue] = median(&result, 0)[..] else { panic!("three channels") };
    assert!(red > green && green > blue + 30.0, "brass is yellow: {red} {green} {blue}");
    let saturation = |result: &Value| result["swatches"][0]["saturation"].as_f64().expect("a number");
    assert!((saturation(&result) - (red - blue) / red).abs() < 1e-9);
    let (agx, _) = sheet(&["--query", "CuZn30", "--view-transform", "agx"]);
    assert!(saturation(&agx) < 0.8 * saturation(&result), "AgX bleaches");

    let (one, size) = sheet(&["--query", "020205", "--columns", "5"]);
    assert_eq!(
        (&one["swatches"][0]["id"], &one["columns"]),
        (&"STD_020205_PVC-Clear".into(), &1.into()),
        "by its code"
    );
    assert_eq!(size[0], 48, "no empty columns");
    let (steels, size) = sheet(&["--query", "steel", "--columns", "2"]);
    let last = steels["swatches"].as_array().and_then(|all| all.last()).expect("some");
    let rows = last["row"].as_u64().expect("a number") + 1;
    assert!(rows > 1 && size == [2 * 48, rows * (48 + 3 * 8)], "{rows} rows, {size:?}");
}

#[test]
fn sheets_that_cannot_be_drawn_are_refused() {
    let workplace = Workplace::new();
    let run = |more: &[&str]| workplace.run(&[&["materials", "sheet", "-o", "sheet.png"], more].concat());
    run(&["--query", "unobtainium"]).expect_error(3, "library.unknown_material", "--query");
    run(&["--view-transform", "filmic"]).expect_error(2, "usage.invalid_value", "--view-transform");
    run(&["--light", "glb"]).expect_error(2, "usage.invalid_value", "--light");
    run(&["--size", "8"]).expect_error(2, "usage.invalid_value", "--size");
    workplace.run(&["materials", "sheet", "-o", "missing/sheet.png"]).expect_error(
        6,
        "output.not_written",
        "missing/sheet.png",
    );
    workplace.run(&["materials", "sheet", "-o", "-", "--json"]).expect_error(2, "usage.conflict", "-o -");
    workplace.run(&["materials", "sheet", "-o", "sheet.jpg"]).expect_error(2, "usage.invalid_value", "-o");
    run(&["--max-memory-bytes", "1"]).expect_error(5, "device.out_of_memory", "--max-memory-bytes");
    let asked = run(&["--query", "Coper"]);
    assert!(asked.stderr.contains("did you mean `STD_010601_Copper` or "), "{}", asked.stderr);
    assert_eq!(workplace.files(), ["boxes.glb"]);
}

#[test]
fn messages_say_which_word_is_meant() {
    let workplace = Workplace::new();
    let says = |code: i32, arguments: &[&str], text: &str| {
        let outcome = workplace.run(arguments);
        assert_eq!(outcome.code, code, "{arguments:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(text), "{arguments:?}: {}", outcome.stderr);
    };
    let render = ["render", "boxes.glb", "-o", "out.png", "--samples", "1", "--width", "16", "--height", "16"];
    let with = |more: &[&'static str]| [&render[..], more].concat();
    says(
        0,
        &with(&["--material", "Base=Clear glass"]),
        "no library has the material `Clear glass`; did you mean `STD_040101_Glass-Boro`?",
    );
    says(
        4,
        &with(&["--on-unmapped", "fail", "--material", "Bse=Steel"]),
        "help: no part has the name `Bse`; did you mean `Base`? Otherwise give each a material in the material map",
    );
    says(
        4,
        &with(&["--on-unmapped", "fail", "--material", "Gasket=Steel"]),
        "help: no part has the name `Gasket`. Correct that entry, or give each a material in the material map",
    );
    says(2, &["views", "boxes.glb", "--set", "front,bak"], "`bak` is unknown: expected one or more of ");
    says(2, &with(&["--aov", "depth,"]), "a word is missing: expected one or more of albedo, ");
    says(2, &with(&["--aov", "depth,albdo"]), "`albdo` is unknown: expected one or more of albedo, ");
    says(2, &with(&["--aov", "albdo"]), "invalid value `albdo` for `--aov`: expected one or more of albedo, ");
    says(0, &["materials", "list", "--query", "unobtainium"], "no material contains `unobtainium`");
    says(
        0,
        &["materials", "list", "--query", "Coper"],
        "no material contains `Coper`\n  help: did you mean `STD_010601_Copper`",
    );
}
