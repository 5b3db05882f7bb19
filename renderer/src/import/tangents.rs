//! Tangents for normal maps, where the file has none: MikkTSpace, as glTF 2.0 section 3.7.2.1 requires.
//!
//! M. S. Mikkelsen, Simulation of Wrinkled Surfaces Revisited, 2008, and the conventions of his reference
//! implementation: at each vertex the tangents of the triangles that share position, normal and texture coordinates,
//! and that are mirrored alike in texture space, are projected into the plane of the normal and averaged by angle. The
//! reference walks around a vertex recursively and compares the triangles there pairwise; sums per vertex give the same
//! result in linear time, however many triangles a hostile file puts at one vertex. A test compares both.

use std::collections::HashMap;

use glam::{DVec2, DVec3, Vec3, Vec4};

use crate::scene::Primitive;

/// Adds tangents for a set of texture coordinates, which must exist. Vertices are duplicated where the tangent is
/// discontinuous; without normals, every triangle gets vertices of its own, with its geometric normal.
pub(super) fn compute(primitive: &mut Primitive, uv_set: usize) {
    if primitive.normals.is_empty() {
        split_flat(primitive);
    }
    let corner_tangents = corner_tangents(primitive, uv_set);
    assign(primitive, &corner_tangents);
}

/// The tangent frame of a triangle in texture space.
#[derive(Clone, Copy)]
struct Frame {
    /// Unit direction of increasing u.
    tangent: DVec3,
    /// Whether the texture is mirrored on the triangle.
    is_mirrored: bool,
}

/// Per corner of each triangle; `None` where all triangles at the vertex are degenerate in texture space.
fn corner_tangents(primitive: &Primitive, uv_set: usize) -> Vec<Option<Vec4>> {
    let vertices = welded(primitive, uv_set);
    let frames: Vec<Option<Frame>> =
        primitive.triangles.iter().map(|triangle| frame(primitive, uv_set, *triangle)).collect();
    // For each vertex, sums for textures that are not mirrored and for those that are.
    let mut sums = vec![[DVec3::ZERO; 2]; primitive.positions.len()];
    for (triangle, frame) in primitive.triangles.iter().zip(&frames) {
        let Some(frame) = frame else { continue };
        for corner in 0..3 {
            let at = triangle[corner] as usize;
            let position = |step: usize| primitive.positions[triangle[(corner + step) % 3] as usize].as_dvec3();
            let normal = primitive.normals[at].as_dvec3();
            let in_plane = |direction: DVec3| direction.reject_from_normalized(normal).normalize_or_zero();
            let (next, previous) = (in_plane(position(1) - position(0)), in_plane(position(2) - position(0)));
            let angle = next.dot(previous).clamp(-1.0, 1.0).acos();
            sums[vertices[at] as usize][usize::from(frame.is_mirrored)] += angle * in_plane(frame.tangent);
        }
    }
    let tangent = |(triangle, frame): (&[u32; 3], &Option<Frame>)| {
        triangle.map(|corner| {
            let sums = sums[vertices[corner as usize] as usize];
            let unit = |is_mirrored: bool| {
                let sign = if is_mirrored { -1.0 } else { 1.0 };
                Some(sums[usize::from(is_mirrored)].try_normalize()?.as_vec3().extend(sign))
            };
            match frame {
                Some(frame) => unit(frame.is_mirrored),
                // A triangle that is degenerate in texture space takes the tangent of its neighbours.
                None => unit(false).or_else(|| unit(true)),
            }
        })
    };
    primitive.triangles.iter().zip(&frames).flat_map(tangent).collect()
}

/// Per vertex, the first one with the same position, normal and texture coordinates.
fn welded(primitive: &Primitive, uv_set: usize) -> Vec<u32> {
    let mut first: HashMap<[u32; 8], u32> = HashMap::new();
    let vertex = |at: usize| {
        let (position, normal, uv) = (primitive.positions[at], primitive.normals[at], primitive.uvs[uv_set][at]);
        // Adding zero turns −0 into +0.
        let key = [position.x, position.y, position.z, normal.x, normal.y, normal.z, uv.x, uv.y];
        *first.entry(key.map(|value| (value + 0.0).to_bits())).or_insert(at as u32)
    };
    (0..primitive.positions.len()).map(vertex).collect()
}

