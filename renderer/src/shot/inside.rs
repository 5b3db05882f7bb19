//! Cameras inside parts, whose pictures show little more than black.

use glam::{DVec3, Vec3};

use super::{Camera, Projection};
use crate::diagnostic::{Diagnostic, Severity};
use crate::scene::{Mesh, Part, Primitive, Scene};

/// Directions along which surfaces are counted, none of which lies in the planes and edges that are common in CAD.
const DIRECTIONS: [DVec3; 3] =
    [DVec3::new(0.5377, 0.3188, 0.7805), DVec3::new(-0.8339, 0.4336, 0.3426), DVec3::new(0.2259, -0.8622, -0.4534)];

/// Most findings: a camera inside a thousand nested parts need not report them all.
const FINDINGS_MAX: usize = 16;
/// Most triangles that are examined; parts beyond that are not checked, because files may nest as many parts with as
/// many triangles as they like.
pub(super) const TRIANGLES_MAX: usize = 1 << 27;

/// The position of a camera.
#[derive(Clone, Copy, Debug)]
pub(super) struct Eye {
    /// The frame, for a turntable.
    pub(super) frame: Option<u32>,
    world: DVec3,
}

impl Eye {
    /// The eye of a camera; `None` for parallel rays, which start beside the product and see it from outside.
    pub(super) fn of(camera: &Camera, frame: Option<u32>) -> Option<Self> {
        let is_point = matches!(camera.projection, Projection::Perspective { .. });
        is_point.then_some(Self { frame, world: camera.world_from_camera.translation })
    }
}

/// A finding for each part whose closed surface contains one of the eyes; it names the first.
pub(super) fn camera_inside(eyes: &[Eye], scene: &Scene) -> Vec<Diagnostic> {
    // Copies of a mesh share its box: a scene may contain ten thousand.
    let boxes: Vec<(Vec3, Vec3)> = scene.meshes.iter().map(box_of).collect();
    let mut triangles_left = TRIANGLES_MAX;
    let mut first_inside = |part: &Part| {
        let from_world = part.world_from_part.inverse();
        let (min, max) = boxes[part.mesh.0 as usize];
        let primitives = &scene.meshes[part.mesh.0 as usize].primitives;
        let n_looks = DIRECTIONS.len() * primitives.iter().map(|primitive| primitive.triangles.len()).sum::<usize>();
        eyes.iter().find(|eye| {
            let eye = from_world.transform_point3(eye.world);
            // NaN is inside no box.
            let is_near = eye.cmpgt(min.as_dvec3()).all() && eye.cmplt(max.as_dvec3()).all();
            if !is_near || n_looks > triangles_left {
                return false;
            }
            triangles_left -= n_looks;
            is_inside(primitives, eye)
        })
    };
    let around = scene.parts.iter().filter_map(|part| first_inside(part).map(|eye| (part, eye)));
    let finding = |(part, eye): (&Part, &Eye)| {
        let when = eye.frame.map(|frame| format!(" in frame {frame}")).unwrap_or_default();
        Diagnostic {
            code: "shot.camera_inside",
            severity: Severity::Warning,
            at: part.path.clone(),
            message: format!("the camera is inside {}{when} and sees it from within", part.name()),
        }
    };
    around.map(finding).take(FINDINGS_MAX).collect()
}

/// The minimum and maximum corners of a mesh.
pub(crate) fn box_of(mesh: &Mesh) -> (Vec3, Vec3) {
    let points = mesh.primitives.iter().flat_map(|primitive| &primitive.positions);
    points.fold((Vec3::INFINITY, Vec3::NEG_INFINITY), |(min, max), &point| (min.min(point), max.max(point)))
}

/// Whether most rays from a point cross the mesh's surface an odd number of times.
fn is_inside(primitives: &[Primitive], origin: DVec3) -> bool {
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

/// Whether a ray from the origin hits a triangle.
pub(super) fn crosses([a, b, c]: [DVec3; 3], direction: DVec3) -> bool {
    // Signs of the volumes spanned by the ray and each edge: neighbouring triangles compute the same volume bit for
    // bit, apart from its sign.
    let volumes = [direction.dot(a.cross(b)), direction.dot(b.cross(c)), direction.dot(c.cross(a))];
    let is_within = volumes.iter().all(|&volume| volume >= 0.0) || volumes.iter().all(|&volume| volume < 0.0);
    let normal = (b - a).cross(c - a);
    is_within && normal.dot(a) * normal.dot(direction) > 0.0
}

#[cfg(test)]
mod tests {
    use glam::{DAffine3, DQuat};

    use super::*;
    use crate::scene::MeshIdx;

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
        let is_inside = |world: DVec3| !camera_inside(&[Eye { frame: None, world }], &scene).is_empty();
        for (x, y, z) in steps().flat_map(|x| steps().flat_map(move |y| steps().map(move |z| (x, y, z)))) {
            let eye = world_from_part.transform_point3(DVec3::new(x, y, z));
            let want = x > 0.0 && y > 0.0 && z > 0.0 && x + y + z < 1.0;
            assert_eq!(is_inside(eye), want, "{x} {y} {z}");
        }
        assert!(!is_inside(DVec3::NAN));
    }

    #[test]
    fn the_first_of_several_eyes_is_named_and_findings_are_bounded() {
        let mut scene = tetrahedron(DAffine3::IDENTITY);
        scene.parts = vec![scene.parts[0].clone(); 100];
        let eyes =
            [(3, 2.0), (4, 0.2), (5, 0.1)].map(|(frame, at)| Eye { frame: Some(frame), world: DVec3::splat(at) });
        let findings = camera_inside(&eyes, &scene);
        assert_eq!(findings.len(), FINDINGS_MAX);
        assert!(findings.iter().all(|finding| finding.message.contains("in frame 4 ")), "{findings:?}");
    }
}
