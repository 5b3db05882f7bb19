//! Works with many pictures: what they write, where, and how much.

use std::path::PathBuf;

use packshot_contract::request::RenderRequest;
use packshot_domain::task::FaultKind;
use packshot_pipeline::denoise::Denoise;
use packshot_pipeline::plan::value::PresetName;
use packshot_pipeline::plan::words::{FileFormat as Format, GroundWord};
use packshot_pipeline::plan::{Kind, Options};
use packshot_pipeline::preset::Preset;
use packshot_worker::engine::{Engine, EngineOptions};
use packshot_worker::protocol::{Outcome, WorkEvent};

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
fn r08_films_and_archives_are_handed_over_one_by_one() {
    let (engine, assets) = (engine(), Assets::default());
    let run = run(&engine, &assets, &input(bearing(&assets), turntable(3, &[Format::Apng, Format::Zip, Format::WebP])));
    assert_eq!(run.completed().files, [], "nothing is kept for the end");
    let names: Vec<&str> = run.sent().into_iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["result.apng", "result.webp", "result.zip"]);
    let n_signs = run.events.iter().filter(|event| matches!(event, WorkEvent::Picture)).count();
    assert_eq!(n_signs, 3, "each picture is a sign that it goes on");
}

#[test]
fn r08_films_and_archives_grow_in_the_folder_of_the_engine() {
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
    assert_eq!(std::fs::read_dir(folder.path()).expect("there").count(), 0, "nothing of it has a name");
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
    // Frame by frame, and as an archive or a film that grows: room for three of eight.
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
    // A job that just fits is none of it.
    let fits = run_within(&engine, &assets, &input(scene, turntable(8, &[Format::Png])), frames.iter().sum());
    assert_eq!(fits.sent().len(), 8);
    let still = run_within(&engine, &assets, &input(scene, small()), 100);
    assert_eq!(still.code(), "output_too_large", "one picture too");
}

#[test]
fn r08_the_first_picture_that_breaks_a_rule_of_its_preset_ends_the_job() {
    let (engine, assets) = (engine(), Assets::default());
    // Shadows beside the product are what only the picture shows.
    let mut request = turntable(24, &[Format::Png]);
    let preset = Preset::by_name("amazon_360").map(PresetName);
    request.options = Options { preset, ground: Some(GroundWord::Shadow), ..request.options };
    (request.options.width, request.options.height) = (Some(1500), Some(1500));
    request.options.denoise = Some(Denoise::Off);
    let refused = run(&engine, &assets, &input(bearing(&assets), request));
    let Outcome::Failed(failure) = &refused.outcome else { panic!("{:?}", refused.outcome) };
    assert_eq!((failure.code.as_str(), failure.findings[0].at.as_str()), ("preset.rule_broken", "frame_0000.png"));
    assert!(failure.findings.iter().all(|finding| finding.at == "frame_0000.png"), "{failure:?}");
    assert!(engine.counters().renders < 6, "{} of 24 were rendered", engine.counters().renders);
}
