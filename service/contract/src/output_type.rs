//! Output types, as clients see them (orders.md §1).

use packshot_json::{FaultKind, Faults, Node, Range};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::picture_settings::PictureSettings;
use super::problem::Invalid;
use super::read::{change, optional, parsed};
use super::scalar::Time;
use packshot_domain::artifact::Label;
use packshot_domain::change::Change;
use packshot_domain::id::WorkflowId;
use packshot_domain::output_type as domain;
use packshot_domain::task::Lane;
use packshot_domain::tenant_config::EngineName;
use packshot_pipeline::plan::Kind;

/// The code of bounds that are no gate.
const INVALID_GATE: &str = "invalid_rollout_gate";
/// Most unmapped parts that a limit may name.
const UNMAPPED_MAX: u32 = 1_000_000;

words! {
    /// What is made of a product.
    pub enum OutputKind = domain::OutputKind {
        /// One picture.
        Still = "still",
        /// A movie or frames of a whole turn.
        Turntable = "turntable",
        /// Pictures from several sides.
        Views = "views",
        /// A GLB with the colours of its materials.
        Glb = "glb",
    }
}

words! {
    /// Which renderer makes it.
    pub enum RenderBackend = domain::RenderBackend {
        /// The one that is configured: the built-in one, where nothing else is.
        Auto = "auto",
        /// The built-in one.
        Packshot = "packshot",
        /// A configured external program or service.
        External = "external",
    }
}

words! {
    /// How two pictures are compared.
    pub enum GateMetric = domain::GateMetric {
        /// The mean absolute difference over all pixels and channels, 0 to 1.
        MeanPixelDelta = "mean_pixel_delta",
        /// The mean of LDR-FLIP, 0 to 1.
        Flip = "flip",
    }
}

/// When a new renderer may take over from another: how different their pictures may be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RolloutGate {
    /// How pictures are compared.
    pub metric: GateMetric,
    /// The largest difference that passes; if absent, 0.000001, or 0.05 for `flip`.
    #[schema(minimum = 0, maximum = 1)]
    pub pass_max: f64,
    /// The largest difference that is only warned of; if absent, 0.02, or 0.1 for `flip`.
    #[schema(minimum = 0, maximum = 1)]
    pub warn_max: f64,
}

impl From<domain::RolloutGate> for RolloutGate {
    fn from(gate: domain::RolloutGate) -> Self {
        Self { metric: gate.metric().into(), pass_max: gate.pass_max(), warn_max: gate.warn_max() }
    }
}

/// An output type: what is made of products, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OutputType {
    /// Its id.
    pub id: Uuid,
    /// The tenant that it belongs to.
    pub tenant_id: Uuid,
    /// Its name. A tenant has each once.
    pub name: String,
    /// What is made.
    pub kind: OutputKind,
    /// Which renderer makes it.
    pub render_backend: RenderBackend,
    /// The options of its pictures: those that were given.
    pub render_settings: PictureSettings,
    /// The workflow that makes it; `null` while there is none.
    pub workflow_definition_id: Option<Uuid>,
    /// The external renderer that makes it instead of the one that is configured; `null` for that one.
    pub legacy_executor: Option<String>,
    /// When another renderer may take over.
    pub rollout_gate: RolloutGate,
    /// Parts without a material that its pictures may have; `null` for any number, 0 for none.
    pub max_unmapped: Option<u32>,
    /// When it was made.
    pub created_at: Time,
    /// When it was changed.
    pub updated_at: Time,
}

/// A page of output types, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OutputTypePage {
    /// The output types.
    pub items: Vec<OutputType>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}

/// A gate, as it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct RolloutGateRequest {
    /// How pictures are compared; if absent, by `mean_pixel_delta`.
    pub metric: Option<GateMetric>,
    /// The largest difference that passes; if absent, 0.000001, or 0.05 for `flip`.
    #[schema(minimum = 0, maximum = 1)]
    pub pass_max: Option<f64>,
    /// The largest difference that is only warned of; if absent, 0.02, or 0.1 for `flip`.
    #[schema(minimum = 0, maximum = 1)]
    pub warn_max: Option<f64>,
}

/// An output type to make.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct OutputTypeRequest {
    /// Its name.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// What is made; if absent, `still`.
    pub kind: Option<OutputKind>,
    /// Which renderer makes it; if absent, `auto`.
    pub render_backend: Option<RenderBackend>,
    /// The options of its pictures.
    pub render_settings: Option<PictureSettings>,
    /// The workflow that makes it.
    pub workflow_definition_id: Option<Uuid>,
    /// The external renderer that makes it, by its name in the configuration file.
    pub legacy_executor: Option<String>,
    /// When another renderer may take over.
    pub rollout_gate: Option<RolloutGateRequest>,
    /// Parts without a material that its pictures may have; if absent, any number.
    #[schema(maximum = 1_000_000)]
    pub max_unmapped: Option<u32>,
}

/// What an output type may name.
#[derive(Clone, Copy, Debug)]
pub struct Allowed<'a> {
    /// The engines that the tenant allows.
    pub engines: &'a [EngineName],
    /// The executors that the installation has.
    pub executors: &'a [Lane],
}

