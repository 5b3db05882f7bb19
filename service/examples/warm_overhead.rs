//! What the service adds to a warm render: 256 × 256 pixels, 16 samples, of a product that is resident already.
//!
//! `cargo run --release -p packshot-service --example warm_overhead`
//!
//! Measures the same picture by the library alone, through the inline executor, through a worker process, and from the
//! submit of a task to the event of its end; each the median of 20 after 3 that do not count. Also what one fsync costs
//! there.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use packshot_contract::request::RenderRequest;
use packshot_db::objects::NewObject;
use packshot_db::renders::{NewRender, NewWork};
use packshot_db::{AllTenants, DatabaseConfig, Db, Notice, TenantScope, installation, objects, renders};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{RenderId, TaskId, UserId, WorkerId};
use packshot_domain::job::JobState;
use packshot_domain::render::RenderKind;
use packshot_domain::step::StepName;
use packshot_domain::stream::StreamId;
use packshot_domain::task::{Lane, QueueName, SERVICE_DEATHS_MAX_INLINE, TaskKind};
use packshot_materials::aliases::AliasLayer;
use packshot_pipeline::picture::Format;
use packshot_pipeline::plan::{Base, Limits, Options, resolve};
use packshot_pipeline::product::{PartMaterials, Product};
use packshot_pipeline::render::{Renderer, RendererOptions};
use packshot_pipeline::request::{MaterialRequest, PartFilter};
use packshot_pipeline::taken::NeededVersions;
use packshot_renderer::backend::device::DeviceRequest;
use packshot_renderer::backend::{CancelToken, RenderControl};
use packshot_renderer::import::ImportOptions;
use packshot_renderer::sample;
use packshot_renderer::shot::request::{ShotRequest, build};
use packshot_service::config::{Settings, Sources};
use packshot_service::events::hub::Hub;
use packshot_service::jobs::{self, QueueParts, STALL_CHECK_EVERY};
use packshot_service::renders::RenderHandler;
use packshot_service::store::{Store, StoreConfig};
use packshot_worker::engine::{Engine, EngineOptions};
use packshot_worker::executor::{self, AssetError, AssetSource, Executor, Incoming};
use packshot_worker::inline::InlineExecutor;
use packshot_worker::process::{ProcessExecutor, ProcessOptions};
use packshot_worker::protocol::{Outcome, RenderInput, RenderWork, WorkEvent};

type Failure = Box<dyn std::error::Error>;

const SIDE_PX: u32 = 256;
const SAMPLES: u32 = 16;
const WARM_UP: usize = 3;
const REPEATS: usize = 20;
/// The argument with which this program is its own worker process.
const CHILD: &str = "child";

