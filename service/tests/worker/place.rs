//! A queue with all that it needs, in a folder of its own.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use packshot_contract::document::GpuInfo;
use packshot_contract::request::RenderRequest;
use packshot_db::objects::NewObject;
use packshot_db::renders::{NewRender, NewWork, Render};
use packshot_db::settings::{self, Patch};
pub(crate) use packshot_db::testing::TestDatabase;
use packshot_db::{AllTenants, Db, TenantScope, installation, objects, renders};
use packshot_domain::audit::Actor;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{RenderId, TaskId, UserId, WorkerId};
use packshot_domain::job::JobState;
use packshot_domain::render::RenderKind;
use packshot_domain::step::StepName;
use packshot_domain::task::{Lane, QueueName, SERVICE_DEATHS_MAX, TaskKind};
use packshot_renderer::backend::CancelToken;
use packshot_renderer::sample;
use packshot_service::config::{Settings, Sources};
use packshot_service::events::hub::Hub;
use packshot_service::jobs::{self, QueueHandle, QueueParts, STALL_CHECK_EVERY};
use packshot_service::renders::RenderHandler;
use packshot_service::server::identity;
use packshot_service::store::{Store, StoreConfig};
use packshot_worker::executor::{AssetSource, EventSender, Executor, WorkHandle};
use packshot_worker::made_with::MadeWith;
use packshot_worker::protocol::{Completed, OutputFile, RenderWork, WorkEvent};
use serde_json::{Map, json};

use crate::lines;
use crate::studio::input;

/// How long a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct TestQueue {
    pub(crate) db: Db,
    pub(crate) store: Store,
    pub(crate) hub: Hub,
    pub(crate) queue: QueueHandle,
    pub(crate) scope: TenantScope,
    user: UserId,
    folder: tempfile::TempDir,
}

impl TestQueue {
    pub(crate) async fn open(engine: &TestDatabase, executor: Arc<dyn Executor>) -> Self {
        Self::looking_for_stalls(engine, executor, STALL_CHECK_EVERY).await
    }

    /// With a queue that looks for stalled renders at this interval.
    pub(crate) async fn looking_for_stalls(
        engine: &TestDatabase,
        executor: Arc<dyn Executor>,
        stall_check_every: Duration,
    ) -> Self {
        lines::keep();
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::open(&engine.fresh(folder.path()).await.expect("a database")).await.expect("a database");
        let store = Store::open(&StoreConfig::Local { root: folder.path().join("store") }).expect("a store");
        identity::agree(&db, &store).await.expect("the store of this database");
        let installed = installation::get(&db, AllTenants::Instance).await.expect("prepared");
        let hub = Hub::new();
        let variables = [("PACKSHOT_DATA".to_owned(), folder.path().display().to_string())].into();
        let settings = Settings::from_sources(&Sources { variables, ..Sources::default() }).expect("settings");
        let settings = Arc::new(settings);
        let renderer = RenderHandler {
            db: db.clone(),
            store: store.clone(),
            hub: hub.clone(),
            executor,
            settings: settings.clone(),
        };
        let queue = jobs::start(QueueParts {
            worker: WorkerId::new(),
            db: db.clone(),
            handlers: renderer.handlers(),
            settings,
            stall_check_every,
            service_deaths_max: SERVICE_DEATHS_MAX,
        });
        let scope = TenantScope::of(installed.operating_tenant);
        Self { db, store, hub, queue, scope, user: installed.local_user, folder }
    }

    /// Sets a setting of the installation.
    pub(crate) async fn set(&self, key: &str, value: u64) {
        let patch = Patch { instance: Map::from_iter([(key.to_owned(), value.into())]), ..Patch::default() };
        settings::patch(&self.db, self.scope, Actor::system(), patch, None).await.expect("stored");
    }

    /// A render of the bearing.
    pub(crate) async fn submit(&self, request: RenderRequest) -> RenderId {
        self.submit_scene(sample::bearing().glb, request).await
    }

