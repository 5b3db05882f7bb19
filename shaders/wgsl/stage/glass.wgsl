// Glass: what it reflects and lets through, and how much rough facets keep of both.
#import lib/math
#import lib/bsdf/fresnel
#import lib/bsdf/thin_film
#import stage/features
#import stage/scene
#import stage/surface
#import stage/albedo
#import stage/lobes

// The least that rough glass keeps of light by single scattering, at any index, side and direction of its tables.
const KEPT_MIN: f32 = 0.005;

// A line through the reflectance of the ratio of indices `eta` that comes closest to that of another ratio: it has its
// value along the normal and its mean. What it adds to that reflectance: a part of it, and an offset.
fn reflectance_line(eta: f32, reflection_eta: f32) -> vec2f {
    let outer = max(eta, 1.0 / eta);
    let outer_reflection = max(reflection_eta, 1.0 / reflection_eta);
    let f0 = sqr((outer - 1.0) / (outer + 1.0));
    let reflected_f0 = sqr((outer_reflection - 1.0) / (outer_reflection + 1.0));
    let rise = (fresnel_dielectric_mean(outer_reflection) - reflected_f0) / max(fresnel_dielectric_mean(outer) - f0, 1e-6);
    return vec2f(rise - 1.0, reflected_f0 - rise * f0);
}

// What rough glass keeps of the light by single scattering, from its own tables.
fn glass_in_air(b: ptr<function, Bsdf>, m: u32, facets: Facets, front: bool) -> f32 {
    if facets.is_brushed {
        return brushed_albedo(materials[m].brushed_glass_table + select(BRUSHED_TABLE, 0u, front), (*b).alpha, (*b).wo).x;
    }
    return albedo_at(materials[m].glass_in_air_table + select(ALBEDO_TABLE, 0u, front), facets.roughness, (*b).wo.z);
}

// The same between any two media, whatever scales, tints or covers its reflection. `is_in_air`: nothing but a film
// does.
fn glass_kept(b: ptr<function, Bsdf>, m: u32, facets: Facets, front: bool, is_in_air: bool) -> vec3f {
    let does = glass_albedo(materials[m].glass_table, (*b).eta, facets.roughness, (*b).wo.z) * facets.from_isotropic;
    let mirrored = facets.albedo - does.w;
    var kept = vec3f(1.0);
    if (*b).tinted_glass == 0u {
        // The reflectance is a line of that of the ratio of indices, and all that facets do is linear in it.
        let line = (*b).glass_line;
        kept = vec3f(does.x + does.w + (1.0 + line.x) * (does.z - does.y) + line.y * (mirrored - does.x));
    } else {
        let f0 = sqr(((*b).eta - 1.0) / ((*b).eta + 1.0));
        let reflected = (*b).gloss_f0;
        let strongest = select(reflected, vec3f(max_component(reflected)), (*b).tinted_glass == TINT_OF_STRONGEST);
        let to_grazing = vec3f((*b).gloss_f90 / (1.0 - f0));
        let shines = reflected * mirrored + (to_grazing - reflected / (1.0 - f0)) * (does.z - f0 * mirrored);
        let shut = strongest * does.x + (to_grazing - strongest / (1.0 - f0)) * (does.y - f0 * does.x);
        kept = shines + does.w + does.x - shut;
    }
    // The table is of isotropic facets; of brushed ones in air it is known by how much they differ.
    var differ = vec3f(0.0);
    if facets.is_brushed && is_in_air {
        differ = vec3f(glass_in_air(b, m, facets, front)) - kept;
    }
    if is_filmed(b) {
        let along_normal = vec3f(sqr(((*b).reflection_eta - 1.0) / ((*b).reflection_eta + 1.0)));
        let film = thin_film((*b).wo.z, (*b).film_ior, (*b).film_thickness_nm, along_normal);
        kept = mix(kept, does.x + does.w + film * (mirrored - does.x), (*b).film_weight);
    }
    return kept + differ;
}

fn add_glass(b: ptr<function, Bsdf>, s: ptr<function, Surface>, w: vec3f, boundary: Boundary, facets: Facets) {
    let m = (*s).material;
    var is_between = boundary.nested == 1u;
    if is_between {
        (*b).reflection_eta = (*b).eta;
        if materials[m].specular_weight != 1.0 {
            (*b).glass_line = reflectance_line((*b).eta, eta_scaled((*b).eta, materials[m].specular_weight));
        }
    }
    if (materials[m].flags & MATERIAL_TINTED_GLASS) != 0u {
        (*b).tinted_glass = select(TINT_OF_STRONGEST, TINT_OF_EACH, is_principled(m));
        tint_fresnel(b, s);
        is_between = is_between || is_gltf(m);
    }
    var kept = vec3f(facets.albedo);
    if (*b).thin_walled == 0u && is_rough((*b).alpha) {
        let front = boundary.front == 1u;
        if is_between || is_filmed(b) {
            kept = glass_kept(b, m, facets, front, !is_between);
        } else {
            kept = vec3f(glass_in_air(b, m, facets, front));
        }
    }
    (*b).glass_weight = w / max(kept, vec3f(KEPT_MIN));
    (*b).refraction_weight = (*b).glass_weight * materials[m].transmission_tint;
    if boundary.front == 1u && !is_gltf(m) && !is_principled(m) {
        (*b).glass_weight *= materials[m].specular_color;
    }
    if is_gltf(m) {
        (*b).refraction_weight *= (*s).base_color;
    } else if is_principled(m) {
        // The light enters and leaves, so each crossing gets the square root of the colour.
        (*b).refraction_weight *= sqrt((*s).base_color);
    }
    (*b).p_glass = luminance(w);
}
