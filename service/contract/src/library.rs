//! Material libraries that a tenant uploads.

use packshot_json::{Faults, Node};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::preflight::Diagnostic;
use super::problem::Invalid;
use super::scalar::{Address, Time};

/// A material library of a tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MaterialLibrary {
    /// Its id here.
    pub id: Uuid,
    /// The tenant that it belongs to.
    pub tenant_id: Uuid,
    /// Its name, which requests use.
    pub name: String,
    /// Its version.
    pub version: String,
    /// BLAKE3 of all its materials, including those that it extends, 64 hexadecimal digits.
    pub digest: String,
    /// Address of the uploaded file.
    pub content_address: Address,
    /// Number of materials.
    pub materials: u32,
    /// Whether its names and aliases may be suggested to other tenants. The library itself is never shared.
    pub public: bool,
    /// Findings of the check at upload.
    pub diagnostics: Vec<Diagnostic>,
    /// When it was uploaded.
    pub created_at: Time,
}

/// A change of a library.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LibraryChange {
    /// Whether its names and aliases may be suggested to other tenants; absent: unchanged, `null`: no.
    pub public: Option<bool>,
}

impl LibraryChange {
    /// Reads a merge patch (RFC 7396).
    ///
    /// # Errors
    /// `wrong_type`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<Self, Invalid> {
        let faults = Faults::default();
        let change = Node::root(body, &faults).members().and_then(|mut m| {
            let public = match m.take("public") {
                Some(public) if public.is_null() => Some(Some(false)),
                Some(public) => public.flag().map(Some),
                None => Some(None),
            };
            m.finish();
            Some(Self { public: public? })
        });
        Invalid::unless_faults(change, faults)
    }
}
