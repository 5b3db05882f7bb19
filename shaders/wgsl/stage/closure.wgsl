// The scattering of a surface at one point, for one view direction: OpenPBR's fuzz over a coat over a mix of metal,
// glass and glossy-diffuse, as sampled lobes in a local frame (z = the shading normal towards the viewer, x = the
// tangent). All reflection below the coat shares the same facets, and is therefore one evaluation with a sum of Fresnel
// terms.
//
// Directional albedos restore the energy that single scattering loses (Turquin 2019, "Practical multiple scattering
// compensation for microfacet models"), and the same tables subtract what a layer reflects from the layers below.
// Energy is conserved at every roughness, but for the view direction only, as in Cycles.
#import lib/math
#import lib/bsdf/fresnel
#import lib/bsdf/thin_film
#import lib/bsdf/sheen
#import stage/features
#import stage/scene
#import stage/surface
#import stage/albedo
#import stage/lobes
#import stage/glass

// A surface is black if its lobes' luminances sum to less than this.
const LEAST_PROBABILITY: f32 = 1e-30;

// Colour of light that crosses the coat in and out, without the coat's coverage.
fn coat_transmittance(m: u32, mu: f32, reflected: f32, base_color: vec3f, roughness: f32) -> vec3f {
    // Light crosses the coat along the refracted direction.
    let coat_ior = materials[m].coat_ior;
    let mu_inside = safe_sqrt(1.0 - (1.0 - mu * mu) / sqr(coat_ior));
    let tint = pow(max(materials[m].coat_color, vec3f(1e-6)), vec3f(1.0 / max(mu_inside, 1e-3)));
    // Reflections inside the coat darken what lies below (OpenPBR 1.1.1, "Coat darkening").
    let inside_smooth = fresnel_dielectric(mu, coat_ior);
    let inside_rough = 1.0 - (1.0 - materials[m].coat_mean) / sqr(coat_ior);
    let k = mix(inside_smooth, inside_rough, roughness);
    let darkening = (1.0 - k) / (1.0 - base_color * k);
    return (1.0 - reflected) * tint * mix(vec3f(1.0), darkening, materials[m].coat_darkening);
}

// Adds fuzz and coat, and returns what they leave for the base. OpenPBR's fuzz lies on the coat, glTF's sheen below it.
fn add_layers(b: ptr<function, Bsdf>, s: ptr<function, Surface>) -> vec3f {
    let m = (*s).material;
    var below = vec3f(1.0);
    if !HAS_LAYERS {
        return below;
    }
    if materials[m].fuzz_weight > 0.0 && !is_gltf(m) {
        below = vec3f(add_fuzz(b, s, below));
    }
    if materials[m].coat_weight > 0.0 {
        below *= add_coat(b, s, below.x);
    }
    if materials[m].fuzz_weight > 0.0 && is_gltf(m) {
        below *= add_fuzz(b, s, below);
    }
    return below;
}

// Adds fuzz that gets the fraction `over` of the light, and returns what it leaves.
fn add_fuzz(b: ptr<function, Bsdf>, s: ptr<function, Surface>, over: vec3f) -> f32 {
    let m = (*s).material;
    var mu = (*b).wo.z;
    if has_relief_shadows(b) {
        mu = max(dot((*b).mapped_normal, (*b).wo), 1e-3);
    }
    var color = materials[m].fuzz_color;
    var roughness = materials[m].fuzz_roughness;
    if ((*s).textured & TEXTURED_LAYERS) != 0u {
        color *= texture_or_one(materials[m].fuzz_color_texture, s, true).xyz;
        roughness *= texture_or_one(materials[m].fuzz_roughness_texture, s, false).w;
    }
    let table = materials[m].fuzz_table;
    var albedo = 0.0;
    var covered = 0.0;
    if is_gltf(m) {
        // Towards the horizon, sheen of small roughness would reflect several times the light.
        let reflected = albedo_at(table, roughness, mu);
        albedo = min(reflected, 1.0);
        // Sheen transmits what it does not reflect in its strongest channel.
        covered = albedo * materials[m].fuzz_weight * max_component(color);
        (*b).fuzz_alpha = max(sqr(roughness), 1e-3);
        (*b).fuzz_weight = over * color * (materials[m].fuzz_weight / max(reflected, 1.0));
    } else {
        albedo = fuzz_albedo(table, roughness, mu);
        covered = albedo * materials[m].fuzz_weight;
        (*b).fuzz_shear = vec2f(fuzz_albedo(table + FUZZ_TABLE, roughness, mu), fuzz_albedo(table + 2u * FUZZ_TABLE, roughness, mu));
        (*b).fuzz_weight = over * color * (materials[m].fuzz_weight * albedo);
        if is_principled(m) {
            covered *= max_component(color);
        }
    }
    (*b).p_fuzz = albedo * materials[m].fuzz_weight * luminance(over * color);
    return 1.0 - saturate(covered);
}

