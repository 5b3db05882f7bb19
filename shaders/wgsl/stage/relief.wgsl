// Structures of a surface that are too fine to be modelled, defined in the frame of the part, so that they move with
// it: the grain that a tool leaves, and heights that bend the normal. A material's roughness is what is seen from afar,
// including all of these; whatever bent normals show is subtracted from it again (Olano and Baker 2010, "LEAN
// Mapping"), so that a surface is as bright close up as it is from afar.
//
// An entry of `tables` that a slot names, as `prepare/relief.rs` writes it:
//   0: number of details          1: mode of the grain, GRAIN_*
//   2..5: axis, unit              5..8: a point of the axis         both in the mesh's frame
//   8: millimetres in a unit of the mesh's frame
//   9: millimetres from the axis to what is farthest from it
//   10: millimetres in a render unit
//   11..: of each detail its kind (DETAIL_*), the size of a feature and its height in millimetres
#import lib/math
#import lib/noise
#import stage/scene

// Ratio of a scratch's length to its width.
const SCRATCH_LENGTH: f32 = 40.0;
// Rings continue from walls onto faces: features along the axis for each one outwards. Not 1, or cones would have no
// rings.
const RINGS_ALONG_AXIS: f32 = 1.37;

struct Relief {
    // Direction of the grain in the mesh's frame, zero where there is none.
    grain: vec3f,
    // Mean square of the slopes that are resolved.
    shown_slope2: f32,
    // Gradient of the height along the coordinates of the mesh's frame.
    slope: vec3f,
    // Factors on roughness and on base colour.
    roughness: f32,
    brightness: f32,
}

// A point in coordinates around the axis; lengths in millimetres.
struct AxisPoint {
    axis: vec3f,
    height: f32,
    outward: vec3f,
    radius: f32,
    // The other two axes of the frame.
    x: vec3f,
    // Largest radius of the whole part.
    radius_max: f32,
    y: vec3f,
    mode: u32,
    // Relative to the axis's own point.
    at: vec3f,
}

fn axis_point(entry: u32, local: vec3f) -> AxisPoint {
    let axis = vec3f(tables[entry + 2u], tables[entry + 3u], tables[entry + 4u]);
    let origin = vec3f(tables[entry + 5u], tables[entry + 6u], tables[entry + 7u]);
    let at = (local - origin) * tables[entry + 8u];
    let height = dot(at, axis);
    let aside = at - axis * height;
    let radius = length(aside);
    let outward = select(vec3f(0.0), aside / radius, radius > 1e-6 * tables[entry + 9u]);
    let frame = frame_around(axis);
    return AxisPoint(axis, height, outward, radius, frame.x, tables[entry + 9u], frame.y, u32(tables[entry + 1u]), at);
}

// Slope of ribs with heights between 0 and 1 along their coordinate.
fn rib_slope(u: f32) -> f32 {
    return select(2.0, -2.0, fract(u) > 0.5);
}

fn rib_height(u: f32) -> f32 {
    return 1.0 - abs(2.0 * fract(u) - 1.0);
}

// Slope of crossed ribs (knurling), in feature heights per feature size.
fn knurl_slope(p: AxisPoint, scale: f32, normal: vec3f) -> vec3f {
    // Knurling is rolled into walls, not into the faces at their ends.
    let on_wall = select(smoothstep(0.3, 0.7, abs(dot(normal, p.outward))), 1.0, p.mode == GRAIN_PLANAR);
    // A whole number of ribs around, the same along the whole part.
    let n_around = max(round(TWO_PI * p.radius_max / scale), 3.0);
    let turn = atan2_turns(dot(p.at, p.y), dot(p.at, p.x));
    var across = cross(p.axis, p.outward) * (n_around * scale / max(TWO_PI * p.radius, scale));
    var u = turn * n_around;
    if p.mode == GRAIN_PLANAR {
        across = p.x;
        u = dot(p.at, p.x) / scale;
    }
    let v = p.height / scale;
    if rib_height(u + v) > rib_height(u - v) {
        return (across + p.axis) * (rib_slope(u + v) * on_wall);
    }
    return (across - p.axis) * (rib_slope(u - v) * on_wall);
}

