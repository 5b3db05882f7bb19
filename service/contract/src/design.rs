//! Design jobs and printable areas, as clients see them (design-renders.md).

mod area;
mod of_node;
mod preset;
mod request;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::document::Document;
use super::job::JobError;
use super::scalar::{Address, Time};
use packshot_domain::design_job as domain;

pub use area::{
    AreaMapping, AreaSelector, AreaWish, DesignArea, DesignAreaList, DesignAreaPatch, DesignAreaRequest, DetectedArea,
    DetectedAreas,
};
pub use of_node::NodeDesign;
pub use preset::{DesignPreset, DesignPresetList, DesignPresetPatch, DesignPresetRequest, PresetWish, is_builtin};
pub use request::{AreaChoice, DesignWish, NewDesignJob};

pub(crate) use of_node::schema as schema_of_node;

words! {
    /// State of a design job.
    pub enum DesignStatus = domain::DesignStatus {
        /// It waits for the first of its tasks.
        Pending = "pending",
        /// Its texture is composed.
        Compositing = "compositing",
        /// Its pictures are rendered or stored.
        Rendering = "rendering",
        /// The product shows its pictures.
        Completed = "completed",
        /// A step failed.
        Failed = "failed",
        /// Somebody cancelled it.
        Cancelled = "cancelled",
    }
}

words! {
    /// A step of a design job, in their order.
    pub enum DesignStepName = domain::DesignStep {
        /// Checks everything and writes the job.
        CreateRenderJob = "create_render_job",
        /// Stores the design.
        UploadDesignFile = "upload_design_file",
        /// Composes the texture and stores it.
        ComposeDesign = "compose_design",
        /// Renders the pictures.
        RenderDesign = "render_design",
        /// Stores the pictures, unpublished.
        StoreRenderOutputs = "store_render_outputs",
        /// Publishes the pictures and puts them into the product's gallery.
        AssociateProductMedia = "associate_product_media",
        /// Ends the job.
        CompleteRenderJob = "complete_render_job",
    }
}

words! {
    /// State of a step.
    pub enum DesignStepStatus = domain::DesignStepStatus {
        /// It has not begun.
        Pending = "pending",
        /// It is at work.
        Running = "running",
        /// It is done.
        Done = "done",
        /// It failed.
        Failed = "failed",
        /// It was done, and was taken back.
        Undone = "undone",
    }
}

/// A design on a product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DesignJob {
    /// Its id.
    pub id: Uuid,
    /// The tenant that it belongs to.
    pub tenant_id: Uuid,
    /// The product that gets the design.
    pub product_id: Uuid,
    /// Who asked for it.
    pub created_by: Uuid,
    /// Its state.
    pub status: DesignStatus,
    /// Progress, 0 to 100.
    pub progress_pct: f64,
    /// The step that is at work.
    pub current_step: Option<DesignStepName>,
    /// Its seven steps.
    pub steps: Vec<DesignJobStep>,
    /// What was asked for, with everything in effect.
    #[schema(value_type = Object)]
    pub request: Value,
    /// The design; `null` until it is stored.
    pub design: Option<StoredDesign>,
    /// Where the design lies, with what a person should know of it.
    #[schema(value_type = Option<Object>)]
    pub placement_report: Option<Value>,
    /// The texture that the design became.
    pub texture: Option<StoredTexture>,
    /// Its pictures, in the order of their views.
    pub outputs: Vec<DesignOutput>,
    /// Its turntable: the file of the first format that was asked for; `null` where there is none.
    pub animation: Option<DesignAnimation>,
    /// Why it failed.
    pub error: Option<DesignJobError>,
    /// Which try it is, from 1.
    pub attempt: u32,
    /// The tries before.
    pub attempts: Vec<DesignAttempt>,
    /// What its sender keeps with it, and what the service does.
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
    /// The steps of its work.
    pub document: Option<Document>,
    /// The task that began last, or is to begin first.
    pub task_id: Option<Uuid>,
    /// The same, under the name of the reference system.
    pub celery_task_id: Option<Uuid>,
    /// Name of the device that renders or rendered it.
    pub device: Option<String>,
    /// When it was made.
    pub created_at: Time,
    /// When its first task began.
    pub started_at: Option<Time>,
    /// When it ended.
    pub completed_at: Option<Time>,
    /// When it was cancelled while it ran.
    pub cancel_requested_at: Option<Time>,
    /// Where what belongs to it is.
    pub links: DesignLinks,
}

