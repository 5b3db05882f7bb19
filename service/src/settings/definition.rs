//! What is known of a setting that can be changed while the service runs.

use serde_json::Value as Json;

use super::kind::Kind;
use super::list::SETTINGS;
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

/// The setting of a name, or of an old name.
pub fn find(name: &str) -> Option<&'static Definition> {
    SETTINGS.iter().find(|definition| definition.key == name || definition.aliases.contains(&name))
}
