//! The service put together: settings in, a running service out, until it is asked to stop.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use packshot_renderer::store::ByteStore;
use tokio::net::TcpListener;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::accept::{self, Limits};
use super::error::ServeError;
use super::housekeeping;
use super::identity::{self, IdentityError};
use super::lasting;
use super::lock::DataFolder;
use super::metrics::Metrics;
use super::setup;
use super::signal::StopSignals;
use super::succession;
use crate::api::{self, AppState};
use crate::app::{App, Deeds, OwnDeeds, Parts, Ports, SigningKeyFile};
use crate::chores::{self, ChoreHandler};
use crate::config::{DatabaseSettings, Secret, Settings, StoreSettings, Workers};
use crate::designs::{self, ComposeHandler, StoreHandler};
use crate::events::hub::Hub;
use crate::executors;
use crate::instance::{bus, watch};
use crate::jobs::{self, QueueHandle, QueueParts, STALL_CHECK_EVERY};
use crate::products::conversions::{CONVERSION_TIME_MAX, ConversionHandler};
use crate::products::stuck;
use crate::renders::{ExportHandler, RenderHandler};
use crate::settings::InForce;
use crate::store::{BucketConfig, Store, StoreConfig};
use crate::webhooks::{DeliveryHandler, Sender};
use crate::workflow::CompareHandler;
use packshot_db::bus::{Link, carry};
use packshot_db::{DatabaseConfig, Db, Notice, PostgresUrls};
use packshot_domain::task::{SERVICE_DEATHS_MAX, SERVICE_DEATHS_MAX_INLINE};
use packshot_worker::command::Launcher;
use packshot_worker::device;
use packshot_worker::engine::{Engine, EngineOptions};
use packshot_worker::executor::Executor;
use packshot_worker::inline::InlineExecutor;
use packshot_worker::live::Live;
use packshot_worker::made_with::Program;
use packshot_worker::process::{ProcessExecutor, ProcessOptions};

/// The target of the lines about the end of a service, which whoever stops it waits for.
pub const STOP_LOG_TARGET: &str = "packshot_service::server::stop";

/// The SQLite database in the data folder.
pub const DATABASE_FILE: &str = "packshot.db";
/// The argument with which the command becomes a worker process.
const WORKER_COMMAND: &str = "worker-child";
/// The argument with which the command becomes the supervisor of a program.
const PROGRAM_COMMAND: &str = "program-child";
/// Connections to a PostgreSQL server, at most.
const DATABASE_CONNECTIONS: u32 = 16;
/// How long a client may neither send nor take a byte.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the rest of a refused body is read.
const LINGER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long connections may take to end when the service stops.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(4);
/// How long tasks may take to go back to the queue when their time is up.
const GIVE_BACK_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs the service until SIGTERM or SIGINT, and ends it in order. `cache` keeps what graphics drivers compile,
/// and trees of large products; `program` is this program, as provenances name it.
///
/// # Errors
/// When it cannot start. Once it runs, only a signal ends it.
pub async fn run(settings: Settings, cache: Option<Arc<dyn ByteStore>>, program: Program) -> Result<(), ServeError> {
    let began = Instant::now();
    let mut signals = StopSignals::install().map_err(internal)?;
    let running = Running::start(settings, cache, program).await?;
    running.announce(began.elapsed());
    let signal = signals.next().await;
    let running_count = running.queue.running();
    match running_count {
        0 => tracing::info!(target: STOP_LOG_TARGET, signal, "stopping"),
        _ => tracing::info!(
            target: STOP_LOG_TARGET,
            signal,
            running = running_count,
            "stopping when running renders have ended; a second signal puts them back into the queue now"
        ),
    }
    running.stop(&mut signals).await;
    tracing::info!(target: STOP_LOG_TARGET, "stopped");
    Ok(())
}

/// The parts of a service that runs.
struct Running {
    address: SocketAddr,
    settings: Arc<Settings>,
    db: Db,
    hub: Hub,
    queue: QueueHandle,
    stop: CancellationToken,
    accepting: JoinHandle<()>,
    /// Held until the end, so that no other process works in the data folder.
    _data: DataFolder,
}

