//! Materials of a file: OpenPBR parameters, what glTF has in addition, and textures for both.

use packshot_materials::openpbr::{Color, OpenPbr};

use super::TextureIdx;

/// A material of the file.
///
/// Everything for which OpenPBR has a parameter is in `openpbr`, as defined by the glTF extension that it comes from:
///
/// - transmission: `transmission_weight`. The base colour with its texture tints what passes the surface, at every
///   crossing.
/// - volume, attenuation: `transmission_color` is what is left of white light after `transmission_depth` metres; a
///   depth of 0 absorbs nothing. It fills the inside of whatever transmits, specularly or diffusely.
/// - volume, thickness 0 or no volume: `geometry_thin_walled`, where light is transmitted at all. Other thicknesses are
///   for renderers that do not trace through the volume.
/// - volume_scatter: `transmission_scatter`, `transmission_scatter_anisotropy`.
/// - dispersion: `transmission_dispersion_scale` 1 with the Abbe number 20/dispersion.
/// - clearcoat: `coat_weight`, `coat_roughness`; `coat_ior` is 1.5 and `coat_darkening` 0.
/// - iridescence: `thin_film_weight`, `thin_film_ior`; `thin_film_thickness` (µm) is the greatest thickness, that of a
///   surface without texture.
/// - ior: `specular_ior`.
///
/// Where glTF defines something differently from a similar OpenPBR parameter, it has a field of its own: `dielectric`,
/// `anisotropy`, `sheen`, `diffuse_transmission`; the parameters of `openpbr` are then at their neutral values.
#[derive(Clone, Debug, Default)]
pub struct SceneMaterial {
    /// The `name` member.
    pub name: Option<String>,
    /// Its index among the materials of the file; `None` for glTF's default material.
    pub file_idx: Option<u32>,
    /// The constant parameters (glTF factors converted).
    pub openpbr: OpenPbr,
    /// How strongly the dielectric base reflects.
    pub dielectric: DielectricReflection,
    /// Anisotropy of the specular reflection.
    pub anisotropy: Anisotropy,
    /// A layer of fibres on top of all but the coat.
    pub sheen: Sheen,
    /// Diffuse transmission.
    pub diffuse_transmission: DiffuseTransmission,
    /// Thickness of the thin film in µm where its texture is 0; `openpbr.thin_film_thickness` is that where it is 1.
    pub thin_film_thickness_min: f32,
    /// Textures that multiply or replace the constants.
    pub textures: MaterialTextures,
    /// How alpha is interpreted.
    pub alpha: AlphaMode,
    /// The file's `doubleSided`. Surfaces shade on both sides regardless (the shot format); kept for diagnostics.
    pub double_sided: bool,
    /// `KHR_materials_unlit`: the base colour is emitted and nothing is reflected.
    pub unlit: bool,
}

impl SceneMaterial {
    /// Its parameters where it is least metallic. A texture can take all metalness away, and a diffuse base, glass and
    /// an inside are wherever something is not metal: what the surface can be is decided from these.
    pub fn least_metallic(&self) -> OpenPbr {
        let is_even = self.textures.metallic_roughness.is_none();
        OpenPbr { base_metalness: if is_even { self.openpbr.base_metalness } else { 0.0 }, ..self.openpbr }
    }

    /// Whether light enters a part of this material and continues inside it.
    pub fn is_body(&self) -> bool {
        let lets_light_in = self.diffuse_transmission.weight > 0.0;
        let openpbr = self.least_metallic();
        openpbr.is_body() || (lets_light_in && openpbr.base_metalness < 1.0 && !openpbr.geometry_thin_walled)
    }

    /// Whether every parameter is finite.
    pub(super) fn is_finite(&self) -> bool {
        let Self { openpbr, dielectric, anisotropy, sheen, diffuse_transmission, .. } = self;
        let own = [
            dielectric.f0,
            dielectric.weight,
            anisotropy.strength,
            anisotropy.rotation_rad,
            sheen.roughness,
            diffuse_transmission.weight,
            self.thin_film_thickness_min,
            self.textures.normal_scale,
            self.textures.coat_normal_scale,
        ];
        let colors = [dielectric.color, sheen.color, diffuse_transmission.color];
        // Only the kind of value matters here, because glTF's ranges are wider than OpenPBR's in places.
        let openpbr = openpbr.validate().iter().all(|violation| violation.value.is_finite());
        openpbr && own.iter().chain(colors.as_flattened()).all(|value| value.is_finite())
    }
}

