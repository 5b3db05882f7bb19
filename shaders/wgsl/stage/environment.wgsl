// The environment: uniform, or an equirectangular map that is sampled by its brightness.
#import lib/math
#import stage/scene

struct LightSample {
    // Unit, towards the light.
    direction: vec3f,
    distance: f32,
    radiance: vec3f,
    // Density over solid angle, including the choice of the light; 0: no light reaches this point. Below 0: a light
    // without extent (delta light).
    pdf: f32,
    // For a surface, the end of the connection, just before it.
    end: vec3f,
    // 1: a point on a surface, which other rays can hit.
    is_surface: u32,
}

const NO_LIGHT: LightSample = LightSample(vec3f(0.0), 0.0, vec3f(0.0), 0.0, vec3f(0.0), 0u);

// u and v of a world direction: u = 0.5 + atan2(z, x) / 2 pi in the map's frame, v = acos(y) / pi, downwards from the
// top row.
fn environment_uv(direction: vec3f) -> vec2f {
    let turn_cos = params.environment_cos;
    let turn_sin = params.environment_sin;
    let x = turn_cos * direction.x - turn_sin * direction.z;
    let turned = turn_sin * direction.x + turn_cos * direction.z;
    let tilt_cos = params.environment_tilt_cos;
    let tilt_sin = params.environment_tilt_sin;
    let y = tilt_cos * direction.y + tilt_sin * turned;
    let z = tilt_cos * turned - tilt_sin * direction.y;
    let horizontal = sqrt(x * x + z * z);
    return vec2f(fract(0.5 + atan2_turns(z, x)), 2.0 * atan2_turns(horizontal, y));
}

// First texel of a row. Behind the last texel of a row is its first one again, so that the neighbour to the right is
// always the next.
fn environment_row(row: i32) -> u32 {
    return u32(clamp(row, 0, i32(params.environment_height_px) - 1)) * (params.environment_width_px + 1u);
}

// RGB of a texel: 16 bits each, and a shared exponent.
fn environment_unpacked(packed: vec2u) -> vec3f {
    let unit = bitcast<f32>((packed.y >> 16u) << 23u);
    return vec3f(f32(packed.x & 0xffffu), f32(packed.x >> 16u), f32(packed.y & 0xffffu)) * unit;
}

// The map between the centres of four texels, where it is interpolated: a cell. Cell (c, r) lies between columns c and
// c + 1, around the seam, and between rows r - 1 and r. The first and the last row of cells are half as high: they
// reach from the centres of texels to a pole, where no other texel follows.
struct EnvironmentCorners {
    above_left: vec3f,
    above_right: vec3f,
    below_left: vec3f,
    below_right: vec3f,
}

fn environment_corners(column: u32, row: u32) -> EnvironmentCorners {
    let above = environment_row(i32(row) - 1) + column;
    let below = environment_row(i32(row)) + column;
    let above_left = environment_texels[above];
    let above_right = environment_texels[above + 1u];
    let below_left = environment_texels[below];
    let below_right = environment_texels[below + 1u];
    return EnvironmentCorners(
        environment_unpacked(above_left),
        environment_unpacked(above_right),
        environment_unpacked(below_left),
        environment_unpacked(below_right),
    );
}

// The map at a place in a cell, both coordinates from 0 to 1, to the right and down.
fn environment_between(corners: ptr<function, EnvironmentCorners>, at: vec2f) -> vec3f {
    let above = mix((*corners).above_left, (*corners).above_right, at.x);
    let below = mix((*corners).below_left, (*corners).below_right, at.x);
    return mix(above, below, at.y);
}

// The cell that a point of the map lies in.
fn environment_cell(uv: vec2f) -> vec2u {
    let w = i32(params.environment_width_px);
    // From -1, left of the first column's centre, which is in the cell around the seam.
    let column = i32(floor(uv.x * f32(params.environment_width_px) - 0.5));
    let row = floor(uv.y * f32(params.environment_height_px) + 0.5);
    return vec2u(u32(clamp(select(column, column + w, column < 0), 0, w - 1)), min(u32(row), params.environment_height_px));
}

