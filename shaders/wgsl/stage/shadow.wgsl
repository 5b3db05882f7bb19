// What a shadow ray contributes, for the GPU; the CPU does the same for many rays together
// (renderer/src/backend/cpu/arrival.rs).
#import lib/path
#import stage/features
#import stage/trace
#import stage/pane

// `key` identifies the ray, see `ray_key`.
fn light_arriving(shadow: ShadowRay, key: u32) -> vec3f {
    if shadow.exists == 0u {
        return vec3f(0.0);
    }
    if !HAS_PANES {
        return select(shadow.radiance, vec3f(0.0), trace_any(shadow.ray, ray_name(key)));
    }
    var ray = shadow.ray;
    var light = shadow.radiance;
    for (var n_passed = 0u; n_passed <= PANES_MAX; n_passed += 1u) {
        // Without this bit panes are hit.
        let hit = trace_closest(ray, ray_name(key & ~KEY_SHADOW));
        if hit.instance == NO_HIT {
            return light;
        }
        light *= pass_pane(&ray, hit);
        if max_component(light) <= 0.0 {
            break;
        }
    }
    return vec3f(0.0);
}
