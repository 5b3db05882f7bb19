//! Single renders through the engine.

use packshot_domain::task::FaultKind;
use packshot_materials::mapping::OnUnmapped;
use packshot_pipeline::picture::Aov;
use packshot_pipeline::plan::words::{FileFormat as Format, Light};
use packshot_pipeline::product::Product;
use packshot_pipeline::request::PartFilter;
use packshot_pipeline::shot_file::{self, FilmOverrides};
use packshot_renderer::backend::CancelToken;
use packshot_renderer::backend::device::{self, AdapterInfo};
use packshot_renderer::encode::ExrPrecision;
use packshot_renderer::layers::Quantity;
use packshot_worker::engine::{Counters, Engine, EngineOptions};
use packshot_worker::protocol::{LibraryFile, Outcome, RenderWork, StepPhase, WorkEvent};

use crate::studio::{Assets, Run, bearing, engine, foreign_bearing, input, map, pixels, run, run_work, small, work};

/// Names of steps with their outcomes.
fn steps(run: &Run) -> Vec<String> {
    let step = |event: &WorkEvent| match event {
        WorkEvent::Step(change) => {
            let what = match change.change {
                StepPhase::Started { .. } => "started",
                StepPhase::Done { .. } => "done",
                StepPhase::Failed { .. } => "failed",
            };
            Some(format!("{} {what}", change.step))
        }
        _ => None,
    };
    run.events.iter().filter_map(step).collect()
}

#[test]
fn r53_r58_a_bearing_becomes_a_picture_step_by_step() {
    let (engine, assets) = (engine(), Assets::default());
    let mut request = small();
    request.options.formats = Some(vec![Format::Png, Format::Exr]);
    let run = run(&engine, &assets, &input(bearing(&assets), request));
    let completed = run.completed();
    let names: Vec<&str> = completed.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["result.png", "result.exr"]);
    let pixels = pixels(&completed.files[0].bytes);
    assert_eq!(pixels.len(), 64 * 64);
    assert_eq!(pixels[0][3], 0, "R58: the corner is transparent");
    assert!(pixels.iter().any(|pixel| pixel[3] == 255), "the product is there");
    assert!(!pixels.iter().any(|pixel| is_magenta(*pixel)), "R02: the file has materials, and there is no map");
    assert_eq!((completed.unmapped_parts, completed.samples_mean), (0, 4.0));
    let noise = completed.noise_reached;
    assert!(noise.is_some_and(|noise| noise > 0.0 && noise < 1.0), "{noise:?}");
    assert_eq!(completed.report["materials"]["unmapped"], 0);
    assert_eq!(completed.report["render"]["samples_max"], 4);
    assert_eq!(completed.device.fallback_reason, None, "R53");
    let expect = [
        "resolve_step_path started",
        "resolve_step_path done",
        "resolve_materials started",
        "resolve_materials done",
        "render_still started",
        "render_still done",
    ];
    assert_eq!(steps(&run), expect);
    assert!(run.lines().contains(&"[RENDER_STILL] started".to_owned()), "R40: {:?}", run.lines());
    assert!(!run.lines().iter().any(|line| line.contains("[GPU_PROBE]")), "R53: {:?}", run.lines());
    assert!(run.events.iter().any(|event| matches!(event, WorkEvent::Preview(preview) if preview.width == 64)));
    assert!(run.events.iter().any(|event| matches!(event, WorkEvent::Progress(_))));
}

fn is_magenta([r, g, b, a]: [u8; 4]) -> bool {
    a > 200 && r > 120 && b > 120 && i32::from(g) < i32::from(r.min(b)) - 80
}

