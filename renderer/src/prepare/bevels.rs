//! Which triangles lie so close to a sharp edge that the edge's rounding shows on them: what `stage/bevel.wgsl` reads.
//!
//! Triangles are joined by equal positions, so it does not matter how a file splits a part into primitives or
//! duplicates its vertices. An edge is sharp where the shading normals differ across it; the facets of a smooth surface
//! have no sharp edges.

use std::collections::HashMap;

use glam::Vec3;
use packshot_shaders::constants::SLOT_FLAT;
use packshot_shaders::layout::bevel::BevelEdge;

use super::bindable;
use super::geometry::Geometry;

/// An edge is sharp where the cosine between the normals is below this: an angle of more than 20 degrees.
const SHARP_COS: f32 = 0.94;
/// Below this cosine both sides of an edge belong to a thin blade, which is too thin to be rounded.
const BLADE_COS: f32 = -0.95;
/// Most edge segments that count on one triangle.
const TRIANGLE_EDGES_MAX: usize = 64;
/// Most edge segments in all, 64 bytes each; parts beyond that stay sharp.
const EDGES_MAX: usize = 1 << 21;

/// Edges listed by triangle.
#[derive(Debug)]
pub(crate) struct Bevels {
    /// For every triangle of rounded slots, the index of its first edge; the next entry is the end.
    pub(crate) index: Vec<u32>,
    /// Edge segments, in the frame of their mesh.
    pub(crate) edges: Vec<BevelEdge>,
    /// Placed parts that stay sharp because there are too many edge segments.
    pub(crate) n_left_out: u64,
}

impl Bevels {
    /// Finds the edges of the slots whose material has a rounding radius (in render units), and records in each slot
    /// where its edges are. `None` when cancelled.
    pub(crate) fn new(geometry: &mut Geometry, radii: &[f64], cancelled: &dyn Fn() -> bool) -> Option<Self> {
        let mut out = Self { index: Vec::new(), edges: Vec::new(), n_left_out: 0 };
        let mut known: HashMap<(u32, Vec<u32>), u32> = HashMap::new();
        for placed in geometry.instances.clone() {
            let units_per_local = placed.world_from_local.matrix3.determinant().abs().cbrt();
            let range = geometry.meshes[placed.mesh as usize].clone();
            for piece in pieces(geometry, range, placed.slot_base) {
                if cancelled() {
                    return None;
                }
                let slots = piece.slots.clone();
                let radius_of = |slot: usize| {
                    let radius = radii.get(geometry.slots[slot].material as usize).copied().unwrap_or(0.0);
                    (radius / units_per_local) as f32
                };
                let of_slots: Vec<f32> = slots.clone().map(radius_of).collect();
                if of_slots.iter().all(|&radius| radius <= 0.0) {
                    continue;
                }
                let key = (piece.triangles.start as u32, of_slots.iter().map(|radius| radius.to_bits()).collect());
                let base = match known.get(&key) {
                    Some(&base) => base,
                    None if out.edges.len() >= EDGES_MAX => {
                        out.n_left_out += 1;
                        continue;
                    }
                    None => *known.entry(key).or_insert(out.push(geometry, &piece, &of_slots)),
                };
                for (slot, radius) in slots.zip(of_slots) {
                    (geometry.slots[slot].bevel, geometry.slots[slot].bevel_radius) = (base, radius);
                }
            }
        }
        out.index = bindable(out.index);
        out.edges = bindable(out.edges);
        Some(out)
    }

    /// Bytes of memory held.
    pub(crate) fn size_bytes(&self) -> usize {
        size_of_val(&*self.index) + size_of_val(&*self.edges)
    }

    /// Appends the entries of a piece. Returns the offset from a triangle's number to its entry.
    fn push(&mut self, geometry: &Geometry, piece: &Piece, radii: &[f32]) -> u32 {
        let base = (self.index.len() as u32).wrapping_sub(piece.triangles.start as u32);
        for edges in Topology::new(geometry, piece).edges_near(radii) {
            self.index.push(self.edges.len() as u32);
            self.edges.extend(edges);
        }
        self.index.push(self.edges.len() as u32);
        base
    }
}

