//! Checks pictures against the rules of a [`Preset`], by measuring the finished files rather than trusting the request.
//!
//! Input: a picture, and its file. Output: a [`Check`] for each rule. Pixels are read back from the file, as its
//! recipient would; the picture says which of them are the product. A picture that was not written is measured with the
//! values of an 8-bit PNG.

use packshot_renderer::color::DisplayImage;
use packshot_renderer::encode::{ReadBack, TiffCompression, read_back};
use packshot_renderer::shot::turntable::{TurnDirection, Turntable};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::picture::Picture;
use crate::preset::{Preset, Rule, Spin};

/// Coverage from which a pixel counts as the product.
const SOLID_ALPHA: f32 = 0.5;
/// The pixel filter blurs edges by up to 1.5 px; off-white pixels further from the product are not part of its edge.
const EDGE_PX: u16 = 4;
/// Lossy formats blur edges across their blocks of 16 pixels with subsampled colours.
const LOSSY_EDGE_PX: u16 = 20;
/// The value, of 255, from which their pixels count as white: at quality 90 a dark edge leaves up to 12 beside it.
const LOSSY_WHITE: f32 = 243.0;

/// A rule, its requirement, and what was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The rule's name.
    pub rule: String,
    /// The requirement, in words.
    pub required: String,
    /// What was measured.
    pub measured: Measured,
    /// Whether the requirement is met.
    pub passed: bool,
}

/// A measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Measured {
    /// Pixels, bytes, frames, or a fraction.
    Number(f64),
    /// Anything else.
    Text(String),
}

impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{}", (number * 1e4).round() / 1e4),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Check {
    fn new(rule: &str, required: String, measured: Measured, passed: bool) -> Self {
        Self { rule: rule.to_owned(), required, measured, passed }
    }

    fn number(rule: &str, required: String, measured: f64, passed: bool) -> Self {
        Self::new(rule, required, Measured::Number(measured), passed)
    }
}

/// The measurements that the rules of a picture refer to.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurements {
    /// Pixels.
    pub size_px: [u32; 2],
    /// The fractions of width and height between the outermost pixels of which the product covers at least half; 0 if
    /// there are none.
    pub fill: [f64; 2],
    /// White pixels between the edges of the picture (left, right, top, bottom) and the first one that is not white.
    pub margins_px: [u32; 4],
    /// The corner pixels that are white.
    pub white_corners: u32,
    /// The pixels that are not white although they do not belong to the product or its edge.
    pub residue_px: u64,
    /// Properties of the file, if one was written.
    file: Option<FileFacts>,
}

/// What a file states in addition to its pixels.
#[derive(Clone, Debug, PartialEq)]
struct FileFacts {
    n_bytes: usize,
    dpi: Option<u32>,
    tiff_compression: Option<TiffCompression>,
}

/// The accuracy of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exactness {
    Lossless,
    Lossy,
}

impl Exactness {
    /// The least channel value of white, of 255, rounded as in an 8-bit PNG.
    fn white_min(self) -> f32 {
        match self {
            Self::Lossless => 255.0,
            Self::Lossy => LOSSY_WHITE,
        }
    }

    fn edge_px(self) -> u16 {
        match self {
            Self::Lossless => EDGE_PX,
            Self::Lossy => LOSSY_EDGE_PX,
        }
    }
}

impl Measurements {
    /// Measures a finished picture and the bytes of its file. Without a file (`None`), rules about files are not
    /// checked.
    ///
    /// # Errors
    /// `encode.read_back` for a file that cannot be read.
    pub fn of(picture: &Picture, written: Option<&[u8]>) -> Result<Self, Error> {
        let alphas: Vec<f32> = picture.linear.rgba.iter().map(|pixel| pixel[3]).collect();
        let read = written.map(read_back).transpose()?.flatten();
        let ReadBack { image, dpi, is_lossy, tiff_compression } = read.unwrap_or_default();
        let exactness = if is_lossy { Exactness::Lossy } else { Exactness::Lossless };
        let shown = image.unwrap_or_else(|| picture.display());
        let mut measured = Self::new(&shown, &alphas, exactness);
        if is_lossy {
            // Off-white beside the product is indistinguishable from blurred blocks, so it is taken from the picture
            // before encoding.
            measured.residue_px += Self::new(&picture.display(), &alphas, Exactness::Lossless).residue_px;
        }
        measured.file = written.map(|bytes| FileFacts { n_bytes: bytes.len(), dpi, tiff_compression });
        Ok(measured)
    }