/// How strongly the dielectric base reflects: `KHR_materials_specular` with `KHR_materials_ior`.
///
/// The reflectance is min(`f0` · `color`, 1) · `weight` at normal incidence, `weight` at grazing angles, and follows
/// Schlick in between. What is not reflected in the channel with the highest reflectance reaches the diffuse or
/// transmitting base. OpenPBR differs: its `specular_weight` does not change the reflectance at grazing angles, and its
/// `specular_color` tints that too.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DielectricReflection {
    /// Reflectance at normal incidence from the index of refraction, 0 to 1: ((ior − 1) / (ior + 1))². 1 for the
    /// extension's index 0, and for specular-glossiness, where `color` is the whole reflectance.
    pub f0: f32,
    /// `specularFactor`, 0 to 1.
    pub weight: f32,
    /// `specularColorFactor`: linear Rec.709, at least 0, above 1 where it strengthens a low index.
    pub color: Color,
}

impl Default for DielectricReflection {
    fn default() -> Self {
        Self { f0: 0.04, weight: 1.0, color: [1.0; 3] }
    }
}

/// Anisotropy of the specular reflection: `KHR_materials_anisotropy`.
///
/// With the roughness r of `openpbr` and its texture: α across the direction is r², along it mix(r², 1, `strength`²). A
/// direction needs tangents.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Anisotropy {
    /// 0 to 1; 0 is isotropic.
    pub strength: f32,
    /// From the tangent towards the bitangent, counter-clockwise; added to the direction of the texture.
    pub rotation_rad: f32,
}

/// `KHR_materials_sheen`: fibres, with the Charlie distribution of Estevez and Kulla (Production friendly microfacet
/// sheen BRDF, 2017) and α = `roughness`², over a base that is darkened by the largest channel of what the fibres
/// reflect.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sheen {
    /// Linear Rec.709, 0 to 1; black is no sheen.
    pub color: Color,
    /// 0 to 1.
    pub roughness: f32,
}

/// `KHR_materials_diffuse_transmission`: the fraction `weight` of what the base would reflect diffusely is transmitted
/// instead, tinted by `color` in place of the base colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DiffuseTransmission {
    /// 0 to 1; 0 is none.
    pub weight: f32,
    /// Linear Rec.709, 0 to 1.
    pub color: Color,
}

impl Default for DiffuseTransmission {
    fn default() -> Self {
        Self { weight: 0.0, color: [1.0; 3] }
    }
}

/// The textures of a material. Values are linear as stored, except for those called an sRGB colour.
#[derive(Clone, Debug)]
pub struct MaterialTextures {
    /// sRGB colour times `base_color`, alpha times `geometry_opacity`.
    pub base_color: Option<TextureRef>,
    /// Green times `specular_roughness`, blue times `base_metalness`.
    pub metallic_roughness: Option<TextureRef>,
    /// Tangent-space normal.
    pub normal: Option<TextureRef>,
    /// Factor on x and y of the tangent-space normal.
    pub normal_scale: f32,
    /// Red: ambient occlusion. A path tracer does not shade with it; kept for diagnostics.
    pub occlusion: Option<TextureRef>,
    /// sRGB colour times the emission.
    pub emission: Option<TextureRef>,
    /// Alpha times the weight of [`DielectricReflection`].
    pub specular_weight: Option<TextureRef>,
    /// sRGB colour times the colour of [`DielectricReflection`].
    pub specular_color: Option<TextureRef>,
    /// Red and green: direction in tangent space, twice the value less 1; blue times the strength of [`Anisotropy`].
    pub anisotropy: Option<TextureRef>,
    /// Red times `transmission_weight`.
    pub transmission: Option<TextureRef>,
    /// Alpha times the weight of [`DiffuseTransmission`].
    pub diffuse_transmission_weight: Option<TextureRef>,
    /// sRGB colour times the colour of [`DiffuseTransmission`].
    pub diffuse_transmission_color: Option<TextureRef>,
    /// Red times `coat_weight`.
    pub coat_weight: Option<TextureRef>,
    /// Green times `coat_roughness`.
    pub coat_roughness: Option<TextureRef>,
    /// Tangent-space normal of the coat; without one the coat is as smooth as the geometry, whatever `normal` says.
    pub coat_normal: Option<TextureRef>,
    /// Factor on x and y of the coat's tangent-space normal.
    pub coat_normal_scale: f32,
    /// sRGB colour times that of [`Sheen`].
    pub sheen_color: Option<TextureRef>,
    /// Alpha times the roughness of [`Sheen`].
    pub sheen_roughness: Option<TextureRef>,
    /// Red times `thin_film_weight`.
    pub thin_film_weight: Option<TextureRef>,
    /// Green: interpolates from the least to the greatest thickness of the thin film.
    pub thin_film_thickness: Option<TextureRef>,
}

