//! `packshot views`: one picture per view, each what `packshot render` gives.

use serde_json::Value;

use crate::picture::pixels;
use crate::workplace::{Outcome, TINY, Workplace};

fn views(workplace: &Workplace, more: &[&str]) -> Outcome {
    workplace.run(&[&["views", "boxes.glb"], more, &TINY].concat())
}

fn names(result: &Value) -> Vec<&str> {
    result["views"].as_array().expect("a list").iter().map(|view| view["view"].as_str().expect("a name")).collect()
}

#[test]
fn every_view_of_a_set_is_the_picture_of_its_own() {
    let workplace = Workplace::new();
    let result = views(&workplace, &["-o", "v/", "--set", "six_view", "--json"]).done().json();
    assert_eq!(names(&result), ["front", "right", "back", "left", "top", "bottom"]);
    assert_eq!(result["views"][5]["denoised"]["network"], "rt_hdr_calb_cnrm");
    assert!(result["seconds"]["denoise"].as_f64().is_some_and(|seconds| seconds > 0.0), "{}", result["seconds"]);
    for view in ["front", "left", "top"] {
        workplace.render(&["boxes.glb", "--view", view, "-o", "alone.png"]);
        assert!(workplace.read(&format!("v/{view}.png")) == workplace.read("alone.png"), "{view}");
    }
    let yaw = views(&workplace, &["-o", "yaw/", "--set", "six_yaw", "--json", "--format", "exr"]).done().json();
    assert_eq!(yaw["views"][4]["output"], "yaw/left_240deg.exr");
    assert_eq!((&yaw["views"][4]["denoised"], yaw["seconds"]["denoise"].as_f64()), (&Value::Null, Some(0.0)));
    assert_eq!(
        (yaw["views"][4]["azimuth_deg"].as_f64(), yaw["views"][4]["elevation_deg"].as_f64()),
        (Some(240.0), Some(20.0))
    );
    workplace.render(&["boxes.glb", "--azimuth-deg", "240", "--elevation-deg", "20", "-o", "alone.exr"]);
    assert!(workplace.read("yaw/left_240deg.exr") == workplace.read("alone.exr"));
}

#[test]
fn views_from_another_height_are_all_but_top_and_bottom() {
    let workplace = Workplace::new();
    let more = ["-o", "low/", "--view", "right_60deg,top,front", "--elevation-deg", "-5", "--json"];
    let result = views(&workplace, &more).done().json();
    let heights: Vec<_> = (0..3).map(|i| result["views"][i]["elevation_deg"].as_f64()).collect();
    assert_eq!(heights, [Some(-5.0), Some(90.0), Some(-5.0)]);
    workplace.render(&["boxes.glb", "--azimuth-deg", "60", "--elevation-deg", "-5", "-o", "alone.png"]);
    assert!(workplace.read("low/right_60deg.png") == workplace.read("alone.png"));
    views(&workplace, &["--elevation-deg", "91"]).expect_error(2, "usage.invalid_value", "--elevation-deg");
}

#[test]
fn views_are_chosen_by_name_and_come_once_each() {
    let workplace = Workplace::new();
    let more = ["--view", "three_quarter,top", "--view", "right_60deg", "--view", "top", "--json"];
    let result = views(&workplace, &more).done().json();
    assert_eq!(names(&result), ["three_quarter", "top", "right_60deg"]);
    assert_eq!(result["views"][0]["output"], Value::Null, "nothing is written without -o");
    let sets = views(&workplace, &["--set", "six_yaw", "--set", "six_view", "--json"]).done().json();
    assert_eq!((names(&sets).len(), names(&sets)[0]), (12, "front_0deg"));
    let both = views(&workplace, &["--set", "six_view", "--view", "top", "--view", "back_180deg", "--json"]).done();
    assert_eq!(names(&both.json()).len(), 7);
    assert_eq!(workplace.files(), ["boxes.glb"]);
}

