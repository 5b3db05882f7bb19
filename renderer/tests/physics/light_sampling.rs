//! Chi-square tests of every light's sampling against the density that a ray assumes when it hits the light by chance:
//! a million samples, significance 0.01 over all tests together (Šidák), as Mitsuba tests its emitters.

use std::sync::Arc;

use glam::{DAffine3, DMat3, DQuat, DVec3, EulerRot, UVec3, Vec2, Vec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_native::stages::{Bindings, BounceSamples, EnvironmentPoint, PathState, baseline};
use packshot_renderer::prepare::{PartMaterial, PreparedProduct, PreparedShot, TabulatedMaps};
use packshot_renderer::scene::Scene;
use packshot_renderer::shot::{Environment, EnvironmentMap, Light, Shot};
use packshot_shaders::layout::emitter::Emitter;
use packshot_shaders::layout::ray::{Hit, Ray};

use crate::pearson;
use crate::scenes::{self, plane, primitive, scene};

const SAMPLES: usize = 1_000_000;
/// Tests that share the significance level.
const TESTS: f64 = 6.0;
/// Triangles are divided into the square of this many cells.
const CUTS: usize = 4;
/// Rectangles are divided into this many cells along each side.
const RECT_CELLS: usize = 12;

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / 16_777_216.0
    }

    fn pair(&mut self) -> Vec2 {
        Vec2::new(self.next(), self.next())
    }
}

/// Fails when the counts do not follow the probabilities. Whatever falls into no cell forms a cell of its own.
fn assert_follows(name: &str, observed: &[u32], probabilities: &[f64]) {
    let n: f64 = SAMPLES as f64;
    let mut cells: Vec<(f64, f64)> = observed.iter().zip(probabilities).map(|(&o, &p)| (f64::from(o), p * n)).collect();
    let (counted, expected) = cells.iter().fold((0.0, 0.0), |(a, b), (o, e)| (a + o, b + e));
    assert!(expected <= n * 1.001, "{name}: probabilities add up to {}", expected / n);
    cells.push((n - counted, (n - expected).max(0.0)));
    let p = pearson::p_value(cells);
    let significance = 1.0 - (1.0 - 0.01_f64).powf(1.0 / TESTS);
    assert!(p > significance, "{name}: chi-square, p = {p}");
}

#[test]
#[should_panic(expected = "chi-square")]
fn a_density_that_is_two_percent_off_is_noticed() {
    let observed = [SAMPLES as u32 / 100; 100];
    let tilted: Vec<f64> = (0..100).map(|i| if i % 2 == 0 { 0.0102 } else { 0.0098 }).collect();
    assert_follows("tilted", &observed, &tilted);
}

