// Stage `guide`: the albedo and normal that a denoiser gets for a camera ray. Mirrors and glass are followed to what
// they show, because the edges in a picture are those of what is seen in them.
#import lib/math
#import lib/path
#import lib/side
#import stage/features
#import stage/scene
#import stage/environment
#import stage/surface
#import stage/bsdf
#import stage/medium
#import stage/opacity
#import stage/onward
#import stage/first_hit

// Facets below this alpha show a recognisable reflection. Following rougher ones would blur the guides randomly, and a
// network that trusts them keeps that noise: at 0.075, grain was visible on polished balls.
const GUIDE_ALPHA_MAX: f32 = 0.0025;
// A surface is followed where more than this fraction of its light comes from such facets.
const GUIDE_SHARE_MIN: f32 = 0.75;

struct Guide {
    // Albedo of the surface that is shown, times that of whatever shows it.
    albedo: vec3f,
    // 1 where the camera's ray passed a partly opaque surface or ended on one, else 0.
    partly: f32,
    // Unit, in world axes, towards the viewer; zero where nothing was hit.
    normal: vec3f,
    pad1: f32,
}

fn shows_pictures(alpha: vec2f) -> bool {
    return max(alpha.x, alpha.y) <= GUIDE_ALPHA_MAX;
}

// Fraction of samples that go to mirror-like lobes.
fn mirror_share(b: ptr<function, Bsdf>) -> f32 {
    var share = 0.0;
    if shows_pictures((*b).alpha) {
        share += (*b).p_reflection + (*b).p_glass;
    }
    if shows_pictures((*b).coat_alpha) {
        share += (*b).p_coat;
    }
    return share;
}

// Approximate albedo of a closure for its view direction.
fn closure_albedo(b: ptr<function, Bsdf>) -> vec3f {
    let cosine = (*b).wo.z;
    let glass = glass_facet_if_any(b, cosine);
    var sum = (*b).diffuse_weight * (*b).diffuse_color + reflection_fresnel(b, cosine, glass);
    if HAS_LAYERS {
        sum += (*b).fuzz_weight + vec3f((*b).coat_weight * fresnel_dielectric(cosine, max((*b).coat_ior, 1.0)));
    }
    if HAS_LAYERS || HAS_BODIES {
        sum += (*b).translucent_weight;
    }
    if has_glass(b) {
        sum += (*b).refraction_weight * glass.transmittance;
    }
    return saturate(sum);
}

// Colour of the environment along a ray, as far as the picture shows it.
fn environment_color(direction: vec3f) -> vec3f {
    if params.environment_kind == ENVIRONMENT_MAP {
        return saturate(environment_lookup(environment_uv(direction)));
    }
    return saturate(params.environment_radiance);
}

// Advances a path from the camera to the point where its ray ended. While `path.alive` is 1 afterwards, there is no
// result yet.
fn guide(path: ptr<function, PathState>, hit: Hit, samples: ptr<function, BounceSamples>) -> Guide {
    var found: Guide;
    (*path).alive = 0u;
    let direction = (*path).ray.direction;
    (*path).steps += 1u;
    if HAS_OPACITY && (*path).passed_instance != NO_HIT {
        found.partly = 1.0;
    }
    if hit.instance == NO_HIT {
        if (*path).bounces > 0u || params.environment_visible == 1u {
            found.albedo = (*path).throughput * environment_color(direction);
        }
        return found;
    }
    if passes_partly(path, hit, samples) || ((*path).alpha == 0.0 && is_held_out(hit)) {
        return found;
    }
    if HAS_OPACITY && (*path).alpha == 0.0 && opacity_at(hit) < 1.0 {
        found.partly = 1.0;
        // For what this surface mirrors: its own opacity is no longer asked for.
        (*path).passed_instance = hit.instance;
    }
    (*path).alpha = 1.0;
    if cross_medium(path, hit.t, samples) {
        (*path).alive = 0u;
        found.albedo = saturate((*path).throughput);
        found.normal = -direction;
        return found;
    }
    var s = surface_at(hit, direction);
    let front = s.front == 1u;
    if HAS_BODIES && !front {
        s.material = material_within((*path).media, s.material);
    }
    if passes_hidden(path, s) {
        return found;
    }
    let frame = shading_frame(&s, direction);
    found.normal = frame.z;
    if max_component(s.emission) > 0.0 {
        found.albedo = saturate((*path).throughput * s.emission);
        return found;
    }
    var b = bsdf_at(&s, to_local(frame, -direction), boundary_of((*path).media, s.material, front, 0.0));
    found.albedo = saturate((*path).throughput * closure_albedo(&b));
    if (*path).bounces >= GUIDE_STEPS || mirror_share(&b) <= GUIDE_SHARE_MIN {
        return found;
    }
    // Glass is looked through wherever it transmits; the upper end of the numbers that choose a lobe selects
    // transmission.
    let scattered = bsdf_sample(&b, select(0.0, 0.99999994, b.p_glass > 0.5), (*samples).bsdf);
    let onward = normalize(to_world(frame, on_its_side(to_local(frame, s.side_normal), scattered.direction)));
    let outside = dot(onward, s.side_normal);
    if scattered.pdf != 0.0 && outside * scattered.direction.z > 0.0 {
        (*path).throughput *= scattered.weight;
        (*path).bounces += 1u;
        go_on(path, s, scattered.kind, onward, outside);
    }
    return found;
}
