//! Where a request starts from: what counts for members that it leaves out. That is the default, the look, the template, the preset,
//! each over the one before.

use packshot_pipeline::preset::{Preset, WHITE};
use packshot_pipeline::template::{BUILTIN, LightSource, Template};
use packshot_pipeline::{denoise, preset};
use packshot_renderer::color::srgb;
use packshot_renderer::shot::framing::{Fit, Lens};
use packshot_renderer::shot::ground::{Ground, GroundKind};
use packshot_renderer::shot::request::{Focus, ShotRequest};
use packshot_renderer::shot::rig::RigName;
use packshot_renderer::shot::turntable::TurnDirection;
use packshot_renderer::shot::view::ViewDirection;
use packshot_renderer::shot::{self, Background, PixelFilter};

use super::words;
use super::{Denoise, Filter, GroundWord, Kind, Light, Look, RenderRequest, ViewTransform};
use crate::Word;
use crate::members::Members;

/// Reads `look`, `template` and `preset`, and fills in what they say. The kind is known.
pub(super) fn read(m: &mut Members<'_>, r: &mut RenderRequest) {
    if let Some(look) = m.word("look") {
        r.look = look;
    }
    if r.look == Look::Blender50 {
        // Its limits on paths are not one number.
        r.max_bounces = None;
        r.clamp_indirect = f64::from(r.look.renderer().film(ShotRequest::default().film).clamp_indirect);
    }
    if let Some(name) = m.nullable_text("template", super::NAME_BYTES_MAX) {
        match template(name) {
            Some(template) => {
                apply_template(r, &template);
                r.template = Some(name.to_owned());
            }
            None => {
                let names: Vec<&str> = BUILTIN.iter().map(|(id, _)| *id).collect();
                m.report("template", "unknown_value", format!("expected one of {}", names.join(", ")));
            }
        }
    }
    if let Some(name) = m.nullable_text("preset", super::NAME_BYTES_MAX) {
        match Preset::by_name(name) {
            Some(preset) if r.kind == Kind::Turntable && preset.spin.is_none() => {
                m.report("preset", "conflicting_members", format!("{name} says nothing of turntables"));
            }
            Some(preset) => {
                apply_preset(r, preset);
                r.preset = Some(name.to_owned());
            }
            None => {
                let names: Vec<&str> = preset::PRESETS.iter().map(|preset| preset.name).collect();
                m.report("preset", "unknown_value", format!("expected one of {}", names.join(", ")));
            }
        }
    }
}

/// The built-in template of a name.
pub fn template(name: &str) -> Option<Template> {
    let text = Template::builtin_text(name)?;
    Template::parse(name, text.as_bytes()).ok().map(|(template, _)| template)
}

fn look_from(r: &mut RenderRequest, direction: ViewDirection) {
    // Views say themselves where they are taken from.
    if r.kind != Kind::Views {
        r.view = None;
        r.azimuth_deg = Some(direction.azimuth_deg);
        r.elevation_deg = Some(direction.elevation_deg);
    }
}

fn fit_as(r: &mut RenderRequest, fit: Fit) {
    (r.margin_px, r.trim) = match fit {
        Fit::Fill(fill) => {
            r.fill = fill;
            (None, false)
        }
        Fit::MarginPx(px) => (Some(px), false),
        Fit::TrimmedToPx(px) => (Some(px), true),
    };
}

/// Lays a template over a request. Its `[[output]]` files are those of the command: a request says them as `formats`.
fn apply_template(r: &mut RenderRequest, template: &Template) {
    let camera = &template.camera;
    if camera.azimuth_deg.is_some() || camera.elevation_deg.is_some() {
        let (azimuth_deg, elevation_deg) = (camera.azimuth_deg.unwrap_or(0.0), camera.elevation_deg.unwrap_or(0.0));
        look_from(r, ViewDirection { azimuth_deg, elevation_deg });
    }
    match camera.lens {
        Some(Lens::Orthographic) => r.ortho = true,
        Some(Lens::Perspective { focal_mm }) => r.lens_mm = focal_mm,
        None => {}
    }
    if let Some(fit) = camera.fit {
        fit_as(r, fit);
    }
    if let Some(wish) = &camera.depth_of_field {
        r.dof = Some(wish.f_number);
        r.focus = match &wish.focus {
            Focus::Center => None,
            Focus::Part { name } => Some(name.clone()),
        };
    }
    match &template.light.source {
        Some(LightSource::Named(rig)) => r.light = light_of(*rig),
        Some(LightSource::Rig(_)) => r.light = Light::Template,
        Some(LightSource::SceneLights) => r.light = Light::Glb,
        // Built-in templates name no files.
        Some(LightSource::Map { .. }) | None => {}
    }
    r.light_rotation_deg = template.light.rotation_deg.unwrap_or(r.light_rotation_deg);
    if let Some(background) = template.background {
        r.background = background_text(background);
    }
    if let Some(ground) = template.ground {
        stand_on(r, ground);
    }
    if let Some(transform) = template.transform {
        r.view_transform = ViewTransform::of_renderer(transform);
    }
    r.exposure_ev = template.exposure_ev.unwrap_or(r.exposure_ev);
    let film = &template.film;
    r.width = film.width_px.unwrap_or(r.width);
    r.height = film.height_px.unwrap_or(r.height);
    r.samples = film.samples.unwrap_or(r.samples).min(super::SAMPLES_MAX);
    r.noise_threshold = film.noise_threshold.unwrap_or(r.noise_threshold);
    r.seed = film.seed.unwrap_or(r.seed);
    r.max_bounces = film.max_bounces.or(r.max_bounces);
    r.clamp_indirect = film.clamp_indirect.unwrap_or(r.clamp_indirect);
    r.filter = match film.filter {
        Some(PixelFilter::Box) => Filter::Box,
        Some(PixelFilter::BlackmanHarris { .. }) => Filter::BlackmanHarris,
        None => r.filter,
    };
    r.denoise = match film.denoise {
        Some(denoise::Denoise::Auto) => Denoise::Auto,
        Some(denoise::Denoise::On) => Denoise::On,
        Some(denoise::Denoise::Off) => Denoise::Off,
        None => r.denoise,
    };
}

