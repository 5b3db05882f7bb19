// Control flow, variables and calls.

const PRIMES: array<u32, 8> = array<u32, 8>(2u, 3u, 5u, 7u, 11u, 13u, 17u, 19u);
const POISSON: array<vec2f, 3> = array<vec2f, 3>(vec2f(0.25, -0.5), vec2f(-1.0, 0.0), vec2f(1e-3));
const SCALE = 0.5;
const AXIS: vec3f = vec3f(0.0, 1.0, 0.0);

struct Pair {
    first: f32,
    second: vec3u,
    inner: Inner,
}

struct Inner {
    weights: array<f32, 4>,
    dyn: bool,
}

fn branches(a: i32, b: i32) -> i32 {
    if a > b {
        return a - b;
    } else if a == b {
        return 0;
    }
    var r = b;
    if (a & 1) == 1 { r += a; }
    return r;
}

fn both_return(a: bool) -> u32 { if a { return 1u; } else { return 2u; } }

fn for_loop(n: u32) -> u32 {
    var sum = 0u;
    for (var i = 0u; i < (n & 31u); i++) {
        if (i % 3u) == 1u { continue; }
        if i == 20u { break; }
        sum += i * i;
    }
    return sum;
}

fn while_loop(n: u32) -> u32 {
    var x = n & 1023u;
    var steps = 0u;
    while x > 1u && steps < 100u {
        if (x & 1u) == 0u { x = x / 2u; } else { x = 3u * x + 1u; }
        steps++;
    }
    return steps;
}

fn loop_with_continuing(n: u32) -> vec2u {
    var i = 0u;
    var sum = 0u;
    loop {
        let doubled = i * 2u;
        let tripled = doubled + i;
        if (i & 3u) == 2u { continue; }
        sum += tripled;
        continuing {
            i += 1u + (doubled & 1u);
            sum ^= doubled;
            break if i > (n & 15u) || tripled > 60u;
        }
    }
    return vec2u(i, sum);
}

fn endless_until_return(n: u32) -> u32 {
    var i = n & 7u;
    loop {
        i += 3u;
        if i > 20u { return i; }
    }
    return 0u;
}

fn nested_loops(n: u32, m: u32) -> u32 {
    var count = 0u;
    for (var y = 0u; y < (n & 7u); y++) {
        for (var x = 0u; x < (m & 7u); x++) {
            if x == y { continue; }
            if x + y > 8u { break; }
            var fresh: u32;
            fresh += x;
            count += fresh * 10u + y;
        }
        if count > 500u { break; }
    }
    return count;
}

fn switch_values(a: i32) -> i32 {
    var r = 0;
    switch a & 7 {
        case 0: { r = 10; }
        case 1, 2: { r = 20; }
        case 3, default: { r = 30; }
        case 4: { return -1; }
        case 5: {
            if a > 100 { break; }
            r = 50;
        }
    }
    return r + 1;
}

fn switch_in_loop(n: u32) -> u32 {
    var sum = 0u;
    for (var i = 0u; i < (n & 15u); i++) {
        switch i {
            case 2u: { continue; }
            case 3u: { break; }
            case 9u: {
                sum += 1000u;
                if (n & 16u) != 0u { break; }
                sum += 1u;
            }
            default: { sum += i; }
        }
        sum += 100u;
    }
    return sum;
}

fn switch_returns(a: u32) -> u32 {
    switch a & 3u {
        case 0u: { return 7u; }
        case 1u: { return 8u; }
        default: { return 9u; }
    }
}

fn blocks_and_shadows(a: f32) -> f32 {
    let x = a;
    var r = x;
    {
        let x = r * 2.0;
        r = x + 1.0;
    }
    let unused = r * 3.0;
    return r + x;
}

fn components_assigned(a: vec4f, i: u32) -> vec4f {
    var v = a;
    v.x = v.y * 2.0;
    v[i & 3u] += 1.0;
    v.w -= v[(i >> 2u) & 3u];
    return v;
}

fn booleans_assigned(i: u32) -> vec4<bool> {
    var v = vec4<bool>(true, false, true, false);
    v[i & 3u] = v[(i >> 2u) & 3u];
    v.y = !v.x;
    return v;
}

fn integers_assigned(a: vec3i, i: u32) -> vec3i {
    var v = a;
    v[i % 3u] *= 3;
    v.z <<= 2u;
    v.y |= v.x;
    return v;
}

fn local_array(n: u32, a: f32) -> f32 {
    var stack: array<f32, 16>;
    var top = 0u;
    for (var i = 0u; i < 16u; i++) {
        stack[top] = a + f32(i);
        top = (top + (n & 7u) + 1u) & 15u;
    }
    var copy = stack;
    copy[3] = -1.0;
    return stack[n & 15u] + copy[3] + copy[(n >> 4u) & 15u];
}

fn array_by_value(weights: array<f32, 4>, i: u32) -> f32 { return weights[i & 3u] + weights[2]; }
fn array_argument(a: vec4f, i: u32) -> f32 { return array_by_value(array<f32, 4>(a.x, a.y, a.z, a.w), i); }
fn array_result_make(a: f32) -> array<vec2f, 2> { return array<vec2f, 2>(vec2f(a), vec2f(-a, 1.0)); }
fn array_result(a: f32, i: u32) -> vec2f { return array_result_make(a)[i & 1u]; }

fn constant_arrays(i: u32) -> vec3f {
    let p = POISSON[i % 3u];
    return vec3f(p, f32(PRIMES[i & 7u]) * SCALE) + AXIS + f32(PRIMES[2]);
}

