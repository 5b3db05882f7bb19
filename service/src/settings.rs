//! Settings in force: the value from the start of the process, else the one in the database, else the default.
//!
//! Input: the [configuration](crate::config) and the [rows](packshot_db::settings). Output: [`InForce`], read anew for
//! each use, so that a change takes effect immediately. A setting from the command line, a variable or the file is
//! pinned: it cannot be changed over HTTP.

pub mod definition;

use std::time::Duration;

use serde_json::{Map, Value as Json};

pub use definition::{Definition, Kind, Reach, SETTINGS};

use crate::config::Settings as Config;
use packshot_db::settings::{self, Stored};
use packshot_db::{AllTenants, Db, DbError, TenantScope};

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
    /// `max_output_bytes`: the most that one job may write.
    pub max_output_bytes: u64,
    /// `max_memory_bytes`: the most memory that a render may take; `None`: what the machine or its container has.
    pub max_memory_bytes: Option<u64>,
    /// `max_event_streams_per_user`: streams of events that one user may have open.
    pub max_event_streams_per_user: usize,
    /// `max_event_streams_per_tenant`: streams of events that all users of one tenant may have open.
    pub max_event_streams_per_tenant: usize,
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
        let [device, samples, stall, upload, pixels, output, memory, of_user, of_tenant] = &SETTINGS;
        let whole = |definition| value(definition, config, stored).0.as_u64();
        let count = |definition| whole(definition).and_then(|number| usize::try_from(number).ok());
        let text = value(device, config, stored).0.as_str().map(str::to_owned);
        let samples = whole(samples).and_then(|samples| u32::try_from(samples).ok());
        let minutes = whole(stall).unwrap_or(config.render_stall_timeout_minutes);
        Self {
            render_device: text.unwrap_or_else(|| config.render_device.clone()),
            render_samples: samples.unwrap_or(config.render_samples),
            render_stall_timeout: Duration::from_secs(minutes.saturating_mul(60)),
            max_upload_bytes: whole(upload).unwrap_or(config.max_upload_bytes),
            max_pixels: whole(pixels).unwrap_or(config.max_pixels),
            max_output_bytes: whole(output).unwrap_or(config.max_output_bytes),
            max_memory_bytes: whole(memory),
            max_event_streams_per_user: count(of_user).unwrap_or(config.max_event_streams_per_user),
            max_event_streams_per_tenant: count(of_tenant).unwrap_or(config.max_event_streams_per_tenant),
        }
    }
}

/// The value of a setting and where it comes from: `command_line`, `environment`, `file`, `database` or `default`.
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
    match stored.values.get(definition.key).filter(|value| definition.kind.check(value).is_ok()) {
        Some(value) => (value.clone(), OF_DATABASE),
        None => (configured, OF_NOBODY),
    }
}

/// Every setting with its value in force.
pub fn values(config: &Config, stored: &Stored) -> Map<String, Json> {
    SETTINGS.iter().map(|definition| (definition.key.to_owned(), value(definition, config, stored).0)).collect()
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
            assert!(default.is_null() || definition.kind.check(&default).is_ok(), "{}", definition.key);
        }
    }
}
