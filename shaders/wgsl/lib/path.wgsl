// A light path on its way, and what one step of it gives. No bindings.
#import lib/math
#import lib/ray
#import lib/sequence

struct PathState {
    // The next ray to trace.
    ray: Ray,
    throughput: vec3f,
    // Density over solid angle of `ray.direction`; below 0 after a mirror or the camera, which nothing else can have
    // sampled.
    pdf: f32,
    radiance: vec3f,
    alpha: f32,
    // Materials of the bodies that `ray` is inside of, the one that counts first; NONE at the end.
    media: vec3u,
    // Of the sequence that the pixel's block draws from, and the place in it: `pixel_sequence`.
    seed: u32,
    sample: u32,
    // Scattering events so far.
    bounces: u32,
    bounces_diffuse: u32,
    bounces_glossy: u32,
    bounces_transmission: u32,
    // 1 while the path goes on.
    alive: u32,
    // Rays so far: scattering events, events inside bodies, and surfaces passed that are none.
    steps: u32,
    // Of the path's light, once a body has parted it into colours; 0 for all of them.
    wavelength_um: f32,
    // Of the camera's ray, while `alpha` is 0: the partly opaque surface that it passed last, NO_HIT before the first,
    // and what is left of the chance by which it passes.
    passed_instance: u32,
    passed_triangle: u32,
    chance: f32,
    // From the place of the last scattering event to the origin of `ray`, with panes between them. Where `pdf` is not
    // below 0 light was sampled from there, through the panes.
    passed: f32,
}

// Paths inside bodies end at the latest after so many rays.
const STEPS_MAX: u32 = 1024u;

// A ray towards a light, whose radiance counts if nothing blocks it.
struct ShadowRay {
    ray: Ray,
    // Added to the path's radiance when the ray is free.
    radiance: vec3f,
    // 0: there is none.
    exists: u32,
}

// One of the sets SET_* of a step.
fn step_point(seed: u32, sample: u32, steps: u32, set_number: u32) -> vec2u {
    return set_point(seed, sample, SETS_BEFORE_STEPS + steps * SETS_PER_STEP + set_number);
}

// Where in the pixel, before its filter. It is stratified together with what the ray does at the first surface, whose
// numbers these are.
fn pixel_sample(seed: u32, sample: u32) -> vec2f {
    return draw_pair_beside(step_point(seed, sample, 0u, SET_SCATTERING), DRAW_PIXEL);
}

// The numbers of a step, all drawn whether it needs them or not: drawing has no branches, and processors draw for many
// paths in the time of one.
struct BounceSamples {
    // The lobe, the light.
    choice: vec2f,
    bsdf: vec2f,
    light: vec2f,
    // Roulette, and the distance inside a body.
    survival: vec2f,
}

fn bounce_samples(seed: u32, sample: u32, steps: u32) -> BounceSamples {
    let scattering = step_point(seed, sample, steps, SET_SCATTERING);
    let survival = step_point(seed, sample, steps, SET_SURVIVAL);
    return BounceSamples(
        vec2f(draw_third(scattering, DRAW_BSDF), draw_third(scattering, DRAW_LIGHT)),
        draw_pair(scattering, DRAW_BSDF),
        draw_pair(scattering, DRAW_LIGHT),
        draw_pair(survival, DRAW_SURVIVAL),
    );
}

// What opacity is asked of.
struct RayName {
    // Tells the ray from others where chance decides (see `ray_key`).
    key: u32,
    // With KEY_EACH: only surfaces after this one, in the order of hits, are met.
    passed_t: f32,
    passed_instance: u32,
    passed_triangle: u32,
}

// A ray that no surface is passed of yet.
fn ray_name(key: u32) -> RayName {
    return RayName(key, 0.0, NO_HIT, NO_HIT);
}

// The next ray of a path. The camera's ray is stopped by every surface that is not quite clear, and goes on behind it
// by a number that is stratified over the pixel's samples (see `passes_partly`); what it shows is noisier than what is
// found by chance along other rays.
fn path_ray_name(path: PathState) -> RayName {
    var name = ray_name(ray_key(path.seed, path.sample, path.steps, 0u));
    if path.alpha == 0.0 {
        // The ray begins just before that surface, so that those that lie in it are met.
        let passed_t = bitcast<f32>(bitcast<u32>(path.ray.t_min) + 1u);
        name = RayName(name.key | KEY_CAMERA | KEY_EACH, passed_t, path.passed_instance, path.passed_triangle);
    }
    return name;
}

// Names a ray for stochastic opacity: the path, its step, and whether it is the shadow ray of that step.
fn ray_key(seed: u32, sample: u32, steps: u32, shadow: u32) -> u32 {
    let name = hash_combine(seed ^ 0x5bd1e995u, hash_combine(sample, steps * 2u + shadow));
    return (name & ~(KEY_CAMERA | KEY_SHADOW | KEY_EACH)) | select(0u, KEY_CAMERA, steps + shadow == 0u) | select(0u, KEY_SHADOW, shadow == 1u);
}

// Limits the sum of a contribution's channels; 0 is no limit.
fn clamp_sum(c: vec3f, limit: f32) -> vec3f {
    let sum = c.x + c.y + c.z;
    if limit > 0.0 && sum > limit {
        return c * (limit / sum);
    }
    return c;
}
