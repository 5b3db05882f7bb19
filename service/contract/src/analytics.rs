//! Figures about the renders of a tenant.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Figures about the renders that were accepted in a span of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RenderAnalytics {
    /// All of them.
    pub renders_total: u64,
    /// Those with a picture.
    pub completed: u64,
    /// Those without.
    pub failed: u64,
    /// Those that were cancelled.
    pub cancelled: u64,
    /// Mean seconds from the start to the end of completed renders; `null` without any.
    pub avg_render_s: Option<f64>,
    /// Seconds that 95 of 100 completed renders stay below.
    pub p95_render_s: Option<f64>,
    /// Mean seconds of making a GLB from a CAD file; `null` without any.
    pub avg_glb_s: Option<f64>,
    /// Mean seconds from acceptance to the first start.
    pub avg_queue_s: Option<f64>,
    /// The same by output type; direct renders have none.
    pub by_output_type: Vec<OutputTypeAnalytics>,
}

/// Figures about one output type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OutputTypeAnalytics {
    /// The output type; `null` for direct renders.
    pub output_type_id: Option<Uuid>,
    /// Renders with a picture.
    pub completed: u64,
    /// Mean seconds from the start to the end of them.
    pub avg_render_s: Option<f64>,
}
