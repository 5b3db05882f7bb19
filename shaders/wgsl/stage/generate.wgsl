// Stage `generate`: the path of one sample of one pixel, with its camera ray.
#import lib/camera
#import lib/path
#import lib/sampling
#import lib/sobol
#import stage/scene

// Where the filter's inverse distribution puts `u`, in pixels from the centre: pixels are sampled by their filter, so that every sample has
// weight 1.
fn filter_offset(u: f32) -> f32 {
    let x = u * f32(FILTER_STEPS);
    let i = min(u32(x), FILTER_STEPS - 1u);
    return mix(tables[params.filter_table + i], tables[params.filter_table + i + 1u], x - f32(i));
}

fn pixel_seed(pixel: vec2u) -> u32 {
    return hash_combine(hash_combine(params.seed, pixel.x), pixel.y);
}

// `seed` is the pixel's; `u` is point `sample` of its PAIR_FILTER.
fn generate(pixel: vec2u, seed: u32, sample: u32, u: vec2f) -> PathState {
    let at_px = vec2f(pixel) + 0.5 + vec2f(filter_offset(u.x), filter_offset(u.y));
    let at = at_px / vec2f(f32(params.width_px), f32(params.height_px));
    var path: PathState;
    if params.camera.aperture_radius > 0.0 {
        path.ray = lens_ray(params.camera, at, square_to_disc(sobol_2d(seed, sample, PAIR_LENS)));
    } else {
        path.ray = camera_ray(params.camera, at);
    }
    path.throughput = vec3f(1.0);
    path.pdf = -1.0;
    path.media = vec3u(NONE);
    path.seed = seed;
    path.sample = sample;
    path.alive = 1u;
    return path;
}