impl Running {
    async fn start(
        mut settings: Settings,
        cache: Option<Arc<dyn ByteStore>>,
        program: Program,
    ) -> Result<Self, ServeError> {
        let unusable = |source| ServeError::Data { path: settings.data.clone(), source };
        let data = DataFolder::open(&settings.data).map_err(unusable)?;
        // Before anything is created that a failed start would leave behind.
        let listen = settings.listen;
        let listener = TcpListener::bind(listen).await.map_err(|source| ServeError::Address { listen, source })?;
        let address = listener.local_addr().map_err(|source| ServeError::Address { listen, source })?;
        // The real address, also where port 0 was given.
        settings.listen = address;
        let metrics = Metrics::install();
        let (database_config, store_config) = (database_config(&settings), store_config(&settings));
        let db = Db::open(&database_config).await.map_err(ServeError::Database)?;
        let exposed = |source| ServeError::Data { path: settings.data.clone(), source };
        data.confine_database().map_err(exposed)?;
        let store = Store::open(&store_config).map_err(ServeError::Store)?;
        identity::agree(&db, &store).await.map_err(|error| match error {
            IdentityError::Database(error) => ServeError::Database(error),
            IdentityError::Store(error) => ServeError::Store(error),
            IdentityError::Mismatch(mismatch) => ServeError::Mismatch {
                database: database_config.to_string(),
                store: store_config.to_string(),
                mismatch,
            },
        })?;
        if let Some(first) = &settings.first_admin {
            setup::unattended(&db, first).await?;
        }
        if let Some(key) = setup::first_run(&db, &settings).await? {
            // Only once, and only to the user who started the service: never into the log.
            let _ = writeln!(io::stderr(), "[SETUP] admin key: {}", key.reveal());
        }
        let signing_keys = SigningKeyFile::open(settings.jwt_secret_file.clone()).map_err(ServeError::SigningKeys)?;
        let settings = Arc::new(settings);
        let hub = Hub::new();
        let device = InForce::of_instance(&db, &settings).await.map_err(ServeError::Database)?.render_device;
        let renderer = RenderHandler {
            db: db.clone(),
            store: store.clone(),
            hub: hub.clone(),
            executor: executor(&settings, device, cache, program)?,
            settings: settings.clone(),
        };
        let exporter = ExportHandler::new(db.clone(), store.clone(), settings.clone(), program);
        let own = std::env::current_exe().map_err(internal)?;
        let launcher = || Launcher::new(own.clone(), vec![PROGRAM_COMMAND.into()]);
        let converter = ConversionHandler {
            db: db.clone(),
            store: store.clone(),
            settings: settings.clone(),
            launcher: launcher(),
            time_max: CONVERSION_TIME_MAX,
            reading: Live::default(),
        };
        let housekeeper = ChoreHandler { db: db.clone(), store: store.clone(), settings: settings.clone() };
        let handlers = converter.add_to(exporter.add_to(housekeeper.add_to(renderer.handlers())));
        let comparer = CompareHandler { db: db.clone(), store: store.clone(), settings: settings.clone() };
        let handlers = comparer.add_to(handlers);
        let deeds: Arc<dyn Deeds> = Arc::new(OwnDeeds);
        let composer = ComposeHandler::new((db.clone(), store.clone()), settings.clone(), deeds.clone(), program);
        let handlers = composer.add_to(handlers);
        let storer =
            StoreHandler { db: db.clone(), store: store.clone(), settings: settings.clone(), deeds: deeds.clone() };
        let handlers = storer.add_to(handlers);
        let sender = Sender::new().map_err(|error| ServeError::Internal(error.into()))?;
        let deliverer = DeliveryHandler { db: db.clone(), settings: settings.clone(), sender };
        let handlers = deliverer.add_to(handlers);
        let handlers = executors::add_to(handlers, (&db, &store, &settings), launcher);
        let queue = jobs::start(QueueParts {
            worker: succession::succeed(&db, &data).await?,
            db: db.clone(),
            handlers,
            settings: settings.clone(),
            stall_check_every: STALL_CHECK_EVERY,
            service_deaths_max: match settings.workers {
                Workers::Inline => SERVICE_DEATHS_MAX_INLINE,
                Workers::Process => SERVICE_DEATHS_MAX,
            },
        });
        let swept = (db.clone(), store.clone(), settings.clone());
        lasting::spawn("housekeeping", move || housekeeping::run(swept.0.clone(), swept.1.clone(), swept.2.clone()));
        let told = (db.clone(), settings.clone());
        lasting::spawn("notifications", move || housekeeping::tell(told.0.clone(), told.1.clone()));
        let forgotten = (db.clone(), settings.clone());
        lasting::spawn("old entries", move || housekeeping::forget(forgotten.0.clone(), forgotten.1.clone()));
        let collected = (db.clone(), store.clone());
        let kept = db.clone();
        lasting::spawn("media retention", move || chores::media::run(kept.clone()));
        lasting::spawn("collection", move || chores::collection::run(collected.0.clone(), collected.1.clone()));
        let read = (db.clone(), store.clone(), settings.clone());
        lasting::spawn("scrub", move || chores::scrub::run(read.0.clone(), read.1.clone(), read.2.clone()));
        let looked_after = (db.clone(), settings.clone(), deeds.clone());
        lasting::spawn("design jobs", move || {
            designs::checking::run(looked_after.0.clone(), looked_after.1.clone(), looked_after.2.clone())
        });
        let watched = db.clone();
        lasting::spawn("stuck CAD files", move || stuck::run(watched.clone()));
        let parts = (db.clone(), store.clone(), settings.clone());
        lasting::spawn("watch", move || watch::run(parts.0.clone(), parts.1.clone(), parts.2.clone()));
        if let Some(urls) = postgres_urls(&settings) {
            let (link, seen) = Link::new();
            let parts = (db.clone(), urls.app().to_owned());
            lasting::spawn("bus", move || carry(parts.0.clone(), parts.1.clone(), link.clone()));
            let told = db.clone();
            lasting::spawn("state of the bus", move || bus::watch(told.clone(), seen.clone()));
        }
        // Notices that come before it begins are found by polling, as are those that come while nothing listens.
        let notified = (db.notices(), hub.clone(), queue.clone());
        lasting::spawn("notices", move || {
            pass_on_notices(notified.0.resubscribe(), notified.1.clone(), notified.2.clone())
        });
        let kept_up = metrics.clone();
        lasting::spawn("metrics", move || kept_up.clone().keep_up());
        let parts = Parts {
            ports: Ports { designs: deeds, ..Ports::default() },
            db: db.clone(),
            store,
            hub: hub.clone(),
            queue: queue.clone(),
            settings: settings.clone(),
            signing_keys,
        };
        let router = api::router(AppState::new(App::new(parts), metrics, api::KEEP_ALIVE));
        let limits = Limits {
            max_connections: settings.max_connections,
            max_connections_per_address: settings.max_connections_per_address,
            is_exempt: |address| address.is_loopback(),
            header_timeout: settings.header_timeout,
            stall_timeout: STALL_TIMEOUT,
            linger_timeout: LINGER_TIMEOUT,
            close_timeout: CLOSE_TIMEOUT,
        };
        let stop = CancellationToken::new();
        let accepting = tokio::spawn(accept::serve(listener, router, limits, stop.clone()));
        Ok(Self { address, settings, db, hub, queue, stop, accepting, _data: data })
    }

