//! Shot templates: how a kind of picture is taken, whatever the product: camera, light, backdrop, film settings, view,
//! material overrides, files.
//!
//! Input: the TOML text of a template, or the name of a built-in one. Output: a [`Template`], which [`Template::apply`]
//! applies to a request. What a template leaves out stays unchanged; the user's own settings win, so apply the template
//! first.

use std::sync::Arc;

use packshot_materials::finding::{Finding, Rejected, Severity};
use packshot_oidn::Quality;
use packshot_renderer::shot::framing::{Fit, Lens};
use packshot_renderer::shot::ground::Ground;
use packshot_renderer::shot::request::{DepthOfField, Framing, LightChoice, ShotRequest};
use packshot_renderer::shot::rig::{Rig, RigName};
use packshot_renderer::shot::{Background, Bounces, PixelFilter, ViewTransform};

use crate::denoise::{Denoise, DenoiseWith};
use crate::error::Error;
use crate::picture::Encoding;
use crate::plan::words::Lay;

mod backdrop;
mod light;
mod output;
mod overrides;
mod read;

pub use overrides::{MaterialOverride, Overrides};

/// The `schema` of every template.
pub const SCHEMA: &str = "shot-template/1";
/// Most bytes of a template.
pub const FILE_BYTES_MAX: usize = 256 << 10;
/// Most panels of a template's light.
pub const PANELS_MAX: usize = 64;
/// Most overrides of a template.
pub const OVERRIDES_MAX: usize = 256;
/// Most files per picture.
pub const OUTPUTS_MAX: usize = 16;

macro_rules! builtin {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../templates/", $name, ".toml"))),)*]
    };
}

/// The built-in templates: name and text.
pub const BUILTIN: [(&str, &str); 18] = builtin![
    "catalogue_white",
    "marketplace_main",
    "three_point_classic",
    "high_key",
    "low_key",
    "hero_dark",
    "tent_metal",
    "dark_metal_rim",
    "dark_metal_gradient",
    "glass_bright_field",
    "white_on_white",
    "small_parts",
    "large_machine",
    "macro_detail",
    "top_down_flatlay",
    "clay_review",
    "technical_ortho_front",
    "technical_ortho_three_quarter",
];

/// How a kind of picture is taken. `None` leaves the request unchanged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Template {
    /// Its name: lower-case letters, digits and `_`.
    pub id: String,
    /// Its name for a person.
    pub name: String,
    /// One line on its purpose.
    pub description: String,
    /// How the product lies. A request cannot hold it, so the caller applies it.
    pub lay: Option<Lay>,
    /// The camera.
    pub camera: CameraTemplate,
    /// The light.
    pub light: LightTemplate,
    /// The background.
    pub background: Option<Background>,
    /// The ground.
    pub ground: Option<Ground>,
    /// Film settings.
    pub film: FilmTemplate,
    /// How radiance becomes display values.
    pub transform: Option<ViewTransform>,
    /// Brightens the picture by this many stops.
    pub exposure_ev: Option<f64>,
    /// Materials that replace those of parts.
    pub overrides: Vec<MaterialOverride>,
    /// The files of each picture.
    pub outputs: Vec<OutputTemplate>,
}

/// A template's camera.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CameraTemplate {
    /// Rotates it about +Y: 0° is the front.
    pub azimuth_deg: Option<f64>,
    /// Raises it, −90° to 90°.
    pub elevation_deg: Option<f64>,
    /// The lens.
    pub lens: Option<Lens>,
    /// How much of the picture the product takes.
    pub fit: Option<Fit>,
    /// Depth of field.
    pub depth_of_field: Option<DepthOfField>,
}

/// A template's light.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LightTemplate {
    /// Its source.
    pub source: Option<LightSource>,
    /// Rotates it about +Y.
    pub rotation_deg: Option<f64>,
}

/// The source of a template's light.
#[derive(Clone, Debug, PartialEq)]
pub enum LightSource {
    /// A built-in rig.
    Named(RigName),
    /// The template's own rig.
    Rig(Rig),
    /// An equirectangular map in a file, relative to the template's folder; [`Template::apply`] leaves it to callers
    /// that can open files.
    Map {
        /// The file.
        path: String,
        /// Brightens the map by this many stops.
        exposure_ev: f64,
    },
    /// The lights of the product's file.
    SceneLights,
}

