//! Two PNGs side by side.

use std::path::{Path, PathBuf};

use flip_rs::{DEFAULT_PPD, ErrorMap, RgbImage, ldr_flip};

/// Where a golden picture lies.
pub(crate) fn committed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pictures").join(format!("{name}.png"))
}

/// How two pictures differ.
pub(crate) struct Flip {
    /// Mean over all pixels: 0 for equal pictures, 1 for black beside white.
    pub(crate) mean: f32,
    map: ErrorMap,
}

/// Compares two PNGs of the same size, laid over grey so that differences in coverage show.
pub(crate) fn flip(expected: &[u8], actual: &[u8]) -> Flip {
    let (expected, actual) = (decode(expected), decode(actual));
    let map = ldr_flip(&expected, &actual, DEFAULT_PPD).expect("pictures of one size");
    Flip { mean: map.statistics().mean, map }
}

impl Flip {
    /// Writes the picture and its differences where a person can look at them, and says where.
    pub(crate) fn keep(&self, name: &str, actual: &[u8]) -> String {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("golden");
        std::fs::create_dir_all(&folder).expect("a folder for test output");
        let [picture, differences] = ["actual", "differences"].map(|which| folder.join(format!("{name}.{which}.png")));
        std::fs::write(&picture, actual).expect("written");
        std::fs::write(&differences, encode(&self.map.colorize().expect("a map"))).expect("written");
        format!("{} and {}", picture.display(), differences.display())
    }
}

/// Display values over grey.
fn decode(png: &[u8]) -> RgbImage<f32> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
    decoder.set_transformations(png::Transformations::ALPHA);
    let mut reader = decoder.read_info().expect("a PNG");
    let mut bytes = vec![0; reader.output_buffer_size().expect("small")];
    let frame = reader.next_frame(&mut bytes).expect("pixels");
    let over_grey = |&[r, g, b, a]: &[u8; 4]| {
        let alpha = f32::from(a) / 255.0;
        [r, g, b].map(|value| f32::from(value) / 255.0 * alpha + 0.5 * (1.0 - alpha))
    };
    let values = bytes.as_chunks::<4>().0.iter().flat_map(over_grey).collect();
    RgbImage::new(frame.width as usize, frame.height as usize, values).expect("three values per pixel")
}

fn encode(image: &RgbImage<f32>) -> Vec<u8> {
    let side = |pixels: usize| u32::try_from(pixels).expect("small");
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side(image.width()), side(image.height()));
    encoder.set_color(png::ColorType::Rgb);
    let samples: Vec<u8> = image.pixels().iter().map(|value| (value.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&samples).expect("pixels");
    writer.finish().expect("whole");
    bytes
}
