//! Settings in force: the value from the start of the process, else the one in the database, else the default.
//!
//! Input: the [configuration](crate::config) and the [rows](packshot_db::settings). Output: [`InForce`], read anew for
//! each use, so that a change takes effect immediately. A setting from the command line, a variable or the file is
//! pinned: it cannot be changed over HTTP.

pub mod definition;
pub mod kind;
mod list;
mod programs;
pub(crate) mod recent;

use std::time::Duration;

use serde_json::{Map, Value as Json};

pub use definition::{Definition, Reach};
pub use kind::Kind;
pub use list::SETTINGS;

use crate::config::report::HIDDEN;
use crate::config::{Networks, Settings as Config};
use packshot_db::settings::{self, Stored};
use packshot_db::{AllTenants, Db, DbError, TenantScope};
use packshot_domain::channel::preference::Retention;
use packshot_domain::network::Network;
use packshot_domain::step::StepName;
use packshot_domain::task::Lane;
use packshot_words::Word;

/// Seconds of a day.
const DAY_S: u64 = 24 * 60 * 60;

/// Where the value of a setting that nothing pins comes from.
const OF_DATABASE: &str = "database";
const OF_NOBODY: &str = "default";

/// The settings that affect requests and renders, each with its value in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// `render_device`: the device of jobs that name none.
    pub render_device: String,
    /// `render_samples`: samples per pixel of jobs that do not say.
    pub render_samples: u32,
    /// `render_stall_timeout_minutes`: a picture that takes longer is stopped.
    pub render_stall_timeout: Duration,
    /// `max_upload_bytes`: the largest file that is taken.
    pub max_upload_bytes: u64,
    /// `max_pixels`: the largest picture.
    pub max_pixels: u64,
    /// `max_design_bytes`: the largest file of a design.
    pub max_design_bytes: u64,
    /// `compose_timeout_s`: how long the texture of a design may take.
    pub compose_timeout: Duration,
    /// `render_timeout_s`: how long the pictures of a design may take.
    pub render_timeout: Duration,
    /// `max_output_bytes`: the most that one job may write.
    pub max_output_bytes: u64,
    /// `max_memory_bytes`: the most memory that a render may take; `None`: what the machine or its container has.
    pub max_memory_bytes: Option<u64>,
    /// `max_event_streams_per_user`: streams of events that one user may have open.
    pub max_event_streams_per_user: usize,
    /// `max_event_streams_per_tenant`: streams of events that all users of one tenant may have open.
    pub max_event_streams_per_tenant: usize,
    /// `access_token_ttl_s`: how long access tokens live.
    pub access_token_ttl: Duration,
    /// `refresh_token_ttl_s`: how long refresh tokens live.
    pub refresh_token_ttl: Duration,
    /// `allowed_hosts`: names in `Host` that the open mode accepts besides loopback ones.
    pub allowed_hosts: Vec<String>,
    /// `trusted_proxies`: whose `X-Forwarded-For` says where a request comes from.
    pub trusted_proxies: Networks,
    /// `cors_origins`: exact origins whose pages may call the service.
    pub cors_origins: Vec<String>,
    /// `metrics_token`: the hash of what opens `/metrics` to other machines.
    pub metrics_token: Option<blake3::Hash>,
    /// `audit_retention_days`: how long entries of the audit log are kept.
    pub audit_retention: Duration,
    /// `scrub_interval_days`: how often every stored file is read and compared.
    pub scrub_interval: Duration,
    /// `scrub_rate_mb_s`: how many megabytes of them are read in a second.
    pub scrub_rate_mb_s: u32,
    /// `rate_limit_per_s`: requests per second and user; `None`: no limit.
    pub rate_limit_per_s: Option<u32>,
    /// `rate_limit_burst`: requests of a user that may come at once; `None`: twice as many.
    pub rate_limit_burst: Option<u32>,
    /// `disabled_steps`: steps of workflows that cannot be dispatched here.
    pub disabled_steps: Vec<StepName>,
    /// `legacy_executor`: what renders order lines whose output type names no executor.
    pub legacy_executor: Lane,
    /// `digest_hour_utc`: the hour of the day at which people are told what came together in a day.
    pub digest_hour_utc: u8,
    /// `activity_retention_days`, `notification_retention_days`, `alert_retention_days`: how long what people were told
    /// is kept.
    pub told_retention: Retention,
    /// `webhook_allowed_networks`: networks that webhooks may be in although they are not of the public Internet.
    pub webhook_allowed_networks: Vec<Network>,
    /// `webhook_allow_http`: whether webhooks may have addresses without encryption.
    pub webhook_allow_http: bool,
    /// `delivery_retention_days`: how long deliveries to webhooks are kept that have ended.
    pub delivery_retention: Duration,
}

