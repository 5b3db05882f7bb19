//! A database of its own for each test.

use std::sync::atomic::{AtomicU32, Ordering};

use packshot_db::artifacts::{Caller, NewFile, NewPackage, WholePackage, tree_of};
use packshot_db::jobs::JobError;
use packshot_db::objects::NewObject;
use packshot_db::renders::{self, NewRender, NewWork, Submitted};
use packshot_db::streams::{self, Event};
use packshot_db::tasks::{
    self, Claimed, Claimer, Completion, Delivery, LaneLimit, OutputFile, Rejection, Report, Task,
};
use packshot_db::tenant_configs::{self, StoredConfig};
use packshot_db::testing::TestDatabase;
use packshot_db::{AllTenants, DatabaseConfig, Db, TenantScope, installation, objects, tenants, worker_configs};
use packshot_domain::access::Role;
use packshot_domain::artifact::{ArtifactFile, ByteSize, EventActor, Metadata, Receipt, RetentionClass, Tree};
use packshot_domain::audit::Actor;
use packshot_domain::change::Change;
use packshot_domain::concurrency::Concurrency;
use packshot_domain::document::JobDocument;
use packshot_domain::hash::{ContentAddress, Sha256Digest};
use packshot_domain::id::{FileId, PackageId, RenderId, TaskId, UserId, WorkerId};
use packshot_domain::render::RenderKind;
use packshot_domain::step::StepName;
use packshot_domain::stream::StreamId;
use packshot_domain::task::{Lane, Lease, QueueName, SERVICE_DEATHS_MAX, TaskKind};
use packshot_domain::tenant_config::{TenantConfig, TenantConfigChange};
use serde_json::json;

/// An open database, and the tenant and user that every installation has.
pub(crate) struct Fixture {
    pub(crate) db: Db,
    pub(crate) scope: TenantScope,
    pub(crate) user: UserId,
    pub(crate) config: DatabaseConfig,
}

impl Fixture {
    async fn open(config: DatabaseConfig) -> Self {
        let db = Db::open(&config).await.expect("a new database");
        let made = installation::get(&db, AllTenants::Instance).await.expect("the installation");
        let scope = TenantScope::of(made.operating_tenant);
        let fixture = Self { db, scope, user: made.local_user, config };
        fixture.record_scene(scope).await;
        fixture
    }

    /// Records the file that all renders of tests need.
    async fn record_scene(&self, scope: TenantScope) {
        let scene = ContentAddress::of(b"scene");
        objects::record(&self.db, scope, NewObject::unread(scene, 5, "model/gltf-binary")).await.expect("an object");
    }

