//! Names that neither the product nor the library has: every message asks whether one that is near is meant.

use serde_json::Value;

use crate::choices::glb_with_choices;
use crate::workplace::{TINY, Workplace};

const STEEL: &str = "STD_010101_Steel-Bare";

#[test]
fn errors_ask_for_the_name_that_is_meant() {
    let workplace = Workplace::new();
    workplace.write("choices.glb", &glb_with_choices());
    let template = "schema = \"shot-template/1\"\n[template]\nid = \"mine\"\nname = \"Mine\"\ndescription = \"A test.\"\n\
                    [[override]]\npart = \"*\"\nput_on = \"Stel\"\n";
    workplace.write("mine.toml", template.as_bytes());
    for (args, code, near) in [
        ("render boxes.glb --camera Abve", "shot.camera_not_found", "Above"),
        ("render boxes.glb --dof 2.8 --focus Bse", "shot.part_not_found", "Base"),
        ("render boxes.glb --crop-to Pin_1", "shot.part_not_found", "Pin_01"),
        ("render boxes.glb --only Bse", "shot.part_not_found", "Base"),
        ("preflight boxes.glb --only pin_01", "shot.part_not_found", "Pin_01"),
        ("views boxes.glb --only Lidd", "shot.part_not_found", "Lid"),
        ("render choices.glb --variant Blak", "glb.variant", "Black"),
        ("preflight choices.glb --animation Spni", "glb.animation", "Spin"),
        ("materials show Stel", "library.unknown_material", STEEL),
        ("template validate mine.toml", "template.material", STEEL),
        ("render boxes.glb --template mine.toml", "template.material", STEEL),
    ] {
        let outcome = workplace.run(&args.split_whitespace().collect::<Vec<_>>());
        outcome.expect_error(3, code, "");
        let help = outcome.stderr.lines().find_map(|line| line.strip_prefix("  help: ")).unwrap_or_default();
        assert!(help.starts_with(&format!("did you mean `{near}`")), "{args}: {}", outcome.stderr);
    }
    // What is like nothing is not guessed at.
    let outcome = workplace.run(&["render", "boxes.glb", "--only", "Gasket"]);
    assert!(!outcome.stderr.contains("did you mean"), "{}", outcome.stderr);
}

#[test]
fn findings_ask_for_the_name_that_is_meant() {
    let workplace = Workplace::new();
    workplace.write(
        "map.json",
        br#"{"parts": [{"part_name": "Base", "material": "Stel"}, {"path": "Lidd", "material": "Brass"}]}"#,
    );
    let found = |args: &[&str]| {
        let report = workplace.run(&[&["preflight", "boxes.glb", "--json"], args].concat()).done().json();
        let findings = report["diagnostics"].as_array().expect("a list");
        findings.iter().map(|finding| finding["message"].as_str().expect("a text").to_owned()).collect::<Vec<_>>()
    };
    for (args, begin, near) in [
        (&["--hide", "Bse"][..], "no part has a name or path like \"Bse\"; ", "Base"),
        (&["--material-map", "map.json"], "no material: no library has the material `Stel`; ", STEEL),
        (&["--material", "Base=Stel"], "no material: no library has the material `Stel`; ", STEEL),
        (&["--material-map", "map.json"], "no part has the path `Lidd`; ", "Lid"),
    ] {
        let messages = found(args);
        let asked = format!("{begin}did you mean `{near}`");
        assert!(messages.iter().any(|message| message.starts_with(&asked)), "{asked}: {messages:?}");
    }
}

#[test]
fn shots_are_asked_about_their_parts_and_materials() {
    let workplace = Workplace::new();
    workplace.render(&["boxes.glb", "--material", "Base=Steel", "--edges", "--dump-shot", "shot.json"]);
    let text = workplace.read_text("shot.json");
    assert!(text.contains("\"Base\"") && text.contains(&format!("\"{STEEL}\"")), "{text}");
    workplace.write("parts.json", text.replace("\"Base\"", "\"Bse\"").as_bytes());
    let outcome = workplace.run(&["render", "--shot", "parts.json", "-o", "out.png"]).done();
    assert!(outcome.stderr.contains("the pattern \"Bse\" matches no part; did you mean `Base`?"), "{}", outcome.stderr);

    let mut shot: Value = serde_json::from_str(&text).expect("JSON");
    let rules = shot["parts"].as_array_mut().expect("a list of rules");
    let rule = rules.iter_mut().find(|rule| rule["material"] == STEEL).expect("the base is of steel");
    rule["material"] = STEEL.replace("Bare", "Baer").into();
    workplace.write("materials.json", shot.to_string().as_bytes());
    let outcome = workplace.run(&[&["render", "--shot", "materials.json"], &TINY[..]].concat());
    outcome.expect_error(3, "shot.unknown_material", "/parts/");
    assert!(outcome.stderr.contains(&format!("did you mean `{STEEL}`")), "{}", outcome.stderr);
}
