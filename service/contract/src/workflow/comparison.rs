//! How the pictures of a shadow run compare with those that count, and what follows from it (workflow.md §8).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::ExecutionMode;
use crate::dispatch::{GateStatus, GateVerdict};
use crate::output_type::GateMetric;
use crate::scalar::Address;
use packshot_domain::rollout;

words! {
    /// How two outputs compare.
    pub enum ComparisonStatus = rollout::ComparisonStatus {
        /// Both are there, and equal.
        Matched = "matched",
        /// Both are there, and differ or cannot be read.
        Different = "different",
        /// The shadow run made none.
        MissingObserver = "missing_observer",
        /// Who renders today made none.
        MissingAuthoritative = "missing_authoritative",
        /// Neither made one.
        MissingBoth = "missing_both",
    }
}

/// How the picture of a shadow run compares with the one that counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Comparison {
    /// The run.
    pub workflow_run_id: Uuid,
    /// Which path it is: `shadow`.
    pub execution_mode: ExecutionMode,
    /// How they compare.
    pub status: ComparisonStatus,
    /// Whether the files are equal byte by byte; `null` unless both are there.
    pub exact_match: Option<bool>,
    /// Whether both have equal width and height; `null` unless both are there.
    pub dimensions_match: Option<bool>,
    /// The mean absolute difference over all pixels and the four channels, 0 to 1; `null` when they cannot be laid over
    /// each other.
    #[schema(minimum = 0, maximum = 1)]
    pub mean_pixel_delta: Option<f64>,
    /// The mean of LDR-FLIP at 67 pixels per degree, both over 50 % grey, 0 to 1; `null` in the same case.
    #[schema(minimum = 0, maximum = 1)]
    pub mean_flip: Option<f64>,
    /// The same in a sentence.
    pub summary: String,
    /// What counts: the result of the line, as the dispatch of this run made it.
    pub authoritative_output: ComparedOutput,
    /// What the shadow run made.
    pub observer_output: ComparedOutput,
    /// The map of FLIP, a PNG, where the brighter pixels differ more; `null` where there is none.
    pub flip_map_hash: Option<Address>,
    /// What the gate of the output type says of it.
    pub rollout_gate: GateResult,
}

/// One of two outputs that are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ComparedOutput {
    /// Its name; of one that is not there, where it was looked for.
    pub path: Option<String>,
    /// Whether it is there now.
    pub exists: bool,
    /// Whether it could be read as a picture.
    pub readable: bool,
    /// Its width in pixels.
    pub image_width: Option<u32>,
    /// Its height in pixels.
    pub image_height: Option<u32>,
    /// Its size in bytes.
    pub size_bytes: Option<u64>,
    /// BLAKE3 of its bytes.
    pub file_hash: Option<Address>,
}

/// What a gate says of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GateResult {
    /// The verdict; `null` while something has not ended.
    pub verdict: Option<GateVerdict>,
    /// Whether the workflow may take over.
    pub ready: bool,
    /// Where the rollout stands.
    pub status: GateStatus,
    /// Why, in sentences.
    pub reasons: Vec<String>,
    /// The same as `ready`.
    pub workflow_rollout_ready: bool,
    /// The same as `ready`.
    pub output_type_rollout_ready: bool,
    /// How the pictures were compared.
    pub metric: GateMetric,
    /// What was measured; `null` where nothing could be.
    pub measured: Option<f64>,
    /// The largest difference that passes.
    pub pass_max: f64,
    /// The largest difference that is only warned of.
    pub warn_max: f64,
}
