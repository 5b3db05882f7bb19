// What the lobes of a surface are at one point, for one view direction (`stage/closure`), and what they share: facets,
// and the Fresnel curve of a dielectric.
#import lib/math
#import stage/features
#import stage/scene
#import stage/surface
#import stage/albedo

// What tinted glass transmits: what the strongest channel of its reflection leaves (glTF), or what each channel leaves
// (the Principled BSDF).
const TINT_OF_STRONGEST: u32 = 1u;
const TINT_OF_EACH: u32 = 2u;

struct Bsdf {
    wo: vec3f,
    diffuse_roughness: f32,
    alpha: vec2f,
    coat_alpha: vec2f,
    // Metal: weight (with multiple scattering), F0, and the dip of its Fresnel curve.
    metal_weight: vec3f,
    coat_weight: f32,
    metal_f0: vec3f,
    coat_ior: f32,
    metal_dip: vec3f,
    // Index of refraction beyond the surface over that on the viewer's side.
    eta: f32,
    // Glossy reflection of the dielectric: weight, and reflectance at normal incidence and at grazing angles.
    gloss_weight: vec3f,
    reflection_eta: f32,
    gloss_f0: vec3f,
    gloss_f0_untinted: f32,
    // Glass: reflection and refraction.
    glass_weight: vec3f,
    gloss_f90: f32,
    refraction_weight: vec3f,
    // What is added to the reflectance of glass: this part of it, and this offset.
    glass_line: vec2f,
    // A thin film over metal, gloss and glass; nm.
    film_weight: f32,
    diffuse_weight: vec3f,
    film_thickness_nm: f32,
    diffuse_color: vec3f,
    film_ior: f32,
    // Diffuse transmission.
    translucent_weight: vec3f,
    // 1: glass without a body, which transmits light without refracting it.
    thin_walled: u32,
    // One of TINT_* if glass reflects with the colour and weights of the specular reflection; otherwise 0.
    tinted_glass: u32,
    // The ratio of indices that gloss alone reflects by, as seen from outside, and its reflectance at normal incidence
    // over that of the ratio of gloss and such glass together.
    gloss_eta: f32,
    gloss_level: f32,
    fuzz_weight: vec3f,
    // Alpha of the Charlie distribution; 0 for the sheared cosine.
    fuzz_alpha: f32,
    fuzz_shear: vec2f,
    // The coat's normal in the local frame; z = 0 if it is the frame's own.
    coat_normal: vec3f,
    // The shading normal before its map, in the local frame, where the map's relief casts shadows; z = 0 elsewhere.
    unmapped_normal: vec3f,
    // There, the normal of diffuse light and fuzz.
    mapped_normal: vec3f,
    // Probabilities of the lobes; they sum to 1, or to 0 for a surface that is black from this direction.
    p_coat: f32,
    p_reflection: f32,
    p_diffuse: f32,
    p_glass: f32,
    p_translucent: f32,
    p_fuzz: f32,
}

// Whether diffuse light and fuzz have a normal of their own.
fn has_relief_shadows(b: ptr<function, Bsdf>) -> bool {
    return HAS_TEXTURES && (*b).unmapped_normal.z > 0.0;
}

// Whether a thin film colours the reflections below the coat.
fn is_filmed(b: ptr<function, Bsdf>) -> bool {
    return HAS_LAYERS && (*b).film_weight > 0.0;
}

// The two sides of a surface, as the ray sees them.
struct Boundary {
    // Index of refraction beyond the surface over that on this side.
    eta: f32,
    // 1: seen from the side on which its lobes other than glass are. Only a refracting body has an inside; other
    // surfaces look the same from both sides.
    front: u32,
    // 1: the medium on the other side is not air, or light is of one wavelength: the tables for air do not hold.
    nested: u32,
    // 1: light inside a body reaches a surface that lets all of it out, diffusely.
    exit: u32,
}

// Whether the material follows glTF where glTF differs from OpenPBR.
fn is_gltf(m: u32) -> bool {
    return (materials[m].flags & MATERIAL_GLTF) != 0u;
}

// Whether the material follows Blender's Principled BSDF where that differs from OpenPBR.
fn is_principled(m: u32) -> bool {
    return (materials[m].flags & MATERIAL_PRINCIPLED) != 0u;
}

// The least roughness across brushed facets, just below what is smooth: single precision resolves nothing finer beside
// a rough direction.
const ALPHA_ACROSS_MIN: f32 = 9.9e-4;

