// The bodies that a path is inside, and what happens to light there. Bodies may overlap, like a bolt in oil in a glass:
// of those around a point the one with the highest priority fills it, and of equal ones the one that was entered last
// (Schmidt and Budge 2002, "Simple Nested Dielectrics in Ray Traced Images").
#import lib/math
#import lib/medium
#import lib/path
#import stage/features
#import stage/scene
#import stage/bsdf

// A surface between two media that count.
const CROSSING_REAL: u32 = 0u;
// The body is hidden by one of higher priority: the crossing is only recorded.
const CROSSING_HIDDEN: u32 = 1u;

// Whether the material is a body that transmits light.
fn is_body(m: u32) -> bool {
    return HAS_BODIES && (materials[m].flags & MATERIAL_BODY) != 0u;
}

// Whether a surface of the material bounds a body, even where it lets no light into it.
fn bounds_body(m: u32) -> bool {
    return HAS_BODIES && ((materials[m].flags & MATERIAL_BODY) != 0u || materials[m].shell != NONE);
}

// Whether a medium of a path is that of the body which a surface of `m` bounds.
fn is_within(medium: u32, m: u32) -> bool {
    if medium == m {
        return true;
    }
    let shell = materials[m].shell;
    return medium != NONE && shell != NONE && materials[medium].shell == shell;
}

fn priority_of(m: u32) -> u32 {
    return materials[m].priority;
}

// Index of refraction at the path's wavelength; 1 outside all bodies.
fn ior_of(m: u32, wavelength_um: f32) -> f32 {
    if m == NONE {
        return 1.0;
    }
    if wavelength_um > 0.0 {
        return cauchy_ior(materials[m].ior, materials[m].dispersion, wavelength_um);
    }
    return materials[m].ior;
}

fn media_with(media: vec3u, m: u32) -> vec3u {
    // Behind those of higher priority. A fourth body is lost.
    if media.x == NONE || priority_of(m) >= priority_of(media.x) {
        return vec3u(m, media.x, media.y);
    }
    if media.y == NONE || priority_of(m) >= priority_of(media.y) {
        return vec3u(media.x, m, media.y);
    }
    return vec3u(media.x, media.y, select(media.z, m, media.z == NONE));
}

fn media_without(media: vec3u, m: u32) -> vec3u {
    if is_within(media.x, m) {
        return vec3u(media.y, media.z, NONE);
    }
    if is_within(media.y, m) {
        return vec3u(media.x, media.z, NONE);
    }
    return vec3u(media.xy, select(media.z, NONE, is_within(media.z, m)));
}

// The media on the other side of a surface of `m`; normals point to its front. Where that lets light into a body
// without being of one, such as a thin wall, the body's own material fills it.
fn media_across(media: vec3u, m: u32, front: bool) -> vec3u {
    if front {
        return media_with(media, select(materials[m].shell, m, is_body(m)));
    }
    return media_without(media, m);
}

// Whether light entered the body that a surface of `twin` bounds through its diffuse base.
fn is_diffuse_within(medium: u32, twin: u32) -> bool {
    return is_within(medium, twin) && (materials[medium].flags & MATERIAL_SUBSURFACE) != 0u;
}

// The material of a surface of `m` for light that hits it from inside: in a body that has both glass and a subsurface,
// light that entered below the gloss is in another medium than light within the glass.
fn material_within(media: vec3u, m: u32) -> u32 {
    let twin = materials[m].twin;
    if twin != NONE && (is_diffuse_within(media.x, twin) || is_diffuse_within(media.y, twin) || is_diffuse_within(media.z, twin)) {
        return twin;
    }
    return m;
}

// The material of a body for light that entered it by this kind of event.
fn material_entered(m: u32, kind: u32) -> u32 {
    let twin = materials[m].twin;
    return select(m, twin, twin != NONE && kind == KIND_TRANSLUCENT);
}

// Whether the surface of `m` separates two media that count.
fn crossing_of(media: vec3u, m: u32, front: bool) -> u32 {
    if !is_body(m) || media.x == NONE {
        return CROSSING_REAL;
    }
    if front {
        return select(CROSSING_REAL, CROSSING_HIDDEN, priority_of(media.x) > priority_of(m));
    }
    let is_below = !is_within(media.x, m) && (is_within(media.y, m) || is_within(media.z, m));
    return select(CROSSING_REAL, CROSSING_HIDDEN, is_below);
}