impl InForce {
    /// What is in force for the installation.
    ///
    /// # Errors
    /// Errors of the database.
    pub async fn of_instance(db: &Db, config: &Config) -> Result<Self, DbError> {
        let instance = settings::of_instance(db, AllTenants::Instance).await?;
        Ok(Self::of(config, &Stored { instance, ..Stored::default() }))
    }

    /// What is in force for a tenant.
    ///
    /// # Errors
    /// Errors of the database.
    pub async fn of_tenant(db: &Db, scope: TenantScope, config: &Config) -> Result<Self, DbError> {
        Ok(Self::of(config, &settings::stored(db, scope).await?))
    }

    /// What is in force where the database keeps `stored`.
    #[must_use]
    pub fn of(config: &Config, stored: &Stored) -> Self {
        let [device, samples, stall, upload, pixels, output, memory, of_user, of_tenant, access, refresh, rest @ ..] =
            &SETTINGS;
        let [hosts, proxies, origins, metrics, audit, rate, burst, scrub_days, scrub_rate, disabled, executor, ..] =
            rest;
        let whole = |definition| value(definition, config, stored).0.as_u64();
        let count = |definition| whole(definition).and_then(|number| usize::try_from(number).ok());
        let text = value(device, config, stored).0.as_str().map(str::to_owned);
        let samples = whole(samples).and_then(|samples| u32::try_from(samples).ok());
        let list = |definition| -> Vec<String> {
            match value(definition, config, stored).0 {
                Json::Array(items) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
                _ => Vec::new(),
            }
        };
        let token = value(metrics, config, stored).0;
        let named = |key| definition::find(key).and_then(whole);
        let days_of = |key, configured: u64| Duration::from_secs(named(key).unwrap_or(configured) * DAY_S);
        let days = whole(audit).unwrap_or(config.audit_retention_days);
        let scrubbed = whole(scrub_days).unwrap_or(config.scrub_interval_days);
        let minutes = whole(stall).unwrap_or(config.render_stall_timeout_minutes);
        Self {
            render_device: text.unwrap_or_else(|| config.render_device.clone()),
            render_samples: samples.unwrap_or(config.render_samples),
            render_stall_timeout: Duration::from_secs(minutes.saturating_mul(60)),
            max_upload_bytes: whole(upload).unwrap_or(config.max_upload_bytes),
            max_pixels: whole(pixels).unwrap_or(config.max_pixels),
            max_design_bytes: named("max_design_bytes").unwrap_or(config.max_design_bytes),
            compose_timeout: Duration::from_secs(named("compose_timeout_s").unwrap_or(config.compose_timeout_s)),
            render_timeout: Duration::from_secs(named("render_timeout_s").unwrap_or(config.render_timeout_s)),
            max_output_bytes: whole(output).unwrap_or(config.max_output_bytes),
            max_memory_bytes: whole(memory),
            max_event_streams_per_user: count(of_user).unwrap_or(config.max_event_streams_per_user),
            max_event_streams_per_tenant: count(of_tenant).unwrap_or(config.max_event_streams_per_tenant),
            access_token_ttl: Duration::from_secs(whole(access).unwrap_or(config.access_token_ttl_s)),
            refresh_token_ttl: Duration::from_secs(whole(refresh).unwrap_or(config.refresh_token_ttl_s)),
            allowed_hosts: list(hosts),
            trusted_proxies: Networks::new(list(proxies).iter().filter_map(|text| text.parse().ok()).collect()),
            cors_origins: list(origins),
            metrics_token: token.as_str().and_then(|hash| blake3::Hash::from_hex(hash).ok()),
            audit_retention: Duration::from_secs(days.saturating_mul(24 * 60 * 60)),
            scrub_interval: Duration::from_secs(scrubbed.saturating_mul(24 * 60 * 60)),
            scrub_rate_mb_s: whole(scrub_rate)
                .and_then(|rate| u32::try_from(rate).ok())
                .unwrap_or(config.scrub_rate_mb_s),
            rate_limit_per_s: whole(rate).and_then(|limit| u32::try_from(limit).ok()),
            rate_limit_burst: whole(burst).and_then(|limit| u32::try_from(limit).ok()),
            disabled_steps: list(disabled).iter().filter_map(|name| StepName::by_word(name)).collect(),
            legacy_executor: value(executor, config, stored)
                .0
                .as_str()
                .and_then(|name| Lane::new(name).ok())
                .unwrap_or_else(Lane::builtin),
            digest_hour_utc: named("digest_hour_utc")
                .and_then(|hour| u8::try_from(hour).ok())
                .unwrap_or(config.digest_hour_utc),
            told_retention: Retention {
                activity: days_of("activity_retention_days", config.activity_retention_days),
                notifications: days_of("notification_retention_days", config.notification_retention_days),
                alerts: days_of("alert_retention_days", config.alert_retention_days),
            },
            webhook_allowed_networks: definition::find("webhook_allowed_networks")
                .map(list)
                .unwrap_or_default()
                .iter()
                .filter_map(|text| text.parse().ok())
                .collect(),
            webhook_allow_http: definition::find("webhook_allow_http")
                .is_some_and(|definition| value(definition, config, stored).0 == Json::Bool(true)),
            delivery_retention: days_of("delivery_retention_days", config.delivery_retention_days),
        }
    }
}