/// The triangles of a part within a mesh, and the part's slots.
struct Piece {
    triangles: std::ops::Range<usize>,
    slots: std::ops::Range<usize>,
    slot_base: u32,
}

/// The parts of a placed mesh: several where parts were baked into one mesh.
fn pieces(geometry: &Geometry, triangles: std::ops::Range<usize>, slot_base: u32) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    for triangle in triangles {
        let slot = (slot_base + geometry.triangles[triangle].slot) as usize;
        let part = geometry.slots[slot].part;
        match out.last_mut() {
            Some(last) if geometry.slots[last.slots.start].part == part => {
                last.triangles.end = triangle + 1;
                last.slots.end = last.slots.end.max(slot + 1);
            }
            _ => out.push(Piece { triangles: triangle..triangle + 1, slots: slot..slot + 1, slot_base }),
        }
    }
    out
}

/// How the triangles of a part are connected.
struct Topology {
    corners: Vec<[Vec3; 3]>,
    /// For each triangle, the index of its slot within the piece.
    slots: Vec<usize>,
    /// For each triangle, its neighbours across edges that are not sharp.
    neighbours: Vec<[Option<u32>; 3]>,
    sharp: Vec<SharpEdge>,
}

struct SharpEdge {
    piece: BevelEdge,
    /// The triangles on either side.
    sides: [u32; 2],
}

impl Topology {
    fn new(geometry: &Geometry, piece: &Piece) -> Self {
        let triangles = &geometry.triangles[piece.triangles.clone()];
        let position = |vertex: u32| geometry.vertices[vertex as usize].position;
        let mut places: HashMap<[u32; 3], u32> = HashMap::new();
        let mut place = |vertex: u32| {
            let n = places.len() as u32;
            // Adding zero turns −0 into +0, so that both hash alike.
            *places.entry((position(vertex) + Vec3::ZERO).to_array().map(f32::to_bits)).or_insert(n)
        };
        let mut around: HashMap<[u32; 2], Vec<(u32, usize)>> = HashMap::new();
        for (i, triangle) in triangles.iter().enumerate() {
            let at = [triangle.v0, triangle.v1, triangle.v2].map(&mut place);
            for side in 0..3 {
                let (a, b) = (at[side], at[(side + 1) % 3]);
                if a != b {
                    around.entry([a.min(b), a.max(b)]).or_default().push((i as u32, side));
                }
            }
        }
        let corners = triangles.iter().map(|t| [t.v0, t.v1, t.v2].map(position)).collect();
        let slot = |i: usize| (piece.slot_base + triangles[i].slot) as usize - piece.slots.start;
        let slots: Vec<usize> = (0..triangles.len()).map(slot).collect();
        let mut out = Self { corners, slots, neighbours: vec![[None; 3]; triangles.len()], sharp: Vec::new() };
        let normal_at = |i: u32, corner: usize| {
            let triangle = &triangles[i as usize];
            let vertices = [triangle.v0, triangle.v1, triangle.v2];
            if geometry.slots[(piece.slot_base + triangle.slot) as usize].flags & SLOT_FLAT != 0 {
                let [a, b, c] = vertices.map(position);
                return (b - a).cross(c - a).normalize_or_zero();
            }
            geometry.vertices[vertices[corner % 3] as usize].normal
        };
        // Sorted into the order of the file: a hash map has none.
        let mut edges: Vec<_> = around.into_values().collect();
        edges.sort_unstable();
        for edge in edges {
            let [one, other] = edge[..] else { continue };
            let corners = out.corners[one.0 as usize];
            let (begin, end) = (corners[one.1], corners[(one.1 + 1) % 3]);
            // The neighbour may traverse the edge in either direction.
            let opposite = usize::from(out.corners[other.0 as usize][other.1] != begin);
            let at_begin = [normal_at(one.0, one.1), normal_at(other.0, other.1 + opposite)];
            let at_end = [normal_at(one.0, one.1 + 1), normal_at(other.0, other.1 + 1 - opposite)];
            let cosine = 0.5 * (at_begin[0].dot(at_begin[1]) + at_end[0].dot(at_end[1]));
            if cosine > SHARP_COS {
                out.neighbours[one.0 as usize][one.1] = Some(other.0);
                out.neighbours[other.0 as usize][other.1] = Some(one.0);
            } else if cosine > BLADE_COS {
                let middle = |normals: [Vec3; 2]| (normals[0] + normals[1]).normalize_or_zero();
                let (middle_begin, middle_end) = (middle(at_begin), middle(at_end));
                let piece = BevelEdge { begin, end, middle_begin, middle_end, ..BevelEdge::default() };
                out.sharp.push(SharpEdge { piece, sides: [one.0, other.0] });
            }
        }
        out
    }

