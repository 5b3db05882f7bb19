//! Lights that are invisible beside the others.

use glam::DVec3;

use crate::diagnostic::{Diagnostic, Severity};
use crate::scene::Bounds;
use crate::shot::{Environment, Light, Shot};

/// A light that contributes less than this fraction of all light is invisible: one step of 8 bits at mid-grey is about
/// 0.5 %.
const SHARE_MIN: f64 = 1e-3;

/// Finds the lights of a shot that contribute less than a thousandth of the light on a product with these bounds;
/// `place` names a light by its index in [`Shot::lights`]. Irradiance is for surfaces that face the light: of each
/// light at the point of the bounds that is closest to it, and of all others at the product's centre. Emissive surfaces
/// are not counted.
pub fn weak_lights(shot: &Shot, bounds: &Bounds, place: impl Fn(usize) -> String) -> Vec<Diagnostic> {
    if shot.lights.is_empty() {
        return Vec::new();
    }
    let radius_m = 0.5 * bounds.diagonal_m();
    let center = 0.5 * (bounds.min + bounds.max);
    let at_center: Vec<f64> = shot.lights.iter().map(|light| irradiance(light, center, radius_m)).collect();
    let total = environment_irradiance(&shot.environment) + at_center.iter().sum::<f64>();
    let weak = |(i, light): (usize, &Light)| {
        let nearest = light_position(light).map_or(center, |position| position.clamp(bounds.min, bounds.max));
        let own = irradiance(light, nearest, radius_m);
        let others = total - at_center[i];
        let share = if own > 0.0 { own / (own + others) } else { 0.0 };
        (share < SHARE_MIN).then(|| Diagnostic {
            code: "light_too_weak",
            severity: Severity::Info,
            at: place(i),
            message: format!("the light brings {share:.1e} of the light at the product: it will not be seen"),
        })
    };
    shot.lights.iter().enumerate().filter_map(weak).collect()
}

/// The position of a light; `None` if it is infinitely far away.
fn light_position(light: &Light) -> Option<DVec3> {
    match light {
        Light::Point { position_m, .. } => Some(*position_m),
        Light::Rect { world_from_light, .. } | Light::Spot { world_from_light, .. } => {
            Some(world_from_light.translation)
        }
        Light::Directional { .. } => None,
    }
}

/// Irradiance on a surface at `at` that faces the light, ignoring shadows and the light's orientation. A light closer
/// than a fiftieth of the product's `radius_m` counts as that far away: closer, it only lights a spot.
fn irradiance(light: &Light, at: DVec3, radius_m: f64) -> f64 {
    let distance2 =
        |position: DVec3| position.distance_squared(at).max((0.02 * radius_m).powi(2)).max(f64::MIN_POSITIVE);
    match light {
        Light::Point { position_m, intensity } => luminance(*intensity) / distance2(*position_m),
        Light::Spot { world_from_light, intensity, .. } => {
            luminance(*intensity) / distance2(world_from_light.translation)
        }
        Light::Directional { irradiance, .. } => luminance(*irradiance),
        Light::Rect { world_from_light, width_m, height_m, radiance } => {
            // A rectangle contributes at most a hemisphere of its radiance.
            let solid_angle = (width_m * height_m / distance2(world_from_light.translation)).min(std::f64::consts::PI);
            luminance(*radiance) * solid_angle
        }
    }
}

/// Mean irradiance by the environment.
fn environment_irradiance(environment: &Environment) -> f64 {
    let mean_radiance = match environment {
        Environment::None => 0.0,
        Environment::Uniform { radiance } => luminance(*radiance),
        Environment::LatLong { map, strength, .. } => {
            // Rows are weighted by the part of the sphere that they cover.
            let rows = map.rgb.chunks(map.width_px as usize).enumerate().map(|(row, texels)| {
                let height = (std::f64::consts::PI * (row as f64 + 0.5) / f64::from(map.height_px)).sin();
                let sum: f64 = texels.iter().map(|&rgb| luminance(rgb)).sum();
                (height * sum, height * texels.len() as f64)
            });
            let (sum, weights) = rows.fold((0.0, 0.0), |total, row| (total.0 + row.0, total.1 + row.1));
            f64::from(*strength) * sum / weights
        }
    };
    std::f64::consts::PI * mean_radiance
}

/// Relative luminance of linear Rec.709.
fn luminance(rgb: [f32; 3]) -> f64 {
    0.2126 * f64::from(rgb[0]) + 0.7152 * f64::from(rgb[1]) + 0.0722 * f64::from(rgb[2])
}
