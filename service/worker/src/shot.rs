//! From the request in effect to what the renderer takes: plain conversions, one per group of members.
//!
//! Input: a [`RenderRequest`] whose members are in range. Output: the pipeline's own types. Nothing is read or computed here.

use std::sync::{Arc, OnceLock};

use packshot_materials::map::{MapEntry, MaterialMap, PartSelector};
use packshot_materials::mapping;
use packshot_pipeline::denoise;
use packshot_pipeline::request::PartFilter;
use packshot_pipeline::template::BUILTIN;
use packshot_renderer::import::{self, ImportOptions, Pose};
use packshot_renderer::shot::error::{ErrorCode, ShotError};
use packshot_renderer::shot::framing::{Fit, Lens};
use packshot_renderer::shot::request::{DepthOfField, Focus, Framing, LightChoice, ShotRequest};
use packshot_renderer::shot::rig::RigName;
use packshot_renderer::shot::view::{THREE_QUARTER, ViewDirection};
use packshot_renderer::shot::{self, Bounces, EnvironmentMap, Film, PixelFilter};

use packshot_contract::Word;
use packshot_contract::request::{self as wire, Denoise, Filter, Light, OnUnmapped, PartEntry, RenderRequest, UpAxis};

/// How the file's axes and units are read.
pub(super) fn import_options(request: &RenderRequest) -> ImportOptions {
    let up_axis = match request.up_axis {
        UpAxis::Y => import::UpAxis::Y,
        UpAxis::Z => import::UpAxis::Z,
    };
    let is_posed = request.animation.is_some() || request.time.is_some();
    let pose = Pose { animation: request.animation.clone(), time_s: request.time.unwrap_or(0.0) };
    ImportOptions {
        up_axis,
        unit_scale: request.unit_scale,
        variant: request.variant.clone(),
        pose: is_posed.then_some(pose),
        look: request.look.renderer(),
        ..ImportOptions::default()
    }
}

/// Which of the file's parts are shown.
pub(super) fn part_filter(request: &RenderRequest) -> PartFilter {
    PartFilter::new(&request.only, &request.hide)
}

/// The map in force, if one is.
pub(super) fn material_map(request: &RenderRequest) -> Option<MaterialMap> {
    let entries = request.materials.as_ref()?.parts.as_ref()?;
    Some(MaterialMap { entries: (0..).zip(entries).filter_map(map_entry).collect() })
}

fn map_entry((i, entry): (usize, &PartEntry)) -> Option<MapEntry> {
    let by_name = entry.part_name.clone().map(PartSelector::Name);
    let part = by_name.or_else(|| entry.path.clone().map(PartSelector::Path))?;
    Some(MapEntry { part, material: entry.material.clone(), at: format!("/materials/parts/{i}") })
}

/// What becomes of parts that nothing matches.
pub(super) fn on_unmapped(request: &RenderRequest) -> mapping::OnUnmapped {
    match request.on_unmapped {
        OnUnmapped::Magenta => mapping::OnUnmapped::Magenta,
        OnUnmapped::Keep => mapping::OnUnmapped::Keep,
        OnUnmapped::Fail => mapping::OnUnmapped::Fail,
    }
}

/// Camera, film, light, background and view. `environment` is the uploaded map, which the request names as its light.
///
/// # Errors
/// `shot.range` for a background that is none, `shot.missing` for an environment that is named and not given.
pub(super) fn shot_request(
    request: &RenderRequest,
    environment: Option<Arc<EnvironmentMap>>,
) -> Result<ShotRequest, ShotError> {
    Ok(ShotRequest {
        film: film(request),
        framing: framing(request),
        depth_of_field: request.dof.map(|f_number| DepthOfField { f_number, focus: focus(request) }),
        ground: request.ground_choice(),
        light: light(request, environment)?,
        light_rotation_deg: request.light_rotation_deg,
        background: request.background.parse()?,
        view: shot::View { transform: request.view_transform.renderer(), exposure_ev: request.exposure_ev as f32 },
        lut: None,
    })
}

