// Small mathematics. No bindings.

const PI: f32 = 3.14159265358979;
const TWO_PI: f32 = 6.28318530717959;
const INV_PI: f32 = 0.318309886183791;
const INV_TWO_PI: f32 = 0.159154943091895;

fn sqr(x: f32) -> f32 {
    return x * x;
}

fn safe_sqrt(x: f32) -> f32 {
    return sqrt(max(x, 0.0));
}

fn max_component(v: vec3f) -> f32 {
    return max(v.x, max(v.y, v.z));
}

fn luminance(c: vec3f) -> f32 {
    return dot(c, vec3f(0.2126, 0.7152, 0.0722));
}

// An orthonormal basis around a unit z; continuous except at z.z = 0 (Duff et al. 2017, "Building an Orthonormal Basis,
// Revisited").
struct Frame {
    x: vec3f,
    y: vec3f,
    z: vec3f,
}

fn frame_around(z: vec3f) -> Frame {
    let s = select(-1.0, 1.0, z.z >= 0.0);
    let a = -1.0 / (s + z.z);
    let b = z.x * z.y * a;
    return Frame(vec3f(1.0 + s * z.x * z.x * a, s * b, -s * z.x), vec3f(b, s + z.y * z.y * a, -z.y), z);
}

// The frame around z whose x lies along the tangent; an arbitrary one if the tangent is zero or along z.
fn frame_along(z: vec3f, tangent: vec3f) -> Frame {
    let across = cross(z, tangent);
    let length2 = dot(across, across);
    if length2 < 1e-12 {
        return frame_around(z);
    }
    let y = across * inverseSqrt(length2);
    return Frame(cross(y, z), y, z);
}

fn to_local(f: Frame, v: vec3f) -> vec3f {
    return vec3f(dot(f.x, v), dot(f.y, v), dot(f.z, v));
}

fn to_world(f: Frame, v: vec3f) -> vec3f {
    return f.x * v.x + f.y * v.y + f.z * v.z;
}

// sin and cos of 2 pi u for u in [0, 1]. Both backends share this polynomial, so that directions agree to the bit:
// quarter turns are folded away exactly, and the Taylor series on [-pi/4, pi/4] is truncated where its next term is
// below 4e-9.
fn sin_cos_turn(u: f32) -> vec2f {
    let quarter = floor(u * 4.0 + 0.5);
    let x = (u - quarter * 0.25) * TWO_PI;
    let x2 = x * x;
    let s = x * (1.0 + x2 * (-1.0 / 6.0 + x2 * (1.0 / 120.0 + x2 * (-1.0 / 5040.0 + x2 * (1.0 / 362880.0)))));
    let c = 1.0 + x2 * (-0.5 + x2 * (1.0 / 24.0 + x2 * (-1.0 / 720.0 + x2 * (1.0 / 40320.0))));
    let q = u32(quarter) & 3u;
    let swapped = (q & 1u) == 1u;
    let sine = select(s, c, swapped);
    let cosine = select(c, s, swapped);
    return vec2f(select(sine, -sine, q >= 2u), select(cosine, -cosine, q == 1u || q == 2u));
}

// atan(x) for x in [0, 1]; the argument is halved once, the odd series to x^11 then errs by less than 3e-8.
fn atan_unit(x: f32) -> f32 {
    let h = x / (1.0 + sqrt(1.0 + x * x));
    let h2 = h * h;
    return 2.0 * h * (1.0 + h2 * (-1.0 / 3.0 + h2 * (0.2 + h2 * (-1.0 / 7.0 + h2 * (1.0 / 9.0 + h2 * (-1.0 / 11.0 + h2 * (1.0 / 13.0)))))));
}

// Angle of (x, y) in turns, in (-0.5, 0.5]; 0 for the zero vector.
fn atan2_turns(y: f32, x: f32) -> f32 {
    let ax = abs(x);
    let ay = abs(y);
    let largest = max(ax, ay);
    if largest == 0.0 {
        return 0.0;
    }
    var a = atan_unit(min(ax, ay) / largest) * INV_TWO_PI;
    if ay > ax {
        a = 0.25 - a;
    }
    if x < 0.0 {
        a = 0.5 - a;
    }
    return select(a, -a, y < 0.0);
}

// Moves a point off its surface along the geometric normal by a few hundred ulps: enough that a ray does not hit the
// surface it leaves, whatever the scale (Waechter and Binder 2019, "A Fast and Robust Method for Avoiding
// Self-Intersection").
fn offset_origin(p: vec3f, n: vec3f) -> vec3f {
    let steps = vec3i(n * 256.0);
    let by_ulps = vec3f(
        bitcast<f32>(bitcast<i32>(p.x) + select(steps.x, -steps.x, p.x < 0.0)),
        bitcast<f32>(bitcast<i32>(p.y) + select(steps.y, -steps.y, p.y < 0.0)),
        bitcast<f32>(bitcast<i32>(p.z) + select(steps.z, -steps.z, p.z < 0.0)),
    );
    let by_length = p + n * (1.0 / 65536.0);
    return select(by_ulps, by_length, abs(p) < vec3f(1.0 / 32.0));
}

// Weight of the technique with density `a` against one with density `b`: the balance heuristic (Veach 1997, section
// 9.2.2).
fn balance_heuristic(a: f32, b: f32) -> f32 {
    return 1.0 / (1.0 + b / a);
}

// The same for cases where either density can be far above the other: the power heuristic (Veach 1997, section 9.2.4).
fn power_heuristic(a: f32, b: f32) -> f32 {
    let r = b / a;
    return 1.0 / (1.0 + r * r);
}
