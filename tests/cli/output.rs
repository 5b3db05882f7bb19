//! What is written: whole files or none, the format of the extension, one JSON object.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::workplace::{TINY, Workplace};

#[test]
fn a_picture_replaces_an_older_one_and_nothing_else_stays() {
    let workplace = Workplace::new();
    workplace.write("out.png", b"older");
    workplace.render(&["boxes.glb", "-o", "out.png"]);
    assert!(workplace.read("out.png").starts_with(b"\x89PNG"));
    assert_eq!(workplace.files(), ["boxes.glb", "out.png"]);
}

#[test]
fn a_failed_render_leaves_the_older_file() {
    let workplace = Workplace::new();
    workplace.write("out.png", b"older");
    workplace.write("broken.glb", b"glTF");
    workplace.run(&["render", "broken.glb", "-o", "out.png"]).expect_error(3, "glb.truncated", "byte");
    assert_eq!(workplace.read("out.png"), b"older");
    assert_eq!(workplace.files(), ["boxes.glb", "broken.glb", "out.png"]);
}

#[test]
fn what_cannot_be_written_is_known_before_rendering() {
    let workplace = Workplace::new();
    workplace.write("file", b"");
    // This many samples would take hours.
    let long = ["render", "boxes.glb", "--samples", "16777216", "--noise", "0"];
    for (option, path) in
        [("-o", "no/such/out.png"), ("-o", "file/out.png"), ("-o", "file/"), ("--report", "no/such/r.json")]
    {
        workplace.run(&[&long[..], &[option, path]].concat()).expect_error(
            6,
            "output.not_written",
            path.trim_end_matches('/'),
        );
    }
    assert_eq!(workplace.files(), ["boxes.glb", "file"]);
}

