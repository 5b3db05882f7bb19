//! Normals for primitives that have none, when smooth shading is requested.
//!
//! Two triangles that share an edge share the normals at its ends if the angle between them is within a limit; an edge
//! of one triangle, of three, or of two with opposite winding stays sharp. A corner's normal is therefore the mean of
//! the triangles that can be reached from its own across smooth edges around the same point, each weighted by its angle
//! there (G. Thürmer and C. A. Wüthrich, Computing Vertex Normals from Polygonal Facets, 1998). Vertices are joined by
//! equal positions, whatever their texture coordinates: a seam is not an edge.

use glam::{DVec3, Vec3};

use super::cancel::Cancel;
use super::error::ImportError;
use super::tangents::gather;
use crate::scene::Primitive;

/// Added to the angle, so that an edge of exactly that angle is smooth despite rounding.
const TOLERANCE_DEG: f64 = 0.01;

/// Adds smooth normals to a primitive without normals, across edges of up to `angle_deg`, 0 to 180. Vertices are
/// duplicated where the normal is discontinuous.
///
/// # Errors
/// When it is cancelled.
pub(super) fn shade(primitive: &mut Primitive, angle_deg: f64, cancel: Cancel<'_>) -> Result<(), ImportError> {
    let triangles = &primitive.triangles;
    let position = |vertex: u32| primitive.positions[vertex as usize].as_dvec3();
    let normal = |triangle: usize| {
        let [a, b, c] = triangles[triangle].map(position);
        (b - a).cross(c - a).normalize_or(DVec3::Z)
    };
    let angle_rad = (angle_deg + TOLERANCE_DEG).to_radians();
    let groups = Groups::new(&primitive.positions, triangles, normal, angle_rad, cancel)?;

    let mut sums = vec![Vec3::ZERO; 3 * triangles.len()];
    for triangle in 0..triangles.len() {
        cancel.check_at(triangle)?;
        let (normal, at) = (normal(triangle), triangles[triangle].map(position));
        for corner in 0..3 {
            let (next, previous) = (at[(corner + 1) % 3] - at[corner], at[(corner + 2) % 3] - at[corner]);
            let share = next.angle_between(previous) * normal;
            sums[groups.of[3 * triangle + corner] as usize] += share.as_vec3();
        }
    }

    // Each vertex of the file is split into one for each group of its corners.
    let corners = triangles.as_flattened();
    let mut order: Vec<u32> = (0..corners.len() as u32).collect();
    let wanted = |corner: u32| (corners[corner as usize], groups.of[corner as usize]);
    order.sort_unstable_by_key(|&corner| wanted(corner));
    let mut sources: Vec<u32> = Vec::new();
    let mut vertex_normals: Vec<Vec3> = Vec::new();
    let mut vertices = vec![0; corners.len()];
    for (place, alike) in order.chunk_by(|&one, &other| wanted(one) == wanted(other)).enumerate() {
        cancel.check_at(place)?;
        let (source, group) = wanted(alike[0]);
        // Where triangles cancel out, each keeps its own normal.
        let own = normal(alike[0] as usize / 3).as_vec3();
        vertex_normals.push(sums[group as usize].normalize_or(own));
        for &corner in alike {
            vertices[corner as usize] = sources.len() as u32;
        }
        sources.push(source);
    }
    primitive.triangles.as_flattened_mut().copy_from_slice(&vertices);
    primitive.normals = vertex_normals;
    gather(&mut primitive.positions, &sources);
    for uvs in &mut primitive.uvs {
        gather(uvs, &sources);
    }
    gather(&mut primitive.colors, &sources);
    Ok(())
}

/// Corners of triangles that share a normal.
struct Groups {
    /// For each corner, the first corner of its group.
    of: Vec<u32>,
}

impl Groups {
    fn new(
        positions: &[Vec3],
        triangles: &[[u32; 3]],
        normal: impl Fn(usize) -> DVec3,
        angle_rad: f64,
        cancel: Cancel<'_>,
    ) -> Result<Self, ImportError> {
        let points = points(positions);
        cancel.check()?;
        let corners = triangles.as_flattened();
        let next = |corner: u32| corner - corner % 3 + (corner + 1) % 3;
        let point = |corner: u32| points[corners[corner as usize] as usize];
        // Each side of a triangle by its two points and by the corner at which it begins; after sorting, the sides of
        // one edge are adjacent.
        let mut sides: Vec<([u32; 2], u32)> = (0..corners.len() as u32)
            .map(|corner| {
                let (from, to) = (point(corner), point(next(corner)));
                ([from.min(to), from.max(to)], corner)
            })
            .collect();
        sides.sort_unstable();
        cancel.check()?;
        let mut groups = Self { of: (0..corners.len() as u32).collect() };
        for (place, edge) in sides.chunk_by(|(one, _), (other, _)| one == other).enumerate() {
            cancel.check_at(place)?;
            let &[(_, one), (_, other)] = edge else { continue };
            let turn_alike = point(one) != point(other);
            if turn_alike && normal(one as usize / 3).angle_between(normal(other as usize / 3)) <= angle_rad {
                groups.join(one, next(other));
                groups.join(next(one), other);
            }
        }
        for corner in 0..corners.len() as u32 {
            groups.of[corner as usize] = groups.first(corner);
        }
        Ok(groups)
    }

