//! OpenPBR 1.1 parameters with literal values: the one material description that the library, a shot and an imported
//! glTF material all end in.

use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use field::Slot;
pub use field::{FIELDS, Field};

mod field;

/// A colour in linear Rec.709 (D65).
pub type Color = [f32; 3];

/// The parameters of OpenPBR Surface 1.1.1, under the names and with the defaults of its specification.
///
/// Colours are linear Rec.709. [`OpenPbr::validate`] checks the ranges. `emission_luminance` times `emission_color` is
/// a radiance in the unit of the lights, not nits (the shot format's reading).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the names are those of the OpenPBR 1.1.1 specification, section by section")]
pub struct OpenPbr {
    pub base_weight: f32,
    pub base_color: Color,
    pub base_diffuse_roughness: f32,
    pub base_metalness: f32,
    pub specular_weight: f32,
    pub specular_color: Color,
    pub specular_roughness: f32,
    pub specular_roughness_anisotropy: f32,
    pub specular_ior: f32,
    pub transmission_weight: f32,
    pub transmission_color: Color,
    pub transmission_depth: f32,
    pub transmission_scatter: Color,
    pub transmission_scatter_anisotropy: f32,
    pub transmission_dispersion_scale: f32,
    pub transmission_dispersion_abbe_number: f32,
    pub subsurface_weight: f32,
    pub subsurface_color: Color,
    pub subsurface_radius: f32,
    pub subsurface_radius_scale: Color,
    pub subsurface_scatter_anisotropy: f32,
    pub fuzz_weight: f32,
    pub fuzz_color: Color,
    pub fuzz_roughness: f32,
    pub coat_weight: f32,
    pub coat_color: Color,
    pub coat_roughness: f32,
    pub coat_roughness_anisotropy: f32,
    pub coat_ior: f32,
    pub coat_darkening: f32,
    pub thin_film_weight: f32,
    pub thin_film_thickness: f32,
    pub thin_film_ior: f32,
    pub emission_luminance: f32,
    pub emission_color: Color,
    pub geometry_opacity: f32,
    pub geometry_thin_walled: bool,
}

impl Default for OpenPbr {
    fn default() -> Self {
        Self {
            base_weight: 1.0,
            base_color: [0.8; 3],
            base_diffuse_roughness: 0.0,
            base_metalness: 0.0,
            specular_weight: 1.0,
            specular_color: [1.0; 3],
            specular_roughness: 0.3,
            specular_roughness_anisotropy: 0.0,
            specular_ior: 1.5,
            transmission_weight: 0.0,
            transmission_color: [1.0; 3],
            transmission_depth: 0.0,
            transmission_scatter: [0.0; 3],
            transmission_scatter_anisotropy: 0.0,
            transmission_dispersion_scale: 0.0,
            transmission_dispersion_abbe_number: 20.0,
            subsurface_weight: 0.0,
            subsurface_color: [0.8; 3],
            subsurface_radius: 1.0,
            subsurface_radius_scale: [1.0, 0.5, 0.25],
            subsurface_scatter_anisotropy: 0.0,
            fuzz_weight: 0.0,
            fuzz_color: [1.0; 3],
            fuzz_roughness: 0.5,
            coat_weight: 0.0,
            coat_color: [1.0; 3],
            coat_roughness: 0.0,
            coat_roughness_anisotropy: 0.0,
            coat_ior: 1.6,
            coat_darkening: 1.0,
            thin_film_weight: 0.0,
            thin_film_thickness: 0.5,
            thin_film_ior: 1.4,
            emission_luminance: 0.0,
            emission_color: [1.0; 3],
            geometry_opacity: 1.0,
            geometry_thin_walled: false,
        }
    }
}

impl OpenPbr {
    /// Whether light enters a part of this material and goes on inside of it: glass and what scatters below its
    /// surface, unless it is a thin wall or all metal.
    pub fn is_body(&self) -> bool {
        let is_entered = self.transmission_weight > 0.0 || self.subsurface_weight > 0.0;
        is_entered && self.base_metalness < 1.0 && !self.geometry_thin_walled
    }

    /// Every parameter that is not finite or outside the range of the specification; empty when all are well.
    pub fn validate(&self) -> Vec<Violation> {
        FIELDS.iter().flat_map(|field| field.violations(self)).collect()
    }
}

/// A parameter outside its range.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// The parameter's name.
    pub field: &'static str,
    /// 0, 1 or 2 for the red, green or blue of a colour.
    pub channel: Option<usize>,
    /// What it is.
    pub value: f32,
    /// The least value allowed.
    pub min: f32,
    /// The greatest value allowed; infinite when any finite value at or above `min` is.
    pub max: f32,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.field)?;
        if let Some(channel) = self.channel {
            write!(f, "[{channel}]")?;
        }
        write!(f, " is {}; it must be ", self.value)?;
        if self.max.is_finite() {
            write!(f, "from {} to {}", self.min, self.max)
        } else {
            write!(f, "finite and at least {}", self.min)
        }
    }
}
