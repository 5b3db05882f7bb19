// From a hit to a point that can be shaded: position, normals, and the material with its textures read.
#import lib/math
#import lib/ray
#import stage/features
#import lib/bump
#import stage/bevel
#import stage/design
#import stage/projection
#import stage/relief
#import stage/scene
#import stage/texture

// Ink is at least as rough as this.
const INK_ROUGHNESS_MIN: f32 = 0.4;

struct Surface {
    position: vec3f,
    material: u32,
    // Unit, towards the side the ray came from.
    geometric_normal: vec3f,
    // 1: the ray came from outside (the side normals point to); 0: from inside.
    front: u32,
    shading_normal: vec3f,
    roughness: f32,
    // Directions on its side leave the surface: the interpolated normal before any map; for a body, the triangle's own
    // normal.
    side_normal: vec3f,
    pad2: f32,
    // Ray origin for directions that rise no more than `low` above the triangle: a point on the smooth surface that the
    // triangles approximate.
    start: vec3f,
    // Sine of the largest angle between the triangle and a tangent plane at its vertices.
    low: f32,
    base_color: vec3f,
    metalness: f32,
    emission: vec3f,
    // TEXTURED_* bits of the material.
    textured: u32,
    uv0: vec2f,
    uv1: vec2f,
    // Texture coordinates of the second side from which a library material's pictures are laid on, and its share.
    uv_beside: vec2f,
    beside: f32,
    // How much of the material is hidden below the ink of a design.
    ink: f32,
    // World direction of brushed facets; zero where there is none.
    tangent: vec3f,
    anisotropy: f32,
    // Normal of a coat that has its own normal map, in the shading frame; zero otherwise.
    coat_normal: vec3f,
    pad0: f32,
    // In Blender's look, the normal before the normal map, in the shading frame; zero where there is no map.
    unmapped_normal: vec3f,
    pad1: f32,
    // The same for the map's own normal, which diffuse light has there: reflections have one that is lifted out of the
    // surface (`reflecting_normal`).
    mapped_normal: vec3f,
    pad3: f32,
}

// The slot of a hit.
fn slot_of(instance: u32, triangle: u32) -> u32 {
    return instances[instance].slot_base + triangles[triangle].slot;
}

// Barycentric weights of the triangle's three vertices.
fn weights_of(hit: Hit) -> vec3f {
    return vec3f(1.0 - hit.u - hit.v, hit.u, hit.v);
}

fn uv0_at(triangle: u32, w: vec3f) -> vec2f {
    let a = triangles[triangle].v0;
    let b = triangles[triangle].v1;
    let c = triangles[triangle].v2;
    return vec2f(vertices[a].uv0_u, vertices[a].uv0_v) * w.x + vec2f(vertices[b].uv0_u, vertices[b].uv0_v) * w.y
        + vec2f(vertices[c].uv0_u, vertices[c].uv0_v) * w.z;
}

// Direction of growing u on a triangle, in the mesh's frame, with the bitangent's sign.
fn tangent_of_triangle(triangle: u32) -> vec4f {
    let a = triangles[triangle].v0;
    let b = triangles[triangle].v1;
    let c = triangles[triangle].v2;
    let uv_a = vec2f(vertices[a].uv0_u, vertices[a].uv0_v);
    let uv_ba = vec2f(vertices[b].uv0_u, vertices[b].uv0_v) - uv_a;
    let uv_ca = vec2f(vertices[c].uv0_u, vertices[c].uv0_v) - uv_a;
    return tangent_of_coordinates(vertices[b].position - vertices[a].position,
        vertices[c].position - vertices[a].position, uv_ba, uv_ca);
}

fn extra_at(triangle: u32, extra_base: u32, w: vec3f) -> VertexExtra {
    let a = extra_base + triangles[triangle].v0;
    let b = extra_base + triangles[triangle].v1;
    let c = extra_base + triangles[triangle].v2;
    let tangent = vertex_extras[a].tangent * w.x + vertex_extras[b].tangent * w.y + vertex_extras[c].tangent * w.z;
    let color = vertex_extras[a].color * w.x + vertex_extras[b].color * w.y + vertex_extras[c].color * w.z;
    let uv1 = vertex_extras[a].uv1 * w.x + vertex_extras[b].uv1 * w.y + vertex_extras[c].uv1 * w.z;
    return VertexExtra(tangent, color, uv1, 0.0, 0.0);
}