/// A floor, and `n` emissive tetrahedra and triangles strewn over it.
fn lamps(n: u32) -> Scene {
    let mut random = Random(7);
    let corners = [Vec3::ZERO, Vec3::X, Vec3::Y, Vec3::Z];
    let open = primitive(corners.to_vec(), Vec::new(), vec![[0, 1, 2]]);
    let closed = primitive(corners.to_vec(), Vec::new(), vec![[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]);
    let mut parts = vec![(0, DAffine3::IDENTITY)];
    for i in 0..n {
        let mut number = || f64::from(random.next());
        let at = DVec3::new(2.0 * number() - 1.0, 0.1 + 0.4 * number(), 2.0 * number() - 1.0);
        let turn = DQuat::from_euler(EulerRot::XYZ, 6.0 * number(), 6.0 * number(), 6.0 * number());
        parts.push((
            1 + i % 2,
            DAffine3::from_scale_rotation_translation(DVec3::splat(0.02 + 0.1 * number()), turn, at),
        ));
    }
    scene(vec![plane(), open, closed], &parts)
}

/// An environment map with a gradient and a sun.
fn sky() -> Environment {
    let (width_px, height_px) = (48, 24);
    let texel = |i: u32| match i {
        500 => [90.0, 80.0, 70.0],
        _ => [0.1 + 0.01 * (i % 48) as f32, 0.2, 0.05 * (i / 48) as f32],
    };
    let map = EnvironmentMap { width_px, height_px, rgb: (0..width_px * height_px).map(texel).collect() };
    Environment::LatLong { map: Arc::new(map), rotation_x_rad: 0.4, rotation_y_rad: 0.7, strength: 0.5 }
}

fn rect(at: DVec3, width_m: f64, height_m: f64) -> Light {
    let facing_down = DMat3::from_cols(DVec3::X, DVec3::NEG_Z, DVec3::Y);
    let turn = DMat3::from_rotation_x(0.4) * DMat3::from_rotation_z(0.2);
    let world_from_light = DAffine3::from_mat3_translation(turn * facing_down, at);
    Light::Rect { world_from_light, width_m, height_m, radiance: [3.0; 3] }
}

fn prepare(scene: &Scene, lights: Vec<Light>, environment: Environment) -> PreparedShot {
    let dark = OpenPbr::default();
    let emissive = OpenPbr { emission_luminance: 5.0, emission_color: [1.0; 3], ..dark };
    let parts: Vec<PartMaterial> = (0..scene.parts.len()).map(|i| PartMaterial::Palette(usize::from(i > 0))).collect();
    let product =
        PreparedProduct::new(scene, &[dark.into(), emissive.into()], &parts, None, &|| false).expect("a sound scene");
    let shot = Shot { environment, lights, ..scenes::shot(DVec3::Z, 1.0, 1, 1) };
    let tables = TabulatedMaps::default().tables(&shot.environment);
    PreparedShot::new(&Arc::new(product), &shot, tables)
}

/// An emissive triangle in render space.
struct Lamp {
    corners: [Vec3; 3],
    /// Twice the area long.
    normal: Vec3,
    unit_normal: Vec3,
}

/// Cells of all lights that have a position, in one list.
struct Cells<'a> {
    bindings: Bindings<'a>,
    lamps: Vec<Lamp>,
    from: Vec3,
}

impl<'a> Cells<'a> {
    const RECT: usize = RECT_CELLS * RECT_CELLS;
    const TRIANGLE: usize = CUTS * CUTS;

    fn new(bindings: Bindings<'a>, from: Vec3) -> Self {
        let lamp = |emitter: &Emitter| {
            let t = &bindings.triangles[emitter.triangle as usize];
            let corners = [t.v0, t.v1, t.v2].map(|v| bindings.vertices[v as usize].position);
            let [a, b, c] = corners;
            let normal = (b - a).cross(c - a);
            Lamp { corners, normal, unit_normal: normal.normalize() }
        };
        // Without any, an unused entry fills the array.
        let has_lamps = bindings.params.emitter_select > 0.0;
        let lamps = if has_lamps { bindings.emitters.iter().map(lamp).collect() } else { Vec::new() };
        Self { lamps, bindings, from }
    }

    fn lamps_begin(&self) -> usize {
        self.bindings.params.n_rects as usize * Self::RECT
    }

    fn discrete_begin(&self) -> usize {
        self.lamps_begin() + self.lamps.len() * Self::TRIANGLE
    }

    fn len(&self) -> usize {
        self.discrete_begin() + self.bindings.params.n_lights as usize
    }

