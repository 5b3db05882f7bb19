// How the pictures of a library's material lie on a part.
//
// From six sides, by its size: each point is seen along the axis of the part that it faces most, and the pictures are
// upright and not mirrored on every side. On rounded edges those of two sides blend. They run along the part, because
// grain does. An entry of `tables` that a slot names, as `prepare/projection.rs` writes it:
//   0..3, 3..6, 6..9: the part's axes from the longest to the shortest, unit and right-handed, in the mesh's frame
//   9..12: a point on all three
//   12: repetitions of a picture's width in a unit of the mesh's frame
//
// Or by the part's own texture coordinates; then a slot names no entry but PROJECT_BY_COORDINATES.
#import lib/math
#import stage/scene

// The pictures of two sides blend where a normal's second largest component along the axes is smaller than the largest
// by at most this fraction of it.
const BLEND: f32 = 0.35;

struct Laid {
    uv: vec2f,
    // Direction of growing u in the mesh's frame; the bitangent is to its left, seen from outside.
    tangent: vec3f,
}

// The axes that a normal faces most and next, 0 for the longest to 2 for the shortest, and how much of the picture is
// that of the second: 0 to a half.
struct Sides {
    first: u32,
    second: u32,
    share: f32,
}

fn sides_of(entry: u32, normal: vec3f) -> Sides {
    let longest = vec3f(tables[entry], tables[entry + 1u], tables[entry + 2u]);
    let middle = vec3f(tables[entry + 3u], tables[entry + 4u], tables[entry + 5u]);
    let shortest = vec3f(tables[entry + 6u], tables[entry + 7u], tables[entry + 8u]);
    let size = abs(vec3f(dot(normal, longest), dot(normal, middle), dot(normal, shortest)));
    let of_longest = size.x > max(size.y, size.z);
    let of_middle = !of_longest && size.y > size.z;
    let first = select(select(2u, 1u, of_middle), 0u, of_longest);
    // Of the other two.
    let after_longest = select(2u, 1u, size.y > size.z);
    let after_middle = select(2u, 0u, size.x > size.z);
    let after_shortest = select(1u, 0u, size.x > size.y);
    let second = select(select(after_shortest, after_middle, of_middle), after_longest, of_longest);
    let most = max(size.x, max(size.y, size.z));
    let next = max(min(size.x, size.y), min(max(size.x, size.y), size.z));
    return Sides(first, second, 0.5 - 0.5 * smoothstep(0.0, BLEND, 1.0 - next / max(most, 1e-20)));
}

// A point of the mesh's frame on the side that faces along an axis, and the surface's normal there of any length.
fn laid_on_side(entry: u32, axis: u32, local: vec3f, normal: vec3f) -> Laid {
    let longest = vec3f(tables[entry], tables[entry + 1u], tables[entry + 2u]);
    let middle = vec3f(tables[entry + 3u], tables[entry + 4u], tables[entry + 5u]);
    let shortest = vec3f(tables[entry + 6u], tables[entry + 7u], tables[entry + 8u]);
    let origin = vec3f(tables[entry + 9u], tables[entry + 10u], tables[entry + 11u]);
    let faces = vec3f(dot(normal, longest), dot(normal, middle), dot(normal, shortest));
    let on_end = axis == 0u;
    let on_side = axis == 1u;
    let along = select(longest, middle, on_end);
    let up = select(select(middle, shortest, on_side), shortest, on_end);
    // longest x middle = shortest, longest x shortest = -middle, middle x shortest = longest.
    let outward = select(select(faces.z, -faces.y, on_side), faces.x, on_end);
    let right = select(-along, along, outward >= 0.0);
    let p = (local - origin) * tables[entry + 12u];
    return Laid(vec2f(dot(p, right), -dot(p, up)), right);
}

// Direction of growing u on a triangle in the mesh's frame, and the sign of the bitangent as glTF has it, where v grows
// downwards; zero where the coordinates say nothing.
fn tangent_of_coordinates(b_a: vec3f, c_a: vec3f, uv_ba: vec2f, uv_ca: vec2f) -> vec4f {
    let area = uv_ba.y * uv_ca.x - uv_ba.x * uv_ca.y;
    if area == 0.0 {
        return vec4f(0.0);
    }
    let along_u = (c_a * uv_ba.y - b_a * uv_ca.y) / area;
    return vec4f(along_u, select(1.0, -1.0, area < 0.0));
}
