//! The check of a file before it is rendered: the answer of POST `/api/v1/preflight`.

use packshot_materials::finding::{Finding as MaterialFinding, Severity as MaterialSeverity};
use packshot_materials::mapping as source;
use packshot_pipeline::report as pipeline;
use packshot_renderer::diagnostic as found;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::request::place;

/// Materials, findings and sizes of a product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Preflight {
    /// Whether the file can be rendered as requested.
    pub ok: bool,
    /// Which part gets which material, and why.
    pub materials: Option<MaterialReport>,
    /// Findings about the file, the materials and the map.
    pub diagnostics: Vec<Diagnostic>,
    /// Size of the scene.
    pub stats: Stats,
}

/// Which part gets which material, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MaterialReport {
    /// The library with version and digest.
    pub library: String,
    /// Number of parts.
    pub parts: u64,
    /// Parts that found their material.
    pub resolved: u64,
    /// Parts that found no material, each with a reason.
    pub unmapped: u64,
    /// Share of the surface area that the resolved parts have, 0 to 1.
    pub coverage_area: f64,
    /// One per part.
    pub items: Vec<MaterialReportItem>,
}

/// The material of one part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MaterialReportItem {
    /// Path of the part's node.
    pub path: String,
    /// Name of the part's node.
    pub node: Option<String>,
    /// Name of the part's mesh.
    pub mesh: Option<String>,
    /// How the part got its material string: `override`, `exact`, `normalized`, `alias`, `suffix`, `rule`,
    /// `glb_material`, `extras`, `fallback`.
    pub method: String,
    /// The material string.
    pub string: Option<String>,
    /// How the material string matched the library.
    pub material_method: Option<String>,
    /// The id of the material in effect; `null` if the file's own material was kept.
    pub material: Option<String>,
    /// Confidence of the match, 0 to 1.
    pub confidence: f64,
    /// Why nothing matched: `no_match`, `ambiguous`, `material_missing`, `library_invalid`, `texture_missing`; `null`
    /// if something did.
    pub reason: Option<String>,
    /// Materials that may have been meant, best first. They are never applied.
    pub suggestions: Vec<Suggestion>,
}

/// A material that may have been meant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Suggestion {
    /// Its id.
    pub material: String,
    /// Similarity of the names, 0 to 1.
    pub score: f64,
}

/// One finding about the input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Diagnostic {
    /// Stable name, such as `missing_normals`.
    pub code: String,
    /// Its severity.
    pub severity: Severity,
    /// Place: a JSON pointer into the file, the path of a part, a file with a line.
    pub at: String,
    /// One sentence for people.
    pub message: String,
}

words! {
    /// Severity of a finding.
    pub enum Severity {
        /// Worth knowing.
        Info = "info",
        /// The picture may not be what was meant.
        Warning = "warning",
        /// The picture is wrong.
        Error = "error",
    }
}

/// Size of a scene.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Stats {
    /// Triangles, counting all instances.
    pub triangles: u64,
    /// Vertices, counting all instances.
    pub vertices: u64,
    /// Different meshes.
    pub meshes: u64,
    /// Parts, each a placed mesh.
    pub instances: u64,
    /// Materials in the file.
    pub materials: u64,
    /// Textures in the file that a material uses.
    pub textures: u64,
    /// Lower corner of the bounding box in the world, in metres; `null` without parts.
    pub bbox_min_m: Option<[f64; 3]>,
    /// Upper corner of the bounding box.
    pub bbox_max_m: Option<[f64; 3]>,
    /// Estimate of the memory that the scene takes on a device.
    pub device_bytes_estimate: u64,
}

/// The word that a value of an enumeration has in JSON.
fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

impl From<&pipeline::Preflight> for Preflight {
    fn from(report: &pipeline::Preflight) -> Self {
        let pipeline::Preflight { ok, materials, diagnostics, stats, choices: _ } = report;
        Self {
            ok: *ok,
            materials: materials.as_ref().map(MaterialReport::from),
            diagnostics: diagnostics.iter().map(Diagnostic::from).collect(),
            stats: Stats::from(stats),
        }
    }
}

impl From<&source::Report> for MaterialReport {
    fn from(report: &source::Report) -> Self {
        Self {
            library: report.library.clone(),
            parts: report.parts as u64,
            resolved: report.resolved as u64,
            unmapped: report.unmapped as u64,
            coverage_area: report.coverage_area,
            items: report.items.iter().map(MaterialReportItem::from).collect(),
        }
    }
}

impl From<&source::ReportItem> for MaterialReportItem {
    fn from(item: &source::ReportItem) -> Self {
        let suggestion = |s: &source::Suggestion| Suggestion { material: s.material.clone(), score: s.score };
        Self {
            path: item.path.clone(),
            node: item.node.clone(),
            mesh: item.mesh.clone(),
            method: word(item.method),
            string: item.string.clone(),
            material_method: item.material_method.map(word),
            material: item.material.clone(),
            confidence: item.confidence,
            reason: item.reason.map(word),
            suggestions: item.suggestions.iter().map(suggestion).collect(),
        }
    }
}

impl From<&found::Diagnostic> for Diagnostic {
    fn from(diagnostic: &found::Diagnostic) -> Self {
        let severity = match diagnostic.severity {
            found::Severity::Info => Severity::Info,
            found::Severity::Warning => Severity::Warning,
            found::Severity::Error => Severity::Error,
        };
        let found::Diagnostic { code, at, message, .. } = diagnostic;
        Self { code: (*code).to_owned(), severity, at: place(at), message: message.clone() }
    }
}

impl From<MaterialFinding> for Diagnostic {
    fn from(finding: MaterialFinding) -> Self {
        let MaterialFinding { severity, code, at, message, help } = finding;
        let severity = match severity {
            MaterialSeverity::Info => Severity::Info,
            MaterialSeverity::Warning => Severity::Warning,
            MaterialSeverity::Error => Severity::Error,
        };
        let message = help.map_or(message.clone(), |help| format!("{message}; {help}"));
        Self { code: code.to_owned(), severity, at, message }
    }
}

impl From<&pipeline::Stats> for Stats {
    fn from(stats: &pipeline::Stats) -> Self {
        let pipeline::Stats {
            triangles,
            vertices,
            meshes,
            instances,
            materials,
            textures,
            bbox_min_m,
            bbox_max_m,
            device_bytes_estimate,
        } = *stats;
        Self {
            triangles,
            vertices,
            meshes: meshes as u64,
            instances: instances as u64,
            materials: materials as u64,
            textures: textures as u64,
            bbox_min_m,
            bbox_max_m,
            device_bytes_estimate,
        }
    }
}