/// What somebody says of an output type.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputTypeFields {
    /// Its name.
    pub name: Label,
    /// What is made.
    pub kind: domain::OutputKind,
    /// Which renderer makes it.
    pub render_backend: domain::RenderBackend,
    /// The options of its pictures.
    pub render_settings: PictureSettings,
    /// The workflow that makes it.
    pub workflow: Option<WorkflowId>,
    /// The executor that makes it.
    pub legacy_executor: Option<Lane>,
    /// When another renderer may take over.
    pub rollout_gate: domain::RolloutGate,
    /// Parts without a material that its pictures may have.
    pub max_unmapped: Option<u32>,
}

impl OutputTypeRequest {
    /// Reads an output type to make.
    ///
    /// # Errors
    /// `engine_not_allowed`, `invalid_rollout_gate`; `missing`, `wrong_type`, `out_of_range`, `unknown_value`,
    /// `unknown_member`; `executor_not_configured`.
    pub fn parse(body: &Value, allowed: Allowed<'_>) -> Result<OutputTypeFields, Invalid> {
        let faults = Faults::default();
        let made = Node::root(body, &faults).members().and_then(|mut m| {
            let name = m.require("name").and_then(|node| parsed(&node));
            let kind = optional(&mut m, "kind", Node::word);
            let render_backend = optional(&mut m, "render_backend", Node::word);
            let settings = optional(&mut m, "render_settings", |node| PictureSettings::read(node, allowed.engines));
            let workflow = optional(&mut m, "workflow_definition_id", parsed);
            let legacy_executor = optional(&mut m, "legacy_executor", |node| executor(node, allowed.executors));
            let rollout_gate = optional(&mut m, "rollout_gate", gate);
            let max_unmapped = optional(&mut m, "max_unmapped", |node| node.count(0..=UNMAPPED_MAX));
            m.finish();
            Some(OutputTypeFields {
                name: name?,
                kind: kind?.unwrap_or(KIND),
                render_backend: render_backend?.unwrap_or(BACKEND),
                render_settings: settings?.unwrap_or_default(),
                workflow: workflow?,
                legacy_executor: legacy_executor?,
                rollout_gate: rollout_gate?.unwrap_or_default(),
                max_unmapped: max_unmapped?,
            })
        });
        Invalid::unless_faults(made, faults)
    }
}

/// What is made where nothing is said.
const KIND: domain::OutputKind = domain::OutputKind::Still;
/// The renderer where nothing is said.
const BACKEND: domain::RenderBackend = domain::RenderBackend::Auto;

/// A change of an output type: absent members stay, `null` is the default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct OutputTypePatch {
    /// Another name.
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// What is made.
    pub kind: Option<OutputKind>,
    /// Which renderer makes it.
    pub render_backend: Option<RenderBackend>,
    /// The options of its pictures, as a whole.
    pub render_settings: Option<PictureSettings>,
    /// The workflow that makes it.
    pub workflow_definition_id: Option<Uuid>,
    /// The external renderer that makes it, by its name in the configuration file.
    pub legacy_executor: Option<String>,
    /// When another renderer may take over, as a whole.
    pub rollout_gate: Option<RolloutGateRequest>,
    /// Parts without a material that its pictures may have; `null` for any number.
    #[schema(maximum = 1_000_000)]
    pub max_unmapped: Option<u32>,
}

/// A change of an output type, as it was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OutputTypeChange {
    /// Another name.
    pub name: Option<Label>,
    /// What is made.
    pub kind: Change<domain::OutputKind>,
    /// Which renderer makes it.
    pub render_backend: Change<domain::RenderBackend>,
    /// The options of its pictures.
    pub render_settings: Change<PictureSettings>,
    /// The workflow that makes it.
    pub workflow: Change<WorkflowId>,
    /// The executor that makes it.
    pub legacy_executor: Change<Lane>,
    /// When another renderer may take over.
    pub rollout_gate: Change<domain::RolloutGate>,
    /// Parts without a material that its pictures may have.
    pub max_unmapped: Change<u32>,
}

impl OutputTypePatch {
    /// Reads a change.
    ///
    /// # Errors
    /// As for an output type to make.
    pub fn parse(body: &Value, allowed: Allowed<'_>) -> Result<OutputTypeChange, Invalid> {
        let faults = Faults::default();
        let change = Node::root(body, &faults).members().map(|mut m| {
            let change = OutputTypeChange {
                name: m.take("name").and_then(|node| parsed(&node)),
                kind: change(&mut m, "kind", Node::word),
                render_backend: change(&mut m, "render_backend", Node::word),
                render_settings: change(&mut m, "render_settings", |node| PictureSettings::read(node, allowed.engines)),
                workflow: change(&mut m, "workflow_definition_id", parsed),
                legacy_executor: change(&mut m, "legacy_executor", |node| executor(node, allowed.executors)),
                rollout_gate: change(&mut m, "rollout_gate", gate),
                max_unmapped: change(&mut m, "max_unmapped", |node| node.count(0..=UNMAPPED_MAX)),
            };
            m.finish();
            change
        });
        Invalid::unless_faults(change, faults)
    }
}

