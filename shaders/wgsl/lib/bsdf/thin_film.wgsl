// Reflectance of a surface under a film about as thick as the wavelength of light (Belcour and Barla 2017, "A Practical
// Extension to Microfacet Theory for the Modeling of Varying Iridescence"), following KHR_materials_iridescence: for
// each channel the base is the dielectric whose reflectance at normal incidence is F0. No bindings.
#import lib/math
#import lib/bsdf/fresnel

fn cos_turns(x: f32) -> f32 {
    return sin_cos_turn(fract(x)).y;
}

// Integral over the visible wavelengths of the colour matching functions times the cosine of a phase, which grows by
// one turn for each wavelength of the path, as linear Rec.709; 1 for the path and shift 0. The functions are the
// paper's Gaussians, whose Fourier transforms are Gaussians too; x has a second lobe.
fn film_sensitivity(path_um: f32, shift_turns: vec3f) -> vec3f {
    let turns = vec3f(1.681, 1.7953, 2.2084) * path_um + shift_turns;
    let p = sqr(TWO_PI * path_um);
    let x = 0.84659 * exp(-0.0043278 * p) * cos_turns(turns.x)
        + 0.15386831 * exp(-0.0045282 * p) * cos_turns(2.2399 * path_um + shift_turns.x);
    let y = 1.00022189 * exp(-0.0093046 * p) * cos_turns(turns.y);
    let z = 1.00112249 * exp(-0.0066121 * p) * cos_turns(turns.z);
    // From XYZ; each row is divided by its value for path length 0, so that white light stays white.
    return vec3f(
        2.6883509 * x - 1.2752434 * y - 0.4135924 * z,
        -1.022088 * x + 1.9782477 * y + 0.0438207 * z,
        0.0611459 * x - 0.2242019 * y + 1.1617736 * z,
    );
}

// Unpolarised reflectance for light from air at the cosine `cos_1`. The film's index approaches that of air as its
// thickness approaches zero.
fn thin_film(cos_1: f32, film_ior: f32, thickness_nm: f32, f0: vec3f) -> vec3f {
    let ior = mix(1.0, film_ior, smoothstep(0.0, 30.0, thickness_nm));
    let cos2_2 = 1.0 - (1.0 - cos_1 * cos_1) / (ior * ior);
    if cos2_2 <= 0.0 {
        return vec3f(1.0);
    }
    let cos_2 = sqrt(cos2_2);
    // Into the film, and the phase shift of reflection at its outer side from below.
    let r_12 = fresnel_dielectric(cos_1, ior);
    let t_121 = 1.0 - r_12;
    let turn_21 = select(0.5, 0.0, ior < 1.0);
    // From the film to the base.
    let root = sqrt(clamp(f0, vec3f(0.0), vec3f(0.9999)));
    let base_ior = (1.0 + root) / (1.0 - root);
    let r = (base_ior - ior) / (base_ior + ior);
    let f0_23 = r * r;
    let c = 1.0 - cos_2;
    let c2 = c * c;
    let r_23 = f0_23 + (1.0 - f0_23) * (c2 * c2 * c);
    let shift = turn_21 + select(vec3f(0.0), vec3f(0.5), base_ior < vec3f(ior));
    let path_um = 2e-3 * ior * thickness_nm * cos_2;
    // The sum over reflections inside the film: the mean, and two orders of interference.
    let r_123 = min(r_12 * r_23, vec3f(0.9999));
    let through = t_121 * t_121 * r_23 / (1.0 - r_123);
    let amplitude = sqrt(r_123);
    var order = (through - t_121) * amplitude;
    var sum = r_12 + through + 2.0 * order * film_sensitivity(path_um, shift);
    order *= amplitude;
    sum += 2.0 * order * film_sensitivity(2.0 * path_um, 2.0 * shift);
    return saturate(sum);
}