    /// Says that the service is ready: in the log, and as a line on stdout for who or what started it.
    fn announce(&self, start: Duration) {
        let Settings { data, workers, .. } = &*self.settings;
        let database = if self.settings.database == DatabaseSettings::Sqlite { "sqlite" } else { "postgresql" };
        let (data, ready_s) = (data.display(), start.as_secs_f64());
        tracing::info!(address = %self.address, %data, database, ?workers, ready_s, "ready");
        let mut stdout = io::stdout().lock();
        let line = writeln!(
            stdout,
            "Packshot is ready: http://{} ({ready_s:.2} s after its start), data in {data}",
            self.address
        );
        // There may be no reader.
        let _ = line.and_then(|()| stdout.flush());
    }

    /// Lets renders end for as long as the settings say, returns the others to the queue, then ends all connections. A
    /// second signal ends the wait.
    async fn stop(self, signals: &mut StopSignals) {
        let Self { settings, db, hub, queue, stop, accepting, _data, .. } = self;
        let grace = settings.drain_timeout;
        tokio::select! {
            drained = timeout(grace + GIVE_BACK_TIMEOUT, queue.drain(grace)) => report_drain(drained.is_ok()),
            signal = signals.next() => {
                tracing::info!(target: STOP_LOG_TARGET, signal, "putting running renders back into the queue");
                report_drain(timeout(GIVE_BACK_TIMEOUT, queue.drain(Duration::ZERO)).await.is_ok());
            }
        }
        hub.close();
        stop.cancel();
        if let Err(panic) = accepting.await {
            tracing::error!(%panic, "the accept loop panicked");
        }
        if timeout(CLOSE_TIMEOUT, db.close()).await.is_err() {
            tracing::warn!("the database was not closed in time; it recovers at the next start");
        }
    }
}