// Slope of fine scratches along the grain, in the same units.
fn brushed_slope(p: AxisPoint, scale: f32) -> vec3f {
    if p.mode == GRAIN_PLANAR {
        let g = noise_slope(vec3f(dot(p.at, p.x), dot(p.at, p.y), p.height / SCRATCH_LENGTH) / scale);
        return p.x * g.x + p.y * g.y;
    }
    let turn = atan2_turns(dot(p.at, p.y), dot(p.at, p.x));
    let along = turn * max(round(TWO_PI * p.radius_max / (SCRATCH_LENGTH * scale)), 1.0);
    let g = noise_slope(vec3f(p.radius / scale, p.height / scale, along));
    return p.outward * g.x + p.axis * g.y;
}

// Of what each point has a slope of its own: all details but spangle.
fn detail_slope(kind: u32, p: AxisPoint, scale: f32, normal: vec3f) -> vec3f {
    switch kind {
        case DETAIL_BRUSHED: {
            return brushed_slope(p, scale);
        }
        case DETAIL_TURNED: {
            let u = (p.radius + RINGS_ALONG_AXIS * p.height) / scale;
            return (p.outward + RINGS_ALONG_AXIS * p.axis) * (PI * sin_cos_turn(fract(u)).x);
        }
        case DETAIL_KNURL: {
            return knurl_slope(p, scale, normal);
        }
        case DETAIL_CAST: {
            // The finer noise is half as high.
            let q = p.at / scale;
            return (noise_slope(q) + noise_slope(2.0 * q + vec3f(17.0))) * 0.7071068;
        }
        default: {
            return noise_slope(p.at / scale);
        }
    }
}

// Slope of one of the crystals of spangle, which are tilted at different angles, in the same units.
fn crystal_slope(crystal: vec3i) -> vec3f {
    return vec3f(cell_value(crystal), cell_value(crystal.yzx), cell_value(crystal.zxy)) - 0.5;
}

// Mean square of these slopes within the surface.
fn detail_slope2(kind: u32) -> f32 {
    switch kind {
        case DETAIL_BRUSHED: {
            // Only across the scratches.
            return 0.5 * NOISE_SLOPE2;
        }
        case DETAIL_TURNED: {
            return 0.5 * PI * PI;
        }
        case DETAIL_KNURL: {
            return 8.0;
        }
        case DETAIL_SPANGLE: {
            return 1.0 / 6.0;
        }
        default: {
            return NOISE_SLOPE2;
        }
    }
}

// The relief at a point in the mesh's frame on a triangle with this unit normal. `width` is that of a pixel there, in
// render units.
fn relief_at(entry: u32, local: vec3f, normal: vec3f, width: f32) -> Relief {
    let p = axis_point(entry, local);
    var r = Relief(vec3f(0.0), 0.0, vec3f(0.0), 1.0, 1.0);
    if p.mode == GRAIN_CYLINDRICAL {
        r.grain = cross(p.axis, p.outward);
    } else if p.mode == GRAIN_PLANAR {
        r.grain = p.axis;
    }
    let n = u32(tables[entry]);
    for (var i = 0u; i < n; i += 1u) {
        let detail = entry + RELIEF_HEAD + RELIEF_DETAIL * i;
        let kind = u32(tables[detail]);
        let scale = tables[detail + 1u];
        let steepness = tables[detail + 2u] / scale;
        // Fully resolved where a feature spans four pixels, not at all where it spans one.
        let seen = 1.0 - smoothstep(0.25, 1.0, width * tables[entry + 10u] / scale);
        r.shown_slope2 += sqr(steepness * seen) * detail_slope2(kind);
        if seen > 0.0 {
            if kind == DETAIL_SPANGLE {
                let crystal = nearest_cell(p.at / scale);
                r.slope += crystal_slope(crystal) * (steepness * seen);
                r.roughness *= 1.0 + seen * (0.3 * cell_value(crystal) - 0.15);
                r.brightness *= 1.0 + seen * (0.14 * cell_value(crystal.zxy) - 0.07);
            } else if steepness > 0.0 {
                r.slope += detail_slope(kind, p, scale, normal) * (steepness * seen);
            }
        }
    }
    return r;
}
