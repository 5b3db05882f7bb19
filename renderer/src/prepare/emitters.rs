//! Emissive triangles, in a tree through which light samples find those that matter for a point.
//!
//! Every triangle of an emissive material becomes an emitter whose power is its mean luminance times its area. From the
//! tree over them ([`tree`]) the shader chooses by power, distance and orientation. A ray that meets an emissive
//! surface by chance asks the same tree for the probability of that choice, so that both techniques combine by multiple
//! importance sampling.
//!
//! Leaving an emitter out here loses no light: a surface that light sampling never chooses counts in full where a
//! scattered ray hits it.

use glam::{DVec3, Vec3};
use packshot_native::stages::{Bindings, baseline};
use packshot_shaders::constants::{MATERIAL_UNLIT, NONE, SLOT_HAS_EXTRAS, SLOT_SAMPLED_INSIDE, SLOT_SAMPLED_OUTSIDE};
use packshot_shaders::layout::emitter::{Emitter, EmitterNode};
use packshot_shaders::layout::scene::{Material, RenderParams, Slot, Texture};
use rayon::prelude::*;

use super::bindable;
use super::geometry::{Geometry, PlacedMesh};
use super::material::Tables;

#[cfg(test)]
mod tests;
mod tree;

use tree::Item;

/// Most emitters, of some 150 bytes each while the tree is built. Beyond this, surfaces with the least power per
/// triangle are found by scattered rays alone.
const EMITTERS_MAX: usize = 1 << 20;
/// Least power per area of a triangle of a textured surface, as a fraction of the surface's mean: a texture is read at
/// a few points of a triangle only, and what lies between them may be emissive.
const TEXTURED_FLOOR: f64 = 0.2;
/// A surface counts as closed if the area-weighted sum of its triangles' normals is shorter than this fraction of its
/// area.
const CLOSED: f64 = 1e-3;

/// The shader's arrays, never empty.
#[derive(Clone, Debug)]
pub(crate) struct Emitters {
    /// The tree.
    pub nodes: Vec<EmitterNode>,
    /// Triangles of the tree's leaves.
    pub emitters: Vec<Emitter>,
    /// First, for every slot, where its triangles' entries begin, minus the slot's first triangle (wrapping); then the
    /// entries.
    pub index: Vec<u32>,
    /// Luminance times area, summed over all emitters: about the irradiance that they bring to a point at distance 1. 0
    /// when no emitter is sampled.
    pub irradiance: f64,
    /// Triangles that only scattered rays find.
    pub n_left_out: u64,
}

/// Everything that the radiance of a material is read from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Emission<'a> {
    pub materials: &'a [Material],
    pub textures: &'a [Texture],
    pub texels: &'a [u32],
}

/// The triangles of one primitive in one placed mesh.
#[derive(Clone, Debug)]
struct Surface {
    instance: u32,
    /// Index into `Geometry::slots`.
    slot: u32,
    triangles: std::ops::Range<usize>,
    /// Decides which surfaces are sampled.
    power_per_triangle: f64,
}

impl Emitters {
    /// For products without emitters.
    pub(crate) fn none() -> Self {
        let (nodes, emitters, index) = (bindable(Vec::new()), bindable(Vec::new()), bindable(Vec::new()));
        Self { nodes, emitters, index, irradiance: 0.0, n_left_out: 0 }
    }

    /// Finds the emitters of a product and marks on each slot which of its sides are sampled. `None` when cancelled.
    pub(crate) fn new(geometry: &mut Geometry, emission: Emission<'_>, cancelled: &dyn Fn() -> bool) -> Option<Self> {
        Self::with_limit(geometry, emission, EMITTERS_MAX, cancelled)
    }

