// A design on a part: a picture that is composed for the part's printable area. A material that wears one names an
// entry of `tables`, as `prepare/design.rs` writes it:
//   0: one of DESIGN_*, how a point's place in the picture is found
//   1: index into `textures`
//   2: opacity
//   3: 1 for ink, which hides the material below it; 0 for a tint of the material's own colour
//   4..16: three rows of numbers, each a map of a point: its three factors and what is added
//   16..18: the least and the greatest value of something at a covered point
//   18: pictures in a turn
//
// DESIGN_BY_UV0, DESIGN_BY_UV1: the point is (u, v, 0) by the part's texture coordinates; the rows give u and v of the
// picture.
// DESIGN_PLANAR: the rows give u, v and the height above the plane, whose range is that of the area. Surfaces that face
// along the plane or away from it are not covered.
// DESIGN_CYLINDRICAL: the rows give the distances from the axis to the side and to the front, and v; the range is that
// of the radius. Surfaces that do not face away from the axis are not covered.
#import lib/math
#import stage/features
#import stage/scene
#import stage/texture

// Cosine of the steepest angle at which a surface is covered.
const DESIGN_FACING_MIN: f32 = 0.25;

fn design_factors(row: u32) -> vec3f {
    return vec3f(tables[row], tables[row + 1u], tables[row + 2u]);
}

// Where in the picture a point is; z is 1 where there can be a picture. `p` and the normal, of any length, are in the
// mesh's frame, which is render space for parts that wear designs.
fn design_place(entry: u32, uv0: vec2f, uv1: vec2f, p: vec3f, normal: vec3f) -> vec3f {
    let kind = u32(tables[entry]);
    let is_by_uv = kind == DESIGN_BY_UV0 || kind == DESIGN_BY_UV1;
    let point = select(p, vec3f(select(uv0, uv1, kind == DESIGN_BY_UV1), 0.0), is_by_uv);
    var factors = array<vec3f, 3>();
    var values = vec3f(0.0);
    for (var i = 0u; i < 3u; i += 1u) {
        let row = entry + 4u + 4u * i;
        factors[i] = design_factors(row);
        values[i] = dot(factors[i], point) + tables[row + 3u];
    }
    if is_by_uv {
        return vec3f(values.xy, 1.0);
    }
    let is_planar = kind == DESIGN_PLANAR;
    let radius = sqrt(values.x * values.x + values.y * values.y);
    let away = (factors[0] * values.x + factors[1] * values.y) / max(radius, 1e-20);
    let outward = select(away, factors[2], is_planar);
    let height = select(radius, values.z, is_planar);
    let is_within = height >= tables[entry + 16u] && height <= tables[entry + 17u];
    let covers = is_within && dot(normalize(normal), outward) >= DESIGN_FACING_MIN;
    let around = vec2f(0.5 + atan2_turns(values.x, values.y) * tables[entry + 18u], values.z);
    return vec3f(select(around, values.xy, is_planar), select(0.0, 1.0, covers));
}

// The picture at a place: a mixture of four texels, with their colours times their alpha, so that no colour bleeds out
// of transparent ones. One lookup in a loop, because drivers copy a function into each place that calls it.
fn design_filtered(i: u32, at: vec2f) -> vec4f {
    let clamp_u = (textures[i].flags & TEXTURE_CLAMP_U) != 0u;
    let clamp_v = (textures[i].flags & TEXTURE_CLAMP_V) != 0u;
    if (clamp_u && (at.x < 0.0 || at.x > 1.0)) || (clamp_v && (at.y < 0.0 || at.y > 1.0)) {
        return vec4f(0.0);
    }
    let width = i32(textures[i].width_px);
    let height = i32(textures[i].height_px);
    // Texture coordinates far away would overflow the integers below.
    let inside = clamp(at, vec2f(-16384.0), vec2f(16384.0));
    let x = inside.x * f32(width) - 0.5;
    let y = inside.y * f32(height) - 0.5;
    let to_right = x - floor(x);
    let to_below = y - floor(y);
    var sum = vec4f(0.0);
    for (var k = 0; k < 4; k += 1) {
        let column = k & 1;
        let row = k >> 1u;
        let found = texel(i, wrap_texel(i32(floor(x)) + column, width, false, clamp_u),
            wrap_texel(i32(floor(y)) + row, height, false, clamp_v), true);
        let weight = select(1.0 - to_right, to_right, column == 1) * select(1.0 - to_below, to_below, row == 1);
        sum += vec4f(found.xyz * found.w, found.w) * weight;
    }
    return sum;
}

// What a design shows at a point: its colour times its alpha, and its alpha.
fn design_at(entry: u32, uv0: vec2f, uv1: vec2f, p: vec3f, normal: vec3f) -> vec4f {
    let place = design_place(entry, uv0, uv1, p, normal);
    if place.z == 0.0 {
        return vec4f(0.0);
    }
    return design_filtered(u32(tables[entry + 1u]), place.xy) * tables[entry + 2u];
}
