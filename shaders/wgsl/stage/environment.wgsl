// The environment: uniform, or an equirectangular map that is sampled by its brightness.
#import lib/math
#import stage/scene

struct LightSample {
    // Unit, towards the light.
    direction: vec3f,
    distance: f32,
    radiance: vec3f,
    // Density over solid angle, with the choice of the light; 0: nothing to see from here. Below 0: a light without size.
    pdf: f32,
}

// u and v of a world direction: u = 0.5 + atan2(z, x) / 2 pi in the map's frame, v = acos(y) / pi from the top row down.
fn environment_uv(direction: vec3f) -> vec2f {
    let x = params.environment_cos * direction.x - params.environment_sin * direction.z;
    let z = params.environment_sin * direction.x + params.environment_cos * direction.z;
    let horizontal = sqrt(x * x + z * z);
    return vec2f(fract(0.5 + atan2_turns(z, x)), 2.0 * atan2_turns(horizontal, direction.y));
}

fn environment_column(column: i32) -> u32 {
    let w = i32(params.environment_width_px);
    let wrapped = select(select(column, column - w, column >= w), column + w, column < 0);
    return u32(clamp(wrapped, 0, w - 1));
}

fn environment_row(row: i32) -> u32 {
    return u32(clamp(row, 0, i32(params.environment_height_px) - 1)) * params.environment_width_px;
}

fn environment_lookup(uv: vec2f) -> vec3f {
    let x = uv.x * f32(params.environment_width_px) - 0.5;
    let y = uv.y * f32(params.environment_height_px) - 0.5;
    let fx = floor(x);
    let fy = floor(y);
    let left = environment_column(i32(fx));
    let right = environment_column(i32(fx) + 1);
    let above = environment_row(i32(fy));
    let below = environment_row(i32(fy) + 1);
    let top = mix(environment_texels[above + left].xyz, environment_texels[above + right].xyz, x - fx);
    let bottom = mix(environment_texels[below + left].xyz, environment_texels[below + right].xyz, x - fx);
    return mix(top, bottom, y - fy) * params.environment_radiance;
}

// Radiance from a direction that misses everything.
fn environment_radiance(direction: vec3f) -> vec3f {
    if params.environment_kind == ENVIRONMENT_MAP {
        return environment_lookup(environment_uv(direction));
    }
    return params.environment_radiance;
}

// Density over solid angle with which `environment_sample` draws from a texel, where the sine of the polar angle is `sin_theta`.
fn environment_texel_pdf(column: u32, row: u32, sin_theta: f32) -> f32 {
    let density = environment_texels[row * params.environment_width_px + column].w;
    return density / (2.0 * PI * PI * max(sin_theta, 1e-6));
}

// The same for the direction of `uv`.
fn environment_pdf(uv: vec2f, sin_theta: f32) -> f32 {
    let column = min(u32(uv.x * f32(params.environment_width_px)), params.environment_width_px - 1u);
    let row = min(u32(uv.y * f32(params.environment_height_px)), params.environment_height_px - 1u);
    return environment_texel_pdf(column, row, sin_theta);
}

// The bin of a cumulative table of `n` bins that holds `u`, starting from its guide; and where in the bin.
fn environment_bin(cdf: u32, guide: u32, n: u32, u: f32) -> vec2f {
    var i = environment_guide[guide + min(u32(u * f32(n)), n - 1u)];
    while i + 1u < n && environment_cdf[cdf + i + 1u] <= u {
        i += 1u;
    }
    let low = environment_cdf[cdf + i];
    let width = environment_cdf[cdf + i + 1u] - low;
    let inside = select(0.5, clamp((u - low) / width, 0.0, 0.9999999), width > 0.0);
    return vec2f(f32(i), inside);
}

fn environment_sample(u: vec2f) -> LightSample {
    let w = params.environment_width_px;
    let h = params.environment_height_px;
    let row = environment_bin(0u, 0u, h, u.y);
    let r = u32(row.x);
    let column = environment_bin(h + 1u + r * (w + 1u), h + r * w, w, u.x);
    let uv = vec2f((column.x + column.y) / f32(w), (row.x + row.y) / f32(h));
    let polar = sin_cos_turn(0.5 * uv.y);
    // u = 0.5 looks along +x and grows towards +z.
    let azimuth = sin_cos_turn(fract(uv.x + 0.5));
    let local = vec3f(polar.x * azimuth.y, polar.y, polar.x * azimuth.x);
    let direction = vec3f(
        params.environment_cos * local.x + params.environment_sin * local.z,
        local.y,
        -params.environment_sin * local.x + params.environment_cos * local.z,
    );
    return LightSample(direction, 1e30, environment_lookup(uv), environment_texel_pdf(u32(column.x), r, polar.x));
}
