// Choosing and sampling a light that has a position, from a point, and the density of that choice.
#import lib/math
#import stage/features
#import stage/scene
#import lib/ray
#import stage/environment
#import stage/emitters

fn rect_sample(i: u32, from_point: vec3f, u: vec2f) -> LightSample {
    let at = lights[i].position + lights[i].half_u * (2.0 * u.x - 1.0) + lights[i].half_v * (2.0 * u.y - 1.0);
    let to_light = at - from_point;
    let distance2 = dot(to_light, to_light);
    let distance = sqrt(distance2);
    let direction = to_light / distance;
    let cosine = -dot(direction, lights[i].axis);
    if cosine <= 0.0 {
        return NO_LIGHT;
    }
    let pdf = lights[i].select * distance2 / (cosine * lights[i].area);
    return LightSample(direction, distance, lights[i].power, pdf, vec3f(0.0), 0u);
}

// Radiance of a rectangle along a ray, and in w the density with which `light_sample` finds that direction from the
// ray's origin; w = 0 when the ray does not hit its emissive side between `t_min` and `t_max`.
fn rect_along(i: u32, origin: vec3f, direction: vec3f, t_min: f32, t_max: f32) -> vec4f {
    // Most rays miss, unpredictably for a branch predictor, so all conditions are evaluated together. For a ray
    // parallel to the plane, t is infinite or NaN, which fails them.
    let cosine = -dot(direction, lights[i].axis);
    let t = dot(origin - lights[i].position, lights[i].axis) / cosine;
    let p = origin + direction * t - lights[i].position;
    let aside = abs(vec2f(dot(p, lights[i].half_u), dot(p, lights[i].half_v)));
    let half2 = vec2f(dot(lights[i].half_u, lights[i].half_u), dot(lights[i].half_v, lights[i].half_v));
    let met = (cosine > 0.0) & (t > t_min) & (t < t_max) & (aside.x <= half2.x) & (aside.y <= half2.y);
    if !met {
        return vec4f(0.0);
    }
    return vec4f(lights[i].power, lights[i].select * t * t / (cosine * lights[i].area));
}

// Distance at which a ray hits the plane of a rectangle.
fn rect_distance(i: u32, origin: vec3f, direction: vec3f) -> f32 {
    return -dot(origin - lights[i].position, lights[i].axis) / dot(direction, lights[i].axis);
}

fn spot_falloff(i: u32, direction: vec3f) -> f32 {
    // KHR_lights_punctual, "Inner and Outer Cone Angles".
    let a = saturate((-dot(direction, lights[i].axis) - lights[i].spot_cos_outer) * lights[i].spot_scale);
    return a * a * select(1.0, 3.0 - 2.0 * a, lights[i].spot_smooth == 1u);
}

// Direction to a point of the disc that a directional light comes from. Rays never hit the disc: light sampling alone
// finds it.
fn sun_direction(i: u32, u: vec2f) -> vec3f {
    if lights[i].sun_sine == 0.0 {
        return -lights[i].axis;
    }
    let turn = sin_cos_turn(u.y);
    let sine = sqrt(u.x) * lights[i].sun_sine;
    let across = vec2f(turn.y, turn.x) * sine;
    return normalize(to_world(frame_around(-lights[i].axis), vec3f(across, safe_sqrt(1.0 - sine * sine))));
}

// One light by its probability, where the choice is not the environment, and a direction towards it. The pdf of a light
// without extent is the negative of its selection probability.
fn light_sample(from_point: vec3f, choice: f32, u: vec2f) -> LightSample {
    // Emissive surfaces take the upper end of the random numbers.
    let before_emitters = 1.0 - params.emitter_select;
    if HAS_EMITTERS && params.emitter_select > 0.0 && choice >= before_emitters {
        return emitter_sample(from_point, min((choice - before_emitters) / params.emitter_select, 0.99999994), u);
    }
    var low = 0u;
    var high = params.n_lights;
    while low + 1u < high {
        let middle = (low + high) / 2u;
        if choice < lights[middle - 1u].select_end {
            high = middle;
        } else {
            low = middle;
        }
    }
    if high == 0u {
        return NO_LIGHT;
    }
    let kind = lights[low].kind;
    if kind == LIGHT_RECT {
        return rect_sample(low, from_point, u);
    }
    if kind == LIGHT_DIRECTIONAL {
        return LightSample(sun_direction(low, u), 1e30, lights[low].power, -lights[low].select, vec3f(0.0), 0u);
    }
    let to_light = lights[low].position - from_point;
    let distance2 = dot(to_light, to_light);
    if distance2 == 0.0 {
        return NO_LIGHT;
    }
    let distance = sqrt(distance2);
    let direction = to_light / distance;
    var intensity = lights[low].power / distance2;
    if kind == LIGHT_SPOT {
        intensity *= spot_falloff(low, direction);
    }
    return LightSample(direction, distance, intensity, -lights[low].select, vec3f(0.0), 0u);
}

// The ray from a point on a surface to a sampled light.
fn ray_to_light(origin: vec3f, light: LightSample) -> Ray {
    if light.is_surface == 0u {
        return Ray(origin, 0.0, light.direction, light.distance);
    }
    // Between two points off their surfaces: a ray along the sampled direction itself would hit the surface before its
    // end at grazing angles.
    let way = light.end - origin;
    let distance = length(way);
    return Ray(origin, 0.0, way / distance, distance);
}
