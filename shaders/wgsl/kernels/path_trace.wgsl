// The megakernel: one invocation takes one pixel a number of steps further. A step follows the pixel's path to its next surface and
// scatters it there; where a path has ended its light is added to the pixel's sums, and the pixel's next sample begins. What is under way
// when the steps are used up is stored and goes on in the next dispatch. So a dispatch has a known length whatever the number of samples
// and bounces, and no picture depends on where dispatches were cut: a pixel's samples are summed in order by the one that owns it.
#import lib/path
#import lib/film
#import stage/shadow
#import stage/generate
#import stage/shade

// Twin of `layout::pass::PassParams`.
struct PassParams {
    // The part of `active_pixels` that this dispatch takes.
    first_active: u32,
    n_active: u32,
    // Every pixel gets the samples from `first_sample` up to, but not with, `end_sample`.
    first_sample: u32,
    end_sample: u32,
    // Most steps of one invocation.
    n_steps: u32,
    // Slots of the region: rows of `path_words` are this far apart.
    n_slots: u32,
    // One of PASS_*.
    mode: u32,
    // Turns of the loop that checks the driver.
    n_probe_turns: u32,
}

// Twin of `layout::pass::PassCounters`.
struct PassCounters {
    // Length of `next_pixels`.
    n_next: atomic<u32>,
    n_rays: atomic<u32>,
    // Invocations whose loops the driver cut short.
    n_cut: atomic<u32>,
    pad0: u32,
}

@group(1) @binding(0) var<uniform> pass_params: PassParams;
// Pixels that want more: the slot that holds their sums, and x | y << 16.
@group(1) @binding(1) var<storage, read> active_pixels: array<vec2u>;
@group(1) @binding(2) var<storage, read_write> next_pixels: array<vec2u>;
@group(1) @binding(3) var<storage, read_write> counters: PassCounters;
// Paths under way: row r of slot s at r * n_slots + s. Their samples count from the pixel's first.
@group(1) @binding(4) var<storage, read_write> path_words: array<vec4u>;
@group(2) @binding(0) var<storage, read_write> film: array<FilmPixel>;

fn store_path(slot: u32, first: u32, path: PathState) {
    path_words[slot] = vec4u(path.sample - first, path.alive, path.bounces, path.bounces_diffuse);
    if path.alive == 0u {
        return;
    }
    let stride = pass_params.n_slots;
    path_words[slot + stride] = vec4u(path.seed, path.bounces_glossy, path.bounces_transmission, path.steps);
    path_words[slot + 2u * stride] = bitcast<vec4u>(vec4f(path.ray.origin, path.passed));
    path_words[slot + 3u * stride] = bitcast<vec4u>(vec4f(path.ray.direction, path.pdf));
    path_words[slot + 4u * stride] = bitcast<vec4u>(vec4f(path.throughput, path.wavelength_um));
    path_words[slot + 5u * stride] = bitcast<vec4u>(vec4f(path.radiance, path.alpha));
    path_words[slot + 6u * stride] = vec4u(path.media, 0u);
}

fn load_path(slot: u32, first: u32) -> PathState {
    var path: PathState;
    if pass_params.mode == PASS_BEGIN {
        path.sample = first + pass_params.first_sample;
        return path;
    }
    let stride = pass_params.n_slots;
    let counts = path_words[slot];
    path.sample = first + counts.x;
    path.alive = counts.y;
    if path.alive == 0u {
        return path;
    }
    let more = path_words[slot + stride];
    let origin = bitcast<vec4f>(path_words[slot + 2u * stride]);
    let direction = bitcast<vec4f>(path_words[slot + 3u * stride]);
    let throughput = bitcast<vec4f>(path_words[slot + 4u * stride]);
    let radiance = bitcast<vec4f>(path_words[slot + 5u * stride]);
    path.bounces = counts.z;
    path.bounces_diffuse = counts.w;
    path.seed = more.x;
    path.bounces_glossy = more.y;
    path.bounces_transmission = more.z;
    path.steps = more.w;
    path.ray = Ray(origin.xyz, 0.0, direction.xyz, 1e30);
    path.passed = origin.w;
    path.pdf = direction.w;
    path.throughput = throughput.xyz;
    path.wavelength_um = throughput.w;
    path.media = path_words[slot + 6u * stride].xyz;
    path.radiance = radiance.xyz;
    path.alpha = radiance.w;
    return path;
}

// Whether the pixel, whose samples begin at `first`, is done with this pass.
fn is_done(path: PathState, first: u32) -> bool {
    return path.alive == 0u && (path.sample - first >= pass_params.end_sample || pass_params.mode == PASS_DRAIN);
}

// A driver that limits the turns of all loops together leaves this one, the last, early (lavapipe: 65,535).
fn loops_were_cut() -> bool {
    var turns = 0u;
    while turns < pass_params.n_probe_turns {
        turns += 1u;
    }
    return turns != pass_params.n_probe_turns;
}

@compute @workgroup_size(WORKGROUP)
fn path_trace(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= pass_params.n_active {
        return;
    }
    let entry = active_pixels[pass_params.first_active + id.x];
    let slot = entry.x;
    let pixel = vec2u(entry.y & 0xffffu, entry.y >> 16u);
    let sequence = pixel_sequence(pixel);
    var path = load_path(slot, sequence.y);
    var n_rays = 0u;
    for (var k = 0u; k < pass_params.n_steps; k += 1u) {
        if is_done(path, sequence.y) {
            break;
        }
        if path.alive == 0u {
            path = generate(pixel, sequence.x, path.sample, pixel_sample(sequence.x, path.sample));
        }
        let steps = path.steps;
        let hit = trace_closest(path.ray, ray_key(path.seed, path.sample, steps, 0u));
        var samples = bounce_samples(path.seed, path.sample, steps);
        var point: EnvironmentPoint;
        look_at_environment(&path, hit, &samples, &point);
        let shadow = shade(&path, hit, &samples, &point);
        n_rays += 1u + shadow.exists;
        path.radiance += light_arriving(shadow, ray_key(path.seed, path.sample, steps, 1u));
        if path.alive == 0u {
            film[slot] = film_add(film[slot], path.sample - sequence.y, vec4f(path.radiance, path.alpha));
            path.sample += 1u;
        }
    }
    store_path(slot, sequence.y, path);
    if !is_done(path, sequence.y) {
        next_pixels[atomicAdd(&counters.n_next, 1u)] = entry;
    }
    atomicAdd(&counters.n_rays, n_rays);
    if loops_were_cut() {
        atomicAdd(&counters.n_cut, 1u);
    }
}