    /// The first corner of a group, with path halving.
    fn first(&mut self, mut corner: u32) -> u32 {
        while self.of[corner as usize] != corner {
            let above = self.of[self.of[corner as usize] as usize];
            self.of[corner as usize] = above;
            corner = above;
        }
        corner
    }

    fn join(&mut self, one: u32, other: u32) {
        let (one, other) = (self.first(one), self.first(other));
        self.of[one.max(other) as usize] = one.min(other);
    }
}

/// For each vertex, the first vertex at its position.
fn points(positions: &[Vec3]) -> Vec<u32> {
    // Adding 0 turns −0 into +0.
    let key = |vertex: u32| (positions[vertex as usize] + Vec3::ZERO).to_array().map(f32::to_bits);
    let mut order: Vec<u32> = (0..positions.len() as u32).collect();
    order.sort_unstable_by_key(|&vertex| (key(vertex), vertex));
    let mut firsts = vec![0; positions.len()];
    for alike in order.chunk_by(|&one, &other| key(one) == key(other)) {
        for &vertex in alike {
            firsts[vertex as usize] = alike[0];
        }
    }
    firsts
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;

    fn primitive(positions: Vec<Vec3>, triangles: Vec<[u32; 3]>) -> Primitive {
        let (normals, tangents, uvs, colors) = Default::default();
        Primitive { positions, normals, tangents, uvs, colors, triangles, material: None }
    }

    /// A regular prism around Z, made of triangles that share no vertex, as in STL.
    fn prism(sides: u32) -> Primitive {
        let at = |i: u32, z: f32| {
            let angle = TAU * (i % sides) as f32 / sides as f32;
            Vec3::new(angle.cos(), angle.sin(), z)
        };
        let mut positions = Vec::new();
        for i in 0..sides {
            positions.extend([at(i, 0.0), at(i + 1, 0.0), at(i + 1, 1.0)]);
            positions.extend([at(i, 0.0), at(i + 1, 1.0), at(i, 1.0)]);
            positions.extend([at(i, 1.0), at(i + 1, 1.0), Vec3::Z]);
        }
        let triangles = (0..positions.len() as u32).step_by(3).map(|first| [first, first + 1, first + 2]).collect();
        primitive(positions, triangles)
    }

    fn smoothed(primitive: &mut Primitive, angle_deg: f64) {
        shade(primitive, angle_deg, Cancel::new(&|| false)).expect("nobody cancels");
    }

    fn furthest_from_round_deg(primitive: &Primitive) -> f32 {
        let side = primitive.positions.iter().zip(&primitive.normals).filter(|(_, normal)| normal.z.abs() < 0.9);
        side.map(|(at, normal)| at.with_z(0.0).angle_between(*normal).to_degrees()).fold(0.0, f32::max)
    }

    #[test]
    fn edges_up_to_the_angle_are_smooth_and_others_sharp() {
        // Adjacent sides of twelve meet at 30°, and at 90° with the lid.
        let mut smooth = prism(12);
        smoothed(&mut smooth, 30.0);
        assert!(furthest_from_round_deg(&smooth) < 0.1, "{}°", furthest_from_round_deg(&smooth));
        let lid: Vec<&Vec3> = smooth.normals.iter().filter(|normal| normal.z > 0.9).collect();
        assert!(lid.len() == 36 && lid.iter().all(|normal| normal.distance(Vec3::Z) < 1e-5));
        assert_eq!(smooth.normals.len(), 9 * 12, "no vertex has to be doubled");

        let mut sharp = prism(12);
        smoothed(&mut sharp, 29.0);
        assert!((furthest_from_round_deg(&sharp) - 15.0).abs() < 0.1);
    }

    #[test]
    fn a_whole_turn_of_smoothness_rounds_a_box() {
        let mut prism = prism(4);
        smoothed(&mut prism, 180.0);
        assert!(prism.normals.iter().filter(|normal| normal.z > 0.1 && normal.z < 0.9).count() >= 4);
        assert!(prism.normals.iter().all(|normal| (normal.length() - 1.0).abs() < 1e-5));
    }

    #[test]
    fn sides_that_turn_against_each_other_stay_apart() {
        let positions = vec![Vec3::ZERO, Vec3::X, Vec3::Y, Vec3::ONE];
        let mut fold = primitive(positions, vec![[0, 1, 2], [1, 2, 3]]);
        smoothed(&mut fold, 180.0);
        assert_eq!(fold.normals.len(), 6, "no corner is shared");
    }

    #[test]
    fn it_ends_when_it_is_cancelled() {
        let error = shade(&mut prism(12), 30.0, Cancel::new(&|| true)).expect_err("cancelled");
        assert_eq!(error.code().as_str(), "cancelled");
    }
}
