//! Settings: from the command line, else the environment, else the file, else the default.
//!
//! Input: the three sources as text. Output: [`Settings`], every member in its range, with a record of where each came
//! from; or every fault that was found, each with its place. No other part of the service reads a variable or the
//! settings file.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use packshot_domain::user::Email;
use serde::Serialize;

pub mod error;
pub mod report;
pub mod source;
mod example;
pub mod executor;
mod file;
mod networks;
mod reader;
mod value;

pub use error::ConfigError;
pub use executor::{Executor, Executors};
pub use networks::Networks;
pub use report::InEffect;
pub use source::Sources;

use reader::Reader;
pub(crate) use value::is_origin;

const MIB: u64 = 1 << 20;
/// One address may have one in this many of all connections.
const SHARE_OF_ADDRESS: usize = 8;

/// All settings of the service.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `listen`: the address to listen on. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// `data`: the data folder (database, stored files, uploads in progress).
    pub data: PathBuf,
    /// `workers`: where renders are computed.
    pub workers: Workers,
    /// `database_url`, `database_bypass_url`, `database_owner_url`: where the database is.
    pub database: DatabaseSettings,
    /// `store.…`: where files are stored.
    pub store: StoreSettings,
    /// `render_samples`: samples per pixel of requests that do not set them.
    pub render_samples: u32,
    /// `render_stall_timeout_minutes`: a picture that takes longer is stopped.
    pub render_stall_timeout_minutes: u64,
    /// `render_device`: `gpu`, `cpu`, `auto`, or part of an adapter's name.
    pub render_device: String,
    /// `threads`: CPU threads of a render; 0 is all.
    pub threads: usize,
    /// `max_upload_bytes`: the largest file that is accepted.
    pub max_upload_bytes: u64,
    /// `max_pixels`: the largest picture.
    pub max_pixels: u64,
    /// `max_output_bytes`: the most that one job may write.
    pub max_output_bytes: u64,
    /// `max_design_bytes`: the largest file of a design.
    pub max_design_bytes: u64,
    /// `compose_timeout_s`: how long the texture of a design may take, in seconds.
    pub compose_timeout_s: u64,
    /// `render_timeout_s`: how long the pictures of a design may take, in seconds.
    pub render_timeout_s: u64,
    /// `max_memory_bytes`: the most memory that a render may take; if not set, that of the machine or its container.
    pub max_memory_bytes: Option<u64>,
    /// `max_event_streams_per_user`: event streams that one user may have open.
    pub max_event_streams_per_user: usize,
    /// `max_event_streams_per_tenant`: event streams that all users of one tenant may have open.
    pub max_event_streams_per_tenant: usize,
    /// `resident_bytes`: the most bytes of products that stay loaded.
    pub resident_bytes: u64,
    /// `allowed_hosts`: names in `Host` that the open mode accepts besides loopback ones.
    pub allowed_hosts: Vec<String>,
    /// `cors_origins`: exact origins whose pages may call the service.
    pub cors_origins: Vec<String>,
    /// `metrics_token`: gives access to `/metrics` from other machines.
    pub metrics_token: Option<Secret>,
    /// `admin_email` and `admin_password_file`: the first user of an installation that nobody sets up by hand.
    pub first_admin: Option<FirstAdmin>,
    /// `audit_retention_days`: how long entries of the audit log are kept.
    pub audit_retention_days: u64,
    /// `digest_hour_utc`: the hour of the day at which people are told what came together in a day.
    pub digest_hour_utc: u8,
    /// `activity_retention_days`: how long entries of the activity are kept.
    pub activity_retention_days: u64,
    /// `notification_retention_days`: how long notifications are kept.
    pub notification_retention_days: u64,
    /// `alert_retention_days`: how long alerts are kept after they were resolved.
    pub alert_retention_days: u64,
    /// `scrub_interval_days`: how often every stored file is read and compared.
    pub scrub_interval_days: u64,
    /// `scrub_rate_mb_s`: how many megabytes of them are read in a second.
    pub scrub_rate_mb_s: u32,
    /// `jwt_secret_file`: the file with the keys that access tokens are signed with.
    pub jwt_secret_file: PathBuf,
    /// `access_token_ttl_s`: how long access tokens live, in seconds.
    pub access_token_ttl_s: u64,
    /// `refresh_token_ttl_s`: how long refresh tokens live, in seconds.
    pub refresh_token_ttl_s: u64,
    /// `rate_limit_per_s`: requests per second of a user; `None`: no limit.
    pub rate_limit_per_s: Option<u32>,
    /// `rate_limit_burst`: requests of a user that may come at once; `None`: twice `rate_limit_per_s`.
    pub rate_limit_burst: Option<u32>,
    /// `trusted_proxies`: whose `X-Forwarded-For` says where a request comes from.
    pub trusted_proxies: Networks,
    /// `max_connections`: connections served at the same time; more wait to be accepted.
    pub max_connections: usize,
    /// `max_connections_per_address`: of these, connections of one address. Loopback addresses are not counted: a proxy
    /// on this machine brings the connections of all clients from there.
    pub max_connections_per_address: usize,
    /// `header_timeout_s`: how long a client may take for the head of a request.
    pub header_timeout: Duration,
    /// `drain_timeout_s`: how long running renders may take to end when the service is asked to stop.
    pub drain_timeout: Duration,
    /// `log_format`: how logs are written.
    pub log_format: LogFormat,
    /// `webhook_allowed_networks`: networks that webhooks may be in although they are not of the public Internet.
    pub webhook_allowed_networks: Networks,
    /// `webhook_allow_http`: whether webhooks may have addresses without encryption.
    pub webhook_allow_http: bool,
    /// `delivery_retention_days`: how long deliveries to webhooks are kept that have ended.
    pub delivery_retention_days: u64,
    /// `disabled_steps`: steps of workflows that cannot be dispatched here, by name.
    pub disabled_steps: Vec<String>,
    /// `legacy_executor`: the executor of tenants that did not choose one; `builtin` is Packshot's own renderer.
    pub legacy_executor: String,
    /// `legacy_executors`: the others, by name. Only the file has them.
    pub legacy_executors: Executors,
    /// `cad_converter`: the program that makes GLBs of CAD files, and its arguments. Only the file has it.
    pub cad_converter: Option<Vec<String>>,
    /// Where each of these came from, for `--check-config`.
    pub in_effect: InEffect,
    /// Warnings about the sources, one sentence each.
    pub warnings: Vec<String>,
}