#[test]
fn r20_a_second_request_for_the_same_scene_imports_and_builds_nothing() {
    let (engine, assets) = (engine(), Assets::default());
    let scene = bearing(&assets);
    let first = run(&engine, &assets, &input(scene, small()));
    let n_reads = assets.n_reads.load(std::sync::atomic::Ordering::Relaxed);
    let mut turned = small();
    (turned.options.azimuth_deg, turned.options.width) = (Some(90.0), Some(48));
    let other = run(&engine, &assets, &input(scene, turned));
    let again = run(&engine, &assets, &input(scene, small()));
    assert_eq!(engine.counters(), Counters { imports: 1, prepares: 1, renders: 3 });
    assert_eq!(assets.n_reads.load(std::sync::atomic::Ordering::Relaxed), n_reads, "no file is read again");
    assert_ne!(first.completed().files[0].bytes, other.completed().files[0].bytes);
    assert_eq!(first.completed().files[0].bytes, again.completed().files[0].bytes, "R20: same request, same bytes");
    assert!(again.lines().iter().all(|line| !line.contains("failed")));
    // With other parts or other materials it is another product.
    let mut hidden = small();
    hidden.options.hide = Some(vec!["Ball_*".to_owned()]);
    run(&engine, &assets, &input(scene, hidden)).completed();
    let mut mapped = small();
    mapped.options.materials = map(&[("Outer_Ring", "STD_010101_Steel-Bare")]);
    run(&engine, &assets, &input(scene, mapped)).completed();
    assert_eq!(engine.counters(), Counters { imports: 2, prepares: 3, renders: 5 });
}

#[test]
fn the_shot_in_effect_is_written_and_can_be_read() {
    let (engine, assets) = (engine(), Assets::default());
    let mut request = small();
    (request.options.light, request.options.hide) = (Some(Light::StudioSoft), Some(vec!["Ball_01".to_owned()]));
    let input = input(bearing(&assets), request);
    let run = run(&engine, &assets, &input);
    let [shot, environment] = &run.completed().documents[..] else { panic!("{:?}", run.completed().documents) };
    assert_eq!((shot.name.as_str(), environment.name.as_str()), ("shot.json", "environment.exr"));
    let mut open = |name: &str| match name {
        "product.glb" => Ok(packshot_renderer::sample::bearing().glb),
        "environment.exr" => Ok(environment.bytes.to_vec()),
        other => Err(std::io::Error::other(other.to_owned())),
    };
    let read = shot_file::read(&shot.bytes, "shot", &FilmOverrides::default(), &mut open).expect("a shot");
    let film = read.pictures.first().expect("one picture").film;
    assert_eq!((film.width_px, film.samples), (64, 4));
    let shown = |name: &str| {
        let product =
            Product::import(&read.glb, &read.geometry.import, &PartFilter::default(), &CancelToken::default());
        product.expect("sound").scene.parts.iter().any(|part| part.name() == name && read.parts.shows(part))
    };
    assert!(!shown("Ball_01") && shown("Ball_02"));
}

#[test]
fn what_does_not_fit_is_not_kept() {
    let assets = Assets::default();
    let engine = Engine::new(EngineOptions { n_threads: 1, resident_bytes_max: 1000, ..EngineOptions::default() });
    let scene = bearing(&assets);
    for _ in 0..2 {
        run(&engine, &assets, &input(scene, small())).completed();
    }
    assert_eq!(engine.counters(), Counters { imports: 2, prepares: 2, renders: 2 });
}

#[test]
fn r22_r23_r55_an_unmapped_part_is_magenta_and_named() {
    let (engine, assets) = (engine(), Assets::default());
    let scene = foreign_bearing(&assets);
    let mut request = small();
    request.options.only = Some(vec!["Outer_Ring".to_owned(), "Inner_Ring".to_owned()]);
    request.options.materials = map(&[("Inner_Ring", "Stahl")]);
    let run_magenta = run(&engine, &assets, &input(scene, request.clone()));
    let completed = run_magenta.completed();
    assert_eq!(completed.unmapped_parts, 1);
    assert!(pixels(&completed.files[0].bytes).into_iter().any(is_magenta));
    let lines: Vec<String> = run_magenta.lines().into_iter().filter(|line| line.starts_with("[MATERIAL]")).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines.contains(&"[MATERIAL] part 'Inner_Ring' → 'STD_010101_Steel-Bare' (alias match)".to_owned()),
        "{lines:?}"
    );
    assert!(
        lines.contains(&"[MATERIAL] part 'Outer_Ring' → 'STD_059999_FailedMaterial' (no match)".to_owned()),
        "{lines:?}"
    );

    request.options.on_unmapped = Some(OnUnmapped::Fail);
    let refused = run(&engine, &assets, &input(scene, request));
    assert_eq!(refused.code(), "unmapped_parts", "R23");
    let Outcome::Failed(failure) = &refused.outcome else { panic!("refused") };
    assert!(failure.detail.contains("Outer_Ring") && failure.fault == FaultKind::Input, "{failure:?}");
    assert_eq!(steps(&refused).last().map(String::as_str), Some("resolve_materials failed"));
}

