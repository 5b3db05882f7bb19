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

// RGBA of an existing texel; `srgb` decodes the colour by table.
fn texel(i: u32, column: i32, row: i32, srgb: bool) -> vec4f {
    let bits = texels[textures[i].first_texel + u32(row * i32(textures[i].width_px) + column)];
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

// RGBA at texture coordinates from either set; colour is decoded from sRGB on request, before filtering unless the
// texture says otherwise.
fn texture_lookup(i: u32, uv0: vec2f, uv1: vec2f, srgb: bool) -> vec4f {
    if !HAS_TEXTURES {
        return vec4f(1.0);
    }
    let decodes_last = srgb && (textures[i].flags & TEXTURE_DECODE_LAST) != 0u;
    let filtered = texture_filtered(i, uv0, uv1, srgb && !decodes_last);
    if decodes_last {
        return vec4f(srgb_decoded(filtered.xyz), filtered.w);
    }
    return filtered;
}

fn texture_filtered(i: u32, uv0: vec2f, uv1: vec2f, srgb: bool) -> vec4f {
    let flags = textures[i].flags;
    let uv = vec3f(select(uv0, uv1, (flags & TEXTURE_UV1) != 0u), 1.0);
    // Texture coordinates far beyond any sensible repetition would overflow the integers below.
    let at = clamp(vec2f(dot(textures[i].row_u, uv), dot(textures[i].row_v, uv)), vec2f(-16384.0), vec2f(16384.0));
    let nearest = (flags & TEXTURE_NEAREST) != 0u;
    let width = i32(textures[i].width_px);
    let height = i32(textures[i].height_px);
    let from_center = select(0.5, 0.0, nearest);
    let x = at.x * f32(width) - from_center;
    let y = at.y * f32(height) - from_center;
    let fx = floor(x);
    let fy = floor(y);
    // The four texels around the point: columns left and right, rows above and below. With nearest filtering one texel
    // has all the weight.
    let mirror_u = (flags & TEXTURE_MIRROR_U) != 0u;
    let clamp_u = (flags & TEXTURE_CLAMP_U) != 0u;
    let left = wrap_texel(i32(fx), width, mirror_u, clamp_u);
    let right = wrap_texel(i32(fx) + 1, width, mirror_u, clamp_u);
    let mirror_v = (flags & TEXTURE_MIRROR_V) != 0u;
    let clamp_v = (flags & TEXTURE_CLAMP_V) != 0u;
    let above = wrap_texel(i32(fy), height, mirror_v, clamp_v);
    let below = wrap_texel(i32(fy) + 1, height, mirror_v, clamp_v);
    let to_right = select(x - fx, 0.0, nearest);
    let first = mix(texel(i, left, above, srgb), texel(i, right, above, srgb), to_right);
    let second = mix(texel(i, left, below, srgb), texel(i, right, below, srgb), to_right);
    return mix(first, second, select(y - fy, 0.0, nearest));
}
