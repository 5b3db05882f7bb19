//! A service for one test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

pub(crate) use crate::picture::pixels;
pub(crate) use crate::reply::Reply;
pub(crate) use packshot_db::testing::TestDatabase;
use packshot_db::{AllTenants, DatabaseConfig, Db, Notice, TenantScope, installation, keys, tenants, users};
use packshot_domain::access::{Role, Scope};
use packshot_domain::audit::Actor;
use packshot_domain::id::{TenantId, UserId, WorkerId};
use packshot_domain::key::ApiKey;
use packshot_domain::task::SERVICE_DEATHS_MAX_INLINE;
use packshot_service::api::{self, AppState};
use packshot_service::app::{App, Parts, Ports, SigningKeyFile};
use packshot_service::chores::ChoreHandler;
use packshot_service::config::{Settings, Sources};
use packshot_service::designs::{ComposeHandler, StoreHandler};
use packshot_service::events::hub::Hub;
use packshot_service::executors;
use packshot_service::jobs::{self, QueueHandle, QueueParts, STALL_CHECK_EVERY};
use packshot_service::renders::{ExportHandler, RenderHandler};
use packshot_service::server::accept::{self, Limits};
use packshot_service::server::{identity, metrics::Metrics};
use packshot_service::store::{IDENTITY_FILE, Store, StoreConfig};
use packshot_service::webhooks::{DeliveryHandler, Sender};
use packshot_service::workflow::CompareHandler;
use packshot_worker::engine::{Engine, EngineOptions};
use packshot_worker::executor::Executor;
use packshot_worker::inline::InlineExecutor;
use packshot_worker::made_with::Program;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::converter;
use crate::counted::Counted;
use crate::glb::Glb;

/// How long a test waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
/// How often the service sends a comment in an event stream that is silent.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_millis(300);

/// The password of everyone in the tests.
pub(crate) const PASSWORD: &str = "several words together";

/// A request for a picture that takes a few milliseconds.
pub(crate) fn small() -> Value {
    json!({"width": 16, "height": 16, "samples": 2, "noise_threshold": 0, "light": "white"})
}

/// A request for a picture that takes longer than any test.
pub(crate) fn endless() -> Value {
    json!({"width": 256, "height": 256, "samples": 65536, "noise_threshold": 0, "light": "white"})
}

/// A service that runs until it is dropped.
pub(crate) struct TestApp {
    pub(crate) db: Db,
    pub(crate) store: Store,
    pub(crate) hub: Hub,
    pub(crate) queue: QueueHandle,
    pub(crate) settings: Arc<Settings>,
    /// The API key that requests carry; `None` for the open mode.
    pub(crate) key: Option<String>,
    pub(crate) base: String,
    client: reqwest::Client,
    stop: CancellationToken,
    pub(crate) folder: Arc<TempDir>,
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.stop.cancel();
        self.hub.close();
    }
}

/// A service that can be started again on the same data.
#[derive(Clone)]
pub(crate) struct Installation {
    folder: Arc<TempDir>,
    pub(crate) database: DatabaseConfig,
    variables: BTreeMap<String, String>,
    pub(crate) store: StoreConfig,
    /// The settings file.
    pub(crate) file: Option<(PathBuf, String)>,
    /// How long a conversion may take.
    pub(crate) conversion_time_max: Duration,
    /// What dispatches go through.
    ports: Ports,
    /// What renders, around the renderer.
    pub(crate) renders_with: fn(Arc<dyn Executor>) -> Arc<dyn Executor>,
    /// How many works it was given.
    pub(crate) n_works: Arc<AtomicUsize>,
    /// What delivers to webhooks.
    pub(crate) sender: Sender,
}

impl Installation {
    pub(crate) async fn new(engine: &TestDatabase, settings: &[(&str, &str)]) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        let mut variables = BTreeMap::from([
            ("PACKSHOT_DATA".to_owned(), folder.path().display().to_string()),
            ("PACKSHOT_LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
            ("PACKSHOT_RENDER_DEVICE".to_owned(), "cpu".to_owned()),
        ]);
        variables.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let database = engine.fresh(folder.path()).await.expect("a database");
        let store = StoreConfig::Local { root: folder.path().join("store") };
        Self {
            folder,
            database,
            variables,
            store,
            file: None,
            conversion_time_max: 2 * PATIENCE,
            ports: Ports::default(),
            renders_with: |renderer| renderer,
            n_works: Arc::default(),
            sender: Sender::new().expect("TLS can be set up"),
        }
    }

