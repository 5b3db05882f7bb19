//! Settings that can be changed while the service runs, each with its description.

use std::path::Path;

use serde_json::{Map, Value as Json, json};

use super::kind::{Kind, kept_of};
use crate::config::executor::BUILTIN;
use crate::config::{Executors, Settings as Config};

/// What a setting applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// One value for the whole installation.
    Instance,
    /// A value for each tenant.
    Tenant,
}

impl Reach {
    /// As clients see it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Tenant => "tenant",
        }
    }
}

/// A setting.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Its name.
    pub key: &'static str,
    /// Names of the reference system for it.
    pub aliases: &'static [&'static str],
    /// The values that it may have.
    pub kind: Kind,
    /// Its default; null is no value.
    pub default: fn() -> Json,
    /// What the configuration has for it: what pins it, or the default.
    pub configured: fn(&Config) -> Json,
    /// What it applies to.
    pub reach: Reach,
    /// The unit of a number.
    pub unit: Option<&'static str>,
    /// A few words.
    pub title: &'static str,
    /// A sentence.
    pub description: &'static str,
    /// What changes with it.
    pub affects: &'static [&'static str],
    /// What to choose.
    pub recommendation: Option<&'static str>,
    /// What to mind.
    pub warning: Option<&'static str>,
}

