//! The values of options that are not given: the defaults, the look, the template and the preset, each as a set of
//! options, and how one set overrides another.

use packshot_renderer::look::Look;
use packshot_renderer::shot::framing::{Fit, Lens};
use packshot_renderer::shot::ground::{Ground, GroundKind};
use packshot_renderer::shot::request::{Focus, ShotRequest};
use packshot_renderer::shot::rig::RigName;
use packshot_renderer::shot::turntable::Turntable;
use packshot_renderer::shot::view::ViewDirection;
use packshot_renderer::shot::{Bounces, PixelFilter};
use packshot_words::Word;

use super::Limits;
use super::option::{Default, Kind};
use super::table::{OptionId, Options, TABLE};
use super::value::{Color, PresetName};
use super::words::{FileFormat, Filter, GroundWord, Lay, Light};
use crate::preset::{Preset, WHITE};
use crate::template::{LightSource, Template};

impl Options {
    /// Applies options over these. Some exclude each other: an option that is given removes those that it replaces.
    pub(crate) fn overlay(&mut self, over: &Self) {
        if over.view.is_some() || over.camera.is_some() {
            (self.view, self.camera, self.azimuth_deg, self.elevation_deg) = (None, None, None, None);
        }
        if over.azimuth_deg.is_some() || over.elevation_deg.is_some() {
            (self.view, self.camera) = (None, None);
        }
        if over.fill.is_some() {
            (self.margin_px, self.trim) = (None, None);
        }
        if over.margin_px.is_some() {
            // A picture that is trimmed with one margin is also trimmed with another.
            self.fill = None;
        }
        if over.lens_mm.is_some() {
            self.ortho = None;
        }
        if over.ortho == Some(true) {
            self.lens_mm = None;
        }
        if over.rotate_deg.is_some() {
            self.lay = None;
        }
        if over.lay == Some(Lay::Flat) {
            self.rotate_deg = None;
        }
        if over.ground.is_some() {
            self.ground_roughness = None;
        }
        if over.ground == Some(GroundWord::None) {
            self.ground_color = None;
        }
        OptionId::all().for_each(|id| self.take_over(id, over));
    }
}

/// The defaults for a kind of render.
pub(super) fn defaults(kind: Kind, limits: &Limits) -> Options {
    let mut options = Options::default();
    for spec in TABLE.iter().filter(|spec| spec.is_of(kind)) {
        if let Default::Is(text) = spec.default {
            // A test of the table parses each of them.
            _ = options.set_texts(spec.id, &[text]);
        }
    }
    options.samples = Some(limits.samples_default);
    options.device = Some(limits.device_default.clone());
    options
}

/// The options of a look.
pub(super) fn of_look(look: Look) -> Options {
    let film = look.film(ShotRequest::default().film);
    let total = film.bounces.total;
    Options {
        // Limits that are not a single number belong to the look.
        max_bounces: (film.bounces == Bounces::all(total)).then_some(total),
        clamp_indirect: Some(f64::from(film.clamp_indirect)),
        view_transform: Some(look.view_transform()),
        ..Options::default()
    }
}

