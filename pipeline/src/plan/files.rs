//! The files of a plan: their formats, and how each is written.

use std::num::NonZeroU16;

use packshot_json::FaultKind;
use packshot_renderer::encode::movie::{MovieFormat, MovieSettings};
use packshot_renderer::encode::{ExrPrecision, PngDepth, Quality, WebPCompression};
use packshot_words::Word;

use super::fault::{OptionFault, Phrase, say};
use super::layers::accepted_first;
use super::option::Kind;
use super::table::{OptionId as O, Options};
use super::value::PresetName;
use super::words::FileFormat;
use super::{Base, layers};
use crate::picture::{Encoding, FileKind};
use crate::template::{OutputTemplate, Template};

/// A file of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedFile {
    /// Its format.
    pub format: FileFormat,
    /// The extension of its name, without the dot.
    pub extension: String,
    /// The text between the picture's name and the dot.
    pub suffix: String,
    /// What is in it.
    pub output: Output,
}

/// What is in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// One picture.
    Picture(Encoding),
    /// A movie of all pictures.
    Movie(MovieFormat),
    /// All pictures, each encoded like this.
    Archive(Encoding),
}

impl Output {
    /// The format of the picture file, or of the pictures in the file.
    fn picture_kind(self) -> Option<FileKind> {
        match self {
            Self::Picture(encoding) | Self::Archive(encoding) => Some(encoding.format.kind()),
            Self::Movie(MovieFormat::Apng(_)) => Some(FileKind::Png),
            Self::Movie(_) => None,
        }
    }

    /// Bits per channel to choose from; empty if there is no choice.
    fn bit_depths(self) -> &'static [u8] {
        // The option `exr` sets the precision of an EXR.
        match self.picture_kind() {
            Some(_) if matches!(self, Self::Movie(_)) => &[8, 16],
            Some(kind) if kind != FileKind::Exr && kind.bit_depths().len() > 1 => kind.bit_depths(),
            _ => &[],
        }
    }

    fn has_quality(self) -> bool {
        match self {
            Self::Picture(encoding) => encoding.format.kind().has_quality(),
            Self::Movie(MovieFormat::Apng(_)) | Self::Archive(_) => false,
            Self::Movie(MovieFormat::Mp4(_) | MovieFormat::WebP(_)) => true,
        }
    }

    fn has_dpi(self) -> bool {
        self.picture_kind().is_some()
    }

    fn is_exr(self) -> bool {
        matches!(self, Self::Picture(encoding) if encoding.format.kind() == FileKind::Exr)
    }
}

/// The files that are made.
pub(super) fn plan(
    base: &Base,
    given: &Options,
    template: Option<&Template>,
    options: &mut Options,
    faults: &mut Vec<OptionFault>,
) -> Vec<PlannedFile> {
    let outputs = template.map_or(&[][..], |template| &template.outputs);
    let named = given.formats.clone().or_else(|| match given.preset {
        Some(PresetName(preset)) => Some(vec![accepted_first(preset)]),
        None if base.kind == Kind::Turntable && !base.makes_frames => Some(vec![FileFormat::Mp4]),
        None if outputs.is_empty() => Some(vec![FileFormat::Png]),
        None => None,
    });
    let files: Vec<PlannedFile> = match named {
        Some(formats) => {
            options.formats = Some(formats.clone());
            check_formats(base, given, &formats, faults);
            formats.into_iter().map(|format| of_format(base, format, outputs, options)).collect()
        }
        None => {
            // A frame has one file, which is named after the frame's number.
            let n = if base.kind == Kind::Turntable { 1 } else { outputs.len() };
            let files: Vec<_> = outputs[..n].iter().map(|template| of_output(base, template, options)).collect();
            if can_be_named(&files) {
                options.formats = Some(files.iter().map(|file| file.format).collect());
            }
            files
        }
    };
    check_details(given, &files, faults);
    check_sizes(base, options, &files, faults);
    if !files.iter().any(|file| file.output.is_exr()) {
        options.exr = None;
    }
    // A preset's resolution is for pictures; movies have none.
    if given.dpi.is_none() && !files.iter().any(|file| file.output.has_dpi()) {
        options.dpi = None;
    }
    files
}