/// All settings.
pub static SETTINGS: [Definition; 24] = [
    Definition {
        key: "render_device",
        aliases: &["cycles_device"],
        kind: Kind::Text { bytes_max: 256 },
        default: || "gpu".into(),
        configured: |config| config.render_device.clone().into(),
        reach: Reach::Instance,
        unit: None,
        title: "Device",
        description: "The device for jobs that do not name one: gpu, cpu, auto, or part of an adapter's name.",
        affects: &["renders"],
        recommendation: Some("auto on machines without a GPU, where gpu warns with every job"),
        warning: None,
    },
    Definition {
        key: "render_samples",
        aliases: &["blender_cycles_samples"],
        kind: Kind::Whole { min: 1, max: 4096 },
        default: || 256.into(),
        configured: |config| config.render_samples.into(),
        reach: Reach::Tenant,
        unit: Some("samples per pixel"),
        title: "Samples",
        description: "The most samples per pixel for jobs that do not set a number.",
        affects: &["renders"],
        recommendation: None,
        warning: None,
    },
    Definition {
        key: "render_stall_timeout_minutes",
        aliases: &[],
        kind: Kind::Whole { min: 1, max: 10_080 },
        default: || 120.into(),
        configured: |config| config.render_stall_timeout_minutes.into(),
        reach: Reach::Instance,
        unit: Some("minutes"),
        title: "Stall timeout",
        description: "A picture that takes longer is stopped, and its job is tried again while it has attempts left. In a job with several pictures, the time counts from the last finished picture.",
        affects: &["renders"],
        recommendation: None,
        warning: Some("the time is checked every five minutes"),
    },
    Definition {
        key: "max_upload_bytes",
        aliases: &[],
        kind: Kind::Whole { min: 1, max: 1 << 53 },
        default: || (512_u64 << 20).into(),
        configured: |config| config.max_upload_bytes.into(),
        reach: Reach::Instance,
        unit: Some("bytes"),
        title: "Largest upload",
        description: "The largest file that is accepted.",
        affects: &["renders", "preflight"],
        recommendation: None,
        warning: None,
    },
    Definition {
        key: "max_pixels",
        aliases: &[],
        kind: Kind::Whole { min: 1, max: 16_384 * 16_384 },
        default: || 64_000_000.into(),
        configured: |config| config.max_pixels.into(),
        reach: Reach::Instance,
        unit: Some("pixels"),
        title: "Largest picture",
        description: "Width times height of a picture, at most.",
        affects: &["renders"],
        recommendation: None,
        warning: None,
    },
    Definition {
        key: "max_output_bytes",
        aliases: &[],
        kind: Kind::Whole { min: 1, max: 1 << 53 },
        default: || (16_u64 << 30).into(),
        configured: |config| config.max_output_bytes.into(),
        reach: Reach::Instance,
        unit: Some("bytes"),
        title: "Largest job",
        description: "The most bytes that the files of one job may have together. A job that writes more fails immediately, with output_too_large.",
        affects: &["renders"],
        recommendation: Some("what the disk has to spare: the files of a running job are on it twice for a moment"),
        warning: None,
    },
    Definition {
        key: "max_memory_bytes",
        aliases: &[],
        kind: Kind::Whole { min: 1, max: 1 << 53 },
        default: || Json::Null,
        configured: |config| config.max_memory_bytes.into(),
        reach: Reach::Instance,
        unit: Some("bytes"),
        title: "Memory of a render",
        description: "The most memory that a render may take. A render that needs more fails before it starts, with device_out_of_memory. Null: the memory of the machine or its container, which is a limit in any case.",
        affects: &["renders"],
        recommendation: Some(
            "what is left for renders, divided by the number that run at the same time in this process",
        ),
        warning: None,
    },
    Definition {
        key: "max_event_streams_per_user",
        aliases: &[],
        kind: Kind::Whole { min: 1, max: 10_000 },
        default: || 20.into(),
        configured: |config| config.max_event_streams_per_user.into(),
        reach: Reach::Instance,
        unit: Some("streams"),
        title: "Event streams of a user",
        description: "The most event streams that one user may have open with this process at the same time.",
        affects: &["events"],
        recommendation: None,
        warning: Some("each open stream queries the database about once a second"),
    },
    Definition {
        key: "max_event_streams_per_tenant",
        aliases: &[],
        kind: Kind::Whole { min: 1, max: 100_000 },
        default: || 200.into(),
        configured: |config| config.max_event_streams_per_tenant.into(),
        reach: Reach::Instance,
        unit: Some("streams"),
        title: "Event streams of a tenant",
        description: "The most event streams that all users of one tenant may have open with this process at the same time.",
        affects: &["events"],
        recommendation: None,
        warning: Some("each open stream queries the database about once a second"),
    },
    Definition {
        key: "access_token_ttl_s",
        aliases: &[],
        kind: Kind::Whole { min: 60, max: 86_400 },
        default: || 900.into(),
        configured: |config| config.access_token_ttl_s.into(),
        reach: Reach::Instance,
        unit: Some("seconds"),
        title: "Life of access tokens",
        description: "How long an access token is valid after a sign-in or a refresh.",
        affects: &["sign-in"],
        recommendation: None,
        warning: None,
    },
    Definition {
        key: "refresh_token_ttl_s",
        aliases: &[],
        kind: Kind::Whole { min: 60, max: 31_536_000 },
        default: || 1_209_600.into(),
        configured: |config| config.refresh_token_ttl_s.into(),
        reach: Reach::Instance,
        unit: Some("seconds"),
        title: "Life of refresh tokens",
        description: "How long a session lasts while nobody uses it.",
        affects: &["sign-in"],
        recommendation: None,
        warning: None,
    },
    Definition {
        key: "allowed_hosts",
        aliases: &[],
        kind: Kind::Hosts,
        default: || Json::Array(Vec::new()),
        configured: |config| config.allowed_hosts.clone().into(),
        reach: Reach::Instance,
        unit: None,
        title: "Host names",
        description: "Host names that the service answers to, besides localhost, while it is open to its own machine.",
        affects: &["sign-in"],
        recommendation: Some("none: set up sign-in instead, then every name works"),
        warning: Some("a change takes effect within 5 seconds"),
    },
    Definition {
        key: "trusted_proxies",
        aliases: &[],
        kind: Kind::Networks,
        default: || Json::Array(Vec::new()),
        configured: |config| config.trusted_proxies.texts().into(),
        reach: Reach::Instance,
        unit: None,
        title: "Trusted proxies",
        description: "Addresses and networks of proxies whose X-Forwarded-For says where a request comes from, for limits and the audit log. From anyone else the header is ignored.",
        affects: &["requests", "sign-in", "audit log"],
        recommendation: Some("only proxies that set the header themselves, and none if clients connect directly"),
        warning: Some(
            "a change takes effect within 5 seconds; whoever connects from one of these addresses can claim any other",
        ),
    },
    Definition {
        key: "cors_origins",
        aliases: &[],
        kind: Kind::Origins,
        default: || Json::Array(Vec::new()),
        configured: |config| config.cors_origins.clone().into(),
        reach: Reach::Instance,
        unit: None,
        title: "Other web pages",
        description: "Origins, such as https://shop.example, whose pages may call the service from a browser.",
        affects: &["requests"],
        recommendation: None,
        warning: Some("a change takes effect within 5 seconds"),
    },
    Definition {
        key: "metrics_token",
        aliases: &[],
        kind: Kind::Token,
        default: || Json::Null,
        configured: |config| config.metrics_token.as_ref().map(|token| kept_of(token.reveal())).into(),
        reach: Reach::Instance,
        unit: None,
        title: "Metrics token",
        description: "A client that sends this as its bearer token may read /metrics from anywhere, and nothing else. Only the token's hash is stored.",
        affects: &["metrics"],
        recommendation: Some("32 random characters or more"),
        warning: Some("a change takes effect within 5 seconds"),
    },
    Definition {
        key: "audit_retention_days",
        aliases: &[],
        kind: Kind::Whole { min: 30, max: 36_500 },
        default: || 730.into(),
        configured: |config| config.audit_retention_days.into(),
        reach: Reach::Instance,
        unit: Some("days"),
        title: "Retention of the audit log",
        description: "Entries of the audit log that are older than this are removed.",
        affects: &["audit log"],
        recommendation: None,
        warning: Some("old entries are removed every ten minutes, and are then gone for good"),
    },
    Definition {
        key: "rate_limit_per_s",
        aliases: &[],
        kind: Kind::Whole { min: 1, max: 1_000_000 },
        default: || Json::Null,
        configured: |config| config.rate_limit_per_s.into(),
        reach: Reach::Instance,
        unit: Some("requests per second"),
        title: "Requests per second",
        description: "The most requests per second of one user, over all keys and sessions. Null: no limit.",
        affects: &["requests"],
        recommendation: None,
        warning: Some("a change takes effect within 5 seconds"),
    },
    Definition {
        key: "rate_limit_burst",
        aliases: &[],
        kind: Kind::Whole { min: 1, max: 2_000_000 },
        default: || Json::Null,
        configured: |config| config.rate_limit_burst.into(),
        reach: Reach::Instance,
        unit: Some("requests"),
        title: "Requests at once",
        description: "How many requests of one user may come at once after a pause. Null: twice rate_limit_per_s.",
        affects: &["requests"],
        recommendation: None,
        warning: Some("a change takes effect within 5 seconds"),
    },
    Definition {
        key: "scrub_interval_days",
        aliases: &[],
        kind: Kind::Whole { min: 1, max: 3650 },
        default: || 30.into(),
        configured: |config| config.scrub_interval_days.into(),
        reach: Reach::Instance,
        unit: Some("days"),
        title: "Check of stored files",
        description: "How often every stored file is read and compared with its hash.",
        affects: &["artifacts"],
        recommendation: Some(
            "more often than backups are overwritten, so that a whole copy is left of what is damaged",
        ),
        warning: None,
    },
    Definition {
        key: "scrub_rate_mb_s",
        aliases: &[],
        kind: Kind::Whole { min: 1, max: 100_000 },
        default: || 50.into(),
        configured: |config| config.scrub_rate_mb_s.into(),
        reach: Reach::Instance,
        unit: Some("MB/s"),
        title: "Rate of that check",
        description: "How many megabytes of stored files are read in a second, at most, to compare them with their hashes.",
        affects: &["artifacts"],
        recommendation: None,
        warning: Some("a check begins once an hour, and keeps the rate that it began with"),
    },
    Definition {
        key: "disabled_steps",
        aliases: &[],
        kind: Kind::Steps,
        default: || Json::Array(Vec::new()),
        configured: |config| config.disabled_steps.clone().into(),
        reach: Reach::Instance,
        unit: None,
        title: "Disabled steps",
        description: "Steps of workflows that cannot be dispatched here. Definitions keep them.",
        affects: &["workflows"],
        recommendation: None,
        warning: Some("output types whose workflow has such a step are rendered without it"),
    },
    Definition {
        key: "legacy_executor",
        aliases: &[],
        kind: Kind::Executor,
        default: || BUILTIN.into(),
        configured: |config| config.legacy_executor.clone().into(),
        reach: Reach::Tenant,
        unit: None,
        title: "Executor of order lines",
        description: "What renders order lines whose output type names no executor: builtin, which is Packshot, or one of legacy_executors. Those make stills alone.",
        affects: &["orders"],
        recommendation: None,
        warning: Some("tenants without the feature external_executor keep Packshot"),
    },
    Definition {
        key: "legacy_executors",
        aliases: &[],
        kind: Kind::OfFile { type_name: "object" },
        default: || Json::Object(Map::new()),
        configured: |config| shown_executors(&config.legacy_executors),
        reach: Reach::Instance,
        unit: None,
        title: "Other executors",
        description: "Programs and services that can render order lines instead of Packshot, each with its kind. Their commands and addresses are never shown.",
        affects: &["orders"],
        recommendation: None,
        warning: Some("only in the settings file, which is read when the service starts"),
    },
    Definition {
        key: "cad_converter",
        aliases: &[],
        kind: Kind::OfFile { type_name: "string" },
        default: || Json::Null,
        configured: |config| config.cad_converter.as_deref().and_then(shown_program).into(),
        reach: Reach::Instance,
        unit: None,
        title: "CAD converter",
        description: "The program that converts STEP files to GLB; its folder and arguments are never shown. Null: there is none, and STEP files cannot be rendered.",
        affects: &["products"],
        recommendation: None,
        warning: Some("only in the settings file, which is read when the service starts"),
    },
];

/// Executors as clients see them: who may see settings need not know what runs on the machine.
fn shown_executors(executors: &Executors) -> Json {
    let shown = executors.iter().map(|(name, executor)| (name.clone(), json!({"kind": executor.kind()})));
    Json::Object(shown.collect())
}

/// The name of a program, without its folder and its arguments.
fn shown_program(command: &[String]) -> Option<String> {
    Some(Path::new(command.first()?).file_name()?.to_string_lossy().into_owned())
}

/// The setting of a name, or of an old name.
pub fn find(name: &str) -> Option<&'static Definition> {
    SETTINGS.iter().find(|definition| definition.key == name || definition.aliases.contains(&name))
}
