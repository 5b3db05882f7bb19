//! Areas laid out by the texture coordinates of a file.

use glam::{DMat2, DVec2, DVec3};
use packshot_renderer::scene::DesignLay;

use super::chart::{Chart, FlatFace, UPRIGHT};
use super::surface::{Face, Surface, upright};

/// Corners of one edge that are compared with those of the other, at most.
const EDGE_CORNERS_MAX: usize = 4_096;

/// How a face lies in texture coordinates: metres of the surface along a unit of u and of v.
struct Laid<'a> {
    face: &'a Face,
    along_u: DVec3,
    along_v: DVec3,
}

impl<'a> Laid<'a> {
    fn new(face: &'a Face) -> Option<Self> {
        let [a, b, c] = face.corners;
        let [uv_a, uv_b, uv_c] = face.uvs;
        let (to_b, to_c) = (uv_b - uv_a, uv_c - uv_a);
        let doubled = to_b.perp_dot(to_c);
        if doubled.abs() < 1e-14 {
            return None;
        }
        let along_u = ((b - a) * to_c.y - (c - a) * to_b.y) / doubled;
        let along_v = ((c - a) * to_b.x - (b - a) * to_c.x) / doubled;
        Some(Self { face, along_u, along_v })
    }
}

/// The area by its texture coordinates; `None` where they say nothing.
pub(super) fn chart(surface: &Surface, uv_set: u32) -> Option<Chart> {
    if !surface.has_uvs {
        return None;
    }
    let laid: Vec<Laid<'_>> = surface.faces.iter().filter_map(Laid::new).collect();
    let area: f64 = laid.iter().map(|laid| laid.face.area_m2).sum();
    // Some exporters write the same coordinates for every vertex.
    if area < 0.5 * surface.area_m2 {
        return None;
    }
    let mean = |of: fn(&Laid<'_>) -> f64| laid.iter().map(|laid| of(laid) * laid.face.area_m2).sum::<f64>() / area;
    let mm_per_uv = DVec2::new(mean(|laid| laid.along_u.length()), mean(|laid| laid.along_v.length())) * 1e3;
    let corners = || laid.iter().flat_map(|laid| laid.face.uvs);
    let (min, max) = (corners().reduce(DVec2::min)?, corners().reduce(DVec2::max)?);
    let size_mm = (max - min) * mm_per_uv;
    if size_mm.min_element() < super::SIDE_MM_MIN {
        return None;
    }
    let flat_face = |laid: &Laid<'_>| FlatFace {
        flat_mm: laid.face.uvs.map(|uv| (uv - min) * mm_per_uv),
        world: laid.face.corners,
        normal: laid.face.normal,
        area_m2: laid.face.area_m2,
        stretch: stretch(laid.along_u * 1e3 / mm_per_uv.x, laid.along_v * 1e3 / mm_per_uv.y),
    };
    let faces: Vec<FlatFace> = laid.iter().map(flat_face).collect();
    let scale = DVec2::ONE / (max - min);
    let rows = [[scale.x, 0.0, -min.x * scale.x], [0.0, scale.y, -min.y * scale.y]];
    Some(Chart {
        lay: DesignLay::Coordinates { uv_set, rows },
        size_mm,
        wraps: [wraps(&faces, size_mm, 0), wraps(&faces, size_mm, 1)],
        upright_from_flat: orientation(&laid, mm_per_uv),
        faces,
    })
}

/// The most by which a length changes on a surface with these tangents: the larger singular value, or the inverse of
/// the smaller.
fn stretch(along_u: DVec3, along_v: DVec3) -> f64 {
    let (uu, vv, uv) = (along_u.length_squared(), along_v.length_squared(), along_u.dot(along_v));
    let (half_sum, root) = (0.5 * (uu + vv), (0.25 * (uu - vv).powi(2) + uv * uv).sqrt());
    let (largest, smallest) = ((half_sum + root).sqrt(), (half_sum - root).max(0.0).sqrt());
    largest.max(1.0 / smallest.max(1e-6))
}

/// How most of the area is turned, and whether it is mirrored: the orthogonal matrix nearest to the mean.
fn orientation(laid: &[Laid<'_>], mm_per_uv: DVec2) -> DMat2 {
    let mut sums = [DMat2::ZERO; 2];
    for Laid { face, along_u, along_v } in laid {
        let [right, up] = upright(face.normal);
        let step = |along: &DVec3, mm: f64| DVec2::new(along.dot(right), along.dot(up)) / mm;
        let matrix = DMat2::from_cols(step(along_u, mm_per_uv.x), step(along_v, mm_per_uv.y));
        sums[usize::from(matrix.determinant() < 0.0)] += matrix * face.area_m2;
    }
    // A rotation keeps (a + d, c - b), a reflection (a - d, c + b).
    let [turned, mirrored] = sums;
    let rotation = DVec2::new(turned.x_axis.x + turned.y_axis.y, turned.x_axis.y - turned.y_axis.x);
    let reflection = DVec2::new(mirrored.x_axis.x - mirrored.y_axis.y, mirrored.x_axis.y + mirrored.y_axis.x);
    let is_rotation = rotation.length() > reflection.length();
    let Some(direction) = (if is_rotation { rotation } else { reflection }).try_normalize() else { return UPRIGHT };
    let DVec2 { x: cos, y: sin } = snapped(direction);
    let second = if is_rotation { DVec2::new(-sin, cos) } else { DVec2::new(sin, -cos) };
    DMat2::from_cols(DVec2::new(cos, sin), second)
}

/// The axis that a direction is within a degree of, or the direction.
fn snapped(direction: DVec2) -> DVec2 {
    let axes = [DVec2::X, DVec2::Y, DVec2::NEG_X, DVec2::NEG_Y];
    axes.into_iter().find(|axis| axis.dot(direction) > 0.999_85).unwrap_or(direction)
}

/// Whether the edges at both ends of an axis are the same line on the product.
fn wraps(faces: &[FlatFace], size_mm: DVec2, axis: usize) -> bool {
    let (size, across) = (size_mm[axis], 1 - axis);
    let edge = |end: f64| {
        let corners = faces.iter().flat_map(|face| face.flat_mm.into_iter().zip(face.world));
        let at_end = corners.filter(move |(flat, _)| (flat[axis] - end).abs() < 1e-4 * size);
        at_end.take(EDGE_CORNERS_MAX).collect::<Vec<_>>()
    };
    let (begin, end) = (edge(0.0), edge(size));
    let places = || begin.iter().map(|(flat, _)| flat[across]);
    let Some((low, high)) = places().reduce(f64::min).zip(places().reduce(f64::max)) else { return false };
    let near = 1e-4 * size_mm.max_element() / 1e3;
    let is_met = |p: DVec3| end.iter().any(|(_, other)| other.distance(p) < near);
    high - low > 0.5 * size_mm[across] && begin.iter().all(|(_, p)| is_met(*p))
}
