//! Settings that are kept in the database.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Every setting with its value in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SettingValues {
    /// The values by name.
    #[schema(value_type = Object)]
    pub values: Map<String, Value>,
    /// Grows with each change; the `ETag`.
    pub revision: u64,
}

/// A change of settings, as a merge patch (RFC 7396): settings by name, `null` for the default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(value_type = Object)]
pub struct SettingsPatch(pub Map<String, Value>);

/// All settings, with their possible values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SettingsSchema {
    /// The settings.
    pub items: Vec<SettingItem>,
}

/// A setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SettingItem {
    /// Its name.
    pub key: String,
    /// Names of the reference system for it, which a change may use too.
    pub aliases: Vec<String>,
    /// `string`, `integer`, `array` or `object`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Its default.
    pub default: Value,
    /// Its value in force; `***` for a secret that is set.
    pub value: Value,
    /// `instance` or `tenant`.
    pub scope: String,
    /// Where the value comes from: `command_line`, `environment`, `file`, `database` or `default`.
    pub source: String,
    /// Whether the caller may change it.
    pub writable: bool,
    /// Whether its value is hidden.
    pub secret: bool,
    /// Range of a number.
    pub range: Option<SettingRange>,
    /// The unit of a number.
    pub unit: Option<String>,
    /// Short title.
    pub title: String,
    /// Description, in a sentence.
    pub description: String,
    /// What it affects.
    pub affects: Vec<String>,
    /// Recommended value.
    pub recommendation: Option<String>,
    /// What to watch out for.
    pub warning: Option<String>,
}

/// Range of a number, ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingRange {
    /// The smallest.
    pub min: u64,
    /// The largest.
    pub max: u64,
}
