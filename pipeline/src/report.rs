//! What is known of a file before it is rendered: the preflight report.

use packshot_materials::mapping::Report;
use packshot_renderer::diagnostic::{Diagnostic, Severity};
use packshot_renderer::import::{self, SceneStats};
use packshot_renderer::scene::Scene;
use packshot_shaders::layout::accel::Instance;
use packshot_shaders::layout::scene::{Material, Slot, Triangle, Vertex};
use serde::Serialize;

use crate::product::{PartMaterials, Product};

/// Material resolution, findings and sizes; in JSON, the body that a preflight answers.
#[derive(Clone, Debug, Serialize)]
pub struct Preflight {
    /// Whether the file can be rendered as asked for: no finding is an error, and no part that must be mapped is not.
    pub ok: bool,
    /// Which part gets which material, and why. `None` where a shot says it.
    pub materials: Option<Report>,
    /// Findings about the file, the materials and the map.
    pub diagnostics: Vec<Diagnostic>,
    /// How much there is.
    pub stats: Stats,
    /// What the file offers to choose from.
    #[serde(flatten)]
    pub choices: Choices,
}

/// What a file offers to choose from, and what was chosen. In JSON, what a file does not have is left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Choices {
    /// Names of the material variants.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<String>,
    /// The variant that is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The animations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub animations: Vec<Animation>,
    /// The name of the animation of which a moment is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub animation: Option<String>,
}

/// An animation of a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Animation {
    /// Its name; empty where it has none.
    pub name: String,
    /// The time of its last keyframe.
    pub duration_s: f64,
}

impl From<&import::Choices> for Choices {
    fn from(choices: &import::Choices) -> Self {
        let import::Choices { variants, variant, animations, animation } = choices;
        let info = |info: &import::AnimationInfo| Animation { name: info.name.clone(), duration_s: info.duration_s };
        Self {
            variants: variants.clone(),
            variant: variant.clone(),
            animations: animations.iter().map(info).collect(),
            animation: animation.and_then(|idx| animations.get(idx)).map(|info| info.name.clone()),
        }
    }
}

/// How much there is in a scene.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Stats {
    /// Triangles with all instances.
    pub triangles: u64,
    /// Vertices with all instances.
    pub vertices: u64,
    /// Distinct meshes.
    pub meshes: usize,
    /// Parts: placed meshes.
    pub instances: usize,
    /// Materials of the file.
    pub materials: usize,
    /// Textures of the file that a material uses.
    pub textures: usize,
    /// Least corner in the world, metres; `None` without parts.
    pub bbox_min_m: Option<[f64; 3]>,
    /// Greatest corner.
    pub bbox_max_m: Option<[f64; 3]>,
    /// About how much memory the scene takes on a device.
    pub device_bytes_estimate: u64,
}

impl Stats {
    fn new(scene: &Scene, stats: &SceneStats) -> Self {
        Self {
            triangles: stats.triangles,
            vertices: stats.vertices,
            meshes: stats.meshes,
            instances: stats.instances,
            materials: stats.materials,
            textures: stats.textures,
            bbox_min_m: stats.bounds.map(|bounds| bounds.min.to_array()),
            bbox_max_m: stats.bounds.map(|bounds| bounds.max.to_array()),
            device_bytes_estimate: device_bytes_estimate(scene, stats),
        }
    }
}

/// Two nodes of a binary tree per leaf.
const BVH_BYTES_PER_LEAF: u64 = 64;

fn device_bytes_estimate(scene: &Scene, stats: &SceneStats) -> u64 {
    let bytes = |n: u64, size: usize| n.saturating_mul(size as u64);
    let unique_vertices: u64 = scene.meshes.iter().map(|mesh| mesh.vertex_count()).sum();
    let slots: u64 = scene.parts.iter().map(|part| scene.meshes[part.mesh.0 as usize].primitives.len() as u64).sum();
    let mut images: Vec<_> = scene.textures.iter().map(|texture| &texture.image).collect();
    images.sort_by_key(|image| std::sync::Arc::as_ptr(image));
    images.dedup_by_key(|image| std::sync::Arc::as_ptr(image));
    let texels: u64 = images.iter().map(|image| image.rgba8.len() as u64).sum();
    let parts = [
        bytes(unique_vertices, size_of::<Vertex>()),
        bytes(stats.unique_triangles, size_of::<Triangle>() + BVH_BYTES_PER_LEAF as usize),
        bytes(stats.instances as u64, size_of::<Instance>() + BVH_BYTES_PER_LEAF as usize),
        bytes(slots, size_of::<Slot>()),
        bytes(stats.materials as u64, size_of::<Material>()),
        bytes(texels, 4),
    ];
    parts.iter().fold(0, |sum, &part| sum.saturating_add(part))
}

impl Preflight {
    /// Brings together what import, mapping and `more` found. `must_map` says that no part may stay unmapped.
    pub fn new(product: &Product, materials: &PartMaterials, more: &[Diagnostic], must_map: bool) -> Self {
        // A part without a name is the file's fault: import says it, with the node.
        let mapped = materials.diagnostics.iter().filter(|finding| finding.code != "unnamed_part");
        let found: Vec<_> = product.diagnostics.iter().chain(mapped).chain(more).cloned().collect();
        let is_wrong = found.iter().any(|finding| finding.severity == Severity::Error);
        let lacks_materials = must_map && materials.unmapped() > 0;
        Self {
            ok: !is_wrong && !lacks_materials,
            materials: materials.report.clone(),
            diagnostics: found,
            stats: Stats::new(&product.scene, &product.stats),
            choices: Choices::from(&product.choices),
        }
    }
}