    /// Measures display values, given the coverage of each pixel by the product.
    fn new(shown: &DisplayImage, alphas: &[f32], exactness: Exactness) -> Self {
        let (width, height) = (shown.width_px as usize, shown.height_px as usize);
        let white_min = exactness.white_min();
        let is_white = |pixel: &[f32; 4]| pixel.iter().all(|value| value * 255.0 + 0.5 >= white_min);
        let white: Vec<bool> = shown.rgba.iter().map(is_white).collect();
        let solid: Vec<bool> = alphas.iter().map(|&alpha| alpha >= SOLID_ALPHA).collect();
        let share = |range: Option<[usize; 2]>, of: usize| {
            range.map_or(0.0, |[first, last]| (last - first + 1) as f64 / of as f64)
        };
        let [columns, rows] = extent(&solid, width, |&solid| solid);
        let fill = [share(columns, width), share(rows, height)];
        let margins = |range: Option<[usize; 2]>, of: usize| match range {
            Some([first, last]) => [first, of - 1 - last],
            None => [of, of],
        };
        let [columns, rows] = extent(&white, width, |&white| !white);
        let ([left, right], [top, bottom]) = (margins(columns, width), margins(rows, height));
        let corners = [0, width - 1, (height - 1) * width, height * width - 1];
        let distances = distances_px(&solid, width);
        let is_residue = |(&distance, &white): (&u16, &bool)| distance > exactness.edge_px() && !white;
        Self {
            size_px: [shown.width_px, shown.height_px],
            fill,
            margins_px: [left, right, top, bottom].map(|px| px as u32),
            white_corners: corners.iter().filter(|&&corner| white[corner]).count() as u32,
            residue_px: distances.iter().zip(&white).filter(|&pixel| is_residue(pixel)).count() as u64,
            file: None,
        }
    }

    /// The fraction of the picture that the product takes in its tighter direction.
    pub fn tighter_fill(&self) -> f64 {
        self.fill[0].max(self.fill[1])
    }

    /// `None` for a rule about files when none was written.
    fn check(&self, rule: Rule) -> Option<Check> {
        let [width_px, height_px] = self.size_px;
        let (longer_px, shorter_px) = (width_px.max(height_px), width_px.min(height_px));
        Some(match rule {
            Rule::LongerSidePx { min, max } => {
                let passed = (min..=max).contains(&longer_px);
                Check::number("longer_side_px", between(min, max, "px"), longer_px.into(), passed)
            }
            Rule::ShorterSideMinPx(min) => {
                let required = format!("at least {min} px");
                Check::number("shorter_side_px", required, shorter_px.into(), shorter_px >= min)
            }
            Rule::PixelsMax(max) => {
                let pixels = u64::from(width_px) * u64::from(height_px);
                Check::number("pixels", format!("at most {max} pixels"), pixels as f64, pixels <= max)
            }
            Rule::Square => {
                let measured = Measured::Text(format!("{width_px} x {height_px}"));
                Check::new("square", "as wide as it is high".to_owned(), measured, width_px == height_px)
            }
            Rule::Fill { min, max } => {
                let (fill, pixel) = (self.tighter_fill(), 1.0 / f64::from(shorter_px));
                // The outermost pixels may be half empty.
                let passed = fill >= min - pixel && fill <= max + pixel;
                Check::number("fill", format!("{min} to {max} of the frame"), fill, passed)
            }
            Rule::LeastMarginPx { min, max } => {
                let margin_px = self.margins_px.into_iter().min().unwrap_or(0);
                let passed = (min..=max).contains(&margin_px);
                Check::number("least_margin_px", between(min, max, "px"), margin_px.into(), passed)
            }
            Rule::EachMarginPx { min, max } => {
                let [left, right, top, bottom] = self.margins_px;
                let measured = format!("left {left}, right {right}, top {top}, bottom {bottom}");
                let passed = self.margins_px.iter().all(|px| (min..=max).contains(px));
                Check::new("each_margin_px", between(min, max, "px"), Measured::Text(measured), passed)
            }
            Rule::WhiteCorners => {
                let required = "all 4 corner pixels are 255, 255, 255".to_owned();
                Check::number("white_corners", required, self.white_corners.into(), self.white_corners == 4)
            }
            Rule::NoResidue => {
                let required = "every pixel away from the product is 255, 255, 255".to_owned();
                Check::number("residue_px", required, self.residue_px as f64, self.residue_px == 0)
            }
            Rule::FileBytesMax(max) => {
                let n_bytes = self.file.as_ref()?.n_bytes;
                Check::number("file_bytes", format!("at most {max} bytes"), n_bytes as f64, n_bytes as u64 <= max)
            }
            Rule::Dpi(dpi) => {
                let found = self.file.as_ref()?.dpi;
                let measured = found
                    .map_or(Measured::Text("not stated in the file".to_owned()), |dpi| Measured::Number(dpi.into()));
                Check::new("dpi", format!("{dpi} pixels per inch"), measured, found == Some(dpi))
            }
            Rule::PlainTiff => {
                let compression = self.file.as_ref()?.tiff_compression?;
                let (word, passed) = match compression {
                    TiffCompression::None => ("none", true),
                    TiffCompression::Lzw => ("LZW", true),
                    TiffCompression::Other => ("another", false),
                };
                Check::new("tiff_compression", "none or LZW".to_owned(), Measured::Text(word.to_owned()), passed)
            }
        })
    }
}

