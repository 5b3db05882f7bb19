// Vectors and matrices.

// in -10..10 abs 1e-4
fn dot_vec3f(a: vec3f, b: vec3f) -> f32 { return dot(a, b); }
// in -10..10 abs 1e-4
fn dot_vec4f(a: vec4f, b: vec4f) -> f32 { return dot(a, b); }
fn dot_vec3i(a: vec3i, b: vec3i) -> i32 { return dot(a, b); }
fn dot_vec4u(a: vec4u, b: vec4u) -> u32 { return dot(a, b); }
// in -10..10 abs 1e-4
fn cross_vec3f(a: vec3f, b: vec3f) -> vec3f { return cross(a, b); }
// in -10..10 abs 1e-5
fn length_vec3f(a: vec3f) -> f32 { return length(a); }
// in -100..100 abs 1e-6
fn length_f32(a: f32) -> f32 { return length(a); }
// in -10..10 abs 1e-5
fn distance_vec2f(a: vec2f, b: vec2f) -> f32 { return distance(a, b); }
// in 0.1..10 abs 1e-6
fn normalize_vec3f(a: vec3f) -> vec3f { return normalize(a); }
// in 0.1..10 abs 1e-6
fn normalize_vec4f(a: vec4f) -> vec4f { return normalize(a); }
// in -10..10
fn face_forward(a: vec3f, b: vec3f, c: vec3f) -> vec3f { return faceForward(a, b, c); }
// in -10..10 abs 1e-2
fn reflect_vec3f(a: vec3f, b: vec3f) -> vec3f { return reflect(a, b); }
// in 0.1..2 abs 1e-5
fn refract_vec3f(a: vec3f, b: vec3f, c: f32) -> vec3f { return refract(normalize(a), -normalize(b), c); }
// in -10..10 abs 1e-4
fn mat3_times_vector(a: vec3f, b: vec3f, c: vec3f, d: vec3f) -> vec3f { return mat3x3f(a, b, c) * d; }
// in -10..10 abs 1e-4
fn vector_times_mat3(a: vec3f, b: vec3f, c: vec3f, d: vec3f) -> vec3f { return d * mat3x3f(a, b, c); }
// in -10..10 abs 1e-4
fn mat4_times_vector(a: vec4f, b: vec4f, c: vec4f, d: vec4f) -> vec4f { return mat4x4f(a, b, c, d) * (a + b); }
// in -10..10 abs 1e-3
fn mat2_times_mat2(a: vec2f, b: vec2f, c: vec2f, d: vec2f) -> vec4f {
    let m = mat2x2f(a, b) * mat2x2f(c, d);
    return vec4f(m[0], m[1]);
}
// in -10..10 abs 1e-4
fn mat3_of_scalars(a: f32, b: f32, c: vec3f) -> vec3f {
    let m = mat3x3f(1.0, a, 2.0, b, 1.0, 0.5, a, b, -1.0);
    return transpose(m) * c + m[1] * m[2][0];
}
// in -10..10 abs 1e-4
fn mat3_arithmetic(a: vec3f, b: vec3f, c: f32) -> vec3f {
    let m = mat3x3f(a, b, a) * c + mat3x3f(b, b, a) - c * mat3x3f(a, a, b);
    return m[0] + m[1] + m[2];
}
// in -5..5 abs 1e-2
fn determinant_mat3(a: vec3f, b: vec3f, c: vec3f) -> f32 { return determinant(mat3x3f(a, b, c)); }
fn dynamic_column(a: vec4f, b: vec4f, i: u32) -> vec4f {
    var m = mat4x4f(a, b, -a, -b);
    m[i & 3u] = vec4f(1.0, 2.0, 3.0, 4.0);
    m[(i >> 2u) & 3u][1] = 9.0;
    m[(i >> 4u) & 3u][(i >> 6u) & 3u] = 8.0;
    return m[(i >> 8u) & 3u];
}
// in -10..10 abs 1e-5 ulp 3
fn components(a: vec4f, b: vec3u) -> vec4f {
    return vec4f(a.wz, a.xy) + vec4f(a.x, vec2f(a.yw), f32(b.zyx.x)) + a.rgba + vec4f(a.xxx, 1.0);
}
fn compose_from_parts(a: vec2f, b: f32, c: vec3i) -> vec4f { return vec4f(a, b, f32(vec4i(c, 7).w)); }
// naga 30 makes invalid SPIR-V of the constant `vec3(vec2f(), 1.0)`.
fn splat_and_zero(a: f32) -> vec3f { return vec3f(a) + vec3f() + vec3(vec2f(a), 1.0); }
