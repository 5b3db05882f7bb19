//! Parts that a picture is about, and that cannot be seen for others.

use glam::{DVec3, Vec3};

use super::Camera;
use super::inside::{TRIANGLES_MAX, box_of};
use super::sight::{POINTS_MAX, Sight, on_triangle};
use crate::diagnostic::{Diagnostic, Severity, option_place};
use crate::part_pattern::{PartPattern, composed};
use crate::scene::{Mesh, Part, Scene};

/// Parts are hidden where not even one point in so many is seen.
const SEEN_OF: usize = 50;

/// A finding if other parts hide all those that an option names. What the others are made of is not known here: behind
/// glass, a part is seen.
pub(super) fn part_hidden(option: &str, named: &[PartPattern], camera: &Camera, scene: &Scene) -> Option<Diagnostic> {
    let is_named = |part: &Part| named.iter().any(|pattern| pattern.is_of(part));
    let parts: Vec<&Part> = scene.parts.iter().filter(|part| is_named(part)).collect();
    let sights: Vec<Sight> = points(&parts, scene).into_iter().filter_map(|point| Sight::of(point, camera)).collect();
    let boxes: Vec<(Vec3, Vec3)> = scene.meshes.iter().map(box_of).collect();
    let mut triangles_left = TRIANGLES_MAX;
    let mut is_hidden = vec![false; sights.len()];
    let mut most = (0, None);
    for part in scene.parts.iter().filter(|part| !is_named(part)) {
        let part_from_world = part.world_from_part.inverse();
        let (mesh, around) = (&scene.meshes[part.mesh.0 as usize], boxes[part.mesh.0 as usize]);
        let mut n_hidden = 0;
        for (sight, is_hidden) in sights.iter().zip(&mut is_hidden) {
            let sight = sight.within(&part_from_world);
            if sight.meets(around) {
                // Files may have as many triangles as they like: then nothing is found.
                triangles_left = triangles_left.checked_sub(n_triangles(mesh))?;
                let is_blocked = mesh.primitives.iter().any(|primitive| sight.is_blocked_by(primitive));
                *is_hidden |= is_blocked;
                n_hidden += usize::from(is_blocked);
            }
        }
        if n_hidden > most.0 {
            most = (n_hidden, Some(part));
        }
    }
    let n_seen = is_hidden.iter().filter(|is_hidden| !**is_hidden).count();
    let (_, Some(before)) = most else { return None };
    (n_seen * SEEN_OF < sights.len()).then(|| {
        let what = match parts[..] {
            [part] => format!("{:?} is", composed(&part.name())),
            _ => "the parts are".to_owned(),
        };
        Diagnostic {
            code: "shot.part_hidden",
            severity: Severity::Warning,
            at: option_place(option),
            message: format!(
                "{what} hidden behind {:?}, and not seen unless that is transparent: hide that, or choose another view",
                composed(&before.name())
            ),
        }
    })
}

fn n_triangles(mesh: &Mesh) -> usize {
    mesh.primitives.iter().map(|primitive| primitive.triangles.len()).sum()
}