    fn with_limit(
        geometry: &mut Geometry,
        emission: Emission<'_>,
        n_max: usize,
        cancelled: &dyn Fn() -> bool,
    ) -> Option<Self> {
        let (surfaces, n_left_out) = surfaces(geometry, emission.materials, n_max);
        if surfaces.is_empty() {
            return Some(Self { n_left_out, ..Self::none() });
        }
        let emissive = EmissiveSurfaces { geometry, emission, tables: Tables::new().into_values() };
        let read: Vec<(Vec<Item>, u32)> = surfaces.par_iter().map(|surface| emissive.items(surface)).collect();
        let n_slots = geometry.slots.len();
        let mut index = vec![NONE; n_slots];
        let mut items = Vec::new();
        for (surface, (of_surface, sides)) in surfaces.iter().zip(read) {
            geometry.slots[surface.slot as usize].flags |= sides;
            let begin = index.len() as u32;
            index[surface.slot as usize] = begin.wrapping_sub(surface.triangles.start as u32);
            index.resize(index.len() + surface.triangles.len(), NONE);
            let first = surface.triangles.start as u32;
            items.extend(of_surface.into_iter().map(|item| Item { entry: begin + (item.triangle - first), ..item }));
        }
        if cancelled() {
            return None;
        }
        let irradiance: f64 = items.iter().map(|item| item.power).sum();
        if irradiance <= 0.0 {
            return Some(Self { n_left_out, ..Self::none() });
        }
        let (nodes, emitters) = tree::build(&mut items, irradiance, cancelled)?;
        for (i, item) in items.iter().enumerate() {
            index[item.entry as usize] = i as u32;
        }
        Some(Self { nodes, emitters, index, irradiance, n_left_out })
    }

    /// Bytes of memory held.
    pub(crate) fn size_bytes(&self) -> usize {
        size_of_val(&*self.nodes) + size_of_val(&*self.emitters) + size_of_val(&*self.index)
    }
}

/// The surfaces to sample, in the order of instances and slots, and how many triangles only scattered rays will find.
fn surfaces(geometry: &Geometry, materials: &[Material], n_max: usize) -> (Vec<Surface>, u64) {
    let shines = |slot: &Slot| {
        let material = &materials[slot.material as usize];
        // Coat and fuzz dim emitted light depending on its angle, which light samples do not evaluate: scattered rays
        // find such emitters.
        let is_bare = material.coat_weight == 0.0 && material.fuzz_weight == 0.0;
        material.flags & MATERIAL_UNLIT == 0 && material.emission.max_element() > 0.0 && is_bare
    };
    if !geometry.slots.iter().any(shines) {
        return (Vec::new(), 0);
    }
    // Triangles of one slot are contiguous. Areas are in the mesh's frame.
    let runs: Vec<Vec<(u32, std::ops::Range<usize>, f64)>> =
        geometry.meshes.par_iter().map(|mesh| slot_runs(geometry, mesh)).collect();
    let mut surfaces = Vec::new();
    for (i, placed) in geometry.instances.iter().enumerate() {
        let scale2 = placed.world_from_local.matrix3.determinant().abs().powf(2.0 / 3.0);
        for (slot, triangles, area) in &runs[placed.mesh as usize] {
            let slot = placed.slot_base + slot;
            if !shines(&geometry.slots[slot as usize]) {
                continue;
            }
            let material = geometry.slots[slot as usize].material;
            let luminance = luminance(materials[material as usize].emission);
            let power_per_triangle = luminance * area * scale2 / triangles.len() as f64;
            surfaces.push(Surface { instance: i as u32, slot, triangles: triangles.clone(), power_per_triangle });
        }
    }
    let n_all: usize = surfaces.iter().map(|surface| surface.triangles.len()).sum();
    if n_all <= n_max {
        return (surfaces, 0);
    }
    surfaces.sort_by(|a, b| b.power_per_triangle.total_cmp(&a.power_per_triangle));
    let mut n_kept = 0;
    surfaces.retain(|surface| {
        let fits = n_kept + surface.triangles.len() <= n_max;
        n_kept += if fits { surface.triangles.len() } else { 0 };
        fits
    });
    surfaces.sort_by_key(|surface| surface.slot);
    (surfaces, (n_all - n_kept) as u64)
}