// Upper and lower end of a row of cells, in rows of texels from the top.
fn environment_row_ends(row: u32) -> vec2f {
    return vec2f(max(f32(row) - 0.5, 0.0), min(f32(row) + 0.5, f32(params.environment_height_px)));
}

// Where in its cell a point of the map lies.
fn environment_inside(uv: vec2f, row: u32) -> vec2f {
    let ends = environment_row_ends(row);
    let y = (uv.y * f32(params.environment_height_px) - ends.x) / (ends.y - ends.x);
    return vec2f(fract(uv.x * f32(params.environment_width_px) - 0.5), saturate(y));
}

// Radiance of the map, filtered between texel centres.
fn environment_lookup(uv: vec2f) -> vec3f {
    let cell = environment_cell(uv);
    var corners = environment_corners(cell.x, cell.y);
    return environment_between(&corners, environment_inside(uv, cell.y)) * params.environment_radiance;
}

// What light sampling follows: the brightness of a texel less what is left to scattered rays (`prepare::environment`).
fn environment_weight(texel: vec3f) -> f32 {
    let brightness = luminance(texel);
    return max(brightness - params.environment_left, ENVIRONMENT_SAMPLED_AT_LEAST * brightness);
}

// A number from 0 to 1 whose density goes linearly from `a` to `b`, where their mean is 0.5.
fn linear_sample(a: f32, b: f32, u: f32) -> f32 {
    return min(u / max(a + sqrt(mix(a * a, b * b, u)), 1e-20), 0.9999999);
}

// First entry of a row's conditional table.
fn environment_row_cdf(row: u32) -> u32 {
    return params.environment_height_px + 2u + row * (params.environment_width_px + 1u);
}

// Probability of a row of cells.
fn environment_row_probability(row: u32) -> f32 {
    return environment_cdf[row + 1u] - environment_cdf[row];
}

// Probability of a column in a row whose conditional table begins at `cdf`.
fn environment_column_probability(column: u32, cdf: u32) -> f32 {
    let at = cdf + column;
    return environment_cdf[at + 1u] - environment_cdf[at];
}

fn environment_guide_steps(n: u32) -> u32 {
    return (n + ENVIRONMENT_GUIDE_BINS - 1u) / ENVIRONMENT_GUIDE_BINS;
}

// First entry of a row's guide.
fn environment_row_guide(row: u32) -> u32 {
    return environment_guide_steps(params.environment_height_px + 1u) + 1u + row * (environment_guide_steps(params.environment_width_px) + 1u);
}

// The step that `u` lies in, of a guide to `n` bins.
fn environment_guide_step(n: u32, u: f32) -> u32 {
    let steps = environment_guide_steps(n);
    return min(u32(u * f32(steps)), steps - 1u);
}

// The first and the last bin that a number in this step of a guide can lie in.
fn environment_guided_bins(step: u32) -> vec2u {
    return vec2u(environment_guide[step], environment_guide[step + 1u]);
}

// A bin of a cumulative table, its probability, and a position in it from 0 to 1.
struct EnvironmentBin {
    bin: u32,
    probability: f32,
    inside: f32,
}

// The bin of a cumulative table that contains `u`, among `bins`.
fn environment_bin(cdf: u32, bins: vec2u, u: f32) -> EnvironmentBin {
    var first = bins.x;
    var last = bins.y;
    while first < last {
        let middle = (first + last + 1u) / 2u;
        if environment_cdf[cdf + middle] <= u {
            first = middle;
        } else {
            last = middle - 1u;
        }
    }
    let at = cdf + first;
    let low = environment_cdf[at];
    let width = environment_cdf[at + 1u] - low;
    let inside = select(0.5, clamp((u - low) / width, 0.0, 0.9999999), width > 0.0);
    return EnvironmentBin(first, width, inside);
}