    /// For each triangle, the edges within reach of its slot's radius that lie on its own side.
    fn edges_near(&self, radii: &[f32]) -> Vec<Vec<BevelEdge>> {
        let mut near: Vec<Vec<BevelEdge>> = vec![Vec::new(); self.corners.len()];
        let mut seen = vec![0_u32; self.corners.len()];
        let mut waiting = Vec::new();
        let mut walk = 0;
        for edge in &self.sharp {
            let ends = [edge.piece.begin, edge.piece.end];
            for side in edge.sides {
                walk += 1;
                seen[side as usize] = walk;
                waiting.push(side);
                while let Some(triangle) = waiting.pop() {
                    let at = triangle as usize;
                    if distance_to_triangle(ends, &self.corners[at]) >= radii[self.slots[at]] {
                        continue;
                    }
                    if near[at].len() < TRIANGLE_EDGES_MAX {
                        near[at].push(edge.piece);
                    }
                    for next in self.neighbours[at].into_iter().flatten() {
                        if seen[next as usize] != walk {
                            seen[next as usize] = walk;
                            waiting.push(next);
                        }
                    }
                }
            }
        }
        near
    }
}

/// Distance between an edge segment and a triangle that do not intersect.
fn distance_to_triangle(ends: [Vec3; 2], triangle: &[Vec3; 3]) -> f32 {
    let side = |i: usize| distance_of_segments(ends, [triangle[i], triangle[(i + 1) % 3]]);
    side(0).min(side(1)).min(side(2))
}

/// Distance between two segments (Ericson 2005, "Real-Time Collision Detection", section 5.1.9).
fn distance_of_segments([p, p_end]: [Vec3; 2], [q, q_end]: [Vec3; 2]) -> f32 {
    let (d1, d2, r) = (p_end - p, q_end - q, p - q);
    let (a, e, f) = (d1.length_squared(), d2.length_squared(), d2.dot(r));
    if a <= 0.0 || e <= 0.0 {
        let s = if a > 0.0 { (-d1.dot(r) / a).clamp(0.0, 1.0) } else { 0.0 };
        let t = if e > 0.0 { (f / e).clamp(0.0, 1.0) } else { 0.0 };
        return (p + d1 * s - q - d2 * t).length();
    }
    let (b, c) = (d1.dot(d2), d1.dot(r));
    let denominator = a * e - b * b;
    let s = if denominator > 1e-12 * a * e { ((b * f - c * e) / denominator).clamp(0.0, 1.0) } else { 0.0 };
    let t = (b * s + f) / e;
    let s = if t < 0.0 {
        (-c / a).clamp(0.0, 1.0)
    } else if t > 1.0 {
        ((b - c) / a).clamp(0.0, 1.0)
    } else {
        s
    };
    (p + d1 * s - q - d2 * t.clamp(0.0, 1.0)).length()
}

#[cfg(test)]
mod tests;
