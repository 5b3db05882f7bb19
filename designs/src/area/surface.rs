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

    /// The opposite corners of its box; at least one face.
    fn bounds(&self) -> [DVec3; 2] {
        let corners = self.faces.iter().flat_map(|face| face.corners);
        corners.fold([DVec3::INFINITY, DVec3::NEG_INFINITY], |[min, max], p| [min.min(p), max.max(p)])
    }

    /// The direction that the surface faces: its mean normal; where it closes around a body, or nearly so, the side of
    /// the product that most of it faces, which is the front before the top and the right where they are alike. A plate
    /// that stands beside the middle of what is shown faces away from it: its other side is between the parts.
    pub(crate) fn outward(&self, middle_of_product: DVec3) -> DVec3 {
        let sum: DVec3 = self.faces.iter().map(|face| face.normal * face.area_m2).sum();
        if sum.length() > 0.1 * self.area_m2 {
            return sum.normalize();
        }
        /// Cosine of the steepest angle at which a face counts for a side.
        const FACING_MIN: f64 = 0.9;
        /// How much of that has to face the opposite side for it to be as good.
        const ALIKE: f64 = 0.5;
        /// A body is a plate if its other sides are longer than its thickness by more than this factor.
        const PLATE: f64 = 3.0;
        /// How much more has to face another side, as a factor.
        const MORE: f64 = 1.05;
        let facing = |side: DVec3| -> f64 {
            self.faces.iter().filter(|face| face.normal.dot(side) >= FACING_MIN).map(|face| face.area_m2).sum()
        };
        let sides = [DVec3::Z, DVec3::Y, DVec3::X, DVec3::NEG_Z, DVec3::NEG_Y, DVec3::NEG_X];
        let first = (DVec3::Z, facing(DVec3::Z));
        let better = |best: (DVec3, f64), side: DVec3| {
            let area = facing(side);
            if area > MORE * best.1 { (side, area) } else { best }
        };
        let side = sides[1..].iter().copied().fold(first, better).0;
        let [min, max] = self.bounds();
        let DVec3 { x, y, z } = max - min;
        let (thickness, across) = if side.x == 0.0 { (z, x.min(y)) } else { (x, y.min(z)) };
        // What lies is seen from above, wherever it lies.
        let is_upright_plate = side.y == 0.0 && PLATE * thickness < across;
        let is_beside = (0.5 * (min + max) - middle_of_product).dot(-side) > thickness;
        let is_alike = facing(-side) > ALIKE * facing(side);
        if is_upright_plate && is_beside && is_alike { -side } else { side }
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

    /// A box around the origin.
    fn closed(size: DVec3) -> Surface {
        let mut faces = Vec::new();
        for axis in [DVec3::X, DVec3::Y, DVec3::Z] {
            for normal in [axis, -axis] {
                let (along, across) = (DVec3::new(axis.y, axis.z, axis.x), DVec3::new(axis.z, axis.x, axis.y));
                let corners = [[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5]]
                    .map(|[a, b]| (normal * 0.5 + along * a + across * b) * size);
                let area_m2 = (along * size).length() * (across * size).length();
                faces.push(Face { corners, uvs: [DVec2::ZERO; 3], normal, area_m2 });
            }
        }
        let area_m2 = faces.iter().map(|face| face.area_m2).sum();
        Surface { faces, has_uvs: false, area_m2 }
    }

    #[test]
    fn a_body_is_printed_on_its_broadest_side() {
        assert_eq!(closed(DVec3::ONE).outward(DVec3::ZERO), DVec3::Z);
        assert_eq!(closed(DVec3::new(8.0, 1.0, 5.0)).outward(DVec3::ZERO), DVec3::Y, "a plate that lies");
        assert_eq!(closed(DVec3::new(1.0, 5.0, 8.0)).outward(DVec3::ZERO), DVec3::X, "one that stands across");
        let mut open = closed(DVec3::ONE);
        open.faces.retain(|face| face.normal == DVec3::NEG_Y);
        assert_eq!(open.outward(DVec3::ZERO), DVec3::NEG_Y);
    }

    #[test]
    fn a_plate_beside_the_middle_is_printed_outside() {
        let seal = closed(DVec3::new(8.0, 8.0, 1.0));
        assert_eq!(seal.outward(DVec3::ZERO), DVec3::Z);
        assert_eq!(seal.outward(DVec3::new(0.0, 0.0, -4.0)), DVec3::Z);
        assert_eq!(seal.outward(DVec3::new(0.0, 0.0, 4.0)), DVec3::NEG_Z);
        // A body is no plate.
        assert_eq!(closed(DVec3::ONE).outward(DVec3::new(0.0, 0.0, 4.0)), DVec3::Z);
        // A base plate is seen from above.
        assert_eq!(closed(DVec3::new(8.0, 1.0, 8.0)).outward(DVec3::Y * 4.0), DVec3::Y);
    }
}
