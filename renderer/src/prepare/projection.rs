//! How the pictures of library materials lie on the parts that wear them: the entries of `tables` that
//! `stage/projection.wgsl` reads.

use glam::{DAffine3, DVec3, Vec2};
use packshot_materials::library::{Projection, Textures};
use packshot_shaders::constants::PROJECT_BY_COORDINATES;

use super::material::Tables;
use super::relief::Shape;
use crate::scene::Primitive;

/// Whether texture coordinates say anything: some exporters write the same for every vertex.
fn has_extent(uvs: &[Vec2]) -> bool {
    let Some(&first) = uvs.first() else { return false };
    let (min, max) = uvs.iter().fold((first, first), |(min, max), uv| (min.min(*uv), max.max(*uv)));
    (max - min).min_element() > 0.0
}

/// What a slot names: an entry of `tables`, PROJECT_BY_COORDINATES, or 0 without pictures.
///
/// `local_from_part` maps to the frame of the primitive's triangles, in which a unit is `mm_per_local` millimetres.
pub(super) fn place(
    textures: Option<&Textures>,
    primitive: &Primitive,
    shape: &Shape,
    local_from_part: &DAffine3,
    mm_per_local: f64,
    tables: &mut Tables,
) -> u32 {
    let Some(textures) = textures else { return 0 };
    if textures.projection == Projection::Auto && has_extent(&primitive.uvs[0]) {
        return PROJECT_BY_COORDINATES;
    }
    let [longest, middle] = shape.longest_axes().map(|axis| (local_from_part.matrix3 * axis).normalize_or(DVec3::X));
    // Upright to each other whatever the part's transform: scaling and shear bend axes.
    let middle = middle.reject_from_normalized(longest).try_normalize().unwrap_or(longest.any_orthonormal_vector());
    let shortest = longest.cross(middle);
    let origin = local_from_part.transform_point3(shape.center);
    let repeats_per_local = mm_per_local / f64::from(textures.mm_per_repeat);
    let entry = [longest, middle, shortest, origin].map(|vector| vector.as_vec3().to_array());
    let entry: Vec<f32> = entry.into_iter().flatten().chain([repeats_per_local as f32]).collect();
    tables.entry(&entry)
}
