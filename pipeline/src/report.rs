//! The preflight report: what is known about a file before rendering.

use packshot_materials::library::{Texture, Textures};
use packshot_materials::mapping::Report;
use packshot_renderer::diagnostic::{Diagnostic, Severity};
use packshot_renderer::import::{self, SceneStats};
use packshot_renderer::scene::Scene;
use packshot_shaders::layout::accel::Instance;
use packshot_shaders::layout::scene::{Material, Slot, Triangle, Vertex};
use serde::Serialize;

use crate::product::{PartMaterials, Product};

/// Material resolution, findings and sizes; in JSON, the body of the answer to a preflight.
#[derive(Clone, Debug, Serialize)]
pub struct Preflight {
    /// Whether the request can be rendered: no finding is an error, and all parts that must be mapped are mapped.
    pub ok: bool,
    /// Which part gets which material, and why. `None` if a shot defines it.
    pub materials: Option<Report>,
    /// Findings about the file, the materials and the map.
    pub diagnostics: Vec<Diagnostic>,
    /// Counts and sizes.
    pub stats: Stats,
    /// The choices that the file offers.
    #[serde(flatten)]
    pub choices: Choices,
}

/// The choices that a file offers, and what was chosen. In JSON, choices that a file does not have are left out.
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
    /// The name of the animation whose pose is shown.
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

/// Counts and sizes of a scene.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Stats {
    /// Triangles, counting all instances.
    pub triangles: u64,
    /// Vertices, counting all instances.
    pub vertices: u64,
    /// Distinct meshes.
    pub meshes: usize,
    /// Parts: placed meshes.
    pub instances: usize,
    /// Materials of the file.
    pub materials: usize,
    /// Textures of the file that a material uses.
    pub textures: usize,
    /// Minimum corner in the world, metres; `None` without parts.
    pub bbox_min_m: Option<[f64; 3]>,
    /// Maximum corner.
    pub bbox_max_m: Option<[f64; 3]>,
    /// Estimated memory of the scene on a device.
    pub device_bytes_estimate: u64,
}

impl Stats {
    fn new(scene: &Scene, stats: &SceneStats, materials: &PartMaterials) -> Self {
        Self {
            triangles: stats.triangles,
            vertices: stats.vertices,
            meshes: stats.meshes,
            instances: stats.instances,
            materials: stats.materials,
            textures: stats.textures,
            bbox_min_m: stats.bounds.map(|bounds| bounds.min.to_array()),
            bbox_max_m: stats.bounds.map(|bounds| bounds.max.to_array()),
            device_bytes_estimate: device_bytes_estimate(scene, stats, materials),
        }
    }
}

/// Two nodes of a binary tree per leaf.
const BVH_BYTES_PER_LEAF: u64 = 64;

fn device_bytes_estimate(scene: &Scene, stats: &SceneStats, materials: &PartMaterials) -> u64 {
    let bytes = |n: u64, size: usize| n.saturating_mul(size as u64);
    let unique_vertices: u64 = scene.meshes.iter().map(|mesh| mesh.vertex_count()).sum();
    let slots: u64 = scene.parts.iter().map(|part| scene.meshes[part.mesh.0 as usize].primitives.len() as u64).sum();
    let mut images: Vec<_> = scene.textures.iter().map(|texture| &texture.image).collect();
    images.sort_by_key(|image| std::sync::Arc::as_ptr(image));
    images.dedup_by_key(|image| std::sync::Arc::as_ptr(image));
    let texels: u64 = images.iter().map(|image| image.rgba8.len() as u64).sum();
    // Parts that wear a design share no geometry.
    let worn = scene.designs.iter().flat_map(|design| &design.surfaces);
    let baked: u64 = worn
        .map(|(part, at)| {
            scene.meshes[scene.parts[part.0 as usize].mesh.0 as usize].primitives[*at].triangles.len() as u64
        })
        .sum();
    let texels_of_designs: u64 = scene.designs.iter().map(|design| design.texture.rgba8.len() as u64).sum();
    // Those of materials are kept in memory too, decoded.
    let pictures = materials.palette.iter().flat_map(|material| &material.textures).flat_map(Textures::all);
    let texels_of_materials: u64 = pictures.map(Texture::n_texels).sum();
    let parts = [
        bytes(unique_vertices, size_of::<Vertex>()),
        bytes(stats.unique_triangles, size_of::<Triangle>() + BVH_BYTES_PER_LEAF as usize),
        bytes(stats.instances as u64, size_of::<Instance>() + BVH_BYTES_PER_LEAF as usize),
        bytes(slots, size_of::<Slot>()),
        bytes(stats.materials as u64, size_of::<Material>()),
        bytes(texels, 4),
        bytes(texels_of_materials, 8),
        bytes(texels_of_designs, 8),
        bytes(baked, size_of::<Triangle>() + BVH_BYTES_PER_LEAF as usize),
    ];
    parts.iter().fold(0, |sum, &part| sum.saturating_add(part))
}

impl Preflight {
    /// Combines the findings of import, mapping and `more`. `must_map` says that no part may be unmapped.
    pub fn new(product: &Product, materials: &PartMaterials, more: &[Diagnostic], must_map: bool) -> Self {
        // A part without a name is a fault of the file: import reports it, with the node.
        let mapped = materials.diagnostics.iter().filter(|finding| finding.code != "unnamed_part");
        let found: Vec<_> = product.diagnostics.iter().chain(mapped).chain(more).cloned().collect();
        let is_wrong = found.iter().any(|finding| finding.severity == Severity::Error);
        let lacks_materials = must_map && materials.unmapped() > 0;
        Self {
            ok: !is_wrong && !lacks_materials,
            materials: materials.report.clone(),
            diagnostics: found,
            stats: Stats::new(&product.scene, &product.stats, materials),
            choices: Choices::from(&product.choices),
        }
    }
}
