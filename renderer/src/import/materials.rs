//! Materials: glTF's metallic-roughness model and its extensions, as OpenPBR parameters where those exist.

use packshot_materials::openpbr::OpenPbr;

use super::ImportErrorCode as Code;
use super::ImportOptions;
use super::blender;
use super::error::{ImportError, quoted};
use super::findings::Findings;
use super::member::Member;
use super::textures::{Textures, read_slot};
use crate::diagnostic::Severity;
use crate::look::Look;
use crate::scene::{AlphaMode, SceneMaterial, TextureRef};

mod layers;
mod specular_glossiness;
mod transmission;

/// Extensions that materials may use, all of them read in full.
pub(super) const EXTENSIONS: [&str; 15] = [
    "KHR_materials_anisotropy",
    "KHR_materials_clearcoat",
    "KHR_materials_diffuse_transmission",
    "KHR_materials_dispersion",
    "KHR_materials_emissive_strength",
    "KHR_materials_ior",
    "KHR_materials_iridescence",
    "KHR_materials_pbrSpecularGlossiness",
    "KHR_materials_sheen",
    "KHR_materials_specular",
    "KHR_materials_transmission",
    "KHR_materials_unlit",
    "KHR_materials_volume",
    "KHR_materials_volume_scatter",
    "KHR_texture_transform",
];

/// The range of a fraction.
const UNIT: (f32, f32) = (0.0, 1.0);
/// The range of a value without an upper limit.
const POSITIVE: (f32, f32) = (0.0, f32::MAX);

/// Reads `/materials`. Textures are numbered as in the file; those that must be derived from stored ones are added to
/// `textures`.
pub(super) fn read_all(
    root: &Member<'_, '_>,
    textures: &mut Textures,
    options: &ImportOptions,
    findings: &mut Findings,
) -> Result<Vec<SceneMaterial>, ImportError> {
    let unit_scale = options.unit_scale;
    let mut reader = Reader { textures, unit_scale, findings };
    let read = |(idx, material): (usize, Result<Member<'_, '_>, _>)| {
        let material = material?;
        let mut read = SceneMaterial { file_idx: Some(idx as u32), ..reader.material(&material)? };
        if options.look == Look::Blender50 {
            blender::material(&material, unit_scale, &mut read)?;
        }
        Ok(read)
    };
    root.items("materials")?.enumerate().map(read).collect()
}

/// What reading a material needs.
struct Reader<'a> {
    textures: &'a mut Textures,
    /// Metres per unit of the file.
    unit_scale: f64,
    findings: &'a mut Findings,
}