impl Default for MaterialTextures {
    fn default() -> Self {
        let none = None;
        Self {
            base_color: none,
            metallic_roughness: none,
            normal: none,
            normal_scale: 1.0,
            occlusion: none,
            emission: none,
            specular_weight: none,
            specular_color: none,
            anisotropy: none,
            transmission: none,
            diffuse_transmission_weight: none,
            diffuse_transmission_color: none,
            coat_weight: none,
            coat_roughness: none,
            coat_normal: none,
            coat_normal_scale: 1.0,
            sheen_color: none,
            sheen_roughness: none,
            thin_film_weight: none,
            thin_film_thickness: none,
        }
    }
}

/// The slots in one order, borrowed mutably or immutably.
macro_rules! slots {
    ($textures:ident, $($borrow:tt)+) => {
        [
            $($borrow)+ $textures.base_color,
            $($borrow)+ $textures.metallic_roughness,
            $($borrow)+ $textures.normal,
            $($borrow)+ $textures.occlusion,
            $($borrow)+ $textures.emission,
            $($borrow)+ $textures.specular_weight,
            $($borrow)+ $textures.specular_color,
            $($borrow)+ $textures.anisotropy,
            $($borrow)+ $textures.transmission,
            $($borrow)+ $textures.diffuse_transmission_weight,
            $($borrow)+ $textures.diffuse_transmission_color,
            $($borrow)+ $textures.coat_weight,
            $($borrow)+ $textures.coat_roughness,
            $($borrow)+ $textures.coat_normal,
            $($borrow)+ $textures.sheen_color,
            $($borrow)+ $textures.sheen_roughness,
            $($borrow)+ $textures.thin_film_weight,
            $($borrow)+ $textures.thin_film_thickness,
        ]
    };
}

impl MaterialTextures {
    /// Number of slots.
    pub(crate) const SLOTS: usize = 18;

    /// The textures that are present.
    pub fn all(&self) -> impl Iterator<Item = &TextureRef> {
        slots!(self, &).into_iter().flatten()
    }

    /// Removes the textures that do not pass.
    pub(crate) fn retain(&mut self, passes: impl Fn(&TextureRef) -> bool) {
        for slot in self.slots_mut() {
            *slot = slot.filter(&passes);
        }
    }

    /// The slots, in the order of [`Self::all`].
    pub(crate) fn slots_mut(&mut self) -> [&mut Option<TextureRef>; Self::SLOTS] {
        slots!(self, &mut)
    }
}

/// A use of a texture: which one, by which coordinates, with which transform.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TextureRef {
    /// The texture.
    pub texture: TextureIdx,
    /// 0 or 1: the set of texture coordinates.
    pub uv_set: u32,
    /// Rows of the 2×3 matrix uv' = M·(u, v, 1) of `KHR_texture_transform`.
    pub uv_from_uv: [[f32; 3]; 2],
}

/// How the alpha of the base colour is interpreted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum AlphaMode {
    /// Alpha is ignored.
    #[default]
    Opaque,
    /// Opaque at or above the cutoff, absent below.
    Mask {
        /// The cutoff, 0 to 1.
        cutoff: f32,
    },
    /// Alpha is the opacity.
    Blend,
}
