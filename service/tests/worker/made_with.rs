//! What only a worker knows about how its pictures came about.

use packshot_domain::hash::ContentAddress;
use packshot_materials::library::Library;
use packshot_pipeline::denoise::Denoise;
use packshot_worker::made_with::{MadeWith, Program};
use packshot_worker::protocol::{Completed, WorkEvent};
use serde_json::Value;

use crate::studio::{Assets, bearing, engine, input, map, run, small};

fn made_with(change: impl FnOnce(&mut packshot_pipeline::plan::Options)) -> MadeWith {
    let (engine, assets, mut request) = (engine(), Assets::default(), small());
    change(&mut request.options);
    let run = run(&engine, &assets, &input(bearing(&assets), request));
    (*run.completed().made_with).clone()
}

#[test]
fn the_report_names_program_library_materials_and_denoiser() {
    let plain = made_with(|_| ());
    assert_eq!((plain.version.as_str(), plain.commit.as_deref()), (Program::UNNAMED.version, None));
    let library = plain.library.as_ref().expect("a library");
    assert_eq!(library.digest.hex(), Library::builtin().digest());
    assert_eq!((library.name.as_str(), library.version.clone()), ("STD", Library::builtin().version().to_string()));
    let denoiser = plain.denoiser.as_ref().expect("a PNG is denoised");
    assert_eq!(denoiser.method, "packshot");
    assert_eq!(plain.driver, None, "the processor has none");
    assert_eq!(made_with(|_| ()), plain, "equal works are made with the same");

    let noisy = made_with(|options| options.denoise = Some(Denoise::Off));
    assert_eq!((noisy.denoiser, noisy.map_digest), (None, plain.map_digest));
    let blurred = made_with(|options| options.dof = Some(2.8));
    assert_ne!(blurred.denoiser.expect("another network").weights_digest, denoiser.weights_digest);
    let mapped = made_with(|options| options.materials = map(&[("Outer_Ring", "STD_010101_Steel-Bare")]));
    assert_eq!((mapped.shader_digest, &mapped.library), (plain.shader_digest, &plain.library));
    let clay = made_with(|options| options.clay = Some(true));
    assert_eq!(clay.library, None);
    assert_ne!(clay.map_digest, plain.map_digest);
    assert_ne!(plain.shader_digest, ContentAddress::of(b""));
}

#[test]
fn the_report_crosses_the_pipe_of_a_worker_process() {
    let (engine, assets) = (engine(), Assets::default());
    let run = run(&engine, &assets, &input(bearing(&assets), small()));
    let completed = Completed { files: Vec::new(), documents: Vec::new(), ..run.completed().clone() };
    let outcome = packshot_worker::protocol::Outcome::Completed(completed.clone());
    let text = serde_json::to_string(&WorkEvent::Finished(Box::new(outcome))).expect("JSON");
    let read: WorkEvent = serde_json::from_str(&text).expect("an event");
    let WorkEvent::Finished(outcome) = read else { panic!("{text}") };
    assert_eq!(outcome.kept().map(|kept| &kept.made_with), Some(&completed.made_with));
    let value: Value = serde_json::from_str(&text).expect("JSON");
    let written = &value["finished"]["completed"]["made_with"]["map_digest"];
    assert_eq!(written, &completed.made_with.map_digest.to_string());
}