// Adds a coat that gets the fraction `over` of the light, and returns what it leaves.
fn add_coat(b: ptr<function, Bsdf>, s: ptr<function, Surface>, over: f32) -> vec3f {
    let m = (*s).material;
    var coat = materials[m].coat_weight;
    var roughness = materials[m].coat_roughness;
    if ((*s).textured & TEXTURED_LAYERS) != 0u {
        coat *= texture_or_one(materials[m].coat_texture, s, false).x;
        roughness *= texture_or_one(materials[m].coat_roughness_texture, s, false).y;
    }
    // Without a tangent, the direction of anisotropy is unknown.
    let anisotropy = select(0.0, materials[m].coat_anisotropy, dot((*s).tangent, (*s).tangent) > 0.0);
    (*b).coat_alpha = alpha_of(m, roughness, anisotropy);
    (*b).coat_ior = materials[m].coat_ior;
    (*b).coat_normal = (*s).coat_normal;
    var mu = (*b).wo.z;
    if (*s).coat_normal.z > 0.0 {
        mu = max(dot((*b).wo, (*s).coat_normal), 1e-3);
    }
    let facets = facets_of(m, (*b).coat_alpha, roughness, anisotropy, vec3f((*b).wo.xy, mu));
    let gain = multiple_scattering(vec3f(materials[m].coat_mean), facets.albedo, facets.mean).x;
    var reflected = fresnel_dielectric(mu, (*b).coat_ior);
    if is_rough((*b).coat_alpha) {
        reflected = albedo_at(materials[m].coat_albedo_table, facets.roughness, mu) * facets.from_isotropic;
    }
    reflected = min(reflected * gain, 1.0);
    (*b).coat_weight = over * coat * gain;
    (*b).p_coat = over * coat * reflected;
    return mix(vec3f(1.0), coat_transmittance(m, mu, reflected, (*s).base_color, mix(1.0, (*s).roughness, (*s).metalness)), coat);
}

fn bsdf_at(s: ptr<function, Surface>, wo: vec3f, boundary: Boundary) -> Bsdf {
    let m = (*s).material;
    let mu = wo.z;
    let front = boundary.front == 1u;
    var b: Bsdf;
    b.wo = wo;
    if HAS_BODIES && boundary.exit == 1u {
        b.translucent_weight = vec3f(1.0);
        b.p_translucent = 1.0;
        return b;
    }
    b.alpha = alpha_of(m, (*s).roughness, (*s).anisotropy);
    b.eta = boundary.eta;
    b.reflection_eta = select(1.0 / materials[m].reflection_ior, materials[m].reflection_ior, front);
    b.diffuse_roughness = materials[m].diffuse_roughness;
    b.unmapped_normal = (*s).unmapped_normal;
    b.mapped_normal = (*s).mapped_normal;
    b.thin_walled = select(0u, 1u, (materials[m].flags & MATERIAL_THIN_WALLED) != 0u);
    // Without metal, gloss and a wall that transmits there are no facets to compensate for.
    var facets = Facets((*s).roughness, 1.0, 1.0, 1.0, false);
    let is_pane = HAS_BODIES && b.thin_walled == 1u && materials[m].transmission_weight > 0.0;
    if materials[m].reflection_ior != 1.0 || (*s).metalness > 0.0 || is_pane {
        facets = facets_of(m, b.alpha, (*s).roughness, (*s).anisotropy, wo);
    }

    let below = add_layers(&b, s);
    let has_film = HAS_LAYERS && materials[m].film_weight > 0.0 && front;
    if has_film {
        add_film(&b, s);
    }

    if (*s).metalness > 0.0 {
        b.metal_f0 = (*s).base_color;
        b.metal_dip = select(f82_dip((*s).base_color, materials[m].specular_color), vec3f(0.0), is_gltf(m));
        let w = below * ((*s).metalness * materials[m].specular_weight);
        var fresnel_mean = fresnel_f82_mean(b.metal_f0, b.metal_dip);
        var fresnel = fresnel_f82(b.metal_f0, b.metal_dip, mu);
        if has_film {
            let film = thin_film(mu, b.film_ior, b.film_thickness_nm, b.metal_f0);
            fresnel = mix(fresnel, film, b.film_weight);
            fresnel_mean = mix(fresnel_mean, film, b.film_weight);
        }
        b.metal_weight = w * multiple_scattering(fresnel_mean, facets.albedo, facets.mean);
        b.p_reflection += luminance(w * fresnel);
    }
    if (*s).metalness < 1.0 {
        // Inside a refracting body there is only glass: the base under the gloss has no inside. Cycles has all lobes on
        // both sides.
        var transmission = 1.0;
        if front || is_principled(m) {
            transmission = materials[m].transmission_weight;
            if transmission > 0.0 && ((*s).textured & TEXTURED_LAYERS) != 0u {
                transmission *= texture_or_one(materials[m].transmission_texture, s, false).x;
            }
        }
        if HAS_DESIGNS {
            transmission *= 1.0 - (*s).ink;
        }
        if transmission < 1.0 {
            add_gloss_and_diffuse(&b, s, below * ((1.0 - (*s).metalness) * (1.0 - transmission)), facets);
        }
        if HAS_BODIES && transmission > 0.0 {
            add_glass(&b, s, below * ((1.0 - (*s).metalness) * transmission), boundary, facets);
        }
    }
    let total = b.p_coat + b.p_reflection + b.p_diffuse + b.p_glass + b.p_translucent + b.p_fuzz;
    // Below, 1 / total would be infinite: a deep coat at grazing angles leaves 1e-40 of the light.
    let scale = select(0.0, 1.0 / total, total >= LEAST_PROBABILITY);
    b.p_coat *= scale;
    b.p_reflection *= scale;
    b.p_diffuse *= scale;
    b.p_glass *= scale;
    b.p_translucent *= scale;
    b.p_fuzz *= scale;
    return b;
}

