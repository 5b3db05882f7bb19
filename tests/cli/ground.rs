//! `--ground`: what a product stands on.

use std::path::Path;

use crate::workplace::Workplace;

/// Width and straight RGBA of a PNG; those without alpha are opaque.
fn rgba(bytes: &[u8]) -> (usize, Vec<[u8; 4]>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().expect("a PNG");
    let mut samples = vec![0; reader.output_buffer_size().expect("small")];
    let info = reader.next_frame(&mut samples).expect("a picture");
    let pixels = match info.color_type {
        png::ColorType::Rgb => samples.as_chunks::<3>().0.iter().map(|&[r, g, b]| [r, g, b, 255]).collect(),
        png::ColorType::Rgba => samples.as_chunks::<4>().0.to_vec(),
        other => panic!("{other:?}"),
    };
    (info.width as usize, pixels)
}

/// The channels of an EXR by name.
fn channels(path: &Path) -> Vec<(String, Vec<f32>)> {
    let image = exr::prelude::read_all_flat_layers_from_file(path).expect("an EXR");
    let channels = image.layer_data.into_iter().flat_map(|layer| layer.channel_data.list);
    channels.map(|channel| (channel.name.to_string(), channel.sample_data.values_as_f32().collect())).collect()
}

const SHADOW: [&str; 6] = ["boxes.glb", "--shadow-catcher", "--elevation-deg", "30", "--azimuth-deg", "35"];

#[test]
fn a_shadow_is_laid_over_what_is_below() {
    let workplace = Workplace::new();
    workplace.render(&[&SHADOW[..], &["-o", "shadow.png"]].concat());
    let (_, shadowed) = rgba(&workplace.read("shadow.png"));
    workplace.render(&["boxes.glb", "--elevation-deg", "30", "--azimuth-deg", "35", "-o", "bare.png"]);
    let (_, bare) = rgba(&workplace.read("bare.png"));
    let is_shadow = |(with, without): &(&[u8; 4], &[u8; 4])| without[3] == 0 && with[3] > 20;
    let shadows: Vec<_> = shadowed.iter().zip(&bare).filter(is_shadow).collect();
    assert!(shadows.len() > 10, "{} pixels in shadow", shadows.len());
    let values = shadows.iter().flat_map(|(with, _)| &with[..3]).map(|&value| f64::from(value));
    let mean = values.sum::<f64>() / (3 * shadows.len()) as f64;
    assert!(mean < 80.0, "shadows are dark, and not {mean}");
    let covered = |pixels: &[[u8; 4]]| pixels.iter().filter(|pixel| pixel[3] == 255).count();
    assert!(covered(&shadowed) >= covered(&bare), "the product is as opaque as without");
    // Over white the shadow leaves light, and ends within the frame.
    workplace.render(&[&SHADOW[..], &["-o", "white.png", "--background", "white"]].concat());
    let (width, white) = rgba(&workplace.read("white.png"));
    let is_outermost = |i: usize| [0, width - 1].contains(&(i % width)) || i < width || i >= white.len() - width;
    let border = (0..white.len()).filter(|&i| is_outermost(i));
    assert_eq!(border.clone().filter(|&i| white[i] != [255; 4]).count(), 0, "white to the last pixel");
    let as_blender = ["-o", "blender.png", "--background", "white", "--look", "blender-5.0"];
    workplace.render(&[&SHADOW[..], &as_blender].concat());
    let (_, whole) = rgba(&workplace.read("blender.png"));
    assert!(border.filter(|&i| whole[i] != [255; 4]).count() > 0, "Blender's shadows reach the frame");
    workplace.render(&[&SHADOW[..], &["-o", "again.png", "--threads", "1"]].concat());
    assert!(workplace.read("again.png") == workplace.read("shadow.png"), "the same bytes on any number of threads");
}

#[test]
fn a_shadow_for_which_there_is_no_time_is_no_noise() {
    let workplace = Workplace::new();
    let n_empty = |more: &[&str]| {
        let common = ["--width", "64", "--height", "64", "--noise", "0", "--denoise", "off", "-o", "a.png"];
        workplace.run(&[&["render"][..], &SHADOW, &common, more].concat()).done();
        rgba(&workplace.read("a.png")).1.iter().filter(|pixel| pixel[3] == 0).count()
    };
    // Both films of the floor have the same sample, so that nothing changes where the product casts no shadow; and one
    // sample finds fewer shadows than many.
    let (hurried, whole) = (n_empty(&["--max-time", "0.000001", "--samples", "65536"]), n_empty(&["--samples", "16"]));
    assert!(hurried >= whole && whole > 500, "{hurried} pixels are empty, and {whole} with 16 samples");
}

#[test]
fn an_exr_has_what_is_left_of_each_channel() {
    let workplace = Workplace::new();
    workplace.render(&[&SHADOW[..], &["-o", "shadow.exr", "--exr", "float"]].concat());
    let channels = channels(&workplace.path("shadow.exr"));
    let channel = |name: &str| &channels.iter().find(|(found, _)| found == name).expect(name).1;
    let [r, g, b] = ["R", "G", "B"].map(|name| channel(&format!("catcher_transmittance.{name}")));
    for (i, alpha) in channel("A").iter().enumerate() {
        let luminance = 0.2126 * r[i] + 0.7152 * g[i] + 0.0722 * b[i];
        assert!((1.0 - luminance.min(1.0) - alpha).abs() < 1e-5, "pixel {i}: {alpha}");
    }
    assert!(g.iter().any(|&left| left < 0.01) && g.iter().any(|&left| left > 0.9));
    // Over the environment the picture is complete.
    workplace.render(&[&SHADOW[..], &["-o", "world.exr", "--background", "environment"]].concat());
    let world = self::channels(&workplace.path("world.exr"));
    assert!(world.iter().all(|(name, _)| !name.starts_with("catcher")));
    let (_, alpha) = world.iter().find(|(name, _)| name == "A").expect("alpha");
    assert!(alpha.iter().all(|&alpha| alpha == 1.0));
}

