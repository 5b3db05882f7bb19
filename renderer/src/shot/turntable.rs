//! Turntables: the shots of a product that makes one full turn.
//!
//! Input: a request for one picture, how it turns, and the scene. Output: a [`TurntableShots`], which gives the shot of
//! each frame.
//!
//! The product turns about the vertical axis through the middle of its bounds. One camera serves all frames: it is
//! fitted to everything that the product sweeps, so that the scale never changes and any selection of frames matches.
//! The product itself is never moved: where it turns under a fixed light, the camera and all lights turn the other way
//! around it.

use glam::{DAffine3, DMat3, DVec3};
use packshot_words::words;
use serde::Serialize;

use super::error::ShotError;
use super::framing::{Envelope, Hull};
use super::inside::{Eye, camera_inside};
use super::request::{ShotRequest, assemble, in_range};
use super::view::ViewDirection;
use super::{Camera, Environment, Light, Shot};
use crate::diagnostic::Diagnostic;
use crate::scene::Scene;

/// Most frames of a turntable.
pub const MAX_FRAMES: u32 = 100_000;
/// Evenly spaced frames that are checked for a camera inside a part.
const FRAMES_LOOKED_AT: u32 = 36;

/// How a product is turned.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Turntable {
    /// Frames of one turn, 1 to [`MAX_FRAMES`]. The frame after the last would be the first again.
    pub frames: u32,
    /// How far the product is turned in frame 0, counter-clockwise as seen from above; −1e6 to 1e6.
    pub start_deg: f64,
    /// Direction of the turn.
    pub direction: TurnDirection,
    /// What moves.
    pub mode: TurnMode,
}

impl Default for Turntable {
    fn default() -> Self {
        Self { frames: 72, start_deg: 0.0, direction: TurnDirection::Ccw, mode: TurnMode::Product }
    }
}

words! {
    /// Which way a product turns, as seen from above.
    #[derive(Default)]
    pub enum TurnDirection {
        /// Counter-clockwise, about +Y, +Z towards +X: the front goes to the right
        #[default]
        Ccw = "ccw",
        /// Clockwise
        Cw = "cw",
    }
}

words! {
    /// What moves when a product turns.
    #[derive(Default)]
    pub enum TurnMode {
        /// The product, under light that stands still with the camera: highlights travel over it
        #[default]
        Product = "product",
        /// The camera, around the product and its light: highlights stay where they are on the product, which appears
        /// to turn the same way
        Orbit = "orbit",
    }
}

impl Turntable {
    /// How far the product is turned in a frame, or appears to be, counter-clockwise as seen from above: from −360 to
    /// 360 relative to the start.
    pub fn angle_deg(&self, frame: u32) -> f64 {
        // One product and one quotient, so that other frame counts give the same bits for the same angle.
        let turned_deg = 360.0 * f64::from(frame) / f64::from(self.frames);
        match self.direction {
            TurnDirection::Ccw => self.start_deg + turned_deg,
            TurnDirection::Cw => self.start_deg - turned_deg,
        }
    }

    /// The shots of all frames.
    ///
    /// # Errors
    ///
    /// As [`build`](super::request::build), and `shot.range` for invalid values of the turntable.
    pub fn shots(&self, request: &ShotRequest, scene: &Scene) -> Result<(TurntableShots, Vec<Diagnostic>), ShotError> {
        in_range("frame_count", self.frames.into(), 1.0..=MAX_FRAMES.into())?;
        in_range("start_deg", self.start_deg, -1e6..=1e6)?;
        let center = Hull::new(scene)?.center();
        let turn = Turn { center, angle_deg: self.angle_deg(0) };
        let (shot, mut diagnostics) = assemble(request, scene, Some(&turn))?;
        let shots = TurntableShots { turntable: *self, center, shot };
        let looked_at = (0..self.frames).step_by(self.frames.div_ceil(FRAMES_LOOKED_AT) as usize);
        let eyes: Vec<Eye> = looked_at.filter_map(|frame| Eye::of(&shots.camera(frame), Some(frame))).collect();
        diagnostics.extend(camera_inside(&eyes, scene));
        Ok((shots, diagnostics))
    }
}

