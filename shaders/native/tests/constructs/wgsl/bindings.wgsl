// Reading buffers.

struct Knob {
    position: vec3f,
    gain: f32,
    kind: vec2u,
    first: u32,
    padding: u32,
}

struct Panel {
    tint: vec4f,
    knobs: array<Knob, 2>,
    panel_from_world: mat4x4f,
}

@group(1) @binding(0) var<storage, read> knobs: array<Knob>;
@group(1) @binding(1) var<storage, read> samples: array<f32>;
@group(1) @binding(2) var<storage, read> words: array<vec4u>;
@group(1) @binding(3) var<uniform> panel: Panel;
@group(1) @binding(4) var<storage, read> counter: u32;
@group(1) @binding(5) var<storage, read> marks: array<vec2u>;
@group(1) @binding(6) var<storage, read> unused: array<vec2f>;

fn sample_at(i: u32) -> f32 { return samples[i % arrayLength(&samples)]; }
fn through_a_call(i: u32) -> f32 { return sample_at(i) + sample_at(i + 1u); }
fn whole_struct(i: u32) -> vec3f {
    let knob = knobs[i % arrayLength(&knobs)];
    return knob.position * knob.gain + f32(knob.kind.y);
}
fn member(i: u32) -> f32 { return knobs[i % arrayLength(&knobs)].position.y; }
fn component_of_member(i: u32) -> f32 { return knobs[i % arrayLength(&knobs)].position[(i >> 4u) % 3u]; }
fn vector_element(i: u32) -> u32 { return words[i & 3u][(i >> 2u) & 3u] + words[1].z; }
fn uniform_struct(i: u32) -> vec4f { return panel.tint + panel.knobs[i & 1u].gain; }
// in -10..10 abs 1e-4
fn uniform_matrix(a: vec3f) -> vec4f { return panel.panel_from_world * vec4f(a, 1.0) + panel.panel_from_world[2]; }
fn matrix_column(i: u32) -> vec4f { return panel.panel_from_world[i & 3u]; }
fn whole_uniform(i: u32) -> f32 { let all = panel; return all.knobs[i & 1u].position.x; }
fn single(i: u32) -> u32 { return counter + i; }
fn no_bindings(i: u32) -> u32 { return i * 2u; }
// Neighbours that are read together.
fn neighbours(i: u32) -> vec2f {
    let at = i % (arrayLength(&samples) - 1u);
    return vec2f(samples[at + 1u], samples[at]);
}
fn neighbouring_vectors(i: u32) -> vec4u {
    let at = i % (arrayLength(&marks) - 1u);
    let left = marks[at];
    return vec4u(marks[at + 1u], left);
}
// The last element has no neighbour: its lanes have left before it would be read.
fn neighbour_if_any(i: u32) -> f32 {
    let at = i % arrayLength(&samples);
    let here = samples[at];
    if at + 1u == arrayLength(&samples) {
        return here;
    }
    return here * 16.0 + samples[at + 1u];
}
fn neighbour_in_a_branch(i: u32) -> f32 {
    let at = i % arrayLength(&samples);
    var sum = samples[at];
    if at < 3u {
        sum += samples[at + 1u];
    }
    return sum;
}
