//! Lowers OpenPBR parameters to the shader's material: weights multiplied in, lengths in render units, tables looked
//! up.

use glam::Vec3;
use packshot_materials::library::{Surface, Texture, Textures};
use packshot_materials::openpbr::OpenPbr;
use packshot_shaders::constants::{
    ALPHA_SMOOTH, MATERIAL_COAT_NORMAL, MATERIAL_SCATTERS, MATERIAL_SUBSURFACE, MATERIAL_THIN_WALLED, MATERIAL_UNLIT,
    NO_TABLE, NONE, SRGB_TABLE, TEXTURED_BASE,
};
use packshot_shaders::layout::scene::Material;
use packshot_texels::Undecodable;

use self::interior::{Diffuse, Interior};
use super::albedo::{self, Boundary, BoundaryKey};
use super::fuzz;
use super::texture::{Channels, TextureTable};

pub(crate) mod file;
pub(crate) mod interior;
pub(crate) mod principled;

/// Distinct indices of refraction that get exact tables of their own, of each kind of table.
const EXACT_INDICES_MAX: usize = 32;

/// The shader's `tables`, which grow as materials need indices of refraction.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    values: Vec<f32>,
    dielectrics: Vec<(BoundaryKey, u32)>,
    fuzz: Option<u32>,
    sheen: Option<u32>,
    brushed: Option<u32>,
    brushed_glass: Vec<([u32; 2], u32)>,
    glass: Option<u32>,
}

impl Tables {
    /// With the lossless block at offset 0, followed by the table that decodes sRGB bytes.
    pub(crate) fn new() -> Self {
        let mut values = albedo::lossless().to_vec();
        assert_eq!(values.len(), SRGB_TABLE as usize, "the shader's constant says where the table begins");
        values.extend((0..=255_u8).map(|byte| crate::color::srgb::decode(f32::from(byte) / 255.0)));
        Self {
            values,
            dielectrics: Vec::new(),
            fuzz: None,
            sheen: None,
            brushed: None,
            brushed_glass: Vec::new(),
            glass: None,
        }
    }

    /// Offset of what a boundary's index of refraction reflects, or reflects and refracts.
    fn dielectric(&mut self, ior: f32, boundary: Boundary) -> u32 {
        let shared = |ior| index_with_table(ior, self.dielectrics.len());
        let ior = shared(ior);
        let boundary = match boundary {
            Boundary::Opaque => Boundary::Opaque,
            Boundary::Refracting { bends } => Boundary::Refracting { bends: shared(bends) },
        };
        let key = boundary.key(ior);
        if let Some(&(_, offset)) = self.dielectrics.iter().find(|(known, _)| *known == key) {
            return offset;
        }
        let offset = self.values.len() as u32;
        self.values.extend_from_slice(&albedo::dielectric(ior, boundary));
        self.dielectrics.push((key, offset));
        offset
    }

    /// Whose tables there are.
    #[cfg(test)]
    pub(crate) fn boundaries(&self) -> impl Iterator<Item = BoundaryKey> {
        self.dielectrics.iter().map(|(key, _)| *key)
    }

    /// Appends an entry of a part, such as its relief, and returns its offset.
    pub(crate) fn entry(&mut self, entry: &[f32]) -> u32 {
        appended(&mut self.values, entry)
    }

    /// Offset of the table of glTF's sheen.
    fn sheen(&mut self) -> u32 {
        *self.sheen.get_or_insert_with(|| appended(&mut self.values, fuzz::sheen()))
    }

    /// Offset of the tables of OpenPBR's fuzz.
    fn fuzz(&mut self) -> u32 {
        *self.fuzz.get_or_insert_with(|| appended(&mut self.values, &fuzz::fuzz()))
    }

    /// Offset of the table of brushed facets.
    fn brushed(&mut self) -> u32 {
        *self.brushed.get_or_insert_with(|| appended(&mut self.values, albedo::brushed::lossless()))
    }

    /// Offset of the table of glass between any two media.
    fn glass(&mut self) -> u32 {
        *self.glass.get_or_insert_with(|| appended(&mut self.values, albedo::between()))
    }

    /// Offset of the tables of brushed glass that reflects by one index and refracts by another.
    fn brushed_glass(&mut self, ior: f32, bends: f32) -> u32 {
        let [ior, bends] = [ior, bends].map(|ior| index_with_table(ior, self.brushed_glass.len()));
        let key = [ior, bends].map(f32::to_bits);
        if let Some(&(_, offset)) = self.brushed_glass.iter().find(|&&(known, _)| known == key) {
            return offset;
        }
        let offset = appended(&mut self.values, &albedo::brushed::glass(ior, bends));
        self.brushed_glass.push((key, offset));
        offset
    }

