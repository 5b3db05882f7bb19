//! From a description of a picture to a [`Shot`].
//!
//! Input: a [`ShotRequest`] of plain values, and the scene. Output: the shot, and findings.

use std::str::FromStr;
use std::sync::Arc;

use glam::{DAffine3, DVec3};

use super::error::{ErrorCode, ShotError};
use super::framing::{Fit, Hull, Lens};
use super::ground::{Ground, GroundKind};
use super::hidden::part_hidden;
use super::inside::{Eye, camera_inside};
use super::lut::Lut;
use super::rig::{RigName, RigTurn};
use super::turntable::Turn;
use super::view::{self, ViewDirection};
use super::{
    Background, Bounces, Camera, Environment, EnvironmentMap, FilmSettings, Light, MAX_BOUNCES, MAX_PIXELS,
    MAX_SAMPLES, MAX_SEED, MAX_SIDE_PX, PixelFilter, Shot, SpotFalloff, View, ViewTransform,
};
use crate::diagnostic::{Diagnostic, Severity, option_place};
use crate::inspect::{unseen, weak_lights};
use crate::look::{LUMENS_PER_WATT, Look};
use crate::part_pattern::PartPattern;
use crate::scene::{Scene, SceneLight, SceneLightKind};

mod camera;

use camera::place;

/// Half the angle of a new sun in Blender, 0.526°, which is that of the real sun.
const SUN_HALF_ANGLE_RAD: f32 = 0.5 * 0.009_180_432;

/// How a picture is to be taken.
#[derive(Clone, Debug)]
pub struct ShotRequest {
    /// Size and sampling.
    pub film: FilmSettings,
    /// Where the camera is.
    pub framing: Framing,
    /// Depth of field; `None`: everything is in focus.
    pub depth_of_field: Option<DepthOfField>,
    /// What the product stands on; `None`: nothing, it floats.
    pub ground: Option<Ground>,
    /// What lights it.
    pub light: LightChoice,
    /// Rotates the light about +Y, in addition to the choice's own rotation.
    pub light_rotation_deg: f64,
    /// What is behind the product.
    pub background: Background,
    /// How radiance becomes display values.
    pub view: View,
    /// A lookup table in addition to the view transform.
    pub lut: Option<Arc<Lut>>,
}

impl Default for ShotRequest {
    fn default() -> Self {
        Self {
            film: FilmSettings {
                width_px: 1024,
                height_px: 1024,
                samples: 256,
                noise_threshold: 0.01,
                seed: 0,
                filter: PixelFilter::BlackmanHarris { half_width_px: 1.5 },
                bounces: Bounces::all(12),
                clamp_direct: 0.0,
                clamp_indirect: 0.0,
            },
            framing: Framing::Auto {
                direction: view::THREE_QUARTER.direction,
                lens: Lens::Perspective { focal_mm: 85.0 },
                fit: Fit::Fill(0.85),
                crop_to: Vec::new(),
                share_scale_with: Vec::new(),
            },
            depth_of_field: None,
            ground: None,
            light: LightChoice::Rig(RigName::StudioSoft),
            light_rotation_deg: 0.0,
            background: Background::Transparent,
            view: View { transform: ViewTransform::Agx, exposure_ev: 0.0 },
            lut: None,
        }
    }
}

/// Where a picture is taken from.
#[derive(Clone, Debug, PartialEq)]
pub enum Framing {
    /// From a direction, as close as the product fits.
    Auto {
        /// The direction.
        direction: ViewDirection,
        /// The lens.
        lens: Lens,
        /// How much of the picture the product takes.
        fit: Fit,
        /// The parts that are framed, by [patterns](crate::part_pattern::PartPattern); all when empty. The others are
        /// drawn too, as far as they are in the picture.
        crop_to: Vec<String>,
        /// Other directions whose pictures show the product at the same scale as this one: the largest that fits all of
        /// them.
        share_scale_with: Vec<ViewDirection>,
    },
    /// By a camera of the file.
    SceneCamera {
        /// Its name.
        name: String,
    },
}

/// Depth of field as a photographer sets it.
#[derive(Clone, Debug, PartialEq)]
pub struct DepthOfField {
    /// Focal length (for a sensor of 36 mm along the longer side of the picture) by the diameter of the aperture;
    /// positive. Lengths are the scene's metres: as with a real lens, a small product has a shallow depth of field.
    pub f_number: f64,
    /// What is in focus.
    pub focus: Focus,
}

/// The plane of focus, perpendicular to the viewing axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Focus {
    /// Through the centre of the bounds of what is framed.
    #[default]
    Center,
    /// Through the point of these parts that is closest to the camera.
    Part {
        /// Their name, a path, or a glob.
        name: String,
    },
}

