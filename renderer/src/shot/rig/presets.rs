//! The rigs themselves.
//!
//! Levels are set so that an 18 % grey diffuse surface facing the camera has a radiance of about 0.18 (irradiance about
//! π), which every view transform shows as middle grey, and so that steel (F0 about 0.5) that reflects the brightest
//! panel stays below the shoulder of AgX.

use std::borrow::Cow;

use super::{Dome, Finish, Panel, Rig};

const WHITE: [f32; 3] = [1.0, 1.0, 1.0];
/// A touch of warmth; more would tint neutral products.
const WARM: [f32; 3] = [1.015, 1.0, 0.97];
/// A touch of coolness.
const COOL: [f32; 3] = [0.975, 1.0, 1.03];

/// Large softboxes: overhead, key at the upper left, fill at the right, a long rim behind.
pub(super) const STUDIO_SOFT: Rig = Rig {
    dome: Dome { zenith: 0.26, horizon: 0.15, table: 0.035, nadir: 0.17, horizon_width_deg: 9.0, tint: WHITE },
    panels: Cow::Borrowed(&[
        // Card: a glow behind the camera, for faces that point straight at it.
        Panel {
            azimuth_deg: 6.0,
            elevation_deg: 8.0,
            roll_deg: 0.0,
            size_deg: [110.0, 84.0],
            roundness: 1.0,
            softness: 1.0,
            finish: Finish::Softbox { ev: -0.7, tint: WHITE, falloff_ev: [0.6, 0.6, 0.6, 1.0] },
        },
        // Overhead: a long box from the front to behind the product, brightest towards the back.
        Panel {
            azimuth_deg: 180.0,
            elevation_deg: 80.0,
            roll_deg: 0.0,
            size_deg: [82.0, 50.0],
            roundness: 0.25,
            softness: 0.3,
            finish: Finish::Softbox { ev: 2.2, tint: WHITE, falloff_ev: [1.2, 1.6, 1.2, 0.6] },
        },
        // Key: extends below eye level, so that upright faces show its gradient.
        Panel {
            azimuth_deg: -60.0,
            elevation_deg: 14.0,
            roll_deg: 0.0,
            size_deg: [60.0, 84.0],
            roundness: 0.2,
            softness: 0.25,
            finish: Finish::Softbox { ev: 2.3, tint: WARM, falloff_ev: [1.0, 0.3, 1.8, 2.8] },
        },
        // Fill: large and dim.
        Panel {
            azimuth_deg: 70.0,
            elevation_deg: 14.0,
            roll_deg: 0.0,
            size_deg: [50.0, 72.0],
            roundness: 0.3,
            softness: 0.5,
            finish: Finish::Softbox { ev: 0.9, tint: COOL, falloff_ev: [1.4, 0.5, 1.0, 2.4] },
        },
        // Rim: a long strip behind, the crisp highlight on upper edges.
        Panel {
            azimuth_deg: 178.0,
            elevation_deg: 27.0,
            roll_deg: 0.0,
            size_deg: [100.0, 20.0],
            roundness: 0.5,
            softness: 0.35,
            finish: Finish::Softbox { ev: 2.5, tint: COOL, falloff_ev: [1.2, 0.0, 1.2, 0.6] },
        },
        // Flags: beside the fill and in front, where a curved side turns away.
        Panel {
            azimuth_deg: 118.0,
            elevation_deg: 6.0,
            roll_deg: 0.0,
            size_deg: [26.0, 84.0],
            roundness: 0.4,
            softness: 0.7,
            finish: Finish::Flag { opacity: 0.9 },
        },
        Panel {
            azimuth_deg: -112.0,
            elevation_deg: 6.0,
            roll_deg: 0.0,
            size_deg: [30.0, 84.0],
            roundness: 0.4,
            softness: 0.7,
            finish: Finish::Flag { opacity: 0.9 },
        },
    ]),
};