    pub(crate) async fn submit_scene(&self, glb: Vec<u8>, request: RenderRequest) -> RenderId {
        let size_bytes = glb.len() as i64;
        let scene = self.store.put(self.scope.tenant, glb.into()).await.expect("stored");
        objects::record(&self.db, self.scope, NewObject::unread(scene, size_bytes, "model/gltf-binary"))
            .await
            .expect("recorded");
        let id = RenderId::new();
        let new = NewRender {
            id,
            kind: RenderKind::Still,
            priority: 0,
            metadata: json!({}),
            samples_target: request.options.samples.unwrap_or(1) as i32,
            created_by: self.user,
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
                spec: json!({"version": 1, "spec": input(scene, request.clone())}),
            },
            request: serde_json::to_value(&request).expect("JSON"),
        };
        renders::create(&self.db, self.scope, new, None).await.expect("created");
        id
    }

    /// The number of spooled files: those that are not in the store yet.
    pub(crate) fn spooled_files(&self) -> usize {
        let folder = self.folder.path().join("store/spool");
        let below = |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().flatten();
        let all = below(folder)
            .flat_map(|entry| if entry.path().is_dir() { below(entry.path()).collect() } else { vec![entry] });
        all.filter(|entry| entry.file_name() != "lock").count()
    }

    pub(crate) async fn render(&self, id: RenderId) -> Render {
        renders::get(&self.db, self.scope, id).await.expect("there")
    }

    /// The render, once `when` accepts it.
    pub(crate) async fn until(&self, id: RenderId, when: impl Fn(&Render) -> bool) -> Render {
        let begun = Instant::now();
        loop {
            let render = self.render(id).await;
            if when(&render) {
                return render;
            }
            assert!(begun.elapsed() < PATIENCE, "{render:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn ended(&self, id: RenderId) -> Render {
        let is_ended = |state| matches!(state, JobState::Completed | JobState::Failed | JobState::Cancelled);
        self.until(id, |render| is_ended(render.state)).await
    }
}

/// An executor that renders nothing: a test plays its renders.
#[derive(Debug, Default)]
pub(crate) struct Puppet {
    started: Mutex<VecDeque<Attempt>>,
    live: Arc<AtomicUsize>,
}

/// An attempt that a puppet was given.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) work: RenderWork,
    pub(crate) abandoned: Arc<AtomicBool>,
    events: EventSender,
    live: Arc<AtomicUsize>,
}

impl Executor for Puppet {
    fn start(&self, work: RenderWork, _assets: Arc<dyn AssetSource>, events: EventSender) -> WorkHandle {
        let abandoned = Arc::new(AtomicBool::new(false));
        self.live.fetch_add(1, Ordering::Relaxed);
        let attempt = Attempt { work, abandoned: abandoned.clone(), events, live: self.live.clone() };
        self.started.lock().expect("not poisoned").push_back(attempt);
        WorkHandle::new(CancelToken::default(), move || abandoned.store(true, Ordering::Relaxed))
    }

    fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }
}

impl Puppet {
    fn pop(&self) -> Option<Attempt> {
        self.started.lock().expect("not poisoned").pop_front()
    }

    /// The next attempt.
    pub(crate) async fn next(&self) -> Attempt {
        let begun = Instant::now();
        loop {
            if let Some(attempt) = self.pop() {
                return attempt;
            }
            assert!(begun.elapsed() < PATIENCE, "there was no attempt");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Whether there is no attempt within this time.
    pub(crate) async fn none_within(&self, time: Duration) -> bool {
        tokio::time::sleep(time).await;
        self.started.lock().expect("not poisoned").is_empty()
    }

    /// The result of a render, made up.
    pub(crate) fn completed(&self) -> Completed {
        Completed {
            files: vec![OutputFile {
                name: "result.png".to_owned(),
                format: "png".to_owned(),
                width: 1,
                height: 1,
                bytes: bytes::Bytes::from_static(b"\x89PNG"),
            }],
            documents: Vec::new(),
            report: json!({}),
            duration_s: 1.0,
            samples_mean: 4.0,
            noise_reached: Some(0.1),
            unmapped_parts: 0,
            unmapped: Vec::new(),
            device: GpuInfo {
                device: "puppet".to_owned(),
                backend: "CPU".to_owned(),
                used: "cpu".to_owned(),
                fallback_reason: None,
            },
            made_with: Box::new(MadeWith {
                version: "0.1.0".to_owned(),
                commit: None,
                shader_digest: ContentAddress::of(b"shaders"),
                library: None,
                map_digest: ContentAddress::of(b"map"),
                denoiser: None,
                driver: None,
            }),
        }
    }
}

impl Attempt {
    pub(crate) fn send(&self, event: WorkEvent) {
        self.live.fetch_sub(usize::from(matches!(event, WorkEvent::Finished(_))), Ordering::Relaxed);
        // Sending a file may block.
        tokio::task::block_in_place(|| self.events.send(event));
    }

    /// Waits until nobody receives its events any more.
    pub(crate) async fn is_over(&self) {
        self.events.closed().await;
    }
}
