// Stages `search`, `narrow`, `choose` and `place`: where a step of a path will read the environment map, ahead of
// `shade`. If the ray hit nothing, that is the map behind it (in lanes, `escape` looks there itself); otherwise it is a
// direction sampled by the map's brightness. Maps are too large for caches, and each address to read depends on the
// read before it; exactly one such read lies between two of these stages. A CPU that runs each stage over many paths
// can therefore prefetch what the next one will read for all of them at once.
#import lib/math
#import lib/path
#import stage/scene
#import stage/environment

const SEARCH_NOTHING: u32 = 0u;
const SEARCH_ALONG_RAY: u32 = 1u;
const SEARCH_SAMPLE: u32 = 2u;

// Changed in place by each stage.
struct EnvironmentSearch {
    // Where in its cell the point lies. For a sample: numbers from 0 to 1 that will say this, the first of them by way
    // of the column.
    at: vec2f,
    // The range of columns to search; after `choose`, the column.
    columns: vec2u,
    // One of SEARCH_*.
    kind: u32,
    row: u32,
    // For a sample: the first entry of the guide that `narrow` reads.
    guide: u32,
    // Offset in the cumulative values to which `choose` adds the column.
    cdf: u32,
    // Probability of the row of cells.
    probability: f32,
    pad0: u32,
}

// A point on the map. pdf 0: none.
struct EnvironmentPoint {
    // Unit; only for a sample.
    direction: vec3f,
    // Density over solid angle with which light sampling goes there; after `choose`, the probability of its cell.
    pdf: f32,
    radiance: vec3f,
    pad0: u32,
}

fn within_limits(path: ptr<function, PathState>) -> bool {
    return (*path).bounces <= params.bounces_total && (*path).bounces_diffuse <= params.bounces_diffuse
        && (*path).bounces_glossy <= params.bounces_glossy && (*path).bounces_transmission <= params.bounces_transmission;
}

// Whether the step's light sample goes to the map.
fn samples_environment(path: ptr<function, PathState>, samples: ptr<function, BounceSamples>) -> bool {
    if params.environment_select <= 0.0 || !within_limits(path) {
        return false;
    }
    return (params.n_lights == 0u && params.emitter_select <= 0.0) || (*samples).choice.y < params.environment_select;
}

// Where the map lies behind a ray.
fn search_along(search: ptr<function, EnvironmentSearch>, direction: vec3f) {
    let uv = environment_uv(direction);
    let cell = environment_cell(uv);
    (*search).kind = SEARCH_ALONG_RAY;
    (*search).columns = vec2u(cell.x);
    (*search).row = cell.y;
    (*search).at = environment_inside(uv, cell.y);
    (*search).cdf = environment_row_cdf(cell.y);
    (*search).probability = environment_row_probability(cell.y);
}

fn environment_search(
    path: ptr<function, PathState>,
    hit: Hit,
    samples: ptr<function, BounceSamples>,
    search: ptr<function, EnvironmentSearch>,
) {
    (*search).kind = SEARCH_NOTHING;
    (*search).columns = vec2u(0u);
    (*search).guide = 0u;
    (*search).cdf = 0u;
    if params.environment_kind != ENVIRONMENT_MAP {
        return;
    }
    let w = params.environment_width_px;
    let n_rows = params.environment_height_px + 1u;
    if hit.instance == NO_HIT {
        if (*path).bounces > 0u || params.environment_visible == 1u {
            search_along(search, (*path).ray.direction);
        }
        return;
    }
    if samples_environment(path, samples) {
        let u = (*samples).light;
        let row = environment_bin(0u, environment_guided_bins(environment_guide_step(n_rows, u.y)), u.y);
        (*search).kind = SEARCH_SAMPLE;
        (*search).at = vec2f(u.x, row.inside);
        (*search).row = row.bin;
        (*search).probability = row.probability;
        (*search).cdf = environment_row_cdf((*search).row);
        (*search).guide = environment_row_guide((*search).row) + environment_guide_step(w, u.x);
    }
}