/// Film settings of a template.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FilmTemplate {
    /// Pixels.
    pub width_px: Option<u32>,
    /// Pixels.
    pub height_px: Option<u32>,
    /// Most samples per pixel.
    pub samples: Option<u32>,
    /// See [`Film::noise_threshold`](packshot_renderer::shot::FilmSettings::noise_threshold).
    pub noise_threshold: Option<f64>,
    /// Same seed, same picture.
    pub seed: Option<u32>,
    /// Most scattering events from which a path goes on.
    pub max_bounces: Option<u32>,
    /// Limit on what one path contributes by indirect light; 0: none.
    pub clamp_indirect: Option<f64>,
    /// The pixel filter.
    pub filter: Option<PixelFilter>,
    /// When pictures are denoised. A request cannot hold it, so the caller applies it.
    pub denoise: Option<Denoise>,
    /// The denoiser. The caller applies it too, as well as the quality below.
    pub denoise_with: Option<DenoiseWith>,
    /// The quality of Open Image Denoise.
    pub oidn_quality: Option<Quality>,
}

/// A file of each picture.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputTemplate {
    /// The extension of its name, without the dot.
    pub extension: String,
    /// The text between the product's name and the dot.
    pub suffix: String,
    /// How it is written.
    pub encoding: Encoding,
}

impl Template {
    /// Reads a template; `file` is its name in findings. Returns it with warnings about it.
    ///
    /// # Errors
    /// Every fault with its line: `template.syntax`, `template.limit`, `template.schema`, `template.type`,
    /// `template.missing`, `template.range`, `template.unknown_field`, `template.conflict`.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<(Self, Vec<Finding>), Error> {
        let (template, findings) = read::read(file, bytes);
        match template.filter(|_| findings.iter().all(|finding| finding.severity != Severity::Error)) {
            Some(template) => Ok((template, findings)),
            None => Err(Rejected { findings }.into()),
        }
    }

    /// The text of a built-in template.
    pub fn builtin_text(id: &str) -> Option<&'static str> {
        BUILTIN.iter().find(|(known, _)| *known == id).map(|&(_, text)| text)
    }

    /// Its light for a request, painted anew at each call. `None` if it does not set the light, and for
    /// [`LightSource::Map`], which callers that can open files read themselves.
    pub fn light_choice(&self) -> Option<LightChoice> {
        match self.light.source.as_ref()? {
            LightSource::Named(rig) => Some(LightChoice::Rig(*rig)),
            LightSource::Rig(rig) => Some(LightChoice::Painted(Arc::new(rig.map()))),
            LightSource::SceneLights => Some(LightChoice::SceneLights),
            LightSource::Map { .. } => None,
        }
    }

    /// Applies it to a request: what the template sets replaces what is there. The light is
    /// [`light_choice`](Self::light_choice), materials are [`Overrides`], and files are up to the caller.
    pub fn apply(&self, request: &mut ShotRequest) {
        let CameraTemplate { azimuth_deg, elevation_deg, lens, fit, depth_of_field } = &self.camera;
        if let Framing::Auto { direction, lens: lens_before, fit: fit_before, .. } = &mut request.framing {
            direction.azimuth_deg = azimuth_deg.unwrap_or(direction.azimuth_deg);
            direction.elevation_deg = elevation_deg.unwrap_or(direction.elevation_deg);
            *lens_before = lens.unwrap_or(*lens_before);
            *fit_before = fit.unwrap_or(*fit_before);
        }
        if depth_of_field.is_some() {
            request.depth_of_field.clone_from(depth_of_field);
        }
        request.light_rotation_deg = self.light.rotation_deg.unwrap_or(request.light_rotation_deg);
        request.background = self.background.unwrap_or(request.background);
        request.ground = self.ground.or(request.ground);
        request.view.transform = self.transform.unwrap_or(request.view.transform);
        request.view.exposure_ev = self.exposure_ev.map_or(request.view.exposure_ev, |ev| ev as f32);
        let (film, given) = (&mut request.film, &self.film);
        film.width_px = given.width_px.unwrap_or(film.width_px);
        film.height_px = given.height_px.unwrap_or(film.height_px);
        film.samples = given.samples.unwrap_or(film.samples);
        film.noise_threshold = given.noise_threshold.map_or(film.noise_threshold, |noise| noise as f32);
        film.seed = given.seed.unwrap_or(film.seed);
        film.bounces = given.max_bounces.map_or(film.bounces, Bounces::all);
        film.clamp_indirect = given.clamp_indirect.map_or(film.clamp_indirect, |limit| limit as f32);
        film.filter = given.filter.unwrap_or(film.filter);
    }
}

#[cfg(test)]
mod tests;
