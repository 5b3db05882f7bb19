//! Where pictures go and in which format, decided and checked before anything is rendered.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use packshot::picture::Format;
use packshot_renderer::encode::{ExrPrecision, PngDepth};

use super::args::OutputArgs;
use crate::cli::failure::Failure;
use crate::cli::files;
use crate::cli::later::not_available;
use crate::cli::options::ExrWord;

/// A picture's place and format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) path: PathBuf,
    pub(crate) format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Png,
    Exr,
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
        return Ok(vec![Target { path: output.clone(), format: format(args, named_kind(args)?)? }]);
    }
    if !is_folder(output) {
        one_input(stems, output)?;
        let target = Target { path: output.clone(), format: format(args, kind_of_file(args, output)?)? };
        files::check_writable(output)?;
        return Ok(vec![target]);
    }
    let kind = named_kind(args)?;
    let (format, extension) = (format(args, kind)?, if kind == Kind::Png { "png" } else { "exr" });
    files::make_folder(output)?;
    let mut taken = HashSet::new();
    let target = |stem: &String| {
        let path = output.join(format!("{stem}.{extension}"));
        if !taken.insert(path.clone()) {
            let message = format!("two inputs would both be written to {}", path.display());
            return Err(Failure::usage("conflict", message, "-o", "render them into folders of their own"));
        }
        files::check_writable(&path)?;
        Ok(Target { path, format })
    };
    stems.iter().map(target).collect()
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
    match name {
        "png" => Ok(Kind::Png),
        "exr" => Ok(Kind::Exr),
        "jpg" | "jpeg" | "webp" | "avif" | "tif" | "tiff" => {
            Err(not_available(&format!("the format {}", name.to_ascii_uppercase()), at, "shots"))
        }
        _ => Err(Failure::usage("invalid_value", format!("`{name}` is no format of pictures"), at, "png or exr")),
    }
}

fn format(args: &OutputArgs, kind: Kind) -> Result<Format, Failure> {
    let conflict = |option: &str, other: &str| {
        Err(Failure::usage("conflict", format!("`{option}` says nothing about {other}"), option, "leave it out"))
    };
    match kind {
        Kind::Png if args.exr.is_some() => conflict("--exr", "a PNG"),
        Kind::Png if !args.aov.is_empty() => conflict("--aov", "a PNG"),
        Kind::Exr if args.bit_depth.is_some() => conflict("--bit-depth", "an EXR"),
        Kind::Png => Ok(Format::Png(match args.bit_depth.as_deref() {
            Some("16") => PngDepth::Sixteen,
            _ => PngDepth::Eight,
        })),
        Kind::Exr => Ok(Format::Exr(match args.exr {
            Some(ExrWord::Float) => ExrPrecision::Float,
            Some(ExrWord::Half) | None => ExrPrecision::Half,
        })),
    }
}
