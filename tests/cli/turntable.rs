//! `packshot turntable`: frames that belong together, and go on where they were ended.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::workplace::{Outcome, TINY, Workplace};

fn turntable(workplace: &Workplace, more: &[&str]) -> Outcome {
    workplace.run(&[&["turntable", "boxes.glb"], more, &TINY].concat())
}

/// Everything in a folder.
fn contents(workplace: &Workplace, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(workplace.path(folder)).expect("a folder");
    let file = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.expect("there");
        (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).expect("a file"))
    };
    entries.map(file).collect()
}

#[test]
fn a_turn_is_numbered_and_no_frame_is_there_twice() {
    let workplace = Workplace::new();
    let result =
        turntable(&workplace, &["-o", "t/", "--frames", "12", "--view", "three_quarter", "--json"]).done().json();
    let (rendered, width) = (result["rendered"].as_u64(), result["width"].as_u64());
    assert_eq!((rendered, result["kept"].as_u64(), width), (Some(12), Some(0), Some(32)));
    assert_eq!(result["denoised"]["network"], "rt_hdr_calb_cnrm");
    assert!(result["seconds"]["denoise"].as_f64().is_some_and(|seconds| seconds > 0.0), "{}", result["seconds"]);
    let angles: Vec<f64> =
        result["frames"].as_array().expect("a list").iter().map(|f| f["angle_deg"].as_f64().expect("deg")).collect();
    assert!(angles.iter().enumerate().all(|(k, &angle)| angle == 30.0 * k as f64), "{angles:?}");
    let files = contents(&workplace, "t");
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(
        (names.len(), names[0], names[11], names[12]),
        (13, "frame_0000.png", "frame_0011.png", "turntable.json")
    );
    let mut frames: Vec<&Vec<u8>> = files.values().take(12).collect();
    frames.sort();
    frames.dedup();
    assert_eq!(frames.len(), 12, "every frame shows something else");
}

#[test]
fn sets_by_stride_and_ranges_are_parts_of_the_whole_turn() {
    let workplace = Workplace::new();
    turntable(&workplace, &["-o", "all/", "--frames", "12"]).done();
    turntable(&workplace, &["-o", "third/", "--frames", "12", "--stride", "3"]).done();
    turntable(&workplace, &["-o", "four/", "--frames", "4"]).done();
    let (all, third, four) = (contents(&workplace, "all"), contents(&workplace, "third"), contents(&workplace, "four"));
    for k in 0..4 {
        let of_all = &all[&format!("frame_{:04}.png", 3 * k)];
        assert!(of_all == &third[&format!("frame_{:04}.png", 3 * k)], "stride {k}");
        assert!(of_all == &four[&format!("frame_{k:04}.png")], "frame {k} of a turn of four");
    }
    assert_eq!(third.len(), 5);
    // One range after the other fills the same folder.
    for range in ["7..12", "0..7"] {
        turntable(&workplace, &["-o", "parts/", "--frames", "12", "--frames-range", range]).done();
    }
    assert!(contents(&workplace, "parts") == all);
}

#[test]
fn an_orbit_shows_the_same_sides_in_light_that_stays_with_the_product() {
    let workplace = Workplace::new();
    for (folder, more) in
        [("p/", &["--mode", "product"][..]), ("o/", &["--mode", "orbit"]), ("cw/", &["--direction", "cw"])]
    {
        turntable(&workplace, &[&["-o", folder, "--frames", "4", "--format", "exr", "--exr", "float"], more].concat())
            .done();
    }
    let (product, orbit, clockwise) =
        (contents(&workplace, "p"), contents(&workplace, "o"), contents(&workplace, "cw"));
    assert!(
        product["frame_0000.exr"] == orbit["frame_0000.exr"]
            && product["frame_0000.exr"] == clockwise["frame_0000.exr"]
    );
    assert!(product["frame_0001.exr"] != orbit["frame_0001.exr"], "the light is another");
    let pixels = |exr: &[u8]| without_digest_of_shot(exr);
    assert!(
        pixels(&product["frame_0001.exr"]) == pixels(&clockwise["frame_0003.exr"]),
        "a quarter back is three quarters on"
    );
}

/// An EXR without what it says of its shot: a light that is turned by −90° is written otherwise than one that is turned
/// by 270°.
fn without_digest_of_shot(exr: &[u8]) -> Vec<u8> {
    const NAME: &[u8] = b"packshot:shot\0string\0";
    let begin = exr.windows(NAME.len()).position(|window| window == NAME).expect("an attribute") + NAME.len();
    // Its length in four bytes, and BLAKE3 in 64 digits.
    [&exr[..begin], &exr[begin + 4 + 64..]].concat()
}

