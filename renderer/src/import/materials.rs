//! Materials: glTF's metallic-roughness model as OpenPBR parameters.

use packshot_materials::openpbr::OpenPbr;

use super::ImportErrorCode as Code;
use super::error::{ImportError, quoted};
use super::extensions::Extensions;
use super::findings::Findings;
use super::member::Member;
use super::textures::{TextureSource, read_slot};
use crate::diagnostic::Severity;
use crate::scene::{AlphaMode, MaterialTextures, SceneMaterial};

/// The type of a member of an extension that is checked but not applied.
#[derive(Clone, Copy)]
enum Kind {
    Number,
    Rgb,
    Rgba,
    Texture,
}

/// Material extensions that are ratified but not supported: they are checked, reported and ignored.
const UNSUPPORTED: [(&str, &[(&str, Kind)]); 10] = {
    use Kind::{Number, Rgb, Rgba, Texture};
    [
        (
            "KHR_materials_anisotropy",
            &[("anisotropyStrength", Number), ("anisotropyRotation", Number), ("anisotropyTexture", Texture)],
        ),
        (
            "KHR_materials_clearcoat",
            &[
                ("clearcoatFactor", Number),
                ("clearcoatTexture", Texture),
                ("clearcoatRoughnessFactor", Number),
                ("clearcoatRoughnessTexture", Texture),
                ("clearcoatNormalTexture", Texture),
            ],
        ),
        (
            "KHR_materials_diffuse_transmission",
            &[
                ("diffuseTransmissionFactor", Number),
                ("diffuseTransmissionTexture", Texture),
                ("diffuseTransmissionColorFactor", Rgb),
                ("diffuseTransmissionColorTexture", Texture),
            ],
        ),
        ("KHR_materials_dispersion", &[("dispersion", Number)]),
        (
            "KHR_materials_iridescence",
            &[
                ("iridescenceFactor", Number),
                ("iridescenceTexture", Texture),
                ("iridescenceIor", Number),
                ("iridescenceThicknessMinimum", Number),
                ("iridescenceThicknessMaximum", Number),
                ("iridescenceThicknessTexture", Texture),
            ],
        ),
        (
            "KHR_materials_pbrSpecularGlossiness",
            &[
                ("diffuseFactor", Rgba),
                ("diffuseTexture", Texture),
                ("specularFactor", Rgb),
                ("glossinessFactor", Number),
                ("specularGlossinessTexture", Texture),
            ],
        ),
        (
            "KHR_materials_sheen",
            &[
                ("sheenColorFactor", Rgb),
                ("sheenColorTexture", Texture),
                ("sheenRoughnessFactor", Number),
                ("sheenRoughnessTexture", Texture),
            ],
        ),
        (
            "KHR_materials_specular",
            &[
                ("specularFactor", Number),
                ("specularTexture", Texture),
                ("specularColorFactor", Rgb),
                ("specularColorTexture", Texture),
            ],
        ),
        ("KHR_materials_transmission", &[("transmissionFactor", Number), ("transmissionTexture", Texture)]),
        (
            "KHR_materials_volume",
            &[
                ("thicknessFactor", Number),
                ("thicknessTexture", Texture),
                ("attenuationDistance", Number),
                ("attenuationColor", Rgb),
            ],
        ),
    ]
};

/// Whether this is an extension of materials that is reported per material.
pub(super) fn is_known_unsupported(name: &str) -> bool {
    UNSUPPORTED.iter().any(|(unsupported, _)| *unsupported == name)
}

/// Reads `/materials`. Textures are numbered as in the file.
pub(super) fn read_all(
    root: &Member<'_, '_>,
    textures: &[TextureSource],
    extensions: &Extensions<'_>,
    findings: &mut Findings,
) -> Result<Vec<SceneMaterial>, ImportError> {
    root.items("materials")?.map(|material| read(&material?, textures, extensions, findings)).collect()
}

fn read(
    material: &Member<'_, '_>,
    textures: &[TextureSource],
    extensions: &Extensions<'_>,
    findings: &mut Findings,
) -> Result<SceneMaterial, ImportError> {
    let name = material.text("name")?;
    // The defaults of glTF, not those of OpenPBR: a material without members is a rough white metal.
    let mut openpbr =
        OpenPbr { base_color: [1.0; 3], base_metalness: 1.0, specular_roughness: 1.0, ..OpenPbr::default() };
    let mut slots = MaterialTextures { normal_scale: 1.0, ..MaterialTextures::default() };
    let mut alpha_factor = 1.0;
    if let Some(pbr) = material.object("pbrMetallicRoughness")? {
        let unit = (0.0, 1.0);
        let [r, g, b, a] = clamped_numbers(&pbr, "baseColorFactor", [1.0; 4], unit, findings)?;
        openpbr.base_color = [r, g, b];
        alpha_factor = a;
        openpbr.base_metalness = clamped(&pbr, "metallicFactor", 1.0, unit, findings)?;
        openpbr.specular_roughness = clamped(&pbr, "roughnessFactor", 1.0, unit, findings)?;
        slots.base_color = read_slot(&pbr, "baseColorTexture", textures, findings)?;
        slots.metallic_roughness = read_slot(&pbr, "metallicRoughnessTexture", textures, findings)?;
    }
    slots.normal = read_slot(material, "normalTexture", textures, findings)?;
    if let Some(normal) = material.object("normalTexture")? {
        slots.normal_scale = normal.number("scale")?.unwrap_or(1.0) as f32;
    }
    slots.occlusion = read_slot(material, "occlusionTexture", textures, findings)?;
    read_emission(material, textures, &mut openpbr, &mut slots, findings)?;
    if let Some(extension) = material.extension("KHR_materials_ior")? {
        openpbr.specular_ior = read_ior(&extension, findings)?;
    }
    let alpha = read_alpha_mode(material)?;
    if alpha == AlphaMode::Opaque {
        if alpha_factor < 1.0 {
            let message = format!("an alpha of {alpha_factor} is ignored, because the alpha mode is OPAQUE");
            findings.add("alpha_without_blend", Severity::Warning, material.pointer(), message);
        }
    } else {
        openpbr.geometry_opacity = alpha_factor;
    }
    note_unsupported(material, name, textures, extensions, findings)?;
    Ok(SceneMaterial {
        name: name.map(str::to_owned),
        openpbr,
        textures: slots,
        alpha,
        double_sided: material.flag("doubleSided")?,
        unlit: material.extension("KHR_materials_unlit")?.is_some(),
    })
}

