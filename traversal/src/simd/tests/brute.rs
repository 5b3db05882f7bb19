//! Every ray is tested against every triangle, without trees.

use glam::{Affine3A, DVec3, Vec3, Vec3A};
use packshot_shaders::layout::ray::{Hit, Ray};

use super::super::Opacity;
use super::super::intersect::{Interval, intersect};
use super::super::lanes::Portable;
use super::super::ray::{LocalRay, pick};
use crate::SceneBvh;
use crate::binary::Bounds;
use crate::wide::Root;

/// What traversal must find, bit for bit: the same triangle test, applied to all triangles.
pub(super) fn closest(scene: &SceneBvh, rays: &[Ray], opacity: Opacity<'_>) -> Vec<Hit> {
    rays.iter().enumerate().map(|(ray_idx, ray)| closest_of_one(scene, ray, ray_idx, opacity)).collect()
}

fn closest_of_one(scene: &SceneBvh, ray: &Ray, ray_idx: usize, opacity: Opacity<'_>) -> Hit {
    let is_flat = matches!(&*scene.instances, [only] if only.instance.local_from_world == Affine3A::IDENTITY);
    let mut best = Hit::miss(ray.t_max.next_down());
    let (origin, direction) = (ray.origin.to_vec3a(), ray.direction.to_vec3a());
    let t_min = ray.t_min.max(0.0);
    for (instance_idx, placed) in (0..).zip(&scene.instances) {
        let mesh = &scene.meshes[placed.instance.mesh as usize];
        let root = root_of(mesh.tree.bounds());
        let (mut local, mut t_floor) = (LocalRay::new(origin, direction, &root), t_min);
        if !is_flat {
            let Some(world) = LocalRay::new(origin, direction, &root_of(scene.top.bounds())) else { continue };
            let (enter, leave) = world.own_box(placed.bounds.min, placed.bounds.max, t_min);
            let is_passed = enter <= leave && !placed.bounds.is_empty();
            if !is_passed {
                continue;
            }
            let map = placed.instance.local_from_world;
            let columns = [map.x_axis, map.y_axis, map.z_axis, map.translation];
            (local, t_floor) = (LocalRay::transformed(ray, &columns, &root), enter);
        }
        let Some(local) = local else { continue };
        let lanes = local.splat::<Portable, 1>(Portable);
        for triangle in &mesh.triangles {
            let interval = Interval { t_min: [t_min], t_limit: [best.t], t_floor: [t_floor] };
            let vertices = triangle.vertices.map(|vertex| pick(&vertex.to_array(), lanes.axes).map(|value| [value]));
            let Some(found) = intersect(Portable, &lanes, &interval, vertices) else { continue };
            let [u, v] = [found.weight_1, found.weight_2].map(|weight| weight[0] / found.determinant[0]);
            let hit = Hit { t: found.t[0], u, v, instance: instance_idx, triangle: triangle.triangle };
            let is_first = (hit.t, hit.instance, hit.triangle) < (best.t, best.instance, best.triangle);
            if is_first && blocks(opacity, ray_idx, &hit) {
                best = hit;
            }
        }
    }
    if best.is_miss() { Hit::miss(ray.t_max) } else { best }
}

fn root_of(bounds: Bounds) -> Root {
    let magnitude = match bounds.is_empty() {
        true => Vec3A::ZERO,
        false => bounds.min.abs().max(bounds.max.abs()),
    };
    Root { child: 0, magnitude }
}

/// Where a ray hits a triangle, in f64 (Möller, Trumbore 1997): t, u, v.
fn meet_f64(triangle: &[Vec3; 3], ray: &Ray) -> Option<DVec3> {
    let [a, b, c] = triangle.map(Vec3::as_dvec3);
    let (origin, direction) = (ray.origin.as_dvec3(), ray.direction.as_dvec3());
    let (ab, ac, from_a) = (b - a, c - a, origin - a);
    let normal = ab.cross(ac);
    let determinant = -direction.dot(normal);
    // Edge on or nearly so, or a sliver: f32 may decide differently.
    let scale = direction.length() * ab.length().max(ac.length()).powi(2);
    if determinant.abs() < 1e-3 * scale {
        return None;
    }
    let turned = from_a.cross(direction);
    Some(DVec3::new(from_a.dot(normal), ac.dot(turned), -ab.dot(turned)) / determinant)
}

/// The hit lies on its triangle, and no triangle that is clearly hit lies clearly closer.
pub(super) fn check_against_f64(triangles: &[[Vec3; 3]], ray: &Ray, hit: &Hit) {
    const TOLERANCE: f64 = 1e-3;
    if !hit.is_miss()
        && let Some(met) = meet_f64(&triangles[hit.triangle as usize], ray)
    {
        let found = DVec3::new(hit.t.into(), hit.u.into(), hit.v.into());
        assert!((met - found).abs().max_element() < TOLERANCE * (1.0 + met.x), "{met} but {hit:?} of {ray:?}");
    }
    for (idx, triangle) in triangles.iter().enumerate() {
        if let Some(met) = meet_f64(triangle, ray) {
            let inside = met.y > TOLERANCE && met.z > TOLERANCE && met.y + met.z < 1.0 - TOLERANCE;
            let within = met.x > f64::from(ray.t_min) + TOLERANCE && met.x < f64::from(hit.t) - TOLERANCE;
            assert!(!(inside && within), "triangle {idx} is hit at {met}, before {hit:?} of {ray:?}");
        }
    }
}

fn blocks(opacity: Opacity<'_>, ray_idx: usize, hit: &Hit) -> bool {
    match opacity {
        Opacity::Full => true,
        Opacity::Of(filter) => filter.blocks(ray_idx, hit),
    }
}
