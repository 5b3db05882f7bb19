// Whether a surface stops a ray. Stochastic for partly opaque ones, by a number that depends only on the ray and the
// hit point, so that neither the order of traversal nor the shape of a BVH changes a picture.
#import lib/ray
#import lib/sequence
#import lib/path
#import stage/scene
#import stage/texture
#import stage/surface

fn opacity_at(hit: Hit) -> f32 {
    let slot = slot_of(hit.instance, hit.triangle);
    let material = slots[slot].material;
    var alpha = materials[material].opacity;
    if materials[material].textured != 0u && (materials[material].flags & (MATERIAL_BLEND | MATERIAL_MASK)) != 0u {
        let w = weights_of(hit);
        var extra = VertexExtra(vec4f(0.0), vec4f(1.0), vec2f(0.0), 0.0, 0.0);
        if (slots[slot].flags & SLOT_HAS_EXTRAS) != 0u {
            extra = extra_at(hit.triangle, slots[slot].extra_base, w);
        }
        if (materials[material].flags & MATERIAL_VERTEX_COLOR) != 0u {
            alpha *= extra.color.w;
        }
        if materials[material].base_color_texture != NONE {
            alpha *= texture_lookup(materials[material].base_color_texture, uv0_at(hit.triangle, w), extra.uv1, true).w;
        }
    }
    if (materials[material].flags & MATERIAL_MASK) != 0u {
        return select(0.0, 1.0, alpha >= materials[material].alpha_cutoff);
    }
    return alpha;
}

// Whether a hit comes after the surface that a ray passed last. The same triangle is never hit twice, however its
// distance was rounded.
fn follows(hit: Hit, name: RayName) -> bool {
    if hit.instance == name.passed_instance {
        return hit.triangle != name.passed_triangle && (hit.t > name.passed_t || hit.triangle > name.passed_triangle);
    }
    return hit.t > name.passed_t || name.passed_instance == NO_HIT || hit.instance > name.passed_instance;
}

// Panes do not stop shadow rays: their transmittance is evaluated afterwards.
fn surface_blocks(hit: Hit, name: RayName) -> bool {
    let key = name.key;
    let flags = materials[slots[slot_of(hit.instance, hit.triangle)].material].flags;
    if (flags & MATERIAL_CAMERA_ONLY) != 0u && (key & KEY_CAMERA) == 0u {
        return false;
    }
    if (flags & MATERIAL_PANE) != 0u && (key & KEY_SHADOW) != 0u {
        return false;
    }
    if (key & KEY_EACH) != 0u {
        return follows(hit, name) && opacity_at(hit) > 0.0;
    }
    let alpha = opacity_at(hit);
    if alpha >= 1.0 {
        return true;
    }
    return unit_float(hash_combine(hash_combine(key & ~KEY_SHADOW, hit.instance), hit.triangle)) < alpha;
}