// GGX roughnesses along and across the tangent.
fn alpha_of(m: u32, roughness: f32, anisotropy: f32) -> vec2f {
    let a = sqr(roughness);
    if !HAS_LAYERS || anisotropy == 0.0 {
        return vec2f(a);
    }
    if is_gltf(m) {
        // KHR_materials_anisotropy.
        return max(vec2f(mix(a, 1.0, sqr(anisotropy)), a), vec2f(ALPHA_ACROSS_MIN));
    }
    if is_principled(m) {
        // Cycles, `svm_node_closure_bsdf`: an aspect ratio of at most ten, around the isotropic roughness.
        let aspect = sqrt(1.0 - 0.9 * anisotropy);
        return max(vec2f(a / aspect, a * aspect), vec2f(ALPHA_ACROSS_MIN));
    }
    // OpenPBR 1.1.1, "Microfacet model".
    let across = 1.0 - anisotropy;
    let along = a * sqrt(2.0 / (1.0 + across * across));
    return max(vec2f(along, across * along), vec2f(ALPHA_ACROSS_MIN));
}

// Whether facets scatter light; smoother ones are mirrors.
fn is_rough(alpha: vec2f) -> bool {
    return max(alpha.x, alpha.y) >= ALPHA_SMOOTH;
}

// The albedo of a lobe's facets for white light.
struct Facets {
    // Of the isotropic facets closest to them.
    roughness: f32,
    // Of single scattering, for the view direction and as the hemispherical mean.
    albedo: f32,
    mean: f32,
    // Factor from the albedo of the isotropic facets to that of these.
    from_isotropic: f32,
    is_brushed: bool,
}

fn facets_of(m: u32, alpha: vec2f, roughness: f32, anisotropy: f32, wo: vec3f) -> Facets {
    if !is_rough(alpha) {
        return Facets(roughness, 1.0, 1.0, 1.0, false);
    }
    if !HAS_LAYERS || anisotropy == 0.0 {
        return Facets(roughness, albedo_at(0u, roughness, wo.z), albedo_mean(roughness), 1.0, false);
    }
    // What facets reflect by Fresnel's equations depends on how they are inclined along the view. Less their
    // inclination across it, which turns the mirrored view aside, isotropic ones of that alpha reflect the same share,
    // within 1 % of the light (root mean square over views and strengths).
    let across = dot(wo.xy, wo.xy);
    let shares = select(vec2f(0.5), wo.xy * wo.xy / across, across > 1e-12);
    let evenness = min(alpha.x, alpha.y) / max(alpha.x, alpha.y);
    let alike = sqrt(sqrt(dot(alpha * alpha, shares)) * (0.9 + 0.1 * evenness * evenness));
    let brushed = brushed_albedo(materials[m].brushed_table, alpha, wo);
    return Facets(alike, brushed.x, brushed.y, brushed.x / max(albedo_at(0u, alike, wo.z), 1e-4), true);
}

// Colour and weights of a dielectric's reflection, at normal incidence and at grazing angles.
fn tint_fresnel(b: ptr<function, Bsdf>, s: ptr<function, Surface>) {
    let m = (*s).material;
    let f0 = sqr(((*b).reflection_eta - 1.0) / ((*b).reflection_eta + 1.0));
    (*b).gloss_f0_untinted = f0;
    (*b).gloss_f0 = min(f0 * materials[m].specular_color, vec3f(1.0));
    (*b).gloss_f90 = materials[m].gloss_f90;
    (*b).gloss_level = materials[m].gloss_level;
    if ((*s).textured & TEXTURED_LAYERS) != 0u {
        let share = texture_or_one(materials[m].specular_texture, s, false).w;
        let tint = texture_or_one(materials[m].specular_color_texture, s, true).xyz;
        (*b).gloss_f0 = min((*b).gloss_f0 * tint, vec3f(1.0));
        if is_principled(m) {
            // The specular level of the Principled BSDF does not apply to its glass, and leaves grazing angles
            // unchanged.
            (*b).gloss_level *= share;
        } else {
            (*b).gloss_f0 *= share;
            (*b).gloss_f90 *= share;
        }
    }
    (*b).gloss_f0 *= materials[m].gloss_f90;
    // Seen from inside a body, gloss still reflects like the outside, without total internal reflection.
    let outer = select((*b).reflection_eta, 1.0 / (*b).reflection_eta, (*b).reflection_eta < 1.0);
    (*b).gloss_eta = eta_scaled(outer, (*b).gloss_level);
}

// Reflectance of gloss at normal incidence.
fn gloss_f0(b: ptr<function, Bsdf>) -> vec3f {
    return (*b).gloss_f0 * (*b).gloss_level;
}

// The ratio of indices whose reflectance at normal incidence is `weight` times that of `eta` (OpenPBR 1.1.1,
// "specular_weight").
fn eta_scaled(eta: f32, weight: f32) -> f32 {
    if weight == 1.0 {
        return eta;
    }
    let root = clamp((eta - 1.0) / (eta + 1.0) * sqrt(weight), -0.9995, 0.9995);
    return (1.0 + root) / (1.0 - root);
}
