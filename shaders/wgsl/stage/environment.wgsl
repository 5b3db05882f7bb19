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

fn environment_column(column: i32) -> u32 {
    let w = i32(params.environment_width_px);
    let wrapped = select(select(column, column - w, column >= w), column + w, column < 0);
    return u32(clamp(wrapped, 0, w - 1));
}

fn environment_row(row: i32) -> u32 {
    return u32(clamp(row, 0, i32(params.environment_height_px) - 1)) * params.environment_width_px;
}

// RGB of a texel: 16 bits each, and a shared exponent.
fn environment_texel(i: u32) -> vec3f {
    let packed = environment_texels[i];
    let unit = bitcast<f32>((packed.y >> 16u) << 23u);
    return vec3f(f32(packed.x & 0xffffu), f32(packed.x >> 16u), f32(packed.y & 0xffffu)) * unit;
}

// The texel above and left of the point, clamped to the map.
fn environment_corner(uv: vec2f) -> u32 {
    let x = floor(uv.x * f32(params.environment_width_px) - 0.5);
    let y = floor(uv.y * f32(params.environment_height_px) - 0.5);
    return environment_row(i32(y)) + environment_column(i32(x));
}

// Radiance of the map, filtered between texel centres.
fn environment_lookup(uv: vec2f) -> vec3f {
    let x = uv.x * f32(params.environment_width_px) - 0.5;
    let y = uv.y * f32(params.environment_height_px) - 0.5;
    let fx = floor(x);
    let fy = floor(y);
    let left = environment_column(i32(fx));
    let right = environment_column(i32(fx) + 1);
    let above = environment_row(i32(fy));
    let below = environment_row(i32(fy) + 1);
    let top = mix(environment_texel(above + left), environment_texel(above + right), x - fx);
    let bottom = mix(environment_texel(below + left), environment_texel(below + right), x - fx);
    return mix(top, bottom, y - fy) * params.environment_radiance;
}

// First entry of a row's conditional table.
fn environment_row_cdf(row: u32) -> u32 {
    return params.environment_height_px + 1u + row * (params.environment_width_px + 1u);
}

// Density over solid angle with which a texel is sampled, where the sine of the polar angle is `sin_theta` and the
// row's conditional table begins at `cdf`.
fn environment_texel_pdf(column: u32, row: u32, cdf: u32, sin_theta: f32) -> f32 {
    let of_row = environment_cdf[row + 1u] - environment_cdf[row];
    let of_column = environment_cdf[cdf + column + 1u] - environment_cdf[cdf + column];
    let n_texels = f32(params.environment_width_px) * f32(params.environment_height_px);
    return of_row * of_column * n_texels / (2.0 * PI * PI * max(sin_theta, 1e-6));
}

fn environment_guide_steps(n: u32) -> u32 {
    return (n + ENVIRONMENT_GUIDE_BINS - 1u) / ENVIRONMENT_GUIDE_BINS;
}

// First entry of a row's guide.
fn environment_row_guide(row: u32) -> u32 {
    return environment_guide_steps(params.environment_height_px) + 1u + row * (environment_guide_steps(params.environment_width_px) + 1u);
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

// The bin of a cumulative table that contains `u`, among `bins`; and the position within the bin.
fn environment_bin(cdf: u32, bins: vec2u, u: f32) -> vec2f {
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
    let low = environment_cdf[cdf + first];
    let width = environment_cdf[cdf + first + 1u] - low;
    let inside = select(0.5, clamp((u - low) / width, 0.0, 0.9999999), width > 0.0);
    return vec2f(f32(first), inside);
}
