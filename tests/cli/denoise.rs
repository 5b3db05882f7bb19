//! `--denoise-with`: an installed Open Image Denoise in place of Packshot's own denoiser. What needs the library takes
//! its file from `PACKSHOT_OIDN`, and says that it is skipped without.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::product::{self, BOXES};
use crate::workplace::{Outcome, TINY, Workplace};

/// Runs the command with a file as the library.
fn run_with(workplace: &Workplace, library: &str, args: &[&str]) -> Outcome {
    let mut command = workplace.command(&[args, &TINY].concat());
    command.env("PACKSHOT_OIDN", library).stdin(Stdio::null()).output().expect("the command starts").into()
}

/// The installed library.
fn library() -> Option<String> {
    let library = std::env::var("PACKSHOT_OIDN").ok();
    if library.is_none() {
        println!("skipped: PACKSHOT_OIDN does not name a library of Open Image Denoise 2");
    }
    library
}

#[test]
fn a_library_that_cannot_be_loaded_is_an_error_before_anything_is_rendered() {
    let workplace = Workplace::new();
    workplace.write("letter.so", b"This is a letter.\n");
    let commands = [
        &["render", "boxes.glb", "-o", "out.png"][..],
        &["views", "boxes.glb", "--view", "top", "-o", "out/"],
        &["turntable", "boxes.glb", "--frames", "2", "-o", "out/"],
    ];
    for args in commands {
        let args = [args, &["--denoise-with", "oidn"]].concat();
        run_with(&workplace, "gone.so", &args).expect_error(5, "denoise.oidn_missing", "gone.so");
        run_with(&workplace, "letter.so", &args).expect_error(5, "denoise.oidn_invalid", "letter.so");
    }
    assert!(!workplace.path("out.png").exists());
    // A file that is broken counts before a library that is.
    workplace.write("bad.glb", b"glTF");
    let outcome = run_with(&workplace, "gone.so", &["render", "bad.glb", "--denoise-with", "oidn"]);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    // Without the option the library is not needed.
    run_with(&workplace, "gone.so", &["render", "boxes.glb", "-o", "out.png"]).done();
    run_with(&workplace, "gone.so", &["render", "boxes.glb", "--denoise-with", "packshot"]).done();
}

#[test]
fn a_template_may_ask_for_it_and_options_win() {
    let workplace = Workplace::new();
    let text = "schema = \"shot-template/1\"\n[template]\nid = \"mine\"\nname = \"Mine\"\ndescription = \"A test.\"\n\
                [film]\ndenoise_with = \"oidn\"\noidn_quality = \"fast\"\n";
    workplace.write("mine.toml", text.as_bytes());
    let render = |more: &[&str]| {
        run_with(&workplace, "gone.so", &[&["render", "boxes.glb", "--template", "mine.toml", "--json"], more].concat())
    };
    render(&[]).expect_error(5, "denoise.oidn_missing", "gone.so");
    render(&["--oidn-quality", "high"]).expect_error(5, "denoise.oidn_missing", "gone.so");
    assert_eq!(render(&["--denoise-with", "packshot", "-o", "a.png"]).done().json()["denoised"]["with"], "packshot");
    assert_eq!(render(&["--denoise", "off", "-o", "a.png"]).done().json()["denoised"], Value::Null);
}

/// Alpha of the pixels of `file`, rendered with these options.
fn coverage(workplace: &Workplace, file: &str, samples: &str, more: &[&str]) -> Vec<f64> {
    let size = ["--width", "96", "--height", "96", "--noise", "0"];
    let how = ["--samples", samples, "--bit-depth", "16", "-o", "out.png", "-q"];
    workplace.run(&[&["render", file], &size[..], &how, more].concat()).done();
    let picture = image::load_from_memory(&workplace.read("out.png")).expect("a PNG").into_rgba16();
    picture.pixels().map(|pixel| f64::from(pixel[3]) / 65535.0).collect()
}

/// Root mean square of the error of alpha in some pixels.
fn error_of_coverage(found: &[f64], truth: &[f64], pixels: &[usize]) -> f64 {
    let sum: f64 = pixels.iter().map(|&i| (found[i] - truth[i]).powi(2)).sum();
    (sum / pixels.len() as f64).sqrt()
}

