//! Lights in render space, and how often each is chosen.

use glam::{DAffine3, DVec3, Vec3};
use packshot_shaders::constants::{LIGHT_DIRECTIONAL, LIGHT_POINT, LIGHT_RECT, LIGHT_SPOT};
use packshot_shaders::layout::scene;

use super::RenderSpace;
use crate::shot::{Light, SpotFalloff};

/// The shader's `lights`: rectangles first, with probabilities that make up the rest to 1 after environment and
/// emitters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lights {
    /// The records.
    pub lights: Vec<scene::Light>,
    /// How many of them are rectangles.
    pub n_rects: u32,
    /// Probability of sampling the environment map instead.
    pub environment_select: f32,
    /// Probability of sampling an emissive surface instead.
    pub emitter_select: f32,
}

/// Bounds on the fraction of light samples that go to emissive surfaces where there are other lights too. The light
/// that emissive surfaces contribute varies far more from place to place than that of other lights: close to a small
/// lamp, it is nearly all the light there is.
const EMITTER_SELECT: std::ops::RangeInclusive<f64> = 0.2..=0.8;

impl Lights {
    /// A light is chosen in proportion to the irradiance it would bring to the product's centre at normal incidence.
    /// `environment_irradiance` is the same for the map (0 when there is none to sample), and `emitter_irradiance` for
    /// emissive surfaces.
    pub(crate) fn new(
        lights: &[Light],
        space: &RenderSpace,
        environment_irradiance: f64,
        emitter_irradiance: f64,
    ) -> Self {
        let lowered: Vec<(f64, scene::Light)> = order(lights).map(|i| lower(&lights[i], space)).collect();
        let n_rects = lowered.iter().filter(|(_, light)| light.kind == LIGHT_RECT).count() as u32;
        let sum: f64 = lowered.iter().map(|(weight, _)| weight).sum();
        let total = sum + environment_irradiance;
        // Every light keeps some probability: one that looks dark from the centre may light an edge.
        let floor = 0.02 * total / lowered.len().max(1) as f64;
        let total = lowered.iter().map(|(weight, _)| weight.max(floor)).sum::<f64>() + environment_irradiance;
        let emitter_select = emitter_select(emitter_irradiance, total, lowered.len());
        let others = 1.0 - emitter_select;
        let environment_select = if total > 0.0 { others * environment_irradiance / total } else { 0.0 };
        let mut end = environment_select;
        let n = lowered.len();
        let lights = lowered
            .into_iter()
            .enumerate()
            .map(|(i, (weight, mut light))| {
                let select = others * if total > 0.0 { weight.max(floor) / total } else { 1.0 / n as f64 };
                end += select;
                light.select = select as f32;
                light.select_end = if i + 1 == n { others as f32 } else { end as f32 };
                light
            })
            .collect();
        Self { lights, n_rects, environment_select: environment_select as f32, emitter_select: emitter_select as f32 }
    }
}

/// Indices of a shot's lights in the shader's order: rectangles first.
pub(crate) fn order(lights: &[Light]) -> impl Iterator<Item = usize> {
    let is_rect = move |i: &usize| matches!(lights[*i], Light::Rect { .. });
    let others = (0..lights.len()).filter(move |i| !is_rect(i));
    (0..lights.len()).filter(move |i| is_rect(i)).chain(others)
}

/// The fraction of light samples for emissive surfaces, beside `n_lights` lights and a map that together bring
/// `others`.
fn emitter_select(emitters: f64, others: f64, n_lights: usize) -> f64 {
    if emitters <= 0.0 {
        return 0.0;
    }
    if others <= 0.0 && n_lights == 0 {
        return 1.0;
    }
    (emitters / (emitters + others)).clamp(*EMITTER_SELECT.start(), *EMITTER_SELECT.end())
}

/// Irradiance at the product's centre, and the record without its selection probabilities.
fn lower(light: &Light, space: &RenderSpace) -> (f64, scene::Light) {
    match light {
        Light::Rect { world_from_light, width_m, height_m, radiance } => {
            let position = space.point(world_from_light.translation);
            let half_u = world_from_light.matrix3.x_axis * (0.5 * width_m * space.units_per_m);
            let half_v = world_from_light.matrix3.y_axis * (0.5 * height_m * space.units_per_m);
            let axis = -world_from_light.matrix3.z_axis.normalize();
            let area = 4.0 * half_u.length() * half_v.length();
            let distance2 = position.length_squared().max(area / 16.0);
            let cosine = (-position.normalize_or_zero()).dot(axis).max(0.0);
            let record = scene::Light {
                position: position.as_vec3(),
                kind: LIGHT_RECT,
                half_u: half_u.as_vec3(),
                area: area as f32,
                half_v: half_v.as_vec3(),
                axis: axis.as_vec3(),
                power: Vec3::from(*radiance),
                ..scene::Light::default()
            };
            (luminance(*radiance) * area * cosine / distance2, record)
        }
        Light::Point { position_m, intensity } => {
            let (weight, record) = point_like(DVec3::NEG_Z, *position_m, *intensity, space);
            (weight, scene::Light { kind: LIGHT_POINT, ..record })
        }
        Light::Directional { direction, irradiance, half_angle_rad } => {
            let record = scene::Light {
                kind: LIGHT_DIRECTIONAL,
                axis: direction.normalize().as_vec3(),
                power: Vec3::from(*irradiance),
                sun_sine: half_angle_rad.sin(),
                ..scene::Light::default()
            };
            (luminance(*irradiance), record)
        }
        Light::Spot { world_from_light, intensity, inner_cone_rad, outer_cone_rad, falloff } => {
            let DAffine3 { matrix3, translation } = *world_from_light;
            let (weight, record) = point_like(-matrix3.z_axis.normalize(), translation, *intensity, space);
            let (cos_inner, cos_outer) = (inner_cone_rad.cos(), outer_cone_rad.cos());
            let fade = match falloff {
                SpotFalloff::Squared => cos_inner - cos_outer,
                SpotFalloff::Smooth => (1.0 - cos_outer) * (1.0 - inner_cone_rad / outer_cone_rad),
            };
            let spot_smooth = u32::from(*falloff == SpotFalloff::Smooth);
            let spot_scale = 1.0 / fade.max(1e-3);
            (weight, scene::Light { kind: LIGHT_SPOT, spot_cos_outer: cos_outer, spot_scale, spot_smooth, ..record })
        }
    }
}

/// A light without extent. Intensity is per square metre, so it grows with the square of the scale.
fn point_like(axis: DVec3, position_m: DVec3, intensity: [f32; 3], space: &RenderSpace) -> (f64, scene::Light) {
    let position = space.point(position_m);
    let scale = space.units_per_m * space.units_per_m;
    let record = scene::Light {
        position: position.as_vec3(),
        axis: axis.as_vec3(),
        power: Vec3::from(intensity.map(|x| (f64::from(x) * scale) as f32)),
        ..scene::Light::default()
    };
    (luminance(intensity) * scale / position.length_squared().max(0.25), record)
}

fn luminance(c: [f32; 3]) -> f64 {
    f64::from(0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2])
}