/// Points on parts, in world space: spread evenly over the parts, and over the triangles of each.
fn points(parts: &[&Part], scene: &Scene) -> Vec<DVec3> {
    let n_of_each = (POINTS_MAX / parts.len().max(1)).max(1);
    let mut points = Vec::new();
    for part in parts.iter().step_by(parts.len().div_ceil(POINTS_MAX).max(1)) {
        let mesh = &scene.meshes[part.mesh.0 as usize];
        let n = n_triangles(mesh);
        let triangles = mesh.primitives.iter().flat_map(|primitive| {
            let corner = |idx: u32| part.world_from_part.transform_point3(primitive.positions[idx as usize].as_dvec3());
            primitive.triangles.iter().map(move |triangle| triangle.map(corner))
        });
        let n_of_triangle = n_of_each.div_ceil(n.max(1));
        for (i, corners) in triangles.step_by(n.div_ceil(n_of_each).max(1)).enumerate() {
            points.extend((0..n_of_triangle).map(|j| on_triangle(corners, i * n_of_triangle + j)));
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use glam::{DAffine3, DQuat};

    use super::*;
    use crate::scene::{MeshIdx, Primitive};
    use crate::shot::{Projection, Shot};

    /// Squares that look along Z, by name, side and centre, and a camera at (0, 0, 10) that looks at the origin.
    fn found(squares: &[(&str, f64, DVec3)], named: &str, projection: Projection) -> Option<String> {
        let [a, b] = [-0.5_f32, 0.5];
        let square = Primitive {
            positions: vec![Vec3::new(a, a, 0.0), Vec3::new(b, a, 0.0), Vec3::new(b, b, 0.0), Vec3::new(a, b, 0.0)],
            normals: Vec::new(),
            tangents: Vec::new(),
            uvs: [Vec::new(), Vec::new()],
            colors: Vec::new(),
            triangles: vec![[0, 1, 2], [0, 2, 3]],
            material: None,
        };
        let part = |&(name, side_m, at): &(&str, f64, DVec3)| Part {
            node_idx: 0,
            path: name.to_owned(),
            node_name: Some(name.to_owned()),
            mesh_name: None,
            cad_names: Vec::new(),
            mesh: MeshIdx(0),
            world_from_part: DAffine3::from_scale_rotation_translation(DVec3::splat(side_m), DQuat::IDENTITY, at),
        };
        let scene = Scene {
            meshes: vec![Mesh { primitives: vec![square] }],
            parts: squares.iter().map(part).collect(),
            ..Scene::default()
        };
        let mut camera = Shot::of_one_pixel(crate::shot::Environment::None, Vec::new()).camera;
        camera.world_from_camera = DAffine3::from_translation(DVec3::Z * 10.0);
        camera.projection = projection;
        part_hidden("focus", &[PartPattern::new(named)], &camera, &scene).map(|finding| finding.message)
    }

    #[test]
    fn a_part_is_hidden_where_others_are_before_all_of_it() {
        let eye = Projection::Perspective { fov_y_rad: 1.0 };
        let parallel = Projection::Orthographic { height_m: 10.0 };
        let plate = ("Plate", 1.0, DVec3::ZERO);
        let hidden = |lid: f64, at: DVec3, projection| found(&[plate, ("Lid", lid, at)], "Plate", projection);
        let message = "\"Plate\" is hidden behind \"Lid\", and not seen unless that is transparent: hide that, or choose another view";
        assert_eq!(hidden(1.1, DVec3::Z, parallel).as_deref(), Some(message));
        assert_eq!(hidden(0.95, DVec3::Z, eye).as_deref(), Some(message), "seen larger, as it is nearer");
        assert_eq!(hidden(0.85, DVec3::Z, parallel), None, "its rim is seen");
        assert_eq!(hidden(0.5, DVec3::Z * 6.0, eye).as_deref(), Some(message));
        assert_eq!(hidden(9.0, DVec3::NEG_Z, eye), None, "behind it");
        assert_eq!(hidden(9.0, DVec3::Z * 11.0, eye), None, "behind the camera");
        assert_eq!(hidden(1.1, DVec3::new(0.3, 0.0, 1.0), eye), None, "beside it");
        assert_eq!(hidden(1.1, DVec3::ZERO, eye), None, "in the same plane");
    }

    #[test]
    fn several_parts_hide_one_together_and_a_small_one_on_it_does_not() {
        let parallel = Projection::Orthographic { height_m: 10.0 };
        let plate = ("Plate", 1.0, DVec3::ZERO);
        let halves = [("Left", 1.0, DVec3::new(-0.5, 0.0, 1.0)), ("Right", 1.2, DVec3::new(0.55, 0.0, 1.0))];
        assert!(found(&[plate, halves[0], halves[1]], "Plate", parallel).is_some());
        assert!(found(&[plate, halves[0]], "Plate", parallel).is_none());
        // Where triangles are few, each has many points.
        assert!(found(&[plate, ("Screw", 0.4, DVec3::Z)], "Plate", parallel).is_none());
        assert!(found(&[plate, halves[0], halves[1]], "*", parallel).is_none(), "nothing else is there");
        let both = [("Plate", 1.0, DVec3::ZERO), ("Plate", 1.0, DVec3::X * 5.0), ("Lid", 1.1, DVec3::Z)];
        assert!(found(&both, "Plate", parallel).is_none(), "one of two is seen");
    }
}