/// Lays a preset over a request.
fn apply_preset(r: &mut RenderRequest, preset: &Preset) {
    [r.width, r.height] = preset.size_px;
    let spin = preset.spin.filter(|_| r.kind == Kind::Turntable);
    fit_as(r, spin.map_or(preset.fit, |spin| spin.fit));
    if let Some(direction) = preset.direction {
        look_from(r, direction);
    }
    r.background = background_text(WHITE);
    (r.ground, r.ground_color, r.ground_roughness) = (None, None, None);
    if let Some(spin) = spin {
        r.frame_count = spin.frames.first().copied().or(r.frame_count);
        r.direction = spin.direction.map(|direction| match direction {
            TurnDirection::Ccw => words::TurnDirection::Ccw,
            TurnDirection::Cw => words::TurnDirection::Cw,
        });
    }
}

fn light_of(rig: RigName) -> Light {
    match rig {
        RigName::StudioSoft => Light::StudioSoft,
        RigName::StudioContrast => Light::StudioContrast,
        RigName::ThreePoint => Light::ThreePoint,
        RigName::White => Light::White,
    }
}

fn stand_on(r: &mut RenderRequest, ground: Ground) {
    let (word, roughness) = match (ground.kind, ground.roughness) {
        (GroundKind::Catcher, None) => (GroundWord::Shadow, None),
        (GroundKind::Catcher, Some(roughness)) if roughness == Ground::POLISHED => (GroundWord::Reflection, None),
        (GroundKind::Catcher, roughness) => (GroundWord::Reflection, roughness),
        (GroundKind::Floor, roughness) => (GroundWord::Floor, roughness),
        (GroundKind::Sweep, roughness) => (GroundWord::Sweep, roughness),
    };
    r.ground = Some(word);
    r.ground_roughness = roughness.map(f64::from);
    r.ground_color = (ground.albedo != Ground::PAPER).then(|| hex(ground.albedo.map(srgb::encode)));
}

/// As the member has it.
fn background_text(background: Background) -> String {
    match background {
        Background::Transparent => "transparent".to_owned(),
        Background::Environment => "environment".to_owned(),
        Background::Color { srgb: [1.0, 1.0, 1.0] } => "white".to_owned(),
        Background::Color { srgb } => hex(srgb),
    }
}

fn hex(srgb: [f32; 3]) -> String {
    let [r, g, b] = srgb.map(|value| (value.clamp(0.0, 1.0) * 255.0).round() as u8);
    format!("#{r:02X}{g:02X}{b:02X}")
}

impl ViewTransform {
    /// The word of a view transform.
    fn of_renderer(transform: shot::ViewTransform) -> Self {
        Self::WORDS.iter().map(|&(_, word)| word).find(|word| word.renderer() == transform).unwrap_or(Self::Agx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_a_request() {
        for (name, _) in BUILTIN {
            let template = template(name).unwrap_or_else(|| panic!("{name} cannot be read"));
            let mut r = RenderRequest::default();
            apply_template(&mut r, &template);
            assert!(!matches!(template.light.source, Some(LightSource::Map { .. })), "{name}");
            if let Some(transform) = template.transform {
                assert_eq!(r.view_transform.renderer(), transform, "{name}");
            }
            if let Some(background) = template.background {
                assert_eq!(r.background.parse::<Background>().ok(), Some(background), "{name}");
            }
            if let Some(ground) = template.ground {
                assert_eq!(r.ground_choice(), Some(ground), "{name}");
            }
        }
    }
}
