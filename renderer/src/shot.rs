//! A shot: everything that determines a picture of a scene, apart from geometry and materials.
//!
//! Input: a description of a picture, and a scene ([`request`]). Output: a [`Shot`]. Invariant: every number in it is
//! finite and in the range that its field names, so nothing downstream checks again.
//!
//! World space is glTF's (right-handed, +Y up, metres). Cameras look and lights emit along −Z of their own frame, with
//! +Y up and +X to the right. Colours and radiances are linear Rec.709 (D65); the unit of radiance is arbitrary; 1 is
//! display white in the `standard` view at 0 EV.

use std::sync::Arc;

use glam::{DAffine3, DVec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_words::{Entry, Word};
use serde::Serialize;

use self::lut::Lut;
use crate::digest::{self, Digest};

pub mod environment;
pub mod error;
pub mod framing;
pub mod ground;
mod hidden;
pub(crate) mod inside;
pub mod lut;
pub mod request;
pub mod rig;
pub(crate) mod sight;
pub mod turntable;
pub mod view;

/// Most pixels along one side of a picture.
pub const MAX_SIDE_PX: u32 = 16_384;
/// Most pixels of a picture.
pub const MAX_PIXELS: u64 = 64_000_000;
/// Most samples per pixel.
pub const MAX_SAMPLES: u32 = 1 << 24;
/// Largest seed.
pub const MAX_SEED: u32 = i32::MAX as u32;
/// Largest limit on a kind of bounce.
pub const MAX_BOUNCES: u32 = 1024;

/// One picture's camera, film settings, light, floor, background and view.
#[derive(Clone, Debug, Serialize)]
pub struct Shot {
    /// The camera.
    pub camera: Camera,
    /// The size of the picture and how its pixels are sampled.
    pub film: FilmSettings,
    /// Light from infinitely far away.
    pub environment: Environment,
    /// Lights with a position or a direction. None of them occludes a ray or is visible to the camera.
    pub lights: Vec<Light>,
    /// The floor under the product.
    pub floor: Option<Floor>,
    /// What is behind the product.
    pub background: Background,
    /// How radiance becomes display values.
    pub view: View,
    /// A lookup table that modifies or produces display values, in addition to `view`.
    pub lut: Option<Arc<Lut>>,
}

impl Shot {
    /// A digest of everything in the shot, 64 lower-case hexadecimal digits: shots that differ in anything differ in
    /// it. It is specific to this version of the program, because other versions may have other members.
    pub fn digest(&self) -> String {
        let mut digest = Digest::default();
        digest.mix("shot", self);
        digest.finish()
    }
}

/// A camera: parallel rays, a pinhole, or a thin lens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Camera {
    /// Rotation and translation; the camera looks along −Z, +Y up.
    pub world_from_camera: DAffine3,
    /// How it projects.
    pub projection: Projection,
    /// The aperture; `None` is a pinhole, with everything in focus. Ignored for parallel rays.
    pub aperture: Option<Aperture>,
    /// Near clip plane: depth along the viewing axis before which nothing is seen; positive.
    pub clip_near_m: f64,
    /// Far clip plane: depth along the viewing axis beyond which nothing is seen; more than `clip_near_m`.
    pub clip_far_m: f64,
}

/// The round aperture of a thin lens in the camera's plane. A point at a depth d other than the focus depth f is imaged
/// as a disc, whose image in the plane of focus has the diameter 2·radius·|d − f|/d.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Aperture {
    /// Positive.
    pub radius_m: f64,
    /// Distance of the plane of focus along the viewing axis, positive.
    pub focus_depth_m: f64,
}

/// How a [`Camera`] projects.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Projection {
    /// Rays through one point.
    Perspective {
        /// Full vertical angle, whatever the aspect ratio; more than 0, at most 179°.
        fov_y_rad: f64,
    },
    /// Parallel rays.
    Orthographic {
        /// Full height of the picture; the width follows from the aspect ratio.
        height_m: f64,
    },
}

