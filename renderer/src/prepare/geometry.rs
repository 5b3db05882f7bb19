//! Turns meshes and parts into the shader's vertices, triangles, slots and instances, in render space.
//!
//! A mesh that many parts share stays one mesh with many instances, in its own local frame, unless the whole scene is
//! small. Parts with a mesh of their own are baked into one mesh: nested parts, such as the rings of a bearing, have
//! overlapping boxes, and one tree over all their triangles is faster to traverse than one for each part.

use glam::{Affine3A, DAffine3, DMat3, DVec3, Vec2, Vec3, Vec4};
use packshot_shaders::constants::{SLOT_FLAT, SLOT_HAS_EXTRAS};
use packshot_shaders::layout::scene::{Slot, Triangle, Vertex, VertexExtra};
use packshot_traversal::{AccelInstance, AccelMesh};

use super::RenderSpace;
use super::relief::Reliefs;
use super::shells::MixedShells;
use crate::inspect::bodies::InwardFaces;
use crate::scene::{Mesh, MeshIdx, Part, Primitive, Scene};

/// Scenes that draw at most this many triangles (and three times as many vertices) are baked whole: about 100 bytes per
/// triangle, and no second level to traverse.
const BAKED_TRIANGLES_MAX: usize = 1 << 19;

/// The shader's arrays, and what the acceleration structure is built from.
#[derive(Debug, Default)]
pub(crate) struct Geometry {
    pub vertices: Vec<Vertex>,
    pub vertex_extras: Vec<VertexExtra>,
    pub triangles: Vec<Triangle>,
    pub slots: Vec<Slot>,
    /// Each distinct mesh as a range of `triangles`.
    pub meshes: Vec<std::ops::Range<usize>>,
    pub instances: Vec<PlacedMesh>,
}

/// An instance of a distinct mesh.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlacedMesh {
    pub mesh: u32,
    pub world_from_local: DAffine3,
    pub slot_base: u32,
}

impl Geometry {
    /// `worn` has the shader's material for the primitives of each part, `mixed` those of faces that wear another one;
    /// faces listed in `inward` are flipped;
    /// `reliefs` lays out the relief of materials that have one. Returns `None` when cancelled, which is polled for
    /// each part.
    pub(crate) fn new(
        scene: &Scene,
        space: &RenderSpace,
        worn: &[Vec<u32>],
        mixed: &MixedShells,
        inward: &InwardFaces,
        reliefs: &mut Reliefs<'_>,
        cancelled: &dyn Fn() -> bool,
    ) -> Option<Self> {
        let mut out = Self::default();
        let mut uses = vec![0_usize; scene.meshes.len()];
        for part in &scene.parts {
            uses[part.mesh.0 as usize] += 1;
        }
        let mut wears_design = vec![false; scene.parts.len()];
        let drawn: usize = scene.parts.iter().map(|part| triangle_count(&scene.meshes[part.mesh.0 as usize])).sum();
        let drawn_vertices: usize =
            scene.parts.iter().map(|part| vertex_count(&scene.meshes[part.mesh.0 as usize])).sum();
        let small = drawn <= BAKED_TRIANGLES_MAX && drawn_vertices <= 3 * BAKED_TRIANGLES_MAX;
        // Designs are placed in render space, which is the frame of what is baked.
        for (worn, _) in scene.designs.iter().flat_map(|design| &design.surfaces) {
            wears_design[worn.0 as usize] = true;
        }
        let baked = |at: usize, part: &Part| small || uses[part.mesh.0 as usize] == 1 || wears_design[at];

        for (part_idx, part) in scene.parts.iter().enumerate().filter(|(at, part)| baked(*at, part)) {
            if cancelled() {
                return None;
            }
            let render_from_part = space.from_world() * part.world_from_part;
            for (primitive_idx, primitive) in scene.meshes[part.mesh.0 as usize].primitives.iter().enumerate() {
                if cancelled() {
                    return None;
                }
                let slot = out.slots.len() as u32;
                let faces = Faces::of(part.mesh, primitive_idx, mixed, inward);
                out.push_primitive(primitive, faces, &render_from_part, slot);
                for material in mixed.worn(part_idx, part.mesh.0, primitive_idx, worn[part_idx][primitive_idx]) {
                    let relief = reliefs.place(part, material, &render_from_part, 1.0);
                    let projection = reliefs.project(part, primitive, material, &render_from_part, 1.0);
                    let slot = Slot { material, part: part_idx as u32, relief, projection, ..Slot::default() };
                    out.push_slot(primitive, slot);
                }
            }
        }
        if !out.triangles.is_empty() {
            out.meshes.push(0..out.triangles.len());
            out.instances.push(PlacedMesh { mesh: 0, world_from_local: DAffine3::IDENTITY, slot_base: 0 });
        }

        let mut shared: Vec<Option<SharedMesh>> = vec![None; scene.meshes.len()];
        for (part_idx, part) in scene.parts.iter().enumerate().filter(|(at, part)| !baked(*at, part)) {
            if cancelled() {
                return None;
            }
            let mesh = &scene.meshes[part.mesh.0 as usize];
            if triangle_count(mesh) == 0 {
                continue;
            }
            let placed = shared[part.mesh.0 as usize]
                .get_or_insert_with(|| out.push_shared(part.mesh, mesh, mixed, inward))
                .clone();
            let slot_base = out.slots.len() as u32;
            let world_from_local = space.from_world() * part.world_from_part * placed.part_from_local;
            let (local_from_part, scale) =
                (placed.part_from_local.inverse(), world_from_local.matrix3.determinant().abs().cbrt());
            for (primitive_idx, (primitive, &(first_vertex, first_extra))) in
                mesh.primitives.iter().zip(&placed.first).enumerate()
            {
                let flags = slot_flags(primitive);
                let extra_base = first_extra.wrapping_sub(first_vertex);
                for material in mixed.worn(part_idx, part.mesh.0, primitive_idx, worn[part_idx][primitive_idx]) {
                    let relief = reliefs.place(part, material, &local_from_part, scale);
                    let projection = reliefs.project(part, primitive, material, &local_from_part, scale);
                    let part = part_idx as u32;
                    out.slots.push(Slot { material, part, flags, extra_base, relief, projection, ..Slot::default() });
                }
            }
            out.instances.push(PlacedMesh { mesh: placed.mesh, world_from_local, slot_base });
        }
        Some(out)
    }