#[test]
fn r57_a_broken_library_is_said_and_no_palette_stands_in() {
    let (engine, assets) = (engine(), Assets::default());
    let mut input = input(bearing(&assets), small());
    input.libraries = vec![LibraryFile { address: assets.put(&b"schema = 7"[..]), of_job: false }];
    let run = run(&engine, &assets, &input);
    let completed = run.completed();
    assert_eq!(completed.report["materials"]["items"][0]["reason"], "library_invalid");
    assert_eq!(completed.unmapped_parts, completed.report["materials"]["parts"].as_u64().expect("a number") as u32);
    assert!(pixels(&completed.files[0].bytes).into_iter().any(is_magenta));
}

#[test]
fn r27_r72_a_broken_file_is_an_input_fault_with_its_place() {
    let (engine, assets) = (engine(), Assets::default());
    let glb = packshot_renderer::sample::bearing().glb;
    let run = run(&engine, &assets, &input(assets.put(glb[..glb.len() / 2].to_vec()), small()));
    assert!(run.code().starts_with("glb."), "{}", run.code());
    let Outcome::Failed(failure) = &run.outcome else { panic!("refused") };
    assert_eq!(failure.fault, FaultKind::Input);
    assert!(!failure.findings[0].at.is_empty() && !failure.findings[0].help.is_empty(), "{failure:?}");
}

#[test]
fn an_asset_that_is_gone_is_an_input_fault() {
    let (engine, assets) = (engine(), Assets::default());
    let elsewhere = Assets::default();
    assert_eq!(run(&engine, &assets, &input(bearing(&elsewhere), small())).code(), "asset_missing");
}

#[test]
fn r77_what_has_no_room_is_refused_before_it_starts_and_the_next_one_succeeds() {
    let assets = Assets::default();
    let options = EngineOptions { n_threads: 1, memory_bytes_max: Some(256 << 20), ..EngineOptions::default() };
    let engine = Engine::new(options);
    let scene = bearing(&assets);
    let mut large = small();
    (large.options.width, large.options.height) = (Some(4096), Some(4096));
    let refused = run(&engine, &assets, &input(scene, large));
    assert_eq!(refused.code(), "device_out_of_memory");
    assert_eq!(engine.counters().prepares, 0, "nothing was begun");
    run(&engine, &assets, &input(scene, small())).completed();
}

#[test]
fn r77_a_job_has_a_limit_of_its_own_and_is_told_the_estimate() {
    let (engine, assets) = (engine(), Assets::default());
    let scene = bearing(&assets);
    let limited = |request| {
        let work = RenderWork { memory_bytes_max: Some(1_500_000_000), ..work(input(scene, request)) };
        run_work(&engine, &assets, &work, &CancelToken::default(), &|_| ())
    };
    let mut layered = small();
    (layered.options.width, layered.options.height) = (Some(8000), Some(8000));
    layered.options.formats = Some(vec![Format::Exr]);
    layered.options.exr = Some(ExrPrecision::Float);
    let seen =
        [Quantity::Albedo, Quantity::Normal, Quantity::Depth, Quantity::Position, Quantity::Uv, Quantity::Emission];
    layered.options.aovs = Some(seen.map(Aov::Seen).to_vec());
    let refused = limited(layered);
    assert_eq!(refused.code(), "device_out_of_memory");
    let Outcome::Failed(failure) = &refused.outcome else { panic!("refused") };
    let detail = &failure.detail;
    assert!(
        detail.contains("rendering needs about ") && detail.contains("1430 MiB are available under the setting"),
        "{detail}"
    );
    assert_eq!(failure.fault, FaultKind::Input, "another attempt would need as much memory");
    assert_eq!(engine.counters().prepares, 0, "nothing was begun");

    limited(small()).completed();
}

/// Mesa's software adapter, as if it were a GPU with little memory.
fn small_adapter() -> Vec<AdapterInfo> {
    let mut adapters = device::enumerate();
    adapters.retain(|adapter| adapter.name.contains("llvmpipe"));
    adapters.iter_mut().for_each(|adapter| adapter.memory_bytes = Some(64 << 20));
    adapters
}