#[test]
fn a_shared_scale_shows_the_short_side_smaller() {
    let workplace = Workplace::new();
    let columns = |folder: &str| {
        let pixels = pixels(&workplace.read(&format!("{folder}/right.png")));
        (0..32).filter(|x| (0..24).any(|y| pixels[y * 32 + x][3] > 127)).count()
    };
    for scale in ["per_view", "shared"] {
        views(&workplace, &["-o", &format!("{scale}/"), "--view", "front,right", "--scale", scale, "--ortho"]).done();
    }
    let (own, shared) = (columns("per_view"), columns("shared"));
    // 8 cm from the front, 2 cm from the side, in 85 % of 32 x 24 pixels.
    assert!((20..=21).contains(&own) && (6..=8).contains(&shared), "{own} and {shared} columns");
}

#[test]
fn a_crop_frames_one_part() {
    let workplace = Workplace::new();
    workplace.render(&["boxes.glb", "--view", "front", "--crop-to", "Lid", "-o", "lid.png"]);
    workplace.render(&["boxes.glb", "--view", "front", "-o", "all.png"]);
    assert!(workplace.read("lid.png") != workplace.read("all.png"));
    views(&workplace, &["-o", "v/", "--view", "front", "--crop-to", "Lid"]).done();
    assert!(workplace.read("v/front.png") == workplace.read("lid.png"));
    let outcome = views(&workplace, &["--crop-to", "Cap"]);
    outcome.expect_error(3, "shot.part_not_found", "--crop-to");
    assert!(outcome.stderr.contains("Base, Lid, Pin_01"), "{}", outcome.stderr);
}

#[test]
fn depth_of_field_changes_the_picture_and_is_in_a_dump() {
    let workplace = Workplace::new();
    let sharp = ["boxes.glb", "--view", "left", "-o"];
    workplace.render(&[&sharp[..], &["sharp.png"]].concat());
    workplace.render(&[&sharp[..], &["f1.png", "--dof", "1", "--focus", "Base", "--dump-shot", "shot.json"]].concat());
    workplace.render(&[&sharp[..], &["f1000000.png", "--dof", "1000000"]].concat());
    assert!(workplace.read("sharp.png") != workplace.read("f1.png"));
    let shot: Value = serde_json::from_slice(&workplace.read("shot.json")).expect("JSON");
    let radius_m = shot["camera"]["aperture"]["radius_m"].as_f64().expect("a number");
    assert!((radius_m - 0.0425).abs() < 1e-12, "half of 85 mm by 1: {radius_m}");
    workplace.run(&["render", "boxes.glb", "--dof", "2.8", "--focus", "Cap"]).expect_error(
        3,
        "shot.part_not_found",
        "--focus",
    );
}

#[test]
fn wrong_usage_of_views() {
    let workplace = Workplace::new();
    for (args, code, at) in [
        ("views", "usage.missing", "<INPUT>"),
        ("views boxes.glb --set seven", "usage.invalid_value", "--set"),
        ("views boxes.glb --view sideways", "usage.invalid_value", "--view"),
        ("views boxes.glb --view front -o out.png", "usage.invalid_value", "-o"),
        ("views boxes.glb -o -", "usage.invalid_value", "-o"),
        ("views boxes.glb --repeat 2", "usage.conflict", "--repeat"),
        ("views boxes.glb --margin-px 3 --fill 0.5", "usage.conflict", ""),
        ("views boxes.glb --trim", "usage.missing", ""),
        ("views boxes.glb --focus Lid", "usage.missing", ""),
        ("views boxes.glb --dof 2 --ortho", "usage.conflict", ""),
        ("views boxes.glb --preset ebay", "usage.invalid_value", "--preset"),
        ("views boxes.glb --azimuth-deg 3", "usage.conflict", "--azimuth-deg"),
    ] {
        workplace.run(&args.split_whitespace().collect::<Vec<_>>()).expect_error(2, code, at);
    }
    let shared = ["views", "boxes.glb", "--margin-px", "2", "--trim", "--scale", "shared"];
    workplace.run(&[&shared[..], &TINY].concat()).expect_error(2, "usage.conflict", "--scale");
    let margin = ["views", "boxes.glb", "--margin-px", "12"];
    workplace.run(&[&margin[..], &TINY].concat()).expect_error(2, "shot.range", "--margin-px");
    assert_eq!(workplace.files(), ["boxes.glb"], "nothing is written");
}
