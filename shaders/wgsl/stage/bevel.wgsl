// Rounded edges: near a sharp edge the normal turns from the surface's own to the one halfway between both sides, as on
// a round fillet that touches the surface at the bevel's distance from the edge. This affects shading only: silhouettes
// stay sharp.
#import stage/scene

// Most edges that count at one point, where they meet in a corner.
const EDGES_MAX: u32 = 3u;
// Edge segments whose middle normals have a cosine above this count as one edge.
const SAME_EDGE_COS: f32 = 0.9;

// `normal` is the unit normal of the surface at `p`; both are in the frame of the mesh.
fn rounded_normal(slot: u32, triangle: u32, p: vec3f, normal: vec3f) -> vec3f {
    var middles: array<vec3f, EDGES_MAX>;
    var nearest: array<f32, EDGES_MAX>;
    var n_edges = 0u;
    let entry = slots[slot].bevel + triangle;
    for (var i = bevel_index[entry]; i < bevel_index[entry + 1u]; i += 1u) {
        let begin = bevel_edges[i].begin;
        let along = bevel_edges[i].end - begin;
        let share = saturate(dot(p - begin, along) / dot(along, along));
        let distance = length(p - begin - along * share) / slots[slot].bevel_radius;
        if distance >= 1.0 {
            continue;
        }
        let middle = normalize(mix(bevel_edges[i].middle_begin, bevel_edges[i].middle_end, share));
        var k = 0u;
        while k < n_edges && dot(middles[k], middle) < SAME_EDGE_COS {
            k += 1u;
        }
        if k == EDGES_MAX {
            continue;
        }
        if k == n_edges {
            n_edges += 1u;
            nearest[k] = 1.0;
        }
        if distance < nearest[k] {
            nearest[k] = distance;
            middles[k] = middle;
        }
    }
    // In a corner the slopes add up, so that the corner of a cube faces along its diagonal.
    var slope = vec3f(0.0);
    for (var k = 0u; k < n_edges; k += 1u) {
        slope += fillet_slope(normal, middles[k], nearest[k]);
    }
    return normalize(normal + slope);
}

// The slope to add to `normal` for a fillet around an edge. Seen along `middle`, the points between the edge and the
// start of the fillet lie on a circle: the sine of the angle from `middle` grows linearly with the distance.
fn fillet_slope(normal: vec3f, middle: vec3f, distance: f32) -> vec3f {
    let cosine = dot(normal, middle);
    if cosine > 0.9999 || cosine < 0.1 {
        return vec3f(0.0);
    }
    let sine = sqrt(1.0 - cosine * cosine);
    let aside = (normal - middle * cosine) / sine;
    let sine_here = distance * sine;
    let bent = middle * sqrt(1.0 - sine_here * sine_here) + aside * sine_here;
    return bent / max(dot(bent, normal), 0.1) - normal;
}
