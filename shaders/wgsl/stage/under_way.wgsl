// Paths that a dispatch leaves unfinished, for the next one.
#import lib/path
#import stage/scene

// Twin of `layout::pass::PassParams`.
struct PassParams {
    // The range of `active_pixels` that this dispatch handles.
    first_active: u32,
    n_active: u32,
    // Every pixel gets the samples from `first_sample` up to, but excluding, `end_sample`.
    first_sample: u32,
    end_sample: u32,
    // Most steps of one invocation.
    n_steps: u32,
    // Slots of the region, which is also the stride between rows of `path_words`.
    n_slots: u32,
    // One of PASS_*.
    mode: u32,
    // Iterations of the loop that checks the driver.
    n_probe_turns: u32,
}

@group(1) @binding(0) var<uniform> pass_params: PassParams;
// Unfinished paths: row r of slot s at r * n_slots + s. Their samples count from the pixel's first.
@group(1) @binding(4) var<storage, read_write> path_words: array<vec4u>;

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
    // A path enters bodies only after it has hit something.
    path_words[slot + 6u * stride] = vec4u(path.media, 0u);
    if path.alpha == 0.0 {
        let t_and_chance = bitcast<vec2u>(vec2f(path.ray.t_min, path.chance));
        path_words[slot + 6u * stride] = vec4u(path.passed_instance, path.passed_triangle, t_and_chance);
        // Only for the camera's ray: light sampling cannot find what it hits, so its pdf is free, and it ends at the
        // far plane.
        path_words[slot + 3u * stride].w = bitcast<u32>(path.ray.t_max);
    }
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
    path.radiance = radiance.xyz;
    path.alpha = radiance.w;
    let last = path_words[slot + 6u * stride];
    path.media = last.xyz;
    if path.alpha == 0.0 {
        path.media = vec3u(NONE);
        path.passed_instance = last.x;
        path.passed_triangle = last.y;
        path.ray.t_min = bitcast<f32>(last.z);
        path.chance = bitcast<f32>(last.w);
        path.ray.t_max = path.pdf;
        path.pdf = -1.0;
    }
    return path;
}