    /// The whole array of tables.
    pub(crate) fn into_values(self) -> Vec<f32> {
        self.values
    }
}

/// The index of refraction whose table serves `ior`, after `n_known` others. A file can name any number of them;
/// beyond the limit they share tables in steps of 1/32.
fn index_with_table(ior: f32, n_known: usize) -> f32 {
    if n_known >= EXACT_INDICES_MAX { (ior.clamp(1.0, 10.0) * 32.0).round() / 32.0 } else { ior }
}

/// Appends a table and returns its offset.
fn appended(values: &mut Vec<f32>, table: &[f32]) -> u32 {
    let offset = values.len() as u32;
    values.extend_from_slice(table);
    offset
}

/// A material of the library or a shot: constants only, no textures.
pub(crate) fn lower_literal(m: &OpenPbr, render_units_per_m: f64, tables: &mut Tables) -> Material {
    let interior = Interior::of(m, m.transmission_weight > 0.0, render_units_per_m);
    let transmits = m.transmission_weight > 0.0 && m.base_metalness < 1.0;
    let is_glass_body = transmits && !m.geometry_thin_walled;
    let reflective = m.base_metalness < 1.0;
    // The weight scales reflectance only: light is refracted by the index itself.
    let reflection_ior = ior_scaled(m.specular_ior, m.specular_weight);
    let coated = m.coat_weight > 0.0;
    let diffuse = Diffuse::of(m);
    let is_brushed = m.specular_roughness_anisotropy + m.coat_roughness_anisotropy > 0.0;
    let mut flags = interior.flags;
    if m.geometry_thin_walled {
        flags |= MATERIAL_THIN_WALLED;
    }
    Material {
        base_color: diffuse.base_color,
        metalness: m.base_metalness,
        specular_color: m.specular_color.into(),
        specular_weight: m.specular_weight,
        transmission_tint: if m.transmission_depth > 0.0 { Vec3::ONE } else { m.transmission_color.into() },
        transmission_weight: m.transmission_weight,
        absorption: interior.absorption,
        roughness: m.specular_roughness,
        coat_color: m.coat_color.into(),
        coat_weight: m.coat_weight,
        emission: Vec3::from(m.emission_color) * m.emission_luminance,
        coat_roughness: m.coat_roughness,
        ior: m.specular_ior,
        reflection_ior,
        coat_ior: m.coat_ior,
        diffuse_roughness: m.base_diffuse_roughness,
        opacity: m.geometry_opacity,
        coat_darkening: m.coat_darkening,
        reflection_mean: if reflective { albedo::fresnel_mean(reflection_ior) } else { 0.0 },
        coat_mean: if coated { albedo::fresnel_mean(m.coat_ior) } else { 0.0 },
        flags,
        albedo_table: if reflective { tables.dielectric(reflection_ior, Boundary::Opaque) } else { NO_TABLE },
        coat_albedo_table: if coated { tables.dielectric(m.coat_ior, Boundary::Opaque) } else { NO_TABLE },
        normal_scale: 1.0,
        translucent_color: diffuse.translucent_color,
        translucent_weight: diffuse.translucent_weight,
        scattering: interior.scattering,
        scattering_anisotropy: interior.anisotropy,
        fuzz_color: m.fuzz_color.into(),
        fuzz_weight: m.fuzz_weight,
        fuzz_roughness: m.fuzz_roughness,
        fuzz_table: if m.fuzz_weight > 0.0 { tables.fuzz() } else { NO_TABLE },
        gloss_f90: 1.0,
        dispersion: if is_glass_body { cauchy_b(m) } else { 0.0 },
        anisotropy: m.specular_roughness_anisotropy,
        anisotropy_cos: 1.0,
        coat_anisotropy: m.coat_roughness_anisotropy,
        film_weight: m.thin_film_weight,
        // OpenPBR's thickness is in micrometres.
        film_thickness_nm: m.thin_film_thickness * 1000.0,
        film_ior: m.thin_film_ior,
        textured: if is_brushed { TEXTURED_BASE } else { 0 },
        brushed_table: if is_brushed { tables.brushed() } else { NO_TABLE },
        glass_table: if is_glass_body { tables.glass() } else { NO_TABLE },
        glass_in_air_table: if is_glass_body {
            tables.dielectric(reflection_ior, Boundary::Refracting { bends: m.specular_ior })
        } else {
            NO_TABLE
        },
        brushed_glass_table: if is_brushed && is_glass_body {
            tables.brushed_glass(reflection_ior, m.specular_ior)
        } else {
            NO_TABLE
        },
        ..untextured()
    }
}

