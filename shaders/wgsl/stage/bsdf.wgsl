// Values, densities and samples of a closure's lobes.
#import lib/math
#import lib/bsdf/fresnel
#import lib/bsdf/ggx
#import lib/bsdf/diffuse
#import lib/bsdf/sheen
#import lib/bsdf/thin_film
#import lib/bump
#import lib/sampling
#import stage/features
#import stage/closure

const KIND_DIFFUSE: u32 = 0u;
const KIND_GLOSSY: u32 = 1u;
const KIND_TRANSMISSION: u32 = 2u;
// Diffuse transmission.
const KIND_TRANSLUCENT: u32 = 3u;

// Scattered direction with its weight f cos / pdf. pdf 0: no direction; below 0: a mirror direction (delta lobe).
struct BsdfSample {
    direction: vec3f,
    pdf: f32,
    weight: vec3f,
    kind: u32,
}

// A dielectric's Fresnel curve with the colour and weights of the specular reflection; `f0` is the reflectance at
// normal incidence, and `f0_untinted` that of the curve itself.
fn tinted_fresnel(b: ptr<function, Bsdf>, untinted: f32, f0_untinted: f32, f0: vec3f) -> vec3f {
    let t = select(0.0, (untinted - f0_untinted) / (1.0 - f0_untinted), f0_untinted < 1.0);
    return mix(f0, vec3f((*b).gloss_f90), saturate(t));
}

// Whether glass reflects totally. Its reflectance may follow another index than the one that refracts.
fn reflects_totally(b: ptr<function, Bsdf>, cos_h: f32) -> bool {
    return (*b).thin_walled == 0u && sqr((*b).eta) <= 1.0 - cos_h * cos_h;
}

// Reflectance of glass.
fn glass_fresnel(b: ptr<function, Bsdf>, cos_h: f32) -> vec3f {
    if reflects_totally(b, cos_h) {
        return vec3f(1.0);
    }
    let untinted = fresnel_dielectric(cos_h, (*b).reflection_eta);
    var f = vec3f(untinted + (*b).glass_line.x * untinted + (*b).glass_line.y);
    if (*b).tinted_glass != 0u {
        f = tinted_fresnel(b, untinted, (*b).gloss_f0_untinted, (*b).gloss_f0);
    }
    if is_filmed(b) {
        let f0 = vec3f(sqr(((*b).reflection_eta - 1.0) / ((*b).reflection_eta + 1.0)));
        return mix(f, thin_film(cos_h, (*b).film_ior, (*b).film_thickness_nm, f0), (*b).film_weight);
    }
    return f;
}

fn has_glass(b: ptr<function, Bsdf>) -> bool {
    return HAS_BODIES && (*b).p_glass > 0.0;
}

// How a facet of glass splits light: the probability of reflection, and the weights of reflection and transmission.
struct GlassFacet {
    reflectance: vec3f,
    p_reflects: f32,
    transmittance: vec3f,
}

fn glass_facet(b: ptr<function, Bsdf>, cos_h: f32) -> GlassFacet {
    let f = glass_fresnel(b, cos_h);
    // Under a tinted reflection, what the strongest channel leaves is transmitted, as under all of glTF's dielectric
    // reflection; in Blender's look each channel transmits what it leaves.
    let let_by = select(f, vec3f(max_component(f)), (*b).tinted_glass == TINT_OF_STRONGEST);
    return GlassFacet(f, select(f.x, luminance(f), (*b).tinted_glass != 0u || is_filmed(b)), 1.0 - let_by);
}

// The same, and all 0 where the surface has no glass.
fn glass_facet_if_any(b: ptr<function, Bsdf>, cos_h: f32) -> GlassFacet {
    if has_glass(b) {
        return glass_facet(b, cos_h);
    }
    return GlassFacet(vec3f(0.0), 0.0, vec3f(0.0));
}

