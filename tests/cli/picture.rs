//! The pixels: equal where they must be, different where they must be.

use crate::workplace::{TINY, Workplace};

/// The RGBA pixels of an 8-bit PNG.
pub(crate) fn pixels(png: &[u8]) -> Vec<[u8; 4]> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
    decoder.set_transformations(png::Transformations::ALPHA);
    let mut reader = decoder.read_info().expect("a PNG");
    let mut bytes = vec![0; reader.output_buffer_size().expect("small")];
    reader.next_frame(&mut bytes).expect("pixels");
    bytes.as_chunks::<4>().0.to_vec()
}

#[test]
fn the_same_command_gives_the_same_bytes() {
    let workplace = Workplace::new();
    for (name, more) in [("a", &[][..]), ("b", &[]), ("one", &["--threads", "1"]), ("two", &["--threads", "2"])] {
        for extension in ["png", "exr"] {
            let output = format!("{name}.{extension}");
            workplace.render(&[&["boxes.glb", "-o", output.as_str()], more].concat());
        }
    }
    for name in ["b", "one", "two"] {
        assert!(workplace.read("a.png") == workplace.read(&format!("{name}.png")), "{name}");
        assert!(workplace.read("a.exr") == workplace.read(&format!("{name}.exr")), "{name}");
    }
    workplace.render(&["boxes.glb", "-o", "other.png", "--seed", "1"]);
    assert!(workplace.read("a.png") != workplace.read("other.png"), "another seed is another picture");
}

#[test]
fn layers_beside_the_picture_are_in_the_exr_and_change_nothing_in_it() {
    let workplace = Workplace::new();
    workplace.render(&["boxes.glb", "-o", "plain.exr"]);
    workplace.render(&["boxes.glb", "-o", "more.exr", "--aov", "samples,variance"]);
    let channels = |name: &str| {
        let bytes = workplace.read(name);
        let has = |channel: &str| {
            bytes.windows(channel.len() + 1).any(|window| window == [channel.as_bytes(), b"\0"].concat())
        };
        ["R", "G", "B", "A", "samples.Y", "variance.Y"].map(has)
    };
    assert_eq!(channels("plain.exr"), [true, true, true, true, false, false]);
    assert_eq!(channels("more.exr"), [true; 6]);
}

#[test]
fn an_exr_has_every_layer_that_is_asked_for() {
    let workplace = Workplace::new();
    let all = "albedo,normal,depth,position,uv,emission,shadow,object_id,part_id,material_id,light_groups";
    workplace.render(&["boxes.glb", "-o", "all.exr", "--aov", all]);
    let bytes = workplace.read("all.exr");
    let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    for channel in
        ["albedo.B", "normal.Z", "depth.Z", "position.X", "uv.V", "emission.R", "shadow.G", "light_environment.B"]
    {
        assert!(has(&format!("{channel}\0")), "{channel}");
    }
    for set in ["CryptoObject", "CryptoAsset", "CryptoMaterial"] {
        for channel in ["00.R", "01.G", "02.A"] {
            assert!(has(&format!("{set}{channel}\0")), "{set}{channel}");
        }
    }
    // The key of `CryptoObject`, and the hash of a part's name.
    assert!(has("cryptomatte/3ae39a5/manifest\0string\0") && has("\"Lid\":\"ad4067fc\""));
}

#[test]
fn clay_is_the_same_on_every_part() {
    let workplace = Workplace::new();
    // From above, in the same light from all sides: tops of equal boxes beside one another.
    let options = ["boxes.glb", "--view", "top", "--ortho", "--view-transform", "standard", "--noise", "0"];
    let brightest = |more: &[&str]| {
        let outcome = workplace.render(&[&options[..], &["-o", "out.png"], more].concat());
        let pixels = pixels(&workplace.read("out.png"));
        let seen: Vec<[u8; 4]> = pixels.into_iter().filter(|pixel| pixel[3] == 255).collect();
        let spread = seen.iter().map(|pixel| pixel[0].abs_diff(pixel[1]).max(pixel[1].abs_diff(pixel[2]))).max();
        (spread.expect("boxes"), outcome.stderr.contains("no material"))
    };
    let (spread, warns) = brightest(&["--only", "Lid"]);
    assert!(spread > 60 && !warns, "the lid is red: {spread}");
    let (spread, warns) = brightest(&["--clay"]);
    assert!(spread < 25 && !warns, "clay is grey: {spread}");
}