/// The size of a picture and how its pixels are sampled.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FilmSettings {
    /// 1 to [`MAX_SIDE_PX`].
    pub width_px: u32,
    /// 1 to [`MAX_SIDE_PX`].
    pub height_px: u32,
    /// Camera paths per pixel, 1 to [`MAX_SAMPLES`]; the most a pixel gets when `noise_threshold` is above 0.
    pub samples: u32,
    /// Adaptive sampling as Cycles defines it, 0 to 1. 0: every pixel gets all samples.
    pub noise_threshold: f32,
    /// Same seed, same picture. At most [`MAX_SEED`].
    pub seed: u32,
    /// The reconstruction filter.
    pub filter: PixelFilter,
    /// Limits on bounces.
    pub bounces: Bounces,
    /// Limit on light found after at most one bounce: |R|+|G|+|B| of one path is at most three times this. 0: no limit.
    pub clamp_direct: f32,
    /// The same for light found later. 0: no limit.
    pub clamp_indirect: f32,
}

/// A separable reconstruction filter f around the pixel's centre: pixel = ∫f·L / ∫f.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum PixelFilter {
    /// The pixel's own square.
    Box,
    /// The Blackman-Harris window.
    BlackmanHarris {
        /// The window is zero beyond this distance from the centre (what Blender calls its width); at most 16.
        half_width_px: f32,
    },
}

/// The most scattering events from which a path goes on, 0 to [`MAX_BOUNCES`] each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bounces {
    /// Of all kinds together. 0: the camera's hit points receive light from lights, environment and emission only.
    pub total: u32,
    /// Diffuse reflection, subsurface, fuzz.
    pub diffuse: u32,
    /// Reflection at metal, dielectric or coat, rough or smooth.
    pub glossy: u32,
    /// Refraction.
    pub transmission: u32,
}

impl Bounces {
    /// The same limit for each kind.
    pub fn all(limit: u32) -> Self {
        Self { total: limit, diffuse: limit, glossy: limit, transmission: limit }
    }
}

/// Light from infinitely far away. Camera rays see it only with [`Background::Environment`].
#[derive(Clone, Debug, Serialize)]
pub enum Environment {
    /// No light.
    None,
    /// The same from all directions.
    Uniform {
        /// Not negative.
        radiance: [f32; 3],
    },
    /// An equirectangular map.
    LatLong {
        /// The map.
        map: Arc<EnvironmentMap>,
        /// Rotates the light about +X, right-handed (+Y goes towards +Z), before the rotation about +Y.
        rotation_x_rad: f64,
        /// Rotates the light about +Y, right-handed (+Z goes towards +X).
        rotation_y_rad: f64,
        /// Factor on the map's pixels, not negative.
        strength: f32,
    },
}

/// An equirectangular map of radiance, twice as wide as high.
///
/// A unit direction (x, y, z) reads it at u = 0.5 + atan2(z, x)/2π, v = acos(y)/π, bilinear between pixel centres at
/// (i + 0.5)/size, with u wrapping around.
#[derive(Clone, PartialEq, Serialize)]
pub struct EnvironmentMap {
    /// Twice `height_px`.
    pub width_px: u32,
    /// At least 1.
    pub height_px: u32,
    /// `width_px * height_px` radiances, linear Rec.709, finite, not negative, row 0 on top (+Y).
    #[serde(serialize_with = "digest::of_numbers")]
    pub rgb: Vec<[f32; 3]>,
}

impl EnvironmentMap {
    /// The same map, brighter by this many stops; values that would overflow become the largest finite one.
    #[must_use]
    pub fn brightened(mut self, ev: f32) -> Self {
        for channel in self.rgb.as_flattened_mut() {
            *channel = (*channel * ev.exp2()).min(f32::MAX);
        }
        self
    }
}

impl std::fmt::Debug for EnvironmentMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EnvironmentMap({}x{})", self.width_px, self.height_px)
    }
}