// Normals transform by the inverse transpose, which also keeps "outside" outside under mirroring.
fn world_normal(instance: u32, n: vec3f) -> vec3f {
    return normalize(instances[instance].local_from_world_0.xyz * n.x + instances[instance].local_from_world_1.xyz * n.y
        + instances[instance].local_from_world_2.xyz * n.z);
}

fn world_vector(instance: u32, v: vec3f) -> vec3f {
    return vec3f(dot(instances[instance].world_from_local_0.xyz, v), dot(instances[instance].world_from_local_1.xyz, v),
        dot(instances[instance].world_from_local_2.xyz, v));
}

fn world_point(instance: u32, p: vec3f) -> vec3f {
    let q = vec4f(p, 1.0);
    return vec3f(dot(instances[instance].world_from_local_0, q), dot(instances[instance].world_from_local_1, q),
        dot(instances[instance].world_from_local_2, q));
}

// A texture of the surface, or ones where there is none.
fn texture_or_one(texture: u32, s: ptr<function, Surface>, is_color: bool) -> vec4f {
    if texture == NONE {
        return vec4f(1.0);
    }
    return texture_lookup(texture, (*s).uv0, (*s).uv1, is_color);
}

// The same of a texture that library materials may have: a mixture of the two sides from which it is laid on. One
// lookup in a loop, because drivers copy a function into each place that calls it.
fn texture_of_sides(texture: u32, s: ptr<function, Surface>, is_color: bool) -> vec4f {
    var sum = vec4f(0.0);
    var uv = (*s).uv0;
    var share = 1.0 - (*s).beside;
    let n_sides = select(1u, 2u, (*s).beside > 0.0);
    for (var i = 0u; i < n_sides; i += 1u) {
        sum += texture_lookup(texture, uv, (*s).uv1, is_color) * share;
        uv = (*s).uv_beside;
        share = (*s).beside;
    }
    return sum;
}

// Direction of a normal map in a frame. In glTF the scale is a factor of its slopes; Blender's node fades the map in
// with it, up to a strength of 1.
fn mapped_normal(texture: u32, scale: f32, s: ptr<function, Surface>, frame: Frame) -> vec3f {
    let m = texture_or_one(texture, s, false).xyz * 2.0 - 1.0;
    let is_strength = (materials[(*s).material].flags & MATERIAL_PRINCIPLED) != 0u;
    let z = select(m.z, mix(1.0, m.z, saturate(scale)), is_strength);
    return normalize(to_world(frame, vec3f(m.xy * scale, max(z, 1e-3))));
}

// Everything that needs tangents: normal maps of surface and coat, and the direction of brushed facets. `along` is the
// tangent in world space, `way` the sign of the bitangent, `view` points to the viewer.
fn bend(s: ptr<function, Surface>, along: vec3f, way: f32, view: vec3f) {
    let m = (*s).material;
    let n = (*s).shading_normal;
    let tangent = along - n * dot(n, along);
    if dot(tangent, tangent) == 0.0 {
        return;
    }
    let t = normalize(tangent);
    let frame = Frame(t, cross(n, t) * way, n);
    // The surface's own normal, unless the coat has a map: then one that reflects into the visible hemisphere.
    var coat_normal = n;
    if (materials[m].flags & MATERIAL_COAT_NORMAL) != 0u && materials[m].coat_normal_texture != NONE {
        coat_normal = mapped_normal(materials[m].coat_normal_texture, materials[m].coat_normal_scale, s, frame);
        coat_normal = reflecting_normal(facing_normal(n, view), view, coat_normal);
    }
    if materials[m].normal_texture != NONE {
        // Slopes of two sides have different directions: where these meet they are flat.
        let scale = materials[m].normal_scale * (1.0 - 2.0 * (*s).beside);
        var mapped = mapped_normal(materials[m].normal_texture, scale, s, frame);
        (*s).mapped_normal = mapped;
        if (materials[m].flags & MATERIAL_PRINCIPLED) != 0u {
            mapped = reflecting_normal((*s).geometric_normal, view, mapped);
        }
        if (materials[m].flags & MATERIAL_COAT_NORMAL) != 0u {
            mapped = normal_under_coat(mapped, coat_normal, view);
        }
        (*s).shading_normal = mapped;
    }
    // The grain of a relief has its own direction.
    let is_brushed = materials[m].anisotropy + materials[m].coat_anisotropy > 0.0;
    if is_brushed && dot((*s).tangent, (*s).tangent) == 0.0 {
        brush(s, frame);
    }
    if materials[m].normal_texture != NONE && (materials[m].flags & MATERIAL_PRINCIPLED) != 0u {
        let shaded = frame_along((*s).shading_normal, (*s).tangent);
        let local = to_local(shaded, n);
        (*s).unmapped_normal = select(vec3f(0.0), local, local.z > 0.0);
        (*s).mapped_normal = to_local(shaded, (*s).mapped_normal);
    }
    if materials[m].coat_weight > 0.0 && (materials[m].flags & MATERIAL_COAT_NORMAL) != 0u {
        // In the frame that shading uses.
        let local = to_local(frame_along((*s).shading_normal, (*s).tangent), coat_normal);
        (*s).coat_normal = select(vec3f(0.0), local, local.z > 0.0 && local.z < 0.999999);
    }
}

