//! Figures about the renders of a tenant.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Figures about the renders that were accepted in a period.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RenderAnalytics {
    /// All renders.
    pub renders_total: u64,
    /// Renders that completed.
    pub completed: u64,
    /// Renders that failed.
    pub failed: u64,
    /// Renders that were cancelled.
    pub cancelled: u64,
    /// Mean seconds from start to end of completed renders; `null` if there are none.
    pub avg_render_s: Option<f64>,
    /// 95 of 100 completed renders took at most this many seconds.
    pub p95_render_s: Option<f64>,
    /// Mean seconds to make a GLB from a CAD file; `null` if there are none.
    pub avg_glb_s: Option<f64>,
    /// Mean seconds between acceptance and first start.
    pub avg_queue_s: Option<f64>,
    /// The same for each output type; direct renders have none.
    pub by_output_type: Vec<OutputTypeAnalytics>,
}

/// Figures about one output type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OutputTypeAnalytics {
    /// The output type; `null` for direct renders.
    pub output_type_id: Option<Uuid>,
    /// Renders that completed.
    pub completed: u64,
    /// Mean seconds from start to end of completed renders.
    pub avg_render_s: Option<f64>,
}
