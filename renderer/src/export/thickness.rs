//! How thick bodies are for viewers that do not trace light through them: the `thicknessFactor` of
//! `KHR_materials_volume`, one number for a material and all that wears it.

use glam::DVec3;

use super::Worn;
use crate::scene::{Primitive, Scene};

/// Thickness of what has none, such as a flat sheet, metres: the factor must be above 0, or there is no volume.
const LEAST_M: f64 = 1e-6;

/// The mean length of straight ways through the bodies of a material, in metres of the meshes' own frames: four times
/// the volume over the surface, as Cauchy found for convex bodies. Of open surfaces, whose volume means nothing, it is
/// at most that of a ball of this surface.
pub(super) fn of(scene: &Scene, worn: &[Vec<Worn>], wears: impl Fn(Worn, &Primitive) -> bool) -> f32 {
    let (mut volume, mut area) = (0.0, 0.0);
    for (part, worn) in scene.parts.iter().zip(worn) {
        let primitives = &scene.meshes[part.mesh.0 as usize].primitives;
        let worn_by = primitives.iter().zip(worn).filter(|(primitive, worn)| wears(**worn, primitive));
        let (mut of_part, mut origin) = (0.0, None::<DVec3>);
        for (primitive, _) in worn_by {
            for triangle in &primitive.triangles {
                let [a, b, c] = triangle.map(|corner| primitive.positions[corner as usize].as_dvec3());
                // From a point of the surface, so that places far from the origin lose no digits.
                let from = *origin.get_or_insert(a);
                of_part += (a - from).dot((b - from).cross(c - from)) / 6.0;
                area += 0.5 * (b - a).cross(c - a).length();
            }
        }
        volume += f64::abs(of_part);
    }
    if area <= 0.0 {
        return LEAST_M as f32;
    }
    let radius = (area / (4.0 * std::f64::consts::PI)).sqrt();
    (4.0 * volume / area).clamp(LEAST_M, 4.0 / 3.0 * radius) as f32
}

#[cfg(test)]
mod tests {
    use glam::{DAffine3, Vec3};

    use super::*;
    use crate::scene::{Mesh, MeshIdx, Part};

    /// A box far from the origin with sides along the axes, metres.
    fn plate(size: Vec3) -> Scene {
        let corner =
            |i: u32| Vec3::splat(50.0) + size * Vec3::new((i & 1) as f32, (i >> 1 & 1) as f32, (i >> 2) as f32);
        let faces = [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]];
        let primitive = Primitive {
            positions: (0..8).map(corner).collect(),
            normals: Vec::new(),
            tangents: Vec::new(),
            uvs: [Vec::new(), Vec::new()],
            colors: Vec::new(),
            triangles: faces.iter().flat_map(|&[a, b, c, d]| [[a, b, c], [a, c, d]]).collect(),
            material: None,
        };
        let part = Part {
            node_idx: 0,
            path: "Plate".to_owned(),
            node_name: None,
            mesh_name: None,
            cad_names: Vec::new(),
            mesh: MeshIdx(0),
            world_from_part: DAffine3::IDENTITY,
        };
        Scene { meshes: vec![Mesh { primitives: vec![primitive] }], parts: vec![part], ..Scene::default() }
    }

    #[test]
    fn it_is_that_of_cauchy_and_never_zero() {
        let worn = [vec![Worn::Library(3)]];
        let found = |size| of(&plate(size), &worn, |worn, _| worn == Worn::Library(3));
        // 4 · 2 / (2 · (1 + 2 + 2)).
        let of_box = found(Vec3::new(1.0, 1.0, 2.0));
        assert!((of_box - 0.8).abs() < 1e-4, "{of_box}");
        let of_sheet = found(Vec3::new(1.0, 1.0, 0.0));
        assert!(of_sheet > 0.0 && of_sheet < 1e-5, "{of_sheet}");
        assert!(of(&plate(Vec3::ONE), &worn, |_, _| false) > 0.0, "nothing wears it");
    }
}
