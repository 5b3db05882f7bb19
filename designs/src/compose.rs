//! A design drawn into the texture of an area.
//!
//! Input: a checked [`Design`] and where it lies ([`Resolved`]). Output: a [`Texture`] with straight alpha, transparent
//! outside the design. Colours are filtered in linear light, multiplied by their alpha. The same inputs give the same
//! bytes on one machine, whatever the threads.

use std::borrow::Cow;
use std::io::Cursor;

use glam::DVec2;
use packshot_texels::Image;
use png::{BitDepth, ColorType, Compression, Decoder, Encoder, SrgbRenderingIntent};
use rayon::prelude::*;

use self::sample::Sampler;
use crate::area::coverage::Coverage;
use crate::design::{Content, Design, Pixels, Raster, SIDE_PX_MAX, drawn};
use crate::error::{DesignCode as Code, DesignError};
use crate::resolve::Resolved;

mod reduce;
mod sample;
mod srgb;

/// Texels around what is covered that are drawn as well: bilinear filtering and smaller copies of a texture reach
/// beyond the edge.
const PADDING_TEXELS: u8 = 16;

/// The texture of an area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texture {
    /// Texels, at least 1.
    pub width_px: u32,
    /// Texels, at least 1.
    pub height_px: u32,
    /// `width_px * height_px` straight RGBA texels, sRGB-encoded Rec.709, row 0 on top.
    pub pixels: Pixels,
}

/// Draws a design into the texture of its area.
///
/// # Errors
/// `image_too_large` for a drawing that would have more pixels than a design may have.
pub fn compose(design: &Design, resolved: &Resolved) -> Result<Texture, DesignError> {
    let frame = &resolved.frame;
    let chart = &resolved.area.chart;
    let [width_px, height_px] = resolved.size_px;
    let texels_per_mm = DVec2::new(f64::from(width_px), f64::from(height_px)) / chart.size_mm;
    let wanted_px = frame.drawn_mm * texels_per_mm.max_element();
    let raster = in_texels(design, wanted_px)?;
    let sampler = Sampler::new(&raster, frame.is_tiled);
    let coverage = Coverage::new(chart, resolved.size_px).padded(PADDING_TEXELS, chart.wraps);
    let around = |from_middle: f64, axis: usize| {
        let size = chart.size_mm[axis];
        if chart.wraps[axis] { from_middle - (from_middle / size).round() * size } else { from_middle }
    };
    let half_mm = 0.5 * frame.shown_mm;
    let edge = texels_per_mm.min_element();
    let flip = if resolved.placement.flip_horizontal { -1.0 } else { 1.0 };
    let texel = |x: usize, y: usize| -> [f32; 4] {
        let flat = DVec2::new(x as f64 + 0.5, y as f64 + 0.5) / texels_per_mm - frame.middle_mm;
        let place = frame.in_box(DVec2::new(around(flat.x, 0), around(flat.y, 1)));
        // Across the edge the design fades out over one texel.
        let shown = ((half_mm - place.abs()) * edge + 0.5).clamp(DVec2::ZERO, DVec2::ONE);
        let alpha = shown.x * shown.y;
        if alpha <= 0.0 {
            return [0.0; 4];
        }
        let at = DVec2::new(flip * place.x, -place.y) / frame.drawn_mm + 0.5;
        sampler.at(at).map(|value| value * alpha as f32)
    };
    let width = width_px as usize;
    let is_covered = |x: usize, y: usize| coverage.texels[y * width + x] > 0;
    let pixels = match design.is_deep() {
        true => Pixels::Sixteen(drawn_rows([width_px, height_px], |x, y| {
            if is_covered(x, y) { srgb::straight_words(texel(x, y)) } else { [0; 4] }
        })),
        false => Pixels::Eight(drawn_rows([width_px, height_px], |x, y| {
            if is_covered(x, y) { srgb::straight_bytes(texel(x, y)) } else { [0; 4] }
        })),
    };
    Ok(Texture { width_px, height_px, pixels })
}

/// Every texel, rows side by side.
fn drawn_rows<T: Send + Default + Clone>(
    [width, height]: [u32; 2],
    texel: impl Fn(usize, usize) -> T + Sync,
) -> Vec<T> {
    let width = width as usize;
    let mut texels = vec![T::default(); width * height as usize];
    texels.par_chunks_exact_mut(width).enumerate().for_each(|(y, row)| {
        row.iter_mut().enumerate().for_each(|(x, out)| *out = texel(x, y));
    });
    texels
}