/// A turn about a vertical axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// A point on the axis.
    pub(super) center: DVec3,
    /// Counter-clockwise as seen from above (right-handed about +Y).
    pub(super) angle_deg: f64,
}

impl Turn {
    /// The transform that turns the product back to where it was.
    pub(super) fn undone(&self) -> DAffine3 {
        let matrix3 = rotation_y(-self.angle_deg);
        DAffine3 { matrix3, translation: self.center - matrix3 * self.center }
    }
}

/// The rotation by an angle about +Y, which takes +Z towards +X; exact at multiples of 90°.
fn rotation_y(angle_deg: f64) -> DMat3 {
    ViewDirection { azimuth_deg: angle_deg, elevation_deg: 0.0 }.orientation()
}

/// The shots of a turntable.
#[derive(Clone, Debug)]
pub struct TurntableShots {
    turntable: Turntable,
    /// The centre of the product.
    center: DVec3,
    /// Shot of the product as it is in the file.
    shot: Shot,
}

impl TurntableShots {
    /// From a shot of the product as it is in the file, turning about the vertical axis through `center`.
    pub fn new(turntable: Turntable, center: DVec3, shot: Shot) -> Self {
        Self { turntable, center, shot }
    }

    /// The centre of the product, which the axis goes through.
    pub fn center(&self) -> DVec3 {
        self.center
    }

    /// How the product turns.
    pub fn turntable(&self) -> &Turntable {
        &self.turntable
    }

    /// The shot of the product as it is in the file, before anything turns.
    pub fn shot(&self) -> &Shot {
        &self.shot
    }

    /// The camera of a frame.
    fn camera(&self, frame: u32) -> Camera {
        let turn = Turn { center: self.center, angle_deg: self.turntable.angle_deg(frame) };
        let camera = self.shot.camera;
        Camera { world_from_camera: turn.undone() * camera.world_from_camera, ..camera }
    }

    /// The shot of a frame, for the product as it is in the file. All frames have the request's film settings, and with
    /// them its seed. A floor belongs to the product and turns with it, which is invisible for an endless one.
    pub fn frame(&self, frame: u32) -> Shot {
        let turn = Turn { center: self.center, angle_deg: self.turntable.angle_deg(frame) };
        let undone = turn.undone();
        let shot = self.shot.clone();
        let camera = self.camera(frame);
        match self.turntable.mode {
            TurnMode::Orbit => Shot { camera, ..shot },
            TurnMode::Product => Shot {
                camera,
                environment: turned_environment(shot.environment, -turn.angle_deg),
                lights: shot.lights.into_iter().map(|light| turned_light(light, &undone)).collect(),
                ..shot
            },
        }
    }
}

fn turned_environment(environment: Environment, angle_deg: f64) -> Environment {
    match environment {
        Environment::LatLong { map, rotation_x_rad, rotation_y_rad, strength } => {
            let rotation_y_rad = rotation_y_rad + angle_deg.to_radians();
            Environment::LatLong { map, rotation_x_rad, rotation_y_rad, strength }
        }
        Environment::None | Environment::Uniform { .. } => environment,
    }
}

fn turned_light(light: Light, turn: &DAffine3) -> Light {
    match light {
        Light::Rect { world_from_light, width_m, height_m, radiance } => {
            Light::Rect { world_from_light: *turn * world_from_light, width_m, height_m, radiance }
        }
        Light::Point { position_m, intensity } => {
            Light::Point { position_m: turn.transform_point3(position_m), intensity }
        }
        Light::Directional { direction, irradiance, half_angle_rad } => Light::Directional {
            direction: turn.transform_vector3(direction).normalize_or(direction),
            irradiance,
            half_angle_rad,
        },
        Light::Spot { world_from_light, intensity, inner_cone_rad, outer_cone_rad, falloff } => Light::Spot {
            world_from_light: *turn * world_from_light,
            intensity,
            inner_cone_rad,
            outer_cone_rad,
            falloff,
        },
    }
}

#[cfg(test)]
mod tests;
