// Stage `shade`: what a path does where its ray ended. Adds the light that was hit, sends a shadow ray to one light,
// and scatters. The path is changed in place.
#import lib/path
#import lib/side
#import stage/scene
#import stage/surface
#import stage/ahead
#import stage/lights
#import stage/bsdf
#import stage/medium
#import stage/onward
#import stage/first_hit
#import stage/pane

// At a surface reached after more events than this, paths survive Russian roulette by their throughput. Earlier, as in
// Cycles, it costs more in noise than it saves in rays (docs/decisions/roulette-after-three-events.md).
const ROULETTE_AFTER: u32 = 2u;
// Of light samples that are carried to the camera by less than this times what white paper would send there, only some
// get a shadow ray, by Russian roulette (docs/decisions/fainter-light-fewer-rays.md).
const FAINT: f32 = 0.01;

// Light that is hit after at most one event counts as direct.
fn clamp_for(bounces: u32) -> f32 {
    return select(params.clamp_indirect_sum, params.clamp_direct_sum, bounces <= 1u);
}

// Multiple importance sampling weight of one technique, where the other would have found the same direction with
// density `other_pdf`. Lights that fill a small part of the sphere are found best by the power heuristic. A map fills
// all of it and is sampled less where it is dark (`prepare::environment`), which assumes the balance heuristic.
fn technique_weight(pdf: f32, other_pdf: f32, is_environment: bool) -> f32 {
    return select(power_heuristic(pdf, other_pdf), balance_heuristic(pdf, other_pdf), is_environment);
}

// Weight of light that a scattered ray hit, where light sampling would have found it with density `light_pdf`.
fn met_weight(path_pdf: f32, light_pdf: f32, is_environment: bool) -> f32 {
    return select(technique_weight(path_pdf, light_pdf, is_environment), 1.0, path_pdf < 0.0);
}

// Transmittance of a medium over a distance.
fn transmittance(absorption: vec3f, distance: f32) -> vec3f {
    if absorption.x + absorption.y + absorption.z <= 0.0 {
        return vec3f(1.0);
    }
    return exp(-absorption * distance);
}

// Radiance along the path's ray, through a medium, of the lights that are not in the BVH, up to `t_max`: rectangles,
// and on a miss the environment, whose map is read at `point`.
fn light_along(
    path: ptr<function, PathState>,
    t_max: f32,
    missed: bool,
    medium: vec3f,
    point: ptr<function, EnvironmentPoint>,
) -> vec3f {
    var sum = vec3f(0.0);
    let bounces = (*path).bounces;
    if bounces > 0u {
        let ray = (*path).ray;
        let passed = (*path).passed;
        let from_event = ray.origin - ray.direction * passed;
        for (var i = 0u; i < params.n_rects; i += 1u) {
            let rect = rect_along(i, from_event, ray.direction, passed, t_max + passed);
            if rect.w > 0.0 {
                let distance = rect_distance(i, ray.origin, ray.direction);
                sum += rect.xyz * met_weight((*path).pdf, rect.w, false) * transmittance(medium, distance);
            }
        }
    }
    if missed && (bounces > 0u || params.environment_visible == 1u) {
        if params.environment_kind == ENVIRONMENT_MAP {
            sum += (*point).radiance * met_weight((*path).pdf, (*point).pdf, true);
        } else {
            // A uniform environment is never sampled: scattered rays find it with less noise than shadow rays would.
            sum += params.environment_radiance;
        }
    }
    return sum;
}

fn add_light_along(path: ptr<function, PathState>, t_max: f32, missed: bool, point: ptr<function, EnvironmentPoint>) {
    let medium = extinction_of((*path).media);
    let met = light_along(path, t_max, missed, medium, point);
    (*path).radiance += clamp_sum((*path).throughput * met, clamp_for((*path).bounces));
}

// Of a path that hit nothing.
fn cover_by_environment(path: ptr<function, PathState>) {
    if (*path).bounces == 0u && params.environment_visible == 1u {
        (*path).alpha = 1.0;
    }
}

// All that `shade` does with the radiance and alpha of a path that hit nothing, for callers that keep such paths apart.
fn escape(path: ptr<function, PathState>) {
    var point: EnvironmentPoint;
    if params.environment_kind == ENVIRONMENT_MAP && ((*path).bounces > 0u || params.environment_visible == 1u) {
        environment_behind((*path).ray.direction, &point);
    }
    add_light_along(path, 1e30, true, &point);
    cover_by_environment(path);
}

