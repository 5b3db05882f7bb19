//! Parameters of steps that are no options of pictures: one table, from which they are read and described.

use packshot_domain::artifact::RetentionClass;
use packshot_domain::media::FRONT;
use packshot_domain::step::StepName;
use packshot_json::{FaultKind, Node, Range};
use packshot_materials::mapping::OnUnmapped;
use packshot_pipeline::export::ExportQuality;
use packshot_words::Word;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::design::{NodeDesign, schema_of_node};
use crate::package::retention_class;

/// The kinds of files that are CAD files.
const EXTENSIONS: [&str; 3] = ["step", "stp", "glb"];
/// Most parts that a limit may name.
const UNMAPPED_MAX: u32 = 1_000_000;
/// Most bytes of a name.
const NAME_BYTES_MAX: usize = 200;
/// The coarsest surface, in millimetres.
const DEFLECTION_MM_MAX: f64 = 1_000.0;
/// Texels of the longer side of a texture, at least.
const TEXTURE_PX_MIN: u32 = 512;
/// The same at most.
const TEXTURE_PX_MAX: u32 = 16_384;
/// A deflection that follows the size of the product.
pub(crate) const AUTO: &str = "auto";

/// A parameter of a step.
pub(super) struct Parameter {
    /// Its name.
    pub(super) name: &'static str,
    /// What it may be.
    pub(super) takes: Takes,
    /// What it is when nobody says it.
    pub(super) default: fn() -> Value,
    /// The unit of numbers.
    pub(super) unit: Option<&'static str>,
    /// What it is for.
    pub(super) help: &'static str,
}

/// What a parameter may be.
#[derive(Clone, Copy)]
pub(super) enum Takes {
    /// Some of the kinds of CAD files.
    Extensions,
    /// The id of something.
    Id,
    /// A name of 1 to 200 bytes.
    Name,
    /// More than 0, or `auto`.
    Deflection,
    /// Degrees of an angle between surfaces, more than 0 and at most 90.
    Angle,
    /// What becomes of parts without a material.
    OnUnmapped,
    /// A number of parts.
    Count,
    /// How much of the geometry is written.
    Quality,
    /// How long files are kept.
    Class,
    /// Texels of a texture's longer side.
    TexturePx,
    /// A design, and where it lies on its product.
    Placement,
}

const fn parameter(
    name: &'static str,
    takes: Takes,
    default: fn() -> Value,
    unit: Option<&'static str>,
    help: &'static str,
) -> Parameter {
    Parameter { name, takes, default, unit, help }
}

const fn none() -> Value {
    Value::Null
}

/// The parameters of a step beyond the options of its pictures and `failure_policy` (workflow.md §3).
pub(super) fn of_step(step: StepName) -> &'static [Parameter] {
    const EXTENSION: Parameter = parameter(
        "allowed_extensions",
        Takes::Extensions,
        || json!(EXTENSIONS),
        None,
        "The kinds of files that are taken; a CAD file of another kind fails the node",
    );
    const IMPORT: Parameter = parameter(
        "import_id",
        Takes::Id,
        none,
        None,
        "The import whose counts the node reports; null: the newest one that made or changed the line's product",
    );
    const LINEAR: Parameter = parameter(
        "linear_deflection_mm",
        Takes::Deflection,
        || json!(0.1),
        Some("mm"),
        "How far surface and triangles may be apart; `auto` is a thousandth of the product's diagonal, from 0.001 to 1",
    );
    const ANGULAR: Parameter = parameter(
        "angular_deflection_deg",
        Takes::Angle,
        || json!(20),
        Some("deg"),
        "How much the directions of neighbouring triangles may differ",
    );
    const LIBRARY: Parameter = parameter(
        "library",
        Takes::Name,
        none,
        None,
        "The material library of the renders below; null: the template's, else the tenant's",
    );
    const ON_UNMAPPED: Parameter = parameter(
        "on_unmapped",
        Takes::OnUnmapped,
        || json!(OnUnmapped::Magenta.word()),
        None,
        "What becomes of parts that have no material: they turn magenta, or nothing is rendered",
    );
    const MAX_UNMAPPED: Parameter = parameter(
        "max_unmapped",
        Takes::Count,
        none,
        Some("parts"),
        "How many parts may have no material; null: the output type's limit",
    );
    const TEMPLATE: Parameter = parameter(
        "template_id",
        Takes::Id,
        none,
        None,
        "The render template; null: the active one that fits output type and category best",
    );
    const PLACEMENT: Parameter = parameter(
        "placement",
        Takes::Placement,
        none,
        None,
        "The design, its printable area, and where it lies on that, with the members of a design job's placement",
    );
    const TEXTURE: Parameter =
        parameter("texture_px", Takes::TexturePx, || json!(4096), Some("px"), "Texels of the texture's longer side");
    const QUALITY: Parameter = parameter(
        "quality",
        Takes::Quality,
        || json!(ExportQuality::default().word()),
        None,
        "How much of the geometry is written",
    );
    const CLASS: Parameter = parameter(
        "retention_class",
        Takes::Class,
        || json!(RetentionClass::RenderOutput.to_string()),
        None,
        "How long the files are kept",
    );
    const VIEW: Parameter = parameter(
        "thumbnail_view",
        Takes::Name,
        || json!(FRONT),
        None,
        "The view that becomes the picture of a product that has none",
    );
    const WEBHOOK: Parameter = parameter(
        "webhook_id",
        Takes::Id,
        none,
        None,
        "The webhook that gets the files; null: every one that asked for deliveries",
    );
    match step {
        StepName::UploadStep => &[EXTENSION],
        StepName::ParseExcel => &[IMPORT],
        StepName::OccGlbExport => &[LINEAR, ANGULAR],
        StepName::ResolveMaterials => &[LIBRARY, ON_UNMAPPED, MAX_UNMAPPED],
        StepName::ResolveTemplate => &[TEMPLATE],
        StepName::ComposeDesign => &[PLACEMENT, TEXTURE],
        StepName::ExportGlb => &[QUALITY],
        StepName::OutputSave => &[CLASS],
        StepName::AssociateMedia => &[VIEW],
        StepName::Deliver => &[WEBHOOK],
        _ => &[],
    }
}

