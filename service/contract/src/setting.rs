//! Settings that are kept in the database.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Every setting with its value in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SettingValues {
    /// By name.
    #[schema(value_type = Object)]
    pub values: Map<String, Value>,
    /// Counts changes; the `ETag`.
    pub revision: u64,
}

/// A change of settings, as a merge patch (RFC 7396): settings by name, `null` for the default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(value_type = Object)]
pub struct SettingsPatch(pub Map<String, Value>);

/// What can be set, and to what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SettingsSchema {
    /// One for each setting.
    pub items: Vec<SettingItem>,
}

/// A setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SettingItem {
    /// Its name.
    pub key: String,
    /// Names of the reference system for it; a change may use them.
    pub aliases: Vec<String>,
    /// `string` or `integer`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Its value when nobody says.
    pub default: Value,
    /// Its value in force.
    pub value: Value,
    /// `instance` or `tenant`.
    pub scope: String,
    /// Where its value comes from: `command_line`, `environment`, `file`, `database` or `default`.
    pub source: String,
    /// Whether the caller may change it.
    pub writable: bool,
    /// Whether its value is hidden.
    pub secret: bool,
    /// What a number may be.
    pub range: Option<SettingRange>,
    /// The unit of a number.
    pub unit: Option<String>,
    /// A few words.
    pub title: String,
    /// A sentence.
    pub description: String,
    /// What changes with it.
    pub affects: Vec<String>,
    /// What to choose.
    pub recommendation: Option<String>,
    /// What to mind.
    pub warning: Option<String>,
}

/// What a number may be, ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingRange {
    /// The smallest.
    pub min: u64,
    /// The largest.
    pub max: u64,
}
