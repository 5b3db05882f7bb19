//! The differences between the specifications and Blender 5.0's glTF importer: what it drops, converts and defaults
//! differently.
//!
//! Each function is one behaviour that `docs/looks.md` names. They run after the file was read by the specifications,
//! so that checks, limits and findings are the same in every look.

use glam::{DVec3, Vec4};
use packshot_materials::openpbr::OpenPbr;

use super::error::ImportError;
use super::member::Member;
use crate::color::srgb;
use crate::look::LUMENS_PER_WATT;
use crate::scene::{Anisotropy, DielectricReflection, DiffuseTransmission, Mesh, SceneLightKind, SceneMaterial, Sheen};

/// Coat roughness where a clearcoat names neither a factor nor a texture: Blender's own default. The extension says 0.
const COAT_ROUGHNESS: f32 = 0.03;
/// The index of refraction at which the importer's specular colour is the whole reflectance of a specular-glossiness
/// material.
const SPECULAR_GLOSSINESS_IOR: f32 = 1000.0;
/// Power of a light that names no intensity: that of a new light in Blender, in watts (W/m² of a sun). The extension
/// says 1 cd or 1 lux.
const LIGHT_POWER: f64 = 10.0;

/// Adjusts a material of the file to the importer's reading.
pub(super) fn material(material: &Member<'_, '_>, unit_scale: f64, out: &mut SceneMaterial) -> Result<(), ImportError> {
    drop_unknown_extensions(out);
    absorb_by_complement(material, unit_scale, &mut out.openpbr)?;
    default_coat_roughness(material, out)?;
    if material.extension("KHR_materials_pbrSpecularGlossiness")?.is_some() {
        reduce_to_specular_glossiness(out);
    }
    Ok(())
}

/// The importer has no iridescence, dispersion, diffuse transmission or volume scattering (all of them came after 5.0).
/// It has no thin walls either: a transmissive surface is always the boundary of a solid.
fn drop_unknown_extensions(out: &mut SceneMaterial) {
    let default = OpenPbr::default();
    out.openpbr = OpenPbr {
        thin_film_weight: 0.0,
        transmission_dispersion_scale: 0.0,
        transmission_scatter: default.transmission_scatter,
        transmission_scatter_anisotropy: default.transmission_scatter_anisotropy,
        geometry_thin_walled: false,
        ..out.openpbr
    };
    out.diffuse_transmission = DiffuseTransmission::default();
    let textures = &mut out.textures;
    textures.thin_film_weight = None;
    textures.thin_film_thickness = None;
    textures.diffuse_transmission_weight = None;
    textures.diffuse_transmission_color = None;
}

/// A volume becomes the node Volume Absorption with the density 1 / distance, whose extinction is (1 − colour) ·
/// density, whereas that of `KHR_materials_volume` is −ln(colour) / distance: at that distance the light does not have
/// exactly this colour.
fn absorb_by_complement(material: &Member<'_, '_>, unit_scale: f64, openpbr: &mut OpenPbr) -> Result<(), ImportError> {
    // Also 0 where the thickness is 0: the importer makes no volume then either.
    if openpbr.transmission_depth <= 0.0 {
        return Ok(());
    }
    let Some(volume) = material.extension("KHR_materials_volume")? else { return Ok(()) };
    let color = volume.numbers::<3>("attenuationColor")?.unwrap_or([1.0; 3]);
    let distance = volume.number("attenuationDistance")?.unwrap_or(f64::INFINITY);
    openpbr.transmission_color = color.map(|channel| (channel.clamp(0.0, 1.0) - 1.0).exp() as f32);
    openpbr.transmission_depth =
        (distance * unit_scale).clamp(f64::from(f32::MIN_POSITIVE), f64::from(f32::MAX)) as f32;
    Ok(())
}

fn default_coat_roughness(material: &Member<'_, '_>, out: &mut SceneMaterial) -> Result<(), ImportError> {
    if let Some(coat) = material.extension("KHR_materials_clearcoat")?
        && !coat.has("clearcoatRoughnessFactor")
        && !coat.has("clearcoatRoughnessTexture")
    {
        out.openpbr.coat_roughness = COAT_ROUGHNESS;
    }
    Ok(())
}

/// Beside specular-glossiness the importer reads only base, normal and emission. Its dielectric has a finite index,
/// whose Fresnel curve dips below the reflectance at normal incidence instead of rising towards grazing angles.
fn reduce_to_specular_glossiness(out: &mut SceneMaterial) {
    let color = out.dielectric.color;
    let f0 = ((SPECULAR_GLOSSINESS_IOR - 1.0) / (SPECULAR_GLOSSINESS_IOR + 1.0)).powi(2);
    out.dielectric = DielectricReflection { f0, weight: 1.0, color };
    out.openpbr.specular_ior = SPECULAR_GLOSSINESS_IOR;
    out.openpbr.transmission_weight = 0.0;
    out.openpbr.transmission_depth = 0.0;
    out.openpbr.coat_weight = 0.0;
    out.anisotropy = Anisotropy::default();
    out.sheen = Sheen::default();
    let textures = &mut out.textures;
    for slot in [
        &mut textures.transmission,
        &mut textures.coat_weight,
        &mut textures.coat_roughness,
        &mut textures.coat_normal,
        &mut textures.anisotropy,
        &mut textures.sheen_color,
        &mut textures.sheen_roughness,
    ] {
        *slot = None;
    }
}

