//! Procedural light rigs: the lights that a photographer would put around the product, painted onto one environment
//! map.
//!
//! A rig is a gradient dome, and panels painted over it in order: softboxes that add light and black flags that block
//! it. All of it is infinitely far away, so a rig suits a product of any size. Metal shows its surroundings rather than
//! its colour: large soft panels give it gradients, the far edges of panels give crisp highlights, and flags beside the
//! panels give the dark lines that define a contour.
//!
//! **A rig follows the camera** ([`RigTurn`]). It is laid out for a camera at azimuth 0° and rotated about +Y by the
//! camera's azimuth, so that the key light comes from the upper left in every view of a product. Above the horizon,
//! elevation does not turn it: from above, the overhead softbox is behind the camera. Below, it is tilted about the
//! picture's horizontal axis by twice the angle: a camera at −20° sees its lights where one at 20° does, as if the
//! product had been turned over, and the bottom is as bright as the top.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use packshot_words::words;

use super::{Environment, EnvironmentMap};

mod bake;
mod presets;

words! {
    /// The rigs there are.
    #[derive(Default)]
    pub enum RigName {
        /// Large softboxes all around: long gradients on metal, gentle dark edges, no hard shadow
        #[default]
        StudioSoft = "studio_soft",
        /// Narrow strips between black flags: crisp highlights and dark edges
        StudioContrast = "studio_contrast",
        /// Key, fill and rim on a dim dome: shape before shine, for plastics and painted parts
        ThreePoint = "three_point",
        /// Radiance 1 from everywhere
        White = "white",
    }
}

impl RigName {
    /// What it consists of; [`White`](Self::White) is only a dome.
    pub fn rig(self) -> Rig {
        match self {
            Self::StudioSoft => presets::STUDIO_SOFT,
            Self::StudioContrast => presets::STUDIO_CONTRAST,
            Self::ThreePoint => presets::THREE_POINT,
            Self::White => presets::WHITE_DOME,
        }
    }

    /// Its light, turned. [`White`](Self::White) is uniform and needs no map.
    pub fn environment(self, turn: RigTurn) -> Environment {
        self.map().map_or(Environment::Uniform { radiance: [1.0; 3] }, |map| turn.of(map))
    }

    /// Its map for a camera at azimuth 0°: 1024x512, or `None` for a uniform rig. Painted once per process: all callers
    /// get the same map, so that what is derived from it can be shared too.
    pub fn map(self) -> Option<Arc<EnvironmentMap>> {
        static MAPS: [OnceLock<Arc<EnvironmentMap>>; 3] = [const { OnceLock::new() }; 3];
        let kept = match self {
            Self::StudioSoft => &MAPS[0],
            Self::StudioContrast => &MAPS[1],
            Self::ThreePoint => &MAPS[2],
            Self::White => return None,
        };
        // Painted while not holding the lock: rayon may ask for the same map on this thread meanwhile.
        let map = kept.get().cloned().unwrap_or_else(|| {
            let baked = Arc::new(self.rig().map());
            kept.get_or_init(|| baked).clone()
        });
        Some(map)
    }
}

/// How far a rig is rotated, as [`Environment::LatLong`] is: about +X, then about +Y.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RigTurn {
    /// About +X.
    pub x_rad: f64,
    /// About +Y.
    pub y_rad: f64,
}

impl RigTurn {
    /// For a camera at this azimuth and elevation, plus the rotation about +Y that the options ask for.
    pub fn following(azimuth_deg: f64, elevation_deg: f64, light_rotation_deg: f64) -> Self {
        // The matrix of a level camera in a file is off by a rounding error or two.
        let below_deg = if elevation_deg < -1e-9 { -elevation_deg } else { 0.0 };
        Self { x_rad: (2.0 * below_deg).to_radians(), y_rad: (azimuth_deg + light_rotation_deg).to_radians() }
    }

    /// The light of a rig's map, turned.
    pub fn of(self, map: Arc<EnvironmentMap>) -> Environment {
        Environment::LatLong { map, rotation_x_rad: self.x_rad, rotation_y_rad: self.y_rad, strength: 1.0 }
    }
}

/// A light rig around a camera at azimuth 0°.
#[derive(Clone, Debug, PartialEq)]
pub struct Rig {
    /// The dome behind the panels.
    pub dome: Dome,
    /// In the order of painting: a flag darkens what was painted before it.
    pub panels: Cow<'static, [Panel]>,
}

impl Rig {
    /// Its map for a camera at azimuth 0°: 1024x512. It does not depend on the number of threads.
    pub fn map(&self) -> EnvironmentMap {
        bake::bake(self)
    }

    /// The same rig, brighter by this many stops.
    #[must_use]
    pub fn brightened(mut self, ev: f32) -> Self {
        self.dome.tint = self.dome.tint.map(|channel| channel * ev.exp2());
        for panel in self.panels.to_mut() {
            if let Finish::Softbox { ev: own, .. } = &mut panel.finish {
                *own += ev;
            }
        }
        self
    }
}

/// The dome behind the panels: radiance by elevation, blended smoothly, times a tint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dome {
    /// Straight up.
    pub zenith: f32,
    /// At eye level.
    pub horizon: f32,
    /// `horizon_width_deg` below eye level, where the table starts.
    pub table: f32,
    /// Straight down.
    pub nadir: f32,
    /// Width in degrees of the transition from the horizon to the table.
    pub horizon_width_deg: f32,
    /// Linear Rec.709.
    pub tint: [f32; 3],
}

/// A flat panel that faces the product, with rounded corners.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Panel {
    /// Where its centre is: 0° behind the camera, 90° to the right of the picture, 180° behind the product.
    pub azimuth_deg: f32,
    /// Elevation of its centre, positive upwards.
    pub elevation_deg: f32,
    /// Rotation in its own plane, counter-clockwise as seen from the product.
    pub roll_deg: f32,
    /// Its angular width and height, measured through its centre; below 180°.
    pub size_deg: [f32; 2],
    /// Radius of the corners as a fraction of half the shorter side.
    pub roundness: f32,
    /// Width of the blurred edge as a fraction of half the shorter side.
    pub softness: f32,
    /// Whether it adds or blocks light.
    pub finish: Finish,
}

/// What a [`Panel`] does to light.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Finish {
    /// Adds light.
    Softbox {
        /// Radiance at the centre is 2 to this power.
        ev: f32,
        /// Linear Rec.709.
        tint: [f32; 3],
        /// By how many EV the middle of each edge is darker (right, top, left, bottom).
        falloff_ev: [f32; 4],
    },
    /// Blocks this fraction of the light behind it.
    Flag {
        /// 0 to 1.
        opacity: f32,
    },
}

#[cfg(test)]
mod tests;
