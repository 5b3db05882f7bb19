// Directions scattered around a shading normal may leave on the wrong side of the surface itself: a reflection goes
// into it, or what it transmits comes out again. Ending such paths would darken every smooth or mapped normal. They
// are mirrored at the surface instead: each direction on the right side then also has the light of its mirror image,
// if that was scattered by the same side of the shading normal. So nothing is lost, and values and densities stay
// known. No bindings.
#import lib/math

// The mirror image of a direction at the surface. `side` is its normal in the frame of the shading normal; both are
// unit, and at less than 90 degrees to each other.
fn mirrored_at(side: vec3f, w: vec3f) -> vec3f {
    return w - 2.0 * dot(w, side) * side;
}

// A direction as it leaves: on the side of the surface on which it is of the shading normal.
fn on_its_side(side: vec3f, w: vec3f) -> vec3f {
    return select(w, mirrored_at(side, w), dot(w, side) * w.z < 0.0);
}

// How many directions leave as `w`: itself, and its mirror image where that is on the same side of the shading normal.
fn n_leaving_as(side: vec3f, w: vec3f) -> u32 {
    return select(1u, 2u, mirrored_at(side, w).z * w.z > 0.0);
}
