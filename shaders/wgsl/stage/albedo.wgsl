// Directional albedos from `tables`.
#import lib/math
#import stage/scene

// Bilinear in (roughness, sqrt(cosine)).
fn albedo_at(table: u32, roughness: f32, cosine: f32) -> f32 {
    return table_at(table, saturate(roughness), sqrt(saturate(cosine)));
}

// Fuzz: the albedo of its lobe, or a coefficient of its shape; bilinear in (roughness, cosine).
fn fuzz_albedo(table: u32, roughness: f32, cosine: f32) -> f32 {
    return table_at(table, saturate(roughness), saturate(cosine));
}

// A table value interpolated between nodes; row and column go from 0 to 1.
fn table_at(table: u32, row: f32, column: f32) -> f32 {
    let last = f32(ALBEDO_STEPS - 1u);
    let r = row * last;
    let c = column * last;
    let ri = min(u32(r), ALBEDO_STEPS - 2u);
    let ci = min(u32(c), ALBEDO_STEPS - 2u);
    let at = table + ri * ALBEDO_STEPS + ci;
    let fc = c - f32(ci);
    let low = mix(tables[at], tables[at + 1u], fc);
    let above = at + ALBEDO_STEPS;
    let high = mix(tables[above], tables[above + 1u], fc);
    return mix(low, high, r - f32(ri));
}

// What facets do with light from a direction between two media, whose ratio of indices, beyond over on this side, is
// `eta`: refract if nothing is reflected but totally (x); of this, reflect by Fresnel's equations, times what they
// would refract (y) and times what they would mirror (z); reflect totally (w). Trilinear in (the signed square root of
// log eta, roughness, sqrt(cosine)).
fn glass_albedo(table: u32, eta: f32, roughness: f32, cosine: f32) -> vec4f {
    let last = f32(ALBEDO_STEPS - 1u);
    let magnitude = sqrt(saturate(abs(log(eta)) / log(GLASS_RATIO_MAX)));
    let e = (0.5 + 0.5 * select(magnitude, -magnitude, eta < 1.0)) * f32(GLASS_RATIOS - 1u);
    let r = saturate(roughness) * last;
    let c = sqrt(saturate(cosine)) * last;
    let ei = min(u32(e), GLASS_RATIOS - 2u);
    let ri = min(u32(r), ALBEDO_STEPS - 2u);
    let ci = min(u32(c), ALBEDO_STEPS - 2u);
    let f = vec3f(e - f32(ei), r - f32(ri), c - f32(ci));
    var sum = vec4f(0.0);
    for (var k = 0u; k < 8u; k += 1u) {
        let side = vec3u(k & 1u, (k >> 1u) & 1u, k >> 2u);
        let weights = select(vec3f(1.0) - f, f, side == vec3u(1u));
        let at = table + 4u * (((ei + side.x) * ALBEDO_STEPS + ri + side.y) * ALBEDO_STEPS + ci + side.z);
        sum += weights.x * weights.y * weights.z * vec4f(tables[at], tables[at + 1u], tables[at + 2u], tables[at + 3u]);
    }
    return sum;
}

// Mean of the lossless albedo over the hemisphere; follows the directional table at offset 0.
fn albedo_mean(roughness: f32) -> f32 {
    let r = saturate(roughness) * f32(ALBEDO_STEPS - 1u);
    let i = min(u32(r), ALBEDO_STEPS - 2u);
    let at = ALBEDO_TABLE + i;
    return mix(tables[at], tables[at + 1u], r - f32(i));
}

// Factor on single scattering that adds multiple scattering, whose colour deepens with each bounce between facets.
fn multiple_scattering(fresnel_mean: vec3f, albedo: f32, mean: f32) -> vec3f {
    let more = fresnel_mean * mean / (1.0 - fresnel_mean * (1.0 - mean));
    return 1.0 + more * ((1.0 - albedo) / max(albedo, 1e-4));
}

// Albedo of lossless brushed facets in x and its hemispherical mean in y, from the table at `table`; interpolated
// linearly between nodes.
fn brushed_albedo(table: u32, alpha: vec2f, wo: vec3f) -> vec2f {
    let along_x = alpha.x >= alpha.y;
    let larger = max(alpha.x, alpha.y);
    let ratio = min(alpha.x, alpha.y) / larger;
    let w = abs(select(wo.yx, wo.xy, along_x));
    let facets = vec2f(sqrt(saturate(larger / BRUSHED_ALPHA_MAX)), sqrt(ratio)) * vec2f(f32(BRUSHED_ROUGHNESSES - 1u), f32(BRUSHED_RATIOS - 1u));
    let view = vec2f(4.0 * atan2_turns(w.y, w.x), sqrt(saturate(wo.z))) * vec2f(f32(BRUSHED_AZIMUTHS - 1u), f32(BRUSHED_COSINES - 1u));
    let i = min(vec2u(facets), vec2u(BRUSHED_ROUGHNESSES - 2u, BRUSHED_RATIOS - 2u));
    let j = min(vec2u(view), vec2u(BRUSHED_AZIMUTHS - 2u, BRUSHED_COSINES - 2u));
    let f = facets - vec2f(i);
    let g = view - vec2f(j);
    var sum = vec2f(0.0);
    for (var k = 0u; k < 4u; k += 1u) {
        let side = vec2u(k & 1u, k >> 1u);
        let block = (i.x + side.x) * BRUSHED_RATIOS + i.y + side.y;
        let weight = select(1.0 - f.x, f.x, side.x == 1u) * select(1.0 - f.y, f.y, side.y == 1u);
        let at = table + (block * BRUSHED_AZIMUTHS + j.x) * BRUSHED_COSINES + j.y;
        let low = mix(tables[at], tables[at + 1u], g.y);
        let above = at + BRUSHED_COSINES;
        let high = mix(tables[above], tables[above + 1u], g.y);
        sum += weight * vec2f(mix(low, high, g.x), tables[table + BRUSHED_ENTRIES + block]);
    }
    return sum;
}

const BRUSHED_ENTRIES: u32 = BRUSHED_ROUGHNESSES * BRUSHED_RATIOS * BRUSHED_AZIMUTHS * BRUSHED_COSINES;
// Including the means.
const BRUSHED_TABLE: u32 = BRUSHED_ENTRIES + BRUSHED_ROUGHNESSES * BRUSHED_RATIOS;