    /// Probability of each cell, from the densities that rays assume.
    fn probabilities(&self) -> Vec<f64> {
        let mut out = vec![0.0; self.len()];
        for i in 0..self.bindings.params.n_rects {
            let light = &self.bindings.lights[i as usize];
            for (cell, out) in out[i as usize * Self::RECT..][..Self::RECT].iter_mut().enumerate() {
                let st = Vec2::new((cell % RECT_CELLS) as f32, (cell / RECT_CELLS) as f32) + 0.5;
                let st = st * (2.0 / RECT_CELLS as f32) - 1.0;
                let way = light.position + light.half_u * st.x + light.half_v * st.y - self.from;
                let direction = way.normalize();
                let pdf = baseline::rect_along(&self.bindings, i, self.from, direction, 0.0, 1e30).w;
                let area = light.area / Self::RECT as f32;
                let cosine = -direction.dot(light.axis).min(0.0);
                *out = f64::from(pdf * area * cosine / way.length_squared());
            }
        }
        for (i, lamp) in self.lamps.iter().enumerate() {
            let Emitter { instance, triangle, .. } = self.bindings.emitters[i];
            let [a, b, c] = lamp.corners;
            let slot = baseline::slot_of(&self.bindings, instance, triangle);
            let way = (a + b + c) / 3.0 - self.from;
            let direction = way.normalize();
            let facing = -direction.dot(lamp.unit_normal);
            if !baseline::is_side_sampled(&self.bindings, slot, facing > 0.0) {
                continue;
            }
            let hit = Hit { t: way.length(), u: 1.0 / 3.0, v: 1.0 / 3.0, instance, triangle };
            let ray = Ray { origin: self.from, t_min: 0.0, direction, t_max: 1e30 };
            let pdf = baseline::emitter_pdf(&self.bindings, hit, slot, ray, facing.abs());
            // The density is uniform over a triangle.
            let whole = f64::from(pdf * facing.abs() * 0.5 * lamp.normal.length() / way.length_squared());
            let begin = self.lamps_begin() + i * Self::TRIANGLE;
            out[begin..begin + Self::TRIANGLE].fill(whole / Self::TRIANGLE as f64);
        }
        let begin = self.discrete_begin();
        for i in self.bindings.params.n_rects..self.bindings.params.n_lights {
            out[begin + i as usize] = f64::from(self.bindings.lights[i as usize].select);
        }
        out
    }

    /// The cell of a sample; `None` for one that is invalid.
    fn of_sample(&self, choice: f32, u: Vec2) -> Option<usize> {
        let sample = baseline::light_sample(&self.bindings, self.from, choice, u);
        if sample.pdf == 0.0 {
            return None;
        }
        let at = self.from + sample.direction * sample.distance;
        if sample.pdf < 0.0 {
            let of = |i: u32| -self.bindings.lights[i as usize].select == sample.pdf;
            let light =
                (self.bindings.params.n_rects..self.bindings.params.n_lights).find(|&i| of(i)).expect("one of them");
            return Some(self.discrete_begin() + light as usize);
        }
        if sample.is_surface == 0 {
            let rects = 0..self.bindings.params.n_rects as usize;
            let off = |i: &usize| (at - self.bindings.lights[*i].position).dot(self.bindings.lights[*i].axis).abs();
            let i = rects.min_by(|a, b| off(a).total_cmp(&off(b))).expect("there is one");
            let light = &self.bindings.lights[i];
            let along = |half: Vec3| (at - light.position).dot(half) / half.length_squared() * 0.5 + 0.5;
            let cell = |x: f32| ((x * RECT_CELLS as f32) as usize).min(RECT_CELLS - 1);
            return Some(i * Self::RECT + cell(along(light.half_v)) * RECT_CELLS + cell(along(light.half_u)));
        }
        let on = |(i, lamp): (usize, &Lamp)| {
            let [a, b, c] = lamp.corners;
            let off = (at - a).dot(lamp.unit_normal).abs();
            if off > 1e-2 {
                return None;
            }
            let weight = |p: Vec3, q: Vec3| (q - p).cross(at - p).dot(lamp.normal) / lamp.normal.length_squared();
            let weights = [weight(b, c), weight(c, a), weight(a, b)];
            let outside = weights.iter().fold(0.0_f32, |sum, w| sum.max(-w));
            (outside < 1e-2).then_some((off + outside, i, weights))
        };
        let nearest = self.lamps.iter().enumerate().filter_map(on).min_by(|a, b| a.0.total_cmp(&b.0));
        let (_, lamp, weights) = nearest.expect("on one of them");
        Some(self.lamps_begin() + lamp * Self::TRIANGLE + cell_of(weights))
    }
}

/// The cell of barycentric weights: a triangle is divided into `CUTS` stripes, and each of those into alternating
/// triangles.
fn cell_of([_, v, w]: [f32; 3]) -> usize {
    let n = CUTS as f32;
    let (x, y) = (v.clamp(0.0, 0.999_99) * n, w.clamp(0.0, 0.999_99) * n);
    let (i, j) = (x as usize, y as usize);
    let upper = usize::from(x.fract() + y.fract() > 1.0);
    // Row j holds 2 (CUTS − j) − 1 cells.
    let before: usize = (0..j).map(|j| 2 * (CUTS - j) - 1).sum();
    (before + 2 * i + upper).min(CUTS * CUTS - 1)
}

