// Textures in storage buffers, filtered here: the same texels and arithmetic on both backends.
#import lib/math
#import stage/features
#import stage/scene

fn wrap_texel(at: i32, n: i32, mirror: bool, clamped: bool) -> i32 {
    if clamped {
        return clamp(at, 0, n - 1);
    }
    let period = select(n, 2 * n, mirror);
    var m = at % period;
    m = select(m, m + period, m < 0);
    return select(m, period - 1 - m, mirror && m >= n);
}

// RGBA of a texel; `srgb` decodes the colour by table.
fn texel(i: u32, column: i32, row: i32, srgb: bool) -> vec4f {
    let flags = textures[i].flags;
    let w = i32(textures[i].width_px);
    let x = wrap_texel(column, w, (flags & TEXTURE_MIRROR_U) != 0u, (flags & TEXTURE_CLAMP_U) != 0u);
    let y = wrap_texel(row, i32(textures[i].height_px), (flags & TEXTURE_MIRROR_V) != 0u, (flags & TEXTURE_CLAMP_V) != 0u);
    let bits = texels[textures[i].first_texel + u32(y * w + x)];
    let stored = unpack4x8unorm(bits);
    if !srgb {
        return stored;
    }
    return vec4f(tables[SRGB_TABLE + (bits & 255u)], tables[SRGB_TABLE + ((bits >> 8u) & 255u)],
        tables[SRGB_TABLE + ((bits >> 16u) & 255u)], stored.w);
}

// Linear value of an sRGB-encoded one (IEC 61966-2-1).
fn srgb_decoded(c: vec3f) -> vec3f {
    return select(pow((c + 0.055) / 1.055, vec3f(2.4)), c / 12.92, c <= vec3f(0.04045));
}

// RGBA at texture coordinates of both sets; colour is decoded from sRGB when asked for, before filtering unless the texture says otherwise.
fn texture_lookup(i: u32, uv0: vec2f, uv1: vec2f, srgb: bool) -> vec4f {
    if !HAS_TEXTURES {
        return vec4f(1.0);
    }
    if srgb && (textures[i].flags & TEXTURE_DECODE_LAST) != 0u {
        let encoded = texture_filtered(i, uv0, uv1, false);
        return vec4f(srgb_decoded(encoded.xyz), encoded.w);
    }
    return texture_filtered(i, uv0, uv1, srgb);
}

fn texture_filtered(i: u32, uv0: vec2f, uv1: vec2f, srgb: bool) -> vec4f {
    let uv = vec3f(select(uv0, uv1, (textures[i].flags & TEXTURE_UV1) != 0u), 1.0);
    // Texture coordinates beyond any sensible repetition would not fit the integers below.
    let at = clamp(vec2f(dot(textures[i].row_u, uv), dot(textures[i].row_v, uv)), vec2f(-16384.0), vec2f(16384.0));
    var x = at.x * f32(textures[i].width_px);
    var y = at.y * f32(textures[i].height_px);
    if (textures[i].flags & TEXTURE_NEAREST) != 0u {
        return texel(i, i32(floor(x)), i32(floor(y)), srgb);
    }
    x -= 0.5;
    y -= 0.5;
    let fx = floor(x);
    let fy = floor(y);
    let column = i32(fx);
    let row = i32(fy);
    let a = texel(i, column, row, srgb);
    let b = texel(i, column + 1, row, srgb);
    let c = texel(i, column, row + 1, srgb);
    let d = texel(i, column + 1, row + 1, srgb);
    return mix(mix(a, b, x - fx), mix(c, d, x - fx), y - fy);
}
