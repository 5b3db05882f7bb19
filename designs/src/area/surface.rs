//! The triangles of an area in the world.

use glam::{DVec2, DVec3};
use packshot_renderer::scene::{PartIdx, Scene};

use super::chart::nearest_weights;

/// A triangle with an area, in the world, metres.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Face {
    pub(crate) corners: [DVec3; 3],
    /// Texture coordinates of the set that was asked for; v grows downwards.
    pub(crate) uvs: [DVec2; 3],
    /// Unit, outwards: by the winding of the triangle, as it is in the placed part.
    pub(crate) normal: DVec3,
    pub(crate) area_m2: f64,
}

impl Face {
    /// Distance of its nearest point from another, metres.
    pub(crate) fn distance(&self, p: DVec3) -> f64 {
        let [a, b, c] = self.corners;
        let weights = nearest_weights(self.corners, p);
        (a * weights.x + b * weights.y + c * weights.z).distance(p)
    }
}

/// The surface of primitives of placed parts.
#[derive(Clone, Debug)]
pub(crate) struct Surface {
    pub(crate) faces: Vec<Face>,
    /// Whether every primitive has texture coordinates of the set.
    pub(crate) has_uvs: bool,
    pub(crate) area_m2: f64,
}

impl Surface {
    pub(crate) fn new(scene: &Scene, places: &[(PartIdx, usize)], uv_set: u32) -> Self {
        let (mut faces, mut has_uvs) = (Vec::new(), true);
        for (part, primitive) in places {
            let part = &scene.parts[part.0 as usize];
            let primitive = &scene.meshes[part.mesh.0 as usize].primitives[*primitive];
            let uvs = &primitive.uvs[uv_set as usize];
            has_uvs &= !uvs.is_empty();
            let outward = part.world_from_part.matrix3.determinant().signum();
            for triangle in &primitive.triangles {
                let world = |i: u32| part.world_from_part.transform_point3(primitive.positions[i as usize].as_dvec3());
                let corners = triangle.map(world);
                let normal = (corners[1] - corners[0]).cross(corners[2] - corners[0]) * outward;
                let Some(unit) = normal.try_normalize() else { continue };
                let uv = |i: u32| uvs.get(i as usize).map_or(DVec2::ZERO, |uv| uv.as_dvec2());
                let uvs = triangle.map(uv);
                faces.push(Face { corners, uvs, normal: unit, area_m2: 0.5 * normal.length() });
            }
        }
        let area_m2 = faces.iter().map(|face| face.area_m2).sum();
        Self { faces, has_uvs, area_m2 }
    }

    /// The mean normal; `None` where the surface closes around the product, or nearly so.
    pub(crate) fn mean_normal(&self) -> Option<DVec3> {
        let sum: DVec3 = self.faces.iter().map(|face| face.normal * face.area_m2).sum();
        (sum.length() > 0.1 * self.area_m2).then(|| sum.normalize())
    }
}

/// Right and up on a surface, seen from outside. Up is the direction nearest to +Y; where the surface lies flat, that
/// nearest to −Z.
pub(crate) fn upright(normal: DVec3) -> [DVec3; 2] {
    /// Below this sine of the angle between +Y and the normal a surface lies flat.
    const FLAT_MAX: f64 = 0.05;
    let along = |direction: DVec3| direction - normal * normal.dot(direction);
    let steep = along(DVec3::Y);
    let up = if steep.length() > FLAT_MAX { steep } else { along(DVec3::NEG_Z) }.normalize();
    [up.cross(normal), up]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_is_right_for_who_looks_from_outside() {
        let cases = [
            (DVec3::Z, DVec3::X, DVec3::Y),
            (DVec3::X, DVec3::NEG_Z, DVec3::Y),
            (DVec3::NEG_Z, DVec3::NEG_X, DVec3::Y),
            (DVec3::Y, DVec3::X, DVec3::NEG_Z),
            (DVec3::NEG_Y, DVec3::NEG_X, DVec3::NEG_Z),
        ];
        for (normal, right, up) in cases {
            assert_eq!(upright(normal), [right, up], "{normal}");
        }
    }
}
