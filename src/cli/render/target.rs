//! Where pictures go and in which format, decided and checked before anything is rendered.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use packshot::picture::{Encoding, Format, Picture};
use packshot::template::OutputTemplate;
use packshot_renderer::encode::{AvifDepth, ExrPrecision, PngDepth, Quality, TiffDepth, WebPCompression};

use super::args::OutputArgs;
use crate::cli::failure::Failure;
use crate::cli::files;
use crate::cli::interrupt::Interrupt;
use crate::cli::options::ExrWord;

/// A picture's place and format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) path: PathBuf,
    pub(crate) encoding: Encoding,
    /// More files of the same picture, as a template asks for them.
    pub(crate) more: Vec<(PathBuf, Encoding)>,
}

impl Target {
    fn new(path: PathBuf, encoding: Encoding) -> Self {
        Self { path, encoding, more: Vec::new() }
    }

    /// Its file, as results name it.
    pub(crate) fn output(&self) -> String {
        self.path.display().to_string()
    }

    /// The files beside it.
    pub(crate) fn more_outputs(&self) -> Vec<String> {
        self.more.iter().map(|(path, _)| path.display().to_string()).collect()
    }

    /// Fails when pictures of this size have no place in one of the formats.
    pub(crate) fn check_size(&self, size_px: [u32; 2]) -> Result<(), Failure> {
        let more = self.more.iter().map(|(_, encoding)| encoding);
        [&self.encoding].into_iter().chain(more).try_for_each(|encoding| Ok(encoding.format.check_size(size_px)?))
    }

    /// Writes all its files, and says how many bytes the first has.
    pub(crate) fn write(&self, picture: &Picture, interrupt: &Interrupt) -> Result<usize, Failure> {
        let bytes = picture.encode(self.encoding)?;
        files::write(&self.path, &bytes, interrupt)?;
        for (path, encoding) in &self.more {
            files::write(path, &picture.encode(*encoding)?, interrupt)?;
        }
        Ok(bytes.len())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Png,
    Exr,
    Jpeg,
    WebP,
    Avif,
    Tiff,
}

/// What a kind is called, and what may be said of it.
struct Traits {
    /// With its article.
    name: &'static str,
    /// The first is that of files in a folder.
    extensions: &'static [&'static str],
    /// Bits per channel to choose from.
    bit_depths: &'static [&'static str],
    has_quality: bool,
}

impl Kind {
    const ALL: [Self; 6] = [Self::Png, Self::Exr, Self::Jpeg, Self::WebP, Self::Avif, Self::Tiff];

    fn traits(self) -> Traits {
        let (name, extensions, bit_depths, has_quality): (_, &[_], &[_], _) = match self {
            Self::Png => ("a PNG", &["png"], &["8", "16"], false),
            Self::Exr => ("an EXR", &["exr"], &[], false),
            Self::Jpeg => ("a JPEG", &["jpg", "jpeg"], &[], true),
            Self::WebP => ("a WebP", &["webp"], &[], true),
            Self::Avif => ("an AVIF", &["avif"], &["8", "10"], true),
            Self::Tiff => ("a TIFF", &["tiff", "tif"], &["8", "16", "32"], false),
        };
        Traits { name, extensions, bit_depths, has_quality }
    }
}

/// The target of each input, named by its stem; empty when nothing is written.
pub(crate) fn targets(args: &OutputArgs, stems: &[String]) -> Result<Vec<Target>, Failure> {
    let Some(output) = &args.output else { return Ok(Vec::new()) };
    if files::is_stream(output) {
        if args.json {
            let message = "the picture and the JSON cannot both go to standard output";
            return Err(Failure::usage("conflict", message, "-o -", "write the picture to a file"));
        }
        one_input(stems, output)?;
        return Ok(vec![Target::new(output.clone(), encoding(args, named_kind(args)?)?)]);
    }
    if !is_folder(output) {
        one_input(stems, output)?;
        let target = Target::new(output.clone(), encoding_of_file(args, output)?);
        files::check_writable(output)?;
        return Ok(vec![target]);
    }
    let wishes = outputs(args)?;
    files::make_folder(output)?;
    let mut taken = HashSet::new();
    let mut file = |stem: &String, wish: &OutputTemplate| {
        let path = output.join(format!("{stem}{}.{}", wish.suffix, wish.extension));
        if !taken.insert(path.clone()) {
            let message = format!("two inputs would both be written to {}", path.display());
            return Err(Failure::usage("conflict", message, "-o", "render them into folders of their own"));
        }
        files::check_writable(&path)?;
        Ok((path, wish.encoding))
    };
    let target = |stem: &String| {
        let mut files = wishes.iter().map(|wish| file(stem, wish)).collect::<Result<Vec<_>, _>>()?;
        let (path, encoding) = files.remove(0);
        Ok(Target { path, encoding, more: files })
    };
    stems.iter().map(target).collect()
}

/// The format that pictures will have, as far as the options tell, the first where they are written in several; `None` when nothing is written.
/// Nothing is looked at or made.
pub(crate) fn format(args: &OutputArgs) -> Option<Format> {
    let output = args.output.as_ref()?;
    let encoding = match files::is_stream(output) || is_folder(output) {
        true => outputs(args).map(|wishes| wishes.first().map(|wish| wish.encoding).unwrap_or_default()),
        false => encoding_of_file(args, output),
    };
    // The frames of movies are lossless pictures.
    Some(encoding.map_or(Format::default(), |encoding| encoding.format))
}

