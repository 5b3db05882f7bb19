//! Two pictures held against each other (Andersson et al. 2020, "FLIP: A Difference Evaluator for Alternating Images").

use std::path::Path;

use flip_rs::{DEFAULT_PPD, ErrorMap, RgbImage, ldr_flip};

use crate::report::Fault;

/// A picture of display values over grey, so that differences in coverage show.
pub(crate) struct Shown(RgbImage<f32>);

/// How two pictures differ.
pub(crate) struct Difference {
    /// Mean over all pixels: 0 for equal pictures, 1 for black beside white.
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
        decoder.set_transformations(png::Transformations::ALPHA | png::Transformations::STRIP_16);
        let mut reader = decoder.read_info().map_err(words)?;
        let mut pixels = vec![0; reader.output_buffer_size().ok_or("it is too large")?];
        let frame = reader.next_frame(&mut pixels).map_err(words)?;
        let over_grey = |&[r, g, b, a]: &[u8; 4]| {
            let alpha = f32::from(a) / 255.0;
            [r, g, b].map(|value| f32::from(value) / 255.0 * alpha + 0.5 * (1.0 - alpha))
        };
        let values = pixels.as_chunks::<4>().0.iter().flat_map(over_grey).collect();
        let image = RgbImage::new(frame.width as usize, frame.height as usize, values);
        Ok(Self(image.map_err(|error| error.to_string())?))
    }

    /// How `self`, as it should be, and `actual` differ.
    pub(crate) fn difference(&self, actual: &Self) -> Result<Difference, Fault> {
        let map = ldr_flip(&self.0, &actual.0, DEFAULT_PPD).map_err(|error| Fault::new(error.to_string()))?;
        Ok(Difference { mean: map.statistics().mean, map })
    }

    /// Mean of each channel, of display values.
    pub(crate) fn mean(&self) -> [f32; 3] {
        let pixels = self.0.pixels().as_chunks::<3>().0;
        let sum = pixels.iter().fold([0.0_f64; 3], |sum, pixel| [0, 1, 2].map(|c| sum[c] + f64::from(pixel[c])));
        sum.map(|sum| (sum / pixels.len().max(1) as f64) as f32)
    }
}

/// Expected, actual and their difference side by side, one row for each pair, as a PNG.
pub(crate) fn write_sheet(path: &Path, rows: &[(&Shown, &Shown, &Difference)]) -> Result<(), Fault> {
    let mut sheet: Vec<Vec<u8>> = Vec::new();
    for (expected, actual, difference) in rows {
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
