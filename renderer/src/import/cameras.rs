//! Cameras, and lights of `KHR_lights_punctual`: what they are, and where nodes put them.

use glam::{DAffine3, DMat3, DVec3};

use super::ImportErrorCode as Code;
use super::blender;
use super::error::{ImportError, quoted};
use super::findings::Findings;
use super::member::Member;
use crate::diagnostic::Severity;
use crate::look::Look;
use crate::scene::{SceneLightKind, SceneProjection};

/// A camera of the file, not yet placed.
pub(super) struct CameraSource<'d> {
    pub(super) name: Option<&'d str>,
    /// The heights of an orthographic camera are in units of the file.
    pub(super) projection: SceneProjection,
}

/// A light of the file, not yet placed.
pub(super) struct LightSource<'d> {
    pub(super) name: Option<&'d str>,
    pub(super) intensity: [f32; 3],
    pub(super) kind: SceneLightKind,
}

/// Reads `/cameras`.
///
/// A camera with an invalid angle or height is only noted; it is refused when a picture is to be taken with it.
pub(super) fn read_cameras<'d>(
    root: &Member<'_, 'd>,
    findings: &mut Findings,
) -> Result<Vec<CameraSource<'d>>, ImportError> {
    root.items("cameras")?.map(|camera| read_camera(&camera?, findings)).collect()
}

fn read_camera<'d>(camera: &Member<'_, 'd>, findings: &mut Findings) -> Result<CameraSource<'d>, ImportError> {
    const CODE: &str = "camera_unusable";
    let kind = camera.text("type")?.ok_or_else(|| camera.missing("type"))?;
    let projection = match kind {
        "perspective" => {
            let perspective = camera.object("perspective")?.ok_or_else(|| camera.missing("perspective"))?;
            let fov_y_rad = perspective.number("yfov")?.ok_or_else(|| perspective.missing("yfov"))?;
            if !(fov_y_rad > 0.0 && fov_y_rad < std::f64::consts::PI) {
                let message = format!("{fov_y_rad} is not an angle of view: it must be above 0 and below π");
                findings.add(CODE, Severity::Warning, perspective.pointer_to("yfov"), message);
            }
            SceneProjection::Perspective { fov_y_rad }
        }
        "orthographic" => {
            let orthographic = camera.object("orthographic")?.ok_or_else(|| camera.missing("orthographic"))?;
            let half_height = orthographic.number("ymag")?.ok_or_else(|| orthographic.missing("ymag"))?.abs();
            if half_height == 0.0 {
                findings.add(CODE, Severity::Warning, orthographic.pointer_to("ymag"), "the height of the view is 0");
            }
            SceneProjection::Orthographic { height_m: 2.0 * half_height }
        }
        other => {
            return Err(camera.error_at("type", Code::Schema, format!("{} is not a type of camera", quoted(other))));
        }
    };
    Ok(CameraSource { name: camera.text("name")?, projection })
}

/// Reads the lights of `KHR_lights_punctual`.
pub(super) fn read_lights<'d>(root: &Member<'_, 'd>, look: Look) -> Result<Vec<LightSource<'d>>, ImportError> {
    match root.extension("KHR_lights_punctual")? {
        Some(extension) => extension.items("lights")?.map(|light| read_light(&light?, look)).collect(),
        None => Ok(Vec::new()),
    }
}

fn read_light<'d>(light: &Member<'_, 'd>, look: Look) -> Result<LightSource<'d>, ImportError> {
    let kind = match light.text("type")?.ok_or_else(|| light.missing("type"))? {
        "point" => SceneLightKind::Point,
        "directional" => SceneLightKind::Directional,
        "spot" => read_spot(light)?,
        other => return Err(light.error_at("type", Code::Schema, format!("{} is not a type of light", quoted(other)))),
    };
    let color = light.numbers::<3>("color")?.unwrap_or([1.0; 3]);
    let default_intensity = match look {
        Look::Gltf => 1.0,
        Look::Blender50 => blender::default_intensity(kind),
    };
    let intensity = light.number("intensity")?.unwrap_or(default_intensity);
    if intensity < 0.0 || color.iter().any(|channel| *channel < 0.0) {
        return Err(light.error(Code::Schema, "a light cannot have a negative colour or intensity"));
    }
    let intensity = color.map(|channel| (channel * intensity) as f32);
    if !intensity.iter().all(|channel| channel.is_finite()) {
        return Err(light.error(Code::NonFinite, "the product of colour and intensity is infinite in single precision"));
    }
    Ok(LightSource { name: light.text("name")?, intensity, kind })
}

fn read_spot(light: &Member<'_, '_>) -> Result<SceneLightKind, ImportError> {
    const OUTER_MAX_RAD: f64 = std::f64::consts::FRAC_PI_2;
    let (mut inner, mut outer) = (0.0, std::f64::consts::FRAC_PI_4);
    if let Some(spot) = light.object("spot")? {
        inner = spot.number("innerConeAngle")?.unwrap_or(inner);
        outer = spot.number("outerConeAngle")?.unwrap_or(outer);
        // π/2 rounded to single precision is slightly above π/2.
        if !(0.0..=OUTER_MAX_RAD + 1e-6).contains(&outer) {
            return Err(spot.error_at("outerConeAngle", Code::Schema, format!("{outer} is not between 0 and π/2")));
        }
        if !(inner >= 0.0 && inner < outer) {
            let message = format!("{inner} is not between 0 and the outer angle of {outer}");
            return Err(spot.error_at("innerConeAngle", Code::Schema, message));
        }
    }
    Ok(SceneLightKind::Spot { inner_cone_rad: inner as f32, outer_cone_rad: outer.min(OUTER_MAX_RAD) as f32 })
}

/// Rotation and translation of a node's transform, as cameras and lights take it: without scale, keeping the viewing
/// axis and the upward direction. `None` where the transform flattens one of them.
pub(super) fn rigid(world_from_node: &DAffine3) -> Option<DAffine3> {
    let z = world_from_node.matrix3.z_axis.try_normalize()?;
    let y = world_from_node.matrix3.y_axis.try_normalize()?;
    let y = (y - z * y.dot(z)).try_normalize()?;
    let rotation = DMat3::from_cols(DVec3::cross(y, z), y, z);
    Some(DAffine3::from_mat3_translation(rotation, world_from_node.translation))
}
