//! Chores with stored files that a request asks for, and what they come to: `result` of their tasks.

use packshot_json::{Faults, Node};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::problem::Invalid;

words! {
    /// What a replay does.
    pub enum ReplayMode {
        /// Compares what is known of artifacts with what their log says, and changes nothing.
        Verify = "verify",
        /// Puts what the log says in the place of what is known.
        Rebuild = "rebuild",
    }
}

/// Asks for a collection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CollectRequest {
    /// Whether it only counts what it would remove.
    pub dry_run: bool,
}

impl CollectRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// `wrong_type`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<Self, Invalid> {
        let faults = Faults::default();
        let request = Node::root(body, &faults).members().and_then(|mut m| {
            let dry_run = match m.take("dry_run") {
                Some(dry_run) => dry_run.flag(),
                None => Some(false),
            };
            m.finish();
            Some(Self { dry_run: dry_run? })
        });
        Invalid::unless_faults(request, faults)
    }
}

/// Asks for a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayRequest {
    /// What it does.
    pub mode: ReplayMode,
}

impl ReplayRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// `missing`, `wrong_type`, `unknown_value`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<Self, Invalid> {
        let faults = Faults::default();
        let request = Node::root(body, &faults).members().and_then(|mut m| {
            let mode = m.require("mode").and_then(|mode| mode.word());
            m.finish();
            Some(Self { mode: mode? })
        });
        Invalid::unless_faults(request, faults)
    }
}

/// Asks for a reading of all stored files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScrubRequest {}

impl ScrubRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// `wrong_type`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<Self, Invalid> {
        let faults = Faults::default();
        let request = Node::root(body, &faults).members().map(|m| {
            m.finish();
            Self {}
        });
        Invalid::unless_faults(request, faults)
    }
}

/// What a collection removed, or would remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CollectResult {
    /// Packages whose time is over.
    pub expired: u64,
    /// Packages that nobody finalised.
    pub abandoned: u64,
    /// Objects that nothing names.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What a replay found, over all tenants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReplayResult {
    /// What it did.
    pub mode: ReplayMode,
    /// Tenants whose logs were read.
    pub tenants: u64,
    /// Events in them.
    pub events: u64,
    /// Packages that these make.
    pub packages: u64,
    /// Files that they make.
    pub files: u64,
    /// The first differences between what was known and what the logs say.
    pub differences: Vec<ReplayDifference>,
    /// How many there were.
    pub n_differences: u64,
}

/// A difference between what was known of artifacts and what their log says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReplayDifference {
    /// Whose row it is.
    pub tenant_id: Uuid,
    /// The table.
    pub table: String,
    /// The row, by its id.
    pub row: Uuid,
    /// The column; `null` where the whole row is missing or should not be there.
    pub column: Option<String>,
    /// `missing`, `unexpected` or `column`.
    pub kind: String,
}

/// What a reading of all stored files found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScrubResult {
    /// Objects that were read.
    pub objects: u64,
    /// Their bytes, as far as they are there.
    pub bytes: u64,
    /// Objects that are not there.
    pub missing: u64,
    /// Objects whose bytes are others.
    pub corrupt: u64,
    /// Objects that were damaged and are whole again.
    pub healed: u64,
    /// The first files whose bytes are missing or others.
    pub damaged: Vec<DamagedFile>,
    /// How many there are.
    pub n_damaged: u64,
    /// Objects in the store that nothing here knows.
    pub orphans: u64,
    /// Their bytes.
    pub orphan_bytes: u64,
}

/// A file whose bytes are missing or others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DamagedFile {
    /// Its tenant.
    pub tenant_id: Uuid,
    /// Its package.
    pub package_id: Uuid,
    /// The file.
    pub file_id: Uuid,
    /// Its path in the package.
    pub relative_path: String,
    /// What its bytes should be.
    pub content_address: String,
    /// `missing` or `corrupt`.
    pub state: String,
}
