// The GGX microfacet distribution in a local frame whose z is the shading normal and whose x is the tangent: alpha.x is
// the roughness along the tangent, alpha.y across it (Walter et al. 2007; Heitz 2014, "Understanding the
// Masking-Shadowing Function", appendix A). No bindings.
#import lib/math

// Density of facet normals, per projected area. The sine is computed from x and y: 1 - z^2 would suffer from
// cancellation for polished metal.
fn ggx_d(h: vec3f, alpha: vec2f) -> f32 {
    let stretched = h.xy / alpha;
    let k = dot(stretched, stretched) + h.z * h.z;
    return INV_PI / (alpha.x * alpha.y * k * k);
}

// Smith's lambda, for any w not in the plane of the surface.
fn ggx_lambda(w: vec3f, alpha: vec2f) -> f32 {
    let stretched = w.xy * alpha;
    return 0.5 * (sqrt(1.0 + dot(stretched, stretched) / (w.z * w.z)) - 1.0);
}

// A normal among those visible from `wo` (z > 0), by the spherical cap of the stretched view (Dupuy and Benyoub 2023).
fn ggx_sample_visible(wo: vec3f, alpha: vec2f, u: vec2f) -> vec3f {
    let view = normalize(vec3f(alpha * wo.xy, wo.z));
    let z = (1.0 - u.y) * (1.0 + view.z) - view.z;
    let r = safe_sqrt(1.0 - z * z);
    let turn = sin_cos_turn(u.x);
    let h = vec3f(r * turn.y, r * turn.x, z) + view;
    return normalize(vec3f(alpha * h.xy, max(h.z, 1e-7)));
}
