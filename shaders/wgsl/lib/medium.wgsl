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

// The visible wavelengths that a path may take, in micrometres.
const WAVELENGTH_MIN_UM: f32 = 0.39;
const WAVELENGTH_MAX_UM: f32 = 0.70;

// A lobe of the responses below: a Gaussian with different widths on both sides.
fn two_sided_gaussian(x: f32, centre: f32, below: f32, above: f32) -> f32 {
    let t = (x - centre) * select(above, below, x < centre);
    return exp(-0.5 * t * t);
}

// Linear Rec.709 of light of one wavelength, normalised so that the mean over all wavelengths is white, (1, 1, 1). The
// colour matching functions are those of Wyman, Sloan and Shirley 2013 ("Simple Analytic Approximations to the CIE XYZ
// Color Matching Functions"); negative components outside Rec.709 are clipped, and the mean is restored.
fn wavelength_color(um: f32) -> vec3f {
    let nm = um * 1000.0;
    let x = 0.362 * two_sided_gaussian(nm, 442.0, 0.0624, 0.0374) + 1.056 * two_sided_gaussian(nm, 599.8, 0.0264, 0.0323)
        - 0.065 * two_sided_gaussian(nm, 501.1, 0.049, 0.0382);
    let y = 0.821 * two_sided_gaussian(nm, 568.8, 0.0213, 0.0247) + 0.286 * two_sided_gaussian(nm, 530.9, 0.0613, 0.0322);
    let z = 1.217 * two_sided_gaussian(nm, 437.0, 0.0845, 0.0278) + 0.681 * two_sided_gaussian(nm, 459.0, 0.0385, 0.0725);
    let rgb = vec3f(
        3.2404542 * x - 1.5371385 * y - 0.4985314 * z,
        -0.969266 * x + 1.8760108 * y + 0.041556 * z,
        0.0556434 * x - 0.2040259 * y + 1.0572252 * z,
    );
    return max(rgb, vec3f(0.0)) * vec3f(1.7618984, 2.6863286, 2.8396467);
}

// Index of refraction at a wavelength by Cauchy's formula n = a + b / l^2, where `ior` holds for the yellow line d
// (587.56 nm).
fn cauchy_ior(ior: f32, b_um2: f32, um: f32) -> f32 {
    return ior + b_um2 * (1.0 / (um * um) - 2.8966397);
}
