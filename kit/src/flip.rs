//! Compares two pictures (Andersson et al. 2020, "FLIP: A Difference Evaluator for Alternating Images").

use std::path::Path;

use flip_rs::{DEFAULT_PPD, ErrorMap, RgbImage, ldr_flip};

use crate::report::{Fault, Limit, TrialReport};
use crate::setup::{Setup, relative};

/// Largest mean FLIP between two pictures with equal samples: different noise in the same picture gives about 0.1.
pub(crate) const FLIP_MAX: f64 = 0.01;
/// The same for a square of 16 by 16 pixels, in which a few paths may round the other way.
pub(crate) const TILE_FLIP_MAX: f64 = 0.1;
/// Side of the squares that are compared individually.
const TILE_PX: usize = 16;

/// A picture of display values over grey, so that differences in coverage show.
pub(crate) struct Shown(RgbImage<f32>);

/// How two pictures differ.
pub(crate) struct Difference {
    /// Mean FLIP over all pixels: 0 for equal pictures, 1 for black beside white.
    pub(crate) mean: f32,
    map: ErrorMap,
}

impl Shown {
    /// A PNG of 8 or 16 bits.
    pub(crate) fn read(path: &Path) -> Result<Self, Fault> {
        let bytes = std::fs::read(path).map_err(|reason| Fault::of_file(path, &reason))?;
        Self::decode(&bytes).map_err(|reason| Fault::new(format!("{}: {reason}", path.display())))
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let words = |error: png::DecodingError| error.to_string();
        let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::ALPHA);
        let mut reader = decoder.read_info().map_err(words)?;
        let mut bytes = vec![0; reader.output_buffer_size().ok_or("it is too large")?];
        let frame = reader.next_frame(&mut bytes).map_err(words)?;
        let channels: Vec<f32> = match frame.bit_depth {
            png::BitDepth::Sixteen => {
                bytes.as_chunks::<2>().0.iter().map(|&value| f32::from(u16::from_be_bytes(value)) / 65535.0).collect()
            }
            _ => bytes.iter().map(|&value| f32::from(value) / 255.0).collect(),
        };
        let over_grey = |&[r, g, b, alpha]: &[f32; 4]| [r, g, b].map(|value| value * alpha + 0.5 * (1.0 - alpha));
        let values = channels.as_chunks::<4>().0.iter().flat_map(over_grey).collect();
        let image = RgbImage::new(frame.width as usize, frame.height as usize, values);
        Ok(Self(image.map_err(|error| error.to_string())?))
    }

    /// Means over squares of 16 by 16 pixels and all channels.
    pub(crate) fn tiles(&self) -> Vec<f64> {
        tile_means(self.0.pixels(), 3, [self.0.width(), self.0.height()])
    }
}

/// Means over squares of 16 by 16 pixels, for a picture with this many values per pixel.
fn tile_means(values: &[f32], n_channels: usize, [width, height]: [usize; 2]) -> Vec<f64> {
    let tile = |[x, y]: [usize; 2]| {
        let (right, bottom) = ((x + TILE_PX).min(width), (y + TILE_PX).min(height));
        let row = |y: usize| &values[n_channels * (y * width + x)..n_channels * (y * width + right)];
        let sum: f64 = (y..bottom).flat_map(row).map(|&value| f64::from(value)).sum();
        sum / (n_channels * (right - x) * (bottom - y)) as f64
    };
    let places = (0..height).step_by(TILE_PX).flat_map(|y| (0..width).step_by(TILE_PX).map(move |x| [x, y]));
    places.map(tile).collect()
}

/// Two pictures of the same samples, and how they differ.
pub(crate) struct Pair {
    pub(crate) expected: Shown,
    pub(crate) actual: Shown,
    pub(crate) difference: Difference,
}

impl Pair {
    /// Reads two PNGs.
    pub(crate) fn read(expected: &Path, actual: &Path) -> Result<Self, Fault> {
        let [expected, actual] = [Shown::read(expected)?, Shown::read(actual)?];
        let map = ldr_flip(&expected.0, &actual.0, DEFAULT_PPD).map_err(|error| Fault::new(error.to_string()))?;
        Ok(Self { expected, actual, difference: Difference { mean: map.statistics().mean, map } })
    }

    /// Mean FLIP of the worst square of 16 by 16 pixels: a small error would disappear in the overall mean.
    pub(crate) fn worst_tile(&self) -> f64 {
        let size = [self.expected.0.width(), self.expected.0.height()];
        tile_means(self.difference.map.pixels(), 1, size).into_iter().fold(0.0, f64::max)
    }

    /// Records how much the pictures may differ, and writes them side by side.
    pub(crate) fn tell(&self, setup: &Setup, report: &mut TrialReport, name: &str) -> Result<(), Fault> {
        report.check("mean FLIP", self.difference.mean.into(), "", Limit::AtMost(FLIP_MAX));
        report.check("of the worst tile", self.worst_tile(), "", Limit::AtMost(TILE_FLIP_MAX));
        let sheet = setup.folder("pictures")?.join(format!("{name}-expected-actual-flip.png"));
        write_sheet(&sheet, &[self])?;
        report.pictures.push(relative(&sheet, &setup.results));
        Ok(())
    }
}

/// Expected, actual and their difference side by side, one row for each pair, as a PNG.
pub(crate) fn write_sheet(path: &Path, rows: &[&Pair]) -> Result<(), Fault> {
    let mut sheet: Vec<Vec<u8>> = Vec::new();
    for Pair { expected, actual, difference } in rows {
        let colors = difference.map.colorize().map_err(|error| Fault::new(error.to_string()))?;
        let images = [&expected.0, &actual.0, &colors];
        for y in 0..expected.0.height() {
            let line = |image: &&RgbImage<f32>| {
                let stride = image.width() * 3;
                image.pixels()[y * stride..(y + 1) * stride]
                    .iter()
                    .map(|v| (v.clamp(0.0, 1.0) * 255.0).round() as u8)
                    .collect::<Vec<u8>>()
            };
            sheet.push(images.iter().flat_map(line).collect());
        }
    }
    let widest = sheet.iter().map(Vec::len).max().unwrap_or(0);
    let height_px = u32::try_from(sheet.len()).unwrap_or(u32::MAX);
    let width_px = u32::try_from(widest / 3).unwrap_or(u32::MAX);
    for line in &mut sheet {
        line.resize(widest, 0);
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width_px, height_px);
    encoder.set_color(png::ColorType::Rgb);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(&sheet.concat())?;
        writer.finish()
    });
    written.map_err(|error| Fault::new(error.to_string()))?;
    std::fs::write(path, bytes).map_err(|reason| Fault::of_file(path, &reason))
}