// Direction and strength of brushed facets (KHR_materials_anisotropy: red and green are the direction against the
// tangent, blue the strength).
fn brush(s: ptr<function, Surface>, frame: Frame) {
    let m = (*s).material;
    let c = materials[m].anisotropy_cos;
    let r = materials[m].anisotropy_sin;
    var direction = vec2f(c, r);
    (*s).anisotropy = materials[m].anisotropy;
    if materials[m].anisotropy_texture != NONE {
        let texel = texture_or_one(materials[m].anisotropy_texture, s, false).xyz;
        let d = texel.xy * 2.0 - 1.0;
        direction = vec2f(c * d.x - r * d.y, r * d.x + c * d.y);
        (*s).anisotropy *= texel.z;
    }
    (*s).tangent = frame.x * direction.x + frame.y * direction.y;
}

// A shading normal that faces the viewer: interpolated normals of coarse meshes turn away at silhouettes.
fn facing_normal(n: vec3f, view: vec3f) -> vec3f {
    let cosine = dot(n, view);
    if cosine > 1e-3 {
        return n;
    }
    return normalize(n + view * (2e-3 - cosine));
}

// The frame that a surface is shaded in: z is the shading normal, bent until it faces both the viewer and the side on
// which light leaves.
fn shading_frame(s: ptr<function, Surface>, direction: vec3f) -> Frame {
    let n = facing_normal((*s).shading_normal, (*s).side_normal);
    return frame_along(facing_normal(n, -direction), (*s).tangent);
}

// A point of a triangle, moved out to where its vertices' tangent planes say that the surface is, in the mesh's frame
// (Hanika 2021, "Hacking the Shadow Terminator", Ray Tracing Gems II, chapter 4). Neighbouring triangles occlude
// grazing rays from the triangle itself, which shows as steps; steeper rays are not affected, and start on the triangle
// so that they hit whatever lies close above it. `side` is -1 where the normals face away from the viewer. Where the
// surface is concave the point stays.
fn lifted_point(p: vec3f, w: vec3f, a: u32, b: u32, c: u32, side: f32) -> vec3f {
    let of_a = vertices[a].normal * (w.x * min(side * dot(p - vertices[a].position, vertices[a].normal), 0.0));
    let of_b = vertices[b].normal * (w.y * min(side * dot(p - vertices[b].position, vertices[b].normal), 0.0));
    let of_c = vertices[c].normal * (w.z * min(side * dot(p - vertices[c].position, vertices[c].normal), 0.0));
    return p - side * (of_a + of_b + of_c);
}

// Width of a pixel at a distance from the camera, in render units. For paths that come from elsewhere it is a lower
// bound.
fn pixel_width(t: f32) -> f32 {
    let of_one = 2.0 * params.camera.half_width / f32(params.width_px);
    return of_one * select(t, 1.0, params.camera.orthographic == 1u);
}