/// Narrow strips and black flags.
pub(super) const STUDIO_CONTRAST: Rig = Rig {
    dome: Dome { zenith: 0.10, horizon: 0.05, table: 0.015, nadir: 0.05, horizon_width_deg: 10.0, tint: WHITE },
    panels: Cow::Borrowed(&[
        // Card: a glow behind the camera, for faces that point straight at it.
        Panel {
            azimuth_deg: 16.0,
            elevation_deg: 6.0,
            roll_deg: 0.0,
            size_deg: [90.0, 84.0],
            roundness: 1.0,
            softness: 1.0,
            finish: Finish::Softbox { ev: -1.2, tint: WHITE, falloff_ev: [0.6, 0.6, 0.6, 1.0] },
        },
        // Overhead.
        Panel {
            azimuth_deg: 180.0,
            elevation_deg: 80.0,
            roll_deg: 0.0,
            size_deg: [96.0, 34.0],
            roundness: 0.15,
            softness: 0.15,
            finish: Finish::Softbox { ev: 2.9, tint: WHITE, falloff_ev: [1.4, 0.8, 1.4, 0.4] },
        },
        // Key.
        Panel {
            azimuth_deg: -62.0,
            elevation_deg: 18.0,
            roll_deg: 0.0,
            size_deg: [38.0, 96.0],
            roundness: 0.15,
            softness: 0.2,
            finish: Finish::Softbox { ev: 2.7, tint: WARM, falloff_ev: [0.6, 0.5, 1.8, 2.8] },
        },
        // Fill, a strip.
        Panel {
            azimuth_deg: 68.0,
            elevation_deg: 14.0,
            roll_deg: 0.0,
            size_deg: [16.0, 92.0],
            roundness: 0.2,
            softness: 0.3,
            finish: Finish::Softbox { ev: 2.2, tint: COOL, falloff_ev: [0.8, 0.8, 0.8, 2.0] },
        },
        // Rim, thinner still.
        Panel {
            azimuth_deg: 165.0,
            elevation_deg: 24.0,
            roll_deg: 0.0,
            size_deg: [96.0, 9.0],
            roundness: 0.5,
            softness: 0.3,
            finish: Finish::Softbox { ev: 3.4, tint: COOL, falloff_ev: [1.6, 0.0, 1.6, 0.0] },
        },
        // Flags: they cut the card and the side.
        Panel {
            azimuth_deg: -24.0,
            elevation_deg: 10.0,
            roll_deg: 0.0,
            size_deg: [24.0, 90.0],
            roundness: 0.3,
            softness: 0.4,
            finish: Finish::Flag { opacity: 1.0 },
        },
        Panel {
            azimuth_deg: 104.0,
            elevation_deg: 4.0,
            roll_deg: 0.0,
            size_deg: [34.0, 90.0],
            roundness: 0.3,
            softness: 0.4,
            finish: Finish::Flag { opacity: 1.0 },
        },
    ]),
};

/// Key, fill at 60 % of it, a brighter rim, on a dome bright enough for plastics.
pub(super) const THREE_POINT: Rig = Rig {
    dome: Dome { zenith: 0.38, horizon: 0.26, table: 0.12, nadir: 0.28, horizon_width_deg: 18.0, tint: WHITE },
    panels: Cow::Borrowed(&[
        // Key.
        Panel {
            azimuth_deg: -48.0,
            elevation_deg: 40.0,
            roll_deg: 0.0,
            size_deg: [66.0, 66.0],
            roundness: 0.5,
            softness: 0.4,
            finish: Finish::Softbox { ev: 2.5, tint: WARM, falloff_ev: [0.8, 0.8, 0.8, 0.8] },
        },
        // Fill.
        Panel {
            azimuth_deg: 50.0,
            elevation_deg: 20.0,
            roll_deg: 0.0,
            size_deg: [56.0, 56.0],
            roundness: 0.5,
            softness: 0.7,
            finish: Finish::Softbox { ev: 0.7, tint: COOL, falloff_ev: [1.0, 1.0, 1.0, 1.0] },
        },
        // Rim.
        Panel {
            azimuth_deg: 168.0,
            elevation_deg: 42.0,
            roll_deg: 0.0,
            size_deg: [60.0, 26.0],
            roundness: 0.5,
            softness: 0.4,
            finish: Finish::Softbox { ev: 3.2, tint: WHITE, falloff_ev: [0.8, 0.8, 0.8, 0.8] },
        },
    ]),
};

/// Radiance 1 from everywhere.
pub(super) const WHITE_DOME: Rig = Rig {
    dome: Dome { zenith: 1.0, horizon: 1.0, table: 1.0, nadir: 1.0, horizon_width_deg: 45.0, tint: WHITE },
    panels: Cow::Borrowed(&[]),
};
