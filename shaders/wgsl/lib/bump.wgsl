// Normals that a map tilts so far that reflections would go below the surface. No bindings.
#import lib/math

// The normal closest to `n`, on the way to the geometric normal, for which the mirror direction of the viewer is not
// below the surface: Cycles uses it for reflecting lobes. Both normals and `view` are unit and on the same side.
fn reflecting_normal(geometric: vec3f, view: vec3f, n: vec3f) -> vec3f {
    let above = dot(view, geometric);
    let least = min(0.9 * above, 0.01);
    let mirrored = 2.0 * dot(n, view) * n - view;
    let aside = n - geometric * dot(n, geometric);
    if dot(mirrored, geometric) >= least || dot(aside, aside) < 1e-12 || above <= 0.0 {
        return n;
    }
    // For n' = (x, z) in the plane of both normals the mirrored view is at 2 (i_x x + i_z z) z - i_z = least. With z^2
    // as the unknown this is a quadratic; the other root mirrors to the far side.
    let x_axis = normalize(aside);
    let i_x = dot(view, x_axis);
    let a = i_x * i_x + above * above;
    let b = 2.0 * (a + above * least);
    let c = sqr(least + above);
    let root = safe_sqrt(b * b - 4.0 * a * c);
    let z2 = saturate(0.25 * (b + select(-root, root, i_x < 0.0)) / a);
    return x_axis * sqrt(1.0 - z2) + geometric * sqrt(z2);
}

// The mapped normal `n`, bent until it does not face away from the mirror direction of a coat with the normal `coat`:
// what the coat reflects below the horizon of the surface under it would be lost.
fn normal_under_coat(n: vec3f, coat: vec3f, view: vec3f) -> vec3f {
    let mirrored = 2.0 * dot(coat, view) * coat - view;
    let cosine = dot(n, mirrored);
    if cosine > 0.02 {
        return n;
    }
    return normalize(n + mirrored * (0.02 - cosine));
}

// Fraction of light from `wi` that the relief of a map lets through, where `unmapped` is the normal without the map and
// `mapped` the one with it: masking by microfacets as steep as the tilt (Conty Estevez, Lecocq and Stein 2019, "A
// Microfacet-Based Shadowing Function to Solve the Bump Terminator Problem").
fn bump_shadowing(unmapped: vec3f, mapped: vec3f, wi: vec3f) -> f32 {
    let cosine = dot(unmapped, wi);
    let tilt = dot(unmapped, mapped);
    if cosine <= 0.0 || tilt <= 0.0 {
        return 0.0;
    }
    let alpha2 = saturate(0.125 * (1.0 / sqr(tilt) - 1.0));
    return 2.0 / (1.0 + sqrt(1.0 + alpha2 * max(1.0 / sqr(cosine) - 1.0, 0.0)));
}
