//! Which version can express a shot.

use packshot_renderer::import::ImportOptions;
use packshot_renderer::shot::{Camera, Environment, Floor, Light, Shot};

use super::write::{Dump, Worn};
use super::{Geometry, Noise, Version};
use crate::denoise::{Denoise, DenoiseWith};
use crate::pictures::Pictures;
use crate::product::PaletteMaterial;

impl Version {
    /// The lowest version that can express everything.
    pub(super) fn of(dump: &Dump<'_>) -> Self {
        let is_plain = match dump.pictures {
            Pictures::Still(shot) => {
                is_plain_shot(shot)
                    && is_plain_geometry(dump.geometry)
                    && dump.lines.is_none()
                    && matches!(
                        dump.noise,
                        Noise { when: Denoise::On | Denoise::Off, with: DenoiseWith::Packshot, quality: None }
                    )
                    && has_plain_parts(dump)
            }
            Pictures::Views(_) | Pictures::Turntable { .. } => false,
        };
        if is_plain { Self::One } else { Self::Two }
    }
}

fn is_plain_geometry(Geometry { file, import }: &Geometry) -> bool {
    let ImportOptions { up_axis, unit_scale, .. } = *import;
    file.path.to_ascii_lowercase().ends_with(".glb")
        && *import == ImportOptions { up_axis, unit_scale, ..ImportOptions::default() }
}

fn is_plain_shot(shot: &Shot) -> bool {
    let Shot { camera: Camera { aperture, .. }, environment, lights, floor, view, lut, .. } = shot;
    let is_plain_light = |light: &Light| match light {
        Light::Rect { .. } | Light::Point { .. } => true,
        Light::Directional { half_angle_rad, .. } => *half_angle_rad == 0.0,
        Light::Spot { .. } => false,
    };
    let is_plain_floor = |Floor { center_m, sweep, .. }: &Floor| *center_m == [0.0; 2] && sweep.is_none();
    let is_level = match environment {
        Environment::None | Environment::Uniform { .. } => true,
        Environment::LatLong { rotation_x_rad, .. } => *rotation_x_rad == 0.0,
    };
    aperture.is_none()
        && is_level
        && lights.iter().all(is_plain_light)
        && floor.as_ref().is_none_or(is_plain_floor)
        && view.transform.without_look() == view.transform
        && lut.is_none()
}

/// Version 1 has one material for all parts of a name, and a special material for hidden parts.
fn has_plain_parts(dump: &Dump<'_>) -> bool {
    let is_plain = |material: &PaletteMaterial| {
        let PaletteMaterial { openpbr, priority, surface, textures, .. } = material;
        *priority == 0 && *surface == Default::default() && textures.is_none() && openpbr.geometry_opacity > 0.0
    };
    let mut parts: Vec<(String, &Worn<'_>)> = dump.parts.iter().map(|part| (part.part.name(), &part.wears)).collect();
    let is_plain_part = |(_, wears): &(String, &Worn<'_>)| match wears {
        Worn::Own | Worn::Hidden => true,
        Worn::Material(material) => is_plain(material),
        Worn::PerPrimitive(_) => false,
    };
    if !parts.iter().all(is_plain_part) {
        return false;
    }
    parts.sort_by(|a, b| a.0.cmp(&b.0));
    let agree = parts.windows(2).all(|pair| pair[0].0 != pair[1].0 || pair[0].1 == pair[1].1);
    let materials = super::write::materials(dump);
    agree && materials.is_some_and(|all| all.iter().all(|material| material.id != super::write::HIDDEN))
}
