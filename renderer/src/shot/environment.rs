//! Environment maps: Radiance `.hdr` and OpenEXR `.exr` bytes in, an [`EnvironmentMap`] out, and back to OpenEXR.
//!
//! The format is recognised by the first bytes, whatever the file's name. Size and shape are checked from the header,
//! before any pixel is decoded.

use std::io::Cursor;

use exr::meta::attribute::{ChannelList, Chromaticities};
use exr::prelude::{
    Encoding, Image, Layer, LayerAttributes, MetaData, ReadChannels, ReadLayers, ReadSpecificChannel, SpecificChannels,
    Text, Vec2, WritableImage, read,
};
use image::ImageDecoder;
use image::codecs::hdr::HdrDecoder;

use super::EnvironmentMap;
use super::error::{ErrorCode, ShotError};
use crate::diagnostic::{Diagnostic, Severity};

/// Largest height of a map; its width is twice that.
pub const MAX_HEIGHT_PX: usize = 8192;

/// Decodes an equirectangular map. `at` says where it came from, in errors and diagnostics.
///
/// Of an EXR, the first layer with R, G and B (or else Y) is read, whatever prefix the names have; alpha is ignored.
/// Negative pixels become 0, with a diagnostic.
///
/// # Errors
///
/// `env.format` for a file in neither format, or a broken one; `env.size` for a map that is not twice as wide as high,
/// or too large; `env.not_finite` for a pixel that is infinite or NaN.
pub fn decode(bytes: &[u8], at: &str) -> Result<(EnvironmentMap, Vec<Diagnostic>), ShotError> {
    let mut diagnostics = Vec::new();
    let mut map = if bytes.starts_with(&[0x76, 0x2f, 0x31, 0x01]) {
        decode_exr(bytes, at, &mut diagnostics)?
    } else if bytes.starts_with(b"#?") {
        decode_hdr(bytes, at)?
    } else {
        let help = "give an equirectangular .hdr (Radiance) or .exr (OpenEXR)";
        return Err(
            ShotError::new(ErrorCode::EnvironmentFormat, at, "the file is neither Radiance HDR nor OpenEXR").help(help)
        );
    };
    let mut n_negative = 0_usize;
    for (i, pixel) in map.rgb.iter_mut().enumerate() {
        if pixel.iter().any(|v| !v.is_finite()) {
            let (x, y) = (i % map.width_px as usize, i / map.width_px as usize);
            let message = format!("the pixel in column {x}, row {y} is infinite or not a number");
            return Err(ShotError::new(ErrorCode::EnvironmentNotFinite, at, message)
                .help("save the map again with finite pixels"));
        }
        if pixel.iter().any(|&v| v < 0.0) {
            n_negative += 1;
            *pixel = pixel.map(|v| v.max(0.0));
        }
    }
    if n_negative > 0 {
        let message = format!("{n_negative} pixels of the environment map are negative and count as 0");
        diagnostics.push(warning("env.negative", at, message));
    }
    Ok((map, diagnostics))
}

/// The map as OpenEXR bytes, in single precision and lossless: [`decode`] reads back the same values.
///
/// # Errors
///
/// `env.size` when the map's buffer does not match its width and height.
pub fn encode_exr(map: &EnvironmentMap) -> Result<Vec<u8>, ShotError> {
    let (width, height) = (map.width_px as usize, map.height_px as usize);
    let refused = |what: String| ShotError::new(ErrorCode::EnvironmentSize, "environment", what);
    if map.rgb.len() != width * height {
        return Err(refused(format!("{} pixels are not {width} x {height}", map.rgb.len())));
    }
    let channels = SpecificChannels::rgb(|Vec2(x, y)| {
        let [r, g, b] = map.rgb[y * width + x];
        (r, g, b)
    });
    let layer = Layer::new((width, height), LayerAttributes::default(), Encoding::FAST_LOSSLESS, channels);
    let mut out = Cursor::new(Vec::new());
    // Single-threaded, so that the same map always gives the same bytes.
    let written = Image::from_layer(layer).write().non_parallel().to_buffered(&mut out);
    written.map_err(|e| refused(e.to_string()))?;
    Ok(out.into_inner())
}

fn warning(code: &'static str, at: &str, message: String) -> Diagnostic {
    Diagnostic { code, severity: Severity::Warning, at: at.to_owned(), message }
}

/// Width and height in the types of the map's fields.
fn checked_size(width: usize, height: usize, at: &str) -> Result<(u32, u32), ShotError> {
    let refused = |what: String| ShotError::new(ErrorCode::EnvironmentSize, at, what);
    if height == 0 || height > MAX_HEIGHT_PX {
        let largest = format!("{} x {MAX_HEIGHT_PX}", 2 * MAX_HEIGHT_PX);
        return Err(refused(format!("the map has {width} x {height} pixels; the largest map is {largest}"))
            .help("scale the map down"));
    }
    match (u32::try_from(width), u32::try_from(height)) {
        (Ok(w), Ok(h)) if w == 2 * h => Ok((w, h)),
        _ => Err(refused(format!(
            "the map has {width} x {height} pixels, but an equirectangular map is twice as wide as high"
        ))),
    }
}