#[test]
fn clay_needs_no_materials_and_says_that_it_has_not_used_them() {
    let workplace = Workplace::new();
    workplace.write("map.json", br#"{"parts": [{"part_name": "Base", "material": "Steel"}]}"#);
    let clay = |more: &[&str]| {
        let options = ["boxes.glb", "--clay", "-o", "out.png"];
        let result = workplace.render_json(&[&options[..], more].concat());
        let findings = result["diagnostics"].as_array().expect("a list").iter();
        let unused = findings.filter(|finding| finding["code"] == "materials_not_used");
        let unused: Vec<String> = unused.map(|finding| finding["at"].as_str().expect("a place").to_owned()).collect();
        assert_eq!(result["unmapped_parts"], 0, "{result}");
        (pixels(&workplace.read("out.png")), unused)
    };
    let (plain, unused) = clay(&[]);
    assert_eq!(unused, [""; 0]);
    for (more, expected) in [
        (&["--material-map", "map.json"][..], &["--material-map"][..]),
        (&["--material", "Base=Steel"], &["--material"]),
        (&["--material", "Base=Unobtainium", "--on-unmapped", "fail"], &["--material"]),
        (&["--material-map", "map.json", "--material", "Lid=Brass"], &["--material-map", "--material"]),
    ] {
        let (same, unused) = clay(more);
        assert_eq!(unused, expected, "{more:?}");
        assert!(same == plain, "{more:?}: clay is clay");
    }
    let said = workplace.render(&["boxes.glb", "--clay", "--material", "Base=Steel", "-o", "out.png"]).stderr;
    assert!(said.contains("warning[materials_not_used]"), "{said}");
    let views = ["views", "boxes.glb", "--clay", "--material", "Base=Steel", "--view", "top", "-o", "views/"];
    assert!(workplace.run(&[&views[..], &TINY].concat()).done().stderr.contains("warning[materials_not_used]"));
    // A shot says what its parts wear, as it says everything.
    workplace.render(&["boxes.glb", "--dump-shot", "shot.json"]);
    workplace.run(&["render", "--shot", "shot.json", "--clay"]).expect_error(2, "usage.conflict", "--clay");
}

#[test]
fn trees_of_a_large_product_are_kept_and_change_no_picture() {
    let workplace = Workplace::new();
    let picture = || {
        workplace.run(&[&["render", "--sample", "bearing", "--clay", "-o", "out.png"], &TINY[..]].concat()).done();
        workplace.read("out.png")
    };
    let kept = || {
        let folder = workplace.path(".cache/packshot/trees");
        let files: Vec<_> = std::fs::read_dir(folder).expect("made").map(|file| file.expect("there").path()).collect();
        let [file] = &files[..] else { panic!("one product: {files:?}") };
        file.clone()
    };
    let built = picture();
    let sound = std::fs::read(kept()).expect("there");
    assert!(picture() == built, "read");
    std::fs::write(kept(), &sound[..sound.len() / 2]).expect("cut short");
    assert!(picture() == built, "built again");
    assert!(std::fs::read(kept()).expect("there") == sound, "and kept again");
}

/// Bounds of what is opaque: left, top, right, bottom.
fn opaque_bounds(pixels: &[[u8; 4]], width: usize) -> [usize; 4] {
    let seen = pixels.iter().enumerate().filter(|(_, pixel)| pixel[3] > 127).map(|(i, _)| (i % width, i / width));
    seen.fold([usize::MAX, usize::MAX, 0, 0], |[l, t, r, b], (x, y)| [l.min(x), t.min(y), r.max(x), b.max(y)])
}

#[test]
fn the_product_fills_the_frame_as_asked() {
    let workplace = Workplace::new();
    for fill in [0.5, 0.9] {
        let fill_text = fill.to_string();
        let options = ["boxes.glb", "-o", "out.png", "--view", "front", "--ortho", "--fill", fill_text.as_str()];
        workplace
            .run(&[&["render", "--width", "100", "--height", "100", "--samples", "4"], &options[..]].concat())
            .done();
        let [left, top, right, bottom] = opaque_bounds(&pixels(&workplace.read("out.png")), 100);
        let width = (right + 1 - left) as f64;
        assert!((width - 100.0 * fill).abs() <= 2.0, "{width} of 100 pixels for a fill of {fill}");
        assert!((left + right).abs_diff(99) <= 1 && (top + bottom).abs_diff(99) <= 1, "{left} {top} {right} {bottom}");
    }
}

#[test]
fn views_look_from_where_they_say() {
    let workplace = Workplace::new();
    // Only the part at +X, seen from the front beside the others' place, and from the right.
    let widths = [("front", 3), ("right", 1), ("top", 3)].map(|(view, boxes)| {
        workplace.render(&["boxes.glb", "-o", "out.png", "--view", view, "--ortho", "--background", "transparent"]);
        let [left, top, right, bottom] = opaque_bounds(&pixels(&workplace.read("out.png")), 32);
        ((right + 1 - left) > 2 * (bottom + 1 - top), boxes == 3)
    });
    assert!(widths.iter().all(|(is_wide, expected)| is_wide == expected), "{widths:?}");
    workplace.render(&["boxes.glb", "-o", "by_angle.png", "--azimuth-deg", "90", "--elevation-deg", "0"]);
    workplace.render(&["boxes.glb", "-o", "by_name.png", "--view", "right"]);
    assert!(workplace.read("by_angle.png") == workplace.read("by_name.png"));
    workplace.render(&["boxes.glb", "-o", "camera.png", "--camera", "Above"]);
    assert!(workplace.read("camera.png") != workplace.read("by_name.png"));
    workplace.run(&["render", "boxes.glb", "--camera", "Below"]).expect_error(3, "shot.camera_not_found", "--camera");
}

#[test]
fn parts_can_be_left_out() {
    let workplace = Workplace::new();
    let count = |more: &[&str]| {
        let result = workplace.render_json(&[&["boxes.glb", "-o", "out.png"], more].concat());
        (result["parts"].as_u64().expect("a count"), result["diagnostics"].to_string().contains("pattern_unmatched"))
    };
    assert_eq!(count(&["--only", "Lid"]), (1, false));
    assert_eq!(count(&["--only", "*i*"]), (2, false));
    assert_eq!(count(&["--hide", "Pin_*"]), (2, false));
    assert_eq!(count(&["--hide", "pin_*"]), (3, true), "names are exact, and a pattern without a part is told");
}

#[test]
fn backgrounds_and_exposure() {
    let workplace = Workplace::new();
    let corner = |more: &[&str]| {
        // Colours to the last bit are those of samples.
        workplace.render(&[&["boxes.glb", "-o", "out.png", "--denoise", "off"], more].concat());
        pixels(&workplace.read("out.png"))[0]
    };
    assert_eq!(corner(&[]), [0, 0, 0, 0]);
    assert_eq!(corner(&["--background", "white"]), [255; 4]);
    assert_eq!(corner(&["--background", "#0a80ff"]), [10, 128, 255, 255]);
    assert_eq!(corner(&["--background", "environment", "--light", "white", "--view-transform", "standard"]), [255; 4]);
    let dark =
        corner(&["--background", "environment", "--light", "white", "--view-transform", "raw", "--exposure-ev", "-1"]);
    assert!(dark[0].abs_diff(128) <= 1, "half of 1 is {dark:?}");
}

#[test]
fn time_is_kept() {
    let workplace = Workplace::new();
    let options =
        ["boxes.glb", "--max-time", "0.3", "--noise", "0", "--width", "256", "--height", "256", "--samples", "1000000"];
    let result = workplace.run(&[&["render", "--json"], &options[..]].concat()).done().json();
    let seconds = result["seconds"]["render"].as_f64().expect("a number");
    assert!((0.2..5.0).contains(&seconds), "{seconds}");
    assert!(result["samples_mean"].as_f64().expect("a number") < 1e6);
}

#[test]
fn noise_stops_sampling_early() {
    let workplace = Workplace::new();
    let mean = |noise: &str| {
        let options =
            ["render", "boxes.glb", "--json", "--width", "64", "--height", "64", "--samples", "256", "--noise", noise];
        workplace.run(&options).done().json()["samples_mean"].as_f64().expect("a number")
    };
    assert_eq!(mean("0"), 256.0);
    assert!(mean("0.5") < 200.0);
}
