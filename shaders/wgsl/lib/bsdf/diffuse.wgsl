// Energy-preserving Oren-Nayar diffuse reflection (Portsmouth, Kutz and Hill 2024, "EON: A practical energy-preserving
// rough diffuse BRDF"). Lambert at roughness 0. No bindings.
#import lib/math

// 1/2 - 2/(3 pi) and 2/3 - 28/(15 pi).
const FUJII_A: f32 = 0.28779349;
const FUJII_B: f32 = 0.07248821;

// Directional albedo of the single-scattering part, divided by the colour (the paper's exact form).
fn fujii_albedo(mu: f32, roughness: f32) -> f32 {
    let sine = safe_sqrt(1.0 - mu * mu);
    let angle = TWO_PI * atan2_turns(sine, mu);
    let g = sine * (angle - sine * mu) + 2.0 / 3.0 * (sine / max(mu, 1e-4) * (1.0 - sine * sine * sine) - sine);
    return (1.0 + roughness * INV_PI * g) / (1.0 + FUJII_A * roughness);
}

// BRDF (without the cosine) for directions above the surface.
fn diffuse_eval(color: vec3f, roughness: f32, wo: vec3f, wi: vec3f) -> vec3f {
    if roughness == 0.0 {
        return color * INV_PI;
    }
    let s = dot(wi, wo) - wi.z * wo.z;
    let s_over_t = select(s, s / max(wi.z, wo.z), s > 0.0);
    let a = 1.0 / (1.0 + FUJII_A * roughness);
    let single = color * (INV_PI * a * (1.0 + roughness * s_over_t));
    let mean = a * (1.0 + FUJII_B * roughness);
    let color_again = color * color * mean / (1.0 - color * (1.0 - mean));
    let lost_o = max(1e-7, 1.0 - fujii_albedo(wo.z, roughness));
    let lost_i = max(1e-7, 1.0 - fujii_albedo(wi.z, roughness));
    return single + color_again * (INV_PI * lost_o * lost_i / max(1e-7, 1.0 - mean));
}
