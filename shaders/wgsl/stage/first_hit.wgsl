// Which surfaces camera rays may show. The floor of a catcher and the product on it are rendered separately, each lit
// in the presence of the other.
#import lib/ray
#import stage/scene
#import stage/surface

// Whether a surface that a camera ray hit first is held out of the picture, so that nothing is seen there.
fn is_held_out(hit: Hit) -> bool {
    if params.first_hit == FIRST_HIT_ANY {
        return false;
    }
    let is_floor = (slots[slot_of(hit.instance, hit.triangle)].flags & SLOT_FLOOR) != 0u;
    return is_floor != (params.first_hit == FIRST_HIT_FLOOR);
}
