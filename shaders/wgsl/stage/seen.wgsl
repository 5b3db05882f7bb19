// Stage `seen`: the first surface along a camera ray, for the layers beside the picture.
#import lib/math
#import lib/ray
#import stage/scene
#import stage/surface
#import stage/bsdf
#import stage/medium
#import stage/guide

struct Seen {
    // Albedo of the surface towards the viewer: diffuse, gloss and coat together.
    albedo: vec3f,
    material: u32,
    // Unit, in world axes, towards the viewer.
    normal: vec3f,
    // Index of the part in the scene.
    part: u32,
    // Emitted radiance of the surface.
    emission: vec3f,
    pad0: f32,
    // In render space.
    position: vec3f,
    pad1: f32,
    // Texture coordinates of the first set, v downwards.
    uv: vec2f,
    pad2: f32,
    pad3: f32,
}

// `hit` is on a surface, not a miss.
fn seen(hit: Hit, direction: vec3f) -> Seen {
    var s = surface_at(hit, direction);
    let frame = shading_frame(&s, direction);
    let boundary = boundary_of(vec3u(NONE), s.material, s.front == 1u, 0.0);
    var b = bsdf_at(&s, to_local(frame, -direction), boundary);
    let slot = slot_of(hit.instance, hit.triangle);
    var found: Seen;
    found.albedo = closure_albedo(&b);
    found.material = slots[slot].material;
    found.normal = frame.z;
    found.part = slots[slot].part;
    found.emission = s.emission;
    found.position = s.position;
    found.uv = uv0_at(hit.triangle, weights_of(hit));
    return found;
}