fn between(min: u32, max: u32, unit: &str) -> String {
    match max {
        u32::MAX => format!("at least {min} {unit}"),
        _ => format!("{min} to {max} {unit}"),
    }
}

/// First and last column, and first and last row, with a pixel for which `counts` holds.
fn extent<T>(pixels: &[T], width: usize, counts: impl Fn(&T) -> bool) -> [Option<[usize; 2]>; 2] {
    let mut found: [Option<[usize; 2]>; 2] = [None; 2];
    for (i, _) in pixels.iter().enumerate().filter(|(_, pixel)| counts(pixel)) {
        for (range, at) in found.iter_mut().zip([i % width, i / width]) {
            let [first, last] = range.unwrap_or([at; 2]);
            *range = Some([first.min(at), last.max(at)]);
        }
    }
    found
}

/// Steps to the nearest solid pixel, sideways, up, down or diagonally, in two passes (Rosenfeld and Pfaltz 1966).
fn distances_px(solid: &[bool], width: usize) -> Vec<u16> {
    let mut distances: Vec<u16> = solid.iter().map(|&solid| if solid { 0 } else { u16::MAX }).collect();
    let height = distances.len() / width;
    let step = |distances: &mut Vec<u16>, x: usize, y: usize, back: bool| {
        let mut nearest = distances[y * width + x];
        let row = if back { y.checked_add(1).filter(|&row| row < height) } else { y.checked_sub(1) };
        let beside = if back { Some(x + 1).filter(|&x| x < width) } else { x.checked_sub(1) };
        if let Some(x) = beside {
            nearest = nearest.min(distances[y * width + x].saturating_add(1));
        }
        if let Some(row) = row {
            for x in x.saturating_sub(1)..=(x + 1).min(width - 1) {
                nearest = nearest.min(distances[row * width + x].saturating_add(1));
            }
        }
        distances[y * width + x] = nearest;
    };
    for y in 0..height {
        for x in 0..width {
            step(&mut distances, x, y, false);
        }
    }
    for y in (0..height).rev() {
        for x in (0..width).rev() {
            step(&mut distances, x, y, true);
        }
    }
    distances
}

/// Checks a single picture against a preset. `extension` is that of its file.
pub fn picture(preset: &Preset, measured: &Measurements, extension: &str) -> Vec<Check> {
    of_file(preset, preset.rules, measured, extension)
}

/// Checks a frame of a turntable against a preset.
pub fn frame(preset: &Preset, spin: &Spin, measured: &Measurements, extension: &str) -> Vec<Check> {
    of_file(preset, spin.rules, measured, extension)
}

fn of_file(preset: &Preset, rules: &[Rule], measured: &Measurements, extension: &str) -> Vec<Check> {
    let is_accepted = preset.extensions.contains(&extension);
    let format = Check::new("format", preset.extensions.join(", "), Measured::Text(extension.to_owned()), is_accepted);
    rules.iter().filter_map(|&rule| measured.check(rule)).chain([format]).collect()
}

/// Checks a whole turntable against a preset: `frames` is the number of pictures, `elevation_deg` the camera's
/// elevation, and `fill_max` the largest [`tighter_fill`](Measurements::tighter_fill) of all frames.
pub fn turntable(
    spin: &Spin,
    turntable: &Turntable,
    frames: u32,
    elevation_deg: Option<f64>,
    fill_max: f64,
) -> Vec<Check> {
    let known: Vec<String> = spin.frames.iter().map(u32::to_string).collect();
    let is_accepted = spin.frames.contains(&frames);
    let mut checks = vec![Check::number("frames", known.join(", "), frames.into(), is_accepted)];
    if let Some(direction) = spin.direction {
        let word = |direction| match direction {
            TurnDirection::Ccw => "ccw",
            TurnDirection::Cw => "cw",
        };
        let measured = Measured::Text(word(turntable.direction).to_owned());
        checks.push(Check::new("direction", word(direction).to_owned(), measured, turntable.direction == direction));
        let start_deg = turntable.start_deg.rem_euclid(360.0);
        checks.push(Check::number(
            "start_deg",
            "0: the first frame is the front".to_owned(),
            start_deg,
            start_deg == 0.0,
        ));
    }
    if let Some([min, max]) = spin.elevation_deg {
        let measured = elevation_deg.map_or(Measured::Text("a camera of the file".to_owned()), Measured::Number);
        let passed = elevation_deg.is_some_and(|deg| (min..=max).contains(&deg));
        checks.push(Check::new("elevation_deg", format!("{min} to {max}"), measured, passed));
    }
    if let Some(min) = spin.fill_min_in_one_frame {
        let required = format!("at least {min} of the frame in one frame");
        checks.push(Check::number("fill_in_one_frame", required, fill_max, fill_max >= min));
    }
    checks
}

#[cfg(test)]
mod tests;
