// Guides for a denoiser: one invocation follows one sample of one pixel to what it shows, and adds that to the pixel's
// sums.
#import lib/path
#import stage/trace
#import stage/generate
#import stage/guide

// Twin of `layout::guide::GuideParams`.
struct GuideParams {
    // Pixels of this dispatch.
    n_pixels: u32,
    sample: u32,
    pad0: u32,
    pad1: u32,
}

// Most rays of a sample: through mirrors, glass and hidden surfaces.
const GUIDE_RAYS: u32 = 64u;

@group(1) @binding(0) var<uniform> guide_params: GuideParams;
// The pixels, numbered row by row.
@group(1) @binding(1) var<storage, read> guide_pixels: array<u32>;
// Albedo and coverage of each of them, normal and how many samples met partly opaque surfaces.
@group(1) @binding(2) var<storage, read_write> guide_sums: array<vec4f>;

@compute @workgroup_size(WORKGROUP)
fn guides(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= guide_params.n_pixels {
        return;
    }
    let at = guide_pixels[id.x];
    let pixel = vec2u(at % params.width_px, at / params.width_px);
    let sequence = pixel_sequence(pixel);
    let seed = sequence.x;
    let sample = sequence.y + guide_params.sample;
    var path = generate(pixel, seed, sample, pixel_sample(seed, sample));
    var found: Guide;
    for (var n_rays = 0u; n_rays < GUIDE_RAYS && path.alive == 1u; n_rays += 1u) {
        let steps = path.steps;
        let hit = trace_closest(path.ray, path_ray_name(path));
        var samples = bounce_samples(seed, sample, steps);
        found = guide(&path, hit, &samples);
    }
    guide_sums[2u * id.x] += vec4f(found.albedo, path.alpha);
    guide_sums[2u * id.x + 1u] += vec4f(found.normal, found.partly);
}