fn frame(primitive: &Primitive, uv_set: usize, triangle: [u32; 3]) -> Option<Frame> {
    let [a, b, c] = triangle.map(|corner| primitive.positions[corner as usize].as_dvec3());
    // In the method v grows upwards, in glTF downwards.
    let [uv_a, uv_b, uv_c] =
        triangle.map(|corner| primitive.uvs[uv_set][corner as usize].as_dvec2() * DVec2::new(1.0, -1.0));
    let (uv_ab, uv_ac) = (uv_b - uv_a, uv_c - uv_a);
    let area = uv_ab.perp_dot(uv_ac);
    let along_u = (b - a) * uv_ac.y - (c - a) * uv_ab.y;
    let is_mirrored = area < 0.0;
    let tangent = along_u.try_normalize()? * if is_mirrored { -1.0 } else { 1.0 };
    (area != 0.0).then_some(Frame { tangent, is_mirrored })
}

/// Gives every triangle vertices of its own, with the triangle's normal.
fn split_flat(primitive: &mut Primitive) {
    let corners: Vec<u32> = primitive.triangles.as_flattened().to_vec();
    for triangle in &primitive.triangles {
        let [a, b, c] = triangle.map(|corner| primitive.positions[corner as usize].as_dvec3());
        let normal = (b - a).cross(c - a).normalize_or(DVec3::Z).as_vec3();
        primitive.normals.extend([normal; 3]);
    }
    gather(&mut primitive.positions, &corners);
    for uvs in &mut primitive.uvs {
        gather(uvs, &corners);
    }
    gather(&mut primitive.colors, &corners);
    let corner_count = corners.len() as u32;
    primitive.triangles = (0..corner_count).step_by(3).map(|first| [first, first + 1, first + 2]).collect();
}

/// `values` at `vertices`; a missing attribute stays missing.
pub(super) fn gather<T: Copy>(values: &mut Vec<T>, vertices: &[u32]) {
    if !values.is_empty() {
        *values = vertices.iter().map(|&vertex| values[vertex as usize]).collect();
    }
}

/// Moves tangents from corners to vertices. A vertex takes the tangent of its first corner; corners that differ share a
/// new vertex per vertex and tangent.
fn assign(primitive: &mut Primitive, corner_tangents: &[Option<Vec4>]) {
    let mut tangents: Vec<Option<Vec4>> = vec![None; primitive.positions.len()];
    let mut copies: HashMap<(u32, [u32; 4]), u32> = HashMap::new();
    let mut sources: Vec<u32> = Vec::new();
    for (corner, tangent) in primitive.triangles.as_flattened_mut().iter_mut().zip(corner_tangents) {
        let vertex = *corner;
        let tangent = tangent.unwrap_or_else(|| any_tangent(primitive.normals[vertex as usize]));
        let first = *tangents[vertex as usize].get_or_insert(tangent);
        if first != tangent {
            *corner = *copies.entry((vertex, tangent.to_array().map(f32::to_bits))).or_insert_with(|| {
                sources.push(vertex);
                tangents.push(Some(tangent));
                tangents.len() as u32 - 1
            });
        }
    }
    extend(&mut primitive.positions, &sources);
    extend(&mut primitive.normals, &sources);
    for uvs in &mut primitive.uvs {
        extend(uvs, &sources);
    }
    extend(&mut primitive.colors, &sources);
    let tangents = tangents.into_iter().zip(&primitive.normals);
    primitive.tangents = tangents.map(|(tangent, &normal)| tangent.unwrap_or_else(|| any_tangent(normal))).collect();
}

/// For corners whose texture coordinates define no direction.
fn any_tangent(normal: Vec3) -> Vec4 {
    normal.any_orthonormal_vector().extend(1.0)
}

/// Appends copies of the values at `sources`; a missing attribute stays missing.
fn extend<T: Copy>(values: &mut Vec<T>, sources: &[u32]) {
    if !values.is_empty() {
        let copies: Vec<T> = sources.iter().map(|&source| values[source as usize]).collect();
        values.extend(copies);
    }
}
