//! Transmission: specular or diffuse, through a thin wall or a volume that absorbs, scatters and disperses.

use packshot_materials::openpbr::{Color, OpenPbr};

use super::super::error::ImportError;
use super::super::member::Member;
use super::{POSITIVE, Reader, UNIT};
use crate::scene::{DiffuseTransmission, SceneMaterial};

/// In metres. A medium with a shorter attenuation distance is opaque, and its density would overflow.
const ATTENUATION_DISTANCE_MIN_M: f64 = 1e-9;
/// Least transmitted colour, so that a channel at 0 has a finite density.
const ATTENUATION_COLOR_MIN: f32 = 1e-6;

impl Reader<'_> {
    /// `KHR_materials_transmission`, `…_diffuse_transmission`, `…_volume`, `…_volume_scatter` and `…_dispersion`.
    pub(super) fn transmission(
        &mut self,
        material: &Member<'_, '_>,
        out: &mut SceneMaterial,
    ) -> Result<(), ImportError> {
        if let Some(extension) = material.extension("KHR_materials_transmission")? {
            let weight = self.number(&extension, "transmissionFactor", 0.0, UNIT)?;
            out.openpbr.transmission_weight = weight;
            out.textures.transmission = self.slot(&extension, "transmissionTexture")?.filter(|_| weight > 0.0);
        }
        if let Some(extension) = material.extension("KHR_materials_diffuse_transmission")? {
            let weight = self.number(&extension, "diffuseTransmissionFactor", 0.0, UNIT)?;
            let color = self.numbers(&extension, "diffuseTransmissionColorFactor", [1.0; 3], UNIT)?;
            out.diffuse_transmission = DiffuseTransmission { weight, color };
            let weight_texture = self.slot(&extension, "diffuseTransmissionTexture")?;
            let color_texture = self.slot(&extension, "diffuseTransmissionColorTexture")?;
            out.textures.diffuse_transmission_weight = weight_texture.filter(|_| weight > 0.0);
            out.textures.diffuse_transmission_color = color_texture.filter(|_| weight > 0.0);
        }
        if let Some(extension) = material.extension("KHR_materials_dispersion")? {
            let dispersion = self.number(&extension, "dispersion", 0.0, POSITIVE)?;
            if dispersion > 0.0 {
                out.openpbr.transmission_dispersion_scale = 1.0;
                out.openpbr.transmission_dispersion_abbe_number = (20.0 / dispersion).min(f32::MAX);
            }
        }
        let is_solid = self.volume(material, &mut out.openpbr)?;
        let transmits = out.openpbr.transmission_weight > 0.0 || out.diffuse_transmission.weight > 0.0;
        out.openpbr.geometry_thin_walled = transmits && !is_solid;
        Ok(())
    }

    /// Whether the surface bounds a volume.
    fn volume(&mut self, material: &Member<'_, '_>, openpbr: &mut OpenPbr) -> Result<bool, ImportError> {
        let scatter = match material.extension("KHR_materials_volume_scatter")? {
            Some(extension) => Some((
                self.numbers(&extension, "multiscatterColor", [0.0; 3], UNIT)?,
                self.number(&extension, "scatterAnisotropy", 0.0, (-1.0, 1.0))?,
            )),
            None => None,
        };
        let Some(extension) = material.extension("KHR_materials_volume")? else { return Ok(false) };
        let thickness = self.number(&extension, "thicknessFactor", 0.0, POSITIVE)?;
        self.slot(&extension, "thicknessTexture")?;
        let color = self.numbers(&extension, "attenuationColor", [1.0; 3], UNIT)?;
        let distance = match extension.has("attenuationDistance") {
            true => {
                f64::from(self.number(&extension, "attenuationDistance", f32::MAX, (f32::MIN_POSITIVE, f32::MAX))?)
            }
            false => f64::INFINITY,
        };
        if thickness == 0.0 {
            return Ok(false);
        }
        let depth_m = (distance * self.unit_scale).max(ATTENUATION_DISTANCE_MIN_M) as f32;
        if color != [1.0; 3] && depth_m.is_finite() {
            openpbr.transmission_color = color.map(|channel| channel.max(ATTENUATION_COLOR_MIN));
            openpbr.transmission_depth = depth_m;
            if let Some((multiscatter_color, anisotropy)) = scatter {
                add_scattering(multiscatter_color, openpbr);
                openpbr.transmission_scatter_anisotropy = anisotropy;
            }
        }
        Ok(true)
    }
}

/// Adds scattering to a medium, such that multiple scattering gives it the colour `multiscatter_color`.
///
/// Extinction is −ln T / d for the colour T after the distance d, and the fraction ρ of it is scattering
/// (`KHR_materials_volume_scatter`). OpenPBR's scattering is S / d, so S = −ρ·ln T. Where that is above the 1 that
/// OpenPBR allows, the same medium is described by a shorter distance.
fn add_scattering(multiscatter_color: Color, openpbr: &mut OpenPbr) {
    let density = openpbr.transmission_color.map(|channel| -channel.ln());
    let scatter: Color = std::array::from_fn(|c| density[c] * single_scatter_albedo(multiscatter_color[c]));
    let shortening = scatter.into_iter().fold(1.0, f32::max).recip();
    openpbr.transmission_scatter = scatter.map(|channel| (channel * shortening).min(1.0));
    openpbr.transmission_color = density.map(|channel| (-channel * shortening).exp());
    openpbr.transmission_depth *= shortening;
}

/// Kulla and Conty, Revisiting physically based shading at Imageworks, 2017, as cited by the extension.
fn single_scatter_albedo(multi_scatter_albedo: f32) -> f32 {
    let m = multi_scatter_albedo;
    let root = (9.59217 + 41.6808 * m + 17.7126 * m * m).sqrt();
    (1.0 - (4.09712 + 4.20863 * m - root).powi(2)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dense_medium_is_described_by_a_shorter_distance() {
        let mut openpbr =
            OpenPbr { transmission_color: [0.9, 0.5, 1e-3], transmission_depth: 0.1, ..OpenPbr::default() };
        let extinction = |m: &OpenPbr| m.transmission_color.map(|channel| -channel.ln() / m.transmission_depth);
        let before = extinction(&openpbr);
        add_scattering([0.8, 0.5, 0.9], &mut openpbr);
        assert_eq!(openpbr.validate(), []);
        for channel in 0..3 {
            let after = extinction(&openpbr)[channel];
            assert!((after / before[channel] - 1.0).abs() < 1e-4, "{after} {before:?}");
            let albedo = openpbr.transmission_scatter[channel] / openpbr.transmission_depth / after;
            let expected = single_scatter_albedo([0.8, 0.5, 0.9][channel]);
            assert!((albedo - expected).abs() < 1e-4, "{albedo} {expected}");
        }
    }

    #[test]
    fn albedos_meet_at_black_and_white() {
        assert!(single_scatter_albedo(0.0) < 1e-4);
        assert!(single_scatter_albedo(1.0) > 0.999);
        assert!(single_scatter_albedo(0.5) > 0.8, "a grey look takes nearly white particles");
    }
}