/// Who is made a global admin at the first start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstAdmin {
    /// The e-mail address.
    pub email: Email,
    /// A file whose first line is the password.
    pub password_file: PathBuf,
}

/// Where renders are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Workers {
    /// On threads of this process.
    Inline,
    /// In child processes, so that a crash of a driver costs one attempt and not the service.
    Process,
}

/// How logs are written to stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Where the database is, and as which of its roles it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseSettings {
    /// SQLite, in the data folder.
    Sqlite,
    /// A PostgreSQL database, as one role: it serves one tenant.
    OneRole {
        /// `database_url`.
        url: Secret,
    },
    /// A PostgreSQL database, as three roles, so that it keeps tenants apart.
    ThreeRoles {
        /// `database_url`: of the role for transactions of one tenant.
        app: Secret,
        /// `database_bypass_url`: of the role for transactions of all tenants.
        bypass: Secret,
        /// `database_owner_url`: of the role that owns the schema.
        owner: Secret,
    },
}

/// Where files are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreSettings {
    /// A local folder; the data folder unless another one is given.
    Local {
        /// Holds `objects/` and `spool/`.
        path: PathBuf,
    },
    /// An S3-compatible store.
    S3 {
        /// The bucket.
        bucket: String,
        /// The address of a store that is not Amazon's.
        endpoint: Option<String>,
        /// The region.
        region: String,
        /// The prefix of every name; empty or ending in `/`.
        prefix: String,
        /// The name of the key.
        access_key_id: Option<String>,
        /// The key.
        secret_access_key: Option<Secret>,
    },
}

/// Text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret of this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text. Not for logs, errors or answers.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(report::HIDDEN)
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(report::HIDDEN)
    }
}

/// The folder in the data folder in which movies and archives grow, and what is finished of series is kept until their
/// jobs have ended: the system's temporary folder may be in memory.
const SCRATCH_FOLDER: &str = "scratch";
/// The file in the data folder with the keys that access tokens are signed with.
const SIGNING_KEYS: &str = "secrets/jwt.json";

impl Settings {
    /// The folder for intermediate files.
    pub fn scratch(&self) -> PathBuf {
        self.data.join(SCRATCH_FOLDER)
    }

