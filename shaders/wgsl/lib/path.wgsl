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
    // From the place of the last scattering event to the origin of `ray`, with panes between them. Where `pdf` is not below 0 light
    // was sampled from there, through the panes.
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

// A point of one of the pairs PAIR_* of a step.
fn bounce_sample(seed: u32, sample: u32, steps: u32, pair: u32) -> vec2f {
    return sobol_2d(seed, sample, PAIRS_BEFORE_BOUNCES + steps * PAIRS_PER_BOUNCE + pair);
}

// The numbers of a step, all drawn whether it needs them or not: drawing has no branches, and processors draw for many paths
// in the time of one.
struct BounceSamples {
    // The lobe, the light.
    choice: vec2f,
    bsdf: vec2f,
    light: vec2f,
    // Roulette, and the distance inside a body.
    survival: vec2f,
}

fn bounce_samples(seed: u32, sample: u32, steps: u32) -> BounceSamples {
    return BounceSamples(
        bounce_sample(seed, sample, steps, PAIR_CHOICE),
        bounce_sample(seed, sample, steps, PAIR_BSDF),
        bounce_sample(seed, sample, steps, PAIR_LIGHT),
        bounce_sample(seed, sample, steps, PAIR_SURVIVAL),
    );
}

// Names a ray for stochastic opacity: the path, its step, and whether it is the shadow ray of that step.
fn ray_key(seed: u32, sample: u32, steps: u32, shadow: u32) -> u32 {
    let name = hash_combine(seed ^ 0x5bd1e995u, hash_combine(sample, steps * 2u + shadow));
    return (name & ~(KEY_CAMERA | KEY_SHADOW)) | select(0u, KEY_CAMERA, steps + shadow == 0u) | select(0u, KEY_SHADOW, shadow == 1u);
}

// Limits the sum of a contribution's channels; 0 is no limit.
fn clamp_sum(c: vec3f, limit: f32) -> vec3f {
    let sum = c.x + c.y + c.z;
    if limit > 0.0 && sum > limit {
        return c * (limit / sum);
    }
    return c;
}
