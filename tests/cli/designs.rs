//! `--design`: a picture on a part, the same in every command that takes pictures.

use serde_json::Value;

use crate::picture::pixels;
use crate::workplace::{TINY, Workplace};

/// A green picture with a transparent frame.
fn logo() -> Vec<u8> {
    let inside = |x: u32, y: u32| (4..28).contains(&x) && (4..28).contains(&y);
    let pixel = |i: u32| if inside(i % 32, i / 32) { [20, 220, 30, 255] } else { [0; 4] };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 32, 32);
    encoder.set_color(png::ColorType::Rgba);
    let mut writer = encoder.write_header().expect("written");
    writer.write_image_data((0..32 * 32).map(pixel).collect::<Vec<_>>().as_flattened()).expect("written");
    writer.finish().expect("written");
    bytes
}

fn workplace() -> Workplace {
    let workplace = Workplace::new();
    workplace.write("logo.png", &logo());
    workplace
}

/// The options of a design on the lid, seen from the front.
const ON_LID: [&str; 8] =
    ["boxes.glb", "--design", "logo.png", "--on", "Lid", "--place", "at=front,width=18mm,texture_px=512", "--view"];

fn on_lid<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&ON_LID[..], &["front"], more].concat()
}

/// Pixels that are green and nothing else.
fn n_green(png: &[u8]) -> usize {
    pixels(png).iter().filter(|[r, g, b, _]| *g > 90 && u32::from(*g) > 3 * u32::from(*r.max(b))).count()
}

#[test]
fn a_part_wears_a_design_and_the_result_says_where() {
    let workplace = workplace();
    let options = ["--map-by", "part", "--light", "white", "--denoise", "off"];
    let result = workplace.render_json(&on_lid(&[&["-o", "with.png"], &options[..]].concat()));
    workplace.render(&[&["boxes.glb", "--view", "front", "-o", "without.png"], &options[..]].concat());
    assert!(n_green(&workplace.read("with.png")) > n_green(&workplace.read("without.png")));
    let design = &result["design"];
    assert_eq!((&design["area"]["name"], &design["area"]["mapping"]), (&"Lid".into(), &"planar".into()));
    for (side, expected) in [("width", 18.0), ("height", 18.0), ("x", 0.0), ("y", 0.0)] {
        let found = design["box_mm"][side].as_f64().expect("a number");
        assert!((found - expected).abs() < 0.1, "{side}: {found}");
    }
    // A design of 32 pixels on 18 mm is coarse, which is a finding too.
    assert_eq!(design["warnings"][0]["code"], "low_resolution");
    let finding = |finding: &Value| finding["code"] == "low_resolution" && finding["at"] == "Lid";
    assert!(result["diagnostics"].as_array().expect("a list").iter().any(finding), "{result}");
    let plain = workplace.render_json(&["boxes.glb"]);
    assert_eq!(plain["design"], Value::Null);
}

#[test]
fn d62_the_texture_is_part_of_the_memory_that_preflight_estimates() {
    let workplace = workplace();
    let estimate = |more: &[&str]| {
        workplace.render(&[more, &["--report", "report.json"]].concat());
        let report: Value = serde_json::from_slice(&workplace.read("report.json")).expect("JSON");
        report["stats"]["device_bytes_estimate"].as_u64().expect("a count")
    };
    let with = [&ON_LID[..6], &["at=front,width=18,texture_px=2048"]].concat();
    let texels = 2048 * 2048;
    let more = estimate(&with) - estimate(&["boxes.glb"]);
    assert!((4 * texels..9 * texels).contains(&more), "{more} bytes");
}

#[test]
fn d63_the_same_command_gives_the_same_bytes_and_states_its_design() {
    let workplace = workplace();
    for (name, threads) in [("a.png", "1"), ("b.png", "2")] {
        workplace.render(&on_lid(&["-o", name, "--threads", threads]));
    }
    assert!(workplace.read("a.png") == workplace.read("b.png"));
    workplace
        .render(&[&ON_LID[..6], &["at=front,width=17mm,texture_px=512", "--view", "front", "-o", "c.png"]].concat());
    let stated = |name: &str| {
        let outcome = workplace.run(&["verify", name, "--json"]);
        outcome.json()["stated"]["design"].as_str().map(str::to_owned)
    };
    let (a, c) = (stated("a.png").expect("a design"), stated("c.png").expect("a design"));
    assert_eq!(stated("b.png").as_deref(), Some(a.as_str()));
    assert_ne!(a, c, "another place");
}