impl Parameter {
    /// The value that was given, as it is stored.
    pub(super) fn read(&self, node: &Node<'_>) -> Option<Value> {
        let number = |range: Range| node.number(range).map(|_| node.value().clone());
        match self.takes {
            Takes::Extensions => {
                let given = node.list()?;
                let choices = EXTENSIONS.map(|word| (word, word));
                let mut words = Vec::new();
                for element in &given {
                    let word = element.choice(&choices)?;
                    if words.contains(&word) {
                        return element.refuse(FaultKind::Duplicate, format!("{word} is there twice"));
                    }
                    words.push(word);
                }
                if words.is_empty() {
                    node.refuse(FaultKind::Range, "expected at least one")
                } else {
                    Some(json!(words))
                }
            }
            Takes::Id => match Uuid::parse_str(node.string()?) {
                Ok(id) => Some(json!(id)),
                Err(_) => node.refuse(FaultKind::Type, "expected a UUID"),
            },
            Takes::Name => node.text(NAME_BYTES_MAX).map(|text| json!(text)),
            Takes::Deflection if node.value().as_str() == Some(AUTO) => Some(json!(AUTO)),
            Takes::Deflection if node.value().is_string() => {
                node.refuse(FaultKind::Word, format!("expected a number of millimetres or {AUTO:?}"))
            }
            Takes::Deflection => number(Range::positive_to(DEFLECTION_MM_MAX)),
            Takes::Angle => number(Range::positive_to(90.0)),
            Takes::OnUnmapped => {
                node.choice(&ON_UNMAPPED.map(|choice| (choice.word(), choice.word()))).map(|w| json!(w))
            }
            Takes::Count => node.count(0..=UNMAPPED_MAX).map(|n| json!(n)),
            Takes::Quality => node.word::<ExportQuality>().map(|quality| json!(quality.word())),
            Takes::Class => retention_class(node).map(|class| json!(class.to_string())),
            Takes::TexturePx => node.count(TEXTURE_PX_MIN..=TEXTURE_PX_MAX).map(|n| json!(n)),
            Takes::Placement => NodeDesign::read(node).map(|_| node.value().clone()),
        }
    }

    /// Its JSON Schema (draft 2020-12).
    pub(super) fn schema(&self) -> Value {
        let uuid = || json!({"type": ["string", "null"], "format": "uuid"});
        let mut schema = match self.takes {
            Takes::Extensions => {
                let items = json!({"type": "string", "enum": EXTENSIONS});
                json!({"type": ["array", "null"], "items": items, "minItems": 1, "uniqueItems": true})
            }
            Takes::Id => uuid(),
            Takes::Name => json!({"type": ["string", "null"], "minLength": 1, "maxLength": NAME_BYTES_MAX}),
            Takes::Deflection => json!({"anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": DEFLECTION_MM_MAX},
                {"const": AUTO},
                {"type": "null"},
            ]}),
            Takes::Angle => json!({"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 90}),
            Takes::OnUnmapped => {
                let words = ON_UNMAPPED.map(|choice| Some(choice.word()));
                json!({"type": ["string", "null"], "enum": [words[0], words[1], null]})
            }
            Takes::Count => json!({"type": ["integer", "null"], "minimum": 0, "maximum": UNMAPPED_MAX}),
            Takes::Quality => {
                let words = ExportQuality::ENTRIES.iter().map(|entry| json!(entry.word)).chain([Value::Null]);
                json!({"type": ["string", "null"], "enum": words.collect::<Vec<_>>()})
            }
            Takes::Class => {
                let words = RetentionClass::ALL.iter().map(|class| json!(class.to_string())).chain([Value::Null]);
                json!({"type": ["string", "null"], "enum": words.collect::<Vec<_>>()})
            }
            Takes::TexturePx => {
                json!({"type": ["integer", "null"], "minimum": TEXTURE_PX_MIN, "maximum": TEXTURE_PX_MAX})
            }
            Takes::Placement => schema_of_node(),
        };
        schema["title"] = json!(title(self.name));
        schema["description"] = json!(format!("{}.", self.help));
        schema["default"] = (self.default)();
        if let Some(unit) = self.unit {
            schema["x-unit"] = json!(unit);
        }
        schema
    }
}

/// What may become of parts without a material: those that a graph renders have no materials of their own.
const ON_UNMAPPED: [OnUnmapped; 2] = [OnUnmapped::Magenta, OnUnmapped::Fail];

/// A name as a title: `Frame count`.
pub(super) fn title(name: &str) -> String {
    let mut title = name.replace('_', " ");
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    title
}