/// A light with a position or a direction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Light {
    /// A rectangle that emits uniformly on its −Z side.
    Rect {
        /// The rectangle is centred in this frame's XY plane.
        world_from_light: DAffine3,
        /// Along X, positive.
        width_m: f64,
        /// Along Y, positive.
        height_m: f64,
        /// Not negative.
        radiance: [f32; 3],
    },
    /// A point.
    Point {
        /// World space.
        position_m: DVec3,
        /// W/sr per channel: irradiance at distance r is intensity / r².
        intensity: [f32; 3],
    },
    /// Light from infinitely far away.
    Directional {
        /// Direction of travel, unit length.
        direction: DVec3,
        /// W/m² per channel on a surface that faces the light.
        irradiance: [f32; 3],
        /// Largest angle between a direction of light and `direction`; below π/2. Only suns of a file in Blender's look
        /// have it.
        half_angle_rad: f32,
    },
    /// A cone of light from a point. Only files have such lights.
    Spot {
        /// Emits along −Z from the origin.
        world_from_light: DAffine3,
        /// W/sr per channel on the axis.
        intensity: [f32; 3],
        /// Full intensity within this angle from the axis.
        inner_cone_rad: f32,
        /// Nothing beyond this angle from the axis; more than `inner_cone_rad`, at most π/2.
        outer_cone_rad: f32,
        /// The falloff from one angle to the other.
        falloff: SpotFalloff,
    },
}

/// How a spot fades towards the edge of its cone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum SpotFalloff {
    /// Squares the cosine's relative position between the outer and the inner angle (`KHR_lights_punctual`).
    #[default]
    Squared,
    /// Blender's: a smoothstep of the cosine over the fraction 1 − inner/outer of its range from the edge to the axis.
    Smooth,
}

/// A horizontal square, normal +Y, with or without a wall that it sweeps up to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Floor {
    /// Its height.
    pub y_m: f64,
    /// X and Z of its centre.
    pub center_m: [f64; 2],
    /// Its side, positive; and the width of its wall.
    pub size_m: f64,
    /// The wall that it sweeps up to.
    pub sweep: Option<Sweep>,
    /// Whether it is visible itself.
    pub role: FloorRole,
    /// The name of its material.
    pub material: String,
    /// The parameters of its material.
    pub openpbr: OpenPbr,
}

impl Floor {
    /// A square around the Y axis that is visible like other surfaces.
    pub fn square(y_m: f64, size_m: f64, material: impl Into<String>, openpbr: OpenPbr) -> Self {
        let (center_m, material) = ([0.0; 2], material.into());
        Self { y_m, center_m, size_m, sweep: None, role: FloorRole::Surface, material, openpbr }
    }

    /// Whether it is a catcher.
    pub fn catches(&self) -> bool {
        self.role == FloorRole::Catcher
    }
}

/// What a picture shows of a floor. In either case it lights the product, and the product shadows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub enum FloorRole {
    /// A surface like others.
    #[default]
    Surface,
    /// Only what the product does to it is visible: shadows, reflections, light. See
    /// [`Caught`](crate::catcher::Caught).
    Catcher,
}

/// How a floor rises to a wall without an edge, like a photographer's roll of paper: along a quarter cylinder.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Sweep {
    /// The wall is opposite this direction, seen from the floor's centre: it is the direction of the camera. Like a
    /// camera's azimuth: 0° is +Z, 90° is +X.
    pub azimuth_deg: f64,
    /// Distance from the floor's centre to the wall, positive.
    pub distance_m: f64,
    /// Radius of the cylinder, positive, at most the distance and the height.
    pub radius_m: f64,
    /// Height of the wall above the floor, positive.
    pub height_m: f64,
}

/// What is behind the product.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Background {
    /// Nothing: alpha is the coverage of the pixel by surfaces.
    Transparent,
    /// The environment; alpha is 1.
    Environment,
    /// As transparent, but display-referred pictures are laid over this colour after the view transform.
    Color {
        /// Display values, 0 to 1.
        srgb: [f32; 3],
    },
}

/// How radiance becomes display values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct View {
    /// The curve.
    pub transform: ViewTransform,
    /// Radiance is multiplied by 2 to this power before the transform; −32 to 32. Linear output is not affected.
    pub exposure_ev: f32,
}

