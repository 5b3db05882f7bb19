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

/// The shader's arrays `textures` and `texels`.
#[derive(Debug)]
pub(crate) struct TextureTable<'a> {
    scene: &'a Scene,
    uses: Vec<TextureRef>,
    images: Vec<(*const Image, u32)>,
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
        if let Some(known) = self.uses.iter().position(|u| u == use_) {
            return known as u32;
        }
        let texture = &self.scene.textures[use_.texture.0 as usize];
        let image = &texture.image;
        let first_texel = self.first_texel(image);
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
        self.uses.push(*use_);
        (self.uses.len() - 1) as u32
    }

    fn first_texel(&mut self, image: &Arc<Image>) -> u32 {
        let key = Arc::as_ptr(image);
        if let Some((_, first)) = self.images.iter().find(|(known, _)| *known == key) {
            return *first;
        }
        let first = self.texels.len() as u32;
        self.texels.extend(image.rgba8.iter().map(|&t| u32::from_le_bytes(t)));
        self.images.push((key, first));
        first
    }
}
