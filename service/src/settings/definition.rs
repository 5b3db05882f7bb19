//! Settings that can be changed while the service runs, each with its description.

use serde_json::Value as Json;

use crate::config::Settings as Config;

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

/// The values that are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text of one byte at least.
    Text {
        /// And so many at most.
        bytes_max: usize,
    },
    /// A whole number in a range.
    Whole {
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
    },
}

impl Kind {
    /// Checks a value.
    ///
    /// # Errors
    /// What was expected.
    pub fn check(self, value: &Json) -> Result<(), String> {
        match (self, value) {
            (Self::Text { bytes_max }, Json::String(text))
                if (1..=bytes_max).contains(&text.len()) && !text.chars().any(char::is_control) =>
            {
                Ok(())
            }
            (Self::Text { bytes_max }, _) => Err(format!("expected text of 1 to {bytes_max} bytes")),
            (Self::Whole { min, max }, value) => match value.as_u64().filter(|number| (min..=max).contains(number)) {
                Some(_) => Ok(()),
                None => Err(format!("expected a whole number from {min} to {max}")),
            },
        }
    }

    /// The name of the type in JSON.
    #[must_use]
    pub const fn type_name(self) -> &'static str {
        match self {
            Self::Text { .. } => "string",
            Self::Whole { .. } => "integer",
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
    /// What it may be.
    pub kind: Kind,
    /// Its default; null is no value.
    pub default: fn() -> Json,
    /// What the configuration has for it: what pins it, or the default.
    pub configured: fn(&Config) -> Json,
    /// Whose it is.
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
pub static SETTINGS: [Definition; 9] = [
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
];

/// The setting of a name, or of an old name.
pub fn find(name: &str) -> Option<&'static Definition> {
    SETTINGS.iter().find(|definition| definition.key == name || definition.aliases.contains(&name))
}