    /// A folder that stays as long as the installation.
    pub(crate) fn folder_of_settings(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// The same, where dispatches go through these.
    pub(crate) fn through(self, ports: Ports) -> Self {
        Self { ports, ..self }
    }

    /// Starts the service, with a worker if `works` is set.
    pub(crate) async fn start(&self, works: bool) -> TestApp {
        crate::process::set_up();
        let sources = Sources { variables: self.variables.clone(), file: self.file.clone(), ..Sources::default() };
        let settings = Arc::new(Settings::from_sources(&sources).expect("valid settings"));
        let db = Db::open(&self.database).await.expect("the database opens");
        let store = Store::open(&self.store).expect("the store opens");
        identity::agree(&db, &store).await.expect("the store of this database");
        let hub = Hub::new();
        let queue = match works {
            true => self.works(&db, &store, &hub, &settings),
            false => QueueHandle::default(),
        };
        tokio::spawn(pass_on_notices(db.notices(), hub.clone(), queue.clone()));
        let signing_keys = SigningKeyFile::open(settings.jwt_secret_file.clone()).expect("keys");
        let parts = Parts {
            db: db.clone(),
            store: store.clone(),
            hub: hub.clone(),
            queue: queue.clone(),
            settings: settings.clone(),
            signing_keys,
            ports: self.ports.clone(),
        };
        let state = AppState::new(App::new(parts), Metrics::install(), KEEP_ALIVE);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("bound"));
        let limits = Limits {
            max_connections: 256,
            max_connections_per_address: 256,
            is_exempt: |address| address.is_loopback(),
            header_timeout: PATIENCE,
            stall_timeout: PATIENCE,
            linger_timeout: PATIENCE,
            close_timeout: Duration::from_millis(100),
        };
        let stop = CancellationToken::new();
        tokio::spawn(accept::serve(listener, api::router(state), limits, stop.clone()));
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let folder = Arc::clone(&self.folder);
        TestApp { db, store, hub, queue, settings, key: None, base, client, stop, folder }
    }

    /// Gives the service a worker.
    fn works(&self, db: &Db, store: &Store, hub: &Hub, settings: &Arc<Settings>) -> QueueHandle {
        std::fs::create_dir_all(settings.scratch()).expect("a folder");
        let options = EngineOptions {
            n_threads: 2,
            cache: None,
            resident_bytes_max: 64 << 20,
            memory_bytes_max: None,
            scratch: settings.scratch(),
            program: Program { commit: Some("0123456789ab"), ..Program::UNNAMED },
            ..EngineOptions::default()
        };
        let inline = Arc::new(InlineExecutor::new(Arc::new(Engine::new(options))));
        let renderer = RenderHandler {
            db: db.clone(),
            store: store.clone(),
            hub: hub.clone(),
            executor: Arc::new(Counted { inner: (self.renders_with)(inline), n_works: self.n_works.clone() }),
            settings: settings.clone(),
        };
        let exporter = ExportHandler::new(db.clone(), store.clone(), settings.clone(), Program::UNNAMED);
        let housekeeper = ChoreHandler { db: db.clone(), store: store.clone(), settings: settings.clone() };
        let comparer = CompareHandler { db: db.clone(), store: store.clone(), settings: settings.clone() };
        let handlers = comparer.add_to(exporter.add_to(housekeeper.add_to(renderer.handlers())));
        let deeds = self.ports.designs.clone();
        let composer =
            ComposeHandler::new((db.clone(), store.clone()), settings.clone(), deeds.clone(), Program::UNNAMED);
        let storer = StoreHandler { db: db.clone(), store: store.clone(), settings: settings.clone(), deeds };
        let handlers = storer.add_to(composer.add_to(handlers));
        let deliverer = DeliveryHandler { db: db.clone(), settings: settings.clone(), sender: self.sender.clone() };
        let handlers = executors::add_to(deliverer.add_to(handlers), (db, store, settings), converter::launcher);
        jobs::start(QueueParts {
            worker: WorkerId::new(),
            db: db.clone(),
            handlers: converter::add_to(handlers, (db, store, settings), self.conversion_time_max),
            settings: settings.clone(),
            stall_check_every: STALL_CHECK_EVERY,
            service_deaths_max: SERVICE_DEATHS_MAX_INLINE,
        })
    }
}

