// Fibres that stand on a surface: glTF's sheen, and OpenPBR's fuzz. No bindings.
#import lib/math
#import lib/sampling

// The exponential of this is Smith's lambda for the masking of fibres (Estevez and Kulla 2017, "Production Friendly
// Microfacet Sheen BRDF", table 1).
fn charlie_curve(x: f32, alpha: f32) -> f32 {
    let t = sqr(1.0 - alpha);
    let a = mix(21.5473, 25.3245, t);
    let b = mix(3.82987, 3.32435, t);
    let c = mix(0.19823, 0.16801, t);
    let d = mix(-1.9776, -1.27393, t);
    let e = mix(-4.32054, -4.85967, t);
    return a / (1.0 + b * pow(x, c)) + d * x + e;
}

fn charlie_lambda(cosine: f32, alpha: f32) -> f32 {
    let x = clamp(cosine, 1e-4, 1.0);
    if x < 0.5 {
        return exp(charlie_curve(x, alpha));
    }
    return exp(2.0 * charlie_curve(0.5, alpha) - charlie_curve(1.0 - x, alpha));
}

// f |cos| of KHR_materials_sheen for white, with the "Charlie" distribution of normals. alpha is the sheen's roughness
// squared.
fn charlie_eval(wo: vec3f, wi: vec3f, alpha: f32) -> f32 {
    let h = normalize(wo + wi);
    let sine2 = h.x * h.x + h.y * h.y;
    let inverse = 1.0 / alpha;
    let d = (2.0 + inverse) * pow(sine2, 0.5 * inverse) * INV_TWO_PI;
    return d / ((1.0 + charlie_lambda(wo.z, alpha) + charlie_lambda(wi.z, alpha)) * 4.0 * wo.z);
}

// The smoother the fibres stand, the closer to the horizon is what they reflect: the cosines of samples are this power
// of a uniform number.
fn charlie_power(alpha: f32) -> f32 {
    return 1.0 + 2.0 * sqr(sqr(1.0 - sqrt(alpha)));
}

fn charlie_pdf(wi: vec3f, alpha: f32) -> f32 {
    let power = charlie_power(alpha);
    return INV_TWO_PI * pow(wi.z, 1.0 / power - 1.0) / power;
}

fn charlie_sample(alpha: f32, u: vec2f) -> vec3f {
    let cosine = max(pow(u.x, charlie_power(alpha)), 1e-6);
    let turn = sin_cos_turn(u.y);
    let r = safe_sqrt(1.0 - cosine * cosine);
    return vec3f(r * turn.y, r * turn.x, cosine);
}

// Density of a cosine lobe that is sheared and stretched towards the viewer: rows (a, 0, b), (0, a, 0), (0, 0, 1) map a
// direction back to the lobe it was drawn from; x lies in the plane of the viewer (Zeltner, Burley and Chiang 2022,
// "Practical Multiple-Scattering Sheen Using Linearly Transformed Cosines").
fn sheared_cosine_pdf(wo: vec3f, wi: vec3f, a: f32, b: f32) -> f32 {
    let v = turned_to_viewer(wo, wi, 1.0);
    let back = vec3f(a * v.x + b * v.z, a * v.y, v.z);
    let length2 = dot(back, back);
    return a * a * max(back.z, 0.0) * INV_PI / (length2 * length2);
}

fn sheared_cosine_sample(wo: vec3f, a: f32, b: f32, u: vec2f) -> vec3f {
    let w = square_to_cosine_hemisphere(u);
    return turned_to_viewer(wo, normalize(vec3f((w.x - b * w.z) / a, w.y / a, w.z)), -1.0);
}

// Rotates about z so that the viewer's azimuth is x (way 1), or back (way -1).
fn turned_to_viewer(wo: vec3f, w: vec3f, way: f32) -> vec3f {
    let r = sqrt(wo.x * wo.x + wo.y * wo.y);
    if r < 1e-6 {
        return w;
    }
    let c = wo.x / r;
    let s = way * wo.y / r;
    return vec3f(c * w.x + s * w.y, c * w.y - s * w.x, w.z);
}
