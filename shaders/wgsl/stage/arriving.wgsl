// Stage `arriving`: direct light on the first surface of a camera path, and the ray that tests whether it is occluded.
#import lib/path
#import lib/sampling
#import stage/scene
#import stage/surface
#import stage/ahead
#import stage/lights
#import stage/onward

// What one direction contributes to the surface at `hit`, as irradiance per sample: with `uniform_light`, light from an
// environment without a map, which light sampling never chooses; otherwise from the light that the event's light sample
// chooses. `samples` and `point` are as for `shade`.
fn arriving(
    path: ptr<function, PathState>,
    hit: Hit,
    samples: ptr<function, BounceSamples>,
    point: ptr<function, EnvironmentPoint>,
    uniform_light: u32,
) -> ShadowRay {
    var shadow: ShadowRay;
    let direction = (*path).ray.direction;
    let s = surface_at(hit, direction);
    let normal = facing_normal(s.shading_normal, -direction);
    if uniform_light == 1u {
        let onward = to_world(frame_around(normal), square_to_cosine_hemisphere((*samples).bsdf));
        let outside = dot(onward, s.side_normal);
        if outside > 0.0 && max_component(params.environment_radiance) > 0.0 {
            shadow.ray = Ray(leave(s, onward, outside), 0.0, onward, 1e30);
            shadow.radiance = params.environment_radiance * PI;
            shadow.exists = 1u;
        }
        return shadow;
    }
    let choice = (*samples).choice.y;
    let is_environment = choice < params.environment_select;
    var light = LightSample((*point).direction, 1e30, vec3f(0.0), (*point).pdf, vec3f(0.0), 0u);
    if !is_environment {
        light = light_sample(s.position, choice, (*samples).light);
    }
    if light.pdf == 0.0 {
        return shadow;
    }
    if is_environment {
        light.radiance = (*point).radiance;
    }
    let outside = dot(light.direction, s.side_normal);
    let cosine = dot(light.direction, normal);
    let irradiance = light.radiance * (cosine / abs(light.pdf));
    if outside > 0.0 && cosine > 0.0 && max_component(irradiance) > 0.0 {
        shadow.ray = ray_to_light(leave(s, light.direction, outside), light);
        shadow.radiance = irradiance;
        shadow.exists = 1u;
    }
    return shadow;
}
