//! The position of a request's camera, and its focus.

use glam::DVec2;
use packshot_words::{KnownNames, did_you_mean};

use super::{DepthOfField, Focus, Framing, ShotRequest, in_range};
use crate::part_pattern::{CalledParts, PartPattern};
use crate::scene::{Part, Scene, SceneCamera, SceneProjection};
use crate::shot::error::{ErrorCode, ShotError};
use crate::shot::framing::{self, Envelope, Fit, Hull, Lens, SweptHull, readable_angle};
use crate::shot::turntable::Turn;
use crate::shot::view::ViewDirection;
use crate::shot::{Aperture, Camera, FilmSettings, Projection};

/// Shortest and longest focal length.
const FOCAL_MM: std::ops::RangeInclusive<f64> = 1.0..=10_000.0;
/// Smallest and largest f-number.
const F_NUMBER: std::ops::RangeInclusive<f64> = 0.1..=1e6;
/// Widest angle of a camera, as in a shot file.
const MAX_FOV_Y_RAD: f64 = 179.0 * std::f64::consts::PI / 180.0;
/// Most names in a message.
const NAMED_MAX: usize = 20;

/// The camera, and the film, whose shorter side may depend on the product.
pub(super) fn place(
    request: &ShotRequest,
    scene: &Scene,
    turn: Option<&Turn>,
) -> Result<(Camera, FilmSettings), ShotError> {
    let hull = Hull::new(scene)?;
    let drawn = Shown::new(hull, turn);
    let (mut camera, film, center) = match &request.framing {
        Framing::Auto { direction, lens, fit, crop_to, share_scale_with } => {
            let framed = match &crop_to[..] {
                [] => None,
                names => {
                    let meant = patterns(scene, names, "crop_to")?;
                    let hull = Hull::of_parts(scene, |part| meant.iter().any(|pattern| pattern.is_of(part)))?;
                    Some(Shown::new(hull, turn))
                }
            };
            let framed = framed.as_ref().unwrap_or(&drawn).envelope();
            let auto = AutoFraming { direction: *direction, lens: *lens, fit: *fit, share_scale_with };
            let (mut camera, size_px) = auto.camera(framed, [request.film.width_px, request.film.height_px])?;
            if !crop_to.is_empty() {
                framing::stand_before(&mut camera, drawn.envelope())?;
            }
            let [width_px, height_px] = size_px;
            (camera, FilmSettings { width_px, height_px, ..request.film }, framed.center())
        }
        Framing::SceneCamera { name } => {
            (scene_camera(drawn.envelope(), scene, name)?, request.film, drawn.envelope().center())
        }
    };
    if let Some(depth_of_field) = &request.depth_of_field {
        // Focus is set for the product at the start of the turn.
        let from_product = turn.map_or(camera.world_from_camera, |turn| turn.undone() * camera.world_from_camera);
        let depth_m = match &depth_of_field.focus {
            Focus::Center => {
                let back = camera.world_from_camera.matrix3.z_axis;
                (camera.world_from_camera.translation - center).dot(back)
            }
            Focus::Part { name } => {
                let meant = patterns(scene, std::slice::from_ref(name), "focus")?;
                let part = Hull::of_parts(scene, |part| meant.iter().any(|pattern| pattern.is_of(part)))?;
                framing::nearest_depth_m(&part, &from_product)?
            }
        };
        camera.aperture = Some(aperture(depth_of_field, &camera, &film, depth_m)?);
    }
    Ok((camera, film))
}

/// What is framed: a hull, or everything that it sweeps on a turntable.
enum Shown<'a> {
    Still(Hull<'a>),
    Swept(SweptHull),
}

impl<'a> Shown<'a> {
    fn new(hull: Hull<'a>, turn: Option<&Turn>) -> Self {
        match turn {
            None => Self::Still(hull),
            Some(turn) => Self::Swept(SweptHull::new(&hull, DVec2::new(turn.center.x, turn.center.z))),
        }
    }

    fn envelope(&self) -> &dyn Envelope {
        match self {
            Self::Still(hull) => hull,
            Self::Swept(hull) => hull,
        }
    }
}

/// What [`Framing::Auto`] contains, without the parts.
struct AutoFraming<'a> {
    direction: ViewDirection,
    lens: Lens,
    fit: Fit,
    share_scale_with: &'a [ViewDirection],
}

impl AutoFraming<'_> {
    /// The camera, and the size of its picture.
    fn camera(&self, framed: &dyn Envelope, size_px: [u32; 2]) -> Result<(Camera, [u32; 2]), ShotError> {
        in_range("azimuth_deg", self.direction.azimuth_deg, -1e6..=1e6)?;
        in_range("elevation_deg", self.direction.elevation_deg, -90.0..=90.0)?;
        if let Fit::Fill(fill) = self.fit {
            in_range("fill", fill, 0.001..=1.0)?;
        }
        if let Lens::Perspective { focal_mm } = self.lens {
            in_range("lens_mm", focal_mm, FOCAL_MM)?;
        }
        let orientation = self.direction.orientation();
        let size_px = match self.fit {
            Fit::TrimmedToPx(margin_px) if self.share_scale_with.is_empty() => {
                framing::trimmed_size_px(framed, &orientation, self.lens, size_px, margin_px)?
            }
            Fit::TrimmedToPx(_) => {
                let message = "pictures that are trimmed to the product cannot share one scale";
                return Err(ShotError::of_option(ErrorCode::Conflict, "scale", message)
                    .help("show each view in its own size (`per_view`)"));
            }
            Fit::Fill(_) | Fit::MarginPx(_) => size_px,
        };
        let (aspect, shares) = (f64::from(size_px[0]) / f64::from(size_px[1]), self.fit.shares(size_px)?);
        let scale_m = |direction: ViewDirection| {
            framing::fitting_scale_m(framed, &direction.orientation(), self.lens, aspect, shares)
        };
        let mut shared_m = scale_m(self.direction)?;
        for &direction in self.share_scale_with.iter().filter(|&&direction| direction != self.direction) {
            shared_m = shared_m.max(scale_m(direction)?);
        }
        Ok((framing::frame_at_scale(framed, &orientation, self.lens, aspect, shared_m)?, size_px))
    }
}