// Bends the normal over a relief and aligns facets with its grain. `local` and `normal` are in the mesh's frame.
fn carve(s: ptr<function, Surface>, hit: Hit, entry: u32, local: vec3f, normal: vec3f, negated: bool) {
    let m = (*s).material;
    let relief = relief_at(entry, local, normal, pixel_width(hit.t));
    let alpha2 = sqr(sqr((*s).roughness * relief.roughness));
    // A GGX of this alpha has half of alpha squared as the mean square of its slopes; steep reliefs leave a quarter of
    // alpha.
    (*s).roughness = min(sqrt(sqrt(max(alpha2 - 2.0 * relief.shown_slope2, alpha2 / 16.0))), 1.0);
    (*s).base_color = saturate((*s).base_color * relief.brightness);
    let n = (*s).shading_normal;
    let steepness2 = dot(relief.slope, relief.slope);
    if steepness2 > 0.0 {
        // The same slope whatever the scale of the mesh's frame.
        let uphill = normalize(world_vector(hit.instance, relief.slope)) * sqrt(steepness2);
        let along = uphill - n * dot(n, uphill);
        // Seen from behind, heights are depths.
        (*s).shading_normal = normalize(n - select(along, -along, negated));
    }
    if materials[m].anisotropy + materials[m].coat_anisotropy > 0.0 && dot(relief.grain, relief.grain) > 0.0 {
        let grain = world_vector(hit.instance, relief.grain);
        let along = grain - n * dot(n, grain);
        // Where the grain is perpendicular to the surface, facets have no preferred direction.
        if dot(along, along) > 1e-6 * dot(grain, grain) {
            // Scratches spread light across themselves, and the tangent is the direction in which facets spread it.
            (*s).tangent = normalize(cross(n, along));
            (*s).anisotropy = materials[m].anisotropy;
        }
    }
}

// Multiplies textures and vertex colours into the surface of a material and slot, and records where textures are read.
// `local` and `normal`, of any length, are in the mesh's frame. Returns the tangent, in that frame, with the
// bitangent's sign.
fn read_textures(s: ptr<function, Surface>, hit: Hit, slot: u32, w: vec3f, local: vec3f, normal: vec3f) -> vec4f {
    let material = (*s).material;
    var uv0 = uv0_at(hit.triangle, w);
    var extra = VertexExtra(vec4f(0.0), vec4f(1.0), vec2f(0.0), 0.0, 0.0);
    if (slots[slot].flags & SLOT_HAS_EXTRAS) != 0u {
        extra = extra_at(hit.triangle, slots[slot].extra_base, w);
    }
    let projection = slots[slot].projection;
    if projection == PROJECT_BY_COORDINATES {
        if dot(extra.tangent.xyz, extra.tangent.xyz) == 0.0 {
            extra.tangent = tangent_of_triangle(hit.triangle);
        }
    } else if projection != 0u {
        let sides = sides_of(projection, normal);
        let laid = laid_on_side(projection, sides.first, local, normal);
        uv0 = laid.uv;
        extra.tangent = vec4f(laid.tangent, 1.0);
        (*s).beside = sides.share;
        (*s).uv_beside = laid_on_side(projection, sides.second, local, normal).uv;
    }
    (*s).uv0 = uv0;
    (*s).uv1 = extra.uv1;
    if (materials[material].flags & MATERIAL_VERTEX_COLOR) != 0u {
        (*s).base_color *= extra.color.xyz;
    }
    if materials[material].base_color_texture != NONE {
        (*s).base_color *= texture_of_sides(materials[material].base_color_texture, s, true).xyz;
    }
    if materials[material].metallic_roughness_texture != NONE {
        let mr = texture_of_sides(materials[material].metallic_roughness_texture, s, false);
        (*s).roughness *= mr.y;
        (*s).metalness *= mr.z;
    }
    if materials[material].emission_texture != NONE {
        (*s).emission *= texture_or_one(materials[material].emission_texture, s, true).xyz;
    }
    return extra.tangent;
}

