// A light path on its way, and what one step of it gives. No bindings.
#import lib/math
#import lib/ray
#import lib/sobol

struct PathState {
    // The next ray to trace.
    ray: Ray,
    throughput: vec3f,
    // Density over solid angle of `ray.direction`; below 0 after a mirror or the camera, which nothing else can have sampled.
    pdf: f32,
    radiance: vec3f,
    alpha: f32,
    // Absorption of the medium that `ray` crosses, per render unit.
    absorption: vec3f,
    // Hash of pixel and seed.
    seed: u32,
    sample: u32,
    // Scattering events so far.
    bounces: u32,
    bounces_diffuse: u32,
    bounces_glossy: u32,
    bounces_transmission: u32,
    // 1 while the path goes on.
    alive: u32,
    pad0: u32,
    pad1: u32,
}

// A ray towards a light, whose radiance counts if nothing blocks it.
struct ShadowRay {
    ray: Ray,
    // Added to the path's radiance when the ray is free.
    radiance: vec3f,
    // 0: there is none.
    exists: u32,
}

// A point of one of the pairs PAIR_* of a scattering event.
fn bounce_sample(seed: u32, sample: u32, bounces: u32, pair: u32) -> vec2f {
    return sobol_2d(seed, sample, PAIRS_BEFORE_BOUNCES + bounces * PAIRS_PER_BOUNCE + pair);
}

// The numbers of a scattering event, all drawn whether it needs them or not: drawing has no branches, and processors draw for many paths
// in the time of one.
struct BounceSamples {
    choice: vec2f,
    bsdf: vec2f,
    light: vec2f,
    survival: vec2f,
}

fn bounce_samples(seed: u32, sample: u32, bounces: u32) -> BounceSamples {
    return BounceSamples(
        bounce_sample(seed, sample, bounces, PAIR_CHOICE),
        bounce_sample(seed, sample, bounces, PAIR_BSDF),
        bounce_sample(seed, sample, bounces, PAIR_LIGHT),
        bounce_sample(seed, sample, bounces, PAIR_SURVIVAL),
    );
}

// Names a ray for stochastic opacity: the path, its step, and whether it is the shadow ray of that step.
fn ray_key(seed: u32, sample: u32, bounces: u32, shadow: u32) -> u32 {
    return hash_combine(seed ^ 0x5bd1e995u, hash_combine(sample, bounces * 2u + shadow));
}

// Limits the sum of a contribution's channels; 0 is no limit.
fn clamp_sum(c: vec3f, limit: f32) -> vec3f {
    let sum = c.x + c.y + c.z;
    if limit > 0.0 && sum > limit {
        return c * (limit / sum);
    }
    return c;
}
