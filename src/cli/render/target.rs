//! Where pictures go and in which format, decided and checked before anything is rendered.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use packshot::picture::{Encoding, FileKind, Format};
use packshot::template::OutputTemplate;
use packshot_renderer::encode::Quality;

use super::args::OutputArgs;
use super::taken::Taken;
use crate::cli::failure::Failure;
use crate::cli::files;
use crate::cli::interrupt::Interrupt;
use crate::cli::options::ExrWord;
use crate::cli::places::Places;

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

    /// Takes its files into the places of the command.
    pub(crate) fn take_places(&self, places: &mut Places) -> Result<(), Failure> {
        let more = self.more.iter().map(|(path, _)| path);
        [&self.path].into_iter().chain(more).try_for_each(|path| places.write(path, "-o"))
    }

    /// Those of its files that hold the picture as it was sampled, where others have it without its noise.
    pub(crate) fn noisy_outputs(&self, taken: &Taken) -> Vec<String> {
        let files = [(&self.path, &self.encoding)].into_iter().chain(self.more.iter().map(|(path, how)| (path, how)));
        let noisy = files.filter(|(_, encoding)| taken.is_noisy_in(encoding.format));
        noisy.map(|(path, _)| path.display().to_string()).collect()
    }

    /// Fails when pictures of this size have no place in one of the formats.
    pub(crate) fn check_size(&self, size_px: [u32; 2]) -> Result<(), Failure> {
        let more = self.more.iter().map(|(_, encoding)| encoding);
        [&self.encoding].into_iter().chain(more).try_for_each(|encoding| Ok(encoding.format.check_size(size_px)?))
    }

    /// Writes all its files, and says how many bytes the first has.
    pub(crate) fn write(&self, taken: &Taken, interrupt: &Interrupt) -> Result<usize, Failure> {
        let encoded = |encoding: Encoding| taken.of(encoding.format).encode(encoding);
        let bytes = encoded(self.encoding)?;
        files::write(&self.path, &bytes, interrupt)?;
        for (path, encoding) in &self.more {
            files::write(path, &encoded(*encoding)?, interrupt)?;
        }
        Ok(bytes.len())
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

/// The formats that each picture will have, as far as the options tell; empty when nothing is written. Nothing is looked at or made.
pub(crate) fn formats(args: &OutputArgs) -> Vec<Format> {
    let Some(output) = &args.output else { return Vec::new() };
    let of_one = |encoding: Encoding| vec![encoding.format];
    let formats = match output {
        stream if files::is_stream(stream) => named_kind(args).and_then(|kind| encoding(args, kind)).map(of_one),
        folder if is_folder(folder) => {
            outputs(args).map(|wishes| wishes.iter().map(|wish| wish.encoding.format).collect())
        }
        file => encoding_of_file(args, file).map(of_one),
    };
    // The frames of movies are lossless pictures.
    formats.unwrap_or_else(|_| vec![Format::default()])
}

/// The files of each picture in a folder, at least one: those of the template, unless an option says how files are.
fn outputs(args: &OutputArgs) -> Result<Vec<OutputTemplate>, Failure> {
    if args.of_template.is_empty() || args.format.is_some() || args.says_how() {
        let kind = named_kind(args)?;
        let extension = kind.extensions()[0].to_owned();
        return Ok(vec![OutputTemplate { extension, suffix: String::new(), encoding: encoding(args, kind)? }]);
    }
    Ok(args.of_template.clone())
}

/// How a file of this name is written: where no option says it, as the template writes files of its extension.
fn encoding_of_file(args: &OutputArgs, path: &Path) -> Result<Encoding, Failure> {
    let kind = kind_of_file(args, path)?;
    let is_like = |wish: &&OutputTemplate| kind.extensions().contains(&wish.extension.as_str());
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
fn named_kind(args: &OutputArgs) -> Result<FileKind, Failure> {
    args.format.as_deref().map_or(Ok(FileKind::Png), |name| kind(name, "--format"))
}

fn kind_of_file(args: &OutputArgs, path: &Path) -> Result<FileKind, Failure> {
    if args.format.is_some() {
        let message = "the format follows the file's extension";
        return Err(Failure::usage("conflict", message, "--format", "leave it out, or write to a folder or to `-`"));
    }
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    kind(extension.as_deref().unwrap_or(""), "-o")
}

fn kind(name: &str, at: &str) -> Result<FileKind, Failure> {
    FileKind::by_extension(name).ok_or_else(|| {
        let known = FileKind::ALL.map(|kind| kind.extensions()[0]).join(", ");
        let (message, help) = match name {
            "" => (
                "the file's name has no extension, which says the format".to_owned(),
                format!("end it in one of {known}"),
            ),
            name => (format!("`{name}` is no format of pictures"), known),
        };
        Failure::usage("invalid_value", message, at, help)
    })
}

/// The format with what the options say of it; an option that says nothing about it is a contradiction.
fn encoding(args: &OutputArgs, kind: FileKind) -> Result<Encoding, Failure> {
    let name = kind.a_file();
    // An EXR has an option of its own.
    let depths = if kind == FileKind::Exr { &[] } else { kind.bit_depths() };
    let depth = args.bit_depth.as_deref();
    let strangers = [
        ("--exr", args.exr.is_some() && kind != FileKind::Exr),
        ("--aov", !args.aov.is_empty() && kind != FileKind::Exr),
        ("--bit-depth", depth.is_some() && depths.len() < 2),
        ("--quality", args.quality.is_some() && !kind.has_quality()),
    ];
    if let Some((option, _)) = strangers.iter().find(|(_, is_strange)| *is_strange) {
        return Err(Failure::usage(
            "conflict",
            format!("`{option}` says nothing about {name}"),
            *option,
            if kind == FileKind::Exr && *option == "--bit-depth" {
                "use --exr half or --exr float"
            } else {
                "leave it out, or choose a format that has it (--format, or the file's extension)"
            },
        ));
    }
    let bits = match (kind, args.exr) {
        (FileKind::Exr, Some(ExrWord::Float)) => Some(32),
        _ => depth.and_then(|depth| depth.parse().ok()),
    };
    let Some(format) = kind.format(bits, args.quality.and_then(Quality::new)) else {
        let message = format!("{name} does not have {} bits per channel", depth.unwrap_or_default());
        let depths: Vec<String> = depths.iter().map(u8::to_string).collect();
        return Err(Failure::usage("conflict", message, "--bit-depth", depths.join(" or ")));
    };
    Ok(Encoding { format, dpi: args.dpi })
}
