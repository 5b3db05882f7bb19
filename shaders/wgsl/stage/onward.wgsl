// How paths leave surfaces.
#import lib/path
#import stage/features
#import stage/opacity
#import stage/surface
#import stage/medium

// The origin for a ray that leaves a surface in a direction.
fn leave(s: Surface, direction: vec3f, outside: f32) -> vec3f {
    if outside > 0.0 {
        let is_low = dot(direction, s.geometric_normal) < s.low;
        return offset_origin(select(s.position, s.start, is_low), s.geometric_normal);
    }
    return offset_origin(s.position, -s.geometric_normal);
}

// Randomly continues the camera's ray behind a partly opaque surface. One number decides for all surfaces along the
// ray: of the samples that pass the first surface, the next one passes its own fraction. A pixel's samples are
// therefore divided among what they show as evenly as that number is stratified.
fn passes_partly(path: ptr<function, PathState>, hit: Hit, samples: ptr<function, BounceSamples>) -> bool {
    if !HAS_OPACITY || (*path).alpha != 0.0 {
        return false;
    }
    let opacity = opacity_at(hit);
    let chance = select((*path).chance, (*samples).survival.x, (*path).passed_instance == NO_HIT);
    if chance < opacity {
        return false;
    }
    (*path).chance = min((chance - opacity) / (1.0 - opacity), 0.99999994);
    (*path).passed_instance = hit.instance;
    (*path).passed_triangle = hit.triangle;
    (*path).ray.t_min = bitcast<f32>(bitcast<u32>(hit.t) - 1u);
    (*path).alive = select(0u, 1u, (*path).steps < STEPS_MAX);
    return true;
}

// Continues the path through the surface of a hidden body.
fn passes_hidden(path: ptr<function, PathState>, s: Surface) -> bool {
    let front = s.front == 1u;
    if crossing_of((*path).media, s.material, front) != CROSSING_HIDDEN {
        return false;
    }
    (*path).media = media_across((*path).media, s.material, front);
    // Shadow rays stop here, so light beyond is found by the path alone.
    (*path).pdf = -1.0;
    (*path).ray = Ray(offset_origin(s.position, -s.geometric_normal), 0.0, (*path).ray.direction, 1e30);
    (*path).alive = select(0u, 1u, (*path).steps < STEPS_MAX);
    return true;
}

// Continues the path from a surface that scattered it, into the body there or out of it.
fn go_on(path: ptr<function, PathState>, s: Surface, kind: u32, onward: vec3f, outside: f32) {
    let front = s.front == 1u;
    if outside < 0.0 && bounds_body(s.material) {
        let entered = material_entered(s.material, kind);
        (*path).media = media_across((*path).media, select(s.material, entered, front), front);
    }
    (*path).ray = Ray(leave(s, onward, outside), 0.0, onward, 1e30);
    (*path).alive = 1u;
}
