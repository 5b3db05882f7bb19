//! Packages of files, as clients see them (artifacts.md §2).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::scalar::{Address, Time};

words! {
    /// State of a file of a package.
    pub enum FileState = packshot_domain::artifact::FileState {
        /// Its bytes are there.
        Intact = "ok",
        /// Its bytes cannot be found.
        Missing = "missing",
        /// Its bytes are others than they were.
        Corrupt = "corrupt",
        /// Its bytes were removed with its package.
        Expired = "expired",
    }
}

/// A file of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ArtifactFile {
    /// Its id.
    pub id: Uuid,
    /// Its package.
    pub package_id: Uuid,
    /// Where it lies in its package: names of folders and of the file, joined by `/`, in NFC.
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
    /// When the package took it.
    pub created_at: Time,
    /// Whether its bytes are there.
    pub location_state: FileState,
    /// Where the file and its bytes are.
    pub links: ArtifactFileLinks,
}

/// Links to a file of a package, as paths on this server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ArtifactFileLinks {
    /// Its record.
    #[serde(rename = "self")]
    pub own: String,
    /// Its bytes.
    pub content: String,
    /// Its package.
    pub package: String,
}