#[test]
fn formats_follow_the_extension() {
    let workplace = Workplace::new();
    for (name, more, header) in [
        ("a.png", &[][..], &b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x20\0\0\0\x18\x08\x06"[..]),
        ("a.PNG", &["--bit-depth", "16"], b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x20\0\0\0\x18\x10\x06"),
        ("white.png", &["--background", "white"], b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x20\0\0\0\x18\x08\x02"),
        ("a.exr", &[], b"\x76\x2f\x31\x01"),
        ("a.jpg", &["--dpi", "300"], b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x02\x01\x01\x2c\x01\x2c"),
        ("a.JPEG", &["--quality", "50"], b"\xff\xd8\xff"),
        ("a.avif", &[], b"\0\0\0\x18ftypavif"),
        ("a.tiff", &[], b"II\x2a\0"),
        ("a.tif", &["--bit-depth", "32"], b"II\x2a\0"),
        ("a.webp", &[], b"RIFF"),
    ] {
        workplace.render(&[&["boxes.glb", "-o", name], more].concat());
        assert!(workplace.read(name).starts_with(header), "{name}");
    }
    workplace.render(&["boxes.glb", "-o", "float.exr", "--exr", "float"]);
    assert!(workplace.read("float.exr") != workplace.read("a.exr"));
}

#[test]
fn standard_streams() {
    let workplace = Workplace::new();
    workplace.render(&["boxes.glb", "-o", "out.png"]);
    let glb = workplace.read("boxes.glb");
    let piped = workplace.run_with_stdin(&[&["render", "-", "-o", "-"], &TINY[..]].concat(), &glb).done();
    assert!(piped.stdout == workplace.read("out.png"));
    let exr =
        workplace.run_with_stdin(&[&["render", "-", "-o", "-", "--format", "exr"], &TINY[..]].concat(), &glb).done();
    assert!(exr.stdout.starts_with(b"\x76\x2f\x31\x01"));
}

#[test]
fn several_inputs_go_into_a_folder() {
    let workplace = Workplace::new();
    workplace.write("second.glb", &workplace.read("boxes.glb"));
    let results = workplace.render_json(&["boxes.glb", "second.glb", "-o", "out/"]);
    let outputs: Vec<&str> =
        results["results"].as_array().expect("a list").iter().map(|r| r["output"].as_str().expect("a path")).collect();
    assert_eq!(outputs, ["out/boxes.png", "out/second.png"]);
    workplace.render(&["boxes.glb", "-o", "alone.png"]);
    assert!(
        workplace.read("out/second.png") == workplace.read("alone.png"),
        "the first picture leaves no trace in the second"
    );
    workplace.render(&["boxes.glb", "-o", "out", "--format", "exr"]);
    assert!(workplace.read("out/boxes.exr").starts_with(b"\x76\x2f\x31\x01"), "a folder that is there needs no slash");
}

#[test]
fn a_broken_input_takes_no_other_with_it() {
    let workplace = Workplace::new();
    workplace.write("bad.glb", b"glTF");
    workplace.write("last.glb", &workplace.read("boxes.glb"));
    let inputs = ["render", "boxes.glb", "bad.glb", "missing.glb", "last.glb", "-o", "out/", "--json"];
    let outcome = workplace.run(&[&inputs[..], &TINY].concat());
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    let said = outcome.json();
    let outputs: Vec<&str> =
        said["results"].as_array().expect("a list").iter().filter_map(|result| result["output"].as_str()).collect();
    assert_eq!(outputs, ["out/boxes.png", "out/last.png"]);
    let failures = said["failures"].as_array().expect("a list").iter();
    let failures: Vec<_> = failures.map(|fault| (fault["input"].as_str(), fault["code"].as_str())).collect();
    let expected = [("bad.glb", "glb.truncated"), ("missing.glb", "glb.file_missing")];
    assert_eq!(failures, expected.map(|(input, code)| (Some(input), Some(code))));
    assert_eq!(said["output"], Value::Null, "two results have no members in common");
    assert!(outcome.stderr.contains("bad.glb") && outcome.stderr.contains("missing.glb"), "{}", outcome.stderr);
}

#[test]
fn the_json_of_a_render_has_one_shape() {
    let workplace = Workplace::new();
    workplace.write("bad.glb", b"glTF");
    let render = |args: &[&str]| workplace.run(&[&["render", "--json"], args, &TINY].concat());
    let whole = render(&["boxes.glb", "-o", "out.png"]).done().json();
    assert_eq!(whole["failures"], json!([]));
    let [result] = &whole["results"].as_array().expect("a list")[..] else { panic!("{whole}") };
    for (name, value) in result.as_object().expect("an object") {
        assert_eq!(whole[name], *value, "{name}: the members of the only result are at the top, too");
    }
    // The only input fails.
    let outcome = render(&["bad.glb"]);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    outcome.expect_message("glb.truncated", "byte");
    let said = outcome.json();
    assert_eq!(shape(&said), names(&[("results", "list"), ("failures", "list")]));
    let [failure] = &said["failures"].as_array().expect("a list")[..] else { panic!("{said}") };
    let members = ["input", "code", "at", "message", "help"].map(|name| (name, "text"));
    assert_eq!(
        (shape(failure), &failure["input"], &failure["code"]),
        (names(&members), &json!("bad.glb"), &json!("glb.truncated"))
    );
    assert!(!failure["at"].as_str().expect("a text").contains("bad.glb"), "the place within the input: {failure}");
    // One of two fails; then what all need is missing; then a shot.
    let said = render(&["boxes.glb", "bad.glb", "-o", "out/"]).json();
    assert_eq!((&said["output"], &said["failures"][0]["input"]), (&json!("out/boxes.png"), &json!("bad.glb")));
    for (inputs, input) in [(&["boxes.glb"][..], json!("boxes.glb")), (&["boxes.glb", "bad.glb"], Value::Null)] {
        let said = render(&[inputs, &["--material-map", "gone.json"]].concat()).json();
        assert_eq!((&said["failures"][0]["input"], &said["failures"][0]["code"]), (&input, &json!("map.file_missing")));
    }
    let said = render(&["--shot", "gone.json"]).json();
    assert_eq!((&said["results"], &said["failures"][0]["input"]), (&json!([]), &json!("gone.json")));
    // The command line itself is wrong.
    render(&["boxes.glb", "--fill", "2"]).expect_error(2, "usage.invalid_value", "--fill");
}

/// Names and JSON types of an object's members, in order.
fn shape(value: &Value) -> Vec<(String, &'static str)> {
    let kind = |value: &Value| match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    };
    value.as_object().expect("an object").iter().map(|(name, value)| (name.clone(), kind(value))).collect()
}

fn names(members: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    members.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect()
}

#[test]
fn the_result_has_exactly_the_members_of_the_contract() {
    let workplace = Workplace::new();
    let outcome = workplace.run(&[&["render", "boxes.glb", "-o", "out.png", "--json"], &TINY[..]].concat()).done();
    assert_eq!(outcome.text().lines().count(), 1, "one line, nothing else");
    let result = outcome.json();
    let expected = names(&[
        ("output", "text"),
        ("width", "number"),
        ("height", "number"),
        ("samples_max", "number"),
        ("samples_mean", "number"),
        ("denoised", "object"),
        ("seconds", "object"),
        ("warm", "list"),
        ("rays", "number"),
        ("samples_per_second", "number"),
        ("device", "object"),
        ("look", "text"),
        ("parts", "number"),
        ("unmapped_parts", "number"),
        ("diagnostics", "list"),
        ("results", "list"),
        ("failures", "list"),
    ]);
    assert_eq!(shape(&result), expected);
    let mut seconds = shape(&result["seconds"]);
    seconds.retain(|(name, _)| name != "render_cpu");
    let stages = ["import", "prepare", "render", "denoise", "encode", "total"].map(|name| (name, "number"));
    assert_eq!(seconds, names(&stages));
    assert_eq!(shape(&result["device"]), names(&["kind", "name", "backend", "reason"].map(|name| (name, "text"))));
    for diagnostic in result["diagnostics"].as_array().expect("a list") {
        assert_eq!(shape(diagnostic), names(&["code", "severity", "at", "message"].map(|name| (name, "text"))));
    }
    let fixed: BTreeMap<&str, Value> = [
        ("output", "out.png".into()),
        ("width", 32.into()),
        ("height", 24.into()),
        ("samples_max", 4.into()),
        ("parts", 3.into()),
    ]
    .into();
    for (name, value) in fixed {
        assert_eq!(result[name], value, "{name}");
    }
    assert_eq!(result["device"]["kind"], "cpu");
    assert_eq!(result["device"]["backend"], "native");
    assert!(result["rays"].as_u64().expect("a count") > 32 * 24, "{result}");
    let total = result["seconds"]["total"].as_f64().expect("a number");
    let parts =
        ["import", "prepare", "render", "encode"].map(|name| result["seconds"][name].as_f64().expect("a number"));
    assert!(parts.iter().sum::<f64>() <= total + 1e-6, "{result}");
    assert_eq!(
        result["denoised"],
        json!({"with": "packshot", "network": "rt_hdr_calb_cnrm", "guide_samples": 4}),
        "auto says what it did"
    );
}

#[test]
fn without_an_output_nothing_is_written() {
    let workplace = Workplace::new();
    let result = workplace.render_json(&["boxes.glb", "--denoise", "off"]);
    assert_eq!(result["output"], Value::Null);
    assert_eq!(result["denoised"], Value::Null, "off was asked for");
    assert_eq!(workplace.files(), ["boxes.glb"]);
}

#[test]
fn the_report_is_the_preflight_with_the_result() {
    let workplace = Workplace::new();
    let result = workplace.render_json(&["boxes.glb", "-o", "out.png", "--report", "report.json"]);
    let report: Value = serde_json::from_slice(&workplace.read("report.json")).expect("JSON");
    assert_eq!(report["render"], result["results"][0]);
    assert_eq!(report["ok"], true);
    assert_eq!(report["materials"]["parts"], 3);
    assert_eq!(report["stats"]["triangles"], 36);
}

#[test]
fn messages_go_to_stderr() {
    let workplace = Workplace::new();
    let outcome = workplace
        .run(
            &[
                &["render", "boxes.glb", "-o", "out.png", "-v", "--material", "Base=Steel", "--on-unmapped", "magenta"],
                &TINY[..],
            ]
            .concat(),
        )
        .done();
    assert_eq!(outcome.stdout, b"");
    assert!(
        outcome.stderr.contains("[MATERIAL] part 'Base' → 'STD_010101_Steel-Bare' (alias match)\n"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.contains("[MATERIAL] part 'Lid' → 'STD_059999_FailedMaterial' (no match)\n"),
        "{}",
        outcome.stderr
    );
    let quiet =
        workplace.run(&[&["render", "--sample", "bearing", "-o", "out.png", "--quiet"], &TINY[..]].concat()).done();
    assert_eq!(quiet.stderr, "", "there is nothing to warn of");
}
