//! The media inside bodies, and diffuse light that passes through surfaces.

use glam::Vec3;
use packshot_materials::openpbr::OpenPbr;
use packshot_shaders::constants::{MATERIAL_BODY, MATERIAL_SCATTERS, MATERIAL_SUBSURFACE};

/// The medium of a body.
pub(crate) struct Interior {
    /// Absorption and scattering, both per render unit.
    pub(crate) absorption: Vec3,
    pub(crate) scattering: Vec3,
    /// Mean cosine of scattering.
    pub(crate) anisotropy: f32,
    /// `MATERIAL_*` bits of a body.
    pub(crate) flags: u32,
}

impl Interior {
    /// `transmits`: light passes through the surface, refracted or not.
    pub(crate) fn of(m: &OpenPbr, transmits: bool, render_units_per_m: f64) -> Self {
        let empty = Self { absorption: Vec3::ZERO, scattering: Vec3::ZERO, anisotropy: 0.0, flags: 0 };
        if m.geometry_thin_walled || m.base_metalness >= 1.0 {
            return empty;
        }
        let (extinction, scattering, anisotropy, flags) = if transmits {
            // OpenPBR 1.1.1, "Transparent base": with a depth, the colour is reached over that distance; without one,
            // at the surface.
            if m.transmission_depth <= 0.0 {
                return Self { flags: MATERIAL_BODY, ..empty };
            }
            let per_unit = 1.0 / (f64::from(m.transmission_depth) * render_units_per_m);
            let extinction = m.transmission_color.map(|c| -f64::from(c.max(1e-6)).ln() * per_unit);
            let scattering = m.transmission_scatter.map(|s| f64::from(s) * per_unit);
            (extinction, scattering, m.transmission_scatter_anisotropy, MATERIAL_BODY)
        } else if m.subsurface_weight > 0.0 {
            let g = f64::from(m.subsurface_scatter_anisotropy);
            let extinction = m
                .subsurface_radius_scale
                .map(|scale| 1.0 / (f64::from(m.subsurface_radius) * f64::from(scale) * render_units_per_m).max(1e-6));
            let albedo = m.subsurface_color.map(|color| single_scattering_albedo(f64::from(color), g));
            let scattering = std::array::from_fn(|c| extinction[c] * albedo[c]);
            (extinction, scattering, m.subsurface_scatter_anisotropy, MATERIAL_BODY | MATERIAL_SUBSURFACE)
        } else {
            return empty;
        };
        let absorption: [f64; 3] = std::array::from_fn(|c| extinction[c] - scattering[c]);
        // Where scattering exceeds total extinction, extinction is raised by the same amount in each channel (OpenPBR
        // 1.1.1, "Transparent base").
        let least = absorption.iter().fold(0.0_f64, |least, &a| least.min(a));
        let scatters = scattering.iter().any(|&s| s > 0.0);
        Self {
            absorption: Vec3::from(absorption.map(|a| (a - least) as f32)),
            scattering: Vec3::from(scattering.map(|s| s as f32)),
            anisotropy,
            flags: flags | if scatters { MATERIAL_SCATTERS } else { 0 },
        }
    }
}

/// Single-scattering albedo with which a deep body reflects `color` (Kulla and Conty Estevez 2017, "Revisiting
/// Physically Based Shading at Imageworks"), where `g` is the mean cosine of scattering.
fn single_scattering_albedo(color: f64, g: f64) -> f64 {
    let s = 4.09712 + 4.20863 * color - (9.59217 + 41.6808 * color + 17.7126 * color * color).sqrt();
    ((1.0 - s * s) / (1.0 - g * s * s)).clamp(0.0, 1.0)
}

/// The diffuse base, and the fraction that leaves on the other side.
pub(crate) struct Diffuse {
    pub(crate) base_color: Vec3,
    pub(crate) translucent_color: Vec3,
    pub(crate) translucent_weight: f32,
}

impl Diffuse {
    pub(crate) fn of(m: &OpenPbr) -> Self {
        let base = Vec3::from(m.base_color) * m.base_weight;
        let subsurface = if m.base_metalness < 1.0 && m.transmission_weight < 1.0 { m.subsurface_weight } else { 0.0 };
        if subsurface == 0.0 {
            return Self { base_color: base, translucent_color: Vec3::ZERO, translucent_weight: 0.0 };
        }
        if !m.geometry_thin_walled {
            // Light that enters takes on the colour inside the body.
            return Self { base_color: base, translucent_color: Vec3::ONE, translucent_weight: subsurface };
        }
        // OpenPBR 1.1.1, "Thin-walled case": forward scattering is transmitted, backward scattering is reflected.
        let color = Vec3::from(m.subsurface_color);
        let forward = 0.5 * subsurface * (1.0 + m.subsurface_scatter_anisotropy);
        let back = subsurface - forward;
        let reflected = base * (1.0 - subsurface) + color * back;
        let base_color = if forward < 1.0 { reflected / (1.0 - forward) } else { Vec3::ZERO };
        Self { base_color, translucent_color: color, translucent_weight: forward }
    }
}
