// Fresnel curves. No bindings.
#import lib/math

// Unpolarised reflectance of a dielectric boundary; `eta` is the index beyond the boundary over the index on this side,
// `cos_i` the cosine on this side, 0 to 1. 1 under total internal reflection.
fn fresnel_dielectric(cos_i: f32, eta: f32) -> f32 {
    let g2 = eta * eta - 1.0 + cos_i * cos_i;
    if g2 <= 0.0 {
        return 1.0;
    }
    let g = sqrt(g2);
    let a = (g - cos_i) / (g + cos_i);
    let b = (cos_i * (g + cos_i) - 1.0) / (cos_i * (g - cos_i) + 1.0);
    return 0.5 * a * a * (1.0 + b * b);
}

// Its mean over the cosine-weighted hemisphere, for `eta` of at least 1: a fit (Kulla and Conty Estevez 2017,
// "Revisiting Physically Based Shading at Imageworks").
fn fresnel_dielectric_mean(eta: f32) -> f32 {
    return (eta - 1.0) / (4.08567 + 1.00071 * eta);
}

// Coefficient of the dip that makes Schlick's curve pass through tint x Schlick at cos = 1/7 (the F82 model: Kutz et
// al. 2021, "Novel aspects of the Adobe Standard Material").
fn f82_dip(f0: vec3f, tint: vec3f) -> vec3f {
    let schlick = f0 + (1.0 - f0) * 0.46266436;         // (6/7)^5
    return schlick * (1.0 - tint) * 17.651213;          // 1 / ((1/7) (6/7)^6)
}

fn fresnel_f82(f0: vec3f, dip: vec3f, cos_i: f32) -> vec3f {
    let c = 1.0 - cos_i;
    let c2 = c * c;
    let c5 = c2 * c2 * c;
    return saturate(f0 + (1.0 - f0) * c5 - dip * (cos_i * c5 * c));
}

// Mean over the cosine-weighted hemisphere: the integral of 2 c F(c) dc of the curve above.
fn fresnel_f82_mean(f0: vec3f, dip: vec3f) -> vec3f {
    return saturate(f0 + (1.0 - f0) * (1.0 / 21.0) - dip * (1.0 / 126.0));
}
