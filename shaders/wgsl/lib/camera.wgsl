// Camera rays. No bindings.
#import lib/ray

// Twin of `layout::scene::Camera`. Render space. The frame looks along -back.
struct Camera {
    origin: vec3f,
    // 1: parallel rays; 0: rays through one point, or through an aperture.
    orthographic: u32,
    right: vec3f,
    // Half the picture's width at distance 1 (pinhole) or in render units (parallel).
    half_width: f32,
    up: vec3f,
    half_height: f32,
    back: vec3f,
    // Clip planes, perpendicular to the viewing axis.
    clip_near: f32,
    clip_far: f32,
    // 0: everything is sharp.
    aperture_radius: f32,
    // Distance along the viewing axis of the plane in focus.
    focus_depth: f32,
    pad0: f32,
}

// The ray through a point of the picture, (0, 0) the top left and (1, 1) the bottom right corner.
fn camera_ray(camera: Camera, at: vec2f) -> Ray {
    let x = (2.0 * at.x - 1.0) * camera.half_width;
    let y = (1.0 - 2.0 * at.y) * camera.half_height;
    let aside = camera.right * x + camera.up * y;
    if camera.orthographic == 1u {
        return Ray(camera.origin + aside, camera.clip_near, -camera.back, camera.clip_far);
    }
    let along = aside - camera.back;
    let stretch = length(along);
    return Ray(camera.origin, camera.clip_near * stretch, along / stretch, camera.clip_far * stretch);
}

// The same through a thin lens, by a point of the unit disc for the position on the aperture: rays through one point of
// the picture converge in the plane of focus. Not for parallel rays.
fn lens_ray(camera: Camera, at: vec2f, lens: vec2f) -> Ray {
    let x = (2.0 * at.x - 1.0) * camera.half_width;
    let y = (1.0 - 2.0 * at.y) * camera.half_height;
    let offset = (camera.right * lens.x + camera.up * lens.y) * camera.aperture_radius;
    // Depth grows by one unit per unit of t, as without a lens, so that clip planes stay planes.
    let along = camera.right * x + camera.up * y - camera.back - offset / camera.focus_depth;
    let stretch = length(along);
    return Ray(camera.origin + offset, camera.clip_near * stretch, along / stretch, camera.clip_far * stretch);
}
