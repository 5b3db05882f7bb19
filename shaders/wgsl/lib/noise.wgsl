// Noise on a lattice of unit cells. No bindings.
#import lib/sequence

// Random value of a cell, in [0, 1).
fn cell_value(cell: vec3i) -> f32 {
    return unit_float(hash_combine(hash_combine(u32(cell.x), u32(cell.y)), u32(cell.z)));
}

// Gradient of value noise between 0 and 1: values of the eight corners, blended by Perlin's quintic (Perlin 2002,
// "Improving Noise"). Its mean square is NOISE_SLOPE2.
fn noise_slope(at: vec3f) -> vec3f {
    // Beyond this, neighbouring points round to the same number.
    let p = clamp(at, vec3f(-1e6), vec3f(1e6));
    let base = floor(p);
    let f = p - base;
    let c = vec3i(base);
    let w = f * f * f * (f * (f * 6.0 - 15.0) + 10.0);
    let dw = 30.0 * f * f * (f * (f - 2.0) + 1.0);
    let v000 = cell_value(c);
    let v100 = cell_value(c + vec3i(1, 0, 0));
    let v010 = cell_value(c + vec3i(0, 1, 0));
    let v110 = cell_value(c + vec3i(1, 1, 0));
    let v001 = cell_value(c + vec3i(0, 0, 1));
    let v101 = cell_value(c + vec3i(1, 0, 1));
    let v011 = cell_value(c + vec3i(0, 1, 1));
    let v111 = cell_value(c + vec3i(1, 1, 1));
    let along_x = mix(mix(v100 - v000, v110 - v010, w.y), mix(v101 - v001, v111 - v011, w.y), w.z);
    let along_y = mix(mix(v010 - v000, v110 - v100, w.x), mix(v011 - v001, v111 - v101, w.x), w.z);
    let along_z = mix(mix(v001 - v000, v101 - v100, w.x), mix(v011 - v010, v111 - v110, w.x), w.y);
    return dw * vec3f(along_x, along_y, along_z);
}

// The cell whose random point is nearest, with one point in each unit cell (Worley 1996, "A Cellular Texture Basis
// Function").
fn nearest_cell(at: vec3f) -> vec3i {
    let p = clamp(at, vec3f(-1e6), vec3f(1e6));
    let home = vec3i(floor(p));
    var nearest = home;
    var distance2 = 1e30;
    // Three loops, not one whose counter is divided: processors have no division of integers in lanes.
    for (var z = -1; z <= 1; z += 1) {
        for (var y = -1; y <= 1; y += 1) {
            for (var x = -1; x <= 1; x += 1) {
                let cell = home + vec3i(x, y, z);
                let strewn = vec3f(
                    cell_value(cell + vec3i(0, 0, 7919)),
                    cell_value(cell + vec3i(0, 7919, 0)),
                    cell_value(cell + vec3i(7919, 0, 0)),
                );
                let away = vec3f(cell) + strewn - p;
                let d2 = dot(away, away);
                if d2 < distance2 {
                    distance2 = d2;
                    nearest = cell;
                }
            }
        }
    }
    return nearest;
}