/// What fixes a setting, so that nobody can change it while the service runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pin {
    /// The service was started with a value, from this source.
    AtStart(&'static str),
    /// Only the settings file may have it, whether it does or not.
    OfFile,
}

/// What fixes this setting, if anything does.
pub fn pin(definition: &Definition, config: &Config) -> Option<Pin> {
    match definition.kind {
        Kind::OfFile { .. } => Some(Pin::OfFile),
        _ => config.in_effect.pinned_by(definition.key).map(Pin::AtStart),
    }
}

/// The value of a setting and where it comes from: `command_line`, `environment`, `file`, `database` or `default`. Of a
/// secret it is the hash.
pub fn value(definition: &Definition, config: &Config, stored: &Stored) -> (Json, &'static str) {
    let configured = (definition.configured)(config);
    if let Some(source) = config.in_effect.pinned_by(definition.key) {
        return (configured, source);
    }
    let stored = match definition.reach {
        Reach::Instance => &stored.instance,
        Reach::Tenant => &stored.tenant,
    };
    // A value that an older version accepted and this one does not is ignored.
    match stored.values.get(definition.key).filter(|value| definition.kind.holds(value, config)) {
        Some(value) => (value.clone(), OF_DATABASE),
        None => (configured, OF_NOBODY),
    }
}

/// A value as clients see it: of a secret no more than that there is one.
pub fn shown(definition: &Definition, value: Json) -> Json {
    if definition.kind.is_secret() && !value.is_null() { HIDDEN.into() } else { value }
}