fn make_pair(a: f32, b: u32) -> Pair {
    var pair: Pair;
    pair.first = a;
    pair.second = vec3u(b, b + 1u, b + 2u);
    pair.second.y *= 2u;
    pair.inner.weights[b & 3u] = a * 2.0;
    pair.inner.dyn = a > 0.0;
    return pair;
}

fn structs(a: f32, b: u32) -> vec4f {
    let pair = make_pair(a, b);
    var other = pair;
    other.inner = Inner(array<f32, 4>(1.0, 2.0, 3.0, 4.0), !pair.inner.dyn);
    return vec4f(pair.first, f32(pair.second.y), pair.inner.weights[b & 3u], other.inner.weights[(b >> 2u) & 3u])
        + select(0.0, 1.0, other.inner.dyn) + Pair().first;
}

fn next_random(state: ptr<function, u32>) -> u32 {
    let old = *state;
    *state = old * 747796405u + 2891336453u;
    let word = ((old >> ((old >> 28u) + 4u)) ^ old) * 277803737u;
    return (word >> 22u) ^ word;
}

fn two_of(state: ptr<function, u32>) -> vec2u { return vec2u(next_random(state), next_random(state)); }

fn pointers(seed: u32) -> vec3u {
    var state = seed;
    let a = next_random(&state);
    return vec3u(two_of(&state), a ^ state);
}

fn grow(v: ptr<function, vec3f>, by: f32) { (*v).x += by; *v = (*v).yzx; }
fn pointer_to_vector(a: vec3f, b: f32) -> vec3f {
    var v = a;
    grow(&v, b);
    let p = &v;
    (*p).z = 5.0;
    grow(p, 1.0);
    return *p;
}

fn fill(values: ptr<function, array<u32, 4>>, i: u32) { (*values)[i & 3u] = i; }
fn pointer_to_array(i: u32) -> u32 {
    var values = array<u32, 4>(1u, 2u, 3u, 4u);
    fill(&values, i);
    return values[0] * 1000u + values[1] * 100u + values[2] * 10u + values[3];
}

fn sine(sin: f32) -> f32 { return sin; }
fn names_of_rust(box: f32, rt: f32) -> f32 {
    let dyn = box;
    let gen = rt;
    let bindings = sine(dyn);
    let SCALE = bindings + gen;
    let AXIS = SCALE * 2.0;
    return AXIS;
}

fn phony(a: f32) -> f32 { _ = sine(a); next_of_nothing(); return a; }
fn next_of_nothing() { return; }

override FACTOR: f32 = 2.5;
override IS_NEGATED: bool = true;
fn overridden(a: f32) -> f32 {
    if IS_NEGATED {
        return -a * FACTOR;
    }
    return a * FACTOR;
}

// Variables that keep a value from one repetition to a later one, although only a part of the loop uses them.
fn kept_by_a_branch(n: u32, bits: u32) -> u32 {
    var last = 1u;
    var sum = 0u;
    for (var i = 0u; i < (n & 31u); i++) {
        if ((bits >> i) & 1u) == 1u {
            sum += last;
            last = last * 3u + i;
        }
    }
    return sum;
}

fn kept_past_continue(n: u32, bits: u32) -> u32 {
    var ones = 0u;
    var i = 0u;
    loop {
        i++;
        if i > (n & 63u) { break; }
        if ((bits >> (i & 31u)) & 1u) == 0u { continue; }
        ones++;
        if ones == 4u { return i; }
    }
    return i * 100u;
}

fn jumps_out_of_switches(n: u32, bits: u32) -> vec2u {
    var sum = 0u;
    for (var i = 0u; i < (n & 15u); i++) {
        switch (bits >> i) & 7u {
            case 0u: { continue; }
            case 1u, 2u: {
                if i > 5u { break; }
                sum += 10u;
            }
            case 3u: {
                if sum > 40u { return vec2u(sum, i); }
                sum += 1u;
            }
            default: { sum += 3u; }
        }
        sum += 100u;
        if sum > 900u { break; }
    }
    return vec2u(sum, 99u);
}

// A branch on what is the same everywhere, around branches on what is not.
fn branch_on_a_constant(a: i32, b: i32) -> i32 {
    var r = a;
    if AXIS.y > 0.5 {
        if a > b { return b; }
        r = b - a;
        if r > 100 { r = 100; } else { return r * 2; }
    } else {
        r = 7;
    }
    return r + 1;
}

// A result made of what other lanes do not load, from a loop that others have left before.
fn returned_from_a_buffer(n: u32, bits: u32) -> u32 {
    var i = 0u;
    loop {
        let prime = PRIMES[(bits >> i) & 7u];
        if prime == (n & 15u) { return prime * 100u + i; }
        if ((bits >> i) & 15u) == 9u { return prime; }
        i++;
        if i > 24u { break; }
    }
    return 7u;
}

// The continuing block of a loop that all lanes may have left looks something up that is then out of range.
fn follows_a_list(n: u32, bits: u32) -> u32 {
    var at = n & 7u;
    var sum = 0u;
    for (var steps = 0u; at < 8u && steps < 20u; at = PRIMES[at] ^ (bits & 3u)) {
        sum += at;
        steps++;
    }
    return sum;
}

// A value that is the same everywhere, needed in the continuing block and computed behind a `break`.
fn same_everywhere_behind_a_break(n: u32, bits: u32) -> u32 {
    var i = 0u;
    var sum = 0u;
    loop {
        if i > (n & 31u) { break; }
        let step = PRIMES[1] - 1u;
        if ((bits >> i) & 1u) == 1u { continue; }
        sum += i;
        continuing { i += step; }
    }
    return sum;
}