    /// The settings that the sources give.
    ///
    /// # Errors
    /// All faults of all sources: `config.syntax`, `config.unknown_setting`, `config.invalid_value`, `config.missing`,
    /// `config.conflict`, `config.database_roles`.
    pub fn from_sources(sources: &Sources) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(sources)?;
        let listen = reader.read("listen", value::address, SocketAddr::from(([127, 0, 0, 1], 8080)));
        let data = reader.read_or("data", value::path, || source::default_data_folder(&sources.variables));
        let store = Self::store(&mut reader, data.as_ref());
        let first_admin = Self::first_admin(&mut reader);
        let (legacy_executor, legacy_executors) = Self::executors(&mut reader);
        let signing_keys = data.clone().unwrap_or_default().join(SIGNING_KEYS);
        let max_connections = reader.read("max_connections", value::whole(1..=1_000_000), 2048);
        let settings = Self {
            listen,
            store,
            workers: reader.read("workers", value::word(&WORKERS), Workers::Inline),
            database: Self::database(&mut reader),
            render_device: reader.read("render_device", value::text, "gpu".to_owned()),
            render_samples: reader.read("render_samples", value::whole(1..=4096), 256),
            render_stall_timeout_minutes: reader.read("render_stall_timeout_minutes", value::whole(1..=10_080), 120),
            threads: reader.read("threads", value::whole(0..=1024), 0),
            max_upload_bytes: reader.read("max_upload_bytes", value::bytes, 512 * MIB),
            max_pixels: reader.read("max_pixels", value::whole(1..=16_384 * 16_384), 64_000_000),
            max_output_bytes: reader.read("max_output_bytes", value::bytes, 16_384 * MIB),
            max_design_bytes: reader.read("max_design_bytes", value::bytes, 50 * MIB),
            compose_timeout_s: reader.read("compose_timeout_s", value::whole(1..=86_400), 120),
            render_timeout_s: reader.read("render_timeout_s", value::whole(1..=604_800), 1800),
            max_memory_bytes: reader.read_optional("max_memory_bytes", value::bytes),
            max_event_streams_per_user: reader.read("max_event_streams_per_user", value::whole(1..=10_000), 20),
            max_event_streams_per_tenant: reader.read("max_event_streams_per_tenant", value::whole(1..=100_000), 200),
            resident_bytes: reader.read("resident_bytes", value::bytes, 2048 * MIB),
            allowed_hosts: reader.read("allowed_hosts", value::list, Vec::new()),
            cors_origins: reader.read("cors_origins", value::origins, Vec::new()),
            metrics_token: reader.read_optional("metrics_token", value::secret),
            first_admin,
            audit_retention_days: reader.read("audit_retention_days", value::whole(30..=36_500), 730),
            digest_hour_utc: reader.read("digest_hour_utc", value::whole(0..=23), 6),
            activity_retention_days: reader.read("activity_retention_days", value::whole(1..=3650), 90),
            notification_retention_days: reader.read("notification_retention_days", value::whole(1..=3650), 180),
            alert_retention_days: reader.read("alert_retention_days", value::whole(1..=3650), 365),
            scrub_interval_days: reader.read("scrub_interval_days", value::whole(1..=3650), 30),
            scrub_rate_mb_s: reader.read("scrub_rate_mb_s", value::whole(1..=100_000), 50),
            jwt_secret_file: reader.read_optional("jwt_secret_file", value::path).unwrap_or(signing_keys),
            access_token_ttl_s: reader.read("access_token_ttl_s", value::whole(60..=86_400), 900),
            refresh_token_ttl_s: reader.read("refresh_token_ttl_s", value::whole(60..=31_536_000), 1_209_600),
            rate_limit_per_s: reader.read_optional("rate_limit_per_s", value::whole(1..=1_000_000)),
            rate_limit_burst: reader.read_optional("rate_limit_burst", value::whole(1..=2_000_000)),
            trusted_proxies: reader.read("trusted_proxies", value::networks, Networks::default()),
            max_connections,
            max_connections_per_address: reader.read(
                "max_connections_per_address",
                value::whole(1..=1_000_000),
                (max_connections / SHARE_OF_ADDRESS).max(1),
            ),
            header_timeout: reader.read_seconds("header_timeout_s", 1..=600, 30),
            drain_timeout: reader.read_seconds("drain_timeout_s", 0..=600, 20),
            log_format: reader.read("log_format", value::word(&LOG_FORMATS), LogFormat::Text),
            webhook_allowed_networks: reader.read("webhook_allowed_networks", value::networks, Networks::default()),
            webhook_allow_http: reader.read("webhook_allow_http", value::flag, false),
            delivery_retention_days: reader.read("delivery_retention_days", value::whole(1..=3650), 30),
            disabled_steps: reader.read("disabled_steps", value::steps, Vec::new()),
            legacy_executor,
            legacy_executors,
            cad_converter: reader.read_optional("cad_converter", executor::command),
            data: data.unwrap_or_default(),
            in_effect: InEffect::default(),
            warnings: Vec::new(),
        };
        let (in_effect, warnings) = reader.finish()?;
        Ok(Self { in_effect, warnings, ..settings })
    }

    fn database(reader: &mut Reader<'_>) -> DatabaseSettings {
        let app = reader.read_optional("database_url", value::database_url);
        let bypass = reader.read_optional("database_bypass_url", value::database_url);
        let owner = reader.read_optional("database_owner_url", value::database_url);
        let keys = ["database_url", "database_bypass_url", "database_owner_url"];
        let (given, missing): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| reader.is_given(key));
        match (given.last(), missing.first()) {
            (Some(given), Some(missing)) if *given != "database_url" => {
                let message = format!("`{given}` is set without `{missing}`");
                let help = "set all three, each for a role of its own, or `database_url` alone for a single tenant";
                reader.fault(given, "database_roles", message, help);
            }
            _ => {}
        }
        match (app, bypass, owner) {
            (Some(app), Some(bypass), Some(owner)) => DatabaseSettings::ThreeRoles { app, bypass, owner },
            (Some(url), ..) => DatabaseSettings::OneRole { url },
            (None, ..) => DatabaseSettings::Sqlite,
        }
    }

    fn first_admin(reader: &mut Reader<'_>) -> Option<FirstAdmin> {
        let email = reader.read_optional("admin_email", value::email);
        let password_file = reader.read_optional("admin_password_file", value::path);
        match (email, password_file) {
            (Some(value::Address(email)), Some(password_file)) => Some(FirstAdmin { email, password_file }),
            (email, _) => {
                let [given, missing] = match email {
                    Some(_) => ["admin_email", "admin_password_file"],
                    None => ["admin_password_file", "admin_email"],
                };
                if reader.is_given(given) {
                    let message = format!("`{given}` is set without `{missing}`");
                    reader.fault(given, "missing", message, "set both, or neither");
                }
                None
            }
        }
    }

    /// The executor of tenants that did not choose one, and all executors by name.
    fn executors(reader: &mut Reader<'_>) -> (String, Executors) {
        let default = reader.read("legacy_executor", value::text, executor::BUILTIN.to_owned());
        let n_faults = reader.n_faults();
        let all = reader.read("legacy_executors", executor::executors, Executors::new());
        // Of executors that cannot be read it is not known which there are.
        let are_known = reader.n_faults() == n_faults;
        if are_known && default != executor::BUILTIN && !all.contains_key(&default) {
            let message =
                format!("`legacy_executor` is `{default}`, but `legacy_executors` has no executor of this name");
            let help = format!("define it as [legacy_executors.{default}] in the settings file, or choose another one");
            reader.fault("legacy_executor", "conflict", message, &help);
        }
        (default, all)
    }

    fn store(reader: &mut Reader<'_>, data: Option<&PathBuf>) -> StoreSettings {
        let path = reader.read_optional("store.path", value::path);
        let bucket = reader.read_optional("store.bucket", value::text);
        let endpoint = reader.read_optional("store.endpoint", value::url);
        let region = reader.read_optional("store.region", value::text);
        let prefix = reader.read_optional("store.prefix", value::prefix);
        let access_key_id = reader.read_optional("store.access_key_id", value::text);
        let secret_access_key = reader.read_optional("store.secret_access_key", value::secret);
        let Some(bucket) = bucket else {
            let of_s3 = ["store.endpoint", "store.region", "store.prefix", "store.access_key_id"];
            if let Some(key) = of_s3.into_iter().find(|key| reader.is_given(key)) {
                let message = format!("`{key}` is for an S3 store, but `store.bucket` is not set");
                reader.fault(key, "missing", message, "set `store.bucket = \"pictures\"`, or remove this setting");
            }
            return StoreSettings::Local { path: path.or_else(|| data.cloned()).unwrap_or_default() };
        };
        if path.is_some() {
            let message = "`store.path` and `store.bucket` cannot both be set".to_owned();
            let help = "keep `store.path` for files in a folder, or `store.bucket` for files in S3";
            reader.fault("store.path", "conflict", message, help);
        }
        if access_key_id.is_some() != secret_access_key.is_some() {
            let [given, missing] = match access_key_id {
                Some(_) => ["store.access_key_id", "store.secret_access_key"],
                None => ["store.secret_access_key", "store.access_key_id"],
            };
            let message = format!("`{given}` is set without `{missing}`");
            reader.fault(given, "missing", message, "set both, or neither");
        }
        let region = region.unwrap_or_else(|| "us-east-1".to_owned());
        let prefix = prefix.unwrap_or_default();
        StoreSettings::S3 { bucket, endpoint, region, prefix, access_key_id, secret_access_key }
    }

    /// Whether only this machine can reach the address.
    pub fn is_loopback(&self) -> bool {
        self.listen.ip().is_loopback()
    }
}

const WORKERS: [(&str, Workers); 2] = [("inline", Workers::Inline), ("process", Workers::Process)];
const LOG_FORMATS: [(&str, LogFormat); 2] = [("text", LogFormat::Text), ("json", LogFormat::Json)];

#[cfg(test)]
mod tests;