impl OutputTypeChange {
    /// The output type after the change.
    pub fn of(self, before: OutputTypeFields) -> OutputTypeFields {
        OutputTypeFields {
            name: self.name.unwrap_or(before.name),
            kind: self.kind.of(before.kind, KIND),
            render_backend: self.render_backend.of(before.render_backend, BACKEND),
            render_settings: self.render_settings.of(before.render_settings, PictureSettings::default()),
            workflow: self.workflow.some().of(before.workflow, None),
            legacy_executor: self.legacy_executor.some().of(before.legacy_executor, None),
            rollout_gate: self.rollout_gate.of(before.rollout_gate, domain::RolloutGate::default()),
            max_unmapped: self.max_unmapped.some().of(before.max_unmapped, None),
        }
    }
}

/// The options of a picture of this kind; a GLB has none.
pub fn picture_kind(kind: domain::OutputKind) -> Option<Kind> {
    match kind {
        domain::OutputKind::Still => Some(Kind::Still),
        domain::OutputKind::Turntable => Some(Kind::Turntable),
        domain::OutputKind::Views => Some(Kind::Views),
        domain::OutputKind::Glb => None,
    }
}

/// An executor of the settings file, by its name.
fn executor(node: &Node<'_>, known: &[Lane]) -> Option<Lane> {
    let name = node.string()?;
    let found = known.iter().find(|lane| lane.as_str() == name);
    found.cloned().or_else(|| {
        let names: Vec<&str> = known.iter().map(Lane::as_str).collect();
        let message = format!("there is no executor of this name: expected {}", names.join(" or "));
        node.refuse(FaultKind::Named("executor_not_configured".to_owned()), message)
    })
}

fn gate(node: &Node<'_>) -> Option<domain::RolloutGate> {
    let mut m = node.members()?;
    let metric = optional(&mut m, "metric", Node::word);
    let pass_max = optional(&mut m, "pass_max", |node| node.number(Range::ANY));
    let warn_max = optional(&mut m, "warn_max", |node| node.number(Range::ANY));
    m.finish();
    let metric = metric?.unwrap_or(domain::GateMetric::MeanPixelDelta);
    match domain::RolloutGate::new(metric, pass_max?, warn_max?) {
        Ok(gate) => Some(gate),
        Err(error) => node.refuse(FaultKind::Named(INVALID_GATE.to_owned()), error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn engines() -> Vec<EngineName> {
        vec!["cycles".parse().expect("a name")]
    }

    fn executors() -> Vec<Lane> {
        vec![Lane::builtin(), Lane::new("maya").expect("a name")]
    }

    fn refused(body: Value) -> Vec<(String, String)> {
        let refused = OutputTypeRequest::parse(&body, Allowed { engines: &engines(), executors: &executors() })
            .expect_err("wrong");
        refused.findings.into_iter().map(|finding| (finding.pointer, finding.code)).collect()
    }

    #[test]
    fn everything_wrong_with_an_output_type_is_found_together() {
        let body = json!({
            "name": "", "kind": "movie", "render_backend": "gpu", "render_settings": {"samples": 0, "engine": "eevee"},
            "rollout_gate": {"pass_max": 0.5}, "max_unmapped": -1, "size": 1, "legacy_executor": "blender",
            "workflow_definition_id": "0193a8c4-7c1e-7000-8000-000000000000",
        });
        let expected = [
            ("/name", "out_of_range"),
            ("/kind", "unknown_value"),
            ("/render_backend", "unknown_value"),
            ("/render_settings/engine", "engine_not_allowed"),
            ("/render_settings/samples", "out_of_range"),
            ("/legacy_executor", "executor_not_configured"),
            ("/rollout_gate", "invalid_rollout_gate"),
            ("/max_unmapped", "out_of_range"),
            ("/size", "unknown_member"),
        ];
        assert_eq!(refused(body), expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
    }

    #[test]
    fn what_is_left_out_is_the_default_and_a_patch_goes_back_to_it() {
        let made = |body| {
            OutputTypeRequest::parse(&body, Allowed { engines: &engines(), executors: &executors() })
                .expect("an output type")
        };
        let plain = made(json!({"name": "Front"}));
        assert_eq!((plain.kind, plain.render_backend), (KIND, BACKEND));
        assert_eq!((&plain.render_settings, plain.max_unmapped), (&PictureSettings::default(), None));
        let full = made(json!({
            "name": "Front", "kind": "turntable", "render_backend": "packshot", "render_settings": {"fps": 25},
            "rollout_gate": {"metric": "flip"}, "max_unmapped": 0,
        }));
        assert_eq!((full.rollout_gate.pass_max(), full.max_unmapped), (0.05, Some(0)));
        let nothing = json!({
            "kind": null, "render_backend": null, "render_settings": null, "rollout_gate": null, "max_unmapped": null,
        });
        let change = |patch| {
            OutputTypePatch::parse(&patch, Allowed { engines: &engines(), executors: &executors() })
                .expect("a patch")
                .of(full.clone())
        };
        assert_eq!((change(json!({})), change(nothing)), (full.clone(), plain));
    }
}
