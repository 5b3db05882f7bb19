// Stages `search`, `narrow` and `choose`: where a step of a path will read the environment map, ahead of `shade`. If
// the ray hit nothing, that is the map behind it; otherwise it is a direction sampled by the map's brightness. Maps are
// too large for caches, and each address to read depends on the read before it; exactly one such read lies between two
// of these stages. A CPU that runs each stage over many paths can therefore prefetch what the next one will read for
// all of them at once.
#import lib/math
#import lib/path
#import stage/scene
#import stage/environment

const SEARCH_NOTHING: u32 = 0u;
const SEARCH_ALONG_RAY: u32 = 1u;
const SEARCH_SAMPLE: u32 = 2u;

// Changed in place by each stage.
struct EnvironmentSearch {
    // Along a ray: the point on the map. For a sample: the random number that will choose the column, and v.
    uv: vec2f,
    // The range of columns to search.
    columns: vec2u,
    // One of SEARCH_*.
    kind: u32,
    row: u32,
    // For a sample: the first entry of the guide that `narrow` reads.
    guide: u32,
    // Offset in the cumulative values to which `choose` adds the column.
    cdf: u32,
}

// A point on the map. pdf 0: none.
struct EnvironmentPoint {
    // Unit; only for a sample.
    direction: vec3f,
    // Density over solid angle with which light sampling goes there.
    pdf: f32,
    uv: vec2f,
    pad0: u32,
    pad1: u32,
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
    let h = params.environment_height_px;
    if hit.instance == NO_HIT {
        if (*path).bounces > 0u || params.environment_visible == 1u {
            (*search).kind = SEARCH_ALONG_RAY;
            (*search).uv = environment_uv((*path).ray.direction);
            (*search).columns = vec2u(min(u32((*search).uv.x * f32(w)), w - 1u));
            (*search).row = min(u32((*search).uv.y * f32(h)), h - 1u);
            (*search).cdf = environment_row_cdf((*search).row);
        }
        return;
    }
    if samples_environment(path, samples) {
        let u = (*samples).light;
        let row = environment_bin(0u, environment_guided_bins(environment_guide_step(h, u.y)), u.y);
        (*search).kind = SEARCH_SAMPLE;
        (*search).uv = vec2f(u.x, (row.x + row.y) / f32(h));
        (*search).row = u32(row.x);
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
    (*point).uv = (*search).uv;
    var column = (*search).columns.x;
    if (*search).kind == SEARCH_SAMPLE {
        let bin = environment_bin((*search).cdf, (*search).columns, (*search).uv.x);
        column = u32(bin.x);
        (*point).uv.x = (bin.x + bin.y) / f32(params.environment_width_px);
    }
    // v covers half a turn from top to bottom, u a whole one: u = 0.5 is +x, and u grows towards +z.
    let polar = sin_cos_turn(0.5 * (*point).uv.y);
    if (*search).kind == SEARCH_SAMPLE {
        let azimuth = sin_cos_turn(fract((*point).uv.x + 0.5));
        let local = vec3f(polar.x * azimuth.y, polar.y, polar.x * azimuth.x);
        let tilt_cos = params.environment_tilt_cos;
        let tilt_sin = params.environment_tilt_sin;
        let y = tilt_cos * local.y - tilt_sin * local.z;
        let z = tilt_sin * local.y + tilt_cos * local.z;
        let turn_cos = params.environment_cos;
        let turn_sin = params.environment_sin;
        (*point).direction = vec3f(turn_cos * local.x + turn_sin * z, y, -turn_sin * local.x + turn_cos * z);
    }
    (*point).pdf = params.environment_select * environment_texel_pdf(column, (*search).row, (*search).cdf, polar.x);
}

// All three stages, for callers that handle one path at a time.
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
}