/// Whether a list of formats describes the files completely.
fn can_be_named(files: &[PlannedFile]) -> bool {
    let is_plain = |file: &PlannedFile| file.suffix.is_empty() && file.extension == file.format.word();
    let is_alone = |(i, file): (usize, &PlannedFile)| files[..i].iter().all(|other| other.format != file.format);
    files.iter().all(is_plain) && files.iter().enumerate().all(is_alone)
}

/// The format of the pictures in a file.
fn picture_kind(format: FileFormat) -> Option<FileKind> {
    Some(match format {
        FileFormat::Png | FileFormat::Zip => FileKind::Png,
        FileFormat::Exr => FileKind::Exr,
        FileFormat::Jpg => FileKind::Jpeg,
        FileFormat::WebP => FileKind::WebP,
        FileFormat::Avif => FileKind::Avif,
        FileFormat::Tiff => FileKind::Tiff,
        FileFormat::Mp4 | FileFormat::Apng => return None,
    })
}

/// A file with this format: options decide first, then the template's files of the same format.
fn of_format(base: &Base, format: FileFormat, outputs: &[OutputTemplate], options: &Options) -> PlannedFile {
    let quality = options.quality.and_then(|quality| Quality::new(u8::try_from(quality).ok()?));
    let is_movie = base.kind == Kind::Turntable && !base.makes_frames;
    let output = match (format, picture_kind(format)) {
        (FileFormat::WebP, _) if is_movie => {
            Output::Movie(MovieFormat::WebP(quality.map_or(WebPCompression::Lossless, WebPCompression::Lossy)))
        }
        (FileFormat::Apng, _) => {
            let depth = if options.bit_depth == Some(16) { PngDepth::Sixteen } else { PngDepth::Eight };
            Output::Movie(MovieFormat::Apng(depth))
        }
        (_, None) => Output::Movie(MovieFormat::Mp4(quality.unwrap_or(Quality::DEFAULT))),
        (_, Some(kind)) => {
            let like = outputs.iter().map(|template| template.encoding).find(|encoding| encoding.format.kind() == kind);
            let encoding = encoding(kind, like, options);
            if format == FileFormat::Zip { Output::Archive(encoding) } else { Output::Picture(encoding) }
        }
    };
    PlannedFile { format, extension: format.word().to_owned(), suffix: String::new(), output }
}

/// A file that the template describes.
fn of_output(base: &Base, template: &OutputTemplate, options: &Options) -> PlannedFile {
    let kind = template.encoding.format.kind();
    let format = FileFormat::by_word(kind.extensions()[0]).unwrap_or(FileFormat::Png);
    let suffix = if base.kind == Kind::Turntable { String::new() } else { template.suffix.clone() };
    let output = Output::Picture(encoding(kind, Some(template.encoding), options));
    PlannedFile { format, extension: template.extension.clone(), suffix, output }
}

/// How a picture is written in a format: options win over `like`.
fn encoding(kind: FileKind, like: Option<Encoding>, options: &Options) -> Encoding {
    let asked = options.bit_depth.and_then(|depth| u8::try_from(depth).ok());
    let of_like = like.map(|like| like.format.bit_depth());
    let depth = match (kind, options.exr) {
        (FileKind::Exr, Some(ExrPrecision::Half)) => Some(16),
        (FileKind::Exr, Some(ExrPrecision::Float)) => Some(32),
        (FileKind::Exr, None) => of_like,
        _ => asked.filter(|depth| kind.bit_depths().contains(depth)).or(of_like),
    };
    let quality = options.quality.and_then(|quality| Quality::new(u8::try_from(quality).ok()?));
    let quality = quality.or_else(|| like.and_then(|like| like.format.quality()));
    let dpi = options.dpi.and_then(|dpi| NonZeroU16::new(u16::try_from(dpi).ok()?)).or(like.and_then(|like| like.dpi));
    Encoding { format: kind.format(depth, quality).unwrap_or_default(), dpi }
}

/// The kinds of renders that can make a format.
fn made_of(format: FileFormat) -> &'static [Kind] {
    match format {
        FileFormat::Mp4 | FileFormat::Apng => &[Kind::Turntable],
        FileFormat::Zip => &[Kind::Views, Kind::Turntable],
        _ => &[Kind::Still, Kind::Views, Kind::Turntable],
    }
}