// A ray to one light, or to a point of the environment map, with what it contributes to the path. `passing` is a factor
// for light from the other side of the surface.
fn shadow_ray_to_light(
    path: ptr<function, PathState>,
    s: ptr<function, Surface>,
    frame: Frame,
    bsdf: ptr<function, Bsdf>,
    passing: vec3f,
    samples: ptr<function, BounceSamples>,
    point: ptr<function, EnvironmentPoint>,
) -> ShadowRay {
    var shadow: ShadowRay;
    let choice = (*samples).choice.y;
    let is_environment = choice < params.environment_select;
    var light = LightSample((*point).direction, 1e30, vec3f(0.0), (*point).pdf, vec3f(0.0), 0u);
    if !is_environment {
        light = light_sample((*s).position, choice, (*samples).light);
    }
    if light.pdf == 0.0 {
        return shadow;
    }
    let wi = to_local(frame, light.direction);
    let outside = dot(light.direction, (*s).side_normal);
    if outside * wi.z <= 0.0 {
        return shadow;
    }
    if is_environment {
        light.radiance = (*point).radiance;
    }
    let side = to_local(frame, (*s).side_normal);
    var scattered = vec3f(0.0);
    var leaving = wi;
    let n_leaving = n_leaving_as(side, wi);
    for (var i = 0u; i < n_leaving; i += 1u) {
        let f = bsdf_eval(bsdf, leaving);
        // Lights without an extent are found by light samples alone.
        scattered += f.xyz * select(1.0, technique_weight(light.pdf, f.w, is_environment), light.pdf > 0.0);
        leaving = mirrored_at(side, wi);
    }
    var media = (*path).media;
    if outside < 0.0 && bounds_body((*s).material) {
        media = media_across(media, (*s).material, (*s).front == 1u);
    }
    var carried = (*path).throughput * select(passing, vec3f(1.0), wi.z > 0.0) * scattered;
    // Lights without an extent are without noise, which chance would bring into them.
    if light.pdf > 0.0 {
        let of_white = PI * max_component(carried);
        // In a body, the number may have decided already how far the path goes (see `cross_medium`).
        if of_white < FAINT && (*path).media.x == NONE {
            if (*samples).survival.y * FAINT >= of_white {
                return shadow;
            }
            carried *= FAINT / of_white;
        }
    }
    // Lights at infinity light nothing inside a closed body, and everything inside an open one.
    let inside = select(light.distance, 0.0, light.distance >= 1e30);
    let radiance = carried * (light.radiance / abs(light.pdf)) * transmittance(extinction_of(media), inside);
    if max_component(radiance) > 0.0 {
        shadow.ray = ray_to_light(leave(*s, light.direction, outside), light);
        // A scattered ray would find this light one event later, so it is clamped like that.
        shadow.radiance = clamp_sum(radiance, clamp_for((*path).bounces + 1u));
        shadow.exists = 1u;
    }
    return shadow;
}

// `samples` are the event's random numbers; `point` is what `environment_place` found for this step.
fn shade(
    path: ptr<function, PathState>,
    hit: Hit,
    samples: ptr<function, BounceSamples>,
    point: ptr<function, EnvironmentPoint>,
) -> ShadowRay {
    var shadow: ShadowRay;
    (*path).alive = 0u;
    let bounces = (*path).bounces;
    let direction = (*path).ray.direction;
    let missed = hit.instance == NO_HIT;
    (*path).steps += 1u;
    add_light_along(path, select(hit.t, 1e30, missed), missed, point);
    if missed {
        cover_by_environment(path);
        return shadow;
    }
    if passes_partly(path, hit, samples) {
        return shadow;
    }
    // Alpha is 0 until something is hit.
    if (*path).alpha == 0.0 && is_held_out(hit) {
        return shadow;
    }
    (*path).alpha = 1.0;
    // The inside of an open body is unbounded: nothing is absorbed there.
    if cross_medium(path, hit.t, samples) {
        return shadow;
    }

    var s = surface_at(hit, direction);
    let front = s.front == 1u;
    if HAS_BODIES && !front {
        s.material = material_within((*path).media, s.material);
    }
    if passes_hidden(path, s) {
        return shadow;
    }
    let is_unlit = (materials[s.material].flags & MATERIAL_UNLIT) != 0u;
    let frame = shading_frame(&s, direction);
    let wo = to_local(frame, -direction);
    let emission = emission_met(path, hit, s) * emission_through(&s, wo.z) * params.emission_scale;
    (*path).radiance += clamp_sum((*path).throughput * emission, clamp_for(bounces));
    if is_unlit || !within_limits(path) {
        return shadow;
    }
    if bounces > ROULETTE_AFTER && !survives(path, (*samples).survival.x) {
        return shadow;
    }
    var dispersion = dispersion_at(path, s.material);
    var bsdf = bsdf_at(&s, wo, boundary_of((*path).media, s.material, front, dispersion.wavelength_um));
    if HAS_BODIES && (!front || (*path).media.x != NONE) {
        // Where light may be reflected totally, the wavelength decides whether it is.
        disperse(path, &dispersion);
    }

    if params.environment_select > 0.0 || params.n_lights > 0u || params.emitter_select > 0.0 {
        shadow = shadow_ray_to_light(path, &s, frame, &bsdf, dispersion.weight, samples, point);
    }

    let scattered = bsdf_sample(&bsdf, (*samples).choice.x, (*samples).bsdf);
    if scattered.pdf == 0.0 {
        return shadow;
    }
    let leaving = on_its_side(to_local(frame, s.side_normal), scattered.direction);
    let onward = normalize(to_world(frame, leaving));
    let outside = dot(onward, s.side_normal);
    // Along the surface, rounding decides the side: it must not leak through the body.
    if outside * scattered.direction.z <= 0.0 {
        return shadow;
    }
    (*path).throughput *= scattered.weight;
    if HAS_BODIES && scattered.direction.z < 0.0 {
        disperse(path, &dispersion);
    }
    if max_component((*path).throughput) <= 0.0 {
        return shadow;
    }
    if crosses_pane(path, scattered, s.material) {
        (*path).passed += hit.t;
        (*path).ray = Ray(leave(s, direction, outside), 0.0, direction, 1e30);
        (*path).alive = select(0u, 1u, (*path).steps < STEPS_MAX);
        return shadow;
    }
    (*path).pdf = scattered.pdf;
    (*path).passed = 0.0;
    (*path).bounces = bounces + 1u;
    if scattered.kind == KIND_DIFFUSE || scattered.kind == KIND_TRANSLUCENT {
        (*path).bounces_diffuse += 1u;
    } else if scattered.kind == KIND_GLOSSY {
        (*path).bounces_glossy += 1u;
    } else {
        (*path).bounces_transmission += 1u;
    }
    go_on(path, s, scattered.kind, onward, outside);
    return shadow;
}
