//! Painting a rig onto an equirectangular map.

use glam::{Vec2, Vec3, vec2, vec3};
use rayon::prelude::*;

use super::{Dome, Finish, Panel, Rig};
use crate::shot::EnvironmentMap;

const WIDTH_PX: u32 = 1024;
const HEIGHT_PX: u32 = WIDTH_PX / 2;

/// The map of a rig for a camera at azimuth 0°. The bytes do not depend on the number of threads.
pub(super) fn bake(rig: &Rig) -> EnvironmentMap {
    use std::f32::consts::{PI, TAU};
    let panels: Vec<PlacedPanel> = rig.panels.iter().map(PlacedPanel::new).collect();
    let columns: Vec<(f32, f32)> =
        (0..WIDTH_PX).map(|i| ((i as f32 + 0.5) / WIDTH_PX as f32 * TAU - PI).sin_cos()).collect();
    let mut rgb = vec![[0.0; 3]; (WIDTH_PX * HEIGHT_PX) as usize];
    rgb.par_chunks_mut(WIDTH_PX as usize).enumerate().for_each(|(row, pixels)| {
        let polar = (row as f32 + 0.5) / HEIGHT_PX as f32 * PI;
        let (sin_polar, cos_polar) = polar.sin_cos();
        let dome = dome_radiance(&rig.dome, 90.0 - polar.to_degrees());
        let panels: Vec<&PlacedPanel> = panels.iter().filter(|panel| panel.meets_row(sin_polar, cos_polar)).collect();
        for (pixel, &(sin, cos)) in pixels.iter_mut().zip(&columns) {
            let direction = vec3(cos * sin_polar, cos_polar, sin * sin_polar);
            *pixel = panels.iter().fold(dome, |behind, panel| panel.over(behind, direction)).to_array();
        }
    });
    EnvironmentMap { width_px: WIDTH_PX, height_px: HEIGHT_PX, rgb }
}

fn dome_radiance(dome: &Dome, elevation_deg: f32) -> Vec3 {
    let radiance = if elevation_deg >= 0.0 {
        mix(dome.horizon, dome.zenith, smooth(elevation_deg / 90.0))
    } else if -elevation_deg < dome.horizon_width_deg {
        mix(dome.horizon, dome.table, smooth(-elevation_deg / dome.horizon_width_deg))
    } else {
        let below = (-elevation_deg - dome.horizon_width_deg) / (90.0 - dome.horizon_width_deg);
        mix(dome.table, dome.nadir, smooth(below))
    };
    radiance * Vec3::from(dome.tint)
}

fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// Smoothstep from 0 to 1.
fn smooth(t: f32) -> f32 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// A panel, placed in its plane at distance 1.
struct PlacedPanel {
    toward: Vec3,
    right: Vec3,
    up: Vec3,
    half: Vec2,
    /// Cosine of the angle between the centre and a corner: no point of the panel is further off.
    least_depth: f32,
    corner: f32,
    blur: f32,
    finish: PlacedFinish,
}

enum PlacedFinish {
    Softbox { radiance: Vec3, falloff_ev: [f32; 4] },
    Flag { opacity: f32 },
}

impl PlacedPanel {
    fn new(panel: &Panel) -> Self {
        let (sin_az, cos_az) = panel.azimuth_deg.to_radians().sin_cos();
        let (sin_el, cos_el) = panel.elevation_deg.to_radians().sin_cos();
        let (sin_roll, cos_roll) = panel.roll_deg.to_radians().sin_cos();
        let toward = vec3(sin_az * cos_el, sin_el, cos_az * cos_el);
        // As seen from the product: for a panel behind the camera, the left of the picture is on the right.
        let level = vec3(-cos_az, 0.0, sin_az);
        let upright = level.cross(toward);
        let half = Vec2::from(panel.size_deg.map(|deg| (0.5 * deg.to_radians()).tan()));
        let finish = match panel.finish {
            Finish::Flag { opacity } => PlacedFinish::Flag { opacity },
            Finish::Softbox { ev, tint, falloff_ev } => {
                PlacedFinish::Softbox { radiance: ev.exp2() * Vec3::from(tint), falloff_ev }
            }
        };
        Self {
            toward,
            right: cos_roll * level + sin_roll * upright,
            up: cos_roll * upright - sin_roll * level,
            half,
            least_depth: (1.0 + half.length_squared()).sqrt().recip(),
            corner: panel.roundness * half.min_element(),
            blur: panel.softness * half.min_element(),
            finish,
        }
    }

    /// Whether any direction of a row of the map, at this angle from +Y, may lie on the panel.
    fn meets_row(&self, sin_polar: f32, cos_polar: f32) -> bool {
        let nearest = self.toward.y * cos_polar + (1.0 - self.toward.y * self.toward.y).max(0.0).sqrt() * sin_polar;
        nearest > self.least_depth - 1e-4
    }

    /// Radiance in a direction with this panel in front of `behind`.
    fn over(&self, behind: Vec3, direction: Vec3) -> Vec3 {
        let depth = direction.dot(self.toward);
        if depth < self.least_depth {
            return behind;
        }
        let at = vec2(direction.dot(self.right), direction.dot(self.up)) / depth;
        // Signed distance from the edge of a rectangle with rounded corners, negative inside.
        let beyond = at.abs() - (self.half - self.corner);
        let edge = beyond.max(Vec2::ZERO).length() + beyond.max_element().min(0.0) - self.corner;
        // The blur is inside the edge, so that a panel never exceeds its size.
        let coverage = smooth(-edge / self.blur.max(1e-4));
        if coverage == 0.0 {
            return behind;
        }
        match self.finish {
            PlacedFinish::Flag { opacity } => behind * (1.0 - opacity * coverage),
            PlacedFinish::Softbox { radiance, falloff_ev: [right, up, left, down] } => {
                let share = at / self.half;
                let sideways = if share.x > 0.0 { right } else { left } * share.x * share.x;
                let upwards = if share.y > 0.0 { up } else { down } * share.y * share.y;
                behind * (1.0 - coverage) + radiance * (coverage * (-sideways - upwards).exp2())
            }
        }
    }
}
