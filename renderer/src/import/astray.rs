//! Triangles whose normals disagree about their side.
//!
//! Programs that reduce meshes leave triangles with one normal in front and another one behind. Interpolated between
//! them, the normal passes through the plane of the triangle: half of it would be shaded as if it were seen from
//! behind.

use glam::Vec4;

use crate::scene::Primitive;

/// How far behind its triangle a normal is that cannot be meant: the sine of about 6 degrees. Coarse meshes of round
/// things have smaller ones at their silhouettes.
const BEHIND: f32 = -0.1;

/// Gives such triangles vertices of their own, with the triangle's normal, and returns how many there are. Where all
/// three normals are behind, they agree: it is the surface that is the wrong way round.
pub(super) fn shade_flat(primitive: &mut Primitive) -> usize {
    let Primitive { positions, normals, tangents, uvs, colors, triangles, .. } = primitive;
    if normals.is_empty() {
        return 0;
    }
    let mut count = 0;
    for triangle in triangles {
        let [a, b, c] = triangle.map(|corner| positions[corner as usize].as_dvec3());
        let Some(flat) = (b - a).cross(c - a).try_normalize().map(|normal| normal.as_vec3()) else { continue };
        let sides = triangle.map(|corner| normals[corner as usize].dot(flat));
        let (least, most) = (sides.into_iter().fold(1.0, f32::min), sides.into_iter().fold(-1.0, f32::max));
        if least >= BEHIND || most <= 0.0 {
            continue;
        }
        count += 1;
        *triangle = triangle.map(|corner| {
            let corner = corner as usize;
            let copied = positions.len() as u32;
            positions.push(positions[corner]);
            normals.push(flat);
            copy(tangents, corner, |tangent: Vec4| {
                let along = tangent.truncate();
                let within = (along - flat * along.dot(flat)).normalize_or(flat.any_orthonormal_vector());
                within.extend(tangent.w)
            });
            uvs.iter_mut().for_each(|uvs| copy(uvs, corner, |uv| uv));
            copy(colors, corner, |color| color);
            copied
        });
    }
    count
}

/// Appends what is at a vertex, as `change` makes it; a missing attribute stays missing.
fn copy<T: Copy>(values: &mut Vec<T>, vertex: usize, change: impl Fn(T) -> T) {
    if let Some(&value) = values.get(vertex) {
        values.push(change(value));
    }
}

#[cfg(test)]
mod tests {
    use glam::Vec3;

    use super::*;

    fn triangle(normals: [Vec3; 3]) -> Primitive {
        Primitive {
            positions: vec![Vec3::ZERO, Vec3::X, Vec3::Y],
            normals: normals.to_vec(),
            tangents: Vec::new(),
            uvs: Default::default(),
            colors: Vec::new(),
            triangles: vec![[0, 1, 2]],
            material: None,
        }
    }

    #[test]
    fn only_normals_on_both_sides_are_replaced() {
        let leaning = Vec3::new(0.9, 0.0, -0.05).normalize();
        let behind = Vec3::new(0.5, 0.0, -0.5).normalize();
        for (normals, count) in [
            ([Vec3::Z; 3], 0),
            ([Vec3::NEG_Z; 3], 0),
            ([Vec3::Z, Vec3::Z, leaning], 0),
            ([Vec3::Z, Vec3::Z, behind], 1),
            ([Vec3::Z, Vec3::NEG_Z, behind], 1),
        ] {
            let mut primitive = triangle(normals);
            assert_eq!(shade_flat(&mut primitive), count, "{normals:?}");
            let shaded = primitive.triangles[0].map(|corner| primitive.normals[corner as usize]);
            assert_eq!(shaded, if count == 0 { normals } else { [Vec3::Z; 3] });
            let places = primitive.triangles[0].map(|corner| primitive.positions[corner as usize]);
            assert_eq!(places, [Vec3::ZERO, Vec3::X, Vec3::Y], "nothing moves");
        }
    }
}
