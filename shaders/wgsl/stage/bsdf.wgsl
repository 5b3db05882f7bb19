// The uber-BSDF: OpenPBR's coat over a mix of metal, glass and glossy-diffuse, as four sampled lobes in a local frame (z = the shading
// normal, towards the viewer): coat, reflection at metal and glossy dielectric, diffuse, and glass, which reflects or refracts facet by
// facet. All reflection below the coat has the same facets, and so one value with one Fresnel sum.
//
// Energy that single scattering loses is given back by directional albedos (Turquin 2019, "Practical multiple scattering
// compensation for microfacet models"), and what a layer reflects is taken from what lies below by the same tables: closed at
// every roughness, in the view direction only, as Cycles has it.
#import lib/math
#import lib/bsdf/fresnel
#import lib/bsdf/ggx
#import lib/bsdf/diffuse
#import lib/sampling
#import stage/scene
#import stage/surface

const KIND_DIFFUSE: u32 = 0u;
const KIND_GLOSSY: u32 = 1u;
const KIND_TRANSMISSION: u32 = 2u;

struct Bsdf {
    wo: vec3f,
    alpha: f32,
    // Metal: weight (with multiple scattering), F0, dip of its Fresnel curve.
    metal_weight: vec3f,
    coat_alpha: f32,
    metal_f0: vec3f,
    coat_ior: f32,
    metal_dip: vec3f,
    // Index beyond the surface over index on the viewer's side.
    eta: f32,
    // Glossy reflection of the dielectric; F0 after tint.
    gloss_weight: vec3f,
    reflection_eta: f32,
    gloss_f0: vec3f,
    gloss_f0_untinted: f32,
    // Glass: reflection (white) and refraction (tinted).
    glass_weight: vec3f,
    diffuse_roughness: f32,
    refraction_weight: vec3f,
    diffuse_weight: vec3f,
    diffuse_color: vec3f,
    coat_weight: f32,
    // Cumulative probabilities of coat, reflection, diffuse; the rest is glass.
    choose_coat: f32,
    choose_reflection: f32,
    choose_diffuse: f32,
}

// Scattered direction with its weight f cos / pdf. pdf 0: no direction; below 0: a mirror direction.
struct BsdfSample {
    direction: vec3f,
    pdf: f32,
    weight: vec3f,
    kind: u32,
}

// Bilinear in (roughness, sqrt(cosine)).
fn albedo_at(table: u32, roughness: f32, cosine: f32) -> f32 {
    let last = f32(ALBEDO_STEPS - 1u);
    let r = saturate(roughness) * last;
    let c = sqrt(saturate(cosine)) * last;
    let ri = min(u32(r), ALBEDO_STEPS - 2u);
    let ci = min(u32(c), ALBEDO_STEPS - 2u);
    let at = table + ri * ALBEDO_STEPS + ci;
    let fc = c - f32(ci);
    let low = mix(tables[at], tables[at + 1u], fc);
    let high = mix(tables[at + ALBEDO_STEPS], tables[at + ALBEDO_STEPS + 1u], fc);
    return mix(low, high, r - f32(ri));
}

// Mean of the lossless albedo over the hemisphere; follows the directional table at offset 0.
fn albedo_mean(roughness: f32) -> f32 {
    let r = saturate(roughness) * f32(ALBEDO_STEPS - 1u);
    let i = min(u32(r), ALBEDO_STEPS - 2u);
    return mix(tables[ALBEDO_TABLE + i], tables[ALBEDO_TABLE + i + 1u], r - f32(i));
}

// Factor on single scattering that adds the light scattered more than once, whose colour deepens with each meeting.
fn multiple_scattering(fresnel_mean: vec3f, albedo: f32, mean: f32) -> vec3f {
    let more = fresnel_mean * mean / (1.0 - fresnel_mean * (1.0 - mean));
    return 1.0 + more * ((1.0 - albedo) / max(albedo, 1e-4));
}