/// Intensity of a light that names none, in candela or lux.
pub(super) fn default_intensity(kind: SceneLightKind) -> f64 {
    match kind {
        SceneLightKind::Directional => LIGHT_POWER * LUMENS_PER_WATT,
        SceneLightKind::Point | SceneLightKind::Spot { .. } => {
            LIGHT_POWER * LUMENS_PER_WATT / (4.0 * std::f64::consts::PI)
        }
    }
}

/// Applies the importer's changes to the geometry.
pub(super) fn geometry(meshes: &mut [Mesh], materials: &[SceneMaterial]) {
    for mesh in meshes {
        brush_around_the_vertical(mesh, materials);
        for color in mesh.primitives.iter_mut().flat_map(|primitive| &mut primitive.colors) {
            *color = stored_in_bytes(*color);
        }
    }
}

/// Vertex colours are stored in a byte per channel, the colour encoded in sRGB.
fn stored_in_bytes(color: Vec4) -> Vec4 {
    let byte = |value: f32| (value * 255.0).round() / 255.0;
    let channel = |value: f32| srgb::decode(byte(srgb::encode(value)));
    Vec4::new(channel(color.x), channel(color.y), channel(color.z), byte(color.w))
}

/// An anisotropy without texture leaves the node's tangent unconnected. Cycles then uses tangents around the vertical
/// axis through the middle of the mesh, in coordinates in which its bounding box is a cube; the file's texture
/// coordinates and tangents are ignored. Under a normal map the file's tangents are kept, because a surface has only
/// one set.
fn brush_around_the_vertical(mesh: &mut Mesh, materials: &[SceneMaterial]) {
    let Some([min, max]) = mesh.local_bounds() else { return };
    let (center, size) = ((min + max) * 0.5, max - min);
    let around = |offset: f64, size: f64| if size > 0.0 { offset / size } else { 0.0 };
    for primitive in &mut mesh.primitives {
        let Some(material) = primitive.material.map(|idx| &materials[idx.0 as usize]) else { continue };
        let textures = &material.textures;
        let has_map = [textures.anisotropy, textures.normal, textures.coat_normal].iter().any(Option::is_some);
        if material.anisotropy.strength == 0.0 || has_map {
            continue;
        }
        let tangent = |position: &glam::Vec3| {
            let offset = position.as_dvec3() - center;
            let around = DVec3::new(around(offset.z, size.z), 0.0, -around(offset.x, size.x));
            around.normalize_or(DVec3::X).as_vec3().extend(1.0)
        };
        primitive.tangents = primitive.positions.iter().map(tangent).collect();
    }
}

#[cfg(test)]
mod tests {
    use glam::Vec3;

    use super::*;
    use crate::scene::{MaterialIdx, Primitive};

    #[test]
    fn vertex_colours_keep_the_precision_of_a_byte() {
        let stored = stored_in_bytes(Vec4::new(0.2, 1.0, 0.0, 0.5));
        assert!((stored.x - srgb::decode(124.0 / 255.0)).abs() < 1e-7, "{stored}");
        assert_eq!([stored.y, stored.z], [1.0, 0.0]);
        assert!((stored.w - 128.0 / 255.0).abs() < 1e-7);
    }

    #[test]
    fn brushing_goes_around_the_vertical_axis_of_the_bounding_box() {
        let materials =
            [SceneMaterial { anisotropy: Anisotropy { strength: 0.5, rotation_rad: 0.0 }, ..SceneMaterial::default() }];
        let primitive = Primitive {
            positions: vec![Vec3::new(5.0, 0.0, 1.0), Vec3::new(1.0, 2.0, 1.0), Vec3::new(3.0, 1.0, 2.0)],
            normals: Vec::new(),
            tangents: Vec::new(),
            uvs: [Vec::new(), Vec::new()],
            colors: Vec::new(),
            triangles: vec![[0, 1, 2]],
            material: Some(MaterialIdx(0)),
        };
        let mut mesh = Mesh { primitives: vec![primitive] };
        brush_around_the_vertical(&mut mesh, &materials);
        // Bounds 1…5, 0…2, 1…2: offsets over sizes are (±½, …, ∓½) and (0, …, ½).
        let tangents: Vec<Vec3> = mesh.primitives[0].tangents.iter().map(|tangent| tangent.truncate()).collect();
        let half = std::f32::consts::FRAC_1_SQRT_2;
        let expected = [Vec3::new(-half, 0.0, -half), Vec3::new(-half, 0.0, half), Vec3::X];
        for (found, expected) in tangents.iter().zip(expected) {
            assert!((found - expected).length() < 1e-6, "{tangents:?}");
        }
    }

    #[test]
    fn a_light_without_intensity_has_ten_watts() {
        assert!((default_intensity(SceneLightKind::Point) - 543.514).abs() < 1e-2);
        assert_eq!(default_intensity(SceneLightKind::Directional), 6830.0);
    }
}