/// What lights a picture.
#[derive(Clone, Debug)]
pub enum LightChoice {
    /// A procedural rig, which follows the camera.
    Rig(RigName),
    /// A custom rig, as [`Rig::map`](super::rig::Rig::map) paints it; it follows the camera.
    Painted(Arc<EnvironmentMap>),
    /// An environment map, which is fixed in the world.
    Map(Arc<EnvironmentMap>),
    /// The lights of the file and nothing else. glTF's units are photometric throughout, candela and lux here and cd/m²
    /// for emission (KHR_lights_punctual, KHR_materials_emissive_strength), and keep their proportions: 1 cd counts as
    /// 1 W/sr, 1 lux as 1 W/m². For watts at 555 nm, divide everything by 683 lm/W, an exposure of −9.4 EV.
    /// [`Look::Blender50`] divides only the lights.
    SceneLights,
}

/// Makes the shot of a request.
///
/// # Errors
///
/// `shot.range` with the option in `at`, `shot.camera_not_found`, `shot.part_not_found`, `shot.conflict` for depth of
/// field in parallel rays, `shot.nothing_to_frame`.
pub fn build(request: &ShotRequest, scene: &Scene) -> Result<(Shot, Vec<Diagnostic>), ShotError> {
    assemble(request, scene, None)
}

/// The same; for a turntable, the camera has the product in view at every angle.
pub(super) fn assemble(
    request: &ShotRequest,
    scene: &Scene,
    turn: Option<&Turn>,
) -> Result<(Shot, Vec<Diagnostic>), ShotError> {
    check_film(&request.film)?;
    in_range("light_rotation_deg", request.light_rotation_deg, -1e6..=1e6)?;
    in_range("exposure_ev", f64::from(request.view.exposure_ev), -32.0..=32.0)?;
    let mut diagnostics = Vec::new();
    let (mut camera, film) = place(request, scene, turn)?;
    if turn.is_none() {
        diagnostics.extend(camera_inside(Eye::of(&camera, None).as_slice(), scene));
        diagnostics.extend(unseen_subject(request, &camera, scene));
    }
    let floor = match &request.ground {
        Some(ground) if turn.is_some() && ground.kind == GroundKind::Sweep => {
            let message = "a sweep rises behind the product for one camera, so a turntable cannot have it";
            return Err(ShotError::of_option(ErrorCode::Conflict, "ground", message).help("use the ground `floor`"));
        }
        Some(ground) => {
            let aspect = f64::from(film.width_px) / f64::from(film.height_px);
            let (floor, odd) = ground.under(&Hull::new(scene)?, &mut camera, aspect)?;
            diagnostics.extend(odd);
            floor
        }
        None => None,
    };
    let orientation = &camera.world_from_camera.matrix3;
    let (azimuth_deg, elevation_deg) = match &request.framing {
        Framing::Auto { direction, .. } => (direction.azimuth_deg, direction.elevation_deg),
        Framing::SceneCamera { .. } => (view::azimuth_deg(orientation), view::elevation_deg(orientation)),
    };
    let turn = RigTurn::following(azimuth_deg, elevation_deg, request.light_rotation_deg);
    let (environment, lights) = match &request.light {
        LightChoice::Rig(rig) => (rig.environment(turn), Vec::new()),
        LightChoice::Painted(map) => (turn.of(Arc::clone(map)), Vec::new()),
        LightChoice::Map(map) => {
            let turn = RigTurn { x_rad: 0.0, y_rad: request.light_rotation_deg.to_radians() };
            (turn.of(Arc::clone(map)), Vec::new())
        }
        LightChoice::SceneLights => {
            let turn = DAffine3::from_rotation_y(request.light_rotation_deg.to_radians());
            (Environment::None, scene.lights.iter().map(|light| scene_light(light, turn, scene.look)).collect())
        }
    };
    if matches!(environment, Environment::None) && lights.is_empty() {
        diagnostics.push(Diagnostic {
            code: "shot.no_lights",
            severity: Severity::Warning,
            at: option_place("light"),
            message:
                "the file has no lights: without surfaces that emit light the picture is black; choose another light"
                    .to_owned(),
        });
    }
    let (background, view) = (request.background, request.view);
    let shot = Shot { camera, film, environment, lights, floor, background, view, lut: request.lut.clone() };
    if let Some(bounds) = scene.bounds() {
        let name = |i: usize| scene.lights.get(i).and_then(|light| light.name.as_deref()).unwrap_or_default();
        diagnostics.extend(weak_lights(&shot, &bounds, |i| format!("light {i} {:?}", name(i))));
    }
    diagnostics.extend(unseen(scene, &shot));
    Ok((shot, diagnostics))
}

