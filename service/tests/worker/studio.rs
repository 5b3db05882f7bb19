//! What the tests render: small pictures of the sample bearing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use packshot_contract::request::{RenderRequest, Uploads};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{RenderId, TaskId};
use packshot_materials::aliases::AliasLayer;
use packshot_materials::map::{MapEntry, MaterialMap, Origin, PartSelector};
use packshot_pipeline::plan::value::Materials;
use packshot_pipeline::plan::words::Light;
use packshot_pipeline::plan::{Limits, Options};
use packshot_renderer::backend::CancelToken;
use packshot_renderer::sample;
use packshot_worker::engine::{Engine, EngineOptions};
use packshot_worker::executor::{AssetError, AssetSource};
use packshot_worker::protocol::{Completed, LogLine, Outcome, OutputFile, RenderInput, RenderWork, WorkEvent};

/// Files by their content, counting how often one is read.
#[derive(Debug, Default)]
pub(crate) struct Assets {
    files: Mutex<HashMap<ContentAddress, Bytes>>,
    pub(crate) n_reads: AtomicUsize,
}

impl Assets {
    pub(crate) fn put(&self, bytes: impl Into<Bytes>) -> ContentAddress {
        let bytes = bytes.into();
        let address = ContentAddress::of(&bytes);
        self.files.lock().expect("not poisoned").insert(address, bytes);
        address
    }
}

impl AssetSource for Assets {
    fn read(&self, address: &ContentAddress) -> Result<Bytes, AssetError> {
        self.n_reads.fetch_add(1, Ordering::Relaxed);
        self.files.lock().expect("not poisoned").get(address).cloned().ok_or(AssetError::Missing(*address))
    }
}

/// The bearing.
pub(crate) fn bearing(assets: &Assets) -> ContentAddress {
    assets.put(sample::bearing().glb)
}

/// The bearing with materials that are in no library.
pub(crate) fn foreign_bearing(assets: &Assets) -> ContentAddress {
    let mut glb = sample::bearing().glb;
    let mut at = 0;
    while let Some(found) = glb[at..].windows(5).position(|text| text == b"\"STD_") {
        at += found;
        glb[at..at + 5].copy_from_slice(b"\"XYZ_");
    }
    assert!(at > 0, "the sample names materials of the library");
    assets.put(glb)
}

/// 64 × 64 pixels, 4 samples, on the CPU, in a light that needs no tables.
pub(crate) fn small() -> RenderRequest {
    let options = Options {
        width: Some(64),
        height: Some(64),
        samples: Some(4),
        noise_threshold: Some(0.0),
        light: Some(Light::White),
        device: Some("cpu".to_owned()),
        ..Options::default()
    };
    RenderRequest { options, ..RenderRequest::default() }
}

/// A map with one entry per pair of part and material.
pub(crate) fn map(entries: &[(&str, &str)]) -> Option<Materials> {
    let entry = |&(part, material): &(&str, &str)| MapEntry {
        part: PartSelector::Name(part.to_owned()),
        material: Some(material.to_owned()),
        at: part.to_owned(),
        origin: Origin::Map,
    };
    Some(Materials { library: None, map: Some(MaterialMap::of_all(entries.iter().map(entry).collect())) })
}

pub(crate) fn input(scene: ContentAddress, request: RenderRequest) -> RenderInput {
    let has_environment = request.options.light == Some(Light::Environment);
    let files = Uploads { has_glb: true, has_environment };
    let (_, plan) = request.resolved(files, &Limits::default()).expect("a plan");
    let (libraries, aliases) = (Vec::new(), AliasLayer::default());
    RenderInput { scene, environment: None, libraries, fallback_material: None, aliases, plan, design: None }
}

pub(crate) fn work(input: RenderInput) -> RenderWork {
    let (task, render) = (TaskId::new(), RenderId::new());
    RenderWork {
        task,
        render,
        attempt: 1,
        input,
        output_bytes_max: u64::MAX,
        memory_bytes_max: None,
        keeps_finished: false,
    }
}

pub(crate) fn engine() -> Engine {
    Engine::new(EngineOptions { n_threads: 2, ..EngineOptions::default() })
}

/// The outcome of a render, and its events.
pub(crate) struct Run {
    pub(crate) outcome: Outcome,
    pub(crate) events: Vec<WorkEvent>,
}

impl Run {
    pub(crate) fn completed(&self) -> &Completed {
        match &self.outcome {
            Outcome::Completed(completed) => completed,
            other => panic!("{other:?}"),
        }
    }

    /// The code of the failure.
    pub(crate) fn code(&self) -> &str {
        match &self.outcome {
            Outcome::Failed(failure) => &failure.code,
            other => panic!("{other:?}"),
        }
    }

    /// The files that were finished during the render, in their order.
    pub(crate) fn sent(&self) -> Vec<&OutputFile> {
        let mut files = Vec::new();
        for event in &self.events {
            if let WorkEvent::File(file) = event {
                files.push(file);
            }
        }
        files
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let text = |event: &WorkEvent| match event {
            WorkEvent::Log(line) => Some(LogLine::text(line)),
            _ => None,
        };
        self.events.iter().filter_map(text).collect()
    }
}

/// Runs a render to its end.
pub(crate) fn run(engine: &Engine, assets: &Assets, input: &RenderInput) -> Run {
    run_with(engine, assets, input, &CancelToken::default(), &|_| ())
}

/// Runs a render that may write at most this many bytes.
pub(crate) fn run_within(engine: &Engine, assets: &Assets, input: &RenderInput, output_bytes_max: u64) -> Run {
    let work = RenderWork { output_bytes_max, ..work(input.clone()) };
    run_work(engine, assets, &work, &CancelToken::default(), &|_| ())
}

/// Runs a render that can be cancelled, with a view of its events.
pub(crate) fn run_with(
    engine: &Engine,
    assets: &Assets,
    input: &RenderInput,
    cancel: &CancelToken,
    watch: &(dyn Fn(&WorkEvent) + Sync),
) -> Run {
    run_work(engine, assets, &work(input.clone()), cancel, watch)
}

/// As [`run_with`], from all that a worker is given.
pub(crate) fn run_work(
    engine: &Engine,
    assets: &Assets,
    work: &RenderWork,
    cancel: &CancelToken,
    watch: &(dyn Fn(&WorkEvent) + Sync),
) -> Run {
    let events = Arc::new(Mutex::new(Vec::new()));
    let emit = |event: WorkEvent| {
        watch(&event);
        events.lock().expect("not poisoned").push(event);
    };
    let outcome = engine.run(work, assets, cancel, &emit);
    let events = std::mem::take(&mut *events.lock().expect("not poisoned"));
    Run { outcome, events }
}

/// The pixels of a PNG of 8 bits as RGBA.
pub(crate) fn pixels(png: &[u8]) -> Vec<[u8; 4]> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().expect("a PNG");
    let mut bytes = vec![0; reader.output_buffer_size().expect("a size")];
    reader.next_frame(&mut bytes).expect("a picture");
    bytes.chunks_exact(4).map(|pixel| [pixel[0], pixel[1], pixel[2], pixel[3]]).collect()
}
