// Maps from the unit square to directions and discs. No bindings.
#import lib/math

// Concentric map to the unit disc (Shirley and Chiu 1997).
fn square_to_disc(u: vec2f) -> vec2f {
    let a = 2.0 * u - 1.0;
    if a.x == 0.0 && a.y == 0.0 {
        return vec2f(0.0);
    }
    if abs(a.x) > abs(a.y) {
        let sc = sin_cos_turn(fract(0.125 * (a.y / a.x) + 1.0));
        return a.x * vec2f(sc.y, sc.x);
    }
    let sc = sin_cos_turn(fract(1.25 - 0.125 * (a.x / a.y)));
    return a.y * vec2f(sc.y, sc.x);
}

// Cosine-distributed direction about +z; density cos / pi (Malley's method).
fn square_to_cosine_hemisphere(u: vec2f) -> vec3f {
    let d = square_to_disc(u);
    return vec3f(d, safe_sqrt(1.0 - dot(d, d)));
}
