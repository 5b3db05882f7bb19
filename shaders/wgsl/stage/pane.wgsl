// Smooth thin-walled glass transmits light without turning it, so lights can be sampled through it: a shadow ray that
// nothing else occludes goes from pane to pane and is attenuated by each. A path that crosses a pane by chance has not
// been turned either: for the light that it finds beyond, its origin is its last scattering event, and both techniques
// that find this light are weighted against each other from there.
//
// Panes are plain, without normal maps, layers or grain, so that their transmittance follows from a few numbers: shadow
// rays cross many, and a second copy of the whole closure would double the size of kernels.
#import lib/math
#import lib/path
#import lib/ray
#import stage/features
#import stage/scene
#import stage/surface
#import stage/bsdf

// Fraction of light that goes straight on at a hit of a pane, consistent with the closure's glass.
fn pane_transmittance(hit: Hit, m: u32, slot: u32, w: vec3f, cosine: f32) -> vec3f {
    var s: Surface;
    s.material = m;
    s.base_color = materials[m].base_color;
    s.metalness = materials[m].metalness;
    s.roughness = materials[m].roughness;
    s.textured = materials[m].textured;
    var through = 1.0 - s.metalness;
    if HAS_TEXTURES && s.textured != 0u {
        // Panes are of files: their pictures lie by coordinates.
        read_textures(&s, hit, slot, w, vec3f(0.0), vec3f(0.0));
        through = 1.0 - s.metalness;
        if (s.textured & TEXTURED_LAYERS) != 0u {
            through *= texture_or_one(materials[m].transmission_texture, &s, false).x;
        }
    }
    if sqr(s.roughness) >= ALPHA_SMOOTH {
        return vec3f(0.0);
    }
    var b: Bsdf;
    b.thin_walled = 1u;
    b.reflection_eta = materials[m].reflection_ior;
    if (materials[m].flags & MATERIAL_TINTED_GLASS) != 0u {
        b.tinted_glass = TINT_OF_STRONGEST;
        tint_fresnel(&b, &s);
    }
    let tint = materials[m].transmission_tint * select(vec3f(1.0), s.base_color, is_gltf(m));
    return tint * glass_facet(&b, cosine).transmittance * (through * materials[m].transmission_weight);
}

// Takes a shadow ray across the surface that it hits, and returns the transmittance; 0 if that is not a pane.
fn pass_pane(ray: ptr<function, Ray>, hit: Hit) -> vec3f {
    if !HAS_PANES {
        return vec3f(0.0);
    }
    let slot = slot_of(hit.instance, hit.triangle);
    let m = slots[slot].material;
    if (materials[m].flags & MATERIAL_PANE) == 0u {
        return vec3f(0.0);
    }
    let a = triangles[hit.triangle].v0;
    let b = triangles[hit.triangle].v1;
    let c = triangles[hit.triangle].v2;
    let w = weights_of(hit);
    let pa = vertices[a].position;
    let pb = vertices[b].position;
    let pc = vertices[c].position;
    let direction = (*ray).direction;
    let outward = world_normal(hit.instance, cross(pb - pa, pc - pa));
    let toward = select(outward, -outward, dot(outward, direction) > 0.0);
    var normal = toward;
    if (slots[slot].flags & SLOT_FLAT) == 0u {
        let smooth_normal = vertices[a].normal * w.x + vertices[b].normal * w.y + vertices[c].normal * w.z;
        normal = world_normal(hit.instance, smooth_normal);
        normal = select(normal, -normal, dot(normal, toward) < 0.0);
    }
    let cosine = dot(facing_normal(normal, -direction), -direction);
    let origin = offset_origin(world_point(hit.instance, pa * w.x + pb * w.y + pc * w.z), -toward);
    // To the same end point, which is no further off its surface than this origin is.
    let way = (*ray).origin + direction * (*ray).t_max - origin;
    *ray = Ray(origin, 0.0, direction, (*ray).t_max);
    if (*ray).t_max < 1e30 {
        let rest = length(way);
        *ray = Ray(origin, 0.0, way / max(rest, 1e-30), rest);
    }
    return pane_transmittance(hit, m, slot, w, cosine);
}

// Whether a path that leaves a surface with this sample has crossed a pane since its last scattering event.
fn crosses_pane(path: ptr<function, PathState>, scattered: BsdfSample, m: u32) -> bool {
    return HAS_PANES && (*path).pdf >= 0.0 && scattered.pdf < 0.0 && scattered.kind == KIND_TRANSMISSION
        && (materials[m].flags & MATERIAL_PANE) != 0u;
}
