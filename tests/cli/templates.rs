//! `--template` and `packshot template`.

use serde_json::json;

use crate::workplace::{Outcome, Workplace};

fn run(workplace: &Workplace, args: &str) -> Outcome {
    workplace.run(&args.split_whitespace().collect::<Vec<_>>())
}

/// Names of the built-in templates.
fn names(workplace: &Workplace) -> Vec<String> {
    let list = run(workplace, "template list --json").done().json();
    let items = list["items"].as_array().expect("a list");
    items.iter().map(|item| item["id"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn every_builtin_template_renders_and_its_text_is_valid() {
    let workplace = Workplace::new();
    let names = names(&workplace);
    assert_eq!(names.len(), 18);
    for name in names {
        let args =
            format!("render boxes.glb --template {name} --width 16 --height 16 --samples 1 -o {name}.png --json");
        let result = run(&workplace, &args).done().json();
        assert_eq!((result["width"].as_u64(), result["samples_max"].as_u64()), (Some(16), Some(1)), "{name}");
        let shown = run(&workplace, &format!("template show {name}"));
        std::fs::write(workplace.path("mine.toml"), &shown.stdout).expect("written");
        let valid = run(&workplace, "template validate mine.toml --json").done().json();
        assert_eq!((valid["id"].as_str(), valid["diagnostics"].as_array().map(Vec::len)), (Some(&*name), Some(0)));
    }
}

#[test]
fn options_win_over_the_template_and_the_template_over_defaults() {
    let workplace = Workplace::new();
    let text = "schema = \"shot-template/1\"\n[template]\nid = \"mine\"\nname = \"Mine\"\ndescription = \"A test.\"\n\
                [film]\nwidth = 24\nheight = 16\nsamples = 2\n\
                [[override]]\npart = \"*\"\nput_on = \"Clay\"\n\
                [[output]]\nextension = \"png\"\n[[output]]\nextension = \"exr\"\nsuffix = \"_linear\"\n";
    std::fs::write(workplace.path("mine.toml"), text).expect("written");
    let result = run(&workplace, "render boxes.glb --template mine.toml --width 8 -o out/ --json").done().json();
    assert_eq!((result["width"].as_u64(), result["height"].as_u64()), (Some(8), Some(16)));
    assert_eq!((result["samples_max"].as_u64(), result["unmapped_parts"].as_u64()), (Some(2), Some(0)));
    assert!(workplace.path("out/boxes.png").exists() && workplace.path("out/boxes_linear.exr").exists());
    assert_eq!(
        (&result["output"], &result["more_outputs"]),
        (&json!("out/boxes.png"), &json!(["out/boxes_linear.exr"]))
    );
    // Denoising is for pictures to look at, not for linear radiance: each file is written as if it were alone, in
    // whatever order the files are requested.
    let linear_first = text.replace(
        "\"png\"\n[[output]]\nextension = \"exr\"\nsuffix = \"_linear\"",
        "\"exr\"\n[[output]]\nextension = \"png\"",
    );
    assert_ne!(linear_first, text);
    std::fs::write(workplace.path("linear.toml"), linear_first).expect("written");
    run(&workplace, "render boxes.glb --template linear.toml --width 8 -o linear/").done();
    for (path, first, second) in
        [("a.png", "out/boxes.png", "linear/boxes.png"), ("a.exr", "out/boxes_linear.exr", "linear/boxes.exr")]
    {
        run(&workplace, &format!("render boxes.glb --template mine.toml --width 8 -o {path}")).done();
        assert!(
            workplace.read(path) == workplace.read(first) && workplace.read(path) == workplace.read(second),
            "{path}"
        );
    }
    // An option changes what it says, and leaves the rest of the template's files as it is.
    let dense = text
        .replace("extension = \"png\"", "extension = \"png\"\ndpi = 300")
        .replace("\"_linear\"", "\"_linear\"\nbit_depth = 32");
    std::fs::write(workplace.path("dense.toml"), dense).expect("written");
    run(&workplace, "render boxes.glb --template dense.toml --width 8 --bit-depth 16 --aov depth -o dense/").done();
    let png = workplace.read("dense/boxes.png");
    assert_eq!(png[24], 16, "bits of the PNG");
    let at = png.windows(4).position(|name| name == b"pHYs").expect("its resolution");
    assert_eq!(png[at + 4..at + 8], 11811_u32.to_be_bytes(), "300 dpi in pixels per metre");
    let exr = workplace.read("dense/boxes_linear.exr");
    let has = |name: &[u8]| exr.windows(name.len()).any(|bytes| bytes == name);
    assert!(has(b"depth.Z\0") && has(b"R\0\x02\0\0\0") && !has(b"R\0\x01\0\0\0"), "32 bits, with the layer");
    let refused = run(&workplace, "render boxes.glb --template mine.toml --quality 50 -o none/");
    refused.expect_error(2, "usage.conflict", "--quality");
    let said = run(&workplace, "render boxes.glb --template mine.toml -o out/").done().stderr;
    assert!(said.contains("out/boxes.png, out/boxes_linear.exr: "), "{said}");
    run(&workplace, "render boxes.glb --template mine.toml --format jpg -o jpg/").done();
    assert!(workplace.path("jpg/boxes.jpg").exists() && !workplace.path("jpg/boxes.png").exists());
    let views = run(&workplace, "views boxes.glb --template mine.toml --view front -o views/ --json").done().json();
    assert_eq!(views["views"][0]["more_outputs"], json!(["views/front_linear.exr"]));
    assert!(workplace.path("views/front_linear.exr").exists());
    run(&workplace, "turntable boxes.glb --template mine.toml --frames 2 --frames-range 0..1 -o turn/").done();
    assert!(workplace.path("turn/frame_0000.png").exists());
}

#[test]
fn broken_templates_are_refused_with_their_line() {
    let workplace = Workplace::new();
    std::fs::write(workplace.path("bad.toml"), "schema = \"shot-template/1\"\n[camera]\nlens = 3\n").expect("written");
    let outcome = run(&workplace, "render boxes.glb --template bad.toml -o a.png");
    assert_eq!(outcome.code, 3);
    assert!(outcome.stderr.contains("error[template.unknown_field]"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("bad.toml:3"), "{}", outcome.stderr);
    run(&workplace, "template validate bad.toml").expect_error(3, "template.missing", "bad.toml:1");
    let head = "schema = \"shot-template/1\"\n[template]\nid = \"mine\"\nname = \"Mine\"\ndescription = \"A test.\"\n";
    std::fs::write(workplace.path("coat.toml"), format!("{head}[[override]]\npart = \"*\"\nput_on = \"Nope\"\n"))
        .expect("written");
    run(&workplace, "template validate coat.toml").expect_error(3, "template.material", "coat.toml");
    std::fs::write(workplace.path("sky.toml"), format!("{head}[light]\nmap = \"sky.hdr\"\n")).expect("written");
    run(&workplace, "template validate sky.toml").expect_error(3, "env.file_missing", "sky.hdr");
    run(&workplace, "template show missing.toml").expect_error(3, "template.file_missing", "missing.toml");
    run(&workplace, "render boxes.glb --template tent -o a.png").expect_error(2, "usage.invalid_value", "--template");
    assert!(!workplace.path("a.png").exists());
}
