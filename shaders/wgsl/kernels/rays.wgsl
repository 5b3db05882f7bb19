// Traversal alone: one invocation follows one ray of a list. It measures how fast a device traces, and proves that it
// hits what the processor hits.
#import lib/math
#import stage/trace

// Twin of `layout::ray::RayParams`.
struct RayParams {
    n_rays: u32,
    // 1: whether anything is hit; 0: what is hit first.
    is_any: u32,
    pad0: u32,
    pad1: u32,
}

@group(1) @binding(0) var<uniform> ray_params: RayParams;
@group(1) @binding(1) var<storage, read> rays: array<Ray>;
@group(1) @binding(2) var<storage, read_write> hits: array<Hit>;

@compute @workgroup_size(WORKGROUP)
fn trace_rays(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= ray_params.n_rays {
        return;
    }
    let ray = rays[id.x];
    if ray_params.is_any == 1u {
        var found = hit_miss(ray.t_max);
        if trace_any(ray, ray_name(0u)) {
            found.instance = 0u;
        }
        hits[id.x] = found;
    } else {
        hits[id.x] = trace_closest(ray, ray_name(0u));
    }
}
