//! Sheets of swatches: what materials look like, side by side on one part, with their names below.

use std::convert::Infallible;
use std::sync::Arc;

use embedded_graphics::Drawable;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::iso_8859_1::{FONT_5X8, FONT_7X13, FONT_10X20};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::text::{Alignment, Text};
use embedded_graphics::{Pixel, text::Baseline};
use packshot_materials::library::{Library, Material};
use packshot_renderer::color::DisplayImage;
use packshot_renderer::shot::{Background, ViewTransform};
use packshot_renderer::{backend::RenderControl, sample};

use crate::error::Error;
use crate::plan::Options;
use crate::plan::words::Light;
use crate::render::Renderer;
use crate::request::RenderRequest;

/// Behind the swatches, sRGB: neither a white nor a black material is lost on it.
const PAPER_SRGB: [f32; 3] = [0.72, 0.725, 0.735];
/// Of the names, sRGB.
const INK_SRGB: [f32; 3] = [0.1, 0.1, 0.11];
/// The rigs put a metal's flats near white; half a stop below, bright metals and plastics can be told apart.
const EXPOSURE_EV: f64 = -0.5;
/// Pixels that count for the colour of a swatch are covered by it.
const COVERED: f32 = 0.999;

/// How swatches are rendered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SheetSettings {
    /// Width and height of a swatch.
    pub swatch_px: u32,
    /// Samples per pixel, at most.
    pub samples: u32,
    /// What lights them.
    pub light: Light,
    /// How light becomes colours.
    pub view_transform: ViewTransform,
}

/// A material as a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Swatch {
    /// The material's code and name.
    pub lines: [String; 2],
    /// The picture, opaque.
    pub picture: DisplayImage,
    /// The median of each channel over the pixels that the part covers, codes of 8 bits of sRGB.
    pub median_srgb: [u8; 3],
}

impl Swatch {
    /// Renders the sample `swatch` in a material.
    ///
    /// # Errors
    /// Every [`Error`].
    pub fn render(
        renderer: &Renderer,
        library: &Arc<Library>,
        material: &Material,
        settings: &SheetSettings,
        control: &RenderControl<'_>,
    ) -> Result<Self, Error> {
        let options = Options {
            width: Some(settings.swatch_px),
            height: Some(settings.swatch_px),
            samples: Some(settings.samples),
            material: Some(vec![format!("Swatch={}", material.id)]),
            light: Some(settings.light),
            view_transform: Some(settings.view_transform),
            background: Some(Background::Color { srgb: PAPER_SRGB }),
            azimuth_deg: Some(30.0),
            elevation_deg: Some(38.0),
            fill: Some(0.9),
            exposure_ev: Some(EXPOSURE_EV),
            ..Options::default()
        };
        let request = RenderRequest { options, library: library.clone(), ..RenderRequest::default() };
        let taken = renderer.render_with(&sample::swatch().glb, &request, control)?;
        let picture = taken.display();
        let is_covered = taken.linear.rgba.iter().map(|texel| texel[3] > COVERED);
        let covered: Vec<[f32; 4]> =
            picture.rgba.iter().zip(is_covered).filter_map(|(texel, is)| is.then_some(*texel)).collect();
        let lines = [material.code.clone(), material.name.clone()];
        Ok(Self { lines, median_srgb: median(&covered), picture })
    }

    /// Saturation of the median colour as in HSV: the part of the largest channel that the least one lacks, 0 to 1.
    pub fn saturation(&self) -> f64 {
        let [least, most] = [self.median_srgb.iter().min(), self.median_srgb.iter().max()]
            .map(|code| f64::from(code.copied().unwrap_or_default()));
        if most > 0.0 { (most - least) / most } else { 0.0 }
    }
}

fn median(texels: &[[f32; 4]]) -> [u8; 3] {
    [0, 1, 2].map(|channel| {
        let mut values: Vec<f32> = texels.iter().map(|texel| texel[channel]).collect();
        values.sort_unstable_by(f32::total_cmp);
        let middle = values.get(values.len() / 2).copied().unwrap_or_default();
        (middle.clamp(0.0, 1.0) * 255.0).round() as u8
    })
}

/// The swatches in rows of `n_columns`, each with its two lines below; opaque. Empty without swatches.
pub fn sheet(swatches: &[Swatch], n_columns: usize) -> DisplayImage {
    let Some(first) = swatches.first() else { return DisplayImage::default() };
    let side = first.picture.width_px as usize;
    let font = font(side);
    let line_px = font.character_size.height as usize;
    let n_columns = n_columns.clamp(1, swatches.len());
    let cell = [side, side + 3 * line_px];
    let size = [cell[0] * n_columns, cell[1] * swatches.len().div_ceil(n_columns)];
    let [r, g, b] = PAPER_SRGB;
    let mut page = Page { size, rgba: vec![[r, g, b, 1.0]; size[0] * size[1]] };
    for (i, swatch) in swatches.iter().enumerate() {
        let at = [i % n_columns * cell[0], i / n_columns * cell[1]];
        for (y, row) in swatch.picture.rgba.chunks(side).enumerate() {
            page.rgba[(at[1] + y) * size[0] + at[0]..][..row.len()].copy_from_slice(row);
        }
        for (n, line) in swatch.lines.iter().enumerate() {
            let middle = Point::new((at[0] + side / 2) as i32, (at[1] + side + n * line_px) as i32);
            let fitting = fitting(line, side / font.character_size.width as usize);
            let style = MonoTextStyle::new(font, BinaryColor::On);
            let mut text = Text::with_alignment(&fitting, middle, style, Alignment::Center);
            text.text_style.baseline = Baseline::Top;
            // Nothing can go wrong: what lies outside is not drawn.
            let Ok(_next) = text.draw(&mut page);
        }
    }
    DisplayImage { width_px: size[0] as u32, height_px: size[1] as u32, rgba: page.rgba }
}