#[test]
fn outlines_that_a_lens_blurs_are_denoised_too() {
    let workplace = Workplace::new();
    let coverage = |samples: &str, denoise: &str| {
        coverage(&workplace, "boxes.glb", samples, &["--dof", "0.2", "--denoise", denoise])
    };
    let truth = coverage("2048", "off");
    let outline: Vec<usize> = (0..truth.len()).filter(|&i| (0.01..0.99).contains(&truth[i])).collect();
    assert!(outline.len() > 500, "{} pixels of blurred outlines", outline.len());
    let [noisy, denoised] = ["off", "on"].map(|denoise| error_of_coverage(&coverage("8", denoise), &truth, &outline));
    assert!(denoised < 0.7 * noisy, "{denoised:.4} of {noisy:.4}");
    // Far from outlines nothing changes.
    let denoised = coverage("8", "on");
    assert!(denoised[0] == 0.0 && denoised.contains(&1.0));
}

#[test]
fn the_coverage_by_partly_opaque_surfaces_is_denoised_too() {
    let workplace = Workplace::new();
    let (mut document, bin) = product::document(&BOXES);
    let material = document["materials"].as_array().expect("materials").iter().position(|m| m["name"] == "Red");
    document["materials"][material.expect("red")] = json!({
        "name": "Film", "alphaMode": "BLEND",
        "pbrMetallicRoughness": {"baseColorFactor": [0.2, 0.5, 0.8, 0.3], "metallicFactor": 0}
    });
    workplace.write("film.glb", &product::container(&(document, bin)));
    let coverage = |samples: &str, denoise: &str| coverage(&workplace, "film.glb", samples, &["--denoise", denoise]);
    let truth = coverage("1024", "off");
    // Away from edges.
    let is_partly = |i: usize| (0.2..0.8).contains(&truth[i]);
    let within: Vec<usize> =
        (97..truth.len() - 97).filter(|&i| [i - 97, i - 95, i, i + 95, i + 97].into_iter().all(is_partly)).collect();
    assert!(within.len() > 200, "{} pixels of the film", within.len());
    let error = |found: &[f64]| error_of_coverage(found, &truth, &within);
    let [noisy, denoised] = ["off", "on"].map(|denoise| coverage("8", denoise));
    assert!(error(&denoised) < 0.35 * error(&noisy), "{:.4} of {:.4}", error(&denoised), error(&noisy));
    for (samples, least) in [("1", 0.2), ("64", 0.8)] {
        let [noisy, denoised] = ["off", "on"].map(|denoise| error(&coverage(samples, denoise)));
        assert!(denoised < least * noisy, "{samples} samples: {denoised:.4} of {noisy:.4}");
    }
    // A lens and a film in one picture.
    let blurred = ["render", "film.glb", "--dof", "0.2", "--samples", "4", "-o", "blurred.png", "-q"];
    workplace.run(&[&blurred[..], &["--width", "96", "--height", "96"]].concat()).done();
    // Sharp outlines of what is opaque stay as they were sampled, and so does the background.
    let right = |pixels: &[f64]| -> Vec<f64> {
        let columns = pixels.iter().enumerate().filter(|(i, _)| i % 96 > 75);
        columns.map(|(_, &alpha)| alpha).collect()
    };
    assert!(right(&noisy).iter().any(|alpha| (0.1..0.9).contains(alpha)), "an outline");
    assert_eq!(right(&noisy), right(&denoised));
}