// Narrows the columns that a sample's number can select.
fn environment_narrow(search: ptr<function, EnvironmentSearch>) {
    if (*search).kind == SEARCH_SAMPLE {
        (*search).columns = environment_guided_bins((*search).guide);
    }
}

fn environment_choose(search: ptr<function, EnvironmentSearch>, point: ptr<function, EnvironmentPoint>) {
    if (*search).kind == SEARCH_NOTHING {
        (*point).pdf = 0.0;
        return;
    }
    if (*search).kind == SEARCH_SAMPLE {
        let column = environment_bin((*search).cdf, (*search).columns, (*search).at.x);
        (*search).columns.x = column.bin;
        (*search).at.x = column.inside;
        (*point).pdf = (*search).probability * column.probability;
    } else {
        (*point).pdf = (*search).probability * environment_column_probability((*search).columns.x, (*search).cdf);
    }
}

fn environment_place(search: ptr<function, EnvironmentSearch>, point: ptr<function, EnvironmentPoint>) {
    if (*search).kind == SEARCH_NOTHING {
        return;
    }
    let column = (*search).columns.x;
    let row = (*search).row;
    var at = (*search).at;
    var corners = environment_corners(column, row);
    let above = 0.25 * vec2f(environment_weight(corners.above_left), environment_weight(corners.above_right));
    let below = 0.25 * vec2f(environment_weight(corners.below_left), environment_weight(corners.below_right));
    let mean = above.x + above.y + below.x + below.y;
    // Relative to the mean over the cell. Cells without light have the same everywhere.
    var density = 1.0;
    if mean > 1e-37 {
        let scale = 4.0 / mean;
        if (*search).kind == SEARCH_SAMPLE {
            at.y = linear_sample((above.x + above.y) / mean, (below.x + below.y) / mean, at.y);
            let along = mix(above, below, at.y);
            let of_both = max(along.x + along.y, 1e-37);
            at.x = linear_sample(along.x / of_both, along.y / of_both, at.x);
        }
        let along = mix(above, below, at.y);
        density = mix(along.x, along.y, at.x) * scale;
    }
    (*point).radiance = environment_between(&corners, at) * params.environment_radiance;
    let w = f32(params.environment_width_px);
    let h = f32(params.environment_height_px);
    let ends = environment_row_ends(row);
    let v = mix(ends.x, ends.y, at.y) / h;
    // v covers half a turn from top to bottom, u a whole one: u = 0.5 is +x, and u grows towards +z.
    let polar = sin_cos_turn(0.5 * v);
    if (*search).kind == SEARCH_SAMPLE {
        let azimuth = sin_cos_turn(fract((f32(column) + 0.5 + at.x) / w + 0.5));
        let local = vec3f(polar.x * azimuth.y, polar.y, polar.x * azimuth.x);
        let tilt_cos = params.environment_tilt_cos;
        let tilt_sin = params.environment_tilt_sin;
        let y = tilt_cos * local.y - tilt_sin * local.z;
        let z = tilt_sin * local.y + tilt_cos * local.z;
        let turn_cos = params.environment_cos;
        let turn_sin = params.environment_sin;
        (*point).direction = vec3f(turn_cos * local.x + turn_sin * z, y, -turn_sin * local.x + turn_cos * z);
    }
    let cells = w * h / (ends.y - ends.x);
    (*point).pdf *= params.environment_select * density * cells / (2.0 * PI * PI * max(polar.x, 1e-6));
}

// The point of the map behind a ray that hit nothing.
fn environment_behind(direction: vec3f, point: ptr<function, EnvironmentPoint>) {
    var search: EnvironmentSearch;
    search_along(&search, direction);
    (*point).pdf = search.probability * environment_column_probability(search.columns.x, search.cdf);
    environment_place(&search, point);
}

// All four stages, for callers that handle one path at a time.
fn look_at_environment(
    path: ptr<function, PathState>,
    hit: Hit,
    samples: ptr<function, BounceSamples>,
    point: ptr<function, EnvironmentPoint>,
) {
    var search: EnvironmentSearch;
    environment_search(path, hit, samples, &search);
    environment_narrow(&search);
    environment_choose(&search, point);
    environment_place(&search, point);
}