/// A page of design jobs, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DesignJobPage {
    /// The jobs.
    pub items: Vec<DesignJob>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}

/// A step of a design job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DesignJobStep {
    /// Its number, from 1.
    pub no: u8,
    /// Its name.
    pub name: DesignStepName,
    /// How it stands.
    pub status: DesignStepStatus,
    /// When it began last.
    pub started_at: Option<Time>,
    /// When it ended last.
    pub completed_at: Option<Time>,
    /// How long it took, in seconds.
    pub duration_s: Option<f64>,
    /// Which try at it the last one was; 0 before the first.
    pub attempt: u32,
    /// Why it failed.
    pub error: Option<JobError>,
}

/// Why a design job failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DesignJobError {
    /// Stable and machine-readable.
    pub code: String,
    /// For people.
    pub detail: String,
    /// The step that failed.
    pub step: DesignStepName,
    /// Steps whose effects could not be taken back yet: that is tried again every five minutes.
    pub undo_failed: Vec<DesignStepName>,
}

/// A try of a design job that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DesignAttempt {
    /// Its number, from 1.
    pub attempt: u32,
    /// When its first task began.
    pub started_at: Option<Time>,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// Why it failed; `null` for one that was cancelled.
    pub error: Option<DesignJobError>,
}

/// The design of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StoredDesign {
    /// Its media asset.
    pub asset_id: Uuid,
    /// What its sender called it.
    pub file_name: String,
    /// Its media type, by its content.
    pub media_type: String,
    /// Address of its content.
    pub file_hash: Address,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Width in pixels; of an SVG, in units of 1/96 inch.
    pub width: f64,
    /// Height, as `width`.
    pub height: f64,
    /// Whether some of it is transparent.
    pub has_alpha: bool,
    /// Pixels of an inch, where the file says.
    pub dpi: Option<f64>,
    /// How the file states its colours: `rgb`, `grey` or `cmyk`.
    pub colour: String,
    /// Its bytes.
    pub url: String,
}

/// The texture of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StoredTexture {
    /// Its media asset.
    pub asset_id: Uuid,
    /// Texels.
    pub width: u32,
    /// Texels.
    pub height: u32,
    /// Texels on a millimetre of the product.
    pub texels_per_mm: Option<f64>,
    /// Address of its content.
    pub file_hash: Address,
    /// Its bytes: a PNG with straight alpha.
    pub url: String,
}

/// A picture of a design job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DesignOutput {
    /// The view.
    pub view_name: String,
    /// Its media asset.
    pub asset_id: Uuid,
    /// Its media type.
    pub media_type: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Address of its content.
    pub file_hash: Address,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Its bytes.
    pub url: String,
}

/// The turntable of a design job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DesignAnimation {
    /// The file.
    #[serde(flatten)]
    pub output: DesignOutput,
    /// Frames of the whole turn.
    pub frame_count: u32,
    /// Frames per second.
    pub fps: u32,
}

/// Data of `render.job.created` and the other events of a design job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DesignJobEvent {
    /// The job.
    pub render_job_id: Uuid,
    /// The product.
    pub product_id: Uuid,
    /// The state that it is in now.
    pub status: DesignStatus,
    /// Progress, 0 to 100.
    pub progress_pct: f64,
    /// The step that is at work.
    pub step: Option<DesignStepName>,
    /// Which try it is.
    pub attempt: u32,
    /// Why it failed: `code`, `detail` and `step`.
    #[schema(value_type = Option<Object>)]
    pub error: Option<Value>,
}

/// Links of a design job, as paths on this server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DesignLinks {
    /// The job.
    #[serde(rename = "self")]
    pub own: String,
    /// Its events.
    pub events: String,
    /// The product.
    pub product: String,
}
