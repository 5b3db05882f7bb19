// Emissive triangles: choosing one from a point, a point on it, and the density of that choice.
//
// They lie in the leaves of a binary tree. From the root down, one of two children is chosen in proportion to a bound
// on what it brings to the point: its power, over the squared distance, times the cosine of the smallest angle at which
// it can be seen (Conty Estevez and Kulla 2018, "Importance Sampling of Many Lights with Adaptive Tree Splitting";
// Pharr, Jakob and Humphreys 2023, "Physically Based Rendering", section 12.6.3). Within a leaf a triangle is chosen by
// its power; on a triangle, points are uniform.
#import lib/math
#import lib/path
#import stage/features
#import stage/scene
#import stage/surface
#import stage/opacity
#import stage/environment

// cos(max(a - b, 0)) for angles up to half a turn.
fn cos_angle_beyond(cos_a: f32, sin_a: f32, cos_b: f32, sin_b: f32) -> f32 {
    return select(cos_a * cos_b + sin_a * sin_b, 1.0, cos_a > cos_b);
}

// An upper bound on what a node may bring to a point, up to a factor that all nodes share.
fn emitter_importance(node: u32, from_point: vec3f) -> f32 {
    let to_point = from_point - emitter_nodes[node].center;
    let distance2 = dot(to_point, to_point);
    let radius2 = emitter_nodes[node].radius2;
    let power = emitter_nodes[node].power;
    if distance2 <= radius2 {
        return power / radius2;
    }
    let along = dot(to_point, emitter_nodes[node].axis) * inverseSqrt(distance2);
    let cos_to_axis = select(along, abs(along), (emitter_nodes[node].count & EMITTERS_BOTH_SIDES) != 0u);
    let sin_to_axis = safe_sqrt(1.0 - cos_to_axis * cos_to_axis);
    let cos_spread = emitter_nodes[node].cos_spread;
    let sin_spread = safe_sqrt(1.0 - cos_spread * cos_spread);
    let cos_beyond = cos_angle_beyond(cos_to_axis, sin_to_axis, cos_spread, sin_spread);
    let sin_beyond = safe_sqrt(1.0 - cos_beyond * cos_beyond);
    // The node's sphere, seen from the point.
    let sin2_size = radius2 / distance2;
    let cosine = cos_angle_beyond(cos_beyond, sin_beyond, sqrt(1.0 - sin2_size), sqrt(sin2_size));
    return power * max(cosine, 0.0) / distance2;
}

// A triangle in render space.
struct PlacedTriangle {
    a: vec3f,
    area: f32,
    ab: vec3f,
    pad0: f32,
    ac: vec3f,
    pad1: f32,
    // Unit, towards the side that `surface_at` considers outside; zero for a triangle without area.
    outward: vec3f,
    pad2: f32,
}

fn placed_triangle(instance: u32, triangle: u32) -> PlacedTriangle {
    let a = world_point(instance, vertices[triangles[triangle].v0].position);
    let ab = world_point(instance, vertices[triangles[triangle].v1].position) - a;
    let ac = world_point(instance, vertices[triangles[triangle].v2].position) - a;
    let normal = cross(ab, ac);
    let length2 = dot(normal, normal);
    let over_length = select(0.0, inverseSqrt(length2), length2 > 0.0);
    let outward = normal * (over_length * instances[instance].handedness);
    return PlacedTriangle(a, 0.5 * length2 * over_length, ab, 0.0, ac, 0.0, outward, 0.0);
}

// Whether light sampling covers this side of a slot's surface.
fn is_side_sampled(slot: u32, is_outside: bool) -> bool {
    return (slots[slot].flags & select(SLOT_SAMPLED_INSIDE, SLOT_SAMPLED_OUTSIDE, is_outside)) != 0u;
}

// Mean emitted radiance at a point, towards both sides: where opacity lets some rays through, it is scaled by the
// fraction of rays that hit.
fn emission_at(hit: Hit, slot: u32) -> vec3f {
    let material = slots[slot].material;
    var emission = materials[material].emission;
    if materials[material].emission_texture != NONE {
        let w = weights_of(hit);
        var extra = VertexExtra(vec4f(0.0), vec4f(1.0), vec2f(0.0), 0.0, 0.0);
        if (slots[slot].flags & SLOT_HAS_EXTRAS) != 0u {
            extra = extra_at(hit.triangle, slots[slot].extra_base, w);
        }
        emission *= texture_lookup(materials[material].emission_texture, uv0_at(hit.triangle, w), extra.uv1, true).xyz;
    }
    return emission * opacity_at(hit);
}

