// Operators of scalars and vectors.

fn add_f32(a: f32, b: f32) -> f32 { return a + b; }
fn sub_vec3f(a: vec3f, b: vec3f) -> vec3f { return a - b; }
fn mul_vec4f(a: vec4f, b: vec4f) -> vec4f { return a * b; }
// in -10..10 abs 1e-4
fn scale_vec3f(a: vec3f, b: f32) -> vec3f { return a * b + b * a + (a + b) + (b - a); }
// ulp 3
fn div_f32(a: f32, b: f32) -> f32 { return a / b; }
// ulp 3
fn div_vec2f(a: vec2f, b: f32) -> vec2f { return a / b; }
// in -100..100 abs 2e-4
fn rem_f32(a: f32, b: f32) -> f32 { return select(0.0, a % b, abs(b) > 0.1); }
fn neg_vec4f(a: vec4f) -> vec4f { return -a; }
fn add_u32(a: u32, b: u32) -> u32 { return a + b; }
fn add_i32(a: i32, b: i32) -> i32 { return a + b; }
fn sub_u32(a: u32, b: u32) -> u32 { return a - b; }
fn mul_u32(a: u32, b: u32) -> u32 { return a * b; }
fn mul_i32(a: i32, b: i32) -> i32 { return a * b; }
fn mul_vec3u(a: vec3u, b: u32) -> vec3u { return a * b - b * a + b; }
fn mul_vec4i(a: vec4i, b: vec4i) -> vec4i { return a * b - (a + b); }
fn div_u32(a: u32, b: u32) -> u32 { return a / b; }
fn div_i32(a: i32, b: i32) -> i32 { return a / b; }
fn div_small(a: i32, b: i32) -> i32 { return a / (b & 3); }
fn div_vec2i(a: vec2i, b: vec2i) -> vec2i { return a / b; }
fn div_vec3u_scalar(a: vec3u, b: u32) -> vec3u { return a / b; }
fn rem_u32(a: u32, b: u32) -> u32 { return a % b; }
fn rem_i32(a: i32, b: i32) -> i32 { return a % b; }
fn rem_small(a: i32, b: i32) -> i32 { return a % ((b & 3) - 1); }
fn rem_vec3i(a: vec3i, b: vec3i) -> vec3i { return a % b; }
fn neg_i32(a: i32) -> i32 { return -a; }
fn neg_vec3i(a: vec3i) -> vec3i { return -a; }
fn not_u32(a: u32) -> u32 { return ~a; }
fn not_vec2i(a: vec2i) -> vec2i { return ~a; }
fn logic_u32(a: u32, b: u32) -> u32 { return (a & b) ^ (a | ~b); }
fn logic_vec4i(a: vec4i, b: vec4i) -> vec4i { return (a & b) ^ (a | b); }
fn logic_bool(a: bool, b: bool) -> bool { return (a & b) != (a | !b); }
fn short_circuit(a: bool, b: bool) -> bool { return (a && b) || (!a && !b); }
fn logic_vec3b(a: vec3<bool>, b: vec3<bool>) -> vec3<bool> { return (a & !b) | (!a & b); }
fn shl_u32(a: u32, b: u32) -> u32 { return a << b; }
fn shr_u32(a: u32, b: u32) -> u32 { return a >> b; }
fn shr_i32(a: i32, b: u32) -> i32 { return a >> b; }
fn shl_vec3i(a: vec3i, b: vec3u) -> vec3i { return a << b; }
fn shr_vec4u(a: vec4u, b: vec4u) -> vec4u { return a >> b; }
fn shift_by_constant(a: u32) -> u32 { return (a << 7u) | (a >> 25u); }
fn compare_f32(a: f32, b: f32) -> vec4<bool> { return vec4((a < b), (a <= b), a == b, a != b); }
fn compare_vec3f(a: vec3f, b: vec3f) -> vec3<bool> { return a > b; }
fn compare_vec4f(a: vec4f, b: vec4f) -> vec4<bool> { return (a >= b) | (a == b); }
fn compare_i32(a: i32, b: i32) -> vec4<bool> { return vec4((a < b), (a >= b), a == b, (a > b)); }
fn compare_vec2u(a: vec2u, b: vec2u) -> vec2<bool> { return a < b; }
fn compare_vec3b(a: vec3<bool>, b: vec3<bool>) -> vec3<bool> { return (a == b) | (a != b); }
fn all_any(a: vec3<bool>, b: vec4<bool>) -> vec2<bool> { return vec2(all(a), any(b)); }
fn select_f32(a: f32, b: f32, c: bool) -> f32 { return select(a, b, c); }
fn select_vec3f(a: vec3f, b: vec3f, c: vec3<bool>) -> vec3f { return select(a, b, c); }
fn select_vec4i(a: vec4i, b: vec4i, c: bool) -> vec4i { return select(a, b, c); }