/// Slots (relative to the instance's first) with their triangles and area, for the triangles of a mesh.
fn slot_runs(geometry: &Geometry, mesh: &std::ops::Range<usize>) -> Vec<(u32, std::ops::Range<usize>, f64)> {
    let position = |vertex: u32| geometry.vertices[vertex as usize].position.as_dvec3();
    let mut runs: Vec<(u32, std::ops::Range<usize>, f64)> = Vec::new();
    for i in mesh.clone() {
        let t = &geometry.triangles[i];
        let a = position(t.v0);
        let area = 0.5 * (position(t.v1) - a).cross(position(t.v2) - a).length();
        match runs.last_mut() {
            Some((slot, triangles, sum)) if *slot == t.slot => {
                triangles.end = i + 1;
                *sum += area;
            }
            _ => runs.push((t.slot, i..i + 1, area)),
        }
    }
    runs
}

/// Turns surfaces into emitters.
struct EmissiveSurfaces<'a> {
    geometry: &'a Geometry,
    emission: Emission<'a>,
    tables: Vec<f32>,
}

impl EmissiveSurfaces<'_> {
    /// The emitters of a surface, and the flags for the sides that are sampled.
    fn items(&self, surface: &Surface) -> (Vec<Item>, u32) {
        let slot = self.geometry.slots[surface.slot as usize];
        let placed = &self.geometry.instances[surface.instance as usize];
        let corners: Vec<[DVec3; 3]> = surface.triangles.clone().map(|i| self.corners(placed, i)).collect();
        let normals: Vec<DVec3> = corners.iter().map(|[a, b, c]| 0.5 * (*b - *a).cross(*c - *a)).collect();
        let mirrored = if placed.world_from_local.matrix3.determinant() < 0.0 { -1.0 } else { 1.0 };
        let (sides, outward) = sampled_sides(&corners, &normals, mirrored);
        let luminances = self.luminances(surface, &slot);
        let means = luminances.iter().zip(&normals).map(|(luminance, normal)| luminance * normal.length());
        let area: f64 = normals.iter().map(|normal| normal.length()).sum();
        let floor = TEXTURED_FLOOR * means.sum::<f64>() / area.max(f64::MIN_POSITIVE);
        let items = corners.iter().zip(&normals).zip(&luminances).zip(surface.triangles.clone());
        let items = items.filter_map(|((([a, b, c], normal), &luminance), triangle)| {
            let area = normal.length();
            let power = area * luminance.max(floor);
            // What rounds to zero in single precision is zero to the shader.
            (area > 1e-18 && power > 0.0).then(|| Item {
                min: a.min(*b).min(*c).as_vec3(),
                max: a.max(*b).max(*c).as_vec3(),
                normal: (*normal * (outward / area)).as_vec3(),
                both_sides: sides == SLOT_SAMPLED_OUTSIDE | SLOT_SAMPLED_INSIDE,
                power,
                instance: surface.instance,
                triangle: triangle as u32,
                entry: 0,
            })
        });
        (items.collect(), sides)
    }

    fn corners(&self, placed: &PlacedMesh, triangle: usize) -> [DVec3; 3] {
        let t = &self.geometry.triangles[triangle];
        [t.v0, t.v1, t.v2].map(|vertex| {
            let local = self.geometry.vertices[vertex as usize].position;
            placed.world_from_local.transform_point3(local.as_dvec3())
        })
    }

    /// Mean luminance of the radiance of each triangle.
    fn luminances(&self, surface: &Surface, slot: &Slot) -> Vec<f64> {
        let material = &self.emission.materials[slot.material as usize];
        if material.emission_texture == NONE {
            return vec![luminance(material.emission); surface.triangles.len()];
        }
        let params = RenderParams::default();
        let bindings = Bindings {
            textures: self.emission.textures,
            texels: self.emission.texels,
            tables: &self.tables,
            ..nothing(&params)
        };
        // The fewer triangles, the more of the texture each one covers.
        let n_places = (2048 / surface.triangles.len()).clamp(8, 256) as u32;
        let of_triangle = |i: usize| {
            let t = &self.geometry.triangles[i];
            let vertices = [t.v0, t.v1, t.v2].map(|v| &self.geometry.vertices[v as usize]);
            let has_extras = slot.flags & SLOT_HAS_EXTRAS != 0;
            let uv1 = [t.v0, t.v1, t.v2].map(|v| match has_extras {
                true => self.geometry.vertex_extras[slot.extra_base.wrapping_add(v) as usize].uv1,
                false => glam::Vec2::ZERO,
            });
            let uv0 = vertices.map(|v| glam::Vec2::new(v.uv0_u, v.uv0_v));
            let sum: f64 = (0..n_places)
                .map(|k| {
                    let w = place(k);
                    let mixed = |uv: &[glam::Vec2; 3]| uv[0] * w[0] + uv[1] * w[1] + uv[2] * w[2];
                    let texture = material.emission_texture;
                    let texel = baseline::texture_lookup(&bindings, texture, mixed(&uv0), mixed(&uv1), true);
                    luminance(material.emission * texel.truncate())
                })
                .sum();
            sum / f64::from(n_places)
        };
        surface.triangles.clone().map(of_triangle).collect()
    }
}

