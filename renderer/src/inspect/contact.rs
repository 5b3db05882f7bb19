//! Bodies that touch: faces of one that coincide exactly with faces of another, back to back, like a liquid in its
//! vessel in CAD.
//!
//! A ray that leaves one starts behind both faces and never enters the other. If both are modelled with an overlap and
//! have priorities, both are found.

use std::collections::BTreeMap;

use glam::{DAffine3, DVec3};
use rayon::slice::ParallelSliceMut as _;

use super::surface::{Cancelled, go_on, mixed};
use crate::scene::{Bounds, Primitive};

/// Scenes with more triangles of bodies than this are not examined: 64 MiB.
const FACES_MAX: usize = 1 << 22;
/// Corners closer than this fraction of the scene's diagonal count as the same.
const CORNER_SHARE: f64 = 1e-6;

/// A placed primitive of a body.
pub(super) struct PlacedBody<'a> {
    pub(super) part: u32,
    pub(super) primitive: &'a Primitive,
    pub(super) world_from_part: DAffine3,
}

/// Pairs of parts, the lower first, with the number of faces that they share back to back; `None` when cancelled.
pub(super) fn touching(
    bodies: &[PlacedBody<'_>],
    bounds: &Bounds,
    cancelled: Cancelled<'_>,
) -> Option<BTreeMap<(u32, u32), usize>> {
    let mut pairs = BTreeMap::new();
    let n_faces = bodies.iter().fold(0_usize, |sum, body| sum.saturating_add(body.primitive.triangles.len()));
    if n_faces > FACES_MAX {
        return Some(pairs);
    }
    let mut faces: Vec<Face> = Vec::with_capacity(n_faces);
    for body in bodies {
        let mirrored = body.world_from_part.matrix3.determinant() < 0.0;
        let corners: Vec<u64> = body
            .primitive
            .positions
            .iter()
            .map(|position| corner(body.world_from_part.transform_point3(position.as_dvec3()), bounds))
            .collect();
        for (place, triangle) in body.primitive.triangles.iter().enumerate() {
            go_on(cancelled, place)?;
            faces.push(Face::new(triangle.map(|at| corners[at as usize]), mirrored, body.part));
        }
    }
    faces.par_sort_unstable();
    for same in faces.chunk_by(|a, b| a.corners == b.corners) {
        let [front, back] = [true, false].map(|is_front| same.iter().find(|face| face.is_front == is_front));
        if let (Some(front), Some(back)) = (front, back)
            && front.part != back.part
        {
            *pairs.entry((front.part.min(back.part), front.part.max(back.part))).or_default() += 1;
        }
    }
    Some(pairs)
}

/// An identifier for a position in the world, equal for positions that count as the same.
fn corner(place: DVec3, bounds: &Bounds) -> u64 {
    let step = (CORNER_SHARE * bounds.diagonal_m()).max(f64::MIN_POSITIVE);
    let steps = ((place - bounds.min) / step).round();
    steps.to_array().into_iter().fold(0, |hash, value| mixed(hash ^ (value as i64).cast_unsigned()))
}

/// A face by its corners, in any rotation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Face {
    /// Equal for the same corners in any order.
    corners: u64,
    /// The winding of the corners.
    is_front: bool,
    part: u32,
}

impl Face {
    fn new(corners: [u64; 3], mirrored: bool, part: u32) -> Self {
        let [a, b, c] = corners;
        // An even permutation preserves the parity of the number of descents.
        let n_descents = [a > b, b > c, a > c].into_iter().filter(|descends| *descends).count();
        let corners = mixed(a).wrapping_add(mixed(b)).wrapping_add(mixed(c));
        Self { corners, is_front: (n_descents % 2 == 0) != mirrored, part }
    }
}