#[test]
fn views_and_turntables_wear_it_too() {
    let workplace = workplace();
    let views = [&["views"], &ON_LID[..7], &["--view", "front,back", "-o", "v/", "--json"], &TINY].concat();
    let result = workplace.run(&views).done().json();
    assert_eq!(result["design"]["area"]["name"], "Lid");
    workplace.render(&on_lid(&["-o", "alone.png"]));
    assert!(workplace.read("v/front.png") == workplace.read("alone.png"));

    let turn = |place: &str| {
        let args = ["turntable", "boxes.glb", "--design", "logo.png", "--on", "Lid", "--place", place];
        workplace.run(&[&args[..], &["--frames", "2", "-o", "t/", "--json"], &TINY].concat())
    };
    assert_eq!(turn("at=front,width=18,texture_px=512").done().json()["design"]["area"]["name"], "Lid");
    assert_eq!(turn("at=front,width=18,texture_px=512").done().json()["kept"], 2);
    turn("at=front,width=17,texture_px=512").expect_error(6, "output.other_sequence", "t");
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_rendered() {
    let workplace = workplace();
    let refused = |more: &[&str]| workplace.run(&[&["render"], more, &TINY].concat());
    refused(&["boxes.glb", "--on", "Lid"]).expect_error(2, "usage.missing", "--design");
    refused(&on_lid(&["-o", "logo.png"])).expect_error(2, "usage.conflict", "-o");
    assert_eq!(workplace.read("logo.png"), logo(), "what is read is never overwritten");
    refused(&on_lid(&["--dump-shot", "shot.json"])).expect_error(2, "usage.conflict", "--design");
    workplace.render(&["boxes.glb", "-o", "plain.png", "--dump-shot", "shot.json"]);
    let on_shot = ["--shot", "shot.json", "--design", "logo.png", "--on", "Lid"];
    refused(&on_shot).expect_error(2, "usage.conflict", "--design");
    let wrong = ["boxes.glb", "--design", "logo.png", "--on", "Lid", "--place", "width=wide,opacity=3"];
    let outcome = refused(&wrong);
    outcome.expect_error(2, "placement_invalid", "--place width");
    outcome.expect_message("placement_invalid", "--place");
    refused(&["boxes.glb", "--design", "logo.png", "--on", "Lit"]).expect_error(3, "printable_area_not_found", "--on");
}

#[test]
fn what_is_wrong_with_a_placement_is_told_with_the_way_out() {
    let workplace = workplace();
    for (on, place, message, at, help) in [
        ("Lid", "x", "it has no value: write `x=` and what it is", "--place x", "place of the anchor to the right"),
        ("Lid", "texture-px=x", "expected a whole number", "--place texture-px", "texels of the texture's longer side"),
        ("Lid", "colour=3", "there is no `colour`", "--place colour", "a placement has at, unit, x,"),
        ("Lid", "part=Base", "the surface is chosen apart from the placement", "--place part", "leave out one of them"),
        ("", "width=6", "", "--on", "give the name of a part or of a material"),
    ] {
        let args = ["render", "boxes.glb", "--design", "logo.png", "--on", on, "--place", place];
        let outcome = workplace.run(&[&args[..], &TINY].concat());
        outcome.expect_error(2, "placement_invalid", at);
        let stderr = outcome.stderr.to_lowercase();
        assert!(stderr.contains(&message.to_lowercase()) && stderr.contains(help), "{place}: {stderr}");
    }
}

#[test]
fn a_design_comes_from_standard_input() {
    let workplace = workplace();
    let mut args = on_lid(&["-o", "piped.png"]);
    args[2] = "-";
    let outcome = workplace.run_with_stdin(&[&["render"], &args[..], &TINY].concat(), &logo());
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    workplace.render(&on_lid(&["-o", "file.png"]));
    assert!(workplace.read("piped.png") == workplace.read("file.png"));
}

#[test]
fn a_design_that_faces_away_in_every_picture_is_found() {
    let workplace = workplace();
    let found = |args: &[&str]| -> Vec<String> {
        let result = workplace.run(&[args, &["--json"], &TINY].concat()).done().json();
        let findings = result["diagnostics"].as_array().expect("a list").iter();
        let turned = findings.filter(|finding| finding["code"] == "design_turned_away");
        turned.map(|finding| finding["message"].as_str().expect("a text").to_owned()).collect()
    };
    let on_flat = [&["render"], &ON_LID[..7]].concat();
    for (view, n) in [("three_quarter", 0), ("back", 1), ("left", 1)] {
        assert_eq!(found(&[&on_flat[..], &["--view", view]].concat()).len(), n, "{view}");
    }
    // Where a picture that goes around begins and ends, too.
    for (side, view, n) in [("top", "top", 0), ("top", "front", 1), ("bottom", "bottom", 0), ("bottom", "top", 1)] {
        let around = format!("at={side},width=6mm,mapping=cylindrical,texture_px=512");
        let ring = ["--sample", "bearing", "--design", "logo.png", "--on", "Outer_Ring", "--place", &around];
        assert_eq!(found(&[&["render"], &ring[..], &["--view", view]].concat()).len(), n, "{side} from {view}");
    }
    let views = [&["views"], &ON_LID[..7]].concat();
    assert_eq!(found(&[&views[..], &["--set", "back,front"]].concat()), [""; 0]);
    let of_both = found(&[&views[..], &["--set", "back,left"]].concat());
    assert!(of_both[0].contains("in every picture"), "{of_both:?}");
    let turn = [&["turntable"], &ON_LID[..6], &["at=front,width=18mm,texture_px=512", "--frames", "4"]].concat();
    assert_eq!(found(&turn), [""; 0]);
}

#[test]
fn a_design_behind_another_part_in_every_picture_is_found() {
    let workplace = workplace();
    // A pin as large as the lid stands to its right.
    let found = |place: &str, view: &str, more: &[&str]| -> Option<String> {
        let on_lid = ["render", "boxes.glb", "--design", "logo.png", "--on", "Lid", "--place", place, "--view", view];
        let result = workplace.run(&[&on_lid[..], more, &["--json"], &TINY].concat()).done().json();
        let findings = result["diagnostics"].as_array().expect("a list").iter();
        let hidden = findings.filter(|finding| finding["code"] == "design_hidden");
        let mut messages = hidden.map(|finding| finding["message"].as_str().expect("a text").to_owned());
        messages.next().inspect(|_| assert_eq!(messages.next(), None))
    };
    let message = found("at=right,width=18mm,texture_px=512", "right", &[]).expect("found");
    assert!(message.contains("hidden behind \"Pin_01\" in the picture"), "{message}");
    for (place, view, more) in [
        ("at=right,width=18mm,texture_px=512", "three_quarter", &[][..]),
        ("at=right,width=18mm,texture_px=512", "right", &["--hide", "Pin_01"]),
        ("at=front,width=18mm,texture_px=512", "front", &[]),
        // From elsewhere it faces away, which is another finding.
        ("at=right,width=18mm,texture_px=512", "left", &[]),
    ] {
        assert_eq!(found(place, view, more), None, "{place} from {view}");
    }
}

#[test]
fn a_hidden_part_is_no_area_and_the_message_says_that_it_is_hidden() {
    let workplace = workplace();
    for name in ["Lid", "lid"] {
        let mut args = on_lid(&["--hide", "Lid"]);
        args[4] = name;
        let outcome = workplace.run(&[&["render"], &args[..], &TINY].concat());
        outcome.expect_error(3, "printable_area_not_found", "--on");
        assert!(outcome.stderr.contains(&format!("the part `{name}` is hidden")), "{}", outcome.stderr);
    }
}
