//! Textures of the file's own materials.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::ExportError;
use super::chunks::Chunks;
use crate::scene::{Image, Scene, Texture, TextureIdx, TextureRef, Wrap};

// Constants of the glTF 2.0 specification, 5.26.
const NEAREST: u32 = 9728;
const LINEAR: u32 = 9729;

/// The textures that were written so far.
#[derive(Default)]
pub(super) struct Textures {
    pub(super) textures: Vec<Value>,
    pub(super) samplers: Vec<Value>,
    pub(super) images: Vec<Value>,
    texture_of: HashMap<TextureIdx, usize>,
    image_of: HashMap<*const Image, usize>,
}

impl Textures {
    /// The index of a texture in the file to be written; its picture becomes a PNG there, once.
    ///
    /// # Errors
    /// [`ExportError::Texture`].
    pub(super) fn write(
        &mut self,
        scene: &Scene,
        texture: &TextureRef,
        chunks: &mut Chunks,
    ) -> Result<usize, ExportError> {
        if let Some(known) = self.texture_of.get(&texture.texture) {
            return Ok(*known);
        }
        let Texture { image, wrap, nearest } = &scene.textures[texture.texture.0 as usize];
        let image = match self.image_of.get(&Arc::as_ptr(image)) {
            Some(known) => *known,
            None => {
                let view = chunks.push_view(png_of(image)?);
                self.images.push(json!({ "bufferView": view, "mimeType": "image/png" }));
                self.image_of.insert(Arc::as_ptr(image), self.images.len() - 1);
                self.images.len() - 1
            }
        };
        let sampler = sampler(*wrap, *nearest);
        let sampler = self.samplers.iter().position(|known| *known == sampler).unwrap_or_else(|| {
            self.samplers.push(sampler);
            self.samplers.len() - 1
        });
        self.textures.push(json!({ "source": image, "sampler": sampler }));
        self.texture_of.insert(texture.texture, self.textures.len() - 1);
        Ok(self.textures.len() - 1)
    }
}

fn sampler(wrap: [Wrap; 2], nearest: bool) -> Value {
    let filter = if nearest { NEAREST } else { LINEAR };
    let [s, t] = wrap.map(|wrap| match wrap {
        Wrap::Repeat => 10497,
        Wrap::Mirror => 33648,
        Wrap::Clamp => 33071,
    });
    json!({ "magFilter": filter, "wrapS": s, "wrapT": t })
}

/// The picture with the texels that it has, without alpha where all of it is opaque.
fn png_of(image: &Image) -> Result<Vec<u8>, ExportError> {
    let is_opaque = image.rgba8.iter().all(|texel| texel[3] == u8::MAX);
    let (color, bytes): (_, Vec<u8>) = match is_opaque {
        true => (png::ColorType::Rgb, image.rgba8.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect()),
        false => (png::ColorType::Rgba, image.rgba8.as_flattened().to_vec()),
    };
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, image.width_px, image.height_px);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(&bytes)?;
        writer.finish()
    });
    written.map_err(|error| ExportError::Texture(error.to_string()))?;
    Ok(out)
}
