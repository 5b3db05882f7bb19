// What camera rays may end at. The floor of a catcher and the product on it are sampled apart, each lit with the other
// there.
#import lib/ray
#import stage/scene
#import stage/surface

// Whether a surface that a camera ray met first is left out of the picture, and nothing is seen in its place.
fn is_held_out(hit: Hit) -> bool {
    if params.first_hit == FIRST_HIT_ANY {
        return false;
    }
    let is_floor = (slots[slot_of(hit.instance, hit.triangle)].flags & SLOT_FLOOR) != 0u;
    return is_floor != (params.first_hit == FIRST_HIT_FLOOR);
}
