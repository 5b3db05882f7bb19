//! The programs of peers, where these are installed: they draw what Packshot draws.

#[path = "../../tests/surroundings/tools.rs"]
mod tools;

use std::path::PathBuf;

use packshot_bench::levels::error::LinearPicture;
use packshot_bench::renderer::{Finds, Installation, Job, Output, Peer};
use packshot_bench::scaling::solids;
use packshot_bench::subject::Subject;
use packshot_bench::{Settings, process};
use packshot_pipeline::taken::NeededVersions;
use packshot_renderer::backend::CancelToken;
use packshot_words::Word;

const SIDE_PX: u32 = 48;

/// The Python that scripts/test installs peers for, or the one that users name.
fn python() -> PathBuf {
    let named = std::env::var_os("PACKSHOT_PEERS_PYTHON").map(PathBuf::from);
    named.or_else(|| tools::tool("peers/bin/python")).unwrap_or_else(|| PathBuf::from("python-of-peers"))
}

#[test]
fn peers_draw_what_packshot_draws() {
    let folder = tempfile::tempdir().expect("a folder");
    let shot = folder.path().join("solid.json");
    std::fs::write(&shot, solids::shot(SIDE_PX)).expect("written");
    std::fs::write(folder.path().join("solid.glb"), solids::one(50_000)).expect("written");
    let files = folder.path().join("files");
    let subject = Subject::read(&shot, &files, 2, &CancelToken::default()).expect("a sound shot");
    let settings = Settings { python: python(), ..Settings::of_shots(Vec::new()) };
    let installation = Installation::new(&settings, folder.path()).expect("written");
    let own = own_picture(&subject);
    for peer in Peer::ENTRIES.iter().map(|entry| entry.value) {
        let renderer = match installation.peer(peer, &|| false) {
            Ok(renderer) => renderer,
            Err(missing) => {
                assert!(!missing.is_installed, "{peer}: {}", missing.reason);
                match peer {
                    Peer::Cycles => println!("skipped: cycles is not installed: {}", missing.reason),
                    Peer::Mitsuba => println!("skipped: mitsuba is not installed: {}", missing.reason),
                    Peer::LuxCore => println!("skipped: luxcore is not installed: {}", missing.reason),
                }
                continue;
            }
        };
        let raw = folder.path().join("picture.raw");
        let job = |output, finds, repeat| Job {
            subject: &subject,
            size_px: [SIDE_PX; 2],
            samples: 64,
            seed: 1,
            threads: 2,
            repeat,
            finds,
            output,
        };
        let run = |job: &Job<'_>| {
            let mut command = installation.command(&renderer, job).expect("a home folder");
            let timed = process::run::<process::Told>(&mut command, std::time::Duration::from_secs(300), &|| false);
            timed.unwrap_or_else(|why| panic!("{peer}: {why}"))
        };
        let timed = run(&job(Output::Linear(&raw), Finds::Nothing, 2));
        assert_eq!((timed.told.width, timed.told.height), (SIDE_PX, SIDE_PX));
        assert_eq!(timed.told.warm.len(), 1, "{peer} renders it again");
        assert!(timed.told.seconds.import > 0.0, "{peer} reads the scene: {timed:?}");
        assert!(timed.told.seconds.render > 0.0 && timed.told.seconds.render < timed.wall_s, "{peer}: {timed:?}");
        let picture = LinearPicture::read(&raw, [SIDE_PX; 2]).unwrap_or_else(|why| panic!("{peer}: {why}"));
        let difference = mean(&picture) / mean(&own) - 1.0;
        // LuxCore's metals lose the light that facets scatter twice.
        let most = if peer == Peer::LuxCore { 0.1 } else { 0.03 };
        assert!(difference.abs() < most, "{peer} is {:.1} % brighter", 100.0 * difference);
        let coverage = |picture: &LinearPicture| picture.rgba.iter().map(|pixel| f64::from(pixel[3])).sum::<f64>();
        let off = coverage(&picture) / coverage(&own) - 1.0;
        assert!(off.abs() < 0.01, "{peer} covers {:.2} % more", 100.0 * off);
        let frames = folder.path().join(format!("{peer}-frames"));
        std::fs::create_dir_all(&frames).expect("made");
        run(&job(Output::Frames(&frames, 2), Finds::WhatIsKept, 1));
        let names: Vec<_> =
            std::fs::read_dir(&frames).expect("there").map(|entry| entry.expect("there").file_name()).collect();
        assert_eq!(names.len(), 2, "{peer}: {names:?}");
    }
}

#[test]
fn each_first_request_has_an_empty_home_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let shot = folder.path().join("solid.json");
    std::fs::write(&shot, solids::shot(SIDE_PX)).expect("written");
    std::fs::write(folder.path().join("solid.glb"), solids::one(100)).expect("written");
    let subject = Subject::read(&shot, &folder.path().join("files"), 2, &CancelToken::default()).expect("a sound shot");
    let installation = Installation::new(&Settings::of_shots(Vec::new()), folder.path()).expect("written");
    let home = |finds| {
        let (size_px, output) = ([SIDE_PX; 2], Output::None);
        let job = Job { subject: &subject, size_px, samples: 1, seed: 1, threads: 1, repeat: 1, finds, output };
        let command = installation.command(&installation.packshot(), &job).expect("a home folder");
        let value = |name: &str| command.get_envs().find(|(key, _)| *key == name)?.1.map(PathBuf::from);
        assert_eq!(value("HOME"), value("XDG_CACHE_HOME"));
        value("HOME")
    };
    assert_eq!(home(Finds::WhatIsKept), None, "the user's own");
    let homes = [(); 2].map(|()| home(Finds::Nothing).expect("a home"));
    assert_ne!(homes[0], homes[1]);
    assert!(homes.iter().all(|home| home.read_dir().expect("there").next().is_none()), "{homes:?}");
}

/// The picture by this program's own renderer.
fn own_picture(subject: &Subject) -> LinearPicture {
    use packshot_pipeline::render::{Renderer, RendererOptions};
    use packshot_renderer::backend::RenderControl;
    use packshot_renderer::backend::device::DeviceRequest;
    let cancel = CancelToken::default();
    let renderer = Renderer::new(&DeviceRequest::Cpu, RendererOptions::default()).expect("a processor");
    let mut shot = subject.still.clone();
    (shot.film.samples, shot.film.noise_threshold) = (64, 0.0);
    let ready =
        renderer.load(&subject.product, &subject.materials, shot, NeededVersions::SAMPLED, &cancel).expect("loaded");
    let picture = ready.render(&RenderControl::new(&cancel)).expect("rendered");
    LinearPicture { rgba: picture.linear.rgba.clone() }
}

/// The mean luminance of a picture (Rec. 709).
fn mean(picture: &LinearPicture) -> f64 {
    let luminance = |p: &[f32; 4]| 0.2126 * f64::from(p[0]) + 0.7152 * f64::from(p[1]) + 0.0722 * f64::from(p[2]);
    picture.rgba.iter().map(luminance).sum::<f64>() / picture.rgba.len() as f64
}
