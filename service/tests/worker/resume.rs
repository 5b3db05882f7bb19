//! Series that are tried again: the pictures that an earlier attempt finished are kept, and nothing else.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use packshot_contract::request::RenderRequest;
use packshot_pipeline::plan::value::Views;
use packshot_pipeline::plan::words::{FileFormat as Format, ViewChoice};
use packshot_pipeline::plan::{Kind, Options};
use packshot_renderer::backend::CancelToken;
use packshot_worker::engine::{Engine, EngineOptions};
use packshot_worker::kept;
use packshot_worker::protocol::{Outcome, RenderInput, RenderWork, WorkEvent};

use crate::series::turntable;
use crate::studio::{Assets, Run, bearing, input, run, run_work, small, work};

fn engine_in(scratch: &Path) -> Engine {
    Engine::new(EngineOptions { n_threads: 2, scratch: scratch.to_owned(), ..EngineOptions::default() })
}

/// A job whose finished pictures are kept.
fn resumable(input: &RenderInput) -> RenderWork {
    RenderWork { keeps_finished: true, ..work(input.clone()) }
}

/// An attempt that is cancelled when `n` pictures are finished.
fn attempt(engine: &Engine, assets: &Assets, work: &RenderWork, n: u32) -> Run {
    let (cancel, finished) = (CancelToken::default(), AtomicU32::new(0));
    let watch = |event: &WorkEvent| {
        if matches!(event, WorkEvent::Picture) && finished.fetch_add(1, Ordering::Relaxed) + 1 == n {
            cancel.cancel();
        }
    };
    run_work(engine, assets, work, &cancel, &watch)
}

/// Names and bytes of all files, in their order.
fn files(run: &Run) -> Vec<(String, Vec<u8>)> {
    run.completed();
    run.sent().into_iter().map(|file| (file.name.clone(), file.bytes.to_vec())).collect()
}

/// The number of pictures that an attempt renders if it runs to the end.
fn n_rendered(engine: &Engine, assets: &Assets, work: &RenderWork) -> (u64, Run) {
    let before = engine.counters().renders;
    let run = attempt(engine, assets, work, u32::MAX);
    run.completed();
    (engine.counters().renders - before, run)
}

/// Everything that is kept of a job except the list of pictures.
fn kept_files(scratch: &Path) -> Vec<PathBuf> {
    let below = |folder: PathBuf| {
        std::fs::read_dir(folder).expect("there").map(|entry| entry.expect("readable").path()).collect::<Vec<_>>()
    };
    let jobs = below(scratch.to_owned()).into_iter();
    let files = jobs.flat_map(below).flat_map(below);
    files.filter(|path| path.extension().is_none()).collect()
}

#[test]
fn r08_another_attempt_goes_on_after_the_last_picture_to_the_same_bytes() {
    let assets = Assets::default();
    let scene = bearing(&assets);
    let scratch = tempfile::tempdir().expect("a folder");
    let engine = engine_in(scratch.path());
    let views = Options {
        views: Some(Views(vec![
            ViewChoice::Front,
            ViewChoice::Right,
            ViewChoice::Back,
            ViewChoice::Left,
            ViewChoice::Top,
        ])),
        formats: Some(vec![Format::Exr]),
        ..small().options
    };
    let views = RenderRequest { kind: Kind::Views, options: views, ..small() };
    let movie = |formats: &[Format]| {
        let request = turntable(5, formats);
        // Frames of 16 bits for one movie, of 8 for the others.
        let bit_depth = formats.contains(&Format::Apng).then_some(16);
        RenderRequest { options: Options { bit_depth, ..request.options }, ..request }
    };
    for request in [
        turntable(5, &[Format::Png, Format::Zip, Format::WebP]),
        movie(&[Format::Apng, Format::WebP, Format::Zip]),
        views,
    ] {
        let input = input(scene, request);
        let whole = run(&engine, &assets, &input);
        let work = resumable(&input);
        let ended = attempt(&engine, &assets, &work, 3);
        assert_eq!(ended.outcome, Outcome::Cancelled);
        let (n, resumed) = n_rendered(&engine, &assets, &work);
        assert_eq!(n, 2, "three of five were finished");
        assert_eq!(files(&resumed), files(&whole));
        assert!(resumed.lines().iter().any(|line| line.contains("resuming: 3 of 5")), "{:?}", resumed.lines());
        // The report about all pictures is the same, except for times.
        let said = |run: &Run| {
            let completed = run.completed();
            let pictures = completed.report["render"]["pictures"].clone();
            (pictures, completed.samples_mean, completed.noise_reached, completed.documents.len())
        };
        assert_eq!(said(&resumed), said(&whole));
        kept::forget(scratch.path(), work.render).expect("gone");
    }
    assert_eq!(std::fs::read_dir(scratch.path()).expect("there").count(), 0);
}

#[test]
fn r08_what_is_not_whole_or_of_another_request_is_rendered_again() {
    let assets = Assets::default();
    let scene = bearing(&assets);
    let scratch = tempfile::tempdir().expect("a folder");
    let engine = engine_in(scratch.path());
    let input = input(scene, turntable(4, &[Format::Png]));
    let whole = files(&run(&engine, &assets, &input));
    let work = resumable(&input);
    attempt(&engine, &assets, &work, 3);
    let kept = kept_files(scratch.path());
    assert_eq!(kept.len(), 3);
    let bytes = std::fs::read(&kept[0]).expect("readable");
    std::fs::write(&kept[0], &bytes[..bytes.len() / 2]).expect("cut off");
    let (n, resumed) = n_rendered(&engine, &assets, &work);
    assert_eq!((n, files(&resumed) == whole), (2, true), "one was truncated, one was missing");

    // Other settings for the same job, as after a change in how stored jobs are read.
    let mut other = work.clone();
    other.input.plan.options.seed = Some(7);
    let (n, again) = n_rendered(&engine, &assets, &other);
    assert_eq!(n, 4, "nothing is taken from other settings");
    assert_ne!(files(&again), whole);
    let another = RenderWork { render: resumable(&input).render, ..work.clone() };
    assert_eq!(n_rendered(&engine, &assets, &another).0, 4, "nor from another job");
    // Nothing is kept of a still, or of a series without `keeps_finished`.
    let before = std::fs::read_dir(scratch.path()).expect("there").count();
    let still = crate::studio::input(scene, small());
    n_rendered(&engine, &assets, &resumable(&still));
    run(&engine, &assets, &input);
    assert_eq!(std::fs::read_dir(scratch.path()).expect("there").count(), before);
}

#[test]
fn r08_a_series_whose_folder_cannot_be_written_is_made_without() {
    let assets = Assets::default();
    let scratch = tempfile::tempdir().expect("a folder");
    let engine = engine_in(scratch.path());
    let input = input(bearing(&assets), turntable(3, &[Format::Png]));
    let work = resumable(&input);
    // A file is in the place of the folder.
    std::fs::write(scratch.path().join(format!("series-{}", work.render)), b"").expect("written");
    let (n, run) = n_rendered(&engine, &assets, &work);
    assert_eq!((n, files(&run).len()), (3, 3));
}
