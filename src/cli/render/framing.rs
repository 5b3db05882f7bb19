//! Options that say where a picture is taken from, how much of it the product takes, and what is sharp.

use clap::{Args, value_parser};
use packshot::preset::Preset;
use packshot::template::Template;
use packshot_renderer::shot::framing::{Fit, Lens};
use packshot_renderer::shot::request::{DepthOfField, Focus, Framing};
use packshot_renderer::shot::view::{SIX_VIEW, THREE_QUARTER, ViewDirection};

use crate::cli::options::number;

/// Where one picture, or the first frame, is taken from.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Camera")]
pub(crate) struct DirectionArgs {
    /// front, right, back, left, top, bottom or three_quarter [default: three_quarter]
    #[arg(long, value_name = "NAME", value_parser = view_direction, conflicts_with_all = ["azimuth_deg", "elevation_deg", "camera"])]
    pub(crate) view: Option<ViewDirection>,
    /// Turns the camera about +Y: 0 is the front (+Z), 90 is +X
    #[arg(long, value_name = "A", allow_negative_numbers = true, value_parser = number(-1e6, 1e6), conflicts_with = "camera")]
    pub(crate) azimuth_deg: Option<f64>,
    /// Raises the camera: -90 to 90
    #[arg(long, value_name = "E", allow_negative_numbers = true, value_parser = number(-90.0, 90.0), conflicts_with = "camera")]
    pub(crate) elevation_deg: Option<f64>,
    /// A camera of the file
    #[arg(long, value_name = "NAME", conflicts_with_all = ["fill", "margin_px", "trim", "crop_to", "lens_mm", "ortho"])]
    pub(crate) camera: Option<String>,
}

/// How the product is seen from there.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Camera")]
pub(crate) struct LensArgs {
    /// Share of the frame that the product takes in its tighter direction [default: 0.85]
    #[arg(long, value_name = "F", allow_negative_numbers = true, value_parser = number(0.001, 1.0))]
    pub(crate) fill: Option<f64>,
    /// Leave so many pixels at the tighter sides instead
    #[arg(long, value_name = "PX", allow_negative_numbers = true, value_parser = value_parser!(u32).range(0..=8191), conflicts_with = "fill")]
    pub(crate) margin_px: Option<u32>,
    /// Cut the picture within its width and height so that the margin is the same all around
    #[arg(long, conflicts_with = "fill")]
    pub(crate) trim: bool,
    /// Frame this part, by name or path (repeatable); the others are drawn as far as they reach into the picture
    #[arg(long, value_name = "PART")]
    pub(crate) crop_to: Vec<String>,
    /// Focal length for a 36 mm sensor along the longer side [default: 85]
    #[arg(long, value_name = "L", allow_negative_numbers = true, value_parser = number(1.0, 10_000.0))]
    pub(crate) lens_mm: Option<f64>,
    /// Parallel projection
    #[arg(long, conflicts_with = "lens_mm")]
    pub(crate) ortho: bool,
    /// Depth of field: the f-number of the lens, for a 36 mm sensor and the product's real size
    #[arg(long, value_name = "F", allow_negative_numbers = true, value_parser = number(0.1, 1e6), conflicts_with = "ortho")]
    pub(crate) dof: Option<f64>,
    /// Focus on the nearest point of this part, by name or path [default: the plane through the product's middle]
    #[arg(long, value_name = "PART")]
    pub(crate) focus: Option<String>,
}

fn view_direction(name: &str) -> Result<ViewDirection, String> {
    let names = SIX_VIEW.iter().chain([&THREE_QUARTER]).map(|view| view.name).collect::<Vec<_>>().join(", ");
    ViewDirection::by_name(name).ok_or_else(|| format!("expected one of {names}"))
}

/// Where a template looks from, if it says it; an angle that it leaves out is that of the front view.
fn direction_of(template: &Template) -> Option<ViewDirection> {
    let (azimuth_deg, elevation_deg) = (template.camera.azimuth_deg, template.camera.elevation_deg);
    (azimuth_deg.is_some() || elevation_deg.is_some()).then_some(ViewDirection {
        azimuth_deg: azimuth_deg.unwrap_or(0.0),
        elevation_deg: elevation_deg.unwrap_or(0.0),
    })
}

impl DirectionArgs {
    /// The direction; `None` for a camera of the file.
    pub(crate) fn direction(&self, preset: Option<&Preset>, template: Option<&Template>) -> Option<ViewDirection> {
        if self.camera.is_some() {
            return None;
        }
        let preset = preset.and_then(|preset| preset.direction).or_else(|| template.and_then(direction_of));
        Some(match (self.azimuth_deg, self.elevation_deg) {
            (None, None) => self.view.or(preset).unwrap_or(THREE_QUARTER.direction),
            (azimuth, elevation) => {
                // An angle that is not given is the preset's, the template's, or that of the front view.
                let ViewDirection { azimuth_deg, elevation_deg } =
                    preset.unwrap_or(ViewDirection { azimuth_deg: 0.0, elevation_deg: 0.0 });
                ViewDirection {
                    azimuth_deg: azimuth.unwrap_or(azimuth_deg),
                    elevation_deg: elevation.unwrap_or(elevation_deg),
                }
            }
        })
    }

    /// Where the picture is taken from; `fit` is that of preset or template.
    pub(crate) fn framing(
        &self,
        lens: &LensArgs,
        preset: Option<&Preset>,
        fit: Option<Fit>,
        template: Option<&Template>,
    ) -> Framing {
        match (self.direction(preset, template), &self.camera) {
            (None, Some(name)) => Framing::SceneCamera { name: name.clone() },
            (direction, _) => lens.framing(direction.unwrap_or(THREE_QUARTER.direction), Vec::new(), fit, template),
        }
    }
}

impl LensArgs {
    /// The product from a direction, as large as from all directions of `share_scale_with`.
    pub(crate) fn framing(
        &self,
        direction: ViewDirection,
        share_scale_with: Vec<ViewDirection>,
        default_fit: Option<Fit>,
        template: Option<&Template>,
    ) -> Framing {
        let lens = match (self.ortho, self.lens_mm) {
            (true, _) => Lens::Orthographic,
            (false, Some(focal_mm)) => Lens::Perspective { focal_mm },
            (false, None) => {
                template.and_then(|template| template.camera.lens).unwrap_or(Lens::Perspective { focal_mm: 85.0 })
            }
        };
        let fit = match (self.fill, self.margin_px) {
            (Some(fill), _) => Fit::Fill(fill),
            (None, Some(px)) if self.trim || matches!(default_fit, Some(Fit::TrimmedToPx(_))) => Fit::TrimmedToPx(px),
            (None, Some(px)) => Fit::MarginPx(px),
            (None, None) => default_fit.unwrap_or(Fit::Fill(0.85)),
        };
        Framing::Auto { direction, lens, fit, crop_to: self.crop_to.clone(), share_scale_with }
    }

    /// What is sharp.
    pub(crate) fn depth_of_field(&self, template: Option<&Template>) -> Option<DepthOfField> {
        let wish = template.and_then(|template| template.camera.depth_of_field.as_ref()).filter(|_| !self.ortho);
        let f_number = self.dof.or(wish.map(|wish| wish.f_number))?;
        let focus = match (&self.focus, wish) {
            (Some(name), _) => Focus::Part { name: name.clone() },
            (None, Some(wish)) => wish.focus.clone(),
            (None, None) => Focus::Center,
        };
        Some(DepthOfField { f_number, focus })
    }
}