#[test]
fn stills_with_enough_samples_have_the_large_network() {
    let workplace = Workplace::new();
    let network = |args: &[&str]| {
        let result = workplace.run(&[args, &["--width", "24", "--height", "24", "--noise", "0", "--json"]].concat());
        result.done().json()["denoised"]["network"].as_str().expect("denoised").to_owned()
    };
    let still = |samples: &str, more: &[&str]| {
        network(&[&["render", "boxes.glb", "-o", "a.png", "--samples", samples], more].concat())
    };
    assert_eq!(still("15", &[]), "rt_hdr_calb_cnrm");
    assert_eq!(still("16", &[]), "rt_hdr_calb_cnrm_large");
    assert_eq!(still("64", &["--dof", "2.8"]), "rt_hdr_alb_nrm", "guides out of focus are noisy");
    let turn = |samples: &str, folder: &str| {
        network(&["turntable", "boxes.glb", "--frames", "2", "-o", folder, "--samples", samples])
    };
    assert_eq!(turn("63", "few/"), "rt_hdr_calb_cnrm");
    assert_eq!(turn("64", "many/"), "rt_hdr_calb_cnrm_large");
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let workplace = Workplace::new();
    let text = "schema = \"shot-template/1\"\n[template]\nid = \"mine\"\nname = \"Mine\"\ndescription = \"A test.\"\n[film]\ndenoise = \"off\"\n";
    workplace.write("grainy.toml", text.as_bytes());
    let of_template = ["render", "boxes.glb", "--template", "grainy.toml", "--denoise-with", "oidn"];
    workplace.run(&of_template).expect_error(2, "usage.conflict", "--denoise-with");
    let render = |more: &[&str]| workplace.run(&[&["render", "boxes.glb"], more].concat());
    render(&["--oidn-quality", "fast"]).expect_error(2, "usage.missing", "--oidn-quality");
    render(&["--denoise", "off", "--denoise-with", "oidn"]).expect_error(2, "usage.conflict", "--denoise-with");
    render(&["--denoise-with", "optix"]).expect_error(2, "usage.invalid_value", "--denoise-with");
}

#[test]
fn a_picture_says_that_the_library_removed_its_noise() {
    let Some(library) = library() else { return };
    let workplace = Workplace::new();
    let oidn = ["--denoise-with", "oidn", "--json"];
    let run = |args: &[&str]| run_with(&workplace, &library, &[args, &oidn].concat()).done().json();
    let result = run(&["render", "boxes.glb", "-o", "a.png", "--report", "report.json", "--dump-shot", "shot.json"]);
    let denoised = &result["denoised"];
    assert!(denoised["version"].as_str().is_some_and(|version| version.starts_with("2.")), "{denoised}");
    assert_eq!(
        *denoised,
        json!({"with": "oidn", "version": denoised["version"], "quality": "high", "guide_samples": 4})
    );
    assert!(result["seconds"]["denoise"].as_f64().is_some_and(|seconds| seconds > 0.0), "{result}");
    let report: Value = serde_json::from_slice(&workplace.read("report.json")).expect("JSON");
    assert_eq!(report["render"]["denoised"], *denoised);
    assert!(workplace.read_text("shot.json").contains("\"denoise_with\": \"oidn\""));
    let again = run_with(&workplace, &library, &["render", "--shot", "shot.json", "-o", "again.png", "--json"]);
    assert_eq!(again.done().json()["denoised"], *denoised, "the shot says with what");
    assert_eq!(workplace.read("a.png"), workplace.read("again.png"));

    // Packshot's own has the same network: hardly a code differs.
    let codes = |name: &str| image::load_from_memory(&workplace.read(name)).expect("a PNG").into_rgba8().into_raw();
    run(&["render", "boxes.glb", "-o", "same.png", "--oidn-quality", "balanced"]);
    workplace.render(&["boxes.glb", "-o", "own.png"]);
    let difference = codes("same.png").iter().zip(codes("own.png")).map(|(&a, b)| a.abs_diff(b)).max();
    assert!(difference.expect("pixels") <= 1, "{difference:?} codes");

    let views = run(&["views", "boxes.glb", "--view", "top,front", "-o", "views/"]);
    assert_eq!(views["views"][1]["denoised"]["with"], "oidn");
    let turn = ["turntable", "boxes.glb", "--frames", "2", "-o", "turn/"];
    assert_eq!(run(&turn)["denoised"]["with"], "oidn");
    assert_eq!(run(&turn)["kept"], 2, "the same library goes on");
    let other = run_with(&workplace, &library, &[&turn[..], &oidn, &["--oidn-quality", "fast"]].concat());
    assert_ne!(other.code, 0, "frames of another quality do not stand beside these: {}", other.stderr);
    // What lies out of focus has guides with noise, which is another network.
    let blurred = run(&["render", "boxes.glb", "-o", "blurred.png", "--dof", "2.8"]);
    assert_eq!(blurred["denoised"]["with"], "oidn");
}