    /// The vertices of every triangle, for the acceleration structure.
    pub(crate) fn corners(&self) -> Vec<[Vec3; 3]> {
        let at = |i: u32| self.vertices[i as usize].position;
        self.triangles.iter().map(|t| [at(t.v0), at(t.v1), at(t.v2)]).collect()
    }

    /// What the acceleration structure is built from.
    pub(crate) fn accel_input<'a>(&self, corners: &'a [[Vec3; 3]]) -> (Vec<AccelMesh<'a>>, Vec<AccelInstance>) {
        let mesh = |range: &std::ops::Range<usize>| AccelMesh {
            triangles: &corners[range.clone()],
            first_triangle: range.start as u32,
        };
        let instance = |placed: &PlacedMesh| AccelInstance {
            mesh: placed.mesh,
            world_from_local: affine(&placed.world_from_local),
            local_from_world: affine(&placed.world_from_local.inverse()),
        };
        (self.meshes.iter().map(mesh).collect(), self.instances.iter().map(instance).collect())
    }

    fn push_shared(&mut self, idx: MeshIdx, mesh: &Mesh, mixed: &MixedShells, inward: &InwardFaces) -> SharedMesh {
        let part_from_local = local_frame(mesh);
        let local_from_part = part_from_local.inverse();
        let start = self.triangles.len();
        let mut first = Vec::with_capacity(mesh.primitives.len());
        let mut slot = 0;
        for (at, primitive) in mesh.primitives.iter().enumerate() {
            first.push((self.vertices.len() as u32, self.vertex_extras.len() as u32));
            self.push_primitive(primitive, Faces::of(idx, at, mixed, inward), &local_from_part, slot);
            slot += mixed.n_pieces(idx.0, at) as u32;
        }
        self.meshes.push(start..self.triangles.len());
        SharedMesh { mesh: (self.meshes.len() - 1) as u32, part_from_local, first }
    }

    /// Appends vertices and triangles, transformed by `target_from_part`, and flipped where they face inwards. Those of
    /// its first piece have this slot, and those of others the next ones.
    fn push_primitive(&mut self, primitive: &Primitive, faces: Faces<'_>, target_from_part: &DAffine3, slot: u32) {
        let first = self.vertices.len() as u32;
        let mirrored = target_from_part.matrix3.determinant() < 0.0;
        let normal_matrix = inverse_transpose(&target_from_part.matrix3);
        let flat = primitive.normals.is_empty();
        let moved_normal = |n: Vec3| (normal_matrix * n.as_dvec3()).normalize_or_zero().as_vec3();
        self.vertices.extend(primitive.positions.iter().enumerate().map(|(i, p)| {
            let uv = primitive.uvs[0].get(i).copied().unwrap_or(Vec2::ZERO);
            Vertex {
                position: target_from_part.transform_point3(p.as_dvec3()).as_vec3(),
                uv0_u: uv.x,
                normal: if flat { Vec3::ZERO } else { moved_normal(primitive.normals[i]) },
                uv0_v: uv.y,
            }
        }));
        // Mirroring reverses the winding of triangles; swapping two corners restores it.
        self.triangles.extend(primitive.triangles.iter().enumerate().map(|(i, t)| {
            let is_turned = mirrored != faces.inward.is_some_and(|inward| inward[i]);
            let [a, b, c] = if is_turned { [t[0], t[2], t[1]] } else { *t };
            let piece = faces.pieces.map_or(0, |pieces| pieces[i]);
            Triangle { v0: first + a, v1: first + b, v2: first + c, slot: slot + piece }
        }));
        if slot_flags(primitive) & SLOT_HAS_EXTRAS != 0 {
            let bitangent_sign = if mirrored { -1.0 } else { 1.0 };
            self.vertex_extras.extend((0..primitive.positions.len()).map(|i| {
                let tangent = primitive.tangents.get(i).copied().unwrap_or(Vec4::ZERO);
                let along = (target_from_part.matrix3 * tangent.truncate().as_dvec3()).normalize_or_zero().as_vec3();
                VertexExtra {
                    tangent: along.extend(tangent.w * bitangent_sign),
                    color: primitive.colors.get(i).copied().unwrap_or(Vec4::ONE),
                    uv1: primitive.uvs[1].get(i).copied().unwrap_or(Vec2::ZERO),
                    ..VertexExtra::default()
                }
            }));
        }
    }

    /// The slot of the primitive that was pushed last.
    fn push_slot(&mut self, primitive: &Primitive, slot: Slot) {
        let n = primitive.positions.len();
        let flags = slot_flags(primitive);
        let first_vertex = (self.vertices.len() - n) as u32;
        let extra_base = if flags & SLOT_HAS_EXTRAS != 0 {
            ((self.vertex_extras.len() - n) as u32).wrapping_sub(first_vertex)
        } else {
            0
        };
        self.slots.push(Slot { flags, extra_base, ..slot });
    }
}

