//! CAD files, as clients see them (orders.md §1).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::scalar::{Address, Time};

words! {
    /// State of a CAD file.
    pub enum CadStatus = packshot_domain::cad_file::CadStatus {
        /// It is stored, and its parts are not known yet.
        Uploaded = "uploaded",
        /// It is being converted and read.
        Processing = "processing",
        /// Its parts are known, and it can be rendered.
        Ready = "ready",
        /// It could not be converted or read.
        Failed = "failed",
    }
}

words! {
    /// What a CAD file is, by its content.
    pub enum SourceFormat = packshot_domain::cad_file::SourceFormat {
        /// ISO 10303-21.
        Step = "step",
        /// glTF in one file.
        Glb = "glb",
    }
}

/// A CAD file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CadFile {
    /// Its id.
    pub id: Uuid,
    /// The tenant that it belongs to.
    pub tenant_id: Uuid,
    /// What it was called by whoever sent it: no path, and no control characters.
    pub original_name: String,
    /// Where its bytes are: their content address.
    pub stored_path: String,
    /// The BLAKE3 of its bytes. A tenant has each content once.
    pub file_hash: Address,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// What it is, by its content.
    pub source_format: SourceFormat,
    /// What was read of it.
    pub parsed_objects: ParsedObjects,
    /// How long it is along x, y and z, in millimetres; `null` until it was read.
    pub bbox_mm: Option<[f64; 3]>,
    /// Its state.
    pub status: CadStatus,
    /// Why it could not be read the last time.
    #[schema(value_type = Option<Object>)]
    pub error: Option<Value>,
    /// The GLB that is rendered: its content address; `null` until there is one.
    pub glb_path: Option<String>,
    /// Its picture in lists; `null` while there is none.
    pub thumbnail_asset_id: Option<Uuid>,
    /// What its newest job does; `null` while it had none.
    #[schema(value_type = Option<Object>)]
    pub job_doc: Option<Value>,
    /// When it was sent.
    pub created_at: Time,
    /// When it was changed.
    pub updated_at: Time,
    /// Where it and its bytes are.
    pub links: CadFileLinks,
}

/// What was read of a CAD file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ParsedObjects {
    /// The names of its parts, each once, in the order of the file.
    pub objects: Vec<String>,
}

/// Links to a CAD file, as paths on this server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CadFileLinks {
    /// Its record.
    #[serde(rename = "self")]
    pub own: String,
    /// Its bytes.
    pub content: String,
}

/// A page of CAD files, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CadFilePage {
    /// The files.
    pub items: Vec<CadFile>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}

/// How many files got a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Queued {
    /// The files.
    pub queued: u64,
}
