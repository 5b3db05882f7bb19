// Smooth thin-walled glass sends light straight on. So a light is sampled through it: a shadow ray that nothing else blocks goes from pane to
// pane and loses what they do not let through. A path that crosses one by chance has not been turned either: for the light that it finds beyond,
// it comes from where it was scattered last, and both ways of finding that light are weighted against each other there.
#import lib/math
#import lib/path
#import lib/ray
#import stage/features
#import stage/scene
#import stage/surface
#import stage/bsdf
#import stage/medium

// Share of light that goes straight on where a surface is glass without body and facets.
fn pane_transmittance(b: ptr<function, Bsdf>) -> vec3f {
    if (*b).p_glass <= 0.0 || (*b).thin_walled == 0u || is_rough((*b).alpha) {
        return vec3f(0.0);
    }
    return (*b).refraction_weight * glass_transmits(b, (*b).wo.z);
}

// Takes a shadow ray across the surface that it meets, and gives the share of the light that crosses it too; 0 where that is no pane.
fn pass_pane(ray: ptr<function, Ray>, hit: Hit) -> vec3f {
    if !HAS_PANES {
        return vec3f(0.0);
    }
    let direction = (*ray).direction;
    var s = surface_at(hit, direction);
    if (materials[s.material].flags & MATERIAL_PANE) == 0u {
        return vec3f(0.0);
    }
    let frame = frame_along(facing_normal(s.shading_normal, -direction), s.tangent);
    let boundary = boundary_of(vec3u(NONE), s.material, s.front == 1u, 0.0);
    var b = bsdf_at(&s, to_local(frame, -direction), boundary);
    let origin = offset_origin(s.position, -s.geometric_normal);
    // To the same end, which lies off a surface by no more than this origin does.
    let way = (*ray).origin + direction * (*ray).t_max - origin;
    *ray = Ray(origin, 0.0, direction, (*ray).t_max);
    if (*ray).t_max < 1e30 {
        let rest = length(way);
        *ray = Ray(origin, 0.0, way / max(rest, 1e-30), rest);
    }
    return pane_transmittance(&b);
}

// Whether a path that leaves a surface with this sample has crossed a pane on its way from the place of its last event.
fn crosses_pane(path: ptr<function, PathState>, scattered: BsdfSample, m: u32) -> bool {
    return HAS_PANES && (*path).pdf >= 0.0 && scattered.pdf < 0.0 && scattered.kind == KIND_TRANSMISSION
        && (materials[m].flags & MATERIAL_PANE) != 0u;
}