    /// Another tenant with a user.
    pub(crate) async fn other_tenant(&self) -> (TenantScope, UserId) {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let slug = format!("tenant-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let role = Role::TenantAdmin;
        let made = tenants::create_bare(&self.db, AllTenants::Instance, &slug, role).await;
        let (tenant, user) = made.expect("a tenant");
        self.record_scene(TenantScope::of(tenant)).await;
        (TenantScope::of(tenant), user)
    }

    /// Sets how many tasks of the render queue, and how many renders of the tenant, may run at the same time.
    pub(crate) async fn set_limits(&self, queue: i64, tenants: &[(TenantScope, i32)]) {
        let limits = Concurrency::new(queue, 1).expect("valid limits");
        let set =
            worker_configs::put(&self.db, AllTenants::Instance, Actor::system(), QueueName::Render, limits, None).await;
        set.expect("limits of the queue");
        for (scope, max) in tenants {
            let limit = TenantConfigChange { max_concurrent_renders: Change::Set(*max), ..Default::default() };
            self.configure(*scope, limit).await;
        }
    }

    /// Changes the configuration of a tenant.
    pub(crate) async fn configure(&self, scope: TenantScope, change: TenantConfigChange) -> StoredConfig {
        let default = TenantConfig::default_of(scope == self.scope);
        let changed = tenant_configs::change(&self.db, scope, Actor::system(), change, default, None).await;
        changed.expect("the tenant")
    }

    /// A render for a worker to make.
    pub(crate) fn new_render(&self, priority: i32) -> NewRender {
        NewRender {
            id: RenderId::new(),
            kind: RenderKind::Still,
            priority,
            request: json!({"width": 64, "height": 64}),
            metadata: json!({}),
            samples_target: 16,
            created_by: self.user,
            input_name: None,
            cache_key: None,
            inputs: vec![ContentAddress::of(b"scene")],
            packages: Vec::new(),
            equal: None,
            work: NewWork {
                id: TaskId::new(),
                kind: TaskKind::Step(StepName::RenderStill),
                queue: QueueName::Render,
                lane: Lane::builtin(),
                spec: json!({"scene": ContentAddress::of(b"scene").to_string()}),
            },
        }
    }

    pub(crate) async fn submit_to(&self, scope: TenantScope, priority: i32) -> RenderId {
        let new = self.new_render(priority);
        let id = new.id;
        match renders::create(&self.db, scope, new, None).await.expect("a render") {
            Submitted::Created(_) => id,
            Submitted::Known(begun) => panic!("without a key nothing is known: {begun:?}"),
        }
    }

    pub(crate) async fn submit(&self) -> RenderId {
        self.submit_to(self.scope, 0).await
    }

    pub(crate) async fn claim(&self, n: u32) -> Vec<Claimed> {
        self.claim_as(WorkerId::new(), n).await
    }

    pub(crate) async fn claim_as(&self, worker: WorkerId, n: u32) -> Vec<Claimed> {
        tasks::claim(&self.db, AllTenants::Claiming, claimer(worker), n).await.expect("a claim")
    }

    pub(crate) async fn task(&self, id: TaskId) -> Task {
        tasks::get(&self.db, self.scope, id).await.expect("the task").task
    }

    pub(crate) async fn stream(&self, render: RenderId, after: i64, limit: u32) -> Vec<Event> {
        let stream = StreamId::of_render(render);
        streams::after(&self.db, self.scope, stream, after, limit).await.expect("events")
    }

    pub(crate) async fn claim_one(&self) -> Claimed {
        self.claim(1).await.pop().expect("a task is waiting")
    }

    pub(crate) async fn complete(&self, claimed: &Claimed) {
        let scope = TenantScope::of(claimed.tenant);
        let ended = tasks::complete(&self.db, scope, claimed.lease, completion(claimed)).await;
        assert_eq!(ended.expect("the lease holds"), tasks::Ended::Kept);
    }

    /// Completes a render with a package of its result.
    pub(crate) async fn complete_kept(&self, claimed: &Claimed) {
        let mut completion = completion(claimed);
        completion.delivery.packages = vec![package_of(render_of(claimed), vec![kept(&picture(claimed.lease))])];
        let scope = TenantScope::of(claimed.tenant);
        let ended = tasks::complete(&self.db, scope, claimed.lease, completion).await;
        assert_eq!(ended.expect("the lease holds"), tasks::Ended::Kept);
    }

    pub(crate) async fn events_of(&self, scope: TenantScope, render: RenderId) -> Vec<String> {
        let events = streams::after(&self.db, scope, StreamId::of_render(render), 0, 10_000).await.expect("events");
        let seqs: Vec<i64> = events.iter().map(|event| event.seq).collect();
        assert!(seqs.iter().copied().eq(1..=seqs.len() as i64), "no gaps: {seqs:?}");
        events.iter().map(|event| event.name.to_string()).collect()
    }

    pub(crate) fn wait(&self, seconds: f64) {
        self.db.move_clock((seconds * 1000.0) as i64);
    }
}

/// A completion without earlier reports.
pub(crate) fn completion(claimed: &Claimed) -> Completion {
    Completion {
        report: Report::default(),
        delivery: Delivery {
            output: json!({"unmapped_parts": 0}),
            files: vec![picture(claimed.lease)],
            ..Delivery::default()
        },
    }
}

/// The package of a render with these files.
pub(crate) fn package_of(render: RenderId, files: Vec<NewFile>) -> WholePackage {
    let Ok(Tree::Map(members)) = tree_of(&json!({"provenance": {"job": {"id": render.to_string()}}})) else {
        panic!("an object")
    };
    let package = NewPackage {
        id: PackageId::new(),
        name: format!("render {render}").parse().expect("a name"),
        producer: "packshot/0.1.0".parse().expect("a producer"),
        subject: format!("render:{render}").parse().expect("a subject"),
        retention_class: RetentionClass::RenderOutput,
        metadata: Metadata::new(members).expect("metadata"),
    };
    WholePackage { by: EventActor::System, package, files }
}

/// A file of a result, as packages take it.
pub(crate) fn kept(file: &OutputFile) -> NewFile {
    let size = ByteSize::new(file.size_bytes.unsigned_abs()).expect("a size");
    let stored_at = "2026-11-20T10:00:00.000Z".parse().expect("a time");
    NewFile {
        file: ArtifactFile {
            id: FileId::new(),
            path: file.name.parse().expect("a path"),
            media_type: file.media_type.parse().expect("a media type"),
            size,
            address: file.address,
            sha256: Sha256Digest::of_bytes(file.name.as_bytes()),
        },
        receipt: Receipt { backend: "local".parse().expect("a name"), size, stored_at },
    }
}

/// Someone who deletes renders.
pub(crate) fn deleter(audit: Actor) -> Caller {
    Caller { event: EventActor::System, audit, role: Role::TenantAdmin }
}

/// The end of a task whose result does not meet the request.
pub(crate) fn rejection(claimed: &Claimed) -> Rejection {
    let Completion { report, delivery } = completion(claimed);
    let (code, detail) = ("preset.rule_broken".to_owned(), "the product is too small".to_owned());
    Rejection { report, delivery, error: JobError { code, detail, at: Some("result.png".to_owned()) } }
}

/// A worker that claims renders.
pub(crate) fn claimer(worker: WorkerId) -> Claimer {
    let (queue, limit) = (QueueName::Render, LaneLimit::OfQueue);
    Claimer { worker, queue, lane: Lane::builtin(), limit, service_deaths_max: SERVICE_DEATHS_MAX }
}

/// The document of a task's job.
pub(crate) fn document(claimed: &Claimed) -> &JobDocument {
    claimed.job.as_ref().and_then(|job| job.document.as_ref()).expect("a document")
}

/// The render that a task makes.
pub(crate) fn render_of(claimed: &Claimed) -> RenderId {
    RenderId::from_uuid(claimed.task.job.expect("a job").record)
}

pub(crate) fn picture(lease: Lease) -> OutputFile {
    OutputFile {
        name: "result.png".to_owned(),
        format: "png".to_owned(),
        media_type: "image/png".to_owned(),
        address: ContentAddress::of(lease.task.to_string().as_bytes()),
        size_bytes: 1100,
        width: Some(64),
        height: Some(64),
        movie: None,
    }
}

pub(crate) fn block_on(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(future);
}

pub(crate) fn on_sqlite<F: Future<Output = ()>>(test: impl FnOnce(Fixture) -> F) {
    on(&TestDatabase::Sqlite, test);
}

pub(crate) fn on_postgres<F: Future<Output = ()>>(test: impl FnOnce(Fixture) -> F) {
    if let Some(engine) = TestDatabase::postgres() {
        on(&engine, test);
    }
}

fn on<F: Future<Output = ()>>(engine: &TestDatabase, test: impl FnOnce(Fixture) -> F) {
    let folder = tempfile::tempdir().expect("a folder");
    block_on(async {
        let config = engine.fresh(folder.path()).await.expect("a database");
        let fixture = Fixture::open(config.clone()).await;
        let db = fixture.db.clone();
        test(fixture).await;
        db.close().await;
        engine.remove(&config).await.expect("its end");
    });
}
