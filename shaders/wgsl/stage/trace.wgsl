// Ray traversal for the GPU: one ray through the tree over instances and the trees of their meshes. The CPU has its own
// in traversal/src/simd, with the same triangle test, rounding bounds and tie rule; its comments derive them.

#import lib/math
#import lib/ray
#import lib/path
#import stage/scene
#import stage/features
#import stage/opacity

// Stack entries: the greatest depth of a mesh's tree plus that of the tree over instances, which the builder
// guarantees.
const STACK_LEN: u32 = 64u;
// Marks a stacked reference to a leaf of the tree over instances: twice its parent's index, plus the side.
const INSTANCE_LEAF: u32 = 0x80000000u;

// In units of 2^-24, the unit roundoff: the relative slack for a triangle's or an instance's own box, and for the boxes
// of nodes.
const OWN_SLACK: f32 = 12.0 * 5.9604645e-8;
const NODE_SLACK: f32 = 64.0 * 5.9604645e-8;
// The slack along an axis for a triangle's own box, over the reach of its vertices, and what is added to slopes there.
const OWN_REACH: f32 = 12.0 * 5.9604645e-8;
const OWN_SLOPE: f32 = 3.8146973e-6;
// The slack along an axis for nodes over triangles, over the origin's coordinate and over the magnitude of all.
const NODE_ORIGIN: f32 = 8.0 * 5.9604645e-8;
const NODE_FLAT: f32 = 2.0 * FLAT;
// Rounding of an edge function's two products and their difference, with or without a fused multiply-add.
const EDGE_SLACK: f32 = 2.0 * 5.9604645e-8;
// Direction components below this fraction of the largest are raised to it.
const FLAT: f32 = 9.094947e-13;
const DIRECTION_MIN: f32 = 1e-15;
const DIRECTION_MAX: f32 = 1e15;
const COORDINATE_MAX: f32 = 1e9;

// A ray in a tree's frame.
struct LocalRay {
    origin: vec3f,
    // The axis along which the direction is largest.
    last_axis: u32,
    inverse: vec3f,
    // Magnitude of the coordinates involved; negative for a ray that overflows.
    magnitude: f32,
    // Direction over its component along the last axis, for the other two; then that component's reciprocal.
    shear: vec3f,
}

// Where a ray enters and leaves a box.
struct Passage {
    enter: f32,
    leave: f32,
}

fn min_component(v: vec3f) -> f32 {
    return min(v.x, min(v.y, v.z));
}

// The coordinates in the order of the triangle test, the ray's dominant axis last.
fn in_ray_order(v: vec3f, last_axis: u32) -> vec3f {
    return select(select(v.yzx, v.zxy, last_axis == 1u), v, last_axis == 2u);
}

// The coordinates by axis, of those in the order of the triangle test.
fn out_of_ray_order(v: vec3f, last_axis: u32) -> vec3f {
    return select(select(v.zxy, v.yzx, last_axis == 1u), v, last_axis == 2u);
}

// The largest coordinates in a tree. The box of a missing child is the origin.
fn tree_magnitude(root: u32) -> vec3f {
    let of_0 = max(abs(bvh_nodes[root].min_0), abs(bvh_nodes[root].max_0));
    let of_1 = max(abs(bvh_nodes[root].min_1), abs(bvh_nodes[root].max_1));
    return max(of_0, of_1);
}

fn local_ray(origin: vec3f, direction: vec3f, root: u32) -> LocalRay {
    let length = abs(direction);
    var last_axis = 2u;
    if length.y > length.z || length.x > length.z {
        last_axis = select(0u, 1u, length.y >= length.x);
    }
    let longest = max_component(length);
    let reach = abs(origin) + tree_magnitude(root);
    let is_sound = longest >= DIRECTION_MIN && longest <= DIRECTION_MAX && max_component(reach) <= 2.0 * COORDINATE_MAX;
    let component = select(max(length, vec3f(longest * FLAT)), -max(length, vec3f(longest * FLAT)), direction < vec3f(0.0));
    let inverse = 1.0 / component;
    let ordered = in_ray_order(direction, last_axis);
    let over_last = in_ray_order(inverse, last_axis).z;
    return LocalRay(
        origin,
        last_axis,
        inverse,
        select(-1.0, max_component(reach), is_sound),
        vec3f(ordered.xy * over_last, over_last),
    );
}

// Where the ray enters and leaves a box with slack for rounding: `shift` along each axis, and a share of the distance.
fn pass_box(ray: LocalRay, box_min: vec3f, box_max: vec3f, shift: vec3f, slack: f32) -> Passage {
    let at_min = (box_min - ray.origin) * ray.inverse;
    let at_max = (box_max - ray.origin) * ray.inverse;
    let later = abs(ray.inverse) * shift;
    let enter = max_component(min(at_min, at_max) - later);
    let leave = min_component(max(at_min, at_max) + later);
    return Passage(enter * (1.0 - slack), leave * (1.0 + slack));
}