fn focus(request: &RenderRequest) -> Focus {
    request.focus.clone().map_or(Focus::Center, |name| Focus::Part { name })
}

fn film(request: &RenderRequest) -> Film {
    let of_look = request.look.renderer().film(ShotRequest::default().film);
    let filter = match request.filter {
        Filter::BlackmanHarris => PixelFilter::BlackmanHarris { half_width_px: 1.5 },
        Filter::Box => PixelFilter::Box,
    };
    Film {
        width_px: request.width,
        height_px: request.height,
        samples: request.samples,
        noise_threshold: request.noise_threshold as f32,
        seed: request.seed,
        filter,
        bounces: request.max_bounces.map_or(of_look.bounces, Bounces::all),
        clamp_direct: of_look.clamp_direct,
        clamp_indirect: request.clamp_indirect as f32,
    }
}

fn framing(request: &RenderRequest) -> Framing {
    if let Some(name) = &request.camera {
        return Framing::SceneCamera { name: name.clone() };
    }
    let direction = match (request.azimuth_deg, request.elevation_deg) {
        (None, None) => {
            let named = request.view.and_then(|view| ViewDirection::by_name(view.word()));
            named.unwrap_or(THREE_QUARTER.direction)
        }
        // An angle that is not given is that of the front view.
        (azimuth, elevation) => {
            ViewDirection { azimuth_deg: azimuth.unwrap_or(0.0), elevation_deg: elevation.unwrap_or(0.0) }
        }
    };
    let lens = if request.ortho { Lens::Orthographic } else { Lens::Perspective { focal_mm: request.lens_mm } };
    let fit = match request.margin_px {
        Some(px) if request.trim => Fit::TrimmedToPx(px),
        Some(px) => Fit::MarginPx(px),
        None => Fit::Fill(request.fill),
    };
    Framing::Auto { direction, lens, fit, crop_to: request.crop_to.clone(), share_scale_with: Vec::new() }
}

fn light(request: &RenderRequest, environment: Option<Arc<EnvironmentMap>>) -> Result<LightChoice, ShotError> {
    Ok(LightChoice::Rig(match request.light {
        Light::StudioSoft => RigName::StudioSoft,
        Light::StudioContrast => RigName::StudioContrast,
        Light::ThreePoint => RigName::ThreePoint,
        Light::White => RigName::White,
        Light::Glb => return Ok(LightChoice::SceneLights),
        Light::Template => {
            let painted = request.template.as_deref().and_then(painted);
            let missing = || ShotError {
                code: ErrorCode::Missing,
                at: "/template".to_owned(),
                message: "the light is that of a template, and none is given that paints one".to_owned(),
                help: "choose another `light`".to_owned(),
            };
            return painted.map(LightChoice::Painted).ok_or_else(missing);
        }
        Light::Environment => {
            let missing = || ShotError {
                code: ErrorCode::Missing,
                at: "/environment".to_owned(),
                message: "the light is an environment map, and none was given".to_owned(),
                help: "send the map as `environment`".to_owned(),
            };
            return environment.map(LightChoice::Map).ok_or_else(missing);
        }
    }))
}

/// The light that a built-in template paints, painted once: as with rigs, tables of the map then serve all shots.
fn painted(template: &str) -> Option<Arc<EnvironmentMap>> {
    static PAINTED: [OnceLock<Option<Arc<EnvironmentMap>>>; BUILTIN.len()] = [const { OnceLock::new() }; BUILTIN.len()];
    let i = BUILTIN.iter().position(|(name, _)| *name == template)?;
    let paint = || match wire::template(template)?.light_choice()? {
        LightChoice::Painted(map) => Some(map),
        LightChoice::Rig(_) | LightChoice::Map(_) | LightChoice::SceneLights => None,
    };
    PAINTED[i].get_or_init(paint).clone()
}

/// When noise is removed from the request's pictures.
pub(super) fn denoise(request: &RenderRequest) -> denoise::Denoise {
    match request.denoise {
        Denoise::Auto => denoise::Denoise::Auto,
        Denoise::On => denoise::Denoise::On,
        Denoise::Off => denoise::Denoise::Off,
    }
}