fn add_film(b: ptr<function, Bsdf>, s: ptr<function, Surface>) {
    let m = (*s).material;
    (*b).film_weight = materials[m].film_weight;
    (*b).film_thickness_nm = materials[m].film_thickness_nm;
    (*b).film_ior = materials[m].film_ior;
    if ((*s).textured & TEXTURED_LAYERS) != 0u {
        (*b).film_weight *= texture_or_one(materials[m].film_texture, s, false).x;
        if materials[m].film_thickness_texture != NONE {
            let share = texture_or_one(materials[m].film_thickness_texture, s, false).y;
            (*b).film_thickness_nm = mix(materials[m].film_thickness_min_nm, materials[m].film_thickness_nm, share);
        }
    }
}

// The opaque dielectric, with weight `w`.
fn add_gloss_and_diffuse(b: ptr<function, Bsdf>, s: ptr<function, Surface>, w: vec3f, facets: Facets) {
    let m = (*s).material;
    let mu = (*b).wo.z;
    var reflected = vec3f(0.0);
    if materials[m].reflection_ior != 1.0 {
        tint_fresnel(b, s);
        let f0 = (*b).gloss_f0_untinted * (*b).gloss_level;
        let along_normal = gloss_f0(b);
        // The tinted curve is linear in the untinted one, so its albedo follows from two tables, and its mean from the
        // mean of the untinted one.
        var plain = fresnel_dielectric(mu, (*b).gloss_eta);
        if is_rough((*b).alpha) {
            if (*b).gloss_level == 1.0 {
                plain = albedo_at(materials[m].albedo_table, facets.roughness, mu) * facets.from_isotropic;
            } else {
                plain = glass_albedo(materials[m].glass_table, (*b).gloss_eta, facets.roughness, mu).z * facets.from_isotropic;
            }
        }
        let plain_mean = select(fresnel_dielectric_mean((*b).gloss_eta), materials[m].reflection_mean, (*b).gloss_level == 1.0);
        let to_f90 = vec3f((*b).gloss_f90) - along_normal;
        let mean = along_normal + to_f90 * saturate((plain_mean - f0) / (1.0 - f0));
        let gain = multiple_scattering(mean, facets.albedo, facets.mean);
        // The Fresnel curve of a high index dips below its value at normal incidence, where this interpolation has its
        // start.
        let to_grazing = max((plain - f0 * facets.albedo) / (1.0 - f0), 0.0);
        reflected = saturate((along_normal * facets.albedo + to_f90 * to_grazing) * gain);
        if is_filmed(b) {
            let film = thin_film(mu, (*b).film_ior, (*b).film_thickness_nm, along_normal);
            reflected = mix(reflected, saturate(film * facets.albedo * gain), (*b).film_weight);
        }
        (*b).gloss_weight = w * gain;
        (*b).p_reflection += luminance(w * reflected);
    }
    // glTF and Blender keep the hue of the base: it gets what the strongest channel leaves. The same applies under a
    // thin film, whose colours vary.
    let strongest = select((*b).film_weight, 1.0, is_gltf(m) || is_principled(m));
    (*b).diffuse_weight = w * (1.0 - mix(reflected, vec3f(max_component(reflected)), strongest));
    (*b).diffuse_color = (*s).base_color;
    if HAS_LAYERS && materials[m].translucent_weight > 0.0 {
        var share = materials[m].translucent_weight;
        var color = materials[m].translucent_color;
        if ((*s).textured & TEXTURED_LAYERS) != 0u {
            share *= texture_or_one(materials[m].translucent_texture, s, false).w;
            color *= texture_or_one(materials[m].translucent_color_texture, s, true).xyz;
        }
        if HAS_DESIGNS {
            share *= 1.0 - (*s).ink;
        }
        (*b).translucent_weight = (*b).diffuse_weight * color * share;
        (*b).diffuse_weight *= 1.0 - share;
        (*b).p_translucent = luminance((*b).translucent_weight);
    }
    (*b).p_diffuse = luminance((*b).diffuse_weight * (*s).base_color);
}

// The fraction of light emitted by the surface that fuzz and coat transmit.
fn emission_through(s: ptr<function, Surface>, mu: f32) -> vec3f {
    let m = (*s).material;
    if !HAS_LAYERS || max_component((*s).emission) <= 0.0 || materials[m].fuzz_weight + materials[m].coat_weight == 0.0 {
        return vec3f(1.0);
    }
    var b: Bsdf;
    b.wo = vec3f(safe_sqrt(1.0 - mu * mu), 0.0, mu);
    return add_layers(&b, s);
}
