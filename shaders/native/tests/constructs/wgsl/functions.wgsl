// Built-in functions of numbers.

fn abs_f32(a: f32) -> f32 { return abs(a); }
fn abs_vec3i(a: vec3i) -> vec3i { return abs(a); }
fn abs_u32(a: u32) -> u32 { return abs(a); }
fn min_max_f32(a: f32, b: f32) -> vec2f { return vec2f(min(a, b), max(a, b)); }
fn min_vec4f(a: vec4f, b: vec4f) -> vec4f { return min(a, b); }
fn min_max_i32(a: i32, b: i32) -> vec2i { return vec2i(min(a, b), max(a, b)); }
fn max_vec3u(a: vec3u, b: vec3u) -> vec3u { return max(a, b); }
fn clamp_f32(a: f32, b: f32) -> f32 { return clamp(a, -abs(b), abs(b)); }
fn clamp_vec3f(a: vec3f) -> vec3f { return clamp(a, vec3f(-1.0), vec3f(2.0)); }
fn clamp_i32(a: i32, b: i32, c: i32) -> i32 { return clamp(a, b, c); }
fn clamp_vec2u(a: vec2u, b: vec2u, c: vec2u) -> vec2u { return clamp(a, b, c); }
fn saturate_vec3f(a: vec3f) -> vec3f { return saturate(a); }
fn sign_f32(a: f32) -> f32 { return sign(a); }
fn sign_vec3i(a: vec3i) -> vec3i { return sign(a); }
fn ceil_vec3f(a: vec3f) -> vec3f { return ceil(a); }
fn floor_f32(a: f32) -> f32 { return floor(a); }
// in -20..20
fn round_halves(a: i32) -> f32 { return round(f32(a & 63) * 0.5 - 16.0); }
fn round_vec4f(a: vec4f) -> vec4f { return round(a); }
fn trunc_vec2f(a: vec2f) -> vec2f { return trunc(a); }
fn fract_f32(a: f32) -> f32 { return fract(a); }
// in -10..10
fn fract_vec3f(a: vec3f) -> vec3f { return fract(a); }
// in -10..10
fn modf_f32(a: f32) -> vec2f { let parts = modf(a); return vec2f(parts.fract, parts.whole); }
fn frexp_f32(a: f32) -> vec2f { let parts = frexp(a); return vec2f(parts.fract, f32(parts.exp)); }
// in -10..10
fn ldexp_f32(a: f32, b: i32) -> f32 { return ldexp(a, b & 31); }
// ulp 2
fn radians_degrees(a: f32) -> vec2f { return vec2f(radians(a), degrees(a)); }
fn step_vec3f(a: vec3f, b: vec3f) -> vec3f { return step(a, b); }
// in -10..10 abs 4e-6
fn mix_vec3f(a: vec3f, b: vec3f, c: f32) -> vec3f { return mix(a, b, c * 0.1); }
// in -10..10 abs 4e-6
fn mix_vec2f(a: vec2f, b: vec2f, c: vec2f) -> vec2f { return mix(a, b, c * 0.1); }
// in -10..10 abs 1e-5
fn smoothstep_f32(a: f32, b: f32) -> f32 { return smoothstep(-2.0, 5.0 + abs(b), a); }
// in -10..10 abs 2e-5
fn fma_f32(a: f32, b: f32, c: f32) -> f32 { return fma(a, b, c); }
// in 0..1e30 ulp 3
fn sqrt_f32(a: f32) -> f32 { return sqrt(a); }
// in 1e-30..1e30 ulp 3
fn inverse_sqrt_vec3f(a: vec3f) -> vec3f { return inverseSqrt(a); }
// in -10..10 abs 2e-5
fn sin_cos(a: f32) -> vec2f { return vec2f(sin(a), cos(a)); }
// in -1.4..1.4 abs 1e-4
fn tan_f32(a: f32) -> f32 { return tan(a); }
// in -1..1 abs 5e-4
fn asin_acos(a: f32) -> vec2f { return vec2f(asin(a), acos(a)); }
// in -10..10 abs 3e-4
fn atan_f32(a: f32) -> f32 { return atan(a); }
// in 0.01..10 abs 3e-4
fn atan2_f32(a: f32, b: f32) -> vec2f { return vec2f(atan2(a, b - 5.0), atan2(-a, b - 5.0)); }
// in -5..5 ulp 1000
fn cosh_f32(a: f32) -> f32 { return cosh(a); }
// in -5..5 abs 1e-4
fn sinh_tanh(a: f32) -> vec2f { return vec2f(sinh(a), tanh(a)); }
// in -5..5 abs 1e-4
fn asinh_f32(a: f32) -> f32 { return asinh(a); }
// in 1..100 abs 1e-3
fn acosh_f32(a: f32) -> f32 { return acosh(a); }
// in -0.9..0.9 abs 1e-4
fn atanh_f32(a: f32) -> f32 { return atanh(a); }
// in -20..20 ulp 150
fn exp_f32(a: f32) -> f32 { return exp(a); }
// in -20..20 ulp 100
fn exp2_vec3f(a: vec3f) -> vec3f { return exp2(a); }
// in 1e-20..1e20 abs 2e-5
fn log_f32(a: f32) -> f32 { return log(a); }
// in 1e-20..1e20 abs 2e-5
fn log2_vec2f(a: vec2f) -> vec2f { return log2(a); }
// in 0..10 ulp 600
fn pow_f32(a: f32, b: f32) -> f32 { return pow(a + 0.01, b); }
