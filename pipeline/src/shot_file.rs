//! Shot files: everything that determines a picture, in one JSON file beside the files that it refers to
//! (`docs/shot.md`).
//!
//! [`read`] accepts both versions of the format, strictly, and reports everything that is wrong together.
//! [`write`](write::write) produces version 1, which the scripts of other renderers read, if that can express
//! everything, and otherwise version 2. The written file renders the same picture.
//!
//! Input: the bytes of a shot file, and a way to read the files that it refers to. Output: a [`ShotFile`], completely
//! checked. Nothing is opened here, and no path is resolved.

use std::sync::Arc;

use packshot_oidn::Quality;
use packshot_renderer::diagnostic::Diagnostic;
use packshot_renderer::import::ImportOptions;
use packshot_renderer::layers::Quantity;
use packshot_renderer::layers::lines::LineKind;
use packshot_words::words;

use crate::denoise::{Denoise, DenoiseWith};
use crate::picture::Aov;
use crate::pictures::Pictures;
use crate::plan::value::Color;
use crate::plan::{OptionId, Options};
use crate::product::PaletteMaterial;

mod angle;
mod camera;
mod light;
mod material;
mod named;
mod parts;
mod pose;
mod read;
mod refusal;
mod series;
mod version;
pub mod write;

pub use named::FileReference;
pub use parts::{PartRule, PartRules, Wears};
pub use read::{FilmOverrides, UnopenedShot, parse, read};

words! {
    /// Versions of the format, by the `schema` of a file.
    pub enum Version {
        /// A still picture of a product with plain materials, as the scripts of other renderers read it
        One = "packshot-shot/1",
        /// Everything that decides pictures
        Two = "packshot-shot/2",
    }
}

/// A shot file and the files that it refers to.
#[derive(Clone, Debug)]
pub struct ShotFile {
    /// Its `name`, or else the name given to [`read`].
    pub name: String,
    /// The material library that it was made with: version and digest, for the metadata of pictures.
    pub library: Option<String>,
    /// The product's file, and how it is imported.
    pub geometry: Geometry,
    /// The bytes of that file.
    pub glb: Vec<u8>,
    /// The pictures.
    pub pictures: Pictures,
    /// How pictures are denoised.
    pub noise: Noise,
    /// Lines over the pictures.
    pub lines: Option<ShotLines>,
    /// The file of the environment map, if there is one.
    pub environment_file: Option<FileReference>,
    /// The file of the lookup table and its bytes, if there is one.
    pub lut_file: Option<(FileReference, Arc<[u8]>)>,
    /// The files of its materials' pictures, as often as they are named.
    pub texture_files: Vec<FileReference>,
    /// The materials that it defines, in its order.
    pub materials: Vec<PaletteMaterial>,
    /// Which part gets which of them.
    pub parts: PartRules,
    /// Findings about the files.
    pub diagnostics: Vec<Diagnostic>,
}

/// The product of a shot.
#[derive(Clone, Debug, PartialEq)]
pub struct Geometry {
    /// The glTF file.
    pub file: FileReference,
    /// How it is imported; limits are those of the importer.
    pub import: ImportOptions,
}

/// How pictures are denoised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noise {
    /// When they are denoised.
    pub when: Denoise,
    /// The denoiser.
    pub with: DenoiseWith,
    /// The quality of Open Image Denoise; `None`: its default.
    pub quality: Option<Quality>,
}

/// Lines over the pictures of a shot.
#[derive(Clone, Debug, PartialEq)]
pub struct ShotLines {
    /// What they mark; empty if only layers have lines, in this style.
    pub kinds: Vec<LineKind>,
    /// Their width; `None`: depends on the size of each picture.
    pub width_px: Option<f32>,
    /// A surface has a crease where its normal changes by more than this.
    pub crease_rad: f32,
    /// Their display colour: sRGB-encoded, 0 to 1.
    pub color_srgb: [f32; 3],
    /// Whether the picture consists of lines only.
    pub is_drawing: bool,
}

impl ShotFile {
    /// The options that the shot implies and that may be combined with it, overridden by the given ones.
    pub fn with_options(&self, given: &Options) -> Options {
        let mut options = self.options();
        options.overlay(given);
        // A style without lines would contradict the given options.
        let is_asked = |flag: Option<bool>| flag == Some(true);
        let in_layers = |kind| options.aovs.iter().flatten().any(|aov| *aov == Aov::Seen(Quantity::Lines(kind)));
        let has_edges = is_asked(options.edges) || in_layers(LineKind::Edges);
        let is_drawn = is_asked(options.edges) || is_asked(options.wireframe);
        let has_lines = is_drawn || has_edges || in_layers(LineKind::Wireframe);
        for (id, is_kept) in [
            (OptionId::LinesOnly, is_drawn),
            (OptionId::LineColor, is_drawn),
            (OptionId::LineWidthPx, has_lines),
            (OptionId::CreaseDeg, has_edges),
        ] {
            if !is_kept && !given.has(id) {
                options.clear(id);
            }
        }
        options
    }

    fn options(&self) -> Options {
        let mut options =
            Options { denoise: Some(self.noise.when), look: Some(self.geometry.import.look), ..Options::default() };
        if let Some(shot) = self.pictures.first() {
            let film = &shot.film;
            options.width = Some(film.width_px);
            options.height = Some(film.height_px);
            options.samples = Some(film.samples);
            options.noise_threshold = Some(f64::from(film.noise_threshold));
            options.seed = Some(film.seed);
        }
        if let Some(ShotLines { kinds, width_px, crease_rad, color_srgb, is_drawing }) = &self.lines {
            options.edges = Some(kinds.contains(&LineKind::Edges));
            options.wireframe = Some(kinds.contains(&LineKind::Wireframe));
            options.lines_only = Some(*is_drawing);
            options.line_width_px = width_px.map(f64::from);
            options.line_color = Some(Color { srgb: *color_srgb });
            options.crease_deg = Some(angle::degrees_single(*crease_rad));
        }
        if let Pictures::Turntable { shots, fps } = &self.pictures {
            let turntable = shots.turntable();
            options.frame_count = Some(turntable.frames);
            options.start_deg = Some(turntable.start_deg);
            options.direction = Some(turntable.direction);
            options.mode = Some(turntable.mode);
            options.fps = Some(u32::from(*fps));
        }
        options
    }
}

#[cfg(test)]
mod tests;
