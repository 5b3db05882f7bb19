// Scattering inside bodies, and colours of single wavelengths. No bindings.
#import lib/math

// Direction scattered by Henyey and Greenstein's phase function with mean cosine g.
fn phase_sample(direction: vec3f, g: f32, u: vec2f) -> vec3f {
    var cosine = 1.0 - 2.0 * u.x;
    if abs(g) > 1e-3 {
        let s = (1.0 - g * g) / (1.0 + g - 2.0 * g * u.x);
        cosine = (1.0 + g * g - s * s) / (2.0 * g);
    }
    cosine = clamp(cosine, -1.0, 1.0);
    let turn = sin_cos_turn(u.y);
    let sine = safe_sqrt(1.0 - cosine * cosine);
    return normalize(to_world(frame_around(direction), vec3f(sine * turn.y, sine * turn.x, cosine)));
}

// Four lobes of the responses below: Gaussians with different widths on both sides.
fn two_sided_gaussians(x: f32, centre: vec4f, below: vec4f, above: vec4f) -> vec4f {
    let t = (vec4f(x) - centre) * select(above, below, vec4f(x) < centre);
    return exp(-0.5 * t * t);
}

// Linear Rec.709 of light of one wavelength, per micrometre: over all wavelengths each channel integrates to 1. The
// colour matching functions are those of Wyman, Sloan and Shirley 2013 ("Simple Analytic Approximations to the CIE XYZ
// Color Matching Functions"); negative components outside Rec.709 are clipped, and the integral is restored.
fn wavelength_response(um: f32) -> vec3f {
    let nm = um * 1000.0;
    let a = two_sided_gaussians(nm, vec4f(442.0, 599.8, 501.1, 568.8), vec4f(0.0624, 0.0264, 0.049, 0.0213), vec4f(0.0374, 0.0323, 0.0382, 0.0247));
    // The last is not used.
    let b = two_sided_gaussians(nm, vec4f(530.9, 437.0, 459.0, 0.0), vec4f(0.0613, 0.0845, 0.0385, 0.0), vec4f(0.0322, 0.0278, 0.0725, 0.0));
    let x = dot(a.xyz, vec3f(0.362, 1.056, -0.065));
    let y = 0.821 * a.w + 0.286 * b.x;
    let z = 1.217 * b.y + 0.681 * b.z;
    let rgb = vec3f(3.2404542, -0.969266, 0.0556434) * x + vec3f(-1.5371385, 1.8760108, -0.2040259) * y
        + vec3f(-0.4985314, 0.041556, 1.0572252) * z;
    return max(rgb, vec3f(0.0)) * vec3f(5.6807336, 8.6613036, 9.144786);
}

// Wavelengths are drawn about as often as the three channels respond to them, from three logistic distributions (as
// Radziszewski, Boryczko and Alda 2009, "An Improved Technique for Full Spectral Rendering", draw them by the response
// of the eye). Means and scales, in micrometres, leave the least sum of the three channels' variances.
const DRAWN_MEAN_UM: vec3f = vec3f(0.449, 0.537, 0.6085);
const DRAWN_SCALE_UM: vec3f = vec3f(0.0117, 0.0183, 0.0164);

// The wavelength for a random number, which shares out the three distributions and the wavelengths of each.
fn wavelength_drawn(u: f32) -> f32 {
    let of_three = u * 3.0;
    let i = min(floor(of_three), 2.0);
    let v = clamp(of_three - i, 1e-4, 0.9999);
    let mean_um = select(select(DRAWN_MEAN_UM.x, DRAWN_MEAN_UM.y, i == 1.0), DRAWN_MEAN_UM.z, i == 2.0);
    let scale_um = select(select(DRAWN_SCALE_UM.x, DRAWN_SCALE_UM.y, i == 1.0), DRAWN_SCALE_UM.z, i == 2.0);
    return mean_um + scale_um * log(v / (1.0 - v));
}

// Linear Rec.709 that light of a drawn wavelength stands for; white, (1, 1, 1), on average.
fn wavelength_weight(um: f32) -> vec3f {
    let t = exp(-abs(vec3f(um) - DRAWN_MEAN_UM) / DRAWN_SCALE_UM);
    let each = t / (DRAWN_SCALE_UM * (1.0 + t) * (1.0 + t));
    return wavelength_response(um) * 3.0 / (each.x + each.y + each.z);
}

// Index of refraction at a wavelength by Cauchy's formula n = a + b / l^2, where `ior` holds for the yellow line d
// (587.56 nm).
fn cauchy_ior(ior: f32, b_um2: f32, um: f32) -> f32 {
    return ior + b_um2 * (1.0 / (um * um) - 2.8966397);
}