fn assert_lights_follow(name: &str, shot: &PreparedShot, from: Vec3, seed: u64) {
    let cells = Cells::new(shot.bindings(), from);
    let params = cells.bindings.params;
    let mut observed = vec![0; cells.len()];
    let mut random = Random(seed);
    for _ in 0..SAMPLES {
        let choice = random.next();
        // All other samples go to the map.
        if choice >= params.environment_select
            && let Some(cell) = cells.of_sample(choice, random.pair())
        {
            observed[cell] += 1;
        }
    }
    assert_follows(name, &observed, &cells.probabilities());
}

#[test]
fn rectangles_points_and_spots() {
    let spot = |x: f64| Light::Spot {
        world_from_light: DAffine3::from_translation(DVec3::new(x, 0.8, 0.0)),
        intensity: [1.0; 3],
        inner_cone_rad: 0.3,
        outer_cone_rad: 0.6,
        falloff: packshot_renderer::shot::SpotFalloff::Squared,
    };
    let lights = vec![
        Light::Point { position_m: DVec3::new(0.3, 1.0, 0.2), intensity: [2.0; 3] },
        rect(DVec3::new(0.2, 0.9, 0.1), 0.5, 0.3),
        Light::Directional { direction: DVec3::NEG_Y, irradiance: [0.7; 3], half_angle_rad: 0.0 },
        rect(DVec3::new(-0.5, 0.4, 0.3), 0.1, 0.9),
        spot(0.4),
    ];
    let shot = prepare(&lamps(0), lights, sky());
    assert_lights_follow("before the middle", &shot, Vec3::new(0.05, -0.4, 0.1), 1);
    assert_lights_follow("close to a rectangle", &shot, Vec3::new(-0.35, 0.0, 0.2), 2);
}

#[test]
fn emissive_triangles() {
    let shot = prepare(&lamps(24), vec![rect(DVec3::new(0.2, 0.9, 0.1), 0.5, 0.3)], sky());
    assert_lights_follow("over the floor", &shot, Vec3::new(0.1, -0.1, -0.1), 3);
    let alone = prepare(&lamps(40), Vec::new(), Environment::None);
    assert_lights_follow("among the lamps", &alone, Vec3::new(-0.2, 0.1, 0.15), 4);
    assert_lights_follow("far away", &alone, Vec3::new(4.0, 3.0, -2.0), 5);
}

#[test]
fn the_environment() {
    let shot = prepare(&lamps(3), vec![rect(DVec3::Y, 0.5, 0.3)], sky());
    let bindings = shot.bindings();
    let params = bindings.params;
    let (w, h) = (params.environment_width_px as usize, params.environment_height_px as usize);
    let mut path = PathState { alive: 1, ..PATH };
    let missed = Hit { t: 1e30, u: 0.0, v: 0.0, instance: u32::MAX, triangle: u32::MAX };
    let at = |path: &mut PathState, hit: Hit, samples: &mut BounceSamples| {
        let mut point = EnvironmentPoint { direction: Vec3::ZERO, pdf: 0.0, radiance: Vec3::ZERO, pad0: 0 };
        baseline::look_at_environment(&bindings, path, hit, samples, &mut point);
        point
    };
    let nothing = BounceSamples { choice: Vec2::ZERO, bsdf: Vec2::ZERO, light: Vec2::ZERO, survival: Vec2::ZERO };
    // A ray that misses asks for the density at its direction; here that of directions through each texel, eight along
    // each side.
    let (sin, cos) = (params.environment_sin, params.environment_cos);
    let (tilt_sin, tilt_cos) = (params.environment_tilt_sin, params.environment_tilt_cos);
    let mut probabilities = vec![0.0; w * h];
    for i in 0..64 * w * h {
        let (texel, column, row) = (i / 64, i % 8, i / 8 % 8);
        let u = (texel % w) as f32 + (column as f32 + 0.5) / 8.0;
        let v = (texel / w) as f32 + (row as f32 + 0.5) / 8.0;
        let (theta, phi) = (std::f32::consts::PI * v / h as f32, std::f32::consts::TAU * (u / w as f32 - 0.5));
        let (x, y, z) = (theta.sin() * phi.cos(), theta.cos(), theta.sin() * phi.sin());
        let (y, z) = (tilt_cos * y - tilt_sin * z, tilt_sin * y + tilt_cos * z);
        path.bounces = 1;
        path.ray.direction = Vec3::new(cos * x + sin * z, y, cos * z - sin * x);
        let point = at(&mut path, missed, &mut nothing.clone());
        let part = std::f32::consts::PI / h as f32 * std::f32::consts::TAU / w as f32 * theta.sin() / 64.0;
        probabilities[texel] += f64::from(point.pdf * part);
    }
    let mut observed = vec![0; w * h];
    let mut random = Random(6);
    let surface = Hit { instance: 0, triangle: 0, ..missed };
    path.bounces = 0;
    for _ in 0..SAMPLES {
        let mut samples = BounceSamples { choice: random.pair(), light: random.pair(), ..nothing };
        let point = at(&mut path, surface, &mut samples);
        if point.pdf > 0.0 {
            // The texel that the direction itself reads.
            let uv = baseline::environment_uv(&bindings, point.direction);
            let (column, row) = ((uv.x * w as f32) as usize, (uv.y * h as f32) as usize);
            observed[row.min(h - 1) * w + column.min(w - 1)] += 1;
        }
    }
    assert_follows("the environment", &observed, &probabilities);
}