/// A line of `n` characters at most, with one of them left free; one that is cut says so.
fn fitting(line: &str, n: usize) -> String {
    let n = n.saturating_sub(1);
    match line.chars().count() <= n {
        true => line.to_owned(),
        false => line.chars().take(n.saturating_sub(2)).chain("..".chars()).collect(),
    }
}

/// The largest in which names of thirty characters fit below a swatch of this width.
fn font(side_px: usize) -> &'static MonoFont<'static> {
    let fits = |font: &&MonoFont<'static>| 30 * font.character_size.width as usize <= side_px;
    [&FONT_10X20, &FONT_7X13].into_iter().find(fits).unwrap_or(&FONT_5X8)
}

/// A sheet while it is drawn.
struct Page {
    size: [usize; 2],
    rgba: Vec<[f32; 4]>,
}

impl OriginDimensions for Page {
    fn size(&self) -> Size {
        Size::new(self.size[0] as u32, self.size[1] as u32)
    }
}

impl DrawTarget for Page {
    type Color = BinaryColor;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<BinaryColor>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        let [width, height] = self.size;
        for Pixel(Point { x, y }, color) in pixels {
            let inside = usize::try_from(x).ok().zip(usize::try_from(y).ok()).filter(|&(x, y)| x < width && y < height);
            if let Some((x, y)) = inside.filter(|_| color.is_on()) {
                let [r, g, b] = INK_SRGB;
                self.rgba[y * width + x] = [r, g, b, 1.0];
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn swatch(name: &str, side: u32, color: [f32; 4]) -> Swatch {
        let rgba = vec![color; (side * side) as usize];
        let picture = DisplayImage { width_px: side, height_px: side, rgba };
        Swatch { lines: ["010101".to_owned(), name.to_owned()], median_srgb: median(&picture.rgba), picture }
    }

    #[test]
    fn swatches_lie_in_rows_with_their_names_below() {
        let (red, green) = ([1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 1.0]);
        let swatches = [swatch("Steel", 40, red), swatch("Ä", 40, green), swatch("Brass", 40, red)];
        let sheet = sheet(&swatches, 2);
        // Two columns, two rows of a swatch and three lines of eight pixels.
        assert_eq!((sheet.width_px, sheet.height_px), (80, 2 * 64));
        let at = |x: usize, y: usize| sheet.rgba[y * 80 + x];
        assert_eq!([at(0, 0), at(39, 39), at(40, 0), at(79, 39), at(0, 64)], [red, red, green, green, red]);
        let is_ink = |texel: &[f32; 4]| texel[..3] == INK_SRGB;
        let inked = |x: usize, y: usize| {
            (y..y + 24).flat_map(|y| (x..x + 40).map(move |x| (x, y))).filter(|&(x, y)| is_ink(&at(x, y))).count()
        };
        assert!(inked(0, 40) > 60 && inked(40, 40) > 30 && inked(0, 104) > 60, "names");
        assert_eq!(inked(40, 104), 0, "an empty place");
        assert_eq!(sheet.rgba.iter().filter(|texel| texel[3] != 1.0).count(), 0, "opaque");
    }

    #[test]
    fn long_names_end_at_the_edge_of_their_swatch() {
        let grey = [0.5, 0.5, 0.5, 1.0];
        let sheet = sheet(&[swatch(&"M".repeat(300), 40, grey), swatch("", 40, grey)], 2);
        let beyond = sheet.rgba.chunks(80).skip(48).take(8).flat_map(|row| &row[40..]);
        assert_eq!(beyond.filter(|texel| texel[..3] == INK_SRGB).count(), 0);
    }

    #[test]
    fn names_that_are_cut_say_so() {
        assert_eq!(
            ["Steel", "Steel-Bare", "Stainless"].map(|name| fitting(name, 10)),
            ["Steel", "Steel-B..", "Stainless"]
        );
        assert_eq!(fitting("Ölgrün", 4), "Ö..");
    }

    #[test]
    fn the_colour_of_a_swatch_is_its_median() {
        let texels = [[0.2, 0.5, 1.0, 1.0], [0.4, 0.5, 0.0, 1.0], [0.4, 0.1, 0.0, 1.0]];
        assert_eq!(median(&texels), [102, 128, 0]);
        let orange = swatch("Orange", 2, [0.8, 0.4, 0.2, 1.0]);
        assert_eq!(orange.median_srgb, [204, 102, 51]);
        assert!((orange.saturation() - 0.75).abs() < 1e-9);
        assert_eq!(swatch("Black", 2, [0.0, 0.0, 0.0, 1.0]).saturation(), 0.0);
    }
}
