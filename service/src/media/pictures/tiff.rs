//! TIFF as the renderer writes it: display values of 8 or 16 bits, or scene-linear ones of 32.

use std::io::{BufRead, Seek};

use packshot_renderer::color::{DisplayImage, DisplaySettings, display_image, srgb};
use tiff::decoder::{Decoder, DecodingResult, Limits};

use super::shrink::Shrinker;
use super::{NoPicture, Shown, check_size};

/// Bytes of a pixel at most: four channels of 32 bits.
const PIXEL_BYTES_MAX: usize = 16;

pub(super) fn small(file: impl BufRead + Seek, side_max_px: u32, shown: Shown) -> Result<DisplayImage, NoPicture> {
    let mut decoder = Decoder::new(file).map_err(NoPicture::damaged)?;
    let (width_px, height_px) = decoder.dimensions().map_err(NoPicture::damaged)?;
    check_size(width_px.into(), height_px.into())?;
    let size_px = [width_px as usize, height_px as usize];
    let mut limits = Limits::default();
    limits.decoding_buffer_size = size_px[0] * size_px[1] * PIXEL_BYTES_MAX;
    limits.intermediate_buffer_size = limits.decoding_buffer_size;
    let mut decoder = decoder.with_limits(limits);
    let shrinker = Shrinker::new(size_px, side_max_px)?;
    match decoder.read_image().map_err(NoPicture::damaged)? {
        DecodingResult::U8(samples) => display(shrinker, size_px, &samples, |value| f32::from(value) / 255.0),
        DecodingResult::U16(samples) => display(shrinker, size_px, &samples, |value| f32::from(value) / 65_535.0),
        DecodingResult::F32(samples) => {
            let shrinker = filled(shrinker, size_px, &samples, |pixel| pixel)?;
            let settings = DisplaySettings {
                view_transform: shown.transform,
                exposure_ev: shown.exposure_ev,
                ..Default::default()
            };
            Ok(display_image(&shrinker.linear(), &settings))
        }
        _ => Err(NoPicture::Unknown),
    }
}

fn display<T: Copy>(
    shrinker: Shrinker,
    size_px: [usize; 2],
    samples: &[T],
    value: impl Fn(T) -> f32,
) -> Result<DisplayImage, NoPicture> {
    let samples: Vec<f32> = samples.iter().map(|sample| value(*sample)).collect();
    let decoded = |[r, g, b, a]: [f32; 4]| {
        let [r, g, b] = [r, g, b].map(|value| srgb::decode(value) * a);
        [r, g, b, a]
    };
    Ok(filled(shrinker, size_px, &samples, decoded)?.display())
}

/// Adds samples of three or four channels.
fn filled(
    mut shrinker: Shrinker,
    [width_px, height_px]: [usize; 2],
    samples: &[f32],
    pixel: impl Fn([f32; 4]) -> [f32; 4],
) -> Result<Shrinker, NoPicture> {
    let n_channels = samples.len() / (width_px * height_px);
    if !matches!(n_channels, 3 | 4) {
        return Err(NoPicture::Unknown);
    }
    for (i, sample) in samples.chunks_exact(n_channels).enumerate() {
        let alpha = sample.get(3).copied().unwrap_or(1.0);
        shrinker.add(i % width_px, i / width_px, pixel([sample[0], sample[1], sample[2], alpha]));
    }
    Ok(shrinker)
}