fn bsdf_at(s: Surface, wo: vec3f) -> Bsdf {
    let m = s.material;
    let mu = wo.z;
    // Only a refracting body has an inside; other surfaces look the same from both sides.
    let front = s.front == 1u || materials[m].transmission_weight == 0.0;
    var b: Bsdf;
    b.wo = wo;
    b.alpha = sqr(s.roughness);
    b.coat_alpha = sqr(materials[m].coat_roughness);
    b.coat_ior = materials[m].coat_ior;
    b.eta = select(1.0 / materials[m].ior, materials[m].ior, front);
    b.reflection_eta = select(1.0 / materials[m].reflection_ior, materials[m].reflection_ior, front);
    b.diffuse_roughness = materials[m].diffuse_roughness;
    // Without metal and gloss there are no facets to account for.
    var albedo = 1.0;
    var mean = 1.0;
    let glossy = materials[m].reflection_ior != 1.0;
    if glossy || s.metalness > 0.0 {
        albedo = albedo_at(0u, s.roughness, mu);
        mean = albedo_mean(s.roughness);
    }

    var below = vec3f(1.0);
    var p_coat = 0.0;
    let coat = materials[m].coat_weight;
    if coat > 0.0 {
        let coat_albedo = albedo_at(0u, materials[m].coat_roughness, mu);
        let gain = multiple_scattering(vec3f(materials[m].coat_mean), coat_albedo, albedo_mean(materials[m].coat_roughness)).x;
        let reflected = albedo_at(materials[m].coat_albedo_table, materials[m].coat_roughness, mu) * gain;
        b.coat_weight = coat * gain;
        p_coat = coat * reflected;
        // Light crosses the coat along the refracted direction, in and out.
        let mu_inside = safe_sqrt(1.0 - (1.0 - mu * mu) / sqr(b.coat_ior));
        let tint = pow(max(materials[m].coat_color, vec3f(1e-6)), vec3f(1.0 / max(mu_inside, 1e-3)));
        // Reflections inside the coat darken what lies below (OpenPBR 1.1.1, "Coat darkening").
        let inside_smooth = fresnel_dielectric(mu, b.coat_ior);
        let inside_rough = 1.0 - (1.0 - materials[m].coat_mean) / sqr(b.coat_ior);
        let k = mix(inside_smooth, inside_rough, mix(1.0, s.roughness, s.metalness));
        let darkening = (1.0 - k) / (1.0 - s.base_color * k);
        below = mix(vec3f(1.0), (1.0 - reflected) * tint * mix(vec3f(1.0), darkening, materials[m].coat_darkening), coat);
    }

    var p_reflection = 0.0;
    var p_diffuse = 0.0;
    var p_glass = 0.0;
    if s.metalness > 0.0 {
        b.metal_f0 = s.base_color;
        b.metal_dip = f82_dip(s.base_color, materials[m].specular_color);
        let w = below * (s.metalness * materials[m].specular_weight);
        b.metal_weight = w * multiple_scattering(fresnel_f82_mean(b.metal_f0, b.metal_dip), albedo, mean);
        p_reflection += luminance(w * fresnel_f82(b.metal_f0, b.metal_dip, mu));
    }
    if s.metalness < 1.0 {
        // Inside a refracting body there is only glass: what lies under gloss has no inside.
        let transmission = select(1.0, materials[m].transmission_weight, front);
        if transmission < 1.0 {
            let w = below * ((1.0 - s.metalness) * (1.0 - transmission));
            var reflected = vec3f(0.0);
            if glossy {
                let f0 = sqr((b.reflection_eta - 1.0) / (b.reflection_eta + 1.0));
                b.gloss_f0_untinted = f0;
                b.gloss_f0 = f0 * materials[m].specular_color;
                // The tinted curve is linear in the untinted one, so its albedo follows from two tables.
                let plain = albedo_at(materials[m].albedo_table, s.roughness, mu);
                let gain = multiple_scattering(vec3f(materials[m].reflection_mean), albedo, mean).x;
                let to_grazing = (plain - f0 * albedo) / (1.0 - f0);
                reflected = saturate((b.gloss_f0 * albedo + (1.0 - b.gloss_f0) * to_grazing) * gain);
                b.gloss_weight = w * gain;
                p_reflection += luminance(w * reflected);
            }
            b.diffuse_weight = w * (1.0 - reflected);
            b.diffuse_color = s.base_color;
            p_diffuse = luminance(b.diffuse_weight * s.base_color);
        }
        if transmission > 0.0 {
            let w = below * ((1.0 - s.metalness) * transmission);
            let side = select(2u * ALBEDO_TABLE, ALBEDO_TABLE, front);
            let kept = albedo_at(materials[m].albedo_table + side, s.roughness, mu);
            b.glass_weight = w / max(kept, 1e-3);
            b.refraction_weight = b.glass_weight * materials[m].transmission_tint;
            p_glass = luminance(w);
        }
    }
    let total = p_coat + p_reflection + p_diffuse + p_glass;
    let scale = select(0.0, 1.0 / total, total > 0.0);
    b.choose_coat = p_coat * scale;
    b.choose_reflection = b.choose_coat + p_reflection * scale;
    b.choose_diffuse = b.choose_reflection + p_diffuse * scale;
    if p_glass == 0.0 && total > 0.0 {
        b.choose_diffuse = 1.0;
        if p_diffuse == 0.0 {
            b.choose_reflection = 1.0;
        }
    }
    return b;
}

