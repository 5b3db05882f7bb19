// A ray in render space: origin + t * direction, t strictly between t_min and t_max.
struct Ray {
    origin: vec3f,
    t_min: f32,
    direction: vec3f,
    t_max: f32,
}


// Where a ray hits a triangle. u and v are the barycentric weights of vertices 1 and 2; triangle indexes the whole
// scene's triangle array.
struct Hit {
    t: f32,
    u: f32,
    v: f32,
    instance: u32,
    triangle: u32,
}

fn hit_miss(t_max: f32) -> Hit {
    return Hit(t_max, 0.0, 0.0, NO_HIT, NO_HIT);
}