/// Readies a metal for ink, which is none: without the albedos of its gloss that would not conserve energy.
pub(crate) fn make_coverable(out: &mut Material, tables: &mut Tables) {
    if out.albedo_table == NO_TABLE {
        out.reflection_mean = albedo::fresnel_mean(out.reflection_ior);
        out.albedo_table = tables.dielectric(out.reflection_ior, Boundary::Opaque);
    }
}

/// Puts pictures on a material.
pub(crate) fn put_on(out: &mut Material, textures: &Textures, table: &mut TextureTable<'_>) -> Result<(), Undecodable> {
    let mut lookup = |texture: &Option<Texture>, channels| match texture {
        Some(texture) => Ok(table.add_picture(&texture.image()?, channels)),
        None => Ok(NONE),
    };
    out.base_color_texture = lookup(&textures.base_color, Channels::Stored)?;
    out.metallic_roughness_texture = lookup(&textures.roughness, Channels::RoughnessOnly)?;
    out.normal_texture = lookup(&textures.normal, Channels::Stored)?;
    if out.coat_weight > 0.0 && out.normal_texture != NONE {
        out.flags |= MATERIAL_COAT_NORMAL;
    }
    out.textured |= TEXTURED_BASE;
    Ok(())
}

/// Whether light goes straight through smooth surfaces of this material, losing what `stage/pane.wgsl` says.
pub(crate) fn is_pane(m: &Material) -> bool {
    let layers = m.coat_weight + m.fuzz_weight + m.film_weight + m.anisotropy + m.translucent_weight;
    let is_smooth = m.roughness == 0.0 || m.metallic_roughness_texture != NONE;
    m.flags & MATERIAL_THIN_WALLED != 0
        && m.transmission_weight > 0.0
        && m.metalness < 1.0
        && layers == 0.0
        && m.normal_texture == NONE
        && is_smooth
}

/// Whether all lobes of a lowered material are mirrors, wherever it has no relief and from either side. False of some
/// that are: those with textures or a scattering inside, in which paths part.
pub(crate) fn is_mirror(m: &Material) -> bool {
    let layers = m.coat_weight + m.fuzz_weight + m.anisotropy + m.translucent_weight;
    let has_base = m.metalness < 1.0 && m.transmission_weight < 1.0;
    m.roughness * m.roughness < ALPHA_SMOOTH
        && !has_base
        && layers == 0.0
        && m.textured == 0
        && m.design == 0
        && m.twin == NONE
        && m.flags & (MATERIAL_UNLIT | MATERIAL_SUBSURFACE | MATERIAL_SCATTERS) == 0
}

/// The medium of a body of `m` for light that enters through its diffuse base, where that differs from the glass that
/// the same material mixes in (OpenPBR mixes both).
pub(crate) fn twin(m: &OpenPbr, render_units_per_m: f64, tables: &mut Tables) -> Option<Material> {
    let has_both = m.transmission_weight > 0.0 && m.transmission_weight < 1.0 && m.subsurface_weight > 0.0;
    if !has_both || m.base_metalness >= 1.0 || m.geometry_thin_walled {
        return None;
    }
    let below_gloss = OpenPbr { transmission_weight: 0.0, ..*m };
    Some(lower_literal(&below_gloss, render_units_per_m, tables))
}

/// A material that has neither textures nor tables.
fn untextured() -> Material {
    Material {
        albedo_table: NO_TABLE,
        coat_albedo_table: NO_TABLE,
        fuzz_table: NO_TABLE,
        brushed_table: NO_TABLE,
        brushed_glass_table: NO_TABLE,
        glass_table: NO_TABLE,
        glass_in_air_table: NO_TABLE,
        base_color_texture: NONE,
        metallic_roughness_texture: NONE,
        normal_texture: NONE,
        emission_texture: NONE,
        coat_normal_scale: 1.0,
        twin: NONE,
        shell: NONE,
        gloss_level: 1.0,
        coat_texture: NONE,
        coat_roughness_texture: NONE,
        coat_normal_texture: NONE,
        fuzz_color_texture: NONE,
        fuzz_roughness_texture: NONE,
        anisotropy_texture: NONE,
        transmission_texture: NONE,
        specular_texture: NONE,
        specular_color_texture: NONE,
        film_texture: NONE,
        film_thickness_texture: NONE,
        translucent_texture: NONE,
        translucent_color_texture: NONE,
        ..Material::default()
    }
}

