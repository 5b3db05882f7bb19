//! `packshot bench`, and what benchmarks read.

use serde_json::Value;

use crate::workplace::Workplace;

/// The smallest benchmark.
const SMALL: [&str; 12] =
    ["--size", "16", "--samples", "2", "--rounds", "2", "--frames", "2", "--threads", "1", "--max-foreign-load", "1"];

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("not a number: {value}"))
}

#[test]
fn every_level_has_figures_of_packshot() {
    let workplace = Workplace::new();
    workplace.render(&["boxes.glb", "--dump-shot", "shot.json"]);
    let levels = ["--level", "rays,samples,error,request,turntable", "--error-size", "16", "--reference-samples", "64"];
    let inputs = ["bench", "boxes.glb", "--shot", "shot.json", "--json", "-o", "figures"];
    let outcome = workplace.run(&[&inputs[..], &levels, &SMALL].concat()).done();
    let report = outcome.json();
    assert_eq!(serde_json::from_slice::<Value>(&workplace.read("figures/figures.json")).expect("JSON"), report);
    assert_eq!(report["renderers"], serde_json::json!([{ "name": "packshot", "version": env!("CARGO_PKG_VERSION") }]));
    let rows = |level: &str| report[level].as_array().unwrap_or_else(|| panic!("no {level}")).clone();
    for (level, n) in [("rays", 6), ("samples", 2), ("error", 2), ("request", 2), ("turntable", 2)] {
        let rows = rows(level);
        assert_eq!(rows.len(), n, "{level}: {rows:?}");
        assert!(rows.iter().all(|row| row["fault"].is_null() && row["renderer"] == "packshot"), "{rows:?}");
    }
    for row in rows("rays") {
        assert!(number(&row["m_rays_per_s"]["median"]) > 0.0 && number(&row["nodes_per_ray"]) >= 1.0, "{row}");
        assert!(row["hits"].as_u64() <= row["rays"].as_u64(), "{row}");
    }
    for row in rows("samples") {
        assert_eq!((&row["width"], &row["height"], &row["samples"]), (&16.into(), &16.into(), &2.0.into()), "{row}");
        assert_eq!((&row["render_s"]["n"], &row["render_ratio"]["median"]), (&2.into(), &1.0.into()), "{row}");
        assert!(number(&row["process_s"]["min"]) > number(&row["render_s"]["min"]), "{row}");
    }
    for row in rows("error") {
        let errors: Vec<f64> =
            row["steps"].as_array().expect("steps").iter().map(|step| number(&step["rel_mse"])).collect();
        assert!(errors.iter().all(|error| *error > 0.0) && errors[0] > errors[1], "more samples, less error: {row}");
    }
    for row in rows("request") {
        let [first_s, cold_s, warm_s] = ["first_s", "cold_s", "warm_s"].map(|name| number(&row[name]["median"]));
        assert!(warm_s < first_s, "at first there is nothing: {row}");
        assert!(warm_s < cold_s, "a warm picture waits neither for the process nor for the product: {row}");
    }
    assert!(rows("turntable").iter().all(|row| row["frames"] == 2));
    let markdown = workplace.read_text("figures/figures.md");
    for title in ["Rays per second", "Equal samples", "Equal error", "From request to PNG", "Turntable, PNG frames"] {
        assert!(markdown.contains(&format!("**{title}")), "{title} is missing in {markdown}");
    }
}

#[test]
fn peers_that_are_not_installed_are_left_out_and_named() {
    let workplace = Workplace::new();
    let inputs =
        ["bench", "boxes.glb", "--level", "samples", "--peers=mitsuba", "--python", "no-such-python", "--json"];
    let outcome = workplace.run(&[&inputs[..], &SMALL].concat()).done();
    let report = outcome.json();
    assert_eq!(report["samples"].as_array().map(Vec::len), Some(1));
    assert_eq!(report["missing"][0]["name"], "mitsuba");
    let reason = report["missing"][0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("no-such-python") && reason.contains("--python"), "{reason}");
    assert!(outcome.stderr.contains("mitsuba is left out"), "{}", outcome.stderr);
}

#[test]
fn what_cannot_be_measured_is_refused_before_anything_is() {
    let workplace = Workplace::new();
    workplace
        .run(&[
            "views",
            "boxes.glb",
            "-o",
            "views/",
            "--dump-shot",
            "views.json",
            "--width",
            "8",
            "--height",
            "8",
            "--samples",
            "1",
        ])
        .done();
    for (arguments, code, exit) in [
        (&["bench"][..], "usage.missing", 2),
        (&["bench", "boxes.glb", "--level", "speed"], "usage.invalid_value", 2),
        (&["bench", "boxes.glb", "--peers=blender"], "usage.invalid_value", 2),
        (&["bench", "boxes.glb", "--rel-mse", "0"], "usage.invalid_value", 2),
        (&["bench", "--sample", "teapot"], "usage.invalid_value", 2),
        (&["bench", "gone.glb"], "glb.file_missing", 3),
        (&["bench", "--shot", "gone.json"], "shot.file_missing", 3),
        (&["bench", "--shot", "views.json"], "usage.conflict", 2),
        (&["bench", "boxes.glb", "--device", "vega"], "device.unavailable", 5),
    ] {
        let outcome = workplace.run(arguments);
        assert!(outcome.stderr.contains(&format!("error[{code}]")), "{arguments:?}: {}", outcome.stderr);
        assert_eq!(outcome.code, exit, "{arguments:?}: {}", outcome.stderr);
    }
}

#[test]
fn repetitions_are_warm() {
    let workplace = Workplace::new();
    workplace.render(&["boxes.glb", "--dump-shot", "shot.json"]);
    // As the peers' harness calls it.
    let options =
        ["--noise", "0", "--denoise", "off", "--samples", "8", "--seed", "3", "--threads", "1", "-o", "out.exr"];
    let command = [&["render", "--json", "--shot", "shot.json"], &options[..], &["--repeat", "3"]].concat();
    let result = workplace.run(&command).done().json();
    let warm = result["warm"].as_array().expect("a list");
    assert_eq!(warm.len(), 2);
    for seconds in warm {
        assert!(seconds["total"].as_f64().expect("a number") > 0.0);
        assert_eq!((&seconds["import"], &seconds["prepare"]), (&0.0.into(), &0.0.into()));
    }
    assert_eq!(result["samples_mean"], 8.0);
    if cfg!(unix) {
        assert!(result["seconds"]["render_cpu"].as_f64().is_some_and(|seconds| seconds > 0.0));
    }
    assert!(result["seconds"]["render"].as_f64().expect("a number") > 0.0);
}