/// Patterns for parts; each must match at least one.
fn patterns(scene: &Scene, texts: &[String], option: &str) -> Result<Vec<PartPattern>, ShotError> {
    let patterns: Vec<PartPattern> = texts.iter().map(|text| PartPattern::new(text)).collect();
    for pattern in &patterns {
        if !scene.parts.iter().any(|part| pattern.is_of(part)) {
            let mut known: Vec<String> = scene.parts.iter().map(Part::name).collect();
            known.dedup();
            let more = known.len().saturating_sub(NAMED_MAX);
            known.truncate(NAMED_MAX);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let message = format!("no part that is shown has a name or path like {}", pattern.quoted());
            let listed = format!("{}{more}", known.join(", "));
            let help = match CalledParts::new(&scene.parts).did_you_mean(pattern.text()) {
                Some(question) => format!("{question} The parts are {listed}"),
                None => format!("the parts are {listed}"),
            };
            return Err(ShotError::of_option(ErrorCode::PartNotFound, option, message).help(help));
        }
    }
    Ok(patterns)
}

/// Most cameras listed in a message.
const LISTED_MAX: usize = 20;

/// A name shortened for a message.
fn short(name: &str) -> String {
    const LENGTH_MAX: usize = 80;
    let shown: String = name.chars().take(LENGTH_MAX).flat_map(char::escape_debug).collect();
    if name.chars().nth(LENGTH_MAX).is_some() { format!("`{shown}…`") } else { format!("`{shown}`") }
}

fn aperture(
    settings: &DepthOfField,
    camera: &Camera,
    film: &FilmSettings,
    depth_m: f64,
) -> Result<Aperture, ShotError> {
    in_range("dof", settings.f_number, F_NUMBER)?;
    let Projection::Perspective { fov_y_rad } = camera.projection else {
        let message = "an orthographic camera has no depth of field: everything is sharp";
        return Err(ShotError::of_option(ErrorCode::Conflict, "dof", message)
            .help("leave out depth of field, or choose a camera with perspective"));
    };
    if depth_m <= camera.clip_near_m {
        let message = "the focus would lie at the camera or behind it";
        return Err(
            ShotError::of_option(ErrorCode::Range, "focus", message).help("focus on a part that the camera sees")
        );
    }
    let aspect = f64::from(film.width_px) / f64::from(film.height_px);
    let focal_m = 1e-3 * framing::focal_mm(fov_y_rad, aspect);
    Ok(Aperture { radius_m: 0.5 * focal_m / settings.f_number, focus_depth_m: depth_m })
}

/// The first camera of the file with this name, or else the one with this number, counted from 0 in the order of the
/// nodes.
fn scene_camera(drawn: &dyn Envelope, scene: &Scene, name: &str) -> Result<Camera, ShotError> {
    let by_name = scene.cameras.iter().find(|camera| camera.name.as_deref() == Some(name));
    let by_number = || scene.cameras.get(name.parse::<usize>().ok()?);
    let Some(camera) = by_name.or_else(by_number) else {
        let called = |(number, camera): (usize, &SceneCamera)| match &camera.name {
            Some(name) => format!("{number} {}", short(name)),
            None => format!("{number} (without a name)"),
        };
        let cameras: Vec<String> = scene.cameras.iter().enumerate().take(LISTED_MAX).map(called).collect();
        let more = scene.cameras.len().saturating_sub(LISTED_MAX);
        let named = scene.cameras.iter().filter_map(|camera| camera.name.as_deref());
        let (question, give) = match did_you_mean(&KnownNames::new(named).near(name)) {
            Some(question) => (format!("{question} "), "Give"),
            None => (String::new(), "give"),
        };
        let help = match (cameras.is_empty(), more) {
            (true, _) => "the file has no cameras: choose a view by name".to_owned(),
            (false, 0) => format!("{question}{give} the number or the name of one that it has: {}", cameras.join(", ")),
            (false, more) => {
                let cameras = cameras.join(", ");
                format!("{question}{give} the number or the name of one that it has: {cameras}, and {more} more")
            }
        };
        let message = format!("the file has no camera {}", short(name));
        return Err(ShotError::of_option(ErrorCode::CameraNotFound, "camera", message).help(help));
    };
    let world_from_camera = camera.world_from_camera;
    let projection = match camera.projection {
        SceneProjection::Perspective { fov_y_rad } => {
            in_range("camera", fov_y_rad, f64::MIN_POSITIVE..=MAX_FOV_Y_RAD)?;
            Projection::Perspective { fov_y_rad: readable_angle(fov_y_rad) }
        }
        SceneProjection::Orthographic { height_m } => {
            in_range("camera", height_m, f64::MIN_POSITIVE..=f64::MAX)?;
            Projection::Orthographic { height_m }
        }
    };
    let (clip_near_m, clip_far_m) = framing::clip_planes(drawn, &world_from_camera)?;
    Ok(Camera { world_from_camera, projection, aperture: None, clip_near_m, clip_far_m })
}