fn boundary_of(media: vec3u, m: u32, front: bool, wavelength_um: f32) -> Boundary {
    if !is_body(m) {
        return Boundary(1.0, 1u, 0u, 0u);
    }
    var filling = m;
    var other = media.x;
    if !front && is_within(media.x, m) {
        filling = media.x;
        other = media.y;
    }
    let own = ior_of(filling, wavelength_um);
    let outside = ior_of(other, wavelength_um);
    var eta = select(outside / own, own / outside, front);
    // An index ratio of exactly 1 refracts nothing, and would divide by zero in the half vector of refraction.
    eta = select(eta, select(0.9999, 1.0001, eta >= 1.0), abs(eta - 1.0) < 1e-4);
    // Without glass both sides look the same.
    let seen_front = front || materials[m].transmission_weight == 0.0;
    let is_exit = !front && (materials[m].flags & MATERIAL_SUBSURFACE) != 0u;
    let nested = other != NONE || wavelength_um > 0.0 || materials[filling].ior != materials[m].ior;
    return Boundary(eta, select(0u, 1u, seen_front), select(0u, 1u, nested), select(0u, 1u, is_exit));
}

// What the surface of a dispersive body does to a path of all wavelengths: light that passes it carries a single one
// from there on, which represents all. Each alone has a strong colour, so that the samples of a pixel share out the
// spectrum. Light that a body reflects into the air keeps them all: its reflectance is a mean over the wavelengths,
// among which it hardly differs.
struct Dispersion {
    // Of the light that passes; 0 for all.
    wavelength_um: f32,
    // Factor of its throughput.
    weight: vec3f,
}

fn dispersion_at(path: ptr<function, PathState>, m: u32) -> Dispersion {
    if !HAS_BODIES || materials[m].dispersion == 0.0 || (*path).wavelength_um > 0.0 {
        return Dispersion((*path).wavelength_um, vec3f(1.0));
    }
    // A number that nothing else draws, of the next step's set: wavelengths are independent of the directions here.
    let point = step_point((*path).seed, (*path).sample, (*path).steps, SET_SURVIVAL);
    let wavelength_um = wavelength_drawn(draw_third(point, DRAW_SURVIVAL));
    return Dispersion(wavelength_um, wavelength_weight(wavelength_um));
}

// Leaves a path the one wavelength.
fn disperse(path: ptr<function, PathState>, dispersion: ptr<function, Dispersion>) {
    (*path).throughput *= (*dispersion).weight;
    (*path).wavelength_um = (*dispersion).wavelength_um;
    (*dispersion).weight = vec3f(1.0);
}

// Extinction per render unit: absorption plus scattering.
fn extinction_of(media: vec3u) -> vec3f {
    if !HAS_BODIES || media.x == NONE {
        return vec3f(0.0);
    }
    return materials[media.x].absorption + materials[media.x].scattering;
}

// Takes the path along `distance` of its medium. Returns true if it was scattered on the way; its next ray then starts
// there.
fn cross_medium(path: ptr<function, PathState>, distance: f32, samples: ptr<function, BounceSamples>) -> bool {
    let m = (*path).media.x;
    if !HAS_BODIES || m == NONE {
        return false;
    }
    let absorption = materials[m].absorption;
    if (materials[m].flags & MATERIAL_SCATTERS) == 0u {
        if absorption.x + absorption.y + absorption.z > 0.0 {
            (*path).throughput *= exp(-absorption * distance);
        }
        return false;
    }
    // The distance is drawn for one channel, chosen in proportion to the throughput of each, and weighted by the mean
    // density over all three (balance heuristic; Wilkie et al. 2014, "Hero Wavelength Spectral Sampling").
    let scattering = materials[m].scattering;
    let extinction = absorption + scattering;
    let carried = (*path).throughput * scattering / max(extinction, vec3f(1e-9));
    let total = carried.x + carried.y + carried.z;
    let shares = select(vec3f(1.0 / 3.0), carried / total, total > 0.0);
    let u = unit_float(hash_combine((*path).seed ^ 0x2c1b3c6du, hash_combine((*path).sample, (*path).steps)));
    let of_channel = select(select(extinction.z, extinction.y, u < shares.x + shares.y), extinction.x, u < shares.x);
    let drawn = -log(max(1.0 - (*samples).survival.y, 1e-10)) / max(of_channel, 1e-9);
    if drawn >= distance {
        let through = exp(-extinction * distance);
        (*path).throughput *= through / max(dot(shares, through), 1e-20);
        return false;
    }
    let through = exp(-extinction * drawn);
    (*path).throughput *= scattering * through / max(dot(shares, extinction * through), 1e-20);
    let origin = (*path).ray.origin + (*path).ray.direction * drawn;
    let onward = phase_sample((*path).ray.direction, materials[m].scattering_anisotropy, (*samples).bsdf);
    (*path).ray = Ray(origin, 0.0, onward, 1e30);
    // A shadow ray cannot leave a body without being refracted, so that light is found by the path alone.
    (*path).pdf = -1.0;
    (*path).alive = select(0u, 1u, survives(path, (*samples).survival.x));
    return true;
}

// Russian roulette by throughput.
fn survives(path: ptr<function, PathState>, u: f32) -> bool {
    let survival = min(sqrt(max_component((*path).throughput)), 1.0);
    if u >= survival || (*path).steps >= STEPS_MAX {
        return false;
    }
    (*path).throughput /= survival;
    return true;
}