// Lays the design of a material over what is below it.
fn print_design(s: ptr<function, Surface>, hit: Hit, w: vec3f, local: vec3f) {
    let entry = materials[(*s).material].design;
    let a = vertices[triangles[hit.triangle].v0].position;
    let b = vertices[triangles[hit.triangle].v1].position;
    let c = vertices[triangles[hit.triangle].v2].position;
    let printed = design_at(entry, uv0_at(hit.triangle, w), (*s).uv1, local, cross(b - a, c - a));
    (*s).base_color = (*s).base_color * (1.0 - printed.w) + printed.xyz;
    (*s).ink = printed.w * tables[entry + 3u];
    (*s).metalness *= 1.0 - (*s).ink;
    (*s).roughness = mix((*s).roughness, max((*s).roughness, INK_ROUGHNESS_MIN), (*s).ink);
}

fn surface_at(hit: Hit, direction: vec3f) -> Surface {
    let slot = slot_of(hit.instance, hit.triangle);
    let material = slots[slot].material;
    let slot_flags = slots[slot].flags;
    let a = triangles[hit.triangle].v0;
    let b = triangles[hit.triangle].v1;
    let c = triangles[hit.triangle].v2;
    let w = weights_of(hit);
    let pa = vertices[a].position;
    let pb = vertices[b].position;
    let pc = vertices[c].position;

    var s: Surface;
    s.material = material;
    let local = pa * w.x + pb * w.y + pc * w.z;
    s.position = world_point(hit.instance, local);
    s.start = s.position;
    let outward = world_normal(hit.instance, cross(pb - pa, pc - pa));
    let front = dot(outward, direction) < 0.0;
    s.front = select(0u, 1u, front);
    s.geometric_normal = select(-outward, outward, front);
    s.shading_normal = s.geometric_normal;
    s.side_normal = s.geometric_normal;
    var negated = !front;
    var local_normal = cross(pb - pa, pc - pa);
    if (slot_flags & SLOT_FLAT) == 0u {
        local_normal = vertices[a].normal * w.x + vertices[b].normal * w.y + vertices[c].normal * w.z;
        let n = world_normal(hit.instance, local_normal);
        // Some files have normals that point inwards: the triangle decides the side, the normal only the shading.
        negated = dot(n, s.geometric_normal) < 0.0;
        s.shading_normal = select(n, -n, negated);
        // Light enters and leaves a body at its triangles.
        if (materials[material].flags & MATERIAL_BODY) == 0u {
            s.side_normal = facing_normal(s.shading_normal, -direction);
            s.start = world_point(hit.instance, lifted_point(local, w, a, b, c, select(1.0, -1.0, negated)));
            let flat_normal = normalize(cross(pb - pa, pc - pa));
            let nearest = min(abs(dot(vertices[a].normal, flat_normal)),
                min(abs(dot(vertices[b].normal, flat_normal)), abs(dot(vertices[c].normal, flat_normal))));
            s.low = sqrt(max(1.0 - nearest * nearest, 0.0));
        }
    }
    if HAS_BEVELS && slots[slot].bevel_radius > 0.0 {
        let n = world_normal(hit.instance, rounded_normal(slot, hit.triangle, local, normalize(local_normal)));
        s.shading_normal = select(n, -n, negated);
    }

    s.base_color = materials[material].base_color;
    s.metalness = materials[material].metalness;
    s.roughness = materials[material].roughness;
    s.emission = materials[material].emission;
    s.textured = materials[material].textured;
    if HAS_RELIEF && slots[slot].relief != 0u {
        carve(&s, hit, slots[slot].relief, local, normalize(cross(pb - pa, pc - pa)), negated);
    }
    if !HAS_TEXTURES || s.textured == 0u {
        return s;
    }
    let tangent = read_textures(&s, hit, slot, w, local, local_normal);
    if HAS_DESIGNS && (s.textured & TEXTURED_DESIGN) != 0u {
        print_design(&s, hit, w, local);
    }
    if dot(tangent.xyz, tangent.xyz) > 0.0 {
        let along = world_vector(hit.instance, tangent.xyz);
        // The bitangent's sign holds for the file's own normal, not negated or mirrored.
        let flip = select(1.0, -1.0, negated) * instances[hit.instance].handedness;
        bend(&s, along, select(-1.0, 1.0, tangent.w >= 0.0) * flip, -direction);
    }
    if (materials[material].flags & MATERIAL_UNLIT) != 0u {
        s.emission = s.base_color;
    }
    return s;
}