// Sum of the Fresnel curves of metal, gloss and glass at a facet, weighted.
fn reflection_fresnel(b: Bsdf, cos_h: f32) -> vec3f {
    var sum = b.metal_weight * fresnel_f82(b.metal_f0, b.metal_dip, cos_h);
    if max_component(b.gloss_weight + b.glass_weight) > 0.0 {
        let f = fresnel_dielectric(cos_h, b.reflection_eta);
        let t = select(0.0, (f - b.gloss_f0_untinted) / (1.0 - b.gloss_f0_untinted), b.gloss_f0_untinted < 1.0);
        sum += b.gloss_weight * mix(b.gloss_f0, vec3f(1.0), saturate(t)) + b.glass_weight * f;
    }
    return sum;
}

// Probability that a facet was drawn and reflects: by the reflection lobe, or by glass in proportion to its Fresnel term.
fn reflection_probability(b: Bsdf, cos_h: f32) -> f32 {
    let p = b.choose_reflection - b.choose_coat;
    if b.choose_diffuse >= 1.0 {
        return p;
    }
    return p + (1.0 - b.choose_diffuse) * fresnel_dielectric(cos_h, b.reflection_eta);
}

// D G2 / (4 cos_o) in x, and the density of the reflected direction in y.
fn facet_reflection(wo: vec3f, wi: vec3f, h: vec3f, alpha: f32) -> vec2f {
    let d = ggx_d(h, alpha) / (4.0 * wo.z);
    let lambda_o = ggx_lambda(wo, alpha);
    return vec2f(d / (1.0 + lambda_o + ggx_lambda(wi, alpha)), d / (1.0 + lambda_o));
}

// f |cos| in xyz and the density of sampling `wi` in w. Mirrors have no value here.
fn bsdf_eval(b: Bsdf, wi: vec3f) -> vec4f {
    var value = vec3f(0.0);
    var pdf = 0.0;
    if wi.z > 0.0 {
        let h = normalize(b.wo + wi);
        let cos_h = saturate(dot(b.wo, h));
        if b.choose_coat > 0.0 && b.coat_alpha >= ALPHA_SMOOTH {
            let f = facet_reflection(b.wo, wi, h, b.coat_alpha);
            value += b.coat_weight * fresnel_dielectric(cos_h, b.coat_ior) * f.x;
            pdf += b.choose_coat * f.y;
        }
        if b.alpha >= ALPHA_SMOOTH && (b.choose_reflection > b.choose_coat || b.choose_diffuse < 1.0) {
            let f = facet_reflection(b.wo, wi, h, b.alpha);
            value += reflection_fresnel(b, cos_h) * f.x;
            pdf += reflection_probability(b, cos_h) * f.y;
        }
        if b.choose_diffuse > b.choose_reflection {
            value += b.diffuse_weight * diffuse_eval(b.diffuse_color, b.diffuse_roughness, b.wo, wi) * wi.z;
            pdf += (b.choose_diffuse - b.choose_reflection) * wi.z * INV_PI;
        }
    } else if wi.z < 0.0 && b.choose_diffuse < 1.0 && b.alpha >= ALPHA_SMOOTH {
        var h = normalize(b.wo + wi * b.eta);
        h = select(-h, h, h.z > 0.0);
        let o_h = dot(b.wo, h);
        let i_h = dot(wi, h);
        if o_h > 0.0 && i_h < 0.0 {
            let lambda_o = ggx_lambda(b.wo, b.alpha);
            let stretch = sqr(b.eta) * -i_h / sqr(o_h + b.eta * i_h);
            let d = ggx_d(h, b.alpha) * o_h / b.wo.z * stretch * (1.0 - fresnel_dielectric(o_h, b.reflection_eta));
            value = b.refraction_weight * (d / (1.0 + lambda_o + ggx_lambda(wi, b.alpha)));
            pdf = (1.0 - b.choose_diffuse) * d / (1.0 + lambda_o);
        }
    }
    return vec4f(value, pdf);
}