fn read_emission(
    material: &Member<'_, '_>,
    textures: &[TextureSource],
    openpbr: &mut OpenPbr,
    slots: &mut MaterialTextures,
    findings: &mut Findings,
) -> Result<(), ImportError> {
    let factor = clamped_numbers(material, "emissiveFactor", [0.0; 3], (0.0, 1.0), findings)?;
    let strength = match material.extension("KHR_materials_emissive_strength")? {
        Some(extension) => clamped(&extension, "emissiveStrength", 1.0, (0.0, f32::MAX), findings)?,
        None => 1.0,
    };
    let texture = read_slot(material, "emissiveTexture", textures, findings)?;
    // The texture multiplies the factor, so without a factor nothing shines.
    if factor != [0.0; 3] && strength > 0.0 {
        openpbr.emission_color = factor;
        openpbr.emission_luminance = strength;
        slots.emission = texture;
    }
    Ok(())
}

fn read_ior(extension: &Member<'_, '_>, findings: &mut Findings) -> Result<f32, ImportError> {
    const DEFAULT: f32 = 1.5;
    let ior = extension.number("ior")?.map_or(DEFAULT, |ior| ior as f32);
    if ior == 0.0 {
        // The extension's compatibility value for "reflects everything" belongs to a workflow that is not supported.
        let message = "an index of refraction of 0 is read as 1.5";
        findings.add("value_clamped", Severity::Warning, extension.pointer_to("ior"), message);
        return Ok(DEFAULT);
    }
    clamped(extension, "ior", DEFAULT, (1.0, f32::MAX), findings)
}

fn read_alpha_mode(material: &Member<'_, '_>) -> Result<AlphaMode, ImportError> {
    let cutoff = material.number("alphaCutoff")?.unwrap_or(0.5);
    if cutoff < 0.0 {
        return Err(material.error_at("alphaCutoff", Code::Schema, format!("{cutoff}; the least is 0")));
    }
    match material.text("alphaMode")? {
        None | Some("OPAQUE") => Ok(AlphaMode::Opaque),
        Some("MASK") => Ok(AlphaMode::Mask { cutoff: cutoff as f32 }),
        Some("BLEND") => Ok(AlphaMode::Blend),
        Some(other) => Err(material.error_at("alphaMode", Code::Schema, format!("{} is no alpha mode", quoted(other)))),
    }
}

/// A number, moved into its range with a finding.
fn clamped<'d>(
    owner: &Member<'_, 'd>,
    name: &'d str,
    default: f32,
    (min, max): (f32, f32),
    findings: &mut Findings,
) -> Result<f32, ImportError> {
    let value = owner.number(name)?.map_or(default, |value| value as f32);
    if !(min..=max).contains(&value) {
        let message = format!("{value} is outside the range from {min} to {max}");
        findings.add("value_clamped", Severity::Warning, owner.pointer_to(name), message);
    }
    Ok(value.clamp(min, max))
}

/// `N` numbers, each moved into the range, with one finding.
fn clamped_numbers<'d, const N: usize>(
    owner: &Member<'_, 'd>,
    name: &'d str,
    default: [f32; N],
    (min, max): (f32, f32),
    findings: &mut Findings,
) -> Result<[f32; N], ImportError> {
    let values = owner.numbers::<N>(name)?.map_or(default, |values| values.map(|value| value as f32));
    if let Some(value) = values.iter().find(|value| !(min..=max).contains(*value)) {
        let message = format!("{value} is outside the range from {min} to {max}");
        findings.add("value_clamped", Severity::Warning, owner.pointer_to(name), message);
    }
    Ok(values.map(|value| value.clamp(min, max)))
}

fn note_unsupported(
    material: &Member<'_, '_>,
    name: Option<&str>,
    textures: &[TextureSource],
    extensions: &Extensions<'_>,
    findings: &mut Findings,
) -> Result<(), ImportError> {
    for (extension_name, members) in UNSUPPORTED {
        let Some(extension) = material.extension(extension_name)? else { continue };
        for (member, kind) in members {
            match kind {
                Kind::Number => extension.number(member).map(drop)?,
                Kind::Rgb => extension.numbers::<3>(member).map(drop)?,
                Kind::Rgba => extension.numbers::<4>(member).map(drop)?,
                Kind::Texture => {
                    if let Some(slot) = extension.object(member)? {
                        slot.required_index("index", textures.len(), "texture")?;
                        slot.integer("texCoord")?;
                    }
                }
            }
        }
        // One that the file does not list has its finding already.
        if extensions.declares(extension_name) {
            let message =
                format!("material {}: {extension_name} is not supported and ignored", quoted(name.unwrap_or("")));
            findings.add("unsupported_extension", Severity::Warning, extension.pointer(), message);
        }
    }
    Ok(())
}