#[test]
fn floors_and_sweeps_fill_the_picture() {
    let workplace = Workplace::new();
    for ground in ["floor", "sweep"] {
        let output = format!("{ground}.png");
        workplace.render(&["boxes.glb", "--ground", ground, "-o", &output, "--elevation-deg", "40"]);
        let (_, pixels) = rgba(&workplace.read(&output));
        assert!(pixels.iter().all(|pixel| pixel[3] == 255), "{ground}");
    }
}

#[test]
fn a_shot_with_its_ground_is_read_back() {
    let workplace = Workplace::new();
    for (ground, more) in [("reflection", "--ground-roughness=0.2"), ("sweep", "--ground-color=#804020")] {
        let arguments = ["boxes.glb", "--ground", ground, more, "-o", "a.png", "--dump-shot", "shot.json"];
        workplace.render(&arguments);
        workplace.render(&["--shot", "shot.json", "-o", "b.png"]);
        assert!(workplace.read("a.png") == workplace.read("b.png"), "{ground}");
    }
}

#[test]
fn views_from_below_are_without_the_ground() {
    let workplace = Workplace::new();
    let views = ["views", "boxes.glb", "-o", "v/", "--view", "front,bottom", "--ground", "floor", "--json"];
    let result = workplace.run(&[&views[..], &["--samples", "1", "--width", "48", "--height", "48"]].concat());
    let result = result.done().json();
    let codes = |result: &serde_json::Value| -> Vec<String> {
        let found = result["diagnostics"].as_array().expect("a list").iter();
        found.map(|finding| finding["code"].as_str().expect("a code").to_owned()).collect()
    };
    assert!(codes(&result).contains(&"shot.below_ground".to_owned()), "{result}");
    let (_, bottom) = rgba(&workplace.read("v/bottom.png"));
    assert!(bottom.iter().any(|pixel| pixel[3] == 0) && bottom.iter().any(|pixel| pixel[3] == 255));
}

#[test]
fn what_does_not_go_together_is_refused() {
    let workplace = Workplace::new();
    for (args, code, at) in [
        ("render boxes.glb --ground shadow --ground-roughness 0.2", "usage.conflict", "--ground-roughness"),
        ("render boxes.glb --ground-color #ffffff", "usage.missing", "--ground-color"),
        ("render boxes.glb --ground floor --ground-color transparent", "usage.invalid_value", ""),
        ("render boxes.glb --ground wall", "usage.invalid_value", ""),
        ("render boxes.glb --ground floor --shadow-catcher", "usage.conflict", ""),
    ] {
        let outcome = workplace.run(&args.split_whitespace().collect::<Vec<_>>());
        outcome.expect_error(2, code, at);
    }
    let template = "schema = \"shot-template/1\"\n[template]\nid = \"ours\"\nname = \"Ours\"\ndescription = \"On a ground\"\n\
                    [backdrop]\nbackground = \"white\"\nground = \"shadow\"\nground_color = \"#804020\"\n";
    workplace.write("ours.toml", template.as_bytes());
    let glossy = ["render", "boxes.glb", "--template", "./ours.toml", "--ground-roughness", "0.2"];
    workplace.run(&glossy).expect_error(2, "usage.conflict", "--ground-roughness");
    workplace.render(&["boxes.glb", "--template", "./ours.toml", "--ground", "floor", "--dump-shot", "shot.json"]);
    assert!(workplace.read_text("shot.json").contains("0.215860"), "the template's colour is kept");
    let turntable = workplace.run(&["turntable", "boxes.glb", "-o", "t/", "--frames", "2", "--ground", "sweep"]);
    turntable.expect_error(2, "usage.conflict", "--ground");
}

#[test]
fn a_reflection_is_not_brighter_with_fewer_samples() {
    let workplace = Workplace::new();
    // Codes of a dark background beside the product, less its own.
    let beside = |samples: &str, like: Option<&[usize]>| -> (Vec<usize>, f64) {
        let ground = ["--ground", "reflection", "--background", "#101010", "--denoise", "off", "--noise", "0"];
        let size = ["--width", "96", "--height", "96", "--samples", samples, "-o", "out.png", "-q"];
        workplace.run(&[&["render", "--sample", "bearing"], &ground[..], &size].concat()).done();
        let (_, codes) = rgba(&workplace.read("out.png"));
        let is_dark = |i: &usize| codes[*i][..3].iter().all(|code| code.abs_diff(16) < 12);
        let places = like.map_or_else(|| (0..codes.len()).filter(is_dark).collect(), <[usize]>::to_vec);
        let sum: f64 = places.iter().map(|&i| f64::from(codes[i][0]) - 16.0).sum();
        let mean = sum / places.len() as f64;
        (places, mean)
    };
    let (places, converged) = beside("256", None);
    let (_, noisy) = beside("8", Some(&places));
    assert!((noisy - converged).abs() < 0.4, "{noisy} with few samples, {converged} with many");
}