#[test]
fn a_killed_turntable_goes_on_to_the_same_bytes() {
    let workplace = Workplace::new();
    let slow = ["--frames", "16", "--samples", "200", "--noise", "0", "--width", "48", "--height", "48"];
    let run = |folder: &'static str| [&["turntable", "boxes.glb", "-o", folder], &slow[..]].concat();
    let begun = std::time::Instant::now();
    workplace.run(&run("whole/")).done();
    let frame = begun.elapsed() / 16;
    let mut child = workplace.command(&run("killed/")).spawn().expect("starts");
    let third = workplace.path("killed/frame_0005.png");
    while !third.exists() {
        assert!(child.try_wait().expect("asked").is_none(), "it ended before it could be killed");
        std::thread::sleep(frame / 4);
    }
    child.kill().expect("killed");
    child.wait().expect("gone");
    let left = contents(&workplace, "killed").keys().filter(|name| name.starts_with("frame_")).count();
    assert!((6..16).contains(&left), "{left} frames were there when it was killed");
    let result = workplace.run(&[&run("killed/")[..], &["--json"]].concat()).done().json();
    let (kept, rendered) = (result["kept"].as_u64().expect("n"), result["rendered"].as_u64().expect("n"));
    assert!(kept >= 1 && kept + rendered == 16, "{kept} kept, {rendered} rendered");
    assert!(
        contents(&workplace, "killed")
            .into_iter()
            .filter(|(name, _)| !name.starts_with('.'))
            .eq(contents(&workplace, "whole"))
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_is_finished() {
    let workplace = Workplace::new();
    let endless = ["-o", "t/", "--frames", "1000", "--samples", "64", "--width", "64", "--height", "64"];
    let mut child = workplace.command(&[&["turntable", "boxes.glb"], &endless[..]].concat()).spawn().expect("starts");
    while !workplace.path("t/frame_0002.png").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
    assert_eq!(child.wait().expect("ends").code(), Some(130));
    let files = contents(&workplace, "t");
    let list: Value = serde_json::from_slice(&files["turntable.json"]).expect("a list");
    let finished = list["finished"].as_object().expect("by number");
    assert!(finished.len() >= 3 && finished.len() + 1 == files.len(), "{} of {}", finished.len(), files.len());
}

#[test]
fn only_what_is_missing_or_changed_is_rendered_again() {
    let workplace = Workplace::new();
    let run = |more: &[&str]| turntable(&workplace, &[&["-o", "t/", "--frames", "6"], more].concat());
    run(&[]).done();
    let whole = contents(&workplace, "t");
    std::fs::remove_file(workplace.path("t/frame_0001.png")).expect("removed");
    workplace.write("t/frame_0004.png", b"cut short");
    let result = run(&["--json"]).done().json();
    assert_eq!((result["kept"].as_u64(), result["rendered"].as_u64()), (Some(4), Some(2)));
    assert!(contents(&workplace, "t") == whole);
    // Another picture, product or way to turn does not mix with them.
    for more in [
        &["--seed", "1"][..],
        &["--direction", "cw"],
        &["--only", "Lid"],
        &["--material", "Base=Steel"],
        &["--dof", "8"],
        &["--bit-depth", "16"],
    ] {
        run(more).expect_error(6, "output.other_sequence", "turntable.json");
    }
    assert!(contents(&workplace, "t") == whole, "nothing was touched");
    let anew = run(&["--seed", "1", "--overwrite", "--json"]).done().json();
    assert_eq!(anew["kept"].as_u64(), Some(0));
    assert!(contents(&workplace, "t") != whole);
}

#[test]
fn a_turntable_that_begins_anew_leaves_nothing_of_the_one_before() {
    let workplace = Workplace::new();
    let run = |more: &[&str]| {
        let args = [&["turntable", "boxes.glb", "-o", "t/"], &TINY[..], more].concat();
        workplace.run(&args).done();
    };
    run(&["--frames", "4", "--format", "jpg"]);
    workplace.write("t/notes.txt", b"mine");
    workplace.write("t/frame_0003.jpg", b"mine too, by now");
    run(&["--frames", "2", "--overwrite"]);
    let left: Vec<String> = contents(&workplace, "t").into_keys().collect();
    assert_eq!(left, ["frame_0000.png", "frame_0001.png", "frame_0003.jpg", "notes.txt", "turntable.json"]);
}

#[test]
fn wrong_usage_of_turntables() {
    let workplace = Workplace::new();
    for (args, code, at) in [
        ("turntable", "usage.missing", "<INPUT>"),
        ("turntable boxes.glb --frames 0", "usage.invalid_value", "--frames"),
        ("turntable boxes.glb --frames 100001", "usage.invalid_value", "--frames"),
        ("turntable boxes.glb --fps 0", "usage.invalid_value", "--fps"),
        ("turntable boxes.glb --direction left", "usage.invalid_value", "--direction"),
        ("turntable boxes.glb --mode wobble", "usage.invalid_value", "--mode"),
        ("turntable boxes.glb --stride 5", "usage.invalid_value", "--stride"),
        ("turntable boxes.glb --frames-range 5..5", "usage.invalid_value", "--frames-range"),
        ("turntable boxes.glb --frames-range 70..90", "usage.invalid_value", "--frames-range"),
        ("turntable boxes.glb -o out.png", "usage.invalid_value", "-o"),
        ("turntable boxes.glb -o -", "usage.invalid_value", "-o"),
        ("turntable boxes.glb --format png,jpg -o t/", "usage.conflict", "--format"),
        ("turntable boxes.glb --format png -o -", "usage.conflict", "--format"),
        ("turntable boxes.glb --repeat 2", "usage.conflict", "--repeat"),
        ("turntable boxes.glb --view top --azimuth-deg 2", "usage.conflict", ""),
    ] {
        workplace.run(&args.split_whitespace().collect::<Vec<_>>()).expect_error(2, code, at);
    }
    let outcome = workplace.run(&["turntable", "boxes.glb", "--format", "png", "-o", "-"]);
    assert!(outcome.stderr.contains("frames and movies do not go to standard output"), "{}", outcome.stderr);
    assert_eq!(workplace.files(), ["boxes.glb"], "nothing is written");
}
