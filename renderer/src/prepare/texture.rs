//! All texels in one array, and one record for each distinct use of a picture.

use std::sync::Arc;

use glam::Vec3;
use packshot_shaders::constants::{
    TEXTURE_CLAMP_U, TEXTURE_CLAMP_V, TEXTURE_DECODE_LAST, TEXTURE_MIRROR_U, TEXTURE_MIRROR_V, TEXTURE_NEAREST,
    TEXTURE_UV1,
};
use packshot_shaders::layout::scene::Texture;

use crate::look::Look;
use crate::scene::{Image, Scene, TextureRef, Wrap};

/// Which channels of a picture count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channels {
    /// All, as they are stored.
    Stored,
    /// Green is a roughness, and blue, which the shader reads as metalness, changes nothing.
    RoughnessOnly,
}

/// The shader's arrays `textures` and `texels`.
#[derive(Debug)]
pub(crate) struct TextureTable<'a> {
    scene: &'a Scene,
    uses: Vec<(TextureRef, u32)>,
    images: Vec<(*const Image, Channels, u32)>,
    /// One record per use.
    pub textures: Vec<Texture>,
    /// RGBA8 with straight alpha, red in the lowest byte.
    pub texels: Vec<u32>,
}

impl<'a> TextureTable<'a> {
    /// Empty; pictures are copied in on first use.
    pub(crate) fn new(scene: &'a Scene) -> Self {
        Self { scene, uses: Vec::new(), images: Vec::new(), textures: Vec::new(), texels: Vec::new() }
    }

    /// Index in `textures` of this use, which is added if it is new.
    pub(crate) fn add(&mut self, use_: &TextureRef) -> u32 {
        if let Some((_, known)) = self.uses.iter().find(|(known, _)| known == use_) {
            return *known;
        }
        let texture = &self.scene.textures[use_.texture.0 as usize];
        let image = &texture.image;
        let first_texel = self.first_texel(image, Channels::Stored);
        let mut flags = 0;
        let mut set = |on: bool, flag: u32| flags |= if on { flag } else { 0 };
        set(use_.uv_set == 1, TEXTURE_UV1);
        set(texture.nearest, TEXTURE_NEAREST);
        // glTF 2.0 section 3.8.2 decodes colours before filtering; Cycles filters the stored values.
        set(self.scene.look == Look::Blender50, TEXTURE_DECODE_LAST);
        set(texture.wrap[0] == Wrap::Mirror, TEXTURE_MIRROR_U);
        set(texture.wrap[0] == Wrap::Clamp, TEXTURE_CLAMP_U);
        set(texture.wrap[1] == Wrap::Mirror, TEXTURE_MIRROR_V);
        set(texture.wrap[1] == Wrap::Clamp, TEXTURE_CLAMP_V);
        self.textures.push(Texture {
            first_texel,
            width_px: image.width_px,
            height_px: image.height_px,
            flags,
            row_u: Vec3::from(use_.uv_from_uv[0]),
            row_v: Vec3::from(use_.uv_from_uv[1]),
            ..Texture::default()
        });
        self.uses.push((*use_, (self.textures.len() - 1) as u32));
        (self.textures.len() - 1) as u32
    }

    /// Index in `textures` of a picture of a material library, of which a unit of texture coordinates is the width: it
    /// keeps its proportions and repeats.
    pub(crate) fn add_picture(&mut self, image: &Arc<Image>, channels: Channels) -> u32 {
        let first_texel = self.first_texel(image, channels);
        self.textures.push(Texture {
            first_texel,
            width_px: image.width_px,
            height_px: image.height_px,
            row_u: Vec3::X,
            row_v: Vec3::Y * (image.width_px as f32 / image.height_px as f32),
            ..Texture::default()
        });
        (self.textures.len() - 1) as u32
    }

    /// Index in `textures` of a design, which continues at its other edge along u and v where it `wraps`.
    pub(crate) fn add_design(&mut self, image: &Arc<Image>, wraps: [bool; 2]) -> u32 {
        let first_texel = self.first_texel(image, Channels::Stored);
        let [clamp_u, clamp_v] = wraps.map(|wraps| !wraps);
        let flag = |on: bool, flag: u32| if on { flag } else { 0 };
        self.textures.push(Texture {
            first_texel,
            width_px: image.width_px,
            height_px: image.height_px,
            flags: flag(clamp_u, TEXTURE_CLAMP_U) | flag(clamp_v, TEXTURE_CLAMP_V),
            row_u: Vec3::X,
            row_v: Vec3::Y,
            ..Texture::default()
        });
        (self.textures.len() - 1) as u32
    }

    fn first_texel(&mut self, image: &Arc<Image>, channels: Channels) -> u32 {
        let key = (Arc::as_ptr(image), channels);
        if let Some((.., first)) = self.images.iter().find(|(known, channels, _)| (*known, *channels) == key) {
            return *first;
        }
        let first = self.texels.len() as u32;
        let texel = |&[r, g, b, a]: &[u8; 4]| match channels {
            Channels::Stored => [r, g, b, a],
            Channels::RoughnessOnly => [r, g, u8::MAX, a],
        };
        self.texels.extend(image.rgba8.iter().map(|stored| u32::from_le_bytes(texel(stored))));
        self.images.push((key.0, channels, first));
        first
    }
}