// Weighted sum of the Fresnel curves of metal, gloss and glass at a facet.
fn reflection_fresnel(b: ptr<function, Bsdf>, cos_h: f32, glass: GlassFacet) -> vec3f {
    var metal = fresnel_f82((*b).metal_f0, (*b).metal_dip, cos_h);
    if is_filmed(b) && max_component((*b).metal_weight) > 0.0 {
        metal = mix(metal, thin_film(cos_h, (*b).film_ior, (*b).film_thickness_nm, (*b).metal_f0), (*b).film_weight);
    }
    var sum = (*b).metal_weight * metal;
    if max_component((*b).gloss_weight) > 0.0 {
        let f0 = gloss_f0(b);
        let f0_untinted = (*b).gloss_f0_untinted * (*b).gloss_level;
        var gloss = tinted_fresnel(b, fresnel_dielectric(cos_h, (*b).gloss_eta), f0_untinted, f0);
        if is_filmed(b) {
            gloss = mix(gloss, thin_film(cos_h, (*b).film_ior, (*b).film_thickness_nm, f0), (*b).film_weight);
        }
        sum += (*b).gloss_weight * gloss;
    }
    if has_glass(b) {
        sum += (*b).glass_weight * glass.reflectance;
    }
    return sum;
}

// Probability that a facet is sampled and reflects: by the reflection lobe, or by glass in proportion to its Fresnel
// term.
fn reflection_probability(b: ptr<function, Bsdf>, glass: GlassFacet) -> f32 {
    return (*b).p_reflection + (*b).p_glass * glass.p_reflects;
}

// D G2 / (4 cos_o) in x, and the density of the reflected direction in y.
fn facet_reflection(wo: vec3f, wi: vec3f, h: vec3f, alpha: vec2f) -> vec2f {
    let d = ggx_d(h, alpha) / (4.0 * wo.z);
    let lambda_o = ggx_lambda(wo, alpha);
    return vec2f(d / (1.0 + lambda_o + ggx_lambda(wi, alpha)), d / (1.0 + lambda_o));
}

// f |cos| in xyz and the density of sampling `wi` in w. Mirrors (delta lobes) are not evaluated here.
fn bsdf_eval(b: ptr<function, Bsdf>, wi: vec3f) -> vec4f {
    if wi.z > 0.0 {
        return reflection_eval(b, wi);
    }
    if wi.z == 0.0 {
        return vec4f(0.0);
    }
    var sum = vec4f(0.0);
    if (HAS_LAYERS || HAS_BODIES) && (*b).p_translucent > 0.0 {
        sum += vec4f((*b).translucent_weight, (*b).p_translucent) * (-wi.z * INV_PI);
    }
    if has_glass(b) && is_rough((*b).alpha) {
        if (*b).thin_walled == 1u {
            sum += thin_wall_eval(b, wi);
        } else {
            sum += refraction_eval(b, wi);
        }
    }
    return sum;
}

fn reflection_eval(b: ptr<function, Bsdf>, wi: vec3f) -> vec4f {
    var value = vec3f(0.0);
    var pdf = 0.0;
    let h = normalize((*b).wo + wi);
    let cos_h = saturate(dot((*b).wo, h));
    if HAS_LAYERS && (*b).p_fuzz > 0.0 {
        let f = fuzz_eval(b, wi);
        value += (*b).fuzz_weight * f.x;
        pdf += (*b).p_fuzz * f.y;
    }
    if HAS_LAYERS && (*b).p_coat > 0.0 && is_rough((*b).coat_alpha) {
        let f = coat_eval(b, wi, h);
        value += (*b).coat_weight * f.x;
        pdf += (*b).p_coat * f.y;
    }
    if is_rough((*b).alpha) && (*b).p_reflection + (*b).p_glass > 0.0 {
        let f = facet_reflection((*b).wo, wi, h, (*b).alpha);
        let glass = glass_facet_if_any(b, cos_h);
        value += reflection_fresnel(b, cos_h, glass) * f.x;
        pdf += reflection_probability(b, glass) * f.y;
    }
    if (*b).p_diffuse > 0.0 {
        var cosine = wi.z;
        var lit = 1.0;
        if has_relief_shadows(b) {
            cosine = max(dot((*b).mapped_normal, wi), 0.0);
            lit = bump_shadowing((*b).unmapped_normal, (*b).mapped_normal, wi);
        }
        let diffuse = diffuse_eval((*b).diffuse_color, (*b).diffuse_roughness, (*b).wo, wi) * cosine * lit;
        value += (*b).diffuse_weight * diffuse;
        pdf += (*b).p_diffuse * cosine * INV_PI;
    }
    return vec4f(value, pdf);
}