#[test]
fn a_sharp_light_in_the_environment_is_sampled_as_it_is_interpolated() {
    let (width_px, height_px) = (48, 24);
    let of_texel = |i: u32| match (i / 48, i % 48) {
        (11, 47) => [500.0; 3],
        (11, 0) => [250.0; 3],
        (12, 0) => [40.0; 3],
        _ => [0.0; 3],
    };
    let map = EnvironmentMap { width_px, height_px, rgb: (0..width_px * height_px).map(of_texel).collect() };
    let environment =
        Environment::LatLong { map: Arc::new(map), rotation_x_rad: 0.0, rotation_y_rad: 0.7, strength: 1.0 };
    let shot = prepare(&lamps(0), Vec::new(), environment);
    let bindings = shot.bindings();
    let surface = Hit { t: 1e30, u: 0.0, v: 0.0, instance: 0, triangle: 0 };
    let (mut random, mut path) = (Random(8), PATH);
    let ratios = (0..4096).map(|_| {
        let (bsdf, survival) = (Vec2::ZERO, Vec2::ZERO);
        let mut samples = BounceSamples { choice: random.pair(), bsdf, light: random.pair(), survival };
        let mut point = EnvironmentPoint { direction: Vec3::ZERO, pdf: 0.0, radiance: Vec3::ZERO, pad0: 0 };
        baseline::look_at_environment(&bindings, &mut path, surface, &mut samples, &mut point);
        let seen = baseline::environment_lookup(&bindings, baseline::environment_uv(&bindings, point.direction));
        assert!((point.radiance - seen).length() <= 2e-3 * seen.length() + 0.5, "{:?}, {seen:?}", point.radiance);
        f64::from(point.radiance.x / point.pdf)
    });
    let ratios: Vec<f64> = ratios.collect();
    // What is left to scattered rays is a thousandth of the brightest texel; the sine changes by 1 % within a cell.
    let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
    let variance = ratios.iter().map(|ratio| (ratio / mean - 1.0).powi(2)).sum::<f64>() / ratios.len() as f64;
    assert!(variance < 1e-3, "{variance}");
}

const PATH: PathState = PathState {
    ray: Ray { origin: Vec3::ZERO, t_min: 0.0, direction: Vec3::Y, t_max: 1e30 },
    throughput: Vec3::ONE,
    pdf: -1.0,
    radiance: Vec3::ZERO,
    alpha: 0.0,
    media: UVec3::MAX,
    seed: 0,
    sample: 0,
    bounces: 0,
    bounces_diffuse: 0,
    bounces_glossy: 0,
    bounces_transmission: 0,
    alive: 1,
    steps: 0,
    wavelength_um: 0.0,
    passed_instance: u32::MAX,
    passed_triangle: u32::MAX,
    chance: 0.0,
    passed: 0.0,
};