impl Reader<'_> {
    fn material(&mut self, material: &Member<'_, '_>) -> Result<SceneMaterial, ImportError> {
        // The defaults of glTF, not those of OpenPBR: a material without members is a rough, white metal.
        let openpbr =
            OpenPbr { base_color: [1.0; 3], base_metalness: 1.0, specular_roughness: 1.0, ..OpenPbr::default() };
        let mut out = SceneMaterial {
            name: material.text("name")?.map(str::to_owned),
            openpbr,
            double_sided: material.flag("doubleSided")?,
            unlit: material.extension("KHR_materials_unlit")?.is_some(),
            ..SceneMaterial::default()
        };
        let mut opacity = self.metallic_roughness(material, &mut out)?;
        out.textures.normal = self.slot(material, "normalTexture")?;
        out.textures.normal_scale = normal_scale(material, "normalTexture")?;
        out.textures.occlusion = self.slot(material, "occlusionTexture")?;
        self.emission(material, &mut out)?;
        self.reflection(material, &mut out)?;
        self.anisotropy(material, &mut out)?;
        self.sheen(material, &mut out)?;
        self.clearcoat(material, &mut out)?;
        self.iridescence(material, &mut out)?;
        self.transmission(material, &mut out)?;
        if let Some(extension) = material.extension("KHR_materials_pbrSpecularGlossiness")? {
            opacity = self.specular_glossiness(&extension, &mut out)?;
        }
        out.alpha = alpha_mode(material)?;
        if out.alpha != AlphaMode::Opaque {
            out.openpbr.geometry_opacity = opacity;
        } else if opacity < 1.0 {
            let message = format!("an alpha of {opacity} is ignored, because the alpha mode is OPAQUE");
            self.findings.add("alpha_without_blend", Severity::Warning, material.pointer(), message);
        }
        Ok(out)
    }

    /// Reads the metallic-roughness model and returns the alpha factor.
    fn metallic_roughness(&mut self, material: &Member<'_, '_>, out: &mut SceneMaterial) -> Result<f32, ImportError> {
        let Some(pbr) = material.object("pbrMetallicRoughness")? else { return Ok(1.0) };
        let [r, g, b, a] = self.numbers(&pbr, "baseColorFactor", [1.0; 4], UNIT)?;
        out.openpbr.base_color = [r, g, b];
        out.openpbr.base_metalness = self.number(&pbr, "metallicFactor", 1.0, UNIT)?;
        out.openpbr.specular_roughness = self.number(&pbr, "roughnessFactor", 1.0, UNIT)?;
        out.textures.base_color = self.slot(&pbr, "baseColorTexture")?;
        out.textures.metallic_roughness = self.slot(&pbr, "metallicRoughnessTexture")?;
        Ok(a)
    }

    fn emission(&mut self, material: &Member<'_, '_>, out: &mut SceneMaterial) -> Result<(), ImportError> {
        let factor = self.numbers(material, "emissiveFactor", [0.0; 3], UNIT)?;
        let strength = match material.extension("KHR_materials_emissive_strength")? {
            Some(extension) => self.number(&extension, "emissiveStrength", 1.0, POSITIVE)?,
            None => 1.0,
        };
        let texture = self.slot(material, "emissiveTexture")?;
        // The texture multiplies the factor, so without a factor nothing is emitted.
        if factor != [0.0; 3] && strength > 0.0 {
            out.openpbr.emission_color = factor;
            out.openpbr.emission_luminance = strength;
            out.textures.emission = texture;
        }
        Ok(())
    }

    /// A number, clamped to its range with a finding.
    fn number<'d>(
        &mut self,
        owner: &Member<'_, 'd>,
        name: &'d str,
        default: f32,
        (min, max): (f32, f32),
    ) -> Result<f32, ImportError> {
        let value = owner.number(name)?.map_or(default, |value| value as f32);
        if !(min..=max).contains(&value) {
            self.note_clamped(owner, name, value, (min, max));
        }
        Ok(value.clamp(min, max))
    }

    /// `N` numbers, each clamped to the range, with one finding.
    fn numbers<'d, const N: usize>(
        &mut self,
        owner: &Member<'_, 'd>,
        name: &'d str,
        default: [f32; N],
        (min, max): (f32, f32),
    ) -> Result<[f32; N], ImportError> {
        let values = owner.numbers::<N>(name)?.map_or(default, |values| values.map(|value| value as f32));
        if let Some(value) = values.iter().find(|value| !(min..=max).contains(*value)) {
            self.note_clamped(owner, name, *value, (min, max));
        }
        Ok(values.map(|value| value.clamp(min, max)))
    }

    fn note_clamped<'d>(&mut self, owner: &Member<'_, 'd>, name: &'d str, value: f32, (min, max): (f32, f32)) {
        let message = match max == f32::MAX {
            true => format!("{value} is below the least value, {min}, which is used instead"),
            false => format!("{value} is outside the range from {min} to {max} and is clamped"),
        };
        self.findings.add("value_clamped", Severity::Warning, owner.pointer_to(name), message);
    }

    fn slot<'d>(&mut self, owner: &Member<'_, 'd>, name: &'d str) -> Result<Option<TextureRef>, ImportError> {
        read_slot(owner, name, self.textures.list(), self.findings)
    }
}

/// The `scale` of a normal map.
fn normal_scale<'d>(owner: &Member<'_, 'd>, name: &'d str) -> Result<f32, ImportError> {
    let Some(slot) = owner.object(name)? else { return Ok(1.0) };
    Ok(slot.number("scale")?.unwrap_or(1.0) as f32)
}

fn alpha_mode(material: &Member<'_, '_>) -> Result<AlphaMode, ImportError> {
    let cutoff = material.number("alphaCutoff")?.unwrap_or(0.5);
    if cutoff < 0.0 {
        return Err(material.error_at(
            "alphaCutoff",
            Code::Schema,
            format!("the alpha cutoff is {cutoff}; it must be at least 0"),
        ));
    }
    match material.text("alphaMode")? {
        None | Some("OPAQUE") => Ok(AlphaMode::Opaque),
        Some("MASK") => Ok(AlphaMode::Mask { cutoff: cutoff as f32 }),
        Some("BLEND") => Ok(AlphaMode::Blend),
        Some(other) => {
            Err(material.error_at("alphaMode", Code::Schema, format!("{} is not an alpha mode", quoted(other))))
        }
    }
}
