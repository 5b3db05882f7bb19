//! The files that a request asks for: its formats, and how each is written.

use std::num::NonZeroU16;

use packshot_pipeline::picture::{Encoding, FileKind};
use packshot_pipeline::preset::Preset;
use packshot_renderer::encode::movie::{MovieFormat, MovieSettings};
use packshot_renderer::encode::{PngDepth, Quality, WebPCompression};
use serde_json::Value;

use super::{ExrPrecision, Format, Kind, RenderRequest};
use crate::Word;
use crate::members::{Members, checked_word};
use crate::problem::Finding;

/// What a format of a request becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// A file of each picture.
    Picture(Encoding),
    /// One film of all pictures.
    Film(MovieFormat),
    /// All pictures in one file, each written like this.
    Archive(Encoding),
}

impl RenderRequest {
    /// What one of the formats becomes.
    pub fn output(&self, format: Format) -> Output {
        let quality = self.quality.and_then(Quality::new);
        let lossy = quality.unwrap_or(Quality::DEFAULT);
        let webp = quality.map_or(WebPCompression::Lossless, WebPCompression::Lossy);
        let png = if self.bit_depth == Some(16) { PngDepth::Sixteen } else { PngDepth::Eight };
        let kind = match format {
            Format::Mp4 => return Output::Film(MovieFormat::Mp4(lossy)),
            Format::WebP if self.kind == Kind::Turntable => return Output::Film(MovieFormat::WebP(webp)),
            Format::Apng => return Output::Film(MovieFormat::Apng(png)),
            Format::Png | Format::Zip => FileKind::Png,
            Format::Exr => FileKind::Exr,
            Format::Jpg => FileKind::Jpeg,
            Format::WebP => FileKind::WebP,
            Format::Avif => FileKind::Avif,
            Format::Tiff => FileKind::Tiff,
        };
        let depth = match (kind, self.exr) {
            (FileKind::Exr, ExrPrecision::Half) => Some(16),
            (FileKind::Exr, ExrPrecision::Float) => Some(32),
            // One depth is said for all formats, and some have no choice.
            _ => self.bit_depth.filter(|depth| kind.bit_depths().contains(depth)),
        };
        let format_of_file = kind.format(depth, quality).unwrap_or_default();
        let encoding = Encoding { format: format_of_file, dpi: self.dpi.and_then(NonZeroU16::new) };
        if format == Format::Zip { Output::Archive(encoding) } else { Output::Picture(encoding) }
    }
}

/// What may be said of a format.
struct Traits {
    /// Bits per channel to choose from.
    bit_depths: &'static [u8],
    has_quality: bool,
    has_dpi: bool,
    /// The kinds that it is made of.
    kinds: &'static [Kind],
}

fn traits(format: Format) -> Traits {
    const ALL: &[Kind] = &[Kind::Still, Kind::Views, Kind::Turntable];
    let (picture, kinds) = match format {
        Format::Png => (Some(FileKind::Png), ALL),
        Format::Exr => (Some(FileKind::Exr), ALL),
        Format::Jpg => (Some(FileKind::Jpeg), ALL),
        Format::WebP => (Some(FileKind::WebP), ALL),
        Format::Avif => (Some(FileKind::Avif), ALL),
        Format::Tiff => (Some(FileKind::Tiff), ALL),
        Format::Mp4 => (None, &[Kind::Turntable][..]),
        Format::Apng => (Some(FileKind::Png), &[Kind::Turntable][..]),
        Format::Zip => (Some(FileKind::Png), &[Kind::Views, Kind::Turntable][..]),
    };
    // The member `exr` says how exact an EXR is.
    let bit_depths = picture.filter(|kind| *kind != FileKind::Exr).map_or(&[][..], FileKind::bit_depths);
    Traits {
        bit_depths: if bit_depths.len() > 1 { bit_depths } else { &[] },
        has_quality: picture.is_none_or(FileKind::has_quality),
        has_dpi: picture.is_some(),
        kinds,
    }
}

/// Reads the formats and what is said of them.
pub(super) fn read(m: &mut Members<'_>, r: &mut RenderRequest) {
    let preset = r.preset.as_deref().and_then(Preset::by_name);
    r.formats = formats(m, r.kind).unwrap_or_else(|| match (preset, r.kind) {
        (Some(preset), _) => vec![accepted_first(preset)],
        (None, Kind::Still | Kind::Views) => vec![Format::Png],
        (None, Kind::Turntable) => vec![Format::Mp4],
    });
    if let Some(preset) = preset {
        only_pictures(m, r, preset);
    }
    depth(m, r);
    let has = |r: &RenderRequest, has: fn(&Traits) -> bool| r.formats.iter().any(|format| has(&traits(*format)));
    r.quality = m.nullable_count("quality", 1..=100).and_then(|quality| u8::try_from(quality).ok());
    if r.quality.is_some() && !has(r, |traits| traits.has_quality) {
        m.report(
            "quality",
            "conflicting_members",
            "it says nothing about these `formats`, but of jpg, webp, avif and mp4",
        );
    }
    r.dpi = m.nullable_count("dpi", 1..=u16::MAX.into()).and_then(|dpi| u16::try_from(dpi).ok());
    let is_film =
        |format: Format| matches!(r.output(format), Output::Film(film) if !matches!(film, MovieFormat::Apng(_)));
    if r.dpi.is_some() && !r.formats.iter().any(|&format| traits(format).has_dpi && !is_film(format)) {
        m.report(
            "dpi",
            "conflicting_members",
            "none of these `formats` has a place for it: pictures have, and films as apng",
        );
    }
    if let Some(exr) = m.word("exr") {
        r.exr = exr;
    }
    if r.exr != ExrPrecision::Half && !r.formats.contains(&Format::Exr) {
        m.report("exr", "conflicting_members", "it says nothing about these `formats`, but of exr");
    }
    sizes(m, r);
}

