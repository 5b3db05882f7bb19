//! Packages compared with their manifests, as clients see it (artifacts.md §7).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::FileState;

/// How the bytes of a package are, compared with its manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PackageCheck {
    /// Whether every byte is as the manifest says.
    pub ok: bool,
    /// Its files, in the order of the manifest.
    pub files: Vec<CheckedFile>,
}

/// How the bytes of a file are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckedFile {
    /// The file.
    pub file_id: Uuid,
    /// How its bytes are.
    pub state: FileState,
}