fn main() -> Result<(), Failure> {
    if std::env::args().nth(1).as_deref() == Some(CHILD) {
        packshot_worker::child::run(
            std::io::stdin(),
            std::io::stdout(),
            None,
            packshot_worker::made_with::Program::UNNAMED,
        )?;
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let library = library()?;
    println!("library: {:.2} ms", ms(library));
    let show = |what: &str, time| println!("{what}: {:.2} ms, {:+.2} ms", ms(time), ms(time) - ms(library));
    let engine = Arc::new(Engine::new(EngineOptions::default()));
    show("inline executor", runtime.block_on(executed(Arc::new(InlineExecutor::new(engine.clone()))))?);
    let options = ProcessOptions::new(std::env::current_exe()?, vec![CHILD.into()]);
    show("worker process", runtime.block_on(executed(Arc::new(ProcessExecutor::new(options))))?);
    let folder = tempfile::tempdir()?;
    println!("one fsync of 4 KiB: {:.2} ms", ms(fsync(folder.path())?));
    show("from the submit to the last event", runtime.block_on(queued(engine, folder.path()))?);
    Ok(())
}

fn ms(time: Duration) -> f64 {
    1e3 * time.as_secs_f64()
}

/// The median of the repeats that count.
fn median<T: Copy + Ord>(times: &[T]) -> T {
    let mut counted = times[WARM_UP..].to_vec();
    counted.sort_unstable();
    counted[counted.len() / 2]
}

fn library() -> Result<Duration, Failure> {
    let renderer = Renderer::new(&DeviceRequest::Cpu, RendererOptions::default())?;
    let cancel = CancelToken::default();
    let glb = sample::bearing().glb;
    let product = Product::import(&glb, &ImportOptions::default(), &PartFilter::default(), &cancel)?;
    let materials = PartMaterials::resolve(&product, &MaterialRequest::default());
    let mut request = ShotRequest::default();
    (request.film.width_px, request.film.height_px, request.film.samples) = (SIDE_PX, SIDE_PX, SAMPLES);
    let resident = renderer.prepare(&product, &materials, None, &cancel)?;
    let mut times = Vec::new();
    for _ in 0..WARM_UP + REPEATS {
        let begun = Instant::now();
        let (shot, _) = build(&request, &product.scene)?;
        let picture = resident.ready(shot, NeededVersions::SAMPLED)?.render(&RenderControl::new(&cancel))?;
        picture.encode(Format::default())?;
        times.push(begun.elapsed());
    }
    Ok(median(&times))
}

/// One file.
#[derive(Debug)]
struct OneFile(Bytes);

impl AssetSource for OneFile {
    fn read(&self, _: &ContentAddress) -> Result<Bytes, AssetError> {
        Ok(self.0.clone())
    }
}

fn input(scene: ContentAddress) -> RenderInput {
    let options = Options {
        width: Some(SIDE_PX),
        height: Some(SIDE_PX),
        samples: Some(SAMPLES),
        device: Some("cpu".to_owned()),
        ..Options::default()
    };
    let plan = resolve(&Base::default(), &options, &Limits::default()).expect("a plan");
    let (libraries, aliases) = (Vec::new(), AliasLayer::default());
    RenderInput { scene, environment: None, libraries, fallback_material: None, aliases, plan, design: None }
}

async fn executed(executor: Arc<dyn Executor>) -> Result<Duration, Failure> {
    let glb = Bytes::from(sample::bearing().glb);
    let input = input(ContentAddress::of(&glb));
    let assets = Arc::new(OneFile(glb));
    let mut times = Vec::new();
    for _ in 0..WARM_UP + REPEATS {
        let (task, render) = (TaskId::new(), RenderId::new());
        let work = RenderWork {
            task,
            render,
            attempt: 1,
            input: input.clone(),
            output_bytes_max: u64::MAX,
            memory_bytes_max: None,
            keeps_finished: false,
        };
        let (sender, Incoming { mut events, .. }) = executor::way();
        let begun = Instant::now();
        let _handle = executor.start(work, assets.clone(), sender);
        while let Some(event) = events.recv().await {
            if let WorkEvent::Finished(outcome) = event {
                assert!(matches!(*outcome, Outcome::Completed(_)), "{outcome:?}");
                times.push(begun.elapsed());
            }
        }
    }
    Ok(median(&times))
}

fn fsync(folder: &Path) -> Result<Duration, Failure> {
    let mut file = std::fs::File::create(folder.join("fsync"))?;
    let mut times = Vec::new();
    for _ in 0..WARM_UP + REPEATS {
        file.write_all(&[7; 4096])?;
        let begun = Instant::now();
        file.sync_all()?;
        times.push(begun.elapsed());
    }
    Ok(median(&times))
}

fn task(id: RenderId, scene: ContentAddress, created_by: UserId) -> Result<NewRender, Failure> {
    let input = input(scene);
    Ok(NewRender {
        id,
        kind: RenderKind::Still,
        priority: 0,
        request: serde_json::to_value(RenderRequest {
            options: input.plan.options.clone(),
            ..RenderRequest::default()
        })?,
        metadata: serde_json::json!({}),
        samples_target: i32::try_from(SAMPLES)?,
        created_by,
        input_name: None,
        cache_key: None,
        inputs: vec![scene],
        packages: Vec::new(),
        equal: None,
        work: NewWork {
            id: TaskId::new(),
            kind: TaskKind::Step(StepName::RenderStill),
            queue: QueueName::Render,
            lane: Lane::builtin(),
            spec: serde_json::json!({"version": 0, "input": input}),
        },
    })
}

async fn queued(engine: Arc<Engine>, folder: &Path) -> Result<Duration, Failure> {
    let db = Db::open(&DatabaseConfig::Sqlite { path: folder.join("packshot.db") }).await?;
    let store = Store::open(&StoreConfig::Local { root: folder.join("store") })?;
    let installed = installation::get(&db, AllTenants::Instance).await?;
    let scope = TenantScope::of(installed.operating_tenant);
    let glb = Bytes::from(sample::bearing().glb);
    let size_bytes = i64::try_from(glb.len())?;
    let scene = store.put(scope.tenant, glb).await?;
    objects::record(&db, scope, NewObject::unread(scene, size_bytes, "model/gltf-binary")).await?;
    let data = ("PACKSHOT_DATA".to_owned(), folder.display().to_string());
    let sources = Sources { variables: [data].into(), ..Sources::default() };
    let settings = Arc::new(Settings::from_sources(&sources)?);
    let executor = Arc::new(InlineExecutor::new(engine));
    let renderer = RenderHandler { db: db.clone(), store, hub: Hub::new(), executor, settings: settings.clone() };
    jobs::start(QueueParts {
        worker: WorkerId::new(),
        db: db.clone(),
        handlers: renderer.handlers(),
        settings,
        stall_check_every: STALL_CHECK_EVERY,
        service_deaths_max: SERVICE_DEATHS_MAX_INLINE,
    });
    let mut notices = db.notices();
    let (mut times, mut commits) = (Vec::new(), Vec::new());
    for _ in 0..WARM_UP + REPEATS {
        let id = RenderId::new();
        let task = task(id, scene, installed.local_user)?;
        let begun = Instant::now();
        renders::create(&db, scope, task, None).await?;
        let mut n_commits = 0;
        loop {
            if !matches!(notices.recv().await?, Notice::Events { stream, .. } if stream == StreamId::of_render(id)) {
                continue;
            }
            n_commits += 1;
            let elapsed = begun.elapsed();
            if renders::get(&db, scope, id).await?.state == JobState::Completed {
                times.push(elapsed);
                commits.push(n_commits);
                break;
            }
        }
    }
    println!("commits with events, the submit included: {}", median(&commits));
    Ok(median(&times))
}