/// What is known of each triangle of a primitive.
#[derive(Clone, Copy)]
struct Faces<'a> {
    /// Whether it faces inwards by mistake; `None` if none does.
    inward: Option<&'a [bool]>,
    /// Its piece of the primitive; `None` if that is one piece.
    pieces: Option<&'a [u32]>,
}

impl<'a> Faces<'a> {
    fn of(mesh: MeshIdx, primitive: usize, mixed: &'a MixedShells, inward: &'a InwardFaces) -> Self {
        Self { inward: inward.of_primitive(mesh.0, primitive), pieces: mixed.pieces(mesh.0, primitive) }
    }
}

#[derive(Clone, Debug)]
struct SharedMesh {
    mesh: u32,
    part_from_local: DAffine3,
    /// First vertex and first vertex extra of each primitive.
    first: Vec<(u32, u32)>,
}

fn triangle_count(mesh: &Mesh) -> usize {
    mesh.primitives.iter().map(|p| p.triangles.len()).sum()
}

fn vertex_count(mesh: &Mesh) -> usize {
    mesh.primitives.iter().map(|p| p.positions.len()).sum()
}

fn slot_flags(primitive: &Primitive) -> u32 {
    let extras = !(primitive.tangents.is_empty() && primitive.uvs[1].is_empty() && primitive.colors.is_empty());
    (if primitive.normals.is_empty() { SLOT_FLAT } else { 0 }) | (if extras { SLOT_HAS_EXTRAS } else { 0 })
}

/// A frame in which the mesh fits [-1, 1]: single precision then resolves it wherever and at whatever size it was
/// modelled.
fn local_frame(mesh: &Mesh) -> DAffine3 {
    let (mut min, mut max) = (DVec3::INFINITY, DVec3::NEG_INFINITY);
    for p in mesh.primitives.iter().flat_map(|primitive| &primitive.positions) {
        min = min.min(p.as_dvec3());
        max = max.max(p.as_dvec3());
    }
    let half = (0.5 * (max - min)).max_element();
    let scale = if half > 0.0 { half } else { 1.0 };
    DAffine3::from_translation(0.5 * (min + max)) * DAffine3::from_scale(DVec3::splat(scale))
}

fn affine(a: &DAffine3) -> Affine3A {
    a.as_affine3a()
}

fn inverse_transpose(m: &DMat3) -> DMat3 {
    m.inverse().transpose()
}
