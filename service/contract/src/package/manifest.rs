//! Manifests as clients read them in JSON (artifacts.md §4). Their digest is of another form: canonical CBOR.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::PackageStatus;
use crate::artifact::RetentionClassName;
use crate::scalar::{Address, Time};

/// The canonical description of a finalised package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PackageManifest {
    /// The version of its form: 1.
    pub manifest_version: u32,
    /// The package.
    pub package: ManifestPackage,
    /// Its files, in the order of the bytes of their paths.
    pub files: Vec<ManifestFile>,
    /// What stored the files, in their order, for each in that of the backends.
    pub storage_receipts: Vec<ManifestReceipt>,
}

/// A package in its manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ManifestPackage {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// What made it.
    pub producer: String,
    /// What it is of.
    pub subject: String,
    /// Its class when it was finalised.
    pub retention_class: RetentionClassName,
    /// `finalized`.
    pub status: PackageStatus,
    /// What its producer says about it.
    #[schema(value_type = Object)]
    pub metadata: Value,
    /// When it was created.
    pub created_at: Time,
    /// By whom.
    pub created_by: String,
    /// When it was finalised.
    pub finalized_at: Time,
    /// By whom.
    pub finalized_by: String,
}

/// A file of a package in its manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ManifestFile {
    /// Its id.
    pub id: Uuid,
    /// Where it lies in its package.
    pub relative_path: String,
    /// What kind of bytes it has.
    pub media_type: String,
    /// How many.
    pub size_bytes: u64,
    /// Their address: the BLAKE3 of them.
    pub content_address: Address,
    /// The SHA-256 of the same bytes, as 64 hexadecimal digits.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub sha256: String,
}

/// What a backend confirmed when it stored a file of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ManifestReceipt {
    /// The id of the place: it follows from file, backend and content.
    pub id: Uuid,
    /// The file.
    pub file_id: Uuid,
    /// The backend.
    pub backend_id: String,
    /// The address of the bytes.
    pub content_address: Address,
    /// How many bytes it stored.
    pub size_bytes: u64,
    /// When.
    pub stored_at: Time,
}
