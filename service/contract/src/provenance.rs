//! How the pictures of a render came about, as GET `/api/v1/renders/{id}/provenance` gives it.
//!
//! Every member is there; one without a value is `null`. What somebody else rendered has the name of that renderer, and
//! `null` for what it does not say.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::scalar::Address;

/// The version of provenances that this version writes.
pub const PROVENANCE_VERSION: u32 = 1;
/// The name of the renderer that is part of this program.
pub const RENDERER: &str = "packshot";
/// The engine of the renderer that is part of this program.
pub const ENGINE: &str = "path_tracer";

/// How the pictures of a render came about. The same scene, environment, libraries and request give the same bytes
/// again with the same renderer on the same machine, unless the request has a time limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Provenance {
    /// The version of this document: 1.
    pub provenance_version: u32,
    /// What it was made for.
    pub job: ProvenanceJob,
    /// What rendered.
    pub renderer: ProvenanceRenderer,
    /// The product.
    pub scene: ProvenanceScene,
    /// What its parts wear.
    pub materials: ProvenanceMaterials,
    /// What lights it.
    pub environment: ProvenanceEnvironment,
    /// The whole shot, as `packshot render --dump-shot` writes it; `null` if the renderer has none.
    #[schema(value_type = Option<Object>)]
    pub shot: Option<Value>,
    /// BLAKE3 of the shot in its canonical form (RFC 8785).
    pub shot_digest: Option<Address>,
    /// How it was sampled.
    pub sampling: ProvenanceSampling,
    /// How noise was removed.
    pub denoise: ProvenanceDenoise,
    /// What computed.
    pub device: ProvenanceDevice,
    /// The request, with every option in effect.
    #[schema(value_type = Object)]
    pub request: Value,
    /// Seconds from the start of the attempt to its end.
    pub duration_s: Option<f64>,
}

/// What pictures were made for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProvenanceJob {
    /// The job.
    pub id: Option<Uuid>,
    /// The kind of its task, such as `render_still`.
    pub task_name: String,
    /// The line of an order.
    pub order_line_id: Option<Uuid>,
    /// The run of a workflow.
    pub workflow_run_id: Option<Uuid>,
    /// The node of that run.
    pub workflow_node_id: Option<String>,
}

/// A program that renders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProvenanceRenderer {
    /// `packshot`, or `external`.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// The commit that it was built from.
    pub commit: Option<String>,
    /// BLAKE3 of its shaders.
    pub shader_digest: Option<Address>,
    /// Its engine; of an external renderer, the name that its configuration gives it.
    pub engine: Option<String>,
}

/// A product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProvenanceScene {
    /// The GLB.
    pub content_address: Address,
    /// The CAD file that it was converted from.
    pub source_content_address: Option<Address>,
    /// The record of that CAD file.
    pub cad_file_id: Option<Uuid>,
    /// What converted it.
    pub converter: Option<String>,
}

/// What the parts of a product wear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProvenanceMaterials {
    /// The material library; `null` if every part is clay.
    pub library: Option<String>,
    /// Its version.
    pub library_version: Option<String>,
    /// BLAKE3 of all its materials, as `/api/v1/materials` has it.
    pub library_digest: Option<Address>,
    /// BLAKE3 of the tenant's own names for materials.
    pub aliases_digest: Option<Address>,
    /// BLAKE3 of the list of parts with their materials.
    pub map_digest: Option<Address>,
    /// The material for parts that nothing matches.
    pub fallback_material: Option<String>,
    /// How many parts nothing matches.
    pub unmapped_parts: u32,
}

/// What lights a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProvenanceEnvironment {
    /// The value of the option `light`.
    pub name: Option<String>,
    /// The environment map of the request, if it is lit by that.
    pub content_address: Option<Address>,
}

/// How pictures were sampled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProvenanceSampling {
    /// The seed.
    pub seed: Option<u32>,
    /// Samples per pixel, at most.
    pub samples_max: Option<u32>,
    /// Mean samples per pixel.
    pub samples_mean: Option<f64>,
    /// The noise at which a pixel was finished.
    pub noise_threshold: Option<f64>,
    /// The noise that is left.
    pub noise_reached: Option<f64>,
    /// The time limit, seconds. With one, another rendering may have other samples.
    pub max_time_s: Option<f64>,
}

/// How noise was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProvenanceDenoise {
    /// The denoiser; `null` if there was none.
    pub method: Option<String>,
    /// BLAKE3 of the weights of its network.
    pub weights_digest: Option<Address>,
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProvenanceDevice {
    /// `gpu`, `cpu` or `software`.
    pub kind: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// `VULKAN` and the like, `CPU` for the processor.
    pub backend: Option<String>,
    /// Name and version of its driver; `null` for the processor.
    pub driver: Option<String>,
}

impl Provenance {
    /// The same, made for another job: of equal requests one is rendered, and the others get its files.
    #[must_use]
    pub fn for_job(self, job: ProvenanceJob, request: Value) -> Self {
        Self { job, request, ..self }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_without_a_value_are_null_and_a_document_reads_back() {
        let address = "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        let document = json!({
            "provenance_version": 1,
            "job": {
                "id": "01935d00-0000-7000-8000-000000000001", "task_name": "render_still",
                "order_line_id": null, "workflow_run_id": null, "workflow_node_id": null,
            },
            "renderer": {
                "name": "external", "version": null, "commit": null, "shader_digest": null, "engine": "blender",
            },
            "scene": {
                "content_address": address, "source_content_address": null, "cad_file_id": null, "converter": null,
            },
            "materials": {
                "library": null, "library_version": null, "library_digest": null, "aliases_digest": null,
                "map_digest": null, "fallback_material": null, "unmapped_parts": 0,
            },
            "environment": {"name": null, "content_address": null},
            "shot": null, "shot_digest": null,
            "sampling": {
                "seed": null, "samples_max": null, "samples_mean": null, "noise_threshold": null,
                "noise_reached": null, "max_time_s": null,
            },
            "denoise": {"method": null, "weights_digest": null},
            "device": {"kind": null, "name": null, "backend": null, "driver": null},
            "request": {}, "duration_s": null,
        });
        let read: Provenance = serde_json::from_value(document.clone()).expect("a provenance");
        assert_eq!(serde_json::to_value(&read).expect("JSON"), document);
    }
}
