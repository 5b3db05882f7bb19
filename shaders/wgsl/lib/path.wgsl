// The state of a light path, and what one step of it produces. No bindings.
#import lib/math
#import lib/ray
#import lib/sequence

struct PathState {
    // The next ray to trace.
    ray: Ray,
    throughput: vec3f,
    // Density over solid angle of `ray.direction`; below 0 after a mirror or the camera, because no other technique can
    // sample such a direction.
    pdf: f32,
    radiance: vec3f,
    alpha: f32,
    // Materials of the bodies that `ray` is inside, the one that counts first; NONE at the end.
    media: vec3u,
    // Seed of the sequence that the pixel's block draws from, and the index in it: `pixel_sequence`.
    seed: u32,
    sample: u32,
    // Scattering events so far.
    bounces: u32,
    bounces_diffuse: u32,
    bounces_glossy: u32,
    bounces_transmission: u32,
    // 1 while the path goes on.
    alive: u32,
    // Rays so far: scattering events, events inside bodies, and surfaces that were only passed.
    steps: u32,
    // Wavelength of the path's light, once a dispersive body has restricted it to one; 0 for all.
    wavelength_um: f32,
    // For the camera's ray, while `alpha` is 0: the partly opaque surface that it passed last (NO_HIT before the
    // first), and the random number that decides passing, rescaled after each surface.
    passed_instance: u32,
    passed_triangle: u32,
    chance: f32,
    // Distance from the last scattering event to the origin of `ray`, with panes in between. Where `pdf` is not below
    // 0, light was sampled from that event, through the panes.
    passed: f32,
}

// Paths inside bodies end after this many rays at the latest.
const STEPS_MAX: u32 = 1024u;

// A ray towards a light, whose radiance counts if nothing occludes it.
struct ShadowRay {
    ray: Ray,
    // Added to the path's radiance if the ray is unoccluded.
    radiance: vec3f,
    // 0: there is no ray.
    exists: u32,
}

// One of the sample sets SET_* of a step.
fn step_point(seed: u32, sample: u32, steps: u32, set_number: u32) -> vec2u {
    return set_point(seed, sample, SETS_BEFORE_STEPS + steps * SETS_PER_STEP + set_number);
}

// Position in the pixel, before its filter. It is stratified together with the sampling at the first surface, whose set
// it shares.
fn pixel_sample(seed: u32, sample: u32) -> vec2f {
    return draw_pair_beside(step_point(seed, sample, 0u, SET_SCATTERING), DRAW_PIXEL);
}

// The random numbers of a step, all drawn whether the step needs them or not: drawing has no branches, and a CPU draws
// for many paths in the time of one.
struct BounceSamples {
    // For the lobe, and for the light.
    choice: vec2f,
    bsdf: vec2f,
    light: vec2f,
    // For Russian roulette, and for the distance inside a body.
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

// What identifies a ray to stochastic opacity.
struct RayName {
    // Distinguishes the ray wherever chance decides (see `ray_key`).
    key: u32,
    // With KEY_EACH: only surfaces after this one, in the order of hits, are hit.
    passed_t: f32,
    passed_instance: u32,
    passed_triangle: u32,
}

// A ray that has not passed any surface yet.
fn ray_name(key: u32) -> RayName {
    return RayName(key, 0.0, NO_HIT, NO_HIT);
}

// The next ray of a path. The camera's ray is stopped by every surface that is not fully transparent, and continues
// behind it by a number that is stratified over the pixel's samples (see `passes_partly`): what it shows would be
// noisier if an independent number decided, as for other rays.
fn path_ray_name(path: PathState) -> RayName {
    var name = ray_name(ray_key(path.seed, path.sample, path.steps, 0u));
    if path.alpha == 0.0 {
        // The ray starts just before that surface, so that coincident surfaces are hit.
        let passed_t = bitcast<f32>(bitcast<u32>(path.ray.t_min) + 1u);
        name = RayName(name.key | KEY_CAMERA | KEY_EACH, passed_t, path.passed_instance, path.passed_triangle);
    }
    return name;
}

// Identifies a ray to stochastic opacity: the path, its step, and whether it is the shadow ray of that step.
fn ray_key(seed: u32, sample: u32, steps: u32, shadow: u32) -> u32 {
    let name = hash_combine(seed ^ 0x5bd1e995u, hash_combine(sample, steps * 2u + shadow));
    return (name & ~(KEY_CAMERA | KEY_SHADOW | KEY_EACH)) | select(0u, KEY_CAMERA, steps + shadow == 0u) | select(0u, KEY_SHADOW, shadow == 1u);
}

// Clamps the sum of a contribution's channels; a limit of 0 does nothing.
fn clamp_sum(c: vec3f, limit: f32) -> vec3f {
    let sum = c.x + c.y + c.z;
    if limit > 0.0 && sum > limit {
        return c * (limit / sum);
    }
    return c;
}