/// Cauchy's b, in square micrometres, from the Abbe number (n_d − 1) / (n_F − n_C).
fn cauchy_b(m: &OpenPbr) -> f32 {
    /// 1 / λ² of Fraunhofer's line F (486.13 nm) minus that of C (656.27 nm).
    const F_TO_C: f32 = 1.909_68;
    if m.transmission_dispersion_scale <= 0.0 {
        return 0.0;
    }
    let abbe_number = m.transmission_dispersion_abbe_number / m.transmission_dispersion_scale;
    (m.specular_ior - 1.0) / (abbe_number * F_TO_C)
}

/// OpenPBR names of the parameters of `m` that are set but not rendered yet (a combination is listed under both names);
/// empty when the material is rendered completely. Brushed facets need a grain, either from the surface that the
/// material is worn with or from the file's tangents.
pub fn left_out(m: &OpenPbr, surface: &Surface) -> Vec<&'static str> {
    let mut out = Vec::new();
    let mut note = |left: bool, name| {
        if left {
            out.push(name)
        }
    };
    let is_grainless = surface.tangent.is_none();
    note(is_grainless && m.specular_roughness_anisotropy > 0.0, "specular_roughness_anisotropy");
    note(is_grainless && m.coat_weight > 0.0 && m.coat_roughness_anisotropy > 0.0, "coat_roughness_anisotropy");
    out
}

/// The index of refraction whose reflectance along the normal is `weight` times that of `ior` (OpenPBR 1.1.1,
/// "specular_weight").
fn ior_scaled(ior: f32, weight: f32) -> f32 {
    if weight == 1.0 {
        return ior;
    }
    let n = f64::from(ior);
    let f0 = (((n - 1.0) / (n + 1.0)).powi(2) * f64::from(weight)).clamp(0.0, 0.999);
    ((1.0 + f0.sqrt()) / (1.0 - f0.sqrt())) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_has_no_lobe_that_a_light_sample_reaches() {
        let is_mirror = |m: &OpenPbr| is_mirror(&lower_literal(m, 1.0, &mut Tables::new()));
        let glass = OpenPbr { transmission_weight: 1.0, specular_roughness: 0.0, ..OpenPbr::default() };
        let pane = OpenPbr { geometry_thin_walled: true, ..glass };
        let chrome = OpenPbr { base_metalness: 1.0, specular_roughness: 0.0, ..OpenPbr::default() };
        for mirror in [glass, pane, chrome, OpenPbr { thin_film_weight: 1.0, ..glass }] {
            assert!(is_mirror(&mirror), "{mirror:?}");
            let others = [
                OpenPbr { specular_roughness: 0.05, ..mirror },
                OpenPbr { coat_weight: 0.1, ..mirror },
                OpenPbr { fuzz_weight: 0.1, ..mirror },
                OpenPbr { specular_roughness_anisotropy: 0.5, ..mirror },
                OpenPbr { transmission_weight: 0.9, base_metalness: 0.9, ..mirror },
                OpenPbr { transmission_weight: 0.0, base_metalness: 0.0, subsurface_weight: 1.0, ..mirror },
            ];
            for other in others {
                assert!(!is_mirror(&other), "{other:?}");
            }
        }
    }

    #[test]
    fn specular_weight_scales_the_normal_reflectance() {
        let n = f64::from(ior_scaled(1.5, 0.25));
        assert!((((n - 1.0) / (n + 1.0)).powi(2) - 0.01).abs() < 1e-6);
        assert_eq!(ior_scaled(1.5, 0.0), 1.0);
    }

    #[test]
    fn absorption_reaches_the_colour_at_the_depth_whatever_the_unit() {
        let m = OpenPbr {
            transmission_weight: 1.0,
            transmission_color: [0.5, 0.25, 1.0],
            transmission_depth: 0.01,
            ..OpenPbr::default()
        };
        let lowered = lower_literal(&m, 40.0, &mut Tables::new());
        let through = (-lowered.absorption * 0.4).exp();
        assert!((through - Vec3::new(0.5, 0.25, 1.0)).abs().max_element() < 1e-5, "{through}");
    }
}