/// The files of each picture in a folder, at least one: those of the template, unless an option says how files are.
fn outputs(args: &OutputArgs) -> Result<Vec<OutputTemplate>, Failure> {
    if args.of_template.is_empty() || args.format.is_some() || args.says_how() {
        let kind = named_kind(args)?;
        let extension = kind.traits().extensions[0].to_owned();
        return Ok(vec![OutputTemplate { extension, suffix: String::new(), encoding: encoding(args, kind)? }]);
    }
    Ok(args.of_template.clone())
}

/// How a file of this name is written: where no option says it, as the template writes files of its extension.
fn encoding_of_file(args: &OutputArgs, path: &Path) -> Result<Encoding, Failure> {
    let kind = kind_of_file(args, path)?;
    let is_like = |wish: &&OutputTemplate| kind.traits().extensions.contains(&wish.extension.as_str());
    match args.of_template.iter().find(is_like) {
        Some(wish) if !args.says_how() => Ok(wish.encoding),
        _ => encoding(args, kind),
    }
}

/// What ends in a separator, or is there already as a folder.
pub(crate) fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.as_os_str().as_encoded_bytes().last().is_some_and(|&b| std::path::is_separator(b.into()))
}

fn one_input(stems: &[String], output: &Path) -> Result<(), Failure> {
    if stems.len() == 1 {
        return Ok(());
    }
    let message = format!("{} inputs cannot all be written to {}", stems.len(), output.display());
    Err(Failure::usage("conflict", message, "-o", "give a folder: -o DIR/"))
}

/// The kind that `--format` names, PNG without it.
fn named_kind(args: &OutputArgs) -> Result<Kind, Failure> {
    args.format.as_deref().map_or(Ok(Kind::Png), |name| kind(name, "--format"))
}

fn kind_of_file(args: &OutputArgs, path: &Path) -> Result<Kind, Failure> {
    if args.format.is_some() {
        let message = "the format follows the file's extension";
        return Err(Failure::usage("conflict", message, "--format", "leave it out, or write to a folder or to `-`"));
    }
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    kind(extension.as_deref().unwrap_or(""), "-o")
}

fn kind(name: &str, at: &str) -> Result<Kind, Failure> {
    let named = Kind::ALL.into_iter().find(|kind| kind.traits().extensions.contains(&name));
    named.ok_or_else(|| {
        let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.traits().extensions[0]).collect();
        Failure::usage("invalid_value", format!("`{name}` is no format of pictures"), at, known.join(", "))
    })
}

/// The format with what the options say of it; an option that says nothing about it is a contradiction.
fn encoding(args: &OutputArgs, kind: Kind) -> Result<Encoding, Failure> {
    let Traits { name, bit_depths, has_quality, .. } = kind.traits();
    let depth = args.bit_depth.as_deref();
    let strangers = [
        ("--exr", args.exr.is_some() && kind != Kind::Exr),
        ("--aov", !args.aov.is_empty() && kind != Kind::Exr),
        ("--bit-depth", depth.is_some() && bit_depths.is_empty()),
        ("--quality", args.quality.is_some() && !has_quality),
    ];
    if let Some((option, _)) = strangers.iter().find(|(_, is_strange)| *is_strange) {
        return Err(Failure::usage(
            "conflict",
            format!("`{option}` says nothing about {name}"),
            *option,
            "leave it out",
        ));
    }
    if let Some(depth) = depth.filter(|depth| !bit_depths.contains(depth)) {
        let message = format!("{name} does not have {depth} bits per channel");
        return Err(Failure::usage("conflict", message, "--bit-depth", bit_depths.join(" or ")));
    }
    let quality = args.quality.and_then(Quality::new);
    let format = match (kind, depth) {
        (Kind::Png, Some("16")) => Format::Png(PngDepth::Sixteen),
        (Kind::Png, _) => Format::Png(PngDepth::Eight),
        (Kind::Exr, _) => Format::Exr(match args.exr {
            Some(ExrWord::Float) => ExrPrecision::Float,
            Some(ExrWord::Half) | None => ExrPrecision::Half,
        }),
        (Kind::Jpeg, _) => Format::Jpeg(quality.unwrap_or(Quality::DEFAULT)),
        (Kind::WebP, _) => Format::WebP(quality.map_or(WebPCompression::Lossless, WebPCompression::Lossy)),
        (Kind::Avif, Some("8")) => Format::Avif(quality.unwrap_or(Quality::DEFAULT), AvifDepth::Eight),
        (Kind::Avif, _) => Format::Avif(quality.unwrap_or(Quality::DEFAULT), AvifDepth::Ten),
        (Kind::Tiff, Some("16")) => Format::Tiff(TiffDepth::Sixteen),
        (Kind::Tiff, Some("32")) => Format::TiffLinear,
        (Kind::Tiff, _) => Format::Tiff(TiffDepth::Eight),
    };
    Ok(Encoding { format, dpi: args.dpi })
}
