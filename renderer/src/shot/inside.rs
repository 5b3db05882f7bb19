//! Cameras that stand inside of parts, from where a picture shows little more than black.

use glam::{DVec3, Vec3};

use super::{Camera, Projection};
use crate::diagnostic::{Diagnostic, Severity};
use crate::scene::{Mesh, Part, Scene};

/// Directions along which borders are counted, none of which lies in the planes and edges that CAD likes.
const DIRECTIONS: [DVec3; 3] =
    [DVec3::new(0.5377, 0.3188, 0.7805), DVec3::new(-0.8339, 0.4336, 0.3426), DVec3::new(0.2259, -0.8622, -0.4534)];

/// A finding for each part whose closed surface has the camera inside. Parallel rays begin beside the product, and see it from without.
pub(super) fn camera_inside(camera: &Camera, scene: &Scene) -> Vec<Diagnostic> {
    if let Projection::Orthographic { .. } = camera.projection {
        return Vec::new();
    }
    let eye = camera.world_from_camera.translation;
    // Copies of a mesh share its box: a scene may place ten thousand.
    let boxes: Vec<(Vec3, Vec3)> = scene.meshes.iter().map(box_of).collect();
    let around = scene.parts.iter().filter(|part| is_inside(scene, part, boxes[part.mesh.0 as usize], eye));
    let finding = |part: &Part| Diagnostic {
        code: "shot.camera_inside",
        severity: Severity::Warning,
        at: part.path.clone(),
        message: format!("the camera stands inside of {}, and sees it from within", part.name()),
    };
    around.map(finding).collect()
}

/// The least and the greatest coordinates of a mesh.
fn box_of(mesh: &Mesh) -> (Vec3, Vec3) {
    let points = mesh.primitives.iter().flat_map(|primitive| &primitive.positions);
    points.fold((Vec3::INFINITY, Vec3::NEG_INFINITY), |(min, max), &point| (min.min(point), max.max(point)))
}

/// Whether most rays from the point cross the surface of the part, whose mesh has this box, an odd number of times.
fn is_inside(scene: &Scene, part: &Part, (min, max): (Vec3, Vec3), eye: DVec3) -> bool {
    let from_world = part.world_from_part.inverse();
    let origin = from_world.transform_point3(eye);
    // Not a number is in no box.
    if !(origin.cmpgt(min.as_dvec3()).all() && origin.cmplt(max.as_dvec3()).all()) {
        return false;
    }
    let primitives = &scene.meshes[part.mesh.0 as usize].primitives;
    let n_odd = DIRECTIONS.iter().filter(|&&direction| {
        let crossings = primitives.iter().flat_map(|primitive| {
            let corners = primitive
                .triangles
                .iter()
                .map(|triangle| triangle.map(|idx| primitive.positions[idx as usize].as_dvec3() - origin));
            corners.filter(|&corners| crosses(corners, direction))
        });
        crossings.count() % 2 == 1
    });
    n_odd.count() >= 2
}

/// Whether a ray from the origin meets a triangle.
fn crosses([a, b, c]: [DVec3; 3], direction: DVec3) -> bool {
    // On the same side of the planes through the ray and each edge: signed volumes, which neighbours share to the bit but for the sign.
    let volumes = [direction.dot(a.cross(b)), direction.dot(b.cross(c)), direction.dot(c.cross(a))];
    let is_within = volumes.iter().all(|&volume| volume >= 0.0) || volumes.iter().all(|&volume| volume < 0.0);
    let normal = (b - a).cross(c - a);
    is_within && normal.dot(a) * normal.dot(direction) > 0.0
}

#[cfg(test)]
mod tests {
    use glam::{DAffine3, DQuat};

    use super::*;
    use crate::scene::{MeshIdx, Primitive};

    /// A tetrahedron that is scaled, turned and moved.
    fn tetrahedron(world_from_part: DAffine3) -> Scene {
        let primitive = Primitive {
            positions: vec![Vec3::ZERO, Vec3::X, Vec3::Y, Vec3::Z],
            normals: Vec::new(),
            tangents: Vec::new(),
            uvs: [Vec::new(), Vec::new()],
            colors: Vec::new(),
            triangles: vec![[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]],
            material: None,
        };
        let part = Part {
            node_idx: 0,
            path: "Part".to_owned(),
            node_name: None,
            mesh_name: None,
            cad_names: Vec::new(),
            mesh: MeshIdx(0),
            world_from_part,
        };
        Scene { meshes: vec![Mesh { primitives: vec![primitive] }], parts: vec![part], ..Scene::default() }
    }

    #[test]
    fn a_point_is_inside_exactly_where_its_coordinates_say_so() {
        let turn = DQuat::from_rotation_x(0.7) * DQuat::from_rotation_z(0.4);
        let mirrored = DVec3::new(-2.0, 3.0, 0.5);
        let world_from_part = DAffine3::from_scale_rotation_translation(mirrored, turn, DVec3::new(3.0, 7.0, -2.0));
        let scene = tetrahedron(world_from_part);
        let steps = || (-2..=10).map(|i| (f64::from(i) + 0.37) / 10.0);
        for (x, y, z) in steps().flat_map(|x| steps().flat_map(move |y| steps().map(move |z| (x, y, z)))) {
            let eye = world_from_part.transform_point3(DVec3::new(x, y, z));
            let want = x > 0.0 && y > 0.0 && z > 0.0 && x + y + z < 1.0;
            assert_eq!(is_inside(&scene, &scene.parts[0], box_of(&scene.meshes[0]), eye), want, "{x} {y} {z}");
        }
        assert!(!is_inside(&scene, &scene.parts[0], box_of(&scene.meshes[0]), DVec3::NAN));
    }
}
