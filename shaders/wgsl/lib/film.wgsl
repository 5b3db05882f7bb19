// Sums of a pixel's samples, in an order that no tiling, batching or resuming changes: groups of 256 samples, each
// summed in order from zero, and the groups' sums added in order. No bindings.
#import lib/math

// Twin of `layout::film::FilmPixel`: sums of premultiplied linear RGBA.
struct FilmPixel {
    // Sum of the complete groups.
    groups: vec4f,
    // The group that is being filled.
    group: vec4f,
    // The colours over every second sample, for the error estimate of adaptive sampling; w: squared luminance over all
    // samples.
    half_groups: vec4f,
    half_group: vec4f,
}

fn film_add(sums: FilmPixel, sample: u32, value: vec4f) -> FilmPixel {
    var f = sums;
    if sample % GROUP_SAMPLES == 0u {
        f.groups += f.group;
        f.group = vec4f(0.0);
        f.half_groups += f.half_group;
        f.half_group = vec4f(0.0);
    }
    // A path whose value overflowed to infinity or NaN must not blacken its pixel for good.
    let finite = abs(value) < vec4f(1e30);
    let kept = select(vec4f(0.0), value, finite);
    f.group += kept;
    if sample % 2u == 1u {
        f.half_group += vec4f(kept.xyz, 0.0);
    }
    let y = luminance(kept.xyz);
    f.half_group.w += min(y * y, 1e30);
    return f;
}