/// The options of a template. Its files are not options: there may be several of one format.
pub(super) fn of_template(template: &Template, kind: Kind, limits: &Limits) -> Options {
    let (camera, film) = (&template.camera, &template.film);
    let mut options = Options::default();
    if camera.azimuth_deg.is_some() || camera.elevation_deg.is_some() {
        // An angle that is left out is that of the front view.
        let (azimuth_deg, elevation_deg) = (camera.azimuth_deg.unwrap_or(0.0), camera.elevation_deg.unwrap_or(0.0));
        look_from(&mut options, ViewDirection { azimuth_deg, elevation_deg }, kind);
    }
    match camera.lens {
        Some(Lens::Orthographic) => options.ortho = Some(true),
        Some(Lens::Perspective { focal_mm }) => options.lens_mm = Some(focal_mm),
        None => {}
    }
    if let Some(fit) = camera.fit {
        fit_as(&mut options, fit);
    }
    if let Some(depth_of_field) = &camera.depth_of_field {
        options.dof = Some(depth_of_field.f_number);
        options.focus = match &depth_of_field.focus {
            Focus::Center => None,
            Focus::Part { name } => Some(name.clone()),
        };
    }
    options.light = template.light.source.as_ref().map(|source| match source {
        LightSource::Named(RigName::StudioSoft) => Light::StudioSoft,
        LightSource::Named(RigName::StudioContrast) => Light::StudioContrast,
        LightSource::Named(RigName::ThreePoint) => Light::ThreePoint,
        LightSource::Named(RigName::White) => Light::White,
        LightSource::Rig(_) | LightSource::Map { .. } => Light::Template,
        LightSource::SceneLights => Light::Glb,
    });
    if let Some(ground) = template.ground {
        stand_on(&mut options, ground);
    }
    options.filter = film.filter.map(|filter| match filter {
        PixelFilter::Box => Filter::Box,
        PixelFilter::BlackmanHarris { .. } => Filter::BlackmanHarris,
    });
    Options {
        lay: template.lay,
        light_rotation_deg: template.light.rotation_deg,
        background: template.background,
        view_transform: template.transform,
        exposure_ev: template.exposure_ev,
        width: film.width_px,
        height: film.height_px,
        samples: film.samples.map(|samples| samples.min(limits.samples_max)),
        noise_threshold: film.noise_threshold,
        seed: film.seed,
        max_bounces: film.max_bounces,
        clamp_indirect: film.clamp_indirect,
        denoise: film.denoise,
        ..options
    }
}

/// The options of a preset. All its pictures show the product alone, on white, in the colours of the look.
pub(super) fn of_preset(PresetName(preset): PresetName, kind: Kind, look: Look) -> Options {
    let spin = preset.spin.filter(|_| kind == Kind::Turntable);
    let [width, height] = preset.size_px.map(Some);
    let mut options = Options { width, height, background: Some(WHITE), dpi: preset.dpi, ..Options::default() };
    options.ground = Some(GroundWord::None);
    options.view_transform = Some(look.view_transform());
    fit_as(&mut options, spin.map_or(preset.fit, |spin| spin.fit));
    if let Some(direction) = preset.direction {
        look_from(&mut options, direction, kind);
    }
    if let Some(spin) = spin {
        options.frame_count = spin.frames.first().copied();
        options.direction = spin.direction;
    }
    options
}

/// The turntable that the options describe.
pub(super) fn turntable(options: &Options) -> Turntable {
    let default = Turntable::default();
    Turntable {
        frames: options.frame_count.unwrap_or(default.frames),
        start_deg: options.start_deg.unwrap_or(default.start_deg),
        direction: options.direction.unwrap_or(default.direction),
        mode: options.mode.unwrap_or(default.mode),
    }
}

fn look_from(options: &mut Options, direction: ViewDirection, kind: Kind) {
    // Views have their own directions.
    if kind != Kind::Views {
        options.azimuth_deg = Some(direction.azimuth_deg);
        options.elevation_deg = Some(direction.elevation_deg);
    }
}

fn fit_as(options: &mut Options, fit: Fit) {
    match fit {
        Fit::Fill(fill) => options.fill = Some(fill),
        Fit::MarginPx(px) => (options.margin_px, options.trim) = (Some(px), Some(false)),
        Fit::TrimmedToPx(px) => (options.margin_px, options.trim) = (Some(px), Some(true)),
    }
}

fn stand_on(options: &mut Options, ground: Ground) {
    let (word, roughness) = match (ground.kind, ground.roughness) {
        (GroundKind::Catcher, None) => (GroundWord::Shadow, None),
        (GroundKind::Catcher, Some(roughness)) if roughness == Ground::POLISHED => (GroundWord::Reflection, None),
        (GroundKind::Catcher, roughness) => (GroundWord::Reflection, roughness),
        (GroundKind::Floor, roughness) => (GroundWord::Floor, roughness),
        (GroundKind::Sweep, roughness) => (GroundWord::Sweep, roughness),
    };
    options.ground = Some(word);
    // As it was written: 0.12, and not the nearest number of single precision.
    options.ground_roughness = roughness.and_then(|roughness| roughness.to_string().parse().ok());
    options.ground_color = (ground.albedo != Ground::PAPER).then(|| Color::of_linear(ground.albedo));
}

/// The format for a preset if none is given.
pub(super) fn accepted_first(preset: &Preset) -> FileFormat {
    preset.extensions.iter().find_map(|extension| FileFormat::by_word(extension)).unwrap_or(FileFormat::Png)
}