fn no_sample() -> BsdfSample {
    return BsdfSample(vec3f(0.0, 0.0, 1.0), 0.0, vec3f(0.0), KIND_GLOSSY);
}

fn mirror_sample(b: Bsdf, weight: vec3f) -> BsdfSample {
    return BsdfSample(vec3f(-b.wo.xy, b.wo.z), -1.0, weight, KIND_GLOSSY);
}

// A facet of a lobe reflects.
fn reflection_sample(b: Bsdf, h: vec3f) -> BsdfSample {
    let wi = 2.0 * dot(b.wo, h) * h - b.wo;
    if wi.z <= 0.0 {
        return no_sample();
    }
    return finish_sample(b, wi, KIND_GLOSSY);
}

fn bsdf_sample(b: Bsdf, choice: f32, u: vec2f) -> BsdfSample {
    if choice < b.choose_coat {
        if b.coat_alpha < ALPHA_SMOOTH {
            return mirror_sample(b, vec3f(b.coat_weight * fresnel_dielectric(b.wo.z, b.coat_ior) / b.choose_coat));
        }
        return reflection_sample(b, ggx_sample_visible(b.wo, b.coat_alpha, u));
    }
    if choice >= b.choose_reflection && choice < b.choose_diffuse {
        let wi = square_to_cosine_hemisphere(u);
        if wi.z <= 0.0 {
            return no_sample();
        }
        return finish_sample(b, wi, KIND_DIFFUSE);
    }
    var h = vec3f(0.0, 0.0, 1.0);
    if b.alpha >= ALPHA_SMOOTH {
        h = ggx_sample_visible(b.wo, b.alpha, u);
    }
    let o_h = dot(b.wo, h);
    var reflects = choice < b.choose_reflection;
    if !reflects {
        if b.choose_diffuse >= 1.0 {
            return no_sample();
        }
        reflects = (choice - b.choose_diffuse) / (1.0 - b.choose_diffuse) < fresnel_dielectric(o_h, b.reflection_eta);
    }
    if reflects {
        if b.alpha < ALPHA_SMOOTH {
            return mirror_sample(b, reflection_fresnel(b, b.wo.z) / reflection_probability(b, b.wo.z));
        }
        return reflection_sample(b, h);
    }
    let cos2_t = 1.0 - (1.0 - o_h * o_h) / sqr(b.eta);
    if cos2_t <= 0.0 {
        return no_sample();
    }
    let wi = normalize(h * (o_h / b.eta - sqrt(cos2_t)) - b.wo / b.eta);
    if wi.z >= 0.0 {
        return no_sample();
    }
    if b.alpha >= ALPHA_SMOOTH {
        return finish_sample(b, wi, KIND_TRANSMISSION);
    }
    return BsdfSample(wi, -1.0, b.refraction_weight / (1.0 - b.choose_diffuse), KIND_TRANSMISSION);
}

// The direction was drawn from one lobe; all lobes that could have drawn it count.
fn finish_sample(b: Bsdf, wi: vec3f, kind: u32) -> BsdfSample {
    let f = bsdf_eval(b, wi);
    if f.w <= 0.0 {
        return no_sample();
    }
    return BsdfSample(wi, f.w, f.xyz / f.w, kind);
}
