//! Series: what they write, where, and how much.

use std::path::PathBuf;

use packshot_contract::request::RenderRequest;
use packshot_domain::task::FaultKind;
use packshot_pipeline::denoise::Denoise;
use packshot_pipeline::plan::value::{PresetName, Views};
use packshot_pipeline::plan::words::{FileFormat as Format, ViewChoice};
use packshot_pipeline::plan::{Kind, Options};
use packshot_pipeline::preset::Preset;
use packshot_worker::engine::{Engine, EngineOptions};
use packshot_worker::protocol::{Outcome, Rejected, WorkEvent};

use crate::studio::{Assets, bearing, engine, input, run, run_within, small};

/// A turntable of [`small`] pictures.
pub(crate) fn turntable(frames: u32, formats: &[Format]) -> RenderRequest {
    let options = Options {
        frame_count: Some(frames),
        fps: Some(24),
        formats: Some(formats.to_vec()),
        samples: Some(1),
        ..small().options
    };
    RenderRequest { kind: Kind::Turntable, options, ..small() }
}

#[test]
fn r08_movies_and_archives_are_handed_over_one_by_one() {
    let (engine, assets) = (engine(), Assets::default());
    let run = run(&engine, &assets, &input(bearing(&assets), turntable(3, &[Format::Apng, Format::Zip, Format::WebP])));
    assert_eq!(run.completed().files, [], "no file is left for the end");
    let names: Vec<&str> = run.sent().into_iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["result.apng", "result.webp", "result.zip"]);
    let n_signs = run.events.iter().filter(|event| matches!(event, WorkEvent::Picture)).count();
    assert_eq!(n_signs, 3, "each picture counts as progress");
}

#[test]
fn r08_movies_and_archives_grow_in_the_folder_of_the_engine() {
    let assets = Assets::default();
    let scene = bearing(&assets);
    let scratch = PathBuf::from("/nowhere/at/all");
    let lost = Engine::new(EngineOptions { n_threads: 2, scratch, ..EngineOptions::default() });
    for format in [Format::Apng, Format::Zip] {
        let refused = run(&lost, &assets, &input(scene, turntable(2, &[format])));
        assert_eq!(refused.code(), "worker_disk", "{format}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let scratch = folder.path().to_owned();
    let engine = Engine::new(EngineOptions { n_threads: 2, scratch, ..EngineOptions::default() });
    run(&engine, &assets, &input(scene, turntable(2, &[Format::Apng, Format::Zip]))).completed();
    assert_eq!(std::fs::read_dir(folder.path()).expect("there").count(), 0, "its temporary files have no names");
}

#[test]
fn r08_what_is_larger_than_a_job_may_be_ends_it_at_once() {
    let (engine, assets) = (engine(), Assets::default());
    let scene = bearing(&assets);
    let size_bytes = |request: RenderRequest| {
        let run = run(&engine, &assets, &input(scene, request));
        run.sent().into_iter().map(|file| file.bytes.len() as u64).collect::<Vec<u64>>()
    };
    let frames = size_bytes(turntable(8, &[Format::Png]));
    assert_eq!(frames.len(), 8);
    // As single frames, an archive, and a movie: with room for three frames of eight.
    let room = frames[..3].iter().sum::<u64>();
    for (format, name) in [(Format::Png, "frame_"), (Format::Zip, "result.zip"), (Format::Apng, "result.apng")] {
        let before = engine.counters().renders;
        let refused = run_within(&engine, &assets, &input(scene, turntable(64, &[format])), room);
        let Outcome::Failed(failure) = &refused.outcome else { panic!("{format}: {:?}", refused.outcome) };
        assert_eq!((failure.code.as_str(), failure.fault), ("output_too_large", FaultKind::Input), "{format}");
        assert!(failure.findings[0].at.starts_with(name), "{failure:?}");
        assert!(failure.detail.contains("max_output_bytes"), "{}", failure.detail);
        let n_rendered = engine.counters().renders - before;
        assert!(n_rendered < 16, "{format}: {n_rendered} of 64 were rendered");
    }
    // A job that just fits is not affected.
    let fits = run_within(&engine, &assets, &input(scene, turntable(8, &[Format::Png])), frames.iter().sum());
    assert_eq!(fits.sent().len(), 8);
    let still = run_within(&engine, &assets, &input(scene, small()), 100);
    assert_eq!(still.code(), "output_too_large", "one picture too");
}

#[test]
fn r08_pictures_that_break_a_rule_of_their_preset_are_all_made_and_kept() {
    let (engine, assets) = (engine(), Assets::default());
    let preset = Preset::by_name("google").map(PresetName);
    // How much of the picture the product fills is known only when it is measured: it is not refused before.
    let options = Options {
        preset,
        fill: Some(0.5),
        views: Some(Views(vec![ViewChoice::Front, ViewChoice::Top])),
        formats: Some(vec![Format::Png]),
        width: Some(500),
        height: Some(500),
        denoise: Some(Denoise::Off),
        ..small().options
    };
    let request = RenderRequest { kind: Kind::Views, options, ..small() };
    let run = run(&engine, &assets, &input(bearing(&assets), request));
    let Outcome::Rejected(Rejected { completed, failure }) = &run.outcome else { panic!("{:?}", run.outcome) };
    assert_eq!((failure.code.as_str(), failure.fault), ("preset.rule_broken", FaultKind::Input));
    let [finding] = &failure.findings[..] else { panic!("each rule is reported once: {failure:?}") };
    assert_eq!((finding.at.as_str(), &finding.detail), ("front.png", &failure.detail));
    assert!(finding.detail.contains("requires fill"), "{finding:?}");
    assert!(finding.detail.ends_with("one more file breaks this rule"), "{finding:?}");
    let names: Vec<&str> = run.sent().into_iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["front.png", "top.png"]);
    assert_eq!(completed.documents[0].name, "shot.json");
    let checks = completed.report["render"]["checks"].as_array().expect("checks");
    let n_of = |passed: bool| checks.iter().filter(|check| check["passed"] == passed).count();
    assert_eq!(n_of(false), 2, "{checks:?}");
    assert!(n_of(true) > 2, "passed checks are reported too: {checks:?}");
    assert!(
        run.lines().iter().any(|line| line.starts_with("[RENDER_VIEWS] preset.rule_broken: front.png")),
        "{:?}",
        run.lines()
    );
}