// The slack along each axis for nodes over triangles, whose boxes are widened by what depends on their extents.
fn node_shift(ray: LocalRay) -> vec3f {
    return abs(ray.origin) * NODE_ORIGIN + ray.magnitude * NODE_FLAT;
}

// The slack along each axis for a triangle's own box; vertices are relative to the ray's origin.
fn own_shift(ray: LocalRay, vertex_0: vec3f, vertex_1: vec3f, vertex_2: vec3f) -> vec3f {
    let reach = max(abs(vertex_0), max(abs(vertex_1), abs(vertex_2)));
    let along = in_ray_order(reach, ray.last_axis).z;
    let across = in_ray_order(reach, ray.last_axis).xy + (abs(ray.shear.xy) + OWN_SLOPE) * along;
    return out_of_ray_order(vec3f(across, along + along), ray.last_axis) * OWN_REACH;
}

fn precedes(hit: Hit, other: Hit) -> bool {
    if hit.t != other.t {
        return hit.t < other.t;
    }
    return hit.instance < other.instance || (hit.instance == other.instance && hit.triangle < other.triangle);
}

// Twice the signed area of the triangle of the origin, p and q. A result within rounding error counts as zero, because
// a compiler may fuse one of the two products and give the difference the wrong sign.
fn edge_function(p: vec3f, q: vec3f) -> f32 {
    let positive = p.x * q.y;
    let negative = p.y * q.x;
    let difference = positive - negative;
    return select(difference, 0.0, abs(difference) <= EDGE_SLACK * (abs(positive) + abs(negative)));
}

// The hit of a triangle after t_min, or a miss. Watertight: Woop, Benthin, Wald 2013.
fn hit_triangle(ray: LocalRay, triangle_idx: u32, instance: u32, t_min: f32, t_floor: f32) -> Hit {
    let vertex_0 = bvh_triangles[triangle_idx].vertex_0;
    let vertex_1 = bvh_triangles[triangle_idx].vertex_1;
    let vertex_2 = bvh_triangles[triangle_idx].vertex_2;
    let point_0 = in_ray_order(vertex_0 - ray.origin, ray.last_axis);
    let point_1 = in_ray_order(vertex_1 - ray.origin, ray.last_axis);
    let point_2 = in_ray_order(vertex_2 - ray.origin, ray.last_axis);
    let shear = vec3f(ray.shear.xy, 0.0);
    let a = point_0 - shear * point_0.z;
    let b = point_1 - shear * point_1.z;
    let c = point_2 - shear * point_2.z;
    let weights = vec3f(edge_function(c, b), edge_function(a, c), edge_function(b, a));
    let determinant = weights.x + weights.y + weights.z;
    let is_inside = min_component(weights) >= 0.0 || max_component(weights) <= 0.0;
    if !is_inside || determinant == 0.0 {
        return hit_miss(0.0);
    }
    let depth = dot(weights, vec3f(point_0.z, point_1.z, point_2.z)) / determinant;
    // A hit must lie in the triangle's own box, whatever rounding does to slivers.
    let box_min = min(vertex_0, min(vertex_1, vertex_2));
    let box_max = max(vertex_0, max(vertex_1, vertex_2));
    let shift = own_shift(ray, vertex_0 - ray.origin, vertex_1 - ray.origin, vertex_2 - ray.origin);
    let passage = pass_box(ray, box_min, box_max, shift, OWN_SLACK);
    let t = max(max(min(depth * ray.shear.z, passage.leave), passage.enter), t_floor);
    if max(passage.enter, t_min) > passage.leave || t <= t_min {
        return hit_miss(0.0);
    }
    return Hit(t, weights.y / determinant, weights.z / determinant, instance, bvh_triangles[triangle_idx].triangle);
}

fn is_stopped(hit: Hit, name: RayName) -> bool {
    if !HAS_OPACITY {
        return true;
    }
    return surface_blocks(hit, name);
}

// Work for following a ray. It is free for callers that do not read it: compilers remove it.
struct TraceWork {
    // Nodes whose two boxes were tested.
    n_nodes: u32,
    n_triangles: u32,
}