/// The design with at most about a pixel for each texel: a drawing in exactly that size, pictures only made smaller.
fn in_texels(design: &Design, wanted_px: DVec2) -> Result<Cow<'_, Raster>, DesignError> {
    match &design.content {
        Content::Svg(tree) => Ok(Cow::Owned(drawn(tree, wanted_px.to_array())?)),
        Content::Raster(raster) => {
            let size = [raster.width_px, raster.height_px];
            let smaller = [0, 1].map(|axis| size[axis].min(wanted_px[axis].ceil().max(1.0) as u32));
            Ok(if smaller == size { Cow::Borrowed(raster) } else { Cow::Owned(reduce::reduced(raster, smaller)) })
        }
    }
}

impl Texture {
    /// A texture that was stored: the bytes of [`Texture::png`]. It is read with 8 bits per channel, as the renderer
    /// needs it.
    ///
    /// # Errors
    /// `design_unreadable` for other bytes.
    pub fn read(png: &[u8]) -> Result<Self, DesignError> {
        let bytes_max = 4 * u64::from(SIDE_PX_MAX) * u64::from(SIDE_PX_MAX);
        let image = packshot_texels::Format::Png.decode(png, bytes_max).map_err(|error| {
            DesignError::new(Code::Unreadable, format!("the texture cannot be read: {error}"), "compose it again")
        })?;
        let Image { width_px, height_px, rgba8 } = image;
        Ok(Self { width_px, height_px, pixels: Pixels::Eight(rgba8) })
    }

    /// The bytes of a PNG.
    ///
    /// # Errors
    /// `image_too_large` for a texture that does not fit into one.
    pub fn png(&self) -> Result<Vec<u8>, DesignError> {
        let too_large = |error: png::EncodingError| {
            DesignError::new(
                Code::ImageTooLarge,
                format!("the texture cannot be stored: {error}"),
                "choose a smaller one",
            )
        };
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, self.width_px, self.height_px);
        encoder.set_color(ColorType::Rgba);
        encoder.set_compression(Compression::Balanced);
        encoder.set_source_srgb(SrgbRenderingIntent::RelativeColorimetric);
        let depth = if matches!(self.pixels, Pixels::Eight(_)) { BitDepth::Eight } else { BitDepth::Sixteen };
        encoder.set_depth(depth);
        let mut writer = encoder.write_header().map_err(too_large)?;
        match &self.pixels {
            Pixels::Eight(pixels) => writer.write_image_data(pixels.as_flattened()),
            Pixels::Sixteen(pixels) => {
                let samples: Vec<u8> = pixels.as_flattened().iter().flat_map(|value| value.to_be_bytes()).collect();
                writer.write_image_data(&samples)
            }
        }
        .map_err(too_large)?;
        writer.finish().map_err(too_large)?;
        Ok(bytes)
    }

    /// The texture in the bytes of a PNG that [`png`](Self::png) wrote.
    ///
    /// # Errors
    /// `design_unreadable` for other bytes.
    pub fn of_png(bytes: &[u8]) -> Result<Self, DesignError> {
        let unreadable = |reason: &dyn std::fmt::Display| {
            let message = format!("the stored texture cannot be read: {reason}");
            DesignError::new(Code::Unreadable, message, "compose the design again")
        };
        let mut reader = Decoder::new(Cursor::new(bytes)).read_info().map_err(|error| unreadable(&error))?;
        let (color, depth) = reader.output_color_type();
        if color != ColorType::Rgba || !matches!(depth, BitDepth::Eight | BitDepth::Sixteen) {
            return Err(unreadable(&"it has other channels than a texture"));
        }
        let size = reader.output_buffer_size().ok_or_else(|| unreadable(&"it is too large"))?;
        let mut samples = vec![0; size];
        let frame = reader.next_frame(&mut samples).map_err(|error| unreadable(&error))?;
        let pixels = match depth {
            BitDepth::Sixteen => {
                let values = samples.as_chunks::<2>().0.iter().map(|two| u16::from_be_bytes(*two));
                Pixels::Sixteen(values.collect::<Vec<_>>().as_chunks::<4>().0.to_vec())
            }
            _ => Pixels::Eight(samples.as_chunks::<4>().0.to_vec()),
        };
        Ok(Self { width_px: frame.width, height_px: frame.height, pixels })
    }

    /// The texels that the renderer reads, 8 bits per channel.
    pub fn image(&self) -> Image {
        let rgba8 = match &self.pixels {
            Pixels::Eight(pixels) => pixels.clone(),
            Pixels::Sixteen(pixels) => {
                let round = |value: u16| ((u32::from(value) * 255 + 32_767) / 65_535) as u8;
                pixels.iter().map(|pixel| pixel.map(round)).collect()
            }
        };
        Image { width_px: self.width_px, height_px: self.height_px, rgba8 }
    }
}