// f cos in x, and the density in y. What a coat with a normal of its own reflects below the surface under it is
// mirrored there (lib/side).
fn coat_eval(b: ptr<function, Bsdf>, wi: vec3f, h: vec3f) -> vec2f {
    if (*b).coat_normal.z == 0.0 {
        let f = facet_reflection((*b).wo, wi, h, (*b).coat_alpha);
        return vec2f(f.x * fresnel_dielectric(saturate(dot((*b).wo, h)), (*b).coat_ior), f.y);
    }
    let frame = frame_around((*b).coat_normal);
    let wo = to_local(frame, (*b).wo);
    if wo.z <= 1e-4 {
        return vec2f(0.0);
    }
    var sum = vec2f(0.0);
    var leaving = to_local(frame, wi);
    for (var i = 0u; i < 2u; i += 1u) {
        if leaving.z > 0.0 {
            let facet = normalize(wo + leaving);
            let f = facet_reflection(wo, leaving, facet, (*b).coat_alpha);
            sum += vec2f(f.x * fresnel_dielectric(saturate(dot(wo, facet)), (*b).coat_ior), f.y);
        }
        leaving = to_local(frame, vec3f(wi.xy, -wi.z));
    }
    return sum;
}

// f cos for a white lobe in x, and the density in y.
fn fuzz_eval(b: ptr<function, Bsdf>, wi: vec3f) -> vec2f {
    if (*b).fuzz_alpha > 0.0 {
        return vec2f(charlie_eval((*b).wo, wi, (*b).fuzz_alpha), charlie_pdf(wi, (*b).fuzz_alpha));
    }
    if has_relief_shadows(b) {
        let frame = frame_around((*b).mapped_normal);
        let wi_fuzz = to_local(frame, wi);
        if wi_fuzz.z <= 0.0 {
            return vec2f(0.0);
        }
        return vec2f(sheared_cosine_pdf(to_local(frame, (*b).wo), wi_fuzz, (*b).fuzz_shear.x, (*b).fuzz_shear.y));
    }
    return vec2f(sheared_cosine_pdf((*b).wo, wi, (*b).fuzz_shear.x, (*b).fuzz_shear.y));
}

fn refraction_eval(b: ptr<function, Bsdf>, wi: vec3f) -> vec4f {
    var h = normalize((*b).wo + wi * (*b).eta);
    h = select(-h, h, h.z > 0.0);
    let o_h = dot((*b).wo, h);
    let i_h = dot(wi, h);
    if o_h <= 0.0 || i_h >= 0.0 {
        return vec4f(0.0);
    }
    let lambda_o = ggx_lambda((*b).wo, (*b).alpha);
    let stretch = sqr((*b).eta) * -i_h / sqr(o_h + (*b).eta * i_h);
    let d = ggx_d(h, (*b).alpha) * o_h / (*b).wo.z * stretch;
    let glass = glass_facet(b, o_h);
    let value = (*b).refraction_weight * glass.transmittance * (d / (1.0 + lambda_o + ggx_lambda(wi, (*b).alpha)));
    return vec4f(value, (*b).p_glass * (1.0 - glass.p_reflects) * d / (1.0 + lambda_o));
}