fn trace(ray: Ray, name: RayName, is_any: bool, work: ptr<function, TraceWork>) -> Hit {
    let t_min = max(ray.t_min, 0.0);
    let world = local_ray(ray.origin, ray.direction, 0u);
    var best = hit_miss(ray.t_max);
    if world.magnitude < 0.0 {
        return best;
    }
    var stack: array<u32, STACK_LEN>;
    var n_waiting = 0u;
    // The current node, a leaf of the tree over instances, or NO_HIT when the next one comes from the stack.
    var current = 0u;
    // The instance whose mesh's tree is being walked, or NO_HIT in the tree over instances.
    var instance = NO_HIT;
    // Stack entries that belong to the tree over instances.
    var n_outer = 0u;
    // Lower bound on hits of the instance.
    var t_floor = t_min;
    var local = world;
    // The slack along each axis for the nodes of the current tree.
    let outer_shift = vec3f(NODE_SLACK * world.magnitude);
    var shift = outer_shift;
    loop {
        if current == NO_HIT {
            if n_waiting == 0u {
                break;
            }
            if n_waiting == n_outer && instance != NO_HIT {
                instance = NO_HIT;
                local = world;
                shift = outer_shift;
            }
            n_waiting -= 1u;
            current = stack[n_waiting];
        }
        if (current & INSTANCE_LEAF) != 0u {
            let parent = (current & ~INSTANCE_LEAF) / 2u;
            let is_side_1 = (current & 1u) == 1u;
            current = NO_HIT;
            // The instance's own box is tested, as a triangle's is.
            let box_min = select(bvh_nodes[parent].min_0, bvh_nodes[parent].min_1, is_side_1);
            let box_max = select(bvh_nodes[parent].max_0, bvh_nodes[parent].max_1, is_side_1);
            let passage = pass_box(world, box_min, box_max, vec3f(OWN_SLACK * world.magnitude), OWN_SLACK);
            t_floor = max(passage.enter, t_min);
            if t_floor > passage.leave || t_floor > best.t {
                continue;
            }
            let idx = select(bvh_nodes[parent].child_0, bvh_nodes[parent].child_1, is_side_1);
            let root = instances[idx].bvh_root;
            let row_0 = instances[idx].local_from_world_0;
            let row_1 = instances[idx].local_from_world_1;
            let row_2 = instances[idx].local_from_world_2;
            let origin = vec4f(ray.origin, 1.0);
            let direction = vec4f(ray.direction, 0.0);
            local = local_ray(
                vec3f(dot(row_0, origin), dot(row_1, origin), dot(row_2, origin)),
                vec3f(dot(row_0, direction), dot(row_1, direction), dot(row_2, direction)),
                root,
            );
            if local.magnitude < 0.0 {
                local = world;
                continue;
            }
            instance = idx;
            n_outer = n_waiting;
            current = root;
            shift = node_shift(local);
        }
        let node = current;
        (*work).n_nodes += 1u;
        let pass_0 = pass_box(local, bvh_nodes[node].min_0, bvh_nodes[node].max_0, shift, NODE_SLACK);
        let pass_1 = pass_box(local, bvh_nodes[node].min_1, bvh_nodes[node].max_1, shift, NODE_SLACK);
        let is_passed_0 = max(pass_0.enter, t_min) <= min(pass_0.leave, best.t);
        let is_passed_1 = max(pass_1.enter, t_min) <= min(pass_1.leave, best.t);
        let is_swapped = pass_1.enter < pass_0.enter;
        // The nearer child first: leaves are tested immediately; of two remaining nodes the further one goes on the
        // stack.
        current = NO_HIT;
        for (var i = 0u; i < 2u; i++) {
            let is_side_1 = (i == 1u) != is_swapped;
            let child = select(bvh_nodes[node].child_0, bvh_nodes[node].child_1, is_side_1);
            if child == NO_HIT || !select(is_passed_0, is_passed_1, is_side_1) {
                continue;
            }
            let count = select(bvh_nodes[node].count_0, bvh_nodes[node].count_1, is_side_1);
            if count > 0u && instance != NO_HIT {
                for (var idx = child; idx < child + count; idx++) {
                    (*work).n_triangles += 1u;
                    let hit = hit_triangle(local, idx, instance, t_min, t_floor);
                    if hit.instance != NO_HIT && hit.t < ray.t_max && precedes(hit, best) && is_stopped(hit, name) {
                        best = hit;
                        if is_any {
                            return best;
                        }
                    }
                }
                continue;
            }
            let next = select(child, INSTANCE_LEAF | (2u * node + select(0u, 1u, is_side_1)), count > 0u);
            if current == NO_HIT {
                current = next;
            } else {
                stack[n_waiting] = next;
                n_waiting += 1u;
            }
        }
    }
    return best;
}

// The closest blocking hit between t_min and t_max, or a miss. `name` identifies the ray to stochastic opacity.
fn trace_closest(ray: Ray, name: RayName) -> Hit {
    var work: TraceWork;
    return trace(ray, name, false, &work);
}

// Whether anything blocks the ray between t_min and t_max.
fn trace_any(ray: Ray, name: RayName) -> bool {
    var work: TraceWork;
    return trace(ray, name, true, &work).instance != NO_HIT;
}

// The work of finding out whether anything blocks the ray (is_any), or what it hits first.
fn trace_work(ray: Ray, is_any: bool) -> TraceWork {
    var work: TraceWork;
    trace(ray, ray_name(0u), is_any, &work);
    return work;
}
