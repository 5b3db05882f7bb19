// The megakernel: one invocation advances one pixel by a number of steps. A step follows the pixel's path to its next
// surface and scatters it there; when a path ends, its light is added to the pixel's sums, and the pixel's next sample
// begins. A path that is unfinished when the steps are used up is stored and continues in the next dispatch. A dispatch
// therefore has a known length whatever the number of samples and bounces, and no picture depends on how work was cut
// into dispatches: a pixel's samples are summed in order by the invocation that owns it.
#import lib/path
#import lib/film
#import stage/shadow
#import stage/generate
#import stage/shade
#import stage/under_way

// Twin of `layout::pass::PassCounters`.
struct PassCounters {
    // Length of `next_pixels`.
    n_next: atomic<u32>,
    n_rays: atomic<u32>,
    // Invocations whose loops the driver cut short.
    n_cut: atomic<u32>,
    pad0: u32,
}

// Pixels that need more samples: the slot that holds their sums, and x | y << 16.
@group(1) @binding(1) var<storage, read> active_pixels: array<vec2u>;
@group(1) @binding(2) var<storage, read_write> next_pixels: array<vec2u>;
@group(1) @binding(3) var<storage, read_write> counters: PassCounters;
@group(2) @binding(0) var<storage, read_write> film: array<FilmPixel>;

// Whether the pixel, whose samples begin at `first`, is done with this pass.
fn is_done(path: PathState, first: u32) -> bool {
    return path.alive == 0u && (path.sample - first >= pass_params.end_sample || pass_params.mode == PASS_DRAIN);
}

// A driver that limits the iterations of all loops together leaves this last one early (lavapipe: 65,535).
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
        let hit = trace_closest(path.ray, path_ray_name(path));
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