// KHR_materials_transmission: transmission as if a facet reflected the light and the surface then mirrored it to the
// other side.
fn thin_wall_eval(b: ptr<function, Bsdf>, wi: vec3f) -> vec4f {
    let mirrored = vec3f(wi.xy, -wi.z);
    let h = normalize((*b).wo + mirrored);
    let cos_h = saturate(dot((*b).wo, h));
    let f = facet_reflection((*b).wo, mirrored, h, (*b).alpha);
    let glass = glass_facet(b, cos_h);
    let value = (*b).refraction_weight * glass.transmittance * f.x;
    return vec4f(value, (*b).p_glass * (1.0 - glass.p_reflects) * f.y);
}

fn no_sample() -> BsdfSample {
    return BsdfSample(vec3f(0.0, 0.0, 1.0), 0.0, vec3f(0.0), KIND_GLOSSY);
}

fn mirror_sample(wi: vec3f, weight: vec3f, kind: u32) -> BsdfSample {
    return BsdfSample(wi, -1.0, weight, kind);
}

// A direction drawn by one lobe, whose density and weight are not known yet. Each lobe draws on one side of the surface
// only.
fn drawn(wi: vec3f, kind: u32) -> BsdfSample {
    if (wi.z > 0.0) != (kind == KIND_DIFFUSE || kind == KIND_GLOSSY) {
        return no_sample();
    }
    return BsdfSample(wi, 1.0, vec3f(0.0), kind);
}

// A direction above the surface, where a coat's own normal reflects below it.
fn above(wi: vec3f) -> vec3f {
    return vec3f(wi.xy, abs(wi.z));
}

// Reflection at a facet of a lobe.
fn drawn_by_reflection(b: ptr<function, Bsdf>, h: vec3f) -> BsdfSample {
    return drawn(2.0 * dot((*b).wo, h) * h - (*b).wo, KIND_GLOSSY);
}

fn draw_coat(b: ptr<function, Bsdf>, u: vec2f) -> BsdfSample {
    var frame = Frame(vec3f(1.0, 0.0, 0.0), vec3f(0.0, 1.0, 0.0), vec3f(0.0, 0.0, 1.0));
    if (*b).coat_normal.z != 0.0 {
        frame = frame_around((*b).coat_normal);
    }
    let wo = to_local(frame, (*b).wo);
    if (*b).coat_normal.z != 0.0 && wo.z <= 1e-4 {
        return no_sample();
    }
    if is_rough((*b).coat_alpha) {
        let h = ggx_sample_visible(wo, (*b).coat_alpha, u);
        let wi = 2.0 * dot(wo, h) * h - wo;
        if wi.z <= 0.0 {
            return no_sample();
        }
        return drawn(above(to_world(frame, wi)), KIND_GLOSSY);
    }
    let wi = above(2.0 * wo.z * frame.z - (*b).wo);
    return mirror_sample(wi, vec3f((*b).coat_weight * fresnel_dielectric(wo.z, (*b).coat_ior) / (*b).p_coat), KIND_GLOSSY);
}

fn draw_fuzz(b: ptr<function, Bsdf>, u: vec2f) -> BsdfSample {
    if (*b).fuzz_alpha > 0.0 {
        return drawn(charlie_sample((*b).fuzz_alpha, u), KIND_DIFFUSE);
    }
    if has_relief_shadows(b) {
        let frame = frame_around((*b).mapped_normal);
        let wi = sheared_cosine_sample(to_local(frame, (*b).wo), (*b).fuzz_shear.x, (*b).fuzz_shear.y, u);
        return drawn(to_world(frame, wi), KIND_DIFFUSE);
    }
    return drawn(sheared_cosine_sample((*b).wo, (*b).fuzz_shear.x, (*b).fuzz_shear.y, u), KIND_DIFFUSE);
}