/// Every setting with its value in force, as clients see it.
pub fn values(config: &Config, stored: &Stored) -> Map<String, Json> {
    let seen = |definition: &Definition| shown(definition, value(definition, config, stored).0);
    SETTINGS.iter().map(|definition| (definition.key.to_owned(), seen(definition))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::config::Sources;
    use packshot_db::settings::Settings;

    fn config(variables: &[(&str, &str)]) -> Config {
        let variables = [("HOME", "/home/u")].iter().chain(variables).map(|(k, v)| ((*k).into(), (*v).into()));
        let sources = Sources { variables: variables.collect::<BTreeMap<_, _>>(), ..Sources::default() };
        Config::from_sources(&sources).expect("valid")
    }

    fn stored(instance: Json, tenant: Json) -> Stored {
        let of = |json: Json| Settings { values: json.as_object().expect("an object").clone(), revision: 1 };
        Stored { instance: of(instance), tenant: of(tenant) }
    }

    #[test]
    fn the_start_goes_before_the_database_before_the_default() {
        let kept = stored(json!({"render_device": "cpu", "max_pixels": 1000}), json!({"render_samples": 64}));
        let free = InForce::of(&config(&[]), &kept);
        assert_eq!((free.render_device.as_str(), free.max_pixels, free.render_samples), ("cpu", 1000, 64));
        assert_eq!((free.max_upload_bytes, free.render_stall_timeout), (512 << 20, Duration::from_secs(7200)));
        let pins = [("PACKSHOT_CYCLES_DEVICE", "auto"), ("PACKSHOT_BLENDER_CYCLES_SAMPLES", "16")];
        let pinned = InForce::of(&config(&pins), &kept);
        assert_eq!((pinned.render_device.as_str(), pinned.max_pixels, pinned.render_samples), ("auto", 1000, 16));
        let source = |config: &Config| value(&SETTINGS[0], config, &kept).1;
        assert_eq!((source(&config(&pins)), source(&config(&[]))), ("environment", "database"));
    }

    #[test]
    fn what_is_stored_in_the_wrong_place_or_form_does_not_count() {
        let odd = stored(json!({"render_samples": 1, "max_pixels": 0}), json!({"render_device": "cpu"}));
        assert_eq!(InForce::of(&config(&[]), &odd), InForce::of(&config(&[]), &Stored::default()));
    }

    #[test]
    fn defaults_are_those_of_the_configuration() {
        for definition in &SETTINGS {
            assert_eq!((definition.configured)(&config(&[])), (definition.default)(), "{}", definition.key);
            // A limit that is not set does not apply.
            let default = (definition.default)();
            let is_of_file = matches!(definition.kind, Kind::OfFile { .. });
            let is_one = default.is_null() || is_of_file || definition.kind.holds(&default, &config(&[]));
            assert!(is_one, "{}", definition.key);
        }
    }
    #[test]
    fn t76_what_only_the_file_has_never_comes_from_the_database() {
        let kept = stored(json!({"cad_converter": "evil", "legacy_executors": {}}), json!({"legacy_executor": "gone"}));
        for key in ["cad_converter", "legacy_executors", "legacy_executor"] {
            let definition = definition::find(key).expect("a setting");
            assert_eq!(value(definition, &config(&[]), &kept), ((definition.default)(), "default"), "{key}");
        }
    }

    #[test]
    fn t77_secrets_are_not_shown() {
        let (free, pinned) = (config(&[]), config(&[("PACKSHOT_METRICS_TOKEN", "long-random-text")]));
        let token = |config| values(config, &Stored::default())["metrics_token"].clone();
        assert_eq!((token(&free), token(&pinned)), (Json::Null, json!("***")));
        let hash = Some(blake3::hash(b"long-random-text"));
        assert_eq!(InForce::of(&pinned, &Stored::default()).metrics_token, hash);
        assert!(!format!("{:?}", values(&pinned, &Stored::default())).contains("random"));
    }
}
