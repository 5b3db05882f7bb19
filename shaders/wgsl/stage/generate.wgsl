// Stage `generate`: the path of one sample of one pixel, with its camera ray.
#import lib/camera
#import lib/path
#import lib/sampling
#import lib/sequence
#import stage/scene

// The offset, in pixels from the centre, to which the filter's inverse distribution maps `u`: samples are distributed
// by the pixel filter, so that each has weight 1.
fn filter_offset(u: f32) -> f32 {
    let x = u * f32(FILTER_STEPS);
    let i = min(u32(x), FILTER_STEPS - 1u);
    let at = params.filter_table + i;
    return mix(tables[at], tables[at + 1u], x - f32(i));
}

// x: the seed of the sequence of the pixel's block; y: where this pixel's samples start in it.
fn pixel_sequence(pixel: vec2u) -> vec2u {
    let seed = hash_combine(hash_combine(params.seed, pixel.x / BLOCK_PX), pixel.y / BLOCK_PX);
    return vec2u(seed, rank_in_block(seed, pixel) << params.pixel_samples_log2);
}

// `seed` and `sample` belong to the pixel's sequence; `u` is its `pixel_sample`.
fn generate(pixel: vec2u, seed: u32, sample: u32, u: vec2f) -> PathState {
    let at_px = vec2f(pixel) + 0.5 + vec2f(filter_offset(u.x), filter_offset(u.y));
    let at = at_px / vec2f(f32(params.width_px), f32(params.height_px));
    var path: PathState;
    if params.camera.aperture_radius > 0.0 {
        path.ray = lens_ray(params.camera, at, square_to_disc(draw_pair(set_point(seed, sample, SET_LENS), DRAW_LENS)));
    } else {
        path.ray = camera_ray(params.camera, at);
    }
    path.throughput = vec3f(1.0);
    path.pdf = -1.0;
    path.media = vec3u(NONE);
    path.passed_instance = NO_HIT;
    path.passed_triangle = NO_HIT;
    path.seed = seed;
    path.sample = sample;
    path.alive = 1u;
    return path;
}