/// The format that a preset takes where nothing says which.
fn accepted_first(preset: &Preset) -> Format {
    preset.extensions.iter().find_map(|extension| Format::from_word(extension)).unwrap_or(Format::Png)
}

/// A preset is about pictures, and says which formats it accepts.
fn only_pictures(m: &mut Members<'_>, r: &RenderRequest, preset: &Preset) {
    for (i, format) in r.formats.iter().enumerate() {
        if preset.extensions.contains(&format.word()) {
            continue;
        }
        let detail = format!("the preset {} accepts {}", preset.name, preset.extensions.join(", "));
        let pointer = format!("{}/{i}", m.pointer("formats"));
        m.extend([Finding::new(pointer, "conflicting_members", detail)]);
    }
}

fn formats(m: &mut Members<'_>, kind: Kind) -> Option<Vec<Format>> {
    let values: &Vec<Value> = m.list("formats", 1..=16)?;
    let mut formats = Vec::with_capacity(values.len());
    for (i, value) in values.iter().enumerate() {
        let pointer = format!("{}/{i}", m.pointer("formats"));
        match checked_word::<Format>(value, &pointer) {
            Ok(format) if formats.contains(&format) => {
                m.extend([Finding::new(pointer, "duplicate", "the format is there already")]);
            }
            Ok(format) if !traits(format).kinds.contains(&kind) => {
                let kinds: Vec<String> = traits(format).kinds.iter().map(|kind| format!("`{kind}`")).collect();
                let detail = format!("`{format}` is made of {}, and not of the kind `{kind}`", kinds.join(" and "));
                m.extend([Finding::new(pointer, "conflicting_members", detail)]);
            }
            Ok(format) => formats.push(format),
            Err(finding) => m.extend([finding]),
        }
    }
    Some(formats)
}

/// `bit_depth`, which every format that lets one choose must have.
fn depth(m: &mut Members<'_>, r: &mut RenderRequest) {
    let depths = |format: &Format| traits(*format).bit_depths;
    let chosen = r.formats.iter().filter(|format| !depths(format).is_empty());
    // An AVIF has 10 bits where nothing is said.
    let default = (chosen.clone().count() > 0 && !r.formats.contains(&Format::Avif)).then_some(8);
    let asked = m.nullable_count("bit_depth", 8..=32).and_then(|depth| u8::try_from(depth).ok());
    let Some(asked) = asked else {
        r.bit_depth = default;
        return;
    };
    if ![8, 10, 16, 32].contains(&asked) {
        m.report("bit_depth", "out_of_range", "expected 8, 10, 16 or 32");
    } else if let Some(format) = chosen.clone().find(|format| !depths(format).contains(&asked)) {
        let known: Vec<String> = depths(format).iter().map(u8::to_string).collect();
        let detail = format!("`{format}` has {} bits per channel", known.join(" or "));
        m.report("bit_depth", "conflicting_members", detail);
    } else if chosen.count() == 0 && asked != 8 {
        m.report("bit_depth", "conflicting_members", "it says nothing about these `formats`");
    }
    r.bit_depth = Some(asked);
}

/// Refuses at once what no format would take after all the work.
fn sizes(m: &mut Members<'_>, r: &RenderRequest) {
    let size_px = [r.width, r.height];
    let settings = MovieSettings { size_px, fps: r.fps.unwrap_or(24), n_frames: r.n_pictures() };
    let mut findings = Vec::new();
    for (i, format) in r.formats.iter().enumerate() {
        let checked = match r.output(*format) {
            Output::Picture(encoding) | Output::Archive(encoding) => encoding.format.check_size(size_px),
            Output::Film(film) => film.check(&settings).map_err(Into::into),
        };
        if let Err(error) = checked {
            let pointer = format!("{}/{i}", m.pointer("formats"));
            findings.extend(error.faults.iter().map(|fault| {
                let detail = if fault.help.is_empty() {
                    fault.message.clone()
                } else {
                    format!("{}: {}", fault.message, fault.help)
                };
                Finding::new(pointer.clone(), fault.code.clone(), detail)
            }));
        }
    }
    m.extend(findings);
}