/// Wakes those who wait after a commit, as the service does.
async fn pass_on_notices(mut notices: tokio::sync::broadcast::Receiver<Notice>, hub: Hub, queue: QueueHandle) {
    while let Ok(notice) = notices.recv().await {
        match notice {
            Notice::Events { stream, .. } => hub.wake(stream),
            Notice::CancelRequested(task) => queue.cancel(task),
            Notice::Any => hub.wake_all(),
            Notice::Queued(..) | Notice::WorkerConfigs | Notice::Settings => {}
        }
    }
}

impl TestApp {
    /// A service with a worker.
    pub(crate) async fn start(engine: &TestDatabase) -> Self {
        Self::start_with(engine, &[]).await
    }

    /// A service with settings and a worker.
    pub(crate) async fn start_with(engine: &TestDatabase, settings: &[(&str, &str)]) -> Self {
        Installation::new(engine, settings).await.start(true).await
    }

    /// A service without a worker: its jobs stay queued.
    pub(crate) async fn idle(engine: &TestDatabase) -> Self {
        Installation::new(engine, &[]).await.start(false).await
    }

    /// A service with settings and without a worker: its jobs stay queued.
    pub(crate) async fn idle_with(engine: &TestDatabase, settings: &[(&str, &str)]) -> Self {
        Installation::new(engine, settings).await.start(false).await
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        Reply::of(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str) -> Reply {
        Reply::of(self.request(Method::POST, path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        Reply::of(self.request(Method::DELETE, path)).await
    }

    /// A request for a picture of a GLB.
    pub(crate) fn rendering(&self, glb: Vec<u8>, request: &Value) -> RequestBuilder {
        self.request(Method::POST, "/api/v1/renders").multipart(form(glb, Some(request)))
    }

    /// Submits a render of the box; returns the job.
    pub(crate) async fn submit(&self, request: &Value) -> Value {
        let reply = Reply::of(self.rendering(Glb::body(), request)).await;
        assert_eq!(reply.status, 202, "{}", reply.text());
        reply.json()
    }

    /// Submits a render of the box and waits; returns the job when it has ended.
    pub(crate) async fn render(&self, request: &Value) -> Value {
        self.render_of(Glb::body(), request).await
    }

    pub(crate) async fn render_of(&self, glb: Vec<u8>, request: &Value) -> Value {
        let reply = Reply::of(self.rendering(glb, request).header("prefer", "wait=30")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// The job, once `is_so` says that it is as wanted.
    pub(crate) async fn job_when(&self, id: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let path = format!("/api/v1/renders/{id}");
        poll(async || self.get(&path).await.json(), is_so).await
    }

    /// The tenant that the open mode uses.
    pub(crate) async fn scope(&self) -> TenantScope {
        let of = installation::get(&self.db, AllTenants::Instance).await.expect("answers");
        TenantScope::of(of.operating_tenant)
    }

    /// Changes the configuration of the open mode's tenant, to which nothing may object.
    pub(crate) async fn configure(&self, patch: &Value) {
        let reply = Reply::of(self.request(Method::PATCH, "/api/v1/tenant/config").json(patch)).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    /// Changes settings through the API.
    pub(crate) async fn change_settings(&self, patch: &Value) -> Reply {
        Reply::of(self.request(Method::PATCH, "/api/v1/settings").json(patch)).await
    }

    /// The events of a job from the first to the last, as text.
    pub(crate) async fn events(&self, id: &str) -> String {
        self.get(&format!("/api/v1/renders/{id}/events?after=0")).await.text()
    }

    /// All files in the store.
    pub(crate) fn stored_files(&self) -> Vec<PathBuf> {
        let files = files_below(&self.folder.path().join("store"));
        // The lock file of the process that spools there, and the file that says whose store it is.
        files.into_iter().filter(|file| !file.ends_with("lock") && !file.ends_with(IDENTITY_FILE)).collect()
    }

    /// What is in all files of the data folder, the database among them.
    pub(crate) fn stored_bytes(&self) -> Vec<Vec<u8>> {
        files_below(self.folder.path()).iter().filter_map(|file| std::fs::read(file).ok()).collect()
    }

    /// A key of the operating tenant's local user with these scopes. It configures the installation.
    pub(crate) async fn operating_key(&self, scopes: &[Scope]) -> String {
        let of = installation::get(&self.db, AllTenants::Instance).await.expect("answers");
        self.key_of(of.operating_tenant, of.local_user, scopes, None).await
    }

    /// A key of a new tenant's user of this role.
    pub(crate) async fn tenant_key(&self, slug: &str, role: Role, scopes: &[Scope]) -> (TenantId, String) {
        let made = tenants::create_bare(&self.db, AllTenants::Instance, slug, role).await;
        let (tenant, user) = made.expect("a tenant is created");
        (tenant, self.key_of(tenant, user, scopes, None).await)
    }

    pub(crate) async fn key_of(&self, tenant: TenantId, user: UserId, scopes: &[Scope], per_s: Option<i32>) -> String {
        let new = keys::NewKey {
            user,
            name: "test".to_owned(),
            scopes: scopes.to_vec(),
            all_tenants: false,
            expires_at: None,
            rate_limit_per_s: per_s,
            created_by: None,
        };
        let key = ApiKey::generate().expect("randomness");
        keys::create(&self.db, TenantScope::of(tenant), Actor::system(), new, &key).await.expect("stored");
        key.reveal().to_owned()
    }

    /// Makes the first person, a global admin with [`PASSWORD`]; the tokens.
    pub(crate) async fn set_up(&self, email: &str) -> Value {
        let body = json!({"email": email, "password": PASSWORD});
        let reply = Reply::of(self.request(Method::POST, "/api/v1/setup").json(&body)).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        reply.json()
    }

    /// A new user of this role in a tenant, with [`PASSWORD`], signed in; the tokens.
    pub(crate) async fn person(&self, tenant: TenantId, email: &str, role: Role) -> Value {
        let hash = password_hash().await.to_owned();
        let new = users::NewUser {
            email: email.parse().expect("an address"),
            display_name: email.parse().expect("a name"),
            role,
            is_active: true,
            password: users::NewPassword { hash, is_temporary: false },
        };
        users::create(&self.db, TenantScope::of(tenant), Actor::system(), new).await.expect("a user");
        let slug = tenants::get(&self.db, AllTenants::Instance, tenant).await.expect("a tenant").slug.to_string();
        let body = json!({"email": email, "password": PASSWORD, "tenant": slug});
        let reply = self.sign_in(&body).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// Tries to sign in.
    pub(crate) async fn sign_in(&self, body: &Value) -> Reply {
        let client = &self.client;
        Reply::of(client.post(format!("{}/api/auth/login", self.base)).json(body)).await
    }

    /// The same service, as another caller sees it.
    pub(crate) fn with_key(&self, key: &str) -> Guest<'_> {
        Guest { app: self, key: key.to_owned() }
    }
}

/// The hash of [`PASSWORD`], computed once by a service that a user signs up with.
async fn password_hash() -> &'static str {
    static HASH: OnceCell<String> = OnceCell::const_new();
    let hash = async || {
        let app = TestApp::idle(&TestDatabase::Sqlite).await;
        app.set_up("hash@test").await;
        let email = "hash@test".parse().expect("an address");
        let found = users::with_email(&app.db, AllTenants::Authentication, &email, None).await.expect("a search");
        found[0].password_hash.clone().expect("a hash")
    };
    HASH.get_or_init(hash).await
}

/// The access token of a sign-in.
pub(crate) fn token(tokens: &Value) -> &str {
    tokens["access_token"].as_str().expect("a token")
}

/// A caller with a key.
pub(crate) struct Guest<'a> {
    app: &'a TestApp,
    key: String,
}

impl Guest<'_> {
    /// The key that requests carry.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// The job, once `is_so` says that it is as wanted.
    pub(crate) async fn job_when(&self, id: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let path = format!("/api/v1/renders/{id}");
        poll(async || self.get(&path).await.json(), is_so).await
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.app.client.request(method, format!("{}{path}", self.app.base)).bearer_auth(&self.key)
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        Reply::of(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str) -> Reply {
        Reply::of(self.request(Method::POST, path)).await
    }

    /// Sends JSON.
    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> Reply {
        Reply::of(self.request(method, path).json(body)).await
    }

    pub(crate) async fn submit(&self, request: &Value) -> Reply {
        Reply::of(self.request(Method::POST, "/api/v1/renders").multipart(form(Glb::body(), Some(request)))).await
    }
}

/// The parts of a request to render.
pub(crate) fn form(glb: Vec<u8>, request: Option<&Value>) -> Form {
    let form = Form::new().part("glb", Part::bytes(glb).file_name("product.glb"));
    match request {
        Some(request) => form.text("request", request.to_string()),
        None => form,
    }
}

/// Repeats a request until the answer is the expected one.
pub(crate) async fn poll(ask: impl AsyncFn() -> Value, is_so: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let answer = ask().await;
        if is_so(&answer) {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "it stays {answer}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// All files below a folder.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("readable").path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

/// The id of a job.
pub(crate) fn id(job: &Value) -> String {
    job["id"].as_str().expect("a job has an id").to_owned()
}
