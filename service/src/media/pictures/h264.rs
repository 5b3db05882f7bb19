//! The first frame of an H.264 movie: 4:2:0 in limited range, BT.709, as the renderer writes it.

use std::io::{Read, Seek, SeekFrom};

use openh264::decoder::{DecodedYUV, Decoder};
use openh264::formats::YUVSource;
use packshot_renderer::color::{DisplayImage, srgb};

use super::super::mp4::{Avc, Movie};
use super::shrink::Shrinker;
use super::{NoPicture, check_size};

/// Most bytes of a frame.
const SAMPLE_BYTES_MAX: u64 = 64 << 20;
/// What precedes each unit for a decoder (ITU-T H.264 annex B).
const START_CODE: [u8; 4] = [0, 0, 0, 1];

pub(super) fn small(movie: &Movie, file: &mut (impl Read + Seek), side_max_px: u32) -> Result<DisplayImage, NoPicture> {
    check_size(movie.width_px.into(), movie.height_px.into())?;
    let (avc, sample) = movie.avc.as_ref().zip(movie.first_sample.clone()).ok_or(NoPicture::Unknown)?;
    let length = sample.end - sample.start;
    if length > SAMPLE_BYTES_MAX {
        return Err(NoPicture::TooLarge);
    }
    file.seek(SeekFrom::Start(sample.start)).map_err(NoPicture::damaged)?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes).map_err(NoPicture::damaged)?;
    let units = units(avc, &bytes).ok_or_else(|| NoPicture::damaged("its first frame is cut short"))?;
    let mut decoder = Decoder::new().map_err(NoPicture::damaged)?;
    if let Some(frame) = decoder.decode(&units).map_err(NoPicture::damaged)? {
        return shrunk(&frame, side_max_px);
    }
    let frames = decoder.flush_remaining().map_err(NoPicture::damaged)?;
    let first = frames.first().ok_or_else(|| NoPicture::damaged("its first frame cannot be decoded by itself"))?;
    shrunk(first, side_max_px)
}

/// The parameter sets and the units of a frame, as a decoder takes them.
fn units(avc: &Avc, mut sample: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(sample.len() + 256);
    for set in &avc.parameter_sets {
        out.extend_from_slice(&START_CODE);
        out.extend_from_slice(set);
    }
    while !sample.is_empty() {
        let (length, rest) = sample.split_at_checked(avc.length_bytes)?;
        let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        let (unit, rest) = rest.split_at_checked(length)?;
        out.extend_from_slice(&START_CODE);
        out.extend_from_slice(unit);
        sample = rest;
    }
    Some(out)
}

fn shrunk(frame: &DecodedYUV<'_>, side_max_px: u32) -> Result<DisplayImage, NoPicture> {
    let (width_px, height_px) = frame.dimensions();
    let (luma_stride, blue_stride, red_stride) = frame.strides();
    let (luma, blue, red) = (frame.y(), frame.u(), frame.v());
    let mut shrinker = Shrinker::new([width_px, height_px], side_max_px)?;
    for y in 0..height_px {
        for x in 0..width_px {
            let value = |plane: &[u8], at: usize| plane.get(at).copied().map_or(0.0, f32::from);
            let luma = (value(luma, y * luma_stride + x) - 16.0) / 219.0;
            let blue = (value(blue, y / 2 * blue_stride + x / 2) - 128.0) / 224.0;
            let red = (value(red, y / 2 * red_stride + x / 2) - 128.0) / 224.0;
            // ITU-R BT.709-6, items 3.2 and 3.3.
            let rgb = [luma + 1.5748 * red, luma - 0.187_324 * blue - 0.468_124 * red, luma + 1.8556 * blue];
            let [r, g, b] = rgb.map(|value| srgb::decode(value.clamp(0.0, 1.0)));
            shrinker.add(x, y, [r, g, b, 1.0]);
        }
    }
    Ok(shrinker.display())
}