/// Which sides of a surface are sampled, and the factor that turns the cross product of a triangle's edges to the side
/// of its emitter's normal. A closed surface emits outwards only: its inside is visible only through the body itself.
fn sampled_sides(corners: &[[DVec3; 3]], normals: &[DVec3], mirrored: f64) -> (u32, f64) {
    let area: f64 = normals.iter().map(|normal| normal.length()).sum();
    let sum: DVec3 = normals.iter().sum();
    let origin = corners.first().map_or(DVec3::ZERO, |[a, ..]| *a);
    let volume: f64 = corners.iter().zip(normals).map(|([a, ..], normal)| (*a - origin).dot(*normal) / 3.0).sum();
    let is_closed = sum.length() <= CLOSED * area && volume.abs() > 1e-3 * area.powf(1.5) / 10.0;
    if !is_closed {
        return (SLOT_SAMPLED_OUTSIDE | SLOT_SAMPLED_INSIDE, 1.0);
    }
    // In a mirrored placement the cross product points inwards where the surface's own normals point outwards.
    let side = if volume.signum() * mirrored > 0.0 { SLOT_SAMPLED_OUTSIDE } else { SLOT_SAMPLED_INSIDE };
    (side, volume.signum())
}

/// Barycentric weights of point `k` of an even sequence over a triangle (R2, Roberts 2018, "The Unreasonable
/// Effectiveness of Quasirandom Sequences", folded over the diagonal).
fn place(k: u32) -> [f32; 3] {
    let at = |step: f64| ((f64::from(k) + 0.5) * step).fract() as f32;
    let (u, v) = (at(0.754_877_666_246_692_8), at(0.569_840_290_998_053_3));
    let (u, v) = if u + v > 1.0 { (1.0 - u, 1.0 - v) } else { (u, v) };
    [1.0 - u - v, u, v]
}

fn luminance(c: Vec3) -> f64 {
    f64::from(0.2126 * c.x + 0.7152 * c.y + 0.0722 * c.z)
}

/// Bindings of an empty scene.
fn nothing(params: &RenderParams) -> Bindings<'_> {
    Bindings {
        params,
        bvh_nodes: &[],
        bvh_triangles: &[],
        instances: &[],
        slots: &[],
        triangles: &[],
        vertices: &[],
        vertex_extras: &[],
        materials: &[],
        textures: &[],
        texels: &[],
        lights: &[],
        environment_texels: &[],
        environment_cdf: &[],
        environment_guide: &[],
        tables: &[],
        emitter_nodes: &[],
        emitters: &[],
        emitter_index: &[],
        bevel_index: &[],
        bevel_edges: &[],
    }
}