// Once the choice fell on emissive surfaces: an emissive triangle by its probability, and a point on it.
fn emitter_sample(from_point: vec3f, choice: f32, u: vec2f) -> LightSample {
    var node = 0u;
    var rest = choice;
    var probability = params.emitter_select;
    while (emitter_nodes[node].count & ~EMITTERS_BOTH_SIDES) == 0u {
        let first = emitter_nodes[node].first;
        let of_first = emitter_importance(first, from_point);
        let of_second = emitter_importance(first + 1u, from_point);
        let sum = of_first + of_second;
        if sum <= 0.0 {
            return NO_LIGHT;
        }
        let share = of_first / sum;
        let is_first = rest < share;
        node = select(first + 1u, first, is_first);
        rest = select((rest - share) / (1.0 - share), rest / share, is_first);
        probability *= select(of_second, of_first, is_first) / sum;
    }
    let begin = emitter_nodes[node].first;
    var low = begin;
    var high = begin + (emitter_nodes[node].count & ~EMITTERS_BOTH_SIDES) - 1u;
    while low < high {
        let middle = (low + high) / 2u;
        if rest < emitters[middle].share_end {
            high = middle;
        } else {
            low = middle + 1u;
        }
    }
    probability *= emitter_share(low, begin);

    // Uniform over the triangle, and nearby points of the square stay nearby (Heitz 2019, "A Low-Distortion Map Between
    // Triangle and Square").
    let is_above = u.y > u.x;
    let weight_1 = select(u.x - 0.5 * u.y, 0.5 * u.x, is_above);
    let weight_2 = select(0.5 * u.y, u.y - 0.5 * u.x, is_above);
    let triangle = placed_triangle(emitters[low].instance, emitters[low].triangle);
    let at = triangle.a + triangle.ab * weight_1 + triangle.ac * weight_2;
    let to_light = at - from_point;
    let distance2 = dot(to_light, to_light);
    if distance2 == 0.0 {
        return NO_LIGHT;
    }
    let distance = sqrt(distance2);
    let direction = to_light / distance;
    let facing = -dot(direction, triangle.outward);
    let slot = slot_of(emitters[low].instance, emitters[low].triangle);
    if facing == 0.0 || !is_side_sampled(slot, facing > 0.0) {
        return NO_LIGHT;
    }
    let at_place = Hit(0.0, weight_1, weight_2, emitters[low].instance, emitters[low].triangle);
    let radiance = emission_at(at_place, slot) * params.emission_scale;
    let pdf = probability * distance2 / (abs(facing) * triangle.area);
    let end = offset_origin(at, select(-triangle.outward, triangle.outward, facing > 0.0));
    return LightSample(direction, distance, radiance, pdf, end, 1u);
}

// Probability of an emitter within its leaf, whose emitters start at `begin`.
fn emitter_share(i: u32, begin: u32) -> f32 {
    var before = 0.0;
    if i > begin {
        before = emitters[i - 1u].share_end;
    }
    return emitters[i].share_end - before;
}

// Density over solid angle with which `light_sample` finds a ray's direction from its origin, where the ray hits an
// emissive surface at `hit` under a cosine.
fn emitter_pdf(hit: Hit, slot: u32, ray: Ray, cosine: f32) -> f32 {
    let i = emitter_index[emitter_index[slot] + hit.triangle];
    if i == NONE || cosine <= 0.0 {
        return 0.0;
    }
    var node = emitters[i].leaf;
    var probability = params.emitter_select * emitter_share(i, emitter_nodes[node].first);
    while node != 0u {
        let of_node = emitter_importance(node, ray.origin);
        if of_node <= 0.0 {
            return 0.0;
        }
        // Siblings are adjacent, the first at an even index.
        probability *= of_node / (of_node + emitter_importance(node ^ 1u, ray.origin));
        node = emitter_nodes[node].parent;
    }
    return probability * hit.t * hit.t / (cosine * placed_triangle(hit.instance, hit.triangle).area);
}

// Radiance of the surface that a path hit, weighted against light sampling finding the same point. An unlit surface is
// visible directly, in reflections and through glass, but lights nothing.
fn emission_met(path: ptr<function, PathState>, hit: Hit, s: Surface) -> vec3f {
    if (materials[s.material].flags & MATERIAL_UNLIT) != 0u {
        return select(vec3f(0.0), s.emission, (*path).bounces_diffuse == 0u);
    }
    if !HAS_EMITTERS || params.emitter_select <= 0.0 || (*path).pdf < 0.0 || max_component(s.emission) <= 0.0 {
        return s.emission;
    }
    let slot = slot_of(hit.instance, hit.triangle);
    if !is_side_sampled(slot, s.front == 1u) {
        return s.emission;
    }
    // Measured from the path's last scattering event.
    var ray = (*path).ray;
    ray.origin -= ray.direction * (*path).passed;
    var whole = hit;
    whole.t += (*path).passed;
    let pdf = emitter_pdf(whole, slot, ray, -dot(ray.direction, s.geometric_normal));
    return s.emission * power_heuristic((*path).pdf, pdf);
}
