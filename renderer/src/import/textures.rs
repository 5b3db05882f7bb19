//! Textures: an image with a sampler, and how materials use them.

use std::collections::HashMap;

use super::ImportErrorCode as Code;
use super::error::ImportError;
use super::findings::Findings;
use super::member::Member;
use crate::diagnostic::Severity;
use crate::scene::{TextureIdx, TextureRef, Wrap};

/// A texture of the file, or one derived from it.
#[derive(Clone, Copy)]
pub(super) struct TextureSource {
    /// `None` if only an unsupported extension refers to an image.
    pub(super) image: Option<usize>,
    pub(super) texels: Texels,
    pub(super) wrap: [Wrap; 2],
    pub(super) nearest: bool,
}

/// How a texture interprets its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Texels {
    /// The texels as they are.
    Stored,
    /// A roughness texture: green is 1 minus alpha times a factor, given by its bits.
    RoughnessOfGlossiness {
        /// An `f32` from 0 to 1.
        factor_bits: u32,
    },
}

impl Texels {
    /// Converts stored texels.
    pub(super) fn apply(self, texels: &mut [[u8; 4]]) {
        if let Self::RoughnessOfGlossiness { factor_bits } = self {
            let factor = f32::from_bits(factor_bits);
            for texel in texels {
                let roughness = 255.0 - factor * f32::from(texel[3]);
                *texel = [0, (roughness + 0.5) as u8, 0, 255];
            }
        }
    }
}

/// The textures of the file, then those derived from them.
pub(super) struct Textures {
    list: Vec<TextureSource>,
    made: HashMap<(u32, Texels), u32>,
}

impl Textures {
    /// All of them so far.
    pub(super) fn list(&self) -> &[TextureSource] {
        &self.list
    }

    /// The roughness texture for a glossiness texture (in alpha) and a factor; `None` if there is no such texture.
    pub(super) fn roughness_of_glossiness(&mut self, stored: TextureIdx, factor: f32) -> Option<TextureIdx> {
        let texels = Texels::RoughnessOfGlossiness { factor_bits: factor.to_bits() };
        let source = TextureSource { texels, ..*self.list.get(stored.0 as usize)? };
        let list = &mut self.list;
        let made = self.made.entry((stored.0, texels)).or_insert_with(|| {
            list.push(source);
            list.len() as u32 - 1
        });
        Some(TextureIdx(*made))
    }
}

/// Reads `/samplers` and `/textures`.
pub(super) fn read_all(root: &Member<'_, '_>, image_count: usize) -> Result<Textures, ImportError> {
    let samplers = root.items("samplers")?.map(|sampler| read_sampler(&sampler?)).collect::<Result<Vec<_>, _>>()?;
    let read = |texture: &Member<'_, '_>| {
        let sampler = texture.index("sampler", samplers.len(), "sampler")?;
        let (wrap, nearest) = sampler.map_or(([Wrap::Repeat; 2], false), |sampler| samplers[sampler]);
        let image_of = |name| match texture.extension(name)? {
            Some(extension) => extension.index("source", image_count, "image"),
            None => Ok(None),
        };
        let (basisu, webp) = (image_of("KHR_texture_basisu")?, image_of("EXT_texture_webp")?);
        let image = basisu.or(webp).or(texture.index("source", image_count, "image")?);
        Ok(TextureSource { image, texels: Texels::Stored, wrap, nearest })
    };
    let list = root.items("textures")?.map(|texture| read(&texture?)).collect::<Result<_, _>>()?;
    Ok(Textures { list, made: HashMap::new() })
}

fn read_sampler(sampler: &Member<'_, '_>) -> Result<([Wrap; 2], bool), ImportError> {
    let wrap = |name| match sampler.integer(name)? {
        None | Some(10497) => Ok(Wrap::Repeat),
        Some(33648) => Ok(Wrap::Mirror),
        Some(33071) => Ok(Wrap::Clamp),
        Some(code) => Err(sampler.error_at(name, Code::Schema, format!("{code} is not a way to repeat a texture"))),
    };
    let wraps = [wrap("wrapS")?, wrap("wrapT")?];
    let nearest = match sampler.integer("magFilter")? {
        None | Some(9729) => false,
        Some(9728) => true,
        Some(code) => return Err(sampler.error_at("magFilter", Code::Schema, format!("{code} is not a filter"))),
    };
    // The path tracer does not use minification filters; the member must still be valid.
    match sampler.integer("minFilter")? {
        None | Some(9728 | 9729 | 9984..=9987) => Ok((wraps, nearest)),
        Some(code) => Err(sampler.error_at("minFilter", Code::Schema, format!("{code} is not a filter"))),
    }
}

/// Reads a texture slot of a material or of an extension: a `textureInfo` called `name`.
///
/// The texture is numbered as in the file. It is left out, with a finding, if it cannot be used.
pub(super) fn read_slot<'d>(
    owner: &Member<'_, 'd>,
    name: &'d str,
    textures: &[TextureSource],
    findings: &mut Findings,
) -> Result<Option<TextureRef>, ImportError> {
    let Some(slot) = owner.object(name)? else { return Ok(None) };
    let texture = slot.required_index("index", textures.len(), "texture")?;
    let mut uv_set = slot.integer("texCoord")?.unwrap_or(0);
    let mut uv_set_at = slot.pointer_to("texCoord");
    let mut uv_from_uv = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
    if let Some(transform) = slot.extension("KHR_texture_transform")? {
        uv_from_uv = read_transform(&transform)?;
        if let Some(overriding) = transform.integer("texCoord")? {
            uv_set = overriding;
            uv_set_at = transform.pointer_to("texCoord");
        }
    }
    if textures[texture].image.is_none() {
        let message = format!("texture {texture} has no image that can be read; it is left out");
        findings.add("texture_missing", Severity::Warning, slot.pointer(), message);
        return Ok(None);
    }
    if uv_set > 1 {
        let message = format!("texture coordinates of set {uv_set} are not read; the texture is left out");
        findings.add("texcoord_missing", Severity::Warning, uv_set_at, message);
        return Ok(None);
    }
    Ok(Some(TextureRef { texture: TextureIdx(texture as u32), uv_set: uv_set as u32, uv_from_uv }))
}

/// The matrix of `KHR_texture_transform`: translation · rotation · scale, where a positive angle turns from v to u
/// because v grows downwards.
fn read_transform(transform: &Member<'_, '_>) -> Result<[[f32; 3]; 2], ImportError> {
    let offset = transform.numbers::<2>("offset")?.unwrap_or([0.0; 2]);
    let scale = transform.numbers::<2>("scale")?.unwrap_or([1.0; 2]);
    let (sin, cos) = transform.number("rotation")?.unwrap_or(0.0).sin_cos();
    let rows = [[scale[0] * cos, scale[1] * sin, offset[0]], [-scale[0] * sin, scale[1] * cos, offset[1]]];
    Ok(rows.map(|row| row.map(|value| value as f32)))
}