#[test]
fn r77_a_gpu_has_memory_of_its_own() {
    let assets = Assets::default();
    let options = EngineOptions { n_threads: 1, adapters: small_adapter, ..EngineOptions::default() };
    let engine = Engine::new(options);
    let scene = bearing(&assets);
    let mut large = small();
    (large.options.width, large.options.height) = (Some(2048), Some(2048));
    large.options.device = Some("llvmpipe".to_owned());
    let refused = run(&engine, &assets, &input(scene, large));
    assert_eq!(refused.code(), "device_out_of_memory");
    let Outcome::Failed(failure) = &refused.outcome else { panic!("refused") };
    let detail = &failure.detail;
    for told in ["rendering needs about ", " MiB on the device", "llvmpipe", " has 64 MiB"] {
        assert!(detail.contains(told), "{told} in {detail}");
    }
    assert_eq!(engine.counters().prepares, 0, "nothing was begun");
    run(&engine, &assets, &input(scene, small())).completed();
}

#[test]
fn r77_what_is_only_kept_makes_room() {
    let (engine, assets) = (engine(), Assets::default());
    let input = input(bearing(&assets), small());
    let scene_bytes = packshot_worker::preflight(&input, &assets).expect("readable").stats.device_bytes_estimate;
    run(&engine, &assets, &input).completed();
    run(&engine, &assets, &input).completed();
    assert_eq!(engine.counters().prepares, 1, "it was kept");
    // The program, the scene and 64 x 64 pixels; but not the scene a second time.
    let work = RenderWork { memory_bytes_max: Some((66 << 20) + scene_bytes), ..work(input) };
    run_work(&engine, &assets, &work, &CancelToken::default(), &|_| ()).completed();
    assert_eq!(engine.counters().prepares, 2, "it was released, and prepared again");
}

#[test]
fn r21_a_time_limit_gives_what_is_there() {
    let (engine, assets) = (engine(), Assets::default());
    let mut request = small();
    (request.options.samples, request.options.max_time_s) = (Some(65_536), Some(0.2));
    let run = run(&engine, &assets, &input(bearing(&assets), request));
    let completed = run.completed();
    assert!(completed.samples_mean >= 1.0 && completed.samples_mean < 65_536.0, "{}", completed.samples_mean);
    // Two samples are needed to compare.
    assert!(completed.noise_reached.is_some() || completed.samples_mean < 2.0);
}

#[test]
fn an_uploaded_map_lights_the_product() {
    let (engine, assets) = (engine(), Assets::default());
    let map = packshot_renderer::shot::EnvironmentMap { width_px: 8, height_px: 4, rgb: vec![[0.0, 1.0, 0.0]; 32] };
    let exr = packshot_renderer::shot::environment::encode_exr(&map).expect("an EXR");
    let mut request = small();
    request.options.light = Some(Light::Environment);
    let mut input = input(bearing(&assets), request);
    assert_eq!(run(&engine, &assets, &input).code(), "shot.missing");
    input.environment = Some(assets.put(exr));
    let lit = run(&engine, &assets, &input);
    let shown: Vec<_> = pixels(&lit.completed().files[0].bytes).into_iter().filter(|pixel| pixel[3] == 255).collect();
    let (red, green) = shown.iter().fold((0, 0), |(r, g), p| (r + u32::from(p[0]), g + u32::from(p[1])));
    assert!(green > 2 * red, "green light makes a green picture: {red} {green}");
    input.environment = Some(assets.put(&b"no map"[..]));
    assert_eq!(run(&engine, &assets, &input).code(), "env.format");
}

#[test]
fn r24_a_preflight_answers_without_rendering() {
    let assets = Assets::default();
    let mut request = small();
    request.options.materials = map(&[("Outer_Ring", "Steel")]);
    let report = packshot_worker::preflight(&input(foreign_bearing(&assets), request), &assets).expect("readable");
    let materials = report.materials.expect("a report");
    assert!(materials.unmapped > 0 && report.ok, "magenta is accepted");
    assert_eq!(materials.unmapped + materials.resolved, materials.parts);
}