fn check_formats(base: &Base, given: &Options, formats: &[FileFormat], faults: &mut Vec<OptionFault>) {
    if base.makes_frames && base.kind == Kind::Turntable && formats.len() > 1 {
        let message = say!["a frame is one file, so ", O::Formats, " cannot ask for several"];
        let help = say!["give one format, and run the command again with the other one and another folder"];
        faults.push(OptionFault::conflict(O::Formats, message).at("/1".to_owned()).help(help));
    }
    for (i, &format) in formats.iter().enumerate() {
        let at = format!("/{i}");
        if !made_of(format).contains(&base.kind) {
            let message = Phrase::only_for(format!("`{format}`"), made_of(format), base.kind);
            faults.push(OptionFault::conflict(O::Formats, message).at(at));
        } else if base.makes_frames && made_of(format).len() < 3 {
            let message = format!("`{format}` is one file of all frames, but a file for each frame is asked for");
            let help = say!["choose a picture format, or write to one file in place of a folder"];
            faults.push(OptionFault::conflict(O::Formats, say![message]).at(at).help(help));
        } else if let Some(PresetName(preset)) = given.preset
            && !preset.extensions.contains(&format.word())
        {
            let message = format!("the preset {} accepts {}, not {format}", preset.name, preset.extensions.join(", "));
            faults.push(OptionFault::conflict(O::Formats, say![message]).at(at));
        }
    }
}

/// An option about files must apply to at least one of them, and a bit depth must suit every file that has a choice.
fn check_details(given: &Options, files: &[PlannedFile], faults: &mut Vec<OptionFault>) {
    let any = |has: fn(Output) -> bool| files.iter().any(|file| has(file.output));
    let aovs = given.aovs.as_ref().filter(|aovs| !aovs.is_empty());
    let details = [
        (O::Exr, given.exr.is_some(), any(Output::is_exr)),
        (O::Aovs, aovs.is_some(), any(Output::is_exr)),
        (O::BitDepth, given.bit_depth.is_some(), any(|output| !output.bit_depths().is_empty())),
        (O::Quality, given.quality.is_some(), any(Output::has_quality)),
        (O::Dpi, given.dpi.is_some(), any(Output::has_dpi)),
    ];
    let names: Vec<&str> = files.iter().map(|file| file.format.word()).collect();
    for (id, is_given, says_something) in details {
        if is_given && !says_something {
            let help = match id {
                O::BitDepth if any(Output::is_exr) => say!["use ", (O::Exr, "half"), " or float"],
                O::Exr | O::Aovs => say!["write an EXR: ", (O::Formats, "exr")],
                _ => say!["leave it out, or choose another format with ", O::Formats],
            };
            faults.push(
                OptionFault::conflict(id, say![id, format!(" does not apply to {}", names.join(", "))]).help(help),
            );
        }
    }
    if let Some(depth) = given.bit_depth {
        let lacks = |file: &&PlannedFile| {
            let depths = file.output.bit_depths();
            !depths.is_empty() && depths.iter().all(|&known| u32::from(known) != depth)
        };
        if let Some(file) = files.iter().find(lacks) {
            let depths: Vec<String> = file.output.bit_depths().iter().map(u8::to_string).collect();
            let message = format!("`{}` has {} bits per channel, not {depth}", file.format, depths.join(" or "));
            faults.push(OptionFault::conflict(O::BitDepth, say![message]));
        }
    }
}

/// Refuses sizes that no format would accept before any work is done. The size of pictures that are trimmed to the
/// product is not known yet.
fn check_sizes(base: &Base, options: &Options, files: &[PlannedFile], faults: &mut Vec<OptionFault>) {
    if options.trim == Some(true) {
        return;
    }
    let size_px = [options.width.unwrap_or(1), options.height.unwrap_or(1)];
    let fps = options.fps.and_then(|fps| u16::try_from(fps).ok()).unwrap_or(24);
    let n_frames = layers::turntable(options).frames / base.stride.max(1);
    for (i, file) in files.iter().enumerate() {
        let checked = match file.output {
            Output::Picture(encoding) | Output::Archive(encoding) => encoding.format.check_size(size_px),
            Output::Movie(movie) => {
                movie.check(&MovieSettings { size_px, fps, n_frames: n_frames.max(1) }).map_err(Into::into)
            }
        };
        for fault in checked.err().iter().flat_map(|error| &error.faults) {
            let kind = FaultKind::Named(fault.code.clone());
            let fault = OptionFault::new(O::Formats, kind, say![fault.message.clone()]).help(say![fault.help.clone()]);
            faults.push(fault.at(format!("/{i}")));
        }
    }
}