/// The view transforms, as Blender 5.0.1 has them under these names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub enum ViewTransform {
    /// AgX: highlights desaturate gently, without hue shifts.
    Agx,
    /// Khronos PBR Neutral: base colours keep their sRGB values up to 0.76.
    #[default]
    KhronosNeutral,
    /// Only the sRGB transfer function; values above 1 are clipped.
    Standard,
    /// No transfer function: linear values, clipped to 0 to 1. For data, not for viewing.
    Raw,
    /// AgX with one of its looks.
    AgxLook(AgxLook),
}

/// The looks of AgX: what Blender 5.0.1 calls "AgX - High Contrast" and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum AgxLook {
    /// Contrast 1.57.
    VeryHighContrast,
    /// Contrast 1.4.
    HighContrast,
    /// Contrast 1.2.
    MediumHighContrast,
    /// Contrast 1: like AgX without a look, apart from rounding.
    BaseContrast,
    /// Contrast 0.9.
    MediumLowContrast,
    /// Contrast 0.8.
    LowContrast,
    /// Contrast 0.7.
    VeryLowContrast,
    /// Deeper shadows with more colour, and a darker middle grey.
    Punchy,
    /// Luminance only.
    Greyscale,
}

impl ViewTransform {
    /// The nearest transform of other renderers: the same, but without the looks of AgX.
    pub fn without_look(self) -> Self {
        if matches!(self, Self::AgxLook(_)) { Self::Agx } else { self }
    }
}

impl Word for ViewTransform {
    const ENTRIES: &'static [Entry<Self>] = {
        const fn entry(word: &'static str, value: ViewTransform, meaning: &'static str) -> Entry<ViewTransform> {
            Entry { word, older: &[], value, meaning }
        }
        &[
            entry("agx", Self::Agx, "Filmic: highlights bleach gently"),
            entry("agx_very_high_contrast", Self::AgxLook(AgxLook::VeryHighContrast), "AgX with contrast 1.57"),
            entry("agx_high_contrast", Self::AgxLook(AgxLook::HighContrast), "AgX with contrast 1.4"),
            entry("agx_medium_high_contrast", Self::AgxLook(AgxLook::MediumHighContrast), "AgX with contrast 1.2"),
            entry(
                "agx_base_contrast",
                Self::AgxLook(AgxLook::BaseContrast),
                "AgX with contrast 1: the plain one but for rounding",
            ),
            entry("agx_medium_low_contrast", Self::AgxLook(AgxLook::MediumLowContrast), "AgX with contrast 0.9"),
            entry("agx_low_contrast", Self::AgxLook(AgxLook::LowContrast), "AgX with contrast 0.8"),
            entry("agx_very_low_contrast", Self::AgxLook(AgxLook::VeryLowContrast), "AgX with contrast 0.7"),
            entry("agx_punchy", Self::AgxLook(AgxLook::Punchy), "AgX with deeper, more colourful shadows"),
            entry("agx_greyscale", Self::AgxLook(AgxLook::Greyscale), "AgX without colour"),
            entry("khronos_neutral", Self::KhronosNeutral, "Keeps base colours"),
            entry("standard", Self::Standard, "The sRGB curve, clipped"),
            entry("raw", Self::Raw, "The linear numbers, clipped"),
        ]
    };
}

#[cfg(test)]
impl Shot {
    /// For tests of what surrounds a product: a picture of one pixel.
    pub(crate) fn of_one_pixel(environment: Environment, lights: Vec<Light>) -> Self {
        Self {
            camera: Camera {
                world_from_camera: DAffine3::IDENTITY,
                projection: Projection::Orthographic { height_m: 1.0 },
                aperture: None,
                clip_near_m: 0.1,
                clip_far_m: 10.0,
            },
            film: FilmSettings {
                width_px: 1,
                height_px: 1,
                samples: 1,
                noise_threshold: 0.0,
                seed: 0,
                filter: PixelFilter::Box,
                bounces: Bounces::all(4),
                clamp_direct: 0.0,
                clamp_indirect: 0.0,
            },
            environment,
            lights,
            floor: None,
            background: Background::Transparent,
            view: View { transform: ViewTransform::Raw, exposure_ev: 0.0 },
            lut: None,
        }
    }
}