// `choice` picks the lobe and, in glass, reflection or refraction; `u` the direction.
fn draw(b: ptr<function, Bsdf>, choice: f32, u: vec2f) -> BsdfSample {
    var rest = choice;
    if HAS_LAYERS && rest < (*b).p_coat {
        return draw_coat(b, u);
    }
    rest -= (*b).p_coat;
    let reflects = rest < (*b).p_reflection;
    if !reflects {
        rest -= (*b).p_reflection;
        let is_diffuse = rest < (*b).p_diffuse;
        if is_diffuse || ((HAS_LAYERS || HAS_BODIES) && rest - (*b).p_diffuse < (*b).p_translucent) {
            let wi = square_to_cosine_hemisphere(u);
            if is_diffuse {
                if has_relief_shadows(b) {
                    return drawn(to_world(frame_around((*b).mapped_normal), wi), KIND_DIFFUSE);
                }
                return drawn(wi, KIND_DIFFUSE);
            }
            return drawn(vec3f(wi.xy, -wi.z), KIND_TRANSLUCENT);
        }
        rest -= (*b).p_diffuse;
        rest -= (*b).p_translucent;
        if HAS_LAYERS && rest < (*b).p_fuzz {
            return draw_fuzz(b, u);
        }
        rest -= (*b).p_fuzz;
        if !has_glass(b) {
            return no_sample();
        }
    }
    return draw_facet(b, reflects, rest, u);
}

// Draws a facet below the coat. The reflection lobe always reflects; glass reflects if `rest`, which is uniform within
// the lobe's probability, says so.
fn draw_facet(b: ptr<function, Bsdf>, reflects: bool, rest: f32, u: vec2f) -> BsdfSample {
    let rough = is_rough((*b).alpha);
    var h = vec3f(0.0, 0.0, 1.0);
    if rough {
        h = ggx_sample_visible((*b).wo, (*b).alpha, u);
    }
    let o_h = dot((*b).wo, h);
    let glass = glass_facet_if_any(b, o_h);
    if !HAS_BODIES || reflects || rest < (*b).p_glass * glass.p_reflects {
        if rough {
            return drawn_by_reflection(b, h);
        }
        let weight = reflection_fresnel(b, o_h, glass) / reflection_probability(b, glass);
        return mirror_sample(vec3f(-(*b).wo.xy, (*b).wo.z), weight, KIND_GLOSSY);
    }
    var wi = vec3f(0.0);
    if (*b).thin_walled == 1u {
        wi = 2.0 * o_h * h - (*b).wo;
        wi.z = -wi.z;
    } else {
        let cos2_t = 1.0 - (1.0 - o_h * o_h) / sqr((*b).eta);
        if cos2_t <= 0.0 {
            return no_sample();
        }
        wi = normalize(h * (o_h / (*b).eta - sqrt(cos2_t)) - (*b).wo / (*b).eta);
    }
    if wi.z >= 0.0 {
        return no_sample();
    }
    if rough {
        return drawn(wi, KIND_TRANSMISSION);
    }
    let refracts = (*b).p_glass * (1.0 - glass.p_reflects);
    if refracts <= 0.0 {
        return no_sample();
    }
    return mirror_sample(wi, (*b).refraction_weight * glass.transmittance / refracts, KIND_TRANSMISSION);
}

// The direction is drawn from one lobe; the density sums over all lobes that could have drawn it.
fn bsdf_sample(b: ptr<function, Bsdf>, choice: f32, u: vec2f) -> BsdfSample {
    let sample = draw(b, choice, u);
    // No direction, or a mirror direction.
    if sample.pdf <= 0.0 {
        return sample;
    }
    let f = bsdf_eval(b, sample.direction);
    if f.w <= 0.0 {
        return no_sample();
    }
    return BsdfSample(sample.direction, f.w, f.xyz / f.w, sample.kind);
}