/// Whether other parts hide what the picture is about: the parts that it is cropped to, or else those in focus.
fn unseen_subject(request: &ShotRequest, camera: &Camera, scene: &Scene) -> Option<Diagnostic> {
    let named = |names: &[String]| names.iter().map(|name| PartPattern::new(name)).collect::<Vec<_>>();
    if let Framing::Auto { crop_to, .. } = &request.framing
        && !crop_to.is_empty()
    {
        return part_hidden("crop_to", &named(crop_to), camera, scene);
    }
    match &request.depth_of_field {
        Some(DepthOfField { focus: Focus::Part { name }, .. }) => {
            part_hidden("focus", &named(std::slice::from_ref(name)), camera, scene)
        }
        _ => None,
    }
}

pub(super) fn in_range(option: &str, value: f64, range: std::ops::RangeInclusive<f64>) -> Result<(), ShotError> {
    if range.contains(&value) {
        return Ok(());
    }
    let message = format!("{value} is out of range: expected {} to {}", range.start(), range.end());
    Err(ShotError::of_option(ErrorCode::Range, option, message))
}

fn check_film(film: &FilmSettings) -> Result<(), ShotError> {
    let FilmSettings {
        width_px,
        height_px,
        samples,
        noise_threshold,
        seed,
        filter,
        bounces,
        clamp_direct,
        clamp_indirect,
    } = *film;
    in_range("width", width_px.into(), 1.0..=MAX_SIDE_PX.into())?;
    in_range("height", height_px.into(), 1.0..=MAX_SIDE_PX.into())?;
    if u64::from(width_px) * u64::from(height_px) > MAX_PIXELS {
        let message = format!("{width_px}x{height_px} are more than {MAX_PIXELS} pixels");
        return Err(ShotError::of_option(ErrorCode::Range, "width", message));
    }
    in_range("samples", samples.into(), 1.0..=MAX_SAMPLES.into())?;
    in_range("noise_threshold", noise_threshold.into(), 0.0..=1.0)?;
    in_range("seed", seed.into(), 0.0..=MAX_SEED.into())?;
    if let PixelFilter::BlackmanHarris { half_width_px } = filter {
        in_range("filter", half_width_px.into(), f64::MIN_POSITIVE..=16.0)?;
    }
    for limit in [bounces.total, bounces.diffuse, bounces.glossy, bounces.transmission] {
        in_range("max_bounces", limit.into(), 0.0..=MAX_BOUNCES.into())?;
    }
    in_range("clamp_direct", clamp_direct.into(), 0.0..=f32::MAX.into())?;
    in_range("clamp_indirect", clamp_indirect.into(), 0.0..=f32::MAX.into())
}

/// A light of the file, rotated, in units of radiance.
fn scene_light(light: &SceneLight, turn: DAffine3, look: Look) -> Light {
    let world_from_light = turn * light.world_from_light;
    let (per_lumen, falloff, half_angle_rad) = match look {
        Look::Gltf => (1.0, SpotFalloff::Squared, 0.0),
        // Emission and environment keep their values, so that lights of the file are faint beside them.
        Look::Blender50 => (1.0 / LUMENS_PER_WATT, SpotFalloff::Smooth, SUN_HALF_ANGLE_RAD),
    };
    let intensity = light.intensity.map(|channel| (f64::from(channel) * per_lumen) as f32);
    match light.kind {
        SceneLightKind::Point => Light::Point { position_m: world_from_light.translation, intensity },
        SceneLightKind::Directional => Light::Directional {
            direction: (world_from_light.matrix3 * DVec3::NEG_Z).normalize_or(DVec3::NEG_Y),
            irradiance: intensity,
            half_angle_rad,
        },
        SceneLightKind::Spot { inner_cone_rad, outer_cone_rad } => {
            Light::Spot { world_from_light, intensity, inner_cone_rad, outer_cone_rad, falloff }
        }
    }
}

/// The value of the option `background`: `transparent`, `environment`, `white` or `#RRGGBB`.
impl FromStr for Background {
    type Err = ShotError;

    fn from_str(text: &str) -> Result<Self, ShotError> {
        let refused = || {
            let message = format!("{text:?} is not a background");
            ShotError::of_option(ErrorCode::Range, "background", message)
                .help("expected transparent, environment, white, or a colour such as #F0F0F0")
        };
        match text {
            "transparent" => Ok(Self::Transparent),
            "environment" => Ok(Self::Environment),
            "white" => Ok(Self::Color { srgb: [1.0; 3] }),
            _ => {
                let digits =
                    text.strip_prefix('#').filter(|d| d.len() == 6 && d.bytes().all(|b| b.is_ascii_hexdigit()));
                let value = u32::from_str_radix(digits.ok_or_else(refused)?, 16).map_err(|_| refused())?;
                let [_, srgb @ ..] = value.to_be_bytes().map(|byte| f32::from(byte) / 255.0);
                Ok(Self::Color { srgb })
            }
        }
    }
}

#[cfg(test)]
mod tests;