fn decode_hdr(bytes: &[u8], at: &str) -> Result<EnvironmentMap, ShotError> {
    let broken = |e: image::ImageError| {
        ShotError::new(ErrorCode::EnvironmentFormat, at, format!("the HDR file is damaged: {e}"))
    };
    let decoder = HdrDecoder::new(Cursor::new(bytes)).map_err(broken)?;
    let (width, height) = decoder.dimensions();
    let (width_px, height_px) = checked_size(width as usize, height as usize, at)?;
    let mut rgb = vec![[0.0_f32; 3]; width as usize * height as usize];
    decoder.read_image(bytemuck::cast_slice_mut(&mut rgb)).map_err(broken)?;
    Ok(EnvironmentMap { width_px, height_px, rgb })
}

fn decode_exr(bytes: &[u8], at: &str, diagnostics: &mut Vec<Diagnostic>) -> Result<EnvironmentMap, ShotError> {
    let broken = |e: exr::error::Error| {
        ShotError::new(ErrorCode::EnvironmentFormat, at, format!("the EXR file is damaged: {e}"))
    };
    let meta = MetaData::read_from_buffered(Cursor::new(bytes), false).map_err(broken)?;
    let found = meta.headers.iter().find_map(|header| Some((header, color_channels(&header.channels)?)));
    let (header, [red, green, blue]) = found.ok_or_else(|| {
        ShotError::new(ErrorCode::EnvironmentFormat, at, "no layer of the EXR has the channels R, G and B")
            .help("save it with RGB channels")
    })?;
    let Vec2(width, height) = header.layer_size;
    let (width_px, height_px) = checked_size(width, height, at)?;
    if header.shared_attributes.chromaticities.is_some_and(|c| !is_rec709(&c)) {
        let message = "the EXR names other primaries than Rec.709; its pixels are read as Rec.709 anyway";
        diagnostics.push(warning("env.primaries", at, message.to_owned()));
    }
    let store = move |rgb: &mut Vec<[f32; 3]>, Vec2(x, y): Vec2<usize>, pixel: [f32; 3]| rgb[y * width + x] = pixel;
    let new = move |Vec2(width, height): Vec2<usize>| vec![[0.0; 3]; width * height];
    let layers = read().no_deep_data().largest_resolution_level().specific_channels();
    let rgb = if red == green {
        let pixels = layers
            .required(red)
            .collect_pixels(move |size, _| new(size), move |rgb, position, (y,): (f32,)| store(rgb, position, [y; 3]));
        let image = pixels.first_valid_layer().all_attributes().from_buffered(Cursor::new(bytes)).map_err(broken)?;
        image.layer_data.channel_data.pixels
    } else {
        let pixels = layers.required(red).required(green).required(blue).collect_pixels(
            move |size, _| new(size),
            move |rgb, position, (r, g, b): (f32, f32, f32)| store(rgb, position, [r, g, b]),
        );
        let image = pixels.first_valid_layer().all_attributes().from_buffered(Cursor::new(bytes)).map_err(broken)?;
        image.layer_data.channel_data.pixels
    };
    if rgb.len() != width * height {
        return Err(ShotError::new(
            ErrorCode::EnvironmentFormat,
            at,
            "the EXR file is damaged: its layers contradict each other",
        ));
    }
    Ok(EnvironmentMap { width_px, height_px, rgb })
}

/// The names of the red, green and blue channels: those without a prefix first, then the first prefix that has all
/// three, then a lone luminance used three times.
fn color_channels(channels: &ChannelList) -> Option<[Text; 3]> {
    let names: Vec<String> = channels.list.iter().map(|channel| channel.name.to_string()).collect();
    let prefixes = names.iter().filter_map(|name| name.strip_suffix('R'));
    let prefixes = prefixes.filter(|prefix| prefix.is_empty() || prefix.ends_with('.'));
    let complete = prefixes.filter(|prefix| ["G", "B"].iter().all(|c| names.contains(&format!("{prefix}{c}"))));
    match complete.min_by_key(|prefix| !prefix.is_empty()) {
        Some(prefix) => Some(["R", "G", "B"].map(|c| Text::from(format!("{prefix}{c}").as_str()))),
        None => names.iter().any(|name| name == "Y").then(|| ["Y", "Y", "Y"].map(Text::from)),
    }
}

fn is_rec709(c: &Chromaticities) -> bool {
    let near = |Vec2(x, y): Vec2<f32>, to: [f32; 2]| (x - to[0]).abs() < 2e-3 && (y - to[1]).abs() < 2e-3;
    near(c.red, [0.64, 0.33]) && near(c.green, [0.30, 0.60]) && near(c.blue, [0.15, 0.06])
}

#[cfg(test)]
mod tests;