fn report_drain(is_empty: bool) {
    if !is_empty {
        tracing::warn!(
            "some renders could not be returned to the queue; the next start on this data folder returns them, otherwise they wait for half a minute"
        );
    }
}

/// The executor that computes.
fn executor(
    settings: &Settings,
    render_device: String,
    cache: Option<Arc<dyn ByteStore>>,
    program: Program,
) -> Result<Arc<dyn Executor>, ServeError> {
    let (n_threads, resident_bytes_max) = (settings.threads, settings.resident_bytes);
    let scratch = settings.scratch();
    std::fs::create_dir_all(&scratch)
        .map_err(|reason| ServeError::Data { path: scratch.clone(), source: reason.into() })?;
    match settings.workers {
        Workers::Inline => {
            let options = EngineOptions::default();
            let options = EngineOptions { n_threads, cache, resident_bytes_max, scratch, program, ..options };
            let engine = Arc::new(Engine::new(options));
            let probed = engine.clone();
            // Drivers are slow, and requests need not wait for them.
            tokio::task::spawn_blocking(move || {
                if let Err(failure) = probed.probe(&render_device) {
                    tracing::warn!(device = render_device, code = failure.code, "{}", failure.detail);
                }
            });
            Ok(Arc::new(InlineExecutor::new(engine)))
        }
        Workers::Process => {
            let executable = std::env::current_exe().map_err(internal)?;
            tokio::task::spawn_blocking(move || device::announce(&render_device));
            let options = ProcessOptions::new(executable, vec![WORKER_COMMAND.into()]);
            Ok(Arc::new(ProcessExecutor::new(ProcessOptions { n_threads, resident_bytes_max, scratch, ..options })))
        }
    }
}

/// Wakes all that wait for a commit, until the database is closed. What is missed here is found by polling. Lanes of
/// the queue listen themselves.
async fn pass_on_notices(mut notices: Receiver<Notice>, hub: Hub, queue: QueueHandle) {
    loop {
        match notices.recv().await {
            Ok(Notice::Events { stream, .. }) => hub.wake(stream),
            Ok(Notice::CancelRequested(task)) => queue.cancel(task),
            Ok(Notice::Any) => hub.wake_all(),
            Ok(Notice::Queued(..) | Notice::WorkerConfigs | Notice::Settings) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

/// Where the database of these settings is.
pub fn database_config(settings: &Settings) -> DatabaseConfig {
    match postgres_urls(settings) {
        Some(urls) => DatabaseConfig::Postgres { urls, max_connections: DATABASE_CONNECTIONS },
        None => DatabaseConfig::Sqlite { path: settings.data.join(DATABASE_FILE) },
    }
}

/// The URLs of the PostgreSQL database of these settings.
pub(crate) fn postgres_urls(settings: &Settings) -> Option<PostgresUrls> {
    let text = |url: &Secret| url.reveal().to_owned();
    match &settings.database {
        DatabaseSettings::Sqlite => None,
        DatabaseSettings::OneRole { url } => Some(PostgresUrls::One(text(url))),
        DatabaseSettings::ThreeRoles { app, bypass, owner } => {
            Some(PostgresUrls::Three { app: text(app), bypass: text(bypass), owner: text(owner) })
        }
    }
}

/// Where the store of these settings is.
pub fn store_config(settings: &Settings) -> StoreConfig {
    match settings.store.clone() {
        StoreSettings::Local { path } => StoreConfig::Local { root: path },
        StoreSettings::S3 { bucket, endpoint, region, prefix, access_key_id, secret_access_key } => {
            let allow_http = endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
            let secret_access_key = secret_access_key.as_ref().map(Secret::reveal).map(str::to_owned);
            let bucket =
                BucketConfig { bucket, prefix, region, endpoint, access_key_id, secret_access_key, allow_http };
            StoreConfig::Bucket { bucket, spool: settings.data.join("spool") }
        }
    }
}

fn internal(error: io::Error) -> ServeError {
    ServeError::Internal(error.into())
}
