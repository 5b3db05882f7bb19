//! `--preset`: pictures for marketplaces are measured, and broken rules are reported.

use serde_json::Value;

use crate::workplace::{Outcome, Workplace};

/// One sample per pixel shows shape and white as many do.
fn with_preset(workplace: &Workplace, args: &str) -> Outcome {
    let args: Vec<&str> = args.split_whitespace().collect();
    workplace.run(&[&args[..], &["--samples", "1", "--json"]].concat())
}

/// The rules that a list of checks says are broken.
fn broken(checks: &Value) -> Vec<&str> {
    let checks = checks.as_array().expect("a list").iter().filter(|check| check["passed"] == false);
    checks.map(|check| check["rule"].as_str().expect("a name")).collect()
}

#[test]
fn pictures_of_presets_keep_their_rules() {
    let workplace = Workplace::new();
    for (args, n_checks) in [
        ("render boxes.glb --preset amazon_main --width 1000 --height 1000 -o a.png", 5),
        ("render boxes.glb --preset google --width 500 --height 500 --view top -o g.png", 6),
    ] {
        let outcome = with_preset(&workplace, args).done().json();
        let checks = &outcome["checks"];
        assert_eq!((broken(checks), checks.as_array().map(Vec::len)), (vec![], Some(n_checks)), "{checks}");
    }
    let views =
        with_preset(&workplace, "views boxes.glb --preset google --width 500 --height 500 --view front,right -o v/");
    let views = views.done().json();
    assert!(views["views"].as_array().expect("two").iter().all(|view| broken(&view["checks"]).is_empty()), "{views}");
}

#[test]
fn a_broken_rule_is_an_exit_code_and_says_what_was_measured() {
    let workplace = Workplace::new();
    let args = "render boxes.glb --preset amazon_main --width 1000 --height 1000 --fill 0.5 --ground shadow -o a.png";
    let outcome = with_preset(&workplace, args);
    assert_eq!(outcome.code, 8, "{}", outcome.stderr);
    let result = outcome.json();
    assert_eq!(broken(&result["checks"]), ["fill", "residue_px"]);
    let fill = result["checks"][1]["measured"].as_f64().expect("a number");
    assert!((fill - 0.5).abs() < 0.02, "{fill}");
    assert!(
        outcome.stderr.contains("error[preset.rule_broken]: the picture breaks a rule of amazon_main: fill is"),
        "{}",
        outcome.stderr
    );
    let residue = "pixels away from the product are not white (255, 255, 255)";
    assert!(outcome.stderr.contains(residue), "{}", outcome.stderr);
    assert!(workplace.path("a.png").exists(), "the picture is there to be looked at");
}

#[test]
fn a_rule_that_is_broken_for_certain_is_told_before_anything_is_rendered() {
    let workplace = Workplace::new();
    for (args, at) in [
        ("render boxes.glb --preset amazon_main --width 200 --height 200 -o b.png", "--width"),
        ("render boxes.glb --preset amazon_main --background #f0f0f0 -o b.png", "--background"),
        ("render boxes.glb --preset amazon_360 --height 1600 -o b.png", "--height"),
        ("render boxes.glb --preset amazon_360 -o b.exr", "-o"),
        ("turntable boxes.glb --preset amazon_360 --stride 9 -o t/", "--frames"),
        ("turntable boxes.glb --preset amazon_360 --direction cw -o t/", "--direction"),
        ("turntable boxes.glb --preset amazon_360 --start-deg 5 -o t/", "--start-deg"),
        ("turntable boxes.glb --preset amazon_360 --elevation-deg 45 -o t/", "--elevation-deg"),
        ("turntable boxes.glb --preset google -o t/", "--preset"),
    ] {
        with_preset(&workplace, args).expect_error(2, "usage.conflict", at);
    }
    assert_eq!(workplace.files(), ["boxes.glb"], "nothing is written");
}

#[test]
fn a_trimmed_picture_has_its_margin_on_all_sides() {
    let workplace = Workplace::new();
    let args = "render boxes.glb --preset autocare --view front --width 1500 --height 1500 -o a.tiff";
    let result = with_preset(&workplace, args).json();
    assert_eq!(broken(&result["checks"]), [""; 0], "{}", result["checks"]);
    let (width, height) = (result["width"].as_u64().expect("px"), result["height"].as_u64().expect("px"));
    // 8 cm by 2 cm with 10 px all around.
    assert_eq!(width, 1500);
    assert!((380..=410).contains(&height), "{height} px high");
    // Another margin is a margin of the trimmed picture still.
    let wider = with_preset(&workplace, &args.replace("a.tiff", "b.tiff --margin-px 14")).json();
    assert!(wider["height"].as_u64().is_some_and(|height_px| (386..=420).contains(&height_px)), "{}", wider["height"]);
}

#[test]
fn a_turntable_is_held_against_the_rules_for_turntables() {
    let workplace = Workplace::new();
    let turn = "turntable boxes.glb --preset amazon_360 --width 1500 --height 1500 --frames-range 0..1 -o t/";
    let result = with_preset(&workplace, turn).done().json();
    assert_eq!((result["frames_of_turn"].as_u64(), broken(&result["checks"])), (Some(72), vec![]));
    assert_eq!(broken(&result["frames"][0]["checks"]), [""; 0]);
    // What was measured is kept with the frame.
    let again = with_preset(&workplace, turn).done().json();
    assert_eq!((again["kept"].as_u64(), &again["frames"][0]["checks"]), (Some(1), &result["frames"][0]["checks"]));
}
